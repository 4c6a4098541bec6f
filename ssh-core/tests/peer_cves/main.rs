//! Every historic advisory of other implementations that could concern this one, as the attack it was.
//!
//! One file per implementation, one test per advisory, named after it; a weakness that got no id is named by what
//! failed. The peer of these tests has the right keys and the wrong behaviour.
//!
//! # Not applicable: feature absent
//!
//! What is listed here has to become a test when the feature comes.
//!
//! | feature | advisories |
//! |---|---|
//! | key exchange by RSA | CVE-2019-9894 (PuTTY) |
//! | tokens behind an agent | CVE-2023-51384 (OpenSSH) |
//! | GSSAPI | CVE-2026-59842, CVE-2026-59851 (libssh) |
//! | SFTP | CVE-2025-5318, CVE-2025-5449, CVE-2026-0968, CVE-2026-15370, CVE-2026-59844, CVE-2026-59848 (libssh); CVE-2019-3858, CVE-2019-3860 (libssh2); CVE-2025-26618 (Erlang); CVE-2025-11624 (wolfSSH) |
//! | SCP | CVE-2019-14889, CVE-2026-0964 (libssh); CVE-2019-6109 to CVE-2019-6111 (OpenSSH) |
//! | port forwarding that the library does itself, terminals, help files | CVE-2019-9895, CVE-2019-9896, CVE-2019-9897 (PuTTY) |
//! | roaming | CVE-2016-0777, CVE-2016-0778 (OpenSSH) |
//! | hiding of keystroke timing | CVE-2024-39894 (OpenSSH) |
//! | forwarding that a configuration could disable | CVE-2025-32728 (OpenSSH) |
//! | a generator of random numbers inside the library, which a fork could copy | CVE-2014-0017 (libssh) |
//! | configuration files that the library opens | CVE-2026-0965 (libssh) |
//! | digests and allocations whose failure is a return value | CVE-2023-6918, CVE-2025-5372, CVE-2025-8114 (libssh) |
//! | memory freed by hand | CVE-2012-4559, CVE-2012-4560, CVE-2012-4561 (libssh) |
//!
//! # Proven elsewhere
//!
//! | what | where |
//! |---|---|
//! | CVE-2026-46673, RUSTSEC-2026-0153, RUSTSEC-2026-0154 (russh); CVE-2025-47914, CVE-2026-46598 (x/crypto): messages of agents that claim too much; CVE-2026-39832, CVE-2026-39833 (x/crypto): constraints that get lost; CVE-2023-38408 (OpenSSH): libraries that an agent loads; the comparison of an agent's lock fixed in russh 0.63.0 | beside the agents |
//! | CVE-2023-6004, CVE-2026-59845, CVE-2026-59846 (libssh); CVE-2023-51385, CVE-2025-61984, CVE-2025-61985 (OpenSSH); CVE-2025-47203 (Dropbear): names that become commands | `ssh_config.rs` |
//! | the panic fixed in russh 0.63.1; CVE-2025-5351 (libssh): PKCS#8 that makes no sense | `key_files` |
//! | CVE-2024-31497 (PuTTY): biased nonces of ECDSA over P-521 | beside the implementation of ECDSA |
//! | CVE-2023-28113 (russh), CVE-2019-13115 (libssh2): values outside of the group, and messages that end early | `key_exchange.rs` |
//! | CVE-2016-0739 (libssh), CVE-2016-0787 (libssh2): exponents of as many bits as were meant to be bytes | beside the implementation of Diffie-Hellman |
//! | CVE-2026-59849 (libssh): certificates that are not what they should be | `certificates.rs`, and beside the implementation of certificates |
//! | RUSTSEC-2023-0071 (`rsa`): the time a decryption takes | nothing is ever decrypted with RSA; `deny.toml` |
//! | RUSTSEC-2024-0344 (`curve25519-dalek` before 4.1.3): timing | the version in `Cargo.lock`; `deny.toml` |

#[path = "../common/mod.rs"]
mod common;

mod libssh;
mod libssh2;
mod openssh;
mod others;
mod russh;
mod x_crypto;

use base64ct::{Base64, Encoding};
use hostile_peer::{messages, string, strings};
use ssh_core::key::PrivateKey;

/// A request that offers a key, without a signature.
fn offer_of(algorithm: &str, blob: &[u8]) -> Vec<u8> {
    let fields = [&[0][..], &strings(&[algorithm.as_bytes(), blob])].concat();
    messages::userauth_request("root", "publickey", &fields)
}

/// A request for public key authentication that names one algorithm and is signed with another.
fn signed_request(session_id: &[u8], key: &PrivateKey, declared: &str, made: &str) -> Vec<u8> {
    let fields = [&[1][..], &strings(&[declared.as_bytes(), key.public_key().blob()])].concat();
    let request = messages::userauth_request("root", "publickey", &fields);
    let data = [string(session_id), request.clone()].concat();
    let signature = key.sign(made, &data, &mut common::random(1)).expect("a signature");
    [request, string(signature)].concat()
}

/// A private key file in OpenSSH's format with one key, whatever its fields say.
fn key_file(cipher: &str, kdf: &str, options: &[u8], section: &[u8]) -> Vec<u8> {
    let public = common::key(ssh_core::key::KeyAlgorithm::Ed25519, 1).public_key().blob().to_vec();
    let head = [&b"openssh-key-v1\0"[..], &strings(&[cipher.as_bytes(), kdf.as_bytes(), options])].concat();
    let content = [head, 1_u32.to_be_bytes().to_vec(), strings(&[&public[..], section])].concat();
    armored(&content)
}

/// The armour of OpenSSH's private keys.
fn armored(content: &[u8]) -> Vec<u8> {
    let base64 = Base64::encode_string(content);
    let lines: Vec<&str> = base64.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    let label = "OPENSSH PRIVATE KEY";
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")).into_bytes()
}
