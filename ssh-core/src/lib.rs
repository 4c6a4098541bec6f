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
//! | see what was said, or write it down to play it again | [`transcript`], [`recording`] |
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
pub mod agent;
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

    pub use crate::transport::{GATE, GateRow, KexPhase, Phase, Sender, Verdict, verdict, verdict_by};
}
pub mod key;
pub mod login;
pub mod message;
mod packet;
mod pattern;
mod protocol;
pub mod random;
mod recorder;
pub mod recording {
    //! Whole sessions in a file, to be played again: the same events and the same bytes, bit by bit.
    //!
    //! An endpoint made by [`Endpoint::recorded`](crate::Endpoint::recorded) writes down its seed and every call that can
    //! make a difference; [`Endpoint::take_recording`](crate::Endpoint::take_recording) hands that out, as often as one
    //! likes. [`replay`] needs the configuration the endpoint was made with, no network and no application.
    //!
    //! A recording holds the seed, and with it every key of the session, and every password: it is as secret as they are.
    //! For what may be shown there is the
    //! [`transcript`](crate::transcript).
    //!
    //! ```
    //! use std::sync::Arc;
    //! use ssh_core::recording::replay;
    //! use ssh_core::{Client, ClientConfig, ClientRole, Timestamp};
    //!
    //! let config = Arc::new(ClientConfig::default());
    //! let mut client = Client::recorded(Arc::clone(&config), &[7; 32], Timestamp::ZERO)?;
    //! client.handle_input(b"SSH-2.0-peer\r\n");
    //! assert!(client.poll_event().is_none());
    //! let output = client.poll_output().to_vec();
    //! client.consume_output(output.len());
    //!
    //! let recording = client.take_recording();
    //! let again = replay::<ClientRole>(config, &recording)?;
    //! assert_eq!(again.output, output);
    //! # Ok::<(), Box<dyn std::error::Error>>(())
    //! ```
    //!
    //! # The format
    //!
    //! In the data types of RFC 4251 §5: `string "ssh-core recording"`, `uint32 1` (the version), `boolean` (whether it
    //! is a server), 32 bytes of seed, `uint64` (the time it began, in microseconds); then entries, each a `byte` and its
    //! fields:
    //!
    //! | byte | entry | fields |
    //! |---|---|---|
    //! | 0 | `handle_timeout` | `uint64` microseconds |
    //! | 1 | `handle_input`, as much as was taken | `string` |
    //! | 2 | `handle_eof` | |
    //! | 3 | `handle_write_closed` | |
    //! | 4 | `poll_event` | `boolean` whether anything had happened |
    //! | 5 | `consume_output` | `uint32` how much, first 8 bytes of its SHA-256 |
    //! | 16 | `open_channel` | `string` type, `string` its fields |
    //! | 17 | `accept_channel` | `uint32` channel |
    //! | 18 | `reject_channel` | `uint32` channel, `uint32` reason, `string` description |
    //! | 19 | `reply` | `uint32` channel, `uint64` token, `boolean` success |
    //! | 20 | `global_request` | `string` name, `string` fields |
    //! | 21 | `answer_global` | `uint64` token, `boolean` granted, `string` fields |
    //! | 22 | `rekey` | |
    //! | 23 | `disconnect` | `uint32` reason, `string` description |
    //! | 24 | `answer_signature` | `uint64` token, `boolean` present, `string` signature |
    //! | 32 | `answer_host_key` | `uint64` token, `boolean` accepted |
    //! | 33 | `authenticate` | `string` user, `byte` method (0 none, 1 password, 2 its change, 3 publickey, 4 keyboard-interactive), one `string` (2: two; 0: none) |
    //! | 34 | `answer_prompts` | `uint64` token, `uint32` how many, as many `string` |
    //! | 48 | `answer_key_offer` | `uint64` token, `boolean` |
    //! | 49 | `answer_auth` | `uint64` token, `byte` answer (0 accept, 1 reject, 2 partial, 3 prompts, 4 change of password) with its fields |
    //! | 50 | `send_banner` | `string` |
    //! | 64 | `Channel::consume` | `uint32` channel, `uint32` stream, `uint64` how much |
    //! | 65 | `Channel::write`, `write_with`, as much as was taken | `uint32` channel, `uint32` stream, `string`, `boolean` whether there was room for less than was offered |
    //! | 66 | `Channel::request` | `uint32` channel, `string` name, `string` fields, `boolean` answer wanted |
    //! | 67 | `Channel::send_eof` | `uint32` channel |
    //! | 68 | `Channel::close` | `uint32` channel |
    //! | 69 | `Channel::abandon` | `uint32` channel |

    pub use crate::endpoint::{Replay, ReplayError, replay};
}
mod secret;
mod time;
pub mod transcript;
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
    Client, ClientEvent, ClientRole, Endpoint, HostKeyAnswer, HostKeyRequest, Role, Server, ServerEvent, ServerRole,
    SignRequest, splice,
};
pub use error::{CloseReason, Deadline, Error, LimitKind, Misuse, PeerMisbehaved, Stage};
#[cfg(feature = "test-hooks")]
pub use packet::Counters;
pub use protocol::ByteProtocol;
pub use secret::SecretBytes;
pub use time::{Timestamp, UnixTime};
pub use transport::{Negotiated, Side};
pub use untrusted::{MultiLine, Untrusted};
