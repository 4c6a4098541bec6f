//! Passwords, keys of every kind, encrypted keys and two factors, through the library, against OpenSSH's server.

use std::path::Path;

use ssh_blocking::ssh_core::SecretBytes;
use ssh_blocking::ssh_core::key::{KeyAlgorithm, KeyEncryption, KeyFileError, KeyFileFormat, PrivateKey};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_blocking::{Connector, Credentials, Error, KnownHostsPolicy, LoginError, Session};
use ssh_interop_tests::peer::openssh::{KeyType, Sshd, keygen};
use ssh_interop_tests::peer::{require_all, user_name};
use ssh_interop_tests::{DEADLINE, run_with_timeout};

fn connect(sshd: &Sshd) -> Session {
    let policy = KnownHostsPolicy::new(vec![sshd.known_hosts().into()]);
    Connector::new().host_keys(policy).connect("127.0.0.1", sshd.port()).expect("sshd runs")
}

fn read_key(path: &Path, passphrase: Option<&str>) -> Result<PrivateKey, KeyFileError> {
    let passphrase = passphrase.map(SecretBytes::from);
    PrivateKey::read(&std::fs::read(path).expect("ssh-keygen made it"), passphrase.as_ref())
}

#[test]
fn keys_of_every_kind_plain_and_encrypted() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().line("MaxAuthTries 20").start();
    for key_type in KeyType::ALL {
        for passphrase in ["", "open sesame"] {
            let name = format!("{key_type:?}{}", passphrase.len());
            let pair = keygen(sshd.directory(), &name, key_type, passphrase);
            sshd.authorize(&pair.public_line());
            let key = if passphrase.is_empty() {
                read_key(&pair.private, None)
            } else {
                assert_eq!(read_key(&pair.private, None).err(), Some(KeyFileError::PassphraseRequired));
                assert_eq!(read_key(&pair.private, Some("wrong")).err(), Some(KeyFileError::WrongPassphrase));
                read_key(&pair.private, Some(passphrase))
            };
            let method = connect(&sshd).login(sshd.user(), key.expect("the right passphrase"));
            assert_eq!(method.expect("the key is authorized"), "publickey", "{key_type:?}");
        }
    }
}

/// Keys that we write are keys to ssh-keygen and to sshd.
#[test]
fn our_keys_are_openssh_keys() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    for algorithm in [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::EcdsaNistp256,
        KeyAlgorithm::EcdsaNistp384,
        KeyAlgorithm::EcdsaNistp521,
        KeyAlgorithm::Rsa { bits: 2048 },
    ] {
        let key = PrivateKey::generate(algorithm, &mut OsRandom).expect("randomness");
        sshd.authorize(&key.public_key().to_string());
        let mut encryption = KeyEncryption::new(SecretBytes::from("open sesame"));
        encryption.rounds = 4;
        let text = key.write(KeyFileFormat::OpenSsh, Some(&encryption), &mut OsRandom).expect("randomness");
        let path = sshd.directory().join("ours");
        std::fs::write(&path, text.expose()).expect("the directory is ours");
        let mut chmod = std::process::Command::new("chmod");
        chmod.arg("600").arg(&path);
        run_with_timeout(chmod, b"", DEADLINE).expect_success();
        let mut keygen = std::process::Command::new("ssh-keygen");
        keygen.args(["-y", "-P", "open sesame", "-f"]).arg(&path);
        let output = run_with_timeout(keygen, b"", DEADLINE).expect_success();
        assert!(output.stdout_text().starts_with(&key.public_key().to_string()), "{output}");
        connect(&sshd).login(user_name(), key).expect("the key is authorized");
    }
}

#[test]
fn passwords_and_two_factors() {
    if !require_all(&["sshd", "ssh-keygen", "nss_wrapper"]) {
        return;
    }
    let sshd = Sshd::builder().password("pass word").line("AuthenticationMethods publickey,password password").start();
    assert_eq!(connect(&sshd).login(sshd.user(), "pass word").expect("it is the password"), "password");
    let refused = connect(&sshd).login(sshd.user(), "wrong");
    match refused {
        Err(Error::Login(LoginError::Refused { user, tried, methods })) => {
            assert_eq!((user.as_str(), tried), (sshd.user(), vec!["password"]));
            assert!(methods.iter().any(|method| method == "password"), "{methods:?}");
        }
        other => panic!("a wrong password was not refused: {other:?}"),
    }

    let both = Sshd::builder().password("pass word").line("AuthenticationMethods publickey,password").start();
    let key = || read_key(both.identity(), None).expect("it is not encrypted");
    let alone = connect(&both).login(both.user(), key());
    assert!(matches!(alone, Err(Error::Login(LoginError::Refused { .. }))), "{alone:?}");
    let credentials = Credentials::from(key()).password("pass word");
    let session = connect(&both);
    assert_eq!(session.login(both.user(), credentials).expect("both are right"), "password");
    assert_eq!(session.cmd("echo in", None).expect("logged in").stdout, b"in\n");
}

/// After a refusal the same connection can be tried with something else.
#[test]
fn a_second_login_on_the_same_connection() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let session = connect(&sshd);
    let stranger = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom).expect("randomness");
    assert!(matches!(session.login(sshd.user(), stranger), Err(Error::Login(LoginError::Refused { .. }))));
    session.login(sshd.user(), read_key(sshd.identity(), None).expect("not encrypted")).expect("authorized");
}
