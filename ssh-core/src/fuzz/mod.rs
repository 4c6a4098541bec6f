//! Bodies of the fuzz targets: each takes any bytes, does a bounded amount of work, and panics only where a property is
//! broken.
//!
//! They live here because they reach inside, and so that every test run plays their seeds and mutations of them. The
//! module is no part of the crate's interface: it may change or go in any version. Where cryptography would be in the
//! way of a fuzzer, algorithms that do nothing are brought from outside, as an application would bring its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken property is a panic; no connection ever runs this code"
)]

mod agents;
mod application;
mod certificates;
mod compression;
mod fake;
mod handshake;
mod input;
mod key_files;
mod messages;
mod operations;
mod packets;
mod session;
#[cfg(test)]
mod tests;
mod text_files;

pub use agents::agents;
pub use certificates::{certificates, revocation_lists};
pub use compression::payloads_compressed;
pub use handshake::{kex_client, kex_server, signatures};
pub use key_files::{key_files, public_keys};
pub use messages::messages;
pub use operations::operations;
pub use packets::{identification, packets_in_clear, packets_sealed};
pub use session::{session_client, session_server, split_delivery};
pub use text_files::text_files;

/// A body: what a target does with one input.
pub type Body = fn(&[u8]);

/// Every target with its name, which is also the name of its file under `fuzz/fuzz_targets` and of its folder of seeds.
pub const TARGETS: &[(&str, Body)] = &[
    ("identification", identification),
    ("packets_in_clear", packets_in_clear),
    ("packets_sealed", packets_sealed),
    ("payloads_compressed", payloads_compressed),
    ("messages", messages),
    ("kex_client", kex_client),
    ("kex_server", kex_server),
    ("signatures", signatures),
    ("session_client", session_client),
    ("session_server", session_server),
    ("split_delivery", split_delivery),
    ("operations", operations),
    ("key_files", key_files),
    ("public_keys", public_keys),
    ("text_files", text_files),
    ("certificates", certificates),
    ("revocation_lists", revocation_lists),
    ("agents", agents),
];
