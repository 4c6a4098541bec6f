//! Public keys.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;

use crate::crypto::signature::{self, CertificateBlob, SignatureError, blob};
use crate::wire::{DecodeError, NameList, Reader};

use super::{Certificate, Fingerprint, FingerprintHash};

/// A public key: its blob (RFC 4253 §6.6), checked.
///
/// A key of a built-in type is well-formed and its point is on its curve; whether it is *strong* enough is decided
/// where it is used. A key of another type is kept as it came, so that it can be shown, compared and passed on.
///
/// It may be a certificate, whose authority's signature is right then; see [`certificate`](Self::certificate). A
/// certificate is never equal to the key that it certifies, so code that does not know certificates refuses them.
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
            SignatureError::Authority => KeyError::Authority,
            _ => KeyError::Malformed(DecodeError::InvalidValue),
        })?;
        if let Ok(certificate) = CertificateBlob::open(blob) {
            Certificate::read(&certificate).map_err(KeyError::Malformed)?;
        }
        Ok(Self { blob: blob.to_vec() })
    }

    /// What it certifies, if it is a certificate.
    pub fn certificate(&self) -> Option<Certificate> {
        Certificate::read(&CertificateBlob::open(&self.blob).ok()?).ok()
    }

    /// The key alone: of a certificate the one that is certified, otherwise this one. Its private half is what signs.
    pub fn plain(&self) -> Cow<'_, Self> {
        match CertificateBlob::open(&self.blob) {
            Ok(certificate) => Cow::Owned(Self { blob: certificate.plain_key }),
            Err(_) => Cow::Borrowed(self),
        }
    }

    /// The blob.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The key type, such as `ssh-ed25519`.
    pub fn key_type(&self) -> &str {
        Reader::new(&self.blob).string().ok().and_then(plausible_key_type).unwrap_or_default()
    }

    /// The fingerprint; of a certificate, that of the key in it, which is what people compare.
    pub fn fingerprint(&self, hash: FingerprintHash) -> Fingerprint {
        Fingerprint::of(self.plain().blob(), hash)
    }

    /// The picture of the fingerprint, eleven lines as `ssh-keygen -lv` draws them, without a line end after the last.
    pub fn randomart(&self, hash: FingerprintHash) -> String {
        self.fingerprint(hash).draw(self.kind(), self.bits())
    }

    /// What users call this kind of key: `RSA`, `ED25519-SK`, `ECDSA-CERT`; the key type itself if it is not built in.
    pub fn kind(&self) -> &str {
        let key_type = self.key_type();
        KINDS.iter().find(|(_, names)| names.contains(&key_type)).map_or(key_type, |(kind, _)| kind)
    }

    /// The size users know the key by, such as 256 for Ed25519 and the modulus' bits for RSA. `None` for a type that is
    /// not built in.
    pub fn bits(&self) -> Option<u32> {
        let key_type = self.key_type();
        match signature::for_key_type(key_type).next() {
            Some(algorithm) => algorithm.key_bits(&self.blob),
            None if key_type == RSA => blob::rsa_bits(&self.blob),
            None => None,
        }
    }

    /// The signature algorithms that are built in for this type of key, most wanted first; weak ones, if there are, come
    /// last. None for a type that is not built in.
    pub fn signature_algorithms(&self) -> impl Iterator<Item = &'static str> {
        signature::for_key_type(self.key_type()).map(|algorithm| algorithm.name())
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

fn check_known(key_type: &str, key_blob: &[u8]) -> Result<(), SignatureError> {
    match signature::for_key_type(key_type).next() {
        Some(algorithm) => algorithm.check_key(key_blob),
        // Its name is everywhere, even where nothing can verify with it.
        None if key_type == RSA => blob::open_rsa(key_blob).map(drop),
        None => Ok(()),
    }
}

const RSA: &str = "ssh-rsa";

/// What users call the key types.
const KINDS: &[(&str, &[&str])] = &[
    ("ED25519", &["ssh-ed25519"]),
    ("RSA", &["ssh-rsa"]),
    ("DSA", &["ssh-dss"]),
    ("ECDSA", &["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"]),
    ("ED25519-SK", &["sk-ssh-ed25519@openssh.com"]),
    ("ECDSA-SK", &["sk-ecdsa-sha2-nistp256@openssh.com"]),
    ("MLDSA44-ED25519", &["ssh-mldsa44-ed25519", "ssh-mldsa44-ed25519@openssh.com"]),
    ("ED25519-CERT", &["ssh-ed25519-cert-v01@openssh.com"]),
    ("RSA-CERT", &["ssh-rsa-cert-v01@openssh.com"]),
    ("DSA-CERT", &["ssh-dss-cert-v01@openssh.com"]),
    (
        "ECDSA-CERT",
        &[
            "ecdsa-sha2-nistp256-cert-v01@openssh.com",
            "ecdsa-sha2-nistp384-cert-v01@openssh.com",
            "ecdsa-sha2-nistp521-cert-v01@openssh.com",
        ],
    ),
    ("ED25519-SK-CERT", &["sk-ssh-ed25519-cert-v01@openssh.com"]),
    ("ECDSA-SK-CERT", &["sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"]),
    ("MLDSA44-ED25519-CERT", &["ssh-mldsa44-ed25519-cert", "ssh-mldsa44-ed25519-cert-v01@openssh.com"]),
];

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
    /// The blob is a certificate, and the signature of its authority is not right, or of a kind that no authority may use.
    Authority,
    /// The blob or the line is longer than any key.
    TooLong,
    /// A line does not have a key type and a blob.
    NotAKeyLine,
    /// The blob in a line is not base64.
    Base64,
    /// A block of text around a key is damaged: its `END` line is missing, or there is no base64 in between.
    Armor,
    /// The block holds something else than a public key.
    UnsupportedFormat {
        /// The label in the `BEGIN` line.
        label: String,
    },
    /// Keys of this type are never written in the format asked for.
    NotInFormat {
        /// The key type.
        key_type: String,
        /// The format.
        format: &'static str,
    },
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
            Self::Authority => f.write_str(
                "the certificate is not signed by its authority, or with an algorithm that is too weak: SHA-1 or DSA",
            ),
            Self::TooLong => f.write_str("the public key is too long"),
            Self::NotAKeyLine => f.write_str("the line is not a public key: expected a key type and base64 data"),
            Self::Base64 => f.write_str("the public key's base64 data is malformed"),
            Self::Armor => f.write_str("the public key file is damaged: its base64 text or its END line is wrong"),
            Self::UnsupportedFormat { label } => {
                write!(f, "the file holds no public key but \"{}\"", label.escape_debug())
            }
            Self::NotInFormat { key_type, format } => {
                write!(f, "a key of type {} cannot be written as {format}", key_type.escape_debug())
            }
            Self::TypeMismatch { line, blob } => {
                write!(f, "the line says the key is \"{}\" but it is \"{blob}\"", line.escape_debug())
            }
        }
    }
}

impl core::error::Error for KeyError {}
