//! What carries the bytes.

#[cfg(unix)]
mod channel;
#[cfg(unix)]
mod fd;
#[cfg(any(windows, test))]
#[cfg_attr(not(windows), allow(unreachable_pub, reason = "there only its tests use it"))]
mod tcp;

use std::io;
use std::net::TcpStream;
use std::time::Duration;

#[cfg(unix)]
pub(crate) use channel::ChannelTransport;
#[cfg(unix)]
pub use fd::{FdTransport, acknowledge_quickly, set_traffic_class};
#[cfg(windows)]
pub use tcp::TcpTransport;

/// A two-way stream of bytes that can be waited for: a socket, a pair of pipes, memory.
///
/// Reading and writing never sleep; only [`wait`](Self::wait) does, and it is called without any lock held. Several
/// threads may call at once.
pub trait Transport: Send + Sync {
    /// Reads what is there. 0 is the end of the stream.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if nothing is there; anything else is final.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes what fits.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if nothing fits; anything else is final.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Sleeps until something of `interest` is possible, [`wake`](Self::wake) is called, or `timeout` has passed. It may
    /// return early for no reason.
    ///
    /// # Errors
    /// If waiting itself is not possible.
    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<()>;

    /// Ends a [`wait`](Self::wait) that is going on in another thread, or the next one.
    fn wake(&self);

    /// Marks what is sent from now on with a class of traffic (`IPQoS`, RFC 2474). Only a network knows classes: by default
    /// nothing happens.
    fn set_traffic_class(&self, class: u8) {
        let _ = class;
    }

    /// Says that nothing more will be written or read. The other side sees the end of the stream.
    fn shutdown(&self);
}

/// What a [`Transport::wait`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Bytes to read, or the end of the stream.
    pub read: bool,
    /// Room to write.
    pub write: bool,
}

/// A TCP connection.
pub(crate) fn over_tcp(stream: TcpStream) -> io::Result<impl Transport + 'static> {
    #[cfg(unix)]
    return FdTransport::tcp(stream);
    #[cfg(windows)]
    TcpTransport::new(stream)
}
