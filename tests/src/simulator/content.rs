//! What channels carry: bytes that every place of every lane can be recomputed from.

use std::sync::OnceLock;

use super::dice::random;

/// A prime, so that no packet or window size divides it.
const PERIOD: usize = 131_071;

/// Longest piece that can be shown at once.
const LONGEST: usize = 64 * 1024;

fn block() -> &'static [u8] {
    static BLOCK: OnceLock<Vec<u8>> = OnceLock::new();
    BLOCK.get_or_init(|| {
        let mut bytes = vec![0; PERIOD];
        random(0, 0x00c0_ffee).fill_bytes(&mut bytes);
        bytes.extend_from_within(..LONGEST);
        bytes
    })
}

/// Up to `length` bytes of `lane` from `position` on; at least one unless `length` is 0.
pub(super) fn content(lane: u64, position: u64, length: usize) -> &'static [u8] {
    let offset = (lane.wrapping_mul(7919).wrapping_add(position) % PERIOD as u64) as usize;
    &block()[offset..offset + length.min(LONGEST)]
}

/// Whether `bytes` stand at `position` of `lane`.
pub(super) fn is_content(lane: u64, position: u64, bytes: &[u8]) -> bool {
    let mut position = position;
    bytes.chunks(LONGEST).all(|piece| {
        let right = piece == content(lane, position, piece.len());
        position += piece.len() as u64;
        right
    })
}
