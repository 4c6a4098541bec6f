//! Lists of algorithms that have a name.

use alloc::{vec, vec::Vec};

use super::signature::{self, SignatureAlgorithm};
use super::{Algorithms, cipher, compression, kex, mac};

/// The names that [`Algorithms::preset`] knows.
pub const PRESETS: &[&str] = &[
    "default",
    #[cfg(feature = "pq")]
    "hardened",
];

impl Algorithms {
    /// The lists with this name, which is one of [`PRESETS`].
    ///
    /// ```
    /// use ssh_core::crypto::{Algorithms, PRESETS};
    ///
    /// for name in PRESETS {
    ///     assert!(Algorithms::preset(name).is_some());
    /// }
    /// assert!(Algorithms::preset("strongest").is_none());
    /// ```
    pub fn preset(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Self::default()),
            #[cfg(feature = "pq")]
            "hardened" => Some(Self::hardened()),
            _ => None,
        }
    }

    /// What auditors have nothing to say against, for peers that are kept up to date: key exchange that a quantum
    /// computer does not undo, no curve of NIST, AES, and MACs over the ciphertext.
    ///
    /// ChaCha20-Poly1305 is sound, but a peer without strict key exchange makes it the one that Terrapin undoes
    /// (CVE-2023-48795), so it is not here. RSA host keys should have 3072 bits or more.
    #[cfg(feature = "pq")]
    pub fn hardened() -> Self {
        let signatures = vec![
            signature::SSH_ED25519_CERT_V01,
            #[cfg(feature = "rsa")]
            signature::RSA_SHA2_512_CERT_V01,
            #[cfg(feature = "rsa")]
            signature::RSA_SHA2_256_CERT_V01,
            signature::SSH_ED25519,
            signature::SK_SSH_ED25519,
            #[cfg(feature = "rsa")]
            signature::RSA_SHA2_512,
            #[cfg(feature = "rsa")]
            signature::RSA_SHA2_256,
        ];
        Self {
            kex: vec![kex::MLKEM768X25519_SHA256],
            host_key: signatures.clone(),
            public_key: signatures,
            ciphers: vec![
                cipher::AES256_GCM,
                cipher::AES128_GCM,
                cipher::AES256_CTR,
                cipher::AES192_CTR,
                cipher::AES128_CTR,
            ],
            macs: vec![mac::HMAC_SHA2_512_ETM, mac::HMAC_SHA2_256_ETM],
            compression: vec![compression::NONE],
        }
    }
}

impl Algorithms {
    /// Everything that is built in, with the `legacy` feature what is broken, too: what a program may name, not what it
    /// should offer.
    pub fn all() -> Self {
        Self {
            kex: kex::ALL.to_vec(),
            host_key: signature::ALL.to_vec(),
            public_key: signature::ALL.to_vec(),
            ciphers: cipher::ALL.to_vec(),
            macs: mac::ALL.to_vec(),
            compression: compression::ALL.to_vec(),
        }
    }
}

/// Today's safe set in OpenSSH's order.
impl Default for Algorithms {
    fn default() -> Self {
        let signatures = default_signatures();
        Self {
            kex: vec![
                #[cfg(feature = "pq")]
                kex::MLKEM768X25519_SHA256,
                kex::CURVE25519_SHA256,
                kex::CURVE25519_SHA256_LIBSSH,
                kex::ECDH_SHA2_NISTP256,
                kex::ECDH_SHA2_NISTP384,
                kex::ECDH_SHA2_NISTP521,
            ],
            host_key: signatures.clone(),
            public_key: signatures,
            ciphers: vec![
                cipher::CHACHA20_POLY1305,
                cipher::AES128_GCM,
                cipher::AES256_GCM,
                cipher::AES128_CTR,
                cipher::AES192_CTR,
                cipher::AES256_CTR,
            ],
            macs: vec![mac::HMAC_SHA2_256_ETM, mac::HMAC_SHA2_512_ETM, mac::HMAC_SHA2_256, mac::HMAC_SHA2_512],
            compression: vec![compression::NONE],
        }
    }
}

/// Certificates first: they need no key that is known already.
fn default_signatures() -> Vec<&'static dyn SignatureAlgorithm> {
    vec![
        signature::SSH_ED25519_CERT_V01,
        signature::ECDSA_SHA2_NISTP256_CERT_V01,
        signature::ECDSA_SHA2_NISTP384_CERT_V01,
        signature::ECDSA_SHA2_NISTP521_CERT_V01,
        signature::SK_SSH_ED25519_CERT_V01,
        signature::SK_ECDSA_SHA2_NISTP256_CERT_V01,
        signature::WEBAUTHN_SK_ECDSA_SHA2_NISTP256_CERT_V01,
        #[cfg(feature = "rsa")]
        signature::RSA_SHA2_512_CERT_V01,
        #[cfg(feature = "rsa")]
        signature::RSA_SHA2_256_CERT_V01,
        signature::SSH_ED25519,
        signature::ECDSA_SHA2_NISTP256,
        signature::ECDSA_SHA2_NISTP384,
        signature::ECDSA_SHA2_NISTP521,
        signature::SK_SSH_ED25519,
        signature::SK_ECDSA_SHA2_NISTP256,
        signature::WEBAUTHN_SK_ECDSA_SHA2_NISTP256,
        #[cfg(feature = "rsa")]
        signature::RSA_SHA2_512,
        #[cfg(feature = "rsa")]
        signature::RSA_SHA2_256,
    ]
}
