use alloc::vec::Vec;

use super::*;
use crate::random::ChaChaRandom;

fn key() -> DsaPrivateKey {
    DsaPrivateKey::generate(&mut ChaChaRandom::from_seed(&[2; 32])).unwrap()
}

#[test]
fn signs_and_verifies() {
    let key = key();
    let blob = key.public_blob();
    assert_eq!((SSH_DSS.check_key(&blob), SSH_DSS.key_bits(&blob)), (Ok(()), Some(1024)));
    for message in [&b""[..], b"a", b"another message"] {
        let signature = key.sign(message).unwrap();
        assert_eq!(SSH_DSS.verify(&blob, message, &signature).map(drop), Ok(()));
        assert_eq!(SSH_DSS.verify(&blob, b"x", &signature), Err(SignatureError::Invalid));
        for at in signature.len() - 2 * HALF..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 0x10;
            assert_eq!(SSH_DSS.verify(&blob, message, &changed), Err(SignatureError::Invalid), "byte {at}");
        }
    }
}

/// RFC 4253 §6.6: two numbers of 160 bits, and nothing else.
#[test]
fn malformed_signatures() {
    let blob = key().public_blob();
    let verify = |content: &[u8]| SSH_DSS.verify(&blob, b"m", &blob::seal_signature(NAME, content)).map(drop);
    for length in [0, 20, 39, 41, 48] {
        assert_eq!(verify(&[1].repeat(length)), Err(SignatureError::MalformedSignature), "{length}");
    }
    let halves = |r: u8, s: u8| [[r; HALF], [s; HALF]].concat();
    for (r, s) in [(0, 1), (1, 0), (0, 0), (0xff, 1), (1, 0xff)] {
        assert_eq!(verify(&halves(r, s)), Err(SignatureError::Invalid), "{r} {s}");
    }
}

#[test]
fn numbers_that_are_no_key() {
    let blob = key().public_blob();
    let numbers = Numbers::open(&blob).unwrap();
    let [p, q, g, y] = [numbers.p, numbers.q, numbers.g, numbers.y].map(|number| number.magnitude().to_vec());
    let encode = |numbers: [&[u8]; 4]| {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.string(NAME.as_bytes());
        numbers.iter().for_each(|number| writer.mpint(Mpint::from_magnitude(number)));
        out
    };
    let check = |numbers| SSH_DSS.check_key(&encode(numbers));
    assert_eq!(check([&p, &q, &g, &y]), Ok(()));
    let even = |number: &[u8]| {
        let mut even = number.to_vec();
        *even.last_mut().unwrap() &= 0xfe;
        even
    };
    let short = &p[1..];
    for numbers in [
        [&even(&p)[..], &q, &g, &y],
        [&p, &even(&q), &g, &y],
        [short, &q, &g, &y],
        [&[&[1], &p[..]].concat(), &q, &g, &y],
        [&p, &q[1..], &g, &y],
        [&p, &q, &[1], &y],
        [&p, &q, &[], &y],
        [&p, &q, &p, &y],
        [&p, &q, &g, &[1]],
        [&p, &q, &g, &p],
    ] {
        assert_eq!(check(numbers), Err(SignatureError::UnacceptableKey));
    }
    // Of the right sizes, but y is in no group of order q.
    let stray = encode([&p, &q, &g, &[2]]);
    let signature = blob::seal_signature(NAME, &[1; 2 * HALF]);
    assert_eq!(SSH_DSS.verify(&stray, b"m", &signature), Err(SignatureError::UnacceptableKey));
    for length in 0..blob.len() {
        assert!(SSH_DSS.check_key(&blob[..length]).is_err());
    }
}

#[test]
fn a_private_number_of_another_key_is_refused() {
    let (one, other) = (key(), DsaPrivateKey::generate(&mut ChaChaRandom::from_seed(&[3; 32])).unwrap());
    let written = |public: &DsaPrivateKey, private: &DsaPrivateKey| {
        let mut out = Vec::new();
        public.write_public(&mut Writer::new(&mut out));
        let mut whole = Vec::new();
        private.write(&mut Writer::new(&mut whole));
        let mut reader = Reader::new(&whole);
        (0..4).for_each(|_| assert!(reader.mpint().is_ok()));
        out.extend_from_slice(reader.remainder());
        out
    };
    let read = |bytes: &[u8]| DsaPrivateKey::read(&mut Reader::new(bytes)).map(|key| key.public_blob());
    assert_eq!(read(&written(&one, &one)), Ok(one.public_blob()));
    assert!(read(&written(&one, &other)).is_err());
}
