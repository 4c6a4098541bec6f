//! Our example `keyscan` prints what `ssh-keyscan` prints.

use std::process::Command;

use ssh_interop_tests::peer::openssh::{KeyType, Sshd};
use ssh_interop_tests::peer::{command, require_all};
use ssh_interop_tests::{DEADLINE, free_port, our_binary, run_with_timeout};

/// The lines of the output in order of the alphabet: ssh-keyscan prints whatever comes first.
fn lines(mut program: Command, arguments: &[&str]) -> (bool, Vec<String>) {
    program.args(arguments);
    let output = run_with_timeout(program, b"", DEADLINE);
    let mut lines: Vec<_> = output.stdout_text().lines().map(String::from).collect();
    lines.sort();
    (output.success(), lines)
}

#[test]
fn it_finds_what_ssh_keyscan_finds() {
    if !require_all(&["sshd", "ssh-keygen", "ssh-keyscan"]) {
        return;
    }
    let ours = || Command::new(our_binary("keyscan"));
    for types in [&KeyType::ALL[..], &[KeyType::Ed25519], &[KeyType::Rsa(2048)]] {
        let sshd = Sshd::builder().host_keys(types).line("PerSourceMaxStartups none").start();
        let port = sshd.port().to_string();
        for arguments in [
            &["127.0.0.1"][..],
            &["-t", "ed25519", "127.0.0.1"],
            &["-t", "rsa,ecdsa", "127.0.0.1"],
            &["-D", "127.0.0.1"],
            &["-c", "127.0.0.1"],
        ] {
            let arguments = [&["-p", &port], arguments].concat();
            assert_eq!(lines(ours(), &arguments).1, lines(command("ssh-keyscan"), &arguments).1, "{arguments:?}");
        }
        let (found, hashed) = lines(ours(), &["-H", "-p", &port, "127.0.0.1"]);
        assert!(found && hashed.iter().all(|line| line.starts_with("|1|")), "{hashed:?}");
        // Hashed names are known by what they hide.
        let file = sshd.directory().join("scanned");
        std::fs::write(&file, hashed.join("\n") + "\n").expect("the directory is ours");
        let mut keygen = command("ssh-keygen");
        keygen.args(["-F", &format!("[127.0.0.1]:{port}"), "-f"]).arg(&file);
        run_with_timeout(keygen, b"", DEADLINE).expect_success();
    }
}

#[test]
fn what_it_cannot_reach_it_tells() {
    let nobody = free_port().to_string();
    let mut keyscan = Command::new(our_binary("keyscan"));
    keyscan.args(["-p", &nobody, "127.0.0.1"]);
    let output = run_with_timeout(keyscan, b"", DEADLINE);
    assert!(!output.success() && output.stdout.is_empty(), "{output}");
    assert!(output.stderr_text().contains(&format!("127.0.0.1 port {nobody}")), "{output}");
    for arguments in [&[][..], &["-t", "none", "host"], &["-x", "host"], &["-p"], &["-T", "0", "host"]] {
        let mut keyscan = Command::new(our_binary("keyscan"));
        keyscan.args(arguments);
        let output = run_with_timeout(keyscan, b"", DEADLINE);
        assert!(output.code() == Some(2) && output.stderr_text().contains("usage"), "{arguments:?}: {output}");
    }
}
