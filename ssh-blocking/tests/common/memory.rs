//! A transport in memory.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use super::transport::{Interest, Transport};

/// Two connected ends; each direction holds up to `capacity` bytes.
pub fn memory_pair(capacity: usize) -> (MemoryTransport, MemoryTransport) {
    let pipe = Arc::new(Pipe { state: Mutex::default(), changed: Condvar::new(), capacity: capacity.max(1) });
    (MemoryTransport { pipe: Arc::clone(&pipe), end: 0 }, MemoryTransport { pipe, end: 1 })
}

/// One end of a [`memory_pair`].
#[derive(Debug)]
pub struct MemoryTransport {
    pipe: Arc<Pipe>,
    end: usize,
}

#[derive(Debug)]
struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Debug, Default)]
struct State {
    /// What waits for each end.
    inbox: [VecDeque<u8>; 2],
    shut: [bool; 2],
    woken: [bool; 2],
}

impl MemoryTransport {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.pipe.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn peer(&self) -> usize {
        1 - self.end
    }
}

impl Transport for MemoryTransport {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.lock();
        let peer_is_shut = state.shut[self.peer()];
        let inbox = &mut state.inbox[self.end];
        if inbox.is_empty() && !peer_is_shut {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = io::Read::read(inbox, buffer)?;
        self.pipe.changed.notify_all();
        Ok(n)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.lock();
        if state.shut[self.peer()] || state.shut[self.end] {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let inbox = &mut state.inbox[self.peer()];
        let n = bytes.len().min(self.pipe.capacity.saturating_sub(inbox.len()));
        if n == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        inbox.extend(&bytes[..n]);
        self.pipe.changed.notify_all();
        Ok(n)
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<()> {
        let sleeping = |state: &mut State| {
            let readable = !state.inbox[self.end].is_empty() || state.shut[self.peer()];
            let writable = state.inbox[self.peer()].len() < self.pipe.capacity || state.shut[self.peer()];
            !(interest.read && readable || interest.write && writable || state.woken[self.end])
        };
        let mut state = match timeout {
            Some(timeout) => {
                let waited = self.pipe.changed.wait_timeout_while(self.lock(), timeout, sleeping);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.pipe.changed.wait_while(self.lock(), sleeping).unwrap_or_else(PoisonError::into_inner),
        };
        state.woken[self.end] = false;
        Ok(())
    }

    fn wake(&self) {
        self.lock().woken[self.end] = true;
        self.pipe.changed.notify_all();
    }

    fn shutdown(&self) {
        self.lock().shut[self.end] = true;
        self.pipe.changed.notify_all();
    }
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        self.shutdown();
    }
}
