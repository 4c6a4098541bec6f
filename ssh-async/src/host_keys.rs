//! Whom to trust: the decision about a server's host key.

use std::future::Future;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use ssh_core::files::known_hosts::KnownHosts;
use ssh_core::key::{FingerprintHash, PublicKey};
use ssh_core::login::{HostKeyDecision, StrictHostKeyChecking, judge_host_key};
use ssh_core::random::{OsRandom, SecureRandom};

use crate::error::{Error, Result};

/// Decides about a server's host key. There is no implementation that trusts everybody; a test that wants one writes it.
pub trait HostKeyPolicy: Send {
    /// Whether `key` is the key of `host`. The server has proven that it holds it.
    ///
    /// # Errors
    /// [`Error::HostKey`] with the reason, if it is not or nobody knows.
    fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> impl Future<Output = Result<()>> + Send;

    /// Key types the host is known by: its proof with one of them is asked for first.
    fn known_key_types(&self, host: &str, port: u16) -> impl Future<Output = Vec<String>> + Send {
        let _ = (host, port);
        async { Vec::new() }
    }
}

/// The host has this key and no other.
impl HostKeyPolicy for PublicKey {
    async fn check(&mut self, host: &str, _port: u16, key: &PublicKey) -> Result<()> {
        if self == key {
            return Ok(());
        }
        let (expected, got) = (self.fingerprint(FingerprintHash::Sha256), key.fingerprint(FingerprintHash::Sha256));
        Err(Error::HostKey(format!("the host key of {host} is not the expected one: expected {expected}, got {got}")))
    }

    async fn known_key_types(&self, _host: &str, _port: u16) -> Vec<String> {
        vec![self.key_type().into()]
    }
}

type Answer = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Trusts the hosts that `known_hosts` files name. Files are read and written on threads of their own.
pub struct KnownHostsPolicy {
    files: Vec<PathBuf>,
    mode: StrictHostKeyChecking,
    hash_names: bool,
    ask: Box<dyn FnMut(String) -> Answer + Send + Sync>,
    warn: Box<dyn FnMut(&str) + Send + Sync>,
}

impl KnownHostsPolicy {
    /// The user's `~/.ssh/known_hosts` and the system's `/etc/ssh/ssh_known_hosts`; unknown hosts are refused.
    pub fn from_home() -> Self {
        let user = std::env::home_dir().map(|home| home.join(".ssh/known_hosts"));
        Self::new(user.into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]).collect())
    }

    /// These files; new keys go to the first. Unknown hosts are refused.
    pub fn new(files: Vec<PathBuf>) -> Self {
        Self {
            files,
            mode: StrictHostKeyChecking::Yes,
            hash_names: false,
            ask: Box::new(|_| Box::pin(async { false })),
            warn: Box::new(|text| eprintln!("{text}")),
        }
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
    pub fn ask<F>(mut self, mut ask: impl FnMut(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.ask = Box::new(move |question| Box::pin(ask(question)));
        self
    }

    /// Sets where warnings go; without, to standard error.
    #[must_use]
    pub fn warn(mut self, warn: impl FnMut(&str) + Send + Sync + 'static) -> Self {
        self.warn = Box::new(warn);
        self
    }

    async fn read(&self) -> Result<Vec<(String, KnownHosts)>> {
        let files = self.files.clone();
        blocking::unblock(move || files.iter().map(|path| read(path)).collect()).await
    }

    async fn remember(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()> {
        let Some(path) = self.files.first().cloned() else { return Ok(()) };
        let mut random = OsRandom;
        let hash = self.hash_names.then_some(&mut random as &mut dyn SecureRandom);
        let entry = KnownHosts::format_entry(host, port, key, hash)
            .map_err(|error| Error::HostKey(format!("cannot remember {host}: {error}")))?;
        let text = format!("Warning: permanently added '{host}' ({}) to {}.", key.key_type(), path.display());
        blocking::unblock(move || append(&path, &entry).map_err(|error| Error::File { path, error })).await?;
        (self.warn)(&text);
        Ok(())
    }
}

impl HostKeyPolicy for KnownHostsPolicy {
    async fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()> {
        let files = self.read().await?;
        let files = files.iter().map(|(name, hosts)| (name.as_str(), hosts));
        match judge_host_key(self.mode, files, host, port, key) {
            HostKeyDecision::Accept => Ok(()),
            HostKeyDecision::AcceptWithWarning(text) => {
                (self.warn)(&text);
                Ok(())
            }
            HostKeyDecision::Remember => self.remember(host, port, key).await,
            HostKeyDecision::Ask { question, refusal } => {
                if !(self.ask)(question).await {
                    return Err(Error::HostKey(refusal));
                }
                self.remember(host, port, key).await
            }
            HostKeyDecision::Refuse(text) => Err(Error::HostKey(text)),
        }
    }

    async fn known_key_types(&self, host: &str, port: u16) -> Vec<String> {
        let files = self.read().await.unwrap_or_default();
        files.iter().flat_map(|(_, hosts)| hosts.known_key_types(host, port)).map(String::from).collect()
    }
}

fn read(path: &Path) -> Result<(String, KnownHosts)> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(|error| Error::File { path: path.into(), error })?,
    };
    Ok((path.display().to_string(), KnownHosts::parse(&text)))
}

/// Adds a line at the end, whatever the file ends with. Nothing that is there is touched.
fn append(path: &Path, entry: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let unfinished = std::fs::read(path).is_ok_and(|text| text.last().is_some_and(|&byte| byte != b'\n'));
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let line = if unfinished { format!("\n{entry}") } else { entry.to_owned() };
    options.open(path)?.write_all(line.as_bytes())
}
