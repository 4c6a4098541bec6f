//! The connection protocol: channels, their windows, requests and answers (RFC 4254).

mod channel;
mod dispatch;
mod flow;
mod global;
mod handle;
mod request;
mod terminal;

pub use channel::ChannelId;
pub use dispatch::{ChannelEvent, ChannelOpenRequest, ChannelType, IncomingRequest, RequestToken};
pub use global::{GlobalRequestEvent, GlobalToken};
pub use handle::{Channel, WriteError};
pub use request::{ChannelRequest, PtyRequest, RequestId, Signal};
pub use terminal::{TerminalMode, TerminalModes};

pub(crate) use dispatch::{Connection, ConnectionEvent, Step};
