//! Keys from a passphrase, and what is done with them.

use alloc::string::String;
use alloc::vec::Vec;

use argon2::{Algorithm, Argon2, Params};
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::super::encryption::check_cost;
use super::super::{KeyFileCipher, KeyFileError};
use super::{Lines, Version, from_hex, hex, push};
use crate::random::SecureRandom;
use crate::wire::DecodeError;

/// Most memory that a key file may demand of Argon2, in KiB. PuTTY writes 8192 unless told otherwise.
pub const MAX_ARGON2_MEMORY: u32 = 256 * 1024;
/// Most work that a key file may demand of Argon2, as KiB of memory times passes; it takes some ten seconds.
pub const MAX_ARGON2_WORK: u64 = 8 * 1024 * 1024;
/// Most lanes that a key file may demand of Argon2. PuTTY writes 1.
pub const MAX_ARGON2_LANES: u32 = 64;

/// Longest salt taken. PuTTY writes 16 bytes.
const MAX_SALT: usize = 128;

const CIPHER: KeyFileCipher = KeyFileCipher::Aes256Cbc;
const MAC_KEY: usize = 32;

/// Version 3's key derivation, whose cost is affordable.
pub(super) struct Argon2Cost {
    algorithm: Algorithm,
    params: Params,
    salt: Vec<u8>,
}

impl Argon2Cost {
    /// PuTTY's own memory and lanes, and as many passes as take it a tenth of a second.
    pub(super) fn fresh(random: &mut dyn SecureRandom) -> Result<Self, KeyFileError> {
        let mut salt = [0; 16];
        random.fill(&mut salt)?;
        let params = Params::new(8192, 13, 1, None).map_err(invalid)?;
        Ok(Self { algorithm: Algorithm::Argon2id, params, salt: salt.to_vec() })
    }

    pub(super) fn read(lines: &mut Lines<'_>) -> Result<Self, KeyFileError> {
        let algorithm = match lines.header("Key-Derivation")? {
            b"Argon2id" => Algorithm::Argon2id,
            b"Argon2i" => Algorithm::Argon2i,
            b"Argon2d" => Algorithm::Argon2d,
            other => return Err(KeyFileError::UnsupportedKdf { name: String::from_utf8_lossy(other).into_owned() }),
        };
        let memory = lines.number("Argon2-Memory")?;
        let passes = lines.number("Argon2-Passes")?;
        let lanes = lines.number("Argon2-Parallelism")?;
        check_cost("KiB of memory for Argon2", memory.into(), MAX_ARGON2_MEMORY.into())?;
        check_cost("KiB times passes of Argon2", u64::from(memory) * u64::from(passes), MAX_ARGON2_WORK)?;
        check_cost("lanes of Argon2", lanes.into(), MAX_ARGON2_LANES.into())?;
        let salt = core::str::from_utf8(lines.header("Argon2-Salt")?).ok().and_then(from_hex);
        let salt = salt.filter(|salt| salt.len() <= MAX_SALT).ok_or(KeyFileError::Armor)?;
        let params = Params::new(memory, passes, lanes, None).map_err(invalid)?;
        Ok(Self { algorithm, params, salt })
    }

    pub(super) fn push_headers(&self, text: &mut String) {
        let name = match self.algorithm {
            Algorithm::Argon2id => "Argon2id",
            Algorithm::Argon2i => "Argon2i",
            Algorithm::Argon2d => "Argon2d",
        };
        let number = |value: u32| alloc::format!("{value}");
        push(text, "Key-Derivation", name);
        push(text, "Argon2-Memory", &number(self.params.m_cost()));
        push(text, "Argon2-Passes", &number(self.params.t_cost()));
        push(text, "Argon2-Parallelism", &number(self.params.p_cost()));
        push(text, "Argon2-Salt", &hex(&self.salt));
    }
}

/// The keys of a file.
pub(super) struct Keys {
    version: Version,
    /// Key and initial vector, of a file that is encrypted.
    cipher: Option<Zeroizing<Vec<u8>>>,
    mac: Zeroizing<Vec<u8>>,
}

impl Keys {
    pub(super) fn derive(
        version: Version,
        encrypted: bool,
        passphrase: &[u8],
        argon2: Option<&Argon2Cost>,
    ) -> Result<Self, KeyFileError> {
        let length = CIPHER.key_length() + CIPHER.iv_length();
        let (cipher, mac) = match (version, argon2) {
            (Version::V3, Some(Argon2Cost { algorithm, params, salt })) => {
                let mut derived = Zeroizing::new([0; 48 + MAC_KEY]);
                let argon2 = Argon2::new(*algorithm, argon2::Version::V0x13, params.clone());
                argon2.hash_password_into(passphrase, salt, &mut *derived).map_err(invalid)?;
                let (cipher, mac) = derived.split_at_checked(length).unwrap_or_default();
                (Some(Zeroizing::new(cipher.to_vec())), Zeroizing::new(mac.to_vec()))
            }
            (Version::V3, None) => (None, Zeroizing::default()),
            (Version::V2, _) => {
                let mac = sha1(&[b"putty-private-key-file-mac-key", passphrase]);
                (encrypted.then(|| version_2_key(passphrase, length)), Zeroizing::new(mac.to_vec()))
            }
        };
        Ok(Self { version, cipher, mac })
    }

    pub(super) fn decrypt(&self, private: &mut [u8]) -> Result<(), KeyFileError> {
        self.cipher.as_ref().map_or(Ok(()), |key| Ok(CIPHER.decrypt(key, private, &[])?))
    }

    pub(super) fn encrypt(&self, private: &mut Vec<u8>) -> Result<(), KeyFileError> {
        self.cipher.as_ref().map_or(Ok(()), |key| Ok(CIPHER.encrypt(key, private)?))
    }

    pub(super) fn mac(&self, data: &[u8]) -> Result<Vec<u8>, KeyFileError> {
        match self.version {
            Version::V2 => hmac::<Hmac<Sha1>>(&self.mac, data),
            Version::V3 => hmac::<Hmac<Sha256>>(&self.mac, data),
        }
    }
}

fn hmac<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Result<Vec<u8>, KeyFileError> {
    let mut mac = <M as KeyInit>::new_from_slice(key).map_err(invalid)?;
    mac.update(data);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// Two SHA-1 of the passphrase, cut to the key's length, and a vector of zeros.
fn version_2_key(passphrase: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(length));
    for number in [0_u32, 1] {
        key.extend_from_slice(&*sha1(&[&number.to_be_bytes(), passphrase]));
    }
    key.truncate(CIPHER.key_length());
    key.resize(length, 0);
    key
}

fn sha1(parts: &[&[u8]]) -> Zeroizing<[u8; 20]> {
    let mut state = Sha1::new();
    parts.iter().for_each(|part| state.update(part));
    Zeroizing::new(state.finalize().into())
}

fn invalid<E>(_: E) -> KeyFileError {
    KeyFileError::Malformed(DecodeError::InvalidValue)
}
