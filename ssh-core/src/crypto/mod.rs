//! The seams to cryptography: five narrow traits, one small file per algorithm, and the lists a connection offers.
//!
//! An algorithm is a `&'static dyn` descriptor. [`Algorithms`] is a plain struct of ordered descriptor lists; an
//! application can put its own descriptors there, so another crypto library or a hardware module needs no feature flag.
//! No code outside this module and [`key`](crate::key) calls a crypto crate.

mod algorithms;
pub mod cipher;
pub mod compression;
pub mod hash;
mod kdf;
pub mod kex;
pub mod mac;
mod presets;
pub mod signature;

pub use algorithms::{AlgorithmKind, Algorithms, Named, UnknownAlgorithm};
pub(crate) use kdf::{KeyLetter, derive_key};
pub use presets::PRESETS;
