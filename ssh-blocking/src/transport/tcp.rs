//! TCP where there are no file descriptors: on Windows.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpStream, UdpSocket};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{Interest, Transport};

/// The system counts milliseconds and not for ever. A wait may end early.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A TCP connection, with Nagle's algorithm off: packets of an interactive session must not wait for each other.
///
/// The socket is switched to non-blocking mode.
#[derive(Debug)]
pub struct TcpTransport {
    stream: TcpStream,
    waker: Waker,
}

impl TcpTransport {
    /// A connection over this socket.
    ///
    /// # Errors
    /// If it cannot be made non-blocking, or there are no more sockets for a waker.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, waker: Waker::new()? })
    }
}

impl Transport for TcpTransport {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        uninterrupted(|| (&self.stream).read(buffer))
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        uninterrupted(|| (&self.stream).write(bytes))
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout.min(LONGEST_WAIT)).ok());
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::IN, interest.read);
        wanted.set(PollFlags::OUT, interest.write);
        let mut sockets = vec![PollFd::new(&self.waker.socket, PollFlags::IN)];
        // A socket without interest is left out: its hang-up would end every wait at once.
        if !wanted.is_empty() {
            sockets.push(PollFd::new(&self.stream, wanted));
        }
        match poll(&mut sockets, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.waker.clear();
        Ok(())
    }

    fn wake(&self) {
        self.waker.wake();
    }

    fn shutdown(&self) {
        // Whoever is gone already needs no end.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Ends a wait from another thread: a socket that only hears itself.
#[derive(Debug)]
struct Waker {
    socket: UdpSocket,
}

impl Waker {
    fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(socket.local_addr()?)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// A full queue wakes as well as one datagram more would.
    fn wake(&self) {
        let _ = self.socket.send(&[1]);
    }

    fn clear(&self) {
        while self.socket.recv(&mut [0]).is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::thread;
    use std::time::Instant;

    use super::*;

    const READ: Interest = Interest { read: true, write: false };
    const WRITE: Interest = Interest { read: false, write: true };
    const NOTHING: Interest = Interest { read: false, write: false };
    const LONG: Option<Duration> = Some(Duration::from_secs(60));
    const SHORT: Duration = Duration::from_millis(50);

    fn pair() -> (TcpTransport, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (TcpTransport::new(listener.accept().unwrap().0).unwrap(), peer)
    }

    /// Waiting may end early for no reason.
    fn wait_until<T>(transport: &TcpTransport, interest: Interest, mut done: impl FnMut() -> Option<T>) -> T {
        loop {
            if let Some(done) = done() {
                return done;
            }
            transport.wait(interest, LONG).unwrap();
        }
    }

    #[test]
    fn bytes_come_and_go_and_end() {
        let (transport, mut peer) = pair();
        let mut buffer = [0; 16];
        assert_eq!(transport.try_read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        peer.write_all(b"hello").unwrap();
        let n = wait_until(&transport, READ, || transport.try_read(&mut buffer).ok());
        assert_eq!(&buffer[..n], b"hello");
        assert_eq!(wait_until(&transport, WRITE, || transport.try_write(b"answer").ok()), 6);
        peer.read_exact(&mut buffer[..6]).unwrap();
        assert_eq!(&buffer[..6], b"answer");
        drop(peer);
        assert_eq!(wait_until(&transport, READ, || transport.try_read(&mut buffer).ok()), 0);
    }

    #[test]
    fn what_does_not_fit_waits_for_room() {
        let (transport, mut peer) = pair();
        let bytes = vec![7; 1 << 20];
        let mut written = 0;
        while let Ok(n) = transport.try_write(&bytes) {
            written += n;
        }
        let started = Instant::now();
        transport.wait(WRITE, Some(SHORT)).unwrap();
        assert!(started.elapsed() >= SHORT, "there is no room");
        let reader = thread::spawn(move || io::copy(&mut peer, &mut io::sink()).unwrap());
        written += wait_until(&transport, WRITE, || transport.try_write(&bytes).ok());
        transport.shutdown();
        assert_eq!(reader.join().unwrap(), written as u64);
    }

    /// Before the wait or during it, once or often.
    #[test]
    fn a_wait_can_be_ended() {
        let (transport, _peer) = pair();
        (0..1000).for_each(|_| transport.wake());
        transport.wait(READ, LONG).unwrap();
        let started = Instant::now();
        transport.wait(READ, Some(SHORT)).unwrap();
        assert!(started.elapsed() >= SHORT, "one wait is ended, not the next");
        let transport = Arc::new(transport);
        let waker = Arc::clone(&transport);
        let waking = thread::spawn(move || {
            thread::sleep(SHORT);
            waker.wake();
        });
        transport.wait(NOTHING, LONG).unwrap();
        assert!(started.elapsed() < LONG.unwrap());
        waking.join().unwrap();
    }

    /// The end of a stream that nobody wants to hear of does not make waits spin.
    #[test]
    fn nothing_is_heard_of_what_is_not_asked_for() {
        let (transport, peer) = pair();
        drop(peer);
        let started = Instant::now();
        transport.wait(NOTHING, Some(SHORT)).unwrap();
        assert!(started.elapsed() >= SHORT);
    }
}
