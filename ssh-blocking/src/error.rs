//! What can go wrong, in one line for a person.

use std::fmt;
use std::io;
use std::time::Duration;

use ssh_core::files::ssh_config::ConfigError as ConfigTextError;
use ssh_core::{CloseReason, ConfigError, Misuse, Untrusted};

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
        error: ssh_core::key::KeyFileError,
    },
    /// The connection is over.
    Closed(CloseReason),
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
    Login {
        /// Who.
        user: String,
        /// What was tried.
        tried: Vec<&'static str>,
        /// What the server would still look at.
        methods: Vec<String>,
    },
    /// The server did not open a channel.
    ChannelRefused {
        /// Its reason.
        reason: ssh_core::wire::ChannelOpenFailureReason,
        /// Its words.
        description: Untrusted,
    },
    /// The server refused a request on a channel.
    RequestRefused {
        /// What was asked for.
        request: &'static str,
    },
    /// More output than the caller allows to collect.
    TooMuchOutput {
        /// The bound, in bytes.
        limit: usize,
    },
    /// The configuration cannot work.
    Config(ConfigError),
    /// A configuration text cannot be read.
    ConfigText(ConfigTextError),
    /// The library was asked for something at the wrong time.
    Misuse(Misuse),
}

/// What most functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether waiting took too long.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::Connect { error, .. } | Self::Io(error) => error.kind() == io::ErrorKind::TimedOut,
            Self::Closed(reason) => matches!(reason.error(), Some(ssh_core::Error::Timeout(_))),
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
            Self::Closed(reason) => reason.fmt(f),
            Self::Timeout { what, after } => write!(f, "{what} took longer than {after:?}"),
            Self::HostKey(text) => f.write_str(text),
            Self::Login { user, tried, methods } => {
                write!(f, "permission denied for {user:?}; tried: {}", list(tried))?;
                write!(f, "; the server accepts: {}", list(methods))
            }
            Self::ChannelRefused { reason, description } => {
                write!(f, "the server did not open a channel: {description} ({reason})")
            }
            Self::RequestRefused { request } => write!(f, "the server refused the {request} request"),
            Self::TooMuchOutput { limit } => {
                write!(f, "the command wrote more than {limit} bytes; read its output as a stream instead")
            }
            Self::Config(error) => error.fmt(f),
            Self::ConfigText(error) => error.fmt(f),
            Self::Misuse(error) => error.fmt(f),
        }
    }
}

fn list<T: AsRef<str>>(names: &[T]) -> String {
    if names.is_empty() {
        return "nothing".into();
    }
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    Untrusted::from(names.join(", ").as_str()).to_string()
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect { error, .. } | Self::Io(error) | Self::File { error, .. } => Some(error),
            Self::KeyFile { error, .. } => Some(error),
            Self::Config(error) => Some(error),
            Self::ConfigText(error) => Some(error),
            Self::Misuse(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Misuse> for Error {
    fn from(error: Misuse) -> Self {
        Self::Misuse(error)
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io(_) | Error::Connect { .. } => io::ErrorKind::Other,
            Error::Timeout { .. } => io::ErrorKind::TimedOut,
            Error::Closed(CloseReason::Failed(ssh_core::Error::ConnectionLost { .. })) => io::ErrorKind::UnexpectedEof,
            Error::Closed(_) => io::ErrorKind::BrokenPipe,
            _ => io::ErrorKind::Other,
        };
        match error {
            Error::Io(error) => error,
            other => Self::new(kind, other),
        }
    }
}
