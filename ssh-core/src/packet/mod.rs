//! The binary packet protocol (RFC 4253 §4.2 and §6): bytes in, payloads out, and back.
//!
//! ```text
//!   socket ─► input buffer ─► length ─► open in place ─► payload, borrowed
//!   socket ◄─ output buffer ◄─ seal in place ◄─ padding ◄─ payload, written behind its header
//! ```

mod identification;
mod recv;
mod send;

pub(crate) use identification::{IdentificationReader, excerpt};
pub(crate) use recv::{Packet, Receiver};
pub(crate) use send::Sender;
