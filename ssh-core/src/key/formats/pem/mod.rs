//! Key files as OpenSSL writes them: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017), SEC 1 (RFC 5915) and its own for DSA.

mod oid;
mod pbes2;
mod pkcs8;
#[cfg(feature = "legacy")]
mod proc_type;
mod public;
mod traditional;

use alloc::string::String;

use zeroize::Zeroizing;

use super::armor::{self, Armored, PEM_COLUMNS};
use super::{KeyEncryption, KeyFileError};
use crate::key::private::{PrivateKey, Secret};
use crate::random::SecureRandom;
use crate::secret::SecretBytes;
use crate::wire::DecodeError;

pub use pbes2::{MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY, MAX_SCRYPT_WORK};
pub(super) use public::{read as read_public, write_pkcs1 as write_public_pem, write_pkcs8 as write_public_pkcs8};

/// The label of a private key's block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Pkcs8,
    EncryptedPkcs8,
    Rsa,
    Ec,
    Dsa,
}

impl Label {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        let all = [Self::Pkcs8, Self::EncryptedPkcs8, Self::Rsa, Self::Ec, Self::Dsa];
        all.into_iter().find(|label| label.as_str() == name)
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pkcs8 => "PRIVATE KEY",
            Self::EncryptedPkcs8 => "ENCRYPTED PRIVATE KEY",
            Self::Rsa => "RSA PRIVATE KEY",
            Self::Ec => "EC PRIVATE KEY",
            Self::Dsa => "DSA PRIVATE KEY",
        }
    }

    fn read(self, der: &[u8]) -> Result<Secret, KeyFileError> {
        match self {
            Self::Pkcs8 | Self::EncryptedPkcs8 => pkcs8::read(der),
            Self::Rsa => traditional::read_rsa(der),
            Self::Ec => traditional::read_ec(der, None),
            Self::Dsa => traditional::read_dsa(der),
        }
    }
}

/// Whether the block is encrypted, in either way.
pub(super) fn is_encrypted(block: &Armored<'_>, label: Label) -> bool {
    label == Label::EncryptedPkcs8 || block.header("Proc-Type").is_some_and(|value| value.ends_with("ENCRYPTED"))
}

/// Reads the block of a private key.
pub(super) fn read(
    block: &Armored<'_>,
    label: Label,
    passphrase: Option<&SecretBytes>,
) -> Result<PrivateKey, KeyFileError> {
    if !is_encrypted(block, label) {
        return Ok(PrivateKey::new(label.read(&block.bytes)?, String::new()));
    }
    let der = decrypt(block, label, passphrase)?;
    let secret = label.read(&der).map_err(|error| match error {
        // One wrong key in 256 leaves what looks like padding.
        KeyFileError::Malformed(_) => KeyFileError::WrongPassphrase,
        error => error,
    })?;
    Ok(PrivateKey::new(secret, String::new()))
}

fn decrypt(
    block: &Armored<'_>,
    label: Label,
    passphrase: Option<&SecretBytes>,
) -> Result<Zeroizing<alloc::vec::Vec<u8>>, KeyFileError> {
    if label == Label::EncryptedPkcs8 {
        return pbes2::decrypt(&block.bytes, passphrase);
    }
    let info = block.header("DEK-Info").ok_or(KeyFileError::Malformed(DecodeError::InvalidValue))?;
    #[cfg(feature = "legacy")]
    return proc_type::decrypt(&block.bytes, info, passphrase);
    #[cfg(not(feature = "legacy"))]
    Err(KeyFileError::UnsupportedCipher { name: info.split(',').next().unwrap_or_default().into() })
}

/// Writes `PRIVATE KEY` or `ENCRYPTED PRIVATE KEY`.
pub(super) fn write_pkcs8(
    key: &PrivateKey,
    encryption: Option<&KeyEncryption>,
    random: &mut dyn SecureRandom,
) -> Result<SecretBytes, KeyFileError> {
    let der = pkcs8::write(key)?;
    let Some(encryption) = encryption else {
        return Ok(armor::encode(&der, Label::Pkcs8.as_str(), "", PEM_COLUMNS));
    };
    let der = pbes2::encrypt(&der, encryption.passphrase()?, random)?;
    Ok(armor::encode(&der, Label::EncryptedPkcs8.as_str(), "", PEM_COLUMNS))
}

/// Writes `RSA PRIVATE KEY`, `EC PRIVATE KEY` or `DSA PRIVATE KEY`.
pub(super) fn write_traditional(
    key: &PrivateKey,
    encryption: Option<&KeyEncryption>,
    random: &mut dyn SecureRandom,
) -> Result<SecretBytes, KeyFileError> {
    let (label, der) = traditional::write(key)?;
    let Some(encryption) = encryption else {
        return Ok(armor::encode(&der, label.as_str(), "", PEM_COLUMNS));
    };
    let passphrase = encryption.passphrase()?;
    #[cfg(feature = "legacy")]
    {
        let (der, headers) = proc_type::encrypt(&der, passphrase, random)?;
        Ok(armor::encode(&der, label.as_str(), &headers, PEM_COLUMNS))
    }
    #[cfg(not(feature = "legacy"))]
    {
        let _ = (passphrase, random);
        Err(KeyFileError::WeakEncryption)
    }
}

/// What `der` did not understand. Its errors name positions, which help nobody.
fn malformed<E>(_: E) -> KeyFileError {
    KeyFileError::Malformed(DecodeError::InvalidValue)
}

fn invalid(key_type: &str) -> KeyFileError {
    KeyFileError::InvalidKey { key_type: key_type.into() }
}

fn not_in_format(key: &PrivateKey, format: &'static str) -> KeyFileError {
    KeyFileError::NotInFormat { key_type: key.public_key().key_type().into(), format }
}
