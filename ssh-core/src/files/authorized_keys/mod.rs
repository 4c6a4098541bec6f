//! `authorized_keys`: the keys that may log in as a user (sshd(8), AUTHORIZED_KEYS FILE FORMAT).

use alloc::{string::String, vec::Vec};

mod permissions;
mod terms;

pub use permissions::{Address, CommandsDiffer, Permissions, Tunnel};
pub use terms::{Login, LoginRefused, Terms};

use super::{SkipReason, SkippedLine, numbered_lines};
use crate::key::{Certificate, CertificateCheck, CertificateError, CertificateGrant, PublicKey, PublicKeyLine};

/// The content of one file.
#[derive(Clone, Debug, Default)]
pub struct AuthorizedKeys {
    keys: Vec<AuthorizedKey>,
    skipped: Vec<SkippedLine>,
}

/// A line of the file.
///
/// Its options restrict or extend what the key may do: [`permissions`](Self::permissions) and
/// [`certificate_permissions`](Self::certificate_permissions) say what is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedKey {
    /// The line's number, from 1.
    pub line: usize,
    /// The options, in order; every one is known by name.
    pub options: Vec<KeyOption>,
    /// What the options say together.
    pub terms: Terms,
    /// The key.
    pub key: PublicKey,
    /// What follows the key.
    pub comment: String,
}

/// An option before a key, such as `no-pty` or `command="uptime"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyOption {
    /// The name in lower case.
    pub name: &'static str,
    /// The value without its quotes, for an option that has one.
    pub value: Option<String>,
}

/// Options without a value. `cert-authority` is among them, but see [`AuthorizedKeys::find`].
const FLAGS: &[&str] = &[
    "agent-forwarding",
    "cert-authority",
    "no-agent-forwarding",
    "no-port-forwarding",
    "no-pty",
    "no-touch-required",
    "no-user-rc",
    "no-x11-forwarding",
    "port-forwarding",
    "pty",
    "no-verify-required",
    "restrict",
    "touch-required",
    "user-rc",
    "verify-required",
    "x11-forwarding",
];

/// Options with a value.
const WITH_VALUE: &[&str] =
    &["command", "environment", "expiry-time", "from", "permitlisten", "permitopen", "principals", "tunnel"];

impl AuthorizedKeys {
    /// Reads a file. Lines without a valid key, and lines with an option that is malformed or not known, are left out
    /// and listed in [`skipped`](Self::skipped): what is not understood grants nothing.
    pub fn parse(text: &[u8]) -> Self {
        let mut file = Self::default();
        for (line, content) in numbered_lines(text) {
            match AuthorizedKey::parse(line, content) {
                Ok(key) => file.keys.push(key),
                Err(reason) => file.skipped.push(SkippedLine { line, reason }),
            }
        }
        file
    }

    /// The first line that names `key` itself. Lines with `cert-authority` name the key of an authority, which may not
    /// log in.
    pub fn find(&self, key: &PublicKey) -> Option<&AuthorizedKey> {
        self.find_all(key).next()
    }

    /// Every line that names `key` itself, in order: where one line's options refuse, another may grant.
    pub fn find_all(&self, key: &PublicKey) -> impl Iterator<Item = &AuthorizedKey> {
        self.keys.iter().filter(move |line| line.key == *key && !line.has_option("cert-authority"))
    }

    /// Every line that names the authority of `certificate` as one, in order.
    pub fn find_authorities(&self, certificate: &Certificate) -> impl Iterator<Item = &AuthorizedKey> {
        let authority = certificate.signature_key().clone();
        self.keys.iter().filter(move |line| line.key == authority && line.has_option("cert-authority"))
    }

    /// The lines, `cert-authority` lines included.
    pub fn keys(&self) -> &[AuthorizedKey] {
        &self.keys
    }

    /// The lines that were left out.
    pub fn skipped(&self) -> &[SkippedLine] {
        &self.skipped
    }
}

impl AuthorizedKey {
    /// Whether the option `name`, in lower case, is present.
    pub fn has_option(&self, name: &str) -> bool {
        self.options.iter().any(|option| option.name == name)
    }

    /// The value of the option `name`, in lower case.
    pub fn option_value(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|option| option.name == name).and_then(|option| option.value.as_deref())
    }

    /// What the line leaves to its own key at this login. That the key has signed is the caller's to know.
    ///
    /// # Errors
    /// [`LoginRefused`] says which demand of the line is not fulfilled.
    pub fn permissions(&self, login: &Login<'_>) -> Result<Permissions, LoginRefused> {
        if self.terms.cert_authority {
            return Err(LoginRefused::Authority);
        }
        self.terms.admit(login)
    }

    /// What this `cert-authority` line and `certificate` leave to the certificate's owner:
    /// [`check_certificate`](Self::check_certificate), and the line's other options.
    ///
    /// # Errors
    /// [`LoginRefused`] says what does not hold.
    pub fn certificate_permissions(
        &self,
        certificate: &Certificate,
        check: CertificateCheck<'_>,
        login: &Login<'_>,
    ) -> Result<Permissions, LoginRefused> {
        let permissions = self.terms.admit(login)?;
        let grant = self.check_certificate(certificate, check.security_key(login.used_security_key()))?;
        Ok(permissions.and(grant.into())?)
    }

    /// Whether this `cert-authority` line lets somebody in with `certificate`: as [`Certificate::check`], with the line's
    /// key as the authority, and with the names of the option `principals`, if it is there, in the place of the user's.
    /// A security key has to be touched unless both waive it, and to verify its user if either demands it. The other
    /// options of the line are the caller's to enforce.
    ///
    /// # Errors
    /// [`CertificateError`] says what does not hold.
    pub fn check_certificate(
        &self,
        certificate: &Certificate,
        check: CertificateCheck<'_>,
    ) -> Result<CertificateGrant, CertificateError> {
        check.check_presence(self.terms.verify_required, self.terms.no_touch_required)?;
        let check = check.authorities(core::slice::from_ref(&self.key));
        let Some(principals) = self.option_value("principals") else { return certificate.check(&check) };
        let mut result = Err(CertificateError::Principal { principal: principals.into() });
        for principal in principals.split(',') {
            result = certificate.check(&check.clone().principal(principal));
            if !matches!(result, Err(CertificateError::Principal { .. })) {
                return result;
            }
        }
        result
    }

    /// As OpenSSH does it: a line that is not a key from its start is options, a blank, and a key.
    fn parse(line: usize, content: &[u8]) -> Result<Self, SkipReason> {
        let without_options = PublicKeyLine::parse(content);
        let error = match without_options {
            Ok(PublicKeyLine { key, comment }) => {
                return Ok(Self { line, options: Vec::new(), terms: Terms::default(), key, comment });
            }
            Err(error) => error,
        };
        let (_, rest) = split_options(content).ok_or(SkipReason::Key(error))?;
        let PublicKeyLine { key, comment } = PublicKeyLine::parse(rest).map_err(SkipReason::Key)?;
        let (options, terms) = options(content)?;
        Ok(Self { line, options, terms, key, comment })
    }
}

/// The options at the start of `content`, which a blank ends. Empty ones are none, as with OpenSSH.
pub(super) fn options(content: &[u8]) -> Result<(Vec<KeyOption>, Terms), SkipReason> {
    let (texts, _) = split_options(content).ok_or(SkipReason::Incomplete)?;
    let mut options = Vec::with_capacity(texts.len());
    let mut terms = Terms::default();
    for text in texts.into_iter().filter(|text| !text.is_empty()) {
        let option = KeyOption::parse(text)?;
        terms.take(&option).ok_or_else(|| SkipReason::Option(String::from_utf8_lossy(text).into_owned()))?;
        options.push(option);
    }
    Ok((options, terms))
}

impl KeyOption {
    fn parse(text: &[u8]) -> Result<Self, SkipReason> {
        let refused = || SkipReason::Option(String::from_utf8_lossy(text).into_owned());
        let equals = text.iter().position(|&byte| byte == b'=').unwrap_or(text.len());
        let (name, value) = text.split_at_checked(equals).ok_or_else(refused)?;
        let known = |names: &'static [&'static str]| {
            names.iter().copied().find(|known| known.as_bytes().eq_ignore_ascii_case(name))
        };
        if value.is_empty() {
            let name = known(FLAGS).ok_or_else(refused)?;
            return Ok(Self { name, value: None });
        }
        let name = known(WITH_VALUE).ok_or_else(refused)?;
        let value = value.strip_prefix(b"=\"").and_then(|value| value.strip_suffix(b"\"")).and_then(unquote);
        Ok(Self { name, value: Some(value.ok_or_else(refused)?) })
    }
}

/// The options at the start of `content`, and what follows them. Commas and blanks inside quotes do not separate, and
/// `\"` does not end a quote.
pub(super) fn split_options(content: &[u8]) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut options = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (position, &byte) in content.iter().enumerate() {
        match byte {
            b'"' if !escaped => quoted = !quoted,
            b',' if !quoted => {
                options.push(content.get(start..position)?);
                start = position + 1;
            }
            b' ' | b'\t' if !quoted => {
                options.push(content.get(start..position)?);
                return Some((options, content.get(position..)?.trim_ascii_start()));
            }
            _ => {}
        }
        escaped = byte == b'\\' && !escaped;
    }
    None
}

/// Resolves `\"`; any other quote inside is malformed, and so is text that is not UTF-8.
pub(super) fn unquote(text: &[u8]) -> Option<String> {
    let text = core::str::from_utf8(text).ok()?;
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'"') => value.extend(chars.next()),
            '"' => return None,
            c => value.push(c),
        }
    }
    Some(value)
}
