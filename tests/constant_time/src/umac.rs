//! UMAC, of which both the key and the message are secret.

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use ssh_core::crypto::mac::{UMAC_64, UMAC_128};

use crate::measure::{Measure, bytes, random};

pub fn tags(measure: &Measure) {
    for (mac, length) in [(UMAC_64, 100), (UMAC_128, 100), (UMAC_64, 3000), (UMAC_128, 3000)] {
        let name = format!("{} makes tags of {length} bytes", mac.name());
        measure.each(
            &name,
            |number| (mac, secrets(number, length)),
            |(mac, (key, message))| {
                let mut tag = [0; 16];
                mac.keyed(key).sign(8, message, &mut tag[..mac.tag_length()]);
                tag
            },
        );
    }
}

/// A key and a message: of every four messages one has one kind of bytes, and one is a rare case.
fn secrets(number: u32, length: usize) -> (Vec<u8>, Vec<u8>) {
    let mut random = random(number);
    let key = bytes(&mut random, 16);
    let message = match number % 4 {
        0 => vec![number as u8; length],
        1 => marked(&key, length),
        _ => bytes(&mut random, length),
    };
    (key, message)
}

/// A message whose first 1024 bytes have an NH of 2^64 - 2^32 or more, which goes into the polynomial as two words
/// (RFC 4418 §5.3.2). That happens once in 2^32 messages.
fn marked(key: &[u8], length: usize) -> Vec<u8> {
    // Sums of key and message: two products, 2^64 - 2^33 + 1 and 2^32 - 1. All others are 0.
    let sums = [u32::MAX, u32::MAX, 0, 0, u32::MAX, 1];
    let sums = sums.into_iter().chain(std::iter::repeat(0));
    let words = nh_keys(key).zip(sums).map(|(key, sum)| sum.wrapping_sub(key));
    words.flat_map(u32::to_le_bytes).take(length).collect()
}

/// The keys of NH (RFC 4418 §3.2.1), over and over again.
fn nh_keys(key: &[u8]) -> impl Iterator<Item = u32> {
    let aes = Aes128Enc::new_from_slice(key).unwrap();
    let blocks = (1_u128..=64).map(move |counter| {
        let mut block = (1 << 64 | counter).to_be_bytes().into();
        aes.encrypt_block(&mut block);
        block
    });
    let words = blocks.flat_map(|block| <[u8; 16]>::from(block).as_chunks().0.to_vec()).map(u32::from_be_bytes);
    words.collect::<Vec<_>>().into_iter().cycle()
}
