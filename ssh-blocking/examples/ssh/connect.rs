//! Reaching the server: TCP, key exchange, host key.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use ssh_blocking::ssh_core::crypto::mac::Mac;
use ssh_blocking::ssh_core::key::{FingerprintHash, PublicKey};
use ssh_blocking::ssh_core::{ClientConfig, Negotiated};
use ssh_blocking::transport::FdTransport;
use ssh_blocking::{Connector, HostKeyPolicy, KnownHostsPolicy, Session, StrictHostKeyChecking, Timeouts};

use crate::log;
use crate::prompt;
use crate::settings::Settings;

/// How long a host has to answer if `ConnectTimeout` does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a login may take; the server has its own, shorter, opinion about it.
const LOGIN_GRACE: Duration = Duration::from_secs(60 * 60);

/// Connects and exchanges keys. The error is a line for the user.
pub(crate) fn connect(settings: &Settings, host: &str) -> Result<Session, String> {
    let timeout = settings.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
    let started = Instant::now();
    let stream = connect_tcp(host, settings.port, started + timeout)?;
    let transport = FdTransport::tcp(stream).map_err(|error| error.to_string())?;
    let left = timeout.saturating_sub(started.elapsed()).max(Duration::from_millis(1));
    // A person at a prompt takes the time it takes.
    let timeouts = Timeouts { connect: Some(left), login: None, wait: None };
    let connector = Connector::new().config(config(settings)).host_keys(HostKeys::new(settings)).timeouts(timeouts);
    let session = connector
        .connect_over(transport, host, settings.port)
        .map_err(|error| in_context(host, settings.port, &error))?;
    log::debug(format_args!("our identification: {}", ClientConfig::default().identification));
    if let Some(identification) = session.peer_identification() {
        log::debug(format_args!("the server's identification: {identification}"));
    }
    if let Some(negotiated) = session.negotiated() {
        debug_negotiated(&negotiated);
    }
    Ok(session)
}

/// An error with the host it is about.
pub(crate) fn in_context(host: &str, port: u16, error: &ssh_blocking::Error) -> String {
    match error {
        // They name the host themselves.
        ssh_blocking::Error::HostKey(_) | ssh_blocking::Error::File { .. } => error.to_string(),
        _ => format!("{host} port {port}: {error}"),
    }
}

fn config(settings: &Settings) -> ClientConfig {
    let mut config = ClientConfig::default();
    config.algorithms = settings.algorithms.clone();
    config.rekey = settings.rekey;
    config.keepalive = settings.keepalive();
    config.limits.login_grace = LOGIN_GRACE;
    config
}

/// Tries every address of the host.
fn connect_tcp(host: &str, port: u16, deadline: Instant) -> Result<TcpStream, String> {
    let addresses = (host, port)
        .to_socket_addrs()
        .map_err(|error| format!("the host name \"{}\" cannot be resolved: {error}", host.escape_debug()))?;
    let mut last = format!("the host name \"{}\" has no address", host.escape_debug());
    for address in addresses {
        log::debug(format_args!("connecting to {address}"));
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                log::debug(format_args!("connected to {address}"));
                return Ok(stream);
            }
            Err(error) => {
                log::debug(format_args!("{address}: {error}"));
                last = format!("cannot connect to {host} port {port}: {error}");
            }
        }
    }
    Err(last)
}

fn debug_negotiated(negotiated: &Negotiated) {
    log::debug(format_args!("key exchange: {}", negotiated.kex.name()));
    log::debug(format_args!("host key algorithm: {}", negotiated.host_key.name()));
    let mac = |mac: Option<&'static dyn Mac>| mac.map_or("part of the cipher", |mac| mac.name());
    for (direction, cipher, mac) in [
        ("to the server", negotiated.cipher_client_to_server, mac(negotiated.mac_client_to_server)),
        ("from the server", negotiated.cipher_server_to_client, mac(negotiated.mac_server_to_client)),
    ] {
        log::debug(format_args!("{direction}: cipher {}, MAC {mac}, compression none", cipher.name()));
    }
    log::debug(format_args!("strict key exchange: {}", if negotiated.strict_kex { "yes" } else { "no" }));
}

/// Known hosts, with a debug line about what the server showed.
struct HostKeys {
    known: KnownHostsPolicy,
    own_order: bool,
}

impl HostKeys {
    fn new(settings: &Settings) -> Self {
        let files = settings.user_known_hosts.iter().chain(&settings.global_known_hosts).cloned().collect();
        let mode = match settings.strict_host_keys {
            // There is nobody to ask.
            StrictHostKeyChecking::Ask if settings.batch => StrictHostKeyChecking::Yes,
            mode => mode,
        };
        let known = KnownHostsPolicy::new(files)
            .mode(mode)
            .hash_names(settings.hash_known_hosts)
            .ask(prompt::yes_or_no)
            .warn(|text| log::info(text));
        Self { known, own_order: settings.own_host_key_order }
    }
}

impl HostKeyPolicy for HostKeys {
    fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> ssh_blocking::Result<()> {
        log::debug(format_args!("server host key: {} {}", key.key_type(), key.fingerprint(FingerprintHash::Sha256)));
        self.known.check(host, port, key)
    }

    fn known_key_types(&self, host: &str, port: u16) -> Vec<String> {
        if self.own_order { Vec::new() } else { self.known.known_key_types(host, port) }
    }
}
