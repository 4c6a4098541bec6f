//! A transport that gives and takes as badly as a transport may: single bytes, spurious wake-ups, "would block" in the
//! midst of everything. Nothing may be lost or doubled.

mod common;

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::Setup;
use common::memory::MemoryTransport;
use ssh_blocking::transport::{Interest, Transport};

struct Bad {
    inner: MemoryTransport,
    dice: AtomicU32,
}

impl Bad {
    fn roll(&self) -> usize {
        let next = |state: u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        let state = self.dice.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or_default();
        (state >> 16) as usize
    }

    /// How much of `length` this call moves; `None`: it would block.
    fn piece(&self, length: usize) -> Option<usize> {
        match self.roll() % 8 {
            0 => None,
            1..=3 => Some(length.min(1)),
            4 | 5 => Some(length.min(self.roll() % 100 + 1)),
            _ => Some(length),
        }
    }
}

impl Transport for Bad {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.piece(buffer.len()).ok_or(io::ErrorKind::WouldBlock)?;
        self.inner.try_read(&mut buffer[..n])
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.piece(bytes.len()).ok_or(io::ErrorKind::WouldBlock)?;
        self.inner.try_write(&bytes[..n])
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<()> {
        if self.roll().is_multiple_of(4) {
            return Ok(());
        }
        self.inner.wait(interest, timeout)
    }

    fn wake(&self) {
        self.inner.wake();
    }

    fn shutdown(&self) {
        self.inner.shutdown();
    }
}

#[test]
fn nothing_is_lost_or_doubled() {
    for seed in 1..20 {
        let (session, served) = Setup::new().connect(|inner| Bad { inner, dice: AtomicU32::new(seed) });
        let session = session.expect("bad, but not broken");
        session.login("user", "secret").expect("it is the password");
        let data: Vec<u8> = (0..100_000_u32).map(|at| (at.wrapping_mul(seed + 7) >> 3) as u8).collect();
        let output = session.cmd("cat", Some(&data)).expect("it runs");
        assert!(output.stdout == data, "seed {seed}");
        assert!(output.exit.success());
        session.disconnect();
        served.join().expect("no panic").expect("no fault");
    }
}
