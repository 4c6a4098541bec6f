//! `UpdateHostKeys`: what a host announces goes to the user's known hosts.

use ssh_core::files::known_hosts::{HostKeyChanges, HostKeyVerdict, KnownHosts, edit, host_name};
use ssh_core::files::ssh_config::UpdateHostKeys;
use ssh_core::key::PublicKey;
use ssh_core::login::host_key_update_question;
use ssh_core::random::{OsRandom, SecureRandom};

use super::{KnownHostsPolicy, file};
use crate::error::{Error, Result};

impl KnownHostsPolicy {
    /// Sets whether the other keys of a host are learnt, and those it has no more forgotten, when it announces them. Only a
    /// host that the user's own files vouch for, or the user, is believed, and new keys only with proof. Without: never, but
    /// for [`from_home`](Self::from_home), as with `ssh`.
    #[must_use]
    pub fn update_host_keys(mut self, update: UpdateHostKeys) -> Self {
        self.update = update;
        self
    }

    /// Whether the user's own files say that `host` has this key.
    pub(super) fn users_files_know(&self, host: &str, port: u16, key: &PublicKey) -> Result<bool> {
        let mut files = self.files.iter().map(|path| Self::read(path));
        let vouches =
            |hosts: &KnownHosts| matches!(hosts.lookup(host, port, key, super::now()), HostKeyVerdict::Trusted { .. });
        files.try_fold(false, |known, hosts| Ok(known || vouches(&hosts?)))
    }

    pub(super) fn changes(&self, host: &str, port: u16, announced: &[PublicKey]) -> Result<Option<HostKeyChanges>> {
        if self.update == UpdateHostKeys::No || !self.is_vouched_for {
            return Ok(None);
        }
        let files = self.files.iter().map(|path| Self::read(path)).collect::<Result<Vec<_>>>()?;
        let address = self.address_beside(host);
        Ok(KnownHosts::host_key_changes(&files, host, address.as_deref(), port, announced).ok())
    }

    /// New keys go to the first file, old ones from all. A file that is not there is not made.
    pub(super) fn replace(&mut self, host: &str, port: u16, announced: &[PublicKey]) -> Result<()> {
        let names: Vec<_> = std::iter::once(host.to_owned())
            .chain(self.address_beside(host))
            .map(|name| host_name(&name, port))
            .collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        for (place, path) in self.files.iter().enumerate().filter(|(_, path)| path.exists()) {
            let failed = |error| Error::File { path: path.clone(), error };
            let text = file::read(path).map_err(failed)?;
            let keys = if place == 0 { announced } else { &[] };
            let mut random = OsRandom;
            let hash = self.hash_names.then_some(&mut random as &mut dyn SecureRandom);
            let edited = edit::replace(&text, &names, keys, hash)
                .map_err(|error| Error::HostKey(format!("cannot store the new keys of {host}: {error}")))?;
            if edited.text != text {
                file::replace_known_hosts(path, &edited.text).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Whether the user wants it, too.
    pub(super) fn consents(&mut self, host: &str, changes: &HostKeyChanges) -> bool {
        self.update == UpdateHostKeys::Yes || self.confirm(&host_key_update_question(host, changes))
    }
}
