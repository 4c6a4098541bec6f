//! A client's connection: connect, log in, run commands.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use futures_io::{AsyncRead, AsyncWrite};
use ssh_blocking::KnownHostsPolicy;
use ssh_core::adapter::{MAX_COLLECTED, Output};
use ssh_core::key::{HostKeyProof, PrivateKey, PublicKey};
use ssh_core::login::Credentials;
use ssh_core::random::OsRandom;
use ssh_core::{
    ChannelRequest, ChannelType, Client, ClientConfig, ClientEvent, ClientRole, CloseReason, HostKeyAnswer,
    HostKeyRequest, Misuse, Negotiated, PtyRequest, SecretBytes, Timestamp, Untrusted,
};

use crate::channel::Channel;
use crate::driver::Driver;
use crate::host_keys::{HostKeyPolicy, OnThread};
use crate::learner::{Learn, Learner};
use crate::login::{ConfiguredSession, Interaction, login};
use crate::runtime::{Adopt, Runtime, TimeLimit, Timer};
use crate::shared::{Handle, Shared, Topic};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::{Error, Result};

/// A connection to a server. Clones are the same connection; tasks may share it.
///
/// The connection ends when the last clone and the last channel are dropped. Keepalives, rekeying and timers run as
/// long as the [`Driver`] is polled. There are no timeouts here but the core's
/// ([`Limits::login_grace`](ssh_core::Limits::login_grace), [`KeepAlive`](ssh_core::KeepAlive)): every method can be
/// dropped at any time, so the runtime's own `timeout` fits around each.
#[derive(Clone)]
pub struct Session {
    handle: Arc<Handle<ClientRole>>,
    host_key_changed: bool,
    learner: Arc<Mutex<Option<Box<dyn Learn>>>>,
    /// What the user's files say about the host.
    pub(crate) configured: Option<Arc<dyn ConfiguredSession>>,
}

/// Everything that can be decided before connecting.
pub struct Connector<P = OnThread> {
    config: ClientConfig,
    host_keys: P,
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

impl Connector {
    /// Today's safe algorithms and the user's known hosts.
    pub fn new() -> Self {
        Self { config: ClientConfig::default(), host_keys: OnThread::new(KnownHostsPolicy::from_home()) }
    }
}

impl<P: HostKeyPolicy + 'static> Connector<P> {
    /// Sets algorithms, limits and the like.
    #[must_use]
    pub fn config(mut self, config: ClientConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets whom to trust.
    #[must_use]
    pub fn host_keys<Q: HostKeyPolicy>(self, policy: Q) -> Connector<Q> {
        Connector { config: self.config, host_keys: policy }
    }

    /// Connects over TCP. Every address of the host is tried. Cancel safe: dropped, the connection ends.
    ///
    /// # Errors
    /// [`Error::Connect`] if no address answers, [`Error::HostKey`] if the host is not trusted, [`Error::Session`] with
    /// the protocol's reason if the handshake fails.
    pub async fn connect<T: Runtime>(mut self, runtime: T, host: &str, port: u16) -> Result<Session> {
        let stream = runtime.connect(host, port).await;
        let stream = stream.map_err(|error| Error::Connect { target: format!("{host} port {port}"), error })?;
        if let Ok(address) = T::peer_addr(&stream) {
            self.host_keys.reached(address.ip()).await;
        }
        let (connecting, mut driver) = self.start(stream, runtime.timer(), host, port).await?;
        driver.after_read = T::after_read;
        runtime.spawn(async { drop(driver.await) });
        connecting.finish().await
    }

    /// Connects over a stream of the runtime's that is there already, a channel of another session for instance. `host`
    /// and `port` are what the host key is looked up by. Cancel safe: dropped, the connection ends.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_over<S, T: Adopt<S>>(self, runtime: T, stream: S, host: &str, port: u16) -> Result<Session> {
        let (connecting, driver) = self.start(runtime.adopt(stream), runtime.timer(), host, port).await?;
        runtime.spawn(async { drop(driver.await) });
        connecting.finish().await
    }

    /// Begins a connection without a runtime: the caller polls the [`Driver`] while [`Connecting::finish`] goes on.
    ///
    /// # Errors
    /// [`Error::Config`] if the configuration cannot work.
    pub async fn start<S: AsyncRead + AsyncWrite + Unpin>(
        mut self,
        stream: S,
        timer: Pin<Box<dyn Timer>>,
        host: &str,
        port: u16,
    ) -> Result<(Connecting<P>, Driver<S>)> {
        self.config.algorithms.prefer_host_keys(&self.host_keys.known_key_types(host, port).await);
        let client = Client::new(Arc::new(self.config), Box::new(OsRandom), Timestamp::ZERO)?;
        let shared = Arc::new(Shared::new(client));
        let session = Session {
            handle: Handle::new(&shared),
            host_key_changed: false,
            learner: Arc::default(),
            configured: None,
        };
        let connecting = Connecting { session, host_keys: self.host_keys, host: host.into(), port };
        Ok((connecting, Driver::new(shared, stream, timer)))
    }
}

/// A connection on its way.
#[must_use = "nothing is connected before this is finished"]
pub struct Connecting<P> {
    session: Session,
    host_keys: P,
    host: String,
    port: u16,
}

impl<P: HostKeyPolicy + 'static> Connecting<P> {
    /// Exchanges keys and decides about the host key. Cancel safe: dropped, the connection ends.
    ///
    /// # Errors
    /// As [`Connector::connect`], but for [`Error::Connect`].
    pub async fn finish(self) -> Result<Session> {
        self.finish_within(None).await
    }

    /// The time that the policy takes does not count.
    pub(crate) async fn finish_within(mut self, mut limit: Option<TimeLimit>) -> Result<Session> {
        let shared = &self.session.handle.shared;
        let request = shared.wait(Topic::Leader, |state| {
            match state.inbox.events.pop_front()? {
                ClientEvent::HostKey(request) => Some(Some(request)),
                // The server is ready for a login: the event is for it.
                event => {
                    state.inbox.events.push_front(event);
                    Some(None)
                }
            }
        });
        let Some(request): Option<HostKeyRequest> = TimeLimit::heed(&mut limit, request).await?? else {
            return Ok(self.session);
        };
        let asked = Instant::now();
        let checked = self.host_keys.check(&self.host, self.port, &request.key).await;
        limit.iter_mut().for_each(|limit| limit.extend(asked.elapsed()));
        let answer = if checked.is_ok() { HostKeyAnswer::Accept } else { HostKeyAnswer::Reject };
        // An answer that comes too late is told by how the connection ended.
        let _ = shared.act(|state| state.inbox.endpoint.answer_host_key(request, answer));
        checked?;
        let host_key_changed = self.host_keys.accepted_changed_key().await;
        let ready = shared.wait(Topic::Leader, |state| (!state.inbox.events.is_empty()).then_some(()));
        TimeLimit::heed(&mut limit, ready).await??;
        let learner = Learner { policy: self.host_keys, host: self.host, port: self.port };
        *self.session.learner() = Some(Box::new(learner));
        Ok(Session { host_key_changed, ..self.session })
    }
}

impl Session {
    /// Logs in as `ssh` does: as the configured user, with the agent's keys, with key files, with what a person at the
    /// terminal knows. Says which method completed it. Cancel safe: dropped at any point, another login goes on from there.
    ///
    /// # Errors
    /// [`Error::Login`] if nothing lets the user in; [`Misuse::WrongPhase`] if the session was not made by `connect` or
    /// `Configured::connect`.
    pub async fn login_as_configured(&self) -> Result<&'static str> {
        match &self.configured {
            Some(configured) => configured.login(self).await,
            None => Err(Misuse::WrongPhase.into()),
        }
    }

    /// Logs in: with a password (`&str`), a [`PrivateKey`], or any [`Credentials`]. Says which method completed it.
    ///
    /// Cancel safe: dropped at any point, another login goes on from there; if the server lets the user in meanwhile,
    /// that login says so.
    ///
    /// # Errors
    /// [`Error::Login`] if nothing that the credentials hold lets the user in; another login may be tried then.
    pub async fn login(&self, user: &str, credentials: impl Into<Credentials>) -> Result<&'static str> {
        self.login_with(user, credentials, &mut ()).await
    }

    /// As [`login`](Self::login), asking `interaction` for what only a person knows, as often as
    /// [`Credentials::prompts`] allows, and showing it the server's banner.
    ///
    /// # Errors
    /// As [`login`](Self::login).
    pub async fn login_with(
        &self,
        user: &str,
        credentials: impl Into<Credentials>,
        interaction: &mut impl Interaction,
    ) -> Result<&'static str> {
        login(&self.handle.shared, user, credentials.into(), interaction).await
    }

    /// Whether the host is known by another key, and was let pass all the same
    /// ([`StrictHostKeyChecking::InsecureNo`](ssh_core::login::StrictHostKeyChecking::InsecureNo)): it should not be given a
    /// password ([`Credentials::without_passwords`]), nor anything that is forwarded.
    pub fn host_key_changed(&self) -> bool {
        self.host_key_changed
    }

    /// A command to run.
    ///
    /// ```no_run
    /// # async fn example(session: &ssh_async::Session) -> ssh_async::Result<()> {
    /// let output = session.command("sort").stdin(b"b\na\n").output().await?;
    /// assert_eq!((output.exit.code(), &*output.stdout), (0, &b"a\nb\n"[..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn command<'a>(&'a self, command: &'a str) -> Command<'a> {
        Command { session: self, command, requests: Vec::new(), stdin: &[], limit: MAX_COLLECTED }
    }

    /// Starts a command. Cancel safe: dropped, no channel is left behind.
    ///
    /// # Errors
    /// [`SessionError`](ssh_core::adapter::SessionError): refused, or how the connection ended.
    pub async fn exec(&self, command: &str) -> Result<Channel> {
        self.begin(&ChannelRequest::Exec { command: command.into() }).await
    }

    /// Starts the user's shell, with a terminal if `pty` describes one. Cancel safe: dropped, no channel is left behind.
    ///
    /// # Errors
    /// As [`Self::exec`].
    pub async fn shell(&self, pty: Option<PtyRequest>) -> Result<Channel> {
        let channel = self.open_session().await?;
        self.mark_traffic(pty.is_some());
        if let Some(pty) = pty {
            channel.request(&ChannelRequest::Pty(pty), true).await?;
        }
        self.send_environment(&channel).await?;
        channel.request(&ChannelRequest::Shell, true).await?;
        Ok(channel)
    }

    /// Starts a subsystem. Cancel safe: dropped, no channel is left behind.
    ///
    /// # Errors
    /// As [`Self::exec`].
    pub async fn subsystem(&self, name: &str) -> Result<Channel> {
        self.begin(&ChannelRequest::Subsystem { name: name.into() }).await
    }

    /// Opens a session channel on which nothing runs yet. Waits while as many channels are open, or as much is promised
    /// to them, as [`Limits`](ssh_core::Limits) allow. Cancel safe: dropped, no channel is left behind.
    ///
    /// # Errors
    /// As [`Self::exec`].
    pub async fn open_session(&self) -> Result<Channel> {
        self.open_channel(&ChannelType::Session).await
    }

    /// Opens a channel of any type. Cancel safe: dropped, no channel is left behind.
    ///
    /// # Errors
    /// As [`Self::exec`].
    pub async fn open_channel(&self, channel_type: &ChannelType) -> Result<Channel> {
        let open = self.handle.shared.wait(Topic::Room, |state| state.inbox.open_channel(channel_type));
        let channel = Channel::new(Arc::clone(&self.handle), open.await??);
        channel.wait_open().await?;
        // A server announces its keys before it opens a channel.
        if let Some(announced) = self.handle.shared.act(|state| state.inbox.announced_host_keys()) {
            self.learn_host_keys(&announced).await;
        }
        Ok(channel)
    }

    /// What goes wrong is no failure of what the user wants from the host.
    async fn learn_host_keys(&self, announced: &[PublicKey]) {
        let learner = self.learner().take();
        if let Some(learner) = learner {
            drop(learner.learn(&self.handle.shared, announced).await);
        }
    }

    fn learner(&self) -> MutexGuard<'_, Option<Box<dyn Learn>>> {
        self.learner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks what is sent from now on as `IPQoS` says, where the user's files are gone by: as that of a person at a terminal,
    /// which must not wait, or as that of a program. What starts a command or a shell does this by itself.
    pub fn mark_traffic(&self, has_terminal: bool) {
        if let Some(configured) = &self.configured {
            configured.mark_traffic(has_terminal);
        }
    }

    /// What the latest key exchange agreed on.
    pub fn negotiated(&self) -> Option<Negotiated> {
        self.handle.shared.with(|state| state.inbox.endpoint.negotiated().copied())
    }

    /// What the server proved about its host key: what an agent wants to know.
    pub fn host_key_proof(&self) -> Option<HostKeyProof> {
        self.handle.shared.with(|state| state.inbox.endpoint.host_key_proof())
    }

    /// The server's identification string.
    pub fn peer_identification(&self) -> Option<Untrusted> {
        self.handle.shared.with(|state| state.inbox.endpoint.peer_identification())
    }

    /// Asks for fresh keys.
    ///
    /// # Errors
    /// If the user is not logged in or the connection is over.
    pub fn rekey(&self) -> Result<()> {
        Ok(self.handle.shared.act(|state| state.inbox.endpoint.rekey())?)
    }

    /// Waits until the connection is over, and says how it ended. Cancel safe.
    pub async fn closed(&self) -> CloseReason {
        let closed = self.handle.shared.wait(Topic::Leader, |state| state.inbox.closed().cloned());
        // A driver that was dropped cut the connection off on our side.
        closed.await.unwrap_or(CloseReason::Local)
    }

    /// Ends the connection, channels and all, and tells the server. The [`Driver`] does the telling: a program that ends after
    /// this waits for [`closed`](Self::closed) first.
    pub fn disconnect(&self) {
        self.handle.disconnect("disconnected by user");
    }

    async fn begin(&self, request: &ChannelRequest) -> Result<Channel> {
        let channel = self.open_session().await?;
        self.mark_traffic(false);
        self.send_environment(&channel).await?;
        channel.request(request, true).await?;
        Ok(channel)
    }

    /// What `SetEnv` and `SendEnv` say.
    async fn send_environment(&self, channel: &Channel) -> Result<()> {
        let environment = self.configured.as_ref().map(|configured| configured.environment()).unwrap_or_default();
        for variable in environment {
            channel.request(&variable, false).await?;
        }
        Ok(())
    }
}

/// A command and what it is run with; made by [`Session::command`].
#[must_use = "a command runs once it is spawned or its output asked for"]
pub struct Command<'a> {
    session: &'a Session,
    command: &'a str,
    requests: Vec<(ChannelRequest, bool)>,
    stdin: &'a [u8],
    limit: usize,
}

impl<'a> Command<'a> {
    /// Adds an environment variable. Servers take only those they are configured to take, and do not say.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.requests.push((ChannelRequest::Env { name: name.into(), value: value.into() }, false));
        self
    }

    /// Runs it in a terminal.
    pub fn pty(mut self, pty: PtyRequest) -> Self {
        self.requests.push((ChannelRequest::Pty(pty), true));
        self
    }

    /// Sets what [`output`](Self::output) feeds it; without, its input is empty.
    pub fn stdin(mut self, stdin: &'a [u8]) -> Self {
        self.stdin = stdin;
        self
    }

    /// Sets how much [`output`](Self::output) collects, in bytes; 256 MiB.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Starts it. Cancel safe: dropped, no channel is left behind.
    ///
    /// # Errors
    /// As [`Session::exec`].
    pub async fn spawn(&self) -> Result<Channel> {
        let channel = self.session.open_session().await?;
        let has_terminal = self.requests.iter().any(|(request, _)| matches!(request, ChannelRequest::Pty(_)));
        self.session.mark_traffic(has_terminal);
        self.session.send_environment(&channel).await?;
        for (request, want_reply) in &self.requests {
            channel.request(request, *want_reply).await?;
        }
        channel.request(&ChannelRequest::Exec { command: self.command.into() }, true).await?;
        Ok(channel)
    }

    /// Runs it and collects what it writes. Cancel safe: dropped, the channel is closed.
    ///
    /// # Errors
    /// If it cannot be started, or the connection is lost before it ends. A command that fails is no error.
    pub async fn output(&self) -> Result<Output> {
        self.spawn().await?.communicate(self.stdin, self.limit).await
    }
}

/// Reads a private key file of any format that [`PrivateKey::read`] knows. Reading and decrypting happen on a thread of their
/// own.
///
/// # Errors
/// [`Error::File`], or [`Error::KeyFile`], which says if a passphrase is needed or wrong.
pub async fn read_key(path: impl AsRef<Path>, passphrase: Option<SecretBytes>) -> Result<PrivateKey> {
    let path = path.as_ref().to_owned();
    blocking::unblock(move || ssh_blocking::read_key(path, passphrase.as_ref())).await
}
