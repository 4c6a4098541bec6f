//! Whom to trust.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use ssh_blocking::{Error, LoginError};
use ssh_interop_tests::peer::openssh::{KeyType, Sshd, keygen};
use ssh_interop_tests::peer::{newer_openssh, require_all};
use ssh_interop_tests::{DEADLINE, run_with_timeout};

use crate::common::{Adapter, Files, Person, both_get_in, neither_gets_in, openssh, openssh_with_password, ours};

/// Whoever is in between does not get a password, whatever `StrictHostKeyChecking no` says; a key gives nothing away.
#[test]
fn a_host_with_another_key_gets_no_password() {
    if !require_all(&["sshd", "ssh", "ssh-keygen", "nss_wrapper"]) {
        return;
    }
    let sshd = Sshd::builder().password("pass word").line("KbdInteractiveAuthentication yes").start();
    let mut files = Files::new();
    let pair = files.key("id", &sshd, "");
    let other = keygen(files.directory.path(), "other", KeyType::Ed25519, "");
    let changed = files.path("changed");
    fs::write(&changed, other.known_hosts_line(sshd.port())).expect("the directory is ours");
    let changed = format!("UserKnownHostsFile {}\n StrictHostKeyChecking no", changed.display());
    let by_key = format!("IdentityFile {}\n IdentitiesOnly yes", pair.private.display());
    let by_password = "IdentityFile none\n IdentityAgent none\n PubkeyAuthentication no".to_owned();
    files.host("right", &sshd, std::slice::from_ref(&by_password));
    files.host("changed", &sshd, &[changed.clone(), by_password]);
    files.host("changed-key", &sshd, &[changed, by_key]);
    let config = files.written();
    let disabled = ["Password", "Keyboard-interactive"].map(|method| format!("{method} authentication is disabled"));
    let left_out =
        ["password", "keyboard-interactive"].map(|method| format!("warning: {method} authentication is left out"));

    openssh_with_password(&files, &config, "right", "pass word").expect_success();
    let person = Person { password: Some("pass word"), ..Person::default() };
    ours(&config, "right", &person).expect("the password is right");

    let theirs = openssh_with_password(&files, &config, "changed", "pass word");
    assert!(!theirs.success() && disabled.iter().all(|text| theirs.stderr_text().contains(text)), "{theirs}");
    let person = Person { password: Some("pass word"), ..Person::default() };
    let error = ours(&config, "changed", &person).expect_err("the key is the only way");
    assert!(matches!(&error, Error::Login(LoginError::Refused { tried, .. }) if tried.is_empty()), "{error}");
    let asked = person.asked();
    assert!(asked.len() == 3 && asked[0].starts_with("warning: WARNING: the host key of"), "{asked:?}");
    assert!(asked[1..].iter().zip(&left_out).all(|(asked, text)| asked.starts_with(text)), "{asked:?}");

    let theirs = openssh(&config, "changed-key").expect_success();
    let person = Person::default();
    assert_eq!(ours(&config, "changed-key", &person).expect("the key gets in"), theirs.stdout);
    assert!(person.asked().iter().all(|text| text.starts_with("warning: ")), "{:?}", person.asked());
}

/// What a program prints is as good as a file; what it is called with is the same.
#[test]
fn a_command_knows_hosts() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let pair = files.key("id", &sshd, "");
    let identity = format!("IdentityFile {}\n IdentitiesOnly yes", pair.private.display());
    let (program, calls) = (files.path("program"), files.path("calls"));
    let script = format!(
        "#!/bin/sh\nfor word; do echo \"<$word>\"; done >> {calls}\ncat {known}\n",
        calls = calls.display(),
        known = sshd.known_hosts().display()
    );
    fs::write(&program, script).expect("the directory is ours");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("it is ours");
    let (program, known) = (program.display(), sshd.known_hosts().display());
    let no_file = "UserKnownHostsFile none".to_owned();
    let mut host = |alias: &str, command: &str| {
        files.host(alias, &sshd, &[format!("KnownHostsCommand {command}"), no_file.clone(), identity.clone()]);
    };
    let words = "%I %K %f %t %h %n %p %r %u %% \"two words\" 'a \\\"quote' # $HOME *";
    host("all", &format!("{program} {words}"));
    host("name", &format!("{program} %I %H\n HostKeyAlias UPPER"));
    host("md5", &format!("{program} %I %f\n FingerprintHash md5"));
    host("hostname-only", &format!("/bin/sh -c \"test %I != HOSTNAME || cat {known}\""));
    host("order-only", &format!("/bin/sh -c \"test %I != ORDER || cat {known}\""));
    host("fails", &format!("/bin/sh -c \"cat {known}; exit 1\""));
    host("fails-first", &format!("/bin/sh -c \"cat {known}; test %I != ORDER\""));
    host("killed", &format!("/bin/sh -c \"cat {known}; kill -9 $$\""));
    host("shell", &format!("/bin/cat {known} | cat"));
    host("missing", "/nowhere/at/all");
    host("relative", &format!("sh -c \"cat {known}\""));
    host("no-token", &format!("/bin/cat {known} %z"));
    let config = files.written();
    let called = || {
        let words = fs::read_to_string(&calls).expect("it ran");
        fs::remove_file(&calls).expect("it is ours");
        words
    };
    for alias in ["all", "md5"] {
        openssh(&config, alias).expect_success();
        let theirs = called();
        for adapter in Adapter::ALL {
            adapter.ours(&config, alias, &Person::default()).expect("the program knows the host");
            assert_eq!(called(), theirs, "{alias}, {adapter:?}");
        }
        assert!(theirs.contains("<ORDER>\n") && theirs.contains("<HOSTNAME>\n"), "{theirs}");
    }
    let name = "<ORDER>\n<upper>\n<HOSTNAME>\n<upper>\n";
    for adapter in Adapter::ALL {
        let person = Person::default();
        adapter.ours(&config, "name", &person).expect_err("the program knows nobody of that name");
        assert_eq!(called(), name, "{adapter:?}");
    }
    // Before OpenSSH 10 the first name was another.
    if newer_openssh::directory().is_some() {
        let mut ssh = newer_openssh::command("ssh");
        ssh.arg("-F").arg(&config).args(["-o", "BatchMode=yes", "name", "true"]);
        assert!(!run_with_timeout(ssh, b"", DEADLINE).success());
        assert_eq!(called(), name);
    }
    both_get_in(&config, "hostname-only");
    for (alias, why) in [
        ("order-only", "is not known"),
        ("fails", "the KnownHostsCommand failed: exit status: 1"),
        ("fails-first", "the KnownHostsCommand failed: exit status: 1"),
        ("killed", "the KnownHostsCommand failed: signal: 9"),
        ("shell", "the KnownHostsCommand failed"),
        ("missing", "is not known"),
        ("relative", "is not known"),
        ("no-token", "the KnownHostsCommand failed"),
    ] {
        let error = neither_gets_in(&config, alias);
        assert!(matches!(&error, Error::HostKey(text) if text.contains(why)), "{alias}: {error}");
    }
}

/// The keys that a host is known by come first unless the order is the user's own.
#[test]
fn known_keys_come_first_unless_the_order_is_fixed() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().host_keys(&[KeyType::Ed25519, KeyType::EcdsaP256]).start();
    let mut files = Files::new();
    let pair = files.key("id", &sshd, "");
    let known = files.path("known");
    fs::write(&known, sshd.host_keys()[1].known_hosts_line(sshd.port())).expect("the directory is ours");
    let common = format!(
        "UserKnownHostsFile {}\n IdentityFile {}\n IdentitiesOnly yes",
        known.display(),
        pair.private.display()
    );
    let lists = [("usual", "-ssh-rsa"), ("fixed", "ssh-ed25519,ecdsa-sha2-nistp256"), ("first", "^ssh-ed25519")];
    for (alias, list) in lists {
        files.host(alias, &sshd, &[format!("HostKeyAlgorithms {list}"), common.clone()]);
    }
    let config = files.written();
    both_get_in(&config, "usual");
    for alias in ["fixed", "first"] {
        assert!(matches!(neither_gets_in(&config, alias), Error::HostKey(_)), "{alias}");
    }
}
