//! Connecting and logging in as `ssh` does: by what the user's files say.
//!
//! ```no_run
//! use ssh_async::{Config, Configured, Terminal, Tokio};
//!
//! # async fn example() -> ssh_async::Result<()> {
//! let config = Config::load()?.option("ServerAliveInterval=30");
//! let host = Configured::new(&config, "web").await?.person(Terminal::new());
//! let session = host.connect(Tokio).await?;
//! host.login(&session).await?;
//! println!("{:?}", session.command("uname").output().await?.stdout);
//! # Ok(())
//! # }
//! ```

use std::future::Future;
use std::net::{IpAddr, TcpStream};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use blocking::unblock;
use futures_io::{AsyncRead, AsyncWrite};
use ssh_blocking::transport::set_traffic_class;
use ssh_blocking::{Config, HostKeyPolicy as _, KnownHostsPolicy, LoginConnection, Terminal, Way};
use ssh_core::files::ssh_config::Resolved;
use ssh_core::{ChannelRequest, ClientConfig};

use crate::host_keys::OnThread;
use crate::login::{ConfiguredSession, LoggingIn};
use crate::runtime::{Runtime, TimeLimit};
use crate::session::{Connector, Session};
use crate::{Error, Result};

/// A host, and what the configuration says about it. Files are read, commands run and people asked on threads of the
/// `blocking` crate.
#[derive(Clone)]
pub struct Configured {
    host: ssh_blocking::Configured,
}

impl Configured {
    /// What `config` says about `target`: a host or an alias, with `user@` before it and `:port` behind it if they differ
    /// from the configuration. Nobody is asked anything unless [`person`](Self::person) says whom. Cancel safe.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub async fn new(config: &Config, target: &str) -> Result<Self> {
        let (config, target) = (config.clone(), target.to_owned());
        let host = unblock(move || ssh_blocking::Configured::new(&config, &target)).await?;
        Ok(Self { host })
    }

    /// Sets who answers: [`Terminal`], or a window. With `BatchMode` it is only told things.
    #[must_use]
    pub fn person(self, person: impl ssh_blocking::Interaction + Send + 'static) -> Self {
        Self { host: self.host.person(person) }
    }

    /// Sets the files with the keys of this host ([`ssh_blocking::Configured::host_key_files`]).
    #[must_use]
    pub fn host_key_files(self, files: Vec<PathBuf>) -> Self {
        Self { host: self.host.host_key_files(files) }
    }

    /// What the configuration says.
    pub fn resolved(&self) -> &Resolved {
        self.host.resolved()
    }

    /// Reaches the host, over a proxy or other hosts if that is configured, and checks its key. Cancel safe: dropped, the
    /// connection ends; addresses that were being tried may be tried to the end.
    ///
    /// # Errors
    /// As [`Connector::connect`], and for a proxy or a host on the way that does not work; [`Error::Timeout`] if the host
    /// takes longer than [`ConnectTimeout`](ssh_blocking::Configured::connect_timeout).
    pub async fn connect<T: Runtime>(&self, runtime: T) -> Result<Session> {
        let host = self.host.clone();
        let prepared = unblock(move || {
            let (config, policy) = (host.client_config()?, host.host_keys()?);
            Ok::<_, Error>((config, policy, host.way()?))
        });
        let (config, mut policy, way) = prepared.await?;
        match way {
            Way::Tcp(stream) => {
                policy.reached(stream.peer_addr()?.ip());
                let handle = Arc::new(stream.try_clone()?);
                let socket = Socket { address: stream.local_addr()?.ip(), handle: Arc::downgrade(&handle) };
                let (stream, connector) = (runtime.adopt_tcp(stream)?, self.connector(config, policy));
                let session = self.exchange_keys(connector, &runtime, stream, T::after_read, handle).await?;
                Ok(self.arrived(session, Some(socket)))
            }
            Way::Command { stream, process } => {
                let (stream, connector) = (runtime.adopt_unix(stream)?, self.connector(config, policy));
                let session = self.exchange_keys(connector, &runtime, stream, |_, _| {}, process).await?;
                Ok(self.arrived(session, None))
            }
            Way::Jump { hop, channel } => {
                let session = Self { host: *hop }.connect_and_log_in(runtime.clone()).await?;
                let stream = session.open_channel(&channel).await?.into_stream();
                let connector = self.connector(config, policy);
                let session = self.exchange_keys(connector, &runtime, stream, |_, _| {}, ()).await?;
                Ok(self.arrived(session, None))
            }
        }
    }

    /// For a host on the way, which may have others before it.
    fn connect_and_log_in<T: Runtime>(self, runtime: T) -> Pin<Box<dyn Future<Output = Result<Session>> + Send>> {
        Box::pin(async move {
            let session = self.connect(runtime).await?;
            self.login(&session).await?;
            Ok(session)
        })
    }

    /// `kept` lasts as long as the connection.
    async fn exchange_keys<S, T: Runtime>(
        &self,
        connector: Connector<OnThread>,
        runtime: &T,
        stream: S,
        after_read: fn(&S, usize),
        kept: impl Send + 'static,
    ) -> Result<Session>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limit = TimeLimit::new(runtime.timer(), "connecting", self.host.connect_timeout());
        let (name, port) = self.host.host_key_name();
        let (connecting, mut driver) = connector.start(stream, runtime.timer(), name, port).await?;
        driver.after_read = after_read;
        runtime.spawn(async move {
            driver.await;
            // Whoever ends a process waits for its end.
            unblock(move || drop(kept)).await;
        });
        connecting.finish_within(Some(limit)).await
    }

    fn connector(&self, config: ClientConfig, policy: KnownHostsPolicy) -> Connector<OnThread> {
        Connector::new().config(config).host_keys(OnThread::new(policy))
    }

    fn arrived(&self, mut session: Session, socket: Option<Socket>) -> Session {
        session.configured = Some(Arc::new(Arrived { host: self.clone(), socket }));
        session
    }

    /// Logs in: with the agent's keys and the key files in OpenSSH's order, then with what the person knows. Says which
    /// method completed it. After the login `LocalCommand` runs, if that is permitted.
    ///
    /// A host that is known by another key, and was let pass by `StrictHostKeyChecking no`, gets no password and no answer
    /// to its questions, as with `ssh`.
    ///
    /// Cancel safe: dropped at any point, another login goes on from there.
    ///
    /// # Errors
    /// [`Error::Login`] if nothing lets the user in, [`Error::Agent`] or [`Error::Io`] if the conversation with the agent
    /// broke.
    pub async fn login(&self, session: &Session) -> Result<&'static str> {
        let connection = LoginConnection {
            host_key_proof: session.host_key_proof(),
            host_key_changed: session.host_key_changed(),
            local_address: session.configured.as_ref().and_then(|configured| configured.local_address()),
        };
        let host = self.host.clone();
        let (credentials, person) = unblock(move || host.prepare_login(&connection)).await?;
        let method = session.login_with(&self.resolved().user, credentials, &mut OnThread::new(person)).await?;
        let host = self.host.clone();
        unblock(move || host.run_local_command()).await?;
        Ok(method)
    }
}

impl From<ssh_blocking::Configured> for Configured {
    fn from(host: ssh_blocking::Configured) -> Self {
        Self { host }
    }
}

impl Session {
    /// Connects as `ssh` does: to a host or an alias of the user's configuration, `host:port` and `user@host` included,
    /// over proxies and through other hosts, and checks its key by the configured files. A person is asked at the
    /// terminal, unless `BatchMode` says not to. [`login_as_configured`](Self::login_as_configured) goes on from here;
    /// [`Connector`] is for programs that do not look at anybody's files. Cancel safe: dropped, the connection ends.
    ///
    /// # Errors
    /// As [`Configured::new`] and [`Configured::connect`].
    pub async fn connect<T: Runtime>(runtime: T, target: &str) -> Result<Self> {
        let host = Configured::new(&Config::load()?, target).await?;
        let about = format!("{}@{}", host.resolved().user, host.resolved().host_name);
        host.person(Terminal::about(about)).connect(runtime).await
    }
}

/// How a session came to where it is.
struct Arrived {
    host: Configured,
    /// `None`: there is a proxy in between.
    socket: Option<Socket>,
}

/// A socket that a runtime has taken over. It is closed with the connection, whoever still has the session.
struct Socket {
    address: IpAddr,
    handle: Weak<TcpStream>,
}

impl ConfiguredSession for Arrived {
    fn login<'a>(&'a self, session: &'a Session) -> LoggingIn<'a> {
        Box::pin(self.host.login(session))
    }

    fn environment(&self) -> Vec<ChannelRequest> {
        self.host.host.environment()
    }

    fn mark_traffic(&self, has_terminal: bool) {
        let handle = self.socket.as_ref().and_then(|socket| socket.handle.upgrade());
        if let (Some(class), Some(handle)) = (self.host.host.traffic_class(has_terminal), handle) {
            set_traffic_class(&handle, class);
        }
    }

    fn local_address(&self) -> Option<IpAddr> {
        self.socket.as_ref().map(|socket| socket.address)
    }
}
