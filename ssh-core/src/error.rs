//! What can go wrong, whose fault it was, and what the peer is told.

use alloc::string::String;
use core::fmt;

use crate::crypto::AlgorithmKind;
use crate::crypto::compression::DecompressError;
use crate::crypto::kex::KexError;
use crate::crypto::signature::SignatureError;
use crate::untrusted::Untrusted;
use crate::wire::{DecodeError, DisconnectReason, MessageNumber};

/// Why a connection ended before its time.
///
/// `Display` is one line for a person: what happened, to what, and where it helps, what to do. Text from the peer is
/// escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke the protocol.
    PeerMisbehaved(PeerMisbehaved),
    /// A packet failed its integrity check.
    Integrity,
    /// The lists of one kind of algorithm have nothing in common (RFC 4253 §7.1).
    NoCommonAlgorithm {
        /// Which kind.
        kind: AlgorithmKind,
        /// What we offer.
        ours: String,
        /// What the peer offers.
        theirs: String,
    },
    /// What the peer first said is not the identification of an SSH server or client.
    NotSsh {
        /// Its first bytes.
        received: Untrusted,
    },
    /// The peer speaks another version of the protocol.
    UnsupportedVersion {
        /// Its identification string.
        identification: Untrusted,
    },
    /// The bytes from the peer ended.
    ConnectionLost {
        /// What was going on.
        during: Stage,
    },
    /// The peer ended the connection with a message.
    Disconnected {
        /// Its reason.
        reason: DisconnectReason,
        /// Its words.
        description: Untrusted,
        /// What was going on.
        during: Stage,
    },
    /// The application did not accept the server's host key.
    HostKeyRejected,
    /// The server came with another host key in a later key exchange.
    HostKeyChanged,
    /// The peer, or the application, did not act in time.
    Timeout(Deadline),
    /// A bound on memory or work was reached.
    LimitExceeded(LimitKind),
    /// Too many failed authentication attempts.
    TooManyAuthAttempts,
    /// The application could not make a signature that the protocol needs.
    SigningFailed,
    /// The source of randomness failed.
    Random,
    /// Strict key exchange was required and the peer does not have it.
    StrictKexRequired,
}

/// What a connection was busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Exchanging identification strings.
    Identification,
    /// The first key exchange.
    KeyExchange,
    /// Authentication.
    Authentication,
    /// Channels.
    Connection,
}

/// Something that must happen before a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Deadline {
    /// Identification, key exchange and authentication together.
    Login(Stage),
    /// A key exchange that replaces keys.
    Rekey,
    /// The answer to a keepalive.
    KeepAlive,
}

/// A bound that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitKind {
    /// Bytes before authentication.
    BytesBeforeAuthentication,
    /// Messages held back during a key exchange.
    DeferredMessages,
    /// Requests on one channel, or global ones, that await an answer.
    UnansweredRequests,
    /// Packets under one key.
    PacketsPerKey,
    /// Banners.
    Banners,
    /// Rounds of keyboard-interactive questions.
    PromptRounds,
    /// Key exchanges before authentication.
    EarlyKeyExchanges,
    /// Bytes of a key exchange method's message.
    KeyExchangeMessage,
}

/// How the peer broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// A message that has no business in this state or from this role.
    UnexpectedMessage {
        /// Its number.
        number: MessageNumber,
        /// What was going on.
        during: Stage,
    },
    /// A message that cannot be read.
    MalformedMessage {
        /// Its number.
        number: MessageNumber,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// An identification string, or what precedes it, that is too long or holds a forbidden byte.
    Identification,
    /// A `packet_length` that is too small, too large or not a multiple of the block size.
    PacketLength(u32),
    /// A `padding_length` that is under 4 or leaves no payload.
    Padding,
    /// A compressed payload that cannot be inflated, or is longer than a packet may be.
    Compression(DecompressError),
    /// A value of the key exchange was unacceptable.
    KeyExchange(KexError),
    /// The server did not prove that it has its host key.
    HostKey(SignatureError),
    /// Strict key exchange was agreed and then broken.
    StrictKex,
    /// A service that does not exist was asked for, or another was granted than was asked for.
    Service,
    /// The user or service name changed in the midst of a login.
    UserChanged,
    /// A message for a channel that does not exist.
    UnknownChannel(u32),
    /// A message for a channel in a state that does not allow it.
    ChannelState(u32),
    /// More data on a channel than its window allows.
    WindowExceeded(u32),
    /// More data in one message than the channel's maximum packet size.
    PacketTooLarge(u32),
    /// A window was widened past 2^32 - 1 bytes.
    WindowOverflow(u32),
    /// An answer to a request that was never made.
    UnsolicitedReply,
}

impl Error {
    /// The reason a DISCONNECT for this error carries; `None` where nothing more may be sent.
    pub fn disconnect_reason(&self) -> Option<DisconnectReason> {
        Some(match self {
            Self::PeerMisbehaved(PeerMisbehaved::KeyExchange(_) | PeerMisbehaved::HostKey(_)) => {
                DisconnectReason::KEY_EXCHANGE_FAILED
            }
            Self::PeerMisbehaved(PeerMisbehaved::Service) => DisconnectReason::SERVICE_NOT_AVAILABLE,
            Self::PeerMisbehaved(PeerMisbehaved::Identification) | Self::NotSsh { .. } => return None,
            // How a packet was found to be damaged must not show (CVE-2008-5161).
            Self::Integrity | Self::PeerMisbehaved(PeerMisbehaved::PacketLength(_) | PeerMisbehaved::Padding) => {
                DisconnectReason::MAC_ERROR
            }
            Self::PeerMisbehaved(PeerMisbehaved::Compression(_)) => DisconnectReason::COMPRESSION_ERROR,
            Self::PeerMisbehaved(_) => DisconnectReason::PROTOCOL_ERROR,
            Self::NoCommonAlgorithm { .. } | Self::StrictKexRequired | Self::Random | Self::SigningFailed => {
                DisconnectReason::KEY_EXCHANGE_FAILED
            }
            Self::UnsupportedVersion { .. } => DisconnectReason::PROTOCOL_VERSION_NOT_SUPPORTED,
            Self::ConnectionLost { .. } | Self::Disconnected { .. } => return None,
            Self::HostKeyRejected | Self::HostKeyChanged => DisconnectReason::HOST_KEY_NOT_VERIFIABLE,
            // Not BY_APPLICATION: the peer must not take it for an orderly end.
            Self::Timeout(_) => DisconnectReason::CONNECTION_LOST,
            Self::LimitExceeded(_) => DisconnectReason::PROTOCOL_ERROR,
            Self::TooManyAuthAttempts => DisconnectReason::NO_MORE_AUTH_METHODS_AVAILABLE,
        })
    }

    /// What the peer is told. It names no detail that helps an attacker: all integrity failures read the same.
    pub(crate) fn disconnect_description(&self) -> &'static str {
        match self {
            Self::PeerMisbehaved(PeerMisbehaved::KeyExchange(_) | PeerMisbehaved::HostKey(_)) => "key exchange failed",
            Self::PeerMisbehaved(PeerMisbehaved::Service) => "service not available",
            Self::Integrity | Self::PeerMisbehaved(PeerMisbehaved::PacketLength(_) | PeerMisbehaved::Padding) => {
                "damaged packet"
            }
            Self::PeerMisbehaved(PeerMisbehaved::Compression(_)) => "compression error",
            Self::PeerMisbehaved(_) => "protocol error",
            Self::NoCommonAlgorithm { .. } => "no common algorithm",
            Self::StrictKexRequired => "strict key exchange is required",
            Self::UnsupportedVersion { .. } => "protocol version not supported",
            Self::HostKeyRejected | Self::HostKeyChanged => "host key not accepted",
            Self::Timeout(_) => "timeout",
            Self::LimitExceeded(_) => "limit exceeded",
            Self::TooManyAuthAttempts => "too many authentication failures",
            _ => "internal error",
        }
    }
}

impl From<PeerMisbehaved> for Error {
    fn from(error: PeerMisbehaved) -> Self {
        Self::PeerMisbehaved(error)
    }
}

impl From<KexError> for Error {
    fn from(error: KexError) -> Self {
        match error {
            KexError::Random(_) => Self::Random,
            other => PeerMisbehaved::KeyExchange(other).into(),
        }
    }
}

impl From<crate::random::RandomError> for Error {
    fn from(_: crate::random::RandomError) -> Self {
        Self::Random
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerMisbehaved(what) => write!(f, "the peer broke the protocol: {what}"),
            Self::Integrity => f.write_str("a packet failed its integrity check: it was damaged or tampered with"),
            Self::NoCommonAlgorithm { kind, ours, theirs } => {
                write!(f, "no common {kind}: we offer {ours}; the peer offers {}", Untrusted::from(theirs.as_str()))
            }
            Self::NotSsh { received } if received.is_empty() => {
                f.write_str("the peer closed the connection without a word: is this an SSH port?")
            }
            Self::NotSsh { received } => write!(f, "the peer does not speak SSH; it said \"{received}\""),
            Self::UnsupportedVersion { identification } => {
                write!(f, "the peer speaks another protocol version: \"{identification}\"; only SSH 2.0 is spoken here")
            }
            Self::ConnectionLost { during } => write!(f, "the peer closed the connection during {during}"),
            Self::Disconnected { reason, description, during } => {
                write!(f, "the peer disconnected during {during}: {description} ({reason})")
            }
            Self::HostKeyRejected => f.write_str("the server's host key was not accepted"),
            Self::HostKeyChanged => f.write_str("the server changed its host key in the midst of the connection"),
            Self::Timeout(Deadline::Login(stage)) => write!(f, "timed out during {stage}"),
            Self::Timeout(Deadline::Rekey) => f.write_str("timed out while exchanging new keys"),
            Self::Timeout(Deadline::KeepAlive) => f.write_str("the peer does not answer any more"),
            Self::LimitExceeded(kind) => write!(f, "the peer exceeded a limit: {kind}"),
            Self::TooManyAuthAttempts => f.write_str("too many failed authentication attempts"),
            Self::SigningFailed => f.write_str("the host key could not sign the key exchange"),
            Self::Random => f.write_str("the source of random bytes failed"),
            Self::StrictKexRequired => {
                f.write_str("strict key exchange is required, but the peer does not have it (CVE-2023-48795)")
            }
        }
    }
}

impl core::error::Error for Error {}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identification => "identification",
            Self::KeyExchange => "key exchange",
            Self::Authentication => "authentication",
            Self::Connection => "the connection",
        })
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BytesBeforeAuthentication => "bytes before authentication",
            Self::DeferredMessages => "messages held back during a key exchange",
            Self::UnansweredRequests => "unanswered requests",
            Self::PacketsPerKey => "packets under one key",
            Self::Banners => "banners",
            Self::PromptRounds => "rounds of questions",
            Self::EarlyKeyExchanges => "key exchanges before authentication",
            Self::KeyExchangeMessage => "bytes of a key exchange message",
        })
    }
}

impl fmt::Display for PeerMisbehaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedMessage { number, during } => write!(f, "{number} is not allowed during {during}"),
            Self::MalformedMessage { number, error } => write!(f, "{number} is malformed: {error}"),
            Self::Identification => f.write_str("its identification string is malformed or too long"),
            Self::PacketLength(length) => write!(f, "packet length {length} is out of range"),
            Self::Padding => f.write_str("a packet's padding is malformed"),
            Self::Compression(error) => error.fmt(f),
            Self::KeyExchange(error) => error.fmt(f),
            Self::HostKey(error) => write!(f, "the server did not prove its host key: {error}"),
            Self::StrictKex => f.write_str("strict key exchange was violated (CVE-2023-48795)"),
            Self::Service => f.write_str("it named a service that does not exist"),
            Self::UserChanged => f.write_str("the user or service changed during authentication"),
            Self::UnknownChannel(id) => write!(f, "channel {id} does not exist"),
            Self::ChannelState(id) => write!(f, "channel {id} is not in a state for that message"),
            Self::WindowExceeded(id) => write!(f, "channel {id} got more data than its window allows"),
            Self::PacketTooLarge(id) => write!(f, "channel {id} got more data at once than its packet size allows"),
            Self::WindowOverflow(id) => write!(f, "the window of channel {id} overflows"),
            Self::UnsolicitedReply => f.write_str("it answered a request that was never made"),
        }
    }
}

/// How a connection ended. Reported exactly once, as the last event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// We ended it.
    Local,
    /// The peer ended it after authentication, by [`DisconnectReason::BY_APPLICATION`] or by closing when no channel was
    /// open: the ordinary way.
    Peer,
    /// It failed.
    Failed(Error),
}

impl CloseReason {
    /// The error, if the connection did not end in the ordinary way.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Local | Self::Peer => None,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("the connection was closed here"),
            Self::Peer => f.write_str("the peer closed the connection"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// A command was given that the state of the connection does not allow. The application's doing, never a peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// The token belongs to another connection, or what it asks is over.
    StaleToken,
    /// The connection is not far enough, or is over.
    WrongPhase,
    /// The channel does not exist any more, or is closing.
    NoSuchChannel,
    /// The number of answers is not the number of prompts.
    WrongAnswerCount,
    /// A name or text is longer than a packet can carry.
    TooLong,
    /// No configured algorithm fits the key, or the server accepts none of those that do.
    NoUsableAlgorithm,
    /// Too many messages wait for a key exchange to finish; try again after it.
    Busy,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StaleToken => "the request has been answered or is over",
            Self::WrongPhase => "the connection is not in a state for that",
            Self::NoSuchChannel => "the channel is closed",
            Self::WrongAnswerCount => "the number of answers is not the number of questions",
            Self::TooLong => "the text is longer than a packet can carry",
            Self::NoUsableAlgorithm => "no algorithm that the server accepts fits the key",
            Self::Busy => "too much is waiting for the key exchange to finish",
        })
    }
}

impl core::error::Error for Misuse {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    /// A peer that damages packets learns nothing from the answers.
    #[test]
    fn damaged_packets_look_alike() {
        let length = Error::from(PeerMisbehaved::PacketLength(7));
        for error in [length, PeerMisbehaved::Padding.into()] {
            assert_eq!(error.disconnect_reason(), Error::Integrity.disconnect_reason());
            assert_eq!(error.disconnect_description(), Error::Integrity.disconnect_description());
        }
    }

    #[test]
    fn no_message_carries_control_characters() {
        let hostile = Untrusted::new(b"\x1b]0;owned\x07\r\n");
        for error in [
            Error::NotSsh { received: hostile.clone() },
            Error::UnsupportedVersion { identification: hostile.clone() },
            Error::Disconnected { reason: DisconnectReason(99), description: hostile, during: Stage::Connection },
            Error::NoCommonAlgorithm { kind: AlgorithmKind::KeyExchange, ours: "a".into(), theirs: "\x1b[2J".into() },
        ] {
            assert!(!error.to_string().chars().any(char::is_control), "{error}");
        }
    }
}
