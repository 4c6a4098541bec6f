//! Packets of the wrong shape from a peer that holds the right keys (RFC 4253 §6). To the peer they all look alike.

mod common;

use common::Setup;
use common::hostile::{Meeting, Party};
use hostile_peer::{Cipher, Method, Peer, Shape, messages};
use ssh_core::{ClientRole, CloseReason, Error, PeerMisbehaved, ServerRole};

/// Of no known number, so that it is answered wherever it is understood.
fn payload(length: usize) -> Vec<u8> {
    vec![255; length]
}

/// The length where it does not matter.
const LENGTH: usize = 3;

fn keyed<P: Party>(cipher: Cipher) -> Meeting<P> {
    let mut meeting = Meeting::new(Peer::new(P::PEER, Method::Curve25519, cipher), Setup::new(1)).keyed();
    meeting.peer.payloads();
    meeting
}

/// How an endpoint takes one packet of this shape: the end, if it is that, and what it says.
fn take<P: Party>(cipher: Cipher, length: usize, shape: &Shape) -> (Option<Error>, Vec<Vec<u8>>) {
    let mut meeting = keyed::<P>(cipher);
    meeting.peer.send_shaped(&payload(length), shape);
    meeting.settle();
    let error = meeting.closed().map(|reason| match reason {
        CloseReason::Failed(error) => error,
        other => panic!("{other:?}"),
    });
    (error, meeting.peer.payloads())
}

fn accepted<P: Party>(cipher: Cipher, length: usize, shape: &Shape) {
    assert_eq!(take::<P>(cipher, length, shape), (None, vec![messages::unimplemented(0)]), "{cipher:?} {shape:?}");
}

/// The end for this reason, with the words that are the same for all.
fn refused<P: Party>(cipher: Cipher, length: usize, shape: &Shape, reason: impl Into<Error>) {
    let (error, said) = take::<P>(cipher, length, shape);
    assert_eq!(error, Some(reason.into()), "{cipher:?} {shape:?}");
    assert_eq!(said, [messages::disconnect(5, "damaged packet")], "{cipher:?} {shape:?}");
}

fn for_all(test: impl Fn(Cipher), other_test: impl Fn(Cipher)) {
    for cipher in Cipher::ALL {
        test(cipher);
        other_test(cipher);
    }
}

/// Four bytes at least, 255 at most, up to a multiple of the block; of which bytes, nobody cares.
fn paddings<P: Party>(cipher: Cipher) {
    let (block, counts_length) = keyed::<P>(cipher).peer.sending.seal.block();
    let short = (1..=16).flat_map(|length| (0..8).map(move |padding| (length, padding)));
    for (length, padding) in (0..=255).map(|padding| (LENGTH, padding)).chain(short) {
        let shape = Shape { padding: Some(vec![0; padding]), ..Shape::default() };
        let packet_length = 1 + length + padding;
        if !(packet_length + if counts_length { 4 } else { 0 }).is_multiple_of(block) {
            refused::<P>(cipher, length, &shape, PeerMisbehaved::PacketLength(packet_length as u32));
        } else if padding < 4 {
            refused::<P>(cipher, length, &shape, PeerMisbehaved::Padding);
        } else {
            accepted::<P>(cipher, length, &shape);
        }
    }
}

#[test]
fn padding_fills_blocks() {
    for_all(paddings::<ClientRole>, paddings::<ServerRole>);
}

/// `padding_length` may claim part of the payload, but not its number.
fn padding_lengths<P: Party>(cipher: Cipher) {
    let (block, counts_length) = keyed::<P>(cipher).peer.sending.seal.block();
    let unpadded = 1 + LENGTH + if counts_length { 4 } else { 0 };
    let padding = 2 * block - unpadded;
    for said in 0..=255 {
        let shape = Shape { padding: Some(vec![0; padding]), padding_length: Some(said), ..Shape::default() };
        if (4..LENGTH + padding).contains(&usize::from(said)) {
            accepted::<P>(cipher, LENGTH, &shape);
        } else {
            refused::<P>(cipher, LENGTH, &shape, PeerMisbehaved::Padding);
        }
    }
}

#[test]
fn padding_lengths_leave_a_payload() {
    for_all(padding_lengths::<ClientRole>, padding_lengths::<ServerRole>);
}

/// Judged before the packet is there: under no cipher can one be of these lengths.
fn packet_lengths<P: Party>(cipher: Cipher) {
    for length in [0, 1, 2, 3, 4, 13, 65_537, 0x7fff_ffff, 0x8000_0000, u32::MAX - 3, u32::MAX] {
        let shape = Shape { packet_length: Some(length), ..Shape::default() };
        refused::<P>(cipher, LENGTH, &shape, PeerMisbehaved::PacketLength(length));
    }
}

#[test]
fn impossible_lengths_are_refused() {
    for_all(packet_lengths::<ClientRole>, packet_lengths::<ServerRole>);
}

fn sequence_numbers<P: Party>(cipher: Cipher) {
    for number in [1, 2, u32::MAX] {
        let shape = Shape { sequence_number: Some(number), ..Shape::default() };
        match cipher {
            // It counts for itself (RFC 5647 §7.1).
            Cipher::Aes128Gcm | Cipher::Aes256Gcm => accepted::<P>(cipher, LENGTH, &shape),
            // Another number makes the length any number.
            Cipher::ChaCha20Poly1305 => {
                let (error, said) = take::<P>(cipher, LENGTH, &shape);
                let length = matches!(error, Some(Error::PeerMisbehaved(PeerMisbehaved::PacketLength(_))));
                assert!(length || error == Some(Error::Integrity), "{error:?}");
                assert_eq!(said, [messages::disconnect(5, "damaged packet")]);
            }
            _ => refused::<P>(cipher, LENGTH, &shape, Error::Integrity),
        }
    }
}

#[test]
fn sequence_numbers_are_authenticated() {
    for_all(sequence_numbers::<ClientRole>, sequence_numbers::<ServerRole>);
}
