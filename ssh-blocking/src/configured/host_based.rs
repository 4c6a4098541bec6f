//! This host vouches for its user (`HostbasedAuthentication`).

use std::net::IpAddr;
use std::path::PathBuf;

use ssh_core::SecretBytes;
use ssh_core::files::ssh_config::Resolved;
use ssh_core::key::PrivateKey;
use ssh_core::login::{VouchingHost, configured};

use crate::error::Result;

/// Where a host has its keys.
pub(super) fn usual_files() -> Vec<PathBuf> {
    ["ecdsa", "ed25519", "rsa"].map(|kind| PathBuf::from(format!("/etc/ssh/ssh_host_{kind}_key"))).into()
}

/// This host, if it is to vouch and the user may read a key of it: `EnableSSHKeysign` must be said, as with the program that
/// signs for `ssh`. Other files hold nothing for this user.
pub(super) fn host(
    resolved: &Resolved,
    files: &[PathBuf],
    local_address: Option<IpAddr>,
) -> Result<Option<VouchingHost>> {
    if !resolved.login.host_based.value || !resolved.login.enable_ssh_keysign.value {
        return Ok(None);
    }
    let algorithms = configured::host_based_algorithms(resolved)?;
    let rank = |key: &PrivateKey| {
        let key_type = key.public_key().key_type();
        algorithms.iter().position(|algorithm| algorithm.key_type() == key_type)
    };
    let keys = files.iter().filter_map(|path| std::fs::read(path).ok());
    let keys = keys.filter_map(|text| PrivateKey::read(SecretBytes::new(text).expose(), None).ok());
    let mut keys: Vec<PrivateKey> = keys.filter(|key| rank(key).is_some()).collect();
    keys.sort_by_key(|key| rank(key));
    if keys.is_empty() {
        return Ok(None);
    }
    let user_name = resolved.expand("%u").map_err(super::unexpanded)?;
    // OpenSSH's servers expect the dot.
    let host_name = format!("{}.", local_name(local_address));
    Ok(Some(VouchingHost { host_name, user_name, keys }))
}

/// The name that the server finds if it asks who we are, or what this machine calls itself.
fn local_name(address: Option<IpAddr>) -> String {
    let by_address = address.and_then(|address| dns_lookup::lookup_addr(&address.to_canonical()).ok());
    by_address.unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned())
}
