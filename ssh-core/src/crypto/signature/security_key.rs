//! Keys that live in a security key (OpenSSH's `PROTOCOL.u2f`): Ed25519 and ECDSA over P-256.
//!
//! The device does not sign the message but this, all of fixed length:
//!
//! ```text
//!   SHA-256(application) │ byte flags │ uint32 counter │ SHA-256(message)
//! ```
//!
//! A signature blob has flags and counter behind its content. Signatures are verified here and made outside.

use alloc::vec::Vec;

use super::{Curve, SecurityKeyUse, SignatureAlgorithm, SignatureError, Verified, blob, ed25519};
use crate::crypto::hash::Hash;
use crate::wire::{DecodeError, Reader, Writer};

/// `sk-ssh-ed25519@openssh.com`.
pub const SK_SSH_ED25519: &dyn SignatureAlgorithm = &SkSshEd25519;
/// `sk-ecdsa-sha2-nistp256@openssh.com`.
pub const SK_ECDSA_SHA2_NISTP256: &dyn SignatureAlgorithm = &SkEcdsaSha2Nistp256;

const ED25519: &str = "sk-ssh-ed25519@openssh.com";
pub(super) const ECDSA: &str = "sk-ecdsa-sha2-nistp256@openssh.com";

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;

struct SkSshEd25519;

impl SignatureAlgorithm for SkSshEd25519 {
    fn name(&self) -> &'static str {
        ED25519
    }

    fn key_type(&self) -> &'static str {
        ED25519
    }

    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        let (point, application) = open_ed25519(key_blob)?;
        let key = ed25519::point(point)?;
        let (content, mut rest) = blob::begin_signature(signature, ED25519)?;
        let statement = Statement::read(&mut rest)?;
        rest.finish()?;
        ed25519::verify_content(&key, &statement.signed(application, &[], message), content)?;
        Ok(statement.verified())
    }

    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError> {
        ed25519::point(open_ed25519(key_blob)?.0).map(drop)
    }

    fn key_bits(&self, _key_blob: &[u8]) -> Option<u32> {
        Some(ed25519::BITS)
    }
}

struct SkEcdsaSha2Nistp256;

impl SignatureAlgorithm for SkEcdsaSha2Nistp256 {
    fn name(&self) -> &'static str {
        ECDSA
    }

    fn key_type(&self) -> &'static str {
        ECDSA
    }

    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        let (point, application) = open_ecdsa(key_blob)?;
        let (content, mut rest) = blob::begin_signature(signature, ECDSA)?;
        let statement = Statement::read(&mut rest)?;
        rest.finish()?;
        Curve::Nistp256.verify_content(point, &statement.signed(application, &[], message), content)?;
        Ok(statement.verified())
    }

    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError> {
        Curve::Nistp256.check_point(open_ecdsa(key_blob)?.0)
    }

    fn key_bits(&self, key_blob: &[u8]) -> Option<u32> {
        super::ECDSA_SHA2_NISTP256.key_bits(key_blob)
    }
}

/// What the device says beside the signature, and signs with it.
pub(super) struct Statement {
    pub(super) flags: u8,
    counter: u32,
}

impl Statement {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { flags: reader.byte()?, counter: reader.uint32()? })
    }

    /// What the device signed: `extensions` are WebAuthn's, and empty otherwise.
    pub(super) fn signed(&self, application: &[u8], extensions: &[u8], message: &[u8]) -> Vec<u8> {
        let mut signed = Vec::with_capacity(69 + extensions.len());
        let mut writer = Writer::new(&mut signed);
        writer.bytes(&Hash::Sha256.digest(&[application]));
        writer.byte(self.flags);
        writer.uint32(self.counter);
        writer.bytes(extensions);
        writer.bytes(&Hash::Sha256.digest(&[message]));
        signed
    }

    pub(super) const fn verified(&self) -> Verified {
        Verified {
            security_key: Some(SecurityKeyUse {
                user_present: self.flags & USER_PRESENT != 0,
                user_verified: self.flags & USER_VERIFIED != 0,
                counter: self.counter,
            }),
        }
    }
}

/// Point and application of a `sk-ssh-ed25519@openssh.com` blob.
fn open_ed25519(key_blob: &[u8]) -> Result<(&[u8], &[u8]), SignatureError> {
    let mut reader = blob::open_key(key_blob, ED25519)?;
    let point = reader.string().map_err(|_| SignatureError::MalformedKey)?;
    Ok((point, last_application(reader)?))
}

/// Point and application of a `sk-ecdsa-sha2-nistp256@openssh.com` blob.
pub(super) fn open_ecdsa(key_blob: &[u8]) -> Result<(&[u8], &[u8]), SignatureError> {
    let mut reader = blob::open_key(key_blob, ECDSA)?;
    let point = Curve::Nistp256.read_point(&mut reader)?;
    Ok((point, last_application(reader)?))
}

/// The application's name, often `ssh:`, in the last field.
fn last_application(mut reader: Reader<'_>) -> Result<&[u8], SignatureError> {
    let application = reader.string().map_err(|_| SignatureError::MalformedKey)?;
    reader.finish().map_err(|_| SignatureError::MalformedKey)?;
    Ok(application)
}

#[cfg(test)]
mod tests;
