//! Public key signature algorithms (RFC 4253 §6.6, RFC 5656 §3, RFC 8332, RFC 8709).
//!
//! A *key type* (`ssh-rsa`) names the form of a key blob; an *algorithm* (`rsa-sha2-512`) names how a key signs. For most
//! keys the two names are equal.

pub(crate) mod blob;
mod certificate_blob;
mod certified;
#[cfg(feature = "legacy")]
mod dsa;
mod ecdsa;
mod ed25519;
#[cfg(feature = "pq")]
mod mldsa44_ed25519;
#[cfg(feature = "rsa")]
mod rsa;
mod security_key;
mod webauthn;

use core::fmt;

#[cfg(feature = "legacy")]
pub use certified::SSH_DSS_CERT_V01;
#[cfg(all(feature = "rsa", feature = "legacy"))]
pub use certified::SSH_RSA_CERT_V01;
pub use certified::{
    ECDSA_SHA2_NISTP256_CERT_V01, ECDSA_SHA2_NISTP384_CERT_V01, ECDSA_SHA2_NISTP521_CERT_V01,
    SK_ECDSA_SHA2_NISTP256_CERT_V01, SK_SSH_ED25519_CERT_V01, SSH_ED25519_CERT_V01,
    WEBAUTHN_SK_ECDSA_SHA2_NISTP256_CERT_V01,
};
#[cfg(feature = "rsa")]
pub use certified::{RSA_SHA2_256_CERT_V01, RSA_SHA2_512_CERT_V01};
#[cfg(feature = "pq")]
pub use certified::{SSH_MLDSA44_ED25519_CERT, SSH_MLDSA44_ED25519_CERT_V01};
#[cfg(feature = "legacy")]
pub use dsa::SSH_DSS;
pub use ecdsa::{ECDSA_SHA2_NISTP256, ECDSA_SHA2_NISTP384, ECDSA_SHA2_NISTP521};
pub use ed25519::SSH_ED25519;
#[cfg(feature = "pq")]
pub use mldsa44_ed25519::{SSH_MLDSA44_ED25519, SSH_MLDSA44_ED25519_OPENSSH};
#[cfg(all(feature = "rsa", feature = "legacy"))]
pub use rsa::SSH_RSA;
#[cfg(feature = "rsa")]
pub use rsa::{RSA_SHA2_256, RSA_SHA2_512};
pub use security_key::{SK_ECDSA_SHA2_NISTP256, SK_SSH_ED25519};
pub use webauthn::WEBAUTHN_SK_ECDSA_SHA2_NISTP256;

pub(crate) use certificate_blob::CertificateBlob;
pub(crate) use certified::Certified;
#[cfg(feature = "legacy")]
pub(crate) use dsa::DsaPrivateKey;
pub(crate) use ecdsa::{Curve, EcdsaPrivateKey};
pub(crate) use ed25519::Ed25519PrivateKey;
#[cfg(feature = "pq")]
pub(crate) use mldsa44_ed25519::{MlDsa44Ed25519, MlDsa44Ed25519PrivateKey};
#[cfg(feature = "rsa")]
pub(crate) use rsa::{RsaComponents, RsaPrivateKey};

use crate::wire::DecodeError;

/// Every algorithm that is built in, with the order that those of one key type are wanted in.
pub static ALL: &[&dyn SignatureAlgorithm] = &[
    SSH_ED25519,
    ECDSA_SHA2_NISTP256,
    ECDSA_SHA2_NISTP384,
    ECDSA_SHA2_NISTP521,
    SK_SSH_ED25519,
    SK_ECDSA_SHA2_NISTP256,
    WEBAUTHN_SK_ECDSA_SHA2_NISTP256,
    #[cfg(feature = "rsa")]
    RSA_SHA2_512,
    #[cfg(feature = "rsa")]
    RSA_SHA2_256,
    #[cfg(feature = "pq")]
    SSH_MLDSA44_ED25519,
    #[cfg(feature = "pq")]
    SSH_MLDSA44_ED25519_OPENSSH,
    #[cfg(all(feature = "rsa", feature = "legacy"))]
    SSH_RSA,
    #[cfg(feature = "legacy")]
    SSH_DSS,
    SSH_ED25519_CERT_V01,
    ECDSA_SHA2_NISTP256_CERT_V01,
    ECDSA_SHA2_NISTP384_CERT_V01,
    ECDSA_SHA2_NISTP521_CERT_V01,
    SK_SSH_ED25519_CERT_V01,
    SK_ECDSA_SHA2_NISTP256_CERT_V01,
    WEBAUTHN_SK_ECDSA_SHA2_NISTP256_CERT_V01,
    #[cfg(feature = "rsa")]
    RSA_SHA2_512_CERT_V01,
    #[cfg(feature = "rsa")]
    RSA_SHA2_256_CERT_V01,
    #[cfg(feature = "pq")]
    SSH_MLDSA44_ED25519_CERT,
    #[cfg(feature = "pq")]
    SSH_MLDSA44_ED25519_CERT_V01,
    #[cfg(all(feature = "rsa", feature = "legacy"))]
    SSH_RSA_CERT_V01,
    #[cfg(feature = "legacy")]
    SSH_DSS_CERT_V01,
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
    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError>;

    /// Checks that `key_blob` is well-formed and could be a key at all. Whether it is strong enough is for
    /// [`verify`](Self::verify) to say.
    ///
    /// # Errors
    /// [`SignatureError`] says what is wrong with the key.
    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError>;

    /// The size in bits that users know a key by, if keys of this type have one.
    fn key_bits(&self, key_blob: &[u8]) -> Option<u32> {
        let _ = key_blob;
        None
    }

    /// Whether signatures can be forged for money: SHA-1, short keys. Such an algorithm is never in a preset, and never
    /// signs a certificate.
    fn is_weak(&self) -> bool {
        false
    }

    /// For certificates: the algorithm that the certified key signs with, whose name is in the signature blobs.
    fn plain(&self) -> Option<&'static dyn SignatureAlgorithm> {
        None
    }
}

/// Every algorithm that takes keys of the type `key_type`, most wanted first.
pub(crate) fn for_key_type(key_type: &str) -> impl Iterator<Item = &'static dyn SignatureAlgorithm> {
    ALL.iter().copied().filter(move |algorithm| algorithm.key_type() == key_type)
}

/// The algorithm called `name`.
pub(crate) fn by_name(name: &str) -> Option<&'static dyn SignatureAlgorithm> {
    ALL.iter().copied().find(|algorithm| algorithm.name() == name)
}

/// A signature proves what it should; what else it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Verified {
    /// How the security key was used, where the key lives in one.
    pub security_key: Option<SecurityKeyUse>,
}

/// What a security key says about the moment it signed (OpenSSH's `PROTOCOL.u2f`, "SSH U2F Signatures").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecurityKeyUse {
    /// Somebody touched it.
    pub user_present: bool,
    /// It verified who that was, by PIN or by fingerprint.
    pub user_verified: bool,
    /// How often it signed; a number that went down since the last time hints at a copy.
    pub counter: u32,
}

impl SecurityKeyUse {
    /// A use of which nothing is known but this.
    pub const fn new(user_present: bool, user_verified: bool, counter: u32) -> Self {
        Self { user_present, user_verified, counter }
    }
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
    /// The key is a certificate, and its authority's signature is not right, or of a kind that no authority may use.
    Authority,
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
            Self::Authority => "the certificate is not signed by its authority, or with an algorithm that is too weak",
        })
    }
}

impl core::error::Error for SignatureError {}
