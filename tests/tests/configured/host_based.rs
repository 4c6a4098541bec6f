//! This host vouches for its user, at OpenSSH's server and at ours.

use std::fs;
use std::path::{Path, PathBuf};

use ssh_async::{Runtime, Smol, Tokio};
use ssh_blocking::{Config, Configured, Error, LoginError};
use ssh_interop_tests::peer::openssh::{KeyPair, KeyType, Sshd, keygen};
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::{command, require_all, user_name};
use ssh_interop_tests::{DEADLINE, run_with_timeout, temp_dir};

use crate::common::{Adapter, Files, Person, agreed};

/// What this machine is called by those who see 127.0.0.1.
fn own_name() -> String {
    let mut getent = command("getent");
    getent.args(["hosts", "127.0.0.1"]);
    let output = run_with_timeout(getent, b"", DEADLINE).expect_success().stdout_text();
    output.split_ascii_whitespace().nth(1).expect("an address and a name").to_owned()
}

/// A server that believes this host, by these keys, about the user who runs the test.
fn believer(keys: &[&KeyPair]) -> Sshd {
    let sshd = Sshd::builder()
        .line("HostbasedAuthentication yes")
        .line("HostbasedUsesNameFromPacketOnly yes")
        .line("IgnoreRhosts no")
        .line("IgnoreUserKnownHosts no")
        .line("LogLevel DEBUG")
        .start();
    let (home, name) = (sshd.directory().join("home"), own_name());
    let known: String = keys.iter().map(|key| format!("{name} {}\n", key.public_line())).collect();
    fs::write(home.join(".ssh/known_hosts"), known).expect("the directory is ours");
    fs::write(home.join(".shosts"), format!("{name} {}\n", user_name())).expect("the directory is ours");
    sshd
}

/// How we get in with these keys of this host, whichever adapter.
#[track_caller]
fn log_in(config: &Path, alias: &str, host_keys: &[&KeyPair]) -> Result<&'static str, Error> {
    let config = Config::load()?.file(config);
    let files: Vec<PathBuf> = host_keys.iter().map(|key| key.private.clone()).collect();
    agreed(&Person::default(), |adapter, _| match adapter {
        Adapter::Blocking => {
            let host = Configured::new(&config, alias)?.host_key_files(files.clone());
            host.login(&host.connect()?)
        }
        Adapter::Tokio => ::tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(log_in_asynchronously(Tokio, &config, alias, files.clone())),
        Adapter::Smol => ::smol::block_on(log_in_asynchronously(Smol, &config, alias, files.clone())),
    })
}

async fn log_in_asynchronously<T: Runtime>(
    runtime: T,
    config: &Config,
    alias: &str,
    files: Vec<PathBuf>,
) -> Result<&'static str, Error> {
    let host = ssh_async::Configured::new(config, alias).await?.host_key_files(files);
    host.login(&host.connect(runtime).await?).await
}

#[test]
fn a_host_vouches_for_its_user_as_configured() {
    if !require_all(&["sshd", "ssh-keygen", "nss_wrapper", "getent"]) {
        return;
    }
    let mut files = Files::new();
    let key = |name: &str, kind| keygen(files.directory.path(), name, kind, "");
    let (rsa, ed25519, stranger) =
        (key("rsa", KeyType::Rsa(2048)), key("ed25519", KeyType::Ed25519), key("stranger", KeyType::EcdsaP256));
    let sshd = believer(&[&rsa, &ed25519]);
    let user = files.key("id", &sshd, "");
    let by_key = format!("IdentityFile {}\n IdentitiesOnly yes", user.private.display());
    let no_key = "IdentityFile none\n IdentityAgent none".to_owned();
    let on = "HostbasedAuthentication yes\n EnableSSHKeysign yes";
    for (alias, lines, keys) in [
        ("on", on.to_owned(), &no_key),
        ("before-keys", on.to_owned(), &by_key),
        ("after-keys", format!("{on}\n PreferredAuthentications publickey,hostbased"), &by_key),
        ("sha2-256", format!("{on}\n HostbasedAcceptedAlgorithms rsa-sha2-256,ssh-ed25519"), &no_key),
        ("only-ecdsa", format!("{on}\n HostbasedAcceptedAlgorithms ecdsa-*"), &no_key),
        ("off", "EnableSSHKeysign yes".into(), &no_key),
        ("no-keysign", "HostbasedAuthentication yes".into(), &no_key),
    ] {
        files.host(alias, &sshd, &[lines, keys.clone()]);
    }
    let config = files.written();
    let log_in = |alias: &str, keys: &[&KeyPair]| log_in(&config, alias, keys);
    for keys in [&[&rsa][..], &[&ed25519], &[&stranger, &ed25519]] {
        assert_eq!(log_in("on", keys).unwrap_or_else(|error| panic!("{error}\n{}", sshd.log())), "hostbased");
    }
    let both = [&ed25519, &rsa];
    assert_eq!(log_in("before-keys", &both).expect("both are right"), "hostbased");
    assert_eq!(log_in("before-keys", &[&stranger]).expect("the user's key is right"), "publickey");
    assert_eq!(log_in("after-keys", &both).expect("both are right"), "publickey");
    assert!(!sshd.log().contains("pkalg rsa-sha2-256"), "{}", sshd.log());
    assert_eq!(log_in("sha2-256", &both).expect("the host is believed"), "hostbased");
    assert!(sshd.log().contains("pkalg rsa-sha2-256"), "{}", sshd.log());
    for (alias, keys, expected) in [
        ("on", &[&stranger][..], &["hostbased"][..]),
        ("only-ecdsa", &both, &[]),
        ("off", &both, &[]),
        ("no-keysign", &both, &[]),
    ] {
        match log_in(alias, keys) {
            Err(Error::Login(LoginError::Refused { tried, .. })) => assert_eq!(tried, expected, "{alias}"),
            other => panic!("{alias}: {other:?}"),
        }
    }
}

ssh_interop_tests::test_each_of_ours!(our_servers_believe_the_hosts_they_know);

fn our_servers_believe_the_hosts_they_know(ours: Ours) {
    if !require_all(&["ssh-keygen", "getent"]) {
        return;
    }
    let directory = temp_dir();
    let path = |name: &str| directory.path().join(name);
    let write = |name: &str, text: String| fs::write(path(name), text).expect("the directory is ours");
    let key = |name: &str| keygen(directory.path(), name, KeyType::Ed25519, "");
    let (known, revoked, stranger, elsewhere) = (key("known"), key("revoked"), key("stranger"), key("elsewhere"));
    let name = own_name();
    let line = |name: &str, key: &KeyPair| format!("{name} {}\n", key.public_line());
    write("hosts", line(&name, &known) + &line(&name, &revoked) + &line("elsewhere.example", &elsewhere));
    write("revoked-keys", format!("{}\n", revoked.public_line()));
    let hosts = format!("HostbasedKnownHosts={}", path("hosts").display());
    let revocations = format!("RevokedKeys={}", path("revoked-keys").display());
    let on = "HostbasedAuthentication=yes";
    let log_in = |options: &[&str], host_key: &KeyPair, lines: &str| {
        let sshd = ours.sshd(&[KeyType::Ed25519], options);
        let text = format!(
            "Host ours\n HostName 127.0.0.1\n Port {}\n UserKnownHostsFile {}\n HostbasedAuthentication yes\n \
             EnableSSHKeysign yes\n IdentitiesOnly yes\n IdentityAgent none\n {}\n",
            sshd.port(),
            sshd.known_hosts().display(),
            lines.replace("USER_KEY", &sshd.identity().display().to_string())
        );
        write("config", text);
        log_in(&path("config"), "ours", &[host_key]).ok()
    };
    let no_key = "IdentityFile none";
    assert_eq!(log_in(&[on, &hosts, &revocations], &known, no_key), Some("hostbased"));
    assert_eq!(log_in(&[on, &hosts, &revocations], &stranger, no_key), None);
    assert_eq!(log_in(&[on, &hosts, &revocations], &revoked, no_key), None);
    assert_eq!(log_in(&[on, &hosts], &elsewhere, no_key), None, "it is the key of a host of another name");
    assert_eq!(log_in(&[&hosts], &known, no_key), None, "it is not switched on");
    let both = "AuthenticationMethods=hostbased,publickey";
    assert_eq!(log_in(&[on, &hosts, both], &known, no_key), None, "one of two is not enough");
    assert_eq!(log_in(&[on, &hosts, both], &known, "IdentityFile USER_KEY"), Some("publickey"));
    assert_eq!(log_in(&[on, &hosts, both], &stranger, "IdentityFile USER_KEY"), None);
}
