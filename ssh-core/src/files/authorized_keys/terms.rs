//! What the options of a line demand of a login, and what they leave it (sshd(8), AUTHORIZED_KEYS FILE FORMAT).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use super::KeyOption;
use super::permissions::{Address, CommandsDiffer, Permissions};
use crate::crypto::signature::SecurityKeyUse;
use crate::files::allowed_signers::time;
use crate::key::{CertificateError, Network};
use crate::pattern;
use crate::time::UnixTime;

/// Most variables and addresses that one line may name, as with OpenSSH.
const MAX_VARIABLES: usize = 1024;
const MAX_ADDRESSES: usize = 4096;

/// What is known about the one who logs in.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Login<'a> {
    now: UnixTime,
    utc_offset: i32,
    source: Option<IpAddr>,
    host_name: Option<&'a str>,
    security_key: Option<SecurityKeyUse>,
}

impl<'a> Login<'a> {
    /// A login at this time.
    pub const fn new(now: UnixTime) -> Self {
        Self { now, utc_offset: 0, source: None, host_name: None, security_key: None }
    }

    /// How many seconds local time is ahead of UTC: times that do not end in `Z` are local ones.
    pub const fn utc_offset(mut self, seconds: i32) -> Self {
        self.utc_offset = seconds;
        self
    }

    /// Where the connection comes from. Without it every line that has `from` refuses.
    pub const fn from(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// The name of the host the connection comes from, if the caller has made sure of it: as with `UseDNS`.
    pub const fn host_name(mut self, name: &'a str) -> Self {
        self.host_name = Some(name);
        self
    }

    /// What the security key said that signed, from [`Credential::PublicKey`](crate::Credential::PublicKey).
    pub const fn security_key(mut self, used: Option<SecurityKeyUse>) -> Self {
        self.security_key = used;
        self
    }

    pub(super) const fn used_security_key(&self) -> Option<SecurityKeyUse> {
        self.security_key
    }
}

/// What the options of a line say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// `cert-authority`: the key signs certificates, and does not log in itself.
    pub cert_authority: bool,
    /// `principals`: whom certificates of the authority may be for, instead of the user.
    pub principals: Option<String>,
    /// `from`: patterns of addresses, networks and names of hosts.
    pub from: Option<String>,
    /// `expiry-time`, as written; local time unless it ends in `Z`. The earliest of all.
    pub expiry_times: Vec<String>,
    /// `no-touch-required`: a security key need not be touched.
    pub no_touch_required: bool,
    /// `verify-required`: a security key has to verify its user.
    pub verify_required: bool,
    /// What is left to a login.
    pub permissions: Permissions,
}

impl Terms {
    /// What the line leaves to this login; certificates are another matter.
    ///
    /// # Errors
    /// [`LoginRefused`] says which demand is not fulfilled.
    pub fn admit(&self, login: &Login<'_>) -> Result<Permissions, LoginRefused> {
        let expired = |text: &String| time(text, login.utc_offset).is_none_or(|expiry| expiry < login.now);
        if self.expiry_times.iter().any(expired) {
            return Err(LoginRefused::Expired);
        }
        if self.from.as_ref().is_some_and(|list| !comes_from(list, login)) {
            return Err(LoginRefused::Source { source: login.source });
        }
        if self.principals.is_some() && !self.cert_authority {
            return Err(LoginRefused::PrincipalsWithoutAuthority);
        }
        if self.verify_required && !login.security_key.is_some_and(|used| used.user_verified) {
            return Err(LoginRefused::VerificationRequired);
        }
        if !self.no_touch_required && login.security_key.is_some_and(|used| !used.user_present) {
            return Err(LoginRefused::TouchRequired);
        }
        Ok(self.permissions.clone())
    }

    /// Takes one option. `None`: its value is malformed, or it is there once too often.
    pub(super) fn take(&mut self, option: &KeyOption) -> Option<()> {
        let Some(value) = option.value.as_deref() else {
            self.take_flag(option.name);
            return Some(());
        };
        let once = |slot: &mut Option<String>| slot.replace(value.to_string()).is_none().then_some(());
        let permissions = &mut self.permissions;
        match option.name {
            "command" => once(&mut permissions.command),
            "from" => once(&mut self.from),
            "principals" => once(&mut self.principals),
            "expiry-time" => {
                time(value, 0)?;
                self.expiry_times.push(value.to_string());
                Some(())
            }
            "environment" => take_variable(&mut permissions.environment, value),
            "permitopen" => take_address(&mut permissions.permit_open, Address::parse(value)?),
            "permitlisten" => take_address(&mut permissions.permit_listen, Address::parse_listening(value)?),
            _ => {
                permissions.tunnel = Some(value.parse().ok()?);
                Some(())
            }
        }
    }

    fn take_flag(&mut self, name: &str) {
        let (name, on) = match name.strip_prefix("no-") {
            Some(rest) => (rest, false),
            None => (name, true),
        };
        let permissions = &mut self.permissions;
        match name {
            "cert-authority" => self.cert_authority = on,
            "restrict" => permissions.restrict(),
            "agent-forwarding" => permissions.agent_forwarding = on,
            "port-forwarding" => permissions.port_forwarding = on,
            "pty" => permissions.pty = on,
            "user-rc" => permissions.user_rc = on,
            "x11-forwarding" => permissions.x11_forwarding = on,
            "touch-required" => self.no_touch_required = !on,
            _ => self.verify_required = on,
        }
    }
}

/// The first value of a variable counts.
fn take_variable(variables: &mut Vec<(String, String)>, text: &str) -> Option<()> {
    let (name, value) = text.split_once('=')?;
    let valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !valid || variables.len() >= MAX_VARIABLES {
        return None;
    }
    if !variables.iter().any(|(known, _)| known == name) {
        variables.push((name.into(), value.into()));
    }
    Some(())
}

fn take_address(addresses: &mut Vec<Address>, address: Address) -> Option<()> {
    if addresses.len() >= MAX_ADDRESSES {
        return None;
    }
    addresses.push(address);
    Some(())
}

/// Whether `list` covers where a login comes from, and excludes it nowhere. A network with bits behind its mask, or with a
/// mask that is too long, makes the whole list void, as with OpenSSH.
fn comes_from(list: &str, login: &Login<'_>) -> bool {
    let Some(source) = login.source.map(|source| source.to_canonical()) else { return false };
    let text = source.to_string();
    let mut found = false;
    for entry in list.split(',') {
        let (excludes, entry) = match entry.strip_prefix('!') {
            Some(entry) => (true, entry),
            None => (false, entry),
        };
        let covers = match Network::parse(entry) {
            _ if entry.is_empty() => return false,
            None if has_impossible_mask(entry) => return false,
            Some(network) if network.has_host_bits() => return false,
            Some(network) => network.contains(source),
            None => pattern::matches(entry.as_bytes(), text.as_bytes()),
        };
        match covers {
            true if excludes => return false,
            covers => found |= covers,
        }
    }
    let name = login.host_name.map_or(text, str::to_ascii_lowercase);
    let list = list.to_ascii_lowercase();
    let excluded =
        |entry: &str| entry.strip_prefix('!').is_some_and(|entry| pattern::matches(entry.as_bytes(), name.as_bytes()));
    let named = pattern::list_matches(list.split(',').map(str::as_bytes), name.as_bytes());
    !list.split(',').any(excluded) && (found || named)
}

/// Whether this would be a network if its mask were not longer than its address.
fn has_impossible_mask(entry: &str) -> bool {
    let Some((address, bits)) = entry.split_once('/') else { return false };
    let digits = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    digits && bits.parse::<u32>().is_ok_and(|bits| bits <= 128) && address.parse::<IpAddr>().is_ok()
}

/// Why a key or a certificate does not let its owner in by a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginRefused {
    /// The line's time is over.
    Expired,
    /// The line is for other addresses.
    Source {
        /// Where the connection comes from, if that is known.
        source: Option<IpAddr>,
    },
    /// The line names principals, but its key is no authority.
    PrincipalsWithoutAuthority,
    /// The line's key is an authority, which does not log in itself, or may not be one here.
    Authority,
    /// The security key had to verify its user, and did not.
    VerificationRequired,
    /// Nobody touched the security key.
    TouchRequired,
    /// The line and the certificate force different commands.
    CommandsDiffer,
    /// The certificate is for none of the principals that may log in.
    Principal,
    /// The certificate does not hold.
    Certificate(CertificateError),
}

impl From<CertificateError> for LoginRefused {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error)
    }
}

impl From<CommandsDiffer> for LoginRefused {
    fn from(_: CommandsDiffer) -> Self {
        Self::CommandsDiffer
    }
}

impl fmt::Display for LoginRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("its time is over"),
            Self::Source { source: Some(source) } => write!(f, "it is not for connections from {source}"),
            Self::Source { source: None } => {
                f.write_str("it is bound to addresses, and where the connection comes from is not known")
            }
            Self::PrincipalsWithoutAuthority => f.write_str("principals need cert-authority"),
            Self::Authority => f.write_str("the key of an authority does not log in"),
            Self::VerificationRequired => f.write_str("the security key has to verify its user"),
            Self::TouchRequired => f.write_str("nobody touched the security key"),
            Self::CommandsDiffer => write!(f, "{CommandsDiffer}"),
            Self::Principal => f.write_str("the certificate is for nobody who may log in"),
            Self::Certificate(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for LoginRefused {}
