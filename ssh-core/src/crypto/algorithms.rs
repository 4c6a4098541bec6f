//! The ordered lists of algorithms a connection offers.

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::cipher::Cipher;
use super::compression::Compression;
use super::kex::KeyExchange;
use super::mac::Mac;
use super::signature::SignatureAlgorithm;

/// Anything with a name on the wire.
pub trait Named {
    /// The registered name.
    fn name(&self) -> &'static str;
}

macro_rules! named {
    ($($kind:ident),*) => {
        $(impl Named for &'static dyn $kind {
            fn name(&self) -> &'static str {
                (**self).name()
            }
        })*
    };
}
named!(KeyExchange, SignatureAlgorithm, Cipher, Mac, Compression);

/// What is offered and accepted, most wanted first. The client's order decides (RFC 4253 §7.1).
///
/// `Default` is today's safe set in OpenSSH's order; [`Algorithms::preset`] knows others by name.
///
/// ```
/// use ssh_core::crypto::{Algorithms, cipher};
///
/// let mut algorithms = Algorithms::default();
/// algorithms.ciphers = vec![cipher::AES256_GCM, cipher::CHACHA20_POLY1305];
/// assert_eq!(algorithms.ciphers[0].name(), "aes256-gcm@openssh.com");
/// ```
#[derive(Clone, Debug)]
pub struct Algorithms {
    /// Key exchange methods.
    pub kex: Vec<&'static dyn KeyExchange>,
    /// Algorithms the server may prove its host key with.
    pub host_key: Vec<&'static dyn SignatureAlgorithm>,
    /// Algorithms a user may prove a key with; a server announces them as `server-sig-algs` (RFC 8308 §3.1).
    pub public_key: Vec<&'static dyn SignatureAlgorithm>,
    /// Packet ciphers, both directions.
    pub ciphers: Vec<&'static dyn Cipher>,
    /// MACs, both directions, for ciphers that do not authenticate.
    pub macs: Vec<&'static dyn Mac>,
    /// Compression methods, both directions.
    pub compression: Vec<&'static dyn Compression>,
}

impl Algorithms {
    /// Puts the algorithms of host keys that are known first, their order kept: a server that has several keys then
    /// shows one that can be compared.
    pub fn prefer_host_keys<T: AsRef<str>>(&mut self, known_key_types: &[T]) {
        self.host_key.sort_by_key(|each| !known_key_types.iter().any(|known| known.as_ref() == each.key_type()));
    }
}

/// The kinds of algorithm that are negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlgorithmKind {
    /// Key exchange method.
    KeyExchange,
    /// Server host key algorithm.
    HostKey,
    /// User key algorithm; not negotiated in KEXINIT but announced by EXT_INFO.
    PublicKey,
    /// Cipher from client to server.
    CipherClientToServer,
    /// Cipher from server to client.
    CipherServerToClient,
    /// MAC from client to server.
    MacClientToServer,
    /// MAC from server to client.
    MacServerToClient,
    /// Compression from client to server.
    CompressionClientToServer,
    /// Compression from server to client.
    CompressionServerToClient,
}

impl fmt::Display for AlgorithmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyExchange => "key exchange method",
            Self::HostKey => "host key algorithm",
            Self::PublicKey => "public key algorithm",
            Self::CipherClientToServer => "cipher (client to server)",
            Self::CipherServerToClient => "cipher (server to client)",
            Self::MacClientToServer => "MAC (client to server)",
            Self::MacServerToClient => "MAC (server to client)",
            Self::CompressionClientToServer => "compression (client to server)",
            Self::CompressionServerToClient => "compression (server to client)",
        })
    }
}

/// A list names an algorithm that is not built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm {
    /// The name that is not known.
    pub name: String,
    /// The names that are.
    pub known: Vec<&'static str>,
}

impl UnknownAlgorithm {
    /// The known names that are most like it, best first, three at most: what was probably meant.
    pub fn near(&self) -> Vec<&'static str> {
        // The part that names who invented it is easily forgotten.
        let compared = |known: &'static str| match known.split_once('@') {
            Some((base, _)) if !self.name.contains('@') => base,
            _ => known,
        };
        let distances = self.known.iter().enumerate();
        let distances = distances.map(|(at, known)| (distance(&self.name, compared(known)), at, *known));
        let mut near: Vec<_> = distances.filter(|(distance, _, known)| distance * 3 <= compared(known).len()).collect();
        near.sort_unstable_by_key(|(distance, at, _)| (*distance, *at));
        near.into_iter().map(|(_, _, known)| known).take(3).collect()
    }
}

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown algorithm \"{}\"", self.name.escape_debug())?;
        let near = self.near();
        if near.is_empty() {
            write!(f, "; known are: {}", self.known.join(", "))
        } else {
            write!(f, "; did you mean {}?", near.join(" or "))
        }
    }
}

impl core::error::Error for UnknownAlgorithm {}

/// How many bytes have to be inserted, removed or replaced to make one name of the other, without regard to case. Of a
/// name that is too long for any algorithm only the beginning counts.
fn distance(typed: &str, known: &str) -> usize {
    const LONGEST: usize = 80;
    let typed = typed.as_bytes().iter().take(LONGEST);
    // Row by row: from every beginning of `typed` to every beginning of `known`.
    let mut row: Vec<usize> = (0..known.len().saturating_add(1)).collect();
    for (above, byte) in typed.enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (up, other) in row.iter().skip(1).zip(known.bytes()) {
            let replaced = diagonal + usize::from(!byte.eq_ignore_ascii_case(&other));
            left = replaced.min(up + 1).min(left + 1);
            next.push(left);
            diagonal = *up;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Algorithms;
    use alloc::{string::ToString, vec};

    #[test]
    fn distances() {
        for (one, other, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("abc", "ABC", 0),
            ("kitten", "sitting", 3),
            ("aes-128-ctr", "aes128-ctr", 1),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
        assert!(distance(&"x".repeat(1_000_000), "abc") <= 80);
    }

    #[test]
    fn what_was_probably_meant() {
        let known: Vec<_> = Algorithms::default().ciphers.iter().map(Named::name).collect();
        let error = |name: &str| UnknownAlgorithm { name: name.into(), known: known.clone() };
        assert_eq!(error("AES-256-CTR").near()[0], "aes256-ctr");
        assert_eq!(error("aes256-gcm").near()[0], "aes256-gcm@openssh.com");
        assert_eq!(error("twofish").near(), Vec::<&str>::new());
        let text = error("chacha20-poly1305").to_string();
        assert_eq!(text, "unknown algorithm \"chacha20-poly1305\"; did you mean chacha20-poly1305@openssh.com?");
        let unlike = UnknownAlgorithm { name: "x".into(), known: vec!["aes128-ctr", "none"] };
        assert_eq!(unlike.to_string(), "unknown algorithm \"x\"; known are: aes128-ctr, none");
        let typo = UnknownAlgorithm { name: "aes128-crt".into(), known: vec!["aes128-ctr", "none"] };
        assert_eq!(typo.to_string(), "unknown algorithm \"aes128-crt\"; did you mean aes128-ctr?");
    }
}
