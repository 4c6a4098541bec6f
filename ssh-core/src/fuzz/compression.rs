//! Compressed payloads, genuine and made up.

use alloc::vec::Vec;

use super::input::Input;
use crate::crypto::compression::{ALL, CompressionLevel};

const MAX_INPUT: usize = 16 * 1024;

/// A stream of compressed payloads: what was compressed comes out as it went in, and of anything else no more than may.
pub fn payloads_compressed(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    let method = ALL[usize::from(input.byte()) % ALL.len()];
    let level = CompressionLevel::new(input.byte() % 9 + 1).expect("1 to 9");
    let max = input.number();
    let (Some(mut compressor), Some(mut decompressor)) = (method.compressor(level), method.decompressor()) else {
        return;
    };
    let mut genuine = true;
    while !input.is_empty() {
        let (kind, repeated) = (input.byte(), usize::from(input.byte()));
        let piece = input.piece();
        let (mut said, mut out) = (Vec::new(), Vec::new());
        if kind % 2 == 0 {
            let payload = piece.repeat(repeated.min(MAX_INPUT / (piece.len() + 1)));
            compressor.compress(&payload, &mut said);
            let result = decompressor.decompress(&said, &mut out, max);
            assert!(!genuine || result.is_ok() == (payload.len() <= max), "{result:?}");
            assert!(!genuine || result.is_err() || out == payload, "another payload came out");
            genuine &= result.is_ok();
        } else {
            genuine = false;
            // Whether it is an error hangs on what it is.
            let _ = decompressor.decompress(piece, &mut out, max);
        }
        assert!(out.len() <= max && out.capacity() <= max.max(8), "{} of {max} bytes", out.capacity());
    }
}
