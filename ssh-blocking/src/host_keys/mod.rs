//! Whom to trust: the decision about a server's host key.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ssh_core::UnixTime;
use ssh_core::files::known_hosts::KnownHosts;
use ssh_core::key::{FingerprintHash, PublicKey};
use ssh_core::login::{HostKeyDecision, StrictHostKeyChecking, judge_host_key};
use ssh_core::random::OsRandom;

use crate::error::{Error, Result};

mod file;

pub use file::replace_known_hosts;

/// Decides about a server's host key. There is no implementation that trusts everybody; a test that wants one writes it.
pub trait HostKeyPolicy {
    /// Whether `key` is the key of `host`. The server has proven that it holds it.
    ///
    /// # Errors
    /// [`Error::HostKey`] with the reason, if it is not or nobody knows.
    fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()>;

    /// Key types the host is known by: its proof with one of them is asked for first.
    fn known_key_types(&self, _host: &str, _port: u16) -> Vec<String> {
        Vec::new()
    }
}

/// The host has this key and no other.
impl HostKeyPolicy for PublicKey {
    fn check(&mut self, host: &str, _port: u16, key: &PublicKey) -> Result<()> {
        if self == key {
            return Ok(());
        }
        let (expected, got) = (self.fingerprint(FingerprintHash::Sha256), key.fingerprint(FingerprintHash::Sha256));
        Err(Error::HostKey(format!("the host key of {host} is not the expected one: expected {expected}, got {got}")))
    }

    fn known_key_types(&self, _host: &str, _port: u16) -> Vec<String> {
        vec![self.key_type().into()]
    }
}

/// Asks a person whether to trust a host: is given the question, says yes or no.
pub type Ask = Box<dyn FnMut(&str) -> bool + Send>;

/// Trusts the hosts that `known_hosts` files name.
pub struct KnownHostsPolicy {
    files: Vec<PathBuf>,
    mode: StrictHostKeyChecking,
    hash_names: bool,
    ask: Option<Ask>,
    warn: Box<dyn FnMut(&str) + Send>,
}

impl KnownHostsPolicy {
    /// The user's `~/.ssh/known_hosts` and the system's `/etc/ssh/ssh_known_hosts`; unknown hosts are refused.
    pub fn from_home() -> Self {
        let user = std::env::home_dir().map(|home| home.join(".ssh/known_hosts"));
        Self::new(user.into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]).collect())
    }

    /// These files; new keys go to the first. Unknown hosts are refused.
    pub fn new(files: Vec<PathBuf>) -> Self {
        let warn = Box::new(|text: &str| eprintln!("{text}"));
        Self { files, mode: StrictHostKeyChecking::Yes, hash_names: false, ask: None, warn }
    }

    /// Sets what happens to unknown hosts.
    #[must_use]
    pub fn mode(mut self, mode: StrictHostKeyChecking) -> Self {
        self.mode = mode;
        self
    }

    /// Whether names of new hosts are written hashed (`HashKnownHosts`).
    #[must_use]
    pub fn hash_names(mut self, hash: bool) -> Self {
        self.hash_names = hash;
        self
    }

    /// Sets who is asked in [`StrictHostKeyChecking::Ask`]; without, the answer is no.
    #[must_use]
    pub fn ask(mut self, ask: impl FnMut(&str) -> bool + Send + 'static) -> Self {
        self.ask = Some(Box::new(ask));
        self
    }

    /// Sets where warnings go; without, to standard error.
    #[must_use]
    pub fn warn(mut self, warn: impl FnMut(&str) + Send + 'static) -> Self {
        self.warn = Box::new(warn);
        self
    }

    fn read(path: &Path) -> Result<KnownHosts> {
        let text = file::read(path).map_err(|error| Error::File { path: path.into(), error })?;
        Ok(KnownHosts::parse(&text))
    }

    fn judge(&self, host: &str, port: u16, key: &PublicKey) -> Result<HostKeyDecision> {
        let read = self.files.iter().map(|path| Ok((path.display().to_string(), Self::read(path)?)));
        let files = read.collect::<Result<Vec<_>>>()?;
        let files = files.iter().map(|(name, hosts)| (name.as_str(), hosts));
        Ok(judge_host_key(self.mode, files, host, port, key, now()))
    }

    fn remember(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()> {
        let Some(path) = self.files.first().cloned() else { return Ok(()) };
        let mut random = OsRandom;
        let hash = self.hash_names.then_some(&mut random as &mut dyn ssh_core::random::SecureRandom);
        let entry = KnownHosts::format_entry(host, port, key, hash)
            .map_err(|error| Error::HostKey(format!("cannot remember {host}: {error}")))?;
        file::append(&path, &entry).map_err(|error| Error::File { path: path.clone(), error })?;
        let text = format!("Warning: permanently added '{host}' ({}) to {}.", key.key_type(), path.display());
        (self.warn)(&text);
        Ok(())
    }
}

impl HostKeyPolicy for KnownHostsPolicy {
    fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()> {
        match self.judge(host, port, key)? {
            HostKeyDecision::Accept => Ok(()),
            HostKeyDecision::AcceptWithWarning(text) => {
                (self.warn)(&text);
                Ok(())
            }
            HostKeyDecision::Remember => self.remember(host, port, key),
            HostKeyDecision::Ask { question, .. } if self.ask.as_mut().is_some_and(|ask| ask(&question)) => {
                self.remember(host, port, key)
            }
            HostKeyDecision::Ask { refusal, .. } | HostKeyDecision::Refuse(refusal) => Err(Error::HostKey(refusal)),
        }
    }

    fn known_key_types(&self, host: &str, port: u16) -> Vec<String> {
        let known = self.files.iter().filter_map(|path| Self::read(path).ok());
        known
            .flat_map(|hosts| hosts.known_key_types(host, port).into_iter().map(String::from).collect::<Vec<_>>())
            .collect()
    }
}

/// By the system's clock: what certificates are judged by.
fn now() -> UnixTime {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime::from_secs(since_1970.map_or(0, |time| time.as_secs()))
}
