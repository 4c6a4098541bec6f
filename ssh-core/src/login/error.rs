//! Why a login does not succeed.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::error::Misuse;
use crate::untrusted::{Untrusted, list};

/// Why a login did not succeed. The connection lives; another login may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginError {
    /// Nothing that was shown lets the user in.
    Refused {
        /// Who.
        user: String,
        /// What was tried.
        tried: Vec<&'static str>,
        /// What the server would still look at.
        methods: Vec<String>,
    },
    /// The password has expired, and nobody gave a new one.
    PasswordExpired {
        /// The server's words.
        prompt: Untrusted,
    },
    /// Something could not be asked of the connection.
    Misuse(Misuse),
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { user, tried, methods } => {
                write!(f, "permission denied for {user:?}; tried: {}", list(tried))?;
                write!(f, "; the server accepts: {}", list(methods))
            }
            Self::PasswordExpired { prompt } => write!(f, "the password has expired: {prompt}"),
            Self::Misuse(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for LoginError {}

impl From<Misuse> for LoginError {
    fn from(error: Misuse) -> Self {
        Self::Misuse(error)
    }
}
