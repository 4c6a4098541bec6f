//! The one source of chance: everything random in a run comes from its seed.

use ssh_core::random::ChaChaRandom;

/// A generator that is the same for the same seed and purpose.
pub(super) fn random(seed: u64, purpose: u64) -> ChaChaRandom {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&purpose.to_le_bytes());
    ChaChaRandom::from_seed(&bytes)
}

/// Chance, in the shapes a plan needs. Small, because every node of a crowd has one.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        let mut bytes = [0; 8];
        random(seed, purpose).fill_bytes(&mut bytes);
        Self(u64::from_le_bytes(bytes))
    }

    /// SplitMix64: good enough to choose by, and what it chooses need not be secret.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`, both included.
    pub(super) fn range(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    /// As [`range`](Self::range), but every order of magnitude is as likely as any other.
    pub(super) fn spread(&mut self, least: u64, most: u64) -> u64 {
        let bits = |n: u64| u64::from(64 - n.leading_zeros());
        let size = self.range(bits(least), bits(most));
        let largest = if size >= 64 { u64::MAX } else { (1 << size) - 1 };
        self.range(largest / 2, largest).clamp(least, most)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.next() % 100 < chance
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}
