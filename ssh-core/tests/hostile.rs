//! The hostile peer in the clear, before there are keys.

mod common;

use std::sync::Arc;

use common::{Setup, random};
use hostile_peer::messages::{BASEPOINT, disconnect, kex_ecdh_init, kex_ecdh_reply, minimal};
use hostile_peer::{Cipher, KexInit, Method, Peer, clear_packet, string};
use ssh_core::crypto::kex::KexError;
use ssh_core::wire::{DisconnectReason, MessageNumber};
use ssh_core::{
    Client, ClientConfig, ClientEvent, CloseReason, Endpoint, Error, PeerMisbehaved, Role, Server, ServerConfig,
    ServerEvent, Stage, Timestamp,
};

/// RFC 4253 §7.1: these methods and host key algorithms, and one cipher.
fn kexinit(kex: &str, host_key: &str, guess: bool) -> Vec<u8> {
    let offer = KexInit {
        kex: kex.into(),
        host_key: host_key.into(),
        guess,
        strict: false,
        ext_info: false,
        ..KexInit::new(Method::Curve25519, Cipher::Aes128Gcm)
    };
    offer.payload(hostile_peer::Role::Client, true)
}

/// A message with a plausible body for each number, so that nothing but the state can be wrong with it.
fn plausible(number: u8) -> Vec<u8> {
    if number == 20 { kexinit(SERVER_STRICT, "ssh-ed25519", false) } else { minimal(number, 0) }
}

const CLIENT_STRICT: &str = "curve25519-sha256,kex-strict-c-v00@openssh.com";
const SERVER_STRICT: &str = "curve25519-sha256,kex-strict-s-v00@openssh.com";
const LOOSE: &str = "curve25519-sha256";

fn server_with(change: impl FnOnce(&mut ServerConfig)) -> Server {
    let mut config = Setup::new(1).server;
    change(&mut config);
    let mut server = Server::new(Arc::new(config), Box::new(random(1)), Timestamp::ZERO).unwrap();
    server.handle_input(b"SSH-2.0-raw\r\n");
    server
}

fn server() -> Server {
    server_with(|_| ())
}

fn client() -> Client {
    let mut client = Client::new(Arc::new(ClientConfig::default()), Box::new(random(2)), Timestamp::ZERO).unwrap();
    client.handle_input(b"SSH-2.0-raw\r\n");
    client
}

/// Says one message.
fn say<R: Role>(endpoint: &mut Endpoint<R>, payload: &[u8]) {
    let packet = clear_packet(payload);
    assert_eq!(endpoint.handle_input(&packet), packet.len());
}

/// How it ended; every other event is a failure of the test.
fn end_of_server(server: &mut Server) -> Option<CloseReason> {
    server.poll_event().map(|event| match event {
        ServerEvent::Closed(reason) => reason,
        other => panic!("{other:?}"),
    })
}

fn end_of_client(client: &mut Client) -> Option<CloseReason> {
    client.poll_event().map(|event| match event {
        ClientEvent::Closed(reason) => reason,
        other => panic!("{other:?}"),
    })
}

fn misbehaved(what: PeerMisbehaved) -> Option<CloseReason> {
    Some(CloseReason::Failed(what.into()))
}

fn unexpected(number: u8) -> Option<CloseReason> {
    let number = MessageNumber(number);
    misbehaved(PeerMisbehaved::UnexpectedMessage { number, during: Stage::KeyExchange })
}

/// Payloads of an endpoint's packets in the clear.
fn payloads(output: &[u8]) -> Vec<Vec<u8>> {
    let mut peer = Peer::new(hostile_peer::Role::Client, Method::Curve25519, Cipher::Aes128Gcm);
    peer.feed(output);
    peer.payloads()
}

/// The codec itself: an honest peer gets as far as the signature.
#[test]
fn an_honest_peer_is_welcome() {
    let mut server = server();
    say(&mut server, &kexinit(CLIENT_STRICT, "ssh-ed25519", false));
    say(&mut server, &kex_ecdh_init(&BASEPOINT));
    assert!(matches!(server.poll_event(), Some(ServerEvent::Sign(_))));
    assert!(server.negotiated().unwrap().strict_kex);
    assert_eq!(payloads(server.poll_output())[0][0], 20);
}

/// CVE-2023-48795: what comes before KEXINIT shifts sequence numbers; with a strict peer it ends the connection.
#[test]
fn nothing_may_precede_a_strict_kexinit() {
    for number in [2, 3, 4] {
        for (strict, kex_client, kex_server) in [(true, CLIENT_STRICT, SERVER_STRICT), (false, LOOSE, LOOSE)] {
            let expected = if strict { misbehaved(PeerMisbehaved::StrictKex) } else { None };
            let mut server = server();
            say(&mut server, &plausible(number));
            say(&mut server, &kexinit(kex_client, "ssh-ed25519", false));
            assert_eq!(end_of_server(&mut server), expected, "{number}");
            let mut client = client();
            say(&mut client, &plausible(number));
            say(&mut client, &kexinit(kex_server, "ssh-ed25519", false));
            assert_eq!(end_of_client(&mut client), expected, "{number}");
        }
    }
}

/// Strict: after KEXINIT every number but the one that is due, and DISCONNECT, is the end; nothing is answered.
#[test]
fn a_strict_exchange_has_one_path() {
    for number in (0..=255).filter(|number| ![1, 30].contains(number)) {
        let mut server = server();
        say(&mut server, &kexinit(CLIENT_STRICT, "ssh-ed25519", false));
        say(&mut server, &plausible(number));
        assert_eq!(end_of_server(&mut server), unexpected(number), "{number}");
        let said: Vec<u8> = payloads(server.poll_output()).iter().map(|payload| payload[0]).collect();
        assert_eq!(said, [20, 1], "{number}");
    }
    for number in (0..=255).filter(|number| ![1, 31].contains(number)) {
        let mut client = client();
        say(&mut client, &kexinit(SERVER_STRICT, "ssh-ed25519", false));
        say(&mut client, &plausible(number));
        assert_eq!(end_of_client(&mut client), unexpected(number), "{number}");
        let said: Vec<u8> = payloads(client.poll_output()).iter().map(|payload| payload[0]).collect();
        assert_eq!(said, [20, 30, 1], "{number}");
    }
}

/// Not strict: what carries nothing is dropped without a word, everything else is the end all the same.
#[test]
fn a_loose_exchange_tolerates_noise_only() {
    for number in (0..=255).filter(|number| ![1, 30].contains(number)) {
        let mut server = server();
        say(&mut server, &kexinit(LOOSE, "ssh-ed25519", false));
        say(&mut server, &plausible(number));
        let expected = if (2..=4).contains(&number) { None } else { unexpected(number) };
        assert_eq!(end_of_server(&mut server), expected, "{number}");
    }
    let mut server = server();
    say(&mut server, &kexinit(LOOSE, "ssh-ed25519", false));
    let quiet = server.poll_output().len();
    for _ in 0..5000 {
        say(&mut server, &plausible(2));
        assert_eq!(end_of_server(&mut server), None);
    }
    assert_eq!(server.poll_output().len(), quiet);
    assert!(server.buffer_memory() < 32 * 1024, "{}", server.buffer_memory());
}

#[test]
fn strictness_can_be_demanded() {
    let mut server = server_with(|config| config.require_strict_kex = true);
    say(&mut server, &kexinit(LOOSE, "ssh-ed25519", false));
    assert_eq!(end_of_server(&mut server), Some(CloseReason::Failed(Error::StrictKexRequired)));
}

/// CVE-2025-32433, CVE-2023-46446 and their like: before there are keys, upper layers do not exist, whatever is sent
/// and however it is pipelined.
#[test]
fn upper_layers_are_never_accepted_in_the_clear() {
    let upper = (5..=7).chain(50..=61).chain(80..=100);
    for number in upper {
        let mut server = server();
        say(&mut server, &plausible(number));
        say(&mut server, &kexinit(LOOSE, "ssh-ed25519", false));
        assert_eq!(end_of_server(&mut server), unexpected(number));
        let mut client = client();
        say(&mut client, &plausible(number));
        assert_eq!(end_of_client(&mut client), unexpected(number));
        // Behind a whole exchange, where NEWKEYS should be.
        let mut server = self::server();
        say(&mut server, &kexinit(LOOSE, "ssh-ed25519", false));
        say(&mut server, &kex_ecdh_init(&BASEPOINT));
        say(&mut server, &plausible(number));
        let Some(ServerEvent::Sign(request)) = server.poll_event() else { panic!("a signature") };
        assert!(server.poll_event().is_none(), "it waits");
        server.answer_signature(request, Some(b"signature")).unwrap();
        assert_eq!(end_of_server(&mut server), unexpected(number));
        assert!(!server.is_authenticated());
    }
}

/// RFC 4253 §7: a wrong guess is dropped, once; a right one counts. CVE-2025-8277.
#[test]
fn wrong_guesses_are_dropped_exactly_once() {
    for strict in ["", ",kex-strict-c-v00@openssh.com"] {
        for (kex, host_key) in
            [("x,curve25519-sha256", "ssh-ed25519"), ("curve25519-sha256,ecdh-sha2-nistp256", "ssh-rsa,ssh-ed25519")]
        {
            for guess in [&kex_ecdh_init(b"of another method")[..], &[34, 0, 0, 4, 0], &[49]] {
                let mut server = server();
                say(&mut server, &kexinit(&format!("{kex}{strict}"), host_key, true));
                say(&mut server, guess);
                assert_eq!(end_of_server(&mut server), None);
                say(&mut server, &kex_ecdh_init(&BASEPOINT));
                assert!(matches!(server.poll_event(), Some(ServerEvent::Sign(_))), "{kex} {guess:?}");
                // A second wrong one is a violation.
                let mut server = self::server();
                say(&mut server, &kexinit(&format!("{kex}{strict}"), host_key, true));
                say(&mut server, guess);
                say(&mut server, &[49]);
                assert_eq!(end_of_server(&mut server), unexpected(49));
            }
        }
    }
    // Only a message of the method can be a guess.
    let mut server = server();
    say(&mut server, &kexinit("x,curve25519-sha256", "ssh-ed25519", true));
    say(&mut server, &plausible(21));
    assert_eq!(end_of_server(&mut server), unexpected(21));
}

#[test]
fn right_guesses_count() {
    let mut server = server_with(|config| {
        config.algorithms.kex.retain(|kex| kex.name() == "curve25519-sha256");
    });
    say(&mut server, &kexinit(LOOSE, "ssh-ed25519", true));
    say(&mut server, &kex_ecdh_init(&BASEPOINT));
    assert!(matches!(server.poll_event(), Some(ServerEvent::Sign(_))));
}

/// RFC 8731 §3 and GHSA-5xvq: points of low order, wrong lengths, and what is no string at all.
#[test]
fn public_values_are_judged() {
    let mut eight = [0; 32];
    eight.copy_from_slice(&[
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
        0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ]);
    let mut one = [0; 32];
    one[0] = 1;
    let key_exchange = |error| misbehaved(PeerMisbehaved::KeyExchange(error));
    let weak = KexError::WeakSharedSecret;
    let malformed = KexError::MalformedPublicValue;
    let cases: Vec<(Vec<u8>, KexError)> = vec![
        (vec![0; 32], weak),
        (one.to_vec(), weak),
        (eight.to_vec(), weak),
        (vec![], malformed),
        (vec![9; 31], malformed),
        (vec![9; 33], malformed),
        (vec![9; 20_000], malformed),
    ];
    for (value, error) in cases {
        let mut server = server();
        say(&mut server, &kexinit(CLIENT_STRICT, "ssh-ed25519", false));
        say(&mut server, &kex_ecdh_init(&value));
        assert_eq!(end_of_server(&mut server), key_exchange(error), "{} bytes", value.len());
        let mut client = client();
        say(&mut client, &kexinit(SERVER_STRICT, "ssh-ed25519", false));
        let host_key = common::key(ssh_core::key::KeyAlgorithm::Ed25519, 1).public_key().blob().to_vec();
        say(&mut client, &kex_ecdh_reply(&host_key, &value, b"signature"));
        assert_eq!(end_of_client(&mut client), key_exchange(error), "{} bytes", value.len());
        let last = payloads(client.poll_output()).pop().unwrap();
        assert_eq!(last[..5], [1, 0, 0, 0, DisconnectReason::KEY_EXCHANGE_FAILED.0 as u8]);
    }
    for body in [&[0, 0, 0, 33][..], &[0xff; 8], &[], &[&string(BASEPOINT)[..], &[0]].concat()] {
        let mut server = server();
        say(&mut server, &kexinit(CLIENT_STRICT, "ssh-ed25519", false));
        say(&mut server, &[&[30][..], body].concat());
        let end = end_of_server(&mut server);
        assert!(
            matches!(
                end,
                Some(CloseReason::Failed(Error::PeerMisbehaved(PeerMisbehaved::KeyExchange(KexError::Decode(_)))))
            ),
            "{end:?}"
        );
    }
}

/// A signature of nobody, a host key of another type, a host key that is none.
#[test]
fn hosts_prove_their_keys() {
    let other = common::key(ssh_core::key::KeyAlgorithm::EcdsaNistp256, 1).public_key().blob().to_vec();
    let right = common::key(ssh_core::key::KeyAlgorithm::Ed25519, 1).public_key().blob().to_vec();
    let zero = [string(b"ssh-ed25519"), string([0; 64])].concat();
    for host_key in [right, other, vec![], vec![0xff; 40], string(b"ssh-ed25519")] {
        for signature in [zero.clone(), vec![], [string(b"ssh-rsa"), string([0; 64])].concat()] {
            let mut client = client();
            say(&mut client, &kexinit(SERVER_STRICT, "ssh-ed25519", false));
            say(&mut client, &kex_ecdh_reply(&host_key, &BASEPOINT, &signature));
            let end = end_of_client(&mut client);
            let hosts = matches!(end, Some(CloseReason::Failed(Error::PeerMisbehaved(PeerMisbehaved::HostKey(_)))));
            assert!(hosts, "{end:?}");
        }
    }
}

/// CVE-2016-8858: a second KEXINIT is the end, and the first is not kept twice.
#[test]
fn kexinits_do_not_pile_up() {
    let large = kexinit(&format!("{LOOSE},{}", "x".repeat(50_000)), "ssh-ed25519", false);
    let mut server = server();
    let flood = clear_packet(&large).repeat(20);
    let mut rest = &flood[..];
    let end = loop {
        rest = &rest[server.handle_input(rest)..];
        assert!(server.buffer_memory() <= 3 * 64 * 1024, "{}", server.buffer_memory());
        if let Some(end) = end_of_server(&mut server) {
            break end;
        }
    };
    assert_eq!(Some(end), unexpected(20));
    assert!(rest.len() > flood.len() / 2, "not even read");
}

#[test]
fn malformed_kexinits() {
    let good = kexinit(CLIENT_STRICT, "ssh-ed25519", false);
    for length in (1..good.len()).step_by(7) {
        let mut server = server();
        say(&mut server, &good[..length]);
        let end = end_of_server(&mut server);
        let malformed = matches!(
            &end,
            Some(CloseReason::Failed(Error::PeerMisbehaved(PeerMisbehaved::MalformedMessage { number, .. })))
                if *number == MessageNumber::KEXINIT
        );
        assert!(malformed, "{length}: {end:?}");
    }
    for kex in [",", "a,,b", "curve25519-sha256,\u{1b}[2J", "kex-strict-c-v00@openssh.com,ext-info-c", ""] {
        let mut server = server();
        say(&mut server, &kexinit(kex, "ssh-ed25519", false));
        let end = end_of_server(&mut server);
        assert!(end.as_ref().is_some_and(|reason| reason.error().is_some()), "{kex}");
        assert!(!end.unwrap().to_string().chars().any(char::is_control));
    }
}

/// RFC 4253 §11.1: a peer's last words are typed, escaped and final.
#[test]
fn a_disconnect_is_final() {
    let mut client = client();
    say(&mut client, &disconnect(12, "too \x1b[31mmany"));
    say(&mut client, &kexinit(SERVER_STRICT, "ssh-ed25519", false));
    let said = client.poll_output().len();
    let end = end_of_client(&mut client);
    let Some(CloseReason::Failed(error @ Error::Disconnected { reason, during, .. })) = &end else { panic!("{end:?}") };
    assert_eq!((*reason, *during), (DisconnectReason::TOO_MANY_CONNECTIONS, Stage::KeyExchange));
    assert!(!error.to_string().chars().any(char::is_control));
    assert_eq!(client.poll_output().len(), said, "no answer");
}
