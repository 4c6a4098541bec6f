use std::path::Path;

use ssh_blocking::ssh_core::key::{KeyFileFormat, PrivateKey, Ssh1PrivateKey};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_interop_tests::peer::{command, require_all};
use ssh_interop_tests::temp_dir;

use crate::{Keygen, PASSPHRASE, TYPES, assert_signs, encryption, key_of, read_private, run, write};

/// `puttygen` on `input`, with the passphrases before and after in files.
#[track_caller]
fn puttygen(input: &Path, arguments: &[&str]) -> String {
    let mut puttygen = command("puttygen");
    puttygen.arg(input).args(arguments);
    run(puttygen)
}

#[test]
fn its_files_are_read_and_ours_by_it() {
    if !require_all(&["puttygen", "ssh-keygen", "ssh"]) {
        return;
    }
    let directory = temp_dir();
    let at = |name: &str| directory.path().join(name);
    let text = |name: &str| at(name).to_str().expect("the path is text").to_owned();
    write(&at("empty"), b"");
    write(&at("phrase"), PASSPHRASE.as_bytes());
    for (kind, bits) in TYPES {
        let made = at(&format!("{kind}{bits}"));
        if !Keygen::System.make((kind, bits), &["-N", ""], &made) {
            continue;
        }
        let key = read_private(&made, None);
        for phrase in ["", PASSPHRASE] {
            let new = text(if phrase.is_empty() { "empty" } else { "phrase" });
            for parameters in [
                "version=2",
                "version=3,memory=256,passes=3,parallelism=2",
                "version=3,kdf=argon2i,memory=64,passes=1",
                "version=3,kdf=argon2d,memory=64,passes=1",
            ] {
                let to = text("theirs.ppk");
                let arguments = ["-O", "private", "--ppk-param", parameters, "--new-passphrase", &new, "-o", &to];
                puttygen(&made, &arguments);
                let read = read_private(&at("theirs.ppk"), (!phrase.is_empty()).then_some(phrase));
                assert_signs(&read, key.public_key());
                assert_eq!(read.comment(), "a comment");
                let file = std::fs::read(at("theirs.ppk")).expect("it was written");
                assert_eq!(PrivateKey::public_half(&file), Ok(Some(key.public_key().clone())));
            }
            // It converts nothing into what it is already.
            let convert = |from: &str, format: &str, to: &str| {
                let phrases = ["--old-passphrase", &new, "--new-passphrase", &new];
                puttygen(&at(from), &[&["-O", format, "-o", &text(to)], &phrases[..]].concat());
                read_private(&at(to), (!phrase.is_empty()).then_some(phrase))
            };
            for format in ["private-openssh", "private-openssh-new"] {
                assert_signs(&convert("theirs.ppk", format, "theirs.pem"), key.public_key());
            }
            for (format, other) in [
                (KeyFileFormat::Ppk3, "private-openssh-new"),
                (KeyFileFormat::Ppk2, "private-openssh-new"),
                (KeyFileFormat::OpenSsh, "private"),
            ] {
                let ours = key.write(format, encryption(phrase).as_ref(), &mut OsRandom).expect("it is written");
                write(&at("ours"), ours.expose());
                assert_signs(&convert("ours", other, "again"), key.public_key());
                let shown = puttygen(&at("ours"), &["-L", "--old-passphrase", &new]);
                assert_eq!(key_of(&shown), key.public_key().to_string(), "{kind}{bits} {format:?}");
            }
        }
    }
}

/// Identities of SSH-1.
#[test]
fn its_ssh1_identities_are_read_and_ours_by_it() {
    if !require_all(&["puttygen"]) {
        return;
    }
    let directory = temp_dir();
    let at = |name: &str| directory.path().join(name);
    let text = |name: &str| at(name).to_str().expect("the path is text").to_owned();
    write(&at("empty"), b"");
    write(&at("phrase"), PASSPHRASE.as_bytes());
    let mut make = command("puttygen");
    make.args(["-q", "-t", "rsa1", "-b", "1024", "-C", "a comment", "--new-passphrase", &text("phrase"), "-o"]);
    make.arg(at("theirs"));
    run(make);
    let shown = puttygen(&at("theirs"), &["-L"]);
    let theirs = std::fs::read(at("theirs")).expect("it was written");
    let key = Ssh1PrivateKey::read(&theirs, Some(&PASSPHRASE.into())).expect("it is read");
    assert_eq!((key.bits(), key.comment()), (1024, "a comment"));
    for passphrase in ["", PASSPHRASE] {
        let phrase = (!passphrase.is_empty()).then(|| passphrase.into());
        let ours = key.write(phrase.as_ref(), &mut OsRandom).expect("it is written");
        write(&at("ours"), ours.expose());
        assert_eq!(puttygen(&at("ours"), &["-L"]), shown);
        // It is decrypted, too, to be written with another passphrase.
        let old = text(if passphrase.is_empty() { "empty" } else { "phrase" });
        puttygen(
            &at("ours"),
            &["--old-passphrase", &old, "--new-passphrase", &text("empty"), "-P", "-o", &text("again")],
        );
        let again = std::fs::read(at("again")).expect("it was written");
        let again = Ssh1PrivateKey::read(&again, None).expect("it is read");
        assert_eq!(again.modulus(), key.modulus());
    }
}
