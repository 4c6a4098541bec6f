//! Private keys.

use alloc::{string::String, vec::Vec};
use core::fmt;

#[cfg(feature = "legacy")]
use crate::crypto::signature::DsaPrivateKey;
#[cfg(feature = "rsa")]
use crate::crypto::signature::RsaPrivateKey;
use crate::crypto::signature::{self, Curve, EcdsaPrivateKey, Ed25519PrivateKey, SignatureError};
#[cfg(feature = "pq")]
use crate::crypto::signature::{MlDsa44Ed25519, MlDsa44Ed25519PrivateKey};
use crate::random::{RandomError, SecureRandom};
use crate::secret::SecretBytes;
use crate::wire::{Reader, Writer};
use zeroize::Zeroizing;

use super::formats::{self, KeyEncryption, KeyFileError, KeyFileFormat};
use super::{FingerprintHash, PublicKey};

/// A private key in memory, with its public half and its comment.
///
/// It cannot be cloned or printed, and is wiped when dropped.
pub struct PrivateKey {
    pub(super) secret: Secret,
    public: PublicKey,
    comment: String,
}

impl PrivateKey {
    /// Makes a fresh key without a comment.
    ///
    /// # Errors
    /// [`GenerateError`]: no randomness, or an RSA size outside 2048 to 16,384 bits.
    pub fn generate(algorithm: KeyAlgorithm, random: &mut dyn SecureRandom) -> Result<Self, GenerateError> {
        let curve = |curve, random| EcdsaPrivateKey::generate(curve, random).map(Secret::Ecdsa);
        let secret = match algorithm {
            KeyAlgorithm::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                random.fill(&mut *seed)?;
                Secret::Ed25519(Ed25519PrivateKey::from_seed(&seed))
            }
            KeyAlgorithm::EcdsaNistp256 => curve(Curve::Nistp256, random)?,
            KeyAlgorithm::EcdsaNistp384 => curve(Curve::Nistp384, random)?,
            KeyAlgorithm::EcdsaNistp521 => curve(Curve::Nistp521, random)?,
            #[cfg(feature = "rsa")]
            KeyAlgorithm::Rsa { bits } => {
                let size = usize::try_from(bits).unwrap_or(usize::MAX);
                Secret::Rsa(RsaPrivateKey::generate(size, random)?.map_err(|_| GenerateError::RsaSize { bits })?)
            }
            #[cfg(feature = "pq")]
            KeyAlgorithm::MlDsa44Ed25519 => Self::mldsa44_ed25519(MlDsa44Ed25519::Iana, random)?,
            #[cfg(feature = "pq")]
            KeyAlgorithm::MlDsa44Ed25519OpenSsh => Self::mldsa44_ed25519(MlDsa44Ed25519::OpenSsh, random)?,
            #[cfg(feature = "legacy")]
            KeyAlgorithm::Dsa => Secret::Dsa(DsaPrivateKey::generate(random)?),
        };
        Ok(Self::new(secret, String::new()))
    }

    #[cfg(feature = "pq")]
    fn mldsa44_ed25519(algorithm: MlDsa44Ed25519, random: &mut dyn SecureRandom) -> Result<Secret, RandomError> {
        let mut seeds = Zeroizing::new([0; 64]);
        random.fill(&mut *seeds)?;
        Ok(Secret::MlDsa44Ed25519(MlDsa44Ed25519PrivateKey::from_seeds(algorithm, &seeds)))
    }

    pub(super) fn new(secret: Secret, comment: String) -> Self {
        let public = PublicKey::from_own_blob(secret.public_blob());
        Self { secret, public, comment }
    }

    /// Reads the text of a private key file. The format is recognised by what is in it:
    ///
    /// | format | feature |
    /// |---|---|
    /// | OpenSSH's own, with every cipher `ssh-keygen` can write (`3des-cbc`: `legacy`) | |
    /// | PKCS#8, plain and encrypted (PBES2) | `pkcs8` |
    /// | PKCS#1, SEC 1 and OpenSSL's DSA keys | `pkcs8` |
    /// | the same with `Proc-Type: 4,ENCRYPTED`, which is MD5 | `pkcs8` and `legacy` |
    /// | PuTTY's, versions 2 and 3 | `ppk` |
    ///
    /// `passphrase` is not looked at for a file that is not encrypted. Deriving the file's key takes the time and memory
    /// the file's author chose: some tenths of a second by default, some ten seconds and 256 MiB at most
    /// ([`MAX_BCRYPT_ROUNDS`](super::MAX_BCRYPT_ROUNDS) and its neighbours).
    ///
    /// # Errors
    /// [`KeyFileError::PassphraseRequired`] and [`KeyFileError::WrongPassphrase`] are the caller's cue to ask the user
    /// and try again; every other [`KeyFileError`] is about the file.
    pub fn read(text: &[u8], passphrase: Option<&SecretBytes>) -> Result<Self, KeyFileError> {
        formats::read(text, passphrase)
    }

    /// The public half of a private key file, as far as it can be known without a passphrase: always of a file that is
    /// not encrypted, and of every file in OpenSSH's or PuTTY's format. **Nothing proves that an encrypted file's private
    /// half belongs to it** before the file is read.
    ///
    /// # Errors
    /// [`KeyFileError`] says what is wrong with the file.
    pub fn public_half(text: &[u8]) -> Result<Option<PublicKey>, KeyFileError> {
        formats::public_half(text)
    }

    /// Whether a private key file needs a passphrase. Nothing is derived or decrypted.
    ///
    /// # Errors
    /// [`KeyFileError`] says what is wrong with the file.
    pub fn is_encrypted(text: &[u8]) -> Result<bool, KeyFileError> {
        formats::is_encrypted(text)
    }

    /// The text of a key file.
    ///
    /// # Errors
    /// No randomness, a key type the format does not know, or an [`encryption`](KeyEncryption) that nothing could be
    /// protected with or that nobody would read again.
    pub fn write(
        &self,
        format: KeyFileFormat,
        encryption: Option<&KeyEncryption>,
        random: &mut dyn SecureRandom,
    ) -> Result<SecretBytes, KeyFileError> {
        formats::write(self, format, encryption, random)
    }

    /// Type, public and private numbers, as OpenSSH's key files and the agent protocol have them.
    pub(crate) fn read_fields(reader: &mut Reader<'_>) -> Result<Self, KeyFileError> {
        formats::read_fields(reader).map(|secret| Self::new(secret, String::new()))
    }

    /// What [`read_fields`](Self::read_fields) reads; at most 16 KiB.
    pub(crate) fn write_fields(&self, writer: &mut Writer<'_>) {
        writer.string(self.public.key_type().as_bytes());
        formats::write_fields(&self.secret, writer);
    }

    /// The public half.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The comment from the key's file, often `user@host`. Escape it before it is shown.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Replaces the comment.
    pub fn set_comment(&mut self, comment: &str) {
        self.comment = comment.into();
    }

    /// Signs `data` with `algorithm`, one of the public key's
    /// [`signature_algorithms`](PublicKey::signature_algorithms) or the same with a certificate; returns the whole
    /// signature blob (RFC 4253 §6.6).
    ///
    /// # Errors
    /// [`SignError`]
    pub fn sign(&self, algorithm: &str, data: &[u8], random: &mut dyn SecureRandom) -> Result<Vec<u8>, SignError> {
        let plain = signature::by_name(algorithm).map(|algorithm| algorithm.plain().unwrap_or(algorithm));
        let Some(plain) = plain.filter(|plain| plain.key_type() == self.public.key_type()) else {
            return Err(SignError::Algorithm { algorithm: algorithm.into(), key_type: self.public.key_type().into() });
        };
        let signature = self.secret.sign(plain.name(), data, random).map_err(SignError::Random)?;
        signature.map_err(|_: SignatureError| SignError::Failed)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprint = self.public.fingerprint(FingerprintHash::Sha256);
        write!(f, "PrivateKey({} {fingerprint}, ..)", self.public.key_type())
    }
}

/// The private halves by type.
pub(super) enum Secret {
    Ed25519(Ed25519PrivateKey),
    Ecdsa(EcdsaPrivateKey),
    #[cfg(feature = "rsa")]
    Rsa(RsaPrivateKey),
    #[cfg(feature = "pq")]
    MlDsa44Ed25519(MlDsa44Ed25519PrivateKey),
    #[cfg(feature = "legacy")]
    Dsa(DsaPrivateKey),
}

impl Secret {
    /// Signs with the algorithm `name`, which fits the key.
    #[cfg_attr(not(feature = "rsa"), expect(unused_variables, reason = "only RSA signs in more than one way"))]
    fn sign(
        &self,
        name: &str,
        data: &[u8],
        random: &mut dyn SecureRandom,
    ) -> Result<Result<Vec<u8>, SignatureError>, RandomError> {
        match self {
            Self::Ed25519(key) => Ok(Ok(key.sign(data))),
            Self::Ecdsa(key) => Ok(key.sign(data)),
            #[cfg(feature = "rsa")]
            Self::Rsa(key) => key.sign(name, data, random),
            #[cfg(feature = "pq")]
            Self::MlDsa44Ed25519(key) => key.sign(data, random),
            #[cfg(feature = "legacy")]
            Self::Dsa(key) => Ok(key.sign(data)),
        }
    }

    pub(super) fn public_blob(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.public_blob(),
            Self::Ecdsa(key) => key.public_blob(),
            #[cfg(feature = "rsa")]
            Self::Rsa(key) => key.public_blob(),
            #[cfg(feature = "pq")]
            Self::MlDsa44Ed25519(key) => key.public_blob(),
            #[cfg(feature = "legacy")]
            Self::Dsa(key) => key.public_blob(),
        }
    }
}

/// A kind of key to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// Ed25519: the one to take.
    Ed25519,
    /// ECDSA over P-256.
    EcdsaNistp256,
    /// ECDSA over P-384.
    EcdsaNistp384,
    /// ECDSA over P-521.
    EcdsaNistp521,
    /// RSA.
    #[cfg(feature = "rsa")]
    Rsa {
        /// Bits of the modulus: 2048 to 16,384. 3072 is today's usual size; generating 16,384 takes minutes.
        bits: u32,
    },
    /// ML-DSA-44 and Ed25519 together, `ssh-mldsa44-ed25519`: quantum computers do not break it.
    #[cfg(feature = "pq")]
    MlDsa44Ed25519,
    /// The same under the name `ssh-mldsa44-ed25519@openssh.com`, the only one that OpenSSH 10.4 and 10.5 know.
    #[cfg(feature = "pq")]
    MlDsa44Ed25519OpenSsh,
    /// DSA of 1024 bits: weak. Generating takes seconds.
    #[cfg(feature = "legacy")]
    Dsa,
}

/// Why a key could not be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GenerateError {
    /// The source of randomness failed.
    Random(RandomError),
    /// An RSA key of this size is not made.
    RsaSize {
        /// The size asked for.
        bits: u32,
    },
}

impl From<RandomError> for GenerateError {
    fn from(error: RandomError) -> Self {
        Self::Random(error)
    }
}

impl fmt::Display for GenerateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random(error) => write!(f, "the key could not be generated: {error}"),
            Self::RsaSize { bits } => write!(f, "an RSA key cannot have {bits} bits; take 2048 to 16384"),
        }
    }
}

impl core::error::Error for GenerateError {}

/// Why a key did not sign.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// This type of key does not sign with that algorithm.
    Algorithm {
        /// The algorithm asked for.
        algorithm: String,
        /// The key's type.
        key_type: String,
    },
    /// The source of randomness failed.
    Random(RandomError),
    /// The signature turned out wrong and was thrown away: the hardware is faulty, or under attack.
    Failed,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm { algorithm, key_type } => {
                write!(f, "a key of type {key_type} cannot sign with \"{}\"", algorithm.escape_debug())
            }
            Self::Random(error) => write!(f, "the key could not sign: {error}"),
            Self::Failed => f.write_str("the key made a wrong signature, which was discarded; check the hardware"),
        }
    }
}

impl core::error::Error for SignError {}

#[cfg(test)]
mod tests;
