//! A server like `sshd`, over `ssh_blocking`, for demonstrations and tests.
//!
//! It runs in the foreground as the user who starts it, and everything it starts runs as that user: there is no
//! switching of users. Only that user may log in, and whoever `PasswordFile` names, who then still gets the rights of the
//! user who runs the server. It listens on 127.0.0.1 unless told otherwise.
//!
//! ```text
//! ssh-keygen -t ed25519 -N "" -f host_key
//! cargo run --release --example sshd -- -p 2222 -h host_key
//! ```
//!
//! `AuthenticationMethods publickey,password` asks for both, in whatever order; blanks separate alternatives.
//! Terminals need `setsid` of util-linux: see `process.rs`.

#[path = "../common/mod.rs"]
mod common;

mod accounts;
mod client;
mod copy;
mod log;
mod options;
mod process;
mod pty;
mod session;
mod settings;
mod signals;

use std::net::{IpAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ssh_blocking::serve_connection;
use ssh_blocking::ssh_core::key::PrivateKey;
use ssh_blocking::ssh_core::{SecretBytes, ServerConfig};
use ssh_blocking::transport::FdTransport;

use accounts::{Account, Passwords};
use client::{Addresses, Client, Service};
use options::Request;
use settings::{Method, Settings};

/// Most connections served at once; more are turned away.
const MAX_CONNECTIONS: usize = 256;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::info(error);
            ExitCode::from(255)
        }
    }
}

fn run() -> Result<(), String> {
    signals::stop_ignoring();
    match options::parse(std::env::args().skip(1))? {
        Request::Help => {
            println!("{}", options::USAGE);
            Ok(())
        }
        Request::Listen(settings) => listen(&Server::new(settings)?),
        Request::Inetd(settings) => serve_stdio(&Server::new(settings)?),
    }
}

/// What every connection is served with.
struct Server {
    service: Arc<Service>,
    config: Arc<ServerConfig>,
    keys: Arc<[PrivateKey]>,
}

impl Server {
    fn new(settings: Settings) -> Result<Self, String> {
        if settings.host_keys.is_empty() {
            return Err("no host key: make one with \"ssh-keygen -t ed25519 -f FILE\" and give it with -h FILE".into());
        }
        let keys: Vec<PrivateKey> = settings.host_keys.iter().map(|path| load_key(path)).collect::<Result<_, _>>()?;
        let passwords = settings.password_file.as_deref().map(Passwords::read).transpose()?;
        let read = |path: &std::path::PathBuf| {
            std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let service = Service {
            account: Account::current()?,
            passwords: passwords.unwrap_or_default(),
            method_sets: settings.method_sets()?,
            banner: settings.banner.as_ref().map(read).transpose()?,
            settings,
        };
        let config = config(&service, &keys);
        Ok(Self { service: Arc::new(service), config: Arc::new(config), keys: keys.into() })
    }

    /// Serves one connection to its end.
    fn serve(&self, transport: FdTransport, peer: &str, addresses: Addresses) {
        log::debug(format_args!("{peer}: connected"));
        let client = Arc::new(Client::new(Arc::clone(&self.service), addresses));
        let (config, keys) = (Arc::clone(&self.config), Arc::clone(&self.keys));
        match serve_connection(transport, peer, config, keys, &client) {
            Ok(reason) => log::debug(format_args!("{peer}: over: {reason}")),
            Err(error) => log::info(format_args!("{peer}: {error}")),
        }
    }
}

fn config(service: &Service, keys: &[PrivateKey]) -> ServerConfig {
    let settings = &service.settings;
    let mut config = ServerConfig::new(keys.iter().map(|key| key.public_key().clone()).collect());
    config.algorithms = settings.algorithms.clone();
    config.rekey = settings.rekey;
    config.keepalive = settings.keepalive();
    config.max_auth_attempts = settings.max_auth_tries;
    config.limits.login_grace = settings.login_grace;
    config.limits.max_channels = settings.max_sessions;
    let mut methods: Vec<&str> = service.method_sets.iter().flatten().map(|method: &Method| method.name()).collect();
    methods.sort_unstable();
    methods.dedup();
    config.auth_methods = methods.into_iter().map(String::from).collect();
    config
}

/// Accepts connections for ever, each on a thread of its own.
fn listen(server: &Server) -> Result<(), String> {
    let settings = &server.service.settings;
    let address: IpAddr =
        settings.listen_address.trim_matches(['[', ']']).parse().map_err(|_| {
            format!("ListenAddress \"{}\" is not an IP address", settings.listen_address.escape_debug())
        })?;
    let failed = |error: std::io::Error| format!("cannot listen on {address} port {}: {error}", settings.port);
    let listener = TcpListener::bind((address, settings.port)).map_err(failed)?;
    log::info(format_args!("listening on {}", listener.local_addr().map_err(failed)?));
    let open = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, most likely: it passes when connections end.
                    log::info(format_args!("cannot accept a connection: {error}"));
                    std::thread::sleep(Duration::from_millis(100));
                    continue;
                }
            };
            if open.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
                log::info("too many connections: one is turned away");
                open.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let open = &open;
            let serve = move || {
                serve_tcp(server, stream);
                open.fetch_sub(1, Ordering::Relaxed);
            };
            if let Err(error) = std::thread::Builder::new().name("connection".into()).spawn_scoped(scope, serve) {
                log::info(format_args!("no thread for a connection: {error}"));
                open.fetch_sub(1, Ordering::Relaxed);
            }
        }
    })
}

fn serve_tcp(server: &Server, stream: TcpStream) {
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
    match FdTransport::tcp(stream) {
        Ok(transport) => server.serve(transport, &peer.to_string(), Some((peer, local))),
        Err(error) => log::info(format_args!("{peer}: {error}")),
    }
}

/// `-i`: one connection, which somebody else has accepted.
fn serve_stdio(server: &Server) -> Result<(), String> {
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    let output = std::io::stdout().as_fd().try_clone_to_owned();
    let transport = input.and_then(|input| FdTransport::new(input, output?));
    server.serve(transport.map_err(|error| format!("standard input and output: {error}"))?, "stdin", None);
    Ok(())
}

/// Reads a host key. One that others can read is nobody's any more.
fn load_key(path: &Path) -> Result<PrivateKey, String> {
    let failed = |error: &dyn std::fmt::Display| format!("host key {}: {error}", path.display());
    let mode = std::fs::metadata(path).map_err(|error| failed(&error))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(failed(&format_args!(
            "its permissions {mode:04o} are too open; make it private with \"chmod 600\""
        )));
    }
    let text = SecretBytes::new(std::fs::read(path).map_err(|error| failed(&error))?);
    PrivateKey::from_openssh(text.expose(), None).map_err(|error| failed(&error))
}
