//! What a hostile peer can send on channels, message by message: each violation has its own name.

use std::vec;
use std::vec::Vec;

use super::dispatch::{Connection, ConnectionEvent, Step};
use super::*;
use crate::config::Limits;
use crate::error::{Error, LimitKind, PeerMisbehaved};
use crate::message::{self, Message, Rest};
use crate::packet::Sender;
use crate::random::ChaChaRandom;
use crate::transport::{Outbound, Side};
use crate::wire::{DataStream, MessageNumber};

/// A server's connection on which a channel of the peer is open.
struct Fixture {
    connection: Connection,
    outbound: Outbound,
    id: u32,
}

/// The peer's number for the channel: not ours, so that mixing them up shows.
const PEER_ID: u32 = 77;

impl Fixture {
    fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    fn with_limits(limits: Limits) -> Self {
        let outbound = Outbound::new(Sender::new(ChaChaRandom::from_seed(&[1; 32])), limits.max_deferred_bytes);
        let mut fixture = Self { connection: Connection::new(Side::Server, limits, 0), outbound, id: 0 };
        let opened = fixture.send(&message::ChannelOpen {
            channel_type: b"session",
            sender_channel: PEER_ID,
            initial_window_size: u32::MAX - 10,
            maximum_packet_size: 1000,
            type_fields: Rest(b""),
        });
        let Ok(Step::Event(ConnectionEvent::Open(request))) = opened else { panic!("a session was refused") };
        fixture.id = fixture.connection.accept(&request, &mut fixture.outbound).expect("a fresh token").0;
        fixture.sent();
        fixture
    }

    fn send<M: Message>(&mut self, message: &M) -> Result<Step, Error> {
        self.connection.handle(M::NUMBER, &message.to_payload()[1..], &mut self.outbound)
    }

    fn error<M: Message>(&mut self, message: &M) -> Error {
        match self.send(message) {
            Err(error) => error,
            Ok(_) => panic!("it was taken"),
        }
    }

    fn data(&mut self, length: usize) -> Result<Step, Error> {
        let data = vec![0; length];
        self.send(&message::ChannelData { recipient_channel: self.id, data: &data })
    }

    /// The payloads that left since the last call; they go in clear here.
    fn sent(&mut self) -> Vec<Vec<u8>> {
        let mut output = self.outbound.sender.output();
        let mut payloads = Vec::new();
        while let Some((length, rest)) = output.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let padding = usize::from(rest[0]);
            payloads.push(rest[1..length - padding].to_vec());
            output = &rest[length..];
        }
        self.outbound.sender.consume(usize::MAX);
        payloads
    }
}

fn state_error(id: u32) -> Error {
    PeerMisbehaved::ChannelState(id).into()
}

#[test]
fn data_beyond_window_and_packet_size() {
    let mut fixture = Fixture::new();
    let id = fixture.id;
    let packet = Limits::default().channel_packet as usize;
    assert_eq!(fixture.data(packet + 1).err(), Some(PeerMisbehaved::PacketTooLarge(id).into()));
    for _ in 0..Limits::default().channel_window as usize / packet {
        assert!(fixture.data(packet).is_ok());
    }
    assert_eq!(fixture.data(1).err(), Some(PeerMisbehaved::WindowExceeded(id).into()));
}

#[test]
fn data_and_eof_after_eof_and_anything_after_close() {
    let mut fixture = Fixture::new();
    let id = fixture.id;
    assert!(fixture.data(0).is_ok());
    assert!(fixture.send(&message::ChannelEof { recipient_channel: id }).is_ok());
    assert_eq!(fixture.data(1).err(), Some(state_error(id)));
    assert_eq!(fixture.data(0).err(), Some(state_error(id)));
    assert_eq!(fixture.error(&message::ChannelEof { recipient_channel: id }), state_error(id));
    assert!(fixture.send(&message::ChannelClose { recipient_channel: id }).is_ok());
    let close = message::ChannelClose { recipient_channel: PEER_ID }.to_payload();
    assert_eq!(fixture.sent(), [close], "CLOSE is answered once, with the peer's number");
    assert_eq!(
        fixture.error(&message::ChannelClose { recipient_channel: id }),
        PeerMisbehaved::UnknownChannel(id).into()
    );
    assert_eq!(fixture.data(1).err(), Some(PeerMisbehaved::UnknownChannel(id).into()));
}

#[test]
fn windows_do_not_overflow() {
    let mut fixture = Fixture::new();
    let id = fixture.id;
    let adjust = |bytes_to_add| message::ChannelWindowAdjust { recipient_channel: id, bytes_to_add };
    assert!(fixture.send(&adjust(10)).is_ok());
    assert!(fixture.send(&adjust(0)).is_ok());
    assert_eq!(fixture.error(&adjust(1)), PeerMisbehaved::WindowOverflow(id).into());
    assert_eq!(fixture.error(&adjust(u32::MAX)), PeerMisbehaved::WindowOverflow(id).into());
}

#[test]
fn answers_to_nothing() {
    let mut fixture = Fixture::new();
    let recipient_channel = fixture.id;
    let unsolicited = Error::from(PeerMisbehaved::UnsolicitedReply);
    assert_eq!(fixture.error(&message::ChannelSuccess { recipient_channel }), unsolicited);
    assert_eq!(fixture.error(&message::ChannelFailure { recipient_channel }), unsolicited);
    assert_eq!(fixture.error(&message::RequestSuccess { response_fields: Rest(b"") }), unsolicited);
    assert_eq!(fixture.error(&message::RequestFailure {}), unsolicited);
    let confirmation = message::ChannelOpenConfirmation {
        recipient_channel,
        sender_channel: 1,
        initial_window_size: 1,
        maximum_packet_size: 1,
        type_fields: Rest(b""),
    };
    assert_eq!(fixture.error(&confirmation), state_error(recipient_channel));
    let failure =
        message::ChannelOpenFailure { recipient_channel, reason_code: 1, description: b"", language_tag: b"" };
    assert_eq!(fixture.error(&failure), state_error(recipient_channel));
}

#[test]
fn messages_for_channels_that_do_not_exist() {
    let mut fixture = Fixture::new();
    for recipient_channel in [fixture.id + 1, PEER_ID, u32::MAX] {
        let unknown = Error::from(PeerMisbehaved::UnknownChannel(recipient_channel));
        assert_eq!(fixture.error(&message::ChannelData { recipient_channel, data: b"x" }), unknown);
        let data_type_code = DataStream::STDERR.0;
        let extended = message::ChannelExtendedData { recipient_channel, data_type_code, data: b"x" };
        assert_eq!(fixture.error(&extended), unknown);
        assert_eq!(fixture.error(&message::ChannelWindowAdjust { recipient_channel, bytes_to_add: 1 }), unknown);
        assert_eq!(fixture.error(&message::ChannelEof { recipient_channel }), unknown);
        assert_eq!(fixture.error(&message::ChannelClose { recipient_channel }), unknown);
        assert_eq!(fixture.error(&message::ChannelSuccess { recipient_channel }), unknown);
        let request = message::ChannelRequest {
            recipient_channel,
            request_type: b"x",
            want_reply: true,
            request_fields: Rest(b""),
        };
        assert_eq!(fixture.error(&request), unknown);
    }
}

/// A channel that waits for its opening is not open, whoever asked for it.
#[test]
fn messages_for_channels_that_are_not_open_yet() {
    let mut fixture = Fixture::new();
    let ours = fixture.connection.open(&ChannelType::Session, &mut fixture.outbound).expect("there is room").0;
    let asked = fixture.send(&message::ChannelOpen {
        channel_type: b"session",
        sender_channel: 5,
        initial_window_size: 0,
        maximum_packet_size: 0,
        type_fields: Rest(b""),
    });
    let Ok(Step::Event(ConnectionEvent::Open(request))) = asked else { panic!("a session was refused") };
    for recipient_channel in [ours, request.id().0] {
        let data = message::ChannelData { recipient_channel, data: b"x" };
        assert_eq!(fixture.error(&data), state_error(recipient_channel));
        assert_eq!(fixture.error(&message::ChannelClose { recipient_channel }), state_error(recipient_channel));
    }
}

#[test]
fn requests_nobody_answers_are_bounded() {
    let mut fixture = Fixture::with_limits(Limits { max_unanswered_requests: 3, ..Limits::default() });
    let recipient_channel = fixture.id;
    let request = message::ChannelRequest {
        recipient_channel,
        request_type: b"shell",
        want_reply: true,
        request_fields: Rest(b""),
    };
    let global = message::GlobalRequest { request_name: b"x", want_reply: true, request_fields: Rest(b"") };
    for _ in 0..3 {
        assert!(fixture.send(&request).is_ok());
        assert!(fixture.send(&global).is_ok());
    }
    assert_eq!(fixture.error(&request), Error::LimitExceeded(LimitKind::UnansweredRequests));
    assert_eq!(fixture.error(&global), Error::LimitExceeded(LimitKind::UnansweredRequests));
    assert!(fixture.sent().is_empty());
}

/// Keepalives are answered here, in their turn, and nobody is asked.
#[test]
fn keepalives_are_answered() {
    let mut fixture = Fixture::new();
    let recipient_channel = fixture.id;
    let name = b"keepalive@openssh.com";
    let channel =
        message::ChannelRequest { recipient_channel, request_type: name, want_reply: true, request_fields: Rest(b"") };
    let global = message::GlobalRequest { request_name: name, want_reply: true, request_fields: Rest(b"") };
    assert!(matches!(fixture.send(&channel), Ok(Step::Nothing)));
    assert!(matches!(fixture.send(&global), Ok(Step::Nothing)));
    let failure = message::ChannelFailure { recipient_channel: PEER_ID }.to_payload();
    assert_eq!(fixture.sent(), [failure, vec![MessageNumber::REQUEST_FAILURE.0]]);
}

/// Ids and memory return to where they were however often a channel comes and goes.
#[test]
fn open_and_close_leave_nothing_behind() {
    let mut fixture = Fixture::new();
    for round in 0..10_000 {
        let opened = fixture.send(&message::ChannelOpen {
            channel_type: b"session",
            sender_channel: round,
            initial_window_size: 1,
            maximum_packet_size: 1,
            type_fields: Rest(b""),
        });
        let Ok(Step::Event(ConnectionEvent::Open(request))) = opened else { panic!("round {round} was refused") };
        if round % 2 == 0 {
            let id = fixture.connection.accept(&request, &mut fixture.outbound).expect("a fresh token").0;
            assert!(fixture.send(&message::ChannelClose { recipient_channel: id }).is_ok());
        } else {
            let reason = crate::wire::ChannelOpenFailureReason::CONNECT_FAILED;
            fixture.connection.reject(&request, reason, "no", &mut fixture.outbound).expect("a fresh token");
        }
        fixture.sent();
    }
    assert_eq!(fixture.connection.channels.len(), 1);
}
