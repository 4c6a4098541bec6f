//! The data types of the protocol and its number registries (RFC 4251 §5, RFC 4250 §4).
//!
//! Nothing here knows a message; nothing else in the crate touches a length field.

mod mpint;
mod names;
mod numbers;
mod reader;
mod writer;

pub use mpint::Mpint;
pub use names::NameList;
pub(crate) use numbers::registry;
pub use numbers::{ChannelOpenFailureReason, DataStream, DisconnectReason, MessageNumber};
pub use reader::{DecodeError, Reader};
pub use writer::Writer;
