//! What every adapter needs that hands out one handle per channel: events sorted into mailboxes, and what a handle does
//! told as questions that are asked again until there is an answer.
//!
//! An [`Endpoint`](crate::Endpoint) reports one stream of events. A program with handles has many who wait, each for
//! something of its own. [`Inbox`] holds the endpoint, puts each event where its owner finds it, and says whom it
//! [concerns](Concern), so that only those are woken. What a handle does is a method that returns `None` while it has to
//! wait: an adapter calls it under its lock, sleeps in its own way, and calls it again.
//!
//! ```text
//!   transport ──bytes──► endpoint ──events──► poll() ──► mailbox of the channel ──► read, request, wait ..
//!                                                    └─► events of the leader   ──► login, decisions
//! ```
//!
//! Nothing here sleeps, wakes or locks. A method that returned `None` has changed nothing, so that a caller may give up
//! waiting at any time.

mod channels;
mod communicate;
mod error;
mod exit;
mod host_keys;
mod inbox;
mod learning;
mod target;

pub use communicate::{Communication, MAX_COLLECTED};
pub use error::SessionError;
pub use exit::{Exit, Output};
pub use host_keys::host_keys;
pub use inbox::{Concern, Inbox, Interest};
pub use target::split_target;

#[cfg(test)]
mod tests;
