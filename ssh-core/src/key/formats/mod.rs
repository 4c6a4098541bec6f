//! Key file formats, one file each.
//!
//! To add a format: a variant in [`Format`], a line in [`detect`], a file beside this one, an arm in each of [`read`],
//! [`public_half`] and [`is_encrypted`]; and a variant in [`KeyFileFormat`] with an arm in [`write`], if it is written.

pub(super) mod armor;
mod cipher;
mod encryption;
mod error;
mod openssh;
#[cfg(feature = "pkcs8")]
mod pem;
#[cfg(feature = "ppk")]
mod ppk;
mod public_file;
mod public_line;
#[cfg(feature = "ssh1")]
mod ssh1;

use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::private::PrivateKey;
use super::public::PublicKey;
use crate::random::SecureRandom;
use crate::secret::SecretBytes;

pub use cipher::KeyFileCipher;
pub use encryption::KeyEncryption;
pub use error::KeyFileError;
pub use openssh::MAX_BCRYPT_ROUNDS;
pub(super) use openssh::{read_secret as read_fields, write_secret as write_fields};
#[cfg(feature = "pkcs8")]
pub use pem::{MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY, MAX_SCRYPT_WORK};
#[cfg(feature = "ppk")]
pub use ppk::{MAX_ARGON2_LANES, MAX_ARGON2_MEMORY, MAX_ARGON2_WORK};
pub use public_file::PublicKeyFormat;
pub use public_line::PublicKeyLine;
#[cfg(feature = "ssh1")]
pub use ssh1::Ssh1PrivateKey;

use error::{PUTTY, SSH1};

/// Longest text taken as a key file, in bytes.
pub const MAX_KEY_FILE_LENGTH: usize = 1024 * 1024;

/// A format to write a private key file in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFileFormat {
    /// OpenSSH's own (`OPENSSH PRIVATE KEY`): every key type, with its comment. The one to take.
    #[default]
    OpenSsh,
    /// PKCS#8 (RFC 5958), what OpenSSL and most libraries of other languages read. It has no comment.
    #[cfg(feature = "pkcs8")]
    Pkcs8,
    /// What OpenSSL wrote before PKCS#8: PKCS#1 (RFC 8017) for RSA, SEC 1 (RFC 5915) for ECDSA, and OpenSSL's own for
    /// DSA. It has no comment, and its encryption is weak: MD5, once. That needs the feature `legacy`.
    #[cfg(feature = "pkcs8")]
    Pem,
    /// PuTTY's, version 3, since PuTTY 0.75.
    #[cfg(feature = "ppk")]
    Ppk3,
    /// PuTTY's, version 2. Its encryption is weak: SHA-1, once.
    #[cfg(feature = "ppk")]
    Ppk2,
}

impl KeyFileFormat {
    /// The format of a private key file, by its first lines.
    ///
    /// # Errors
    /// [`KeyFileError`]: it is in none of these.
    pub fn of(text: &[u8]) -> Result<Self, KeyFileError> {
        match detect(text)? {
            Format::OpenSsh => Ok(Self::OpenSsh),
            #[cfg(feature = "pkcs8")]
            Format::Pem(pem::Label::Pkcs8 | pem::Label::EncryptedPkcs8) => Ok(Self::Pkcs8),
            #[cfg(feature = "pkcs8")]
            Format::Pem(_) => Ok(Self::Pem),
            #[cfg(feature = "ppk")]
            Format::Ppk if ppk::Version::of(text.trim_ascii_start()) == Some(ppk::Version::V2) => Ok(Self::Ppk2),
            #[cfg(feature = "ppk")]
            Format::Ppk => Ok(Self::Ppk3),
            Format::Other(label) => Err(KeyFileError::UnsupportedFormat { label }),
        }
    }
}

/// Reads a private key file of any format that is built in.
pub(super) fn read(text: &[u8], passphrase: Option<&SecretBytes>) -> Result<PrivateKey, KeyFileError> {
    match detect(text)? {
        Format::OpenSsh => openssh::read(&openssh_bytes(text)?, passphrase),
        #[cfg(feature = "pkcs8")]
        Format::Pem(label) => pem::read(&armor::decode(text, label.as_str())?, label, passphrase),
        #[cfg(feature = "ppk")]
        Format::Ppk => ppk::read(text, passphrase),
        Format::Other(label) => Err(KeyFileError::UnsupportedFormat { label }),
    }
}

/// The public half of a file, if no passphrase is needed to know it.
pub(super) fn public_half(text: &[u8]) -> Result<Option<PublicKey>, KeyFileError> {
    match detect(text)? {
        Format::OpenSsh => openssh::public_half(&openssh_bytes(text)?).map(Some),
        #[cfg(feature = "ppk")]
        Format::Ppk => ppk::public_half(text).map(Some),
        _ => match read(text, None) {
            Ok(key) => Ok(Some(key.public_key().clone())),
            Err(KeyFileError::PassphraseRequired) => Ok(None),
            Err(error) => Err(error),
        },
    }
}

/// Whether a file needs a passphrase.
pub(super) fn is_encrypted(text: &[u8]) -> Result<bool, KeyFileError> {
    match detect(text)? {
        Format::OpenSsh => openssh::is_encrypted(&openssh_bytes(text)?),
        #[cfg(feature = "pkcs8")]
        Format::Pem(label) => Ok(pem::is_encrypted(&armor::decode(text, label.as_str())?, label)),
        #[cfg(feature = "ppk")]
        Format::Ppk => ppk::is_encrypted(text),
        Format::Other(label) => Err(KeyFileError::UnsupportedFormat { label }),
    }
}

/// Writes a private key file.
pub(super) fn write(
    key: &PrivateKey,
    format: KeyFileFormat,
    encryption: Option<&KeyEncryption>,
    random: &mut dyn SecureRandom,
) -> Result<SecretBytes, KeyFileError> {
    match format {
        KeyFileFormat::OpenSsh => {
            let bytes = openssh::write(key, encryption, random)?;
            Ok(armor::encode(&bytes, openssh::LABEL, "", armor::OPENSSH_COLUMNS))
        }
        #[cfg(feature = "pkcs8")]
        KeyFileFormat::Pkcs8 => pem::write_pkcs8(key, encryption, random),
        #[cfg(feature = "pkcs8")]
        KeyFileFormat::Pem => pem::write_traditional(key, encryption, random),
        #[cfg(feature = "ppk")]
        KeyFileFormat::Ppk3 => ppk::write(key, ppk::Version::V3, encryption, random),
        #[cfg(feature = "ppk")]
        KeyFileFormat::Ppk2 => ppk::write(key, ppk::Version::V2, encryption, random),
    }
}

fn openssh_bytes(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    armor::decode(text, openssh::LABEL)?.without_headers()
}

#[derive(Debug, PartialEq, Eq)]
enum Format {
    OpenSsh,
    #[cfg(feature = "pkcs8")]
    Pem(pem::Label),
    #[cfg(feature = "ppk")]
    Ppk,
    /// A format that is not built in, by the label in its first line or by its maker's name.
    Other(String),
}

/// The format of a private key file, by its first lines.
fn detect(text: &[u8]) -> Result<Format, KeyFileError> {
    if text.len() > MAX_KEY_FILE_LENGTH {
        return Err(KeyFileError::TooLong);
    }
    if text.starts_with(b"SSH PRIVATE KEY FILE FORMAT 1.1\n") {
        return Ok(Format::Other(SSH1.into()));
    }
    let first = text.trim_ascii_start();
    if first.starts_with(b"PuTTY-User-Key-File-") {
        #[cfg(feature = "ppk")]
        if ppk::Version::of(first).is_some() {
            return Ok(Format::Ppk);
        }
        return Ok(Format::Other(PUTTY.into()));
    }
    match armor::label(text) {
        Some(openssh::LABEL) => Ok(Format::OpenSsh),
        Some(label) => {
            #[cfg(feature = "pkcs8")]
            if let Some(label) = pem::Label::by_name(label) {
                return Ok(Format::Pem(label));
            }
            Ok(Format::Other(label.into()))
        }
        None => Err(KeyFileError::NotAKeyFile),
    }
}

#[cfg(test)]
mod tests;
