//! The user's agent, and being one.
//!
//! ```no_run
//! use ssh_blocking::{Agent, Credentials, Session};
//!
//! # fn main() -> ssh_blocking::Result<()> {
//! let session = Session::connect("server.example.com")?;
//! let mut agent = Agent::from_environment()?.expect("an agent is running");
//! agent.bind(&session)?;
//! let keys = agent.identities()?.into_iter().map(|identity| identity.key);
//! session.login_with("me", Credentials::none().agent_keys(keys), &mut agent)?;
//! # Ok(())
//! # }
//! ```

#[cfg(unix)]
mod listener;
mod service;

use std::io::{self, Read, Write};
use std::path::Path;

use ssh_core::agent::{AgentClient, AgentError, AgentIdentity, AgentReply, Constraints};
use ssh_core::key::{HostKeyProof, PrivateKey, PublicKey};
use ssh_core::login::AgentSignature;
use ssh_core::{ByteProtocol as _, SecretBytes};

use crate::error::{Error, Result};
use crate::login::Interaction;
use crate::session::Session;

#[cfg(unix)]
pub use listener::AgentListener;
pub use service::AgentService;

/// Where OpenSSH's agent listens on Windows.
#[cfg(windows)]
const WINDOWS_PIPE: &str = r"\\.\pipe\openssh-ssh-agent";

/// A connection to an agent. Every method waits for the agent's answer, which may wait for a person.
pub struct Agent {
    stream: Box<dyn Stream>,
    client: AgentClient,
}

trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

impl Agent {
    /// Connects to the agent that `SSH_AUTH_SOCK` names, on Windows without it to OpenSSH's pipe. `None` if there is none.
    ///
    /// Pageant listens on a pipe as well; `pageant --openssh-config FILE` writes its name.
    ///
    /// # Errors
    /// [`Error::Connect`] if it is named but does not answer.
    pub fn from_environment() -> Result<Option<Self>> {
        match std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()) {
            Some(path) => Self::connect(path).map(Some),
            #[cfg(windows)]
            None if Path::new(WINDOWS_PIPE).exists() => Self::connect(WINDOWS_PIPE).map(Some),
            None => Ok(None),
        }
    }

    /// Connects to the agent at `path`: a socket, on Windows a named pipe.
    ///
    /// # Errors
    /// [`Error::Connect`]
    pub fn connect(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        #[cfg(unix)]
        let stream = std::os::unix::net::UnixStream::connect(path);
        #[cfg(not(unix))]
        let stream = std::fs::OpenOptions::new().read(true).write(true).open(path);
        let failed = |error| Error::Connect { target: format!("the agent at {}", path.display()), error };
        Ok(Self::over(stream.map_err(failed)?))
    }

    /// Talks over any stream, such as a channel that an agent is forwarded through.
    pub fn over(stream: impl Read + Write + Send + 'static) -> Self {
        Self { stream: Box::new(stream), client: AgentClient::new() }
    }

    /// Tells the agent which session it is used for. Some keys can only be used after that; an agent that does not know
    /// such keys refuses, which is no error.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Agent`] if the conversation with the agent broke.
    pub fn bind(&mut self, session: &Session) -> Result<()> {
        session.host_key_proof().map_or(Ok(()), |proof| self.bind_to(&proof))
    }

    /// The same for a session of another adapter, by what its server proved.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub fn bind_to(&mut self, proof: &HostKeyProof) -> Result<()> {
        match self.done(|client| client.bind_session(proof, false)) {
            Err(Error::Agent(AgentError::Refused)) => Ok(()),
            other => other,
        }
    }

    /// The keys it has.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Agent`]
    pub fn identities(&mut self) -> Result<Vec<AgentIdentity>> {
        match self.ask(AgentClient::list)? {
            AgentReply::Identities(identities) => Ok(identities),
            _ => Ok(Vec::new()),
        }
    }

    /// Has it sign `data` with `key` by `algorithm`; returns the signature blob.
    ///
    /// # Errors
    /// [`Error::Agent`] if it refuses, [`Error::Io`]
    pub fn sign(&mut self, key: &PublicKey, algorithm: &str, data: &[u8]) -> Result<Vec<u8>> {
        match self.ask(|client| client.sign(key, algorithm, data))? {
            AgentReply::Signature(signature) => Ok(signature),
            _ => Err(AgentError::Refused.into()),
        }
    }

    /// Gives it a key, alone or with `certificate`.
    ///
    /// # Errors
    /// [`Error::Agent`] if it refuses, [`Error::Io`]
    pub fn add(
        &mut self,
        key: &PrivateKey,
        certificate: Option<&PublicKey>,
        comment: &str,
        constraints: &Constraints,
    ) -> Result<()> {
        self.done(|client| client.add(key, certificate, comment, constraints))
    }

    /// Has it forget a key.
    ///
    /// # Errors
    /// [`Error::Agent`] if it does not have the key, [`Error::Io`]
    pub fn remove(&mut self, key: &PublicKey) -> Result<()> {
        self.done(|client| client.remove(key))
    }

    /// Has it forget all keys.
    ///
    /// # Errors
    /// [`Error::Agent`] if it refuses, [`Error::Io`]
    pub fn remove_all(&mut self) -> Result<()> {
        self.done(AgentClient::remove_all)
    }

    /// Locks it.
    ///
    /// # Errors
    /// [`Error::Agent`] if it is locked, [`Error::Io`]
    pub fn lock(&mut self, passphrase: &SecretBytes) -> Result<()> {
        self.done(|client| client.lock(passphrase))
    }

    /// Unlocks it.
    ///
    /// # Errors
    /// [`Error::Agent`] if the passphrase is wrong, [`Error::Io`]
    pub fn unlock(&mut self, passphrase: &SecretBytes) -> Result<()> {
        self.done(|client| client.unlock(passphrase))
    }

    fn done(&mut self, ask: impl FnOnce(&mut AgentClient) -> std::result::Result<(), AgentError>) -> Result<()> {
        self.ask(ask).map(|_done| ())
    }

    fn ask(&mut self, ask: impl FnOnce(&mut AgentClient) -> std::result::Result<(), AgentError>) -> Result<AgentReply> {
        ask(&mut self.client)?;
        while !self.client.poll_output().is_empty() {
            let written = self.stream.write(self.client.poll_output())?;
            self.client.consume_output(written);
        }
        self.stream.flush()?;
        let mut buffer = [0; 4096];
        loop {
            if let Some(reply) = self.client.poll_reply() {
                return Ok(reply?);
            }
            let read = self.stream.read(&mut buffer)?;
            if read == 0 {
                return Err(Error::Io(io::Error::new(io::ErrorKind::UnexpectedEof, "the agent closed the connection")));
            }
            let taken = self.client.handle_input(&buffer[..read]);
            if taken < read {
                return Err(AgentError::Unsolicited.into());
            }
        }
    }
}

/// An agent alone: it signs, and answers nothing else. Should it refuse, that costs this key only.
impl Interaction for Agent {
    fn agent_signature(&mut self, wanted: &AgentSignature) -> Option<Vec<u8>> {
        self.sign(&wanted.key, wanted.algorithm, &wanted.data).ok()
    }
}
