//! Message authentication codes for ciphers that have none of their own (RFC 4253 §6.4, RFC 6668, RFC 4418).

mod hmac;
mod umac;

use alloc::boxed::Box;
use core::fmt;

#[cfg(feature = "legacy")]
pub use hmac::{HMAC_MD5, HMAC_MD5_96, HMAC_MD5_96_ETM, HMAC_MD5_ETM, HMAC_SHA1_96, HMAC_SHA1_96_ETM};
pub use hmac::{HMAC_SHA1, HMAC_SHA1_ETM, HMAC_SHA2_256, HMAC_SHA2_256_ETM, HMAC_SHA2_512, HMAC_SHA2_512_ETM};
pub use umac::{UMAC_64, UMAC_64_ETM, UMAC_128, UMAC_128_ETM};

/// Every MAC that is built in.
pub static ALL: &[&dyn Mac] = &[
    HMAC_SHA2_256_ETM,
    HMAC_SHA2_512_ETM,
    UMAC_128_ETM,
    UMAC_64_ETM,
    HMAC_SHA2_256,
    HMAC_SHA2_512,
    UMAC_128,
    UMAC_64,
    HMAC_SHA1_ETM,
    HMAC_SHA1,
    #[cfg(feature = "legacy")]
    HMAC_SHA1_96_ETM,
    #[cfg(feature = "legacy")]
    HMAC_SHA1_96,
    #[cfg(feature = "legacy")]
    HMAC_MD5_ETM,
    #[cfg(feature = "legacy")]
    HMAC_MD5,
    #[cfg(feature = "legacy")]
    HMAC_MD5_96_ETM,
    #[cfg(feature = "legacy")]
    HMAC_MD5_96,
];

/// A MAC's descriptor.
pub trait Mac: Send + Sync {
    /// The name in KEXINIT.
    fn name(&self) -> &'static str;

    /// Bytes of key it takes.
    fn key_length(&self) -> usize;

    /// Bytes of the tag on the wire.
    fn tag_length(&self) -> usize;

    /// Whether the tag covers the encrypted packet (`-etm@openssh.com`) instead of the plain one.
    fn encrypt_then_mac(&self) -> bool;

    /// The MAC under `key`, which has [`Self::key_length`] bytes.
    fn keyed(&self, key: &[u8]) -> Box<dyn KeyedMac>;
}

impl fmt::Debug for dyn Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A MAC with its key. The tag is over `sequence_number ‖ data`; a MAC that takes a nonce may take the number for it.
pub trait KeyedMac: Send {
    /// Bytes of the tag.
    fn tag_length(&self) -> usize;

    /// Whether the tag covers the encrypted packet.
    fn encrypt_then_mac(&self) -> bool;

    /// Writes the tag of `data` to `tag`, which has [`Self::tag_length`] bytes.
    fn sign(&mut self, sequence_number: u32, data: &[u8], tag: &mut [u8]);

    /// Whether `tag` is the tag of `data`, compared in constant time.
    fn verify(&mut self, sequence_number: u32, data: &[u8], tag: &[u8]) -> bool;
}
