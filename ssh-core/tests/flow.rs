//! Channels: windows, back-pressure, wake-ups, half-closes, limits.

mod common;

use std::time::Duration;

use common::traffic::Traffic;
use common::{Chunking, Pair, Setup};
use ssh_core::crypto::{Algorithms, mac};
use ssh_core::wire::{ChannelOpenFailureReason, DataStream, DisconnectReason};
use ssh_core::{
    ChannelEvent, ChannelId, ChannelRequest, ChannelType, ClientEvent, CloseReason, Error, LimitKind, Misuse,
    ServerEvent, WriteError,
};

const OUT: DataStream = DataStream::STDOUT;

fn small_windows(setup: Setup) -> Setup {
    setup.configure(|client, server| {
        for limits in [&mut client.limits, &mut server.limits] {
            limits.channel_window = 3000;
            limits.channel_packet = 1000;
            limits.max_output = 16 * 1024;
        }
    })
}

fn request(name: &str) -> ChannelRequest {
    ChannelRequest::Other { name: name.into(), data: Vec::new() }
}

/// Writes `data` from the client, however often that takes.
fn pump_up(pair: &mut Pair, id: ChannelId, mut data: &[u8]) {
    while !data.is_empty() {
        let n = pair.client.channel(id).unwrap().write(OUT, data).unwrap();
        data = &data[n..];
        pair.run();
    }
}

#[test]
fn a_writer_that_waits_for_writable_always_finishes() {
    for seed in 0..12 {
        for chunking in [Chunking::Whole, Chunking::Random(2000), Chunking::Random(50_000)] {
            let mut pair = Pair::logged_in(small_windows(Setup::new(seed)).quick().chunking(chunking));
            let mut traffic = Traffic::open(&mut pair, 4, 20_000);
            traffic.sip = 1 + pair.roll(4000);
            traffic.run(&mut pair, |_, _| ());
            assert_eq!(traffic.others, Vec::<String>::new());
        }
    }
}

/// Windows larger than the output buffer: the output is what stops the writers then.
#[test]
fn output_room_wakes_writers_in_turn() {
    for seed in 0..4 {
        let setup = Setup::new(seed).quick().chunking(Chunking::Random(9000)).configure(|client, server| {
            client.limits.max_output = 16 * 1024;
            server.limits.max_output = 20 * 1024;
        });
        let mut pair = Pair::logged_in(setup);
        let mut traffic = Traffic::open(&mut pair, 6, 120_000);
        traffic.run(&mut pair, |_, _| ());
    }
}

/// What no peer can reach is no limit, and no sum of it with anything else becomes small.
#[test]
fn limits_may_be_as_large_as_their_types() {
    let mut pair = Pair::logged_in(Setup::new(1).configure(|client, server| {
        for limits in [&mut client.limits, &mut server.limits] {
            limits.max_bytes_before_auth = u64::MAX;
            limits.channel_window = u32::MAX;
            limits.max_unread_bytes = u64::MAX;
            limits.max_channels = u32::MAX;
            limits.max_output = usize::MAX;
            limits.max_deferred_bytes = usize::MAX;
            limits.max_unanswered_requests = usize::MAX;
            limits.max_auth_requests = u32::MAX;
            (limits.login_grace, limits.rekey_grace, limits.linger) = (Duration::MAX, Duration::MAX, Duration::MAX);
            assert_eq!(limits.memory(u32::MAX), u64::MAX);
        }
    }));
    let (client, server) = pair.open_exec("cat");
    pair.client.rekey().unwrap();
    pair.run();
    pump_up(&mut pair, client, &[7; 300_000]);
    let mut channel = pair.server.channel(server).unwrap();
    let mut read = 0;
    while let n @ 1.. = channel.readable(OUT).len() {
        channel.consume(OUT, n);
        read += n;
    }
    assert_eq!(read, 300_000);
}

/// RFC 4254 §5.2: never more than the window, and all of it comes back by reading.
#[test]
fn credit_is_conserved() {
    let mut pair = Pair::logged_in(small_windows(Setup::new(1)));
    let (client, server) = pair.open_exec("cat");
    for _ in 0..50 {
        let sent = pair.client.channel(client).unwrap().write(OUT, &[7; 9000]).unwrap();
        pair.run();
        assert_eq!(pair.client.channel(client).unwrap().writable(), 0);
        let mut channel = pair.server.channel(server).unwrap();
        assert_eq!(channel.readable(OUT).len(), 3000, "as much as the window, after {sent}");
        channel.consume(OUT, 3000);
        pair.run();
        assert_eq!(pair.client.channel(client).unwrap().writable(), 1000, "the peer's packet size");
    }
    assert!(pair.server_closed().is_none() && pair.client_closed().is_none());
}

#[test]
fn writable_comes_once_and_only_to_who_was_cut_short() {
    let mut pair = Pair::logged_in(small_windows(Setup::new(2)));
    let (client, server) = pair.open_exec("cat");
    let writable = |pair: &mut Pair| {
        pair.run();
        let is = |event: &ClientEvent| matches!(event, ClientEvent::Channel(_, ChannelEvent::Writable));
        let count = pair.client_events.iter().filter(|event| is(event)).count();
        pair.client_events.clear();
        count
    };
    let mut channel = pair.client.channel(client).unwrap();
    assert_eq!(channel.write(OUT, &[0; 3000]), Ok(3000));
    pair.run();
    pair.server.channel(server).unwrap().consume(OUT, 3000);
    assert_eq!(writable(&mut pair), 0, "that write was not cut short");
    let mut channel = pair.client.channel(client).unwrap();
    assert_eq!(channel.write(OUT, &[0; 3001]), Ok(3000));
    assert_eq!(channel.write(OUT, &[0; 1]), Ok(0));
    assert_eq!(writable(&mut pair), 0, "nothing was read yet");
    for _ in 0..3 {
        pair.server.channel(server).unwrap().consume(OUT, 1000);
        pair.run();
    }
    assert_eq!(writable(&mut pair), 1);
}

/// One reader that sleeps delays nobody else, and nothing grows behind what it left unread.
#[test]
fn a_stalled_reader_delays_nobody() {
    let mut pair = Pair::logged_in(Setup::new(3).quick());
    let (stalled, stalled_there) = pair.open_exec("sleep");
    let (busy, busy_there) = pair.open_exec("cat");
    pair.client.channel(stalled).unwrap().write(OUT, b"unread").unwrap();
    pair.run();
    for round in 0..300 {
        pump_up(&mut pair, busy, &[9; 10_000]);
        let mut channel = pair.server.channel(busy_there).unwrap();
        assert_eq!(channel.readable(OUT).len(), 10_000, "round {round}");
        channel.consume(OUT, 10_000);
        pair.run();
        pair.server_events.clear();
    }
    assert!(pair.server.buffer_memory() < 300_000, "{}", pair.server.buffer_memory());
    assert_eq!(pair.server.channel(stalled_there).unwrap().readable(OUT), b"unread");
}

/// What lies unread, or was just read, must not keep the input buffer from being used again by packets without data.
#[test]
fn messages_without_data_do_not_pile_up_behind_data() {
    for unread in [true, false] {
        let mut pair = Pair::logged_in(Setup::new(4).quick());
        let (stalled, stalled_there) = pair.open_exec("sleep");
        pair.client.channel(stalled).unwrap().write(OUT, b"unread").unwrap();
        pair.run();
        if !unread {
            pair.server.channel(stalled_there).unwrap().consume(OUT, 6);
        }
        let big = ChannelRequest::Other { name: b"x@example.com".to_vec(), data: vec![0; 20_000] };
        for _ in 0..200 {
            pair.client.channel(stalled).unwrap().request(&big, false).unwrap();
            pair.run();
            pair.server_events.clear();
        }
        assert!(pair.server.buffer_memory() < 300_000, "unread={unread}: {}", pair.server.buffer_memory());
        let expected: &[u8] = if unread { b"unread" } else { b"" };
        assert_eq!(pair.server.channel(stalled_there).unwrap().readable(OUT), expected);
    }
}

/// An idle connection gives its buffers back, whatever it did before.
#[test]
fn idle_connections_are_small() {
    let mut pair = Pair::logged_in(Setup::new(5).quick());
    let (client, server) = pair.open_exec("cat");
    pump_up(&mut pair, client, &[1; 500_000]);
    let mut channel = pair.server.channel(server).unwrap();
    let n = channel.readable(OUT).len();
    channel.consume(OUT, n);
    pump_up(&mut pair, client, b"read at once");
    pair.server.channel(server).unwrap().consume(OUT, 12);
    pump_up(&mut pair, client, b"unread");
    let mut timers = 0;
    while let Some(at) = pair.server.poll_timeout().into_iter().chain(pair.client.poll_timeout()).min() {
        timers += 1;
        assert!(timers < 10, "a timer that never rests");
        pair.pass(at.as_micros().saturating_sub(pair.now.as_micros()));
        pair.run();
    }
    assert!(pair.server.buffer_memory() <= 12 * 1024, "{}", pair.server.buffer_memory());
    assert!(pair.client.buffer_memory() <= 12 * 1024, "{}", pair.client.buffer_memory());
    pump_up(&mut pair, client, &[2; 10_000]);
    assert_eq!(pair.server.channel(server).unwrap().readable(OUT).len(), 10_006);
}

/// The smallest input buffer holds a whole packet that nobody reads, and still takes what comes after it.
#[test]
fn a_held_packet_leaves_room_for_the_next() {
    for cipher in &Algorithms::default().ciphers {
        for size in (8100..8200).chain([32_768]) {
            let setup = Setup::new(22).quick().algorithms(|lists| {
                lists.ciphers = vec![*cipher];
                lists.macs = vec![mac::HMAC_SHA2_256];
            });
            let mut pair = Pair::logged_in(setup.configure(|_, server| server.limits.input_buffer = 4096));
            let (stalled, stalled_there) = pair.open_exec("sleep");
            pump_up(&mut pair, stalled, &vec![1; size]);
            pair.server_events.clear();
            pair.open_exec("next");
            assert_eq!(pair.server.channel(stalled_there).unwrap().readable(OUT).len(), size);
        }
    }
}

/// Bytes of a stream that nobody reads are taken as read: their credit comes back by itself.
#[test]
fn unknown_streams_give_their_credit_back() {
    let mut pair = Pair::logged_in(small_windows(Setup::new(6)));
    let (client, server) = pair.open_exec("cat");
    for _ in 0..20 {
        assert_eq!(pair.client.channel(client).unwrap().write(DataStream(7), &[0; 3000]), Ok(3000));
        pair.run();
    }
    pump_up(&mut pair, client, b"still flows");
    assert_eq!(pair.server.channel(server).unwrap().readable(OUT), b"still flows");
    assert!(pair.server.channel(server).unwrap().readable(DataStream(7)).is_empty());
}

/// RFC 4253 §11.1: after DISCONNECT nothing is sent, whatever the application still does with its channels.
#[test]
fn nothing_is_sent_after_the_end() {
    let mut pair = Pair::logged_in(small_windows(Setup::new(7)));
    let (client, server) = pair.open_exec("cat");
    assert_eq!(pair.server.channel(server).unwrap().write(OUT, &[5; 3000]), Ok(3000));
    pair.run();
    pair.client.disconnect(DisconnectReason::BY_APPLICATION, "done");
    let last_words = pair.client.poll_output().to_vec();
    let mut channel = pair.client.channel(client).expect("unread data stays readable");
    assert_eq!(channel.readable(OUT), [5; 3000]);
    assert_eq!(channel.writable(), 0);
    assert_eq!(channel.write(OUT, b"x"), Err(WriteError::Closed));
    assert_eq!(channel.write_with(OUT, 9, |room| room.len()), Err(WriteError::Closed));
    assert_eq!(channel.request(&request("x"), true), Err(WriteError::Closed));
    assert_eq!(channel.send_eof(), Err(WriteError::Closed));
    assert!(!channel.is_open() && !channel.is_at_eof());
    channel.consume(OUT, 2000);
    channel.close();
    assert_eq!(pair.client.poll_output(), last_words);
    assert_eq!(pair.client.channel(client).unwrap().readable(OUT), [5; 1000]);
    assert_eq!(pair.client.open_channel(&ChannelType::Session), Err(Misuse::WrongPhase));
    assert!(pair.client.global_request(b"x", b"").is_err() && pair.client.rekey().is_err());
    pair.run();
    assert_eq!(pair.server_closed(), Some(CloseReason::Peer));
    assert!(pair.client.is_finished());
}

/// A channel that the application has not accepted is not the application's to write to or to give up.
#[test]
fn a_channel_begins_with_its_acceptance() {
    let mut pair = Pair::logged_in(Setup::new(8));
    let client = pair.client.open_channel(&ChannelType::Session).unwrap();
    let ServerEvent::ChannelOpen(open) = pair.server_event() else { panic!("an open") };
    if let Some(channel) = pair.server.channel(open.id()) {
        channel.abandon();
    }
    let server = pair.server.accept_channel(open).unwrap();
    assert!(matches!(pair.client_event(), ClientEvent::Channel(_, ChannelEvent::Opened)));
    pair.client.channel(client).unwrap().write(OUT, b"hello").unwrap();
    pair.run();
    assert_eq!(pair.server.channel(server).map(|channel| channel.readable(OUT).to_vec()), Some(b"hello".to_vec()));
}

#[test]
fn input_waits_for_unread_answers() {
    let setup = Setup::new(9).quick().configure(|_, server| {
        server.limits.max_output = 16 * 1024;
        server.limits.input_buffer = 8 * 1024;
    });
    let mut pair = Pair::logged_in(setup);
    let (client, _) = pair.open_exec("cat");
    // The peer asks and never reads the answers.
    pair.stall_to_client = true;
    for _ in 0..20_000 {
        if pair.client.poll_output().is_empty() {
            let question = ChannelRequest::ExitStatus(1);
            pair.client.channel(client).unwrap().request(&question, false).unwrap();
            let _ = pair.client.global_request(b"keepalive@openssh.com", b"");
        }
        pair.step();
        pair.server_events.clear();
    }
    assert!(!pair.server.wants_input());
    assert!(pair.server.buffer_memory() < 200_000, "{}", pair.server.buffer_memory());
    // It reads at last: everything goes on.
    pair.stall_to_client = false;
    pair.run();
    assert!(pair.server.wants_input());
    assert!(pair.client_closed().is_none() && pair.server_closed().is_none());
}

#[test]
fn a_hundred_channels_at_once() {
    let setup = Setup::new(10).quick().chunking(Chunking::Random(20_000)).configure(|client, server| {
        client.limits.channel_window = 64 * 1024;
        server.limits.channel_window = 64 * 1024;
    });
    let mut pair = Pair::logged_in(setup);
    let mut traffic = Traffic::open(&mut pair, 100, 3000);
    traffic.gulp = 2000;
    traffic.run(&mut pair, |_, _| ());
}

/// Numbers, windows and memory come back: nothing is left of a channel that is over.
#[test]
fn two_hundred_channels_in_turn() {
    let setup = Setup::new(11).quick().configure(|client, server| {
        for limits in [&mut client.limits, &mut server.limits] {
            limits.max_channels = 2;
            limits.max_unread_bytes = 4 * 1024 * 1024;
        }
    });
    let mut pair = Pair::logged_in(setup);
    for round in 0..200 {
        let (client, server) = pair.open_exec("true");
        pair.server.channel(server).unwrap().write(OUT, b"out").unwrap();
        match round % 3 {
            0 => pair.server.channel(server).unwrap().close(),
            1 => pair.client.channel(client).unwrap().close(),
            _ => {
                pair.client.channel(client).unwrap().close();
                pair.server.channel(server).unwrap().close();
            }
        }
        pair.run();
        if let Some(mut channel) = pair.client.channel(client) {
            channel.consume(OUT, 3);
        }
        assert!(pair.client.channel(client).is_none() && pair.server.channel(server).is_none(), "round {round}");
        pair.client_events.clear();
        pair.server_events.clear();
    }
}

#[test]
fn half_close_in_either_direction() {
    let mut pair = Pair::logged_in(Setup::new(12));
    let (client, server) = pair.open_exec("sort");
    let mut channel = pair.client.channel(client).unwrap();
    channel.write(OUT, b"b\na\n").unwrap();
    channel.send_eof().unwrap();
    assert_eq!(channel.send_eof(), Ok(()), "a second one is none");
    assert_eq!(channel.write(OUT, b"c"), Err(WriteError::AfterEof));
    assert_eq!(channel.writable(), 0);
    pair.run();
    let eofs = pair.server_events.iter().filter(|e| matches!(e, ServerEvent::Channel(_, ChannelEvent::Eof))).count();
    assert_eq!(eofs, 1);
    for _ in 0..100 {
        let mut channel = pair.server.channel(server).unwrap();
        assert!(channel.is_at_eof());
        channel.write(OUT, &[0; 1000]).unwrap();
        pair.run();
        pair.client.channel(client).unwrap().consume(OUT, 1000);
    }
    assert!(pair.client.channel(client).unwrap().request(&request("late"), true).is_ok(), "requests go on");
}

#[test]
fn unread_data_outlives_close() {
    for held in [true, false] {
        let mut pair = Pair::logged_in(Setup::new(13));
        let (client, server) = pair.open_exec("cat");
        let mut channel = pair.server.channel(server).unwrap();
        channel.write(OUT, b"first ").unwrap();
        if !held {
            channel.write(DataStream::STDERR, b"moves it to the queue").unwrap();
        }
        channel.close();
        pair.run();
        assert!(matches!(pair.client_events.back(), Some(ClientEvent::Channel(_, ChannelEvent::Closed))));
        let mut channel = pair.client.channel(client).expect("unread data");
        assert_eq!(channel.write(OUT, b"x"), Err(WriteError::Closed));
        assert_eq!(channel.readable(OUT), b"first ");
        channel.consume(OUT, 3);
        assert_eq!(channel.readable(OUT), b"st ");
        channel.consume(OUT, 99);
        if let Some(mut channel) = pair.client.channel(client) {
            channel.consume(DataStream::STDERR, 99);
        }
        assert!(pair.client.channel(client).is_none());
    }
}

/// After giving up nothing is heard of the channel, and everything else goes on.
#[test]
fn abandoned_channels_are_silent() {
    let mut pair = Pair::logged_in(small_windows(Setup::new(14)));
    let (client, server) = pair.open_exec("yes");
    let (other, other_there) = pair.open_exec("cat");
    pair.server.channel(server).unwrap().write(OUT, &[1; 3000]).unwrap();
    pair.run();
    pair.client_events.clear();
    pair.client.channel(client).unwrap().abandon();
    pair.server.channel(server).unwrap().request(&ChannelRequest::ExitStatus(0), false).unwrap();
    let _ = pair.server.channel(server).unwrap().request(&request("x"), true);
    pair.run();
    assert!(pair.client_events.is_empty(), "{:?}", pair.client_events);
    assert!(pair.client.channel(client).is_none() && pair.server.channel(server).is_none());
    // One that is not open yet.
    let early = pair.client.open_channel(&ChannelType::Session).unwrap();
    pair.client.channel(early).unwrap().abandon();
    pair.server_events.clear();
    let ServerEvent::ChannelOpen(open) = pair.server_event() else { panic!("an open") };
    pair.server.accept_channel(open).unwrap();
    pair.run();
    assert!(pair.client_events.is_empty() && pair.client.channel(early).is_none());
    pump_up(&mut pair, other, b"alive");
    assert_eq!(pair.server.channel(other_there).unwrap().readable(OUT), b"alive");
}

#[test]
fn write_with_fills_in_place() {
    let mut pair = Pair::logged_in(small_windows(Setup::new(15)));
    let (client, server) = pair.open_exec("cat");
    let mut channel = pair.client.channel(client).unwrap();
    let fill = |room: &mut [u8]| {
        assert_eq!(room.len(), 500);
        room[..3].copy_from_slice(b"abc");
        3
    };
    assert_eq!(channel.write_with(OUT, 500, fill), Ok(3));
    assert_eq!(channel.write_with(OUT, 5000, |room| room.len()), Ok(1000), "one packet at most");
    let before = pair.client.poll_output().len();
    let mut channel = pair.client.channel(client).unwrap();
    assert_eq!(channel.write_with(OUT, 500, |_| 0), Ok(0));
    assert_eq!(channel.write_with(OUT, 0, |_| panic!("no room was asked for")), Ok(0));
    assert_eq!(pair.client.poll_output().len(), before, "nothing is sent for nothing");
    pair.run();
    let data = pair.server.channel(server).unwrap().readable(OUT).to_vec();
    assert_eq!((&data[..3], data.len()), (&b"abc"[..], 1003));
    let mut channel = pair.client.channel(client).unwrap();
    while channel.write_with(OUT, 1000, |room| room.len()).unwrap() > 0 {}
    assert_eq!(channel.write_with(OUT, 1000, |_| panic!("there is no room")), Ok(0));
}

#[test]
fn channels_and_windows_are_bounded() {
    let setup = Setup::new(16).configure(|_, server| {
        server.limits.max_channels = 3;
        server.limits.max_unread_bytes = 72 * 1024;
    });
    let mut pair = Pair::logged_in(setup);
    let (first, _) = pair.open_exec("1");
    let (second, second_there) = pair.open_exec("2");
    let refused = |pair: &mut Pair| {
        pair.client.open_channel(&ChannelType::Session).unwrap();
        match pair.client_event() {
            ClientEvent::Channel(_, ChannelEvent::OpenFailed { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(&mut pair), ChannelOpenFailureReason::RESOURCE_SHORTAGE, "8 KiB of window are left");
    assert_eq!(pair.server.open_channel(&ChannelType::Session), Err(Misuse::Busy));
    // What the ledger has is less than windows usually are: each channel got the least there is, one packet.
    let blob = vec![0; 100 * 1024];
    assert_eq!(pair.client.channel(second).unwrap().write(OUT, &blob), Ok(32 * 1024));
    pair.client.channel(first).unwrap().close();
    pair.run();
    pair.client_events.clear();
    pair.server_events.clear();
    pair.open_exec("3");
    pair.server.channel(second_there).unwrap().close();
    pair.run();
}

#[test]
fn clients_have_no_sessions_to_offer() {
    let mut pair = Pair::logged_in(Setup::new(17));
    let id = pair.server.open_channel(&ChannelType::Session).unwrap();
    let event = pair.server_event();
    assert!(
        matches!(&event, ServerEvent::Channel(each, ChannelEvent::OpenFailed { reason, .. })
            if *each == id && *reason == ChannelOpenFailureReason::ADMINISTRATIVELY_PROHIBITED),
        "{event:?}"
    );
    assert!(pair.client_events.is_empty());
}

/// RFC 4254 §4 and §5.4: answers have no number, so their order is all there is.
#[test]
fn answers_leave_in_order() {
    let mut pair = Pair::logged_in(Setup::new(18));
    let (client, _) = pair.open_exec("x");
    let ids: Vec<_> =
        (0..4).map(|n| pair.client.channel(client).unwrap().request(&request(&n.to_string()), true)).collect();
    let globals: Vec<_> = (0..3).map(|n| pair.client.global_request(n.to_string().as_bytes(), b"").unwrap()).collect();
    pair.run();
    let (mut tokens, mut global_tokens) = (Vec::new(), Vec::new());
    while let Some(event) = pair.server_events.pop_front() {
        match event {
            ServerEvent::Channel(_, ChannelEvent::Request(incoming)) => tokens.push(incoming.reply.unwrap()),
            ServerEvent::Global(ssh_core::GlobalRequestEvent::Request { reply, .. }) => {
                global_tokens.push(reply.unwrap());
            }
            other => panic!("{other:?}"),
        }
    }
    // Last first: nothing may leave before the first is answered.
    for (number, token) in tokens.into_iter().enumerate().rev() {
        assert!(pair.client_events.is_empty());
        pair.server.reply(token, number % 2 == 0).unwrap();
        pair.run();
    }
    for (number, token) in global_tokens.into_iter().enumerate().rev() {
        pair.server.answer_global(token, (number != 1).then_some(&[number as u8])).unwrap();
    }
    pair.run();
    let replies: Vec<_> = pair.client_events.drain(..).map(|event| format!("{event:?}")).collect();
    assert_eq!(replies.len(), 7);
    for (number, id) in ids.into_iter().enumerate() {
        let id = id.unwrap().unwrap();
        assert!(
            replies[number].contains(&format!("{id:?}")) && replies[number].contains(&(number % 2 == 0).to_string())
        );
    }
    for (number, id) in globals.into_iter().enumerate() {
        let response = if number == 1 { "None".to_owned() } else { format!("Some([{number}])") };
        let reply = &replies[4 + number];
        assert!(reply.contains(&format!("{id:?}")) && reply.contains(&response), "{reply}");
    }
}

#[test]
fn unanswered_requests_are_bounded() {
    let mut pair = Pair::logged_in(Setup::new(19).configure(|_, server| server.limits.max_unanswered_requests = 10));
    let (client, _) = pair.open_exec("x");
    for _ in 0..10 {
        pair.client.channel(client).unwrap().request(&request("x"), true).unwrap();
    }
    pair.run();
    assert!(pair.server_closed().is_none());
    pair.client.channel(client).unwrap().request(&request("x"), true).unwrap();
    pair.run();
    let expected = CloseReason::Failed(Error::LimitExceeded(LimitKind::UnansweredRequests));
    assert_eq!(pair.server_closed(), Some(expected));
}

#[test]
fn used_tokens_are_refused() {
    let mut pair = Pair::logged_in(Setup::new(20));
    let mut other = Pair::logged_in(Setup::new(21));
    let (client, server) = pair.open_exec("x");
    let (_, _) = other.open_exec("x");
    pair.client.channel(client).unwrap().request(&request("x"), true).unwrap();
    let ServerEvent::Channel(_, ChannelEvent::Request(incoming)) = pair.server_event() else { panic!("a request") };
    assert!(other.server.reply(incoming.reply.unwrap(), true).is_err(), "of another connection");
    pair.client.channel(client).unwrap().request(&request("x"), true).unwrap();
    let ServerEvent::Channel(_, ChannelEvent::Request(incoming)) = pair.server_event() else { panic!("a request") };
    pair.server.channel(server).unwrap().close();
    pair.run();
    assert_eq!(pair.server.reply(incoming.reply.unwrap(), true), Err(Misuse::NoSuchChannel));
    pair.client.open_channel(&ChannelType::Session).unwrap();
    pair.server_events.clear();
    let ServerEvent::ChannelOpen(open) = pair.server_event() else { panic!("an open") };
    assert!(other.server.accept_channel(open).is_err(), "of another connection");
}

/// A request that fits into no packet is refused here, not by a peer that ends the connection.
#[test]
fn oversized_requests_never_leave() {
    let mut pair = Setup::new(90).build();
    pair.log_in();
    let (id, _) = pair.open_exec("true");
    let request = ChannelRequest::Exec { command: vec![b'x'; 256 * 1024] };
    assert_eq!(pair.client.channel(id).unwrap().request(&request, true), Err(WriteError::TooLong));
    let kind = ChannelType::Other { name: vec![b'x'; 256 * 1024], data: Vec::new() };
    assert_eq!(pair.client.open_channel(&kind), Err(Misuse::TooLong));
    assert_eq!(pair.client.global_request(b"x", &vec![0; 256 * 1024]), Err(Misuse::TooLong));
    pair.run();
    assert_eq!((pair.client_closed(), pair.server_closed()), (None, None));
}
