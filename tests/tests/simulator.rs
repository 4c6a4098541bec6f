//! Simulated connections, see [`ssh_interop_tests::simulator`]: a few seeds with every run of the tests. More of them:
//! `cargo run --release -p ssh-interop-tests --bin simulate -- --seeds 10000`.

use ssh_interop_tests::simulator::{Totals, crowd, known_seeds, run};

#[global_allocator]
static ALLOCATOR: counting_allocator::Counting = counting_allocator::Counting;

/// Runs a seed; says what happened in it.
#[track_caller]
fn assert_good(seed: u64) -> Totals {
    let outcome = run(seed);
    assert!(outcome.violations.is_empty(), "{}", outcome.report());
    outcome.totals
}

#[test]
fn what_once_broke_a_rule() {
    for seed in known_seeds() {
        assert_good(seed);
    }
}

#[test]
fn seeds() {
    let mut totals = Totals::default();
    for seed in 0..150 {
        totals.add(&assert_good(seed));
    }
    // The plans are worth something only if most of them get somewhere.
    assert!(totals.faultless > totals.connections / 3 && totals.logged_in > totals.connections / 2, "{totals:?}");
    assert!(totals.channels > 500 && totals.data > 10_000_000 && totals.rekeys > 500, "{totals:?}");
    assert!(totals.memory.held[1] > 0, "the allocator counts");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 1000..1010 {
        let (one, other) = (run(seed), run(seed));
        assert_eq!(one.digest, other.digest, "seed {seed}");
        assert_ne!(one.digest, run(seed + 1).digest);
    }
}

#[test]
fn an_idle_connection_is_small() {
    let census = crowd(100, 1);
    assert_eq!((census.alive, census.finished, &census.violations[..]), (100, 100, &[][..]));
    for side in census.idle {
        assert!(side / 100 < 16 * 1024, "{} bytes for each idle endpoint", side / 100);
    }
}
