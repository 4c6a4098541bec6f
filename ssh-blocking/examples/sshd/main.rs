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

mod client;
mod copy;
mod session;
mod shared;

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ssh_blocking::serve_connection;
use ssh_blocking::transport::FdTransport;
use ssh_core::ServerConfig;
use ssh_core::admission::AdmissionPolicy;
use ssh_core::key::PrivateKey;

use client::Client;
use shared::options::{self, Request};
use shared::preparation::Addresses;
use shared::service::Service;
use shared::settings::Settings;
use shared::{log, signals};

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
        if settings.admission != AdmissionPolicy::default() {
            return Err("MaxStartups and PerSourcePenalties are for sshd_async".into());
        }
        let (service, keys) = Service::new(settings)?;
        let config = service.config(&keys);
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

/// Accepts connections for ever, each on a thread of its own.
fn listen(server: &Server) -> Result<(), String> {
    let settings = &server.service.settings;
    let address = settings.listen_address()?;
    let failed = |error: std::io::Error| format!("cannot listen on {address}: {error}");
    let listener = TcpListener::bind(address).map_err(failed)?;
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
