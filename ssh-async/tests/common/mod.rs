//! A client and a server of ours in one process, over memory.
#![allow(dead_code, unreachable_pub, reason = "shared by several tests")]

pub mod pipe;
mod sync {
    pub(super) use std::sync::Mutex;
}

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use ssh_async::ssh_core::key::{KeyAlgorithm, PrivateKey, PublicKey};
use ssh_async::ssh_core::random::{ChaChaRandom, OsRandom};
use ssh_async::ssh_core::wire::DataStream;
use ssh_async::ssh_core::{
    AuthAnswer, AuthRequest, ChannelRequest, Credential, Identity, Prompt, ServerConfig, ServerRole, Signal, Untrusted,
};
use ssh_async::{Channel, Connection, Handler, Timer, serve_connection};

pub fn host_key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom).expect("randomness")
}

/// A server's configuration and keys.
pub fn server() -> (Arc<ServerConfig>, Arc<[PrivateKey]>, PublicKey) {
    let key = host_key();
    let public = key.public_key().clone();
    let mut config = ServerConfig::new(vec![public.clone()]);
    config.auth_methods.push("keyboard-interactive".into());
    (Arc::new(config), Arc::from([key]), public)
}

/// A server that knows one password, one answer, and these commands: `echo TEXT`, `cat`, `fail N`, `signal NAME`,
/// `zeros N`, `hang`, `stderr TEXT`, `far` (another server). It counts its sessions.
#[derive(Clone, Default)]
pub struct TestServer {
    pub sessions: Arc<AtomicUsize>,
}

/// The host key of the server behind the command `far`.
pub fn far_key() -> PublicKey {
    far_private_key().public_key().clone()
}

fn far_private_key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::Ed25519, &mut ChaChaRandom::from_seed(&[9; 32])).expect("no randomness needed")
}

/// A server behind a channel: all that [`TestServer`] is, but for another such server.
struct FarServer;

impl Handler for FarServer {
    async fn authenticate(&self, connection: &Connection, request: &AuthRequest) -> AuthAnswer {
        TestServer::default().authenticate(connection, request).await
    }

    async fn session(&self, _: &Connection, _: Arc<Identity>, channel: Channel<ServerRole>) {
        if let Some(command) = command(&channel).await {
            let _ = run(channel, &command).await;
        }
    }
}

/// One that is counted.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Handler for TestServer {
    async fn authenticate(&self, _: &Connection, request: &AuthRequest) -> AuthAnswer {
        match &request.credential {
            Credential::Password(password) if password.constant_time_eq(b"secret") => AuthAnswer::Accept,
            Credential::KeyboardInteractive { .. } => AuthAnswer::Prompts {
                name: String::new(),
                instruction: String::new(),
                prompts: vec![Prompt { prompt: "Colour: ".into(), echo: true }],
            },
            Credential::Responses(answers) => match answers.as_slice() {
                [only] if only.constant_time_eq(b"blue") => AuthAnswer::Accept,
                _ => AuthAnswer::Reject,
            },
            _ => AuthAnswer::Reject,
        }
    }

    async fn session(&self, _: &Connection, _: Arc<Identity>, channel: Channel<ServerRole>) {
        self.sessions.fetch_add(1, Ordering::SeqCst);
        let _counted = Counted(Arc::clone(&self.sessions));
        match command(&channel).await.as_deref() {
            Some("far") => {
                let key = far_private_key();
                let config = Arc::new(ServerConfig::new(vec![key.public_key().clone()]));
                let stream = channel.into_stream();
                let _ = serve_connection(stream, Box::pin(pipe::Never), "far", config, &[key], &FarServer).await;
            }
            // The client may be gone before the command ends.
            Some(command) => drop(run(channel, command).await),
            None => {}
        }
    }
}

/// The command that is asked for; every other request is refused.
async fn command(channel: &Channel<ServerRole>) -> Option<String> {
    while let Ok(Some(incoming)) = channel.next_request().await {
        let command = match incoming.request {
            ChannelRequest::Exec { command } => Some(String::from_utf8_lossy(&command).into_owned()),
            _ => None,
        };
        if let Some(token) = incoming.reply {
            channel.reply(token, command.is_some());
        }
        if command.is_some() {
            return command;
        }
    }
    None
}

async fn run(channel: Channel<ServerRole>, command: &str) -> ssh_async::Result<()> {
    let (name, argument) = command.split_once(' ').unwrap_or((command, ""));
    let (mut stdin, mut stdout) = (channel.reader(DataStream::STDOUT), channel.writer(DataStream::STDOUT));
    let mut status = 0;
    match name {
        "echo" => stdout.write_all(argument.as_bytes()).await?,
        "stderr" => channel.writer(DataStream::STDERR).write_all(argument.as_bytes()).await?,
        "cat" => {
            let mut buffer = [0; 7000];
            loop {
                match stdin.read(&mut buffer).await? {
                    0 => break,
                    n => stdout.write_all(&buffer[..n]).await?,
                }
            }
        }
        "zeros" => {
            let zeros = vec![0; argument.parse().unwrap_or(0)];
            stdout.write_all(&zeros).await?;
        }
        "fail" => status = argument.parse().unwrap_or(1),
        "signal" => {
            let signal = Signal::new(argument).expect("a test names a signal");
            let message = Untrusted::default();
            channel.request(&ChannelRequest::ExitSignal { signal, core_dumped: false, message }, false).await?;
            channel.close();
            return Ok(());
        }
        // Until the client goes.
        "hang" => while stdin.read(&mut [0; 100]).await? > 0 {},
        _ => status = 127,
    }
    channel.request(&ChannelRequest::ExitStatus(status), false).await?;
    channel.send_eof();
    channel.close();
    Ok(())
}
