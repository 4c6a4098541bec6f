//! Somebody between two honest endpoints who knows where packets begin: drops, repeats, delays and reflects them, and
//! tries Terrapin.

mod common;

use common::Setup;
use common::hostile::{Meeting, Party, WithClient, WithServer};
use common::session::{Harm, Session, TO_CLIENT, TO_SERVER, Witness};
use hostile_peer::{Cipher, Method, Peer, Step, clear_packet, messages};
use ssh_core::crypto::{cipher, kex, mac};
use ssh_core::wire::MessageNumber;
use ssh_core::{ClientEvent, ClientRole, CloseReason, Error, PeerMisbehaved, ServerRole, Stage};

type Suite = (&'static dyn cipher::Cipher, &'static dyn mac::Mac);

const SUITES: [Suite; 7] = [
    (cipher::CHACHA20_POLY1305, mac::HMAC_SHA2_256),
    (cipher::AES128_GCM, mac::HMAC_SHA2_256),
    (cipher::AES128_CTR, mac::HMAC_SHA2_256),
    (cipher::AES128_CTR, mac::HMAC_SHA2_256_ETM),
    (cipher::AES256_CTR, mac::UMAC_64),
    (cipher::TRIPLE_DES_CBC, mac::UMAC_128_ETM),
    (cipher::ARCFOUR256, mac::HMAC_SHA1_96),
];

fn setup((cipher, mac): Suite) -> Setup {
    Setup::new(1).algorithms(|lists| {
        lists.kex = vec![kex::CURVE25519_SHA256];
        lists.ciphers = vec![cipher];
        lists.macs = vec![mac];
    })
}

/// Where the stream of `direction` stops being what was sent, if the harm is not a reflection.
fn began(harm: &Harm, log: &[u8]) -> usize {
    match harm {
        Harm::DropPacket(_, packet) | Harm::Delay(_, packet, _) => packet.start,
        Harm::Replay(_, _, after) => *after,
        _ => log.len(),
    }
}

/// Whoever hears something out of place ends the connection or waits for what does not come; it never learns more than
/// what arrived before, and the client never takes it for an ordinary end.
fn judge(suite: Suite, witness: &Witness, harm: &Harm) {
    let direction = harm.direction();
    let log = &witness.session.log[direction];
    let mut session = Session::run(setup(suite), harm);
    let began = session.began.unwrap_or_else(|| began(harm, log));
    session.ends_in_time();
    if began == log.len() {
        assert!(session.succeeded(), "{harm:?}");
        return;
    }
    assert!(!session.succeeded() || direction == TO_SERVER, "{harm:?}");
    assert_eq!(session.known[direction], witness.knew[direction][began], "{harm:?}");
    match &session.closed[direction] {
        Some(CloseReason::Failed(_)) => {}
        // The client's DISCONNECT is lost, but it has no channel any more: it may leave without a word.
        Some(CloseReason::Peer) => {
            let last = matches!(harm, Harm::DropPacket(TO_SERVER, packet) if packet.end == log.len());
            assert!(last, "{harm:?}");
        }
        // Nothing came after what was lost: to a user who is in, a silent peer is no error.
        None => {
            assert!(matches!(harm, Harm::DropPacket(..) | Harm::Delay(..)), "{harm:?}: nobody noticed");
            assert!(session.known[0].authenticated && session.known[1].authenticated, "{harm:?}");
        }
        Some(other) => panic!("{harm:?}: {other:?}"),
    }
}

#[test]
fn packets_lost_repeated_delayed_or_reflected() {
    let mut runs = 0;
    for suite in SUITES {
        let witness = Session::witness(setup(suite), 1);
        assert!(witness.session.succeeded());
        for direction in [TO_SERVER, TO_CLIENT] {
            let packets = witness.packets(direction);
            assert!(packets.len() >= 8, "{packets:?}");
            assert_eq!(packets.last().unwrap().end, witness.session.log[direction].len());
            for (index, packet) in packets.iter().enumerate() {
                let mut harms =
                    vec![Harm::DropPacket(direction, packet.clone()), Harm::Reflect(direction, packet.clone())];
                harms.extend(packets[index..].iter().map(|each| Harm::Replay(direction, packet.clone(), each.end)));
                harms.extend(packets[index + 1..].iter().map(|each| Harm::Delay(direction, packet.clone(), each.end)));
                runs += harms.len();
                harms.iter().for_each(|harm| judge(suite, &witness, harm));
            }
        }
    }
    println!("{runs} runs");
    assert!(runs > 800);
}

fn unexpected(number: MessageNumber) -> CloseReason {
    let during = Stage::KeyExchange;
    CloseReason::Failed(PeerMisbehaved::UnexpectedMessage { number, during }.into())
}

/// A peer and an endpoint whose key exchange is done but for the peer's NEWKEYS.
fn before_newkeys<P: Party>(strict: bool, setup: Setup) -> Meeting<P> {
    let peer = Peer::new(P::PEER, Method::Curve25519, Cipher::ChaCha20Poly1305).with(|offer| offer.strict = strict);
    let mut meeting = Meeting::<P>::new(peer, setup);
    meeting.exchange(Step::Method);
    meeting
}

/// CVE-2023-48795: `added` goes in before NEWKEYS, and the peer's first packet under the keys is taken out.
fn terrapin<P: Party>(meeting: &mut Meeting<P>, added: &[u8]) {
    meeting.deliver(&clear_packet(added));
    meeting.peer.say(Step::NewKeys);
    let newkeys = meeting.peer.take_output();
    meeting.peer.send(&messages::ext_info(&[("server-sig-algs", "rsa-sha2-512")]));
    let taken = meeting.peer.take_output();
    assert!(!taken.is_empty());
    meeting.deliver(&newkeys);
    meeting.settle();
}

/// The messages that a loose exchange ignores.
fn fillers() -> [(MessageNumber, Vec<u8>); 3] {
    [
        (MessageNumber::IGNORE, messages::ignore(b"")),
        (MessageNumber::UNIMPLEMENTED, messages::unimplemented(0)),
        (MessageNumber::DEBUG, messages::debug("")),
    ]
}

#[test]
fn terrapin_ends_strict_connections() {
    for (number, filler) in fillers() {
        let mut client: WithClient = before_newkeys(true, Setup::new(1));
        terrapin(&mut client, &filler);
        assert_eq!(client.closed(), Some(unexpected(number)));
        let mut server: WithServer = before_newkeys(true, Setup::new(1));
        terrapin(&mut server, &filler);
        assert_eq!(server.closed(), Some(unexpected(number)));
    }
}

/// Without the filler the keys are fresh and the gap shows, strict or not.
#[test]
fn a_packet_cannot_be_taken_out_alone() {
    fn run<P: Party>(strict: bool) {
        let mut meeting: Meeting<P> = before_newkeys(strict, Setup::new(1));
        meeting.peer.say(Step::NewKeys);
        let newkeys = meeting.peer.take_output();
        meeting.peer.send(&messages::ext_info(&[]));
        meeting.peer.take_output();
        meeting.deliver(&newkeys);
        meeting.say(&messages::ignore(b""));
        let reason = meeting.closed().expect("the end");
        // Under another sequence number the length is any number.
        let length = matches!(
            reason,
            CloseReason::Failed(Error::PeerMisbehaved(PeerMisbehaved::PacketLength(_)) | Error::Integrity)
        );
        assert!(length, "{reason:?}");
    }
    for strict in [true, false] {
        run::<ClientRole>(strict);
        run::<ServerRole>(strict);
    }
}

/// What strictness is there for: with a peer that does not know it, the attack goes unnoticed.
#[test]
fn terrapin_deceives_loose_connections() {
    for (_, filler) in fillers() {
        let mut client: WithClient = before_newkeys(false, Setup::new(1));
        terrapin(&mut client, &filler);
        client.peer.payloads();
        client.peer.accept_service();
        client.settle();
        assert!(matches!(client.event(), ClientEvent::AuthNeeded(_)));
        assert_eq!(client.closed(), None);
        let mut server: WithServer = before_newkeys(false, Setup::new(1));
        terrapin(&mut server, &filler);
        server.peer.payloads();
        server.peer.request_service();
        server.settle();
        assert_eq!(server.peer.numbers(), [6]);
        assert_eq!(server.closed(), None);
    }
}

/// Whoever cannot accept that refuses such peers, before a key is made.
#[test]
fn loose_peers_can_be_refused() {
    fn run<P: Party>() {
        for strict in [true, false] {
            let setup = Setup::new(1).configure(|client, server| {
                client.require_strict_kex = true;
                server.require_strict_kex = true;
            });
            let mut meeting: Meeting<P> = before_newkeys(strict, setup);
            let refused = CloseReason::Failed(Error::StrictKexRequired);
            assert_eq!(meeting.closed(), (!strict).then_some(refused));
            assert_eq!(meeting.peer.numbers().contains(&21), strict);
        }
    }
    run::<ClientRole>();
    run::<ServerRole>();
}
