//! A million channels and a hundred thousand exchanges of keys on one connection each: what is held must not grow.
//!
//! `cargo run --release -p ssh-interop-tests --bin endurance -- [CHANNELS [EXCHANGES]]`

use std::process::ExitCode;
use std::time::Instant;

use ssh_interop_tests::endurance::{Couple, Growth, growth};

#[global_allocator]
static ALLOCATOR: counting_allocator::Counting = counting_allocator::Counting;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse().expect("a number"));
    let (channels, exchanges) = (numbers.next().unwrap_or(1_000_000), numbers.next().unwrap_or(100_000));
    let flat = [
        report("channels", || growth(channels, Couple::use_channel)),
        report("exchanges of keys", || growth(exchanges, Couple::rekey)),
    ];
    if flat == [true; 2] { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether nothing grew.
fn report(what: &str, run: impl FnOnce() -> Growth) -> bool {
    let begun = Instant::now();
    let Growth { rounds, warm, end } = run();
    let seconds = begun.elapsed().as_secs();
    println!("{rounds} {what} in {seconds} s: {warm} bytes after a tenth, {end} at the end");
    warm == end
}
