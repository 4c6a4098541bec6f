//! Extension negotiation (RFC 8308).

use alloc::{string::String, vec::Vec};

use crate::config::Limits;
use crate::crypto::signature::SignatureAlgorithm;
use crate::message::{ExtInfo, Rest};
use crate::transport::Outbound;
use crate::wire::{DecodeError, NameList, Reader, Writer};

/// That pings are answered (OpenSSH's PROTOCOL §1.10), and that signatures may be bound to the host key (§3.1). Both have
/// a version, which is this.
const PING: &[u8] = b"ping@openssh.com";
const HOST_BOUND: &[u8] = b"publickey-hostbound@openssh.com";
const VERSION: &[u8] = b"0";

/// The server's announcement: which algorithms a user may sign with (§3.1), and what OpenSSH's extensions are known.
pub(crate) fn announce_extensions(outbound: &mut Outbound, algorithms: &[&'static dyn SignatureAlgorithm]) {
    let mut extensions = Vec::new();
    let mut writer = Writer::new(&mut extensions);
    let names = announced(algorithms);
    writer.string(b"server-sig-algs");
    writer.string(names.join(",").as_bytes());
    for name in [HOST_BOUND, PING] {
        writer.string(name);
        writer.string(VERSION);
    }
    outbound.send(&ExtInfo { nr_extensions: 3, extensions: Rest(&extensions) });
}

/// The algorithms, and those that certified keys sign with: OpenSSH's client uses no certificate of an RSA key unless it
/// finds these, and its server announces no others.
fn announced(algorithms: &[&'static dyn SignatureAlgorithm]) -> Vec<&'static str> {
    let mut names: Vec<_> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
    for plain in algorithms.iter().filter_map(|algorithm| algorithm.plain()) {
        if !names.contains(&plain.name()) {
            names.push(plain.name());
        }
    }
    names
}

/// What a server announces, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    /// The value of `server-sig-algs`. The last one counts where there are several.
    pub(crate) server_signature_algorithms: Option<Vec<String>>,
    /// `publickey-hostbound-v00@openssh.com` is known.
    pub(crate) host_bound: bool,
}

/// Reads what the peer announces.
pub(crate) fn read_extensions(message: &ExtInfo<'_>) -> Result<Extensions, DecodeError> {
    let mut reader = Reader::new(message.extensions.0);
    let mut found = Extensions::default();
    // Two length fields each: a count that the bytes cannot hold is a lie.
    if message.nr_extensions > Limits::EXTENSIONS || message.nr_extensions as usize > reader.remaining() / 8 {
        return Err(DecodeError::TooMany);
    }
    for _ in 0..message.nr_extensions {
        let name = reader.string()?;
        let value = reader.string()?;
        match name {
            b"server-sig-algs" => found.server_signature_algorithms = Some(NameList::new(value)?.to_strings()),
            HOST_BOUND => found.host_bound |= value == VERSION,
            _ => {}
        }
    }
    reader.finish()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "rsa")]
    use crate::crypto::signature;

    #[test]
    fn counts_are_bounded_by_bytes() {
        for nr_extensions in [1, 1025, u32::MAX] {
            let message = ExtInfo { nr_extensions, extensions: Rest(b"") };
            assert_eq!(read_extensions(&message), Err(DecodeError::TooMany));
        }
        let message = ExtInfo { nr_extensions: 0, extensions: Rest(b"x") };
        assert_eq!(read_extensions(&message), Err(DecodeError::TrailingBytes));
    }

    #[test]
    fn finds_the_list_among_others() {
        let mut extensions = Vec::new();
        let mut writer = Writer::new(&mut extensions);
        for (name, value) in [("x", "\0"), ("server-sig-algs", "a,b"), ("publickey-hostbound@openssh.com", "0")] {
            writer.string(name.as_bytes());
            writer.string(value.as_bytes());
        }
        let message = ExtInfo { nr_extensions: 3, extensions: Rest(&extensions) };
        let server_signature_algorithms = Some(Vec::from(["a".into(), "b".into()]));
        assert_eq!(read_extensions(&message), Ok(Extensions { server_signature_algorithms, host_bound: true }));
    }

    #[test]
    fn other_versions_of_an_extension_are_unknown() {
        for value in ["", "1", "00"] {
            let mut extensions = Vec::new();
            let mut writer = Writer::new(&mut extensions);
            writer.string(HOST_BOUND);
            writer.string(value.as_bytes());
            let message = ExtInfo { nr_extensions: 1, extensions: Rest(&extensions) };
            assert_eq!(read_extensions(&message), Ok(Extensions::default()), "{value:?}");
        }
    }

    #[cfg(feature = "rsa")]
    #[test]
    fn what_certified_keys_sign_with_is_announced_too() {
        let only = [signature::RSA_SHA2_512_CERT_V01, signature::SSH_ED25519_CERT_V01];
        let expected = [only[0].name(), only[1].name(), "rsa-sha2-512", "ssh-ed25519"];
        assert_eq!(announced(&only), expected);
        let both = [signature::RSA_SHA2_512_CERT_V01, signature::RSA_SHA2_512];
        assert_eq!(announced(&both), ["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-512"]);
    }
}
