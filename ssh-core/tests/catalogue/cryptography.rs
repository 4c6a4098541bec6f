//! Values of key exchanges that are not what they should be, and keys that must never be used twice.

use std::collections::BTreeSet;
use std::sync::Mutex;

use hostile_peer::{Ephemeral, Method};
use ssh_core::crypto::cipher::{self, OpenPacket, PacketKeys, PacketLayout, SealPacket};
use ssh_core::crypto::kex::KexError;
use ssh_core::{ClientRole, PeerMisbehaved, ServerRole};

use crate::common::assault::refuses_public_value;
use crate::common::hostile::{Party, WithClient};
use crate::common::{Pair, Setup};

fn wrong(error: KexError) -> PeerMisbehaved {
    PeerMisbehaved::KeyExchange(error)
}

/// Every point of X25519 that is of low order, and each again with the bit that RFC 7748 §5 has ignored.
fn low_order_points() -> Vec<[u8; 32]> {
    let mut one = [0; 32];
    one[0] = 1;
    let eight = hex_literal::hex!("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
    let other_eight = hex_literal::hex!("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157");
    let near_p = |last: u8| {
        let mut point = [0xff; 32];
        (point[0], point[31]) = (last, 0x7f);
        point
    };
    let mut points = vec![[0; 32], one, eight, other_eight, near_p(0xec), near_p(0xed), near_p(0xee)];
    for at in 0..points.len() {
        let mut ignored = points[at];
        ignored[31] |= 0x80;
        points.push(ignored);
    }
    points
}

/// CR-01: a point of low order forces the secret, in the plain method and inside the hybrid one, on both sides.
#[test]
fn points_of_low_order() {
    let hybrid = Ephemeral::new(Method::MlKem768X25519, [3; 32]).offer();
    for point in low_order_points() {
        refuses_public_value::<ServerRole>(Method::Curve25519, &point, wrong(KexError::WeakSharedSecret));
        refuses_public_value::<ClientRole>(Method::Curve25519, &point, wrong(KexError::WeakSharedSecret));
        if cfg!(feature = "pq") {
            let offer = [&hybrid[..1184], &point].concat();
            refuses_public_value::<ServerRole>(Method::MlKem768X25519, &offer, wrong(KexError::WeakSharedSecret));
            let answer = [&[7; 1088], &point[..]].concat();
            refuses_public_value::<ClientRole>(Method::MlKem768X25519, &answer, wrong(KexError::WeakSharedSecret));
        }
    }
}

/// CR-02, CR-07: values of every length but the right one.
#[test]
fn values_of_the_wrong_length() {
    for length in [0, 1, 31, 33, 64] {
        let value = vec![9; length];
        refuses_public_value::<ServerRole>(Method::Curve25519, &value, wrong(KexError::MalformedPublicValue));
        refuses_public_value::<ClientRole>(Method::Curve25519, &value, wrong(KexError::MalformedPublicValue));
    }
    if cfg!(feature = "pq") {
        let offer = Ephemeral::new(Method::MlKem768X25519, [3; 32]).offer();
        for value in [&offer[..1215], &[&offer[..], &[0]].concat(), &offer[..1184], &offer[..32], b""] {
            refuses_public_value::<ServerRole>(Method::MlKem768X25519, value, wrong(KexError::MalformedPublicValue));
        }
        for length in [0, 32, 1088, 1119, 1121, 1216] {
            let value = vec![9; length];
            refuses_public_value::<ClientRole>(Method::MlKem768X25519, &value, wrong(KexError::MalformedPublicValue));
        }
    }
}

/// CR-07: an encapsulation key whose coefficients are not reduced (FIPS 203 §7.2) is none. A cipher text of nobody gives
/// another secret without a word, and then the signature does not fit.
#[cfg(feature = "pq")]
#[test]
fn values_of_the_hybrid_method_that_are_none() {
    use hostile_peer::{Cipher, Key, Step, messages, strings};
    use ssh_core::crypto::signature::SignatureError;

    let mut offer = Ephemeral::new(Method::MlKem768X25519, [3; 32]).offer();
    offer[..3].fill(0xff);
    refuses_public_value::<ServerRole>(Method::MlKem768X25519, &offer, wrong(KexError::InvalidPublicValue));
    let answer = [&[7; 1088][..], &messages::BASEPOINT].concat();
    let signature = strings(&[&b"ssh-ed25519"[..], &[0; 64]]);
    let mut meeting = WithClient::new(
        crate::common::assault::peer::<ClientRole>(Method::MlKem768X25519, Cipher::Aes128Gcm),
        Setup::new(1),
    );
    meeting.exchange(Step::KexInit);
    meeting.say(&messages::kex_ecdh_reply(&Key::from_seed([7; 32]).blob(), &answer, &signature));
    meeting.only_ends_with(PeerMisbehaved::HostKey(SignatureError::Invalid));
}

/// CR-03: points that are not on the curve, infinity, compressed forms, other curves' points and coordinates beyond the
/// field, on both sides.
#[test]
fn points_that_are_not_on_the_curve() {
    let curves = [(Method::Nistp256, 32), (Method::Nistp384, 48), (Method::Nistp521, 66)];
    for (method, size) in curves {
        let good = Ephemeral::new(method, [3; 32]).offer();
        assert_eq!(good.len(), 1 + 2 * size);
        let mut off_curve = good.clone();
        off_curve[2 * size] ^= 1;
        let with_form = |form: u8, length: usize| [&[form], &good[1..length]].concat();
        let others = curves.iter().filter(|(other, _)| *other != method);
        let others = others.map(|(other, _)| Ephemeral::new(*other, [3; 32]).offer());
        let cases = [
            off_curve,
            [&[4][..], &vec![0xff; 2 * size]].concat(),
            [&[4][..], &vec![0; 2 * size]].concat(),
            with_form(2, 1 + size),
            with_form(3, 1 + size),
            with_form(6, 1 + 2 * size),
            with_form(0, 1 + 2 * size),
            vec![0],
            vec![],
            good[..2 * size].to_vec(),
            [&good[..], &[0]].concat(),
        ];
        for value in cases.into_iter().chain(others) {
            refuses::<ServerRole>(method, &value);
            refuses::<ClientRole>(method, &value);
        }
    }
}

/// The value has the wrong form, or the right one and is no point.
fn refuses<P: Party>(method: Method, value: &[u8]) {
    let whole = Ephemeral::new(method, [3; 32]).offer().len();
    let uncompressed = value.len() == whole && value[0] == 4;
    let error = if uncompressed { KexError::InvalidPublicValue } else { KexError::MalformedPublicValue };
    refuses_public_value::<P>(method, value, wrong(error));
}

/// Seals like AES-128-GCM and writes down what it was given.
struct Watched;

/// Keys with their initial values, and the sequence numbers each was used with.
static SEEN: Mutex<BTreeSet<(Vec<u8>, Vec<u8>)>> = Mutex::new(BTreeSet::new());

struct WatchedSealer {
    inner: Box<dyn SealPacket>,
    last: Option<u32>,
}

impl cipher::Cipher for Watched {
    fn name(&self) -> &'static str {
        cipher::AES128_GCM.name()
    }
    fn key_length(&self) -> usize {
        cipher::AES128_GCM.key_length()
    }
    fn iv_length(&self) -> usize {
        cipher::AES128_GCM.iv_length()
    }
    fn block_length(&self) -> usize {
        cipher::AES128_GCM.block_length()
    }
    fn authenticates(&self) -> bool {
        true
    }
    fn opener(&self, keys: PacketKeys<'_>) -> Box<dyn OpenPacket> {
        cipher::AES128_GCM.opener(keys)
    }
    fn sealer(&self, keys: PacketKeys<'_>) -> Box<dyn SealPacket> {
        let fresh = SEEN.lock().expect("nobody panicked").insert((keys.key.to_vec(), keys.iv.to_vec()));
        assert!(fresh, "a key and its initial value were used before");
        Box::new(WatchedSealer { inner: cipher::AES128_GCM.sealer(keys), last: None })
    }
}

impl SealPacket for WatchedSealer {
    fn layout(&self) -> PacketLayout {
        self.inner.layout()
    }
    fn seal(&mut self, sequence_number: u32, packet: &mut [u8]) {
        assert!(self.last.is_none_or(|last| sequence_number == last + 1), "each packet has a number of its own");
        self.last = Some(sequence_number);
        self.inner.seal(sequence_number, packet);
    }
}

/// CR-21: no key is ever used twice with one number: keys change with their counters, both directions have their own, and
/// within a key the numbers only rise.
#[test]
fn no_key_meets_a_number_twice() {
    let watched = |setup: Setup| {
        setup.quick().algorithms(|lists| {
            lists.ciphers = vec![&Watched];
        })
    };
    let mut pair = Pair::logged_in(watched(Setup::new(1)));
    for turn in 0..40 {
        match turn % 3 {
            0 => pair.client.rekey().unwrap(),
            1 => pair.server.rekey().unwrap(),
            _ => {
                pair.client.rekey().unwrap();
                pair.server.rekey().unwrap();
            }
        }
        pair.client.global_request(b"keepalive@openssh.com", b"").unwrap();
        assert_eq!(pair.rekeyed(), (1, 1));
    }
    let keys: BTreeSet<Vec<u8>> = SEEN.lock().unwrap().iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys.len(), 2 * 41, "two directions, the first keys and forty times fresh ones");
}

/// CR-29: nothing that is broken is offered by default.
#[test]
fn nothing_broken_is_offered() {
    let mut meeting = WithClient::quick(true);
    let setup = Setup::new(1);
    meeting.endpoint = <ClientRole as Party>::start(setup);
    meeting.settle();
    let kexinit = meeting.peer.payloads().remove(0);
    let lists = hostile_peer::Lists::parse(&kexinit).unwrap();
    for name in lists.0.iter().take(6).flatten() {
        // HMAC is sound with SHA-1 too, and OpenSSH offers it.
        let name = name.replace("hmac-sha1", "hmac");
        for broken in ["none", "cbc", "3des", "arcfour", "md5", "sha1", "-96", "dss", "group1-", "blowfish", "cast128"]
        {
            assert!(!name.contains(broken), "{name}");
        }
        assert!(!name.starts_with("ssh-rsa"));
    }
    assert!(lists.0[6..8].iter().all(|list| list == &["none"]), "no compression");
}
