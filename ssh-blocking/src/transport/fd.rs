//! File descriptors: sockets, pipes, standard input and output.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{AddressFamily, Shutdown, shutdown};

use super::{Interest, Transport};

/// A pair of file descriptors, which may be the same thing twice.
///
/// They are switched to non-blocking mode. That mode belongs to the open file, not to the descriptor: another process
/// that shares the file sees it too.
#[derive(Debug)]
pub struct FdTransport {
    input: OwnedFd,
    output: OwnedFd,
    is_socket: bool,
    is_tcp: bool,
    waker: Waker,
}

impl FdTransport {
    /// A connection that reads from one descriptor and writes to another.
    ///
    /// # Errors
    /// If the descriptors cannot be made non-blocking, or there are no more descriptors for a waker.
    pub fn new(input: OwnedFd, output: OwnedFd) -> io::Result<Self> {
        never_block([&input, &output])?;
        let waker = Waker::new()?;
        Ok(Self { input, output, is_socket: false, is_tcp: false, waker })
    }

    /// A TCP connection, with Nagle's algorithm off: packets of an interactive session must not wait for each other.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let mut transport = Self::socket(stream.into())?;
        transport.is_tcp = true;
        Ok(transport)
    }

    /// A connection over a Unix socket.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn unix(stream: UnixStream) -> io::Result<Self> {
        Self::socket(stream.into())
    }

    fn socket(fd: OwnedFd) -> io::Result<Self> {
        let mut transport = Self::new(fd.try_clone()?, fd)?;
        transport.is_socket = true;
        Ok(transport)
    }
}

/// To be called after a read of `n` bytes from a TCP connection: acknowledges small pieces at once.
///
/// Some servers write the end of the login in two small segments with Nagle's algorithm on, and the second waits for the
/// acknowledgement of the first: 40 ms, without this. Only Linux has it.
pub fn acknowledge_quickly(socket: impl AsFd, n: usize) {
    #[cfg(target_os = "linux")]
    if n < 4096 {
        // Without it things are slower, that is all.
        let _ = rustix::net::sockopt::set_tcp_quickack(socket, true);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, n);
}

/// Marks what a TCP socket sends with a class of traffic, the byte that RFC 2474 defines. It is a wish: a network may not heed
/// it, and a system that does not take it is no reason to do without a connection.
pub fn set_traffic_class(socket: impl AsFd, class: u8) {
    let is_ipv6 = rustix::net::getsockname(&socket).is_ok_and(|name| name.address_family() == AddressFamily::INET6);
    let _ = if is_ipv6 {
        rustix::net::sockopt::set_ipv6_tclass(&socket, class.into())
    } else {
        rustix::net::sockopt::set_ip_tos(&socket, class)
    };
}

impl Transport for FdTransport {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = retry_on_intr(|| rustix::io::read(&self.input, &mut *buffer))?;
        if self.is_tcp {
            acknowledge_quickly(&self.input, n);
        }
        Ok(n)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_socket {
            let flags = rustix::net::SendFlags::NOSIGNAL;
            return Ok(retry_on_intr(|| rustix::net::send(&self.output, bytes, flags))?);
        }
        Ok(retry_on_intr(|| rustix::io::write(&self.output, bytes))?)
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let mut fds = vec![PollFd::from_borrowed_fd(self.waker.receiver.as_fd(), PollFlags::IN)];
        // A descriptor without interest is left out: its hang-up would end every wait at once.
        if interest.read {
            fds.push(PollFd::new(&self.input, PollFlags::IN));
        }
        if interest.write {
            fds.push(PollFd::new(&self.output, PollFlags::OUT));
        }
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if fds.first().is_some_and(|waker| waker.revents().contains(PollFlags::IN)) {
            self.waker.clear();
        }
        Ok(())
    }

    fn wake(&self) {
        self.waker.wake();
    }

    fn set_traffic_class(&self, class: u8) {
        if self.is_tcp {
            set_traffic_class(&self.output, class);
        }
    }

    fn shutdown(&self) {
        if self.is_socket {
            let _ = shutdown(&self.output, Shutdown::Both);
        }
    }
}

/// Ends a wait from another thread.
#[derive(Debug)]
struct Waker {
    receiver: OwnedFd,
    sender: OwnedFd,
}

impl Waker {
    fn new() -> io::Result<Self> {
        let (receiver, sender) = io::pipe()?;
        let waker = Self { receiver: receiver.into(), sender: sender.into() };
        never_block([&waker.receiver, &waker.sender])?;
        Ok(waker)
    }

    /// A full pipe wakes as well as one byte more would.
    fn wake(&self) {
        let _ = rustix::io::write(&self.sender, &[1]);
    }

    fn clear(&self) {
        let mut bytes = [0; 64];
        while rustix::io::read(&self.receiver, &mut bytes).is_ok_and(|n| n == bytes.len()) {}
    }
}

fn never_block(fds: [&OwnedFd; 2]) -> io::Result<()> {
    for fd in fds {
        fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?;
    }
    Ok(())
}
