//! SSH as a sans-IO state machine.
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

mod auth;
mod config;
mod connection;
pub mod crypto;
mod endpoint;
mod error;
pub mod files;
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
pub use endpoint::{
    ByteProtocol, Client, ClientEvent, ClientRole, Endpoint, HostKeyAnswer, HostKeyRequest, Role, Server, ServerEvent,
    ServerRole, SignRequest, splice,
};
pub use error::{CloseReason, Deadline, Error, LimitKind, Misuse, PeerMisbehaved, Stage};
pub use secret::SecretBytes;
pub use time::Timestamp;
pub use transport::{GATE, GateRow, KexPhase, Negotiated, Phase, Sender, Side, Verdict, verdict};
pub use untrusted::{MultiLine, Untrusted};
