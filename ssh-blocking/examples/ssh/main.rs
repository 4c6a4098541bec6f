//! `ssh`, as far as everyday use needs it, over `ssh_blocking`.
//!
//! The options are OpenSSH's, and so is the exit status: that of the remote command, or 255 if something went wrong
//! here, with one line on standard error that says what.
//!
//! ```text
//! cargo run --release --example ssh -- -p 2222 alice@host.example.com uname -a
//! ```
//!
//! There is no forwarding.

mod auth;
mod command;
mod connect;
mod shared;

use shared::plan::{self, Plan};
use shared::{log, terminal};

/// What the exit status is when the failure is ours.
const FAILURE: u8 = 255;

fn main() {
    let status = run().unwrap_or_else(|error| {
        terminal::restore();
        log::error(error);
        FAILURE
    });
    terminal::restore();
    // Threads may still be reading standard input; nothing of theirs matters any more.
    std::process::exit(status.into());
}

fn run() -> Result<u8, String> {
    match plan::read(std::env::args_os().skip(1))? {
        Some(plan) => connect_and_run(&plan),
        None => Ok(0),
    }
}

fn connect_and_run(plan: &Plan) -> Result<u8, String> {
    let session = connect::connect(plan)?;
    auth::login(&session, plan)?;
    let status = command::run(&session, plan);
    terminal::restore();
    session.disconnect();
    status
}
