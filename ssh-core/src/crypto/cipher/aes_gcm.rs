//! AES in Galois/Counter Mode (RFC 5647, with OpenSSH's names and negotiation).
//!
//! GCM is composed here from AES, counter mode and GHASH instead of taken as an AEAD, because a key lives for millions
//! of packets: the key schedule and the powers of the hash key are made once.

use alloc::boxed::Box;
use core::marker::PhantomData;

use aes::{Aes128Enc, Aes256Enc};
use cipher::consts::U16;
use cipher::{BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipherCore};
use ctr::{CtrCore, flavors::Ctr32BE};
use ghash::{GHash, universal_hash::UniversalHash};
use subtle::ConstantTimeEq;

use super::unusable::Unusable;
use super::{
    Cipher, IntegrityError, LENGTH_FIELD, OpenPacket, Opened, PacketKeys, PacketLayout, SealPacket, read_length,
};

/// `aes128-gcm@openssh.com`
pub static AES128_GCM: &dyn Cipher =
    &AesGcm::<Aes128Enc> { name: "aes128-gcm@openssh.com", key_length: 16, marker: PhantomData };
/// `aes256-gcm@openssh.com`
pub static AES256_GCM: &dyn Cipher =
    &AesGcm::<Aes256Enc> { name: "aes256-gcm@openssh.com", key_length: 32, marker: PhantomData };

struct AesGcm<C> {
    name: &'static str,
    key_length: usize,
    marker: PhantomData<fn() -> C>,
}

const BLOCK: usize = 16;
const TAG: usize = 16;
const IV: usize = 12;

impl<C: Aes> Cipher for AesGcm<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_length(&self) -> usize {
        self.key_length
    }

    fn iv_length(&self) -> usize {
        IV
    }

    fn block_length(&self) -> usize {
        BLOCK
    }

    fn authenticates(&self) -> bool {
        true
    }

    fn opener(&self, keys: PacketKeys<'_>) -> Box<dyn OpenPacket> {
        match Gcm::<C>::new(&keys) {
            Some(gcm) => Box::new(gcm),
            None => Box::new(Unusable),
        }
    }

    fn sealer(&self, keys: PacketKeys<'_>) -> Box<dyn SealPacket> {
        match Gcm::<C>::new(&keys) {
            Some(gcm) => Box::new(gcm),
            None => Box::new(Unusable),
        }
    }
}

trait Aes: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit + Send + 'static {}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit + Send + 'static> Aes for C {}

/// One direction: the AEAD and RFC 5647 §7.1's nonce.
struct Gcm<C> {
    aead: Aead<C>,
    fixed: [u8; 4],
    invocation_counter: u64,
}

impl<C: Aes> Gcm<C> {
    fn new(keys: &PacketKeys<'_>) -> Option<Self> {
        let (fixed, counter) = keys.iv.split_first_chunk::<4>()?;
        Some(Self {
            aead: Aead::new(keys.key)?,
            fixed: *fixed,
            invocation_counter: u64::from_be_bytes(counter.try_into().ok()?),
        })
    }

    /// The nonce of the next packet; no nonce is handed out twice.
    fn next_nonce(&mut self) -> [u8; IV] {
        let mut nonce = [0; IV];
        let bytes = self.fixed.into_iter().chain(self.invocation_counter.to_be_bytes());
        nonce.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        self.invocation_counter = self.invocation_counter.wrapping_add(1);
        nonce
    }

    const LAYOUT: PacketLayout = PacketLayout {
        head_length: LENGTH_FIELD,
        block_length: BLOCK,
        unaligned_prefix: LENGTH_FIELD,
        tag_length: TAG,
    };
}

impl<C: Aes> OpenPacket for Gcm<C> {
    fn layout(&self) -> PacketLayout {
        Self::LAYOUT
    }

    fn packet_length(&mut self, _sequence_number: u32, head: &mut [u8]) -> u32 {
        read_length(head)
    }

    fn open(&mut self, _sequence_number: u32, packet: &mut [u8]) -> Result<Opened, IntegrityError> {
        let (sealed, tag) = packet.split_last_chunk_mut::<TAG>().ok_or(IntegrityError)?;
        let (length, text) = sealed.split_first_chunk_mut::<LENGTH_FIELD>().ok_or(IntegrityError)?;
        let nonce = self.next_nonce();
        self.aead.open(&nonce, length, text, tag)
    }
}

impl<C: Aes> SealPacket for Gcm<C> {
    fn layout(&self) -> PacketLayout {
        Self::LAYOUT
    }

    fn seal(&mut self, _sequence_number: u32, packet: &mut [u8]) {
        let Some((plain, tag)) = packet.split_last_chunk_mut::<TAG>() else { return };
        let Some((length, text)) = plain.split_first_chunk_mut::<LENGTH_FIELD>() else { return };
        let nonce = self.next_nonce();
        *tag = self.aead.seal(&nonce, length, text);
    }
}

/// AES-GCM with a 96-bit nonce and a 128-bit tag (NIST SP 800-38D).
struct Aead<C> {
    aes: C,
    ghash: GHash,
}

impl<C: Aes> Aead<C> {
    fn new(key: &[u8]) -> Option<Self> {
        let aes = C::new_from_slice(key).ok()?;
        let mut hash_key = ghash::Key::default();
        aes.encrypt_block(&mut hash_key);
        let ghash = GHash::new(&hash_key);
        zeroize::Zeroize::zeroize(hash_key.as_mut_slice());
        Some(Self { aes, ghash })
    }

    fn seal(&self, nonce: &[u8; IV], associated_data: &[u8], text: &mut [u8]) -> [u8; TAG] {
        let (mask, stream) = self.keystream(nonce);
        stream.apply_keystream_partial(text.into());
        self.tag(&mask, associated_data, text)
    }

    fn open(
        &self,
        nonce: &[u8; IV],
        associated_data: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<Opened, IntegrityError> {
        let (mask, stream) = self.keystream(nonce);
        if !bool::from(self.tag(&mask, associated_data, text).ct_eq(tag)) {
            return Err(IntegrityError);
        }
        stream.apply_keystream_partial(text.into());
        Ok(Opened::tag_verified())
    }

    /// The block that masks the tag, and the keystream that follows it.
    fn keystream(&self, nonce: &[u8; IV]) -> (ghash::Block, CtrCore<&C, Ctr32BE>) {
        let mut first_counter = ghash::Block::default();
        first_counter.iter_mut().zip(nonce.iter().chain(&[0, 0, 0, 1])).for_each(|(to, from)| *to = *from);
        let mut stream = CtrCore::inner_iv_init(&self.aes, &first_counter);
        let mut mask = ghash::Block::default();
        stream.write_keystream_block(&mut mask);
        (mask, stream)
    }

    fn tag(&self, mask: &ghash::Block, associated_data: &[u8], ciphertext: &[u8]) -> [u8; TAG] {
        let bits = |bytes: &[u8]| bytes.len() as u128 * 8;
        let lengths = (bits(associated_data) << 64 | bits(ciphertext)).to_be_bytes();
        let mut ghash = self.ghash.clone();
        ghash.update_padded(associated_data);
        ghash.update_padded(ciphertext);
        ghash.update(&[lengths.into()]);
        let mut tag: [u8; TAG] = ghash.finalize().into();
        tag.iter_mut().zip(mask).for_each(|(tag, mask)| *tag ^= mask);
        tag
    }
}

/// Opens the one text that was ever sealed under `key`.
pub(super) fn open_once(
    key: &[u8],
    nonce: &[u8; IV],
    text: &mut [u8],
    tag: &[u8; TAG],
) -> Result<Opened, IntegrityError> {
    match key.len() {
        16 => Aead::<Aes128Enc>::new(key).ok_or(IntegrityError)?.open(nonce, &[], text, tag),
        _ => Aead::<Aes256Enc>::new(key).ok_or(IntegrityError)?.open(nonce, &[], text, tag),
    }
}

/// Seals the one text that will ever be sealed under `key`; the result is its tag.
pub(super) fn seal_once(key: &[u8], nonce: &[u8; IV], text: &mut [u8]) -> Option<[u8; TAG]> {
    Some(match key.len() {
        16 => Aead::<Aes128Enc>::new(key)?.seal(nonce, &[], text),
        _ => Aead::<Aes256Enc>::new(key)?.seal(nonce, &[], text),
    })
}

#[cfg(test)]
mod tests;
