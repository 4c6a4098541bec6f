//! Files of keys.

use alloc::{string::String, vec::Vec};
use core::str::FromStr as _;

use base64ct::{Base64, Encoding};

use super::fake::random;
use super::input::Input;
#[cfg(feature = "ssh1")]
use crate::key::Ssh1PrivateKey;
use crate::key::{
    FingerprintHash, KeyFileError, KeyFileFormat, MessageSignature, PrivateKey, PublicKey, PublicKeyFormat,
    PublicKeyLine,
};
use crate::wire::{Reader, Writer};

const MAX_INPUT: usize = 6 * 1024;

/// Rounds of bcrypt that cost a fuzzer nothing.
const MAX_ROUNDS: u32 = 2;

const FORMATS: &[KeyFileFormat] = &[
    KeyFileFormat::OpenSsh,
    #[cfg(feature = "pkcs8")]
    KeyFileFormat::Pkcs8,
    #[cfg(feature = "pkcs8")]
    KeyFileFormat::Pem,
    #[cfg(feature = "ppk")]
    KeyFileFormat::Ppk3,
    #[cfg(feature = "ppk")]
    KeyFileFormat::Ppk2,
];

/// Private key files: as text, and from inside the armour. What can be read can be written and read again.
pub fn key_files(data: &[u8]) {
    let text = Input::new(data, MAX_INPUT).rest();
    // Without a passphrase nothing is derived, however many rounds the file demands.
    let read = PrivateKey::read(text, None);
    let half = PrivateKey::public_half(text);
    if let Ok(key) = &read {
        assert_eq!(half, Ok(Some(key.public_key().clone())));
        assert_eq!(PrivateKey::is_encrypted(text), Ok(false));
    }
    if read.as_ref().err() == Some(&KeyFileError::PassphraseRequired) {
        assert_eq!(PrivateKey::is_encrypted(text), Ok(true));
    }
    check_private(read);
    #[cfg(feature = "ssh1")]
    if let Ok(key) = Ssh1PrivateKey::read(text, None) {
        let again = key.write(None, &mut random(1)).expect("a key can be written");
        assert!(Ssh1PrivateKey::read(again.expose(), None).is_ok_and(|again| again.modulus() == key.modulus()));
    }
    if let Some(content) = cheap(text) {
        let file = armoured("OPENSSH PRIVATE KEY", &content);
        check_private(PrivateKey::read(file.as_bytes(), Some(&"pass phrase".into())));
    }
    for label in ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"] {
        check_private(PrivateKey::read(armoured(label, text).as_bytes(), None));
    }
    for label in ["PUBLIC KEY", "RSA PUBLIC KEY"] {
        if let Ok(line) = PublicKeyLine::read(armoured(label, text).as_bytes()) {
            check_public(&line.key);
        }
    }
}

fn armoured(label: &str, content: &[u8]) -> String {
    let mut file = alloc::format!("-----BEGIN {label}-----\n");
    for line in Base64::encode_string(content).as_bytes().chunks(70) {
        file.push_str(core::str::from_utf8(line).expect("base64"));
        file.push('\n');
    }
    file.push_str(&alloc::format!("-----END {label}-----\n"));
    file
}

/// The content of a key file, by itself or from its text, with so few rounds that it can be opened at once.
fn cheap(text: &[u8]) -> Option<Vec<u8>> {
    let content = content(text).unwrap_or_else(|| text.to_vec());
    let mut reader = Reader::new(&content);
    let head = [reader.bytes(15).ok()?, &[][..]].concat();
    let (cipher, kdf, options) = (reader.string().ok()?, reader.string().ok()?, reader.string().ok()?);
    let rest = reader.remainder();
    let mut options = options.to_vec();
    let mut inside = Reader::new(&options);
    if let (Ok(salt), Ok(rounds)) = (inside.string(), inside.uint32()) {
        let at = 4 + salt.len();
        options[at..at + 4].copy_from_slice(&rounds.min(MAX_ROUNDS).to_be_bytes());
    }
    let mut out = head;
    let mut writer = Writer::new(&mut out);
    [cipher, kdf, &options].iter().for_each(|string| writer.string(string));
    writer.bytes(rest);
    Some(out)
}

fn content(text: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_str(core::str::from_utf8(text).ok()?).ok()?;
    let inside = text.trim().strip_prefix("-----BEGIN OPENSSH PRIVATE KEY-----")?;
    let inside = inside.strip_suffix("-----END OPENSSH PRIVATE KEY-----")?;
    Base64::decode_vec(&inside.split_ascii_whitespace().collect::<String>()).ok()
}

fn check_private(read: Result<PrivateKey, KeyFileError>) {
    let Ok(key) = read else { return };
    for &format in FORMATS {
        let Ok(text) = key.write(format, None, &mut random(1)) else {
            assert_ne!(format, KeyFileFormat::OpenSsh, "every key can be written so");
            continue;
        };
        let again = PrivateKey::read(text.expose(), None).expect("what was written can be read");
        assert_eq!(again.public_key(), key.public_key());
        assert!(format != KeyFileFormat::OpenSsh || again.comment() == key.comment());
    }
    check_public(key.public_key());
}

const PUBLIC_FORMATS: &[PublicKeyFormat] = &[
    PublicKeyFormat::OpenSsh,
    PublicKeyFormat::Rfc4716,
    #[cfg(feature = "pkcs8")]
    PublicKeyFormat::Pkcs8,
    #[cfg(feature = "pkcs8")]
    PublicKeyFormat::Pem,
];

/// Public keys as a line, as a blob and as files of other formats, and signatures of messages.
pub fn public_keys(data: &[u8]) {
    let bytes = Input::new(data, MAX_INPUT).rest();
    if let Ok(line) = PublicKeyLine::parse(bytes) {
        check_public(&line.key);
    }
    if let Ok(key) = PublicKey::from_blob(bytes) {
        check_public(&key);
    }
    if let Ok(line) = PublicKeyLine::read(bytes) {
        check_public(&line.key);
        for &format in PUBLIC_FORMATS {
            let Ok(text) = line.write(format) else { continue };
            let again = PublicKeyLine::read(text.as_bytes()).expect("what was written can be read");
            assert_eq!(again.key, line.key);
        }
    }
    if let Ok(signature) = MessageSignature::read(bytes) {
        assert_eq!(MessageSignature::read(signature.write().as_bytes()), Ok(signature.clone()));
        let _ = signature.verify("file", b"");
    }
}

fn check_public(key: &PublicKey) {
    let line = alloc::format!("{key} a comment");
    let again = PublicKeyLine::parse(line.as_bytes()).expect("what was written can be read");
    assert_eq!((&again.key, again.comment.as_str()), (key, "a comment"));
    assert!(alloc::format!("{}", key.fingerprint(FingerprintHash::Sha256)).starts_with("SHA256:"));
    assert!(key.signature_algorithms().next().is_none() || key.bits().is_some());
}
