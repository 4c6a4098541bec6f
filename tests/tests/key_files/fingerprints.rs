use ssh_blocking::ssh_core::key::{FingerprintHash, PublicKeyLine};
use ssh_interop_tests::peer::require_all;
use ssh_interop_tests::temp_dir;

use crate::{Keygen, TYPES, keygens, public_of, read_public};

/// What `ssh-keygen` prints about a key, made here.
fn shown(line: &PublicKeyLine, fingerprint: &str) -> String {
    let bits = line.key.bits().expect("the type is built in");
    format!("{bits} {fingerprint} {} ({})\n", line.comment, line.key.kind())
}

#[test]
fn of_every_key_type_as_it_prints_them() {
    if !require_all(&["ssh-keygen", "ssh"]) {
        return;
    }
    let directory = temp_dir();
    for keygen in keygens() {
        let authority = directory.path().join(format!("{keygen:?}-authority"));
        assert!(keygen.make(("ed25519", "256"), &["-N", ""], &authority));
        let newer: &[_] = if keygen == Keygen::Newer { &[("mldsa44-ed25519", "256")] } else { &[] };
        for (kind, bits) in TYPES.iter().chain(newer).copied() {
            let path = directory.path().join(format!("{keygen:?}-{kind}{bits}"));
            if !keygen.make((kind, bits), &["-N", ""], &path) {
                continue;
            }
            let key = public_of(&path);
            let authority = authority.to_str().expect("the path is text");
            let mut sign = keygen.command();
            sign.args(["-q", "-s", authority, "-I", "an id", "-n", "alice"]).arg(&key);
            crate::run(sign);
            let certificate = path.with_file_name(format!("{keygen:?}-{kind}{bits}-cert.pub"));
            for file in [key, certificate] {
                let line = read_public(&file);
                let babble = line.key.fingerprint(FingerprintHash::Sha1).bubble_babble();
                assert_eq!(keygen.run(&["-B"], &file), shown(&line, &babble));
                for (name, hash) in [
                    ("sha256", FingerprintHash::Sha256),
                    ("sha512", FingerprintHash::Sha512),
                    ("sha1", FingerprintHash::Sha1),
                    ("md5", FingerprintHash::Md5),
                ] {
                    let first = shown(&line, &line.key.fingerprint(hash).to_string());
                    assert_eq!(keygen.run(&["-l", "-E", name], &file), first);
                    let picture = format!("{first}{}\n", line.key.randomart(hash));
                    assert_eq!(keygen.run(&["-lv", "-E", name], &file), picture);
                }
            }
        }
    }
}
