//! Signatures of files and other messages, as `ssh-keygen -Y` makes them (OpenSSH's `PROTOCOL.sshsig`).
//!
//! ```text
//!   "SSHSIG" │ uint32 1 │ public key │ namespace │ reserved │ hash │ signature
//!   what is signed = "SSHSIG" │ namespace │ reserved │ hash │ H(message)
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::formats::armor;
use super::{KeyError, PrivateKey, PublicKey, SignError};
use crate::crypto::hash::Hash;
use crate::crypto::signature::{self, SignatureError, Verified};
use crate::random::SecureRandom;
use crate::wire::{DecodeError, Reader, Writer};

const MAGIC: &[u8; 6] = b"SSHSIG";
const VERSION: u32 = 1;
const LABEL: &str = "SSH SIGNATURE";
/// Longest text taken as a signature; the largest keys there are need a fifth of it.
const MAX_LENGTH: usize = 256 * 1024;

/// The hash function that stands between a message and its signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageHash {
    /// SHA-512, what `ssh-keygen` takes unless told otherwise.
    #[default]
    Sha512,
    /// SHA-256.
    Sha256,
}

impl MessageHash {
    /// Its name in a signature.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha512 => "sha512",
            Self::Sha256 => "sha256",
        }
    }

    /// The hash function called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Sha512, Self::Sha256].into_iter().find(|hash| hash.name() == name)
    }

    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha512 => Hash::Sha512.digest(&[message]),
            Self::Sha256 => Hash::Sha256.digest(&[message]),
        }
    }
}

/// A signature of a message, with the key that made it and what it is good for.
///
/// That it verifies says that the key's owner signed the message *for the namespace*; whose key it is, is for
/// [`AllowedSigners`](crate::files::allowed_signers::AllowedSigners) to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSignature {
    key: PublicKey,
    namespace: String,
    hash: MessageHash,
    signature: Vec<u8>,
}

impl MessageSignature {
    /// Signs `message` for `namespace`, such as `file` or `git`, with the best algorithm the key has.
    ///
    /// # Errors
    /// [`MessageSignatureError`]: an empty namespace, or a key that cannot sign.
    pub fn sign(
        key: &PrivateKey,
        namespace: &str,
        hash: MessageHash,
        message: &[u8],
        random: &mut dyn SecureRandom,
    ) -> Result<Self, MessageSignatureError> {
        let data = Self::signed_data(namespace, hash, message)?;
        let algorithm = key.public_key().signature_algorithms().next().unwrap_or_default();
        let signature = key.sign(algorithm, &data, random).map_err(MessageSignatureError::Sign)?;
        Ok(Self { key: key.public_key().clone(), namespace: namespace.into(), hash, signature })
    }

    /// What a key that is elsewhere, as in an agent, has to sign.
    ///
    /// # Errors
    /// [`MessageSignatureError::Namespace`]: it is empty.
    pub fn signed_data(namespace: &str, hash: MessageHash, message: &[u8]) -> Result<Vec<u8>, MessageSignatureError> {
        if namespace.is_empty() {
            return Err(MessageSignatureError::Namespace);
        }
        let mut data = Vec::new();
        let mut writer = Writer::new(&mut data);
        writer.bytes(MAGIC);
        writer.string(namespace.as_bytes());
        writer.string(b"");
        writer.string(hash.name().as_bytes());
        writer.string(&hash.digest(message));
        Ok(data)
    }

    /// The signature from a key that is elsewhere: `signature` is the whole blob over [`signed_data`](Self::signed_data).
    pub fn from_parts(key: PublicKey, namespace: &str, hash: MessageHash, signature: Vec<u8>) -> Self {
        Self { key, namespace: namespace.into(), hash, signature }
    }

    /// The same signature under a certificate of the key, so that its authority answers for it.
    ///
    /// # Errors
    /// [`MessageSignatureError::OtherKey`]: the certificate is not one of this key.
    pub fn with_certificate(self, certificate: PublicKey) -> Result<Self, MessageSignatureError> {
        if *certificate.plain() != *self.key.plain() {
            return Err(MessageSignatureError::OtherKey);
        }
        Ok(Self { key: certificate, ..self })
    }

    /// Reads the text between `-----BEGIN SSH SIGNATURE-----` and its end.
    ///
    /// # Errors
    /// [`MessageSignatureError`] says what is wrong with it.
    pub fn read(text: &[u8]) -> Result<Self, MessageSignatureError> {
        if text.len() > MAX_LENGTH || armor::label(text) != Some(LABEL) {
            return Err(MessageSignatureError::NotASignature);
        }
        let block = armor::decode(text, LABEL).and_then(armor::Armored::without_headers);
        let bytes = block.map_err(|_| MessageSignatureError::NotASignature)?;
        let mut reader = Reader::new(&bytes);
        if reader.bytes(MAGIC.len())? != MAGIC {
            return Err(MessageSignatureError::NotASignature);
        }
        let version = reader.uint32()?;
        if version != VERSION {
            return Err(MessageSignatureError::Version { version });
        }
        let key = PublicKey::from_blob(reader.string()?).map_err(MessageSignatureError::Key)?;
        let namespace = core::str::from_utf8(reader.string()?).map_err(|_| MessageSignatureError::Namespace)?;
        reader.string()?;
        let hash = reader.string()?;
        let known = core::str::from_utf8(hash).ok().and_then(MessageHash::by_name);
        let name = || MessageSignatureError::Hash { name: String::from_utf8_lossy(hash).into_owned() };
        let hash = known.ok_or_else(name)?;
        let signature = reader.string()?.to_vec();
        reader.finish()?;
        if namespace.is_empty() {
            return Err(MessageSignatureError::Namespace);
        }
        Ok(Self { key, namespace: namespace.into(), hash, signature })
    }

    /// The text, as `ssh-keygen -Y sign` writes it.
    pub fn write(&self) -> String {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.bytes(MAGIC);
        writer.uint32(VERSION);
        writer.string(self.key.blob());
        writer.string(self.namespace.as_bytes());
        writer.string(b"");
        writer.string(self.hash.name().as_bytes());
        writer.string(&self.signature);
        let text = armor::encode(&bytes, LABEL, "", armor::OPENSSH_COLUMNS);
        String::from_utf8_lossy(text.expose()).into_owned()
    }

    /// Verifies that the key signed `message` for `namespace`. Of a certificate this says nothing but that its key did.
    ///
    /// Signatures with SHA-1 or DSA are refused: they can be forged.
    ///
    /// # Errors
    /// [`MessageSignatureError::OtherNamespace`] and [`MessageSignatureError::Invalid`].
    pub fn verify(&self, namespace: &str, message: &[u8]) -> Result<Verified, MessageSignatureError> {
        if self.namespace != namespace {
            return Err(MessageSignatureError::OtherNamespace { namespace: self.namespace.clone() });
        }
        let data = Self::signed_data(namespace, self.hash, message)?;
        let key = self.key.plain();
        let name = Reader::new(&self.signature).string()?;
        let mut algorithms = signature::for_key_type(key.key_type());
        let algorithm = algorithms.find(|algorithm| algorithm.name().as_bytes() == name && !algorithm.is_weak());
        let algorithm = algorithm.ok_or(MessageSignatureError::Invalid(SignatureError::WrongAlgorithm))?;
        algorithm.verify(key.blob(), &data, &self.signature).map_err(MessageSignatureError::Invalid)
    }

    /// The key that signed, or its certificate.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What it is good for. Escape it before it is shown.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The hash function.
    pub const fn hash(&self) -> MessageHash {
        self.hash
    }
}

/// Why there is no signature, or why it proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageSignatureError {
    /// The text has no armoured signature.
    NotASignature,
    /// It is of another version of the format.
    Version {
        /// Its version.
        version: u32,
    },
    /// Its content is malformed.
    Malformed(DecodeError),
    /// Its public key is none.
    Key(KeyError),
    /// Its hash function is not built in.
    Hash {
        /// The name.
        name: String,
    },
    /// A namespace is empty or no text.
    Namespace,
    /// It was made for something else.
    OtherNamespace {
        /// What for.
        namespace: String,
    },
    /// It is not one of this key over this message.
    Invalid(SignatureError),
    /// The certificate is of another key.
    OtherKey,
    /// The key did not sign.
    Sign(SignError),
}

impl From<DecodeError> for MessageSignatureError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for MessageSignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASignature => f.write_str("there is no \"-----BEGIN SSH SIGNATURE-----\", or it is damaged"),
            Self::Version { version } => write!(f, "the signature has version {version}; only 1 is known"),
            Self::Malformed(error) => write!(f, "the signature is malformed: {error}"),
            Self::Key(error) => write!(f, "in the signature, {error}"),
            Self::Hash { name } => {
                write!(f, "the signature uses the hash \"{}\", which is unknown", name.escape_debug())
            }
            Self::Namespace => f.write_str("the signature's namespace is empty or no text"),
            Self::OtherNamespace { namespace } => {
                write!(f, "the signature was made for the namespace \"{}\"", namespace.escape_debug())
            }
            Self::Invalid(error) => write!(f, "the message is not what was signed: {error}"),
            Self::OtherKey => f.write_str("the certificate is of another key than the one that signs"),
            Self::Sign(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for MessageSignatureError {}
