//! Bytes that look random and are the same for the same seed.

use sha2::{Digest, Sha256};

/// SHA-256 of a counter.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    rolled: u64,
}

impl Dice {
    /// The same seed, the same bytes.
    pub fn new(seed: u64) -> Self {
        Self { seed, rolled: 0 }
    }

    /// The next 32 bytes.
    pub fn roll(&mut self) -> [u8; 32] {
        self.rolled += 1;
        Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(self.rolled.to_be_bytes()).finalize().into()
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for piece in bytes.chunks_mut(32) {
            piece.copy_from_slice(&self.roll()[..piece.len()]);
        }
        bytes
    }
}
