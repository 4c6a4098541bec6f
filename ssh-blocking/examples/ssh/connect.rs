//! Reaching the server: TCP, key exchange, host key.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use ssh_blocking::transport::FdTransport;
use ssh_blocking::{Connector, HostKeyPolicy, KnownHostsPolicy, Session, Timeouts};
use ssh_core::files::known_hosts::HostKeyChanges;
use ssh_core::key::PublicKey;

use crate::shared::log;
use crate::shared::peer::{self, CONNECT_TIMEOUT};
use crate::shared::plan::Plan;
use crate::shared::settings::Settings;

/// Connects and exchanges keys. The error is a line for the user.
pub(crate) fn connect(plan: &Plan) -> Result<Session, String> {
    if plan.settings.has_proxy() {
        let session = plan.configured.connect();
        let session = session.map_err(|error| in_context(&plan.host, plan.settings.port, &error))?;
        peer::debug_agreement(session.peer_identification(), session.negotiated());
        return Ok(session);
    }
    connect_directly(&plan.settings, &plan.host)
}

fn connect_directly(settings: &Settings, host: &str) -> Result<Session, String> {
    let timeout = settings.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
    let started = Instant::now();
    let stream = connect_tcp(host, settings.port, started + timeout)?;
    let transport = FdTransport::tcp(stream).map_err(|error| error.to_string())?;
    let left = timeout.saturating_sub(started.elapsed()).max(Duration::from_millis(1));
    // A person at a prompt takes the time it takes.
    let timeouts = Timeouts { connect: Some(left), login: None, wait: None };
    let connector =
        Connector::new().config(peer::config(settings)).host_keys(HostKeys::new(settings)).timeouts(timeouts);
    let session = connector
        .connect_over(transport, host, settings.port)
        .map_err(|error| in_context(host, settings.port, &error))?;
    peer::debug_agreement(session.peer_identification(), session.negotiated());
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

/// Known hosts, with a debug line about what the server showed.
struct HostKeys {
    known: KnownHostsPolicy,
    own_order: bool,
}

impl HostKeys {
    fn new(settings: &Settings) -> Self {
        Self { known: peer::known_hosts(settings), own_order: settings.own_host_key_order }
    }
}

impl HostKeyPolicy for HostKeys {
    fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> ssh_blocking::Result<()> {
        peer::debug_host_key(key);
        self.known.check(host, port, key)
    }

    fn known_key_types(&self, host: &str, port: u16) -> Vec<String> {
        if self.own_order { Vec::new() } else { self.known.known_key_types(host, port) }
    }

    fn host_key_changes(&mut self, host: &str, port: u16, announced: &[PublicKey]) -> Option<HostKeyChanges> {
        self.known.host_key_changes(host, port, announced)
    }

    fn replace_host_keys(&mut self, host: &str, port: u16, announced: &[PublicKey], changes: &HostKeyChanges) {
        self.known.replace_host_keys(host, port, announced, changes);
    }

    fn host_keys_not_proven(&mut self, host: &str, changes: &HostKeyChanges) {
        self.known.host_keys_not_proven(host, changes);
    }
}
