//! Compression methods (RFC 4253 §6.2). `none` is the only safe default: the length of what is compressed tells about
//! its content.
//!
//! A method makes a stream for each direction, which goes on from packet to packet and begins anew with every NEWKEYS.

#[cfg(feature = "zlib")]
mod zlib;

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

#[cfg(feature = "zlib")]
pub use zlib::{ZLIB, ZLIB_OPENSSH};

/// Every method that is built in.
pub static ALL: &[&dyn Compression] = &[
    NONE,
    #[cfg(feature = "zlib")]
    ZLIB_OPENSSH,
    #[cfg(feature = "zlib")]
    ZLIB,
];

/// A compression method's descriptor.
pub trait Compression: Send + Sync {
    /// The name in KEXINIT.
    fn name(&self) -> &'static str;

    /// Whether it begins only when the user is authenticated, right after USERAUTH_SUCCESS, instead of with NEWKEYS: a
    /// stranger then has nothing to say to a decompressor.
    fn waits_for_authentication(&self) -> bool {
        false
    }

    /// The sending half of a new stream. `None`: payloads go as they are.
    fn compressor(&self, _level: CompressionLevel) -> Option<Box<dyn Compress>> {
        None
    }

    /// The receiving half of a new stream. `None`: payloads come as they are.
    fn decompressor(&self) -> Option<Box<dyn Decompress>> {
        None
    }
}

impl fmt::Debug for dyn Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The sending half of a stream.
pub trait Compress: Send {
    /// Appends to `out` what the peer needs to have the whole of `payload`.
    fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>);
}

/// The receiving half of a stream.
pub trait Decompress: Send {
    /// Appends the payload that was made `data` to `out`, which is empty, `max` bytes at most. It never takes more memory
    /// than that for it.
    ///
    /// # Errors
    /// The stream is over then.
    fn decompress(&mut self, data: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), DecompressError>;
}

/// Why compressed data yields no payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecompressError {
    /// It is not what the method makes of a payload.
    Malformed,
    /// It would be longer than a packet may be.
    TooLong,
}

impl fmt::Display for DecompressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "compressed data is malformed",
            Self::TooLong => "compressed data is longer than a packet may be",
        })
    }
}

impl core::error::Error for DecompressError {}

/// How much time is spent to make what is sent small: from 1, the fastest, to 9. The default is 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CompressionLevel(u8);

impl CompressionLevel {
    /// The level with this number; `None` if there is no such.
    pub fn new(level: u8) -> Option<Self> {
        (1..=9).contains(&level).then_some(Self(level))
    }

    /// Its number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for CompressionLevel {
    fn default() -> Self {
        Self(6)
    }
}

struct NoCompression;

/// `none`: payloads go as they are.
pub static NONE: &dyn Compression = &NoCompression;

impl Compression for NoCompression {
    fn name(&self) -> &'static str {
        "none"
    }
}
