//! Every algorithm that is built in, alone, with a real peer, in both roles: 1 MiB there and back, and new keys on the way.

mod keys;
mod our_client;
mod our_server;
mod plan;
mod table;
mod token;

use keys::{SECURITY_KEY_TOOLS, is_token};
use plan::{Kind, Role};
use ssh_interop_tests::Output;
use ssh_interop_tests::peer::{require_all, say_not_run};

/// What the command returns; no compression makes it smaller.
fn noise() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..(1 << 20) / 8).flat_map(|_| next()).collect()
}

/// Ours, which what goes either way passes. Whoever watches for it may be late by what the other's window takes.
const REKEY_LIMIT: &str = "RekeyLimit=300K";

/// The peer's, for when ours comes after the last byte.
const PEER_REKEY_BYTES: u64 = 600 * 1024;

/// Runs every cell of a kind in a role, and tells of all that fail.
fn run(kind: Kind, role: Role) {
    let mut failures = Vec::new();
    for (peer, mut algorithms) in kind.peers(role) {
        if !require_all(peer.tools()) {
            continue;
        }
        let shown = peer.shown(role);
        let mut lacking = peer.lacks(kind, &algorithms);
        let tokens = algorithms.iter().filter(|algorithm| is_token(algorithm));
        if tokens.clone().next().is_some() && !require_all(SECURITY_KEY_TOOLS) {
            lacking.extend(tokens);
        }
        for algorithm in &lacking {
            say_not_run(&format!("{algorithm} with {shown}: what it takes is not here, or does not know it"));
        }
        algorithms.retain(|algorithm| !lacking.contains(algorithm));
        println!("{}: {} with {shown}", kind.shown(), algorithms.join(", "));
        if algorithms.is_empty() {
            continue;
        }
        failures.extend(match role {
            Role::Client => our_client::run(kind, peer, &algorithms),
            Role::Server => our_server::run(kind, peer, &algorithms),
        });
    }
    assert!(failures.is_empty(), "{} cells failed:\n{}", failures.len(), failures.join("\n"));
}

/// What is wrong with a cell, if anything: `exchanges` is how many key exchanges the peer has seen.
fn judge(algorithm: &str, output: &Output, exchanges: usize) -> Option<String> {
    if !output.success() {
        Some(format!("{algorithm}: {output}"))
    } else if output.stdout != noise() {
        Some(format!("{algorithm}: {} other bytes came back: {output}", output.stdout.len()))
    } else if exchanges < 2 {
        Some(format!("{algorithm}: the peer has seen {exchanges} key exchanges: {output}"))
    } else {
        None
    }
}

macro_rules! every {
    ($($name:ident: $kind:ident,)*) => {
        mod our_client_has {
            $(
                #[test]
                fn $name() {
                    crate::run(crate::Kind::$kind, crate::Role::Client);
                }
            )*
        }

        mod our_server_has {
            $(
                #[test]
                fn $name() {
                    crate::run(crate::Kind::$kind, crate::Role::Server);
                }
            )*
        }
    };
}

every! {
    every_key_exchange: KeyExchange,
    every_host_key: HostKey,
    every_user_key: UserKey,
    every_cipher: Cipher,
    every_mac: Mac,
    every_compression: Compression,
}
