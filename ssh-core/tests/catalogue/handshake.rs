//! Identification and key exchange under attack (RFC 4253 §4.2, §7 to §10).

use hostile_peer::{Cipher, Method, Step, messages, strings};
use proptest::prelude::*;
use ssh_core::crypto::signature::SignatureError;
use ssh_core::key::KeyAlgorithm;
use ssh_core::wire::DecodeError;
use ssh_core::{
    AuthAnswer, ClientEvent, ClientRole, CloseReason, Error, PeerMisbehaved, ServerEvent, ServerRole, Stage,
};

use crate::common::assault::{
    client, client_asked, malformed, peer, server, server_asked, server_with_session, unexpected,
};
use crate::common::hostile::{Meeting, Party, WithClient, WithServer};
use crate::common::{Setup, key};

/// SM-60: the agreed host key algorithm, the type of the key and the format of its signature are one, or the host has
/// proven nothing. Which check fails first is fixed.
#[test]
fn agreed_algorithm_key_and_signature_are_one() {
    let mut hosts = vec![("ssh-ed25519", KeyAlgorithm::Ed25519), ("ecdsa-sha2-nistp256", KeyAlgorithm::EcdsaNistp256)];
    hosts.push(("ecdsa-sha2-nistp521", KeyAlgorithm::EcdsaNistp521));
    #[cfg(feature = "rsa")]
    hosts.push(("rsa-sha2-512", KeyAlgorithm::Rsa { bits: 2048 }));
    let hosts: Vec<_> = hosts.into_iter().map(|(name, algorithm)| (name, key(algorithm, 3))).collect();
    for (agreed, _) in &hosts {
        for (of_key, host) in &hosts {
            for (of_signature, signer) in &hosts {
                let peer = peer::<ClientRole>(Method::Curve25519, Cipher::Aes128Gcm);
                let peer = peer.with(|offer| offer.host_key = (*agreed).into());
                let mut meeting = WithClient::new(peer, Setup::new(1).quick());
                meeting.exchange(Step::KexInit);
                let signature = signer.sign(of_signature, b"another exchange", &mut crate::common::random(1)).unwrap();
                let blob = host.public_key().blob();
                meeting.say(&messages::kex_ecdh_reply(blob, &messages::BASEPOINT, &signature));
                meeting.only_ends_with(PeerMisbehaved::HostKey(if agreed != of_key {
                    SignatureError::WrongKeyType
                } else if agreed != of_signature {
                    SignatureError::WrongAlgorithm
                } else {
                    SignatureError::Invalid
                }));
            }
        }
    }
}

/// SM-64: versions other than 2.0, and 1.99 which means it, are named and refused.
#[test]
fn versions_are_exact() {
    for (line, speaks) in [
        ("SSH-2.0-x", true),
        ("SSH-1.99-x", true),
        ("SSH-2.0-x comment with spaces", true),
        ("SSH-2.0-a-b-c", true),
        ("SSH-2.0", false),
        ("SSH-2.1-x", false),
        ("SSH-1.5-x", false),
        ("SSH-3.0-x", false),
        ("SSH-20-x", false),
        ("SSH-2.0x-x", false),
        ("SSH--x", false),
    ] {
        let mut meeting = WithServer::quick(true);
        meeting.peer.identification = line.into();
        if speaks {
            let meeting = meeting.keyed();
            assert_eq!(meeting.endpoint.peer_identification().unwrap().as_bytes(), line.as_bytes());
        } else {
            meeting.exchange(Step::Identification);
            let end = meeting.closed();
            let named = matches!(end, Some(CloseReason::Failed(Error::UnsupportedVersion { .. })));
            assert!(named, "{line}: {end:?}");
        }
    }
}

/// PA-21: LF alone ends a line; what is hashed is the line without its end, so that an exchange with it succeeds.
#[test]
fn odd_line_ends() {
    let mut meeting = WithServer::quick(true);
    meeting.settle();
    meeting.deliver(b"SSH-2.0-hostile\n");
    meeting.peer.say(Step::Identification);
    meeting.peer.take_output();
    let meeting = meeting.keyed();
    assert_eq!(meeting.closed(), None);
    for bad in [&b"SSH-2.0-a\rb\r\n"[..], b"SSH-2.0-a\r\r\n", b"SSH-2.0-a\0\r\n", b"SSH-2.0-\x01\r\n", b"SSH-2.0-\r\n"]
    {
        let mut meeting = WithServer::quick(true);
        meeting.deliver(bad);
        assert_eq!(meeting.closed(), Some(CloseReason::Failed(PeerMisbehaved::Identification.into())), "{bad:?}");
    }
}

/// SM-10: there is one service to ask for, and a name is compared as a whole.
#[test]
fn services_that_do_not_exist() {
    for name in
        ["", "ssh-connection", "ssh-userauth\0", "SSH-USERAUTH", "ssh-userauth,ssh-connection", &"x".repeat(4096)]
    {
        let mut meeting = server(|_| ());
        meeting.say(&messages::service_request(name));
        meeting.only_ends_with(PeerMisbehaved::Service);
        let mut meeting = client(|_| ());
        meeting.say(&messages::service_accept(name));
        meeting.only_ends_with(PeerMisbehaved::Service);
    }
}

/// SM-38: EXT_INFO may be the first message behind NEWKEYS, or stand before SUCCESS; from a client it may be the first
/// only. Names may be unknown or twice, values hold anything.
#[test]
fn ext_info_has_its_places() {
    let any =
        messages::ext_info(&[("server-sig-algs", "ssh-ed25519"), ("\0", "\0"), ("server-sig-algs", "x"), ("", "")]);
    let mut meeting = client(|_| ());
    meeting.say(&any);
    assert_eq!(meeting.closed(), None);
    meeting.say(&any);
    meeting.only_ends_with(unexpected(7, Stage::Authentication));
    let mut meeting = client(|_| ());
    meeting.say(&messages::ignore(b""));
    meeting.say(&any);
    meeting.only_ends_with(unexpected(7, Stage::Authentication));
    let mut meeting = server_asked(|_| ());
    meeting.say(&any);
    meeting.only_ends_with(unexpected(7, Stage::Authentication));
    let mut meeting = WithClient::quick(true).with_session();
    meeting.say(&any);
    meeting.only_ends_with(unexpected(7, Stage::Connection));
}

/// SM-38: of two lists of signature algorithms the last counts: the client that knows no other key then has none to use.
#[test]
fn the_last_list_of_signature_algorithms_counts() {
    let mut meeting = client(|_| ());
    meeting.say(&messages::ext_info(&[("server-sig-algs", "ssh-ed25519"), ("server-sig-algs", "rsa-sha2-512")]));
    ClientRole::grant_service(&mut meeting);
    let method = ssh_core::AuthMethod::PublicKey(key(KeyAlgorithm::Ed25519, 9).public_key().clone());
    assert_eq!(meeting.endpoint.authenticate("root", method), Err(ssh_core::Misuse::NoUsableAlgorithm));
}

/// SM-05: a peer may begin an exchange before authentication, wherever it stands, and the login goes on behind it.
#[test]
fn fresh_keys_in_the_midst_of_a_login() {
    let again = |meeting: &mut WithServer| {
        meeting.peer.payloads();
        meeting.peer.say(Step::KexInit);
        meeting.exchange(Step::NewKeys);
        assert!(matches!(meeting.events.pop_back(), Some(ServerEvent::Rekeyed)));
    };
    let mut meeting = server(|_| ());
    again(&mut meeting);
    ServerRole::grant_service(&mut meeting);
    meeting.peer.authenticate_keyboard_interactive("root");
    meeting.settle();
    meeting.ask_nothing();
    meeting.settle();
    meeting.peer.expect(60);
    again(&mut meeting);
    meeting.say(&messages::userauth_info_response(&[]));
    let request = meeting.request();
    meeting.endpoint.answer_auth(request, AuthAnswer::Accept).unwrap();
    meeting.settle();
    assert!(matches!(meeting.event(), ServerEvent::Authenticated(_)));
}

/// SM-66: noise under keys is taken without an answer and without being kept.
#[test]
fn noise_is_not_kept() {
    fn noise<P: Party>() {
        let mut meeting = Meeting::<P>::quick(true).with_session();
        meeting.events.clear();
        meeting.peer.payloads();
        let before = meeting.endpoint.buffer_memory();
        for turn in 0..3000 {
            meeting.say(
                &[messages::ignore(&[7; 900]), messages::debug("text"), messages::unimplemented(turn)]
                    [turn as usize % 3],
            );
        }
        meeting.only_says(&[]);
        assert!(meeting.endpoint.buffer_memory() <= before.max(16 * 1024));
    }
    noise::<ServerRole>();
    noise::<ClientRole>();
}

/// SM-40, SM-33: messages of the other role in a key exchange.
#[test]
fn messages_of_a_method_have_a_sender() {
    for number in 31..=49 {
        let mut meeting = WithServer::quick(true);
        meeting.exchange(Step::KexInit);
        meeting.say(&messages::minimal(number, 0));
        meeting.only_ends_with(unexpected(number, Stage::KeyExchange));
    }
    for number in (30..=49).filter(|number| *number != 31) {
        let mut meeting = WithClient::quick(true);
        meeting.exchange(Step::KexInit);
        meeting.say(&messages::minimal(number, 0));
        meeting.only_ends_with(unexpected(number, Stage::KeyExchange));
    }
}

/// SM-58: the question for the host key parks everything; what the server sends meanwhile is looked at behind the answer.
#[test]
fn nothing_passes_a_question_for_the_host_key() {
    let mut meeting = WithClient::quick(true);
    meeting.holds = true;
    meeting.exchange(Step::NewKeys);
    meeting.peer.accept_service();
    meeting.peer.accept_user();
    meeting.settle();
    assert_eq!(meeting.events.len(), 1);
    let ClientEvent::HostKey(request) = meeting.event() else { panic!("a question") };
    meeting.endpoint.answer_host_key(request, ssh_core::HostKeyAnswer::Accept).unwrap();
    meeting.settle();
    assert!(matches!(meeting.event(), ClientEvent::AuthNeeded(_)));
    meeting.only_ends_with(unexpected(52, Stage::Authentication));
}

/// SM-15, SM-43: a second SERVICE_ACCEPT, and one in the midst of a login.
#[test]
fn a_service_is_granted_once() {
    let mut meeting = client_asked();
    meeting.say(&messages::service_accept("ssh-userauth"));
    meeting.only_ends_with(unexpected(6, Stage::Authentication));
    let mut meeting = server_asked(|_| ());
    meeting.say(&messages::service_request("ssh-userauth"));
    meeting.only_ends_with(unexpected(5, Stage::Authentication));
}

/// SM-08: a DISCONNECT is the last thing said in either direction.
#[test]
fn nothing_follows_a_disconnect() {
    let mut meeting = server_with_session(|_| ());
    meeting.peer.send(&messages::disconnect(2, "done"));
    meeting.peer.send(&messages::ping(b"data"));
    meeting.peer.send(&messages::global_request("x", true, b""));
    meeting.settle();
    assert!(matches!(meeting.closed(), Some(CloseReason::Failed(Error::Disconnected { .. }))));
    assert_eq!(meeting.peer.payloads(), Vec::<Vec<u8>>::new());
    let mut meeting = server_with_session(|_| ());
    meeting.say(&[&[1][..], &strings(&["", ""])].concat());
    meeting.ends_with(malformed(1, DecodeError::Truncated));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    /// CR-09: whatever the identifications, cookies, lists and languages are, both roles compute the exchange hash that the
    /// independent peer computes: else its signature, or its keys, would not fit.
    #[test]
    fn the_exchange_hash_is_the_peers(
        software in "[!-,.-~]{1,30}", comment in "( [ -~]{0,60})?", seed in any::<u64>(),
        unknown in "[a-z]{1,20}", language in "([a-z]{2})?", at in 0..Method::ALL.len(), strict in any::<bool>(),
    ) {
        fn agree<P: Party>(seed: u64, method: Method, change: impl Fn(&mut hostile_peer::Peer)) -> Vec<u8> {
            let mut peer = peer::<P>(method, Cipher::Aes128Gcm);
            peer.dice = hostile_peer::Dice::new(seed);
            change(&mut peer);
            let meeting = Meeting::<P>::new(peer, Setup::new(seed % 1000)).keyed();
            assert_eq!(meeting.endpoint.session_id(), Some(&meeting.peer.session_id[..]));
            meeting.peer.session_id.clone()
        }
        let method = Method::ALL[at];
        let change = |peer: &mut hostile_peer::Peer| {
            peer.identification = format!("SSH-2.0-{software}{comment}").trim_end().into();
            peer.offer.kex = format!("{unknown}@example.com,{}", peer.offer.kex);
            peer.offer.languages = [language.clone(), language.clone()];
            peer.offer.strict = strict;
        };
        if cfg!(feature = "pq") || method != Method::MlKem768X25519 {
            prop_assert_ne!(agree::<ServerRole>(seed, method, change), agree::<ClientRole>(seed, method, change));
        }
    }
}
