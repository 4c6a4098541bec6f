//! The README's table of algorithms: the plan, for people.

use std::fmt::Write;
use std::path::PathBuf;

use ssh_core::crypto::{Algorithms, Named};
use ssh_core::{ClientConfig, ServerConfig};

use crate::plan::{Kind, Role};

const BEGIN: &str = "<!-- algorithms:begin -->\n";
const END: &str = "<!-- algorithms:end -->\n";

fn text() -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        let _ = write!(text, "\n### {}\n\n", kind.shown());
        text += "| algorithm | offered | specified in | our client with | our server with |\n|---|---|---|---|---|\n";
        for cell in kind.plan() {
            let [client, server] = [Role::Client, Role::Server].map(|role| cell.peer(role).shown(role));
            let (offered, specification) = (offered(kind, cell.algorithm), specification(cell.algorithm));
            let _ = writeln!(text, "| `{}` | {offered} | {specification} | {client} | {server} |", cell.algorithm);
        }
    }
    text.push('\n');
    text
}

/// In which list it is by itself.
fn offered(kind: Kind, algorithm: &str) -> &'static str {
    let has = |algorithms: &Algorithms| names(kind, algorithms).contains(&algorithm);
    if has(&ServerConfig::new(Vec::new()).algorithms) {
        "yes"
    } else if has(&ClientConfig::default().algorithms) {
        "by clients"
    } else if has(&Algorithms::compatible()) {
        "`compatible`"
    } else if is_legacy(algorithm) {
        "`legacy`, named"
    } else {
        "named"
    }
}

fn names(kind: Kind, algorithms: &Algorithms) -> Vec<&'static str> {
    fn all<T: Named>(list: &[T]) -> Vec<&'static str> {
        list.iter().map(Named::name).collect()
    }
    match kind {
        Kind::KeyExchange => all(&algorithms.kex),
        Kind::HostKey => all(&algorithms.host_key),
        Kind::UserKey => all(&algorithms.public_key),
        Kind::Cipher => all(&algorithms.ciphers),
        Kind::Mac => all(&algorithms.macs),
        Kind::Compression => all(&algorithms.compression),
    }
}

/// Whether it is there with the feature alone.
fn is_legacy(algorithm: &str) -> bool {
    ["-sha1", "-cbc", "cbc@", "arcfour", "md5", "-96", "ssh-rsa", "ssh-dss"].iter().any(|part| algorithm.contains(part))
}

/// The first whose part is in the name counts. OpenSSH's documents lie beside its source.
const SPECIFICATIONS: &[(&str, &str)] = &[
    ("mlkem", "draft-ietf-sshm-mlkem-hybrid-kex"),
    ("sntrup761", "draft-ietf-sshm-ntruprime-ssh"),
    ("curve25519-sha256", "RFC 8731"),
    ("ecdh-sha2", "RFC 5656"),
    ("group-exchange", "RFC 4419"),
    ("group1-sha1", "RFC 4253"),
    ("group14-sha1", "RFC 4253"),
    ("diffie-hellman", "RFC 8268"),
    ("-cert", "OpenSSH PROTOCOL.certkeys"),
    ("sk-", "OpenSSH PROTOCOL.u2f"),
    ("mldsa44", "draft-miller-sshm-mldsa44-ed25519-composite-sigs"),
    ("ssh-ed25519", "RFC 8709"),
    ("ecdsa", "RFC 5656"),
    ("rsa-sha2", "RFC 8332"),
    ("chacha20", "OpenSSH PROTOCOL.chacha20poly1305"),
    ("gcm", "RFC 5647, OpenSSH PROTOCOL"),
    ("-ctr", "RFC 4344"),
    ("arcfour128", "RFC 4345"),
    ("arcfour256", "RFC 4345"),
    ("-etm", "OpenSSH PROTOCOL"),
    ("umac", "RFC 4418, draft-miller-secsh-umac"),
    ("hmac-sha2", "RFC 6668"),
    ("zlib@openssh.com", "draft-miller-secsh-compression-delayed"),
];

fn specification(algorithm: &str) -> &'static str {
    SPECIFICATIONS
        .iter()
        .find(|(part, _)| algorithm.contains(part))
        .map_or("RFC 4253", |(_, specification)| specification)
}

#[test]
fn the_readmes_table_is_the_plan() {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"));
    let readme = std::fs::read_to_string(&path).expect("the README is there");
    let (before, rest) = readme.split_once(BEGIN).expect("the table has a beginning");
    let (found, after) = rest.split_once(END).expect("the table has an end");
    let expected = text();
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, [before, BEGIN, &expected, END, after].concat()).expect("the README can be written");
        return;
    }
    let how = "UPDATE_README=1 cargo test -p ssh-interop-tests --test every_algorithm table";
    assert_eq!(found, expected, "the table is stale; {how}");
}

#[test]
fn whatever_is_built_in_has_its_cells() {
    for kind in Kind::ALL {
        let planned: Vec<_> = kind.plan().iter().map(|cell| cell.algorithm).collect();
        assert_eq!(planned, kind.built_in(), "{}", kind.shown());
    }
}
