//! Channels as transports: one session inside another.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ssh_core::ClientRole;
use ssh_core::wire::DataStream;

use super::{Interest, Transport};
use crate::channel::{Channel, Inner};
use crate::driver::{Deadline, State};
use crate::error::Error;

/// A channel as the transport of another session: whoever waits for the inner session drives the outer one.
pub(crate) struct ChannelTransport {
    channel: Channel,
    woken: AtomicBool,
}

impl ChannelTransport {
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel, woken: AtomicBool::new(false) }
    }
}

impl Transport for ChannelTransport {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let Inner { driver, id, .. } = &*self.channel.inner;
        driver.act(|state| state.inbox.read(*id, DataStream::STDOUT, buffer)).ok_or(io::ErrorKind::WouldBlock.into())
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let Inner { driver, id, .. } = &*self.channel.inner;
        match driver.act(|state| state.inbox.write(*id, DataStream::STDOUT, bytes)) {
            Some(written) => Ok(written.map_err(Error::from)?),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<()> {
        let Inner { driver, id, .. } = &*self.channel.inner;
        let possible = |state: &mut State<ClientRole>| {
            let possible = state.inbox.endpoint.channel(*id).is_none_or(|channel| {
                let readable = channel.is_at_eof() || !channel.readable(DataStream::STDOUT).is_empty();
                (interest.read && readable) || (interest.write && channel.writable() > 0)
            });
            (self.woken.swap(false, Ordering::SeqCst) || possible).then_some(())
        };
        match driver.wait(Deadline::new("a jump host", timeout), possible) {
            // Reading and writing say what became of it.
            Ok(()) | Err(Error::Timeout { .. } | Error::Session(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn wake(&self) {
        self.woken.store(true, Ordering::SeqCst);
        self.channel.inner.driver.wake();
    }

    fn shutdown(&self) {
        self.channel.close();
    }
}
