//! Key file formats, one file each.
//!
//! To add a format: a variant in [`Format`], a line in [`detect`], a file beside this one, an arm in [`read`].

mod armor;
mod cipher;
mod openssh;
mod public_line;

use alloc::string::{String, ToString};
use core::fmt;

use super::{KeyError, PrivateKey};
use crate::random::{RandomError, SecureRandom};
use crate::secret::SecretBytes;
use crate::wire::DecodeError;

pub use openssh::{KeyEncryption, MAX_BCRYPT_ROUNDS};
pub(super) use openssh::{read_secret as read_fields, write_secret as write_fields};
pub use public_line::PublicKeyLine;

/// Longest text taken as a key file, in bytes.
pub const MAX_KEY_FILE_LENGTH: usize = 1024 * 1024;

/// Reads a private key file of any format that is built in.
pub(super) fn read(text: &[u8], passphrase: Option<&SecretBytes>) -> Result<PrivateKey, KeyFileError> {
    if text.len() > MAX_KEY_FILE_LENGTH {
        return Err(KeyFileError::TooLong);
    }
    match detect(text)? {
        Format::OpenSsh => openssh::read(&armor::decode(text, openssh::LABEL)?, passphrase),
        Format::Other(label) => Err(KeyFileError::UnsupportedFormat { label }),
    }
}

/// Writes a private key file in OpenSSH's own format.
pub(super) fn write(
    key: &PrivateKey,
    encryption: Option<&KeyEncryption>,
    random: &mut dyn SecureRandom,
) -> Result<SecretBytes, KeyFileError> {
    Ok(armor::encode(&openssh::write(key, encryption, random)?, openssh::LABEL))
}

#[derive(Debug, PartialEq, Eq)]
enum Format {
    OpenSsh,
    /// A format that is not built in, by the label in its first line or by its maker's name.
    Other(String),
}

/// The format of a private key file, by its first lines.
fn detect(text: &[u8]) -> Result<Format, KeyFileError> {
    if let Some(label) = armor::label(text) {
        return Ok(if label == openssh::LABEL { Format::OpenSsh } else { Format::Other(label.into()) });
    }
    if text.trim_ascii_start().starts_with(b"PuTTY-User-Key-File-") {
        return Ok(Format::Other(PUTTY.to_string()));
    }
    Err(KeyFileError::NotAKeyFile)
}

const PUTTY: &str = "PuTTY";

/// Why a private key file could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file is encrypted and no passphrase was given. Ask for it and try again.
    PassphraseRequired,
    /// The passphrase does not open the file. Ask again.
    WrongPassphrase,
    /// There is no private key in the text.
    NotAKeyFile,
    /// The text is longer than [`MAX_KEY_FILE_LENGTH`].
    TooLong,
    /// The text's armour is damaged: no `END` line, or no base64 in between.
    Armor,
    /// The file is of a format that is not built in.
    UnsupportedFormat {
        /// The label in the `BEGIN` line, or `PuTTY`.
        label: String,
    },
    /// The file is encrypted with a cipher that is not built in.
    UnsupportedCipher {
        /// Its name.
        name: String,
    },
    /// The file's key derivation function is not built in.
    UnsupportedKdf {
        /// Its name.
        name: String,
    },
    /// The key is of a type that is not built in.
    UnsupportedKeyType {
        /// Its name.
        name: String,
    },
    /// The file holds several keys, or none.
    KeyCount {
        /// How many.
        count: u32,
    },
    /// Deriving the file's key would take too long, or no time at all.
    Rounds {
        /// The rounds demanded.
        rounds: u32,
    },
    /// The content is malformed.
    Malformed(DecodeError),
    /// The public half is malformed.
    PublicKey(KeyError),
    /// The private half is no valid key: numbers that do not fit together, a scalar out of range, RSA below 2048 bits.
    InvalidKey {
        /// The key type.
        key_type: String,
    },
    /// The public half in the file does not belong to the private half. Signing with such a pair could reveal the key.
    PublicMismatch,
    /// A file cannot be encrypted with an empty passphrase.
    EmptyPassphrase,
    /// The source of randomness failed.
    Random(RandomError),
}

impl From<DecodeError> for KeyFileError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<RandomError> for KeyFileError {
    fn from(error: RandomError) -> Self {
        Self::Random(error)
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PassphraseRequired => f.write_str("the key file is encrypted; its passphrase is needed"),
            Self::WrongPassphrase => f.write_str("the passphrase does not open the key file"),
            Self::NotAKeyFile => f.write_str("the file is not a private key: it has no \"-----BEGIN\" line"),
            Self::TooLong => write!(f, "the key file is longer than {MAX_KEY_FILE_LENGTH} bytes"),
            Self::Armor => f.write_str("the key file is damaged: its base64 text or its END line is wrong"),
            Self::UnsupportedFormat { label } if label == PUTTY => f.write_str(
                "the key file is in PuTTY's format; convert it with \"puttygen FILE -O private-openssh -o NEWFILE\"",
            ),
            Self::UnsupportedFormat { label } => write!(
                f,
                "the key file has the format \"{}\"; convert a copy with \"ssh-keygen -p -f FILE\"",
                label.escape_debug()
            ),
            Self::UnsupportedCipher { name } => write!(
                f,
                "the key file is encrypted with \"{}\"; convert it with \"ssh-keygen -p -Z aes256-ctr -f FILE\"",
                name.escape_debug()
            ),
            Self::UnsupportedKdf { name } => {
                write!(f, "the key file uses the key derivation \"{}\", which is not supported", name.escape_debug())
            }
            Self::UnsupportedKeyType { name } => {
                write!(f, "the key is of type \"{}\", which is not supported", name.escape_debug())
            }
            Self::KeyCount { count } => write!(f, "the key file holds {count} keys; only files with one can be used"),
            Self::Rounds { rounds } => {
                write!(f, "the key file takes {rounds} rounds of bcrypt; 1 to {MAX_BCRYPT_ROUNDS} are allowed")
            }
            Self::Malformed(error) => write!(f, "the key file's content is malformed: {error}"),
            Self::PublicKey(error) => write!(f, "in the key file, {error}"),
            Self::InvalidKey { key_type } => write!(f, "the key file does not hold a valid {key_type} key"),
            Self::PublicMismatch => f.write_str("the key file's public half does not belong to its private half"),
            Self::EmptyPassphrase => f.write_str("a key file cannot be encrypted with an empty passphrase"),
            Self::Random(error) => write!(f, "the key file could not be written: {error}"),
        }
    }
}

impl core::error::Error for KeyFileError {}

#[cfg(test)]
mod tests;
