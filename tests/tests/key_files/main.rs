//! Key files, fingerprints and signatures, both ways between this crate and `ssh-keygen`, `puttygen` and `openssl`.

mod fingerprints;
mod openssl;
mod program;
mod public;
mod puttygen;
mod signatures;
mod ssh_keygen;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ssh_blocking::ssh_core::SecretBytes;
use ssh_blocking::ssh_core::crypto::signature;
use ssh_blocking::ssh_core::key::{KeyEncryption, PrivateKey, PublicKey, PublicKeyLine};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_interop_tests::peer::{command, newer_openssh};
use ssh_interop_tests::{DEADLINE, run_with_timeout};

const PASSPHRASE: &str = "pass phrase";

/// `-t` and `-b` of every key type that `ssh-keygen` makes without a device.
const TYPES: [(&str, &str); 6] =
    [("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "2048"), ("dsa", "1024")];

/// The `ssh-keygen` of the system, and a newer one if there is any.
fn keygens() -> Vec<Keygen> {
    let newer = newer_openssh::directory().map(|_| Keygen::Newer);
    [Keygen::System].into_iter().chain(newer).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keygen {
    System,
    Newer,
}

impl Keygen {
    fn command(self) -> Command {
        match self {
            Self::System => command("ssh-keygen"),
            Self::Newer => newer_openssh::command("ssh-keygen"),
        }
    }

    #[track_caller]
    fn run(self, arguments: &[&str], file: &Path) -> String {
        let mut keygen = self.command();
        keygen.args(arguments).arg("-f").arg(file);
        run(keygen)
    }

    /// Makes a key at `path`; false if this one makes no keys of the type.
    #[track_caller]
    fn make(self, (kind, bits): (&str, &str), more: &[&str], path: &Path) -> bool {
        // OpenSSH 10 forgot DSA, and nothing older knows what came with it.
        let knows = match kind {
            "dsa" => self == Self::System && !run_version(self).contains("OpenSSH_1"),
            _ => true,
        };
        if knows {
            self.run(&[&["-q", "-t", kind, "-b", bits, "-C", "a comment", "-a", "2"], more].concat(), path);
        }
        knows
    }
}

fn run_version(keygen: Keygen) -> String {
    let mut ssh = match keygen {
        Keygen::System => command("ssh"),
        Keygen::Newer => newer_openssh::command("ssh"),
    };
    ssh.arg("-V");
    run_with_timeout(ssh, b"", DEADLINE).stderr_text()
}

#[track_caller]
fn run(command: Command) -> String {
    run_with_timeout(command, b"", DEADLINE).expect_success().stdout_text()
}

#[track_caller]
fn read_private(path: &Path, passphrase: Option<&str>) -> PrivateKey {
    let text = fs::read(path).expect("the file was written");
    let passphrase = passphrase.map(SecretBytes::from);
    PrivateKey::read(&text, passphrase.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn read_public(path: &Path) -> PublicKeyLine {
    PublicKeyLine::read(&fs::read(path).expect("the file was written")).expect("it holds a public key")
}

/// Where `ssh-keygen` puts the public half.
fn public_of(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".pub");
    path.into()
}

/// Writes a file that only its owner may read, as `ssh-keygen` demands.
fn write(path: &Path, text: &[u8]) {
    fs::write(path, text).expect("the directory is ours");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
}

fn encryption(passphrase: &str) -> Option<KeyEncryption> {
    let encryption = || KeyEncryption { rounds: 2, ..KeyEncryption::new(passphrase.into()) };
    (!passphrase.is_empty()).then(encryption)
}

/// What `key` signs is verified under `public`.
#[track_caller]
fn assert_signs(key: &PrivateKey, public: &PublicKey) {
    assert_eq!(key.public_key(), public);
    let name = public.signature_algorithms().next().expect("the type is built in");
    let algorithm = signature::ALL.iter().find(|algorithm| algorithm.name() == name).expect("it is built in");
    let signature = key.sign(name, b"message", &mut OsRandom).expect("it signs");
    let _ = algorithm.verify(public.blob(), b"message", &signature).expect("the halves belong together");
}

/// Only the key of a line, without its comment.
fn key_of(line: &str) -> String {
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
