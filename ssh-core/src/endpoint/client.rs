//! The client: its events and answers.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::core::CoreConfig;
use super::event::{CoreEvent, HostKeyRequest, SignRequest};
use super::{Client, Role};
use crate::auth::{AuthMethod, AuthNeeded, PasswordChangeNeeded, Prompts};
use crate::config::{ClientConfig, ConfigError, check_algorithms, check_kex};
use crate::connection::{ChannelEvent, ChannelId, ChannelOpenRequest, GlobalRequestEvent};
use crate::error::{CloseReason, Misuse};
use crate::key::{HostKeyProof, PublicKey};
use crate::secret::SecretBytes;
use crate::transport::Side;
use crate::untrusted::Untrusted;

/// The client's role.
#[derive(Debug)]
pub enum ClientRole {}

/// What happened at a client.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent {
    /// Is this the right host? [`Client::answer_host_key`]
    HostKey(HostKeyRequest),
    /// Who are you? [`Client::authenticate`]
    AuthNeeded(AuthNeeded),
    /// Questions for the user. [`Client::answer_prompts`]
    Prompts(Prompts),
    /// The password has expired. [`Client::authenticate`]
    PasswordChange(PasswordChangeNeeded),
    /// Sign, to prove the user's key. [`Client::answer_signature`]
    Sign(SignRequest),
    /// Text for the user, before authentication is complete.
    Banner(Untrusted),
    /// The user is in; the method that completed it.
    Authenticated(&'static str),
    /// The server says which host keys it has, those alone that our algorithms fit, and no certificates. Nothing is proven
    /// yet. [`KnownHosts::host_key_changes`](crate::files::known_hosts::KnownHosts::host_key_changes) has what is to be done.
    HostKeys(Vec<PublicKey>),
    /// The keys that [`Client::prove_host_keys`] asked about are the server's. `None`: it has not proven all of them, or not in
    /// time ([`Limits::proof_grace`](crate::Limits::proof_grace)), and none is to be learnt.
    HostKeysProven(Option<Vec<PublicKey>>),
    /// The server wants a channel. [`Endpoint::accept_channel`](super::Endpoint::accept_channel)
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

impl Role for ClientRole {
    type Config = ClientConfig;
    type Event = ClientEvent;

    fn settings(config: &Arc<ClientConfig>) -> Result<CoreConfig, ConfigError> {
        config.limits.check()?;
        check_algorithms(&config.algorithms)?;
        check_kex(&config.kex)?;
        Ok(CoreConfig {
            side: Side::Client,
            algorithms: Arc::new(config.algorithms.clone()),
            host_based_algorithms: config.host_based_algorithms.clone(),
            limits: config.limits,
            rekey: config.rekey,
            keepalive: config.keepalive,
            identification: config.identification.line(),
            require_strict_kex: config.require_strict_kex,
            kex: config.kex.clone(),
            first_kex_packet_follows: config.first_kex_packet_follows,
            compression_level: config.compression_level,
            transcript_entries: config.transcript_entries,
            server: None,
        })
    }

    fn happening(event: CoreEvent) -> Option<ClientEvent> {
        Some(match event {
            CoreEvent::HostKey(request) => ClientEvent::HostKey(request),
            CoreEvent::Sign(request) => ClientEvent::Sign(request),
            CoreEvent::AuthNeeded(needed) => ClientEvent::AuthNeeded(needed),
            CoreEvent::Prompts(prompts) => ClientEvent::Prompts(prompts),
            CoreEvent::PasswordChange(needed) => ClientEvent::PasswordChange(needed),
            CoreEvent::Banner(text) => ClientEvent::Banner(text),
            CoreEvent::Authenticated(method) => ClientEvent::Authenticated(method),
            CoreEvent::HostKeys(keys) => ClientEvent::HostKeys(keys),
            CoreEvent::HostKeysProven(keys) => ClientEvent::HostKeysProven(keys),
            CoreEvent::ChannelOpen(request) => ClientEvent::ChannelOpen(request),
            CoreEvent::Channel(id, event) => ClientEvent::Channel(id, event),
            CoreEvent::Global(event) => ClientEvent::Global(event),
            CoreEvent::Rekeyed => ClientEvent::Rekeyed,
            CoreEvent::Closed(reason) => ClientEvent::Closed(reason),
            CoreEvent::KeyOffer(_) | CoreEvent::Auth(_) | CoreEvent::Identified(_) => return None,
        })
    }
}

/// The answer to a [`HostKeyRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKeyAnswer {
    /// It is the right host.
    Accept,
    /// It is not, or it is not known: the connection ends.
    Reject,
}

impl Client {
    /// What the server proved in the first key exchange; `None` before its host key was accepted.
    pub fn host_key_proof(&self) -> Option<HostKeyProof> {
        self.core.host_key_proof()
    }

    /// Answers about the server's host key.
    ///
    /// # Errors
    /// [`Misuse::StaleToken`]
    pub fn answer_host_key(&mut self, request: HostKeyRequest, answer: HostKeyAnswer) -> Result<(), Misuse> {
        self.core.answer_host_key(request.turn, answer)
    }

    /// Asks the server to prove that it holds these keys, which it [has announced](ClientEvent::HostKeys);
    /// [`ClientEvent::HostKeysProven`] has the answer. OpenSSH's `PROTOCOL` §2.5.
    ///
    /// # Errors
    /// [`Misuse::WrongPhase`] before the user is in, [`Misuse::Busy`] while output is full or another proof has not come, be
    /// it too late to be heard, [`Misuse::TooLong`] for more than fits into a packet.
    pub fn prove_host_keys(&mut self, keys: &[PublicKey]) -> Result<(), Misuse> {
        self.core.prove_host_keys(keys)
    }

    /// Tries to authenticate. [`ClientEvent::Authenticated`] follows, or [`ClientEvent::AuthNeeded`] again.
    ///
    /// # Errors
    /// [`Misuse::WrongPhase`] unless [`ClientEvent::AuthNeeded`] or [`ClientEvent::PasswordChange`] is unanswered;
    /// [`Misuse::NoUsableAlgorithm`] for a key that no algorithm fits; [`Misuse::TooLong`] for a name of over 1,024 or a
    /// password of over 4,096 bytes.
    pub fn authenticate(&mut self, user: &str, method: AuthMethod) -> Result<(), Misuse> {
        self.core.authenticate(user.as_bytes(), method)
    }

    /// Answers questions, in their order.
    ///
    /// # Errors
    /// [`Misuse::StaleToken`], [`Misuse::WrongAnswerCount`], [`Misuse::TooLong`] for an answer of over 4,096 bytes.
    pub fn answer_prompts(&mut self, prompts: &Prompts, answers: &[SecretBytes]) -> Result<(), Misuse> {
        self.core.answer_prompts(prompts.turn, answers)
    }

    /// Hands in the signature that proves the user's key; `None`: it cannot be made, and [`ClientEvent::AuthNeeded`]
    /// comes again.
    ///
    /// # Errors
    /// [`Misuse::StaleToken`]
    pub fn answer_signature(&mut self, request: SignRequest, signature: Option<&[u8]>) -> Result<(), Misuse> {
        self.core.answer_user_signature(request.turn, signature)
    }
}
