//! Fixed bounds, to the byte: the last that is taken, and the first that is not.

mod common;

use std::sync::Arc;

use common::hostile::{Party, WithClient, WithServer};
use common::{Pair, Setup, key};
use hostile_peer::{Step, messages};
use ssh_core::key::KeyAlgorithm;
use ssh_core::wire::{DataStream, DecodeError, MessageNumber};
use ssh_core::{
    AuthMethod, Client, ClientConfig, ClientEvent, ClientRole, CloseReason, Error, KeyOffer, LimitKind, Limits, Misuse,
    PeerMisbehaved, Prompts, SecretBytes, ServerEvent, ServerRole, Timestamp,
};

/// A pair whose client has to say who it is.
fn undecided(seed: u64) -> Pair {
    let mut pair = Setup::new(seed).quick().build();
    pair.accept_host_key();
    pair.expect_auth_needed();
    pair
}

fn secret(length: usize) -> SecretBytes {
    SecretBytes::new(vec![b'x'; length])
}

/// A server's reply whose host key and signature are long.
#[test]
fn messages_of_a_key_exchange() {
    for (over, expected) in [(0, None), (1, Some(Error::LimitExceeded(LimitKind::KeyExchangeMessage)))] {
        let mut meeting = WithClient::quick(true);
        meeting.exchange(Step::KexInit);
        let fields = 3 * 4 + 32;
        let host_key = vec![0; Limits::KEX_MESSAGE_LENGTH - fields - 1000 + over];
        meeting.say(&messages::kex_ecdh_reply(&host_key, &[9; 32], &[0; 1000]));
        let Some(CloseReason::Failed(error)) = meeting.closed() else { panic!("no host key is so long") };
        match expected {
            Some(expected) => assert_eq!(error, expected),
            None => assert!(matches!(error, Error::PeerMisbehaved(PeerMisbehaved::HostKey(_))), "{error:?}"),
        }
    }
}

#[test]
fn names_and_passwords_that_we_send() {
    let mut pair = undecided(1);
    let user = |length| "u".repeat(length);
    let over = pair.client.authenticate(&user(Limits::USER_NAME_LENGTH + 1), AuthMethod::None);
    assert_eq!(over, Err(Misuse::TooLong));
    let over = pair.client.authenticate("user", AuthMethod::Password(secret(Limits::PASSWORD_LENGTH + 1)));
    assert_eq!(over, Err(Misuse::TooLong));
    let longest = AuthMethod::Password(secret(Limits::PASSWORD_LENGTH));
    pair.client.authenticate(&user(Limits::USER_NAME_LENGTH), longest).expect("exactly at the bound");
    let ServerEvent::Auth(request) = pair.server_event() else { panic!("a request") };
    assert_eq!(request.user.len(), Limits::USER_NAME_LENGTH);
}

/// Asks a client, by keyboard-interactive, so many questions.
fn asked(prompts: &[(&str, bool)]) -> (WithClient, Prompts) {
    let mut meeting = WithClient::quick(true).keyed();
    ClientRole::grant_service(&mut meeting);
    ClientRole::ask_questions(&mut meeting);
    meeting.say(&messages::userauth_info_request(prompts));
    let ClientEvent::Prompts(prompts) = meeting.event() else { panic!("questions") };
    (meeting, prompts)
}

#[test]
fn answers_that_we_send() {
    let (mut meeting, prompts) = asked(&[("a", true), ("b", false)]);
    let answers = [secret(1), secret(Limits::PASSWORD_LENGTH + 1)];
    assert_eq!(meeting.endpoint.answer_prompts(&prompts, &answers), Err(Misuse::TooLong));
    // Nothing was sent: the question is still open.
    let answers = [secret(0), secret(Limits::PASSWORD_LENGTH)];
    meeting.endpoint.answer_prompts(&prompts, &answers).expect("exactly at the bound");
}

/// A count that the bytes cannot hold is refused for the count, before anything is read.
#[test]
fn counts_that_the_bytes_cannot_hold() {
    let counted = |mut message: Vec<u8>, at: usize, count: u8| {
        message[at + 3] = count;
        message
    };
    let mut client = WithClient::quick(true).keyed();
    ClientRole::grant_service(&mut client);
    ClientRole::ask_questions(&mut client);
    // Behind the number and three empty strings.
    client.say(&counted(messages::userauth_info_request(&[("", true), ("", true)]), 13, 3));
    assert_eq!(client.closed(), Some(malformed(60)));

    let mut server = WithServer::quick(true).keyed();
    ServerRole::grant_service(&mut server);
    ServerRole::ask_questions(&mut server);
    server.say(&counted(messages::userauth_info_response(&[""]), 1, 2));
    assert_eq!(server.closed(), Some(malformed(61)));

    let mut client = WithClient::quick(true);
    client.exchange(Step::NewKeys);
    client.say(&counted(messages::ext_info(&[("", "")]), 1, 2));
    assert_eq!(client.closed(), Some(malformed(7)));
}

/// The bytes would hold more.
#[test]
fn extensions_are_counted() {
    for count in [Limits::EXTENSIONS, Limits::EXTENSIONS + 1] {
        let mut client = WithClient::quick(true);
        client.exchange(Step::NewKeys);
        client.say(&messages::ext_info(&vec![("x", "y"); count as usize]));
        let refused = (count > Limits::EXTENSIONS).then(|| malformed(7));
        assert_eq!(client.closed(), refused, "{count}");
    }
}

/// RFC 4253 §7.1: between its KEXINIT and its NEWKEYS a client asks for nothing, 50 included.
#[test]
fn a_request_to_log_in_waits_for_the_exchange() {
    let mut client = WithClient::quick(true).keyed();
    ClientRole::grant_service(&mut client);
    client.peer.say(Step::KexInit);
    client.settle();
    assert_eq!(client.peer.numbers(), [20, 30]);
    client.endpoint.authenticate("root", AuthMethod::Password("secret".into())).unwrap();
    client.settle();
    assert_eq!(client.peer.numbers(), []);
    client.exchange(Step::NewKeys);
    assert_eq!(client.peer.numbers(), [21, 50]);
}

fn malformed(number: u8) -> CloseReason {
    let number = MessageNumber(number);
    CloseReason::Failed(PeerMisbehaved::MalformedMessage { number, error: DecodeError::TooMany }.into())
}

/// An answer counts for the question that it was asked, not for the one that is open now.
#[test]
fn offers_of_another_connection() {
    let user = key(KeyAlgorithm::Ed25519, 5);
    let offered = |pair: &mut Pair| -> KeyOffer {
        pair.client.authenticate("user", AuthMethod::PublicKey(user.public_key().clone())).unwrap();
        match pair.server_event() {
            ServerEvent::KeyOffer(offer) => offer,
            other => panic!("{other:?}"),
        }
    };
    let (mut here, mut there) = (undecided(1), undecided(2));
    // There, one offer came before.
    let first = offered(&mut there);
    there.server.answer_key_offer(first, false).unwrap();
    there.expect_auth_needed();
    let (own, foreign) = (offered(&mut here), offered(&mut there));
    assert_eq!(here.server.answer_key_offer(foreign, true), Err(Misuse::StaleToken));
    here.server.answer_key_offer(own, true).expect("the right one is still good");
}

/// More lines may come before an identification (RFC 4253 §4.2), but not from these.
#[test]
fn greetings_of_other_protocols_end_at_once() {
    for (greeting, other) in [
        ("HTTP/1.1 400 Bad Request\r\n", true),
        ("220 mail.example.com ESMTP\r\n", true),
        ("+OK POP3\r\n", true),
        ("* OK IMAP4rev1\r\n", true),
        ("Welcome to 220 example.com\r\n", false),
    ] {
        let random = Box::new(common::random(1));
        let mut client = Client::new(Arc::new(ClientConfig::default()), random, Timestamp::ZERO).unwrap();
        client.handle_input(greeting.as_bytes());
        match client.poll_event() {
            Some(ClientEvent::Closed(CloseReason::Failed(Error::NotSsh { .. }))) => assert!(other, "{greeting}"),
            None => assert!(!other, "{greeting}"),
            event => panic!("{greeting}: {event:?}"),
        }
    }
}

/// What [`ssh_core::Endpoint::buffer_memory`] counts is at least what lies there, in both directions.
#[test]
fn buffers_are_counted() {
    let mut pair = Setup::new(1).quick().build();
    pair.log_in();
    let (id, server_id) = pair.open_exec("cat");
    let idle = pair.client.buffer_memory();
    let data = vec![7; 100_000];
    let written = pair.client.channel(id).unwrap().write(DataStream::STDOUT, &data).unwrap();
    let queued = pair.client.poll_output().len();
    assert!(queued > written && pair.client.buffer_memory() >= idle + queued, "output");

    let bytes = pair.client.poll_output().to_vec();
    let before = pair.server.buffer_memory();
    assert_eq!(pair.server.handle_input(&bytes[..20_000]), 20_000);
    assert!(pair.server.buffer_memory() >= before.max(20_000), "input");
    assert!(pair.server.channel(server_id).is_some());
}

/// A socket that never takes the last byte does not make what it took pile up.
#[test]
fn output_that_never_runs_dry_does_not_grow() {
    let mut pair = Setup::new(1).quick().build();
    pair.log_in();
    let (id, server_id) = pair.open_exec("cat");
    let mut sent = 0;
    while sent < 4 * 1024 * 1024 {
        sent += pair.client.channel(id).unwrap().write(DataStream::STDOUT, &[7; 30_000]).unwrap();
        let output = pair.client.poll_output();
        let bytes = output[..output.len() - 1].to_vec();
        pair.client.consume_output(bytes.len());
        assert_eq!(pair.server.handle_input(&bytes), bytes.len());
        while let Some(event) = pair.server.poll_event() {
            drop(event);
            let mut channel = pair.server.channel(server_id).unwrap();
            let readable = channel.readable(DataStream::STDOUT).len();
            channel.consume(DataStream::STDOUT, readable);
        }
        pair.deliver_to_client();
        pair.poll_client();
        assert!(pair.client.buffer_memory() < 512 * 1024, "{}", pair.client.buffer_memory());
    }
}

/// Buffers are given back in quiet times, but not with half a packet in them.
#[test]
fn half_a_packet_outlives_quiet_times() {
    let mut pair = Setup::new(1).quick().build();
    pair.log_in();
    let (id, server_id) = pair.open_exec("cat");
    pair.client.channel(id).unwrap().write(DataStream::STDOUT, &[7; 30_000]).unwrap();
    let bytes = pair.client.poll_output().to_vec();
    let (first, second) = bytes.split_at(20_000);
    assert_eq!(pair.server.handle_input(first), first.len());
    pair.poll_server();
    for _ in 0..10 {
        pair.pass(60_000_000);
        pair.poll_server();
    }
    assert_eq!(pair.server.handle_input(second), second.len());
    pair.poll_server();
    assert_eq!(pair.server.channel(server_id).unwrap().readable(DataStream::STDOUT), [7; 30_000]);
}

/// The volume under a key is what went out under it, however many packets wait.
#[test]
fn volumes_are_counted_by_packet() {
    let mut pair = Setup::new(1).quick().build();
    pair.log_in();
    let (id, _) = pair.open_exec("cat");
    pair.run();
    let before = pair.client.test_hooks().outgoing().bytes;
    for _ in 0..5 {
        pair.client.channel(id).unwrap().write(DataStream::STDOUT, b"some data").unwrap();
    }
    let queued = pair.client.poll_output().len() as u64;
    assert_eq!(pair.client.test_hooks().outgoing().bytes - before, queued);
}

/// RFC 4253 §6: padding is random. In clear, before keys, it can be seen.
#[test]
fn padding_is_random() {
    let kexinit_padding = |seed| {
        let random = Box::new(common::random(seed));
        let client = Client::new(Arc::new(ClientConfig::default()), random, Timestamp::ZERO).unwrap();
        let mut client = client;
        client.handle_input(b"SSH-2.0-x\r\n");
        assert!(client.poll_event().is_none());
        let output = client.poll_output();
        let line = output.iter().position(|&byte| byte == b'\n').expect("an identification") + 1;
        let length = u32::from_be_bytes(output[line..line + 4].try_into().unwrap()) as usize;
        let padding = usize::from(output[line + 4]);
        output[line + 4 + length - padding..line + 4 + length].to_vec()
    };
    let paddings: Vec<Vec<u8>> = (0..8).map(kexinit_padding).collect();
    assert!(paddings.iter().all(|padding| padding.len() >= 4 && padding.iter().any(|&byte| byte != 0)), "{paddings:?}");
    assert!(paddings.iter().skip(1).any(|padding| *padding != paddings[0]), "{paddings:?}");
}
