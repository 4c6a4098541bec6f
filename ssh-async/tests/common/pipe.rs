//! Two connected ends in memory, with little room, so that everything of any size has to wait.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_util::io::{AsyncRead, AsyncWrite};

use super::Timer;
use super::sync::Mutex;

/// Bytes in flight in one direction at most.
const CAPACITY: usize = 5000;

#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Changes a pipe, and wakes who waits for it once it is free again: a waker may run any code.
fn change<T>(pipe: &Mutex<Pipe>, change: impl FnOnce(&mut Pipe) -> Poll<T>) -> Poll<T> {
    let mut locked = pipe.lock().unwrap();
    let changed = change(&mut locked);
    let woken = if changed.is_ready() { (locked.reader.take(), locked.writer.take()) } else { (None, None) };
    drop(locked);
    woken.0.into_iter().chain(woken.1).for_each(Waker::wake);
    changed
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
        change(&self.input, |pipe| {
            if pipe.bytes.is_empty() && !pipe.ended {
                pipe.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(io::Read::read(&mut pipe.bytes, buffer))
        })
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        change(&self.output, |pipe| {
            if pipe.ended {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let n = bytes.len().min(CAPACITY - pipe.bytes.len());
            if n == 0 {
                pipe.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            pipe.bytes.extend(&bytes[..n]);
            Poll::Ready(Ok(n))
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        end(&self.output);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        end(&self.input);
        end(&self.output);
    }
}

fn end(pipe: &Mutex<Pipe>) {
    let _ = change(pipe, |pipe| {
        pipe.ended = true;
        Poll::Ready(())
    });
}

/// A timer that never fires: nothing in these tests is due soon.
pub struct Never;

impl Timer for Never {
    fn reset(self: Pin<&mut Self>, _: Instant) {}

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
