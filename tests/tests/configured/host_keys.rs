//! Whom to trust.

use ssh_blocking::{Error, LoginError};
use ssh_interop_tests::peer::openssh::{KeyType, Sshd, keygen};
use ssh_interop_tests::peer::require_all;

use crate::common::{Files, Person, openssh, openssh_with_password, ours};

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
    std::fs::write(&changed, other.known_hosts_line(sshd.port())).expect("the directory is ours");
    let changed = format!("UserKnownHostsFile {}\n StrictHostKeyChecking no", changed.display());
    let by_key = format!("IdentityFile {}\n IdentitiesOnly yes", pair.private.display());
    let by_password = "IdentityFile none\n IdentityAgent none\n PubkeyAuthentication no".to_owned();
    files.host("right", &sshd, &[by_password.clone()]);
    files.host("changed", &sshd, &[changed.clone(), by_password]);
    files.host("changed-key", &sshd, &[changed, by_key]);
    let config = files.written();
    let disabled = ["Password", "Keyboard-interactive"]
        .map(|method| format!("{method} authentication is disabled to avoid man-in-the-middle attacks."));

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
    assert_eq!(asked[1..], disabled.clone().map(|text| format!("warning: {text}")));

    let theirs = openssh(&config, "changed-key").expect_success();
    let person = Person::default();
    assert_eq!(ours(&config, "changed-key", &person).expect("the key gets in"), theirs.stdout);
    assert!(person.asked().iter().all(|text| text.starts_with("warning: ")), "{:?}", person.asked());
}
