//! What a channel is for, what happens on it, and the tokens to answer with.

use alloc::vec::Vec;

use super::channel::ChannelId;
use super::request::{ChannelRequest, RequestId};
use crate::untrusted::Untrusted;
use crate::wire::{ChannelOpenFailureReason, DataStream};

/// What a channel is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelType {
    /// `session`: a command, a shell or a subsystem (RFC 4254 §6.1).
    Session,
    /// Any other type.
    Other {
        /// Its name.
        name: Vec<u8>,
        /// Its own fields.
        data: Vec<u8>,
    },
}

impl ChannelType {
    pub(crate) fn name(&self) -> &[u8] {
        match self {
            Self::Session => b"session",
            Self::Other { name, .. } => name,
        }
    }

    pub(crate) fn data(&self) -> &[u8] {
        match self {
            Self::Session => b"",
            Self::Other { data, .. } => data,
        }
    }
}

/// The peer wants to open a channel. Answer with `accept_channel` or `reject_channel`; others go on meanwhile.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "the peer waits for an answer"]
pub struct ChannelOpenRequest {
    /// What it is for.
    pub channel_type: ChannelType,
    pub(crate) id: ChannelId,
}

impl ChannelOpenRequest {
    /// The number the channel will have if it is accepted.
    pub fn id(&self) -> ChannelId {
        self.id
    }
}

/// What happened on a channel.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChannelEvent {
    /// The peer opened the channel we asked for.
    Opened,
    /// The peer did not. The channel is gone.
    OpenFailed {
        /// Its reason.
        reason: ChannelOpenFailureReason,
        /// Its words.
        description: Untrusted,
    },
    /// Data is readable on this stream.
    Data(DataStream),
    /// A write that was cut short can go on.
    Writable,
    /// The peer asks for something.
    Request(IncomingRequest),
    /// The peer answered one of our requests.
    Reply {
        /// Which.
        request: RequestId,
        /// Whether it was granted.
        success: bool,
    },
    /// The peer sends no more data.
    Eof,
    /// The channel is closed; the last event of a channel. Data that was not read yet stays readable; the rest of the
    /// channel is gone.
    Closed,
}

/// A request of the peer on a channel.
#[derive(Debug)]
#[non_exhaustive]
pub struct IncomingRequest {
    /// What it asks for.
    pub request: ChannelRequest,
    /// Present if an answer is wanted; answers leave in the order of the requests, so every token must be answered.
    pub reply: Option<RequestToken>,
}

/// The right to answer a channel request.
#[derive(Debug)]
#[must_use = "a request that is never answered blocks the answers after it"]
pub struct RequestToken {
    pub(crate) channel: ChannelId,
    pub(crate) turn: u64,
}
