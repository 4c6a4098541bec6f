//! Lists of algorithms that have a name. Each is data, most wanted first.

use alloc::{vec, vec::Vec};

use super::cipher::{self, Cipher};
use super::kex::{self, KeyExchange};
use super::mac::{self, Mac};
use super::signature::{self, SignatureAlgorithm};
use super::{Algorithms, compression};

/// The names that [`Algorithms::preset`] knows.
pub const PRESETS: &[&str] = &[
    "default",
    #[cfg(feature = "pq")]
    "hardened",
    "compatible",
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
            "compatible" => Some(Self::compatible()),
            _ => None,
        }
    }

    /// What clients offer by default, as OpenSSH's do: [`default`](Self::default), and Diffie-Hellman in finite fields for
    /// servers that have nothing else. A server leaves it out: it costs much, before anybody has said who asks.
    pub fn client() -> Self {
        Self { kex: [key_exchange(), finite_fields()].concat(), ..Self::default() }
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
            signature::SK_SSH_ED25519_CERT_V01,
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
            kex: vec![kex::MLKEM768X25519_SHA256, kex::SNTRUP761X25519_SHA512, kex::SNTRUP761X25519_SHA512_OPENSSH],
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

    /// What old, new and rare peers need that is not broken: [`client`](Self::client)'s lists, then everything else that
    /// is built in without the feature `legacy`, compression after authentication included.
    pub fn compatible() -> Self {
        let mut kex = Self::client().kex;
        kex.extend([
            #[cfg(feature = "pq")]
            kex::MLKEM768NISTP256_SHA256,
            #[cfg(feature = "pq")]
            kex::MLKEM1024NISTP384_SHA384,
            kex::DIFFIE_HELLMAN_GROUP15_SHA512,
            kex::DIFFIE_HELLMAN_GROUP17_SHA512,
        ]);
        let post_quantum: Vec<&'static dyn SignatureAlgorithm> = vec![
            #[cfg(feature = "pq")]
            signature::SSH_MLDSA44_ED25519_CERT,
            #[cfg(feature = "pq")]
            signature::SSH_MLDSA44_ED25519_CERT_V01,
            #[cfg(feature = "pq")]
            signature::SSH_MLDSA44_ED25519,
            #[cfg(feature = "pq")]
            signature::SSH_MLDSA44_ED25519_OPENSSH,
        ];
        let signatures = [signatures(), post_quantum].concat();
        Self {
            kex,
            host_key: signatures.clone(),
            public_key: signatures,
            compression: vec![
                compression::NONE,
                #[cfg(feature = "zlib")]
                compression::ZLIB_OPENSSH,
            ],
            ..Self::default()
        }
    }

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

/// Today's safe set: what OpenSSH's server offers, in its order, without compression.
impl Default for Algorithms {
    fn default() -> Self {
        Self {
            kex: key_exchange(),
            host_key: signatures(),
            public_key: signatures(),
            ciphers: ciphers(),
            macs: macs(),
            compression: vec![compression::NONE],
        }
    }
}

fn key_exchange() -> Vec<&'static dyn KeyExchange> {
    vec![
        #[cfg(feature = "pq")]
        kex::MLKEM768X25519_SHA256,
        #[cfg(feature = "pq")]
        kex::SNTRUP761X25519_SHA512,
        #[cfg(feature = "pq")]
        kex::SNTRUP761X25519_SHA512_OPENSSH,
        kex::CURVE25519_SHA256,
        kex::CURVE25519_SHA256_LIBSSH,
        kex::ECDH_SHA2_NISTP256,
        kex::ECDH_SHA2_NISTP384,
        kex::ECDH_SHA2_NISTP521,
    ]
}

fn finite_fields() -> Vec<&'static dyn KeyExchange> {
    vec![
        kex::DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256,
        kex::DIFFIE_HELLMAN_GROUP16_SHA512,
        kex::DIFFIE_HELLMAN_GROUP18_SHA512,
        kex::DIFFIE_HELLMAN_GROUP14_SHA256,
    ]
}

/// Certificates first: they need no key that is known already.
fn signatures() -> Vec<&'static dyn SignatureAlgorithm> {
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

fn ciphers() -> Vec<&'static dyn Cipher> {
    vec![
        cipher::CHACHA20_POLY1305,
        cipher::AES128_GCM,
        cipher::AES256_GCM,
        cipher::AES128_CTR,
        cipher::AES192_CTR,
        cipher::AES256_CTR,
    ]
}

fn macs() -> Vec<&'static dyn Mac> {
    vec![
        mac::UMAC_64_ETM,
        mac::UMAC_128_ETM,
        mac::HMAC_SHA2_256_ETM,
        mac::HMAC_SHA2_512_ETM,
        mac::HMAC_SHA1_ETM,
        mac::UMAC_64,
        mac::UMAC_128,
        mac::HMAC_SHA2_256,
        mac::HMAC_SHA2_512,
        mac::HMAC_SHA1,
    ]
}
