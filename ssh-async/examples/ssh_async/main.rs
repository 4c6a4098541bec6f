//! `ssh`, as far as everyday use needs it, over `ssh_async`.
//!
//! It is the program `ssh` of `ssh-blocking`'s examples, whose options, messages and exit status it has; the modules that
//! move no bytes are the same files. `--runtime tokio|tokio-threads|smol`, as the first option, says what it runs under.
//!
//! ```text
//! cargo run --release --example ssh_async -- --runtime smol -p 2222 alice@host.example.com uname -a
//! ```
//!
//! Standard input and output are read and written on the threads of the `blocking` crate, one for each: they may be
//! files, and to make them non-blocking would do so for everybody who shares them. Questions are asked there, too.

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../ssh-blocking/examples/ssh/shared/mod.rs"]
mod shared;

mod auth;
mod command;
mod connect;

use std::time::Duration;

use ssh_async::Runtime;

use common::{Flavour, Program};
use shared::plan::{self, Plan};
use shared::{log, terminal};

/// What the exit status is when the failure is ours.
const FAILURE: u8 = 255;

/// How long our goodbye may take to leave.
const GOODBYE: Duration = Duration::from_secs(1);

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
    let mut arguments = std::env::args_os().skip(1).peekable();
    let flavour = Flavour::take(&mut arguments)?;
    match plan::read(arguments)? {
        Some(plan) => flavour.run(Client { plan })?,
        None => Ok(0),
    }
}

struct Client {
    plan: Plan,
}

impl Program for Client {
    type Output = Result<u8, String>;

    async fn run<T: Runtime>(self, runtime: T) -> Self::Output {
        let session = connect::connect(&runtime, &self.plan).await?;
        auth::login(&session, &self.plan).await?;
        let status = command::run(&session, &self.plan).await;
        terminal::restore();
        session.disconnect();
        common::within(&runtime, GOODBYE, session.closed()).await;
        status
    }
}
