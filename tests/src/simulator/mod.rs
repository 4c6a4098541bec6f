//! Whole connections, client and server, on a network and a clock that do not exist.
//!
//! A seed decides everything: what both sides want, how they are configured, how slow the network is, what goes wrong
//! and when. The same seed gives the same run, byte by byte; a run that breaks a rule is repeated by its seed alone.
//!
//! ```text
//!   Plan ◄── seed                 World: one clock, one agenda
//!     │                     ┌───────────────┴───────────────┐
//!     └────────► Node (client) ──── Pipe ─────► Node (server)
//!                  Application ◄─── Pipe ────── Application
//!                  Engine, tap                  Engine, tap
//!                     └──► Facts, Protocol, Witness ◄──┘
//! ```
//!
//! What is watched, all the time:
//!
//! - Bytes that are read were written, in that order; an EOF or a CLOSE comes after all of them.
//! - Every answer belongs to the oldest request that has none, and says what was answered.
//! - No event of the connection comes before the login, none of a channel after its `Closed`, none after the last
//!   `Closed`; an end is called orderly only if it was.
//! - What is sent, seen before it is encrypted, keeps to RFC 4253 and 4254: nothing but the key exchange between KEXINIT
//!   and NEWKEYS, windows, EOF and CLOSE, numbers of channels, one answer for every request that wants one.
//! - The heap of an endpoint stays below what its limits promise; this needs [`counting_allocator`].
//! - Where nothing goes wrong, everything is done in the end and nobody reports an error. Nothing stands still.

mod application;
mod clock;
mod content;
mod crowd;
mod dice;
mod engine;
mod facts;
mod line;
mod node;
mod party;
mod pipe;
mod plan;
mod protocol;
mod tap;
mod witness;
mod world;

pub use crowd::{Census, crowd};
pub use engine::Memory;
pub use world::Totals;

use dice::Dice;
use plan::Plan;
use world::World;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed of the run.
    pub seed: u64,
    /// SHA-256 of every event and every byte, as hex digits.
    pub digest: String,
    /// What went against the rules; empty: nothing.
    pub violations: Vec<String>,
    /// The last that happened.
    pub trace: Vec<String>,
    /// What happened in all.
    pub totals: Totals,
}

impl Outcome {
    /// What to print about a run that broke a rule.
    pub fn report(&self) -> String {
        let command = format!("cargo run --release -p ssh-interop-tests --bin simulate -- --seed {}", self.seed);
        let (violations, trace) = (self.violations.join("\n"), self.trace.join("\n"));
        format!(
            "--- the end of the trace\n{trace}\n--- seed {} broke a rule\n{violations}\n--- again:\n{command}\n",
            self.seed
        )
    }
}

/// Runs what a seed stands for, to its end.
pub fn run(seed: u64) -> Outcome {
    let mut dice = Dice::new(seed, 1);
    let count = dice.range(1, 3);
    let plans = (0..count).map(|number| Plan::new(seed, number)).collect();
    let mut world = World::new(seed, plans, true);
    world.run(u64::MAX);
    let mut totals = world.totals;
    totals.bytes = world.witness.bytes;
    totals.events = world.witness.events;
    let (digest, violations, trace) = world.witness.finish();
    Outcome { seed, digest, violations, trace, totals }
}

/// Seeds of every run that ever broke a rule, before what was at fault was mended.
pub fn known_seeds() -> Vec<u64> {
    let lines = include_str!("seeds.txt").lines().map(str::trim);
    let seeds = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    seeds.map(|line| line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a seed")).collect()
}
