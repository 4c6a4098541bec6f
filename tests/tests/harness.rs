//! The harness proves itself on real peers alone: what fails here is not our protocol's fault.

use std::process::Command;
use std::time::{Duration, Instant};

use ssh_interop_tests::peer::asyncssh::{self, Algorithms, Operation};
use ssh_interop_tests::peer::dropbear::{self, Dropbear, dbclient_command};
use ssh_interop_tests::peer::openssh::{KeyType, Sshd, sftp_command, ssh_command};
use ssh_interop_tests::peer::plink::{self, plink_command};
use ssh_interop_tests::peer::{self, require_all};
use ssh_interop_tests::{DEADLINE, Output, free_port, is_listening, run_with_timeout, temp_dir};

/// Both streams and a status of its own.
const SCRIPT: &str = "echo hi; echo oops >&2; exit 7";

#[track_caller]
fn assert_script(output: &Output) {
    assert_eq!(output.code(), Some(7), "{output}");
    assert_eq!(output.stdout, b"hi\n", "{output}");
    assert!(output.stderr_text().ends_with("oops\n"), "{output}");
}

#[test]
fn a_command_is_killed_at_its_deadline_even_if_a_grandchild_holds_its_pipes() {
    let start = Instant::now();
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo early; sleep 20 & sleep 20"]);
    let output = run_with_timeout(shell, b"", Duration::from_millis(200));
    assert_eq!(output.code(), None);
    assert_eq!(output.stdout, b"early\n");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn large_input_and_output_at_once() {
    let bytes = asyncssh::pattern(3_000_000);
    let output = run_with_timeout(Command::new("cat"), &bytes, DEADLINE).expect_success();
    assert_eq!(output.stdout, bytes);
}

#[test]
fn ports_are_free_and_different() {
    let (a, b) = (free_port(), free_port());
    assert_ne!(a, b);
    assert!(!is_listening(a));
    let listener = std::net::TcpListener::bind(("127.0.0.1", a)).expect("the port is free");
    assert!(is_listening(a));
    drop(listener);
}

#[test]
fn openssh_to_openssh() {
    if !require_all(&["sshd", "ssh", "sftp", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder()
        .host_keys(&KeyType::ALL)
        .kex("ecdh-sha2-nistp256")
        .ciphers("aes128-ctr")
        .macs("hmac-sha2-512")
        .host_key_algorithms("rsa-sha2-512")
        .rekey_limit("1M")
        .start();
    let mut ssh = ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &[]);
    ssh.arg("-v").arg(sshd.destination()).arg(SCRIPT);
    let output = run_with_timeout(ssh, b"", DEADLINE);
    assert_eq!((output.code(), &*output.stdout), (Some(7), &b"hi\n"[..]), "{output}");
    for line in [
        "kex: algorithm: ecdh-sha2-nistp256",
        "host key algorithm: rsa-sha2-512",
        "cipher: aes128-ctr MAC: hmac-sha2-512",
    ] {
        assert!(output.stderr_text().contains(line), "{line}: {output}");
    }
    assert!(sshd.log().contains("Accepted publickey"), "{}", sshd.log());

    let mut sftp = sftp_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &[]);
    sftp.arg(sshd.destination());
    let output = run_with_timeout(sftp, b"ls -1 /etc/passwd\n", DEADLINE).expect_success();
    assert!(output.stdout_text().contains("/etc/passwd\n"), "{output}");

    let port = sshd.port();
    drop(sshd);
    assert!(!is_listening(port), "dropping it stops it");
}

#[test]
fn openssh_refuses_another_host_key() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, other) = (Sshd::builder().start(), temp_dir());
    let key = peer::openssh::keygen(other.path(), "other", KeyType::Ed25519, "");
    let known_hosts = other.path().join("known_hosts");
    std::fs::write(&known_hosts, key.known_hosts_line(sshd.port())).expect("a file can be written");
    let mut ssh = ssh_command(sshd.port(), sshd.identity(), &known_hosts, &[]);
    ssh.arg(sshd.destination()).arg(SCRIPT);
    let output = run_with_timeout(ssh, b"", DEADLINE);
    assert_eq!(output.code(), Some(255), "{output}");
}

#[test]
fn asyncssh_to_openssh() {
    if !require_all(&["sshd", "ssh-keygen", "asyncssh"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let run = |algorithms, operation| {
        let client = asyncssh::client_command(
            sshd.port(),
            sshd.user(),
            sshd.identity(),
            sshd.known_hosts(),
            algorithms,
            operation,
        );
        run_with_timeout(client, b"", DEADLINE)
    };
    assert_script(&run(Algorithms::default(), Operation::Exec(SCRIPT)));

    let algorithms = Algorithms {
        kex: Some("curve25519-sha256"),
        ciphers: Some("aes256-ctr"),
        macs: Some("hmac-sha2-256-etm@openssh.com"),
        ..Algorithms::default()
    };
    let echo = run(algorithms, Operation::Echo("cat", 1_000_000)).expect_success();
    assert!(echo.stderr_text().contains("send_cipher=aes256-ctr"), "{echo}");
    let upload = run(algorithms, Operation::Upload("sha256sum", 1_000_000)).expect_success().stdout_text();
    let sha256 = echo.stdout_text().trim_end().rsplit(' ').next().expect("a digest").to_owned();
    assert_eq!(upload, format!("sent 1000000 {sha256}\n{sha256}  -\n"));
}

#[test]
fn openssh_to_asyncssh() {
    if !require_all(&["ssh", "ssh-keygen", "asyncssh"]) {
        return;
    }
    let server = asyncssh::Server::start(KeyType::EcdsaP256, None, Algorithms::default());
    let mut ssh = ssh_command(server.port(), server.identity(), server.known_hosts(), &[]);
    ssh.arg(server.destination()).arg(SCRIPT);
    assert_script(&run_with_timeout(ssh, b"", DEADLINE));
}

#[test]
fn asyncssh_to_asyncssh_with_a_post_quantum_key_exchange() {
    if !require_all(&["ssh-keygen", "asyncssh"]) {
        return;
    }
    let algorithms = Algorithms { kex: Some("mlkem768x25519-sha256"), ..Algorithms::default() };
    let server = asyncssh::Server::start(KeyType::Ed25519, None, algorithms);
    for operation in [Operation::Echo("cat", 300_000), Operation::Download("head -c 300000 /dev/zero")] {
        let client = asyncssh::client_command(
            server.port(),
            peer::user_name(),
            server.identity(),
            server.known_hosts(),
            algorithms,
            operation,
        );
        let output = run_with_timeout(client, b"", DEADLINE).expect_success();
        assert!(output.stdout_text().starts_with("300000 "), "{output}");
    }
}

#[test]
fn dropbear_both_ways() {
    if !require_all(&["sshd", "ssh", "dbclient"]) || !require_all(dropbear::SERVER_TOOLS) {
        return;
    }
    let server = Dropbear::start(KeyType::Ed25519, None, &[]);
    let mut ssh = ssh_command(server.port(), server.identity(), server.known_hosts(), &[]);
    ssh.arg(server.destination()).arg(SCRIPT);
    assert_script(&run_with_timeout(ssh, b"", DEADLINE));

    let sshd = Sshd::builder().start();
    let identity = sshd.directory().join("user.dropbear");
    dropbear::convert_key(sshd.identity(), &identity);
    let home = sshd.directory().join("client");
    let mut dbclient = dbclient_command(sshd.port(), &identity, &sshd.host_keys()[0], &home, Some("aes256-ctr"), None);
    dbclient.arg(sshd.destination()).arg(SCRIPT);
    assert_script(&run_with_timeout(dbclient, b"", DEADLINE));
}

#[test]
fn plink_to_openssh_with_a_key_and_with_a_password() {
    if !require_all(&["sshd", "ssh-keygen", "plink", "puttygen", "nss_wrapper"]) {
        return;
    }
    let sshd = Sshd::builder().password("pass word").start();
    let fingerprint = sshd.host_keys()[0].fingerprint();
    let identity = plink::convert_key(sshd.identity(), &sshd.directory().join("user.ppk"));
    let home = sshd.directory().join("client");
    let settings = [plink::kex("ecdh"), plink::cipher("aesgcm"), plink::host_key("ed25519")];
    let mut plink = plink_command(sshd.port(), Some(&identity), &fingerprint, &home, &settings);
    plink.arg("-v").args(plink::arguments(sshd.user(), SCRIPT));
    let output = run_with_timeout(plink, b"", DEADLINE);
    assert_eq!((output.code(), &*output.stdout), (Some(7), &b"hi\n"[..]), "{output}");
    assert!(output.stderr_text().contains("ECDH key exchange with curve Curve25519"), "{output}");
    assert!(output.stderr_text().contains("AES-128 GCM"), "{output}");

    let password = sshd.directory().join("password");
    std::fs::write(&password, "pass word\n").expect("a file can be written");
    let mut plink = plink_command(sshd.port(), None, &fingerprint, &home, &[]);
    plink.arg("-pwfile").arg(&password).args(plink::arguments(sshd.user(), SCRIPT));
    assert_script(&run_with_timeout(plink, b"", DEADLINE));
    assert!(sshd.log().contains("Accepted password"), "{}", sshd.log());
}
