//! A server to embed: who comes in, who is served, and how it ends.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use ssh_core::adapter::host_keys;
use ssh_core::admission::{Admission, AdmissionPolicy, Counters, Refusal};
use ssh_core::key::PrivateKey;
use ssh_core::{CloseReason, ServerConfig};

use crate::guest::Door;
use crate::runtime::{Runtime, sleep_until};
use crate::server::{Handler, serve_guest};
use crate::{Error, Result};

/// How long to wait before accepting again when descriptors or memory have run out.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(50);

/// How long connections have to say goodbye once a shutdown waits no longer.
const GOODBYE: Duration = Duration::from_secs(3);

/// What happened at a listener's door.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Metric {
    /// A client was turned away.
    Refused {
        /// Who.
        peer: SocketAddr,
        /// Why.
        refusal: Refusal,
    },
    /// A client was let in.
    Admitted {
        /// Who.
        peer: SocketAddr,
    },
    /// A user has logged in.
    Authenticated {
        /// Who.
        peer: SocketAddr,
        /// How long it took.
        after: Duration,
    },
    /// A connection is over.
    Closed {
        /// Who.
        peer: SocketAddr,
        /// How long it lasted.
        after: Duration,
        /// How it ended.
        reason: CloseReason,
    },
}

/// Accepts connections and serves each in a task of its own.
///
/// ```no_run
/// # use ssh_async::{Handler, Listener, Tokio};
/// # use ssh_async::ssh_core::key::PrivateKey;
/// # async fn example(handler: impl Handler, host_key: PrivateKey) -> ssh_async::Result<()> {
/// let listener = Listener::bind(Tokio, "[::]:2222".parse().unwrap(), vec![host_key]).await?;
/// let control = listener.control();
/// // .. control.shut_down(Duration::from_secs(30)) from elsewhere ..
/// listener.serve(handler).await;
/// # Ok(())
/// # }
/// ```
pub struct Listener<T: Runtime> {
    runtime: T,
    socket: T::Listener,
    config: Arc<ServerConfig>,
    keys: Arc<[PrivateKey]>,
    door: Arc<Door>,
}

/// Watches a [`Listener`] from elsewhere, and shuts it down.
#[derive(Clone)]
pub struct Control {
    door: Arc<Door>,
}

impl Control {
    /// What came in so far, and what is there now.
    pub fn counters(&self) -> Counters {
        self.door.with(|state, _| state.admission.counters())
    }

    /// Listens no more. Connections without a channel end at once and are told why, the others with their last channel,
    /// or after `grace`, whichever comes first. [`Listener::serve`] returns when all are gone. The first call decides.
    pub fn shut_down(&self, grace: Duration) {
        let (connections, waiter) = self.door.with(|state, _| {
            state.admission.drain();
            let until = Instant::now() + grace;
            state.shutdown.get_or_insert(until);
            (state.connections.values().cloned().collect::<Vec<_>>(), state.waiter.take())
        });
        for connection in connections {
            connection.drain();
        }
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

impl<T: Runtime> Listener<T> {
    /// Listens on `address`, to serve with the host keys `keys`.
    ///
    /// # Errors
    /// [`Error::Connect`] if the address cannot be had.
    pub async fn bind(runtime: T, address: SocketAddr, keys: Vec<PrivateKey>) -> Result<Self> {
        let config = ServerConfig::new(keys.iter().map(|key| key.public_key().clone()).collect());
        Self::with_config(runtime, address, config, keys).await
    }

    /// Listens on `address` with a configuration, whose host keys are replaced by those of `keys`; certificates of them
    /// stay.
    ///
    /// # Errors
    /// [`Error::Connect`] if the address cannot be had.
    pub async fn with_config(
        runtime: T,
        address: SocketAddr,
        mut config: ServerConfig,
        keys: Vec<PrivateKey>,
    ) -> Result<Self> {
        config.host_keys = host_keys(&config.host_keys, &keys);
        let socket = runtime.bind(address).await;
        let socket = socket.map_err(|error| Error::Connect { target: address.to_string(), error })?;
        let door = new_door(AdmissionPolicy::default());
        Ok(Self { runtime, socket, config: Arc::new(config), keys: keys.into(), door })
    }

    /// Sets who is let in. To be called before anything else is asked of the listener.
    #[must_use]
    pub fn admission(mut self, policy: AdmissionPolicy) -> Self {
        self.door = new_door(policy);
        self
    }

    /// Sets who is told what happens, from within the tasks it happens in: it must not block.
    pub fn on_metric(&self, hook: impl Fn(&Metric) + Send + Sync + 'static) {
        self.door.with(|state, _| state.metrics = Arc::new(hook));
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.runtime.local_addr(&self.socket)
    }

    /// What watches it and shuts it down.
    pub fn control(&self) -> Control {
        Control { door: Arc::clone(&self.door) }
    }

    /// Serves until it is shut down. What goes wrong on one connection ends that connection. Dropping the future stops
    /// accepting; connections that are being served go on.
    pub async fn serve<H: Handler>(self, handler: H) {
        let handler = Arc::new(handler);
        while let Some(accepted) = self.until_shutdown(self.runtime.accept(&self.socket)).await {
            match accepted {
                Ok((stream, peer)) => self.receive(stream, peer, &handler),
                Err(error) if is_passing(&error) => {}
                // Out of descriptors, most likely. It ends when connections do; clients wait in the queue meanwhile.
                Err(_) => sleep_until(self.runtime.timer(), Instant::now() + SHORTAGE_PAUSE).await,
            }
        }
        let Self { runtime, socket, door, .. } = self;
        // Who knocks now is told so by the system.
        drop(socket);
        drain(&runtime, &door).await;
    }

    fn receive<H: Handler>(&self, stream: T::Stream, peer: SocketAddr, handler: &Arc<H>) {
        let admitted = self.door.admit(peer);
        let metrics = self.door.with(|state, _| Arc::clone(&state.metrics));
        let mut guest = match admitted {
            Ok(guest) => guest,
            Err(refusal) => return metrics(&Metric::Refused { peer, refusal }),
        };
        metrics(&Metric::Admitted { peer });
        let (config, keys, handler) = (Arc::clone(&self.config), Arc::clone(&self.keys), Arc::clone(handler));
        let timer = self.runtime.timer();
        self.runtime.spawn(async move {
            let name = peer.to_string();
            // The handler hears how it ended, and a configuration that cannot work fails for everybody.
            let _ = serve_guest(stream, timer, &name, config, &keys, &*handler, &mut guest).await;
        });
    }

    /// What `future` says, unless a shutdown comes first.
    async fn until_shutdown<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        std::future::poll_fn(|cx| {
            let stopping = self.door.with(|state, _| {
                state.waiter = Some(cx.waker().clone());
                state.shutdown.is_some()
            });
            if stopping { Poll::Ready(None) } else { future.as_mut().poll(cx).map(Some) }
        })
        .await
    }
}

/// Waits until everybody has left, and sends the rest away when the time is over.
async fn drain<T: Runtime>(runtime: &T, door: &Door) {
    let shutdown = door.with(|state, _| state.shutdown);
    if all_gone_by(runtime, door, shutdown.unwrap_or_else(Instant::now)).await {
        return;
    }
    for connection in door.with(|state, _| state.connections.values().cloned().collect::<Vec<_>>()) {
        connection.disconnect("the server is shutting down");
    }
    all_gone_by(runtime, door, Instant::now() + GOODBYE).await;
}

async fn all_gone_by<T: Runtime>(runtime: &T, door: &Door, until: Instant) -> bool {
    let mut timeout = pin!(sleep_until(runtime.timer(), until));
    std::future::poll_fn(|cx| {
        let open = door.with(|state, _| {
            state.waiter = Some(cx.waker().clone());
            state.admission.counters().open
        });
        if open == 0 { Poll::Ready(true) } else { timeout.as_mut().poll(cx).map(|()| false) }
    })
    .await
}

fn new_door(policy: AdmissionPolicy) -> Arc<Door> {
    // One processor is left to those who are in.
    let turns = std::thread::available_parallelism().map_or(1, |processors| processors.get() - 1);
    Arc::new(Door::new(Admission::new(policy), turns))
}

/// Errors of `accept` that concern one client only.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
