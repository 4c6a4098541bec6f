//! Certificates: keys that an authority vouches for (OpenSSH's `PROTOCOL.certkeys`).
//!
//! A [`PublicKey`] may be a certificate; [`PublicKey::certificate`] says what it certifies. Who signed it and whether the
//! signature is right has been checked by then; whether that authority is one to trust, and whether the certificate is
//! good for this user or host now, [`Certificate::check`] decides.
//!
//! ```
//! use std::time::Duration;
//! use ssh_core::UnixTime;
//! use ssh_core::key::{CertificateBuilder, CertificateCheck, KeyAlgorithm, PrivateKey};
//! use ssh_core::random::ChaChaRandom;
//!
//! let mut random = ChaChaRandom::from_seed(&[1; 32]); // take the system's outside of tests
//! let authority = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random)?;
//! let user = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random)?;
//!
//! let now = UnixTime::from_secs(1_800_000_000);
//! let day = now..now.saturating_add(Duration::from_secs(24 * 60 * 60));
//! let key = CertificateBuilder::user(user.public_key(), "alice's laptop", day)
//!     .principal("alice")
//!     .extension("permit-pty")
//!     .sign(&authority, &mut random)?;
//!
//! let certificate = key.certificate().expect("it is one");
//! let trusted = [authority.public_key().clone()];
//! let grant = certificate.check(&CertificateCheck::user("alice", now, &trusted))?;
//! assert!(grant.pty && !grant.port_forwarding);
//! assert!(certificate.check(&CertificateCheck::user("bob", now, &trusted)).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod builder;
mod check;

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::PublicKey;
use crate::crypto::signature::CertificateBlob;
use crate::time::UnixTime;
use crate::wire::{DecodeError, Reader};

pub(crate) use address::Network;
pub use builder::{CertificateBuilder, CertificateToSign, IssueError};
pub use check::{CertificateCheck, CertificateError, CertificateGrant};

/// Whom a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateKind {
    /// A user who logs in.
    User,
    /// A host that users log in to.
    Host,
}

impl CertificateKind {
    const fn number(self) -> u32 {
        match self {
            Self::User => 1,
            Self::Host => 2,
        }
    }
}

impl fmt::Display for CertificateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Host => "host",
        })
    }
}

/// What a certificate says. Its authority's signature is right.
///
/// All text in it is as the authority wrote it: escape it before it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    certified_key: PublicKey,
    serial: u64,
    kind: CertificateKind,
    key_id: String,
    principals: Vec<String>,
    valid_after: UnixTime,
    valid_before: UnixTime,
    critical_options: Vec<CertificateOption>,
    extensions: Vec<CertificateOption>,
    signature_key: PublicKey,
    signature_algorithm: &'static str,
}

/// A critical option or an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateOption {
    /// Its name.
    pub name: String,
    /// Its data; empty for one that is there or not. Most others hold one string: [`value`](Self::value).
    pub data: Vec<u8>,
}

impl CertificateOption {
    /// The one string that the data are, if that is what they are.
    pub fn value(&self) -> Option<&str> {
        let mut reader = Reader::new(&self.data);
        let value = reader.string().ok()?;
        reader.finish().ok()?;
        core::str::from_utf8(value).ok()
    }
}

impl Certificate {
    /// Most principals of a certificate. OpenSSH's bound.
    pub const MAX_PRINCIPALS: usize = 256;

    /// The key that is certified.
    pub const fn certified_key(&self) -> &PublicKey {
        &self.certified_key
    }

    /// The number its authority gave it; 0 if it did not count.
    pub const fn serial(&self) -> u64 {
        self.serial
    }

    /// Whom it is for.
    pub const fn kind(&self) -> CertificateKind {
        self.kind
    }

    /// What its authority calls it, for logs.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The users or hosts it is for. Nobody, if there are none.
    pub fn principals(&self) -> &[String] {
        &self.principals
    }

    /// It is valid from then on.
    pub const fn valid_after(&self) -> UnixTime {
        self.valid_after
    }

    /// It is valid until shortly before then.
    pub const fn valid_before(&self) -> UnixTime {
        self.valid_before
    }

    /// What has to be understood and enforced.
    pub fn critical_options(&self) -> &[CertificateOption] {
        &self.critical_options
    }

    /// What is granted, and what may be ignored.
    pub fn extensions(&self) -> &[CertificateOption] {
        &self.extensions
    }

    /// The critical option `name`.
    pub fn critical_option(&self, name: &str) -> Option<&CertificateOption> {
        self.critical_options.iter().find(|option| option.name == name)
    }

    /// Whether the extension `name` is there.
    pub fn has_extension(&self, name: &str) -> bool {
        self.extensions.iter().any(|option| option.name == name)
    }

    /// The key of the authority that signed it.
    pub const fn signature_key(&self) -> &PublicKey {
        &self.signature_key
    }

    /// The name of the algorithm by which the authority signed it.
    pub const fn signature_algorithm(&self) -> &'static str {
        self.signature_algorithm
    }

    /// Reads the fields of a blob whose signature has been verified.
    pub(super) fn read(blob: &CertificateBlob<'_>) -> Result<Self, DecodeError> {
        let kind = [CertificateKind::User, CertificateKind::Host].into_iter().find(|kind| kind.number() == blob.kind);
        let signature_key = PublicKey::from_blob(blob.signature_key).map_err(|_| DecodeError::InvalidValue)?;
        Ok(Self {
            certified_key: PublicKey::from_own_blob(blob.plain_key.clone()),
            serial: blob.serial,
            kind: kind.ok_or(DecodeError::InvalidValue)?,
            key_id: text(blob.key_id)?,
            principals: read_principals(blob.principals)?,
            valid_after: UnixTime::from_secs(blob.valid_after),
            valid_before: UnixTime::from_secs(blob.valid_before),
            critical_options: read_options(blob.critical_options)?,
            extensions: read_options(blob.extensions)?,
            signature_key,
            signature_algorithm: blob.authority_algorithm().ok_or(DecodeError::InvalidValue)?.name(),
        })
    }
}

fn text(bytes: &[u8]) -> Result<String, DecodeError> {
    core::str::from_utf8(bytes).map(String::from).map_err(|_| DecodeError::InvalidValue)
}

fn read_principals(list: &[u8]) -> Result<Vec<String>, DecodeError> {
    let mut reader = Reader::new(list);
    let mut principals = Vec::new();
    while reader.remaining() > 0 {
        if principals.len() == Certificate::MAX_PRINCIPALS {
            return Err(DecodeError::TooMany);
        }
        principals.push(text(reader.string()?)?);
    }
    Ok(principals)
}

/// Names in ascending order, each once: what is written twice could be read in two ways.
fn read_options(list: &[u8]) -> Result<Vec<CertificateOption>, DecodeError> {
    let mut reader = Reader::new(list);
    let mut options: Vec<CertificateOption> = Vec::new();
    while reader.remaining() > 0 {
        let option = CertificateOption { name: text(reader.string()?)?, data: reader.string()?.to_vec() };
        if options.last().is_some_and(|last| last.name >= option.name) {
            return Err(DecodeError::InvalidValue);
        }
        options.push(option);
    }
    Ok(options)
}

#[cfg(test)]
mod tests;
