//! What auditors say: `ssh-audit` on our server and on our client, and on OpenSSH's for comparison.

use std::path::Path;
use std::process::Command;

use ssh_interop_tests::peer::audit::Report;
use ssh_interop_tests::peer::openssh::{KeyType, Sshd};
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::require_all;

/// Host keys that auditors like: RSA with as many bits as they want today.
const HOST_KEYS: &[KeyType] = &[KeyType::Ed25519, KeyType::Rsa(3072)];

fn our_client(port: u16, options: &[&str]) -> Command {
    let mut ssh = Ours::Blocking.ssh_command(port, Path::new("/dev/null"), Path::new("/dev/null"), options);
    ssh.args(["127.0.0.1", "true"]);
    ssh
}

#[track_caller]
fn assert_flawless(report: &Report) {
    assert!(report.findings().is_empty(), "{:#?}", report.findings());
    assert_eq!(report.status(), Some(0), "{}", report.text());
}

#[test]
fn hardened_server_is_flawless() {
    if !require_all(&["ssh-audit", "ssh-keygen"]) {
        return;
    }
    let sshd = Ours::Blocking.sshd(HOST_KEYS, &["Algorithms=hardened"]);
    assert_flawless(&Report::of_server(sshd.port()));
}

#[test]
fn hardened_client_is_flawless() {
    if !require_all(&["ssh-audit"]) {
        return;
    }
    assert_flawless(&Report::of_client(|port| our_client(port, &["Algorithms=hardened"])));
}

#[test]
fn default_server_has_no_finding_that_openssh_has_not() {
    if !require_all(&["ssh-audit", "sshd", "ssh-keygen"]) {
        return;
    }
    let keys = [KeyType::Ed25519, KeyType::Rsa(3072), KeyType::EcdsaP256];
    let ours = Ours::Blocking.sshd(&keys, &[]);
    let stock = Sshd::builder().host_keys(&keys).start();
    let (ours, stock) = (Report::of_server(ours.port()), Report::of_server(stock.port()));
    let only_ours: Vec<_> = ours.findings().difference(&stock.findings()).cloned().collect();
    assert!(only_ours.is_empty(), "{only_ours:#?}");
    // An auditor that found nothing anywhere would prove nothing.
    assert!(!stock.findings().is_empty(), "{}", stock.text());
}

#[test]
fn default_client_has_no_finding_that_openssh_has_not() {
    if !require_all(&["ssh-audit", "ssh"]) {
        return;
    }
    let ours = Report::of_client(|port| our_client(port, &[]));
    let stock = Report::of_client(|port| {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "/dev/null", "-o", "BatchMode=yes", "-p", &port.to_string(), "127.0.0.1", "true"]);
        ssh
    });
    let only_ours = ours.findings().difference(&stock.findings()).filter(|finding| !finding.contains(SINCE_10)).count();
    assert_eq!(only_ours, 0, "{:#?}", ours.findings());
    assert!(!stock.findings().is_empty(), "{}", stock.text());
}

/// What OpenSSH's client offers since version 10, which may be later than the one that is installed.
const SINCE_10: &str = "webauthn-sk-ecdsa-sha2-nistp256";

/// CVE-2023-48795, with the cipher that it breaks.
#[test]
fn terrapin_finds_both_sides_strict() {
    if !require_all(&["ssh-audit", "ssh-keygen"]) {
        return;
    }
    let options = ["Ciphers=chacha20-poly1305@openssh.com"];
    let sshd = Ours::Blocking.sshd(HOST_KEYS, &options);
    let server = Report::of_server(sshd.port());
    let client = Report::of_client(|port| our_client(port, &options));
    for report in [server, client] {
        assert!(!report.says("vulnerable to the Terrapin attack"), "{}", report.text());
        assert!(report.says("properly supports the strict key exchange method"), "{}", report.text());
    }
}
