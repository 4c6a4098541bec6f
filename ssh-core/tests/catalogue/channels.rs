//! Channels under attack (RFC 4254 §5, §6). Every message in every state of a channel is in `channel_cells.rs`.

use hostile_peer::{Step, messages, string, strings};
use ssh_core::wire::{ChannelOpenFailureReason, DataStream};
use ssh_core::{
    ChannelEvent, ChannelId, ChannelRequest, ChannelType, ClientEvent, GlobalRequestEvent, PeerMisbehaved, ServerEvent,
};

use crate::common::assault::server_with_session;
use crate::common::hostile::{WithClient, WithServer};

/// A channel that the peer opened under its number `sender`, and the server accepted.
fn opened(meeting: &mut WithServer, sender: u32, window: u32, packet: u32) -> ChannelId {
    meeting.say(&messages::channel_open("session", sender, window, packet, b""));
    let ServerEvent::ChannelOpen(request) = meeting.event() else { panic!("a channel") };
    let id = meeting.endpoint.accept_channel(request).unwrap();
    meeting.settle();
    meeting.peer.payloads();
    id
}

/// CH-02, CH-03: the window and the packet size are exact, on both streams together.
#[test]
fn windows_and_packet_sizes_are_exact() {
    let small = || {
        server_with_session(|config| {
            config.limits.channel_window = 4096;
            config.limits.channel_packet = 1024;
        })
    };
    let data = |length| messages::channel_data(0, &vec![7; length]);
    let error = |length| messages::channel_extended_data(0, 1, &vec![7; length]);
    for too_large in [data(1025), error(1025), data(30_000)] {
        let mut meeting = small();
        meeting.say(&data(1024));
        assert_eq!(meeting.closed(), None);
        meeting.events.clear();
        meeting.say(&too_large);
        meeting.only_ends_with(PeerMisbehaved::PacketTooLarge(0));
    }
    for too_much in [data(1), error(1), messages::channel_extended_data(0, 99, &[7])] {
        let mut meeting = small();
        for message in [data(1024), error(1024), data(1024), error(1024)] {
            meeting.say(&message);
        }
        assert_eq!(meeting.closed(), None);
        meeting.events.clear();
        meeting.say(&too_much);
        meeting.only_ends_with(PeerMisbehaved::WindowExceeded(0));
    }
}

/// CH-05: the peer's number of a channel is not ours, and no number is an index.
#[test]
fn numbers_of_the_wrong_side() {
    for number in 93..=100 {
        for id in [5, 2, u32::MAX, 1 << 31] {
            let mut meeting = server_with_session(|_| ());
            opened(&mut meeting, 5, 1000, 1000);
            meeting.say(&messages::minimal(number, id));
            meeting.only_ends_with(PeerMisbehaved::UnknownChannel(id));
        }
    }
}

/// CH-06: CLOSE that crosses CLOSE is legal, is answered no second time, and frees the number once.
#[test]
fn close_crosses_close() {
    let mut meeting = server_with_session(|_| ());
    let id = opened(&mut meeting, 5, 1000, 1000);
    meeting.peer.send(&messages::channel_close(1));
    let crossing = meeting.peer.take_output();
    meeting.endpoint.channel(id).unwrap().close();
    meeting.deliver(&crossing);
    assert_eq!(meeting.peer.payloads(), [messages::channel_close(5)]);
    assert!(matches!(meeting.event(), ServerEvent::Channel(each, ChannelEvent::Closed) if each == id));
    assert!(meeting.endpoint.channel(id).is_none());
    meeting.say(&messages::channel_close(1));
    meeting.only_ends_with(PeerMisbehaved::UnknownChannel(1));
}

/// CH-06: EOF is said once.
#[test]
fn a_second_eof() {
    let mut meeting = server_with_session(|_| ());
    meeting.say(&messages::channel_eof(0));
    assert!(matches!(meeting.event(), ServerEvent::Channel(_, ChannelEvent::Eof)));
    meeting.say(&messages::channel_eof(0));
    meeting.only_ends_with(PeerMisbehaved::ChannelState(0));
}

/// CH-07, SM-02: a thousand channels one after the other; each has a number of its own, and what is said to the last one
/// reaches no other.
#[test]
fn numbers_of_closed_channels() {
    let mut meeting = server_with_session(|config| config.limits.max_channels = 2);
    let mut last = None;
    for turn in 0..1000 {
        let id = opened(&mut meeting, turn % 3, 1000, 1000);
        assert_ne!(Some(id), last.replace(id));
        meeting.say(&messages::channel_close(turn + 1));
        assert_eq!(meeting.peer.payloads(), [messages::channel_close(turn % 3)]);
        assert!(matches!(meeting.event(), ServerEvent::Channel(each, ChannelEvent::Closed) if each == id));
    }
    assert!(meeting.endpoint.buffer_memory() < 16 * 1024);
    opened(&mut meeting, 9, 1000, 1000);
    meeting.say(&messages::channel_data(1000, b"late"));
    meeting.only_ends_with(PeerMisbehaved::UnknownChannel(1000));
}

/// CH-08: channels that nobody answers fill the limit, and no more than the limit.
#[test]
fn channels_that_nobody_answers() {
    let mut meeting = server_with_session(|config| config.limits.max_channels = 10);
    for sender in 0..1000 {
        meeting.say(&messages::channel_open("session", sender, 0, 0, b""));
        let refused = (sender >= 9).then(|| messages::channel_open_failure(sender, 4, "too many channels"));
        assert_eq!(meeting.peer.payloads(), Vec::from_iter(refused));
    }
    assert_eq!(meeting.events.len(), 9);
    while let Some(event) = meeting.events.pop_front() {
        let ServerEvent::ChannelOpen(request) = event else { panic!("{event:?}") };
        meeting.endpoint.reject_channel(request, ChannelOpenFailureReason::CONNECT_FAILED, "").unwrap();
    }
    opened(&mut meeting, 9, 0, 0);
}

/// CH-12: answers on channels and answers to global requests do not take each other's place.
#[test]
fn answers_of_two_kinds() {
    let mut meeting = server_with_session(|_| ());
    let id = opened(&mut meeting, 5, 1000, 1000);
    let request = ChannelRequest::Other { name: b"x@example.com".to_vec(), data: vec![] };
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(meeting.endpoint.channel(id).unwrap().request(&request, true).unwrap().unwrap());
        asked.push(meeting.endpoint.global_request(b"x@example.com", b"").unwrap());
    }
    meeting.settle();
    let answers = [
        messages::request_success(b"1"),
        messages::request_failure(),
        messages::channel_failure(1),
        messages::channel_success(1),
        messages::request_success(b"2"),
        messages::channel_failure(1),
    ];
    answers.iter().for_each(|answer| meeting.say(answer));
    let mut heard = Vec::new();
    while let Some(event) = meeting.events.pop_front() {
        heard.push(match event {
            ServerEvent::Global(GlobalRequestEvent::Reply { request, response }) => (request, response.is_some()),
            ServerEvent::Channel(_, ChannelEvent::Reply { request, success }) => (request, success),
            other => panic!("{other:?}"),
        });
    }
    let order = [(1, true), (3, false), (0, false), (2, true), (5, true), (4, false)];
    assert_eq!(heard, order.map(|(at, success)| (asked[at], success)));
}

/// CH-14: adjusts of nothing wake nobody, adjusts of one byte wake once each, and only who waits.
#[test]
fn adjusts_of_next_to_nothing() {
    let mut meeting = server_with_session(|_| ());
    let id = opened(&mut meeting, 5, 0, 1000);
    let write = |meeting: &mut WithServer| {
        let written = meeting.endpoint.channel(id).unwrap().write(DataStream::STDOUT, &[7; 100]);
        meeting.settle();
        written
    };
    meeting.say(&messages::channel_window_adjust(1, 3));
    meeting.only_says(&[]);
    assert_eq!(write(&mut meeting), Ok(3));
    meeting.peer.payloads();
    for _ in 0..1000 {
        meeting.say(&messages::channel_window_adjust(1, 0));
    }
    meeting.only_says(&[]);
    for _ in 0..100 {
        meeting.say(&messages::channel_window_adjust(1, 1));
        assert!(matches!(meeting.event(), ServerEvent::Channel(each, ChannelEvent::Writable) if each == id));
        meeting.say(&messages::channel_window_adjust(1, 1));
        meeting.only_says(&[]);
        assert_eq!(write(&mut meeting), Ok(2));
        assert_eq!(meeting.peer.payloads(), [messages::channel_data(5, &[7; 2])]);
    }
}

/// CH-15: data of no length is no event, and costs nothing.
#[test]
fn data_of_no_length() {
    let mut meeting = server_with_session(|_| ());
    for _ in 0..3000 {
        meeting.say(&messages::channel_data(0, b""));
        meeting.say(&messages::channel_extended_data(0, 1, b""));
    }
    meeting.only_says(&[]);
    assert!(meeting.endpoint.buffer_memory() < 16 * 1024);
}

/// CH-17: results stand before CLOSE, in any number and order with EOF; behind CLOSE there is no channel.
#[test]
fn results_around_the_end_of_data() {
    let status = messages::channel_request(0, "exit-status", false, &[0, 0, 0, 7]);
    let mut meeting = WithClient::quick(true).with_session();
    meeting.events.clear();
    for message in [status.clone(), messages::channel_eof(0), status.clone()] {
        meeting.say(&message);
    }
    let is_status = |event: ClientEvent| matches!(event, ClientEvent::Channel(_, ChannelEvent::Request(request)) if request.request == ChannelRequest::ExitStatus(7));
    assert!(is_status(meeting.event()));
    assert!(matches!(meeting.event(), ClientEvent::Channel(_, ChannelEvent::Eof)));
    assert!(is_status(meeting.event()));
    meeting.say(&messages::channel_close(0));
    meeting.events.clear();
    meeting.say(&status);
    meeting.only_ends_with(PeerMisbehaved::UnknownChannel(0));
}

/// CH-23: extreme values are the application's to judge; a variable is set by nobody but the application.
#[test]
fn extreme_requests_reach_the_application() {
    let mut meeting = server_with_session(|_| ());
    let window = |value: u32| [value; 4].map(u32::to_be_bytes).concat();
    for (name, fields, expected) in [
        (
            "window-change",
            window(0),
            ChannelRequest::WindowChange { columns: 0, rows: 0, width_pixels: 0, height_pixels: 0 },
        ),
        (
            "window-change",
            window(u32::MAX),
            ChannelRequest::WindowChange {
                columns: u32::MAX,
                rows: u32::MAX,
                width_pixels: u32::MAX,
                height_pixels: u32::MAX,
            },
        ),
        ("break", u32::MAX.to_be_bytes().to_vec(), ChannelRequest::Break { length_ms: u32::MAX }),
        ("signal", string("NO-SUCH"), ChannelRequest::Signal(ssh_core::Signal::new("NO-SUCH").unwrap())),
    ] {
        meeting.say(&messages::channel_request(0, name, false, &fields));
        let ServerEvent::Channel(_, ChannelEvent::Request(request)) = meeting.event() else { panic!("a request") };
        assert_eq!(request.request, expected);
    }
    for _ in 0..2000 {
        meeting.say(&messages::channel_request(0, "env", true, &strings(&["LD_PRELOAD", "x"])));
        let ServerEvent::Channel(_, ChannelEvent::Request(request)) = meeting.event() else { panic!("a request") };
        meeting.endpoint.reply(request.reply.unwrap(), false).unwrap();
        meeting.settle();
        assert_eq!(meeting.peer.numbers(), [100]);
    }
    assert!(meeting.endpoint.buffer_memory() < 16 * 1024);
}

/// CH-26, CH-01: the widest window is counted to the byte: what was sent may be given back, and not a byte more.
#[test]
fn the_widest_window() {
    for (more, legal) in [(0, true), (1, false)] {
        let mut meeting = server_with_session(|_| ());
        let id = opened(&mut meeting, 5, u32::MAX, u32::MAX);
        let mut sent = 0;
        for _ in 0..40 {
            let written = meeting.endpoint.channel(id).unwrap().write(DataStream::STDOUT, &vec![7; 200_000]).unwrap();
            assert!(written > 0);
            sent += written as u32;
            meeting.settle();
        }
        meeting.events.clear();
        meeting.say(&messages::channel_window_adjust(1, sent + more));
        if legal {
            assert_eq!(meeting.closed(), None);
        } else {
            meeting.only_ends_with(PeerMisbehaved::WindowOverflow(1));
        }
    }
}

/// SM-19: types of channels that nobody knows are the application's to refuse, of any length; the connection lives.
#[test]
fn channel_types_that_nobody_knows() {
    let mut meeting = server_with_session(|_| ());
    for kind in ["x11", "tun@openssh.com", "direct-tcpip", "", &"x".repeat(60_000)] {
        meeting.say(&messages::channel_open(kind, 7, 0, 0, b"fields"));
        let ServerEvent::ChannelOpen(request) = meeting.event() else { panic!("a channel") };
        let expected = ChannelType::Other { name: kind.as_bytes().to_vec(), data: b"fields".to_vec() };
        assert_eq!(request.channel_type, expected);
        meeting.endpoint.reject_channel(request, ChannelOpenFailureReason::UNKNOWN_CHANNEL_TYPE, "no").unwrap();
        meeting.settle();
        assert_eq!(meeting.peer.payloads(), [messages::channel_open_failure(7, 3, "no")]);
    }
}

/// SM-20: a request that nobody knows gets a failure if it wants an answer, else nothing.
#[test]
fn requests_that_nobody_knows() {
    let mut meeting = server_with_session(|_| ());
    opened(&mut meeting, 5, 1000, 1000);
    for want_reply in [true, false] {
        meeting.say(&messages::channel_request(1, "no-such@example.com", want_reply, b"fields"));
        let ServerEvent::Channel(_, ChannelEvent::Request(request)) = meeting.event() else { panic!("a request") };
        assert_eq!(request.reply.is_some(), want_reply);
        if let Some(token) = request.reply {
            meeting.endpoint.reply(token, false).unwrap();
        }
        meeting.settle();
        assert_eq!(meeting.peer.payloads(), Vec::from_iter(want_reply.then(|| messages::channel_failure(5))));
    }
}

/// SM-77: a server gets no session of its client; what else it asks for is not open before the application accepts.
#[test]
fn channels_that_a_server_asks_for() {
    let mut meeting = WithClient::quick(true).with_session();
    meeting.events.clear();
    meeting.peer.payloads();
    meeting.say(&messages::channel_open("session", 4, 1000, 1000, b""));
    assert!(meeting.events.is_empty());
    assert_eq!(meeting.peer.payloads(), [messages::channel_open_failure(4, 1, "not allowed")]);
    for kind in ["x11", "auth-agent@openssh.com", "forwarded-tcpip"] {
        meeting.say(&messages::channel_open(kind, 4, 1000, 1000, b""));
        let ClientEvent::ChannelOpen(request) = meeting.event() else { panic!("a channel") };
        let id = request.id();
        assert!(meeting.endpoint.channel(id).is_none(), "nobody has accepted it");
        meeting.only_says(&[]);
        let reason = ChannelOpenFailureReason::ADMINISTRATIVELY_PROHIBITED;
        meeting.endpoint.reject_channel(request, reason, "").unwrap();
        meeting.settle();
        assert_eq!(meeting.peer.payloads(), [messages::channel_open_failure(4, 1, "")]);
    }
}

/// SM-84: forwarding is asked for, never given by itself.
#[test]
fn forwarding_is_not_given_by_itself() {
    let mut meeting = server_with_session(|_| ());
    for (name, port) in [("tcpip-forward", 0_u32), ("tcpip-forward", 65_536), ("cancel-tcpip-forward", 22)] {
        let fields = [string("0.0.0.0"), port.to_be_bytes().to_vec()].concat();
        meeting.say(&messages::global_request(name, true, &fields));
        let ServerEvent::Global(GlobalRequestEvent::Request { data, reply, .. }) = meeting.event() else {
            panic!("a request")
        };
        assert_eq!(data, fields);
        meeting.only_says(&[]);
        meeting.endpoint.answer_global(reply.unwrap(), None).unwrap();
        meeting.settle();
        assert_eq!(meeting.peer.numbers(), [82]);
    }
}

/// SM-07: windows, half-closes and open answers are the same behind an exchange.
#[test]
fn channels_behind_fresh_keys() {
    let mut meeting = server_with_session(|_| ());
    let id = opened(&mut meeting, 5, 10, 1000);
    assert_eq!(meeting.endpoint.channel(id).unwrap().write(DataStream::STDOUT, &[7; 100]), Ok(10));
    meeting.say(&messages::channel_request(1, "x@example.com", true, b""));
    let ServerEvent::Channel(_, ChannelEvent::Request(request)) = meeting.event() else { panic!("a request") };
    meeting.say(&messages::channel_eof(1));
    meeting.events.clear();
    meeting.peer.say(Step::KexInit);
    meeting.exchange(Step::NewKeys);
    meeting.events.clear();
    meeting.peer.payloads();
    assert_eq!(meeting.endpoint.channel(id).unwrap().writable(), 0);
    meeting.endpoint.reply(request.reply.unwrap(), true).unwrap();
    meeting.settle();
    assert_eq!(meeting.peer.payloads(), [messages::channel_success(5)]);
    meeting.say(&messages::channel_window_adjust(1, 5));
    assert!(matches!(meeting.event(), ServerEvent::Channel(each, ChannelEvent::Writable) if each == id));
    assert_eq!(meeting.endpoint.channel(id).unwrap().write(DataStream::STDOUT, &[7; 100]), Ok(5));
    meeting.settle();
    meeting.say(&messages::channel_data(1, b"behind EOF"));
    meeting.only_ends_with(PeerMisbehaved::ChannelState(1));
}
