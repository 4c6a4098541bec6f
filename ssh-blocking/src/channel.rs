//! Channels with `Read` and `Write`.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ssh_core::wire::DataStream;
use ssh_core::{ChannelId, ChannelRequest, ClientRole, IncomingRequest, Signal, WriteError};

use crate::driver::{Driver, Sort, Stopped};
use crate::error::{Error, Result};
use crate::exit::{Exit, Output};

/// A channel of a [`Session`](crate::Session), or of a server's connection.
///
/// Reading and writing it are `Read` and `Write`; [`split`](Self::split) makes parts for different threads. What one
/// thread does on a channel never holds up another channel. Dropping the last part closes the channel.
pub struct Channel<R: Sort = ClientRole> {
    inner: Arc<Inner<R>>,
}

struct Inner<R: Sort> {
    driver: Arc<Driver<R>>,
    id: ChannelId,
    timeout: Option<Duration>,
}

impl<R: Sort> Drop for Inner<R> {
    fn drop(&mut self) {
        self.driver.act(|state| {
            state.channels.remove(&self.id);
            if let Some(channel) = state.endpoint.channel(self.id) {
                channel.abandon();
            }
        });
    }
}

impl<R: Sort> Channel<R> {
    pub(crate) fn new(driver: Arc<Driver<R>>, id: ChannelId, timeout: Option<Duration>) -> Self {
        Self { inner: Arc::new(Inner { driver, id, timeout }) }
    }

    /// Waits for the peer to confirm the channel.
    pub(crate) fn wait_open(&self) -> Result<()> {
        let id = self.inner.id;
        let opened = self.inner.wait("opening a channel", |state| state.channels.get_mut(&id)?.opened.take())?;
        opened.map_err(|(reason, description)| Error::ChannelRefused { reason, description })
    }

    /// Sends a request; if `want_reply`, waits for the answer.
    ///
    /// # Errors
    /// [`Error::RequestRefused`] if the peer refuses it.
    pub fn request(&self, request: &ChannelRequest, want_reply: bool) -> Result<()> {
        let id = self.inner.id;
        let asked = self.inner.wait("a request", |state| {
            let Some(mut channel) = state.endpoint.channel(id) else { return Some(Err(WriteError::Closed)) };
            match channel.request(request, want_reply) {
                Err(WriteError::Busy) => None,
                asked => Some(asked),
            }
        })?;
        let Some(asked) = asked.map_err(to_io)? else { return Ok(()) };
        let granted = self.inner.wait("the answer to a request", |state| {
            let notes = state.channels.get_mut(&id)?;
            // A channel that was closed without an answer refused the request.
            notes.replies.remove(&asked).or(notes.closed.then_some(false))
        })?;
        if granted { Ok(()) } else { Err(Error::RequestRefused { request: request_name(request) }) }
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
        let mut discarded = [0; 4096];
        self.inner.wait("the end of a command", |state| {
            for stream in [DataStream::STDOUT, DataStream::STDERR] {
                while matches!(read_now(state, id, stream, &mut discarded), Some(1..)) {}
            }
            let notes = state.channels.get(&id)?;
            notes.closed.then(|| notes.exit.clone().unwrap_or(Exit::Unknown))
        })
    }

    /// How what ran on the channel ended, if the peer has said so.
    pub fn exit(&self) -> Option<Exit> {
        let id = self.inner.id;
        self.inner.driver.act(|state| state.channels.get(&id)?.exit.clone())
    }

    /// Parts for different threads: what is written, standard output, standard error.
    pub fn split(&self) -> (ChannelWriter<R>, ChannelReader<R>, ChannelReader<R>) {
        let writer = ChannelWriter { inner: Arc::clone(&self.inner) };
        (writer, self.reader(DataStream::STDOUT), self.reader(DataStream::STDERR))
    }

    /// A reader of standard error.
    pub fn stderr(&self) -> ChannelReader<R> {
        self.reader(DataStream::STDERR)
    }

    /// A writer of standard error; for servers.
    pub fn stderr_writer(&self) -> ChannelStderr<R> {
        ChannelStderr { inner: Arc::clone(&self.inner) }
    }

    /// Waits for the next request of the peer; `None`: none will come any more. For servers: a client's channel has
    /// its requests answered by itself.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn next_request(&self) -> Result<Option<IncomingRequest>> {
        let id = self.inner.id;
        self.inner.wait_forever(|state| {
            let Some(notes) = state.channels.get_mut(&id) else { return Some(None) };
            match notes.requests.pop_front() {
                Some(request) => Some(Some(request)),
                None => notes.closed.then_some(None),
            }
        })
    }

    /// Answers a request of the peer.
    pub fn reply(&self, token: ssh_core::RequestToken, success: bool) {
        // A channel that is gone wants no answer.
        let _ = self.inner.driver.act(|state| state.endpoint.reply(token, success));
    }

    /// Closes our side of the channel.
    pub fn close(&self) {
        let id = self.inner.id;
        self.inner.driver.act(|state| {
            if let Some(mut channel) = state.endpoint.channel(id) {
                channel.close();
            }
        });
    }

    /// Feeds `stdin` to the channel and collects both streams until the peer closes it.
    pub(crate) fn communicate(&self, stdin: &[u8], limit: usize) -> Result<Output> {
        let id = self.inner.id;
        let (mut rest, mut sent_eof) = (stdin, false);
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let exit = self.inner.wait("a command", |state| {
            if let Some(mut channel) = state.endpoint.channel(id) {
                if !rest.is_empty() {
                    match channel.write(DataStream::STDOUT, rest) {
                        Ok(n) => rest = &rest[n..],
                        Err(_) => rest = &[],
                    }
                }
                if rest.is_empty() && !sent_eof {
                    sent_eof = true;
                    let _ = channel.send_eof();
                }
                for (stream, collected) in [(DataStream::STDOUT, &mut stdout), (DataStream::STDERR, &mut stderr)] {
                    let data = channel.readable(stream);
                    let n = data.len();
                    collected.extend_from_slice(data);
                    if n > 0 {
                        channel.consume(stream, n);
                    }
                }
            }
            if stdout.len() + stderr.len() > limit {
                return Some(Err(Error::TooMuchOutput { limit }));
            }
            let notes = state.channels.get(&id)?;
            let over = notes.closed && state.endpoint.channel(id).is_none();
            over.then(|| Ok(notes.exit.clone().unwrap_or(Exit::Unknown)))
        })??;
        Ok(Output { stdout, stderr, exit })
    }

    fn reader(&self, stream: DataStream) -> ChannelReader<R> {
        ChannelReader { inner: Arc::clone(&self.inner), stream }
    }
}

impl<R: Sort> Inner<R> {
    fn wait<T>(&self, what: &'static str, check: impl FnMut(&mut crate::driver::State<R>) -> Option<T>) -> Result<T> {
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        self.driver.wait(deadline, check).map_err(|stopped| stopped.into_error(what, self.timeout))
    }

    fn wait_forever<T>(&self, check: impl FnMut(&mut crate::driver::State<R>) -> Option<T>) -> Result<T> {
        self.driver.wait(None, check).map_err(|stopped| stopped.into_error("a request", None))
    }

    fn read(&self, stream: DataStream, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        Ok(self.wait("reading", |state| read_now(state, self.id, stream, buffer))?)
    }

    /// Returns once the transport has taken the bytes: what lies in our own buffer would move only while a thread waits.
    fn write(&self, stream: DataStream, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let written = self.wait("writing", |state| {
            let Some(mut channel) = state.endpoint.channel(self.id) else { return Some(Err(WriteError::Closed)) };
            match channel.write(stream, bytes) {
                Ok(0) => None,
                written => Some(written),
            }
        })?;
        let written = written.map_err(to_io)?;
        self.flush()?;
        Ok(written)
    }

    fn flush(&self) -> io::Result<()> {
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        match self.driver.flush(deadline) {
            Ok(()) | Err(Stopped::Closed(_)) => Ok(()),
            Err(stopped) => Err(stopped.into_error("writing", self.timeout).into()),
        }
    }

    fn send_eof(&self) -> Result<()> {
        self.driver.act(|state| {
            if let Some(mut channel) = state.endpoint.channel(self.id) {
                let _ = channel.send_eof();
            }
        });
        Ok(self.flush()?)
    }
}

/// What can be read at once: `Some(0)` at the end, `None` if one has to wait.
fn read_now<R: Sort>(
    state: &mut crate::driver::State<R>,
    id: ChannelId,
    stream: DataStream,
    buffer: &mut [u8],
) -> Option<usize> {
    let Some(mut channel) = state.endpoint.channel(id) else { return Some(0) };
    let data = channel.readable(stream);
    if data.is_empty() {
        return channel.is_at_eof().then_some(0);
    }
    let n = data.len().min(buffer.len());
    buffer[..n].copy_from_slice(&data[..n]);
    channel.consume(stream, n);
    Some(n)
}

fn to_io(error: WriteError) -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, error)
}

fn request_name(request: &ChannelRequest) -> &'static str {
    match request {
        ChannelRequest::Pty(_) => "pty-req",
        ChannelRequest::Env { .. } => "env",
        ChannelRequest::Shell => "shell",
        ChannelRequest::Exec { .. } => "exec",
        ChannelRequest::Subsystem { .. } => "subsystem",
        _ => "channel",
    }
}

impl<R: Sort> Read for Channel<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(DataStream::STDOUT, buffer)
    }
}

impl<R: Sort> Write for Channel<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(DataStream::STDOUT, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Reads one stream of a channel; made by [`Channel::split`].
pub struct ChannelReader<R: Sort = ClientRole> {
    inner: Arc<Inner<R>>,
    stream: DataStream,
}

impl<R: Sort> Read for ChannelReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(self.stream, buffer)
    }
}

/// Writes a channel's ordinary stream; made by [`Channel::split`].
pub struct ChannelWriter<R: Sort = ClientRole> {
    inner: Arc<Inner<R>>,
}

impl<R: Sort> ChannelWriter<R> {
    /// Says that no more will be written.
    ///
    /// # Errors
    /// If the connection is over. A channel that is closed already is no error.
    pub fn send_eof(&self) -> Result<()> {
        self.inner.send_eof()
    }
}

impl<R: Sort> Write for ChannelWriter<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(DataStream::STDOUT, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes a channel's standard error; for servers. Made by [`Channel::stderr_writer`].
pub struct ChannelStderr<R: Sort = ClientRole> {
    inner: Arc<Inner<R>>,
}

impl<R: Sort> Write for ChannelStderr<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(DataStream::STDERR, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
