use super::*;
use alloc::{format, vec::Vec};

use crate::crypto::signature::{self, SignatureAlgorithm};
use crate::random::ChaChaRandom;
use crate::wire::{Reader, Writer};

fn random() -> ChaChaRandom {
    ChaChaRandom::from_seed(&[9; 32])
}

const KINDS: &[KeyAlgorithm] = &[
    KeyAlgorithm::Ed25519,
    KeyAlgorithm::EcdsaNistp256,
    KeyAlgorithm::EcdsaNistp384,
    KeyAlgorithm::EcdsaNistp521,
    #[cfg(feature = "rsa")]
    KeyAlgorithm::Rsa { bits: 2048 },
    #[cfg(feature = "pq")]
    KeyAlgorithm::MlDsa44Ed25519,
    #[cfg(feature = "pq")]
    KeyAlgorithm::MlDsa44Ed25519OpenSsh,
    #[cfg(feature = "legacy")]
    KeyAlgorithm::Dsa,
];

/// Those that a private key in memory signs with.
fn algorithms() -> impl Iterator<Item = &'static dyn SignatureAlgorithm> {
    signature::ALL.iter().copied().filter(|each| each.plain().is_none() && !each.name().contains("sk-"))
}

/// Only the negotiated algorithm with its own key type and its own name in the signature verifies.
#[test]
fn algorithm_key_and_signature_must_agree() {
    let mut random = random();
    let keys: Vec<_> = KINDS.iter().map(|&kind| PrivateKey::generate(kind, &mut random).unwrap()).collect();
    let mut signatures = Vec::new();
    for key in &keys {
        for algorithm in key.public_key().signature_algorithms() {
            signatures.push((key.public_key(), algorithm, key.sign(algorithm, b"message", &mut random).unwrap()));
        }
    }
    assert_eq!(signatures.len(), algorithms().count());
    for algorithm in algorithms() {
        for key in &keys {
            for (signer, made_with, signature) in &signatures {
                let result = algorithm.verify(key.public_key().blob(), b"message", signature);
                let agree = *signer == key.public_key() && *made_with == algorithm.name();
                assert_eq!(result.is_ok(), agree, "{algorithm:?} {key:?} {made_with}: {result:?}");
                // the same content under the agreed name is no better
                let mut reader = Reader::new(signature);
                reader.string().unwrap();
                let mut renamed = Vec::new();
                Writer::new(&mut renamed).string(algorithm.name().as_bytes());
                renamed.extend_from_slice(reader.remainder());
                let result = algorithm.verify(key.public_key().blob(), b"message", &renamed);
                assert_eq!(result.is_ok(), agree, "{algorithm:?} {key:?} renamed {made_with}: {result:?}");
            }
        }
    }
}

#[test]
fn a_key_refuses_foreign_algorithms() {
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random()).unwrap();
    for algorithm in ["ssh-rsa", "rsa-sha2-512", "ecdsa-sha2-nistp256", "", "ssh-ed25519 ", "SSH-ED25519"] {
        let error = key.sign(algorithm, b"", &mut random()).unwrap_err();
        assert_eq!(error, SignError::Algorithm { algorithm: algorithm.into(), key_type: "ssh-ed25519".into() });
    }
}

#[cfg(feature = "rsa")]
#[test]
fn rsa_signs_with_sha1_where_that_is_asked_for() {
    let key = PrivateKey::generate(KeyAlgorithm::Rsa { bits: 2048 }, &mut random()).unwrap();
    assert_eq!(key.sign("ssh-rsa", b"", &mut random()).is_ok(), cfg!(feature = "legacy"));
    for bits in [0, 1024, 2047, 16_385, u32::MAX] {
        let result = PrivateKey::generate(KeyAlgorithm::Rsa { bits }, &mut random());
        assert_eq!(result.err(), Some(GenerateError::RsaSize { bits }));
    }
}

#[test]
fn debug_shows_no_secret() {
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random()).unwrap();
    let shown = format!("{key:?}");
    assert!(shown.starts_with("PrivateKey(ssh-ed25519 SHA256:") && shown.ends_with(", ..)"), "{shown}");
}

/// What a person reads about a key that was not made, or did not sign.
#[test]
fn failures_in_words() {
    struct Failing;

    impl SecureRandom for Failing {
        fn fill(&mut self, _destination: &mut [u8]) -> Result<(), RandomError> {
            Err(RandomError)
        }
    }

    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random()).unwrap();
    let foreign = key.sign("ssh-rsa\n", b"", &mut random()).unwrap_err();
    assert_eq!(format!("{foreign}"), "a key of type ssh-ed25519 cannot sign with \"ssh-rsa\\n\"");
    let unmade = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut Failing).unwrap_err();
    assert_eq!(format!("{unmade}"), "the key could not be generated: the source of random bytes failed");
    #[cfg(feature = "rsa")]
    {
        let small = PrivateKey::generate(KeyAlgorithm::Rsa { bits: 1024 }, &mut random()).unwrap_err();
        assert_eq!(format!("{small}"), "an RSA key cannot have 1024 bits; take 2048 to 16384");
        let rsa = PrivateKey::generate(KeyAlgorithm::Rsa { bits: 2048 }, &mut random()).unwrap();
        let unsigned = rsa.sign("rsa-sha2-256", b"", &mut Failing).unwrap_err();
        assert_eq!(format!("{unsigned}"), "the key could not sign: the source of random bytes failed");
    }
    let faulty = "the key made a wrong signature, which was discarded; check the hardware";
    assert_eq!(format!("{}", SignError::Failed), faulty);
}

/// A key of a type that is not built in can be shown and compared, but signs nothing.
#[test]
fn a_foreign_type_has_no_algorithm() {
    let mut blob = Vec::new();
    Writer::new(&mut blob).string(b"ssh-new@example.com");
    let key = PublicKey::from_blob(&blob).unwrap();
    assert_eq!((key.key_type(), key.signature_algorithms().count()), ("ssh-new@example.com", 0));
}
