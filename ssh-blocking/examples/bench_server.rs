//! A benchmark server: `bench_server --port P --hostkey FILE --authorized-keys FILE [--cipher C]`.
//!
//! It lets the keys of the file in, whatever the user's name, and answers four commands in process: `true`, `cat`,
//! `cat >/dev/null`, `head -c N /dev/zero`.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use ssh_blocking::ssh_core::admission::AdmissionPolicy;
use ssh_blocking::ssh_core::crypto::Algorithms;
use ssh_blocking::ssh_core::files::algorithm_list;
use ssh_blocking::ssh_core::files::authorized_keys::AuthorizedKeys;
use ssh_blocking::ssh_core::key::PrivateKey;
use ssh_blocking::ssh_core::{
    AuthAnswer, AuthRequest, ChannelRequest, Credential, Identity, KeyOffer, ServerConfig, ServerRole,
};
use ssh_blocking::{Channel, Connection, Handler, Listener};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let (mut port, mut host_key, mut authorized) = (0, None, Vec::new());
    let mut config = ServerConfig::new(Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--port" => port = value.parse()?,
            "--hostkey" => host_key = Some(PrivateKey::read(&std::fs::read(&value)?, None)?),
            "--authorized-keys" => authorized = std::fs::read(&value)?,
            "--cipher" => {
                let known = Algorithms::default().ciphers;
                config.algorithms.ciphers = algorithm_list::apply(&value, &known, &known)?;
            }
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    let host_key = host_key.ok_or("--hostkey is missing")?;
    let mut policy = AdmissionPolicy::default();
    policy.max_connections = 5000;
    policy.startups.full = 5000;
    policy.startups.start = 5000;
    policy.penalties = None;
    let listener = Listener::with_config(("127.0.0.1", port), config, vec![host_key])?.admission(policy);
    listener.serve(&Arc::new(Commands { authorized: AuthorizedKeys::parse(&authorized) }));
    Ok(())
}

struct Commands {
    authorized: AuthorizedKeys,
}

impl Handler for Commands {
    fn key_offer(&self, _: &Connection, offer: &KeyOffer) -> bool {
        self.authorized.find(&offer.key).is_some()
    }

    fn authenticate(&self, _: &Connection, request: &AuthRequest) -> AuthAnswer {
        match &request.credential {
            Credential::PublicKey { key, .. } if self.authorized.find(key).is_some() => AuthAnswer::Accept,
            _ => AuthAnswer::Reject,
        }
    }

    fn session(&self, _: &Connection, _: &Identity, channel: Channel<ServerRole>) {
        while let Ok(Some(incoming)) = channel.next_request() {
            let command = match incoming.request {
                ChannelRequest::Exec { command } => Some(command),
                _ => None,
            };
            if let Some(token) = incoming.reply {
                channel.reply(token, command.is_some());
            }
            if let Some(command) = command {
                // A client that went away is no news.
                let _ = serve_command(channel, &String::from_utf8_lossy(&command));
                return;
            }
        }
    }
}

fn serve_command(mut channel: Channel<ServerRole>, command: &str) -> Result<(), Failure> {
    let count = command.strip_prefix("head -c ").and_then(|rest| rest.split(' ').next()?.parse().ok());
    let mut buffer = vec![0; 256 * 1024];
    let mut status = 0;
    match (command, count) {
        ("true", _) => {}
        ("cat", _) => loop {
            let n = channel.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            channel.write_all(&buffer[..n])?;
        },
        (_, Some(count)) => {
            let mut left: u64 = count;
            while left > 0 {
                let now = left.min(buffer.len() as u64);
                channel.write_all(&buffer[..usize::try_from(now)?])?;
                left -= now;
            }
        }
        _ if command.starts_with("cat >") => while channel.read(&mut buffer)? > 0 {},
        _ => status = 127,
    }
    channel.request(&ChannelRequest::ExitStatus(status), false)?;
    channel.send_eof()?;
    channel.close();
    Ok(())
}
