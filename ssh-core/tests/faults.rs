//! What strangers do: other protocols, impossible lengths, silence. Every end is a typed error.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Pair, Setup, random};
use ssh_core::crypto::{AlgorithmKind, Algorithms, cipher, mac};
use ssh_core::wire::DataStream;
use ssh_core::{
    Client, ClientConfig, ClientEvent, CloseReason, Deadline, Error, KeepAlive, Limits, PeerMisbehaved, ServerEvent,
    Stage, Timestamp,
};

fn client() -> Client {
    Client::new(Arc::new(ClientConfig::default()), Box::new(random(1)), Timestamp::ZERO).unwrap()
}

/// What a client makes of a server that begins like this and then closes.
fn greeted(greeting: &[u8], eof: bool) -> (Option<Error>, Vec<u8>) {
    let mut client = client();
    let said = client.poll_output().len();
    client.consume_output(said);
    for chunk in greeting.chunks(1000) {
        client.handle_input(chunk);
        if let Some(event) = client.poll_event() {
            let ClientEvent::Closed(CloseReason::Failed(error)) = event else { panic!("{event:?}") };
            return (Some(error), client.poll_output().to_vec());
        }
    }
    if eof {
        client.handle_eof();
    }
    match client.poll_event() {
        Some(ClientEvent::Closed(CloseReason::Failed(error))) => (Some(error), client.poll_output().to_vec()),
        None => (None, client.poll_output().to_vec()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_protocols_are_named() {
    for greeting in [
        &b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"[..],
        b"220 mail.example.com ESMTP\r\n",
        b"+OK POP3\r\n",
        &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc],
        &[0xff; 300],
        b"",
    ] {
        let (error, said) = greeted(greeting, true);
        let Some(Error::NotSsh { received }) = &error else { panic!("{greeting:?}: {error:?}") };
        assert!(received.as_bytes().len() <= 80 && greeting.starts_with(received.as_bytes()));
        assert!(!error.unwrap().to_string().chars().any(char::is_control));
        assert!(said.is_empty(), "not a word more to a stranger");
    }
}

#[test]
fn other_versions_are_named() {
    for version in ["SSH-1.5-old\r\n", "SSH-2.1-new\r\n", "SSH-2.0\r\n", "SSH-3.0-x\n"] {
        let (error, _) = greeted(version.as_bytes(), false);
        assert!(matches!(&error, Some(Error::UnsupportedVersion { .. })), "{version}: {error:?}");
        assert!(error.unwrap().to_string().contains(version.trim_end()));
    }
    assert_eq!(greeted(b"SSH-1.99-both\r\n", false).0, None);
}

#[test]
fn lines_before_the_identification_are_bounded() {
    let lines = |n: usize| [b"hello\r\n".repeat(n), b"SSH-2.0-x\r\n".to_vec()].concat();
    assert_eq!(greeted(&lines(1024), false).0, None);
    assert_eq!(greeted(&lines(1025), false).0, Some(PeerMisbehaved::Identification.into()));
    assert!(matches!(greeted(&[b'x'; 100_000], false).0, Some(Error::NotSsh { .. })));
    let long = [b"SSH-2.0-".to_vec(), vec![b'x'; 300], b"\r\n".to_vec()].concat();
    assert_eq!(greeted(&long, false).0, Some(PeerMisbehaved::Identification.into()));
}

/// CVE-2019-3855, CVE-2024-43410: a length is judged before anything is kept or awaited for it.
#[test]
fn lengths_are_judged_at_once() {
    for length in [0, 1, 2, 3, 4, 13, 65_537, 0x7fff_ffff, 0x8000_0000, u32::MAX - 4, u32::MAX] {
        let mut client = client();
        let said = client.poll_output().len();
        client.consume_output(said);
        client.handle_input(b"SSH-2.0-x\r\n");
        client.handle_input(&length.to_be_bytes());
        client.handle_input(&[4, 20, 0, 0]);
        let event = client.poll_event();
        let expected = Error::PeerMisbehaved(PeerMisbehaved::PacketLength(length));
        assert!(
            matches!(&event, Some(ClientEvent::Closed(CloseReason::Failed(error))) if *error == expected),
            "{length}: {event:?}"
        );
        assert!(client.buffer_memory() < 16 * 1024);
    }
}

#[test]
fn padding_is_judged() {
    for padding in [0_u8, 1, 2, 3, 11, 12, 255] {
        let mut client = client();
        client.handle_input(b"SSH-2.0-x\r\n");
        let packet = [&[0, 0, 0, 12, padding, 2, 0, 0, 0, 0][..], &[0; 6]].concat();
        client.handle_input(&packet);
        let event = client.poll_event();
        let expected = Error::PeerMisbehaved(PeerMisbehaved::Padding);
        assert!(
            matches!(&event, Some(ClientEvent::Closed(CloseReason::Failed(error))) if *error == expected),
            "{padding}: {event:?}"
        );
    }
}

#[test]
fn garbage_after_the_identification() {
    for seed in 0..200 {
        let mut garbage = [0; 500];
        random(seed).fill_bytes(&mut garbage);
        garbage[0] = 0xff;
        let (error, _) = greeted(&[&b"SSH-2.0-x\r\n"[..], &garbage].concat(), true);
        assert!(matches!(error, Some(Error::PeerMisbehaved(PeerMisbehaved::PacketLength(_)))), "{error:?}");
    }
}

#[test]
fn silence_has_an_end() {
    let mut client = client();
    assert_eq!(client.poll_timeout(), Some(Timestamp::from_micros(120_000_000)));
    // One byte every second does not help.
    for (second, byte) in b"SSH-2.0-slow".iter().cycle().take(119).enumerate() {
        client.handle_timeout(Timestamp::from_micros(second as u64 * 1_000_000));
        client.handle_input(&[*byte]);
        assert!(client.poll_event().is_none());
    }
    client.handle_timeout(Timestamp::from_micros(120_000_000));
    let event = client.poll_event();
    let expected = Error::Timeout(Deadline::Login(Stage::Identification));
    assert!(matches!(&event, Some(ClientEvent::Closed(CloseReason::Failed(error))) if *error == expected), "{event:?}");
    // What a silent peer does not read is given up, too.
    client.handle_timeout(Timestamp::from_micros(120_000_000));
    let due = client.poll_timeout().expect("a timer runs");
    assert_eq!(due, Timestamp::from_micros(120_000_000).saturating_add(Limits::default().linger));
    assert!(!client.is_finished());
    client.handle_timeout(due);
    assert!(client.is_finished());
}

#[test]
fn without_common_algorithms_both_lists_are_named() {
    let all = Algorithms::default();
    type Change = fn(&mut Algorithms, &Algorithms);
    let cases: [(AlgorithmKind, Change, Change); 3] = [
        (AlgorithmKind::KeyExchange, |a, _| a.kex.truncate(1), |a, all| a.kex = all.kex[1..].to_vec()),
        (
            AlgorithmKind::CipherClientToServer,
            |a, _| a.ciphers = vec![cipher::AES128_GCM],
            |a, _| a.ciphers = vec![cipher::AES256_GCM],
        ),
        (
            AlgorithmKind::MacClientToServer,
            |a, _| (a.ciphers, a.macs) = (vec![cipher::AES128_CTR], vec![mac::HMAC_SHA2_256]),
            |a, _| (a.ciphers, a.macs) = (vec![cipher::AES128_CTR], vec![mac::HMAC_SHA2_512]),
        ),
    ];
    for (expected, client, server) in cases {
        let mut pair = Setup::new(2)
            .configure(|client_config, server_config| {
                client(&mut client_config.algorithms, &all);
                server(&mut server_config.algorithms, &all);
            })
            .build();
        pair.run();
        let closed = pair.client_closed();
        let Some(CloseReason::Failed(error)) = &closed else { panic!("{closed:?}") };
        let Error::NoCommonAlgorithm { kind, ours, theirs } = error else { panic!("{error:?}") };
        assert_eq!(*kind, expected);
        let message = error.to_string();
        assert!(!ours.is_empty() && message.contains(ours.as_str()) && message.contains(theirs.as_str()), "{message}");
        let server = pair.server_closed();
        assert!(
            matches!(&server, Some(CloseReason::Failed(Error::NoCommonAlgorithm { kind, .. })) if *kind == expected)
        );
    }
}

#[test]
fn keepalives_tell_the_living_from_the_dead() {
    let keepalive = Some(KeepAlive { interval: Duration::from_secs(10), max_unanswered: 3 });
    let setup = || Setup::new(3).quick().configure(|client, _| client.keepalive = keepalive);
    let mut pair = Pair::logged_in(setup());
    pair.open_exec("sleep");
    for _ in 0..50 {
        pair.pass(10_000_000);
        pair.run();
    }
    assert!(pair.client_closed().is_none(), "the peer answers");
    pair.stall_to_client = true;
    for second in [10, 20, 30] {
        let due = pair.client.poll_timeout().unwrap().as_micros() - pair.now.as_micros();
        assert!(due <= 10_000_000, "{second}");
        pair.pass(10_000_000);
        pair.run();
        assert!(pair.client_closed().is_none(), "{second}");
    }
    pair.pass(10_000_000);
    pair.run();
    assert_eq!(pair.client_closed(), Some(CloseReason::Failed(Error::Timeout(Deadline::KeepAlive))));
    assert!(pair.server_events.iter().all(|event| !matches!(event, ServerEvent::Global(_))), "nobody is bothered");
    // Traffic is as good as an answer.
    let mut pair = Pair::logged_in(setup());
    let (client, server) = pair.open_exec("yes");
    let before = pair.to_server.len();
    for _ in 0..20 {
        pair.pass(9_000_000);
        pair.server.channel(server).unwrap().write(DataStream::STDOUT, b"y").unwrap();
        pair.run();
        pair.client.channel(client).unwrap().consume(DataStream::STDOUT, 1);
    }
    assert_eq!(pair.to_server.len(), before, "no question was needed");
}
