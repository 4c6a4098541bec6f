//! Host keys after the login: announced by the server, proven to the client (OpenSSH's `PROTOCOL` §2.5).

mod common;

use common::hostile::{Meeting, Party, WithClient, WithServer};
use common::{Pair, Setup, key, random};
use hostile_peer::{Cipher, Method, Peer, messages};
use ssh_core::crypto::signature;
use ssh_core::key::{
    ANNOUNCE_HOST_KEYS, CertificateBuilder, KeyAlgorithm, PROVE_HOST_KEYS, PrivateKey, PublicKey, host_key_proof_data,
    host_keys_are_proven, read_host_keys, write_host_keys,
};
use ssh_core::{
    ClientEvent, ClientRole, GlobalRequestEvent, Limits, Misuse, ServerEvent, ServerRole, Timestamp, UnixTime,
};

fn keys() -> Vec<PrivateKey> {
    vec![key(KeyAlgorithm::Ed25519, 1), key(KeyAlgorithm::EcdsaNistp256, 2), key(KeyAlgorithm::EcdsaNistp384, 3)]
}

fn public(keys: &[PrivateKey]) -> Vec<PublicKey> {
    keys.iter().map(|key| key.public_key().clone()).collect()
}

fn certificate() -> PublicKey {
    let keys = keys();
    let builder = CertificateBuilder::host(keys[1].public_key(), "", UnixTime::ALWAYS..UnixTime::FOREVER);
    builder.principal("host").sign(&key(KeyAlgorithm::Ed25519, 9), &mut random(9)).unwrap()
}

/// A server with several keys and a certificate, the first key named twice.
fn setup() -> Setup {
    let keys = keys();
    let mut setup = Setup::new(5).quick();
    setup.server.host_keys = public(&keys);
    setup.server.host_keys.extend([certificate(), keys[0].public_key().clone()]);
    setup.host_keys = keys;
    setup
}

fn proven(pair: &mut Pair) -> Option<Vec<PublicKey>> {
    match pair.client_event() {
        ClientEvent::HostKeysProven(keys) => keys,
        other => panic!("expected HostKeysProven, got {other:?}"),
    }
}

/// Certificates are no keys to learn, and no key is told twice.
#[test]
fn announced_after_the_login_and_proven_on_demand() {
    let mut pair = Pair::logged_in(setup());
    let keys = public(&keys());
    assert_eq!(pair.announced, std::slice::from_ref(&keys));
    for some in [&keys[..], &keys[1..2], &[keys[2].clone(), keys[0].clone()]] {
        pair.client.prove_host_keys(some).unwrap();
        assert_eq!(pair.client.prove_host_keys(some), Err(Misuse::Busy));
        assert_eq!(proven(&mut pair).as_deref(), Some(some));
    }
    pair.replay();
}

#[test]
fn what_is_not_the_servers_is_not_proven() {
    let mut pair = Pair::logged_in(setup());
    let (known, stranger) = (public(&keys()), key(KeyAlgorithm::Ed25519, 20).public_key().clone());
    let certificate = certificate();
    for asked in [vec![known[0].clone(), stranger], vec![certificate], Vec::new()] {
        pair.client.prove_host_keys(&asked).unwrap();
        assert_eq!(proven(&mut pair), None, "{asked:?}");
    }
    assert_eq!(pair.client.prove_host_keys(&vec![known[1].clone(); 4000]), Err(Misuse::TooLong));
    pair.client.prove_host_keys(&known).unwrap();
    assert_eq!(proven(&mut pair), Some(known), "the next one is not held back");
    pair.replay();
}

#[test]
fn a_server_may_keep_its_keys_to_itself() {
    let mut pair = Pair::logged_in(setup().configure(|_, server| server.announce_host_keys = false));
    pair.run();
    assert!(pair.announced.is_empty());
    pair.client.prove_host_keys(&public(&keys())).unwrap();
    match pair.server_event() {
        ServerEvent::Global(GlobalRequestEvent::Request { name, reply: Some(token), .. }) => {
            assert_eq!(name, PROVE_HOST_KEYS);
            pair.server.answer_global(token, None).unwrap();
        }
        other => panic!("expected a request as any other, got {other:?}"),
    }
    assert_eq!(proven(&mut pair), None);
}

/// Signatures may come late, with other events and a key exchange in between, or never.
#[test]
fn whoever_signs_may_take_time() {
    let mut meeting = hostile_client();
    let keys = public(&keys());
    meeting.say(&request(&keys));
    let ServerEvent::Sign(first) = meeting.event() else { panic!("expected Sign") };
    assert_eq!((&first.key, first.algorithm), (&keys[0], "ssh-ed25519"));
    assert_eq!(first.data, host_key_proof_data(&keys[0], &meeting.peer.session_id));
    meeting.say(&messages::ping(b"still there"));
    assert_eq!(meeting.peer.payloads(), [messages::pong(b"still there")]);
    meeting.say(&request(&keys));
    meeting.settle();
    let sign = |key: usize, data: &[u8]| self::keys()[key].sign(ALGORITHMS[key], data, &mut random(1)).unwrap();
    let signature = sign(0, &first.data);
    meeting.endpoint.answer_signature(first, Some(&signature)).unwrap();
    meeting.settle();
    let ServerEvent::Sign(second) = meeting.event() else { panic!("expected Sign") };
    assert_eq!(second.key, keys[1]);
    meeting.endpoint.answer_signature(second, None).unwrap();
    meeting.settle();
    let refused = messages::request_failure();
    assert_eq!(meeting.peer.payloads(), [refused.clone(), refused], "neither the second request nor the first");
    assert_eq!(meeting.closed(), None, "the connection goes on");
}

const ALGORITHMS: [&str; 3] = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384"];

/// A server that makes no signature by itself, and a client whose word it takes.
fn hostile_client() -> WithServer {
    let mut setup = setup();
    setup.announces_to_the_hostile = true;
    let peer = Peer::new(hostile_peer::Role::Client, Method::Curve25519, Cipher::Aes128Gcm);
    let mut meeting = Meeting::<ServerRole>::new(peer, setup).keyed();
    ServerRole::grant_service(&mut meeting);
    ServerRole::log_in(&mut meeting);
    let announcement = messages::global_request("hostkeys-00@openssh.com", false, &write_host_keys(&public(&keys())));
    assert_eq!(meeting.peer.payloads(), [announcement]);
    meeting.holds = true;
    meeting
}

fn request(keys: &[PublicKey]) -> Vec<u8> {
    messages::global_request("hostkeys-prove-00@openssh.com", true, &write_host_keys(keys))
}

/// No key signs twice for one request, and nothing is signed that is not a key of the server's.
#[test]
fn requests_that_are_refused() {
    let mut meeting = hostile_client();
    let keys = public(&keys());
    let stranger = key(KeyAlgorithm::Ed25519, 20).public_key().clone();
    let unknown = [0, 0, 0, 8, 0, 0, 0, 4, b'x', b'@', b'x', b'x'];
    for fields in [
        vec![],
        vec![0],
        vec![0, 0, 0, 5, 1],
        unknown.to_vec(),
        [write_host_keys(&keys[..1]), unknown.to_vec()].concat(),
        write_host_keys(&[keys[0].clone(), stranger]),
        write_host_keys(&[keys[0].clone(), keys[0].clone()]),
        write_host_keys(std::iter::repeat_n(&keys[0], 3000)),
    ] {
        meeting.say(&messages::global_request("hostkeys-prove-00@openssh.com", true, &fields));
        assert_eq!(meeting.peer.payloads(), [messages::request_failure()], "{fields:02x?}");
        assert!(meeting.events.is_empty(), "{:?}", meeting.events);
    }
    meeting.say(&messages::global_request("hostkeys-prove-00@openssh.com", false, &write_host_keys(&keys)));
    let event = meeting.event();
    assert!(matches!(event, ServerEvent::Global(GlobalRequestEvent::Request { reply: None, .. })), "{event:?}");
    assert_eq!(meeting.peer.payloads(), [] as [Vec<u8>; 0], "no answer is wanted, and nothing signed in vain");
}

/// A key exchange that wants its own signature while a proof is being made.
#[test]
fn both_kinds_of_signature_at_once() {
    let mut meeting = hostile_client();
    let keys = public(&keys());
    meeting.say(&request(&keys[1..2]));
    let ServerEvent::Sign(proof) = meeting.event() else { panic!("expected Sign") };
    meeting.peer.say(hostile_peer::Step::KexInit);
    meeting.exchange(hostile_peer::Step::NewKeys);
    let ServerEvent::Sign(exchange) = meeting.event() else { panic!("expected Sign") };
    assert_eq!((&exchange.key, &proof.key), (&keys[0], &keys[1]));
    let sign = |key: usize, data: &[u8]| self::keys()[key].sign(ALGORITHMS[key], data, &mut random(1)).unwrap();
    let signature = sign(1, &proof.data);
    meeting.endpoint.answer_signature(proof, Some(&signature)).unwrap();
    let for_exchange = sign(0, &exchange.data);
    meeting.endpoint.answer_signature(exchange, Some(&for_exchange)).unwrap();
    meeting.exchange(hostile_peer::Step::NewKeys);
    assert!(meeting.peer.is_keyed());
    let payloads = meeting.peer.payloads();
    let answer = payloads.iter().find(|payload| payload.first() == Some(&81)).expect("the answer, behind the exchange");
    let algorithms = [signature::ECDSA_SHA2_NISTP256];
    assert!(host_keys_are_proven(&answer[1..], &keys[1..2], &meeting.peer.session_id, &algorithms));
    assert_eq!(meeting.closed(), None);
}

fn hostile_server() -> WithClient {
    let mut meeting = Meeting::<ClientRole>::quick(true).keyed();
    ClientRole::grant_service(&mut meeting);
    ClientRole::log_in(&mut meeting);
    meeting
}

#[test]
fn announcements_are_read() {
    let mut meeting = hostile_server();
    let keys = public(&keys());
    let many: Vec<_> = (0..257).map(|seed| key(KeyAlgorithm::Ed25519, seed).public_key().clone()).collect();
    let unknown = [0, 0, 0, 8, 0, 0, 0, 4, b'x', b'@', b'x', b'x'];
    let weak = [&b"\0\0\0\x07ssh-dss"[..], &[0; 16]].concat();
    let weak = [&(u32::try_from(weak.len()).unwrap().to_be_bytes())[..], &weak].concat();
    for (fields, expected) in [
        (write_host_keys(&keys), Some(keys.clone())),
        (vec![], Some(vec![])),
        ([&unknown[..], &weak, &write_host_keys(&keys)].concat(), Some(keys.clone())),
        (write_host_keys(&many[..256]), Some(many[..256].to_vec())),
        (write_host_keys(&many), None),
        (write_host_keys([&keys[0], &keys[1], &keys[0]]), None),
        (vec![0, 0, 0, 1], None),
        (vec![7], None),
    ] {
        meeting.say(&messages::global_request("hostkeys-00@openssh.com", false, &fields));
        match (meeting.event(), expected) {
            (ClientEvent::HostKeys(keys), Some(expected)) => assert_eq!(keys, expected),
            (ClientEvent::Global(GlobalRequestEvent::Request { name, data, .. }), None) => {
                assert_eq!((&name[..], data), (ANNOUNCE_HOST_KEYS, fields));
            }
            (event, expected) => panic!("{event:?} instead of {expected:?}"),
        }
    }
    assert_eq!(meeting.closed(), None);
}

/// Whatever is wrong with one signature, nothing is learnt.
#[test]
fn proofs_that_prove_nothing() {
    let keys = keys();
    let session_of = |meeting: &WithClient| meeting.peer.session_id.clone();
    let sign = |key: usize, data: &[u8]| keys[key].sign(ALGORITHMS[key], data, &mut random(1)).unwrap();
    let strings = |parts: &[Vec<u8>]| {
        parts.iter().flat_map(|part| [&(u32::try_from(part.len()).unwrap()).to_be_bytes()[..], part].concat()).collect()
    };
    for fault in 0..9 {
        let mut meeting = hostile_server();
        let session = session_of(&meeting);
        meeting.endpoint.prove_host_keys(&public(&keys)[..2]).unwrap();
        meeting.settle();
        assert_eq!(meeting.peer.payloads(), [request(&public(&keys)[..2])]);
        let data = |key: usize, session: &[u8]| host_key_proof_data(keys[key].public_key(), session);
        let (first, second) = (sign(0, &data(0, &session)), sign(1, &data(1, &session)));
        let response: Vec<u8> = match fault {
            0 => strings(&[first, second]),
            1 => strings(&[second, first]),
            2 => strings(&[first]),
            3 => strings(&[first, second, vec![]]),
            4 => strings(&[first, sign(1, &data(1, b"another session"))]),
            5 => strings(&[first, sign(1, &data(0, &session))]),
            6 => strings(&[first, sign(2, &data(1, &session))]),
            7 => strings(&[first, sign(1, &session)]),
            _ => vec![0, 0, 1, 0],
        };
        meeting.say(&messages::request_success(&response));
        let ClientEvent::HostKeysProven(proven) = meeting.event() else { panic!("expected HostKeysProven") };
        assert_eq!(proven.is_some(), fault == 0, "{fault}");
    }
}

/// What comes too late is not heard, whatever it says, and answers to other requests are not taken for it.
#[test]
fn proofs_that_come_too_late() {
    let mut meeting = hostile_server();
    let (session, keys) = (meeting.peer.session_id.clone(), keys());
    let asked = std::slice::from_ref(keys[0].public_key());
    meeting.endpoint.prove_host_keys(asked).unwrap();
    meeting.settle();
    for time in [Timestamp::ZERO, Timestamp::ZERO.saturating_add(Limits::default().proof_grace)] {
        meeting.endpoint.handle_timeout(time);
    }
    meeting.settle();
    assert!(matches!(meeting.event(), ClientEvent::HostKeysProven(None)));
    assert_eq!(meeting.endpoint.prove_host_keys(asked), Err(Misuse::Busy));
    let other = meeting.endpoint.global_request(b"x@example.com", b"").unwrap();
    meeting.settle();
    let signature = keys[0].sign(ALGORITHMS[0], &host_key_proof_data(&asked[0], &session), &mut random(1)).unwrap();
    let proof = [&u32::try_from(signature.len()).unwrap().to_be_bytes()[..], &signature].concat();
    meeting.say(&messages::request_success(&proof));
    assert_eq!(meeting.events.len(), 0, "the late proof is no event");
    meeting.endpoint.prove_host_keys(asked).unwrap();
    meeting.settle();
    meeting.say(&messages::request_success(b"other"));
    let ClientEvent::Global(GlobalRequestEvent::Reply { request, response }) = meeting.event() else {
        panic!("a reply")
    };
    assert_eq!((request, response), (other, Some(b"other".to_vec())));
    meeting.say(&messages::request_success(&proof));
    let ClientEvent::HostKeysProven(proven) = meeting.event() else { panic!("expected HostKeysProven") };
    assert_eq!(proven.as_deref(), Some(asked));
}

#[test]
fn the_fields_are_what_the_specification_says() {
    let key = key(KeyAlgorithm::Ed25519, 1);
    let blob = key.public_key().blob();
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    assert_eq!(write_host_keys([key.public_key()]), string(blob));
    let data = [string(b"hostkeys-prove-00@openssh.com"), string(b"session"), string(blob)].concat();
    assert_eq!(host_key_proof_data(key.public_key(), b"session"), data);
    assert_eq!(read_host_keys(&string(blob), &[signature::SSH_ED25519]).unwrap(), [key.public_key().clone()]);
    assert_eq!(read_host_keys(&string(blob), &[signature::ECDSA_SHA2_NISTP256]).unwrap(), []);
}
