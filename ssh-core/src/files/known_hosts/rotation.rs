//! What a server's announcement of its keys changes in a user's files (OpenSSH's `PROTOCOL` §2.5, `UpdateHostKeys`).

use alloc::vec::Vec;

use super::{Entry, Hosts, KnownHosts, host_name};
use crate::key::PublicKey;

/// What a user's files have to learn and to forget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostKeyChanges {
    /// Keys that no file has for the host. The server has to prove that it holds them.
    pub new: Vec<PublicKey>,
    /// Keys that the files have for the host, and that the server has no more.
    pub old: Vec<PublicKey>,
}

/// Why a host's keys are left as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostKeysStay {
    /// There is nothing to learn and nothing to forget.
    UpToDate,
    /// The server announced nothing that could be used.
    NothingAnnounced,
    /// Lines about the host have a marker, wildcards, exceptions, or more than a name and an address: other hosts could be
    /// concerned.
    NotPlain,
    /// One of the keys belongs to another host as well, or the host's address to another name.
    OtherHost,
}

impl KnownHosts {
    /// Compares the keys that a server has announced with those that a user's `files` have for it. `address` is present if
    /// it is checked beside the name (`CheckHostIP`). It is for hosts that one of these files vouches for, and for nobody
    /// else.
    ///
    /// ```
    /// use ssh_core::files::known_hosts::{KnownHosts, edit};
    /// use ssh_core::key::PublicKey;
    ///
    /// # use ssh_core::key::PublicKeyLine;
    /// # const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFyGAREzAVLLeCaOdMWyeaVoQvhXm3thSbSmqZtcIIYy";
    /// # const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJIb1/7SS3gv9h4fHJwZHunUZvlVOwYPOQo2x+BldFM";
    /// # let key = |line: &str| PublicKeyLine::parse(line.as_bytes()).map(|line| line.key);
    /// # let (one, two) = (key(ONE)?, key(TWO)?);
    /// # let text = format!("host {ONE}\n").into_bytes();
    /// // The host is known by `one`, and `ClientEvent::HostKeys` has come.
    /// let announced: Vec<PublicKey> = vec![one, two.clone()];
    /// let changes = KnownHosts::host_key_changes([&KnownHosts::parse(&text)], "host", None, 22, &announced)
    ///     .map_err(|stay| format!("nothing to do: {stay:?}"))?;
    /// assert_eq!((&changes.new[..], &changes.old[..]), (&[two][..], &[][..]));
    /// // `Client::prove_host_keys(&changes.new)`, and once `ClientEvent::HostKeysProven` says yes:
    /// let text = edit::replace(&text, &["host"], &announced, None)?.text;
    /// assert_eq!(text, format!("host {ONE}\nhost {TWO}\n").into_bytes());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostKeysStay`]: why nothing is to be done.
    pub fn host_key_changes<'a>(
        files: impl IntoIterator<Item = &'a Self>,
        host: &str,
        address: Option<&str>,
        port: u16,
        announced: &[PublicKey],
    ) -> Result<HostKeyChanges, HostKeysStay> {
        if announced.is_empty() {
            return Err(HostKeysStay::NothingAnnounced);
        }
        let name = host_name(host, port);
        let address = address.map(|address| host_name(address, port));
        let entries = files.into_iter().flat_map(|file| &file.entries);
        let covers_address = |entry: &Entry| address.as_ref().is_some_and(|address| entry.hosts.cover(address));
        let (about, others): (Vec<&Entry>, Vec<&Entry>) =
            entries.partition(|entry| entry.hosts.cover(&name) || covers_address(entry));
        let known = |key: &PublicKey| about.iter().any(|entry| entry.key == *key);
        let new: Vec<_> = announced.iter().filter(|key| !known(key)).cloned().collect();
        let mut old: Vec<PublicKey> = Vec::new();
        for entry in about.iter().filter(|entry| entry.marker.is_none() && !announced.contains(&entry.key)) {
            if !old.contains(&entry.key) {
                old.push(entry.key.clone());
            }
        }
        if new.is_empty() && old.is_empty() {
            return Err(HostKeysStay::UpToDate);
        }
        if about.iter().any(|entry| entry.marker.is_some() || !entry.hosts.are_plain()) {
            return Err(HostKeysStay::NotPlain);
        }
        // A line that names both halves has to have both right.
        let half = |entry: &&Entry| {
            address.is_some() && entry.hosts.count() > 1 && !(entry.hosts.cover(&name) && covers_address(entry))
        };
        let elsewhere = |entry: &&Entry| announced.contains(&entry.key) || old.contains(&entry.key);
        if about.iter().any(half) || others.iter().any(elsewhere) {
            return Err(HostKeysStay::OtherHost);
        }
        Ok(HostKeyChanges { new, old })
    }
}

impl Hosts {
    /// Whether it is a name, perhaps with an address: what programs write.
    fn are_plain(&self) -> bool {
        let is_pattern = matches!(self, Self::Patterns(list) if list.iter().any(|byte| b"*?!".contains(byte)));
        !is_pattern && self.count() <= 2
    }

    fn count(&self) -> usize {
        match self {
            Self::Patterns(list) => list.split(|&byte| byte == b',').count(),
            Self::Hashed { .. } => 1,
        }
    }
}
