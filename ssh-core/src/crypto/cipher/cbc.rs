//! Block ciphers in cipher block chaining mode (RFC 4253 §6.3): the initial vector of a packet is the last block of the
//! one before. Broken as it is used in SSH (CVE-2008-5161), for peers that have nothing better.

use alloc::boxed::Box;
use core::marker::PhantomData;

use aes::{Aes128, Aes192, Aes256};
use blowfish::Blowfish;
use cast5::Cast5;
use cbc::{Decryptor, Encryptor};
use cipher::typenum::Unsigned;
use cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, InnerIvInit,
    KeyInit,
};
use des::TdesEde3;

use super::with_mac::{Decrypt, Encrypt, opener, sealer};
use super::{Cipher, OpenPacket, PacketKeys, SealPacket};

/// `aes128-cbc`
pub static AES128_CBC: &dyn Cipher = &Cbc::<Aes128>::named("aes128-cbc", 16);
/// `aes192-cbc`
pub static AES192_CBC: &dyn Cipher = &Cbc::<Aes192>::named("aes192-cbc", 24);
/// `aes256-cbc`
pub static AES256_CBC: &dyn Cipher = &Cbc::<Aes256>::named("aes256-cbc", 32);
/// `rijndael-cbc@lysator.liu.se`: `aes256-cbc` by the name it had before AES was one.
pub static RIJNDAEL_CBC: &dyn Cipher = &Cbc::<Aes256>::named("rijndael-cbc@lysator.liu.se", 32);
/// `3des-cbc`
pub static TRIPLE_DES_CBC: &dyn Cipher = &Cbc::<TdesEde3>::named("3des-cbc", 24);
/// `blowfish-cbc`
pub static BLOWFISH_CBC: &dyn Cipher = &Cbc::<Blowfish>::named("blowfish-cbc", 16);
/// `cast128-cbc`
pub static CAST128_CBC: &dyn Cipher = &Cbc::<Cast5>::named("cast128-cbc", 16);

struct Cbc<C> {
    name: &'static str,
    key_length: usize,
    marker: PhantomData<fn() -> C>,
}

impl<C> Cbc<C> {
    const fn named(name: &'static str, key_length: usize) -> Self {
        Self { name, key_length, marker: PhantomData }
    }
}

impl<C> Cbc<C>
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + KeyInit + Send + 'static,
{
    /// The cipher and its first vector. Some of these ciphers take keys of many lengths; SSH has one of each.
    fn keyed<M: InnerIvInit<Inner = C>>(&self, keys: &PacketKeys<'_>) -> Option<M> {
        let cipher = C::new_from_slice(keys.key).ok().filter(|_| keys.key.len() == self.key_length)?;
        M::inner_iv_slice_init(cipher, keys.iv).ok()
    }
}

impl<C> Cipher for Cbc<C>
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + KeyInit + Send + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_length(&self) -> usize {
        self.key_length
    }

    fn iv_length(&self) -> usize {
        C::BlockSize::USIZE
    }

    fn block_length(&self) -> usize {
        C::BlockSize::USIZE
    }

    fn authenticates(&self) -> bool {
        false
    }

    fn opener(&self, keys: PacketKeys<'_>) -> Box<dyn OpenPacket> {
        opener(self.keyed::<Decryptor<C>>(&keys).map(Chain), C::BlockSize::USIZE, keys.mac)
    }

    fn sealer(&self, keys: PacketKeys<'_>) -> Box<dyn SealPacket> {
        sealer(self.keyed::<Encryptor<C>>(&keys).map(Chain), C::BlockSize::USIZE, keys.mac)
    }
}

/// The mode's state, which goes on from packet to packet.
struct Chain<M>(M);

impl<C: BlockCipherDecrypt + Send> Decrypt for Chain<Decryptor<C>> {
    const CHAINED: bool = true;

    fn decrypt(&mut self, blocks: &mut [u8]) {
        self.0.decrypt_blocks(Array::<u8, <C as BlockSizeUser>::BlockSize>::slice_as_chunks_mut(blocks).0);
    }
}

impl<C: BlockCipherEncrypt + Send> Encrypt for Chain<Encryptor<C>> {
    fn encrypt(&mut self, blocks: &mut [u8]) {
        self.0.encrypt_blocks(Array::<u8, <C as BlockSizeUser>::BlockSize>::slice_as_chunks_mut(blocks).0);
    }
}

#[cfg(test)]
mod tests;
