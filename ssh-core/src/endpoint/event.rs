//! Events and tokens of both roles.

use crate::auth::{AuthNeeded, AuthRequest, Identity, KeyOffer, PasswordChangeNeeded, Prompts};
use crate::connection::{ChannelEvent, ChannelId, ChannelOpenRequest, GlobalRequestEvent};
use crate::error::CloseReason;
use crate::key::PublicKey;
use crate::untrusted::Untrusted;
use alloc::vec::Vec;

/// Is this the host we mean? The server has proven that it holds the key. Answer with
/// [`Client::answer_host_key`](crate::Client::answer_host_key); nothing is sent before.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "the connection waits for an answer"]
pub struct HostKeyRequest {
    /// The server's key. It may be a certificate: [`Certificate::check`](crate::key::Certificate::check) says whether that
    /// is good for this host, and [`PublicKey::plain`] is the key alone.
    pub key: PublicKey,
    /// How it signed.
    pub algorithm: &'static str,
    pub(super) turn: u64,
}

/// A signature is needed. Answer with `answer_signature`; [`PrivateKey::sign`](crate::key::PrivateKey::sign) makes it
/// for a key in memory.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "the connection waits for an answer"]
pub struct SignRequest {
    /// The public half of the key to sign with, or a certificate of it: [`PublicKey::plain`] is the key.
    pub key: PublicKey,
    /// The signature algorithm.
    pub algorithm: &'static str,
    /// What is to be signed.
    pub data: Vec<u8>,
    pub(super) turn: u64,
}

/// What can happen in either role; each role shows the part that concerns it.
pub enum CoreEvent {
    HostKey(HostKeyRequest),
    Sign(SignRequest),
    AuthNeeded(AuthNeeded),
    Prompts(Prompts),
    PasswordChange(PasswordChangeNeeded),
    Banner(Untrusted),
    Authenticated(&'static str),
    HostKeys(Vec<PublicKey>),
    HostKeysProven(Option<Vec<PublicKey>>),
    KeyOffer(KeyOffer),
    Auth(AuthRequest),
    Identified(Identity),
    ChannelOpen(ChannelOpenRequest),
    Channel(ChannelId, ChannelEvent),
    Global(GlobalRequestEvent),
    Rekeyed,
    Closed(CloseReason),
}
