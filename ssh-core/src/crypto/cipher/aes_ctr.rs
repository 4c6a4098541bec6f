//! AES in stateful-decryption counter mode (RFC 4344 §4): one keystream for all packets of a direction.

use alloc::boxed::Box;
use core::marker::PhantomData;

use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use cipher::{KeyIvInit, StreamCipher};
use ctr::Ctr128BE;

use super::with_mac::{opener, sealer};
use super::{Cipher, OpenPacket, PacketKeys, SealPacket};

/// `aes128-ctr`
pub static AES128_CTR: &dyn Cipher =
    &AesCtr::<Ctr128BE<Aes128Enc>> { name: "aes128-ctr", key_length: 16, marker: PhantomData };
/// `aes192-ctr`
pub static AES192_CTR: &dyn Cipher =
    &AesCtr::<Ctr128BE<Aes192Enc>> { name: "aes192-ctr", key_length: 24, marker: PhantomData };
/// `aes256-ctr`
pub static AES256_CTR: &dyn Cipher =
    &AesCtr::<Ctr128BE<Aes256Enc>> { name: "aes256-ctr", key_length: 32, marker: PhantomData };

struct AesCtr<S> {
    name: &'static str,
    key_length: usize,
    marker: PhantomData<fn() -> S>,
}

const BLOCK: usize = 16;

impl<S: KeyIvInit + StreamCipher + Send + 'static> Cipher for AesCtr<S> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_length(&self) -> usize {
        self.key_length
    }

    fn iv_length(&self) -> usize {
        BLOCK
    }

    fn block_length(&self) -> usize {
        BLOCK
    }

    fn authenticates(&self) -> bool {
        false
    }

    fn opener(&self, keys: PacketKeys<'_>) -> Box<dyn OpenPacket> {
        opener(S::new_from_slices(keys.key, keys.iv).ok(), BLOCK, keys.mac)
    }

    fn sealer(&self, keys: PacketKeys<'_>) -> Box<dyn SealPacket> {
        sealer(S::new_from_slices(keys.key, keys.iv).ok(), BLOCK, keys.mac)
    }
}
