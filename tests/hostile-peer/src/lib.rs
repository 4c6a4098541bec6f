//! An SSH speaker for tests: its own codec, its own composition of the cryptography, and no manners.
//!
//! ```text
//!   bytes in ─► Peer::feed        Peer::next_payload ─► what the other side said, with sequence numbers
//!   any payload ─► Peer::send     Peer::take_output ─► bytes out, sealed under whatever keys there are
//! ```
//! Nothing here is shared with the implementation under test, so that both cannot be wrong in the same way. A [`Peer`]
//! does on its own what follows from the bytes alone: it notes the KEXINITs, computes keys and changes them at NEWKEYS.
//! It never speaks unasked. [`Peer::advance`] says the next honest words of a handshake and stops wherever wanted;
//! [`Peer::send`] says anything at all instead.

mod codec;
mod dice;
mod handshake;
mod kex;
mod kexinit;
mod key;
pub mod messages;
mod peer;
mod seal;
mod session;

pub use codec::{Reader, mpint, name_list, string, strings};
pub use dice::Dice;
pub use handshake::Step;
pub use kex::{Ephemeral, Hash, Method, derive};
pub use kexinit::{KexInit, Lists};
pub use key::Key;
pub use peer::{Half, Peer, Role, clear_packet};
pub use seal::{Cipher, Mac, Seal, Shape};
