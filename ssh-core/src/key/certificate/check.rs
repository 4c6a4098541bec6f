//! Whether a certificate is good for this user or host, now.

use alloc::string::String;
use core::fmt;
use core::net::IpAddr;

use super::{Certificate, CertificateKind, address};
use crate::crypto::signature::SecurityKeyUse;
use crate::key::{Fingerprint, FingerprintHash, PublicKey, RevocationList};
use crate::pattern;
use crate::time::UnixTime;

/// What is known about the one who shows a certificate, and whom to trust.
#[derive(Clone, Debug)]
#[must_use]
pub struct CertificateCheck<'a> {
    kind: CertificateKind,
    principal: &'a str,
    now: UnixTime,
    authorities: &'a [PublicKey],
    revoked: Option<&'a RevocationList>,
    source: Option<IpAddr>,
    security_key: Option<SecurityKeyUse>,
}

impl<'a> CertificateCheck<'a> {
    /// Somebody wants to log in as `user`.
    pub const fn user(user: &'a str, now: UnixTime, authorities: &'a [PublicKey]) -> Self {
        Self::new(CertificateKind::User, user, now, authorities)
    }

    /// Somebody claims to be `host`, a name or an address without a port.
    pub const fn host(host: &'a str, now: UnixTime, authorities: &'a [PublicKey]) -> Self {
        Self::new(CertificateKind::Host, host, now, authorities)
    }

    const fn new(kind: CertificateKind, principal: &'a str, now: UnixTime, authorities: &'a [PublicKey]) -> Self {
        Self { kind, principal, now, authorities, revoked: None, source: None, security_key: None }
    }

    /// The same for another user or host.
    pub const fn principal(mut self, principal: &'a str) -> Self {
        self.principal = principal;
        self
    }

    /// The same with other authorities.
    pub const fn authorities(mut self, authorities: &'a [PublicKey]) -> Self {
        self.authorities = authorities;
        self
    }

    /// Keys and certificates that are not good any more.
    pub const fn revoked(mut self, list: &'a RevocationList) -> Self {
        self.revoked = Some(list);
        self
    }

    /// Where the connection comes from. Without it a certificate that is bound to addresses is refused.
    pub const fn from(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Whether the security key, if one signed, was used as a line of a file demands.
    pub(crate) fn check_presence(&self, must_verify: bool, touch_is_waived: bool) -> Result<(), CertificateError> {
        check_presence(self.security_key, must_verify, touch_is_waived)
    }

    /// What the security key said that signed, from [`Credential::PublicKey`](crate::Credential::PublicKey).
    pub const fn security_key(mut self, used: Option<SecurityKeyUse>) -> Self {
        self.security_key = used;
        self
    }
}

/// What a certificate grants. Whoever lets its owner in has to enforce all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct CertificateGrant {
    /// The only command that may be run, whatever was asked for.
    pub force_command: Option<String>,
    /// Forwarding of the agent is granted.
    pub agent_forwarding: bool,
    /// Forwarding of ports is granted.
    pub port_forwarding: bool,
    /// A terminal is granted.
    pub pty: bool,
    /// Running `~/.ssh/rc` is granted.
    pub user_rc: bool,
    /// Forwarding of X11 is granted.
    pub x11_forwarding: bool,
}

impl Certificate {
    /// Checks everything but the signature, which has been verified: that it is of the right kind, for this principal,
    /// valid now, by an authority that is trusted, not revoked, and that its critical options are known and hold.
    ///
    /// Users are compared exactly. For hosts, names are compared without regard to case, and a principal may be a
    /// pattern such as `*.example.com`. A certificate without principals is for nobody.
    ///
    /// # Errors
    /// [`CertificateError`] says what does not hold.
    pub fn check(&self, check: &CertificateCheck<'_>) -> Result<CertificateGrant, CertificateError> {
        if !check.authorities.contains(&self.signature_key) {
            let authority = self.signature_key.fingerprint(FingerprintHash::Sha256);
            return Err(CertificateError::UnknownAuthority { authority });
        }
        if check.revoked.is_some_and(|list| list.revokes_certificate(self)) {
            return Err(CertificateError::Revoked);
        }
        if self.kind != check.kind {
            return Err(CertificateError::Kind { kind: self.kind });
        }
        self.check_time(check.now)?;
        if !self.principals.iter().any(|principal| self.is_for(principal, check.principal)) {
            return Err(CertificateError::Principal { principal: check.principal.into() });
        }
        match self.kind {
            CertificateKind::User => self.grant(check),
            CertificateKind::Host => match self.critical_options.first() {
                Some(option) => Err(CertificateError::UnknownCriticalOption { name: option.name.clone() }),
                None => Ok(CertificateGrant::default()),
            },
        }
    }

    fn check_time(&self, now: UnixTime) -> Result<(), CertificateError> {
        if now < self.valid_after {
            return Err(CertificateError::NotYetValid { valid_after: self.valid_after });
        }
        if now >= self.valid_before {
            return Err(CertificateError::Expired { valid_before: self.valid_before });
        }
        Ok(())
    }

    fn is_for(&self, principal: &str, wanted: &str) -> bool {
        match self.kind {
            CertificateKind::User => principal == wanted,
            CertificateKind::Host => {
                let [principal, wanted] = [principal, wanted].map(str::to_ascii_lowercase);
                pattern::matches(principal.as_bytes(), wanted.as_bytes())
            }
        }
    }

    fn grant(&self, check: &CertificateCheck<'_>) -> Result<CertificateGrant, CertificateError> {
        let mut grant = CertificateGrant {
            force_command: None,
            agent_forwarding: self.has_extension("permit-agent-forwarding"),
            port_forwarding: self.has_extension("permit-port-forwarding"),
            pty: self.has_extension("permit-pty"),
            user_rc: self.has_extension("permit-user-rc"),
            x11_forwarding: self.has_extension("permit-X11-forwarding"),
        };
        let mut must_verify = false;
        for option in &self.critical_options {
            let malformed = || CertificateError::MalformedOption { name: option.name.clone() };
            match option.name.as_str() {
                "force-command" => grant.force_command = Some(option.value().ok_or_else(malformed)?.into()),
                "source-address" => check_source(option.value().ok_or_else(malformed)?, check.source)?,
                "verify-required" if option.data.is_empty() => must_verify = true,
                "verify-required" => return Err(malformed()),
                _ => return Err(CertificateError::UnknownCriticalOption { name: option.name.clone() }),
            }
        }
        check_presence(check.security_key, must_verify, self.has_extension("no-touch-required"))?;
        Ok(grant)
    }
}

/// Whether a security key was used as it has to be.
fn check_presence(
    used: Option<SecurityKeyUse>,
    must_verify: bool,
    touch_is_waived: bool,
) -> Result<(), CertificateError> {
    if must_verify && !used.is_some_and(|used| used.user_verified) {
        return Err(CertificateError::VerificationRequired);
    }
    if used.is_some_and(|used| !used.user_present) && !touch_is_waived {
        return Err(CertificateError::TouchRequired);
    }
    Ok(())
}

fn check_source(list: &str, source: Option<IpAddr>) -> Result<(), CertificateError> {
    let source = source.ok_or(CertificateError::SourceAddress { source: None })?;
    match address::covers(list, source) {
        Some(true) => Ok(()),
        Some(false) => Err(CertificateError::SourceAddress { source: Some(source) }),
        None => Err(CertificateError::MalformedOption { name: "source-address".into() }),
    }
}

/// Why a certificate is not good here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateError {
    /// It is signed by somebody who is not trusted for that.
    UnknownAuthority {
        /// The key of the one who signed.
        authority: Fingerprint,
    },
    /// It, its key, or its authority is revoked.
    Revoked,
    /// It is for users where a host was to prove itself, or the other way.
    Kind {
        /// What it is for.
        kind: CertificateKind,
    },
    /// Its time has not come.
    NotYetValid {
        /// From when on it is valid.
        valid_after: UnixTime,
    },
    /// Its time is over.
    Expired {
        /// When it ended.
        valid_before: UnixTime,
    },
    /// It is for other users or hosts.
    Principal {
        /// Whom it had to be for.
        principal: String,
    },
    /// It demands something that is not known here, and may not be ignored.
    UnknownCriticalOption {
        /// Its name.
        name: String,
    },
    /// A critical option's value makes no sense.
    MalformedOption {
        /// Its name.
        name: String,
    },
    /// It is bound to other addresses.
    SourceAddress {
        /// Where the connection came from, if that is known.
        source: Option<IpAddr>,
    },
    /// The security key had to verify its user, and did not.
    VerificationRequired,
    /// Nobody touched the security key.
    TouchRequired,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAuthority { authority } => {
                write!(f, "the certificate is signed by {authority}, which is not a trusted authority")
            }
            Self::Revoked => f.write_str("the certificate, its key or its authority is revoked"),
            Self::Kind { kind } => write!(f, "the certificate is for a {kind}"),
            Self::NotYetValid { valid_after } => write!(f, "the certificate is not valid before {valid_after}"),
            Self::Expired { valid_before } => write!(f, "the certificate expired at {valid_before}; ask for a new one"),
            Self::Principal { principal } => {
                write!(f, "the certificate is not for \"{}\"", principal.escape_debug())
            }
            Self::UnknownCriticalOption { name } => {
                write!(f, "the certificate demands \"{}\", which is not known here", name.escape_debug())
            }
            Self::MalformedOption { name } => {
                write!(f, "the certificate's option \"{}\" is malformed", name.escape_debug())
            }
            Self::SourceAddress { source: Some(source) } => {
                write!(f, "the certificate is not good for connections from {source}")
            }
            Self::SourceAddress { source: None } => {
                f.write_str("the certificate is bound to addresses, and where the connection comes from is not known")
            }
            Self::VerificationRequired => {
                f.write_str("the certificate demands that the security key verifies its user, by PIN for instance")
            }
            Self::TouchRequired => f.write_str("nobody touched the security key"),
        }
    }
}

impl core::error::Error for CertificateError {}
