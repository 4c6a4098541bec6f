//! Real SSH implementations on loopback, for the interoperability tests of this workspace.
//!
//! Every peer has its own keys and its own configuration in a temporary directory, listens on 127.0.0.1 only, is
//! started by the test that needs it, and killed and waited for when dropped. If the test panics, its log is printed.
//!
//! ```no_run
//! use ssh_interop_tests::peer::openssh::{Sshd, ssh_command};
//! use ssh_interop_tests::{DEADLINE, peer, run_with_timeout};
//!
//! if !peer::require_all(&["sshd", "ssh"]) {
//!     return;
//! }
//! let sshd = Sshd::builder().kex("curve25519-sha256").line("RekeyLimit 1M").start();
//! let mut ssh = ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &[]);
//! ssh.arg(sshd.destination()).arg("echo hi");
//! let output = run_with_timeout(ssh, b"", DEADLINE);
//! assert_eq!(output.stdout, b"hi\n", "{output}");
//! ```
//!
//! A peer that is not installed skips its tests loudly, see [`peer::require`].
#![forbid(unsafe_code)]

mod binaries;
pub mod endurance;
mod net;
pub mod peer;
mod process;
pub mod simulator;
pub mod slips;

use std::time::Duration;

pub use crate::binaries::our_binary;
pub use crate::net::{free_port, is_listening, wait_for_port};
pub use crate::process::{Output, Running, run_with_timeout};
pub use tempfile::TempDir;

/// Time enough for any single command of a test, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A new temporary directory, removed when dropped.
pub fn temp_dir() -> TempDir {
    tempfile::Builder::new().prefix("ssh-interop-").tempdir().expect("a temporary directory can be made")
}

/// The README's programs compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
