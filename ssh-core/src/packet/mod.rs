//! The binary packet protocol (RFC 4253 §4.2 and §6): bytes in, payloads out, and back.
//!
//! ```text
//!   socket ─► input buffer ─► length ─► open in place ─► payload, borrowed
//!   socket ◄─ output buffer ◄─ seal in place ◄─ padding ◄─ payload, written behind its header
//! ```
//! A payload that is compressed is inflated into a buffer beside, and deflated through one.

mod compression;
mod identification;
mod recv;
mod send;

pub(crate) use identification::{IdentificationReader, excerpt};
pub(crate) use recv::{Packet, Receiver};
pub(crate) use send::Sender;

/// What one direction counts.
#[cfg(feature = "test-hooks")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// That of the next packet (RFC 4253 §6.4).
    pub sequence_number: u32,
    /// Packets since the last change of keys.
    pub packets: u64,
    /// Bytes since the last change of keys.
    pub bytes: u64,
}

#[cfg(feature = "test-hooks")]
macro_rules! counters {
    ($($half:ty),*) => {$(
        impl $half {
            pub(crate) fn counters(&self) -> Counters {
                let &Self { sequence_number, packets, bytes, .. } = self;
                Counters { sequence_number, packets, bytes }
            }

            pub(crate) fn set_counters(&mut self, counters: Counters) {
                (self.sequence_number, self.packets, self.bytes) =
                    (counters.sequence_number, counters.packets, counters.bytes);
            }
        }
    )*};
}

#[cfg(feature = "test-hooks")]
counters!(Receiver, Sender);
