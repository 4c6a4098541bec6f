//! SSH as a sans-IO state machine: client and server in one crate, without a socket, a clock, a thread or a callback.
//!
//! ```text
//!             bytes in ─►┌──────────────────────── ssh-core ────────────────────────┐─► events
//!    socket              │ packet ─► transport ─► auth / connection ─► endpoint      │            application
//!             bytes out ◄│   (RFC 4253)            (4252)   (4254)                   │◄─ commands, answers
//!             time in ─► └──────────────────────────────────────────────────────────┘─► next deadline
//! ```
//!
//! # Using it
//!
//! A [`Client`] or [`Server`] is one owned value, and so is everything it says. [`Endpoint`] tells the loop: five verbs
//! in any order. Decisions come as events with tokens; answer them when you know.
//!
//! ```
//! use std::sync::Arc;
//! use ssh_core::key::{KeyAlgorithm, PrivateKey};
//! use ssh_core::random::ChaChaRandom;
//! use ssh_core::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A fixed seed makes the session replayable; take the seed from the system outside of tests.
//! let mut random = ChaChaRandom::from_seed(&[7; 32]);
//! let host_key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random)?;
//! let config = ServerConfig::new(vec![host_key.public_key().clone()]);
//! let mut server = Server::new(Arc::new(config), Box::new(ChaChaRandom::from_seed(&[1; 32])), Timestamp::ZERO)?;
//! let config = Arc::new(ClientConfig::default());
//! let mut client = Client::new(config, Box::new(ChaChaRandom::from_seed(&[2; 32])), Timestamp::ZERO)?;
//!
//! let mut authenticated = false;
//! while !authenticated {
//!     // The network.
//!     let n = server.handle_input(client.poll_output());
//!     client.consume_output(n);
//!     let n = client.handle_input(server.poll_output());
//!     server.consume_output(n);
//!     // The application on either side.
//!     while let Some(event) = server.poll_event() {
//!         match event {
//!             ServerEvent::Sign(request) => {
//!                 let signature = host_key.sign(request.algorithm, &request.data, &mut random)?;
//!                 server.answer_signature(request, Some(&signature))?;
//!             }
//!             ServerEvent::Auth(request) => {
//!                 let right = matches!(&request.credential, Credential::Password(p) if p.constant_time_eq(b"secret"));
//!                 server.answer_auth(request, if right { AuthAnswer::Accept } else { AuthAnswer::Reject })?;
//!             }
//!             _ => {}
//!         }
//!     }
//!     while let Some(event) = client.poll_event() {
//!         match event {
//!             ClientEvent::HostKey(request) => {
//!                 let known = request.key == *host_key.public_key();
//!                 let answer = if known { HostKeyAnswer::Accept } else { HostKeyAnswer::Reject };
//!                 client.answer_host_key(request, answer)?;
//!             }
//!             ClientEvent::AuthNeeded(_) => client.authenticate("alice", AuthMethod::Password("secret".into()))?,
//!             ClientEvent::Authenticated(_) => authenticated = true,
//!             ClientEvent::Closed(reason) => return Err(reason.to_string().into()),
//!             _ => {}
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! | to | look at |
//! |---|---|
//! | run a connection | [`Endpoint`], [`ClientEvent`], [`ServerEvent`] |
//! | use a channel | [`Channel`], [`ChannelEvent`], [`ChannelRequest`] |
//! | choose algorithms, or bring your own | [`crypto::Algorithms`] and the traits beside it |
//! | read and make keys | [`key`] |
//! | read `known_hosts`, `authorized_keys`, `ssh_config` | [`files`] |
//! | decide in which order to authenticate | [`login`] |
//! | write an adapter with one handle per channel | [`adapter`] |
//! | decide which clients a server lets in | [`admission`] |
//! | run a connection over a channel of another | [`splice`] |
//! | see which message is legal when | [`gate::GATE`] |
//! | test what takes 2³² packets | feature `test-hooks` |
//!
//! # What is guaranteed
//!
//! - The same inputs, times and seed give the same bytes and events, always.
//! - Memory is bounded by [`Limits`], before authentication much lower than after.
//! - Nothing a peer sends makes a method panic or fail; a fault ends the connection with a typed [`Error`].
//! - Secrets are wiped, never printed, and compared in constant time; text of the peer is [`Untrusted`].
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unreachable,
        clippy::disallowed_methods
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod adapter;
pub mod admission;
mod auth;
mod config;
mod connection;
pub mod crypto;
mod endpoint;
mod error;
pub mod files;
#[doc(hidden)]
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod gate {
    //! Which message is legal when: the table that the dispatcher asks before it does anything.

    pub use crate::transport::{GATE, GateRow, KexPhase, Phase, Sender, Verdict, verdict};
}
pub mod key;
pub mod login;
pub mod message;
mod packet;
pub mod random;
mod secret;
mod time;
mod transport;
mod untrusted;
pub mod wire;

pub use auth::{
    AuthAnswer, AuthMethod, AuthNeeded, AuthRequest, Credential, Identity, KeyOffer, PasswordChangeNeeded, Prompt,
    Prompts,
};
pub use config::{ClientConfig, ConfigError, Identification, KeepAlive, Limits, RekeyPolicy, ServerConfig};
pub use connection::{
    Channel, ChannelEvent, ChannelId, ChannelOpenRequest, ChannelRequest, ChannelType, GlobalRequestEvent, GlobalToken,
    IncomingRequest, PtyRequest, RequestId, RequestToken, Signal, TerminalMode, TerminalModes, WriteError,
};
#[cfg(feature = "test-hooks")]
pub use endpoint::TestHooks;
pub use endpoint::{
    ByteProtocol, Client, ClientEvent, ClientRole, Endpoint, HostKeyAnswer, HostKeyRequest, Role, Server, ServerEvent,
    ServerRole, SignRequest, splice,
};
pub use error::{CloseReason, Deadline, Error, LimitKind, Misuse, PeerMisbehaved, Stage};
#[cfg(feature = "test-hooks")]
pub use packet::Counters;
pub use secret::SecretBytes;
pub use time::Timestamp;
pub use transport::{Negotiated, Side};
pub use untrusted::{MultiLine, Untrusted};
