//! What users hold: one value per connection that is transport, authentication and channels in one.

mod client;
mod commands;
mod core;
mod event;
mod host_key_learning;
mod host_key_proving;
mod io;
mod replay;
mod server;
mod splice;
#[cfg(feature = "test-hooks")]
mod test_hooks;
mod timers;

use ::core::marker::PhantomData;
use alloc::{boxed::Box, sync::Arc, vec::Vec};

pub use client::{ClientEvent, ClientRole, HostKeyAnswer};
pub(crate) use event::CoreEvent;
pub use event::{HostKeyRequest, SignRequest};
pub use replay::{Replay, ReplayError, replay};
pub use server::{ServerEvent, ServerRole};
pub use splice::splice;
#[cfg(feature = "test-hooks")]
pub use test_hooks::TestHooks;

use self::core::{Core, CoreConfig};
use crate::config::ConfigError;
use crate::connection::{Channel, ChannelId, ChannelOpenRequest, ChannelType, GlobalToken, RequestId, RequestToken};
use crate::error::Misuse;
use crate::random::{ChaChaRandom, SecureRandom};
use crate::recorder::{Kind, Recorder};
use crate::time::Timestamp;
use crate::transcript::Entry;
use crate::transport::{Negotiated, Side};
use crate::untrusted::Untrusted;
use crate::wire::{ChannelOpenFailureReason, DisconnectReason};

/// One end of an SSH connection: bytes, time and randomness in; bytes, events and the next deadline out.
///
/// # The loop
///
/// Five verbs, in any order:
///
/// | verb | what it does |
/// |---|---|
/// | [`handle_input`](Self::handle_input), or [`input_buffer`](Self::input_buffer) and [`input_filled`](Self::input_filled) | stores bytes from the socket |
/// | [`handle_timeout`](Self::handle_timeout) | tells the time |
/// | [`poll_event`](Self::poll_event) | works through the input, a packet at a time, and says what happened |
/// | [`poll_output`](Self::poll_output), [`consume_output`](Self::consume_output) | shows bytes for the socket |
/// | [`poll_timeout`](Self::poll_timeout) | says when to be woken at the latest |
///
/// The only rule: before you sleep, poll events until `None`, write out what `poll_output` shows, leave if it
/// [is finished](Self::is_finished), and read the socket only while it [wants input](Self::wants_input). What the socket
/// says about its end goes to [`handle_eof`](Self::handle_eof) and
/// [`handle_write_closed`](Self::handle_write_closed).
///
/// # Decisions
///
/// Whatever needs a decision comes as an event with an owned token: a host key, a signature, a login, a channel, a
/// request. The answer may come at once, much later, or never; the protocol waits, and its timers end a wait that takes
/// too long.
///
/// # Errors
///
/// Bytes from the peer can never make a method fail. A fatal fault queues a DISCONNECT and comes as the last event,
/// `Closed`. Commands return [`Misuse`] where the application asked for what the state does not allow.
pub struct Endpoint<R: Role> {
    core: Core,
    role: PhantomData<fn() -> R>,
}

/// An endpoint that opened the connection.
pub type Client = Endpoint<ClientRole>;

/// An endpoint that accepted the connection.
pub type Server = Endpoint<ServerRole>;

/// Client or server. Sealed.
pub trait Role: sealed::Sealed + Sized {
    /// The role's configuration.
    type Config;
    /// The role's events.
    type Event;

    #[doc(hidden)]
    fn settings(config: &Arc<Self::Config>) -> Result<CoreConfig, ConfigError>;

    #[doc(hidden)]
    fn happening(event: CoreEvent) -> Option<Self::Event>;
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::ClientRole {}
    impl Sealed for super::ServerRole {}
}

impl<R: Role> Endpoint<R> {
    /// Begins a connection: our identification and first proposal are ready to be sent.
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration cannot work or `random` fails.
    pub fn new(config: Arc<R::Config>, random: Box<dyn SecureRandom>, now: Timestamp) -> Result<Self, ConfigError> {
        let core = Core::new(R::settings(&config)?, random, now)?;
        Ok(Self { core, role: PhantomData })
    }

    /// As [`new`](Self::new), and writes down everything the endpoint is given, so that
    /// [`replay`](crate::recording::replay) can play it again. All randomness comes from `seed`, which must be as random
    /// as a key. See [`recording`](crate::recording).
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration cannot work.
    pub fn recorded(config: Arc<R::Config>, seed: &[u8; 32], now: Timestamp) -> Result<Self, ConfigError> {
        let mut endpoint = Self::new(config, Box::new(ChaChaRandom::from_seed(seed)), now)?;
        let is_server = endpoint.side() == Side::Server;
        endpoint.core.recorder = Some(Box::new(Recorder::new(is_server, seed, now.as_micros())));
        Ok(endpoint)
    }

    /// What was written down since the last call: the pieces, put together, are the recording. Empty if nothing is
    /// [`recorded`](Self::recorded).
    pub fn take_recording(&mut self) -> Vec<u8> {
        self.core.recorder.as_mut().map(|recorder| recorder.take()).unwrap_or_default()
    }

    /// The next entry of the [`transcript`](crate::transcript), if one is kept
    /// ([`ClientConfig::transcript_entries`](crate::ClientConfig::transcript_entries)) and there is one.
    pub fn poll_transcript(&mut self) -> Option<Entry> {
        self.core.outbound.sender.transcript().as_mut()?.take()
    }

    /// What happened next; `None`: nothing more until there is input, time, an answer, or room in the output.
    ///
    /// Works through at most as many packets as it takes to find one event. Data on a channel is valid to read until
    /// the channel is told to consume it, whatever else is called.
    pub fn poll_event(&mut self) -> Option<R::Event> {
        loop {
            let event = self.poll_core_event()?;
            if let Some(event) = R::happening(event) {
                return Some(event);
            }
        }
    }

    /// As [`poll_event`](Self::poll_event), before the role sees it.
    pub(crate) fn poll_core_event(&mut self) -> Option<CoreEvent> {
        let event = self.core.poll_event();
        self.core.note(Kind::Poll, |writer| writer.boolean(event.is_some()));
        event
    }

    /// Stores bytes from the socket; says how many fitted. The rest is to be offered again after polling events.
    pub fn handle_input(&mut self, bytes: &[u8]) -> usize {
        self.core.handle_input(bytes)
    }

    /// Room to read the socket into, without a copy. Empty when the endpoint [wants no input](Self::wants_input).
    pub fn input_buffer(&mut self) -> &mut [u8] {
        self.core.input_buffer()
    }

    /// Says that `n` bytes were read into [`input_buffer`](Self::input_buffer).
    pub fn input_filled(&mut self, n: usize) {
        self.core.input_filled(n);
    }

    /// Says that no more bytes will come.
    pub fn handle_eof(&mut self) {
        self.core.handle_eof();
    }

    /// Says that nothing can be written any more. Output is dropped from here on; reading may go on, for the peer may have
    /// said why.
    pub fn handle_write_closed(&mut self) {
        self.core.handle_write_closed();
    }

    /// Tells the time, and acts on what is due. Call it whenever [`poll_timeout`](Self::poll_timeout) has passed;
    /// calling it before other input makes timers more exact. What a command begins has all its time, however long ago the
    /// time was told last: it counts from the next call, which is due at once.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.core.note(Kind::Time, |writer| writer.uint64(now.as_micros()));
        if let Some(transcript) = self.core.outbound.sender.transcript() {
            transcript.set_time(now);
        }
        self.core.handle_timeout(now);
    }

    /// Bytes for the socket: as many whole packets as there are.
    pub fn poll_output(&mut self) -> &[u8] {
        self.core.poll_output()
    }

    /// Says that the socket took the first `n` bytes of [`poll_output`](Self::poll_output).
    pub fn consume_output(&mut self, n: usize) {
        self.core.consume_output(n);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called at the latest; `None`: no timer runs. A connection
    /// that is over is due at once, so that no loop sleeps on it; one whose last output does not move, after
    /// [`Limits::linger`](crate::Limits::linger).
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.core.poll_timeout()
    }

    /// Whether the socket should be read. `false` is back-pressure: events are unpolled, a decision is awaited, or the
    /// peer does not read its answers.
    pub fn wants_input(&self) -> bool {
        self.core.wants_input()
    }

    /// Whether the connection is over, `Closed` was reported, and all output is taken or cannot be written. Leave the loop.
    pub fn is_finished(&self) -> bool {
        self.core.is_finished()
    }

    /// Whether the user is authenticated and the connection lives.
    pub fn is_authenticated(&self) -> bool {
        self.core.is_authenticated()
    }

    /// What the latest key exchange agreed on.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.core.negotiated()
    }

    /// The hash of the first key exchange, which names the session (RFC 4253 §7.2).
    pub fn session_id(&self) -> Option<&[u8]> {
        self.core.session_id()
    }

    /// The peer's identification string, once it has come.
    pub fn peer_identification(&self) -> Option<Untrusted> {
        self.core.peer_identification()
    }

    /// A channel to read from and write to; `None` if it is gone.
    pub fn channel(&mut self, id: ChannelId) -> Option<Channel<'_>> {
        self.core.channel(id)
    }

    /// Asks the peer for a channel; [`ChannelEvent::Opened`](crate::ChannelEvent::Opened) or
    /// [`OpenFailed`](crate::ChannelEvent::OpenFailed) follows.
    ///
    /// # Errors
    /// [`Misuse::WrongPhase`] before authentication; [`Misuse::Busy`] if there are as many channels, or as much window
    /// granted, as [`Limits`](crate::Limits) allow.
    pub fn open_channel(&mut self, channel_type: &ChannelType) -> Result<ChannelId, Misuse> {
        self.core.open_channel(channel_type)
    }

    /// Opens a channel the peer asked for.
    ///
    /// # Errors
    /// [`Misuse::StaleToken`]
    pub fn accept_channel(&mut self, request: ChannelOpenRequest) -> Result<ChannelId, Misuse> {
        self.core.accept_channel(&request)
    }

    /// Refuses a channel the peer asked for.
    ///
    /// # Errors
    /// [`Misuse::StaleToken`]
    pub fn reject_channel(
        &mut self,
        request: ChannelOpenRequest,
        reason: ChannelOpenFailureReason,
        description: &str,
    ) -> Result<(), Misuse> {
        self.core.reject_channel(&request, reason, description)
    }

    /// Answers a request on a channel.
    ///
    /// # Errors
    /// [`Misuse::StaleToken`], [`Misuse::NoSuchChannel`] if the channel is gone, which is no reason to worry.
    pub fn reply(&mut self, token: RequestToken, success: bool) -> Result<(), Misuse> {
        self.core.reply(&token, success)
    }

    /// Asks the peer for something that concerns no channel;
    /// [`GlobalRequestEvent::Reply`](crate::GlobalRequestEvent::Reply) follows.
    ///
    /// # Errors
    /// [`Misuse::WrongPhase`] before authentication, [`Misuse::Busy`] while too much waits for a key exchange,
    /// [`Misuse::TooLong`] above 255 KiB.
    pub fn global_request(&mut self, name: &[u8], data: &[u8]) -> Result<RequestId, Misuse> {
        self.core.global_request(name, data)
    }

    /// Answers a global request: `Some` grants it with these fields, `None` refuses it.
    ///
    /// # Errors
    /// [`Misuse::StaleToken`]
    pub fn answer_global(&mut self, token: GlobalToken, response: Option<&[u8]>) -> Result<(), Misuse> {
        self.core.answer_global(&token, response)
    }

    /// Asks for fresh keys now. Nothing happens while an exchange is going on.
    ///
    /// # Errors
    /// [`Misuse::WrongPhase`] before authentication.
    pub fn rekey(&mut self) -> Result<(), Misuse> {
        self.core.rekey()
    }

    /// Ends the connection: the output there is still goes out, then a DISCONNECT. Requests that a key exchange holds
    /// back are dropped.
    pub fn disconnect(&mut self, reason: DisconnectReason, description: &str) {
        self.core.disconnect(reason, description);
    }

    /// Which side this is.
    pub fn side(&self) -> Side {
        self.core.side()
    }

    /// Bytes of buffers held for input and output, channels' unread data aside.
    pub fn buffer_memory(&self) -> usize {
        self.core.buffer_memory()
    }
}

#[cfg(test)]
mod tests;
