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

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown algorithm \"{}\"; known are: {}", self.name.escape_debug(), self.known.join(", "))
    }
}

impl core::error::Error for UnknownAlgorithm {}
