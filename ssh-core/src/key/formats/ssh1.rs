//! Identity files of SSH protocol 1 (`identity`, and what PuTTY calls an SSH-1 key).
//!
//! ```text
//!   "SSH PRIVATE KEY FILE FORMAT 1.1\n\0" │ byte cipher │ uint32 0 │ uint32 bits │ n │ e │ string comment
//!   check a b a b │ d │ q⁻¹ mod p │ q │ p │ zeros to 8 bytes                            (encrypted as a whole)
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use cbc::{Decryptor, Encryptor};
use cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero};
use des::Des;
use md5::{Digest, Md5};
use zeroize::Zeroizing;

use super::{KeyFileError, MAX_KEY_FILE_LENGTH};
use crate::random::SecureRandom;
use crate::secret::SecretBytes;
use crate::wire::{DecodeError, Mpint, Reader, Writer};

const MAGIC: &[u8; 33] = b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0";
const BLOCK: usize = 8;
const NONE: u8 = 0;
const TRIPLE_DES: u8 = 3;

/// An RSA key of SSH protocol 1, which is no key of SSH-2: it decrypts challenges and signs nothing.
///
/// Its file's encryption is weak: the key is one MD5 of the passphrase, without a salt.
pub struct Ssh1PrivateKey {
    n: Vec<u8>,
    e: Vec<u8>,
    d: Zeroizing<Vec<u8>>,
    iqmp: Zeroizing<Vec<u8>>,
    p: Zeroizing<Vec<u8>>,
    q: Zeroizing<Vec<u8>>,
    comment: String,
}

impl Ssh1PrivateKey {
    /// Reads an identity file, plain or encrypted with triple DES. Other ciphers were never written by default.
    ///
    /// # Errors
    /// As [`PrivateKey::read`](crate::key::PrivateKey::read).
    pub fn read(bytes: &[u8], passphrase: Option<&SecretBytes>) -> Result<Self, KeyFileError> {
        if bytes.len() > MAX_KEY_FILE_LENGTH {
            return Err(KeyFileError::TooLong);
        }
        let mut reader = Reader::new(bytes.strip_prefix(MAGIC).ok_or(KeyFileError::NotAKeyFile)?);
        let cipher = reader.byte()?;
        reader.uint32()?;
        let bits = reader.uint32()?;
        let (n, e) = (mpint(&mut reader)?.to_vec(), mpint(&mut reader)?.to_vec());
        let comment = String::from_utf8_lossy(reader.string()?).into_owned();
        let mut section = Zeroizing::new(reader.remainder().to_vec());
        if !section.len().is_multiple_of(BLOCK) || u32::try_from(Mpint::from_magnitude(&n).bits()) != Ok(bits) {
            return Err(malformed());
        }
        match cipher {
            NONE => {}
            TRIPLE_DES => {
                let passphrase = passphrase.ok_or(KeyFileError::PassphraseRequired)?;
                triple_des(passphrase.expose(), &mut section, Direction::Decrypt);
            }
            other => return Err(KeyFileError::UnsupportedCipher { name: alloc::format!("SSH-1 cipher {other}") }),
        }
        let mut reader = Reader::new(&section);
        let check: [u8; 4] = reader.array()?;
        if check.first_chunk::<2>() != check.last_chunk::<2>() {
            return Err(if cipher == NONE { KeyFileError::Damaged } else { KeyFileError::WrongPassphrase });
        }
        let mut secret = || mpint(&mut reader).map(|number| Zeroizing::new(number.to_vec()));
        let (d, iqmp, q, p) = (secret()?, secret()?, secret()?, secret()?);
        let key = Self { n, e, d, iqmp, p, q, comment };
        if key.fits_together() { Ok(key) } else { Err(KeyFileError::InvalidKey { key_type: "SSH-1 RSA".into() }) }
    }

    /// The bytes of an identity file, encrypted with triple DES if there is a passphrase.
    ///
    /// # Errors
    /// No randomness, or an empty passphrase.
    pub fn write(
        &self,
        passphrase: Option<&SecretBytes>,
        random: &mut dyn SecureRandom,
    ) -> Result<SecretBytes, KeyFileError> {
        if passphrase.is_some_and(SecretBytes::is_empty) {
            return Err(KeyFileError::EmptyPassphrase);
        }
        let mut check = [0; 2];
        random.fill(&mut check)?;
        let numbers = [&self.d, &self.iqmp, &self.q, &self.p];
        let room = numbers.iter().map(|number| number.len() + 2).sum::<usize>() + 4 + BLOCK;
        let mut section = Zeroizing::new(Vec::with_capacity(room));
        section.extend_from_slice(&check);
        section.extend_from_slice(&check);
        numbers.into_iter().for_each(|number| write_mpint(&mut section, number));
        let padded = section.len().next_multiple_of(BLOCK);
        section.resize(padded, 0);
        if let Some(passphrase) = passphrase {
            triple_des(passphrase.expose(), &mut section, Direction::Encrypt);
        }
        let mut out = Vec::with_capacity(section.len() + self.n.len() + self.comment.len() + 128);
        out.extend_from_slice(MAGIC);
        let mut writer = Writer::new(&mut out);
        writer.byte(if passphrase.is_some() { TRIPLE_DES } else { NONE });
        writer.uint32(0);
        writer.uint32(self.bits());
        write_mpint(&mut out, &self.n);
        write_mpint(&mut out, &self.e);
        let mut writer = Writer::new(&mut out);
        writer.string(self.comment.as_bytes());
        writer.bytes(&section);
        Ok(SecretBytes::new(out))
    }

    /// Bits of the modulus.
    pub fn bits(&self) -> u32 {
        u32::try_from(Mpint::from_magnitude(&self.n).bits()).unwrap_or(u32::MAX)
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> &[u8] {
        &self.n
    }

    /// The public exponent, big-endian.
    pub fn public_exponent(&self) -> &[u8] {
        &self.e
    }

    /// The comment, which is never encrypted. Escape it before it is shown.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Replaces the comment.
    pub fn set_comment(&mut self, comment: &str) {
        self.comment = comment.into();
    }

    /// n = p·q, and e·d ≡ 1 modulo p−1 and q−1.
    fn fits_together(&self) -> bool {
        let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
        let (p, q) = (number(&self.p), number(&self.q));
        let product = p.concatenating_mul(&q).to_be_bytes();
        if Mpint::from_magnitude(&product) != Mpint::from_magnitude(&self.n) {
            return false;
        }
        let exponents = number(&self.e).concatenating_mul(&number(&self.d));
        [p, q].into_iter().all(|prime| {
            let less = NonZero::new(prime.wrapping_sub(BoxedUint::one())).into_option();
            less.is_some_and(|less| exponents.rem_vartime(&less) == BoxedUint::one())
        })
    }
}

impl fmt::Debug for Ssh1PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ssh1PrivateKey({} bits, ..)", self.bits())
    }
}

/// A number of SSH-1: a `uint16` count of bits and the bytes they need. Larger ones than an RSA modulus are refused.
fn mpint<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], KeyFileError> {
    let bits = usize::from(u16::from_be_bytes(reader.array()?));
    if bits > 8 * Mpint::MAX_LENGTH {
        return Err(malformed());
    }
    let bytes = reader.bytes(bits.div_ceil(8))?;
    if Mpint::from_magnitude(bytes).bits() == bits { Ok(bytes) } else { Err(malformed()) }
}

fn write_mpint(out: &mut Vec<u8>, magnitude: &[u8]) {
    let number = Mpint::from_magnitude(magnitude);
    out.extend_from_slice(&u16::try_from(number.bits()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(number.magnitude());
}

#[derive(Clone, Copy)]
enum Direction {
    Encrypt,
    Decrypt,
}

/// SSH-1's triple DES: three chains of single DES, one after the other over the whole text, each with a vector of zeros.
/// The first and the third key are one.
fn triple_des(passphrase: &[u8], data: &mut [u8], direction: Direction) {
    let digest: Zeroizing<[u8; 16]> = Zeroizing::new(Md5::digest(passphrase).into());
    let (outer, inner) = digest.split_at(BLOCK);
    let (Ok(outer), Ok(inner)) = (<[u8; BLOCK]>::try_from(outer), <[u8; BLOCK]>::try_from(inner)) else { return };
    let (blocks, _) = Array::slice_as_chunks_mut(data);
    let iv = [0; BLOCK].into();
    match direction {
        Direction::Encrypt => {
            Encryptor::<Des>::new(&outer.into(), &iv).encrypt_blocks(blocks);
            Decryptor::<Des>::new(&inner.into(), &iv).decrypt_blocks(blocks);
            Encryptor::<Des>::new(&outer.into(), &iv).encrypt_blocks(blocks);
        }
        Direction::Decrypt => {
            Decryptor::<Des>::new(&outer.into(), &iv).decrypt_blocks(blocks);
            Encryptor::<Des>::new(&inner.into(), &iv).encrypt_blocks(blocks);
            Decryptor::<Des>::new(&outer.into(), &iv).decrypt_blocks(blocks);
        }
    }
}

const fn malformed() -> KeyFileError {
    KeyFileError::Malformed(DecodeError::InvalidValue)
}
