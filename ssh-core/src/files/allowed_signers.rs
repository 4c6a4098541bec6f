//! `allowed_signers` (ssh-keygen(1), ALLOWED SIGNERS): who may sign what, and when.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::authorized_keys::{split_options, unquote};
use super::{SkipReason, SkippedLine, first_word, numbered_lines};
use crate::crypto::signature::Verified;
use crate::key::{
    CertificateCheck, CertificateError, MessageSignature, MessageSignatureError, PublicKey, PublicKeyLine,
};
use crate::pattern;
use crate::time::UnixTime;

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedSigners {
    signers: Vec<AllowedSigner>,
    skipped: Vec<SkippedLine>,
}

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedSigner {
    /// The line's number, from 1.
    pub line: usize,
    /// Patterns of who signs with the key, such as `alice@example.com,*@example.org,!mallory@example.org`.
    pub principals: String,
    /// The key is that of an authority, whose certificates sign.
    pub cert_authority: bool,
    /// Patterns of the namespaces it may sign for; `None` for all.
    pub namespaces: Option<String>,
    /// The first moment at which it may have signed.
    pub valid_after: Option<UnixTime>,
    /// The last moment at which it may have signed.
    pub valid_before: Option<UnixTime>,
    /// The key.
    pub key: PublicKey,
}

impl AllowedSigners {
    /// Reads a file. Lines that are not understood, options included, are left out and listed in
    /// [`skipped`](Self::skipped): they allow nothing.
    ///
    /// Times that do not end in `Z` are local ones, `utc_offset` seconds ahead of UTC.
    pub fn parse(text: &[u8], utc_offset: i32) -> Self {
        let mut file = Self::default();
        for (line, content) in numbered_lines(text) {
            match AllowedSigner::parse(line, content, utc_offset) {
                Ok(signer) => file.signers.push(signer),
                Err(reason) => file.skipped.push(SkippedLine { line, reason }),
            }
        }
        file
    }

    /// Verifies that `principal` signed `message` for `namespace`, at `time`: when it is claimed to have been made, or
    /// now.
    ///
    /// Of a certificate the authority has to be allowed, the principal has to be one of it, and all that
    /// [`Certificate::check`](crate::key::Certificate::check) checks has to hold. Revocation is the caller's to check, on
    /// [`MessageSignature::key`].
    ///
    /// # Errors
    /// [`VerifyError`] says what does not hold; of several lines that name the key, the last one's fault.
    pub fn verify(
        &self,
        signature: &MessageSignature,
        principal: &str,
        namespace: &str,
        message: &[u8],
        time: UnixTime,
    ) -> Result<Verified, VerifyError> {
        let verified = signature.verify(namespace, message).map_err(VerifyError::Signature)?;
        let mut result = Err(VerifyError::UnknownSigner);
        for signer in self.signers.iter().filter(|signer| signer.names(signature.key())) {
            result = signer.allows(signature.key(), Some(principal), Some(namespace), &verified, time);
            if result.is_ok() {
                break;
            }
        }
        result.map(|()| verified)
    }

    /// Who may have made `signature` at `time`, by the first line that says so: of a key the patterns of its line, of a
    /// certificate those of its principals that the authority's line covers. Nothing is verified.
    pub fn find_principals(&self, signature: &MessageSignature, time: UnixTime) -> Vec<String> {
        let key = signature.key();
        let mut found = Vec::new();
        for signer in self.signers.iter().filter(|signer| signer.names(key)) {
            let allowed =
                |principal: Option<&str>| signer.allows(key, principal, None, &Verified::default(), time).is_ok();
            match key.certificate() {
                Some(certificate) => {
                    let principals = certificate.principals().iter();
                    found.extend(principals.filter(|principal| allowed(Some(principal))).cloned());
                }
                None if allowed(None) => found.extend(signer.principals.split(',').map(String::from)),
                None => {}
            }
            if !found.is_empty() {
                break;
            }
        }
        found
    }

    /// The patterns of every line that covers `principal`, for whatever key.
    pub fn match_principals(&self, principal: &str) -> impl Iterator<Item = &str> {
        let covering = self.signers.iter().filter(move |signer| covers(&signer.principals, principal));
        covering.map(|signer| signer.principals.as_str())
    }

    /// The lines.
    pub fn signers(&self) -> &[AllowedSigner] {
        &self.signers
    }

    /// The lines that were left out.
    pub fn skipped(&self) -> &[SkippedLine] {
        &self.skipped
    }
}

impl AllowedSigner {
    fn parse(line: usize, content: &[u8], utc_offset: i32) -> Result<Self, SkipReason> {
        let (principals, rest) = principals(content).ok_or(SkipReason::Incomplete)?;
        let (options, key) = match PublicKeyLine::parse(rest) {
            Ok(PublicKeyLine { key, .. }) => (Vec::new(), key),
            Err(error) => {
                let (options, rest) = split_options(rest).ok_or(SkipReason::Key(error))?;
                (options, PublicKeyLine::parse(rest).map_err(SkipReason::Key)?.key)
            }
        };
        let mut signer = Self {
            line,
            principals,
            cert_authority: false,
            namespaces: None,
            valid_after: None,
            valid_before: None,
            key,
        };
        for option in options {
            let refused = || SkipReason::Option(String::from_utf8_lossy(option).into_owned());
            signer.set(option, utc_offset).ok_or_else(refused)?;
        }
        Ok(signer)
    }

    /// Takes one option. `None` if it is malformed, not known, or there for the second time.
    fn set(&mut self, option: &[u8], utc_offset: i32) -> Option<()> {
        let equals = option.iter().position(|&byte| byte == b'=').unwrap_or(option.len());
        let (name, value) = option.split_at_checked(equals)?;
        let value = value.strip_prefix(b"=\"").and_then(|value| value.strip_suffix(b"\"")).and_then(unquote);
        let once = |is_new: bool| is_new.then_some(());
        match name.to_ascii_lowercase().as_slice() {
            b"cert-authority" if equals == option.len() => once(!core::mem::replace(&mut self.cert_authority, true)),
            b"namespaces" => once(self.namespaces.replace(value?).is_none()),
            b"valid-after" => once(self.valid_after.replace(time(&value?, utc_offset)?).is_none()),
            b"valid-before" => once(self.valid_before.replace(time(&value?, utc_offset)?).is_none()),
            _ => None,
        }
    }

    /// Whether the line is about `key`, or about the authority of the certificate that `key` is.
    fn names(&self, key: &PublicKey) -> bool {
        match key.certificate() {
            Some(certificate) => self.cert_authority && *certificate.signature_key() == self.key,
            None => !self.cert_authority && *key == self.key,
        }
    }

    fn allows(
        &self,
        key: &PublicKey,
        principal: Option<&str>,
        namespace: Option<&str>,
        verified: &Verified,
        time: UnixTime,
    ) -> Result<(), VerifyError> {
        if principal.is_some_and(|principal| !covers(&self.principals, principal)) {
            return Err(VerifyError::Principal { line: self.line });
        }
        let namespaces = self.namespaces.as_deref().unwrap_or("*");
        if namespace.is_some_and(|namespace| !covers(namespaces, namespace)) {
            return Err(VerifyError::Namespace { line: self.line });
        }
        if self.valid_after.is_some_and(|first| time < first) || self.valid_before.is_some_and(|last| time > last) {
            return Err(VerifyError::Time { line: self.line });
        }
        let Some(certificate) = key.certificate() else { return Ok(()) };
        let authorities = core::slice::from_ref(&self.key);
        let check = CertificateCheck::user(principal.unwrap_or_default(), time, authorities);
        let check = check.security_key(verified.security_key);
        certificate.check(&check).map(|_| ()).map_err(VerifyError::Certificate)
    }
}

fn covers(patterns: &str, text: &str) -> bool {
    pattern::list_matches(patterns.split(',').map(str::as_bytes), text.as_bytes())
}

/// The first field, which may stand in quotes, and what follows it.
fn principals(content: &[u8]) -> Option<(String, &[u8])> {
    let (principals, rest) = match content.strip_prefix(b"\"") {
        Some(quoted) => {
            let end = quoted.iter().position(|&byte| byte == b'"')?;
            (quoted.get(..end)?, quoted.get(end + 1..)?.trim_ascii_start())
        }
        None => first_word(content),
    };
    let principals = core::str::from_utf8(principals).ok().filter(|principals| !principals.is_empty())?;
    Some((principals.into(), rest))
}

/// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with a `Z` for UTC.
pub(super) fn time(text: &str, utc_offset: i32) -> Option<UnixTime> {
    let (digits, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, 0),
        None => (text, i64::from(utc_offset)),
    };
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number =
        |at: usize, length: usize| digits.get(at..at + length).map_or(Some(0), |part| part.parse::<i64>().ok());
    let (year, month, day) = (number(0, 4)?, number(4, 2)?, number(6, 2)?);
    let (hour, minute, second) = (number(8, 2)?, number(10, 2)?, number(12, 2)?);
    let valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    valid.then(|| u64::try_from(seconds).ok().map(UnixTime::from_secs))?
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400 - 477;
    (year - 1970) * 365 + leap_days + (1..month).map(|month| days_in(year, month)).sum::<i64>() + day - 1
}

/// Why a signature is not one of somebody who may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The signature itself proves nothing.
    Signature(MessageSignatureError),
    /// No line names its key or its authority.
    UnknownSigner,
    /// The line that names its key does not name this principal.
    Principal {
        /// The line's number.
        line: usize,
    },
    /// The line does not allow this namespace.
    Namespace {
        /// The line's number.
        line: usize,
    },
    /// The line did not allow it yet, or not any more.
    Time {
        /// The line's number.
        line: usize,
    },
    /// The certificate does not hold.
    Certificate(CertificateError),
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(error) => write!(f, "{error}"),
            Self::UnknownSigner => f.write_str("no line of the file names the key that signed, or its authority"),
            Self::Principal { line } => write!(f, "line {line} names the key that signed, but for somebody else"),
            Self::Namespace { line } => write!(f, "line {line} does not allow the key to sign for this namespace"),
            Self::Time { line } => write!(f, "line {line} does not allow the key to sign at this time"),
            Self::Certificate(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for VerifyError {}
