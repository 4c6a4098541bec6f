//! The transport layer: key exchange, negotiation, rekeying, extensions, and the gate every message passes
//! (RFC 4253, RFC 8308).

mod ext_info;
mod gate;
mod kex;
mod negotiate;
mod outbound;
pub(crate) mod rekey;

pub use gate::{GATE, GateRow, KexPhase, Phase, Sender, Side, Verdict, verdict, verdict_by};
pub use negotiate::Negotiated;

pub(crate) use ext_info::{Extensions, read_extensions};
pub(crate) use kex::{KexEvent, SignatureWanted, Transport, TransportConfig};
pub(crate) use outbound::Outbound;
