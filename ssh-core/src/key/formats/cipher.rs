//! The ciphers of encrypted key files.

use aes::{Aes128, Aes192, Aes256};
use cipher::{Array, BlockModeDecrypt, KeyIvInit, StreamCipher, consts::U16};

use crate::wire::DecodeError;

/// A cipher, its key length and its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileCipher {
    Aes128Ctr,
    Aes192Ctr,
    Aes256Ctr,
    Aes128Cbc,
    Aes192Cbc,
    Aes256Cbc,
}

impl FileCipher {
    /// Bytes of initial vector and of a block.
    pub(super) const BLOCK: usize = 16;

    pub(super) fn by_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"aes128-ctr" => Self::Aes128Ctr,
            b"aes192-ctr" => Self::Aes192Ctr,
            b"aes256-ctr" => Self::Aes256Ctr,
            b"aes128-cbc" => Self::Aes128Cbc,
            b"aes192-cbc" => Self::Aes192Cbc,
            b"aes256-cbc" => Self::Aes256Cbc,
            _ => return None,
        })
    }

    pub(super) const fn key_length(self) -> usize {
        match self {
            Self::Aes128Ctr | Self::Aes128Cbc => 16,
            Self::Aes192Ctr | Self::Aes192Cbc => 24,
            Self::Aes256Ctr | Self::Aes256Cbc => 32,
        }
    }

    /// Decrypts `data`, whole blocks, in place. `key_and_iv` is the key followed by the initial vector.
    pub(super) fn decrypt(self, key_and_iv: &[u8], data: &mut [u8]) -> Result<(), DecodeError> {
        let (key, iv) = key_and_iv.split_at_checked(self.key_length()).ok_or(DecodeError::InvalidValue)?;
        match self {
            Self::Aes128Ctr => apply_ctr::<ctr::Ctr128BE<Aes128>>(key, iv, data),
            Self::Aes192Ctr => apply_ctr::<ctr::Ctr128BE<Aes192>>(key, iv, data),
            Self::Aes256Ctr => apply_ctr::<ctr::Ctr128BE<Aes256>>(key, iv, data),
            Self::Aes128Cbc => decrypt_cbc::<cbc::Decryptor<Aes128>>(key, iv, data),
            Self::Aes192Cbc => decrypt_cbc::<cbc::Decryptor<Aes192>>(key, iv, data),
            Self::Aes256Cbc => decrypt_cbc::<cbc::Decryptor<Aes256>>(key, iv, data),
        }
    }
}

/// Encrypts with AES-256 in counter mode, what new files get.
pub(super) fn encrypt_aes256_ctr(key_and_iv: &[u8], data: &mut [u8]) -> Result<(), DecodeError> {
    FileCipher::Aes256Ctr.decrypt(key_and_iv, data)
}

fn apply_ctr<C: KeyIvInit + StreamCipher>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), DecodeError> {
    let mut cipher = C::new_from_slices(key, iv).map_err(|_| DecodeError::InvalidValue)?;
    cipher.try_apply_keystream(data).map_err(|_| DecodeError::InvalidValue)
}

fn decrypt_cbc<C>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), DecodeError>
where
    C: KeyIvInit + BlockModeDecrypt<BlockSize = U16>,
{
    let mut cipher = C::new_from_slices(key, iv).map_err(|_| DecodeError::InvalidValue)?;
    let (blocks, rest) = Array::slice_as_chunks_mut(data);
    cipher.decrypt_blocks(blocks);
    if rest.is_empty() { Ok(()) } else { Err(DecodeError::InvalidValue) }
}
