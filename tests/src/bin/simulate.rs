//! Runs simulated connections, see [`ssh_interop_tests::simulator`].
//!
//! ```text
//! simulate --seed N                  one run, with its trace
//! simulate --seeds COUNT [--from N]  many runs, on all cores
//! simulate --connections COUNT       so many connections alive at once, and what one costs
//! ```

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use ssh_interop_tests::simulator::{self, Totals};

#[global_allocator]
static ALLOCATOR: counting_allocator::Counting = counting_allocator::Counting;

const USAGE: &str = "usage: simulate --seed N | --seeds COUNT [--from N] | --connections COUNT";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut options = Vec::new();
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return usage() };
        let Ok(value) = value.parse::<u64>() else { return usage() };
        options.push((name.as_str(), value));
    }
    match options[..] {
        [("--seed", seed)] => one(seed),
        [("--seeds", count)] => many(0, count),
        [("--seeds", count), ("--from", first)] | [("--from", first), ("--seeds", count)] => many(first, count),
        [("--connections", count)] => crowd(count),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn one(seed: u64) -> ExitCode {
    let outcome = simulator::run(seed);
    if !outcome.violations.is_empty() {
        print!("{}", outcome.report());
        return ExitCode::FAILURE;
    }
    println!("{}\nseed {seed} {}\n{:#?}", outcome.trace.join("\n"), outcome.digest, outcome.totals);
    ExitCode::SUCCESS
}

fn many(first: u64, count: u64) -> ExitCode {
    let begin = Instant::now();
    let next = AtomicU64::new(first);
    let results = Mutex::new((Totals::default(), Vec::new(), (0, first)));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first.saturating_add(count) {
                return;
            }
            let outcome = simulator::run(seed);
            let mut results = results.lock().expect("no run panics while it holds the results");
            results.0.add(&outcome.totals);
            results.2 = results.2.max((outcome.totals.memory.percent[1], seed));
            if !outcome.violations.is_empty() {
                println!("seed {seed}: {}", outcome.violations[0]);
                results.1.push(outcome);
            }
        }
    };
    thread::scope(|scope| (0..threads()).for_each(|_| drop(scope.spawn(work))));
    let seconds = begin.elapsed().as_secs_f64();
    let (totals, failures, (percent, heaviest)) =
        results.into_inner().expect("no run panics while it holds the results");
    println!("{count} seeds from {first} in {seconds:.1} s, {:.0} a second\n{totals:#?}", count as f64 / seconds);
    println!("seed {heaviest} came closest to what its limits promise: {percent} %");
    if failures.is_empty() {
        return ExitCode::SUCCESS;
    }
    print!("{}", failures[0].report());
    println!("{} of {count} seeds broke a rule", failures.len());
    ExitCode::FAILURE
}

fn crowd(count: u64) -> ExitCode {
    let census = simulator::crowd(usize::try_from(count).unwrap_or(usize::MAX), threads());
    let each = |bytes: u64| bytes as f64 / 1024.0 / count.max(1) as f64;
    let resident = census.resident.saturating_sub(census.resident_before);
    println!("{} connections alive at once, idle, after {:.1} s", census.alive, census.login.as_secs_f64());
    println!("heap of a client:     {:8.2} KiB", each(census.idle[0]));
    println!("heap of a server:     {:8.2} KiB", each(census.idle[1]));
    println!("heap of both:         {:8.2} KiB", each(census.idle[0] + census.idle[1]));
    println!("resident set, each:   {:8.2} KiB with network and applications", each(resident));
    println!("resident set, all:    {:8.2} MiB", census.resident as f64 / 1_048_576.0);
    println!("{} echoed and ended as they should, after {:.1} s", census.finished, census.total.as_secs_f64());
    for violation in &census.violations {
        println!("{violation}");
    }
    let good = census.violations.is_empty() && census.alive == count && census.finished == count;
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
