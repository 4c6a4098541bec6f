//! Fingerprints, as `ssh-keygen -l` prints them.

use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64Unpadded, Encoding};
use digest::Digest;
use md5::Md5;

use crate::crypto::hash::Hash;

/// The hash function of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum FingerprintHash {
    /// SHA-256, today's form: `SHA256:` and unpadded base64.
    #[default]
    Sha256,
    /// MD5, to compare with what old software shows: `MD5:` and hexadecimal pairs. It can be forged.
    Md5,
}

/// The hash of a public key blob. `Display` is the text users compare.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    hash: FingerprintHash,
    digest: Vec<u8>,
}

impl Fingerprint {
    pub(super) fn of(blob: &[u8], hash: FingerprintHash) -> Self {
        let digest = match hash {
            FingerprintHash::Sha256 => Hash::Sha256.digest(&[blob]),
            FingerprintHash::Md5 => Md5::digest(blob).to_vec(),
        };
        Self { hash, digest }
    }

    /// The hash function.
    pub const fn hash(&self) -> FingerprintHash {
        self.hash
    }

    /// The hash value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.digest
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hash {
            FingerprintHash::Sha256 => write!(f, "SHA256:{}", Base64Unpadded::encode_string(&self.digest)),
            FingerprintHash::Md5 => {
                f.write_str("MD5")?;
                self.digest.iter().try_for_each(|byte| write!(f, ":{byte:02x}"))
            }
        }
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
