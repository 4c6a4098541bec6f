//! The server: its events and answers.

use alloc::sync::Arc;

use super::core::CoreConfig;
use super::event::{CoreEvent, SignRequest};
use super::{Role, Server};
use crate::auth::{AuthAnswer, AuthRequest, Identity, KeyOffer};
use crate::config::{ConfigError, ServerConfig, check_algorithms};
use crate::connection::{ChannelEvent, ChannelId, ChannelOpenRequest, GlobalRequestEvent};
use crate::error::{CloseReason, Misuse};
use crate::transport::Side;

/// The server's role.
#[derive(Debug)]
pub enum ServerRole {}

/// What happened at a server.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerEvent {
    /// Sign with a host key. [`Server::answer_signature`]
    Sign(SignRequest),
    /// Would this key do? [`Server::answer_key_offer`]
    KeyOffer(KeyOffer),
    /// Is this enough? [`Server::answer_auth`]
    Auth(AuthRequest),
    /// The user is in: who, and how it was proven.
    Authenticated(Identity),
    /// The client wants a channel. [`Endpoint::accept_channel`](super::Endpoint::accept_channel)
    ChannelOpen(ChannelOpenRequest),
    /// Something happened on a channel.
    Channel(ChannelId, ChannelEvent),
    /// A global request, or the answer to one.
    Global(GlobalRequestEvent),
    /// Keys were replaced.
    Rekeyed,
    /// The connection is over. Exactly once, last.
    Closed(CloseReason),
}

impl Role for ServerRole {
    type Config = ServerConfig;
    type Event = ServerEvent;

    fn settings(config: &Arc<ServerConfig>) -> Result<CoreConfig, ConfigError> {
        config.limits.check()?;
        check_algorithms(&config.algorithms)?;
        Ok(CoreConfig {
            side: Side::Server,
            algorithms: Arc::new(config.algorithms.clone()),
            host_based_algorithms: None,
            limits: config.limits,
            rekey: config.rekey,
            keepalive: config.keepalive,
            identification: config.identification.line(),
            require_strict_kex: config.require_strict_kex,
            kex: config.kex.clone(),
            // The client speaks first in every method: there is nothing a server could guess.
            first_kex_packet_follows: false,
            compression_level: config.compression_level,
            transcript_entries: config.transcript_entries,
            server: Some(Arc::clone(config)),
        })
    }

    fn happening(event: CoreEvent) -> Option<ServerEvent> {
        Some(match event {
            CoreEvent::Sign(request) => ServerEvent::Sign(request),
            CoreEvent::KeyOffer(offer) => ServerEvent::KeyOffer(offer),
            CoreEvent::Auth(request) => ServerEvent::Auth(request),
            CoreEvent::Identified(identity) => ServerEvent::Authenticated(identity),
            CoreEvent::ChannelOpen(request) => ServerEvent::ChannelOpen(request),
            CoreEvent::Channel(id, event) => ServerEvent::Channel(id, event),
            CoreEvent::Global(event) => ServerEvent::Global(event),
            CoreEvent::Rekeyed => ServerEvent::Rekeyed,
            CoreEvent::Closed(reason) => ServerEvent::Closed(reason),
            CoreEvent::HostKey(_)
            | CoreEvent::AuthNeeded(_)
            | CoreEvent::Prompts(_)
            | CoreEvent::PasswordChange(_)
            | CoreEvent::Banner(_)
            | CoreEvent::Authenticated(_)
            | CoreEvent::HostKeys(_)
            | CoreEvent::HostKeysProven(_) => return None,
        })
    }
}

impl Server {
    /// Hands in the signature that proves the host key; `None`: it cannot be made, and the connection ends.
    ///
    /// # Errors
    /// [`Misuse::StaleToken`]
    pub fn answer_signature(&mut self, request: SignRequest, signature: Option<&[u8]>) -> Result<(), Misuse> {
        self.core.answer_host_signature(request.turn, signature)
    }

    /// Says whether the key would do. Nobody is logged in by this.
    ///
    /// # Errors
    /// [`Misuse::StaleToken`]
    pub fn answer_key_offer(&mut self, offer: KeyOffer, would_do: bool) -> Result<(), Misuse> {
        self.core.answer_key_offer(offer.turn, would_do)
    }

    /// Says whether what was shown or proven is enough.
    ///
    /// # Errors
    /// [`Misuse::StaleToken`]
    pub fn answer_auth(&mut self, request: AuthRequest, answer: AuthAnswer) -> Result<(), Misuse> {
        self.core.answer_auth(request.turn, answer)
    }

    /// Shows the user a text while authentication goes on.
    ///
    /// # Errors
    /// [`Misuse::WrongPhase`] before the client asks for authentication and after it is complete.
    pub fn send_banner(&mut self, text: &str) -> Result<(), Misuse> {
        self.core.send_banner(text)
    }
}
