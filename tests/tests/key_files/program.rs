//! The example `keygen` does what `ssh-keygen` does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ssh_interop_tests::peer::{command, require_all};
use ssh_interop_tests::{DEADLINE, Output, TempDir, our_binary, run_with_timeout, temp_dir};

use crate::{Keygen, PASSPHRASE, TYPES, assert_signs, public_of, read_private, read_public, run, write};

struct Desk(TempDir);

impl Desk {
    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self) -> Command {
        let mut keygen = Command::new(our_binary("keygen"));
        keygen.current_dir(self.0.path());
        keygen
    }

    /// Runs ours in the directory.
    fn output(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut keygen = self.command();
        keygen.args(arguments);
        run_with_timeout(keygen, input, DEADLINE)
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        self.output(arguments, b"").expect_success().stdout_text()
    }

    /// What goes wrong takes one line and the status 255.
    #[track_caller]
    fn fails(&self, arguments: &[&str], words: &str) {
        let output = self.output(arguments, b"");
        assert_eq!(output.code(), Some(255), "{output}");
        assert_eq!(output.stderr_text().lines().count(), 1, "{output}");
        assert!(output.stderr_text().contains(words), "{words:?} is missing: {output}");
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it was written").permissions().mode() & 0o777
}

#[test]
fn keys_of_every_type_are_made_and_shown_as_by_ssh_keygen() {
    if !require_all(&["ssh-keygen", "ssh"]) {
        return;
    }
    let desk = Desk(temp_dir());
    for (kind, bits) in TYPES.into_iter().filter(|(kind, _)| *kind != "dsa") {
        let (name, file) = (format!("{kind}{bits}"), desk.at(&format!("{kind}{bits}")));
        let mut arguments = vec!["-t", kind, "-C", "a comment", "-N", PASSPHRASE, "-a", "2", "-f", &name];
        if kind != "ed25519" {
            arguments.extend(["-b", bits]);
        }
        let said = desk.run(&arguments);
        assert!(said.contains("The key fingerprint is:\nSHA256:"), "{said}");
        assert_eq!([mode(&file), mode(&public_of(&file))], [0o600, 0o644]);
        let public = fs::read_to_string(public_of(&file)).expect("it was written");
        assert_eq!(Keygen::System.run(&["-y", "-P", PASSPHRASE], &file), public);
        assert_eq!(desk.run(&["-y", "-P", PASSPHRASE, "-f", &name]), public);
        for options in [&["-l"][..], &["-lv"], &["-l", "-E", "sha512"], &["-B"]] {
            let ours = desk.run(&[options, &["-f", &name]].concat());
            assert_eq!(ours, Keygen::System.run(options, &public_of(&file)), "{options:?}");
            assert_eq!(ours, Keygen::System.run(options, &file), "{options:?}");
        }
        assert_signs(&read_private(&file, Some(PASSPHRASE)), &read_public(&public_of(&file)).key);
    }
    assert_eq!(fs::read_dir(desk.0.path()).expect("it is ours").count(), 10, "nothing else was left behind");
}

#[test]
fn passphrases_comments_and_formats_change() {
    if !require_all(&["ssh-keygen", "ssh", "puttygen", "openssl"]) {
        return;
    }
    let desk = Desk(temp_dir());
    desk.run(&["-q", "-t", "ecdsa", "-C", "first", "-N", "", "-f", "key"]);
    let public = read_public(&desk.at("key.pub"));
    desk.run(&["-p", "-N", PASSPHRASE, "-a", "2", "-Z", "aes256-gcm@openssh.com", "-f", "key"]);
    assert_eq!(Keygen::System.run(&["-y", "-P", PASSPHRASE], &desk.at("key")), format!("{public}\n"));
    assert_eq!(mode(&desk.at("key")), 0o600);
    desk.fails(&["-p", "-P", "wrong", "-N", "", "-f", "key"], "key: the passphrase does not open the key file");
    desk.run(&["-c", "-P", PASSPHRASE, "-C", "second", "-f", "key"]);
    assert_eq!(Keygen::System.run(&["-l"], &desk.at("key")), Keygen::System.run(&["-l"], &desk.at("key.pub")));
    assert!(Keygen::System.run(&["-y", "-P", PASSPHRASE], &desk.at("key")).ends_with(" second\n"));

    write(&desk.at("empty"), b"");
    for (format, name) in [("PPK", "key.ppk"), ("PPK2", "key.ppk2")] {
        desk.run(&["-p", "-P", PASSPHRASE, "-N", "", "-m", format, "-f", "key", "-o", name]);
        let mut puttygen = command("puttygen");
        puttygen.arg(desk.at(name)).arg("-L");
        assert_eq!(run(puttygen), format!("{} second\n", public.key));
        desk.fails(&["-p", "-N", "", "-f", "key", "-P", PASSPHRASE, "-o", name], "exists already");
        // The format stays unless another one is asked for.
        desk.run(&["-c", "-C", "third", "-f", name]);
        assert!(fs::read_to_string(desk.at(name)).expect("it is there").contains("Comment: third"));
    }
    desk.run(&["-p", "-P", PASSPHRASE, "-N", PASSPHRASE, "-m", "PKCS8", "-f", "key", "-o", "key.p8"]);
    let mut openssl = command("openssl");
    openssl.args(["pkey", "-pubout", "-passin", &format!("pass:{PASSPHRASE}"), "-in"]).arg(desk.at("key.p8"));
    assert_eq!(run(openssl), desk.run(&["-e", "-m", "PKCS8", "-f", "key.pub"]));
    desk.fails(&["-c", "-P", PASSPHRASE, "-C", "none", "-f", "key.p8"], "the format has no comments");

    write(&desk.at("exported"), desk.run(&["-e", "-f", "key"]).as_bytes());
    assert_eq!(Keygen::System.run(&["-i"], &desk.at("exported")), format!("{}\n", public.key));
    assert_eq!(desk.run(&["-i", "-f", "exported"]), format!("{} second\n", public.key));
}

#[test]
fn signatures_are_made_and_verified() {
    if !require_all(&["ssh-keygen", "ssh"]) {
        return;
    }
    let desk = Desk(temp_dir());
    desk.run(&["-q", "-t", "ed25519", "-C", "", "-N", "", "-f", "key"]);
    let message = b"a message\n";
    write(&desk.at("message"), message);
    let public = fs::read_to_string(desk.at("key.pub")).expect("it was written");
    write(&desk.at("allowed"), format!("alice namespaces=\"file\" {public}").as_bytes());
    desk.run(&["-q", "-Y", "sign", "-n", "file", "-f", "key", "message"]);
    let verify = ["-Y", "verify", "-n", "file", "-I", "alice", "-f", "allowed", "-s", "message.sig"];
    let ours = desk.output(&verify, message).expect_success().stdout_text();
    let mut theirs = Keygen::System.command();
    theirs.args(verify).current_dir(desk.0.path());
    let theirs = run_with_timeout(theirs, message, DEADLINE).expect_success().stdout_text();
    assert_eq!(ours.replace(" for alice", ""), theirs.replace(" for alice", ""));
    assert_eq!(desk.run(&["-Y", "find-principals", "-f", "allowed", "-s", "message.sig"]), "alice\n");
    assert_eq!(desk.run(&["-Y", "match-principals", "-f", "allowed", "-I", "alice"]), "alice\n");
    let check = ["-Y", "check-novalidate", "-n", "file", "-s", "message.sig"];
    assert!(desk.output(&check, message).expect_success().stdout_text().starts_with("Good \"file\" signature"));
    desk.fails(&check, "could not verify the signature");
    desk.fails(&verify, "could not verify the signature");
    write(&desk.at("others"), format!("alice cert-authority {public}").as_bytes());
    desk.fails(&["-Y", "find-principals", "-f", "others", "-s", "message.sig"], "no principal is allowed");
    let mut certify = Keygen::System.command();
    certify.arg("-q").arg("-s").arg(desk.at("key")).args(["-I", "id", "-n", "alice"]).arg(desk.at("key.pub"));
    run(certify);
    fs::remove_file(desk.at("message.sig")).expect("it was written");
    desk.run(&["-q", "-Y", "sign", "-n", "file", "-f", "key-cert.pub", "message"]);
    let mut theirs = Keygen::System.command();
    theirs.args(["-Y", "verify", "-n", "file", "-I", "alice", "-f", "others", "-s", "message.sig"]);
    theirs.current_dir(desk.0.path());
    let theirs = run_with_timeout(theirs, message, DEADLINE).expect_success().stdout_text();
    assert!(theirs.contains("ED25519-CERT"), "{theirs}");
    desk.run(&["-q", "-Y", "sign", "-n", "file", "-f", "key", "message"]);

    let piped = desk.output(&["-Y", "sign", "-n", "file", "-f", "key.pub"], message).expect_success().stdout;
    assert_eq!(piped, fs::read(desk.at("message.sig")).expect("it was written"));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let desk = Desk(temp_dir());
    write(&desk.at("text"), b"no key\n");
    for (arguments, words) in [
        (&["-l", "-f", "nothing"][..], "nothing: No such file"),
        (&["-y", "-f", "text"], "text: the file is not a private key"),
        (&["-l", "-y", "-f", "text"], "only one of"),
        (&["-y"], "option -f is missing"),
        (&["-t", "ecdsa", "-b", "255", "-N", "", "-f", "new"], "256, 384 or 521 bits, not 255"),
        (&["-t", "rsa", "-b", "1024", "-N", "", "-f", "new"], "1024 bits"),
        (&["-t", "ed25519", "-m", "PEM", "-N", "", "-f", "new"], "cannot be written as PEM"),
        (&["-t", "ed25519", "-N", "x", "-a", "9999", "-f", "new"], "9999 rounds"),
        (&["-Y", "bless"], "no -Y bless"),
    ] {
        desk.fails(arguments, words);
    }
    assert!(!desk.at("new").exists());
}
