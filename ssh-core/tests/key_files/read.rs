use ssh_core::key::{KeyFileError, PrivateKey};

use crate::{KEYS, assert_is, file, files, passphrase, public};

const PLAIN: &[&str] = &["pkcs8", "pem", "pem.compressed", "pem.parameters", "ppk2", "ppk3"];
const ENCRYPTED: &[&str] = &[
    "pkcs8.enc",
    "pkcs8.scrypt",
    "pkcs8.sha1",
    "pkcs8.sha384",
    "pkcs8.sha512",
    "pkcs8.des3",
    "pem.enc",
    "pem.des3",
    "pem.aes192",
    "pem.aes256",
    "ppk2.enc",
    "ppk3.enc",
    "ppk3.argon2i",
    "ppk3.argon2d",
];

#[test]
fn plain_files() {
    let mut read = 0;
    for key in KEYS.into_iter().chain(["openssl25519"]) {
        for name in files(key, PLAIN) {
            let text = file(&name);
            for passphrase in [None, Some("not looked at".into())] {
                let private = PrivateKey::read(&text, passphrase.as_ref()).unwrap_or_else(|e| panic!("{name}: {e}"));
                assert_is(&private, &public(key));
                let comment = if name.contains("ppk") { format!("{key} plain") } else { String::new() };
                assert_eq!(private.comment(), comment);
            }
            assert_eq!(PrivateKey::is_encrypted(&text), Ok(false), "{name}");
            assert_eq!(PrivateKey::public_half(&text), Ok(Some(public(key))), "{name}");
            read += 1;
        }
    }
    assert_eq!(read, 21, "every file was found");
}

#[test]
fn encrypted_files() {
    let mut read = 0;
    for key in KEYS.into_iter().chain(["openssl25519"]) {
        for name in files(key, ENCRYPTED) {
            let text = file(&name);
            let private = PrivateKey::read(&text, Some(&passphrase())).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_is(&private, &public(key));
            assert_eq!(PrivateKey::read(&text, None).err(), Some(KeyFileError::PassphraseRequired), "{name}");
            for wrong in ["", "pass phrase ", "Pass phrase"] {
                let error = PrivateKey::read(&text, Some(&wrong.into())).err();
                assert_eq!(error, Some(KeyFileError::WrongPassphrase), "{name}");
            }
            assert_eq!(PrivateKey::is_encrypted(&text), Ok(true), "{name}");
            // Only PuTTY leaves the public half readable.
            let half = name.contains("ppk").then(|| public(key));
            assert_eq!(PrivateKey::public_half(&text), Ok(half), "{name}");
            read += 1;
        }
    }
    assert_eq!(read, 29, "every file was found");
}

#[test]
fn the_public_half_of_openssh_files_needs_no_passphrase() {
    for key in KEYS {
        for (suffix, encrypted) in [("", false), (".ctr", true), (".cbc", true)] {
            let text = file(&format!("{key}{suffix}"));
            assert_eq!(PrivateKey::public_half(&text), Ok(Some(public(key))));
            assert_eq!(PrivateKey::is_encrypted(&text), Ok(encrypted));
        }
    }
}

/// RFC 8410 §10.3: the same key in version 1 of PKCS#8, and in version 2 with an attribute and its public half.
#[test]
fn the_examples_of_rfc_8410() {
    let first = b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    let second = b"-----BEGIN PRIVATE KEY-----\nMHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\noB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\nZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PRIVATE KEY-----\n";
    let [first, second] = [&first[..], second].map(|text| PrivateKey::read(text, None).unwrap());
    assert_eq!(first.public_key(), second.public_key());
    let spki = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    assert_is(&first, &ssh_core::key::PublicKeyLine::read(spki).unwrap().key);
}

#[test]
fn line_ends_and_text_around_do_not_matter() {
    for name in ["ecdsa256.pkcs8", "ecdsa256.pem.enc", "ecdsa256.ppk3", "ecdsa256.ppk2.enc"] {
        let text = String::from_utf8(file(name)).unwrap();
        let crlf = text.replace('\n', "\r\n");
        let private = PrivateKey::read(crlf.as_bytes(), Some(&passphrase())).unwrap();
        assert_is(&private, &public("ecdsa256"));
        if !name.contains("ppk") {
            let around = format!("Bag attributes\n    none\n\n{text}\ntrailing");
            assert!(PrivateKey::read(around.as_bytes(), Some(&passphrase())).is_ok(), "{name}");
        }
    }
}

#[test]
fn what_is_not_built_in_is_named() {
    let pbes1 = PrivateKey::read(&file("ecdsa256.pkcs8.pbes1"), Some(&passphrase())).unwrap_err();
    assert_eq!(pbes1, KeyFileError::UnsupportedCipher { name: "1.2.840.113549.1.12.1.3".into() });
    let identity = PrivateKey::read(&file("ssh1"), None).unwrap_err();
    assert_eq!(identity, KeyFileError::UnsupportedFormat { label: "SSH-1".into() });
    assert!(identity.to_string().contains("no SSH-2 server takes"), "{identity}");
    // An X25519 key: RFC 8410's algorithm 110.
    let x25519 = b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    let error = PrivateKey::read(x25519, None).unwrap_err();
    assert_eq!(error, KeyFileError::UnsupportedKeyType { name: "1.3.101.110".into() });
}

/// What a person reads about a file that cannot be used.
#[test]
fn faults_in_words() {
    let words = |name: &str| PrivateKey::read(&file(name), Some(&"x".into())).unwrap_err().to_string();
    assert_eq!(words("ecdsa256.ppk3.enc"), "the passphrase does not open the key file");
    let pbes1 = words("ecdsa256.pkcs8.pbes1");
    assert!(pbes1.starts_with("the key file is encrypted with \"1.2.840.113549.1.12.1.3\"; convert it"), "{pbes1}");
    let changed = String::from_utf8(file("ed25519.ppk3")).unwrap().replace("plain", "other");
    let error = PrivateKey::read(changed.as_bytes(), None).unwrap_err();
    assert_eq!(error.to_string(), "the key file is damaged: its checksum is not that of its content");
    let format = "PEM";
    let error = KeyFileError::NotInFormat { key_type: "ssh-ed25519".into(), format };
    assert_eq!(error.to_string(), "a key of type ssh-ed25519 cannot be written as PEM");
}
