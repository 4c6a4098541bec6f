//! What a runtime has to offer: streams, a timer, tasks.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};

use crate::{Error, Result};

/// A timer that can be set again.
pub trait Timer: Send {
    /// Sets when it is to fire; an earlier setting is forgotten.
    fn reset(self: Pin<&mut Self>, deadline: Instant);

    /// Ready once the time has come.
    fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
}

/// A runtime: `Tokio` and `Smol` are here, behind features of their names; yours takes some thirty lines.
///
/// Without any, [`Connector::start`](crate::Connector::start) and [`serve_connection`](crate::serve_connection) take a
/// stream and a [`Timer`].
pub trait Runtime: Clone + Send + Sync + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// What accepts connections.
    type Listener: Send + Sync + 'static;

    /// Connects to a host, at whichever of its addresses answers.
    fn connect(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Makes a connection of its own of one that is there already, and has options that no runtime knows.
    ///
    /// # Errors
    /// If the socket cannot be made non-blocking, or be watched.
    fn adopt_tcp(&self, stream: std::net::TcpStream) -> io::Result<Self::Stream>;

    /// The same for a Unix socket, at whose other end is a command (`ProxyCommand`).
    ///
    /// # Errors
    /// As [`adopt_tcp`](Self::adopt_tcp).
    #[cfg(unix)]
    fn adopt_unix(
        &self,
        stream: std::os::unix::net::UnixStream,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static>;

    /// Listens on an address.
    fn bind(&self, address: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// The address that is listened on.
    fn local_addr(&self, listener: &Self::Listener) -> io::Result<SocketAddr>;

    /// Waits for a connection. Must be cancel safe.
    fn accept(&self, listener: &Self::Listener) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

    /// Whom a connection is with.
    ///
    /// # Errors
    /// If it is over already.
    fn peer_addr(stream: &Self::Stream) -> io::Result<SocketAddr>;

    /// Called after `n` bytes were read from a stream that [`connect`](Self::connect) made.
    fn after_read(stream: &Self::Stream, n: usize) {
        let _ = (stream, n);
    }

    /// A timer that is not set.
    fn timer(&self) -> Pin<Box<dyn Timer>>;

    /// Runs a task.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);
}

/// A runtime that can use streams of this type as transports.
pub trait Adopt<S>: Runtime {
    /// What it makes of such a stream.
    type Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Makes a transport of a stream.
    fn adopt(&self, stream: S) -> Self::Transport;
}

/// How long something may take.
pub(crate) struct TimeLimit {
    timer: Pin<Box<dyn Timer>>,
    what: &'static str,
    after: Duration,
    deadline: Instant,
}

impl TimeLimit {
    /// From now on.
    #[cfg(unix)]
    pub(crate) fn new(timer: Pin<Box<dyn Timer>>, what: &'static str, after: Duration) -> Self {
        Self { timer, what, after, deadline: Instant::now() + after }
    }

    pub(crate) fn extend(&mut self, by: Duration) {
        self.deadline += by;
    }

    /// Waits for `future`, but no longer than `limit` allows.
    pub(crate) async fn heed<F: Future>(limit: &mut Option<Self>, future: F) -> Result<F::Output> {
        let mut future = pin!(future);
        let Some(Self { timer, what, after, deadline }) = limit else { return Ok(future.await) };
        timer.as_mut().reset(*deadline);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => timer.as_mut().poll_elapsed(cx).map(|()| Err(Error::Timeout { what, after: *after })),
        })
        .await
    }
}

/// Waits until `deadline`.
pub(crate) async fn sleep_until(mut timer: Pin<Box<dyn Timer>>, deadline: Instant) {
    timer.as_mut().reset(deadline);
    poll_fn(|cx| timer.as_mut().poll_elapsed(cx)).await;
}
