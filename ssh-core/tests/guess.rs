//! `first_kex_packet_follows` (RFC 4253 §7): our guesses and the peer's, right and wrong, in first and later exchanges.
//!
//! A guess is right if both sides' first method and first host key algorithm are the same, so ours is right exactly if the
//! peer's is. A server has nothing to guess with: the client speaks first in every method.

mod common;

use common::hostile::{Party, WithClient, WithServer};
use common::{Pair, Setup};
use hostile_peer::{Cipher, Method, Peer, Role, Step};
use ssh_core::crypto::{Algorithms, kex};
use ssh_core::wire::MessageNumber;
use ssh_core::{ClientRole, CloseReason, Error, PeerMisbehaved, Stage};

/// What a server prefers beside a client whose guess is `curve25519-sha256` and `ssh-ed25519`.
const SERVERS: [(&str, &str, bool); 5] = [
    ("curve25519-sha256", "ssh-ed25519", true),
    ("curve25519-sha256,ecdh-sha2-nistp256", "ssh-ed25519,ssh-rsa", true),
    // The method is the one that was guessed, and yet the guess is wrong.
    ("ecdh-sha2-nistp256,curve25519-sha256", "ssh-ed25519", false),
    ("curve25519-sha256", "ssh-rsa,ssh-ed25519", false),
    ("ecdh-sha2-nistp256", "ssh-ed25519", false),
];

fn guessing(setup: Setup) -> Setup {
    setup.configure(|client, _| client.first_kex_packet_follows = true)
}

/// Our client, which guesses `curve25519-sha256` and knows `ecdh-sha2-nistp256`, and a server with these lists.
fn client_against(kex: &str, host_key: &str, strict: bool, theirs: bool) -> WithClient {
    let peer = Peer::new(Role::Server, Method::Curve25519, Cipher::Aes128Gcm).with(|offer| {
        (offer.kex, offer.host_key) = (kex.into(), host_key.into());
        (offer.strict, offer.guess) = (strict, theirs);
    });
    let setup = guessing(Setup::new(1).quick()).configure(|client, _| {
        client.algorithms.kex = vec![kex::CURVE25519_SHA256, kex::ECDH_SHA2_NISTP256];
    });
    let mut meeting = WithClient::new(peer, setup);
    meeting.settle();
    meeting
}

/// Ours right and wrong, with and without one of the server's, strict or not.
#[test]
fn a_clients_guess_counts_if_it_is_right_and_is_repeated_if_not() {
    for (kex, host_key, right) in SERVERS {
        for (strict, theirs) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut meeting = client_against(kex, host_key, strict, theirs);
            assert_eq!(meeting.peer.numbers(), [20, 30], "before the server has said a word");
            meeting.exchange(Step::KexInit);
            if theirs && !right {
                // What the server guessed is nonsense; one packet of it is dropped.
                meeting.say(&[49]);
            }
            let again: &[u8] = if right { &[] } else { &[30] };
            assert_eq!(meeting.peer.numbers(), again, "{kex} {host_key} {theirs}");
            meeting = meeting.keyed();
            assert_eq!(meeting.peer.numbers(), [21, 5], "{kex} {host_key} {strict} {theirs}");
            assert_eq!(meeting.closed(), None);
        }
    }
}

/// A server whose guess is right has nothing in front of its reply, and one that did not guess neither.
#[test]
fn nothing_is_dropped_for_a_right_guess_or_none() {
    for (kex, theirs) in [("curve25519-sha256", true), ("curve25519-sha256", false), ("ecdh-sha2-nistp256", false)] {
        let mut meeting = client_against(kex, "ssh-ed25519", true, theirs);
        meeting.exchange(Step::KexInit);
        meeting.say(&[49]);
        assert_eq!(meeting.closed(), Some(unexpected(49)), "{kex} {theirs}");
    }
}

/// With a wrong guess of the server's, one packet is dropped, whatever it is, and the second counts.
#[test]
fn one_packet_of_a_wrong_guess_is_dropped() {
    for strict in [false, true] {
        for guess in [&[31, 1, 2, 3][..], &[30], &[49, 0]] {
            let mut meeting = client_against("ecdh-sha2-nistp256", "ssh-ed25519", strict, true);
            meeting.exchange(Step::KexInit);
            meeting.say(guess);
            assert_eq!(meeting.closed(), None);
            meeting.say(&[49]);
            assert_eq!(meeting.closed(), Some(unexpected(49)));
        }
    }
}

fn unexpected(number: u8) -> CloseReason {
    let during = Stage::KeyExchange;
    CloseReason::Failed(Error::PeerMisbehaved(PeerMisbehaved::UnexpectedMessage {
        number: MessageNumber(number),
        during,
    }))
}

/// A guess is no reason to believe anybody: what is wrong with the server's answer ends the connection as ever.
#[test]
fn the_answer_to_a_guess_is_verified() {
    let mut meeting = client_against("curve25519-sha256", "ssh-ed25519", true, false);
    meeting.exchange(Step::KexInit);
    let value = hostile_peer::messages::kex_ecdh_reply(&meeting.peer.key.blob(), &[9; 32], &[1, 2, 3]);
    meeting.say(&value);
    let end = meeting.closed();
    assert!(matches!(end, Some(CloseReason::Failed(Error::PeerMisbehaved(PeerMisbehaved::HostKey(_))))), "{end:?}");
}

/// The client's guess at our server: a right one counts at once, a wrong one is dropped, in the first exchange and in
/// later ones.
#[test]
fn a_server_takes_right_guesses_and_drops_wrong_ones() {
    for strict in [false, true] {
        for (kex, right) in [("curve25519-sha256", true), ("ecdh-sha2-nistp256,curve25519-sha256", false)] {
            let peer = Peer::new(Role::Client, Method::Curve25519, Cipher::Aes128Gcm).with(|offer| {
                (offer.kex, offer.strict, offer.guess) = (kex.into(), strict, true);
            });
            let mut meeting = WithServer::new(peer, Setup::new(1).quick());
            guess(&mut meeting, right);
            <ssh_core::ServerRole as Party>::grant_service(&mut meeting);
            <ssh_core::ServerRole as Party>::log_in(&mut meeting);
            guess(&mut meeting, right);
            assert_eq!(meeting.closed(), None);
        }
    }
}

/// The peer's exchange with a guess in one flight with its KEXINIT.
fn guess(meeting: &mut WithServer, right: bool) {
    let later = meeting.peer.is_keyed();
    meeting.settle();
    meeting.peer.payloads();
    if later {
        meeting.peer.say(Step::KexInit);
    } else {
        meeting.peer.advance(Step::KexInit);
    }
    if !right {
        meeting.say(&hostile_peer::messages::kex_ecdh_init(b"of another method"));
        assert!(!meeting.peer.numbers().contains(&31), "the guess was answered");
    }
    meeting.exchange(Step::NewKeys);
    assert!(meeting.peer.is_keyed());
}

/// Message numbers before there are keys.
fn numbers_in_clear(stream: &[u8]) -> Vec<u8> {
    let start = stream.windows(2).position(|end| end == b"\r\n").expect("an identification") + 2;
    let (mut rest, mut numbers) = (&stream[start..], Vec::new());
    while numbers.last() != Some(&21) {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        numbers.push(rest[5]);
        rest = &rest[4 + length..];
    }
    numbers
}

/// Our client and our server with these first methods.
fn pair(client: &'static dyn kex::KeyExchange, server: &'static dyn kex::KeyExchange) -> Pair {
    let mut setup = guessing(Setup::new(3).quick());
    setup.client.algorithms.kex = vec![client, server];
    setup.server.algorithms.kex = vec![server, client];
    setup.build()
}

/// Every method can be guessed, and every method can follow a wrong guess.
#[test]
fn every_method_can_be_a_guess() {
    for &method in Algorithms::all().kex.iter().filter(|method| !method.name().contains("group18")) {
        let exchange: &[u8] = if method.name().contains("group-exchange") { &[34, 32] } else { &[30] };
        let mut right = pair(method, method);
        right.log_in();
        assert_eq!(numbers_in_clear(&right.to_server), [&[20], exchange, &[21]].concat(), "{method:?}");
        right.replay();

        let other =
            if method.name() == "ecdh-sha2-nistp256" { kex::ECDH_SHA2_NISTP384 } else { kex::ECDH_SHA2_NISTP256 };
        let mut wrong = pair(method, other);
        wrong.log_in();
        let expected = [&[20], &exchange[..1], exchange, &[21]].concat();
        assert_eq!(numbers_in_clear(&wrong.to_server), expected, "{method:?}");
        assert_eq!(wrong.client.negotiated().unwrap().kex.name(), method.name());
    }
}

/// The guess saves a round trip: the server's first flight in answer to the client's holds its reply.
#[test]
fn a_right_guess_saves_a_round_trip() {
    for (guesses, reply_at_once) in [(true, true), (false, false)] {
        let mut setup = Setup::new(4).quick();
        setup.client.first_kex_packet_follows = guesses;
        let mut pair = setup.build();
        pair.deliver_to_server();
        pair.poll_server();
        let output = pair.server.poll_output();
        let whole = [output, &[0, 0, 0, 2, 0, 21]].concat();
        assert_eq!(numbers_in_clear(&whole).contains(&31), reply_at_once);
    }
}

/// Later exchanges, begun by either side or by both at once.
#[test]
fn later_exchanges_are_guessed_too() {
    for server in [kex::CURVE25519_SHA256, kex::ECDH_SHA2_NISTP256] {
        let mut pair = pair(kex::CURVE25519_SHA256, server);
        pair.log_in();
        for (client_begins, server_begins) in [(true, false), (false, true), (true, true)] {
            if client_begins {
                pair.client.rekey().unwrap();
            }
            if server_begins {
                pair.server.rekey().unwrap();
            }
            assert_eq!(pair.rekeyed(), (1, 1), "{server:?} {client_begins} {server_begins}");
        }
        pair.replay();
    }
}

/// In answer to the server's KEXINIT there is nothing to guess, and the flag is not set.
#[test]
fn an_answer_is_no_guess() {
    let mut meeting = guessing_client().keyed();
    <ClientRole as Party>::grant_service(&mut meeting);
    <ClientRole as Party>::log_in(&mut meeting);
    meeting.peer.payloads();
    meeting.peer.say(Step::KexInit);
    meeting.settle();
    let said = meeting.peer.payloads();
    assert_eq!(said.iter().map(|payload| payload[0]).collect::<Vec<_>>(), [20, 30]);
    assert_eq!(follows(&said[0]), 0);

    let mut meeting = guessing_client();
    meeting.settle();
    assert_eq!(follows(&meeting.peer.payloads()[0]), 1);
}

fn guessing_client() -> WithClient {
    let peer = Peer::new(Role::Server, Method::Curve25519, Cipher::Aes128Gcm);
    WithClient::new(peer, guessing(Setup::new(1).quick()))
}

/// `first_kex_packet_follows` of a KEXINIT: the boolean before the reserved number.
fn follows(kexinit: &[u8]) -> u8 {
    kexinit[kexinit.len() - 5]
}
