//! Channels: what is asked on them, and their streams.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use ssh_core::adapter::{Communication, Exit, Interest, Output};
use ssh_core::wire::DataStream;
use ssh_core::{ChannelId, ChannelRequest, ClientRole, IncomingRequest, Misuse, RequestToken, Role, Signal};

use crate::shared::{Handle, State, Topic, Wait};
use crate::{Error, Result};

/// A channel of a [`Session`](crate::Session), or of a server's connection: what is asked and told on it.
///
/// Its data goes through [`split`](Self::split) or [`into_stream`](Self::into_stream). What one task does on a channel
/// never holds up another channel. Dropping the last part closes the channel.
pub struct Channel<R: Role = ClientRole> {
    inner: Arc<Inner<R>>,
}

struct Inner<R: Role> {
    handle: Arc<Handle<R>>,
    id: ChannelId,
}

impl<R: Role> Drop for Inner<R> {
    fn drop(&mut self) {
        self.handle.shared.act(|state| {
            state.inbox.release(self.id);
            // Somebody may wait for a channel to become free.
            state.wake(Topic::Room, Topic::Room);
        });
    }
}

impl<R: Role> Inner<R> {
    fn wait<T, F>(&self, interest: Interest, check: F) -> Wait<'_, R, F>
    where
        F: FnMut(&mut State<R>) -> Option<T> + Unpin,
    {
        self.handle.shared.wait(Topic::Channel(self.id, Some(interest)), check)
    }

    /// Waits for anything on the channel.
    fn wait_for_any<T, F>(&self, check: F) -> Wait<'_, R, F>
    where
        F: FnMut(&mut State<R>) -> Option<T> + Unpin,
    {
        self.handle.shared.wait(Topic::Channel(self.id, None), check)
    }
}

impl<R: Role> Channel<R> {
    /// A channel whose mailbox exists.
    pub(crate) fn new(handle: Arc<Handle<R>>, id: ChannelId) -> Self {
        Self { inner: Arc::new(Inner { handle, id }) }
    }

    /// Waits for the peer to confirm the channel.
    pub(crate) async fn wait_open(&self) -> Result<()> {
        let id = self.inner.id;
        Ok(self.inner.wait(Interest::Notice, |state| state.inbox.opened(id)).await??)
    }

    /// Sends a request; if `want_reply`, waits for the answer.
    ///
    /// Cancel safe in that nothing is lost or doubled: dropped while it waits to be sent, the request is not sent;
    /// dropped later, it was, and the answer is not heard.
    ///
    /// # Errors
    /// [`SessionError::RequestRefused`](ssh_core::adapter::SessionError::RequestRefused) if the peer refuses it.
    pub async fn request(&self, request: &ChannelRequest, want_reply: bool) -> Result<()> {
        let id = self.inner.id;
        let shared = &self.inner.handle.shared;
        let asked = shared.wait(Topic::Room, |state| state.inbox.request(id, request, want_reply)).await??;
        let Some(asked) = asked else { return Ok(()) };
        Ok(self.inner.wait(Interest::Notice, |state| state.inbox.reply(id, asked, request)).await??)
    }

    /// Sends a signal to what runs on the channel, by its name without `SIG`. Cancel safe.
    ///
    /// # Errors
    /// If the name is malformed or the channel is closed.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let signal = Signal::new(name).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.request(&ChannelRequest::Signal(signal), false).await
    }

    /// Says that no more will be written.
    pub fn send_eof(&self) {
        self.inner.handle.shared.act(|state| state.inbox.send_eof(self.inner.id));
    }

    /// Waits until the peer has closed the channel, and says how what ran on it ended. Unread output is thrown away:
    /// read it first. Cancel safe.
    ///
    /// # Errors
    /// If the connection is lost before.
    pub async fn wait(&self) -> Result<Exit> {
        let id = self.inner.id;
        self.inner.wait_for_any(|state| state.inbox.ended(id)).await
    }

    /// How what ran on the channel ended, if the peer has said so.
    pub fn exit(&self) -> Option<Exit> {
        self.inner.handle.shared.with(|state| state.inbox.exit(self.inner.id))
    }

    /// Its parts, for different tasks: what is written, standard output, standard error.
    pub fn split(self) -> (ChannelWriter<R>, ChannelReader<R>, ChannelReader<R>) {
        let (stdout, stderr) = (self.reader(DataStream::STDOUT), self.reader(DataStream::STDERR));
        (self.writer(DataStream::STDOUT), stdout, stderr)
    }

    /// Both directions as one stream of bytes, standard error aside: for protocols that run over a channel.
    pub fn into_stream(self) -> ChannelStream<R> {
        ChannelStream { writer: self.writer(DataStream::STDOUT), reader: self.reader(DataStream::STDOUT) }
    }

    /// A reader of standard error.
    pub fn stderr(&self) -> ChannelReader<R> {
        self.reader(DataStream::STDERR)
    }

    /// A reader of one stream.
    pub fn reader(&self, stream: DataStream) -> ChannelReader<R> {
        ChannelReader { inner: Arc::clone(&self.inner), stream, key: None }
    }

    /// A writer of one stream; servers write [`DataStream::STDERR`] too.
    pub fn writer(&self, stream: DataStream) -> ChannelWriter<R> {
        ChannelWriter { inner: Arc::clone(&self.inner), stream, key: None, flushing: None, sent_by: 0, sent_eof: false }
    }

    /// Waits for the next request of the peer; `None`: none will come any more. For servers: a client's channel has its
    /// requests answered by itself. Cancel safe.
    ///
    /// # Errors
    /// If the connection is lost.
    pub async fn next_request(&self) -> Result<Option<IncomingRequest>> {
        let id = self.inner.id;
        self.inner.wait(Interest::Notice, |state| state.inbox.next_request(id)).await
    }

    /// Answers a request of the peer.
    pub fn reply(&self, token: RequestToken, success: bool) {
        // A channel that is gone wants no answer.
        let _: std::result::Result<(), Misuse> =
            self.inner.handle.shared.act(|state| state.inbox.endpoint.reply(token, success));
    }

    /// Closes our side of the channel.
    pub fn close(&self) {
        self.inner.handle.shared.act(|state| state.inbox.close(self.inner.id));
    }

    /// Feeds `stdin` to the channel and collects both streams until the peer closes it; at most `limit` bytes.
    /// Cancel safe in that it can be given up; what was collected is lost then.
    ///
    /// # Errors
    /// If the connection is lost before the end, or there is more output than `limit`.
    pub async fn communicate(&self, stdin: &[u8], limit: usize) -> Result<Output> {
        let mut communication = Communication::new(self.inner.id, stdin, limit);
        Ok(self.inner.wait_for_any(|state| communication.advance(&mut state.inbox)).await??)
    }
}

/// Reads one stream of a channel. Cancel safe: what a dropped read did not return is there for the next.
pub struct ChannelReader<R: Role = ClientRole> {
    inner: Arc<Inner<R>>,
    stream: DataStream,
    key: Option<u64>,
}

impl<R: Role> ChannelReader<R> {
    fn topic(&self) -> Topic {
        Topic::Channel(self.inner.id, Some(Interest::Read(self.stream)))
    }

    pub(crate) fn poll_read_some(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let (topic, id, stream) = (self.topic(), self.inner.id, self.stream);
        let read =
            self.inner.handle.shared.poll_wait(topic, &mut self.key, cx, |state| state.inbox.read(id, stream, buffer));
        read.map_err(io::Error::from)
    }
}

impl<R: Role> Drop for ChannelReader<R> {
    fn drop(&mut self) {
        self.inner.handle.shared.forget(self.topic(), self.key);
    }
}

/// Writes one stream of a channel. Cancel safe: a write that was dropped while it waited has written nothing.
///
/// What is written leaves as soon as the transport takes it; flushing waits for that. Closing sends EOF.
pub struct ChannelWriter<R: Role = ClientRole> {
    inner: Arc<Inner<R>>,
    stream: DataStream,
    key: Option<u64>,
    flushing: Option<u64>,
    /// How many bytes the connection will have sent once what was written here has left.
    sent_by: u64,
    sent_eof: bool,
}

impl<R: Role> ChannelWriter<R> {
    /// Says that no more will be written.
    pub fn send_eof(&self) {
        self.inner.handle.shared.act(|state| state.inbox.send_eof(self.inner.id));
    }

    fn topic(&self) -> Topic {
        Topic::Channel(self.inner.id, Some(Interest::Write))
    }

    pub(crate) fn poll_write_some(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (topic, id, stream) = (self.topic(), self.inner.id, self.stream);
        let sent_by = &mut self.sent_by;
        let written = self.inner.handle.shared.poll_wait(topic, &mut self.key, cx, |state| {
            let written = state.inbox.write(id, stream, bytes)?;
            *sent_by = state.sent_by_then();
            Some(written)
        });
        Poll::Ready(Ok(ready!(written)?.map_err(Error::from)?))
    }

    pub(crate) fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent_by = self.sent_by;
        let shared = &self.inner.handle.shared;
        let flushed =
            shared.poll_wait(Topic::Room, &mut self.flushing, cx, |state| (state.sent >= sent_by).then_some(()));
        flushed.map_err(io::Error::from)
    }

    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.sent_eof, true) {
            let (id, sent_by) = (self.inner.id, &mut self.sent_by);
            self.inner.handle.shared.act(|state| {
                state.inbox.send_eof(id);
                *sent_by = state.sent_by_then();
            });
        }
        self.poll_flush_all(cx)
    }
}

impl<R: Role> Drop for ChannelWriter<R> {
    fn drop(&mut self) {
        let shared = &self.inner.handle.shared;
        shared.forget(self.topic(), self.key);
        shared.forget(Topic::Room, self.flushing);
    }
}

/// Both directions of a channel as one stream; made by [`Channel::into_stream`].
pub struct ChannelStream<R: Role = ClientRole> {
    pub(crate) writer: ChannelWriter<R>,
    pub(crate) reader: ChannelReader<R>,
}

impl<R: Role> AsyncRead for ChannelReader<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_read_some(cx, buffer)
    }
}

impl<R: Role> AsyncRead for ChannelStream<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.reader.poll_read_some(cx, buffer)
    }
}

impl<R: Role> ChannelStream<R> {
    pub(crate) fn writer(&mut self) -> &mut ChannelWriter<R> {
        &mut self.writer
    }
}

impl<R: Role> ChannelWriter<R> {
    pub(crate) fn writer(&mut self) -> &mut Self {
        self
    }
}

/// `AsyncWrite`, of `futures-io` or of tokio: they differ in what they call the end.
macro_rules! async_write {
    ($trait:path, $close:ident, $($type:ident),*) => {
        $(impl<R: ssh_core::Role> $trait for $crate::channel::$type<R> {
            fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
                self.writer().poll_write_some(cx, bytes)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.writer().poll_flush_all(cx)
            }

            fn $close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.writer().poll_finish(cx)
            }
        })*
    };
}

#[cfg(feature = "tokio")]
pub(crate) use async_write;

async_write!(AsyncWrite, poll_close, ChannelWriter, ChannelStream);
