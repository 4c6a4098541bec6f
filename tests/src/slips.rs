//! Slips of the hand, by a seed: what somebody writes who means something else.

/// Numbers that look random (SplitMix64).
pub struct Random(u64);

/// What gets into a text by a slip.
const CHARACTERS: &str = "\"'\\=# \t,:@%$~!*?|-+^/[]019a.\u{e9}";

impl Random {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `end`, which it is not.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    /// One of several.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// The text with up to three slips: a character less or more, or one of these words more.
    pub fn slip(&mut self, text: &str, words: &[&str]) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        for _ in 0..self.below(3) + 1 {
            let at = self.below(characters.len() + 1);
            match self.below(8) {
                0 | 1 if at < characters.len() => drop(characters.remove(at)),
                2 => drop(characters.splice(at..at, self.one(words).chars())),
                _ => characters.insert(at, *self.one(&CHARACTERS.chars().collect::<Vec<_>>())),
            }
        }
        characters.into_iter().collect()
    }
}
