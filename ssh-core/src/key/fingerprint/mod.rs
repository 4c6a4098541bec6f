//! Fingerprints, as `ssh-keygen -l` prints them.

mod bubble_babble;
mod randomart;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64Unpadded, Encoding};
#[cfg(feature = "legacy")]
use md5::Md5;
use sha1::{Digest, Sha1};

use crate::crypto::hash::Hash;

/// The hash function of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum FingerprintHash {
    /// SHA-256, today's form: `SHA256:` and unpadded base64.
    #[default]
    Sha256,
    /// SHA-512: `SHA512:` and unpadded base64.
    Sha512,
    /// SHA-1: `SHA1:` and unpadded base64. Bubble Babble is made of it. Two keys with the same one can be made for money.
    Sha1,
    /// MD5, to compare with what old software shows: `MD5:` and hexadecimal pairs. It can be forged.
    #[cfg(feature = "legacy")]
    Md5,
}

impl FingerprintHash {
    /// Its name in a fingerprint.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::Sha1 => "SHA1",
            #[cfg(feature = "legacy")]
            Self::Md5 => "MD5",
        }
    }
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
            FingerprintHash::Sha512 => Hash::Sha512.digest(&[blob]),
            FingerprintHash::Sha1 => Sha1::digest(blob).to_vec(),
            #[cfg(feature = "legacy")]
            FingerprintHash::Md5 => Md5::digest(blob).to_vec(),
        };
        Self { hash, digest }
    }

    /// The hash function.
    pub const fn hash(&self) -> FingerprintHash {
        self.hash
    }

    /// The hash value in words that can be read out. `ssh-keygen -B` shows them of [`FingerprintHash::Sha1`].
    pub fn bubble_babble(&self) -> String {
        bubble_babble::encode(&self.digest)
    }

    /// The hash value as a picture, as `ssh-keygen -lv` draws it for a key of this kind and size.
    pub(super) fn draw(&self, kind: &str, bits: Option<u32>) -> String {
        randomart::draw(&self.digest, kind, bits, self.hash.name())
    }

    /// The hash value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.digest
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hash {
            #[cfg(feature = "legacy")]
            FingerprintHash::Md5 => {
                f.write_str("MD5")?;
                self.digest.iter().try_for_each(|byte| write!(f, ":{byte:02x}"))
            }
            hash => write!(f, "{}:{}", hash.name(), Base64Unpadded::encode_string(&self.digest)),
        }
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use hex_literal::hex;

    /// FIPS 180-4's and RFC 1321's digests of "abc", and the texts that are made of them.
    #[test]
    fn digests_and_their_texts() {
        let sha256 = hex!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let md5 = hex!("900150983cd24fb0d6963f7d28e17f72");
        for (hash, digest, text) in [
            (FingerprintHash::Sha256, &sha256[..], "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0"),
            (FingerprintHash::Md5, &md5, "MD5:90:01:50:98:3c:d2:4f:b0:d6:96:3f:7d:28:e1:7f:72"),
        ] {
            let fingerprint = Fingerprint::of(b"abc", hash);
            assert_eq!((fingerprint.hash(), fingerprint.as_bytes()), (hash, digest));
            assert_eq!(fingerprint.to_string(), text);
            assert_eq!(alloc::format!("{fingerprint:?}"), text, "nothing else is worth a log line");
        }
    }
}
