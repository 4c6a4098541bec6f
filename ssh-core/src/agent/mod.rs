//! The agent protocol (draft-ietf-sshm-ssh-agent, OpenSSH's `PROTOCOL.agent`): somebody else keeps the keys and signs.
//!
//! [`AgentClient`] asks an agent, [`AgentServer`] is the other end of that conversation, and [`Keyring`] is an agent's
//! mind: the keys, what they may be used for, and the lock. None of them does I/O; all are [`ByteProtocol`]s or are
//! called by one's owner, so they run over a socket, a pipe or a channel.
//!
//! ```text
//!   AgentClient ──bytes──► AgentServer ──AgentRequest──► Keyring ──► answer, or a question for a person
//! ```
//!
//! ```
//! # #[cfg(feature = "os-random")] {
//! use ssh_core::agent::{AgentClient, AgentConnection, AgentReply, AgentTime, Constraints, Keyring};
//! use ssh_core::key::{KeyAlgorithm, PrivateKey};
//! use ssh_core::random::OsRandom;
//! use ssh_core::{ByteProtocol, Timestamp, UnixTime};
//!
//! let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom)?;
//! let (mut client, mut connection) = (AgentClient::new(), AgentConnection::new());
//! let mut keyring = Keyring::new();
//! let time = AgentTime { now: Timestamp::ZERO, calendar: UnixTime::from_secs(1_800_000_000) };
//! client.add(&key, None, "me@home", &Constraints::default())?;
//! client.sign(key.public_key(), "ssh-ed25519", b"message")?;
//!
//! // What a program does with a socket in between. Both sides take the next message when this one is dealt with.
//! let mut replies = Vec::new();
//! while replies.len() < 2 {
//!     let sent = connection.handle_input(client.poll_output());
//!     client.consume_output(sent);
//!     let asked = keyring.serve(&mut connection, time, &mut OsRandom);
//!     assert!(asked.is_none(), "no key here wants a person's consent");
//!     let sent = client.handle_input(connection.poll_output());
//!     connection.consume_output(sent);
//!     replies.extend(client.poll_reply().transpose()?);
//! }
//! assert!(matches!(replies[..], [AgentReply::Done, AgentReply::Signature(_)]));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`ByteProtocol`]: crate::ByteProtocol

mod client;
mod constraint;
mod error;
mod frame;
mod key_fields;
mod keyring;
mod message;
mod number;
mod server;
mod session;

pub use client::{AgentClient, AgentIdentity, AgentReply};
pub use constraint::{Constraints, DestinationConstraint, Hop, HopKey};
pub use error::AgentError;
pub use frame::MAX_FRAME_LENGTH;
pub use keyring::{AgentConnection, AgentTime, ConsentNeeded, Keyring};
pub use message::{AgentAnswer, AgentRequest, KeyToAdd, SignFlags};
pub use number::AgentMessageNumber;
pub use server::AgentServer;

#[cfg(test)]
mod tests;
