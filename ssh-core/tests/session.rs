//! Whole sessions between a client and a server of ours.

mod common;

use common::{Chunking, Pair, Setup, key};
use ssh_core::crypto::{Algorithms, cipher, kex, mac};
use ssh_core::key::KeyAlgorithm;
use ssh_core::wire::{ChannelOpenFailureReason, DataStream, DisconnectReason};
use ssh_core::{
    ChannelEvent, ChannelRequest, ChannelType, ClientEvent, CloseReason, Error, Identification, Limits, Misuse,
    ServerEvent, Untrusted, WriteError,
};

/// A command with output on both streams, a status, and an orderly end.
fn whole_session(mut pair: Pair) -> Pair {
    pair.log_in();
    let (client, server) = pair.open_exec("echo hello");
    {
        let mut channel = pair.server.channel(server).unwrap();
        assert_eq!(channel.write(DataStream::STDOUT, b"hello\n"), Ok(6));
        assert_eq!(channel.write(DataStream::STDERR, b"oops\n"), Ok(5));
        channel.request(&ChannelRequest::ExitStatus(7), false).unwrap();
        channel.send_eof().unwrap();
        channel.close();
    }
    let (mut stdout, mut stderr, mut status, mut eof) = (Vec::new(), Vec::new(), None, false);
    loop {
        match pair.client_event() {
            ClientEvent::Channel(id, event) => {
                assert_eq!(id, client);
                match event {
                    ChannelEvent::Data(stream) => {
                        let mut channel = pair.client.channel(id).unwrap();
                        let data = channel.readable(stream).to_vec();
                        channel.consume(stream, data.len());
                        if stream == DataStream::STDOUT { stdout.extend(data) } else { stderr.extend(data) }
                    }
                    ChannelEvent::Request(request) => match request.request {
                        ChannelRequest::ExitStatus(code) => status = Some(code),
                        other => panic!("{other:?}"),
                    },
                    ChannelEvent::Eof => eof = true,
                    ChannelEvent::Closed => break,
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((stdout.as_slice(), stderr.as_slice(), status, eof), (&b"hello\n"[..], &b"oops\n"[..], Some(7), true));
    assert!(pair.client.channel(client).is_none(), "closed and read: gone");
    pair.client.disconnect(DisconnectReason::BY_APPLICATION, "bye");
    pair.run();
    assert_eq!(pair.client_closed(), Some(CloseReason::Local));
    assert_eq!(pair.server_closed(), Some(CloseReason::Peer));
    assert!(pair.client.is_finished() && pair.server.is_finished());
    pair
}

#[test]
fn a_command_end_to_end() {
    whole_session(Setup::new(1).build());
}

/// Each side knows how the other names itself as soon as it has said so, and a channel knows its number.
#[test]
fn who_speaks_and_on_which_channel() {
    let name = Identification::new("Peer_1.0 a comment").unwrap();
    let mut pair = Setup::new(18).configure(|client, _| client.identification = name).build();
    assert_eq!((pair.client.peer_identification(), pair.server.peer_identification()), (None, None));
    pair.log_in();
    let shown = |words: Option<Untrusted>| words.unwrap().to_string();
    assert_eq!(shown(pair.server.peer_identification()), "SSH-2.0-Peer_1.0 a comment");
    assert_eq!(shown(pair.client.peer_identification()), Identification::default().to_string());
    let (client, server) = pair.open_exec("true");
    assert_eq!(pair.client.channel(client).unwrap().id(), client);
    assert_eq!(pair.server.channel(server).unwrap().id(), server);
}

/// What one connection asked for another cannot grant or refuse, though it has a channel of that number.
#[test]
fn channels_of_another_connection() {
    let mut asking = Pair::logged_in(Setup::new(19));
    let mut other = Pair::logged_in(Setup::new(20));
    let open = other.open_exec("cat");
    let mut asked = || {
        asking.client.open_channel(&ChannelType::Session).unwrap();
        let ServerEvent::ChannelOpen(request) = asking.server_event() else { panic!("a request") };
        request
    };
    let reason = ChannelOpenFailureReason::CONNECT_FAILED;
    // Its number is that of the open channel, then of none.
    for _ in 0..2 {
        assert_eq!(other.server.accept_channel(asked()), Err(Misuse::StaleToken));
    }
    let mut asking = Pair::logged_in(Setup::new(21));
    asking.client.open_channel(&ChannelType::Session).unwrap();
    let ServerEvent::ChannelOpen(request) = asking.server_event() else { panic!("a request") };
    assert_eq!(other.server.reject_channel(request, reason, "no"), Err(Misuse::StaleToken));
    assert!(other.client.channel(open.0).unwrap().is_open() && other.server.channel(open.1).unwrap().is_open());
}

#[test]
fn every_algorithm() {
    let all = Algorithms::default();
    for &kex in &all.kex {
        whole_session(Setup::new(2).algorithms(|lists| lists.kex = vec![kex]).build());
    }
    for &cipher in &all.ciphers {
        for &mac in &all.macs {
            let change = |lists: &mut Algorithms| {
                lists.kex = vec![kex::CURVE25519_SHA256];
                lists.ciphers = vec![cipher];
                lists.macs = vec![mac];
            };
            let pair = whole_session(Setup::new(3).algorithms(change).build());
            let negotiated = pair.client.negotiated().unwrap();
            assert_eq!(negotiated.cipher_client_to_server.name(), cipher.name());
            assert_eq!(negotiated.mac_server_to_client.is_none(), cipher.authenticates());
            assert!(negotiated.strict_kex);
        }
    }
}

#[test]
fn every_host_key() {
    for (algorithm, names) in [
        (KeyAlgorithm::Ed25519, &["ssh-ed25519"][..]),
        (KeyAlgorithm::EcdsaNistp256, &["ecdsa-sha2-nistp256"]),
        (KeyAlgorithm::EcdsaNistp384, &["ecdsa-sha2-nistp384"]),
        (KeyAlgorithm::EcdsaNistp521, &["ecdsa-sha2-nistp521"]),
        #[cfg(feature = "rsa")]
        (KeyAlgorithm::Rsa { bits: 2048 }, &["rsa-sha2-512", "rsa-sha2-256"]),
    ] {
        for name in names {
            let mut setup = Setup::new(4).algorithms(|lists| lists.host_key.retain(|each| each.name() == *name));
            setup.host_keys = vec![key(algorithm, 5)];
            setup.server.host_keys = vec![setup.host_keys[0].public_key().clone()];
            let pair = whole_session(setup.build());
            assert_eq!(pair.server.negotiated().unwrap().host_key.name(), *name);
        }
    }
}

/// However the bytes are cut, the same bytes leave and the same things happen.
#[test]
fn chunking_is_invisible() {
    let change = |lists: &mut Algorithms| {
        lists.ciphers = vec![cipher::AES128_CTR];
        lists.macs = vec![mac::HMAC_SHA2_256];
    };
    let whole = whole_session(Setup::new(9).algorithms(change).build());
    for chunking in [Chunking::Fixed(1), Chunking::Fixed(7), Chunking::Random(40), Chunking::Random(3000)] {
        let cut = whole_session(Setup::new(9).algorithms(change).chunking(chunking).build());
        assert_eq!(cut.to_client, whole.to_client, "{chunking:?}");
        assert_eq!(cut.to_server, whole.to_server, "{chunking:?}");
    }
}

/// Same inputs, same seed: the same bytes.
#[test]
fn sessions_are_reproducible() {
    let (first, second) = (whole_session(Setup::new(11).build()), whole_session(Setup::new(11).build()));
    assert_eq!((first.to_client, first.to_server), (second.to_client, second.to_server));
    let other = whole_session(Setup::new(12).build());
    assert_ne!(other.to_server, whole_session(Setup::new(11).build()).to_server);
}

#[test]
fn a_closed_connection_says_nothing_more() {
    let mut pair = whole_session(Setup::new(13).build());
    assert_eq!(pair.client.handle_input(&[0xff; 100]), 100);
    pair.client.handle_eof();
    assert!(pair.client.poll_event().is_none());
    assert!(pair.client.poll_output().is_empty());
    assert!(pair.client.is_finished());
    assert!(pair.client.poll_timeout().is_some_and(|due| due <= pair.now), "no loop may sleep on it");
    assert!(!pair.client.wants_input());
    assert!(matches!(pair.server_events.back(), Some(ServerEvent::Closed(_))));
}

/// A loop that polls events, writes, and sleeps until something is due must come to the end by itself.
#[test]
fn an_end_that_nobody_has_polled_is_due_at_once() {
    let mut pair = Pair::logged_in(Setup::new(14));
    pair.client.disconnect(DisconnectReason::BY_APPLICATION, "over");
    assert!(pair.client.poll_timeout().is_some_and(|due| due <= pair.now));
    assert!(matches!(pair.client.poll_event(), Some(ClientEvent::Closed(CloseReason::Local))));
    assert!(!pair.client.is_finished(), "the DISCONNECT is not sent");
}

/// A peer that reads no more cannot keep a connection that is over from being over.
#[test]
fn the_last_output_lingers_only_so_long() {
    let mut pair = Pair::logged_in(Setup::new(15));
    let linger = Limits::default().linger;
    pair.client.disconnect(DisconnectReason::BY_APPLICATION, "over");
    assert!(pair.client.poll_event().is_some());
    pair.pass(0);
    let due = pair.client.poll_timeout().expect("a timer runs");
    assert_eq!(due, pair.now.saturating_add(linger));
    // Progress gives it more time.
    pair.pass(u64::try_from(linger.as_micros()).unwrap() - 1);
    assert!(!pair.client.poll_output().is_empty());
    pair.client.consume_output(1);
    pair.pass(0);
    let due = pair.client.poll_timeout().expect("a timer runs");
    assert_eq!(due, pair.now.saturating_add(linger));
    pair.client.handle_timeout(due);
    assert!(pair.client.is_finished() && pair.client.poll_output().is_empty());
}

/// Nothing can be written: output is dropped and does not pile up, and what the peer said last is still heard.
#[test]
fn reading_goes_on_after_writing_broke() {
    let mut pair = Pair::logged_in(Setup::new(16));
    let (channel, _) = pair.open_exec("cat");
    pair.client.handle_write_closed();
    for _ in 0..50 {
        let written = pair.client.channel(channel).unwrap().write(DataStream::STDOUT, &[0; 60_000]);
        assert!(written.is_ok());
        assert!(pair.client.poll_output().is_empty());
    }
    assert!(pair.client.buffer_memory() < 600_000, "{}", pair.client.buffer_memory());
    pair.server.disconnect(DisconnectReason::TOO_MANY_CONNECTIONS, "no room");
    pair.run();
    assert!(matches!(
        pair.client_closed(),
        Some(CloseReason::Failed(Error::Disconnected { reason: DisconnectReason::TOO_MANY_CONNECTIONS, .. }))
    ));
    assert!(pair.client.is_finished());
}

/// A request that has to wait for a key exchange is told when it need not any more, after EOF too.
#[test]
fn a_request_that_was_too_much_is_told_when_to_try_again() {
    let mut pair = Pair::logged_in(Setup::new(17).configure(|client, _| client.limits.max_deferred_bytes = 4096));
    let (id, _) = pair.open_exec("cat");
    pair.client.channel(id).unwrap().send_eof().unwrap();
    pair.run();
    pair.client_events.clear();
    pair.client.rekey().unwrap();
    let request = ChannelRequest::Env { name: vec![b'A'; 1000], value: vec![b'b'; 1000] };
    while pair.client.channel(id).unwrap().request(&request, false) != Err(WriteError::Busy) {}
    assert_eq!(pair.client.open_channel(&ChannelType::Session), Err(Misuse::Busy), "it would have to wait, too");
    assert_eq!(pair.client.global_request(b"hello@example.com", b""), Err(Misuse::Busy));
    pair.run();
    let told = |event: &ClientEvent| matches!(event, ClientEvent::Channel(told, ChannelEvent::Writable) if *told == id);
    assert_eq!(pair.client_events.iter().filter(|event| told(event)).count(), 1);
    assert!(pair.client.channel(id).unwrap().request(&request, false).is_ok());
}
