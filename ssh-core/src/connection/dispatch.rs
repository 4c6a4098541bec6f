//! All channels of a connection, and the messages 80 to 100 that concern them.

use alloc::collections::{BTreeMap, VecDeque};

use super::channel::{ChannelId, ChannelState, Opening, Unanswered};
use super::event::{ChannelEvent, ChannelOpenRequest, ChannelType, IncomingRequest, RequestToken};
use super::flow::{Ledger, RecvWindow, SendWindow};
use super::global::{GlobalRequestEvent, GlobalRequests, GlobalToken};
use super::request::{ChannelRequest, RequestId};
use crate::config::Limits;
use crate::error::{Error, LimitKind, Misuse, PeerMisbehaved};
use crate::message::{self, DecodeMessage, Rest};
use crate::transport::{Outbound, Side};
use crate::untrusted::Untrusted;
use crate::wire::{ChannelOpenFailureReason, DataStream, DecodeError, MessageNumber};

pub(crate) enum ConnectionEvent {
    Open(ChannelOpenRequest),
    Channel(ChannelId, ChannelEvent),
    Global(GlobalRequestEvent),
}

/// What a message led to.
pub(crate) enum Step {
    Nothing,
    Event(ConnectionEvent),
    /// The last `length` bytes of the payload are data for this stream, to be left where they are.
    Data {
        id: ChannelId,
        stream: DataStream,
        length: usize,
    },
}

/// Every channel of a connection.
pub(crate) struct Connection {
    pub(super) channels: BTreeMap<u32, ChannelState>,
    next_id: u32,
    next_request: u64,
    turn: u64,
    ledger: Ledger,
    pub(super) limits: Limits,
    side: Side,
    global: GlobalRequests,
    /// Channels whose writes were cut short by our own output.
    pub(super) output_waiters: VecDeque<ChannelId>,
    /// Whose data the receiver holds.
    pub(super) slot: Option<(ChannelId, DataStream)>,
}

impl Connection {
    pub(crate) fn new(side: Side, limits: Limits, turn: u64) -> Self {
        Self {
            channels: BTreeMap::new(),
            next_id: 0,
            next_request: 0,
            turn,
            ledger: Ledger::new(limits.max_unread_bytes),
            limits,
            side,
            global: GlobalRequests::new(turn),
            output_waiters: VecDeque::new(),
            slot: None,
        }
    }

    pub(crate) fn has_channels(&self) -> bool {
        self.channels.values().any(|channel| !channel.received_close)
    }

    /// One message, 80 to 100.
    pub(crate) fn handle(
        &mut self,
        number: MessageNumber,
        body: &[u8],
        outbound: &mut Outbound,
    ) -> Result<Step, Error> {
        let event = match number {
            MessageNumber::CHANNEL_DATA => {
                let message = decode::<message::ChannelData<'_>>(number, body)?;
                return self.handle_data(message.recipient_channel, DataStream::STDOUT, message.data, outbound);
            }
            MessageNumber::CHANNEL_EXTENDED_DATA => {
                let message = decode::<message::ChannelExtendedData<'_>>(number, body)?;
                let stream = DataStream(message.data_type_code);
                return self.handle_data(message.recipient_channel, stream, message.data, outbound);
            }
            MessageNumber::GLOBAL_REQUEST | MessageNumber::REQUEST_SUCCESS | MessageNumber::REQUEST_FAILURE => {
                let unanswered = self.limits.max_unanswered_requests;
                self.global.handle(number, body, unanswered, outbound)?.map(ConnectionEvent::Global)
            }
            MessageNumber::CHANNEL_OPEN => self.handle_open(&decode(number, body)?, outbound),
            MessageNumber::CHANNEL_OPEN_CONFIRMATION => self.handle_confirmation(&decode(number, body)?, outbound)?,
            MessageNumber::CHANNEL_OPEN_FAILURE => self.handle_open_failure(&decode(number, body)?)?,
            MessageNumber::CHANNEL_WINDOW_ADJUST => self.handle_window_adjust(decode(number, body)?, outbound)?,
            MessageNumber::CHANNEL_EOF => self.handle_eof(decode(number, body)?)?,
            MessageNumber::CHANNEL_CLOSE => self.handle_close(decode(number, body)?, outbound)?,
            MessageNumber::CHANNEL_REQUEST => self.handle_request(&decode(number, body)?, outbound)?,
            MessageNumber::CHANNEL_SUCCESS => {
                let id = decode::<message::ChannelSuccess>(number, body)?.recipient_channel;
                self.handle_reply(id, true)?
            }
            _ => {
                let id = decode::<message::ChannelFailure>(number, body)?.recipient_channel;
                self.handle_reply(id, false)?
            }
        };
        Ok(event.map_or(Step::Nothing, Step::Event))
    }

    /// Notes that the receiver holds data for this stream.
    pub(crate) fn set_slot(&mut self, id: ChannelId, stream: DataStream) {
        self.slot = Some((id, stream));
    }

    /// Whether the receiver holds data for somebody.
    pub(crate) fn has_slot(&self) -> bool {
        self.slot.is_some()
    }

    /// The receiver needs its buffer back: unread data goes to the channel's queue.
    pub(crate) fn take_slot(&mut self, held: &[u8]) {
        let Some((id, stream)) = self.slot.take() else { return };
        if held.is_empty() {
            return;
        }
        if let Some(queue) = self.channels.get_mut(&id.0).and_then(|channel| channel.queue_mut(stream)) {
            queue.push(held);
        }
    }

    /// The next channel whose writing can go on after our output or a key exchange stopped it.
    pub(crate) fn next_writable(&mut self, outbound: &Outbound) -> Option<ConnectionEvent> {
        if self.output_waiters.is_empty()
            || !outbound.is_open()
            || outbound.sender.queued() > self.limits.max_output / 2
        {
            return None;
        }
        while let Some(id) = self.output_waiters.pop_front() {
            let Some(channel) = self.channels.get_mut(&id.0) else { continue };
            channel.waits_for_output = false;
            if channel.may_send() {
                return Some(ConnectionEvent::Channel(id, ChannelEvent::Writable));
            }
        }
        None
    }

    pub(crate) fn open(&mut self, channel_type: &ChannelType, outbound: &mut Outbound) -> Result<ChannelId, Misuse> {
        if channel_type.name().len() + channel_type.data().len() > Limits::REQUEST_LENGTH {
            return Err(Misuse::TooLong);
        }
        let window = self.reserve_window().ok_or(Misuse::Busy)?;
        let id = self.free_id();
        let recv = RecvWindow::new(window);
        outbound.send(&message::ChannelOpen {
            channel_type: channel_type.name(),
            sender_channel: id.0,
            initial_window_size: window,
            maximum_packet_size: self.limits.channel_packet,
            type_fields: Rest(channel_type.data()),
        });
        let state = ChannelState::new(Opening::ByUs, 0, SendWindow::new(0, 0), recv, self.limits.channel_packet);
        self.channels.insert(id.0, state);
        Ok(id)
    }

    pub(crate) fn accept(
        &mut self,
        request: &ChannelOpenRequest,
        outbound: &mut Outbound,
    ) -> Result<ChannelId, Misuse> {
        let channel = self.channels.get_mut(&request.id.0).ok_or(Misuse::StaleToken)?;
        if channel.opening != Opening::ByPeer {
            return Err(Misuse::StaleToken);
        }
        channel.opening = Opening::Done;
        outbound.send(&message::ChannelOpenConfirmation {
            recipient_channel: channel.peer_id,
            sender_channel: request.id.0,
            initial_window_size: channel.recv.size(),
            maximum_packet_size: channel.recv_packet,
            type_fields: Rest(b""),
        });
        Ok(request.id)
    }

    pub(crate) fn reject(
        &mut self,
        request: &ChannelOpenRequest,
        reason: ChannelOpenFailureReason,
        description: &str,
        outbound: &mut Outbound,
    ) -> Result<(), Misuse> {
        let channel = self.channels.get(&request.id.0).ok_or(Misuse::StaleToken)?;
        if channel.opening != Opening::ByPeer {
            return Err(Misuse::StaleToken);
        }
        send_open_failure(channel.peer_id, reason, description, outbound);
        self.remove(request.id);
        Ok(())
    }

    pub(crate) fn reply(&mut self, token: &RequestToken, success: bool, outbound: &mut Outbound) -> Result<(), Misuse> {
        let channel = self.channels.get_mut(&token.channel.0).ok_or(Misuse::NoSuchChannel)?;
        let waiting = channel.unanswered.iter_mut().find(|each| each.turn == token.turn && each.answer.is_none());
        waiting.ok_or(Misuse::StaleToken)?.answer = Some(success);
        flush_answers(channel, outbound);
        Ok(())
    }

    pub(crate) fn global_request(
        &mut self,
        name: &[u8],
        data: &[u8],
        outbound: &mut Outbound,
    ) -> Result<RequestId, Misuse> {
        if name.len() + data.len() > Limits::REQUEST_LENGTH {
            return Err(Misuse::TooLong);
        }
        let id = self.next_request_id();
        self.global.ask(name, data, Some(id), outbound);
        Ok(id)
    }

    /// Sends a global request that wants no answer.
    pub(crate) fn tell(&self, name: &[u8], data: &[u8], outbound: &mut Outbound) {
        GlobalRequests::tell(name, data, outbound);
    }

    pub(crate) fn ask_keepalive(&mut self, outbound: &mut Outbound) {
        self.global.ask_keepalive(outbound);
    }

    pub(crate) fn answer_global(
        &mut self,
        token: &GlobalToken,
        response: Option<&[u8]>,
        outbound: &mut Outbound,
    ) -> Result<(), Misuse> {
        self.global.answer(token, response, outbound)
    }

    pub(super) fn next_request_id(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    /// Forgets a channel that is closed both ways and has nothing left to read.
    pub(super) fn remove_if_over(&mut self, id: ChannelId) {
        let held = self.slot.is_some_and(|(slot, _)| slot == id);
        let over = |channel: &ChannelState| {
            channel.sent_close && channel.received_close && (channel.abandoned || (!held && !channel.has_unread()))
        };
        if self.channels.get(&id.0).is_some_and(over) {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: ChannelId) {
        if let Some(channel) = self.channels.remove(&id.0) {
            self.ledger.give_back(channel.recv.size());
        }
        if self.slot.is_some_and(|(slot, _)| slot == id) {
            self.slot = None;
        }
    }

    /// A receive window for one more channel, if there may be one.
    fn reserve_window(&mut self) -> Option<u32> {
        if self.channels.len() >= self.limits.max_channels as usize {
            return None;
        }
        self.ledger.grant(self.limits.channel_window, self.limits.channel_packet)
    }

    fn free_id(&mut self) -> ChannelId {
        while self.channels.contains_key(&self.next_id) {
            self.next_id = self.next_id.wrapping_add(1);
        }
        let id = ChannelId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        id
    }

    /// The channel, if it is open and the peer has not closed it.
    fn open_channel_mut(&mut self, id: u32) -> Result<&mut ChannelState, Error> {
        let channel = self.channels.get_mut(&id).ok_or(PeerMisbehaved::UnknownChannel(id))?;
        if channel.opening != Opening::Done || channel.received_close {
            return Err(PeerMisbehaved::ChannelState(id).into());
        }
        Ok(channel)
    }

    fn handle_data(
        &mut self,
        id: u32,
        stream: DataStream,
        data: &[u8],
        outbound: &mut Outbound,
    ) -> Result<Step, Error> {
        let channel = self.open_channel_mut(id)?;
        if channel.received_eof {
            return Err(PeerMisbehaved::ChannelState(id).into());
        }
        if data.len() > channel.recv_packet as usize {
            return Err(PeerMisbehaved::PacketTooLarge(id).into());
        }
        channel.recv.received(data.len()).ok_or(PeerMisbehaved::WindowExceeded(id))?;
        if data.is_empty() || channel.abandoned || channel.sent_close {
            return Ok(Step::Nothing);
        }
        match channel.queue_mut(stream) {
            // A stream that nobody knows: taken as read.
            None => {
                channel.return_credit(data.len(), outbound);
                Ok(Step::Nothing)
            }
            Some(queue) if queue.is_empty() => Ok(Step::Data { id: ChannelId(id), stream, length: data.len() }),
            Some(queue) => {
                queue.push(data);
                Ok(Step::Event(ConnectionEvent::Channel(ChannelId(id), ChannelEvent::Data(stream))))
            }
        }
    }

    fn handle_open(&mut self, message: &message::ChannelOpen<'_>, outbound: &mut Outbound) -> Option<ConnectionEvent> {
        let refuse = |reason, text, outbound: &mut Outbound| {
            send_open_failure(message.sender_channel, reason, text, outbound);
            None
        };
        // RFC 4254 §6.1: a client refuses sessions, or a server could run commands on it.
        if self.side == Side::Client && message.channel_type == b"session" {
            return refuse(ChannelOpenFailureReason::ADMINISTRATIVELY_PROHIBITED, "not allowed", outbound);
        }
        let Some(window) = self.reserve_window() else {
            return refuse(ChannelOpenFailureReason::RESOURCE_SHORTAGE, "too many channels", outbound);
        };
        let id = self.free_id();
        let send = SendWindow::new(message.initial_window_size, message.maximum_packet_size);
        let recv = RecvWindow::new(window);
        let state = ChannelState::new(Opening::ByPeer, message.sender_channel, send, recv, self.limits.channel_packet);
        self.channels.insert(id.0, state);
        let channel_type = match message.channel_type {
            b"session" => ChannelType::Session,
            name => ChannelType::Other { name: name.to_vec(), data: message.type_fields.0.to_vec() },
        };
        Some(ConnectionEvent::Open(ChannelOpenRequest { channel_type, id }))
    }

    fn handle_confirmation(
        &mut self,
        message: &message::ChannelOpenConfirmation<'_>,
        outbound: &mut Outbound,
    ) -> Result<Option<ConnectionEvent>, Error> {
        let id = message.recipient_channel;
        let channel = self.awaited_channel(id)?;
        channel.opening = Opening::Done;
        channel.peer_id = message.sender_channel;
        channel.send = SendWindow::new(message.initial_window_size, message.maximum_packet_size);
        if channel.abandoned {
            channel.sent_close = true;
            outbound.send(&message::ChannelClose { recipient_channel: channel.peer_id });
            return Ok(None);
        }
        Ok(Some(ConnectionEvent::Channel(ChannelId(id), ChannelEvent::Opened)))
    }

    fn handle_open_failure(
        &mut self,
        message: &message::ChannelOpenFailure<'_>,
    ) -> Result<Option<ConnectionEvent>, Error> {
        let id = message.recipient_channel;
        let reported = !self.awaited_channel(id)?.abandoned;
        self.remove(ChannelId(id));
        let reason = ChannelOpenFailureReason(message.reason_code);
        let event = ChannelEvent::OpenFailed { reason, description: Untrusted::new(message.description) };
        Ok(reported.then_some(ConnectionEvent::Channel(ChannelId(id), event)))
    }

    /// The channel we asked for and the peer has not answered about.
    fn awaited_channel(&mut self, id: u32) -> Result<&mut ChannelState, Error> {
        let channel = self.channels.get_mut(&id).ok_or(PeerMisbehaved::UnknownChannel(id))?;
        if channel.opening != Opening::ByUs {
            return Err(PeerMisbehaved::ChannelState(id).into());
        }
        Ok(channel)
    }

    fn handle_window_adjust(
        &mut self,
        message: message::ChannelWindowAdjust,
        outbound: &Outbound,
    ) -> Result<Option<ConnectionEvent>, Error> {
        let id = message.recipient_channel;
        let room = outbound.is_open() && outbound.sender.queued() < self.limits.max_output;
        let channel = self.open_channel_mut(id)?;
        channel.send.widen(message.bytes_to_add).ok_or(PeerMisbehaved::WindowOverflow(id))?;
        if !channel.waits_for_window || channel.send.sendable() == 0 || !channel.may_send_data() {
            return Ok(None);
        }
        channel.waits_for_window = false;
        if room {
            return Ok(Some(ConnectionEvent::Channel(ChannelId(id), ChannelEvent::Writable)));
        }
        self.wait_for_output(ChannelId(id));
        Ok(None)
    }

    /// Has the channel told when there is room in the output again.
    pub(super) fn wait_for_output(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id.0) else { return };
        if !core::mem::replace(&mut channel.waits_for_output, true) {
            self.output_waiters.push_back(id);
        }
    }

    fn handle_eof(&mut self, message: message::ChannelEof) -> Result<Option<ConnectionEvent>, Error> {
        let id = message.recipient_channel;
        let channel = self.open_channel_mut(id)?;
        if core::mem::replace(&mut channel.received_eof, true) {
            return Err(PeerMisbehaved::ChannelState(id).into());
        }
        let reported = !channel.abandoned;
        Ok(reported.then_some(ConnectionEvent::Channel(ChannelId(id), ChannelEvent::Eof)))
    }

    /// RFC 4254 §5.3: CLOSE is answered by CLOSE, unless it was sent already.
    fn handle_close(
        &mut self,
        message: message::ChannelClose,
        outbound: &mut Outbound,
    ) -> Result<Option<ConnectionEvent>, Error> {
        let id = message.recipient_channel;
        let channel = self.open_channel_mut(id)?;
        channel.received_close = true;
        if !core::mem::replace(&mut channel.sent_close, true) {
            outbound.send(&message::ChannelClose { recipient_channel: channel.peer_id });
        }
        let reported = !channel.abandoned;
        self.remove_if_over(ChannelId(id));
        Ok(reported.then_some(ConnectionEvent::Channel(ChannelId(id), ChannelEvent::Closed)))
    }

    fn handle_request(
        &mut self,
        message: &message::ChannelRequest<'_>,
        outbound: &mut Outbound,
    ) -> Result<Option<ConnectionEvent>, Error> {
        let id = message.recipient_channel;
        self.turn = self.turn.wrapping_add(1);
        let (turn, max_unanswered) = (self.turn, self.limits.max_unanswered_requests);
        let channel = self.open_channel_mut(id)?;
        let keepalive = message.request_type == b"keepalive@openssh.com";
        let request = ChannelRequest::decode(message.request_type, message.request_fields.0)
            .map_err(|error| malformed(MessageNumber::CHANNEL_REQUEST, error))?;
        let asks_us = request.may_want_reply() && !keepalive;
        let mut reply = None;
        if message.want_reply {
            if channel.unanswered.len() >= max_unanswered {
                return Err(Error::LimitExceeded(LimitKind::UnansweredRequests));
            }
            let answer = (!asks_us || channel.abandoned).then_some(!keepalive && !channel.abandoned);
            channel.unanswered.push_back(Unanswered { turn, answer });
            flush_answers(channel, outbound);
            reply = asks_us.then_some(RequestToken { channel: ChannelId(id), turn });
        }
        if keepalive || channel.abandoned {
            return Ok(None);
        }
        let request = IncomingRequest { request, reply };
        Ok(Some(ConnectionEvent::Channel(ChannelId(id), ChannelEvent::Request(request))))
    }

    /// Answers come in the order of the requests; one that answers nothing is a violation, never queued.
    fn handle_reply(&mut self, id: u32, success: bool) -> Result<Option<ConnectionEvent>, Error> {
        let channel = self.open_channel_mut(id)?;
        let request = channel.awaiting_reply.pop_front().ok_or(PeerMisbehaved::UnsolicitedReply)?;
        let reported = !channel.abandoned;
        let event = ChannelEvent::Reply { request, success };
        Ok(reported.then_some(ConnectionEvent::Channel(ChannelId(id), event)))
    }
}

fn decode<'a, M: DecodeMessage<'a>>(number: MessageNumber, body: &'a [u8]) -> Result<M, Error> {
    M::decode(body).map_err(|error| malformed(number, error))
}

fn malformed(number: MessageNumber, error: DecodeError) -> Error {
    PeerMisbehaved::MalformedMessage { number, error }.into()
}

fn send_open_failure(
    recipient_channel: u32,
    reason: ChannelOpenFailureReason,
    description: &str,
    outbound: &mut Outbound,
) {
    outbound.send(&message::ChannelOpenFailure {
        recipient_channel,
        reason_code: reason.0,
        description: description.as_bytes(),
        language_tag: b"",
    });
}

/// Sends the answers that are due: in the order of the requests, however late an earlier one is.
fn flush_answers(channel: &mut ChannelState, outbound: &mut Outbound) {
    while let Some(success) = channel.unanswered.front().and_then(|front| front.answer) {
        channel.unanswered.pop_front();
        if channel.sent_close {
            continue;
        }
        if success {
            outbound.send(&message::ChannelSuccess { recipient_channel: channel.peer_id });
        } else {
            outbound.send(&message::ChannelFailure { recipient_channel: channel.peer_id });
        }
    }
}
