//! What a login may do.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::key::CertificateGrant;

/// What a login may do. Whoever lets a user in has to enforce all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permissions {
    /// The only command that is run, whatever was asked for.
    pub command: Option<String>,
    /// Variables for what is run, if the server allows lines to set any (`PermitUserEnvironment`).
    pub environment: Vec<(String, String)>,
    /// Forwarding of the agent.
    pub agent_forwarding: bool,
    /// Forwarding of ports.
    pub port_forwarding: bool,
    /// A terminal.
    pub pty: bool,
    /// Running `~/.ssh/rc`.
    pub user_rc: bool,
    /// Forwarding of X11.
    pub x11_forwarding: bool,
    /// The only destinations of forwarded connections; all where there are none.
    pub permit_open: Vec<Address>,
    /// The only addresses that may be listened on; all where there are none.
    pub permit_listen: Vec<Address>,
    /// The tunnel device, whichever was asked for.
    pub tunnel: Option<Tunnel>,
}

impl Default for Permissions {
    /// Everything.
    fn default() -> Self {
        Self {
            command: None,
            environment: Vec::new(),
            agent_forwarding: true,
            port_forwarding: true,
            pty: true,
            user_rc: true,
            x11_forwarding: true,
            permit_open: Vec::new(),
            permit_listen: Vec::new(),
            tunnel: None,
        }
    }
}

impl From<CertificateGrant> for Permissions {
    fn from(grant: CertificateGrant) -> Self {
        Self {
            command: grant.force_command,
            agent_forwarding: grant.agent_forwarding,
            port_forwarding: grant.port_forwarding,
            pty: grant.pty,
            user_rc: grant.user_rc,
            x11_forwarding: grant.x11_forwarding,
            ..Self::default()
        }
    }
}

impl Permissions {
    /// What both allow: a line and a certificate, or two steps of one login. Of lists and devices that both name, those
    /// of `self` count.
    ///
    /// # Errors
    /// [`CommandsDiffer`]
    pub fn and(self, other: Self) -> Result<Self, CommandsDiffer> {
        if self.command.is_some() && other.command.is_some() && self.command != other.command {
            return Err(CommandsDiffer);
        }
        let first = |ours: Vec<Address>, theirs| if ours.is_empty() { theirs } else { ours };
        Ok(Self {
            command: self.command.or(other.command),
            environment: if self.environment.is_empty() { other.environment } else { self.environment },
            agent_forwarding: self.agent_forwarding && other.agent_forwarding,
            port_forwarding: self.port_forwarding && other.port_forwarding,
            pty: self.pty && other.pty,
            user_rc: self.user_rc && other.user_rc,
            x11_forwarding: self.x11_forwarding && other.x11_forwarding,
            permit_open: first(self.permit_open, other.permit_open),
            permit_listen: first(self.permit_listen, other.permit_listen),
            tunnel: self.tunnel.or(other.tunnel),
        })
    }

    /// Whether a connection may be forwarded to there. Names are compared as they are.
    pub fn allows_open(&self, host: &str, port: u16) -> bool {
        self.port_forwarding && covers(&self.permit_open, host, port)
    }

    /// Whether this address may be listened on for the client.
    pub fn allows_listen(&self, host: &str, port: u16) -> bool {
        self.port_forwarding && covers(&self.permit_listen, host, port)
    }

    /// `restrict`: nothing that has to be allowed.
    pub(super) fn restrict(&mut self) {
        self.agent_forwarding = false;
        self.port_forwarding = false;
        self.pty = false;
        self.user_rc = false;
        self.x11_forwarding = false;
    }
}

fn covers(addresses: &[Address], host: &str, port: u16) -> bool {
    addresses.is_empty() || addresses.iter().any(|address| address.covers(host, port))
}

/// Two commands cannot both be the only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandsDiffer;

impl fmt::Display for CommandsDiffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("two different commands are forced")
    }
}

impl core::error::Error for CommandsDiffer {}

/// A host and a port, of `permitopen` and `permitlisten`. Ports are numbers here, never names of services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The host; `None`: any.
    pub host: Option<String>,
    /// The port; `None`: any.
    pub port: Option<u16>,
}

impl Address {
    /// `host:port`; an IPv6 address stands in brackets.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']').and_then(|(host, port)| Some((host, port.strip_prefix(':')?)))?,
            None => text.split_once(':')?,
        };
        let port = match port {
            "*" => None,
            port if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().ok().filter(|&port: &u16| port > 0)?)
            }
            _ => return None,
        };
        (!host.is_empty() && host.len() <= 1024).then(|| Self { host: (host != "*").then(|| host.to_string()), port })
    }

    /// The same, or a port alone.
    pub(super) fn parse_listening(text: &str) -> Option<Self> {
        if text.contains(':') { Self::parse(text) } else { Self::parse(&alloc::format!("*:{text}")) }
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        self.host.as_deref().is_none_or(|known| known == host) && self.port.is_none_or(|known| known == port)
    }
}

/// A tunnel device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    /// Whichever is free.
    Any,
    /// That of this number.
    Number(u32),
}

impl FromStr for Tunnel {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.eq_ignore_ascii_case("any") {
            return Ok(Self::Any);
        }
        let number = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = number.and_then(|text| text.parse().ok()).filter(|&number: &u32| number <= 0x7fff_fffd);
        number.map(Self::Number).ok_or(())
    }
}
