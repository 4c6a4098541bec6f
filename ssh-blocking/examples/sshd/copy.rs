//! Moving bytes between a channel and a child, so that neither can hold up a thread for ever.
//!
//! The child's descriptors are non-blocking, and every wait for one of them is a wait for [`Cancel`] too: a child may
//! live on, with its output open and nothing to say, long after its client is gone.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

/// How much is moved at once: a pipe's content and more.
const BUFFER: usize = 128 * 1024;

/// How often a child's output is looked at after [`Cancel::cancel`]: what is left fits into much less.
const MAX_LATE_READS: u32 = 16;

/// Ends waits of several threads, those to come included.
pub(crate) struct Cancel {
    receiver: OwnedFd,
    sender: Mutex<Option<OwnedFd>>,
}

impl Cancel {
    pub(crate) fn new() -> io::Result<Self> {
        let (receiver, sender) = io::pipe()?;
        Ok(Self { receiver: receiver.into(), sender: Mutex::new(Some(sender.into())) })
    }

    /// From now on nobody waits: a pipe without a writer is always ready.
    pub(crate) fn cancel(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Waits for `fd`; `false`: cancelled.
    fn wait(&self, fd: impl AsFd, flags: PollFlags) -> io::Result<bool> {
        let mut fds = [PollFd::new(&fd, flags), PollFd::new(&self.receiver, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => Ok(fds[1].revents().is_empty()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Lets reads and writes return at once.
pub(crate) fn make_non_blocking(fd: &OwnedFd) -> io::Result<()> {
    Ok(fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?)
}

/// A child's output to a channel, until it ends, the channel does, or cancelled; what is there then still goes.
pub(crate) fn output(from: &OwnedFd, mut to: impl Write, cancel: &Cancel) {
    let mut buffer = vec![0; BUFFER];
    let mut late_reads = 0;
    while late_reads < MAX_LATE_READS {
        match rustix::io::read(from, &mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                if to.write_all(buffer.get(..n).unwrap_or_default()).is_err() {
                    break;
                }
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if late_reads > 0 => break,
            Err(Errno::AGAIN) => late_reads += u32::from(!matches!(cancel.wait(from, PollFlags::IN), Ok(true))),
            // A terminal says so when nobody has it open any more.
            Err(_) => break,
        }
        late_reads += u32::from(late_reads > 0);
    }
}

/// A channel's data to a child's input. `true`: the data ended; `false`: the child reads no more, or cancelled.
///
/// A child that does not read holds up this thread, which then takes nothing from the channel, whose window stays shut.
pub(crate) fn input(from: &mut impl Read, to: &OwnedFd, cancel: &Cancel) -> bool {
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return true,
            Ok(n) if write_all(to, buffer.get(..n).unwrap_or_default(), cancel) => {}
            _ => return false,
        }
    }
}

/// Writes everything; `false`: that is not possible any more.
pub(crate) fn write_all(to: &OwnedFd, mut bytes: &[u8], cancel: &Cancel) -> bool {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if matches!(cancel.wait(to, PollFlags::OUT), Ok(true)) => {}
            Err(_) => return false,
        }
    }
    true
}
