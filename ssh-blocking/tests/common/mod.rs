//! A client and a server of ours in one process, over memory.
#![allow(dead_code, unreachable_pub, reason = "shared by several tests")]

pub mod memory;
mod sync {
    pub(super) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
}

use std::io::{Read, Write};
use std::sync::Arc;
use std::thread::JoinHandle;

use ssh_blocking::ssh_core::key::{KeyAlgorithm, PrivateKey, PublicKey};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_blocking::ssh_core::{
    AuthAnswer, AuthRequest, ChannelRequest, ClientConfig, CloseReason, Credential, Identity, ServerConfig, ServerRole,
    Signal, Untrusted,
};
use ssh_blocking::transport::{self, Transport};
use ssh_blocking::{Channel, Connection, Connector, Handler, Session, Timeouts, serve_connection};

use memory::{MemoryTransport, memory_pair};

/// Small enough that everything of any size has to wait for room.
pub const CAPACITY: usize = 10_000;

pub fn host_key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom).expect("randomness")
}

/// A server that knows one password and these commands: `echo TEXT`, `cat`, `fail N`, `signal NAME`, `zeros N`,
/// `hang`, `stderr TEXT`.
pub struct TestServer;

impl Handler for TestServer {
    fn authenticate(&self, _: &Connection, request: &AuthRequest) -> AuthAnswer {
        match &request.credential {
            Credential::Password(password) if password.constant_time_eq(b"secret") => AuthAnswer::Accept,
            _ => AuthAnswer::Reject,
        }
    }

    fn session(&self, _: &Connection, _: &Identity, channel: Channel<ServerRole>) {
        while let Ok(Some(incoming)) = channel.next_request() {
            let command = match &incoming.request {
                ChannelRequest::Exec { command } => Some(String::from_utf8_lossy(command).into_owned()),
                _ => None,
            };
            if let Some(token) = incoming.reply {
                channel.reply(token, command.is_some());
            }
            if let Some(command) = command {
                // The client may be gone before the command ends.
                let _ = run(channel, &command);
                return;
            }
        }
    }
}

fn run(mut channel: Channel<ServerRole>, command: &str) -> ssh_blocking::Result<()> {
    let (name, argument) = command.split_once(' ').unwrap_or((command, ""));
    let mut status = 0;
    match name {
        "echo" => channel.write_all(argument.as_bytes())?,
        "stderr" => channel.stderr_writer().write_all(argument.as_bytes())?,
        "cat" => {
            let mut buffer = [0; 7000];
            loop {
                match channel.read(&mut buffer)? {
                    0 => break,
                    n => channel.write_all(&buffer[..n])?,
                }
            }
        }
        "zeros" => {
            let zeros = vec![0; argument.parse().unwrap_or(0)];
            channel.write_all(&zeros)?;
        }
        "fail" => status = argument.parse().unwrap_or(1),
        "signal" => {
            let signal = Signal::new(argument).expect("a test names a signal");
            let message = Untrusted::default();
            channel.request(&ChannelRequest::ExitSignal { signal, core_dumped: false, message }, false)?;
            channel.close();
            return Ok(());
        }
        // Until the client goes.
        "hang" => while channel.read(&mut [0; 100])? > 0 {},
        _ => status = 127,
    }
    channel.request(&ChannelRequest::ExitStatus(status), false)?;
    channel.send_eof()?;
    channel.close();
    Ok(())
}

/// Both ends, to be changed before they meet.
pub struct Setup {
    pub client: ClientConfig,
    pub server: ServerConfig,
    pub timeouts: Timeouts,
    key: PrivateKey,
}

pub type Served = JoinHandle<ssh_blocking::Result<CloseReason>>;

impl Setup {
    pub fn new() -> Self {
        let key = host_key();
        let server = ServerConfig::new(vec![key.public_key().clone()]);
        Self { client: ClientConfig::default(), server, timeouts: Timeouts::default(), key }
    }

    pub fn host_key(&self) -> PublicKey {
        self.key.public_key().clone()
    }

    /// Connects over memory; the client's end may be wrapped.
    pub fn connect<T: Transport + 'static>(
        self,
        wrap: impl FnOnce(MemoryTransport) -> T,
    ) -> (ssh_blocking::Result<Session>, Served) {
        let (ours, theirs) = memory_pair(CAPACITY);
        let known = self.host_key();
        let (config, keys) = (Arc::new(self.server), Arc::from([self.key]));
        let served =
            std::thread::spawn(move || serve_connection(theirs, "memory", config, keys, &Arc::new(TestServer)));
        let connector = Connector::new().config(self.client).host_keys(known).timeouts(self.timeouts);
        (connector.connect_over(wrap(ours), "test", 22), served)
    }
}

/// A session that is logged in.
pub fn session() -> (Session, Served) {
    let (session, served) = Setup::new().connect(|end| end);
    let session = session.expect("the ends know each other");
    session.login("user", "secret").expect("it is the password");
    (session, served)
}
