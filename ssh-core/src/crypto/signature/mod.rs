//! Public key signature algorithms (RFC 4253 §6.6, RFC 5656 §3, RFC 8332, RFC 8709).
//!
//! A *key type* (`ssh-rsa`) names the form of a key blob; an *algorithm* (`rsa-sha2-512`) names how a key signs. For most
//! keys the two names are equal.

pub(crate) mod blob;
mod ecdsa;
mod ed25519;
#[cfg(feature = "rsa")]
mod rsa;

use core::fmt;

pub use ecdsa::{ECDSA_SHA2_NISTP256, ECDSA_SHA2_NISTP384, ECDSA_SHA2_NISTP521};
pub use ed25519::SSH_ED25519;
#[cfg(feature = "rsa")]
pub use rsa::{RSA_SHA2_256, RSA_SHA2_512};

pub(crate) use ecdsa::{Curve, EcdsaPrivateKey};
pub(crate) use ed25519::Ed25519PrivateKey;
#[cfg(feature = "rsa")]
pub(crate) use rsa::{RsaComponents, RsaPrivateKey};

use crate::wire::DecodeError;

/// Every algorithm that is built in.
pub static ALL: &[&dyn SignatureAlgorithm] = &[
    SSH_ED25519,
    ECDSA_SHA2_NISTP256,
    ECDSA_SHA2_NISTP384,
    ECDSA_SHA2_NISTP521,
    #[cfg(feature = "rsa")]
    RSA_SHA2_512,
    #[cfg(feature = "rsa")]
    RSA_SHA2_256,
];

/// A signature algorithm's descriptor.
pub trait SignatureAlgorithm: Send + Sync {
    /// The name in KEXINIT, in authentication requests and inside signature blobs.
    fn name(&self) -> &'static str;

    /// The key type whose blobs it takes.
    fn key_type(&self) -> &'static str;

    /// Verifies `signature`, a whole signature blob, over `message` under the public key in `key_blob`.
    ///
    /// The blob's key type must be [`key_type`](Self::key_type) and the signature's algorithm must be
    /// [`name`](Self::name), exactly: a peer that negotiated one algorithm cannot answer with another.
    ///
    /// # Errors
    /// [`SignatureError`] says why the signature proves nothing.
    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureError>;
}

impl fmt::Debug for dyn SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a signature proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureError {
    /// The key blob is malformed.
    MalformedKey,
    /// The key blob holds another key type than the algorithm takes.
    WrongKeyType,
    /// The key is well-formed but not acceptable: an RSA modulus that is too short or too long, a point off the curve.
    UnacceptableKey,
    /// The signature blob is malformed.
    MalformedSignature,
    /// The signature blob names another algorithm.
    WrongAlgorithm,
    /// The signature is not one of this key over this message.
    Invalid,
}

impl From<DecodeError> for SignatureError {
    fn from(_: DecodeError) -> Self {
        Self::MalformedSignature
    }
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MalformedKey => "the public key is malformed",
            Self::WrongKeyType => "the public key is of another type than was agreed",
            Self::UnacceptableKey => "the public key is too short, too long or not a valid point",
            Self::MalformedSignature => "the signature is malformed",
            Self::WrongAlgorithm => "the signature was made with another algorithm than was agreed",
            Self::Invalid => "the signature does not match",
        })
    }
}

impl core::error::Error for SignatureError {}
