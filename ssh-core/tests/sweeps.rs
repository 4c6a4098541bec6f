//! Every byte and every bit of a whole session, one at a time: cut, flipped, lost, doubled, added. Whatever the network
//! does, each end is typed, and an application knows exactly what arrived unharmed before.

mod common;

use common::Setup;
use common::memo::memo;
use common::session::{Harm, Session, TO_CLIENT, TO_SERVER, Witness};
use ssh_core::crypto::cipher::{AES128_CTR, AES128_GCM, CHACHA20_POLY1305, Cipher};
use ssh_core::crypto::kex::{self, KeyExchange};
use ssh_core::crypto::mac::{HMAC_SHA2_256, HMAC_SHA2_256_ETM, Mac};
use ssh_core::{CloseReason, Error};

type Suite = (&'static dyn KeyExchange, &'static dyn Cipher, &'static dyn Mac);

static METHODS: &[&dyn KeyExchange] = &[
    kex::CURVE25519_SHA256,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    #[cfg(feature = "pq")]
    kex::MLKEM768X25519_SHA256,
];

fn setup((kex, cipher, mac): Suite) -> Setup {
    Setup::new(1).algorithms(|lists| {
        lists.kex = vec![kex];
        lists.ciphers = vec![cipher];
        lists.macs = vec![mac];
    })
}

fn witness(suite: Suite) -> Witness {
    let witness = Session::witness(setup(suite), 1);
    assert!(witness.session.succeeded());
    witness
}

/// One method under all ciphers: the two that authenticate, and one with a MAC.
fn suites(kex: &'static dyn KeyExchange) -> [Suite; 3] {
    let kex = memo(kex);
    [(kex, CHACHA20_POLY1305, HMAC_SHA2_256), (kex, AES128_GCM, HMAC_SHA2_256), (kex, AES128_CTR, HMAC_SHA2_256_ETM)]
}

/// The stream ends after every single byte, in both directions.
fn cut(suite: Suite) {
    let witness = witness(suite);
    let runs: usize = witness.session.log.iter().map(Vec::len).sum();
    println!("{suite:?}: {runs} runs");
    for direction in [TO_SERVER, TO_CLIENT] {
        for offset in 0..witness.session.log[direction].len() {
            let session = Session::run(setup(suite), &Harm::Cut(direction, offset));
            let reason = session.closed[direction].as_ref().unwrap_or_else(|| panic!("{direction} {offset}: hangs"));
            match reason {
                CloseReason::Failed(Error::ConnectionLost { .. } | Error::NotSsh { .. }) => {}
                // The server's last words are lost after the client's are said; the client's end is its own.
                CloseReason::Local if direction == TO_CLIENT => assert!(session.succeeded(), "{offset}"),
                // A client that has no channel may leave without a word; a server may not leave a command unanswered.
                CloseReason::Peer => {
                    assert!(direction == TO_SERVER && witness.ends[direction].contains(&offset), "{offset}");
                }
                other => panic!("{direction} {offset}: {other:?}"),
            }
            assert!(session.succeeded() || session.closed[1] != Some(CloseReason::Local));
            if direction == TO_CLIENT && !session.succeeded() {
                assert!(session.closed[1].as_ref().unwrap().error().is_some(), "{offset}: a false end");
            }
            assert_eq!(session.known[direction], witness.knew[direction][offset], "{direction} {offset}");
        }
    }
}

fn cut_all(kex: &'static dyn KeyExchange) {
    suites(kex).into_iter().for_each(cut);
}

#[test]
fn cut_after_every_byte_with_curve25519() {
    cut_all(kex::CURVE25519_SHA256);
}

#[test]
fn cut_after_every_byte_with_nistp256() {
    cut_all(kex::ECDH_SHA2_NISTP256);
}

#[test]
fn cut_after_every_byte_with_nistp384() {
    cut_all(kex::ECDH_SHA2_NISTP384);
}

#[test]
fn cut_after_every_byte_with_nistp521() {
    cut_all(kex::ECDH_SHA2_NISTP521);
}

#[cfg(feature = "pq")]
#[test]
fn cut_after_every_byte_with_mlkem768x25519() {
    cut_all(kex::MLKEM768X25519_SHA256);
}

/// Where the packets in the clear end, and which bytes of them are padding, which nothing covers.
fn clear_part(log: &[u8]) -> (usize, Vec<usize>) {
    let mut at = log.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let mut paddings = Vec::new();
    loop {
        let length = u32::from_be_bytes(log[at..at + 4].try_into().unwrap()) as usize;
        let (padding, number) = (usize::from(log[at + 4]), log[at + 5]);
        at += 4 + length;
        paddings.extend(at - padding..at);
        if number == 21 {
            return (at, paddings);
        }
    }
}

/// Where the stream that arrives first differs from `log`.
fn first_difference(harm: &Harm, log: &[u8]) -> usize {
    let mut arriving = log.to_vec();
    match *harm {
        Harm::Flip(_, at, bit) => arriving[at] ^= 1 << bit,
        Harm::Drop(_, at) => drop(arriving.remove(at)),
        Harm::Double(_, at) => arriving.insert(at, log[at]),
        Harm::Insert(_, at, byte) => arriving.insert(at, byte),
        _ => panic!("{harm:?}"),
    }
    arriving.iter().zip(log).take_while(|(one, other)| one == other).count()
}

/// No session survives a change of its bytes: neither in the clear part, which the host key's signature covers, nor under
/// the keys; and nothing of a changed packet comes out.
fn harm(suite: Suite, kinds: &[&dyn Fn(usize, usize) -> Harm]) {
    let witness = witness(suite);
    let mut runs = 0;
    for direction in [TO_SERVER, TO_CLIENT] {
        let log = &witness.session.log[direction];
        let (clear_end, paddings) = clear_part(log);
        assert!((300..4000).contains(&clear_end) && clear_end < log.len());
        for offset in (0..log.len()).filter(|offset| !paddings.contains(offset)) {
            for kind in kinds {
                let harm = kind(direction, offset);
                // RFC 4253 §4.2: an identification may end in LF alone, and no line end is hashed.
                if matches!(harm, Harm::Drop(..)) && log[offset..].starts_with(b"\r\n") && offset < 255 {
                    continue;
                }
                let mut session = Session::run(setup(suite), &harm);
                runs += 1;
                let began = first_difference(&harm, log);
                // The client's last words may be harmed after it got all it wanted; the server notices that.
                assert!(!session.succeeded() || direction == TO_SERVER || began == log.len(), "{harm:?}");
                session.ends_in_time();
                assert_eq!(session.known[direction], witness.knew[direction][began], "{harm:?}");
                let harmed = session.closed[direction].as_ref();
                if began < clear_end {
                    assert!(!session.known[0].authenticated && !session.known[1].authenticated, "{harm:?}");
                    assert!(session.closed.iter().flatten().all(|reason| reason.error().is_some()), "{harm:?}");
                }
                if let Some(reason) = harmed {
                    assert!(began == log.len() || reason.error().is_some(), "{harm:?}: {reason:?}");
                }
                let both = session.known[0].authenticated && session.known[1].authenticated;
                assert!(harmed.is_some() || both, "{harm:?}: nobody noticed");
            }
        }
    }
    println!("{suite:?}: {runs} runs");
}

fn every_bit(kex: &'static dyn KeyExchange, cipher: &'static dyn Cipher, mac: &'static dyn Mac) {
    let flips: Vec<_> = (0..8).map(|bit| move |direction, offset| Harm::Flip(direction, offset, bit)).collect();
    let flips: Vec<&dyn Fn(usize, usize) -> Harm> = flips.iter().map(|flip| flip as _).collect();
    harm((memo(kex), cipher, mac), &flips);
}

#[test]
fn every_bit_flipped_under_chacha20_poly1305() {
    every_bit(kex::CURVE25519_SHA256, CHACHA20_POLY1305, HMAC_SHA2_256);
}

#[test]
fn every_bit_flipped_under_aes128_gcm() {
    every_bit(kex::CURVE25519_SHA256, AES128_GCM, HMAC_SHA2_256);
}

#[test]
fn every_bit_flipped_under_aes128_ctr() {
    every_bit(kex::CURVE25519_SHA256, AES128_CTR, HMAC_SHA2_256);
}

#[test]
fn every_bit_flipped_under_aes128_ctr_encrypt_then_mac() {
    every_bit(kex::CURVE25519_SHA256, AES128_CTR, HMAC_SHA2_256_ETM);
}

/// The values of these methods are long, and each change of them costs an agreement.
#[test]
fn a_bit_of_every_byte_flipped_with_other_methods() {
    for method in METHODS.iter().skip(1) {
        let flip = |direction, offset| Harm::Flip(direction, offset, (offset % 8) as u8);
        harm((memo(*method), AES128_GCM, HMAC_SHA2_256), &[&flip]);
    }
}

#[test]
fn every_byte_lost_doubled_or_added() {
    for suite in suites(kex::CURVE25519_SHA256) {
        harm(suite, &[&Harm::Drop, &Harm::Double, &|direction, offset| Harm::Insert(direction, offset, 0)]);
    }
}

/// However the bytes are cut, the same bytes leave and the same things happen.
#[test]
fn single_bytes_are_as_good_as_a_whole() {
    for suite in METHODS.iter().flat_map(|method| suites(*method)) {
        let [single, whole] = [1, usize::MAX].map(|chunk| Session::witness(setup(suite), chunk).session);
        assert!(whole.succeeded() && single.succeeded());
        assert_eq!(single.log, whole.log, "{suite:?}");
        assert_eq!(single.events, whole.events, "{suite:?}");
        assert!(whole.events.iter().all(|events| events.len() > 4));
    }
}
