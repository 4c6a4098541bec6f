//! Operations on secrets, each done again and again with other secrets of the same length, so that callgrind can count
//! the instructions of every time: `tests/constant_time/run`.
//!
//! It says on standard output, a line for each time, what was done.

mod allocator;
mod comparisons;
mod key_exchange;
mod measure;
mod memory;
mod packets;
mod sessions;
mod umac;

use measure::Measure;

fn main() {
    let secrets = std::env::args().nth(1).map_or(Ok(10), |number| number.parse()).expect("how many secrets");
    let measure = Measure { secrets };
    key_exchange::sntrup761(&measure);
    key_exchange::diffie_hellman(&measure);
    umac::tags(&measure);
    comparisons::macs(&measure);
    comparisons::passwords(&measure);
    packets::open(&measure);
    sessions::padding(&measure);
}
