//! What can go wrong, in one line for a person.

use std::fmt;
use std::io;
use std::time::Duration;

use ssh_core::adapter::SessionError;
use ssh_core::agent::AgentError;
use ssh_core::key::KeyFileError;
use ssh_core::login::LoginError;
use ssh_core::{CloseReason, ConfigError, Misuse};

/// Why something did not work.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The host could not be reached.
    Connect {
        /// What was to be reached.
        target: String,
        /// Why not.
        error: io::Error,
    },
    /// Reading or writing failed.
    Io(io::Error),
    /// A file could not be read or written.
    File {
        /// Its path.
        path: std::path::PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A key file cannot be used.
    KeyFile {
        /// Its path.
        path: std::path::PathBuf,
        /// Why not.
        error: KeyFileError,
    },
    /// Something took longer than allowed.
    Timeout {
        /// What.
        what: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// The host key is not the one expected, or not known.
    HostKey(String),
    /// The user was not let in.
    Login(LoginError),
    /// The connection is over, or something on it did not work.
    Session(SessionError),
    /// An agent refused, or what it said makes no sense.
    Agent(AgentError),
    /// The configuration cannot work.
    Config(ConfigError),
    /// A line of an `ssh_config` cannot be followed.
    ConfigFile(ssh_core::files::ssh_config::ConfigError),
}

/// What most functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether waiting took too long.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::Connect { error, .. } | Self::Io(error) => error.kind() == io::ErrorKind::TimedOut,
            Self::Session(SessionError::Closed(reason)) => {
                matches!(reason.error(), Some(ssh_core::Error::Timeout(_)))
            }
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { target, error } => write!(f, "cannot connect to {target}: {error}"),
            Self::Io(error) => error.fmt(f),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::KeyFile { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Timeout { what, after } => write!(f, "{what} took longer than {after:?}"),
            Self::HostKey(text) => f.write_str(text),
            Self::Login(error) => error.fmt(f),
            Self::Session(error) => error.fmt(f),
            Self::Agent(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::ConfigFile(error) => error.fmt(f),
        }
    }
}

/// What lies below is in the text already, and so there is no `source`.
impl std::error::Error for Error {}

impl From<Misuse> for Error {
    fn from(error: Misuse) -> Self {
        Self::Session(error.into())
    }
}

macro_rules! from {
    ($($variant:ident($error:ty)),*) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        })*
    };
}

from!(Io(io::Error), Session(SessionError), Login(LoginError), Agent(AgentError), Config(ConfigError));

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Timeout { .. } => io::ErrorKind::TimedOut,
            Error::Session(SessionError::Closed(CloseReason::Failed(ssh_core::Error::ConnectionLost { .. }))) => {
                io::ErrorKind::UnexpectedEof
            }
            Error::Session(SessionError::Closed(_) | SessionError::Channel(_)) => io::ErrorKind::BrokenPipe,
            _ => io::ErrorKind::Other,
        };
        match error {
            Error::Io(error) => error,
            other => Self::new(kind, other),
        }
    }
}
