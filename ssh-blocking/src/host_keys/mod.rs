//! Whom to trust: the decision about a server's host key.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ssh_core::UnixTime;
use ssh_core::files::known_hosts::{HostKeyChanges, KnownHosts, edit, host_name};
use ssh_core::files::ssh_config::{HostLookup, LookupPurpose, UpdateHostKeys};
use ssh_core::key::{FingerprintHash, PublicKey, RevocationList};
use ssh_core::login::{
    HostKeyDecision, StrictHostKeyChecking, judge_host_key, judge_host_key_and_address, refuse_revoked,
};
use ssh_core::random::OsRandom;

use crate::error::{Error, Result};

mod file;
mod learner;
mod update;

pub use file::replace_known_hosts;
pub(crate) use learner::Learner;

/// What is said of lines that come from no file.
const MORE_HOSTS: &str = "the output of KnownHostsCommand";

/// Decides about a server's host key. There is no implementation that trusts everybody; a test that wants one writes it.
pub trait HostKeyPolicy {
    /// Whether `key` is the key of `host`. The server has proven that it holds it.
    ///
    /// # Errors
    /// [`Error::HostKey`] with the reason, if it is not or nobody knows.
    fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()>;

    /// The address that was reached, told before [`check`](Self::check) where a connection goes straight to the host.
    fn reached(&mut self, _address: IpAddr) {}

    /// Whether [`check`](Self::check) let a host pass that is known by another key: then it is not to learn a password.
    fn accepted_changed_key(&self) -> bool {
        false
    }

    /// Key types the host is known by: its proof with one of them is asked for first.
    fn known_key_types(&self, _host: &str, _port: u16) -> Vec<String> {
        Vec::new()
    }

    /// What there is to learn and to forget, now that the host that was [checked](Self::check) has announced its keys;
    /// `None`: nothing, or nobody wants to (`UpdateHostKeys`).
    fn host_key_changes(&mut self, _host: &str, _port: u16, _announced: &[PublicKey]) -> Option<HostKeyChanges> {
        None
    }

    /// Makes `announced` the keys of the host. It has proven the new ones among them.
    fn replace_host_keys(&mut self, _host: &str, _port: u16, _announced: &[PublicKey], _changes: &HostKeyChanges) {}

    /// Tells that the host has not proven that it holds the new keys: nothing is to be learnt.
    fn host_keys_not_proven(&mut self, _host: &str, _changes: &HostKeyChanges) {}
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

/// Lines of a `known_hosts` file from elsewhere.
type MoreHosts = Box<dyn Fn(&HostLookup<'_>) -> Result<Vec<u8>> + Send>;

/// Trusts the hosts that `known_hosts` files name.
pub struct KnownHostsPolicy {
    /// The user's own.
    files: Vec<PathBuf>,
    system_files: Vec<PathBuf>,
    revoked: Vec<PathBuf>,
    /// `None`: all that are not weak.
    authority_algorithms: Option<Vec<&'static str>>,
    update: UpdateHostKeys,
    /// The user's files or the user vouched for the host that was checked last.
    is_vouched_for: bool,
    checks_address: bool,
    address: Option<IpAddr>,
    mode: StrictHostKeyChecking,
    hash_names: bool,
    accepted_changed: bool,
    keeps_order: bool,
    more_hosts: Option<MoreHosts>,
    ask: Option<Ask>,
    warn: Box<dyn FnMut(&str) + Send>,
}

impl KnownHostsPolicy {
    /// The user's `~/.ssh/known_hosts` and the system's `/etc/ssh/ssh_known_hosts`; unknown hosts are refused.
    pub fn from_home() -> Self {
        let user = std::env::home_dir().map(|home| home.join(".ssh/known_hosts"));
        let policy = Self::new(user.into_iter().collect()).system_files(vec!["/etc/ssh/ssh_known_hosts".into()]);
        policy.update_host_keys(UpdateHostKeys::Yes)
    }

    /// These files of the user's; new keys go to the first. Unknown hosts are refused.
    pub fn new(files: Vec<PathBuf>) -> Self {
        Self {
            files,
            system_files: Vec::new(),
            revoked: Vec::new(),
            authority_algorithms: None,
            update: UpdateHostKeys::No,
            is_vouched_for: false,
            checks_address: false,
            address: None,
            mode: StrictHostKeyChecking::Yes,
            hash_names: false,
            accepted_changed: false,
            keeps_order: false,
            more_hosts: None,
            ask: None,
            warn: Box::new(|text: &str| eprintln!("{text}")),
        }
    }

    /// Sets files that are read after the user's and never written (`GlobalKnownHostsFile`).
    #[must_use]
    pub fn system_files(mut self, files: Vec<PathBuf>) -> Self {
        self.system_files = files;
        self
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

    /// Sets files with keys that are refused whatever the known hosts say (`RevokedHostKeys`): lists of public keys, or
    /// those that `ssh-keygen -k` makes. A file that cannot be read refuses every key.
    #[must_use]
    pub fn revoked(mut self, files: Vec<PathBuf>) -> Self {
        self.revoked = files;
        self
    }

    /// Sets by which algorithms an authority may have signed (`CASignatureAlgorithms`). A certificate that it signed by another
    /// is as good as none: the host is judged by its key alone. Without, all count that are not weak.
    #[must_use]
    pub fn authority_algorithms(mut self, names: Vec<&'static str>) -> Self {
        self.authority_algorithms = Some(names);
        self
    }

    /// Whether the address of a host must not have another key than the host (`CheckHostIP`), and is learnt with it.
    /// Addresses of the loopback interface do not count.
    #[must_use]
    pub fn check_address(mut self, check: bool) -> Self {
        self.checks_address = check;
        self
    }

    /// Whether algorithms keep their order, whatever keys a host is known by.
    #[must_use]
    pub fn keep_order(mut self, keep: bool) -> Self {
        self.keeps_order = keep;
        self
    }

    /// Sets who knows more than the files, in lines like theirs, and is asked at every look into them (`KnownHostsCommand`). An
    /// error refuses the host.
    #[must_use]
    pub fn more_hosts(mut self, more: impl Fn(&HostLookup<'_>) -> Result<Vec<u8>> + Send + 'static) -> Self {
        self.more_hosts = Some(Box::new(more));
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
        let read = self.all_files().map(|path| Ok((path.display().to_string(), Self::read(path)?)));
        let mut files = read.collect::<Result<Vec<_>>>()?;
        let address = self.address_beside(host).filter(|_| key.certificate().is_none());
        let by_address = address.map(|address| (address, LookupPurpose::Address));
        for (name, purpose) in [(host.to_owned(), LookupPurpose::HostName)].into_iter().chain(by_address) {
            let lookup = HostLookup { name: &host_name(&name, port), purpose, key: Some(key) };
            if let Some(more) = self.ask_more(&lookup) {
                files.push((MORE_HOSTS.into(), KnownHosts::parse(&more?)));
            }
        }
        let files = files.iter().map(|(name, hosts)| (name.as_str(), hosts));
        Ok(match self.address_beside(host) {
            Some(address) => judge_host_key_and_address(self.mode, files, host, &address, port, key, now()),
            None => judge_host_key(self.mode, files, host, port, key, now()),
        })
    }

    fn all_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().chain(&self.system_files)
    }

    fn ask_more(&self, lookup: &HostLookup<'_>) -> Option<Result<Vec<u8>>> {
        self.more_hosts.as_ref().map(|more| more(lookup))
    }

    /// The key as it is judged: without a certificate that does not count.
    fn judged<'a>(&self, key: &'a PublicKey) -> Cow<'a, PublicKey> {
        let by = key.certificate().map(|certificate| certificate.signature_algorithm());
        let is_allowed = |name| self.authority_algorithms.as_ref().is_none_or(|names| names.contains(&name));
        if by.is_none_or(is_allowed) { Cow::Borrowed(key) } else { key.plain() }
    }

    fn refuse_revoked(&self, host: &str, key: &PublicKey) -> Result<()> {
        for path in &self.revoked {
            let text = std::fs::read(path).map_err(|error| Error::File { path: path.clone(), error })?;
            let name = path.display().to_string();
            let list = RevocationList::parse(&text)
                .map_err(|error| Error::HostKey(format!("nobody knows which keys are revoked: {name}: {error}")))?;
            if let Some(refusal) = refuse_revoked([(name.as_str(), &list)], host, key) {
                return Err(Error::HostKey(refusal));
            }
        }
        Ok(())
    }

    /// The address that is to be checked beside the name.
    fn address_beside(&self, host: &str) -> Option<String> {
        let address = self.address.filter(|address| self.checks_address && !address.to_canonical().is_loopback())?;
        let address = address.to_canonical().to_string();
        (host.trim_matches(['[', ']']) != address).then_some(address)
    }

    /// Makes the key known for the name, and for the address that is checked beside it.
    fn remember_host(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()> {
        let names: Vec<_> = std::iter::once(host.to_owned()).chain(self.address_beside(host)).collect();
        self.remember(&names, port, key)
    }

    fn confirm(&mut self, question: &str) -> bool {
        self.ask.as_mut().is_some_and(|ask| ask(question))
    }

    fn remember(&mut self, hosts: &[String], port: u16, key: &PublicKey) -> Result<()> {
        let Some(path) = self.files.first().cloned() else { return Ok(()) };
        let mut random = OsRandom;
        let hash = self.hash_names.then_some(&mut random as &mut dyn ssh_core::random::SecureRandom);
        let names: Vec<_> = hosts.iter().map(|host| host_name(host, port)).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let shown = hosts.join(",");
        let entry = edit::add(b"", &names, key, hash)
            .map_err(|error| Error::HostKey(format!("cannot remember {shown}: {error}")))?;
        file::append(&path, &entry).map_err(|error| Error::File { path: path.clone(), error })?;
        let text = format!("Warning: permanently added '{shown}' ({}) to {}.", key.key_type(), path.display());
        (self.warn)(&text);
        Ok(())
    }
}

impl HostKeyPolicy for KnownHostsPolicy {
    fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()> {
        self.refuse_revoked(host, key)?;
        let key = self.judged(key);
        let key = &*key;
        let decision = self.judge(host, port, key)?;
        self.is_vouched_for =
            matches!(decision, HostKeyDecision::Ask { .. }) || self.users_files_know(host, port, key)?;
        match decision {
            HostKeyDecision::Accept => Ok(()),
            HostKeyDecision::AcceptWithWarning(text) => {
                (self.warn)(&text);
                Ok(())
            }
            HostKeyDecision::AcceptChanged(text) => {
                self.accepted_changed = true;
                (self.warn)(&text);
                Ok(())
            }
            HostKeyDecision::Remember => self.remember_host(host, port, key),
            HostKeyDecision::RememberAddress => {
                let address: Vec<_> = self.address_beside(host).into_iter().collect();
                self.remember(&address, port, key)
            }
            HostKeyDecision::Ask { question, .. } if self.confirm(&question) => self.remember_host(host, port, key),
            HostKeyDecision::Confirm { question, .. } if self.confirm(&question) => Ok(()),
            HostKeyDecision::Ask { refusal, .. }
            | HostKeyDecision::Confirm { refusal, .. }
            | HostKeyDecision::Refuse(refusal) => Err(Error::HostKey(refusal)),
        }
    }

    fn reached(&mut self, address: IpAddr) {
        self.address = Some(address);
    }

    fn accepted_changed_key(&self) -> bool {
        self.accepted_changed
    }

    fn known_key_types(&self, host: &str, port: u16) -> Vec<String> {
        if self.keeps_order {
            return Vec::new();
        }
        let lookup = HostLookup { name: &host_name(host, port), purpose: LookupPurpose::Order, key: None };
        // Why one of them does not answer is told when the key is judged.
        let more = self.ask_more(&lookup).and_then(Result::ok);
        let known = self.all_files().filter_map(|path| Self::read(path).ok());
        known
            .chain(more.map(|text| KnownHosts::parse(&text)))
            .flat_map(|hosts| hosts.known_key_types(host, port).into_iter().map(String::from).collect::<Vec<_>>())
            .collect()
    }

    fn host_key_changes(&mut self, host: &str, port: u16, announced: &[PublicKey]) -> Option<HostKeyChanges> {
        self.changes(host, port, announced).unwrap_or_else(|error| {
            (self.warn)(&format!("the host keys of {host} stay as they are: {error}"));
            None
        })
    }

    fn replace_host_keys(&mut self, host: &str, port: u16, announced: &[PublicKey], changes: &HostKeyChanges) {
        if !self.consents(host, changes) {
            return;
        }
        if let Err(error) = self.replace(host, port, announced) {
            (self.warn)(&format!("the new host keys of {host} could not be stored: {error}"));
        }
    }

    fn host_keys_not_proven(&mut self, host: &str, _changes: &HostKeyChanges) {
        (self.warn)(&format!(
            "{host} has announced host keys and failed to prove them: its known keys stay as they are"
        ));
    }
}

/// By the system's clock: what certificates are judged by.
fn now() -> UnixTime {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime::from_secs(since_1970.map_or(0, |time| time.as_secs()))
}

#[cfg(all(test, unix))]
mod tests;
