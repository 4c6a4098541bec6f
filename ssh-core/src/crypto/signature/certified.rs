//! Algorithms of certified keys (OpenSSH's `PROTOCOL.certkeys`): the certificate stands where the key would, and the
//! certified key signs as it would without one.

use super::certificate_blob::CertificateBlob;
#[cfg(feature = "legacy")]
use super::dsa::SSH_DSS;
#[cfg(feature = "pq")]
use super::mldsa44_ed25519::{SSH_MLDSA44_ED25519, SSH_MLDSA44_ED25519_OPENSSH};
#[cfg(all(feature = "rsa", feature = "legacy"))]
use super::rsa::SSH_RSA;
#[cfg(feature = "rsa")]
use super::rsa::{RSA_SHA2_256, RSA_SHA2_512};
use super::{
    ECDSA_SHA2_NISTP256, ECDSA_SHA2_NISTP384, ECDSA_SHA2_NISTP521, SK_ECDSA_SHA2_NISTP256, SK_SSH_ED25519, SSH_ED25519,
    SignatureAlgorithm, SignatureError, Verified, WEBAUTHN_SK_ECDSA_SHA2_NISTP256,
};

/// An algorithm of certified keys.
pub(crate) struct Certified {
    name: &'static str,
    key_type: &'static str,
    plain: &'static dyn SignatureAlgorithm,
    /// How many strings and mpints the key itself has in the blob.
    key_fields: usize,
}

/// Declares the constants and the list of them.
macro_rules! certified {
    ($($(#[$attribute:meta])* $constant:ident = $name:literal, $key_type:literal, $plain:expr, $key_fields:literal;)*) => {
        $(
            $(#[$attribute])*
            #[doc = concat!("`", $name, "`.")]
            pub const $constant: &dyn SignatureAlgorithm =
                &Certified { name: $name, key_type: $key_type, plain: $plain, key_fields: $key_fields };
        )*

        /// Every one of them.
        static ALL: &[Certified] = &[
            $($(#[$attribute])* Certified { name: $name, key_type: $key_type, plain: $plain, key_fields: $key_fields },)*
        ];
    };
}

certified! {
    SSH_ED25519_CERT_V01 =
        "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com", SSH_ED25519, 1;
    ECDSA_SHA2_NISTP256_CERT_V01 =
        "ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256-cert-v01@openssh.com", ECDSA_SHA2_NISTP256, 2;
    ECDSA_SHA2_NISTP384_CERT_V01 =
        "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384-cert-v01@openssh.com", ECDSA_SHA2_NISTP384, 2;
    ECDSA_SHA2_NISTP521_CERT_V01 =
        "ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521-cert-v01@openssh.com", ECDSA_SHA2_NISTP521, 2;
    SK_SSH_ED25519_CERT_V01 =
        "sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com", SK_SSH_ED25519, 2;
    SK_ECDSA_SHA2_NISTP256_CERT_V01 =
        "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        SK_ECDSA_SHA2_NISTP256, 3;
    WEBAUTHN_SK_ECDSA_SHA2_NISTP256_CERT_V01 =
        "webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        WEBAUTHN_SK_ECDSA_SHA2_NISTP256, 3;
    #[cfg(feature = "rsa")]
    RSA_SHA2_512_CERT_V01 =
        "rsa-sha2-512-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com", RSA_SHA2_512, 2;
    #[cfg(feature = "rsa")]
    RSA_SHA2_256_CERT_V01 =
        "rsa-sha2-256-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com", RSA_SHA2_256, 2;
    #[cfg(feature = "pq")]
    SSH_MLDSA44_ED25519_CERT =
        "ssh-mldsa44-ed25519-cert", "ssh-mldsa44-ed25519-cert", SSH_MLDSA44_ED25519, 1;
    #[cfg(feature = "pq")]
    SSH_MLDSA44_ED25519_CERT_V01 =
        "ssh-mldsa44-ed25519-cert-v01@openssh.com", "ssh-mldsa44-ed25519-cert-v01@openssh.com",
        SSH_MLDSA44_ED25519_OPENSSH, 1;
    #[cfg(all(feature = "rsa", feature = "legacy"))]
    SSH_RSA_CERT_V01 =
        "ssh-rsa-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com", SSH_RSA, 2;
    #[cfg(feature = "legacy")]
    SSH_DSS_CERT_V01 =
        "ssh-dss-cert-v01@openssh.com", "ssh-dss-cert-v01@openssh.com", SSH_DSS, 4;
}

impl Certified {
    /// The first algorithm that takes certificates of this type.
    pub(super) fn for_key_type(key_type: &[u8]) -> Option<&'static Self> {
        ALL.iter().find(|algorithm| algorithm.key_type.as_bytes() == key_type)
    }

    /// The certificate type of keys of the type `plain`.
    pub(crate) fn key_type_of(plain: &str) -> Option<&'static str> {
        ALL.iter().find(|algorithm| algorithm.plain.key_type() == plain).map(|algorithm| algorithm.key_type)
    }

    /// The type of the certified key.
    pub(super) fn plain_key_type(&self) -> &'static str {
        self.plain.key_type()
    }

    pub(super) const fn key_fields(&self) -> usize {
        self.key_fields
    }
}

impl SignatureAlgorithm for Certified {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_type(&self) -> &'static str {
        self.key_type
    }

    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        let certificate = self.open(key_blob)?;
        self.plain.verify(&certificate.plain_key, message, signature)
    }

    /// The authority's signature is part of it, so that no certificate is looked at whose content nobody vouches for.
    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError> {
        let certificate = self.open(key_blob)?;
        self.plain.check_key(&certificate.plain_key)?;
        certificate.verify_authority()
    }

    fn key_bits(&self, key_blob: &[u8]) -> Option<u32> {
        self.plain.key_bits(&self.open(key_blob).ok()?.plain_key)
    }

    fn is_weak(&self) -> bool {
        self.plain.is_weak()
    }

    fn plain(&self) -> Option<&'static dyn SignatureAlgorithm> {
        Some(self.plain)
    }
}

impl Certified {
    fn open<'a>(&self, key_blob: &'a [u8]) -> Result<CertificateBlob<'a>, SignatureError> {
        let certificate = CertificateBlob::open(key_blob)?;
        if certificate.key_type == self.key_type { Ok(certificate) } else { Err(SignatureError::WrongKeyType) }
    }
}
