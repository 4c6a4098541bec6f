//! `known_hosts`: the host keys a user trusts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
//!
//! ```
//! use ssh_core::UnixTime;
//! use ssh_core::files::known_hosts::{HostKeyVerdict, KnownHosts};
//! use ssh_core::key::PublicKeyLine;
//!
//! let line = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDuBxtWmFLkh4HXjyvtSLhILHqrciy9I7hWKo6ZkrA9s";
//! let key = PublicKeyLine::parse(line)?.key;
//! let file = KnownHosts::parse(&[b"example.com ", &line[..]].concat());
//! let now = UnixTime::from_secs(1_800_000_000); // for certificates
//! assert_eq!(file.lookup("example.com", 22, &key, now), HostKeyVerdict::Trusted { line: 1 });
//! assert_eq!(file.lookup("example.com", 2222, &key, now), HostKeyVerdict::Unknown);
//! # Ok::<(), ssh_core::key::KeyError>(())
//! ```

pub use rotation::{HostKeyChanges, HostKeysStay};

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use super::{SkipReason, SkippedLine, first_word, numbered_lines};
use crate::crypto::signature;
use crate::key::{Certificate, CertificateCheck, CertificateError, PublicKey, PublicKeyLine};
use crate::pattern;
use crate::random::{RandomError, SecureRandom};
use crate::time::UnixTime;

pub mod edit;
mod rotation;

const DEFAULT_PORT: u16 = 22;
/// Bytes of HMAC-SHA1, and of the salt.
const HASH: usize = 20;

/// The content of one file, or of several one after the other.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts {
    entries: Vec<Entry>,
    skipped: Vec<SkippedLine>,
}

/// What a file says about a host key. Only [`Trusted`](Self::Trusted) is a reason to go on without asking.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostKeyVerdict {
    /// The host is known with this key.
    Trusted {
        /// The line that says so.
        line: usize,
    },
    /// The host is not in the file.
    Unknown,
    /// The host is known with another key of this type: it was set up anew, or somebody is in between.
    Changed {
        /// The first line with another key.
        line: usize,
        /// All keys the file has for the host, of this type and of others, with their lines.
        expected: Vec<(usize, PublicKey)>,
    },
    /// The host is known, but only with keys of other types. Somebody in between who lacks the known keys would offer
    /// just such a new type, so it deserves the caution of a changed key.
    OtherTypes {
        /// The keys the file has for the host, with their lines.
        expected: Vec<(usize, PublicKey)>,
    },
    /// The key, or the authority of a certificate, is marked as revoked for the host: it must not be accepted, whoever
    /// says so.
    Revoked {
        /// The line that says so.
        line: usize,
    },
    /// The key is a certificate by an authority that is trusted for the host, but it is not good: expired, or for another
    /// host.
    BadCertificate {
        /// The line with the authority.
        line: usize,
        /// What is wrong with it.
        error: CertificateError,
    },
}

impl KnownHosts {
    /// Reads a file. Lines that make no sense are left out and listed in [`skipped`](Self::skipped).
    pub fn parse(text: &[u8]) -> Self {
        let mut file = Self::default();
        for (line, content) in numbered_lines(text) {
            match Entry::parse(line, content) {
                Ok(entry) => file.entries.push(entry),
                Err(reason) => file.skipped.push(SkippedLine { line, reason }),
            }
        }
        file
    }

    /// The lines that were left out.
    pub fn skipped(&self) -> &[SkippedLine] {
        &self.skipped
    }

    /// What the file says about `key`, offered by `host` at `port`.
    ///
    /// Names are compared without regard to case. A host at a port other than 22 is found as `[host]:port` only. A
    /// certificate is trusted where a `@cert-authority` line names its authority and it is good for `host` at the time
    /// `now`; where no such line does, its key is looked at as if there were no certificate. So it is where it is not good
    /// but the key in it is known.
    pub fn lookup(&self, host: &str, port: u16, key: &PublicKey, now: UnixTime) -> HostKeyVerdict {
        let entries = self.about(host, port);
        let certificate = key.certificate();
        let plain = key.plain();
        let authority = certificate.as_ref().map(Certificate::signature_key);
        let revoked = |entry: &&&Entry| {
            entry.marker == Some(Marker::Revoked) && (entry.key == *plain || authority == Some(&entry.key))
        };
        if let Some(entry) = entries.iter().find(revoked) {
            return HostKeyVerdict::Revoked { line: entry.line };
        }
        let by_authority = certificate.and_then(|certificate| judge_certificate(&entries, &certificate, host, now));
        match (by_authority, judge_plain(&entries, &plain)) {
            // Who is known by the key needs no certificate.
            (Some(HostKeyVerdict::BadCertificate { .. }), known @ HostKeyVerdict::Trusted { .. }) => known,
            (by_authority, by_key) => by_authority.unwrap_or(by_key),
        }
    }

    /// The types of the keys known for a host, each once: those of certificates first if there is an authority for it, or one
    /// may be revoked, then those of its keys in the file's order. A client asks for these first, so that it is not offered a
    /// key it cannot compare, nor spared a certificate that must not be accepted.
    pub fn known_key_types(&self, host: &str, port: u16) -> Vec<&str> {
        let entries = self.about(host, port);
        let is_marked = entries.iter().any(|entry| entry.marker.is_some());
        let certified = signature::ALL.iter().filter(|algorithm| is_marked && algorithm.plain().is_some());
        let plain = entries.iter().filter(|entry| entry.marker.is_none());
        let all = certified.map(|algorithm| algorithm.key_type()).chain(plain.map(|entry| entry.key.key_type()));
        let mut types = Vec::new();
        for key_type in all {
            if !types.contains(&key_type) {
                types.push(key_type);
            }
        }
        types
    }

    /// The lines about a host.
    fn about(&self, host: &str, port: u16) -> Vec<&Entry> {
        let name = host_name(host, port);
        self.entries.iter().filter(|entry| entry.hosts.cover(&name)).collect()
    }

    /// The line, with its line end, that makes `key`, without its certificate if it is one, known for `host` at `port`.
    /// With `hash`, the name is stored as a salted hash, as with `HashKnownHosts yes`.
    ///
    /// # Errors
    /// [`FormatEntryError`]: a host name that the file format would understand as something else, or no randomness.
    pub fn format_entry(
        host: &str,
        port: u16,
        key: &PublicKey,
        hash: Option<&mut dyn SecureRandom>,
    ) -> Result<String, FormatEntryError> {
        edit::format_lines(&[&host_name(host, port)], key, hash)
    }
}

/// `None`: no line names its authority.
fn judge_certificate(
    entries: &[&Entry],
    certificate: &Certificate,
    host: &str,
    now: UnixTime,
) -> Option<HostKeyVerdict> {
    let authority = certificate.signature_key();
    let names_it = |entry: &&&Entry| entry.marker == Some(Marker::CertAuthority) && entry.key == *authority;
    let line = entries.iter().find(names_it)?.line;
    let check = CertificateCheck::host(without_brackets(host), now, core::slice::from_ref(authority));
    Some(match certificate.check(&check) {
        Ok(_) => HostKeyVerdict::Trusted { line },
        Err(error) => HostKeyVerdict::BadCertificate { line, error },
    })
}

fn judge_plain(entries: &[&Entry], key: &PublicKey) -> HostKeyVerdict {
    let known = || entries.iter().filter(|entry| entry.marker.is_none());
    if let Some(entry) = known().find(|entry| entry.key == *key) {
        return HostKeyVerdict::Trusted { line: entry.line };
    }
    let expected: Vec<_> = known().map(|entry| (entry.line, entry.key.clone())).collect();
    let same_type = known().find(|entry| entry.key.key_type() == key.key_type());
    match same_type {
        Some(entry) => HostKeyVerdict::Changed { line: entry.line, expected },
        None if expected.is_empty() => HostKeyVerdict::Unknown,
        None => HostKeyVerdict::OtherTypes { expected },
    }
}

#[derive(Clone, Debug)]
struct Entry {
    line: usize,
    marker: Option<Marker>,
    hosts: Hosts,
    key: PublicKey,
}

/// What a line is about, if not the keys of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// `@revoked`: a key that must not be accepted.
    Revoked,
    /// `@cert-authority`: a key that certifies hosts.
    CertAuthority,
}

impl Marker {
    /// The marker of a line, and the rest of it.
    fn split(content: &[u8]) -> Result<(Option<Self>, &[u8]), SkipReason> {
        match first_word(content) {
            (b"@revoked", rest) => Ok((Some(Self::Revoked), rest)),
            (b"@cert-authority", rest) => Ok((Some(Self::CertAuthority), rest)),
            ([b'@', ..], _) => Err(SkipReason::UnknownMarker),
            _ => Ok((None, content)),
        }
    }
}

impl Entry {
    fn parse(line: usize, content: &[u8]) -> Result<Self, SkipReason> {
        let (marker, content) = Marker::split(content)?;
        let (hosts, key) = first_word(content);
        if key.is_empty() {
            return Err(SkipReason::Incomplete);
        }
        let hosts = Hosts::parse(hosts)?;
        let key = PublicKeyLine::parse(key).map_err(SkipReason::Key)?.key;
        Ok(Self { line, marker, hosts, key })
    }
}

#[derive(Clone, Debug)]
enum Hosts {
    /// Patterns with commas between, in lower case.
    Patterns(Vec<u8>),
    Hashed {
        salt: [u8; HASH],
        hash: [u8; HASH],
    },
}

impl Hosts {
    fn parse(field: &[u8]) -> Result<Self, SkipReason> {
        if !field.starts_with(b"|") {
            return Ok(Self::Patterns(field.to_ascii_lowercase()));
        }
        let mut parts = field.strip_prefix(b"|1|").ok_or(SkipReason::MalformedHash)?.split(|&byte| byte == b'|');
        let (salt, hash) = (parts.next(), parts.next());
        match (salt.and_then(decode_hash), hash.and_then(decode_hash), parts.next()) {
            (Some(salt), Some(hash), None) => Ok(Self::Hashed { salt, hash }),
            _ => Err(SkipReason::MalformedHash),
        }
    }

    fn cover(&self, name: &str) -> bool {
        match self {
            Self::Patterns(list) => pattern::list_matches(list.split(|&byte| byte == b','), name.as_bytes()),
            Self::Hashed { salt, hash } => {
                hash_name(salt, name.as_bytes()).is_some_and(|computed| bool::from(computed.ct_eq(hash)))
            }
        }
    }
}

/// Whether a hashed name has a salt, whatever its hash is.
fn has_salt(field: &[u8]) -> bool {
    let mut parts = field.strip_prefix(b"|1|").unwrap_or_default().split(|&byte| byte == b'|');
    parts.next().and_then(decode_hash).is_some() && parts.next().is_some()
}

fn decode_hash(base64: &[u8]) -> Option<[u8; HASH]> {
    let mut buffer = [0; HASH + 4];
    Base64::decode(base64, &mut buffer).ok()?.try_into().ok()
}

fn hash_name(salt: &[u8; HASH], name: &[u8]) -> Option<[u8; HASH]> {
    let mut mac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    mac.update(name);
    Some(mac.finalize().into_bytes().into())
}

/// The name a host has in the file: in lower case, with the port if that is not 22.
pub fn host_name(host: &str, port: u16) -> String {
    let host = without_brackets(host).to_ascii_lowercase();
    if port == DEFAULT_PORT { host } else { format!("[{host}]:{port}") }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host)
}

/// Why a line for the file could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatEntryError {
    /// The host name is empty, or holds characters that mean something else in the file: blanks, line feeds, commas,
    /// wildcards.
    HostName,
    /// The source of randomness failed.
    Random(RandomError),
}

impl fmt::Display for FormatEntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostName => f.write_str("the host name cannot stand in a known_hosts file"),
            Self::Random(error) => write!(f, "the known_hosts line could not be made: {error}"),
        }
    }
}

impl core::error::Error for FormatEntryError {}
