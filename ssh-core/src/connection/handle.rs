//! A channel as the application holds it, for as long as it borrows the endpoint.

use alloc::vec::Vec;
use core::fmt;

use super::channel::{ChannelId, ChannelState, Opening};
use super::dispatch::Connection;
use super::request::{ChannelRequest, RequestId};
use crate::config::Limits;
use crate::message::{self, Rest};
use crate::packet::Receiver;
use crate::recorder::{Kind, Recorder};
use crate::transport::Outbound;
use crate::wire::{DataStream, MessageNumber, Writer};

/// One channel: read, write, ask, close.
///
/// Nothing blocks: reading shows what is there, writing takes what fits. Only [`consume`](Self::consume) returns window
/// credit to the peer, so what is not consumed is back-pressure on this channel and on no other.
pub struct Channel<'a> {
    id: ChannelId,
    connection: &'a mut Connection,
    receiver: &'a mut Receiver,
    outbound: &'a mut Outbound,
    recorder: Option<&'a mut Recorder>,
}

/// Why nothing can be sent on a channel any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// The channel is not open yet.
    NotOpen,
    /// We sent EOF.
    AfterEof,
    /// The channel is closed.
    Closed,
    /// Too many messages wait for a key exchange to finish;
    /// [`ChannelEvent::Writable`](super::ChannelEvent::Writable) tells when to try again.
    Busy,
    /// A request is longer than a packet can carry.
    TooLong,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOpen => "the channel is not open yet",
            Self::AfterEof => "the end of the data was already sent",
            Self::Closed => "the channel is closed",
            Self::Busy => "too much is waiting for the key exchange to finish",
            Self::TooLong => "the request is longer than a packet can carry",
        })
    }
}

impl core::error::Error for WriteError {}

impl<'a> Channel<'a> {
    pub(crate) fn new(
        id: ChannelId,
        connection: &'a mut Connection,
        receiver: &'a mut Receiver,
        outbound: &'a mut Outbound,
        recorder: Option<&'a mut Recorder>,
    ) -> Option<Self> {
        // One that the peer asked for and nobody accepted is not the application's yet.
        let channel = connection.channels.get(&id.0)?;
        (channel.opening != Opening::ByPeer).then_some(Self { id, connection, receiver, outbound, recorder })
    }

    /// Its number.
    pub fn id(&self) -> ChannelId {
        self.id
    }

    /// What can be read of `stream` now: a contiguous piece, straight from the input buffer where possible.
    pub fn readable(&self, stream: DataStream) -> &[u8] {
        let queued = self.state().and_then(|state| state.queue(stream)).map_or(&[][..], |queue| queue.readable());
        if queued.is_empty() && self.connection.slot == Some((self.id, stream)) {
            return self.receiver.held();
        }
        queued
    }

    /// Drops the first `n` bytes of what [`readable`](Self::readable) shows and lets the peer send as many more.
    pub fn consume(&mut self, stream: DataStream, n: usize) {
        let n = n.min(self.readable(stream).len());
        self.note(Kind::ChannelConsume, |writer| {
            writer.uint32(stream.0);
            writer.uint64(n as u64);
        });
        let queued = self.state_mut().and_then(|state| state.queue_mut(stream)).map_or(0, |queue| queue.consume(n));
        if queued < n {
            self.receiver.consume_held(n - queued);
            if self.receiver.held().is_empty() {
                self.connection.slot = None;
            }
        }
        let Some(state) = self.connection.channels.get_mut(&self.id.0) else { return };
        state.return_credit(n, self.outbound);
        self.connection.remove_if_over(self.id);
    }

    /// Whether the peer said that no more data comes. What is readable is still to be read. The loss of the connection
    /// is not this: data that was cut off must not pass for all there was.
    pub fn is_at_eof(&self) -> bool {
        self.state().is_none_or(|state| state.received_eof || state.received_close)
    }

    /// Whether the channel is open: confirmed, and closed by neither side.
    pub fn is_open(&self) -> bool {
        !self.outbound.has_ended() && self.state().is_some_and(|state| state.may_send() && !state.received_close)
    }

    /// How many bytes one [`write`](Self::write) would take in one message now: the least of the peer's window, the
    /// peer's packet size and the room in our output; 0 while keys are exchanged. Only a write that is cut short, or a
    /// request that is too much, brings [`ChannelEvent::Writable`](super::ChannelEvent::Writable).
    pub fn writable(&self) -> usize {
        let room = self.connection.limits.max_output.saturating_sub(self.outbound.sender.queued());
        match self.state() {
            Some(state) if state.may_send_data() && self.outbound.is_open() => state.send.sendable().min(room),
            _ => 0,
        }
    }

    /// Sends as much of `data` as fits; says how much. If that is less than all,
    /// [`ChannelEvent::Writable`](super::ChannelEvent::Writable) tells when to go on.
    ///
    /// # Errors
    /// [`WriteError`] if nothing can be sent any more.
    pub fn write(&mut self, stream: DataStream, data: &[u8]) -> Result<usize, WriteError> {
        self.check_writable()?;
        let mut rest = data;
        while !rest.is_empty() {
            let taken = self.write_packet(stream, rest.len(), |room| {
                let n = room.len().min(rest.len());
                if let (Some(room), Some(now)) = (room.get_mut(..n), rest.get(..n)) {
                    room.copy_from_slice(now);
                }
                n
            });
            if taken == 0 {
                break;
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        let taken = data.len() - rest.len();
        self.note_write(stream, data.get(..taken).unwrap_or_default(), !rest.is_empty());
        Ok(taken)
    }

    /// Sends one message whose data `fill` puts straight into the output buffer. `fill` gets room for at most `max`
    /// bytes and says how many it used; it is not called when there is no room.
    ///
    /// # Errors
    /// [`WriteError`] if nothing can be sent any more.
    pub fn write_with(
        &mut self,
        stream: DataStream,
        max: usize,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Result<usize, WriteError> {
        self.check_writable()?;
        if max == 0 {
            return Ok(0);
        }
        if self.recorder.is_none() {
            return Ok(self.write_packet(stream, max, fill));
        }
        let blocked = self.writable() == 0;
        let mut taken = Vec::new();
        let written = self.write_packet(stream, max, |room| {
            let written = fill(room).min(room.len());
            taken.extend_from_slice(room.get(..written).unwrap_or_default());
            written
        });
        self.note_write(stream, &taken, blocked);
        Ok(written)
    }

    /// Asks the peer for something. With `want_reply` a [`ChannelEvent::Reply`](super::ChannelEvent::Reply) with the
    /// returned id will follow; requests that RFC 4254 gives no answer never want one.
    ///
    /// # Errors
    /// [`WriteError`] if nothing can be sent, or the request is longer than 255 KiB, which no peer takes.
    pub fn request(&mut self, request: &ChannelRequest, want_reply: bool) -> Result<Option<RequestId>, WriteError> {
        self.check_open()?;
        let request_fields = request.encode_fields();
        if request.name().len() + request_fields.len() > Limits::REQUEST_LENGTH {
            return Err(WriteError::TooLong);
        }
        self.note(Kind::ChannelRequest, |writer| {
            writer.string(request.name());
            writer.string(&request_fields);
            writer.boolean(want_reply);
        });
        if !self.outbound.has_room() {
            self.connection.wait_for_output(self.id);
            return Err(WriteError::Busy);
        }
        let want_reply = want_reply && request.may_want_reply();
        let id = want_reply.then(|| self.connection.next_request_id());
        let Some(state) = self.connection.channels.get_mut(&self.id.0) else { return Err(WriteError::Closed) };
        self.outbound.send(&message::ChannelRequest {
            recipient_channel: state.peer_id,
            request_type: request.name(),
            want_reply,
            request_fields: Rest(&request_fields),
        });
        state.awaiting_reply.extend(id);
        Ok(id)
    }

    /// Says that no more data will be sent. Reading goes on.
    ///
    /// # Errors
    /// [`WriteError`] if the channel is not open; nothing if EOF was sent before.
    pub fn send_eof(&mut self) -> Result<(), WriteError> {
        self.check_open()?;
        self.note(Kind::ChannelEof, |_| ());
        let Some(state) = self.connection.channels.get_mut(&self.id.0) else { return Err(WriteError::Closed) };
        if !core::mem::replace(&mut state.sent_eof, true) {
            self.outbound.send(&message::ChannelEof { recipient_channel: state.peer_id });
        }
        Ok(())
    }

    /// Closes our side. Data that the peer still sends is dropped, data that is unread stays readable, and
    /// [`ChannelEvent::Closed`](super::ChannelEvent::Closed) comes when the peer closes its side. A channel that is not
    /// open yet is given up.
    pub fn close(&mut self) {
        self.note(Kind::ChannelClose, |_| ());
        self.end();
    }

    fn end(&mut self) {
        let Some(state) = self.connection.channels.get_mut(&self.id.0) else { return };
        state.abandoned |= state.opening == Opening::ByUs;
        if state.may_send() {
            state.sent_close = true;
            self.outbound.send(&message::ChannelClose { recipient_channel: state.peer_id });
        }
        self.connection.remove_if_over(self.id);
    }

    /// Closes the channel and gives it up: unread data is dropped and no event of it will come any more.
    pub fn abandon(mut self) {
        self.note(Kind::ChannelAbandon, |_| ());
        let Some(state) = self.connection.channels.get_mut(&self.id.0) else { return };
        state.abandoned = true;
        state.drop_unread();
        if self.connection.slot.is_some_and(|(slot, _)| slot == self.id) {
            self.connection.slot = None;
        }
        self.end();
    }

    /// Notes an entry of the recording, if there is one.
    fn note(&mut self, kind: Kind, fields: impl FnOnce(&mut Writer<'_>)) {
        let id = self.id.0;
        if let Some(recorder) = &mut self.recorder {
            recorder.note(kind, |writer| {
                writer.uint32(id);
                fields(writer);
            });
        }
    }

    /// Notes what was written, and whether the channel was left waiting for room.
    fn note_write(&mut self, stream: DataStream, taken: &[u8], cut_short: bool) {
        self.note(Kind::ChannelWrite, |writer| {
            writer.uint32(stream.0);
            writer.string(taken);
            writer.boolean(cut_short);
        });
    }

    fn state(&self) -> Option<&ChannelState> {
        self.connection.channels.get(&self.id.0)
    }

    fn state_mut(&mut self) -> Option<&mut ChannelState> {
        self.connection.channels.get_mut(&self.id.0)
    }

    fn check_open(&self) -> Result<(), WriteError> {
        match self.state() {
            _ if self.outbound.has_ended() => Err(WriteError::Closed),
            Some(state) if state.sent_close || state.received_close => Err(WriteError::Closed),
            Some(state) if state.opening != Opening::Done => Err(WriteError::NotOpen),
            Some(_) => Ok(()),
            None => Err(WriteError::Closed),
        }
    }

    fn check_writable(&self) -> Result<(), WriteError> {
        self.check_open()?;
        if self.state().is_some_and(|state| state.sent_eof) { Err(WriteError::AfterEof) } else { Ok(()) }
    }

    /// One data message of at most `max` bytes, written by `fill` behind its header. 0: nothing was sent.
    fn write_packet(&mut self, stream: DataStream, max: usize, fill: impl FnOnce(&mut [u8]) -> usize) -> usize {
        let room = self.writable().min(max);
        if room == 0 {
            self.note_blocked();
            return 0;
        }
        let Some(state) = self.connection.channels.get_mut(&self.id.0) else { return 0 };
        let recipient_channel = state.peer_id;
        let written = self.outbound.sender.data_packet(room, fill, |out| {
            if stream == DataStream::STDOUT {
                out.push(MessageNumber::CHANNEL_DATA.0);
                out.extend_from_slice(&recipient_channel.to_be_bytes());
            } else {
                out.push(MessageNumber::CHANNEL_EXTENDED_DATA.0);
                out.extend_from_slice(&recipient_channel.to_be_bytes());
                out.extend_from_slice(&stream.0.to_be_bytes());
            }
        });
        state.send.sent(written);
        written
    }

    /// Remembers what must change before writing can go on, so that one event tells.
    fn note_blocked(&mut self) {
        let Some(state) = self.connection.channels.get_mut(&self.id.0) else { return };
        if state.send.sendable() == 0 {
            state.waits_for_window = true;
        } else {
            self.connection.wait_for_output(self.id);
        }
    }
}
