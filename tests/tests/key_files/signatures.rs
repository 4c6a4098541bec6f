use std::fs;
use std::path::{Path, PathBuf};

use ssh_blocking::ssh_core::UnixTime;
use ssh_blocking::ssh_core::files::allowed_signers::{AllowedSigners, VerifyError};
use ssh_blocking::ssh_core::key::{MessageHash, MessageSignature};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_interop_tests::peer::require_all;
use ssh_interop_tests::{DEADLINE, TempDir, run_with_timeout, temp_dir};

use crate::{Keygen, TYPES, keygens, public_of, read_private, read_public, run, write};

const MESSAGE: &[u8] = b"a message\nof two lines";

fn now() -> UnixTime {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
    UnixTime::from_secs(now.as_secs())
}

/// A directory with a message, and the keys in it.
struct Desk {
    keygen: Keygen,
    directory: TempDir,
}

impl Desk {
    fn new(keygen: Keygen) -> Self {
        let directory = temp_dir();
        write(&directory.path().join("message"), MESSAGE);
        Self { keygen, directory }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn sign(&self, key: &Path, hash: &str) -> Vec<u8> {
        let _ = fs::remove_file(self.at("message.sig"));
        let mut sign = self.keygen.command();
        sign.args(["-q", "-Y", "sign", "-n", "file", "-O", &format!("hashalg={hash}"), "-f"]).arg(key);
        sign.arg(self.at("message"));
        run(sign);
        fs::read(self.at("message.sig")).expect("it was written")
    }

    /// Does `ssh-keygen` find that `principal` signed the message, by the file `allowed`?
    fn verifies(&self, signature: &str, principal: &str, namespace: &str, allowed: &str) -> bool {
        write(&self.at("allowed"), allowed.as_bytes());
        write(&self.at("signature"), signature.as_bytes());
        let mut verify = self.keygen.command();
        verify.args(["-Y", "verify", "-n", namespace, "-I", principal, "-f"]).arg(self.at("allowed"));
        verify.arg("-s").arg(self.at("signature"));
        run_with_timeout(verify, MESSAGE, DEADLINE).success()
    }

    fn find_principals(&self, signature: &str, allowed: &str) -> String {
        write(&self.at("allowed"), allowed.as_bytes());
        write(&self.at("signature"), signature.as_bytes());
        let mut find = self.keygen.command();
        find.args(["-Y", "find-principals", "-f"]).arg(self.at("allowed")).arg("-s").arg(self.at("signature"));
        run_with_timeout(find, b"", DEADLINE).stdout_text()
    }
}

#[test]
fn it_verifies_ours_and_we_verify_its() {
    if !require_all(&["ssh-keygen", "ssh"]) {
        return;
    }
    for keygen in keygens() {
        let desk = Desk::new(keygen);
        let newer: &[_] = if keygen == Keygen::Newer { &[("mldsa44-ed25519", "256")] } else { &[] };
        for (kind, bits) in TYPES.iter().chain(newer).copied().filter(|(kind, _)| *kind != "dsa") {
            let path = desk.at(&format!("{kind}{bits}"));
            assert!(keygen.make((kind, bits), &["-N", ""], &path));
            let key = read_private(&path, None);
            for hash in [MessageHash::Sha512, MessageHash::Sha256] {
                let theirs = MessageSignature::read(&desk.sign(&path, hash.name())).expect("it is read");
                assert_eq!((theirs.key(), theirs.hash()), (key.public_key(), hash));
                let _ = theirs.verify("file", MESSAGE).expect("it is right");

                let ours = MessageSignature::sign(&key, "file", hash, MESSAGE, &mut OsRandom).expect("the key signs");
                let allowed = format!("alice,bob {}\n", key.public_key());
                assert!(desk.verifies(&ours.write(), "bob", "file", &allowed), "{kind}{bits}");
                assert!(!desk.verifies(&ours.write(), "carol", "file", &allowed));
                assert!(!desk.verifies(&ours.write(), "bob", "git", &allowed));
                assert_eq!(desk.find_principals(&ours.write(), &allowed), "alice\nbob\n");
            }
        }
    }
}

/// Both read one file and come to one verdict.
#[test]
fn allowed_signers_mean_the_same_to_both() {
    if !require_all(&["ssh-keygen", "ssh"]) {
        return;
    }
    for keygen in keygens() {
        let desk = Desk::new(keygen);
        for name in ["key", "authority"] {
            assert!(keygen.make(("ed25519", "256"), &["-N", ""], &desk.at(name)));
        }
        let [key, authority] = ["key", "authority"].map(|name| read_public(&public_of(&desk.at(name))).key);
        let mut certify = keygen.command();
        certify.arg("-q").arg("-s").arg(desk.at("authority"));
        certify.args(["-I", "id", "-n", "alice,carol", "-V", "-1d:+1d"]).arg(desk.at("key.pub"));
        run(certify);
        let certificate = read_public(&desk.at("key-cert.pub")).key;
        let signed = |path: &Path| MessageSignature::read(&desk.sign(path, "sha512")).expect("it is read");
        let plain = MessageSignature::sign(
            &read_private(&desk.at("key"), None),
            "file",
            MessageHash::Sha512,
            MESSAGE,
            &mut OsRandom,
        );
        let plain = plain.expect("the key signs");
        let certified = plain.clone().with_certificate(certificate).expect("it is one of this key");
        let theirs = signed(&desk.at("key"));
        assert_eq!(theirs, plain, "a certificate beside the key is not taken by itself");

        let lines = [
            format!("alice {key}"),
            format!("alic? {key}"),
            format!("*,!alice {key}"),
            format!("\"bob,alice\" {key}"),
            format!("alice namespaces=\"git,file\" {key} comment"),
            format!("alice namespaces=\"git\" {key}"),
            format!("alice valid-after=\"20200101\" {key}"),
            format!("alice valid-after=\"99990101\" {key}"),
            format!("alice valid-before=\"20200101Z\" {key}"),
            format!("alice valid-after=\"20200101Z\",valid-before=\"99990101Z\",namespaces=\"*\" {key}"),
            format!("alice cert-authority {key}"),
            format!("alice cert-authority {authority}"),
            format!("* cert-authority {authority}"),
            format!("bob cert-authority {authority}"),
            format!("carol cert-authority,namespaces=\"file\" {authority}"),
            format!("alice {authority}"),
            format!("# comment\n\nbob {key}\nalice {key}"),
        ];
        for line in lines {
            let file = AllowedSigners::parse(format!("{line}\n").as_bytes(), 0);
            for signature in [&plain, &certified] {
                for principal in ["alice", "bob", "carol"] {
                    let ours = file.verify(signature, principal, "file", MESSAGE, now());
                    let theirs = desk.verifies(&signature.write(), principal, "file", &format!("{line}\n"));
                    assert_eq!(ours.is_ok(), theirs, "{line} {principal}: {ours:?}");
                }
                let found: String =
                    file.find_principals(signature, now()).iter().map(|name| format!("{name}\n")).collect();
                let theirs = desk.find_principals(&signature.write(), &format!("{line}\n"));
                assert_eq!(found, theirs, "{line}");
            }
        }
        let empty = AllowedSigners::parse(b"", 0).verify(&plain, "alice", "file", MESSAGE, now());
        assert_eq!(empty, Err(VerifyError::UnknownSigner));
    }
}
