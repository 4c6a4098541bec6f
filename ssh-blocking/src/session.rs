//! A client's connection: connect, log in, run commands.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ssh_core::adapter::{MAX_COLLECTED, Output, SessionError};
use ssh_core::key::{HostKeyProof, PrivateKey, PublicKey};
use ssh_core::login::Credentials;
use ssh_core::random::OsRandom;
use ssh_core::{
    ChannelRequest, ChannelType, Client, ClientConfig, ClientEvent, ClientRole, CloseReason, HostKeyAnswer, Negotiated,
    PtyRequest, SecretBytes, Untrusted,
};

use crate::channel::Channel;
use crate::driver::{Deadline, Driver, State};
use crate::error::{Error, Result};
use crate::host_keys::{HostKeyPolicy, KnownHostsPolicy, Learner};
use crate::login::{ConfiguredSession, Interaction, Login};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::transport::{Transport, over_tcp};

/// A connection to a server. Clones are the same connection; threads may share it.
///
/// The connection ends when the last clone and the last channel are dropped. Keepalives and rekeying by time happen
/// while some call waits: there is no background thread.
#[derive(Clone)]
pub struct Session {
    driver: Arc<Driver<ClientRole>>,
    timeouts: Timeouts,
    learner: Arc<Mutex<Option<Learner>>>,
    /// What the user's files say about the host.
    pub(crate) configured: Option<Arc<dyn ConfiguredSession>>,
    host_key_changed: bool,
}

/// How long things may take; `None`: as long as they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Reaching the host, key exchange included, but not what the host key policy takes. 30 seconds.
    pub connect: Option<Duration>,
    /// The login, questions to the user included. 120 seconds.
    pub login: Option<Duration>,
    /// Every single wait on a channel: a read, a write, an answer, the end of a command. Unlimited.
    pub wait: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Some(Duration::from_secs(30)), login: Some(Duration::from_secs(120)), wait: None }
    }
}

/// Everything that can be decided before connecting.
pub struct Connector {
    config: ClientConfig,
    host_keys: Box<dyn HostKeyPolicy + Send>,
    timeouts: Timeouts,
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

impl Connector {
    /// Today's safe algorithms, the user's known hosts, and the default timeouts.
    pub fn new() -> Self {
        Self {
            config: ClientConfig::default(),
            host_keys: Box::new(KnownHostsPolicy::from_home()),
            timeouts: Timeouts::default(),
        }
    }

    /// Sets algorithms, limits and the like.
    #[must_use]
    pub fn config(mut self, config: ClientConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets whom to trust.
    #[must_use]
    pub fn host_keys(mut self, policy: impl HostKeyPolicy + Send + 'static) -> Self {
        self.host_keys = Box::new(policy);
        self
    }

    /// Sets how long things may take.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Connects over TCP. Every address of the host is tried.
    ///
    /// # Errors
    /// [`Error::Connect`] if no address answers, [`Error::HostKey`] if the host is not trusted, [`Error::Session`] with
    /// the protocol's reason if the handshake fails, [`Error::Timeout`].
    pub fn connect(mut self, host: &str, port: u16) -> Result<Session> {
        let deadline = Deadline::new("connecting", self.timeouts.connect);
        let stream = connect_tcp(host, port, deadline.left())?;
        if let Ok(address) = stream.peer_addr() {
            self.host_keys.reached(address.ip());
        }
        let transport = over_tcp(stream)?;
        self.connect_until(Box::new(transport), host, port, deadline)
    }

    /// Connects over any transport. `host` and `port` are what the host key is looked up by.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn connect_over(self, transport: impl Transport + 'static, host: &str, port: u16) -> Result<Session> {
        let deadline = Deadline::new("connecting", self.timeouts.connect);
        self.connect_until(Box::new(transport), host, port, deadline)
    }

    /// As [`Self::connect_over`], with a transport that was chosen at run time.
    #[cfg(unix)]
    pub(crate) fn connect_boxed(self, transport: Box<dyn Transport>, host: &str, port: u16) -> Result<Session> {
        let deadline = Deadline::new("connecting", self.timeouts.connect);
        self.connect_until(transport, host, port, deadline)
    }

    fn connect_until(
        mut self,
        transport: Box<dyn Transport>,
        host: &str,
        port: u16,
        deadline: Deadline,
    ) -> Result<Session> {
        let known = self.host_keys.known_key_types(host, port);
        self.config.algorithms.prefer_host_keys(&known);
        let config = Arc::new(self.config);
        let driver = Driver::new(transport, |now| Ok(Client::new(config, Box::new(OsRandom), now)?))?;
        let (driver, learner) = (Arc::new(driver), Arc::new(Mutex::new(None)));
        let timeouts = self.timeouts;
        let mut session = Session { driver, timeouts, learner, configured: None, host_key_changed: false };
        session.exchange_keys(&mut *self.host_keys, host, port, deadline)?;
        session.host_key_changed = self.host_keys.accepted_changed_key();
        *session.learner() = Some(Learner::new(self.host_keys, host, port));
        Ok(session)
    }
}

impl Session {
    /// Logs in as `ssh` does: as the configured user, with the agent's keys, with key files, with what a person at the
    /// terminal knows. Says which method completed it.
    ///
    /// # Errors
    /// [`Error::Login`] if nothing lets the user in; [`Misuse::WrongPhase`](ssh_core::Misuse::WrongPhase) if the session
    /// was not made by [`connect`](Self::connect).
    pub fn login_as_configured(&self) -> Result<&'static str> {
        match &self.configured {
            Some(configured) => configured.login(self),
            None => Err(ssh_core::Misuse::WrongPhase.into()),
        }
    }

    /// Logs in: with a password (`&str`), a [`PrivateKey`], or any [`Credentials`].
    /// Says which method completed the login.
    ///
    /// # Errors
    /// [`Error::Login`] if nothing that the credentials hold lets the user in; another login may be tried then.
    pub fn login(&self, user: &str, credentials: impl Into<Credentials>) -> Result<&'static str> {
        self.login_with(user, credentials, &mut ())
    }

    /// As [`login`](Self::login), asking `interaction` for what only a person knows, as often as
    /// [`Credentials::prompts`] allows, and showing it the server's banner.
    ///
    /// # Errors
    /// As [`login`](Self::login).
    pub fn login_with(
        &self,
        user: &str,
        credentials: impl Into<Credentials>,
        interaction: &mut dyn Interaction,
    ) -> Result<&'static str> {
        let deadline = Deadline::new("the login", self.timeouts.login);
        Login { driver: &self.driver, interaction, deadline }.run(user, credentials.into())
    }

    /// Runs a command, feeds it `stdin`, and collects what it writes. Without `stdin` its standard input is empty.
    ///
    /// # Errors
    /// If the command cannot be started, or the connection is lost before it ends. A command that fails is no error:
    /// see [`Output::exit`].
    pub fn cmd(&self, command: &str, stdin: Option<&[u8]>) -> Result<Output> {
        self.exec(command)?.communicate(stdin.unwrap_or_default(), MAX_COLLECTED)
    }

    /// Starts a command.
    ///
    /// # Errors
    /// [`SessionError`](ssh_core::adapter::SessionError): refused, or how the connection ended.
    pub fn exec(&self, command: &str) -> Result<Channel> {
        self.begin(&ChannelRequest::Exec { command: command.into() })
    }

    /// Starts the user's shell, with a terminal if `pty` describes one.
    ///
    /// # Errors
    /// As [`Self::exec`].
    pub fn shell(&self, pty: Option<PtyRequest>) -> Result<Channel> {
        let channel = self.open_session()?;
        self.mark_traffic(pty.is_some());
        if let Some(pty) = pty {
            channel.request(&ChannelRequest::Pty(pty), true)?;
        }
        self.send_environment(&channel)?;
        channel.request(&ChannelRequest::Shell, true)?;
        Ok(channel)
    }

    /// Starts a subsystem.
    ///
    /// # Errors
    /// As [`Self::exec`].
    pub fn subsystem(&self, name: &str) -> Result<Channel> {
        self.begin(&ChannelRequest::Subsystem { name: name.into() })
    }

    /// Opens a session channel on which nothing runs yet: for requests that must come before a command. Waits while as
    /// many channels are open, or as much is promised to them, as [`Limits`](ssh_core::Limits) allow.
    ///
    /// # Errors
    /// [`SessionError`](ssh_core::adapter::SessionError): refused, or how the connection ended.
    pub fn open_session(&self) -> Result<Channel> {
        self.open(&ChannelType::Session)
    }

    pub(crate) fn open(&self, channel_type: &ChannelType) -> Result<Channel> {
        let opened = self.wait("opening a channel", |state| state.inbox.open_channel(channel_type));
        let id = opened??;
        let channel = Channel::new(Arc::clone(&self.driver), id, self.timeouts.wait);
        channel.wait_open()?;
        // A server announces its keys before it opens a channel.
        if let Some(announced) = self.driver.act(|state| state.inbox.announced_host_keys()) {
            self.learn_host_keys(&announced);
        }
        Ok(channel)
    }

    /// What goes wrong is no failure of what the user wants from the host.
    fn learn_host_keys(&self, announced: &[PublicKey]) {
        let learner = self.learner().take();
        if let Some(learner) = learner {
            drop(learner.learn(&self.driver, announced));
        }
    }

    fn learner(&self) -> MutexGuard<'_, Option<Learner>> {
        self.learner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks what is sent from now on as `IPQoS` says, where the user's files are gone by: as that of a person at a terminal,
    /// which must not wait, or as that of a program. What starts a command or a shell does this by itself.
    pub fn mark_traffic(&self, has_terminal: bool) {
        let class = self.configured.as_ref().and_then(|configured| configured.traffic_class(has_terminal));
        if let Some(class) = class {
            self.driver.set_traffic_class(class);
        }
    }

    /// What the latest key exchange agreed on.
    pub fn negotiated(&self) -> Option<Negotiated> {
        self.driver.act(|state| state.inbox.endpoint.negotiated().copied())
    }

    /// What the server proved about its host key: what an agent wants to know.
    pub fn host_key_proof(&self) -> Option<HostKeyProof> {
        self.driver.act(|state| state.inbox.endpoint.host_key_proof())
    }

    /// Whether the host is known by another key, and was let pass all the same ([`StrictHostKeyChecking::InsecureNo`]): it
    /// should not be given a password, nor anything that is forwarded.
    ///
    /// [`StrictHostKeyChecking::InsecureNo`]: ssh_core::login::StrictHostKeyChecking::InsecureNo
    pub fn host_key_changed(&self) -> bool {
        self.host_key_changed
    }

    /// The server's identification string.
    pub fn peer_identification(&self) -> Option<Untrusted> {
        self.driver.act(|state| state.inbox.endpoint.peer_identification())
    }

    /// Asks for fresh keys.
    ///
    /// # Errors
    /// If the user is not logged in or the connection is over.
    pub fn rekey(&self) -> Result<()> {
        Ok(self.driver.act(|state| state.inbox.endpoint.rekey())?)
    }

    /// Keeps the connection going, keepalives and all, until it is over or `duration` has passed (`None`: without end).
    /// Says how it ended, if it did.
    ///
    /// # Errors
    /// [`Error::Io`] if the transport failed.
    pub fn serve(&self, duration: Option<Duration>) -> Result<Option<CloseReason>> {
        match self.driver.wait(Deadline::new("serving", duration), |_| None::<()>) {
            Ok(()) | Err(Error::Timeout { .. }) => Ok(None),
            Err(Error::Session(SessionError::Closed(reason))) => Ok(Some(reason)),
            Err(error) => Err(error),
        }
    }

    /// Ends the connection, channels and all, and tells the server.
    pub fn disconnect(&self) {
        self.driver.disconnect("disconnected by user");
    }

    fn begin(&self, request: &ChannelRequest) -> Result<Channel> {
        let channel = self.open_session()?;
        self.mark_traffic(false);
        self.send_environment(&channel)?;
        channel.request(request, true)?;
        Ok(channel)
    }

    /// What `SetEnv` and `SendEnv` say.
    fn send_environment(&self, channel: &Channel) -> Result<()> {
        let environment = self.configured.as_ref().map(|configured| configured.environment()).unwrap_or_default();
        environment.iter().try_for_each(|variable| channel.request(variable, false))
    }

    fn exchange_keys(
        &self,
        policy: &mut dyn HostKeyPolicy,
        host: &str,
        port: u16,
        mut deadline: Deadline,
    ) -> Result<()> {
        loop {
            match self.driver.wait(deadline, |state| state.inbox.events.pop_front())? {
                ClientEvent::HostKey(request) => {
                    let asked = Instant::now();
                    let checked = policy.check(host, port, &request.key);
                    // A person may have been asked: that time is not the host's.
                    deadline.extend(asked.elapsed());
                    let answer = if checked.is_ok() { HostKeyAnswer::Accept } else { HostKeyAnswer::Reject };
                    self.driver.act(|state| state.inbox.endpoint.answer_host_key(request, answer))?;
                    checked?;
                }
                // The server is ready for a login: keep the event for it.
                event => {
                    self.driver.act(|state| state.inbox.events.push_front(event));
                    return Ok(());
                }
            }
        }
    }

    fn wait<T>(&self, what: &'static str, check: impl FnMut(&mut State<ClientRole>) -> Option<T>) -> Result<T> {
        self.driver.wait(Deadline::new(what, self.timeouts.wait), check)
    }
}

/// Reads a private key file of any format that [`PrivateKey::read`] knows.
///
/// # Errors
/// [`Error::File`], or [`Error::KeyFile`], which says if a passphrase is needed or wrong.
pub fn read_key(path: impl AsRef<Path>, passphrase: Option<&SecretBytes>) -> Result<PrivateKey> {
    let path = path.as_ref();
    let text = std::fs::read(path).map(SecretBytes::new).map_err(|error| Error::File { path: path.into(), error })?;
    PrivateKey::read(text.expose(), passphrase).map_err(|error| Error::KeyFile { path: path.into(), error })
}

/// Tries every address of the host until one answers.
fn connect_tcp(host: &str, port: u16, timeout: Option<Duration>) -> Result<TcpStream> {
    let deadline = Deadline::new("connecting", timeout);
    let failed = |error| Error::Connect { target: format!("{host} port {port}"), error };
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs().map_err(failed)? {
        let connected = match deadline.left() {
            None => TcpStream::connect(address),
            Some(left) if left.is_zero() => return Err(failed(std::io::ErrorKind::TimedOut.into())),
            Some(left) => TcpStream::connect_timeout(&address, left),
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}
