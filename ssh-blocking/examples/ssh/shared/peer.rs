//! The server: what the connection to it is made with, whom it must be, and what is told about it.

use std::time::Duration;

use ssh_blocking::KnownHostsPolicy;
use ssh_core::crypto::mac::Mac;
use ssh_core::key::{FingerprintHash, PublicKey};
use ssh_core::{ClientConfig, Negotiated, Untrusted};

use super::settings::Settings;
use super::{log, prompt};

/// How long a host has to answer if `ConnectTimeout` does not say.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a login may take; the server has its own, shorter, opinion about it.
const LOGIN_GRACE: Duration = Duration::from_secs(60 * 60);

/// The configuration that the settings ask for.
pub(crate) fn config(settings: &Settings) -> ClientConfig {
    let mut config = settings.config.clone();
    config.limits.login_grace = LOGIN_GRACE;
    config
}

/// Whom to trust.
pub(crate) fn known_hosts(settings: &Settings) -> KnownHostsPolicy {
    KnownHostsPolicy::new(settings.user_known_hosts.clone())
        .system_files(settings.global_known_hosts.clone())
        .mode(settings.strict_host_keys)
        .hash_names(settings.hash_known_hosts)
        .update_host_keys(settings.update_host_keys)
        .ask(prompt::yes_or_no)
        .warn(|text| log::info(text))
}

/// A line about the key that the server has shown.
pub(crate) fn debug_host_key(key: &PublicKey) {
    log::debug(format_args!("server host key: {} {}", key.key_type(), key.fingerprint(FingerprintHash::Sha256)));
}

/// Lines about what was agreed on.
pub(crate) fn debug_agreement(identification: Option<Untrusted>, negotiated: Option<Negotiated>) {
    log::debug(format_args!("our identification: {}", ClientConfig::default().identification));
    if let Some(identification) = identification {
        log::debug(format_args!("the server's identification: {identification}"));
    }
    let Some(negotiated) = negotiated else { return };
    log::debug(format_args!("key exchange: {}", negotiated.kex.name()));
    log::debug(format_args!("host key algorithm: {}", negotiated.host_key.name()));
    let mac = |mac: Option<&'static dyn Mac>| mac.map_or("part of the cipher", |mac| mac.name());
    for (direction, cipher, mac, compression) in [
        (
            "to the server",
            negotiated.cipher_client_to_server,
            mac(negotiated.mac_client_to_server),
            negotiated.compression_client_to_server,
        ),
        (
            "from the server",
            negotiated.cipher_server_to_client,
            mac(negotiated.mac_server_to_client),
            negotiated.compression_server_to_client,
        ),
    ] {
        let (cipher, compression) = (cipher.name(), compression.name());
        log::debug(format_args!("{direction}: cipher {cipher}, MAC {mac}, compression {compression}"));
    }
    log::debug(format_args!("strict key exchange: {}", if negotiated.strict_kex { "yes" } else { "no" }));
}
