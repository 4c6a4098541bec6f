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

pub mod crypto;
pub mod files;
pub mod key;
pub mod random;
pub mod secret;
mod time;
mod untrusted;
pub mod wire;

pub use time::{Timestamp};
pub use untrusted::{MultiLine, Untrusted};
