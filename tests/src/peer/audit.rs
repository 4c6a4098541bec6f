//! `ssh-audit`, which connects to a server or waits for a client, and says what there is against what it offers.
//!
//! It is a program in Python, run by the interpreter that `SSH_INTEROP_PYTHON` names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::python_with;
use crate::net::free_port;
use crate::process::Running;

/// The interpreter, if it is named and can import `ssh_audit`.
pub(super) fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    PYTHON.get_or_init(|| python_with("ssh_audit")).as_deref()
}

fn command(arguments: &[&str]) -> Command {
    let mut python = Command::new(python().expect("SSH_INTEROP_PYTHON names a python that has ssh_audit"));
    python.args(["-u", "-m", "ssh_audit.ssh_audit", "--no-colors"]).args(arguments);
    python
}

/// What it says.
#[derive(Debug)]
pub struct Report {
    text: String,
    status: Option<i32>,
}

impl Report {
    /// Audits whoever listens at this port of 127.0.0.1.
    #[track_caller]
    pub fn of_server(port: u16) -> Self {
        let output = crate::run_with_timeout(command(&["-p", &port.to_string(), "127.0.0.1"]), b"", crate::DEADLINE);
        Self { text: format!("{}{}", output.stdout_text(), output.stderr_text()), status: output.code() }
    }

    /// Audits the client that `connect` starts and that connects to this port of 127.0.0.1.
    #[track_caller]
    pub fn of_client(connect: impl Fn(u16) -> Command) -> Self {
        let port = free_port();
        let seconds = crate::DEADLINE.as_secs().to_string();
        let directory = crate::temp_dir();
        let log = directory.path().join("ssh-audit.log");
        let audit = command(&["-c", "-4", "-p", &port.to_string(), "-t", &seconds]);
        let mut audit = Running::start("ssh-audit", audit, &log);
        // It does not say when it listens, and the first who connects is the one it audits, and then hung up on.
        let deadline = Instant::now() + crate::DEADLINE;
        let status = loop {
            let _ = crate::run_with_timeout(connect(port), b"", crate::DEADLINE);
            if let Some(status) = audit.wait(Duration::from_millis(100)) {
                break status.code();
            }
            assert!(Instant::now() < deadline, "ssh-audit has seen no client");
        };
        Self { text: audit.log(), status }
    }

    /// Is there a line with this text?
    pub fn says(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The exit status: 0 only if it found neither failures nor warnings.
    pub fn status(&self) -> Option<i32> {
        self.status
    }

    /// The failures and warnings, each as `(kind) subject: [fail] text`.
    pub fn findings(&self) -> BTreeSet<String> {
        let mut findings = BTreeSet::new();
        let mut subject = "";
        for line in self.text.lines() {
            let (before, finding) = line.split_once("-- ").or_else(|| line.split_once("`- ")).unwrap_or(("", line));
            if before.starts_with('(') {
                subject = before.trim_end();
            }
            if finding.contains("[fail]") || finding.contains("[warn]") {
                findings.insert(format!("{subject}: {finding}"));
            }
        }
        findings
    }
}
