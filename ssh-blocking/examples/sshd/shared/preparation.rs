//! A session's requests: before something runs, and while it does.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ssh_core::ChannelRequest;
use ssh_core::files::authorized_keys::Permissions;

use super::common::pattern;
use super::log;
use super::process::{self, Process, Program, Running};
use super::pty::{self, Pty};
use super::service::Service;

/// Most environment variables taken from a client.
const MAX_VARIABLES: usize = 128;

/// How long a terminal's last output is waited for after its program has ended and something else keeps it open.
pub(crate) const LAST_OUTPUT: Duration = Duration::from_millis(300);

/// How long the end of the data waits for the status of a child that is about to end.
pub(crate) const STATUS_DELAY: Duration = Duration::from_millis(200);

/// Where a connection comes from and where it arrived, as `SSH_CONNECTION` tells it; `None` on standard input.
pub(crate) type Addresses = Option<(SocketAddr, SocketAddr)>;

/// A session on which nothing runs yet.
pub(crate) struct Preparation {
    service: Arc<Service>,
    addresses: Addresses,
    permissions: Permissions,
    environment: Vec<(OsString, OsString)>,
    pty: Option<Pty>,
}

/// What came of a request.
pub(crate) enum Handled {
    /// It is done.
    Done,
    /// Something runs.
    Started(Running),
}

impl Preparation {
    pub(crate) fn new(service: Arc<Service>, addresses: Addresses, permissions: Permissions) -> Self {
        Self { service, addresses, permissions, environment: Vec::new(), pty: None }
    }

    /// Does what a request asks for, or says why not.
    pub(crate) fn handle(&mut self, request: ChannelRequest) -> Result<Handled, String> {
        match request {
            ChannelRequest::Pty(request) => {
                if !self.permissions.pty || self.pty.is_some() {
                    return Err("a terminal is refused".into());
                }
                self.pty = Some(Pty::open(&request).map_err(|error| format!("no terminal: {error}"))?);
                Ok(Handled::Done)
            }
            ChannelRequest::Env { name, value } => {
                let accepted =
                    self.service.settings.accept_env.iter().any(|each| pattern::matches(each.as_bytes(), &name));
                // Neither can be in an environment.
                let odd = name.is_empty() || name.contains(&b'=') || name.contains(&0) || value.contains(&0);
                if !accepted || odd || self.environment.len() >= MAX_VARIABLES {
                    let name = String::from_utf8_lossy(&name).into_owned();
                    return Err(format!("the environment variable \"{}\" is not accepted", name.escape_debug()));
                }
                self.environment.push((OsString::from_vec(name), OsString::from_vec(value)));
                Ok(Handled::Done)
            }
            ChannelRequest::WindowChange { columns, rows, width_pixels, height_pixels } => {
                if let Some(pty) = &self.pty {
                    let _ = pty::resize(&pty.master, [columns, rows, width_pixels, height_pixels]);
                }
                Ok(Handled::Done)
            }
            ChannelRequest::Shell => self.start(Program::Shell, None),
            ChannelRequest::Exec { command } => {
                let command = OsString::from_vec(command);
                self.start(Program::Command(command.clone()), Some(command))
            }
            ChannelRequest::Subsystem { name } => {
                let known = self.service.settings.subsystems.iter().find(|(each, _)| each.as_bytes() == name);
                let Some((_, command)) = known else {
                    let name = String::from_utf8_lossy(&name).into_owned();
                    return Err(format!("there is no subsystem \"{}\"", name.escape_debug()));
                };
                self.start(Program::Command(command.into()), Some(command.into()))
            }
            other => Err(format!("the request {} is refused", String::from_utf8_lossy(other.name()).escape_debug())),
        }
    }

    fn start(&mut self, asked: Program, original: Option<OsString>) -> Result<Handled, String> {
        let account = &self.service.account;
        let pty = self.pty.take();
        let mut environment = std::mem::take(&mut self.environment);
        let patterns = &self.service.settings.user_environment;
        let may = |name: &str| patterns.iter().any(|each| pattern::matches(each.as_bytes(), name.as_bytes()));
        let variables = self.permissions.environment.iter().filter(|(name, _)| may(name));
        environment.extend(variables.map(|(name, value)| (name.into(), value.into())));
        environment.extend(self.own_environment(pty.as_ref()));
        let program = match &self.permissions.command {
            Some(forced) => {
                environment.extend(original.map(|original| ("SSH_ORIGINAL_COMMAND".into(), original)));
                Program::Command(forced.into())
            }
            None => asked,
        };
        process::start(&program, &account.shell, &account.home, &environment, pty).map(Handled::Started)
    }

    /// What every child is told; it comes after what the client sends, and so before it in rank.
    fn own_environment(&self, pty: Option<&Pty>) -> Vec<(OsString, OsString)> {
        let account = &self.service.account;
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        let mut environment: Vec<(OsString, OsString)> = vec![
            ("USER".into(), account.name.clone().into()),
            ("LOGNAME".into(), account.name.clone().into()),
            ("HOME".into(), account.home.clone().into()),
            ("SHELL".into(), account.shell.clone().into()),
            ("PATH".into(), path),
        ];
        if let Some((client, server)) = self.addresses {
            let (from, to) = (client.ip(), server.ip());
            let connection = format!("{from} {} {to} {}", client.port(), server.port());
            environment.push(("SSH_CONNECTION".into(), connection.into()));
            environment.push(("SSH_CLIENT".into(), format!("{from} {} {}", client.port(), server.port()).into()));
        }
        if let Some(pty) = pty {
            environment.push(("TERM".into(), pty.term.clone()));
            environment.push(("SSH_TTY".into(), PathBuf::from(&pty.path).into()));
        }
        // A name with NUL would keep the child from starting.
        environment.retain(|(_, value)| !value.as_encoded_bytes().contains(&0));
        environment
    }
}

/// Does what a client asks for while its child runs; `false`: it cannot be done.
pub(crate) fn obey(request: ChannelRequest, process: &Process, terminal: Option<&OwnedFd>) -> bool {
    match (request, terminal) {
        (ChannelRequest::WindowChange { columns, rows, width_pixels, height_pixels }, Some(terminal)) => {
            pty::resize(terminal, [columns, rows, width_pixels, height_pixels]).is_ok()
        }
        (ChannelRequest::Signal(signal), _) => {
            log::debug(format_args!("the client sends the signal {signal}"));
            process.signal(signal.name())
        }
        (ChannelRequest::Break { .. }, Some(terminal)) => rustix::termios::tcsendbreak(terminal).is_ok(),
        _ => false,
    }
}
