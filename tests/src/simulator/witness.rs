//! Who remembers what happened: a digest of all of it, the last of it in words, and what was wrong.

use std::collections::VecDeque;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// How many lines of the past a report shows.
const TRACE: usize = 200;

/// Most violations a report shows: the first one says the most.
const VIOLATIONS: usize = 20;

/// What all connections of a run report to.
pub(super) struct Witness {
    digest: Sha256,
    trace: VecDeque<String>,
    violations: Vec<String>,
    /// A crowd is only counted.
    pub(super) detailed: bool,
    /// Bytes that crossed any pipe.
    pub(super) bytes: u64,
    pub(super) events: u64,
}

/// Where and when something happened.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) now: u64,
    pub(super) connection: usize,
    pub(super) side: usize,
}

impl Witness {
    pub(super) fn new(detailed: bool) -> Self {
        Self { digest: Sha256::new(), trace: VecDeque::new(), violations: Vec::new(), detailed, bytes: 0, events: 0 }
    }

    fn line(place: Place, text: &str) -> String {
        let side = if place.side == 0 { "client" } else { "server" };
        format!("{:>12} #{} {side}: {text}", place.now, place.connection)
    }

    /// Something happened.
    pub(super) fn note(&mut self, place: Place, text: std::fmt::Arguments<'_>) {
        self.events += 1;
        if !self.detailed {
            return;
        }
        let line = Self::line(place, &text.to_string());
        self.digest.update(line.as_bytes());
        if self.trace.len() == TRACE {
            self.trace.pop_front();
        }
        self.trace.push_back(line);
    }

    /// Bytes left a side.
    pub(super) fn sent(&mut self, place: Place, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if self.detailed {
            self.digest.update(place.now.to_le_bytes());
            self.digest.update(bytes);
        }
    }

    /// Something happened that must not.
    pub(super) fn violation(&mut self, place: Place, text: &str) {
        let line = Self::line(place, &format!("VIOLATION: {text}"));
        if self.violations.len() < VIOLATIONS {
            self.violations.push(line.clone());
        }
        self.trace.push_back(line);
    }

    pub(super) fn has_violations(&self) -> bool {
        !self.violations.is_empty()
    }

    /// The digest of everything, the violations, and the trace.
    pub(super) fn finish(self) -> (String, Vec<String>, Vec<String>) {
        let mut digest = String::new();
        for byte in self.digest.finalize() {
            let _infallible = write!(digest, "{byte:02x}");
        }
        (digest, self.violations, self.trace.into())
    }
}
