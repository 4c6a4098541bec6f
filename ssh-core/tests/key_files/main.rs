//! Key files that others wrote are read, what is written is read again, and what is no key file is refused in time.
//!
//! The files are in `tests/data/keys`; `tests/tests/key_files` has the tools themselves do it anew.
#![cfg(all(feature = "rsa", feature = "pkcs8", feature = "ppk"))]

mod cost;
mod damage;
mod public;
mod read;
mod ssh1;
mod write;

use ssh_core::SecretBytes;
use ssh_core::crypto::signature;
use ssh_core::key::{PrivateKey, PublicKey, PublicKeyLine};
use ssh_core::random::ChaChaRandom;

/// The keys of which there are files in every format.
const KEYS: [&str; 6] = ["ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa2048", "dsa"];

fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files called by the key and one of the suffixes, as far as there are any.
fn files(key: &str, suffixes: &[&str]) -> Vec<String> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys");
    let names = suffixes.iter().map(|suffix| format!("{key}.{suffix}"));
    names.filter(|name| directory.join(name).is_file()).collect()
}

fn public(key: &str) -> PublicKey {
    PublicKeyLine::parse(&file(&format!("{key}.pub"))).unwrap().key
}

fn passphrase() -> SecretBytes {
    "pass phrase".into()
}

fn random() -> ChaChaRandom {
    ChaChaRandom::from_seed(&[5; 32])
}

/// Both halves are one key: what the private one signs is verified under the public one of somebody else's file.
#[track_caller]
fn assert_is(key: &PrivateKey, public: &PublicKey) {
    assert_eq!(key.public_key(), public);
    let name = public.signature_algorithms().next().unwrap();
    let algorithm = signature::ALL.iter().find(|algorithm| algorithm.name() == name).unwrap();
    let signature = key.sign(name, b"message", &mut random()).unwrap();
    let _ = algorithm.verify(public.blob(), b"message", &signature).unwrap();
}
