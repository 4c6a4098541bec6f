//! What stands between us and a host: a command (`ProxyCommand`), or other hosts (`ProxyJump`).

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use ssh_core::ChannelType;
use ssh_core::files::ssh_config::JumpHost;
use ssh_core::wire::Writer;

use super::Configured;
use crate::channel::ChannelTransport;
use crate::config::shell;
use crate::error::{Error, Result};
use crate::transport::{FdTransport, Interest, Transport};

/// A command whose standard streams are the connection.
pub(super) struct CommandTransport {
    stream: FdTransport,
    child: Child,
}

impl CommandTransport {
    /// Runs `command` with the user's shell.
    pub(super) fn start(command: &str) -> Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let theirs = OwnedFd::from(theirs);
        // Without a shell that stays in between, the command itself hears of our end.
        let mut shell = shell(&format!("exec {command}"));
        shell.stdin(Stdio::from(theirs.try_clone()?)).stdout(Stdio::from(theirs));
        let failed = |error| Error::Connect { target: format!("the command \"{}\"", command.escape_debug()), error };
        let child = shell.spawn().map_err(failed)?;
        Ok(Self { stream: FdTransport::unix(ours)?, child })
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

impl Drop for CommandTransport {
    /// It has no more use; whether it ended by itself does not matter.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A connection through other hosts: one session inside the other, no thread, no command.
pub(super) fn jump(target: &Configured, hosts: &[JumpHost]) -> Result<Box<dyn Transport>> {
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
    let hop = Configured { config, resolved, hops_left, local_address: None, ..target.clone() };
    let session = hop.connect()?;
    hop.login(&session)?;
    let (host, port) = (&target.resolved.host_name, target.resolved.connection.port.value.0);
    Ok(Box::new(ChannelTransport::new(session.open(&direct_tcpip(host, port))?)))
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
