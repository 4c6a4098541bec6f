//! What can go wrong, in one line for a person.

use std::{fmt, io};

use ssh_core::adapter::SessionError;
use ssh_core::key::KeyFileError;
use ssh_core::login::LoginError;
use ssh_core::{CloseReason, ConfigError, Misuse};

/// Why something did not work.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The host could not be reached, or an address not be listened on.
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
    /// The host key is not the one expected, or not known.
    HostKey(String),
    /// The user was not let in.
    Login(LoginError),
    /// The connection is over, or something on it did not work.
    Session(SessionError),
    /// The configuration cannot work.
    Config(ConfigError),
}

/// What most functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { target, error } => write!(f, "cannot connect to {target}: {error}"),
            Self::Io(error) => error.fmt(f),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::KeyFile { path, error } => write!(f, "{}: {error}", path.display()),
            Self::HostKey(text) => f.write_str(text),
            Self::Login(error) => error.fmt(f),
            Self::Session(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<LoginError> for Error {
    fn from(error: LoginError) -> Self {
        Self::Login(error)
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<Misuse> for Error {
    fn from(error: Misuse) -> Self {
        Self::Session(error.into())
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
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
