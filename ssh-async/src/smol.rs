//! smol.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_io::{AsyncRead, AsyncWrite};
use smol::net::{TcpListener, TcpStream};

use crate::runtime::{Adopt, Runtime, Timer};

/// The smol runtime: its global executor and its reactor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Runtime for Smol {
    type Stream = TcpStream;
    type Listener = TcpListener;

    async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn adopt_tcp(&self, stream: std::net::TcpStream) -> io::Result<TcpStream> {
        stream.set_nodelay(true)?;
        stream.try_into()
    }

    #[cfg(unix)]
    fn adopt_unix(
        &self,
        stream: std::os::unix::net::UnixStream,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static> {
        smol::Async::new(stream)
    }

    async fn bind(&self, address: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind(address).await
    }

    fn local_addr(&self, listener: &TcpListener) -> io::Result<SocketAddr> {
        listener.local_addr()
    }

    async fn accept(&self, listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, peer))
    }

    fn peer_addr(stream: &TcpStream) -> io::Result<SocketAddr> {
        stream.peer_addr()
    }

    #[cfg(unix)]
    fn after_read(stream: &TcpStream, n: usize) {
        ssh_blocking::transport::acknowledge_quickly(stream, n);
    }

    fn timer(&self) -> Pin<Box<dyn Timer>> {
        Box::pin(SmolTimer(smol::Timer::never()))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(task).detach();
    }
}

/// Everything with the traits of `futures-io`.
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Adopt<S> for Smol {
    type Transport = S;

    fn adopt(&self, stream: S) -> S {
        stream
    }
}

struct SmolTimer(smol::Timer);

impl Timer for SmolTimer {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.0.set_at(deadline);
    }

    fn poll_elapsed(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(|_| ())
    }
}
