//! What can go wrong between a client and its agent.

use alloc::string::String;
use core::fmt;

use super::frame::MAX_FRAME_LENGTH;
use super::number::AgentMessageNumber;
use crate::key::KeyFileError;
use crate::wire::DecodeError;

/// Why an agent did not do what it was asked, or why the conversation with it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentError {
    /// The agent refused: it does not have the key, it is locked, a person said no, or it does not know the request.
    Refused,
    /// The agent signed with another algorithm than it was asked for, as agents do that do not know SHA-2 with RSA.
    WrongAlgorithm {
        /// What was asked for.
        wanted: String,
    },
    /// The answer is malformed. The conversation goes on.
    Malformed(DecodeError),
    /// The answer belongs to another question. The conversation is over.
    UnexpectedReply {
        /// Its number.
        number: AgentMessageNumber,
    },
    /// The agent answered without having been asked. The conversation is over.
    Unsolicited,
    /// A message has no byte at all, or more than [`MAX_FRAME_LENGTH`]. The conversation is over.
    FrameLength {
        /// The length in its first four bytes.
        length: u32,
    },
    /// What was to be sent is longer than [`MAX_FRAME_LENGTH`]. Nothing was sent.
    TooLong,
    /// The key cannot be given to an agent: its certificate is of another key.
    CertificateMismatch,
    /// The key in a request is no valid key.
    Key(KeyFileError),
    /// A request wants a key to be kept in a way that is not known here. To keep it in another way would be wrong.
    UnknownConstraint,
}

impl AgentError {
    /// Whether nothing more can be asked over this connection.
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::UnexpectedReply { .. } | Self::Unsolicited | Self::FrameLength { .. })
    }
}

impl From<DecodeError> for AgentError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the agent refused; look at \"ssh-add -l\", is the key there, is it locked?"),
            Self::WrongAlgorithm { wanted } => {
                write!(f, "the agent does not sign with \"{}\"; it may be too old", wanted.escape_debug())
            }
            Self::Malformed(error) => write!(f, "a message of the agent protocol is malformed: {error}"),
            Self::UnexpectedReply { number } => write!(f, "the agent answered another question, with {number}"),
            Self::Unsolicited => f.write_str("the agent answered without a question"),
            Self::FrameLength { length } => {
                write!(f, "a message of the agent protocol has {length} bytes; 1 to {MAX_FRAME_LENGTH} are allowed")
            }
            Self::TooLong => write!(f, "the request to the agent is longer than {MAX_FRAME_LENGTH} bytes"),
            Self::CertificateMismatch => f.write_str("the certificate does not belong to the key"),
            Self::Key(error) => write!(f, "the key in the request is not usable: {error}"),
            Self::UnknownConstraint => f.write_str("the request has a constraint that is not known here"),
        }
    }
}

impl core::error::Error for AgentError {}
