//! A server loop to embed.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ssh_core::ServerConfig;
use ssh_core::adapter::host_keys;
use ssh_core::admission::{Admission, AdmissionPolicy, Counters};
use ssh_core::key::PrivateKey;

use crate::error::{Error, Result};
use crate::guest::Door;
use crate::server::{Handler, serve_guest};
use crate::transport::over_tcp;

/// Most connections at once unless the admission policy says otherwise: each has a thread.
const MAX_THREADS: usize = 256;

/// Accepts TCP connections and serves each on a thread of its own.
pub struct Listener {
    socket: TcpListener,
    config: Arc<ServerConfig>,
    keys: Arc<[PrivateKey]>,
    door: Door,
    stop: Arc<AtomicBool>,
}

/// Stops a [`Listener`] from another thread.
#[derive(Clone, Debug)]
pub struct Stopper {
    stop: Arc<AtomicBool>,
    address: SocketAddr,
}

impl Stopper {
    /// Lets [`Listener::serve`] return. Connections that are being served go on.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        // A connection of our own ends the wait for one.
        let _ = std::net::TcpStream::connect(self.address);
    }
}

impl Listener {
    /// Listens on `address`, to serve with the host keys `keys`.
    ///
    /// # Errors
    /// [`Error::Connect`] if the address cannot be had.
    pub fn bind(address: impl ToSocketAddrs, keys: Vec<PrivateKey>) -> Result<Self> {
        let config = ServerConfig::new(keys.iter().map(|key| key.public_key().clone()).collect());
        Self::with_config(address, config, keys)
    }

    /// Listens on `address` with a configuration, whose host keys are replaced by those of `keys`; certificates of them
    /// stay.
    ///
    /// # Errors
    /// [`Error::Connect`] if the address cannot be had.
    pub fn with_config(address: impl ToSocketAddrs, mut config: ServerConfig, keys: Vec<PrivateKey>) -> Result<Self> {
        config.host_keys = host_keys(&config.host_keys, &keys);
        let mut policy = AdmissionPolicy::default();
        policy.max_connections = MAX_THREADS;
        let socket = TcpListener::bind(address)
            .map_err(|error| Error::Connect { target: "an address to listen on".into(), error })?;
        Ok(Self {
            socket,
            config: Arc::new(config),
            keys: keys.into(),
            door: Door::new(Admission::new(policy)),
            stop: Arc::new(AtomicBool::new(false)),
        })
    }

    /// Sets who is let in. The default is [`AdmissionPolicy`]'s with 256 connections: each has a thread.
    #[must_use]
    pub fn admission(mut self, policy: AdmissionPolicy) -> Self {
        self.door = Door::new(Admission::new(policy));
        self
    }

    /// What came in so far, and what is there now.
    pub fn counters(&self) -> Counters {
        self.door.with(|admission, _| admission.counters())
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// What stops it.
    ///
    /// # Errors
    /// If the system does not say where it listens.
    pub fn stopper(&self) -> io::Result<Stopper> {
        Ok(Stopper { stop: Arc::clone(&self.stop), address: self.local_addr()? })
    }

    /// Serves until stopped. What goes wrong on one connection ends that connection.
    pub fn serve<H: Handler>(&self, handler: &Arc<H>) {
        loop {
            let (stream, peer) = match self.socket.accept() {
                Ok(accepted) => accepted,
                Err(error) if is_passing(&error) => continue,
                Err(_) => {
                    // Out of descriptors, most likely. It ends when connections do; clients wait in the queue meanwhile.
                    std::thread::sleep(SHORTAGE_PAUSE);
                    continue;
                }
            };
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            let Ok(guest) = self.door.admit(peer.ip()) else { continue };
            let (config, keys, handler) = (Arc::clone(&self.config), Arc::clone(&self.keys), Arc::clone(handler));
            let serve = move || {
                if let Ok(transport) = over_tcp(stream) {
                    // The handler hears how it ended; a transport that fails is the end of one client.
                    let _ = serve_guest(transport, &peer.to_string(), config, keys, &handler, Some(guest));
                }
            };
            // Out of threads: this client is turned away, the next may be served.
            let _ = std::thread::Builder::new().name("ssh-connection".into()).spawn(serve);
        }
    }
}

/// Errors of `accept` that concern one client only.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// How long to wait before accepting again when descriptors or memory have run out.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(50);
