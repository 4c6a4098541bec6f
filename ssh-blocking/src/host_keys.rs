//! Whom to trust: the decision about a server's host key.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use ssh_core::files::known_hosts::{HostKeyVerdict, KnownHosts};
use ssh_core::key::{FingerprintHash, PublicKey};
use ssh_core::random::OsRandom;

use crate::error::{Error, Result};

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

/// What to do with a host that no file knows; OpenSSH's `StrictHostKeyChecking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrictHostKeyChecking {
    /// Refuse it.
    Yes,
    /// Ask the [`Ask`] function.
    Ask,
    /// Trust it and remember its key. A changed key is refused.
    AcceptNew,
    /// Trust it and remember its key; a changed key is reported but accepted. Insecure.
    InsecureNo,
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
        match std::fs::read(path) {
            Ok(text) => Ok(KnownHosts::parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(KnownHosts::parse(b"")),
            Err(error) => Err(Error::File { path: path.into(), error }),
        }
    }

    /// The strictest verdict of all files: revoked, then trusted, then changed, then unknown.
    fn verdict(&self, host: &str, port: u16, key: &PublicKey) -> Result<Verdict> {
        let mut verdict = Verdict::Unknown;
        for path in &self.files {
            match Self::read(path)?.lookup(host, port, key) {
                HostKeyVerdict::Revoked { line } => {
                    return Ok(Verdict::Revoked(format!("{}:{line}", path.display())));
                }
                HostKeyVerdict::Trusted { .. } => verdict = Verdict::Trusted,
                HostKeyVerdict::Changed { expected, .. } | HostKeyVerdict::OtherTypes { expected }
                    if !matches!(verdict, Verdict::Trusted) =>
                {
                    let line = expected.first().map_or(0, |(line, _)| *line);
                    let kind = expected.first().map_or("", |(_, key)| key.key_type()).to_owned();
                    verdict = Verdict::Changed { place: format!("{}:{line}", path.display()), kind };
                }
                _ => {}
            }
        }
        Ok(verdict)
    }

    fn remember(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()> {
        let Some(path) = self.files.first().cloned() else { return Ok(()) };
        let mut random = OsRandom;
        let hash = self.hash_names.then_some(&mut random as &mut dyn ssh_core::random::SecureRandom);
        let entry = KnownHosts::format_entry(host, port, key, hash)
            .map_err(|error| Error::HostKey(format!("cannot remember {host}: {error}")))?;
        append(&path, &entry).map_err(|error| Error::File { path: path.clone(), error })?;
        let text = format!("Warning: permanently added '{host}' ({}) to {}.", key.key_type(), path.display());
        (self.warn)(&text);
        Ok(())
    }
}

enum Verdict {
    Trusted,
    Unknown,
    Changed { place: String, kind: String },
    Revoked(String),
}

impl HostKeyPolicy for KnownHostsPolicy {
    fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()> {
        let fingerprint = key.fingerprint(FingerprintHash::Sha256);
        let kind = key.key_type();
        match self.verdict(host, port, key)? {
            Verdict::Trusted => Ok(()),
            Verdict::Revoked(place) => {
                Err(Error::HostKey(format!("the {kind} host key {fingerprint} of {host} is revoked in {place}")))
            }
            Verdict::Changed { place, kind: known } => {
                let text = format!(
                    "the host key of {host} has changed, or somebody is in between: {place} has a {known} key, the \
                     server sent {kind} {fingerprint}; if the change is known to be right, remove that line"
                );
                if self.mode == StrictHostKeyChecking::InsecureNo {
                    (self.warn)(&format!("WARNING: {text}"));
                    return Ok(());
                }
                Err(Error::HostKey(text))
            }
            Verdict::Unknown => match self.mode {
                StrictHostKeyChecking::AcceptNew | StrictHostKeyChecking::InsecureNo => self.remember(host, port, key),
                StrictHostKeyChecking::Ask => {
                    let question = format!(
                        "The authenticity of host '{host}' (port {port}) can't be established.\n\
                         {kind} key fingerprint is {fingerprint}.\n\
                         Are you sure you want to continue connecting (yes/no)? "
                    );
                    if self.ask.as_mut().is_some_and(|ask| ask(&question)) {
                        return self.remember(host, port, key);
                    }
                    Err(Error::HostKey(format!("the {kind} host key {fingerprint} of {host} was not accepted")))
                }
                StrictHostKeyChecking::Yes => Err(Error::HostKey(format!(
                    "the {kind} host key {fingerprint} of {host} (port {port}) is not known; add it to {} if it is right",
                    self.files.first().map_or_else(|| "a known_hosts file".into(), |path| path.display().to_string())
                ))),
            },
        }
    }

    fn known_key_types(&self, host: &str, port: u16) -> Vec<String> {
        let known = self.files.iter().filter_map(|path| Self::read(path).ok());
        known
            .flat_map(|hosts| hosts.known_key_types(host, port).into_iter().map(String::from).collect::<Vec<_>>())
            .collect()
    }
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
