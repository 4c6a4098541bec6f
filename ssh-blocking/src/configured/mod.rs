//! Connecting and logging in as `ssh` does: by what the user's files say.
//!
//! ```no_run
//! use ssh_blocking::{Config, Configured, Terminal};
//!
//! # fn main() -> ssh_blocking::Result<()> {
//! let config = Config::load()?.option("ServerAliveInterval=30");
//! let host = Configured::new(&config, "web")?.person(Terminal::new());
//! let session = host.connect()?;
//! host.login(&session)?;
//! println!("{:?}", session.cmd("uname", None)?.stdout);
//! # Ok(())
//! # }
//! ```

mod identities;
mod person;
mod proxy;
mod terminal;

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ssh_core::adapter::split_target;
use ssh_core::files::ssh_config::{AgentSocket, Proxy, Resolved};
use ssh_core::key::HostKeyProof;
use ssh_core::login::{Credentials, configured};

use crate::agent::Agent;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::host_keys::{HostKeyPolicy as _, KnownHostsPolicy};
use crate::login::{ConfiguredLogin, Interaction};
use crate::session::{Connector, Session, Timeouts, connect_tcp};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::transport::{FdTransport, Transport};

pub use person::AgentAndPerson;
pub use terminal::Terminal;

/// How long a host has to answer if `ConnectTimeout` does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a login may take while a person thinks; the server has its own, shorter, opinion about it.
const LOGIN_GRACE: Duration = Duration::from_secs(60 * 60);
/// How many hosts a connection may lead through: a configuration may send one in circles.
const MAX_HOPS: usize = 16;

type Person = Arc<Mutex<dyn Interaction + Send>>;

/// A host, and what the configuration says about it.
#[derive(Clone)]
pub struct Configured {
    config: Config,
    resolved: Arc<Resolved>,
    person: Person,
    hops_left: usize,
}

impl Configured {
    /// What `config` says about `target`: a host or an alias, with `user@` before it and `:port` behind it if they differ
    /// from the configuration. Nobody is asked anything unless [`person`](Self::person) says whom.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn new(config: &Config, target: &str) -> Result<Self> {
        let (user, host) = match target.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, target),
        };
        let (host, port) = split_target(host);
        let mut config = config.clone();
        if let Some(user) = user {
            config = config.set("user", user);
        }
        if target.ends_with(&format!(":{port}")) {
            config = config.set("port", port.to_string());
        }
        Self::of_host(&config, host)
    }

    /// As [`new`](Self::new), for a host whose name is taken as it is.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn of_host(config: &Config, host: &str) -> Result<Self> {
        let resolved = Arc::new(config.resolve(host)?);
        Ok(Self { config: config.clone(), resolved, person: Arc::new(Mutex::new(())), hops_left: MAX_HOPS })
    }

    /// Sets who answers: [`Terminal`], or a window. With `BatchMode` it is only told things.
    #[must_use]
    pub fn person(mut self, person: impl Interaction + Send + 'static) -> Self {
        self.person = Arc::new(Mutex::new(person));
        self
    }

    /// What the configuration says.
    pub fn resolved(&self) -> &Resolved {
        &self.resolved
    }

    /// Reaches the host, over a proxy or other hosts if that is configured, and checks its key.
    ///
    /// # Errors
    /// As [`Connector::connect`], and for a proxy or a host on the way that does not work.
    pub fn connect(&self) -> Result<Session> {
        let resolved = &*self.resolved;
        let timeout =
            resolved.connection.connect_timeout.value.seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let timeouts = Timeouts { connect: Some(timeout.unwrap_or(CONNECT_TIMEOUT)), login: None, wait: None };
        let mut config = configured::client_config(resolved)?;
        config.limits.login_grace = LOGIN_GRACE;
        let (name, port) = self.host_key_name();
        let mut policy = self.host_keys();
        let transport = self.transport(timeouts, &mut policy)?;
        let connector = Connector::new().config(config).timeouts(timeouts).host_keys(policy);
        let mut session = connector.connect_boxed(transport, name, port)?;
        session.configured = Some(Arc::new(self.clone()));
        Ok(session)
    }

    /// Logs in: with the agent's keys and the key files in OpenSSH's order, then with what the person knows. Says which
    /// method completed it.
    ///
    /// # Errors
    /// [`Error::Login`] if nothing lets the user in.
    pub fn login(&self, session: &Session) -> Result<&'static str> {
        let (credentials, mut person) = self.prepare_login(session.host_key_proof().as_ref())?;
        session.login_with(&self.resolved.user, credentials, &mut person)
    }

    /// What [`login`](Self::login) logs in with, for sessions of other adapters: what the configuration, its files and its
    /// agent have, and who signs and answers. `proof` is the session's, for keys that are only for certain hosts.
    ///
    /// # Errors
    /// [`Error::Agent`] or [`Error::Io`] if the conversation with the agent broke.
    pub fn prepare_login(&self, proof: Option<&HostKeyProof>) -> Result<(Credentials, AgentAndPerson)> {
        let mut agent = self.agent();
        let mut credentials = configured::credentials(&self.resolved);
        if let Some(agent) = &mut agent {
            if let Some(proof) = proof {
                agent.bind_to(proof)?;
            }
            // An agent without keys, or one that does not say, is as good as none.
            let keys = agent.identities().unwrap_or_default();
            credentials = credentials.agent_keys(keys.into_iter().map(|identity| identity.key));
        }
        let credentials = identities::add(&self.resolved, credentials, &mut *self.lock())?;
        Ok((credentials, AgentAndPerson { agent, person: self.person.clone() }))
    }

    /// The name and the port that the host's key is known under.
    fn host_key_name(&self) -> (&str, u16) {
        match &self.resolved.host_keys.alias.value {
            Some(alias) => (alias, 22),
            None => (&self.resolved.host_name, self.resolved.connection.port.value.0),
        }
    }

    fn host_keys(&self) -> KnownHostsPolicy {
        let host_keys = &self.resolved.host_keys;
        let files = |files: &[String]| files.iter().map(PathBuf::from).collect::<Vec<_>>();
        let (asked, warned) = (Arc::clone(&self.person), Arc::clone(&self.person));
        KnownHostsPolicy::new(files(&host_keys.user_files.value.0))
            .system_files(files(&host_keys.global_files.value.0))
            .update_host_keys(host_keys.update.value)
            .mode(configured::strict_host_key_checking(&self.resolved))
            .hash_names(host_keys.hash.value)
            .revoked(files(&host_keys.revoked.value.0))
            .check_address(host_keys.check_host_ip.value && host_keys.alias.value.is_none())
            .ask(move |question| lock(&asked).confirm(question))
            .warn(move |text| lock(&warned).warn(text))
    }

    /// The way to the host; `policy` hears of the address if there is no proxy between.
    fn transport(&self, timeouts: Timeouts, policy: &mut KnownHostsPolicy) -> Result<Box<dyn Transport>> {
        let resolved = &*self.resolved;
        match &resolved.proxy.value {
            Proxy::None => {
                let stream = self.connect_tcp(timeouts)?;
                policy.reached(stream.peer_addr()?.ip());
                Ok(Box::new(FdTransport::tcp(stream)?))
            }
            Proxy::Command(_) => {
                let command =
                    resolved.proxy_command().map_err(|error| Error::Io(std::io::Error::other(error.to_string())))?;
                Ok(Box::new(proxy::CommandTransport::start(&command.unwrap_or_default())?))
            }
            Proxy::Jump(jump) => proxy::jump(self, &jump.hosts),
        }
    }

    fn connect_tcp(&self, timeouts: Timeouts) -> Result<TcpStream> {
        let connection = &self.resolved.connection;
        let mut connected = Err(Error::Io(std::io::ErrorKind::InvalidInput.into()));
        for _ in 0..connection.connection_attempts.value.max(1) {
            connected = connect_tcp(&self.resolved.host_name, connection.port.value.0, timeouts.connect);
            if connected.is_ok() {
                break;
            }
        }
        connected
    }

    /// The agent that is configured, or the environment's. One that does not answer is passed over, as if there were none.
    fn agent(&self) -> Option<Agent> {
        let path = match &self.resolved.identities.agent.value {
            None => return Agent::from_environment().unwrap_or_default(),
            Some(AgentSocket(path)) if path == "none" => return None,
            Some(socket) => match socket.variable() {
                Some(variable) => std::env::var(variable).ok()?,
                None => match self.resolved.expand(&socket.0) {
                    Ok(path) => path,
                    Err(error) => {
                        self.lock().warn(&format!("the agent cannot be used: {error}"));
                        return None;
                    }
                },
            },
        };
        match Agent::connect(path) {
            Ok(agent) => Some(agent),
            Err(error) => {
                self.lock().warn(&error.to_string());
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, dyn Interaction + Send + 'static> {
        lock(&self.person)
    }
}

impl ConfiguredLogin for Configured {
    fn login(&self, session: &Session) -> Result<&'static str> {
        Self::login(self, session)
    }
}

impl Session {
    /// Connects as `ssh` does: to a host or an alias of the user's configuration, `host:port` and `user@host` included,
    /// over proxies and through other hosts, and checks its key by the configured files. A person is asked at the
    /// terminal, unless `BatchMode` says not to. [`login_as_configured`](Self::login_as_configured) goes on from here;
    /// [`Connector`] is for programs that do not look at anybody's files.
    ///
    /// # Errors
    /// As [`Configured::new`] and [`Configured::connect`].
    pub fn connect(target: &str) -> Result<Self> {
        let host = Configured::new(&Config::load()?, target)?;
        let about = format!("{}@{}", host.resolved.user, host.resolved.host_name);
        host.person(Terminal::about(about)).connect()
    }
}

fn lock(person: &Person) -> MutexGuard<'_, dyn Interaction + Send + 'static> {
    person.lock().unwrap_or_else(PoisonError::into_inner)
}
