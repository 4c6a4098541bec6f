//! Channels with `Read` and `Write`.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use ssh_core::adapter::{Communication, Exit, Output, SessionError};
use ssh_core::wire::DataStream;
use ssh_core::{ChannelId, ChannelRequest, ClientRole, IncomingRequest, RequestToken, Role, Signal};

use crate::driver::{Deadline, Driver, State};
use crate::error::{Error, Result};

/// A channel of a [`Session`](crate::Session), or of a server's connection.
///
/// Reading and writing it are `Read` and `Write`; [`split`](Self::split) makes parts for different threads. What one
/// thread does on a channel never holds up another channel. Dropping the last part closes the channel.
pub struct Channel<R: Role = ClientRole> {
    pub(crate) inner: Arc<Inner<R>>,
}

pub(crate) struct Inner<R: Role> {
    pub(crate) driver: Arc<Driver<R>>,
    pub(crate) id: ChannelId,
    timeout: Option<Duration>,
}

impl<R: Role> Drop for Inner<R> {
    fn drop(&mut self) {
        self.driver.act(|state| state.inbox.release(self.id));
    }
}

impl<R: Role> Channel<R> {
    pub(crate) fn new(driver: Arc<Driver<R>>, id: ChannelId, timeout: Option<Duration>) -> Self {
        Self { inner: Arc::new(Inner { driver, id, timeout }) }
    }

    /// Waits for the peer to confirm the channel.
    pub(crate) fn wait_open(&self) -> Result<()> {
        let id = self.inner.id;
        Ok(self.inner.wait("opening a channel", |state| state.inbox.opened(id))??)
    }

    /// Sends a request; if `want_reply`, waits for the answer.
    ///
    /// # Errors
    /// [`SessionError::RequestRefused`](ssh_core::adapter::SessionError::RequestRefused) if the peer refuses it.
    pub fn request(&self, request: &ChannelRequest, want_reply: bool) -> Result<()> {
        let id = self.inner.id;
        let asked = self.inner.wait("a request", |state| state.inbox.request(id, request, want_reply))??;
        let Some(asked) = asked else { return Ok(()) };
        Ok(self.inner.wait("the answer to a request", |state| state.inbox.reply(id, asked, request))??)
    }

    /// Sends a signal to what runs on the channel, by its name without `SIG`.
    ///
    /// # Errors
    /// If the name is malformed or the channel is closed.
    pub fn signal(&self, name: &str) -> Result<()> {
        let signal = Signal::new(name).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.request(&ChannelRequest::Signal(signal), false)
    }

    /// Says that no more will be written.
    ///
    /// # Errors
    /// If the connection is over. A channel that is closed already is no error.
    pub fn send_eof(&self) -> Result<()> {
        self.inner.send_eof()
    }

    /// Waits until the peer has closed the channel, and says how what ran on it ended. Unread output is thrown away:
    /// read it first.
    ///
    /// # Errors
    /// If the connection is lost before.
    pub fn wait(&self) -> Result<Exit> {
        let id = self.inner.id;
        self.inner.wait("the end of a command", |state| state.inbox.ended(id))
    }

    /// How what ran on the channel ended, if the peer has said so.
    pub fn exit(&self) -> Option<Exit> {
        let id = self.inner.id;
        self.inner.driver.act(|state| state.inbox.exit(id))
    }

    /// Parts for different threads: what is written, standard output, standard error.
    pub fn split(&self) -> (ChannelWriter<R>, ChannelReader<R>, ChannelReader<R>) {
        let writer = ChannelWriter { inner: Arc::clone(&self.inner), stream: DataStream::STDOUT };
        (writer, self.reader(DataStream::STDOUT), self.reader(DataStream::STDERR))
    }

    /// A reader of standard error.
    pub fn stderr(&self) -> ChannelReader<R> {
        self.reader(DataStream::STDERR)
    }

    /// A writer of standard error; for servers.
    pub fn stderr_writer(&self) -> ChannelWriter<R> {
        ChannelWriter { inner: Arc::clone(&self.inner), stream: DataStream::STDERR }
    }

    /// Waits for the next request of the peer; `None`: none will come any more. For servers: a client's channel has
    /// its requests answered by itself.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn next_request(&self) -> Result<Option<IncomingRequest>> {
        let id = self.inner.id;
        self.inner.driver.wait(Deadline::new("a request", None), |state| state.inbox.next_request(id))
    }

    /// Answers a request of the peer.
    pub fn reply(&self, token: RequestToken, success: bool) {
        // A channel that is gone wants no answer.
        let _ = self.inner.driver.act(|state| state.inbox.endpoint.reply(token, success));
    }

    /// Closes our side of the channel.
    pub fn close(&self) {
        let id = self.inner.id;
        self.inner.driver.act(|state| state.inbox.close(id));
    }

    /// Feeds `stdin` to the channel and collects both streams until the peer closes it.
    pub(crate) fn communicate(&self, stdin: &[u8], limit: usize) -> Result<Output> {
        let mut communication = Communication::new(self.inner.id, stdin, limit);
        Ok(self.inner.wait("a command", |state| communication.advance(&mut state.inbox))??)
    }

    fn reader(&self, stream: DataStream) -> ChannelReader<R> {
        ChannelReader { inner: Arc::clone(&self.inner), stream }
    }
}

impl<R: Role> Inner<R> {
    fn wait<T>(&self, what: &'static str, check: impl FnMut(&mut State<R>) -> Option<T>) -> Result<T> {
        self.driver.wait(Deadline::new(what, self.timeout), check)
    }

    fn read(&self, stream: DataStream, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.wait("reading", |state| state.inbox.read(self.id, stream, buffer))?)
    }

    /// Returns once the transport has taken the bytes: what lies in our own buffer would move only while a thread waits.
    fn write(&self, stream: DataStream, bytes: &[u8]) -> io::Result<usize> {
        let written = self.wait("writing", |state| state.inbox.write(self.id, stream, bytes))?;
        let written = written.map_err(Error::from)?;
        self.flush()?;
        Ok(written)
    }

    fn flush(&self) -> io::Result<()> {
        match self.driver.flush(Deadline::new("writing", self.timeout)) {
            Err(Error::Session(SessionError::Closed(_))) => Ok(()),
            flushed => Ok(flushed?),
        }
    }

    fn send_eof(&self) -> Result<()> {
        self.driver.act(|state| state.inbox.send_eof(self.id));
        Ok(self.flush()?)
    }
}

impl<R: Role> Read for Channel<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(DataStream::STDOUT, buffer)
    }
}

impl<R: Role> Write for Channel<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(DataStream::STDOUT, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Reads one stream of a channel; made by [`Channel::split`].
pub struct ChannelReader<R: Role = ClientRole> {
    inner: Arc<Inner<R>>,
    stream: DataStream,
}

impl<R: Role> Read for ChannelReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(self.stream, buffer)
    }
}

/// Writes one stream of a channel; made by [`Channel::split`] and [`Channel::stderr_writer`].
pub struct ChannelWriter<R: Role = ClientRole> {
    inner: Arc<Inner<R>>,
    stream: DataStream,
}

impl<R: Role> ChannelWriter<R> {
    /// Says that no more will be written.
    ///
    /// # Errors
    /// If the connection is over. A channel that is closed already is no error.
    pub fn send_eof(&self) -> Result<()> {
        self.inner.send_eof()
    }
}

impl<R: Role> Write for ChannelWriter<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(self.stream, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
