//! Public keys.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::crypto::signature::{Curve, Ed25519PrivateKey, SignatureError, blob};
use crate::wire::{DecodeError, NameList, Reader};

use super::{Fingerprint, FingerprintHash};

/// A public key: its blob (RFC 4253 §6.6), checked.
///
/// A key of a built-in type is well-formed and its point is on its curve; whether it is *strong* enough is decided
/// where it is used. A key of another type is kept as it came, so that it can be shown, compared and passed on.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey {
    blob: Vec<u8>,
}

impl PublicKey {
    /// Longest blob accepted, in bytes.
    pub const MAX_BLOB_LENGTH: usize = 64 * 1024;

    /// Checks `blob` and takes it as a key.
    ///
    /// # Errors
    /// [`KeyError`] for a blob that is not one key of its type, or is longer than [`Self::MAX_BLOB_LENGTH`].
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        if blob.len() > Self::MAX_BLOB_LENGTH {
            return Err(KeyError::TooLong);
        }
        let name = Reader::new(blob).string().map_err(KeyError::Malformed)?;
        let name = plausible_key_type(name).ok_or(KeyError::Malformed(DecodeError::InvalidValue))?;
        check_known(name, blob).map_err(|error| match error {
            SignatureError::UnacceptableKey => KeyError::Unacceptable { key_type: name.into() },
            _ => KeyError::Malformed(DecodeError::InvalidValue),
        })?;
        Ok(Self { blob: blob.to_vec() })
    }

    /// The blob.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The key type, such as `ssh-ed25519`.
    pub fn key_type(&self) -> &str {
        Reader::new(&self.blob).string().ok().and_then(plausible_key_type).unwrap_or_default()
    }

    /// The fingerprint.
    pub fn fingerprint(&self, hash: FingerprintHash) -> Fingerprint {
        Fingerprint::of(&self.blob, hash)
    }

    /// The size users know the key by, such as 256 for Ed25519 and the modulus' bits for RSA. `None` for a type that is
    /// not built in.
    pub fn bits(&self) -> Option<u32> {
        match self.key_type() {
            "ssh-ed25519" => Some(256),
            "ssh-rsa" => blob::open_rsa(&self.blob).ok().and_then(|(_, n)| u32::try_from(n.bits()).ok()),
            name => curve(name).map(Curve::bits),
        }
    }

    /// The signature algorithms this type of key signs with, most wanted first. Empty for a type that is not built in.
    pub fn signature_algorithms(&self) -> &'static [&'static str] {
        match self.key_type() {
            "ssh-ed25519" => &["ssh-ed25519"],
            "ecdsa-sha2-nistp256" => &["ecdsa-sha2-nistp256"],
            "ecdsa-sha2-nistp384" => &["ecdsa-sha2-nistp384"],
            "ecdsa-sha2-nistp521" => &["ecdsa-sha2-nistp521"],
            #[cfg(feature = "rsa")]
            "ssh-rsa" => &["rsa-sha2-512", "rsa-sha2-256"],
            _ => &[],
        }
    }

    /// For blobs this crate wrote itself.
    pub(super) const fn from_own_blob(blob: Vec<u8>) -> Self {
        Self { blob }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.key_type(), self.fingerprint(FingerprintHash::Sha256))
    }
}

fn plausible_key_type(name: &[u8]) -> Option<&str> {
    let name = core::str::from_utf8(name).ok()?;
    let plain = name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b',' | b'"'));
    (plain && !name.is_empty() && name.len() <= NameList::MAX_NAME_LENGTH).then_some(name)
}

fn curve(key_type: &str) -> Option<Curve> {
    Curve::ALL.into_iter().find(|curve| curve.key_type() == key_type)
}

fn check_known(key_type: &str, key_blob: &[u8]) -> Result<(), SignatureError> {
    match key_type {
        "ssh-ed25519" => Ed25519PrivateKey::check_public_blob(key_blob),
        "ssh-rsa" => blob::open_rsa(key_blob).map(drop),
        name => curve(name).map_or(Ok(()), |curve| curve.check_public_blob(key_blob)),
    }
}

/// Why bytes or a line are not a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The blob does not have the form its type demands.
    Malformed(DecodeError),
    /// The blob is well-formed, but no key of its type: a point off the curve, an even modulus, an exponent of 1.
    Unacceptable {
        /// The key type.
        key_type: String,
    },
    /// The blob or the line is longer than any key.
    TooLong,
    /// A line does not have a key type and a blob.
    NotAKeyLine,
    /// The blob in a line is not base64.
    Base64,
    /// A line begins with another key type than its blob.
    TypeMismatch {
        /// What the line says.
        line: String,
        /// What the blob says.
        blob: String,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the public key is malformed: {error}"),
            Self::Unacceptable { key_type } => write!(f, "the public key is not a valid {key_type} key"),
            Self::TooLong => f.write_str("the public key is too long"),
            Self::NotAKeyLine => f.write_str("the line is not a public key: expected a key type and base64 data"),
            Self::Base64 => f.write_str("the public key's base64 data is malformed"),
            Self::TypeMismatch { line, blob } => {
                write!(f, "the line says the key is \"{}\" but it is \"{blob}\"", line.escape_debug())
            }
        }
    }
}

impl core::error::Error for KeyError {}
