//! The connection protocol: channels, their windows, requests and answers (RFC 4254).

mod channel;
mod dispatch;
mod event;
mod flow;
mod global;
mod handle;
mod request;
mod terminal;

pub use channel::ChannelId;
pub use event::{ChannelEvent, ChannelOpenRequest, ChannelType, IncomingRequest, RequestToken};
pub use global::{GlobalRequestEvent, GlobalToken};
pub use handle::{Channel, WriteError};
pub use request::{ChannelRequest, PtyRequest, RequestId, Signal};
pub use terminal::{TerminalMode, TerminalModes};

pub(crate) use dispatch::{Connection, ConnectionEvent, Step};

#[cfg(test)]
mod tests;
