//! Reaching the server: TCP, key exchange, host key.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ssh_async::ssh_core::files::known_hosts::HostKeyChanges;
use ssh_async::ssh_core::files::ssh_config::Proxy;
use ssh_async::ssh_core::key::PublicKey;
use ssh_async::{Connector, Error, HostKeyPolicy, OnThread, Runtime, Session};

use crate::common::within;
use crate::shared::log;
use crate::shared::peer;
use crate::shared::plan::Plan;

/// Connects and exchanges keys. The error is a line for the user.
pub(crate) async fn connect<T: Runtime>(runtime: &T, plan: &Plan) -> Result<Session, String> {
    if plan.configured.resolved().proxy.value != Proxy::None {
        return Err(format!("{}: proxies and jump hosts are not built in here; the program ssh has them", plan.host));
    }
    let (host, port) = (plan.host.as_str(), plan.settings.port);
    let timeout = plan.configured.connect_timeout();
    let started = Instant::now();
    let host_keys = HostKeys::new(plan).map_err(|error| error.to_string())?;
    let proven = Arc::clone(&host_keys.proven);
    let config = plan.configured.client_config().map_err(|error| error.to_string())?;
    let connector = Connector::new().config(config).host_keys(host_keys);
    log::debug(format_args!("connecting to {host} port {port}"));
    let connecting = async {
        let stream = runtime.connect(host, port).await;
        let stream = stream.map_err(|error| Error::Connect { target: format!("{host} port {port}"), error })?;
        connector.start(stream, runtime.timer(), host, port).await
    };
    let too_long = || format!("{host} port {port}: connecting took longer than {timeout:?}");
    let connected = within(runtime, timeout, connecting).await.ok_or_else(too_long)?;
    let (connecting, driver) = connected.map_err(|error| in_context(host, port, &error))?;
    log::debug(format_args!("connected to {host} port {port}"));
    runtime.spawn(async {
        driver.await;
    });
    let left = timeout.saturating_sub(started.elapsed());
    let mut finish = pin!(connecting.finish());
    let session = match within(runtime, left, &mut finish).await {
        Some(session) => session,
        // A person who is asked about the host key takes the time it takes.
        None if proven.load(Ordering::Relaxed) => finish.await,
        None => return Err(too_long()),
    };
    let session = session.map_err(|error| in_context(host, port, &error))?;
    peer::debug_agreement(session.peer_identification(), session.negotiated());
    Ok(session)
}

/// An error with the host it is about.
pub(crate) fn in_context(host: &str, port: u16, error: &Error) -> String {
    match error {
        // They name the host themselves.
        Error::Connect { .. } | Error::HostKey(_) | Error::File { .. } => error.to_string(),
        _ => format!("{host} port {port}: {error}"),
    }
}

/// Known hosts, with a debug line about what the server showed.
struct HostKeys {
    known: OnThread,
    /// The server has proven which key it has.
    proven: Arc<AtomicBool>,
}

impl HostKeys {
    fn new(plan: &Plan) -> ssh_async::Result<Self> {
        Ok(Self { known: OnThread::new(plan.configured.host_keys()?), proven: Arc::default() })
    }
}

impl HostKeyPolicy for HostKeys {
    async fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> ssh_async::Result<()> {
        self.proven.store(true, Ordering::Relaxed);
        peer::debug_host_key(key);
        self.known.check(host, port, key).await
    }

    async fn accepted_changed_key(&mut self) -> bool {
        self.known.accepted_changed_key().await
    }

    async fn known_key_types(&mut self, host: &str, port: u16) -> Vec<String> {
        self.known.known_key_types(host, port).await
    }

    async fn host_key_changes(&mut self, host: &str, port: u16, announced: &[PublicKey]) -> Option<HostKeyChanges> {
        self.known.host_key_changes(host, port, announced).await
    }

    async fn replace_host_keys(&mut self, host: &str, port: u16, announced: &[PublicKey], changes: &HostKeyChanges) {
        self.known.replace_host_keys(host, port, announced, changes).await;
    }

    async fn host_keys_not_proven(&mut self, host: &str, changes: &HostKeyChanges) {
        self.known.host_keys_not_proven(host, changes).await;
    }
}
