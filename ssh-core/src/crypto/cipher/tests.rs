use super::super::mac::{self, Mac};
use super::*;
use alloc::{format, vec, vec::Vec};
use hex_literal::hex;

/// A cipher with the MAC it runs beside.
type Suite = (&'static dyn Cipher, Option<&'static dyn Mac>);

/// Everything that is built in.
fn suites() -> impl Iterator<Item = Suite> {
    ALL.iter().flat_map(|cipher| {
        let macs = mac::ALL.iter().map(|mac| Some(*mac)).filter(|_| !cipher.authenticates());
        let alone = cipher.authenticates().then_some(None);
        alone.into_iter().chain(macs).map(|mac| (*cipher, mac))
    })
}

/// Every cipher with two MACs and every MAC with two ciphers, one of each order: for what takes long.
fn some_suites() -> impl Iterator<Item = Suite> {
    suites().filter(|(cipher, mac)| {
        let plain_mac = mac.is_none_or(|mac| ["hmac-sha1", "hmac-sha2-256-etm@openssh.com"].contains(&mac.name()));
        plain_mac || ["aes128-ctr", "aes128-cbc"].contains(&cipher.name())
    })
}

#[test]
fn suites_are_many() {
    assert_eq!((ALL.len(), mac::ALL.len()), (16, 16));
    assert_eq!((suites().count(), some_suites().count()), (3 + 13 * 16, 3 + 11 * 2 + 2 * 16));
}

fn keyed<T>((cipher, mac): Suite, make: impl FnOnce(PacketKeys<'_>) -> T) -> T {
    let key: Vec<u8> = (1..).take(cipher.key_length()).collect();
    let mac = mac.map(|mac| mac.keyed(&vec![0x5a; mac.key_length()]));
    make(PacketKeys { key: &key, iv: &vec![0xff; cipher.iv_length()], mac })
}

fn opener(suite: Suite) -> Box<dyn OpenPacket> {
    keyed(suite, |keys| suite.0.opener(keys))
}

fn sealer(suite: Suite) -> Box<dyn SealPacket> {
    keyed(suite, |keys| suite.0.sealer(keys))
}

/// A packet in plain text of this many blocks, with room for the tag.
fn plain_packet(layout: PacketLayout, blocks: usize) -> Vec<u8> {
    let length = layout.unaligned_prefix + blocks * layout.block_length;
    let mut packet: Vec<u8> = (0..length).map(|index| index as u8).collect();
    packet[..LENGTH_FIELD].copy_from_slice(&u32::try_from(length - LENGTH_FIELD).unwrap().to_be_bytes());
    packet.resize(length + layout.tag_length, 0);
    packet
}

/// What the transport does with a packet that has arrived whole.
fn receive(opener: &mut dyn OpenPacket, number: u32, packet: &mut [u8]) -> (u32, Result<Opened, IntegrityError>) {
    let head_length = opener.layout().head_length;
    let length = opener.packet_length(number, &mut packet[..head_length]);
    (length, opener.open(number, packet))
}

#[test]
fn packets_of_every_size_arrive() {
    for suite in suites() {
        let (mut sealer, mut opener) = (sealer(suite), opener(suite));
        let layout = sealer.layout();
        assert_eq!(layout, opener.layout());
        assert_eq!(layout.block_length, suite.0.block_length());
        assert_eq!(suite.0.authenticates(), suite.1.is_none());
        let fewest_blocks = usize::from(layout.unaligned_prefix == 0);
        let mut number = u32::MAX - 10;
        for blocks in (fewest_blocks..40).chain([2000]) {
            let plain = plain_packet(layout, blocks);
            let mut packet = plain.clone();
            sealer.seal(number, &mut packet);
            let text = LENGTH_FIELD..plain.len() - layout.tag_length;
            assert!(blocks == 0 || packet[text.clone()] != plain[text.clone()], "{suite:?}: plain text");
            let (length, opened) = receive(&mut *opener, number, &mut packet);
            assert_eq!(length as usize, text.len(), "{suite:?}");
            assert!(opened.is_ok(), "{suite:?}: {blocks} blocks");
            assert_eq!(packet[text.clone()], plain[text], "{suite:?}");
            number = number.wrapping_add(1);
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    for suite in some_suites() {
        let mut sealed = plain_packet(sealer(suite).layout(), 3);
        sealer(suite).seal(7, &mut sealed);
        let verifies_first = suite.1.is_none_or(Mac::encrypt_then_mac);
        for bit in 0..sealed.len() * 8 {
            let mut packet = sealed.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            let tampered = packet.clone();
            let (_, opened) = receive(&mut *opener(suite), 7, &mut packet);
            assert_eq!(opened.unwrap_err(), IntegrityError, "{suite:?}: bit {bit}");
            assert!(!verifies_first || packet == tampered, "{suite:?}: decrypted before it was verified");
        }
        let (_, opened) = receive(&mut *opener(suite), 7, &mut sealed);
        assert!(opened.is_ok(), "{suite:?}");
    }
}

/// A packet that was lost, repeated or moved is not the next one. AES-GCM counts by itself.
#[test]
fn a_packet_out_of_sequence_is_refused() {
    for suite in suites() {
        let (mut sealer, mut opener) = (sealer(suite), opener(suite));
        let mut packets = [0, 1].map(|number| {
            let mut packet = plain_packet(sealer.layout(), 2);
            sealer.seal(number, &mut packet);
            packet
        });
        let mut repeated = packets[0].clone();
        assert!(receive(&mut *opener, 0, &mut packets[0]).1.is_ok());
        assert!(receive(&mut *opener, 1, &mut repeated).1.is_err(), "{suite:?}: a repeated packet");
        assert!(receive(&mut *self::opener(suite), 0, &mut packets[1]).1.is_err(), "{suite:?}: a lost packet");
    }
}

#[test]
fn truncated_packets_are_refused() {
    for suite in suites() {
        let mut sealed = plain_packet(sealer(suite).layout(), 2);
        sealer(suite).seal(0, &mut sealed);
        for length in 0..sealed.len() {
            let mut packet = sealed[..length].to_vec();
            assert_eq!(opener(suite).open(0, &mut packet).unwrap_err(), IntegrityError, "{suite:?}: {length}");
            sealer(suite).seal(0, &mut packet);
        }
        let head_length = opener(suite).layout().head_length;
        for length in 0..head_length {
            assert_eq!(opener(suite).packet_length(0, &mut sealed[..length].to_vec()), 0, "{suite:?}");
        }
    }
}

/// Keys of the wrong length or a missing MAC are mistakes of the program: nothing opens, nothing leaks.
#[test]
fn unusable_keys_fail_closed() {
    let wrong_key = |suite: Suite| {
        let opener = |keys: PacketKeys<'_>| suite.0.opener(PacketKeys { key: &keys.key[1..], ..keys });
        let sealer = |keys: PacketKeys<'_>| suite.0.sealer(PacketKeys { key: &keys.key[1..], ..keys });
        (keyed(suite, opener), keyed(suite, sealer))
    };
    let without_mac = |suite: Suite| {
        let suite = (suite.0, None);
        (opener(suite), sealer(suite))
    };
    let mut unusable: Vec<_> = suites().map(wrong_key).collect();
    unusable.extend(suites().filter(|suite| suite.1.is_some()).map(without_mac));
    for (mut opener, mut sealer) in unusable {
        assert_eq!(opener.layout(), sealer.layout());
        let mut packet = plain_packet(sealer.layout(), 4);
        sealer.seal(0, &mut packet);
        assert!(packet.iter().all(|&byte| byte == 0));
        let (length, opened) = receive(&mut *opener, 0, &mut packet);
        assert_eq!((length, opened.unwrap_err()), (0, IntegrityError));
    }
}

#[test]
fn plain_packets_pass() {
    let layout = SealPacket::layout(&Plain);
    assert_eq!(layout, OpenPacket::layout(&Plain));
    let plain = plain_packet(layout, 2);
    let mut packet = plain.clone();
    Plain.seal(0, &mut packet);
    assert_eq!(receive(&mut Plain, 0, &mut packet).0, 12);
    assert_eq!(packet, plain);
    assert_eq!(Plain.packet_length(0, &mut [0; 3]), 0);
    assert_eq!(Plain.open(0, &mut [0; 3]).unwrap_err(), IntegrityError);
}

/// Computed with Python's `cryptography` (OpenSSL's ChaCha20 and Poly1305) after PROTOCOL.chacha20poly1305; the key is
/// 00 to 3f.
#[test]
fn chacha20_poly1305_vector() {
    let key: Vec<u8> = (0..64).collect();
    let keys = || PacketKeys { key: &key, iv: &[], mac: None };
    let number = 0x8000_0007;
    let plain = hex!("0000001c0a157369787465656e206279746573206f6bf0f1f2f3f4f5f6f7f8f9");
    let sealed = hex!(
        "d8243a318ec120b1a458e5e4805c3c2653cdf5545fbebe6d2aa6fa688ac51005"
        "3deff35f3f47dd6af67511e7ac035e23"
    );
    let mut packet = [plain.as_slice(), &[0; 16]].concat();
    CHACHA20_POLY1305.sealer(keys()).seal(number, &mut packet);
    assert_eq!(packet, sealed);

    let mut opener = CHACHA20_POLY1305.opener(keys());
    assert_eq!(opener.packet_length(number, &mut packet[..4]), 28);
    assert_eq!(packet, sealed, "the length stays encrypted: the tag covers it");
    assert!(opener.open(number, &mut packet).is_ok());
    assert_eq!(packet[4..32], plain[4..]);
}

/// NIST SP 800-38A F.5.1, F.5.3 and F.5.5, as two packets of 32 bytes: the keystream runs on.
#[test]
fn aes_ctr_vectors() {
    let plain = hex!(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    );
    let iv = hex!("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    let vectors: [(_, &[u8], [u8; 64]); 3] = [
        (
            AES128_CTR,
            &hex!("2b7e151628aed2a6abf7158809cf4f3c"),
            hex!(
                "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
                "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"
            ),
        ),
        (
            AES192_CTR,
            &hex!("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"),
            hex!(
                "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94"
                "1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050"
            ),
        ),
        (
            AES256_CTR,
            &hex!("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"),
            hex!(
                "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
                "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"
            ),
        ),
    ];
    for (cipher, key, expected) in vectors {
        let mac = mac::HMAC_SHA2_256.keyed(&[0; 32]);
        let mut sealer = cipher.sealer(PacketKeys { key, iv: &iv, mac: Some(mac) });
        for (plain, expected) in plain.chunks(32).zip(expected.chunks(32)) {
            let mut packet = [plain, &[0; 32]].concat();
            sealer.seal(0, &mut packet);
            assert_eq!(packet[..32], *expected, "{}", cipher.name());
        }
    }
}

#[test]
fn descriptors() {
    let described: Vec<_> = ALL
        .iter()
        .map(|cipher| format!("{cipher:?} {} {} {}", cipher.key_length(), cipher.iv_length(), cipher.block_length()))
        .collect();
    assert_eq!(
        described,
        [
            "chacha20-poly1305@openssh.com 64 0 8",
            "aes128-gcm@openssh.com 16 12 16",
            "aes256-gcm@openssh.com 32 12 16",
            "aes128-ctr 16 16 16",
            "aes192-ctr 24 16 16",
            "aes256-ctr 32 16 16",
            "aes128-cbc 16 16 16",
            "aes192-cbc 24 16 16",
            "aes256-cbc 32 16 16",
            "rijndael-cbc@lysator.liu.se 32 16 16",
            "3des-cbc 24 8 8",
            "blowfish-cbc 16 8 8",
            "cast128-cbc 16 8 8",
            "arcfour256 32 0 8",
            "arcfour128 16 0 8",
            "arcfour 16 0 8",
        ]
    );
}
