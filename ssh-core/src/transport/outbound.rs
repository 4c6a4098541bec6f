//! Messages on their way out, held back while a key exchange forbids them.

use alloc::{collections::VecDeque, vec::Vec};

use crate::config::Limits;
use crate::error::{Error, LimitKind};
use crate::message::Message;
use crate::packet::Sender;
use crate::wire::MessageNumber;

/// Sends messages in order, and keeps those that must not go between our KEXINIT and our NEWKEYS (RFC 4253 §7.1).
pub(crate) struct Outbound {
    pub(crate) sender: Sender,
    /// Our KEXINIT is out and our NEWKEYS is not.
    exchanging: bool,
    /// DISCONNECT is out, or will never be: nothing follows (RFC 4253 §11.1).
    ended: bool,
    deferred: VecDeque<Vec<u8>>,
    deferred_bytes: usize,
    max_deferred_bytes: usize,
    /// As much output as this, and no input may cause more of it.
    most_output: usize,
}

/// What a deferred message costs beside its bytes.
const DEFERRED_OVERHEAD: usize = 64;

impl Outbound {
    pub(crate) fn new(sender: Sender, max_deferred_bytes: usize) -> Self {
        Self {
            sender,
            exchanging: false,
            ended: false,
            deferred: VecDeque::new(),
            deferred_bytes: 0,
            max_deferred_bytes,
            most_output: Limits::OUTPUT_BEFORE_AUTH,
        }
    }

    /// Sends `message`, now or after the key exchange.
    pub(crate) fn send<M: Message>(&mut self, message: &M) {
        if self.ended {
            return;
        }
        if self.exchanging && !legal_during_kex(M::NUMBER) {
            let payload = message.to_payload();
            self.deferred_bytes += payload.len() + DEFERRED_OVERHEAD;
            self.deferred.push_back(payload);
        } else {
            self.sender.packet(|out| message.encode(out));
        }
    }

    /// Sends a message of the key exchange method.
    pub(crate) fn send_kex(&mut self, number: MessageNumber, body: &[u8]) {
        self.send_payload(&[&[number.0], body]);
    }

    /// Sends a payload that was encoded elsewhere and is legal now.
    pub(crate) fn send_payload(&mut self, parts: &[&[u8]]) {
        self.sender.packet(|out| parts.iter().for_each(|part| out.extend_from_slice(part)));
    }

    /// The user is in: replies may fill the output further than before, and further than `max_output` of channel data.
    pub(crate) fn set_max_output(&mut self, max_output: usize) {
        self.most_output = max_output.saturating_add(Limits::REPLY_ROOM);
    }

    /// Whether so much waits for the socket that no input may cause more of it.
    pub(crate) fn is_full(&self) -> bool {
        self.sender.queued() >= self.most_output
    }

    /// Whether messages of the upper layers go out at once.
    pub(crate) fn is_open(&self) -> bool {
        !self.exchanging && !self.ended
    }

    /// From here on nothing is sent any more.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.deferred.clear();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the application may add another message.
    pub(crate) fn has_room(&self) -> bool {
        self.deferred_bytes <= self.max_deferred_bytes / 2
    }

    /// Replies to the peer's own messages count as well: a peer that keeps asking but never exchanges keys is cut off.
    pub(crate) fn check_limit(&self) -> Result<(), Error> {
        if self.deferred_bytes > self.max_deferred_bytes {
            return Err(Error::LimitExceeded(LimitKind::DeferredMessages));
        }
        Ok(())
    }

    /// Our KEXINIT goes out with this call; nothing but the key exchange follows until [`reopen`](Self::reopen).
    pub(crate) fn begin_exchange(&mut self, kexinit: &[u8]) {
        self.send_payload(&[kexinit]);
        self.exchanging = true;
    }

    /// Our NEWKEYS is out: what waited follows, in order.
    pub(crate) fn reopen(&mut self) {
        self.exchanging = false;
        self.deferred_bytes = 0;
        for payload in core::mem::take(&mut self.deferred) {
            self.send_payload(&[&payload]);
        }
    }
}

/// 1 to 19 but for service messages and EXT_INFO, 20 to 49 (RFC 4253 §7.1).
fn legal_during_kex(number: MessageNumber) -> bool {
    number < MessageNumber::USERAUTH_REQUEST
        && !matches!(number, MessageNumber::SERVICE_REQUEST | MessageNumber::SERVICE_ACCEPT | MessageNumber::EXT_INFO)
}
