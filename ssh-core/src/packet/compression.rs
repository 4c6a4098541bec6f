//! When the payloads of a direction are compressed.

use alloc::boxed::Box;

use crate::crypto::compression::{self, Compress, Compression, CompressionLevel, Decompress};

/// A half of a stream that a method makes.
pub(super) trait Half {
    fn begin(method: &dyn Compression, level: CompressionLevel) -> Option<Box<Self>>;
}

impl Half for dyn Compress {
    fn begin(method: &dyn Compression, level: CompressionLevel) -> Option<Box<Self>> {
        method.compressor(level)
    }
}

impl Half for dyn Decompress {
    fn begin(method: &dyn Compression, _: CompressionLevel) -> Option<Box<Self>> {
        method.decompressor()
    }
}

/// The method of a direction, and its stream as long as payloads are compressed.
///
/// A stream begins anew with every NEWKEYS (RFC 4253 §6.2), with OpenSSH also that of `zlib@openssh.com`.
pub(super) struct Stream<H: Half + ?Sized> {
    method: &'static dyn Compression,
    level: CompressionLevel,
    authenticated: bool,
    half: Option<Box<H>>,
}

impl<H: Half + ?Sized> Stream<H> {
    pub(super) fn new() -> Self {
        Self { method: compression::NONE, level: CompressionLevel::default(), authenticated: false, half: None }
    }

    /// The stream, if payloads are compressed.
    pub(super) fn half(&mut self) -> Option<&mut H> {
        self.half.as_deref_mut()
    }

    pub(super) fn set_level(&mut self, level: CompressionLevel) {
        self.level = level;
    }

    /// NEWKEYS went by: what follows goes by this method, as soon as it begins.
    pub(super) fn change_method(&mut self, method: &'static dyn Compression) {
        self.method = method;
        self.half = None;
        if self.authenticated || !method.waits_for_authentication() {
            self.half = H::begin(method, self.level);
        }
    }

    /// USERAUTH_SUCCESS went by: a method that waited for it begins.
    pub(super) fn user_authenticated(&mut self) {
        self.authenticated = true;
        if self.half.is_none() {
            self.half = H::begin(self.method, self.level);
        }
    }
}
