//! Two connected ends in memory, with little room, so that everything of any size has to wait.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_util::io::{AsyncRead, AsyncWrite};
use ssh_async::Timer;

/// Bytes in flight in one direction at most.
const CAPACITY: usize = 10_000;

#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }
}

/// One end. Dropping it ends both directions.
pub struct End {
    input: Arc<Mutex<Pipe>>,
    output: Arc<Mutex<Pipe>>,
}

pub fn pair() -> (End, End) {
    let (one, other) = (Arc::new(Mutex::new(Pipe::default())), Arc::new(Mutex::new(Pipe::default())));
    (End { input: Arc::clone(&one), output: Arc::clone(&other) }, End { input: other, output: one })
}

impl AsyncRead for End {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut pipe = self.input.lock().unwrap();
        if pipe.bytes.is_empty() && !pipe.ended {
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let n = io::Read::read(&mut pipe.bytes, buffer)?;
        pipe.wake();
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut pipe = self.output.lock().unwrap();
        if pipe.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let n = bytes.len().min(CAPACITY - pipe.bytes.len());
        if n == 0 {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        pipe.bytes.extend(&bytes[..n]);
        pipe.wake();
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.output.lock().unwrap();
        pipe.ended = true;
        pipe.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        for pipe in [&self.input, &self.output] {
            let mut pipe = pipe.lock().unwrap();
            pipe.ended = true;
            pipe.wake();
        }
    }
}

/// A timer that never fires: nothing in these tests is due soon.
pub struct Never;

impl Timer for Never {
    fn reset(self: Pin<&mut Self>, _: Instant) {}

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
