//! Very many connections at once, each alive and idle, to see what one costs.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use super::plan::{Plan, SECOND};
use super::world::World;

/// Worlds begin with this seed and those after it.
const SEED: u64 = 1;

/// What a crowd costs.
#[derive(Clone, Debug, Default)]
pub struct Census {
    /// Connections whose users were logged in when all were idle.
    pub alive: u64,
    /// Bytes of heap of all clients, and of all servers, when all were idle; with the endpoints themselves.
    pub idle: [u64; 2],
    /// Resident set of the process then, in bytes.
    pub resident: u64,
    /// Resident set before anything began.
    pub resident_before: u64,
    /// Connections that echoed and ended as they should.
    pub finished: u64,
    /// Wall time until all were idle.
    pub login: Duration,
    /// Wall time of everything.
    pub total: Duration,
    /// What broke a rule.
    pub violations: Vec<String>,
}

/// Logs in `count` connections, lets all of them rest, measures, lets each echo, and ends them.
pub fn crowd(count: usize, threads: usize) -> Census {
    let begin = Instant::now();
    let resident_before = resident();
    let configs = Plan::configs_of_a_crowd();
    let threads = threads.clamp(1, count.max(1));
    let barrier = Arc::new(Barrier::new(threads));
    let mut census = Census { resident_before, ..Census::default() };
    let parts: Vec<Census> = std::thread::scope(|scope| {
        let shares = (0..threads).map(|part| count / threads + usize::from(part < count % threads));
        let workers = shares.enumerate().map(|(part, share)| {
            let (configs, barrier) = (configs.clone(), Arc::clone(&barrier));
            scope.spawn(move || {
                let all_in = share as u64 * 100 + 10 * SECOND;
                let plan = |number| Plan::one_of_a_crowd(number, &configs, all_in + 30 * SECOND);
                let mut world = World::new(SEED + part as u64, (0..share as u64).map(plan).collect(), false);
                // Buffers are given back after five seconds without traffic.
                world.run(all_in + 10 * SECOND);
                let mut part = census_of(&world);
                barrier.wait();
                part.login = begin.elapsed();
                part.resident = resident();
                barrier.wait();
                world.run(u64::MAX);
                part.finished = world.totals.faultless.min(world.totals.data / 2000);
                part.violations = world.witness.finish().1;
                part
            })
        });
        let workers: Vec<_> = workers.collect();
        workers.into_iter().map(|worker| worker.join().expect("a world does not panic")).collect()
    });
    for part in parts {
        census.alive += part.alive;
        census.finished += part.finished;
        census.idle[0] += part.idle[0];
        census.idle[1] += part.idle[1];
        census.resident = census.resident.max(part.resident);
        census.login = census.login.max(part.login);
        census.violations.extend(part.violations);
    }
    census.total = begin.elapsed();
    census
}

fn census_of(world: &World) -> Census {
    let mut census = Census::default();
    for connection in world.connections.iter().flatten() {
        census.alive += u64::from(connection.facts.logged_in == [true; 2]);
        census.idle[0] += connection.client.engine.held();
        census.idle[1] += connection.server.engine.held();
    }
    census
}

/// The process's resident set in bytes; 0 where nobody tells.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}
