//! The lock of a keyring.

use subtle::ConstantTimeEq;

use crate::crypto::hash::Hash;
use crate::random::{RandomError, SecureRandom};
use crate::secret::SecretBytes;

const SALT: usize = 32;

/// A passphrase that is only remembered by its salted hash.
pub(super) struct Lock {
    salt: [u8; SALT],
    digest: SecretBytes,
}

impl Lock {
    pub(super) fn new(passphrase: &[u8], random: &mut dyn SecureRandom) -> Result<Self, RandomError> {
        let mut salt = [0; SALT];
        random.fill(&mut salt)?;
        Ok(Self { salt, digest: digest(&salt, passphrase) })
    }

    /// In constant time: how much of a guess was right must not show.
    pub(super) fn opens_with(&self, passphrase: &[u8]) -> bool {
        digest(&self.salt, passphrase).expose().ct_eq(self.digest.expose()).into()
    }
}

fn digest(salt: &[u8; SALT], passphrase: &[u8]) -> SecretBytes {
    SecretBytes::new(Hash::Sha256.digest(&[salt, passphrase]))
}
