//! Keys and certificates that are not good any more: OpenSSH's key revocation lists, or a list of public keys.

mod krl;

use alloc::{collections::BTreeSet, string::String, vec::Vec};
use core::fmt;

use super::{Certificate, KeyError, PublicKey, PublicKeyLine};
use crate::crypto::hash::Hash;
use crate::wire::DecodeError;
use sha1::{Digest, Sha1};

/// What is revoked. An empty one revokes nothing.
#[derive(Clone, Debug, Default)]
pub struct RevocationList {
    /// Blobs of plain keys.
    keys: BTreeSet<Vec<u8>>,
    /// Hashes of blobs of plain keys.
    sha1: BTreeSet<Vec<u8>>,
    sha256: BTreeSet<Vec<u8>>,
    certificates: Vec<RevokedCertificates>,
}

/// Certificates of one authority that are revoked.
#[derive(Clone, Debug)]
struct RevokedCertificates {
    /// `None`: of every authority.
    authority: Option<PublicKey>,
    serials: Vec<Serials>,
    key_ids: BTreeSet<String>,
}

/// Serial numbers.
#[derive(Clone, Debug)]
enum Serials {
    List(BTreeSet<u64>),
    /// Both ends included.
    Range(u64, u64),
    /// Big-endian; the last bit is the first serial number.
    Bitmap {
        first: u64,
        bits: Vec<u8>,
    },
}

impl RevocationList {
    /// Reads what OpenSSH takes as `RevokedKeys`: a key revocation list as `ssh-keygen -k` makes it, or a text with a
    /// public key on each line.
    ///
    /// # Errors
    /// [`RevocationListError`]: a list that is not understood as a whole revokes nothing reliably, and is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, RevocationListError> {
        if krl::is_krl(bytes) { krl::parse(bytes) } else { Self::parse_lines(bytes) }
    }

    fn parse_lines(text: &[u8]) -> Result<Self, RevocationListError> {
        let mut list = Self::default();
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let key = PublicKeyLine::parse(line);
            let key = key.map_err(|error| RevocationListError::Line { line: index + 1, error })?.key;
            list.revoke(&key);
        }
        Ok(list)
    }

    /// Revokes a key, and with it all its certificates and, if it is an authority's, all certificates it signed. Of a
    /// certificate, it revokes the key.
    pub fn revoke(&mut self, key: &PublicKey) {
        self.keys.insert(key.plain().blob().to_vec());
    }

    /// Whether a key is revoked; of a certificate also whether the certificate or its authority is.
    pub fn revokes(&self, key: &PublicKey) -> bool {
        match key.certificate() {
            Some(certificate) => self.revokes_certificate(&certificate),
            None => self.revokes_plain(key),
        }
    }

    /// Whether a certificate, its key or its authority is revoked.
    pub fn revokes_certificate(&self, certificate: &Certificate) -> bool {
        self.revokes_plain(certificate.certified_key())
            || self.revokes_plain(certificate.signature_key())
            || self.certificates.iter().any(|revoked| revoked.cover(certificate))
    }

    fn revokes_plain(&self, key: &PublicKey) -> bool {
        let blob = key.blob();
        self.keys.contains(blob)
            || (!self.sha256.is_empty() && self.sha256.contains(&Hash::Sha256.digest(&[blob])))
            || (!self.sha1.is_empty() && self.sha1.contains(&Sha1::digest(blob)[..]))
    }
}

impl RevokedCertificates {
    fn cover(&self, certificate: &Certificate) -> bool {
        if self.authority.as_ref().is_some_and(|authority| authority != certificate.signature_key()) {
            return false;
        }
        // An authority that does not count gives every certificate the number 0.
        let serial = certificate.serial();
        let by_serial = serial != 0 && self.serials.iter().any(|serials| serials.contain(serial));
        by_serial || self.key_ids.contains(certificate.key_id())
    }
}

impl Serials {
    fn contain(&self, serial: u64) -> bool {
        match self {
            Self::List(list) => list.contains(&serial),
            Self::Range(first, last) => (*first..=*last).contains(&serial),
            Self::Bitmap { first, bits } => {
                let bit = serial.checked_sub(*first);
                let from_end = bit.and_then(|bit| usize::try_from(bit / 8).ok()).and_then(|byte| byte.checked_add(1));
                let byte = from_end.and_then(|from_end| bits.len().checked_sub(from_end)).and_then(|at| bits.get(at));
                byte.zip(bit).is_some_and(|(byte, bit)| byte >> (bit % 8) & 1 == 1)
            }
        }
    }
}

/// Why a list was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationListError {
    /// A key revocation list is malformed.
    Malformed(DecodeError),
    /// A key revocation list is of a later version than 1.
    Version {
        /// Its version.
        version: u32,
    },
    /// A key revocation list has something in it that is not known here.
    Unknown {
        /// What that is.
        what: String,
    },
    /// A line of a text is not a public key.
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        error: KeyError,
    },
}

impl From<DecodeError> for RevocationListError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for RevocationListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the key revocation list is malformed: {error}"),
            Self::Version { version } => write!(f, "the key revocation list has the version {version}, not 1"),
            Self::Unknown { what } => {
                write!(f, "the key revocation list has {} in it, which is not known here", what.escape_debug())
            }
            Self::Line { line, error } => write!(f, "line {line} of the list of revoked keys: {error}"),
        }
    }
}

impl core::error::Error for RevocationListError {}

#[cfg(test)]
mod tests;
