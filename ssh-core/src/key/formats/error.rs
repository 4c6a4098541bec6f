//! What can be wrong with a key file.

use alloc::string::String;
use core::fmt;

use super::{MAX_BCRYPT_ROUNDS, MAX_KEY_FILE_LENGTH};
use crate::key::KeyError;
use crate::random::RandomError;
use crate::wire::DecodeError;

/// The label of PuTTY's formats, which have no `BEGIN` line.
pub(super) const PUTTY: &str = "PuTTY";
/// The label of SSH-1's format, which has none either.
pub(super) const SSH1: &str = "SSH-1";

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
    /// The checksum is not that of the content, or not one under this passphrase: the file was damaged or changed.
    Damaged,
    /// The text is longer than [`MAX_KEY_FILE_LENGTH`].
    TooLong,
    /// The text's armour is damaged: no `END` line, or no base64 in between.
    Armor,
    /// The file is of a format that is not built in.
    UnsupportedFormat {
        /// The label in the `BEGIN` line, or `PuTTY` or `SSH-1`.
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
    /// Deriving the file's key would take more time or memory than is spent on a file.
    Cost {
        /// What is demanded: `PBKDF2 iterations`, `KiB of memory for Argon2` ..
        unit: &'static str,
        /// How much of it.
        demanded: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// Keys of this type are never written in the format asked for.
    NotInFormat {
        /// The key type.
        key_type: String,
        /// The format.
        format: &'static str,
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
    /// The only encryption the format has is MD5, once, which needs the feature `legacy`.
    WeakEncryption,
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
            Self::Damaged => f.write_str("the key file is damaged: its checksum is not that of its content"),
            Self::Armor => f.write_str("the key file is damaged: its base64 text or its END line is wrong"),
            Self::UnsupportedFormat { label } if label == PUTTY => f.write_str(
                "the key file is in PuTTY's format; convert it with \"puttygen FILE -O private-openssh -o NEWFILE\"",
            ),
            Self::UnsupportedFormat { label } if label == SSH1 => f.write_str(
                "the key file is an identity of SSH protocol 1, which no SSH-2 server takes; make a new key",
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
            Self::Cost { unit, demanded, limit } => {
                write!(f, "the key file takes {demanded} {unit}; at most {limit} are allowed")
            }
            Self::NotInFormat { key_type, format } => {
                write!(f, "a key of type {} cannot be written as {format}", key_type.escape_debug())
            }
            Self::Malformed(error) => write!(f, "the key file's content is malformed: {error}"),
            Self::PublicKey(error) => write!(f, "in the key file, {error}"),
            Self::InvalidKey { key_type } => write!(f, "the key file does not hold a valid {key_type} key"),
            Self::PublicMismatch => f.write_str("the key file's public half does not belong to its private half"),
            Self::WeakEncryption => {
                f.write_str("the encryption of this format is too weak; take PKCS#8 or OpenSSH's own format")
            }
            Self::EmptyPassphrase => f.write_str("a key file cannot be encrypted with an empty passphrase"),
            Self::Random(error) => write!(f, "the key file could not be written: {error}"),
        }
    }
}

impl core::error::Error for KeyFileError {}
