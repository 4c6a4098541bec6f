//! Packet ciphers: each hides and authenticates whole binary packets (RFC 4253 §6).
//!
//! ```text
//!   uint32 packet_length │ byte padding_length │ payload │ padding │ tag
//!   └──── unaligned? ────┘└──────────── packet_length ─────────────┘
//! ```
//! A cipher with a separate MAC and one with a built-in tag look the same from outside: [`Cipher`] makes one object per
//! direction, [`OpenPacket`] or [`SealPacket`], which owns keys, counters and MAC.

mod aes_ctr;
mod aes_gcm;
#[cfg(feature = "legacy")]
mod arcfour;
#[cfg(feature = "legacy")]
mod cbc;
mod chacha20_poly1305;
mod plain;
pub(crate) mod sealed_once;
#[cfg(test)]
mod tests;
mod unusable;
mod with_mac;

use alloc::boxed::Box;
use core::fmt;

pub use aes_ctr::{AES128_CTR, AES192_CTR, AES256_CTR};
pub use aes_gcm::{AES128_GCM, AES256_GCM};
#[cfg(feature = "legacy")]
pub use arcfour::{ARCFOUR, ARCFOUR128, ARCFOUR256};
#[cfg(feature = "legacy")]
pub use cbc::{AES128_CBC, AES192_CBC, AES256_CBC, BLOWFISH_CBC, CAST128_CBC, RIJNDAEL_CBC, TRIPLE_DES_CBC};
pub use chacha20_poly1305::CHACHA20_POLY1305;
pub(crate) use plain::Plain;

use super::mac::KeyedMac;

/// Bytes of the `packet_length` field.
pub const LENGTH_FIELD: usize = 4;

/// Every cipher that is built in.
pub static ALL: &[&dyn Cipher] = &[
    CHACHA20_POLY1305,
    AES128_GCM,
    AES256_GCM,
    AES128_CTR,
    AES192_CTR,
    AES256_CTR,
    #[cfg(feature = "legacy")]
    AES128_CBC,
    #[cfg(feature = "legacy")]
    AES192_CBC,
    #[cfg(feature = "legacy")]
    AES256_CBC,
    #[cfg(feature = "legacy")]
    RIJNDAEL_CBC,
    #[cfg(feature = "legacy")]
    TRIPLE_DES_CBC,
    #[cfg(feature = "legacy")]
    BLOWFISH_CBC,
    #[cfg(feature = "legacy")]
    CAST128_CBC,
    #[cfg(feature = "legacy")]
    ARCFOUR256,
    #[cfg(feature = "legacy")]
    ARCFOUR128,
    #[cfg(feature = "legacy")]
    ARCFOUR,
];

/// A packet cipher's descriptor.
pub trait Cipher: Send + Sync {
    /// The name in KEXINIT.
    fn name(&self) -> &'static str;

    /// Bytes of key it takes.
    fn key_length(&self) -> usize;

    /// Bytes of initial vector it takes.
    fn iv_length(&self) -> usize;

    /// The block size packets are padded to: at least 8.
    fn block_length(&self) -> usize;

    /// Whether it authenticates packets itself, so that no MAC is negotiated beside it.
    fn authenticates(&self) -> bool;

    /// Bytes after which fresh keys are due by default (RFC 4344 §3.2: 2^(L/4) blocks for L-bit blocks, 1 GiB for
    /// blocks of 64 bits).
    fn rekey_after_bytes(&self) -> u64 {
        if self.block_length() >= 16 { 1 << 36 } else { 1 << 30 }
    }

    /// The receiving half.
    fn opener(&self, keys: PacketKeys<'_>) -> Box<dyn OpenPacket>;

    /// The sending half.
    fn sealer(&self, keys: PacketKeys<'_>) -> Box<dyn SealPacket>;
}

impl fmt::Debug for dyn Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one direction's object is made from. The lengths are those the descriptor asked for.
pub struct PacketKeys<'a> {
    /// [`Cipher::key_length`] bytes.
    pub key: &'a [u8],
    /// [`Cipher::iv_length`] bytes.
    pub iv: &'a [u8],
    /// The negotiated MAC with its key; `None` exactly if [`Cipher::authenticates`].
    pub mac: Option<Box<dyn KeyedMac>>,
}

/// The geometry of a direction's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketLayout {
    /// Bytes that must have arrived before the length of a packet can be known: 4, or a whole cipher block.
    pub head_length: usize,
    /// The length that is padded is a multiple of this (RFC 4253 §6), at least 8.
    pub block_length: usize,
    /// How many leading bytes do not count for padding: 4 where `packet_length` is not encrypted with the rest, else 0.
    pub unaligned_prefix: usize,
    /// Bytes after the padding that authenticate the packet.
    pub tag_length: usize,
}

/// `packet_length` where it stands in clear; 0, which no packet has, if `head` is too short.
fn read_length(head: &[u8]) -> u32 {
    head.first_chunk::<LENGTH_FIELD>().map_or(0, |length| u32::from_be_bytes(*length))
}

/// The receiving half of a packet cipher.
pub trait OpenPacket: Send {
    /// The geometry of packets.
    fn layout(&self) -> PacketLayout;

    /// Learns `packet_length` from the first [`PacketLayout::head_length`] bytes of a packet. Called once per packet,
    /// before [`open`](Self::open) of the same packet; it may decrypt `head` in place. The value is not authentic yet.
    fn packet_length(&mut self, sequence_number: u32, head: &mut [u8]) -> u32;

    /// Verifies and decrypts `packet` in place. `packet` is the length field, `packet_length` bytes and the tag, and
    /// starts with what [`packet_length`](Self::packet_length) left there. On success everything between the length
    /// field and the tag is plain text.
    ///
    /// # Errors
    /// [`IntegrityError`] if the packet is not what the peer sent. Nothing of its content may be used then.
    fn open(&mut self, sequence_number: u32, packet: &mut [u8]) -> Result<Opened, IntegrityError>;

    /// Whether a packet that is not right must not show where it is wrong: the receiver then reads on, up to the largest
    /// packet there may be, before it fails. For modes in which who changes the first block of a packet could otherwise
    /// read a block of another one by the number of bytes that are awaited (CVE-2008-5161).
    fn fails_late(&self) -> bool {
        false
    }
}

/// The sending half of a packet cipher.
pub trait SealPacket: Send {
    /// The geometry of packets.
    fn layout(&self) -> PacketLayout;

    /// Encrypts and authenticates `packet` in place. `packet` is the length field, `packet_length` bytes of plain text,
    /// and [`PacketLayout::tag_length`] bytes of room for the tag.
    fn seal(&mut self, sequence_number: u32, packet: &mut [u8]);
}

/// Proof that a packet was verified. The dispatcher takes no payload without one.
#[derive(Debug)]
#[must_use]
pub struct Opened(());

impl Opened {
    /// Says that the packet's tag was compared, in constant time, and matched. For implementors of [`OpenPacket`].
    pub const fn tag_verified() -> Self {
        Self(())
    }
}

/// A packet's authentication tag does not match: it was corrupted, forged, or sealed under other keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegrityError;

impl fmt::Display for IntegrityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a packet failed its integrity check")
    }
}

impl core::error::Error for IntegrityError {}
