//! How a remote command ended, and what it wrote.

use alloc::vec::Vec;
use core::fmt;

use crate::connection::Signal;
use crate::untrusted::Untrusted;

/// How a remote command ended (RFC 4254 §6.10).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// It returned this status.
    Status(u32),
    /// A signal killed it.
    Signal {
        /// Which.
        signal: Signal,
        /// Whether a core was dumped.
        core_dumped: bool,
        /// The server's words.
        message: Untrusted,
    },
    /// The server did not say: it closed the channel without a status.
    Unknown,
}

impl Exit {
    /// Whether it returned 0.
    pub fn success(&self) -> bool {
        matches!(self, Self::Status(0))
    }

    /// The status as a shell would show it: the low 8 bits of the status, 128 + number for the signals POSIX numbers,
    /// 255 otherwise.
    pub fn code(&self) -> u8 {
        match self {
            Self::Status(status) => status.to_le_bytes()[0],
            Self::Signal { signal, .. } => signal_number(signal.name()).map_or(255, |number| 128 + number),
            Self::Unknown => 255,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::Signal { signal, core_dumped, .. } => {
                write!(f, "killed by SIG{signal}{}", if *core_dumped { " (core dumped)" } else { "" })
            }
            Self::Unknown => f.write_str("closed without an exit status"),
        }
    }
}

/// Signals that have had one number for as long as there is Unix.
fn signal_number(name: &str) -> Option<u8> {
    Some(match name {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "ILL" => 4,
        "ABRT" => 6,
        "FPE" => 8,
        "KILL" => 9,
        "SEGV" => 11,
        "PIPE" => 13,
        "ALRM" => 14,
        "TERM" => 15,
        _ => return None,
    })
}

/// What a command wrote and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Everything it wrote to standard output.
    pub stdout: Vec<u8>,
    /// Everything it wrote to standard error.
    pub stderr: Vec<u8>,
    /// How it ended.
    pub exit: Exit,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn killed(signal: &str, core_dumped: bool) -> Exit {
        let signal = Signal::new(signal).expect("a name");
        Exit::Signal { signal, core_dumped, message: Untrusted::from("it went wrong") }
    }

    /// As a shell shows it; only a status of 0 in all its 32 bits is a success.
    #[test]
    fn statuses() {
        for (status, code, success) in
            [(0, 0, true), (1, 1, false), (255, 255, false), (256, 0, false), (u32::MAX, 255, false)]
        {
            let exit = Exit::Status(status);
            assert_eq!((exit.code(), exit.success()), (code, success), "{status}");
            assert_eq!(exit.to_string(), alloc::format!("exit status {status}"));
        }
        assert_eq!((Exit::Unknown.code(), Exit::Unknown.success()), (255, false));
        assert_eq!(Exit::Unknown.to_string(), "closed without an exit status");
    }

    /// 128 and the number that POSIX gives the signal (kill(1)), for those of RFC 4254 §6.10 that it numbers.
    #[test]
    fn signals() {
        let numbered = [
            ("HUP", 1),
            ("INT", 2),
            ("QUIT", 3),
            ("ILL", 4),
            ("ABRT", 6),
            ("FPE", 8),
            ("KILL", 9),
            ("SEGV", 11),
            ("PIPE", 13),
            ("ALRM", 14),
            ("TERM", 15),
        ];
        for (name, number) in numbered {
            assert_eq!((killed(name, false).code(), killed(name, false).success()), (128 + number, false), "{name}");
        }
        for name in ["USR1", "USR2", "term", "SIGTERM", "x@example.com"] {
            assert_eq!(killed(name, true).code(), 255, "{name}");
        }
        assert_eq!(killed("TERM", false).to_string(), "killed by SIGTERM");
        assert_eq!(killed("SEGV", true).to_string(), "killed by SIGSEGV (core dumped)");
    }
}
