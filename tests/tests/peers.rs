//! Dropbear, PuTTY and AsyncSSH, each with our client or our server.

use ssh_interop_tests::peer::asyncssh::{self, Algorithms, Operation};
use ssh_interop_tests::peer::dropbear::{self, Dropbear, dbclient_command};
use ssh_interop_tests::peer::openssh::KeyType;
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::plink::{self, plink_command};
use ssh_interop_tests::peer::{require_all, user_name};
use ssh_interop_tests::{DEADLINE, Output, run_with_timeout};

ssh_interop_tests::test_each_of_ours!(
    our_client_to_dropbear,
    dbclient_to_our_server,
    plink_to_our_server,
    asyncssh_to_our_server,
    our_client_to_asyncssh
);

/// Both streams and a status of its own.
const SCRIPT: &str = "echo hi; echo oops >&2; exit 7";

#[track_caller]
fn assert_script(output: &Output) {
    assert_eq!((output.code(), &*output.stdout), (Some(7), &b"hi\n"[..]), "{output}");
    assert!(output.stderr_text().ends_with("oops\n"), "{output}");
}

fn our_client_to_dropbear(ours: Ours) {
    if !require_all(dropbear::SERVER_TOOLS) {
        return;
    }
    for host_key in [KeyType::Ed25519, KeyType::EcdsaP256, KeyType::Rsa(2048)] {
        let server = Dropbear::start(host_key, None, &[]);
        let mut ssh = ours.ssh_command(server.port(), server.identity(), server.known_hosts(), &[]);
        ssh.arg(server.destination()).arg(SCRIPT);
        assert_script(&run_with_timeout(ssh, b"", DEADLINE));
        let data = asyncssh::pattern(3_000_000);
        let options = ["RekeyLimit=256K"];
        let mut ssh = ours.ssh_command(server.port(), server.identity(), server.known_hosts(), &options);
        ssh.arg(server.destination()).arg("cat");
        let output = run_with_timeout(ssh, &data, DEADLINE).expect_success();
        assert!(output.stdout == data, "{} bytes came back", output.stdout.len());
    }
}

fn dbclient_to_our_server(ours: Ours) {
    if !require_all(&["ssh-keygen", "dbclient", "dropbearconvert"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &[]);
    let identity = sshd.directory().join("user.dropbear");
    dropbear::convert_key(sshd.identity(), &identity);
    let home = sshd.directory().join("client");
    for ciphers in ["chacha20-poly1305@openssh.com", "aes128-ctr", "aes256-ctr"] {
        let key = &sshd.host_keys()[0];
        let mut dbclient = dbclient_command(sshd.port(), &identity, key, &home, Some(ciphers), None);
        dbclient.arg(sshd.destination()).arg(SCRIPT);
        assert_script(&run_with_timeout(dbclient, b"", DEADLINE));
    }
}

fn plink_to_our_server(ours: Ours) {
    if !require_all(&["ssh-keygen", "plink", "puttygen"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &[]);
    let identity = plink::convert_key(sshd.identity(), &sshd.directory().join("user.ppk"));
    let fingerprint = sshd.host_keys()[0].fingerprint();
    let home = sshd.directory().join("client");
    for cipher in ["chacha20", "aesgcm", "aes"] {
        let settings = [plink::kex("ecdh"), plink::cipher(cipher)];
        let mut plink = plink_command(sshd.port(), Some(&identity), &fingerprint, &home, &settings);
        plink.args(plink::arguments(user_name(), SCRIPT));
        assert_script(&run_with_timeout(plink, b"", DEADLINE));
    }
}

fn asyncssh_to_our_server(ours: Ours) {
    if !require_all(&["ssh-keygen", "asyncssh"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &[]);
    for kex in ["mlkem768x25519-sha256", "curve25519-sha256", "ecdh-sha2-nistp521"] {
        for cipher in ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes192-ctr"] {
            let algorithms = Algorithms { kex: Some(kex), ciphers: Some(cipher), ..Algorithms::default() };
            let run = |operation| {
                let (port, key, known) = (sshd.port(), sshd.identity(), sshd.known_hosts());
                let client = asyncssh::client_command(port, user_name(), key, known, algorithms, operation);
                run_with_timeout(client, b"", DEADLINE)
            };
            assert_script(&run(Operation::Exec(SCRIPT)));
        }
    }
    let algorithms = Algorithms { rekey_bytes: Some(100_000), ..Algorithms::default() };
    let (port, key, known) = (sshd.port(), sshd.identity(), sshd.known_hosts());
    let operation = Operation::Echo("cat", 2_000_000);
    let client = asyncssh::client_command(port, user_name(), key, known, algorithms, operation);
    let output = run_with_timeout(client, b"", DEADLINE).expect_success();
    assert!(output.stdout_text().starts_with("2000000 "), "{output}");
}

fn our_client_to_asyncssh(ours: Ours) {
    if !require_all(&["ssh-keygen", "asyncssh"]) {
        return;
    }
    for host_key in [KeyType::Ed25519, KeyType::EcdsaP384, KeyType::Rsa(2048)] {
        let server = asyncssh::Server::start(host_key, None, Algorithms::default());
        for kex in ["mlkem768x25519-sha256", "curve25519-sha256", "ecdh-sha2-nistp384"] {
            let options = [format!("KexAlgorithms={kex}"), "RekeyLimit=256K".into()];
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            let mut ssh = ours.ssh_command(server.port(), server.identity(), server.known_hosts(), &options);
            ssh.arg(server.destination()).arg(SCRIPT);
            assert_script(&run_with_timeout(ssh, b"", DEADLINE));
        }
    }
}
