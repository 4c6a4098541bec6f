use ssh_core::key::{KeyAlgorithm, KeyEncryption, KeyFileCipher, KeyFileError, KeyFileFormat, PrivateKey};

use crate::{KEYS, assert_is, file, passphrase, public, random};

const FORMATS: [KeyFileFormat; 5] =
    [KeyFileFormat::OpenSsh, KeyFileFormat::Pkcs8, KeyFileFormat::Pem, KeyFileFormat::Ppk3, KeyFileFormat::Ppk2];

fn key(name: &str) -> PrivateKey {
    PrivateKey::read(&file(name), None).unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    for name in KEYS {
        let mut key = key(name);
        key.set_comment("some one\nelse@here");
        for format in FORMATS {
            for encryption in [None, Some(KeyEncryption { rounds: 2, ..KeyEncryption::new(passphrase()) })] {
                let text = match key.write(format, encryption.as_ref(), &mut random()) {
                    Ok(text) => text,
                    Err(error) => {
                        let key_type = "ssh-ed25519".into();
                        assert_eq!(error, KeyFileError::NotInFormat { key_type, format: "PEM" });
                        assert_eq!((name, format), ("ed25519", KeyFileFormat::Pem));
                        continue;
                    }
                };
                let secret = encryption.is_some().then(passphrase);
                let again = PrivateKey::read(text.expose(), secret.as_ref()).unwrap();
                assert_is(&again, &public(name));
                let comment = match format {
                    KeyFileFormat::OpenSsh => "some one\nelse@here",
                    KeyFileFormat::Ppk3 | KeyFileFormat::Ppk2 => "some one else@here",
                    _ => "",
                };
                assert_eq!(again.comment(), comment, "{format:?}");
                assert_eq!(PrivateKey::is_encrypted(text.expose()), Ok(encryption.is_some()));
                assert_eq!(KeyFileFormat::of(text.expose()), Ok(format));
            }
        }
    }
}

/// Without encryption there is nothing to choose: byte by byte what the tools write.
#[test]
fn plain_files_are_those_of_the_tools() {
    for name in KEYS {
        for (suffix, format) in [
            ("pkcs8", KeyFileFormat::Pkcs8),
            ("pem", KeyFileFormat::Pem),
            ("ppk2", KeyFileFormat::Ppk2),
            ("ppk3", KeyFileFormat::Ppk3),
        ] {
            for file_name in crate::files(name, &[suffix]) {
                let text = key(name).write(format, None, &mut random()).unwrap();
                assert_eq!(text.expose(), file(&file_name), "{file_name}");
            }
        }
    }
}

#[test]
fn every_cipher_of_openssh_files() {
    let key = key("ed25519");
    for &cipher in KeyFileCipher::ALL {
        let encryption = KeyEncryption { rounds: 1, cipher, ..KeyEncryption::new(passphrase()) };
        let text = key.write(KeyFileFormat::OpenSsh, Some(&encryption), &mut random()).unwrap();
        assert_is(&PrivateKey::read(text.expose(), Some(&passphrase())).unwrap(), &public("ed25519"));
        let error = PrivateKey::read(text.expose(), Some(&"wrong".into())).err();
        assert_eq!(error, Some(KeyFileError::WrongPassphrase), "{cipher:?}");
        assert_eq!(KeyFileCipher::by_name(cipher.name()), Some(cipher));
    }
    assert_eq!(KeyFileCipher::by_name("none"), None);
}

#[test]
fn an_empty_passphrase_protects_nothing() {
    for format in FORMATS {
        let empty = KeyEncryption::new("".into());
        let result = key("ecdsa256").write(format, Some(&empty), &mut random());
        assert_eq!(result.err(), Some(KeyFileError::EmptyPassphrase), "{format:?}");
    }
}

#[cfg(feature = "pq")]
#[test]
fn a_post_quantum_key_lives_in_openssh_files_alone() {
    let key = PrivateKey::generate(KeyAlgorithm::MlDsa44Ed25519, &mut random()).unwrap();
    for format in FORMATS {
        let result = key.write(format, None, &mut random());
        let refused = matches!(result, Err(KeyFileError::NotInFormat { .. }));
        assert_eq!(refused, format != KeyFileFormat::OpenSsh, "{format:?}");
    }
}

/// PuTTY leaves out the zeros at the end of an Ed25519 seed; one key in 256 has some.
#[test]
fn a_seed_that_ends_in_zeros() {
    struct Zeros;
    impl ssh_core::random::SecureRandom for Zeros {
        fn fill(&mut self, destination: &mut [u8]) -> Result<(), ssh_core::random::RandomError> {
            destination.fill(0);
            destination[0] = 7;
            Ok(())
        }
    }
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut Zeros).unwrap();
    for format in [KeyFileFormat::Ppk3, KeyFileFormat::Ppk2] {
        let text = key.write(format, None, &mut random()).unwrap();
        assert!(String::from_utf8_lossy(text.expose()).contains("Private-Lines: 1\nAAAAAQc=\n"));
        assert_is(&PrivateKey::read(text.expose(), None).unwrap(), key.public_key());
    }
}
