//! A session between two endpoints in memory by algorithms that the library does not know, one of each kind.
//!
//! ```text
//! cargo run -p ssh-core --example own_algorithms
//! ```

use std::process::ExitCode;
use std::sync::atomic::Ordering;

mod algorithms;
mod session;

fn main() -> ExitCode {
    match session::send(b"hello, in a language of our own") {
        Ok(outcome) => {
            println!("received: {}", String::from_utf8_lossy(&outcome.received));
            outcome.agreed.iter().for_each(|name| println!("agreed on {name}"));
            println!("{} packets were counted", algorithms::PACKETS.load(Ordering::Relaxed));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("own_algorithms: {error}");
            ExitCode::FAILURE
        }
    }
}
