//! The keys of a login: in which order they are offered, and who signs with them.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::fmt;

use super::credentials::LockedKeyFile;
use super::plan::LoginKey;
use crate::key::{KeyFileError, PrivateKey, PublicKey};
use crate::secret::SecretBytes;

/// A key that the user named.
pub(super) enum Identity {
    /// With the name of its file, if it has one.
    Key(Box<PrivateKey>, Option<String>),
    Locked(LockedKeyFile),
    /// The private half is elsewhere.
    Named(PublicKey),
    /// A file that could not be unlocked. Nobody is asked twice.
    Lost,
}

/// All keys of a login.
pub(super) struct Identities {
    listed: Vec<Identity>,
    certificates: Vec<PublicKey>,
    agent: Vec<PublicKey>,
    identities_only: bool,
}

/// Who signs with a key.
pub(super) enum Signer<'a> {
    /// The key with this number.
    Key(usize, &'a PrivateKey),
    /// The agent, which knows it by this key or certificate.
    Agent(PublicKey),
    /// Nobody before this file is unlocked.
    Locked(usize),
    Nobody,
}

/// A key of a file that has signed.
#[derive(Debug)]
pub struct UsedKeyFile {
    /// The name of the file.
    pub name: String,
    /// Its key.
    pub key: PrivateKey,
}

/// A key file that is being unlocked: what takes its time, on its own, so that it can be done elsewhere.
pub struct Unlocking {
    file: usize,
    text: Arc<SecretBytes>,
    passphrase: SecretBytes,
}

/// What became of it; [`Conversation::finish_unlocking`](super::Conversation::finish_unlocking) wants it.
#[must_use]
pub struct Unlocked {
    pub(super) file: usize,
    pub(super) key: Result<PrivateKey, KeyFileError>,
}

impl Unlocking {
    /// Derives the file's key, which takes as long as the file's author chose, and decrypts it.
    pub fn run(self) -> Unlocked {
        Unlocked { file: self.file, key: PrivateKey::read(self.text.expose(), Some(&self.passphrase)) }
    }
}

impl Identities {
    pub(super) fn new(
        listed: Vec<Identity>,
        certificates: Vec<PublicKey>,
        agent: Vec<PublicKey>,
        identities_only: bool,
    ) -> Self {
        Self { listed, certificates, agent, identities_only }
    }

    /// What is offered, in OpenSSH's order: named keys that the agent has, its other keys, the other named keys; each
    /// after its certificates. `may_ask` is whether anybody can be asked for a passphrase.
    pub(super) fn offers(&self, may_ask: bool) -> Vec<LoginKey> {
        let in_agent = |key: &PublicKey| self.agent.iter().any(|each| *each.plain() == *key.plain());
        let named =
            |key: &PublicKey| self.listed.iter().filter_map(Identity::public).any(|each| *each.plain() == *key.plain());
        let mut offers = Offers::default();
        let (preferred, others): (Vec<_>, Vec<_>) = self.agent.iter().partition(|key| named(key));
        let others = others.into_iter().filter(|_| !self.identities_only);
        for key in preferred.into_iter().chain(others) {
            offers.add_all(self.with_certificates(key));
        }
        for (index, identity) in self.listed.iter().enumerate() {
            match (identity, identity.public()) {
                (Identity::Locked(_), _) if !may_ask => {}
                (Identity::Named(_), Some(key)) if !in_agent(key) => {}
                (_, Some(key)) => offers.add_all(self.with_certificates(key)),
                (Identity::Locked(_), None) => offers.0.push(LoginKey::Locked(index)),
                (_, None) => {}
            }
        }
        offers.0
    }

    /// A key after its certificates.
    pub(super) fn with_certificates<'a>(&'a self, key: &'a PublicKey) -> impl Iterator<Item = PublicKey> + 'a {
        let certificates = self.certificates.iter().filter(move |each| *each.plain() == *key);
        certificates.chain([key]).cloned()
    }

    /// Who signs with `key`: memory before the agent, the agent before a file that wants a passphrase.
    pub(super) fn signer(&self, key: &PublicKey) -> Signer<'_> {
        let plain = key.plain();
        let mut locked = None;
        for (index, identity) in self.listed.iter().enumerate() {
            match identity {
                Identity::Key(private, _) if *private.public_key() == *plain => return Signer::Key(index, private),
                Identity::Locked(file) if file.public.as_ref() == Some(&*plain) => locked = Some(index),
                _ => {}
            }
        }
        let as_agent_knows_it = [key, &*plain].into_iter().find(|wanted| self.agent.contains(wanted));
        match (as_agent_knows_it, locked) {
            (Some(known), _) => Signer::Agent(known.clone()),
            (None, Some(index)) => Signer::Locked(index),
            (None, None) => Signer::Nobody,
        }
    }

    /// The name of a file that is locked still.
    pub(super) fn locked_name(&self, index: usize) -> Option<&str> {
        match self.listed.get(index) {
            Some(Identity::Locked(file)) => Some(&file.name),
            _ => None,
        }
    }

    /// The key of a file, once it is unlocked.
    pub(super) fn unlocked(&self, index: usize) -> Option<&PublicKey> {
        match self.listed.get(index) {
            Some(Identity::Key(key, _)) => Some(key.public_key()),
            _ => None,
        }
    }

    pub(super) fn unlocking(&self, file: usize, passphrase: SecretBytes) -> Option<Unlocking> {
        match self.listed.get(file) {
            Some(Identity::Locked(locked)) => Some(Unlocking { file, text: Arc::clone(&locked.text), passphrase }),
            _ => None,
        }
    }

    /// Keeps the key of a file, if it is the one that the file said it is.
    pub(super) fn keep(&mut self, file: usize, key: PrivateKey) -> Result<(), KeyFileError> {
        let Some(identity) = self.listed.get_mut(file) else { return Ok(()) };
        if identity.public().is_some_and(|public| public != key.public_key()) {
            return Err(KeyFileError::PublicMismatch);
        }
        let file = if let Identity::Locked(file) = identity { Some(file.name.clone()) } else { None };
        *identity = Identity::Key(Box::new(key), file);
        Ok(())
    }

    /// Takes out the key with this number, if it is of a file.
    pub(super) fn take_file(&mut self, index: usize) -> Option<UsedKeyFile> {
        let identity = self.listed.get_mut(index)?;
        match core::mem::replace(identity, Identity::Lost) {
            Identity::Key(key, Some(name)) => Some(UsedKeyFile { name, key: *key }),
            other => {
                *identity = other;
                None
            }
        }
    }

    /// Gives a file up.
    pub(super) fn lose(&mut self, index: usize) {
        if let Some(identity) = self.listed.get_mut(index) {
            *identity = Identity::Lost;
        }
    }
}

impl Identity {
    fn public(&self) -> Option<&PublicKey> {
        match self {
            Self::Key(key, _) => Some(key.public_key()),
            Self::Locked(file) => file.public.as_ref(),
            Self::Named(key) => Some(key),
            Self::Lost => None,
        }
    }
}

/// Every key once: a server counts what it is offered.
#[derive(Default)]
struct Offers(Vec<LoginKey>);

impl Offers {
    fn add_all(&mut self, keys: impl Iterator<Item = PublicKey>) {
        for key in keys.map(LoginKey::Known) {
            if !self.0.contains(&key) {
                self.0.push(key);
            }
        }
    }
}

/// A key file that could not be used, to be shown to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableKeyFile {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub error: KeyFileError,
}

impl fmt::Display for UnusableKeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key file {} cannot be used: {}", self.name.escape_debug(), self.error)
    }
}
