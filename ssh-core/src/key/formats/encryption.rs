//! How a key file that is written is protected.

use super::{KeyFileCipher, KeyFileError};
use crate::secret::SecretBytes;

/// How a key file is encrypted when it is written.
///
/// The passphrase is for every format. `rounds` and `cipher` are for OpenSSH's own; each other format has one way:
///
/// | format | key derivation | cipher |
/// |---|---|---|
/// | PKCS#8 | PBKDF2 with HMAC-SHA-256, 600,000 iterations | AES-256-CBC |
/// | PEM | MD5, once: weak | AES-128-CBC |
/// | PPK 3 | Argon2id, 8 MiB, 13 passes | AES-256-CBC, HMAC-SHA-256 |
/// | PPK 2 | SHA-1, once: weak | AES-256-CBC, HMAC-SHA-1 |
#[derive(Debug)]
pub struct KeyEncryption {
    /// The passphrase; not empty.
    pub passphrase: SecretBytes,
    /// Rounds of bcrypt: 1 to [`MAX_BCRYPT_ROUNDS`](super::MAX_BCRYPT_ROUNDS).
    pub rounds: u32,
    /// The cipher.
    pub cipher: KeyFileCipher,
}

impl KeyEncryption {
    /// OpenSSH's default number of rounds.
    pub const DEFAULT_ROUNDS: u32 = 24;

    /// Encryption with the default number of rounds and the default cipher.
    pub const fn new(passphrase: SecretBytes) -> Self {
        Self { passphrase, rounds: Self::DEFAULT_ROUNDS, cipher: KeyFileCipher::Aes256Ctr }
    }

    /// The passphrase, if it is one.
    pub(super) fn passphrase(&self) -> Result<&[u8], KeyFileError> {
        if self.passphrase.is_empty() { Err(KeyFileError::EmptyPassphrase) } else { Ok(self.passphrase.expose()) }
    }
}

/// Checks what deriving a key costs before it is paid.
#[cfg(any(feature = "pkcs8", feature = "ppk"))]
pub(super) const fn check_cost(unit: &'static str, demanded: u64, limit: u64) -> Result<(), KeyFileError> {
    if demanded <= limit { Ok(()) } else { Err(KeyFileError::Cost { unit, demanded, limit }) }
}
