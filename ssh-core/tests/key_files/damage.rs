use ssh_core::key::{KeyFileError, MAX_KEY_FILE_LENGTH, PrivateKey};

use crate::{file, passphrase, public};

const EVERY_FORMAT: [&str; 12] = [
    "ecdsa256",
    "ecdsa256.ctr",
    "ecdsa256.pem",
    "ecdsa256.pem.enc",
    "ecdsa256.pkcs8",
    "ecdsa256.pkcs8.enc",
    "ecdsa256.ppk2",
    "ecdsa256.ppk2.enc",
    "ecdsa256.ppk3",
    "ecdsa256.ppk3.enc",
    "ed25519.ppk3",
    "openssl25519.pkcs8",
];

#[test]
fn truncated_anywhere() {
    for name in EVERY_FORMAT {
        let text = file(name);
        // the last byte is a line end, which nobody needs
        for length in 0..text.trim_ascii_end().len() {
            let result = PrivateKey::read(&text[..length], Some(&passphrase()));
            let error = result.err().unwrap_or_else(|| panic!("{name} is read without its end, at {length}"));
            let of_the_file = !matches!(error, KeyFileError::PassphraseRequired | KeyFileError::Random(_));
            assert!(of_the_file, "{name} {length}: {error}");
        }
    }
}

/// Whatever byte is another one: the file is refused, or the key is the same.
#[test]
fn one_byte_changed_anywhere() {
    // Nothing in the last one could tell one key from another: it has no public half and no checksum.
    let (_, redundant) = EVERY_FORMAT.split_last().unwrap();
    for name in redundant.iter().copied().filter(|name| !name.ends_with("ctr")) {
        let text = file(name);
        let key = public(name.split('.').next().unwrap());
        // Not every one, for time's sake: deriving a key takes most of it.
        let step = if name.ends_with("enc") { 23 } else { 1 };
        for position in (0..text.len()).step_by(step) {
            for change in [1, 0x80] {
                let mut changed = text.clone();
                changed[position] ^= change;
                if let Ok(read) = PrivateKey::read(&changed, Some(&passphrase())) {
                    assert_eq!(*read.public_key(), key, "{name} {position}");
                }
            }
        }
    }
}

#[test]
fn texts_of_no_form() {
    let long =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", "A".repeat(MAX_KEY_FILE_LENGTH - 80));
    assert!(matches!(PrivateKey::read(long.as_bytes(), None), Err(KeyFileError::Malformed(_) | KeyFileError::Armor)));
    let too_long = "A".repeat(MAX_KEY_FILE_LENGTH + 1);
    assert_eq!(PrivateKey::read(too_long.as_bytes(), None).err(), Some(KeyFileError::TooLong));
    for name in EVERY_FORMAT {
        let mut text = file(name);
        let middle = text.len() * 2 / 3;
        text[middle] = 0;
        assert!(PrivateKey::read(&text, Some(&passphrase())).is_err(), "{name} with a NUL");
    }
    for text in [&b""[..], &[0; 100], b"-----BEGIN -----\n-----END -----\n", b"-----BEGIN PRIVATE KEY-----"] {
        assert!(PrivateKey::read(text, None).is_err());
        assert!(PrivateKey::is_encrypted(text).is_err());
        assert!(PrivateKey::public_half(text).is_err());
    }
}

/// Files whose form is right and whose halves are of two keys, in every format that has both.
#[test]
fn halves_of_two_keys() {
    let swapped = |name: &str, from: &[u8], to: &[u8]| {
        use base64ct::{Base64, Encoding};
        let text = String::from_utf8(file(name)).unwrap();
        let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let mut der = Base64::decode_vec(&base64).unwrap();
        let at = der.windows(from.len()).position(|window| window == from).expect("the public half is there");
        der[at..at + to.len()].copy_from_slice(to);
        let label = text.lines().next().unwrap();
        let end = label.replace("BEGIN", "END");
        PrivateKey::read(format!("{label}\n{}\n{end}\n", Base64::encode_string(&der)).as_bytes(), None).err()
    };
    let point = |key: &str| public(key).blob()[39..].to_vec();
    let other = PrivateKey::generate(ssh_core::key::KeyAlgorithm::EcdsaNistp256, &mut crate::random());
    let other = other.unwrap().public_key().blob()[39..].to_vec();
    for name in ["ecdsa256.pem", "ecdsa256.pkcs8"] {
        assert_eq!(swapped(name, &point("ecdsa256"), &point("ecdsa256")), None);
        assert_eq!(swapped(name, &point("ecdsa256"), &other), Some(KeyFileError::PublicMismatch), "{name}");
    }
    let modulus = |key: &str| public(key).blob()[23..279].to_vec();
    let mut changed = modulus("rsa2048");
    changed[100] ^= 1;
    for name in ["rsa2048.pem", "rsa2048.pkcs8"] {
        let invalid = KeyFileError::InvalidKey { key_type: "ssh-rsa".into() };
        assert_eq!(swapped(name, &modulus("rsa2048")[1..200], &changed[1..200]), Some(invalid), "{name}");
    }
    // PuTTY's checksum covers both halves.
    let text = String::from_utf8(file("ecdsa256.ppk3")).unwrap();
    let changed = text.replace("plain", "other");
    assert_eq!(PrivateKey::read(changed.as_bytes(), None).err(), Some(KeyFileError::Damaged));
}
