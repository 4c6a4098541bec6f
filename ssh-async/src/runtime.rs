//! What a runtime has to offer: streams, a timer, tasks.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_io::{AsyncRead, AsyncWrite};

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

    /// Listens on an address.
    fn bind(&self, address: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// The address that is listened on.
    fn local_addr(&self, listener: &Self::Listener) -> io::Result<SocketAddr>;

    /// Waits for a connection. Must be cancel safe.
    fn accept(&self, listener: &Self::Listener) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

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

/// Waits until `deadline`.
pub(crate) async fn sleep_until(mut timer: Pin<Box<dyn Timer>>, deadline: Instant) {
    timer.as_mut().reset(deadline);
    std::future::poll_fn(|cx| timer.as_mut().poll_elapsed(cx)).await;
}
