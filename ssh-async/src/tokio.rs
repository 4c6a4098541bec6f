//! Tokio: the runtime, its streams as transports, and its traits on the streams of channels.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ::tokio::net::{TcpListener, TcpStream};
use ::tokio::time::Sleep;
use ssh_core::Role;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use crate::channel::{ChannelReader, ChannelStream, async_write};
use crate::runtime::{Adopt, Runtime, Timer};

/// The tokio runtime, of whichever flavour the caller is in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

impl Runtime for Tokio {
    type Stream = Compat<TcpStream>;
    type Listener = TcpListener;

    async fn connect(&self, host: &str, port: u16) -> io::Result<Self::Stream> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream.compat())
    }

    fn adopt_tcp(&self, stream: std::net::TcpStream) -> io::Result<Self::Stream> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(TcpStream::from_std(stream)?.compat())
    }

    #[cfg(unix)]
    fn adopt_unix(
        &self,
        stream: std::os::unix::net::UnixStream,
    ) -> io::Result<impl futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send + 'static> {
        stream.set_nonblocking(true)?;
        Ok(::tokio::net::UnixStream::from_std(stream)?.compat())
    }

    async fn bind(&self, address: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind(address).await
    }

    fn local_addr(&self, listener: &TcpListener) -> io::Result<SocketAddr> {
        listener.local_addr()
    }

    async fn accept(&self, listener: &TcpListener) -> io::Result<(Self::Stream, SocketAddr)> {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream.compat(), peer))
    }

    fn peer_addr(stream: &Self::Stream) -> io::Result<SocketAddr> {
        stream.get_ref().peer_addr()
    }

    #[cfg(unix)]
    fn after_read(stream: &Self::Stream, n: usize) {
        ssh_blocking::transport::acknowledge_quickly(stream.get_ref(), n);
    }

    fn timer(&self) -> Pin<Box<dyn Timer>> {
        Box::pin(TokioTimer(None))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        ::tokio::spawn(task);
    }
}

/// Everything with tokio's traits.
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Adopt<S> for Tokio {
    type Transport = Compat<S>;

    fn adopt(&self, stream: S) -> Compat<S> {
        stream.compat()
    }
}

/// Made at its first setting: most connections never need it.
struct TokioTimer(Option<Pin<Box<Sleep>>>);

impl Timer for TokioTimer {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().reset(deadline.into()),
            None => self.0 = Some(Box::pin(::tokio::time::sleep_until(deadline.into()))),
        }
    }

    fn poll_elapsed(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
    }
}

fn read<R: Role>(
    reader: &mut ChannelReader<R>,
    cx: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    let n = ready!(reader.poll_read_some(cx, buffer.initialize_unfilled()))?;
    buffer.advance(n);
    Poll::Ready(Ok(()))
}

impl<R: Role> AsyncRead for ChannelReader<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        read(&mut self, cx, buffer)
    }
}

impl<R: Role> AsyncRead for ChannelStream<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        read(&mut self.reader, cx, buffer)
    }
}

async_write!(AsyncWrite, poll_shutdown, ChannelWriter, ChannelStream);
