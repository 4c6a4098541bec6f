use ssh_blocking::ssh_core::key::{KeyEncryption, KeyFileCipher, KeyFileError, KeyFileFormat, PrivateKey};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_interop_tests::peer::require_all;
use ssh_interop_tests::temp_dir;

use crate::{
    Keygen, PASSPHRASE, TYPES, assert_signs, encryption, key_of, keygens, public_of, read_private, read_public, write,
};

const FORMATS: [(&str, KeyFileFormat); 3] =
    [("RFC4716", KeyFileFormat::OpenSsh), ("PKCS8", KeyFileFormat::Pkcs8), ("PEM", KeyFileFormat::Pem)];

#[test]
fn its_files_of_every_format_and_type_are_read() {
    if !require_all(&["ssh-keygen", "ssh"]) {
        return;
    }
    let directory = temp_dir();
    for keygen in keygens() {
        for (kind, bits) in TYPES {
            for (format, _) in FORMATS {
                // Ed25519 has no traditional format; the older one writes its own instead, the newer one nothing.
                if kind == "ed25519" && format == "PEM" && keygen == Keygen::Newer {
                    continue;
                }
                for passphrase in ["", PASSPHRASE] {
                    let path = directory.path().join(format!("{keygen:?}-{kind}{bits}-{format}-{}", passphrase.len()));
                    if !keygen.make((kind, bits), &["-m", format, "-N", passphrase], &path) {
                        continue;
                    }
                    let public = read_public(&public_of(&path));
                    let key = read_private(&path, (!passphrase.is_empty()).then_some(passphrase));
                    assert_signs(&key, &public.key);
                    let text = std::fs::read(&path).expect("the file was written");
                    assert_eq!(PrivateKey::is_encrypted(&text), Ok(!passphrase.is_empty()));
                    if !passphrase.is_empty() {
                        assert_eq!(PrivateKey::read(&text, None).err(), Some(KeyFileError::PassphraseRequired));
                        let wrong = PrivateKey::read(&text, Some(&"wrong".into())).err();
                        assert_eq!(wrong, Some(KeyFileError::WrongPassphrase), "{}", path.display());
                    }
                }
            }
        }
    }
}

#[test]
fn its_ciphers_are_read_and_ours_by_it() {
    if !require_all(&["ssh-keygen", "ssh"]) {
        return;
    }
    let directory = temp_dir();
    for keygen in keygens() {
        for &cipher in KeyFileCipher::ALL {
            let path = directory.path().join(format!("{keygen:?}-{}", cipher.name()));
            assert!(keygen.make(("ed25519", "256"), &["-Z", cipher.name(), "-N", PASSPHRASE], &path));
            let public = read_public(&public_of(&path));
            let key = read_private(&path, Some(PASSPHRASE));
            assert_signs(&key, &public.key);

            let encryption = KeyEncryption { rounds: 3, cipher, ..KeyEncryption::new(PASSPHRASE.into()) };
            let text = key.write(KeyFileFormat::OpenSsh, Some(&encryption), &mut OsRandom).expect("it is written");
            write(&path, text.expose());
            let shown = keygen.run(&["-y", "-P", PASSPHRASE], &path);
            assert_eq!(shown, format!("{public}\n"), "{}", cipher.name());
        }
    }
}

#[test]
fn it_reads_what_is_written() {
    if !require_all(&["ssh-keygen", "ssh"]) {
        return;
    }
    let directory = temp_dir();
    for keygen in keygens() {
        for (kind, bits) in TYPES {
            let made = directory.path().join(format!("{keygen:?}-{kind}{bits}"));
            if !keygen.make((kind, bits), &["-N", ""], &made) {
                continue;
            }
            let key = read_private(&made, None);
            for (name, format) in FORMATS {
                // Ed25519 is in no traditional format, and in PKCS#8 for OpenSSH since 9.6 alone.
                if kind == "ed25519" && (name == "PEM" || name == "PKCS8" && keygen == Keygen::System) {
                    continue;
                }
                for passphrase in ["", PASSPHRASE] {
                    let text =
                        key.write(format, encryption(passphrase).as_ref(), &mut OsRandom).expect("it is written");
                    let path = directory.path().join("ours");
                    write(&path, text.expose());
                    let shown = keygen.run(&["-y", "-P", passphrase], &path);
                    assert_eq!(key_of(&shown), key.public_key().to_string(), "{kind}{bits} {name}");
                }
            }
        }
    }
}

/// What only a newer OpenSSH makes.
#[test]
fn post_quantum_keys() {
    for keygen in keygens().into_iter().filter(|keygen| *keygen == Keygen::Newer) {
        let directory = temp_dir();
        let path = directory.path().join("key");
        keygen.run(&["-q", "-t", "mldsa44-ed25519", "-C", "a comment", "-N", PASSPHRASE], &path);
        let key = read_private(&path, Some(PASSPHRASE));
        assert_signs(&key, &read_public(&public_of(&path)).key);
        let text = key.write(KeyFileFormat::OpenSsh, None, &mut OsRandom).expect("it is written");
        write(&path, text.expose());
        assert_eq!(keygen.run(&["-y"], &path), format!("{} a comment\n", key.public_key()));
    }
}
