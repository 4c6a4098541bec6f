//! `zlib` (RFC 4253 §6.2, RFC 1950) and `zlib@openssh.com`, which begins after authentication.

use alloc::{boxed::Box, vec::Vec};

use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

use super::{Compress, Compression, CompressionLevel, Decompress, DecompressError};

/// `zlib`: from NEWKEYS on. Anybody can then have a server inflate before there is a user.
pub static ZLIB: &dyn Compression = &Zlib { name: "zlib", delayed: false };
/// `zlib@openssh.com`: the same, but only once the user is authenticated.
pub static ZLIB_OPENSSH: &dyn Compression = &Zlib { name: "zlib@openssh.com", delayed: true };

struct Zlib {
    name: &'static str,
    delayed: bool,
}

impl Compression for Zlib {
    fn name(&self) -> &'static str {
        self.name
    }

    fn waits_for_authentication(&self) -> bool {
        self.delayed
    }

    fn compressor(&self, level: CompressionLevel) -> Option<Box<dyn Compress>> {
        const ZLIB_HEADER: i32 = 1;
        const DEFAULT_STRATEGY: i32 = 0;
        let flags = create_comp_flags_from_zip_params(level.get().into(), ZLIB_HEADER, DEFAULT_STRATEGY);
        Some(Box::new(Deflater { state: Box::new(CompressorOxide::new(flags)) }))
    }

    fn decompressor(&self) -> Option<Box<dyn Decompress>> {
        // The checksum comes at the end, and there is none.
        let state = InflateState::new_boxed(DataFormat::ZLibIgnoreChecksum);
        Some(Box::new(Inflater { state, may_wait: self.delayed }))
    }
}

struct Deflater {
    state: Box<CompressorOxide>,
}

impl Compress for Deflater {
    fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        let mut rest = payload;
        loop {
            let start = out.len();
            // Room for all of it, even where nothing can be made smaller.
            out.resize(start + rest.len() + rest.len() / 1000 + 64, 0);
            let room = out.get_mut(start..).unwrap_or_default();
            let length = room.len();
            let result = deflate(&mut self.state, rest, room, MZFlush::Partial);
            out.truncate(start + result.bytes_written);
            rest = rest.get(result.bytes_consumed..).unwrap_or_default();
            if result.bytes_written < length {
                return;
            }
        }
    }
}

struct Inflater {
    state: Box<InflateState>,
    /// The peer begins to compress when it has seen USERAUTH_SUCCESS. What it said before comes as it is, and no message
    /// that may be among that has a number that begins a stream.
    may_wait: bool,
}

/// Compression method 8 in the first byte of a stream (RFC 1950 §2.2).
const DEFLATE: u8 = 8;

/// First size of the room for a payload.
const FIRST_SIZE: usize = 4096;

impl Decompress for Inflater {
    fn decompress(&mut self, data: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), DecompressError> {
        if self.may_wait && data.first().is_none_or(|first| first & 0x0f != DEFLATE) {
            out.extend_from_slice(data.get(..max).unwrap_or(data));
            return if data.len() > max { Err(DecompressError::TooLong) } else { Ok(()) };
        }
        self.may_wait = false;
        let mut rest = data;
        while out.len() < max {
            let start = out.len();
            let size = start.saturating_mul(2).max(FIRST_SIZE).min(max);
            out.reserve_exact(size - start);
            out.resize(size, 0);
            let written = self.step(&mut rest, out.get_mut(start..).unwrap_or_default());
            out.truncate(start + written.unwrap_or(0));
            if written? < size - start && rest.is_empty() {
                return Ok(());
            }
        }
        // As much as may be: a byte more is too much.
        match self.step(&mut rest, &mut [0])? {
            0 if rest.is_empty() => Ok(()),
            _ => Err(DecompressError::TooLong),
        }
    }
}

impl Inflater {
    /// Inflates until `room` is full or there is no more of `data`, which it shortens; says how much it wrote. A stream
    /// never ends.
    fn step(&mut self, data: &mut &[u8], room: &mut [u8]) -> Result<usize, DecompressError> {
        let mut written = 0;
        while let Some(room) = room.get_mut(written..).filter(|room| !room.is_empty()) {
            let result = inflate(&mut self.state, data, room, MZFlush::None);
            *data = data.get(result.bytes_consumed..).unwrap_or_default();
            written += result.bytes_written;
            match result.status {
                // Nothing is left to do.
                Err(MZError::Buf) if data.is_empty() => break,
                Ok(MZStatus::Ok) if result.bytes_consumed + result.bytes_written > 0 => {}
                _ => return Err(DecompressError::Malformed),
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests;
