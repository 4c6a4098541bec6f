//! Whom to trust: the decision about a server's host key.

use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ssh_blocking::KnownHostsPolicy;
use ssh_core::files::known_hosts::HostKeyChanges;
use ssh_core::key::PublicKey;

use crate::Result;

/// Decides about a server's host key. There is no implementation that trusts everybody; a test that wants one writes it.
pub trait HostKeyPolicy: Send {
    /// Whether `key` is the key of `host`. The server has proven that it holds it.
    ///
    /// # Errors
    /// [`Error::HostKey`](crate::Error::HostKey) with the reason, if it is not or nobody knows.
    fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> impl Future<Output = Result<()>> + Send;

    /// Tells where the host was reached, before its key is known. Only a connection over TCP has an address.
    fn reached(&mut self, address: IpAddr) -> impl Future<Output = ()> + Send {
        let _ = address;
        async {}
    }

    /// Whether [`check`](Self::check) let a host pass that is known by another key: then it is not to learn a password.
    fn accepted_changed_key(&mut self) -> impl Future<Output = bool> + Send {
        async { false }
    }

    /// Key types the host is known by: its proof with one of them is asked for first.
    fn known_key_types(&mut self, host: &str, port: u16) -> impl Future<Output = Vec<String>> + Send {
        let _ = (host, port);
        async { Vec::new() }
    }

    /// What there is to learn and to forget, now that the host that was [checked](Self::check) has announced its keys;
    /// `None`: nothing, or nobody wants to (`UpdateHostKeys`).
    fn host_key_changes(
        &mut self,
        host: &str,
        port: u16,
        announced: &[PublicKey],
    ) -> impl Future<Output = Option<HostKeyChanges>> + Send {
        let _ = (host, port, announced);
        async { None }
    }

    /// Makes `announced` the keys of the host. It has proven the new ones among them.
    fn replace_host_keys(
        &mut self,
        host: &str,
        port: u16,
        announced: &[PublicKey],
        changes: &HostKeyChanges,
    ) -> impl Future<Output = ()> + Send {
        let _ = (host, port, announced, changes);
        async {}
    }

    /// Tells that the host has not proven that it holds the new keys: nothing is to be learnt.
    fn host_keys_not_proven(&mut self, host: &str, changes: &HostKeyChanges) -> impl Future<Output = ()> + Send {
        let _ = (host, changes);
        async {}
    }
}

/// The host has this key and no other.
impl HostKeyPolicy for PublicKey {
    async fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()> {
        ssh_blocking::HostKeyPolicy::check(self, host, port, key)
    }

    async fn known_key_types(&mut self, host: &str, port: u16) -> Vec<String> {
        ssh_blocking::HostKeyPolicy::known_key_types(self, host, port)
    }
}

/// A policy of the blocking adapter's, such as [`KnownHostsPolicy`], or somebody who answers there: it reads files and may
/// ask a person, and so it runs on a thread of its own.
///
/// ```
/// use ssh_async::{Connector, KnownHostsPolicy, OnThread, StrictHostKeyChecking};
///
/// let policy = KnownHostsPolicy::new(vec!["known_hosts".into()]).mode(StrictHostKeyChecking::AcceptNew);
/// let connector = Connector::new().host_keys(OnThread::new(policy));
/// ```
pub struct OnThread<P = KnownHostsPolicy>(Arc<Mutex<P>>);

impl<P: Send + 'static> OnThread<P> {
    /// Has `policy` decide, on a thread.
    pub fn new(policy: P) -> Self {
        Self(Arc::new(Mutex::new(policy)))
    }

    pub(crate) async fn ask<T: Send + 'static>(&self, ask: impl FnOnce(&mut P) -> T + Send + 'static) -> T {
        let policy = Arc::clone(&self.0);
        blocking::unblock(move || ask(&mut policy.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

impl<P: ssh_blocking::HostKeyPolicy + Send + 'static> HostKeyPolicy for OnThread<P> {
    async fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<()> {
        let (host, key) = (host.to_owned(), key.clone());
        self.ask(move |policy| policy.check(&host, port, &key)).await
    }

    async fn reached(&mut self, address: IpAddr) {
        self.ask(move |policy| policy.reached(address)).await;
    }

    async fn accepted_changed_key(&mut self) -> bool {
        self.ask(|policy| policy.accepted_changed_key()).await
    }

    async fn known_key_types(&mut self, host: &str, port: u16) -> Vec<String> {
        let host = host.to_owned();
        self.ask(move |policy| policy.known_key_types(&host, port)).await
    }

    async fn host_key_changes(&mut self, host: &str, port: u16, announced: &[PublicKey]) -> Option<HostKeyChanges> {
        let (host, announced) = (host.to_owned(), announced.to_vec());
        self.ask(move |policy| policy.host_key_changes(&host, port, &announced)).await
    }

    async fn replace_host_keys(&mut self, host: &str, port: u16, announced: &[PublicKey], changes: &HostKeyChanges) {
        let (host, announced, changes) = (host.to_owned(), announced.to_vec(), changes.clone());
        self.ask(move |policy| policy.replace_host_keys(&host, port, &announced, &changes)).await;
    }

    async fn host_keys_not_proven(&mut self, host: &str, changes: &HostKeyChanges) {
        let (host, changes) = (host.to_owned(), changes.clone());
        self.ask(move |policy| policy.host_keys_not_proven(&host, &changes)).await;
    }
}
