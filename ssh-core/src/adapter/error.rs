//! What can go wrong with a session, whoever moves its bytes.

use core::fmt;

use crate::connection::{ChannelRequest, WriteError};
use crate::error::{CloseReason, Misuse};
use crate::untrusted::Untrusted;
use crate::wire::ChannelOpenFailureReason;

/// Why something did not work on a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// The connection is over.
    Closed(CloseReason),
    /// The peer did not open a channel.
    ChannelRefused {
        /// Its reason.
        reason: ChannelOpenFailureReason,
        /// Its words.
        description: Untrusted,
    },
    /// The peer refused a request on a channel.
    RequestRefused {
        /// What was asked for: the request's name.
        request: &'static str,
    },
    /// Nothing can be sent on the channel.
    Channel(WriteError),
    /// More output than the caller allows to collect.
    TooMuchOutput {
        /// The bound, in bytes.
        limit: usize,
    },
    /// The library was asked for something at the wrong time.
    Misuse(Misuse),
}

impl SessionError {
    pub(super) fn request_refused(request: &ChannelRequest) -> Self {
        let request = match request {
            ChannelRequest::Pty(_) => "pty-req",
            ChannelRequest::Env { .. } => "env",
            ChannelRequest::Shell => "shell",
            ChannelRequest::Exec { .. } => "exec",
            ChannelRequest::Subsystem { .. } => "subsystem",
            _ => "channel",
        };
        Self::RequestRefused { request }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(reason) => reason.fmt(f),
            Self::ChannelRefused { reason, description } => {
                write!(f, "the server did not open a channel: {description} ({reason})")
            }
            Self::RequestRefused { request } => write!(f, "the server refused the {request} request"),
            Self::Channel(error) => error.fmt(f),
            Self::TooMuchOutput { limit } => {
                write!(f, "the command wrote more than {limit} bytes; read its output as a stream instead")
            }
            Self::Misuse(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SessionError {}

impl From<Misuse> for SessionError {
    fn from(error: Misuse) -> Self {
        Self::Misuse(error)
    }
}

impl From<WriteError> for SessionError {
    fn from(error: WriteError) -> Self {
        Self::Channel(error)
    }
}
