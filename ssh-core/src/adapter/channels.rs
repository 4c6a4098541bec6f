//! What the owner of a channel does, now or not yet.

use super::error::SessionError;
use super::exit::Exit;
use super::inbox::{Inbox, Mailbox};
use crate::connection::{
    ChannelId, ChannelOpenRequest, ChannelRequest, ChannelType, IncomingRequest, RequestId, WriteError,
};
use crate::endpoint::{ClientEvent, ClientRole, Role, ServerRole, SignRequest};
use crate::error::Misuse;
use crate::key::PrivateKey;
use crate::random::SecureRandom;
use crate::wire::{ChannelOpenFailureReason, DataStream};

impl Inbox<ClientRole> {
    /// The next event for a login. An error if the user is in already, and nothing will come.
    pub fn login_event(&mut self) -> Option<Result<ClientEvent, SessionError>> {
        match self.events.pop_front() {
            Some(event) => Some(Ok(event)),
            None => self.endpoint.is_authenticated().then_some(Err(Misuse::WrongPhase.into())),
        }
    }
}

impl Inbox<ServerRole> {
    /// Signs with whichever of the host keys is asked for. An answer to a connection that ended meanwhile is refused,
    /// which is no error: its end comes next.
    pub fn sign(&mut self, request: SignRequest, keys: &[PrivateKey], random: &mut dyn SecureRandom) {
        let key = keys.iter().find(|key| *key.public_key() == *request.key.plain());
        let signature = key.and_then(|key| key.sign(request.algorithm, &request.data, random).ok());
        let _ = self.endpoint.answer_signature(request, signature.as_deref());
    }

    /// Opens the session channel that the client asks for; `refusal`: why none is to be had now. Other types are refused.
    pub fn accept_session(&mut self, request: ChannelOpenRequest, refusal: Option<&str>) -> Option<ChannelId> {
        let (reason, text) = match (refusal, &request.channel_type) {
            (Some(text), _) => (ChannelOpenFailureReason::ADMINISTRATIVELY_PROHIBITED, text),
            (None, ChannelType::Session) => return self.accept_channel(request).ok(),
            _ => (ChannelOpenFailureReason::UNKNOWN_CHANNEL_TYPE, "not supported"),
        };
        let _ = self.endpoint.reject_channel(request, reason, text);
        None
    }
}

impl<R: Role> Inbox<R> {
    /// Asks the peer for a channel; `None`: as many are open as may be, or keys are being exchanged.
    /// [`opened`](Self::opened) has the answer.
    pub fn open_channel(&mut self, channel_type: &ChannelType) -> Option<Result<ChannelId, SessionError>> {
        match self.endpoint.open_channel(channel_type) {
            Ok(id) => {
                self.mailboxes.insert(id, Mailbox::default());
                Some(Ok(id))
            }
            Err(Misuse::Busy) => None,
            // The reason is told by whoever knows how the connection ended.
            Err(_) if self.closed().is_some() => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    /// The peer's answer to [`open_channel`](Self::open_channel). Given once.
    pub fn opened(&mut self, id: ChannelId) -> Option<Result<(), SessionError>> {
        let opened = self.mailboxes.get_mut(&id)?.opened.take()?;
        Some(opened.map_err(|(reason, description)| SessionError::ChannelRefused { reason, description }))
    }

    /// Opens a channel the peer asked for.
    ///
    /// # Errors
    /// [`Misuse::StaleToken`]
    pub fn accept_channel(&mut self, request: ChannelOpenRequest) -> Result<ChannelId, Misuse> {
        let id = self.endpoint.accept_channel(request)?;
        self.mailboxes.insert(id, Mailbox::default());
        Ok(id)
    }

    /// Forgets a channel: closes it, drops what is unread, and its mailbox.
    pub fn release(&mut self, id: ChannelId) {
        self.mailboxes.remove(&id);
        if let Some(channel) = self.endpoint.channel(id) {
            channel.abandon();
        }
    }

    /// Sends a request. With `want_reply` there is an id to ask [`reply`](Self::reply) about.
    pub fn request(
        &mut self,
        id: ChannelId,
        request: &ChannelRequest,
        want_reply: bool,
    ) -> Option<Result<Option<RequestId>, SessionError>> {
        let Some(mut channel) = self.endpoint.channel(id) else { return Some(Err(WriteError::Closed.into())) };
        match channel.request(request, want_reply) {
            Err(WriteError::Busy) => None,
            asked => Some(asked.map_err(SessionError::from)),
        }
    }

    /// The peer's answer to a request. Given once. A channel that was closed without an answer refused the request.
    pub fn reply(
        &mut self,
        id: ChannelId,
        asked: RequestId,
        request: &ChannelRequest,
    ) -> Option<Result<(), SessionError>> {
        let mailbox = self.mailboxes.get_mut(&id)?;
        let granted = mailbox.replies.remove(&asked).or(mailbox.closed.then_some(false))?;
        Some(if granted { Ok(()) } else { Err(SessionError::request_refused(request)) })
    }

    /// Moves what is readable into `buffer`; `Some(0)`: there is no more, for good, or the buffer has no room.
    pub fn read(&mut self, id: ChannelId, stream: DataStream, buffer: &mut [u8]) -> Option<usize> {
        let Some(mut channel) = self.endpoint.channel(id) else { return Some(0) };
        if buffer.is_empty() {
            return Some(0);
        }
        let data = channel.readable(stream);
        if data.is_empty() {
            return channel.is_at_eof().then_some(0);
        }
        let n = data.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..n), data.get(..n)) {
            to.copy_from_slice(from);
        }
        channel.consume(stream, n);
        Some(n)
    }

    /// Sends as much as fits; never `Some(Ok(0))` unless `data` is empty.
    pub fn write(&mut self, id: ChannelId, stream: DataStream, data: &[u8]) -> Option<Result<usize, SessionError>> {
        let Some(mut channel) = self.endpoint.channel(id) else { return Some(Err(WriteError::Closed.into())) };
        match channel.write(stream, data) {
            Ok(0) if !data.is_empty() => None,
            written => Some(written.map_err(SessionError::from)),
        }
    }

    /// Says that no more will be written. A channel that is closed already needs no telling.
    pub fn send_eof(&mut self, id: ChannelId) {
        if let Some(mut channel) = self.endpoint.channel(id) {
            let _ = channel.send_eof();
        }
    }

    /// Closes our side of a channel.
    pub fn close(&mut self, id: ChannelId) {
        if let Some(mut channel) = self.endpoint.channel(id) {
            channel.close();
        }
    }

    /// How what ran on the channel ended, if the peer has said so.
    pub fn exit(&self, id: ChannelId) -> Option<Exit> {
        self.mailboxes.get(&id)?.exit.clone()
    }

    /// How what ran on the channel ended, once the peer has closed it. What it still sends is thrown away.
    pub fn ended(&mut self, id: ChannelId) -> Option<Exit> {
        if let Some(mut channel) = self.endpoint.channel(id) {
            for stream in [DataStream::STDOUT, DataStream::STDERR] {
                while let n @ 1.. = channel.readable(stream).len() {
                    channel.consume(stream, n);
                }
            }
        }
        self.end(id)
    }

    pub(super) fn end(&self, id: ChannelId) -> Option<Exit> {
        let mailbox = self.mailboxes.get(&id)?;
        mailbox.closed.then(|| mailbox.exit.clone().unwrap_or(Exit::Unknown))
    }

    /// The peer's next request on a channel; `Some(None)`: none will come any more.
    pub fn next_request(&mut self, id: ChannelId) -> Option<Option<IncomingRequest>> {
        let Some(mailbox) = self.mailboxes.get_mut(&id) else { return Some(None) };
        match mailbox.requests.pop_front() {
            Some(request) => Some(Some(request)),
            None => mailbox.closed.then_some(None),
        }
    }
}
