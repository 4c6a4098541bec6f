//! The server: what the connection to it is made with, whom it must be, and what is told about it.

use ssh_core::crypto::mac::Mac;
use ssh_core::key::{FingerprintHash, PublicKey};
use ssh_core::{ClientConfig, Negotiated, Untrusted};

use super::log;

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
