//! OpenSSH's own private key format (OpenSSH's `PROTOCOL.key`).
//!
//! ```text
//!   "openssh-key-v1\0" │ cipher │ kdf │ kdf options │ uint32 keys │ public key │ private section │ tag
//!   private section = check │ check │ type and numbers │ comment │ padding 1, 2, 3 ..     (encrypted as a whole)
//! ```

use alloc::{string::String, vec::Vec};

use zeroize::Zeroizing;

use super::{KeyEncryption, KeyFileCipher, KeyFileError};
#[cfg(feature = "legacy")]
use crate::crypto::signature::DsaPrivateKey;
use crate::crypto::signature::{Curve, EcdsaPrivateKey, Ed25519PrivateKey};
#[cfg(feature = "pq")]
use crate::crypto::signature::{MlDsa44Ed25519, MlDsa44Ed25519PrivateKey};
#[cfg(feature = "rsa")]
use crate::crypto::signature::{RsaComponents, RsaPrivateKey};
use crate::key::private::{PrivateKey, Secret};
use crate::key::public::PublicKey;
use crate::random::SecureRandom;
use crate::secret::SecretBytes;
use crate::wire::{DecodeError, Mpint, Reader, Writer};

pub(super) const LABEL: &str = "OPENSSH PRIVATE KEY";

/// Most rounds of bcrypt that a key file may demand. OpenSSH writes 24 unless told otherwise; this many take some ten
/// seconds, and a file that demands 2³²−1 would take a year.
pub const MAX_BCRYPT_ROUNDS: u32 = 2048;

const MAGIC: &[u8; 15] = b"openssh-key-v1\0";
const MAX_SALT: usize = 128;
const SALT: usize = 16;
const UNENCRYPTED_BLOCK: usize = 8;
const MAX_TAG: usize = 16;

/// Reads the bytes inside the armour. Everything that costs time is bounded before it is done.
pub(super) fn read(bytes: &[u8], passphrase: Option<&SecretBytes>) -> Result<PrivateKey, KeyFileError> {
    let container = Container::read(bytes)?;
    let mut section = Zeroizing::new(container.section.to_vec());
    let encrypted = container.protection.is_some();
    if let Some(protection) = container.protection {
        let passphrase = passphrase.ok_or(KeyFileError::PassphraseRequired)?;
        protection.decrypt(passphrase, &mut section, container.tag)?;
    }
    let key = read_section(&section, encrypted)?;
    if *key.public_key() == container.public { Ok(key) } else { Err(KeyFileError::PublicMismatch) }
}

/// The public half, which is never encrypted.
pub(super) fn public_half(bytes: &[u8]) -> Result<PublicKey, KeyFileError> {
    Container::read(bytes).map(|container| container.public)
}

/// Whether the private section is encrypted.
pub(super) fn is_encrypted(bytes: &[u8]) -> Result<bool, KeyFileError> {
    Container::read(bytes).map(|container| container.protection.is_some())
}

/// Writes the bytes inside the armour.
pub(super) fn write(
    key: &PrivateKey,
    encryption: Option<&KeyEncryption>,
    random: &mut dyn SecureRandom,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let block = encryption.map_or(UNENCRYPTED_BLOCK, |encryption| encryption.cipher.block_length());
    let mut section = write_section(key, block, random)?;
    let length = section.len();
    let (mut cipher, mut kdf, mut options) = ("none", "none", Vec::new());
    if let Some(encryption) = encryption {
        let &KeyEncryption { cipher: file_cipher, rounds, .. } = encryption;
        check_rounds(rounds)?;
        let mut salt = [0; SALT];
        random.fill(&mut salt)?;
        let derived = derive(encryption.passphrase()?, &salt, rounds, file_cipher)?;
        file_cipher.encrypt(&derived, &mut section)?;
        let mut writer = Writer::new(&mut options);
        writer.string(&salt);
        writer.uint32(rounds);
        (cipher, kdf) = (file_cipher.name(), "bcrypt");
    }
    let (section, tag) = section.split_at_checked(length).unwrap_or_default();
    let public = key.public_key().blob();
    let mut out = Zeroizing::new(Vec::with_capacity(section.len() + public.len() + 160));
    let mut writer = Writer::new(&mut out);
    writer.bytes(MAGIC);
    writer.string(cipher.as_bytes());
    writer.string(kdf.as_bytes());
    writer.string(&options);
    writer.uint32(1);
    writer.string(public);
    writer.string(section);
    writer.bytes(tag);
    Ok(out)
}

/// What is readable without the passphrase.
struct Container<'a> {
    /// `None` for a file that is not encrypted.
    protection: Option<Protection<'a>>,
    public: PublicKey,
    section: &'a [u8],
    tag: &'a [u8],
}

impl<'a> Container<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, KeyFileError> {
        let mut reader = Reader::new(bytes);
        if reader.bytes(MAGIC.len())? != MAGIC {
            return Err(KeyFileError::Malformed(DecodeError::InvalidValue));
        }
        let (cipher, kdf, options) = (reader.string()?, reader.string()?, reader.string()?);
        let protection = Protection::read(cipher, kdf, options)?;
        let count = reader.uint32()?;
        if count != 1 {
            return Err(KeyFileError::KeyCount { count });
        }
        let public = PublicKey::from_blob(reader.string()?).map_err(KeyFileError::PublicKey)?;
        let section = reader.string()?;
        let cipher = protection.as_ref().map(|protection| protection.cipher);
        let tag = reader.bytes(cipher.map_or(0, KeyFileCipher::tag_length))?;
        reader.finish()?;
        if section.len() % cipher.map_or(UNENCRYPTED_BLOCK, KeyFileCipher::block_length) != 0 {
            return Err(KeyFileError::Malformed(DecodeError::InvalidValue));
        }
        Ok(Self { protection, public, section, tag })
    }
}

/// What an encrypted file says about its encryption.
struct Protection<'a> {
    cipher: KeyFileCipher,
    salt: &'a [u8],
    rounds: u32,
}

impl<'a> Protection<'a> {
    /// `None` for a file that is not encrypted.
    fn read(cipher: &[u8], kdf: &[u8], options: &'a [u8]) -> Result<Option<Self>, KeyFileError> {
        if cipher == b"none" && kdf == b"none" && options.is_empty() {
            return Ok(None);
        }
        let known = core::str::from_utf8(cipher).ok().and_then(KeyFileCipher::by_name);
        let cipher = known.ok_or_else(|| KeyFileError::UnsupportedCipher { name: lossy(cipher) })?;
        if kdf != b"bcrypt" {
            return Err(KeyFileError::UnsupportedKdf { name: lossy(kdf) });
        }
        let mut reader = Reader::new(options);
        let (salt, rounds) = (reader.string()?, reader.uint32()?);
        reader.finish()?;
        if salt.is_empty() || salt.len() > MAX_SALT {
            return Err(KeyFileError::Malformed(DecodeError::InvalidValue));
        }
        check_rounds(rounds)?;
        Ok(Some(Self { cipher, salt, rounds }))
    }

    fn decrypt(&self, passphrase: &SecretBytes, section: &mut [u8], tag: &[u8]) -> Result<(), KeyFileError> {
        if passphrase.is_empty() {
            return Err(KeyFileError::WrongPassphrase);
        }
        let derived = derive(passphrase.expose(), self.salt, self.rounds, self.cipher)?;
        self.cipher.decrypt(&derived, section, tag).map_err(|_| KeyFileError::WrongPassphrase)
    }
}

fn check_rounds(rounds: u32) -> Result<(), KeyFileError> {
    if (1..=MAX_BCRYPT_ROUNDS).contains(&rounds) { Ok(()) } else { Err(KeyFileError::Rounds { rounds }) }
}

/// Key and initial vector.
fn derive(
    passphrase: &[u8],
    salt: &[u8],
    rounds: u32,
    cipher: KeyFileCipher,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let mut derived = Zeroizing::new(Vec::new());
    derived.resize(cipher.key_length() + cipher.iv_length(), 0);
    bcrypt_pbkdf::bcrypt_pbkdf(passphrase, salt, rounds, &mut derived)
        .map_err(|_| KeyFileError::Malformed(DecodeError::InvalidValue))?;
    Ok(derived)
}

fn read_section(section: &[u8], encrypted: bool) -> Result<PrivateKey, KeyFileError> {
    let mut reader = Reader::new(section);
    if reader.uint32()? != reader.uint32()? {
        let damaged = KeyFileError::Malformed(DecodeError::InvalidValue);
        return Err(if encrypted { KeyFileError::WrongPassphrase } else { damaged });
    }
    let secret = read_secret(&mut reader)?;
    let comment = String::from_utf8_lossy(reader.string()?).into_owned();
    let in_sequence = (1_u8..=255).cycle().zip(reader.remainder()).all(|(expected, &byte)| expected == byte);
    if !in_sequence {
        return Err(KeyFileError::Malformed(DecodeError::TrailingBytes));
    }
    Ok(PrivateKey::new(secret, comment))
}

pub(in crate::key) fn read_secret(reader: &mut Reader<'_>) -> Result<Secret, KeyFileError> {
    let key_type = reader.string()?;
    if key_type == b"ssh-ed25519" {
        return read_ed25519(reader);
    }
    if let Some(curve) = Curve::by_key_type(key_type) {
        return read_ecdsa(reader, curve);
    }
    #[cfg(feature = "rsa")]
    if key_type == b"ssh-rsa" {
        return read_rsa(reader);
    }
    #[cfg(feature = "pq")]
    if let Some(algorithm) = MlDsa44Ed25519::by_key_type(key_type) {
        return read_mldsa44_ed25519(reader, algorithm);
    }
    #[cfg(feature = "legacy")]
    if key_type == b"ssh-dss" {
        let key = DsaPrivateKey::read(reader);
        return key.map(Secret::Dsa).map_err(|_| KeyFileError::InvalidKey { key_type: "ssh-dss".into() });
    }
    Err(KeyFileError::UnsupportedKeyType { name: lossy(key_type) })
}

/// The public half is stored twice more; each copy has to be the seed's, or signing could be led to use a wrong one,
/// which reveals the key (RUSTSEC-2022-0093).
fn read_ed25519(reader: &mut Reader<'_>) -> Result<Secret, KeyFileError> {
    let public = reader.string()?;
    let both = reader.string()?;
    let (seed, copy) = both.split_first_chunk::<32>().ok_or(KeyFileError::Malformed(DecodeError::InvalidValue))?;
    let key = Ed25519PrivateKey::from_seed(seed);
    if public != key.public_bytes() || copy != public {
        return Err(KeyFileError::PublicMismatch);
    }
    Ok(Secret::Ed25519(key))
}

fn read_ecdsa(reader: &mut Reader<'_>, curve: Curve) -> Result<Secret, KeyFileError> {
    let (identifier, point, scalar) = (reader.string()?, reader.string()?, reader.mpint()?);
    let key = EcdsaPrivateKey::from_scalar(curve, scalar.magnitude());
    let key = key.filter(|_| identifier == curve.identifier().as_bytes());
    let key = key.ok_or_else(|| KeyFileError::InvalidKey { key_type: curve.key_type().into() })?;
    if point != key.public_point() {
        return Err(KeyFileError::PublicMismatch);
    }
    Ok(Secret::Ecdsa(key))
}

#[cfg(feature = "rsa")]
fn read_rsa(reader: &mut Reader<'_>) -> Result<Secret, KeyFileError> {
    let mut secret_number = || reader.mpint().map(|number| Zeroizing::new(number.magnitude().to_vec()));
    let (n, e) = (secret_number()?.to_vec(), secret_number()?.to_vec());
    let (d, iqmp) = (secret_number()?, secret_number()?);
    let (p, q) = (secret_number()?, secret_number()?);
    let key = RsaPrivateKey::from_components(&RsaComponents { n, e, d, iqmp, p, q });
    key.map(Secret::Rsa).map_err(|_| KeyFileError::InvalidKey { key_type: "ssh-rsa".into() })
}

#[cfg(feature = "pq")]
fn read_mldsa44_ed25519(reader: &mut Reader<'_>, algorithm: MlDsa44Ed25519) -> Result<Secret, KeyFileError> {
    let (public, seeds) = (reader.string()?, reader.string()?);
    let seeds = seeds.try_into().map_err(|_| KeyFileError::Malformed(DecodeError::InvalidValue))?;
    let key = MlDsa44Ed25519PrivateKey::from_seeds(algorithm, seeds);
    if public != key.public_bytes() {
        return Err(KeyFileError::PublicMismatch);
    }
    Ok(Secret::MlDsa44Ed25519(key))
}

fn write_section(
    key: &PrivateKey,
    block: usize,
    random: &mut dyn SecureRandom,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let mut check = [0; 4];
    random.fill(&mut check)?;
    // all space at once: a growing buffer would leave copies behind. 16 KiB hold an RSA key of 16,384 bits.
    let mut section = Zeroizing::new(Vec::with_capacity(16 * 1024 + key.comment().len() + MAX_TAG));
    let mut writer = Writer::new(&mut section);
    writer.bytes(&check);
    writer.bytes(&check);
    writer.string(key.public_key().key_type().as_bytes());
    write_secret(&key.secret, &mut writer);
    writer.string(key.comment().as_bytes());
    let padding = section.len().next_multiple_of(block) - section.len();
    section.extend((1_u8..=255).take(padding));
    Ok(section)
}

pub(in crate::key) fn write_secret(secret: &Secret, writer: &mut Writer<'_>) {
    match secret {
        Secret::Ed25519(key) => {
            let public = key.public_bytes();
            writer.string(&public);
            writer.nested(|both| {
                both.bytes(&*key.seed());
                both.bytes(&public);
            });
        }
        Secret::Ecdsa(key) => {
            writer.string(key.curve().identifier().as_bytes());
            writer.string(&key.public_point());
            writer.mpint(Mpint::from_magnitude(&key.scalar()));
        }
        #[cfg(feature = "rsa")]
        Secret::Rsa(key) => {
            let RsaComponents { n, e, d, iqmp, p, q } = key.components();
            for part in [&n, &e, &*d, &*iqmp, &*p, &*q] {
                writer.mpint(Mpint::from_magnitude(part));
            }
        }
        #[cfg(feature = "pq")]
        Secret::MlDsa44Ed25519(key) => {
            writer.string(&key.public_bytes());
            writer.string(&key.seeds());
        }
        #[cfg(feature = "legacy")]
        Secret::Dsa(key) => key.write(writer),
    }
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
