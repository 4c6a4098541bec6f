//! The encryption of RFC 1421 §4.6.1 as OpenSSL does it: the key is one MD5 of passphrase and salt, so whoever has the
//! file guesses billions of passphrases a second. `ssh-keygen` wrote it until OpenSSH 7.8.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use md5::{Digest, Md5};
use zeroize::Zeroizing;

use super::super::armor::from_hex;
use super::super::cipher::{padded, unpad};
use super::super::{KeyFileCipher, KeyFileError};
use super::malformed;
use crate::random::SecureRandom;
use crate::secret::SecretBytes;

/// What new files get, and what `ssh-keygen -m PEM` takes.
const CIPHER: KeyFileCipher = KeyFileCipher::Aes128Cbc;

/// Decrypts a block; `info` is the value of `DEK-Info`.
pub(super) fn decrypt(
    data: &[u8],
    info: &str,
    passphrase: Option<&SecretBytes>,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let (name, iv) = info.split_once(',').ok_or_else(|| malformed(()))?;
    let cipher = by_name(name).ok_or_else(|| KeyFileError::UnsupportedCipher { name: name.into() })?;
    let iv = from_hex(iv).filter(|iv| iv.len() == cipher.iv_length()).ok_or_else(|| malformed(()))?;
    let passphrase = passphrase.ok_or(KeyFileError::PassphraseRequired)?;
    let mut content = Zeroizing::new(data.to_vec());
    cipher.decrypt(&derive(passphrase.expose(), &iv, cipher), &mut content, &[]).map_err(malformed)?;
    let length = unpad(&content, cipher.block_length()).ok_or(KeyFileError::WrongPassphrase)?.len();
    content.truncate(length);
    Ok(content)
}

/// Encrypts a block; the result is it and its headers, with the empty line after them.
pub(super) fn encrypt(
    content: &[u8],
    passphrase: &[u8],
    random: &mut dyn SecureRandom,
) -> Result<(Zeroizing<Vec<u8>>, String), KeyFileError> {
    let mut iv = [0; 16];
    random.fill(&mut iv)?;
    let mut content = padded(content, CIPHER.block_length());
    CIPHER.encrypt(&derive(passphrase, &iv, CIPHER), &mut content)?;
    let iv: String = iv.iter().map(|byte| format!("{byte:02X}")).collect();
    Ok((content, format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{iv}\n\n")))
}

fn by_name(name: &str) -> Option<KeyFileCipher> {
    Some(match name {
        "AES-128-CBC" => KeyFileCipher::Aes128Cbc,
        "AES-192-CBC" => KeyFileCipher::Aes192Cbc,
        "AES-256-CBC" => KeyFileCipher::Aes256Cbc,
        "DES-EDE3-CBC" => KeyFileCipher::TripleDesCbc,
        _ => return None,
    })
}

/// Key and initial vector: OpenSSL's `EVP_BytesToKey` with one round of MD5; the salt is the vector's first 8 bytes.
fn derive(passphrase: &[u8], iv: &[u8], cipher: KeyFileCipher) -> Zeroizing<Vec<u8>> {
    let salt = iv.get(..8).unwrap_or(iv);
    let mut derived = Zeroizing::new(Vec::with_capacity(64));
    let mut last = Zeroizing::new([0; 16]);
    while derived.len() < cipher.key_length() {
        let mut md5 = Md5::new();
        if !derived.is_empty() {
            md5.update(*last);
        }
        md5.update(passphrase);
        md5.update(salt);
        *last = md5.finalize().into();
        derived.extend_from_slice(&*last);
    }
    derived.truncate(cipher.key_length());
    derived.extend_from_slice(iv);
    derived
}
