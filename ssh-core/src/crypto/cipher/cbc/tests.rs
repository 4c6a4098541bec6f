use super::*;
use crate::crypto::mac;
use alloc::vec::Vec;
use hex_literal::hex;

/// Seals `plain` as two packets, each of whole blocks, and gives back their ciphertext: the chain runs on.
fn sealed(cipher: &dyn Cipher, key: &[u8], iv: &[u8], plain: &[u8]) -> Vec<u8> {
    let mac = mac::HMAC_SHA2_256.keyed(&[0; 32]);
    let mut sealer = cipher.sealer(PacketKeys { key, iv, mac: Some(mac) });
    let (first, second) = plain.split_at(plain.len() / 2);
    let packets = [first, second].map(|plain| {
        let mut packet = [plain, &[0; 32]].concat();
        sealer.seal(0, &mut packet);
        packet.truncate(plain.len());
        packet
    });
    packets.concat()
}

/// NIST SP 800-38A F.2.1, F.2.3 and F.2.5.
#[test]
fn aes() {
    let plain = hex!(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    );
    let iv = hex!("000102030405060708090a0b0c0d0e0f");
    let aes256_key = hex!("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
    let aes256 = hex!(
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
        "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"
    );
    let vectors: [(_, &[u8], [u8; 64]); 4] = [
        (
            AES128_CBC,
            &hex!("2b7e151628aed2a6abf7158809cf4f3c"),
            hex!(
                "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
                "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"
            ),
        ),
        (
            AES192_CBC,
            &hex!("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"),
            hex!(
                "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
                "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"
            ),
        ),
        (AES256_CBC, &aes256_key, aes256),
        (RIJNDAEL_CBC, &aes256_key, aes256),
    ];
    for (cipher, key, expected) in vectors {
        assert_eq!(sealed(cipher, key, &iv, &plain), expected, "{}", cipher.name());
    }
}

/// Eric Young's vector for Blowfish in CBC mode.
#[test]
fn blowfish() {
    let key = hex!("0123456789abcdeff0e1d2c3b4a59687");
    assert_eq!(
        sealed(BLOWFISH_CBC, &key, &hex!("fedcba9876543210"), b"7654321 Now is the time for \0\0\0\0"),
        hex!("6b77b4d63006dee605b156e27403979358deb9e7154616d959f1652bd5ff92cc")
    );
}

/// RFC 2144 B.1 for the first block; those after it by OpenSSL.
#[test]
fn cast128() {
    let key = hex!("0123456712345678234567893456789a");
    assert_eq!(
        sealed(CAST128_CBC, &key, &[0; 8], &hex!("0123456789abcdef").repeat(4)),
        hex!("238b4fe5847e44b2e6032700f6952990ada736e8a55e816b65c76b526c450c5f")
    );
}

/// By OpenSSL: encrypt, decrypt, encrypt under three keys, and one chain around them.
#[test]
fn triple_des() {
    let counting = |length: u8| (0..length).collect::<Vec<u8>>();
    assert_eq!(
        sealed(TRIPLE_DES_CBC, &counting(24), &hex!("8001020304050607"), &counting(32)),
        hex!("e42ccbc9c9457df6ffabf66f3d42b57e0e68021d6037abade0d058e74c9de8aa")
    );
}

/// Only where the length was decrypted before anything was verified.
#[test]
fn what_fails_late() {
    for cipher in [AES128_CBC, TRIPLE_DES_CBC, BLOWFISH_CBC] {
        for (mac, expected) in [(mac::HMAC_SHA1, true), (mac::UMAC_64, true), (mac::HMAC_SHA1_ETM, false)] {
            let (key, iv) = (alloc::vec![1; cipher.key_length()], alloc::vec![2; cipher.iv_length()]);
            let keys = PacketKeys { key: &key, iv: &iv, mac: Some(mac.keyed(&alloc::vec![3; mac.key_length()])) };
            assert_eq!(cipher.opener(keys).fails_late(), expected, "{} {}", cipher.name(), mac.name());
        }
    }
    let keys = PacketKeys { key: &[1; 16], iv: &[2; 16], mac: Some(mac::HMAC_SHA1.keyed(&[3; 20])) };
    assert!(!super::super::AES128_CTR.opener(keys).fails_late());
}
