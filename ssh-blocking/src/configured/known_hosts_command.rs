//! `KnownHostsCommand`: a program that prints known hosts.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use ssh_core::files::ssh_config::{HostLookup, Resolved};

use super::{Person, lock};
use crate::error::{Error, Result};
use crate::sync::{Mutex, PoisonError};

/// What a program may print.
const MAX_OUTPUT: u64 = 16 * 1024 * 1024;

/// The program, which runs for every look into the known hosts.
pub(super) struct KnownHostsCommand {
    resolved: Arc<Resolved>,
    person: Person,
    /// Why it failed. It is not asked again then: a program that says something else the next time is no better.
    failure: Mutex<Option<String>>,
}

impl KnownHostsCommand {
    pub(super) fn new(resolved: Arc<Resolved>, person: Person) -> Self {
        Self { resolved, person, failure: Mutex::new(None) }
    }

    /// What it prints. One that cannot be started prints nothing, which a person is told, and one that fails refuses the
    /// host: the same as with `ssh`.
    pub(super) fn look_up(&self, lookup: &HostLookup<'_>) -> Result<Vec<u8>> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = |text: &String| Error::HostKey(format!("the KnownHostsCommand failed: {text}"));
        if let Some(text) = &*failure {
            return Err(refused(text));
        }
        let words = match self.resolved.known_hosts_command(lookup) {
            Ok(words) => words.unwrap_or_default(),
            Err(error) => return Err(refused(failure.insert(error.to_string()))),
        };
        let Some((program, arguments)) = words.split_first() else { return Ok(self.not_started("it is empty")) };
        if !Path::new(program).is_absolute() {
            return Ok(self.not_started("its path is not absolute"));
        }
        if let Err(error) = std::fs::metadata(program) {
            return Ok(self.not_started(&format!("{program}: {error}")));
        }
        run(program, arguments).map_err(|error| refused(failure.insert(error)))
    }

    fn not_started(&self, why: &str) -> Vec<u8> {
        lock(&self.person).warn(&format!("the KnownHostsCommand is not started: {why}"));
        Vec::new()
    }
}

/// Runs it without a shell and without standard input.
fn run(program: &str, arguments: &[String]) -> std::result::Result<Vec<u8>, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let text = |error: std::io::Error| error.to_string();
    let mut child = command.spawn().map_err(text)?;
    let mut printed = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // It is taken away before the end is waited for: what prints more than is read does not wait for ever.
        stdout.take(MAX_OUTPUT + 1).read_to_end(&mut printed).map_err(text)?;
    }
    let status = child.wait().map_err(text)?;
    if printed.len() as u64 > MAX_OUTPUT {
        return Err("it prints too much".into());
    }
    if status.success() { Ok(printed) } else { Err(status.to_string()) }
}
