use base64ct::{Base64, Encoding};
use ssh_core::key::{KeyFileError, PrivateKey};

use crate::{file, passphrase};

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        ..0x80 => out.push(length as u8),
        0x80..0x100 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn integer(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count().min(7);
    let mut content = bytes[zeros..].to_vec();
    if content[0] >= 0x80 {
        content.insert(0, 0);
    }
    tlv(2, &content)
}

/// PBES2 with this key derivation, AES-256-CBC and 64 bytes of anything.
fn encrypted(kdf: &[u8]) -> Vec<u8> {
    let aes = sequence(&[&hex_literal::hex!("060960864801650304012a"), &tlv(4, &[7; 16])]);
    let scheme = sequence(&[&hex_literal::hex!("06092a864886f70d01050d"), &sequence(&[kdf, &aes])]);
    let der = sequence(&[&scheme, &tlv(4, &[9; 64])]);
    let base64 = Base64::encode_string(&der);
    format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{base64}\n-----END ENCRYPTED PRIVATE KEY-----\n").into_bytes()
}

fn pbkdf2(iterations: u64) -> Vec<u8> {
    let oid = hex_literal::hex!("06092a864886f70d01050c");
    encrypted(&sequence(&[&oid, &sequence(&[&tlv(4, &[3; 8]), &integer(iterations)])]))
}

fn scrypt(n: u64, r: u64, p: u64) -> Vec<u8> {
    let oid = hex_literal::hex!("06092b06010401da47040b");
    let parameters = sequence(&[&tlv(4, &[3; 8]), &integer(n), &integer(r), &integer(p)]);
    encrypted(&sequence(&[&oid, &parameters]))
}

fn refused(text: &[u8]) -> KeyFileError {
    PrivateKey::read(text, Some(&passphrase())).unwrap_err()
}

fn too_dear(unit: &'static str, demanded: u64, limit: u64) -> KeyFileError {
    KeyFileError::Cost { unit, demanded, limit }
}

fn pbkdf2_malformed() -> KeyFileError {
    KeyFileError::Malformed(ssh_core::wire::DecodeError::InvalidValue)
}

#[test]
fn pbkdf2_that_takes_years() {
    assert_eq!(refused(&pbkdf2(1)), KeyFileError::WrongPassphrase, "it is read and tried");
    for iterations in [10_000_001, u64::from(u32::MAX)] {
        assert_eq!(refused(&pbkdf2(iterations)), too_dear("iterations of PBKDF2", iterations, 10_000_000));
    }
    let text = refused(&pbkdf2(4_000_000_000)).to_string();
    assert_eq!(text, "the key file takes 4000000000 iterations of PBKDF2; at most 10000000 are allowed");
    for (length, expected) in [(32, KeyFileError::WrongPassphrase), (16, pbkdf2_malformed())] {
        let oid = hex_literal::hex!("06092a864886f70d01050c");
        let parameters = sequence(&[&tlv(4, &[3; 8]), &integer(1), &integer(length)]);
        assert_eq!(refused(&encrypted(&sequence(&[&oid, &parameters]))), expected, "a key of {length} bytes");
    }
    assert!(matches!(refused(&pbkdf2(0)), KeyFileError::Malformed(_)));
    assert!(matches!(refused(&pbkdf2(u64::MAX)), KeyFileError::Malformed(_)));
}

#[test]
fn scrypt_that_takes_all_memory_or_years() {
    assert_eq!(refused(&scrypt(16, 1, 1)), KeyFileError::WrongPassphrase, "it is read and tried");
    let (memory, work) = ("KiB of memory for scrypt", "blocks of work for scrypt");
    assert_eq!(refused(&scrypt(1 << 30, 8, 1)), too_dear(memory, 1 << 30, 262_144));
    assert_eq!(refused(&scrypt(1 << 63, 65_535, 65_535)), too_dear(memory, u64::MAX / 8, 262_144));
    assert_eq!(refused(&scrypt(1 << 14, 8, 65)), too_dear(work, 65 << 17, 1 << 23));
    for (n, r, p) in [(0, 8, 1), (1, 8, 1), (3, 8, 1), (1 << 10, 0, 1), (1 << 10, 8, 0), (1 << 10, 65_536, 1)] {
        assert!(matches!(refused(&scrypt(n, r, p)), KeyFileError::Malformed(_)), "{n} {r} {p}");
    }
}

#[test]
fn argon2_that_takes_all_memory_or_years() {
    let text = String::from_utf8(file("ed25519.ppk3.enc")).unwrap();
    let with = |name: &str, value: &str| {
        let old = text.lines().find(|line| line.starts_with(name)).unwrap();
        refused(text.replace(old, &format!("{name}: {value}")).as_bytes())
    };
    let memory = too_dear("KiB of memory for Argon2", 4_294_967_295, 262_144);
    assert_eq!(with("Argon2-Memory", "4294967295"), memory);
    let passes = too_dear("KiB times passes of Argon2", 64 * 4_294_967_295, 8_388_608);
    assert_eq!(with("Argon2-Passes", "4294967295"), passes);
    assert_eq!(with("Argon2-Parallelism", "65"), too_dear("lanes of Argon2", 65, 64));
    for (name, value) in [
        ("Argon2-Memory", "0"),
        ("Argon2-Passes", "0"),
        ("Argon2-Parallelism", "0"),
        ("Argon2-Parallelism", "16"),
        ("Argon2-Salt", ""),
        ("Argon2-Salt", "00"),
    ] {
        assert!(matches!(with(name, value), KeyFileError::Malformed(_)), "{name} {value}");
    }
    for (name, value) in [("Argon2-Memory", "4294967296"), ("Argon2-Passes", "-1"), ("Argon2-Salt", "0g")] {
        assert_eq!(with(name, value), KeyFileError::Armor, "{name} {value}");
    }
    assert_eq!(with("Key-Derivation", "Argon3"), KeyFileError::UnsupportedKdf { name: "Argon3".into() });
}
