//! `AuthorizedPrincipalsFile`: the principals of certificates that may log in as a user (sshd_config(5)).

use alloc::{string::String, vec::Vec};

use super::authorized_keys::{Login, LoginRefused, Permissions, Terms, options};
use super::{SkipReason, SkippedLine};
use crate::key::{Certificate, CertificateCheck};

/// The content of one file.
#[derive(Clone, Debug, Default)]
pub struct AuthorizedPrincipals {
    principals: Vec<AuthorizedPrincipal>,
    skipped: Vec<SkippedLine>,
}

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthorizedPrincipal {
    /// The line's number, from 1.
    pub line: usize,
    /// What the options before the principal say.
    pub terms: Terms,
    /// The principal.
    pub principal: String,
}

impl AuthorizedPrincipals {
    /// Reads a file. Lines with an option that is malformed or not known grant nothing, and are listed in
    /// [`skipped`](Self::skipped). A `#` begins a comment wherever it stands, even in quotes, as with OpenSSH.
    pub fn parse(text: &[u8]) -> Self {
        let mut file = Self::default();
        for (index, content) in text.split(|&byte| byte == b'\n').enumerate() {
            let content = content.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
            if content.is_empty() {
                continue;
            }
            match AuthorizedPrincipal::parse(index + 1, content) {
                Ok(principal) => file.principals.push(principal),
                Err(reason) => file.skipped.push(SkippedLine { line: index + 1, reason }),
            }
        }
        file
    }

    /// What `certificate` allows, with the options of the first line that names one of its principals. `check` names the
    /// authorities; its principal does not matter.
    ///
    /// # Errors
    /// [`LoginRefused`] says what does not hold.
    pub fn permissions(
        &self,
        certificate: &Certificate,
        check: CertificateCheck<'_>,
        login: &Login<'_>,
    ) -> Result<Permissions, LoginRefused> {
        let named = |line: &&AuthorizedPrincipal| certificate.principals().contains(&line.principal);
        let line = self.principals.iter().find(named).ok_or(LoginRefused::Principal)?;
        if line.terms.cert_authority {
            return Err(LoginRefused::Authority);
        }
        let permissions = line.terms.admit(login)?;
        let grant = certificate.check(&check.principal(&line.principal))?;
        Ok(permissions.and(grant.into())?)
    }

    /// The lines.
    pub fn principals(&self) -> &[AuthorizedPrincipal] {
        &self.principals
    }

    /// The lines that were left out.
    pub fn skipped(&self) -> &[SkippedLine] {
        &self.skipped
    }
}

impl AuthorizedPrincipal {
    /// The principal follows the last space, or where there is none the last tab; options, if there are any, come before.
    fn parse(line: usize, content: &[u8]) -> Result<Self, SkipReason> {
        let last = |blank| content.iter().rposition(|&byte| byte == blank);
        let last_blank = last(b' ').or_else(|| last(b'\t'));
        let (before, principal) = content.split_at_checked(last_blank.map_or(0, |at| at + 1)).unwrap_or_default();
        let principal = core::str::from_utf8(principal.trim_ascii_start()).map_err(|_| SkipReason::Incomplete)?;
        let terms = match before {
            [] => Terms::default(),
            before => options(before)?.1,
        };
        Ok(Self { line, terms, principal: principal.into() })
    }
}
