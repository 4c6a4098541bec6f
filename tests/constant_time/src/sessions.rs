//! What an endpoint does with a packet that was opened: in one that says nothing it must not show how much of it is padding.

use std::sync::Arc;

use ssh_core::crypto::cipher::{self, Cipher, SealPacket};
use ssh_core::crypto::mac::{HMAC_SHA2_256, HMAC_SHA2_256_ETM, Mac};
use ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_core::*;

use crate::measure::{Measure, random};
use crate::packets::{halves, packet};

const SUITES: &[(&dyn Cipher, Option<&dyn Mac>)] = &[
    (cipher::CHACHA20_POLY1305, None),
    (cipher::AES256_GCM, None),
    (cipher::AES256_CTR, Some(HMAC_SHA2_256)),
    (cipher::AES256_CTR, Some(HMAC_SHA2_256_ETM)),
    (cipher::AES256_CBC, Some(HMAC_SHA2_256)),
    (cipher::AES256_CBC, Some(HMAC_SHA2_256_ETM)),
];

pub fn padding(measure: &Measure) {
    for &(cipher, mac) in SUITES {
        let mut server = logged_in();
        let (mut sealer, opener) = halves(cipher, mac, &mut random(0));
        server.test_hooks().set_incoming_keys(opener);
        let name = mac.map_or(cipher.name().into(), |mac| format!("{} with {}", cipher.name(), mac.name()));
        let server = std::cell::RefCell::new(server);
        measure.each(
            &format!("a server under {name} takes packets with more and less padding"),
            |number| {
                let sequence_number = server.borrow_mut().test_hooks().incoming().sequence_number;
                ignored(&mut *sealer, sequence_number, number)
            },
            |packet| take(&mut server.borrow_mut(), packet),
        );
        assert!(!server.borrow().is_finished(), "{name}: a packet was refused");
    }
}

/// What it has to say about a packet: nothing.
fn take(server: &mut Server, packet: &[u8]) -> (usize, Option<ServerEvent>, usize) {
    (server.handle_input(packet), server.poll_event(), server.poll_output().len())
}

/// A packet without length field and tag: more than half of the room that the server has, so that it never has any left
/// for the next and every packet finds the same.
const CONTENT: usize = 2560;

/// `SSH_MSG_IGNORE` with more and less in it, always as long.
fn ignored(sealer: &mut dyn SealPacket, sequence_number: u32, number: u32) -> Vec<u8> {
    let padding = 4 + (number * 37 % 252) as u8;
    let content = CONTENT - if sealer.layout().unaligned_prefix == 0 { 4 } else { 0 };
    let data = content - 1 - usize::from(padding) - 1 - 4;
    let payload = [&[2][..], &(data as u32).to_be_bytes(), &vec![number as u8; data]].concat();
    let mut packet = packet(sealer, &payload, padding);
    sealer.seal(sequence_number, &mut packet);
    packet
}

/// A server whose client is logged in.
fn logged_in() -> Server {
    let host_key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random(1)).unwrap();
    let config = ServerConfig::new(vec![host_key.public_key().clone()]);
    let mut server = Server::new(Arc::new(config), Box::new(random(2)), Timestamp::ZERO).unwrap();
    let config = Arc::new(ClientConfig::default());
    let mut client = Client::new(config, Box::new(random(3)), Timestamp::ZERO).unwrap();
    loop {
        let taken = server.handle_input(client.poll_output());
        client.consume_output(taken);
        let taken = client.handle_input(server.poll_output());
        server.consume_output(taken);
        while let Some(event) = server.poll_event() {
            match event {
                ServerEvent::Sign(request) => {
                    let signature = host_key.sign(request.algorithm, &request.data, &mut random(4)).unwrap();
                    server.answer_signature(request, Some(&signature)).unwrap();
                }
                ServerEvent::Auth(request) => server.answer_auth(request, AuthAnswer::Accept).unwrap(),
                _ => {}
            }
        }
        while let Some(event) = client.poll_event() {
            match event {
                ClientEvent::HostKey(request) => client.answer_host_key(request, HostKeyAnswer::Accept).unwrap(),
                ClientEvent::AuthNeeded(_) => client.authenticate("alice", AuthMethod::None).unwrap(),
                ClientEvent::Authenticated(_) => return server,
                _ => {}
            }
        }
    }
}
