//! Links `ssh-core`, and a client that uses it, into a static library that has no std: no operating system below it, only
//! an allocator.
//!
//! The client is `ssh-core/examples/no_std_client/client.rs`, which the example of that name runs against real servers.
//!
//! If `ssh-core` or anything it depends on pulled std in, std's own panic handler would come with it, and the build
//! would fail with E0152, "found duplicate lang item `panic_impl`". So this needs no special target.
#![no_std]

extern crate alloc;

#[path = "../../../ssh-core/examples/no_std_client/client.rs"]
mod client;
#[allow(dead_code, reason = "other examples use the rest")]
#[path = "../../../ssh-core/examples/common/job.rs"]
mod job;

use alloc::{boxed::Box, string::String};
use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

use ssh_core::files::known_hosts::KnownHosts;
use ssh_core::key::PrivateKey;
use ssh_core::random::ChaChaRandom;
use ssh_core::{Timestamp, UnixTime};

use client::{Device, Queues};
use job::{Job, Target};

/// What a board's main loop does: everything that the client can do is linked for this. The seed is to come from the
/// board's generator of random numbers, and interrupts are to fill and empty the queues; here nobody does.
///
/// Returns the command's exit status; 255: it did not run.
#[unsafe(no_mangle)]
pub extern "C" fn run_client(seed: &[u8; 32]) -> u8 {
    log_in(seed).unwrap_or(255)
}

fn log_in(seed: &[u8; 32]) -> Result<u8, String> {
    let key = PrivateKey::read(b"the board's key", None).map_err(|_| String::from("no key"))?;
    let target = Target {
        host: "10.0.0.1".into(),
        port: 22,
        user: "board".into(),
        command: "uptime".into(),
        // A board without a calendar takes no certificates.
        now: UnixTime::ALWAYS,
    };
    let known_hosts = KnownHosts::parse(b"10.0.0.1 ssh-ed25519 AAAA");
    let mut random = ChaChaRandom::from_seed(seed);
    let for_signatures = ChaChaRandom::seeded_by(&mut random).map_err(|_| String::from("no randomness"))?;
    let job = Job::new(target, key, known_hosts, Box::new(for_signatures));
    let mut device = Device::new(job, Box::new(random), Timestamp::ZERO)?;
    let mut queues = Queues::default();
    let mut now = Timestamp::ZERO;
    while !device.is_over() {
        device.turn(&mut queues, now, |_stream, bytes| bytes.len());
        now = device.wakes_at().unwrap_or(now);
    }
    device.result()
}

/// An allocator that never has memory: this library is built, never run.
struct Empty;

// SAFETY: a null pointer is the allowed answer for "no memory"; so nothing is ever passed to `dealloc`.
unsafe impl GlobalAlloc for Empty {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Empty = Empty;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
