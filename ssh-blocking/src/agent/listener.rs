//! An agent at a socket.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::service::AgentService;
use crate::error::{Error, Result};

/// A socket that only its owner can use, and an [`AgentService`] behind it. The socket goes when this is dropped.
pub struct AgentListener {
    listener: UnixListener,
    path: PathBuf,
    service: Arc<AgentService>,
}

impl AgentListener {
    /// Listens at `path`, where nothing may be yet. Whoever can reach the directory of a socket can try to connect, so it
    /// should be private.
    ///
    /// # Errors
    /// [`Error::File`]
    pub fn bind(path: impl AsRef<Path>, service: AgentService) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let failed = |error| Error::File { path: path.clone(), error };
        let listener = UnixListener::bind(&path).map_err(failed)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self { listener, path, service: Arc::new(service) })
    }

    /// Serves everybody who connects, each on a thread, for ever.
    ///
    /// # Errors
    /// [`Error::Io`] if accepting fails for good.
    pub fn run(&self) -> Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error.into()),
            };
            if !is_own(&stream) {
                continue;
            }
            let service = Arc::clone(&self.service);
            // How a client ends its conversation is its own affair.
            std::thread::Builder::new().spawn(move || drop(service.serve(stream)))?;
        }
    }
}

impl Drop for AgentListener {
    fn drop(&mut self) {
        // If it is gone already, so much the better.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Whether the one at the other end is our user, or root, who could be anyway.
#[cfg(target_os = "linux")]
fn is_own(stream: &UnixStream) -> bool {
    let peer = rustix::net::sockopt::socket_peercred(stream).map(|peer| peer.uid);
    peer.is_ok_and(|uid| uid.is_root() || uid == rustix::process::geteuid())
}

/// The socket's permissions decide.
#[cfg(not(target_os = "linux"))]
fn is_own(_stream: &UnixStream) -> bool {
    true
}
