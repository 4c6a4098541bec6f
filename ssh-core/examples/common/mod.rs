//! What the example programs share beside their loops: arguments, files, a clock, and the [`Job`].
#![allow(dead_code, reason = "each example uses its part")]

pub(crate) mod job;
pub(crate) mod service;

use std::error::Error;
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use ssh_core::files::known_hosts::KnownHosts;
use ssh_core::key::PrivateKey;
use ssh_core::random::OsRandom;
use ssh_core::{Timestamp, UnixTime};

pub(crate) use job::{Job, Target};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The job that the command line tells.
pub(crate) fn job_from_arguments() -> Result<Job> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, user, identity, known_hosts, command @ ..] = arguments.as_slice() else {
        return Err("usage: HOST PORT USER IDENTITY_FILE KNOWN_HOSTS_FILE COMMAND".into());
    };
    let target = Target {
        host: host.clone(),
        port: port.parse().map_err(|_| format!("{port}: not a port"))?,
        user: user.clone(),
        command: command.join(" "),
        now: UnixTime::from_secs(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs()),
    };
    let known_hosts = KnownHosts::parse(&read_file(known_hosts)?);
    Ok(Job::new(target, read_key(identity)?, known_hosts, Box::new(OsRandom)))
}

/// An unencrypted private key in OpenSSH's format.
pub(crate) fn read_key(path: &str) -> Result<PrivateKey> {
    PrivateKey::read(&read_file(path)?, None).map_err(|error| format!("{path}: {error}").into())
}

pub(crate) fn read_file(path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| format!("{path}: {error}").into())
}

/// A connected socket. Names are resolved and connections made before the loop begins: both may take their time.
pub(crate) fn connect(job: &Job) -> Result<TcpStream> {
    let Target { host, port, .. } = job.target();
    let socket = TcpStream::connect((host.as_str(), *port)).map_err(|error| format!("{host} port {port}: {error}"))?;
    // Packets are made to be sent at once.
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// The exit status of the program: that of the command, or 255 and one line that says why.
pub(crate) fn exit(name: &str, result: Result<u8>) -> ExitCode {
    match result {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::from(255)
        }
    }
}

/// The time as `ssh-core` wants it, from a clock that never goes back.
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::ZERO.saturating_add(self.0.elapsed())
    }

    /// How long to sleep at most; `None`: until something else happens.
    pub(crate) fn until(&self, deadline: Option<Timestamp>) -> Option<Duration> {
        deadline.map(|deadline| deadline.saturating_since(self.now()))
    }
}
