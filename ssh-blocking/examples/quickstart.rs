//! A server, a login with a key and a command, all in one process, with nothing to install or configure.
//!
//! `cargo run --release -p ssh-blocking --example quickstart -- 'echo hello; echo oops >&2; exit 7'`
//!
//! The command's output goes to standard output and error, a summary to standard error, and the exit status is the
//! command's.

use std::io::{Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ssh_blocking::ssh_core::key::{FingerprintHash, KeyAlgorithm, PrivateKey, PublicKey};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_blocking::ssh_core::{
    AuthAnswer, AuthRequest, ChannelRequest, ClientRole, Credential, Identity, KeyOffer, ServerRole,
};
use ssh_blocking::{Channel, Connection, Connector, Handler, Listener, Session};

fn main() -> ExitCode {
    let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let command = if command.is_empty() { "echo hello".to_owned() } else { command };
    match run(&command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::from(255)
        }
    }
}

fn run(command: &str) -> Result<u8, Box<dyn std::error::Error>> {
    let mut clock = Stopwatch::new();
    let host_key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom)?;
    let user_key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom)?;
    let host_public = host_key.public_key().clone();
    clock.lap("two new keys");

    let listener = Listener::bind("127.0.0.1:0", vec![host_key])?;
    let port = listener.local_addr()?.port();
    let handler = Arc::new(OneUser { key: user_key.public_key().clone() });
    std::thread::spawn(move || listener.serve(&handler));
    clock.lap("a listening server");

    let session = Connector::new().host_keys(host_public.clone()).connect("127.0.0.1", port)?;
    clock.lap("connected, keys exchanged, host verified");
    session.login("quickstart", user_key)?;
    clock.lap("logged in");

    let channel = session.exec(command)?;
    channel.send_eof()?;
    let code = copy_output(channel)?;
    clock.lap("command run");
    summary(&session, &host_public, port, code, &clock);
    session.disconnect();
    Ok(code)
}

/// Both streams to our own, each on its thread, so that neither waits for the other.
fn copy_output(channel: Channel<ClientRole>) -> Result<u8, Box<dyn std::error::Error>> {
    let (_, mut stdout, mut stderr) = channel.split();
    std::thread::scope(|scope| {
        let errors = scope.spawn(move || copy(&mut stderr, &mut std::io::stderr()));
        copy(&mut stdout, &mut std::io::stdout())?;
        errors.join().unwrap_or(Ok(()))
    })?;
    Ok(channel.wait()?.code())
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> std::io::Result<()> {
    std::io::copy(from, to)?;
    to.flush()
}

fn summary(session: &Session, host_key: &PublicKey, port: u16, code: u8, clock: &Stopwatch) {
    eprintln!();
    eprintln!("  server        127.0.0.1:{port}, {}", host_key.fingerprint(FingerprintHash::Sha256));
    if let Some(agreed) = session.negotiated() {
        let mac = agreed.mac_client_to_server.map_or("built into the cipher", |mac| mac.name());
        let strict = if agreed.strict_kex { "strict" } else { "not strict" };
        eprintln!("  key exchange  {} ({strict})", agreed.kex.name());
        eprintln!("  host key      {}", agreed.host_key.name());
        eprintln!("  cipher        {}, MAC {mac}", agreed.cipher_client_to_server.name());
    }
    eprintln!("  exit status   {code}");
    for (what, took) in &clock.laps {
        eprintln!("  {:>9.3} ms  {what}", took.as_secs_f64() * 1e3);
    }
}

/// How long each step took.
struct Stopwatch {
    last: Instant,
    laps: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    fn new() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }

    fn lap(&mut self, what: &'static str) {
        self.laps.push((what, self.last.elapsed()));
        self.last = Instant::now();
    }
}

/// Lets one key in and runs its commands with `sh`.
struct OneUser {
    key: PublicKey,
}

impl Handler for OneUser {
    fn key_offer(&self, _: &Connection, offer: &KeyOffer) -> bool {
        offer.key == self.key
    }

    fn authenticate(&self, _: &Connection, request: &AuthRequest) -> AuthAnswer {
        match &request.credential {
            Credential::PublicKey { key, .. } if *key == self.key => AuthAnswer::Accept,
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
                if let Err(error) = run_command(&channel, &command) {
                    let _ = writeln!(channel.stderr_writer(), "quickstart: {error}");
                }
                return;
            }
        }
    }
}

fn run_command(channel: &Channel<ServerRole>, command: &[u8]) -> std::io::Result<()> {
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut child = Command::new(shell)
        .arg(option)
        .arg(String::from_utf8_lossy(command).as_ref())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (mut to_stdout, _, _) = channel.split();
    let mut to_stderr = channel.stderr_writer();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        scope.spawn(move || stderr.map(|mut from| copy(&mut from, &mut to_stderr)));
        scope.spawn(move || stdout.map(|mut from| copy(&mut from, &mut to_stdout)));
    });
    let status = child.wait()?.code().and_then(|code| u32::try_from(code).ok()).unwrap_or(255);
    channel.request(&ChannelRequest::ExitStatus(status), false)?;
    channel.send_eof()?;
    channel.close();
    Ok(())
}
