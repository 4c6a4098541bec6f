//! The ciphers of encrypted key files.

use aes::{Aes128, Aes192, Aes256};
use cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, KeyIvInit, StreamCipher};

use crate::crypto::cipher::sealed_once;
use crate::wire::DecodeError;

/// A cipher that a key file in OpenSSH's format can be encrypted with, by its name in SSH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFileCipher {
    /// `aes256-ctr`, what `ssh-keygen` takes unless told otherwise.
    #[default]
    Aes256Ctr,
    /// `aes192-ctr`
    Aes192Ctr,
    /// `aes128-ctr`
    Aes128Ctr,
    /// `aes256-gcm@openssh.com`: a file that was changed does not open.
    Aes256Gcm,
    /// `aes128-gcm@openssh.com`: a file that was changed does not open.
    Aes128Gcm,
    /// `chacha20-poly1305@openssh.com`: a file that was changed does not open.
    ChaCha20Poly1305,
    /// `aes256-cbc`
    Aes256Cbc,
    /// `aes192-cbc`
    Aes192Cbc,
    /// `aes128-cbc`
    Aes128Cbc,
    /// `3des-cbc`: weak.
    #[cfg(feature = "legacy")]
    TripleDesCbc,
}

impl KeyFileCipher {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::Aes256Ctr,
        Self::Aes192Ctr,
        Self::Aes128Ctr,
        Self::Aes256Gcm,
        Self::Aes128Gcm,
        Self::ChaCha20Poly1305,
        Self::Aes256Cbc,
        Self::Aes192Cbc,
        Self::Aes128Cbc,
        #[cfg(feature = "legacy")]
        Self::TripleDesCbc,
    ];

    /// The cipher called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cipher| cipher.name() == name)
    }

    /// Its name, the one it has in KEXINIT.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes256Ctr => "aes256-ctr",
            Self::Aes192Ctr => "aes192-ctr",
            Self::Aes128Ctr => "aes128-ctr",
            Self::Aes256Gcm => "aes256-gcm@openssh.com",
            Self::Aes128Gcm => "aes128-gcm@openssh.com",
            Self::ChaCha20Poly1305 => "chacha20-poly1305@openssh.com",
            Self::Aes256Cbc => "aes256-cbc",
            Self::Aes192Cbc => "aes192-cbc",
            Self::Aes128Cbc => "aes128-cbc",
            #[cfg(feature = "legacy")]
            Self::TripleDesCbc => "3des-cbc",
        }
    }

    pub(super) const fn key_length(self) -> usize {
        match self {
            Self::Aes128Ctr | Self::Aes128Cbc | Self::Aes128Gcm => 16,
            Self::Aes192Ctr | Self::Aes192Cbc => 24,
            #[cfg(feature = "legacy")]
            Self::TripleDesCbc => 24,
            Self::Aes256Ctr | Self::Aes256Cbc | Self::Aes256Gcm => 32,
            Self::ChaCha20Poly1305 => 64,
        }
    }

    pub(super) const fn iv_length(self) -> usize {
        match self {
            Self::ChaCha20Poly1305 => 0,
            Self::Aes128Gcm | Self::Aes256Gcm => 12,
            _ => self.block_length(),
        }
    }

    /// What is encrypted is a multiple of this.
    pub(super) const fn block_length(self) -> usize {
        match self {
            Self::ChaCha20Poly1305 => 8,
            #[cfg(feature = "legacy")]
            Self::TripleDesCbc => 8,
            _ => 16,
        }
    }

    /// Bytes after what is encrypted that authenticate it.
    pub(super) const fn tag_length(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm | Self::ChaCha20Poly1305 => 16,
            _ => 0,
        }
    }

    /// Decrypts `data`, whole blocks, in place, if `tag` is right. `key_and_iv` is the key followed by the initial vector.
    pub(super) fn decrypt(self, key_and_iv: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), DecodeError> {
        let (key, iv) = self.split(key_and_iv)?;
        match self {
            Self::Aes128Ctr => apply_ctr::<ctr::Ctr128BE<Aes128>>(key, iv, data),
            Self::Aes192Ctr => apply_ctr::<ctr::Ctr128BE<Aes192>>(key, iv, data),
            Self::Aes256Ctr => apply_ctr::<ctr::Ctr128BE<Aes256>>(key, iv, data),
            Self::Aes128Cbc => decrypt_cbc::<cbc::Decryptor<Aes128>>(key, iv, data),
            Self::Aes192Cbc => decrypt_cbc::<cbc::Decryptor<Aes192>>(key, iv, data),
            Self::Aes256Cbc => decrypt_cbc::<cbc::Decryptor<Aes256>>(key, iv, data),
            #[cfg(feature = "legacy")]
            Self::TripleDesCbc => decrypt_cbc::<cbc::Decryptor<des::TdesEde3>>(key, iv, data),
            Self::Aes128Gcm | Self::Aes256Gcm => {
                sealed_once::open_aes_gcm(key, iv, data, tag).map_err(|_| DecodeError::InvalidValue)
            }
            Self::ChaCha20Poly1305 => {
                sealed_once::open_chacha20_poly1305(key, data, tag).map_err(|_| DecodeError::InvalidValue)
            }
        }
    }

    /// Encrypts `data`, whole blocks, in place and appends the tag.
    pub(super) fn encrypt(self, key_and_iv: &[u8], data: &mut alloc::vec::Vec<u8>) -> Result<(), DecodeError> {
        let (key, iv) = self.split(key_and_iv)?;
        let tag = match self {
            Self::Aes128Ctr | Self::Aes192Ctr | Self::Aes256Ctr => return self.decrypt(key_and_iv, data, &[]),
            Self::Aes128Cbc => return encrypt_cbc::<cbc::Encryptor<Aes128>>(key, iv, data),
            Self::Aes192Cbc => return encrypt_cbc::<cbc::Encryptor<Aes192>>(key, iv, data),
            Self::Aes256Cbc => return encrypt_cbc::<cbc::Encryptor<Aes256>>(key, iv, data),
            #[cfg(feature = "legacy")]
            Self::TripleDesCbc => return encrypt_cbc::<cbc::Encryptor<des::TdesEde3>>(key, iv, data),
            Self::Aes128Gcm | Self::Aes256Gcm => sealed_once::seal_aes_gcm(key, iv, data),
            Self::ChaCha20Poly1305 => sealed_once::seal_chacha20_poly1305(key, data),
        };
        data.extend_from_slice(&tag.ok_or(DecodeError::InvalidValue)?);
        Ok(())
    }

    fn split(self, key_and_iv: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
        key_and_iv.split_at_checked(self.key_length()).ok_or(DecodeError::InvalidValue)
    }
}

fn apply_ctr<C: KeyIvInit + StreamCipher>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), DecodeError> {
    let mut cipher = C::new_from_slices(key, iv).map_err(|_| DecodeError::InvalidValue)?;
    cipher.try_apply_keystream(data).map_err(|_| DecodeError::InvalidValue)
}

fn decrypt_cbc<C>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), DecodeError>
where
    C: KeyIvInit + BlockModeDecrypt,
{
    let mut cipher = C::new_from_slices(key, iv).map_err(|_| DecodeError::InvalidValue)?;
    let (blocks, rest) = Array::<u8, <C as BlockSizeUser>::BlockSize>::slice_as_chunks_mut(data);
    cipher.decrypt_blocks(blocks);
    if rest.is_empty() { Ok(()) } else { Err(DecodeError::InvalidValue) }
}

fn encrypt_cbc<C>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), DecodeError>
where
    C: KeyIvInit + BlockModeEncrypt,
{
    let mut cipher = C::new_from_slices(key, iv).map_err(|_| DecodeError::InvalidValue)?;
    let (blocks, rest) = Array::<u8, <C as BlockSizeUser>::BlockSize>::slice_as_chunks_mut(data);
    cipher.encrypt_blocks(blocks);
    if rest.is_empty() { Ok(()) } else { Err(DecodeError::InvalidValue) }
}

/// Takes off the padding of RFC 8018 §6.1.1: as many bytes as each of them says. `None` if it is none, which is how a
/// wrong passphrase shows.
#[cfg(feature = "pkcs8")]
pub(super) fn unpad(data: &[u8], block: usize) -> Option<&[u8]> {
    let length = usize::from(*data.last()?);
    let (content, padding) = data.split_at_checked(data.len().checked_sub(length)?)?;
    let right = (1..=block).contains(&length) && padding.iter().all(|&byte| usize::from(byte) == length);
    right.then_some(content)
}

/// A copy with the padding of RFC 8018 §6.1.1.
#[cfg(feature = "pkcs8")]
pub(super) fn padded(data: &[u8], block: usize) -> zeroize::Zeroizing<alloc::vec::Vec<u8>> {
    let length = block - data.len() % block;
    let mut padded = zeroize::Zeroizing::new(alloc::vec::Vec::with_capacity(data.len() + length));
    padded.extend_from_slice(data);
    padded.resize(data.len() + length, u8::try_from(length).unwrap_or(u8::MAX));
    padded
}
