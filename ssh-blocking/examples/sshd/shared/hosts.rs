//! Hosts that vouch for their users (`HostbasedAuthentication`).

use std::net::{IpAddr, ToSocketAddrs};
use std::path::PathBuf;

use ssh_core::files::known_hosts::{HostKeyVerdict, KnownHosts};
use ssh_core::key::PublicKey;

use super::accounts::{now, read};
use super::log;

/// Whom to believe.
#[derive(Debug)]
pub(crate) struct Hosts {
    /// The hosts and their keys. It is read whenever one vouches, so that changes count at once.
    pub(crate) known: PathBuf,
    /// A host is who it says it is, wherever it connects from (`HostbasedUsesNameFromPacketOnly`).
    pub(crate) by_name_only: bool,
}

impl Hosts {
    /// Whether `host`, which is reached from `source` and has shown that it has `key`, is one of them.
    pub(crate) fn believes(&self, host: &str, key: &PublicKey, source: Option<IpAddr>) -> bool {
        // OpenSSH's clients put it there.
        let host = host.strip_suffix('.').unwrap_or(host);
        if !self.by_name_only && !is_address_of(host, source) {
            log::info(format_args!("{} is not the name of the host that says so", host.escape_debug()));
            return false;
        }
        let Some(text) = read(&self.known) else { return false };
        matches!(KnownHosts::parse(&text).lookup(host, 22, key, now()), HostKeyVerdict::Trusted { .. })
    }
}

/// Whether the name leads to where the connection comes from. The other way round, whoever has the address could choose any
/// name.
fn is_address_of(host: &str, source: Option<IpAddr>) -> bool {
    let Some(source) = source.map(|source| source.to_canonical()) else { return false };
    let addresses = (host, 0).to_socket_addrs();
    addresses.is_ok_and(|mut all| all.any(|address| address.ip().to_canonical() == source))
}
