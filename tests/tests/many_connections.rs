//! A crowd on one server process: nobody is lost, each costs little, and it shuts down cleanly. `many_connections` prints
//! the figures for ten thousand.

use std::process::Command;
use std::time::Duration;

use ssh_interop_tests::run_with_timeout;

/// The program fails by itself if a connection is lost, an echo is wrong, or an idle connection holds more than it may.
#[test]
fn a_thousand_connections_and_a_crowd() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_many_connections"));
    program.args(["1000", "100"]);
    let output = run_with_timeout(program, b"", Duration::from_secs(120)).expect_success();
    let text = output.stdout_text();
    assert!(text.contains("1000 open, ") && text.contains("1100 clients were told, 0 connections left"), "{text}");
    eprintln!("{text}");
}
