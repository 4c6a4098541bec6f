//! A catalogue of attacks, faults and bad inputs, by subject. Tests tell the behaviour; the catalogue's id stands in the
//! comment. What other test files prove in full (the gate's cells, sweeps over every byte, replayed packets) is not
//! repeated here.

#[path = "../common/mod.rs"]
mod common;

mod authentication;
mod channels;
mod cryptography;
mod handshake;
mod negotiation;
mod parsing;
mod resources;
mod text;
