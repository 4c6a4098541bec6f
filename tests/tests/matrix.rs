//! Every key exchange × cipher × MAC × host key that OpenSSH and we both know, by name, in both directions.

use ssh_interop_tests::peer::openssh::{KeyType, Sshd};
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::{openssh, require_all};
use ssh_interop_tests::{DEADLINE, Output, run_with_timeout};

const CIPHERS: [(&str, bool); 6] = [
    ("chacha20-poly1305@openssh.com", false),
    ("aes128-gcm@openssh.com", false),
    ("aes256-gcm@openssh.com", false),
    ("aes128-ctr", true),
    ("aes192-ctr", true),
    ("aes256-ctr", true),
];

const MACS: [&str; 4] =
    ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"];

const HOST_KEYS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// Both streams and a status of its own.
const SCRIPT: &str = "echo hi; echo oops >&2; exit 7";

/// The options that leave no choice.
///
/// All combinations are for two programs: the blocking one, and the asynchronous one with threads. What the other
/// runtimes change is how bytes move, so there every cipher and MAC takes its turn once with every key exchange, and
/// every host key with some of them.
fn options(ours: Ours, kex: &str) -> Vec<Vec<String>> {
    let full = matches!(ours, Ours::Blocking | Ours::TokioThreads);
    let mut all = Vec::new();
    for (row, host_key) in HOST_KEYS.iter().enumerate() {
        let macs = |needs_mac| if needs_mac { &MACS[..] } else { &MACS[..1] };
        let pairs =
            CIPHERS.iter().flat_map(|(cipher, needs_mac)| macs(*needs_mac).iter().map(move |mac| (cipher, mac)));
        for (column, (cipher, mac)) in pairs.enumerate() {
            if full || column % HOST_KEYS.len() == row {
                all.push(vec![
                    format!("KexAlgorithms={kex}"),
                    format!("HostKeyAlgorithms={host_key}"),
                    format!("Ciphers={cipher}"),
                    format!("MACs={mac}"),
                ]);
            }
        }
    }
    all
}

#[track_caller]
fn assert_script(output: &Output, options: &[&str]) {
    let same = output.code() == Some(7) && output.stdout == b"hi\n" && output.stderr == b"oops\n";
    assert!(same, "{options:?}: {output}");
}

fn our_client(ours: Ours, kex: &str) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().host_keys(&KeyType::ALL).line("MaxStartups 100").start();
    for options in options(ours, kex) {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let mut ssh = ours.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &options);
        ssh.arg(sshd.destination()).arg(SCRIPT);
        assert_script(&run_with_timeout(ssh, b"", DEADLINE), &options);
    }
}

fn our_server(ours: Ours, kex: &str) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let sshd = ours.sshd(&KeyType::ALL, &[]);
    for options in options(ours, kex) {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let mut ssh = openssh::ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &options);
        ssh.arg(sshd.destination()).arg(SCRIPT);
        assert_script(&run_with_timeout(ssh, b"", DEADLINE), &options);
    }
}

macro_rules! matrix {
    ($($name:ident: $kex:literal,)*) => {
        $(mod $name {
            use super::Ours;

            ssh_interop_tests::test_each_of_ours!(our_client, our_server);

            fn our_client(ours: Ours) {
                super::our_client(ours, $kex);
            }

            fn our_server(ours: Ours) {
                super::our_server(ours, $kex);
            }
        })*
    };
}

matrix! {
    curve25519: "curve25519-sha256",
    curve25519_libssh: "curve25519-sha256@libssh.org",
    nistp256: "ecdh-sha2-nistp256",
    nistp384: "ecdh-sha2-nistp384",
    nistp521: "ecdh-sha2-nistp521",
}

ssh_interop_tests::test_each_of_ours!(mlkem768x25519);

/// What OpenSSH does not know in every version is proven between ourselves, and with it where it does.
fn mlkem768x25519(ours: Ours) {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &[]);
    let kex = ["KexAlgorithms=mlkem768x25519-sha256"];
    let mut clients = vec![ours.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &kex)];
    if require_all(&["ssh"]) && openssh::version() >= (9, 9) {
        clients.push(openssh::ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &kex));
    } else {
        eprintln!("NOT RUN: mlkem768x25519-sha256 with OpenSSH's ssh, which knows it from version 9.9 on");
    }
    for mut ssh in clients {
        ssh.arg(sshd.destination()).arg(SCRIPT);
        assert_script(&run_with_timeout(ssh, b"", DEADLINE), &kex);
    }
}
