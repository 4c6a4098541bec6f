use alloc::{boxed::Box, vec::Vec};

use super::*;
use crate::crypto::signature::EcdsaPrivateKey;
use crate::random::ChaChaRandom;
use crate::wire::Mpint;

const APPLICATION: &[u8] = b"ssh:";

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::new(&mut out).string(bytes);
    out
}

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A security key in software.
struct Token {
    algorithm: &'static dyn SignatureAlgorithm,
    blob: Vec<u8>,
    /// Signs what the device is given; the result is the content of a signature blob.
    sign: Sign,
}

impl Token {
    fn ed25519() -> Self {
        let key = super::super::Ed25519PrivateKey::from_seed(&[5; 32]);
        let blob = [string(ED25519.as_bytes()), string(&key.public_bytes()), string(APPLICATION)].concat();
        let sign = Box::new(move |data: &[u8]| key.sign_content(data).to_vec());
        Self { algorithm: SK_SSH_ED25519, blob, sign }
    }

    fn ecdsa() -> Self {
        let key = EcdsaPrivateKey::generate(Curve::Nistp256, &mut ChaChaRandom::from_seed(&[5; 32])).unwrap();
        let point = key.public_point();
        let blob = [string(ECDSA.as_bytes()), string(b"nistp256"), string(&point), string(APPLICATION)].concat();
        let sign = Box::new(move |data: &[u8]| {
            let signature = key.sign(data).unwrap();
            blob::open_signature(&signature, "ecdsa-sha2-nistp256").unwrap().to_vec()
        });
        Self { algorithm: SK_ECDSA_SHA2_NISTP256, blob, sign }
    }

    fn signature(&self, flags: u8, counter: u32, message: &[u8]) -> Vec<u8> {
        let data = [
            &Hash::Sha256.digest(&[APPLICATION])[..],
            &[flags],
            &counter.to_be_bytes(),
            &Hash::Sha256.digest(&[message]),
        ]
        .concat();
        let blob = [string(self.algorithm.name().as_bytes()), string(&(self.sign)(&data))].concat();
        [&blob[..], &[flags], &counter.to_be_bytes()].concat()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        self.algorithm.verify(&self.blob, message, signature)
    }
}

fn tokens() -> [Token; 2] {
    [Token::ed25519(), Token::ecdsa()]
}

#[test]
fn flags_and_counter_come_with_the_signature() {
    for token in tokens() {
        for flags in [0, 1, 4, 5, 0x80] {
            let used = token.verify(b"message", &token.signature(flags, 7, b"message")).unwrap().security_key.unwrap();
            assert_eq!((used.user_present, used.user_verified, used.counter), (flags & 1 != 0, flags & 4 != 0, 7));
        }
    }
}

/// Flags and counter are signed with everything else.
#[test]
fn every_byte_counts() {
    for token in tokens() {
        let signature = token.signature(1, 7, b"message");
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(token.verify(b"message", &changed).is_err(), "byte {at}");
        }
        for length in 0..signature.len() {
            assert!(token.verify(b"message", &signature[..length]).is_err());
        }
        let longer = [&signature[..], &[0]].concat();
        assert_eq!(token.verify(b"message", &longer), Err(SignatureError::MalformedSignature));
        assert_eq!(token.verify(b"massage", &signature), Err(SignatureError::Invalid));
    }
}

/// What was signed for a web site does not log in, and the other way.
#[test]
fn another_application_is_another_key() {
    for token in tokens() {
        let signature = token.signature(1, 7, b"message");
        let head = token.blob.len() - APPLICATION.len() - 4;
        let other = [&token.blob[..head], &string(b"ssh:else")].concat();
        assert_eq!(token.algorithm.verify(&other, b"message", &signature), Err(SignatureError::Invalid));
    }
}

#[test]
fn keys() {
    for token in tokens() {
        assert_eq!(token.algorithm.check_key(&token.blob), Ok(()));
        assert_eq!(token.algorithm.key_bits(&token.blob), Some(256));
        for length in 0..token.blob.len() {
            assert!(token.algorithm.check_key(&token.blob[..length]).is_err());
        }
        let longer = [&token.blob[..], &[0]].concat();
        assert_eq!(token.algorithm.check_key(&longer), Err(SignatureError::MalformedKey));
    }
    let [ed25519, ecdsa] = tokens();
    assert_eq!(ed25519.algorithm.check_key(&ecdsa.blob), Err(SignatureError::WrongKeyType));
    let weak = [string(ED25519.as_bytes()), string(&[0; 32]), string(APPLICATION)].concat();
    assert_eq!(ed25519.algorithm.check_key(&weak), Err(SignatureError::UnacceptableKey));
    let off_curve = [string(ECDSA.as_bytes()), string(b"nistp256"), string(&[4; 65]), string(APPLICATION)].concat();
    assert_eq!(ecdsa.algorithm.check_key(&off_curve), Err(SignatureError::UnacceptableKey));
}

/// The halves of an ECDSA signature are signed numbers: not negative, not padded.
#[test]
fn halves_are_minimal() {
    let token = Token::ecdsa();
    let content =
        [Mpint::from_magnitude(&[1]), Mpint::from_magnitude(&[1])].iter().fold(Vec::new(), |mut out, half| {
            Writer::new(&mut out).mpint(*half);
            out
        });
    let seal = |content: &[u8]| [&string(ECDSA.as_bytes())[..], &string(content), &[1, 0, 0, 0, 0]].concat();
    assert_eq!(token.verify(b"m", &seal(&content)), Err(SignatureError::Invalid));
    assert_eq!(token.verify(b"m", &seal(&[0, 0, 0, 1, 0x80, 0, 0, 0, 1, 1])), Err(SignatureError::MalformedSignature));
    assert_eq!(token.verify(b"m", &seal(&[0, 0, 0, 2, 0, 1, 0, 0, 0, 1, 1])), Err(SignatureError::MalformedSignature));
}
