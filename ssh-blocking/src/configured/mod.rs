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

mod host_based;
mod identities;
mod keys_to_agent;
mod known_hosts_command;
mod person;
mod reach;
mod session;
mod terminal;
mod way;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ssh_core::ClientConfig;
use ssh_core::adapter::split_target;
use ssh_core::files::ssh_config::{AgentSocket, Resolved, TokenError};
use ssh_core::key::HostKeyProof;
use ssh_core::login::{Credentials, configured};

use crate::agent::Agent;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::host_keys::{HostKeyPolicy as _, KnownHostsPolicy};
use crate::login::Interaction;
use crate::session::{Connector, Session, Timeouts};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::transport::{FdTransport, Transport};

use keys_to_agent::Keeping;
use known_hosts_command::KnownHostsCommand;
use session::Arrived;

pub use person::AgentAndPerson;
pub use terminal::Terminal;
pub use way::{ProxyProcess, Way};

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
    host_key_files: Vec<PathBuf>,
}

/// What a login by configuration has to know of its connection.
#[derive(Clone, Debug, Default)]
pub struct LoginConnection {
    /// What the server proved about its host key: an agent has keys that are only for certain hosts.
    pub host_key_proof: Option<HostKeyProof>,
    /// The host is known by another key, and was let pass all the same: it gets no password.
    pub host_key_changed: bool,
    /// Our address on it, if no proxy is in between: under its name this host vouches for its user.
    pub local_address: Option<IpAddr>,
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
        Ok(Self {
            config: config.clone(),
            resolved,
            person: Arc::new(Mutex::new(())),
            hops_left: MAX_HOPS,
            host_key_files: host_based::usual_files(),
        })
    }

    /// Sets who answers: [`Terminal`], or a window. With `BatchMode` it is only told things.
    #[must_use]
    pub fn person(mut self, person: impl Interaction + Send + 'static) -> Self {
        self.person = Arc::new(Mutex::new(person));
        self
    }

    /// Sets the files with the keys of this host, which vouches for its user where `HostbasedAuthentication` and
    /// `EnableSSHKeysign` are set and the user may read them; otherwise those in `/etc/ssh`.
    #[must_use]
    pub fn host_key_files(mut self, files: Vec<PathBuf>) -> Self {
        self.host_key_files = files;
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
        let timeouts = Timeouts { connect: Some(self.connect_timeout()), login: None, wait: None };
        let config = self.client_config()?;
        let (name, port) = self.host_key_name();
        let mut policy = self.host_keys()?;
        let (transport, local_address) = self.transport(&mut policy)?;
        let connector = Connector::new().config(config).timeouts(timeouts).host_keys(policy);
        let mut session = connector.connect_boxed(transport, name, port)?;
        session.configured = Some(Arc::new(Arrived { host: self.clone(), local_address }));
        Ok(session)
    }

    /// How long the host has to answer (`ConnectTimeout`), each of its addresses, and then for the key exchange.
    pub fn connect_timeout(&self) -> Duration {
        let timeout = self.resolved.connection.connect_timeout.value.seconds;
        timeout.map_or(CONNECT_TIMEOUT, |seconds| Duration::from_secs(seconds.into()))
    }

    /// What [`connect`](Self::connect) connects with, for sessions of other adapters.
    ///
    /// # Errors
    /// [`Error::ConfigFile`] names the line with an algorithm that is not built in.
    pub fn client_config(&self) -> Result<ClientConfig> {
        let mut config = configured::client_config(&self.resolved)?;
        config.limits.login_grace = LOGIN_GRACE;
        Ok(config)
    }

    /// Logs in: with the agent's keys and the key files in OpenSSH's order, then with what the person knows. Says which
    /// method completed it.
    ///
    /// A host that is known by another key, and was let pass by `StrictHostKeyChecking no`, gets no password and no answer
    /// to its questions, as with `ssh`. After the login `LocalCommand` runs, if that is permitted.
    ///
    /// # Errors
    /// [`Error::Login`] if nothing lets the user in, [`Error::Agent`] or [`Error::Io`] if the conversation with the agent
    /// broke.
    pub fn login(&self, session: &Session) -> Result<&'static str> {
        let connection = LoginConnection {
            host_key_proof: session.host_key_proof(),
            host_key_changed: session.host_key_changed(),
            local_address: session.configured.as_ref().and_then(|configured| configured.local_address()),
        };
        let (credentials, mut person) = self.prepare_login(&connection)?;
        let method = session.login_with(&self.resolved.user, credentials, &mut person)?;
        self.run_local_command()?;
        Ok(method)
    }

    /// What [`login`](Self::login) logs in with, for sessions of other adapters: what the configuration, its files and its
    /// agent have, and who signs and answers.
    ///
    /// # Errors
    /// As [`login`](Self::login), but for [`Error::Login`].
    pub fn prepare_login(&self, connection: &LoginConnection) -> Result<(Credentials, AgentAndPerson)> {
        let mut agent = self.agent();
        let mut credentials = configured::credentials(&self.resolved);
        if let Some(agent) = &mut agent {
            if let Some(proof) = &connection.host_key_proof {
                agent.bind_to(proof)?;
            }
            // An agent without keys, or one that does not say, is as good as none.
            let keys = agent.identities().unwrap_or_default();
            credentials = credentials.agent_keys(keys.into_iter().map(|identity| identity.key));
        }
        if let Some(host) = host_based::host(&self.resolved, &self.host_key_files, connection.local_address)? {
            credentials = credentials.vouching_host(host);
        }
        let mut credentials = identities::add(&self.resolved, credentials, &mut *self.lock())?;
        if connection.host_key_changed {
            credentials = self.without_passwords(credentials);
        }
        let keeping = Keeping::new(&self.resolved);
        Ok((credentials, AgentAndPerson { agent, person: self.person.clone(), keeping }))
    }

    /// What is left to log in with at a host that is known by another key; the person is told what is not.
    fn without_passwords(&self, credentials: Credentials) -> Credentials {
        let methods = configured::methods(&self.resolved);
        for method in ["password", "keyboard-interactive"] {
            if methods.iter().any(|each| each == method) {
                let text = "is left out: whoever has the other host key would hear the secret";
                self.lock().warn(&format!("{method} authentication {text}"));
            }
        }
        credentials.without_passwords()
    }

    /// The name and the port that the host's key is known under (`HostKeyAlias`).
    pub fn host_key_name(&self) -> (&str, u16) {
        match &self.resolved.host_keys.alias.value {
            Some(alias) => (alias, 22),
            None => (&self.resolved.host_name, self.resolved.connection.port.value.0),
        }
    }

    /// Whom [`connect`](Self::connect) trusts, for sessions of other adapters.
    ///
    /// # Errors
    /// As [`client_config`](Self::client_config).
    pub fn host_keys(&self) -> Result<KnownHostsPolicy> {
        let host_keys = &self.resolved.host_keys;
        let files = |files: &[String]| files.iter().map(PathBuf::from).collect::<Vec<_>>();
        let (asked, warned) = (Arc::clone(&self.person), Arc::clone(&self.person));
        let policy = KnownHostsPolicy::new(files(&host_keys.user_files.value.0))
            .system_files(files(&host_keys.global_files.value.0))
            .update_host_keys(host_keys.update.value);
        let policy = match &host_keys.command.value.0 {
            Some(_) => {
                let command = KnownHostsCommand::new(Arc::clone(&self.resolved), Arc::clone(&self.person));
                policy.more_hosts(move |lookup| command.look_up(lookup))
            }
            None => policy,
        };
        Ok(policy
            .authority_algorithms(configured::authority_algorithms(&self.resolved)?)
            .mode(configured::strict_host_key_checking(&self.resolved))
            .hash_names(host_keys.hash.value)
            .keep_order(configured::host_key_order_is_fixed(&self.resolved))
            .revoked(files(&host_keys.revoked.value.0))
            .check_address(host_keys.check_host_ip.value && host_keys.alias.value.is_none())
            .ask(move |question| lock(&asked).confirm(question))
            .warn(move |text| lock(&warned).warn(text)))
    }

    /// The way to the host, and our address on it; `policy` hears of the host's. With a proxy in between there are none.
    fn transport(&self, policy: &mut KnownHostsPolicy) -> Result<(Box<dyn Transport>, Option<IpAddr>)> {
        Ok(match self.way()? {
            Way::Tcp(stream) => {
                policy.reached(stream.peer_addr()?.ip());
                let local_address = stream.local_addr()?.ip();
                (Box::new(FdTransport::tcp(stream)?), Some(local_address))
            }
            Way::Command { stream, process } => (Box::new(way::CommandTransport::new(stream, process)?), None),
            Way::Jump { hop, channel } => (Box::new(way::through(&hop, &channel)?), None),
        })
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

fn unexpanded(error: TokenError) -> Error {
    Error::Io(std::io::Error::other(error.to_string()))
}

fn lock(person: &Person) -> MutexGuard<'_, dyn Interaction + Send + 'static> {
    person.lock().unwrap_or_else(PoisonError::into_inner)
}
