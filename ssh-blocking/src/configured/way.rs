//! The way to a host: straight, through a command (`ProxyCommand`), or through other hosts (`ProxyJump`).

use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use ssh_core::ChannelType;
use ssh_core::files::ssh_config::{JumpHost, Proxy};
use ssh_core::wire::Writer;

use super::{Configured, reach, unexpanded};
use crate::config::shell;
use crate::error::{Error, Result};
use crate::transport::{ChannelTransport, FdTransport, Interest, Transport};

/// How a host is reached; [`Configured::way`].
pub enum Way {
    /// Straight: the connection stands.
    Tcp(TcpStream),
    /// Through a command, which runs.
    Command {
        /// Its standard input and output.
        stream: UnixStream,
        /// Ends it when dropped: for whoever is done with the stream.
        process: ProxyProcess,
    },
    /// Through another host: connect to it, log in, open a channel of this type.
    Jump {
        /// The other host.
        hop: Box<Configured>,
        /// `direct-tcpip`, to the host.
        channel: ChannelType,
    },
}

/// The process of a `ProxyCommand`. It has no more use once this is dropped; whether it ended by itself does not matter.
#[derive(Debug)]
pub struct ProxyProcess(Child);

impl Drop for ProxyProcess {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Configured {
    /// Sets out for the host, for sessions of other adapters: [`connect`](Self::connect) does this and the rest.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn way(&self) -> Result<Way> {
        // A command that must not run is no news for after the login.
        self.resolved.local_command().map_err(unexpanded)?;
        match &self.resolved.proxy.value {
            Proxy::None => Ok(Way::Tcp(reach::connect(&self.resolved, self.connect_timeout())?)),
            Proxy::Command(_) => {
                let command = self.resolved.proxy_command().map_err(unexpanded)?;
                let (stream, process) = start(&command.unwrap_or_default())?;
                Ok(Way::Command { stream, process })
            }
            Proxy::Jump(jump) => {
                let (host, port) = (&self.resolved.host_name, self.resolved.connection.port.value.0);
                Ok(Way::Jump { hop: Box::new(last_hop(self, &jump.hosts)?), channel: direct_tcpip(host, port) })
            }
        }
    }
}

/// Runs `command` with the user's shell. Its standard streams are the connection.
fn start(command: &str) -> Result<(UnixStream, ProxyProcess)> {
    let (ours, theirs) = UnixStream::pair()?;
    let theirs = OwnedFd::from(theirs);
    // Without a shell that stays in between, the command itself hears of our end.
    let mut shell = shell(&format!("exec {command}"));
    shell.stdin(Stdio::from(theirs.try_clone()?)).stdout(Stdio::from(theirs));
    let failed = |error| Error::Connect { target: format!("the command \"{}\"", command.escape_debug()), error };
    Ok((ours, ProxyProcess(shell.spawn().map_err(failed)?)))
}

/// The host from which the target is reached; the way to it leads through those before it.
fn last_hop(target: &Configured, hosts: &[JumpHost]) -> Result<Configured> {
    let Some((last, before)) = hosts.split_last() else {
        return Err(Error::Io(io::Error::other("ProxyJump names no host")));
    };
    let hops_left = target.hops_left.checked_sub(1);
    let hops_left = hops_left.ok_or_else(|| Error::Io(io::Error::other("ProxyJump leads in circles")))?;
    let JumpHost { user, host, port } = last;
    let mut config = target.config.clone().for_jump();
    if let Some(user) = user {
        config = config.set("user", user);
    }
    if let Some(port) = port {
        config = config.set("port", port.to_string());
    }
    let through: Vec<String> = before.iter().map(shown).collect();
    if !through.is_empty() {
        config = config.set("proxyjump", through.join(","));
    }
    let resolved = config.resolve(host)?.into();
    Ok(Configured { config, resolved, hops_left, ..target.clone() })
}

fn shown(JumpHost { user, host, port }: &JumpHost) -> String {
    let user = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{user}{host}{port}")
}

/// A TCP connection that the server makes for us (RFC 4254 §7.2).
fn direct_tcpip(host: &str, port: u16) -> ChannelType {
    let mut data = Vec::new();
    let mut writer = Writer::new(&mut data);
    writer.string(host.as_bytes());
    writer.uint32(port.into());
    // Where it comes from is nobody's business, and OpenSSH says this too.
    writer.string(b"127.0.0.1");
    writer.uint32(65535);
    ChannelType::Other { name: b"direct-tcpip".to_vec(), data }
}

/// A connection through a command.
pub(super) struct CommandTransport {
    stream: FdTransport,
    _process: ProxyProcess,
}

impl CommandTransport {
    pub(super) fn new(stream: UnixStream, process: ProxyProcess) -> io::Result<Self> {
        Ok(Self { stream: FdTransport::unix(stream)?, _process: process })
    }
}

impl Transport for CommandTransport {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.try_read(buffer)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.try_write(bytes)
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.wait(interest, timeout)
    }

    fn wake(&self) {
        self.stream.wake();
    }

    fn shutdown(&self) {
        self.stream.shutdown();
    }
}

/// A connection through another host: one session inside the other, no thread, no command.
pub(super) fn through(hop: &Configured, channel: &ChannelType) -> Result<ChannelTransport> {
    let session = hop.connect()?;
    hop.login(&session)?;
    Ok(ChannelTransport::new(session.open(channel)?))
}
