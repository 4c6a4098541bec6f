use alloc::vec::Vec;

use super::*;
use crate::random::ChaChaRandom;

fn key(algorithm: MlDsa44Ed25519) -> MlDsa44Ed25519PrivateKey {
    let mut seeds = [7; SEEDS];
    seeds[32..].fill(8);
    MlDsa44Ed25519PrivateKey::from_seeds(algorithm, &seeds)
}

fn random() -> ChaChaRandom {
    ChaChaRandom::from_seed(&[1; 32])
}

fn sealed(name: &str, content: &[u8]) -> Vec<u8> {
    blob::seal_signature(name, content)
}

#[test]
fn both_names_sign_and_verify() {
    for algorithm in [MlDsa44Ed25519::Iana, MlDsa44Ed25519::OpenSsh] {
        let key = key(algorithm);
        let signature = key.sign(b"message", &mut random()).unwrap().unwrap();
        let verify = |message: &[u8]| algorithm.verify(&key.public_blob(), message, &signature).map(drop);
        assert_eq!(verify(b"message"), Ok(()));
        assert_eq!(verify(b"massage"), Err(SignatureError::Invalid));
        assert_eq!(algorithm.key_bits(&key.public_blob()), Some(512));
        assert_eq!(key.seeds().len(), SEEDS);
    }
}

/// One valid half proves nothing.
#[test]
fn both_halves_must_be_right() {
    let algorithm = MlDsa44Ed25519::Iana;
    let key = key(algorithm);
    let sign = |message: &[u8]| key.sign(message, &mut random()).unwrap().unwrap();
    let (right, wrong) = (sign(b"message"), sign(b"massage"));
    let content = |signature: &[u8]| blob::open_signature(signature, algorithm.name()).unwrap().to_vec();
    let (right, wrong) = (content(&right), content(&wrong));
    assert_eq!(right.len(), SIGNATURE + 64);
    let verify =
        |content: &[u8]| algorithm.verify(&key.public_blob(), b"message", &sealed(algorithm.name(), content)).map(drop);
    assert_eq!(verify(&right), Ok(()));
    assert_eq!(verify(&[&right[..SIGNATURE], &wrong[SIGNATURE..]].concat()), Err(SignatureError::Invalid));
    assert_eq!(verify(&[&wrong[..SIGNATURE], &right[SIGNATURE..]].concat()), Err(SignatureError::Invalid));
    for length in [0, 64, SIGNATURE, SIGNATURE + 63] {
        assert_eq!(verify(&right[..length]), Err(SignatureError::MalformedSignature), "{length}");
    }
    assert_eq!(verify(&[&right[..], &[0]].concat()), Err(SignatureError::MalformedSignature));
    for at in [0, 31, 32, 2303, 2304, SIGNATURE - 1, SIGNATURE, SIGNATURE + 63] {
        let mut changed = right.clone();
        changed[at] ^= 1;
        assert_eq!(verify(&changed), Err(SignatureError::Invalid), "byte {at}");
    }
}

/// FIPS 204 §3.4: what ML-DSA signs with is different every time, Ed25519 is not.
#[test]
fn signatures_are_hedged() {
    let key = key(MlDsa44Ed25519::Iana);
    let mut random = random();
    let mut sign = || key.sign(b"message", &mut random).unwrap().unwrap();
    let (one, other) = (sign(), sign());
    assert_ne!(one, other);
    assert_eq!(one[one.len() - 64..], other[other.len() - 64..]);
}

#[test]
fn keys() {
    let algorithm = MlDsa44Ed25519::OpenSsh;
    let blob = key(algorithm).public_blob();
    assert_eq!(algorithm.check_key(&blob), Ok(()));
    assert_eq!(MlDsa44Ed25519::Iana.check_key(&blob), Err(SignatureError::WrongKeyType));
    for length in (0..blob.len()).step_by(97) {
        assert!(algorithm.check_key(&blob[..length]).is_err(), "{length}");
    }
    let mut weak = blob.clone();
    let end = weak.len();
    weak[end - 32..].fill(0);
    assert_eq!(algorithm.check_key(&weak), Err(SignatureError::UnacceptableKey));
}
