//! One channel: its ids, windows, buffers and half-closes (RFC 4254 §5).
//!
//! ```text
//!   Opening ──CONFIRMATION──► Open ──EOF, CLOSE in either direction──► both CLOSEs ──unread data read──► gone
//!      └───────FAILURE──────────────────────────────────────────────────────────────────────────────────► gone
//! ```

use alloc::collections::VecDeque;
use core::fmt;

use super::flow::{RecvWindow, SendWindow};
use super::request::RequestId;
use crate::message::ChannelWindowAdjust;
use crate::transport::Outbound;
use crate::wire::DataStream;

/// Our number for a channel. Numbers are not reused before 2^32 channels have been opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub(crate) u32);

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel {}", self.0)
    }
}

/// Who must act before a channel is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// We asked; the peer has not answered.
    ByUs,
    /// The peer asked; the application has not answered.
    ByPeer,
    /// It is open.
    Done,
}

/// A channel's state.
pub(super) struct ChannelState {
    pub(super) opening: Opening,
    /// The peer's number; meaningless while [`Opening::ByUs`].
    pub(super) peer_id: u32,
    pub(super) send: SendWindow,
    pub(super) recv: RecvWindow,
    /// Largest data message the peer may send.
    pub(super) recv_packet: u32,
    pub(super) sent_eof: bool,
    pub(super) sent_close: bool,
    pub(super) received_eof: bool,
    pub(super) received_close: bool,
    /// The application gave the channel up: nothing of it is kept or reported any more.
    pub(super) abandoned: bool,
    stdout: ReadQueue,
    stderr: ReadQueue,
    /// A write was cut short by the peer's window: say so when it widens.
    pub(super) waits_for_window: bool,
    /// A write was cut short by our own output: it stands in the connection's queue.
    pub(super) waits_for_output: bool,
    /// Our requests, in the order the peer will answer them.
    pub(super) awaiting_reply: VecDeque<RequestId>,
    /// The peer's requests, in the order they must be answered.
    pub(super) unanswered: VecDeque<Unanswered>,
}

/// A request of the peer that wants an answer.
pub(super) struct Unanswered {
    pub(super) turn: u64,
    pub(super) answer: Option<bool>,
}

impl ChannelState {
    pub(super) fn new(opening: Opening, peer_id: u32, send: SendWindow, recv: RecvWindow, recv_packet: u32) -> Self {
        Self {
            opening,
            peer_id,
            send,
            recv,
            recv_packet,
            sent_eof: false,
            sent_close: false,
            received_eof: false,
            received_close: false,
            abandoned: false,
            stdout: ReadQueue::default(),
            stderr: ReadQueue::default(),
            waits_for_window: false,
            waits_for_output: false,
            awaiting_reply: VecDeque::new(),
            unanswered: VecDeque::new(),
        }
    }

    /// `n` bytes were consumed: the peer may send as many more, and is told so once they are many.
    pub(super) fn return_credit(&mut self, n: usize, outbound: &mut Outbound) {
        self.recv.consume(n);
        if self.received_eof || !self.may_send() {
            return;
        }
        if let Some(bytes_to_add) = self.recv.adjust() {
            outbound.send(&ChannelWindowAdjust { recipient_channel: self.peer_id, bytes_to_add });
        }
    }

    /// Whether messages may be sent on it.
    pub(super) fn may_send(&self) -> bool {
        self.opening == Opening::Done && !self.sent_close
    }

    /// Whether data may be sent on it.
    pub(super) fn may_send_data(&self) -> bool {
        self.may_send() && !self.sent_eof
    }

    /// The queue of one stream; `None` for a stream that nobody reads.
    pub(super) fn queue(&self, stream: DataStream) -> Option<&ReadQueue> {
        match stream {
            DataStream::STDOUT => Some(&self.stdout),
            DataStream::STDERR => Some(&self.stderr),
            _ => None,
        }
    }

    pub(super) fn queue_mut(&mut self, stream: DataStream) -> Option<&mut ReadQueue> {
        match stream {
            DataStream::STDOUT => Some(&mut self.stdout),
            DataStream::STDERR => Some(&mut self.stderr),
            _ => None,
        }
    }

    /// Whether queued data waits for the application.
    pub(super) fn has_unread(&self) -> bool {
        !self.stdout.is_empty() || !self.stderr.is_empty()
    }

    pub(super) fn drop_unread(&mut self) {
        self.stdout = ReadQueue::default();
        self.stderr = ReadQueue::default();
    }
}

/// Bytes that arrived and were not consumed; bounded by the channel's window. At most twice as much is held.
#[derive(Default)]
pub(super) struct ReadQueue {
    bytes: VecDeque<u8>,
}

impl ReadQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A contiguous piece; empty only if there is nothing.
    pub(super) fn readable(&self) -> &[u8] {
        self.bytes.as_slices().0
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Drops up to `n` bytes; says how many.
    pub(super) fn consume(&mut self, n: usize) -> usize {
        let n = n.min(self.bytes.len());
        self.bytes.drain(..n);
        if self.bytes.is_empty() {
            *self = Self::default();
        }
        n
    }
}
