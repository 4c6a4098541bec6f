//! Ed25519 (RFC 8032) in SSH (RFC 8709).

use alloc::vec::Vec;

pub(super) use ed25519_dalek::VerifyingKey;
use ed25519_dalek::{Signature, Signer, SigningKey};
use zeroize::Zeroizing;

use super::{SignatureAlgorithm, SignatureError, Verified, blob};
use crate::wire::Writer;

/// `ssh-ed25519`. Signatures that only some implementations take (small-order points, non-canonical encodings) are
/// refused, so that no two of them disagree about what was signed.
pub const SSH_ED25519: &dyn SignatureAlgorithm = &SshEd25519;

const NAME: &str = "ssh-ed25519";
/// Bits of an encoded point.
pub(super) const BITS: u32 = 256;

struct SshEd25519;

impl SignatureAlgorithm for SshEd25519 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn key_type(&self) -> &'static str {
        NAME
    }

    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        let key = public_key(key_blob)?;
        verify_content(&key, message, blob::open_signature(signature, NAME)?)?;
        Ok(Verified::default())
    }

    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError> {
        public_key(key_blob).map(drop)
    }

    fn key_bits(&self, _key_blob: &[u8]) -> Option<u32> {
        Some(BITS)
    }
}

/// A private key in memory; wiped when dropped.
pub(crate) struct Ed25519PrivateKey(SigningKey);

impl Ed25519PrivateKey {
    /// The key that RFC 8032 §5.1.5 derives from `seed`.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, all there is to the key.
    pub(crate) fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half as RFC 8032 encodes it.
    pub(crate) fn public_bytes(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The public half as a key blob (RFC 8709 §4).
    pub(crate) fn public_blob(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(51);
        let mut writer = Writer::new(&mut out);
        writer.string(NAME.as_bytes());
        writer.string(&self.public_bytes());
        out
    }

    /// Signs `message`; the result is a whole signature blob (RFC 8709 §6).
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        blob::seal_signature(NAME, &self.sign_content(message))
    }

    /// Signs `message`; the result is the bytes of RFC 8032 §5.1.6 alone.
    pub(super) fn sign_content(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

fn public_key(key_blob: &[u8]) -> Result<VerifyingKey, SignatureError> {
    let mut reader = blob::open_key(key_blob, NAME)?;
    let bytes = reader.string().map_err(|_| SignatureError::MalformedKey)?;
    reader.finish().map_err(|_| SignatureError::MalformedKey)?;
    point(bytes)
}

/// The public key that `bytes` encode (RFC 8032 §5.1.5).
pub(super) fn point(bytes: &[u8]) -> Result<VerifyingKey, SignatureError> {
    let bytes: &[u8; 32] = bytes.try_into().map_err(|_| SignatureError::MalformedKey)?;
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| SignatureError::UnacceptableKey)?;
    if key.is_weak() { Err(SignatureError::UnacceptableKey) } else { Ok(key) }
}

/// Verifies the 64 bytes of a signature over `message`.
pub(super) fn verify_content(key: &VerifyingKey, message: &[u8], content: &[u8]) -> Result<(), SignatureError> {
    let content: &[u8; 64] = content.try_into().map_err(|_| SignatureError::MalformedSignature)?;
    key.verify_strict(message, &Signature::from_bytes(content)).map_err(|_| SignatureError::Invalid)
}

#[cfg(test)]
mod tests;
