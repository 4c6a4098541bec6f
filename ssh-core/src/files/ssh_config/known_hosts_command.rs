//! `KnownHostsCommand`: what it is called with (ssh_config(5), TOKENS).

use alloc::{string::String, string::ToString as _, vec::Vec};

use super::choices::FingerprintFormat;
use super::line;
use super::resolved::Resolved;
use super::tokens::{OF_KNOWN_HOSTS_COMMAND, TokenError};
use crate::key::{FingerprintHash, PublicKey};

/// A look into the known hosts.
#[derive(Clone, Copy, Debug)]
pub struct HostLookup<'a> {
    /// The name, with the port if that is not 22: as it is in a file.
    pub name: &'a str,
    /// What for.
    pub purpose: LookupPurpose,
    /// The key that the host has shown; `None` before it has.
    pub key: Option<&'a PublicKey>,
}

/// What a look into the known hosts is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupPurpose {
    /// To ask for a kind of key that is known.
    Order,
    /// To judge the key by the host's name.
    HostName,
    /// To judge it by the host's address (`CheckHostIP`).
    Address,
}

impl LookupPurpose {
    /// The value of `%I`.
    fn name(self) -> &'static str {
        match self {
            Self::Order => "ORDER",
            Self::HostName => "HOSTNAME",
            Self::Address => "ADDRESS",
        }
    }
}

impl Resolved {
    /// The program of `KnownHostsCommand` and its arguments, if there is one. No shell sees them: quotes only hold words
    /// together, and a token never makes two words of one.
    ///
    /// # Errors
    /// For an open quote, and as [`Resolved::expand`].
    pub fn known_hosts_command(&self, lookup: &HostLookup<'_>) -> Result<Option<Vec<String>>, TokenError> {
        let Some(command) = &self.host_keys.command.value.0 else { return Ok(None) };
        let words = line::words(command, false).map_err(|fault| TokenError::new(command, &fault))?;
        let none = || String::from("NONE");
        let fingerprint = lookup.key.map_or_else(|| Some(none()), |key| self.fingerprint(key));
        let tokens = self.tokens.with(fingerprint.map(|fingerprint| ('f', fingerprint))).with([
            ('H', lookup.name.into()),
            ('I', lookup.purpose.name().into()),
            ('K', lookup.key.map_or_else(none, base64)),
            ('t', lookup.key.map_or_else(none, |key| key.key_type().into())),
        ]);
        let expand = |(index, word): (usize, String)| {
            // The program itself is taken as it is.
            if index == 0 { Ok(word) } else { self.expand_by(&tokens, &word, OF_KNOWN_HOSTS_COMMAND) }
        };
        words.into_iter().enumerate().map(expand).collect::<Result<_, _>>().map(Some)
    }

    /// `None`: the hash is not built in.
    fn fingerprint(&self, key: &PublicKey) -> Option<String> {
        let hash = match self.host_keys.fingerprint.value {
            #[cfg(feature = "legacy")]
            FingerprintFormat::Md5 => FingerprintHash::Md5,
            #[cfg(not(feature = "legacy"))]
            FingerprintFormat::Md5 => return None,
            _ => FingerprintHash::Sha256,
        };
        Some(key.fingerprint(hash).to_string())
    }
}

/// The key without its type, as it is in a file.
fn base64(key: &PublicKey) -> String {
    let line = key.to_string();
    line.split(' ').nth(1).unwrap_or_default().into()
}
