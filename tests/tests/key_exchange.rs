//! Every key exchange method that is built in, with AsyncSSH and between ourselves; `every_algorithm` has OpenSSH. What a
//! method does is the same whichever program it is in, so one of ours stands for all.

use ssh_core::crypto::Algorithms;
use ssh_interop_tests::peer::asyncssh::{self, Operation};
use ssh_interop_tests::peer::openssh::KeyType;
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::{require_all, user_name};
use ssh_interop_tests::{DEADLINE, Output, run_with_timeout};

const OURS: Ours = Ours::Blocking;

/// Both streams and a status of its own.
const SCRIPT: &str = "echo hi; echo oops >&2; exit 7";

#[track_caller]
fn assert_script(output: &Output, method: &str) {
    assert_eq!((output.code(), &*output.stdout), (Some(7), &b"hi\n"[..]), "{method}: {output}");
    assert!(output.stderr_text().ends_with("oops\n"), "{method}: {output}");
}

fn built_in() -> Vec<&'static str> {
    Algorithms::all().kex.iter().map(|method| method.name()).collect()
}

/// What AsyncSSH has of it; for the rest it needs a library that is seldom there.
fn asyncssh_has() -> impl Iterator<Item = &'static str> {
    built_in().into_iter().filter(|name| !name.starts_with("sntrup"))
}

#[test]
fn our_client_to_asyncssh() {
    if !require_all(&["ssh-keygen", "asyncssh"]) {
        return;
    }
    let methods: Vec<_> = asyncssh_has().collect();
    let kex = methods.join(",");
    let algorithms = asyncssh::Algorithms { kex: Some(&kex), ..asyncssh::Algorithms::default() };
    let server = asyncssh::Server::start(KeyType::Ed25519, None, algorithms);
    for method in methods {
        let kex = format!("KexAlgorithms={method}");
        let mut ssh = OURS.ssh_command(server.port(), server.identity(), server.known_hosts(), &[&kex]);
        ssh.arg(server.destination()).arg(SCRIPT);
        assert_script(&run_with_timeout(ssh, b"", DEADLINE), method);
    }
}

#[test]
fn asyncssh_to_our_server() {
    if !require_all(&["ssh-keygen", "asyncssh"]) {
        return;
    }
    let sshd = OURS.sshd(&[KeyType::Ed25519], &["KexAlgorithms=*"]);
    for method in asyncssh_has() {
        let algorithms = asyncssh::Algorithms { kex: Some(method), ..asyncssh::Algorithms::default() };
        let (port, key, known) = (sshd.port(), sshd.identity(), sshd.known_hosts());
        let client = asyncssh::client_command(port, user_name(), key, known, algorithms, Operation::Exec(SCRIPT));
        assert_script(&run_with_timeout(client, b"", DEADLINE), method);
    }
}

/// What no peer here may have, between ourselves.
#[test]
fn our_client_to_our_server() {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    let sshd = OURS.sshd(&[KeyType::Ed25519], &["KexAlgorithms=*"]);
    for method in built_in() {
        let kex = format!("KexAlgorithms={method}");
        let mut ssh = OURS.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &[&kex]);
        ssh.arg(sshd.destination()).arg(SCRIPT);
        assert_script(&run_with_timeout(ssh, b"", DEADLINE), method);
    }
}
