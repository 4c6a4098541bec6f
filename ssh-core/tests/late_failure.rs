//! CBC and a MAC over the plain packet (CVE-2008-5161): wherever a packet is wrong, nothing shows before as much has
//! arrived as the largest packet has, and then always the same.

mod common;

use common::{Pair, Setup};
use ssh_core::crypto::cipher::{self, Cipher};
use ssh_core::crypto::mac::{self, Mac};
use ssh_core::wire::DisconnectReason;
use ssh_core::{ClientEvent, CloseReason, Error, Limits, Server, ServerEvent};

type Suite = (&'static dyn Cipher, &'static dyn Mac);

fn pair((cipher, mac): Suite) -> Pair {
    Pair::logged_in(Setup::new(1).quick().algorithms(|lists| {
        lists.ciphers = vec![cipher];
        lists.macs = vec![mac];
    }))
}

/// A packet of the client's, and what the server makes of it and of what follows.
struct Damaged {
    pair: Pair,
    packet: Vec<u8>,
}

impl Damaged {
    fn new(suite: Suite, damage: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut pair = pair(suite);
        pair.client.global_request(b"ask@example.com", &[0; 200]).unwrap();
        let mut packet = pair.client.poll_output().to_vec();
        damage(&mut packet);
        Self { pair, packet }
    }

    /// Gives the server the packet and whatever else, a piece at a time; how many bytes it took until it gave up, and
    /// how.
    fn ends(&mut self, piece: usize) -> (usize, CloseReason, Vec<u8>) {
        let server = &mut self.pair.server;
        let mut stream = self.packet.clone();
        stream.resize(1 << 20, 0x55);
        let mut taken = 0;
        for piece in stream.chunks(piece) {
            taken += server.handle_input(piece);
            if let Some(ServerEvent::Closed(reason)) = server.poll_event() {
                return (taken, reason, server.poll_output().to_vec());
            }
        }
        panic!("it never noticed");
    }
}

fn feed(server: &mut Server, bytes: &[u8]) {
    assert_eq!(server.handle_input(bytes), bytes.len());
}

const CHAINED: [Suite; 4] = [
    (cipher::AES128_CBC, mac::HMAC_SHA2_256),
    (cipher::AES256_CBC, mac::HMAC_SHA1_96),
    (cipher::TRIPLE_DES_CBC, mac::UMAC_64),
    (cipher::BLOWFISH_CBC, mac::HMAC_MD5),
];

#[test]
fn every_damage_ends_alike() {
    for suite in CHAINED {
        let largest = {
            let whole = Limits::default().max_packet as usize + 4;
            whole - whole % suite.0.block_length() + suite.1.tag_length()
        };
        // The length, in its highest and lowest byte, what decrypts to padding and payload, and the tag.
        let places = [0, 1, 2, 3, 4, 9, 20, 100, usize::MAX];
        for place in places {
            for piece in [1000, 1] {
                if piece == 1 && place != 3 {
                    continue;
                }
                let mut damaged = Damaged::new(suite, |packet| {
                    let at = place.min(packet.len() - 1);
                    packet[at] ^= 0x41;
                });
                let (taken, reason, output) = damaged.ends(piece);
                assert_eq!(reason, CloseReason::Failed(Error::Integrity), "{suite:?} at {place}");
                assert!((largest..largest + piece).contains(&taken), "{suite:?} at {place}: {taken}");
                let client = &mut damaged.pair.client;
                client.handle_input(&output);
                let told = std::iter::from_fn(|| client.poll_event()).last();
                let Some(ClientEvent::Closed(CloseReason::Failed(error))) = told else { panic!("{told:?}") };
                let Error::Disconnected { reason, description, .. } = error else { panic!("{error}") };
                assert_eq!((reason, &*description.to_string()), (DisconnectReason::MAC_ERROR, "damaged packet"));
            }
        }
    }
}

/// Where the tag is verified before anything is decrypted, and where no block depends on another, nothing is gained by
/// waiting.
#[test]
fn others_fail_at_once() {
    let suites = [
        (cipher::AES128_CBC, mac::HMAC_SHA2_256_ETM),
        (cipher::TRIPLE_DES_CBC, mac::UMAC_64_ETM),
        (cipher::AES128_CTR, mac::HMAC_SHA2_256),
        (cipher::ARCFOUR, mac::HMAC_MD5),
    ];
    for suite in suites {
        let (taken, reason, _) = Damaged::new(suite, |packet| packet[40] ^= 1).ends(1000);
        assert_eq!((taken, reason), (1000, CloseReason::Failed(Error::Integrity)), "{suite:?}");
    }
}

/// A client that goes away instead is a lost connection, and a packet that is whole is none of this.
#[test]
fn the_end_of_the_stream_is_the_end() {
    let mut damaged = Damaged::new(CHAINED[0], |packet| packet[0] ^= 0x41);
    let packet = damaged.packet.clone();
    let server = &mut damaged.pair.server;
    feed(server, &packet);
    assert!(server.poll_event().is_none() && server.wants_input());
    server.handle_eof();
    let Some(ServerEvent::Closed(CloseReason::Failed(Error::ConnectionLost { .. }))) = server.poll_event() else {
        panic!("not lost")
    };
    let mut whole = Damaged::new(CHAINED[0], |_| ());
    let packet = whole.packet.clone();
    feed(&mut whole.pair.server, &packet);
    assert!(matches!(whole.pair.server.poll_event(), Some(ServerEvent::Global(_))));
}
