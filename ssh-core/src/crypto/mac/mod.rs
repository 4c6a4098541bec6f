//! Message authentication codes for ciphers that have none of their own (RFC 4253 §6.4, RFC 6668).

mod hmac_sha2;

use alloc::boxed::Box;
use core::fmt;

pub use hmac_sha2::{HMAC_SHA2_256, HMAC_SHA2_256_ETM, HMAC_SHA2_512, HMAC_SHA2_512_ETM};

/// Every MAC that is built in.
pub static ALL: &[&dyn Mac] = &[HMAC_SHA2_256_ETM, HMAC_SHA2_512_ETM, HMAC_SHA2_256, HMAC_SHA2_512];

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

/// A MAC with its key. The tag is over `sequence_number ‖ data`.
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
