//! What the configuration says about a session that is logged in: its environment, its class of traffic, and what runs here.

use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt as _;

use ssh_core::ChannelRequest;
use ssh_core::login::configured;

use super::{Configured, unexpanded};
use crate::config::shell;
use crate::error::Result;
use crate::login::ConfiguredSession;
use crate::session::Session;

impl Configured {
    /// The variables that go to the server before a command or a shell starts: those that `SetEnv` sets and, of our own,
    /// those that `SendEnv` names. [`Session::exec`], [`Session::shell`] and the like send them; a program that starts
    /// things by requests of its own sends them itself, without asking for replies: most servers take few of them.
    pub fn environment(&self) -> Vec<ChannelRequest> {
        let own = std::env::vars_os().map(|(name, value)| (name.into_vec(), value.into_vec()));
        let variables = configured::environment(&self.resolved, own).into_iter();
        variables.map(|(name, value)| ChannelRequest::Env { name, value }).collect()
    }

    /// The class of traffic (RFC 2474) that `IPQoS` wants for a session with or without a terminal, for sockets of other
    /// adapters. `None`: the system's.
    pub fn traffic_class(&self, has_terminal: bool) -> Option<u8> {
        let classes = self.resolved.connection.ip_qos.value;
        if has_terminal { classes.interactive } else { classes.bulk }
    }

    /// Runs `LocalCommand` with the user's shell if `PermitLocalCommand` permits it, and waits for its end. How it ends does
    /// not matter. [`login`](Self::login) does this; sessions of other adapters do it once they are logged in.
    ///
    /// # Errors
    /// If there is no shell, or a name in the command means something to it.
    pub fn run_local_command(&self) -> Result<()> {
        if let Some(command) = self.resolved.local_command().map_err(unexpanded)? {
            shell(&command).status()?;
        }
        Ok(())
    }
}

/// A connection by configuration, and where it comes from.
pub(super) struct Arrived {
    pub(super) host: Configured,
    pub(super) local_address: Option<IpAddr>,
}

impl ConfiguredSession for Arrived {
    fn login(&self, session: &Session) -> Result<&'static str> {
        self.host.login(session)
    }

    fn environment(&self) -> Vec<ChannelRequest> {
        self.host.environment()
    }

    fn traffic_class(&self, has_terminal: bool) -> Option<u8> {
        self.host.traffic_class(has_terminal)
    }

    fn local_address(&self) -> Option<IpAddr> {
        self.local_address
    }
}
