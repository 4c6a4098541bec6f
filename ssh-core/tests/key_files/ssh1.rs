#![cfg(feature = "ssh1")]

use ssh_core::key::{KeyFileError, Ssh1PrivateKey};

use crate::{file, passphrase, random};

fn assert_is_puttys(key: &Ssh1PrivateKey) {
    let public = String::from_utf8(file("ssh1.pub")).unwrap();
    let fields: Vec<&str> = public.trim_end().splitn(4, ' ').collect();
    assert_eq!([key.bits().to_string(), decimal(key.public_exponent()), decimal(key.modulus())], fields[..3]);
    assert_eq!(key.comment(), fields[3]);
}

/// A big-endian number in decimal.
fn decimal(bytes: &[u8]) -> String {
    let mut digits = vec![0_u8];
    for &byte in bytes {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            carry += u32::from(*digit) * 256;
            *digit = (carry % 10) as u8;
            carry /= 10;
        }
        while carry > 0 {
            digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}

#[test]
fn identities_of_puttygen() {
    assert_is_puttys(&Ssh1PrivateKey::read(&file("ssh1"), None).unwrap());
    let encrypted = file("ssh1.3des");
    assert_is_puttys(&Ssh1PrivateKey::read(&encrypted, Some(&passphrase())).unwrap());
    assert_eq!(Ssh1PrivateKey::read(&encrypted, None).err(), Some(KeyFileError::PassphraseRequired));
    for wrong in ["", "wrong"] {
        let error = Ssh1PrivateKey::read(&encrypted, Some(&wrong.into())).err();
        assert_eq!(error, Some(KeyFileError::WrongPassphrase));
    }
}

#[test]
fn what_is_written_is_read_again() {
    let key = Ssh1PrivateKey::read(&file("ssh1"), None).unwrap();
    for passphrase in [None, Some(passphrase())] {
        let written = key.write(passphrase.as_ref(), &mut random()).unwrap();
        assert_is_puttys(&Ssh1PrivateKey::read(written.expose(), passphrase.as_ref()).unwrap());
    }
    assert_eq!(key.write(Some(&"".into()), &mut random()).err(), Some(KeyFileError::EmptyPassphrase));
    assert_eq!(format!("{key:?}"), "Ssh1PrivateKey(1024 bits, ..)");
}

#[test]
fn damaged_identities_are_refused() {
    for name in ["ssh1", "ssh1.3des"] {
        let whole = file(name);
        for length in 0..whole.len() {
            assert!(Ssh1PrivateKey::read(&whole[..length], Some(&passphrase())).is_err(), "{name} {length}");
        }
    }
    // Every number of the private section counts: none may be another one.
    let whole = file("ssh1");
    for (position, expected) in [(41, "malformed"), (400, "valid"), (300, "valid")] {
        let mut changed = whole.clone();
        changed[position] ^= 1;
        let error = Ssh1PrivateKey::read(&changed, None).unwrap_err().to_string();
        assert!(error.contains(expected), "{position}: {error}");
    }
}
