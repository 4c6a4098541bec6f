//! How an operation is shown to callgrind.

use std::hint::black_box;

use ssh_core::random::ChaChaRandom;

use crate::allocator::with_fresh_memory;

pub struct Measure {
    /// How many secrets each operation gets.
    pub secrets: u32,
}

impl Measure {
    /// Does `operate` once with each of the secrets that `prepare` makes of a number, and once more before, so that what
    /// is computed once in a program is there. What `operate` returns is dropped before the count ends.
    pub fn each<S, R>(&self, operation: &str, mut prepare: impl FnMut(u32) -> S, operate: impl Fn(&mut S) -> R) {
        for number in 0..=self.secrets {
            let mut secret = prepare(number);
            with_fresh_memory(|| measured(&mut || drop(black_box(operate(black_box(&mut secret))))));
            drop(secret);
            println!("{}\t{operation}", if number == 0 { "warm-up" } else { "measured" });
        }
    }
}

/// What callgrind counts: from each call to its end.
#[unsafe(no_mangle)]
#[inline(never)]
fn measured(operation: &mut dyn FnMut()) {
    operation();
}

/// A source of secrets of its own for each number.
pub fn random(number: u32) -> ChaChaRandom {
    let mut seed = [0x5a; 32];
    seed[..4].copy_from_slice(&number.to_be_bytes());
    ChaChaRandom::from_seed(&seed)
}

/// So many bytes of a source.
pub fn bytes(random: &mut ChaChaRandom, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    random.fill_bytes(&mut out);
    out
}
