//! Key exchanges with real algorithms and peers that are not.

use alloc::{sync::Arc, vec, vec::Vec};

use super::fake::{boxed_random, random};
use super::input::{Input, Step, packet};
use crate::config::{ClientConfig, ServerConfig};
use crate::crypto::Algorithms;
use crate::crypto::hash::Hash;
use crate::crypto::kex::{self, GroupSizes, KexExchange, KexOutcome, KexSettings, KexStep, KeyExchange};
use crate::endpoint::{Client, ClientEvent, HostKeyAnswer, Server, ServerEvent};
use crate::key::{KeyAlgorithm, PrivateKey};
use crate::time::Timestamp;

const MAX_INPUT: usize = 8 * 1024;

/// Both signers of the pair, for the test that records it.
pub(super) fn host_key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random(9)).expect("a key")
}

pub(super) fn real_client() -> Client {
    Client::new(Arc::new(ClientConfig::default()), boxed_random(1), Timestamp::ZERO).expect("a client")
}

pub(super) fn real_server() -> Server {
    let config = ServerConfig::new(vec![host_key().public_key().clone()]);
    Server::new(Arc::new(config), boxed_random(2), Timestamp::ZERO).expect("a server")
}

/// Those that cost a fuzzer little: all but the ones with a large group.
pub(super) fn methods() -> Vec<&'static dyn KeyExchange> {
    let cheap = |method: &&dyn KeyExchange| !method.name().starts_with("diffie-") || method.hash() != Hash::Sha512;
    kex::ALL.iter().copied().filter(cheap).collect()
}

/// The method the input chooses, if it does not choose an endpoint.
fn method(input: &mut Input<'_>) -> Option<&'static dyn KeyExchange> {
    methods().get(usize::from(input.byte() % 32)).copied()
}

/// With small groups alone.
pub(super) fn settings() -> KexSettings {
    KexSettings { group_sizes: GroupSizes { min: 2048, preferred: 2048, max: 2048 }, ..KexSettings::default() }
}

/// What a method makes of the input. In front of the last message of a group exchange stands another, as a piece.
fn outcome(method: &dyn KeyExchange, machine: &mut dyn KexExchange, mut input: Input<'_>) -> Option<KexOutcome> {
    if method.name().contains("group-exchange") {
        let first = machine.handle(input.piece(), &mut random(2));
        assert!(!matches!(first, Ok(KexStep::Done(_))));
        first.ok()?;
    }
    match machine.handle(input.rest(), &mut random(2)) {
        Ok(KexStep::Done(outcome)) => Some(outcome),
        _ => None,
    }
}

/// The client's side: each method with any answer, and a whole client with any packets before there are keys.
pub fn kex_client(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    if let Some(method) = method(&mut input) {
        let (message, mut machine) = method.start_client(&settings(), &mut random(1)).expect("randomness");
        assert!(matches!((message.number.0, machine.expects().0), (30 | 34, 31)));
        if let Some(outcome) = outcome(method, &mut *machine, input) {
            assert!(outcome.server_proof.is_some() && outcome.reply.is_none());
            assert!(outcome.shared_secret.len() > 4 && !outcome.exchange_values.is_empty());
        }
        return;
    }
    let mut client = real_client();
    while let Some(step) = Step::read(&mut input) {
        client.handle_input(&bytes(&step));
        while let Some(event) = client.poll_event() {
            match event {
                ClientEvent::HostKey(request) => {
                    // No input can hold another key's signature over a hash that our random values are part of.
                    assert_eq!(request.key, *host_key().public_key());
                    client.answer_host_key(request, HostKeyAnswer::Accept).expect("a fresh token");
                }
                ClientEvent::Closed(_) => {}
                other => panic!("{other:?} without keys"),
            }
        }
        let n = client.poll_output().len();
        client.consume_output(n);
    }
    assert!(!client.is_authenticated());
}

/// The server's side: each method with any offer, and a whole server with any packets before there are keys.
pub fn kex_server(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    if let Some(method) = method(&mut input) {
        let mut machine = method.start_server(&settings()).expect("no randomness is needed yet");
        assert!(matches!(machine.expects().0, 30 | 34));
        if let Some(outcome) = outcome(method, &mut *machine, input) {
            assert!(outcome.server_proof.is_none() && outcome.reply.is_some());
            assert!(outcome.shared_secret.len() > 4 && !outcome.exchange_values.is_empty());
        }
        return;
    }
    let mut server = real_server();
    while let Some(step) = Step::read(&mut input) {
        server.handle_input(&bytes(&step));
        while let Some(event) = server.poll_event() {
            match event {
                ServerEvent::Sign(request) => {
                    let signature = host_key().sign(request.algorithm, &request.data, &mut random(3)).expect("signs");
                    server.answer_signature(request, Some(&signature)).expect("a fresh token");
                }
                ServerEvent::Closed(_) => {}
                other => panic!("{other:?} without keys"),
            }
        }
        let n = server.poll_output().len();
        server.consume_output(n);
    }
    assert!(!server.is_authenticated());
}

fn bytes(step: &Step<'_>) -> Vec<u8> {
    match step {
        Step::Packet(payload) => packet(payload),
        Step::Raw(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    }
}

/// Signatures: any key and any signature under each algorithm, and a genuine one with some bytes changed.
pub fn signatures(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    let algorithms = Algorithms::all().public_key;
    let algorithm = algorithms[usize::from(input.byte()) % algorithms.len()];
    let (key_blob, signature) = (input.piece(), input.piece());
    let message = input.rest();
    // Ed25519 only: a changed ECDSA signature can be right (its two halves), and RSA takes long to sign.
    let key = host_key();
    let genuine = key.sign("ssh-ed25519", message, &mut random(3)).expect("signs");
    let changed: Vec<u8> =
        genuine.iter().zip(signature.iter().chain(&[0; 128])).map(|(one, other)| one ^ other).collect();
    let verdict = algorithm.verify(key.public_key().blob(), message, &changed);
    assert_eq!(verdict.is_ok(), changed == genuine && algorithm.name() == "ssh-ed25519");
    let _ = algorithm.verify(key_blob, message, signature);
}
