use alloc::vec::Vec;

use super::*;
use crate::crypto::hash::Hash;
use crate::crypto::signature::EcdsaPrivateKey;
use crate::random::ChaChaRandom;
use crate::wire::Writer;

const APPLICATION: &[u8] = b"ssh.example.com";
const ORIGIN: &str = "https://ssh.example.com";
const MESSAGE: &[u8] = b"some \xff\xfe message";

/// What a browser would hand back.
struct Assertion {
    flags: u8,
    origin: Vec<u8>,
    client_data: Vec<u8>,
    extensions: Vec<u8>,
}

impl Assertion {
    fn of(message: &[u8]) -> Self {
        let challenge = Base64UrlUnpadded::encode_string(message);
        let client_data = format!(
            "{{\"type\":\"webauthn.get\",\"challenge\":\"{challenge}\",\"origin\":\"{ORIGIN}\",\"crossOrigin\":false}}"
        );
        Self { flags: 1, origin: ORIGIN.into(), client_data: client_data.into(), extensions: Vec::new() }
    }

    fn verify(&self) -> Result<Verified, SignatureError> {
        let key = EcdsaPrivateKey::generate(Curve::Nistp256, &mut ChaChaRandom::from_seed(&[6; 32])).unwrap();
        let counter = 9_u32.to_be_bytes();
        let signed = [
            &Hash::Sha256.digest(&[APPLICATION])[..],
            &[self.flags],
            &counter,
            &self.extensions,
            &Hash::Sha256.digest(&[&self.client_data]),
        ]
        .concat();
        let inner = key.sign(&signed).unwrap();
        let mut signature = Vec::new();
        let mut writer = Writer::new(&mut signature);
        writer.string(NAME.as_bytes());
        writer.string(blob::open_signature(&inner, "ecdsa-sha2-nistp256").unwrap());
        writer.byte(self.flags);
        writer.bytes(&counter);
        [&self.origin, &self.client_data, &self.extensions].into_iter().for_each(|field| writer.string(field));
        let mut key_blob = Vec::new();
        let mut writer = Writer::new(&mut key_blob);
        [ECDSA.as_bytes(), b"nistp256", &key.public_point(), APPLICATION].iter().for_each(|field| writer.string(field));
        WEBAUTHN_SK_ECDSA_SHA2_NISTP256.verify(&key_blob, MESSAGE, &signature)
    }
}

#[test]
fn a_browser_logs_in() {
    let used = Assertion::of(MESSAGE).verify().unwrap().security_key.unwrap();
    assert!(used.user_present && !used.user_verified);
    assert_eq!(used.counter, 9);
    let extended = Assertion { flags: 0x85, extensions: b"\xa1\x61x\x01".to_vec(), ..Assertion::of(MESSAGE) };
    assert!(extended.verify().unwrap().security_key.unwrap().user_verified);
}

#[test]
fn the_client_data_must_be_about_the_message() {
    assert_eq!(Assertion::of(b"another message").verify(), Err(SignatureError::Invalid));
    let text = String::from_utf8(Assertion::of(MESSAGE).client_data).unwrap();
    for (from, to) in [
        ("webauthn.get", "webauthn.create"),
        ("{\"type\"", "{ \"type\""),
        ("https://", "http://"),
        ("\"challenge\":\"", "\"challenge\":\"A"),
        ("\"origin\"", "\"topOrigin\""),
    ] {
        let assertion = Assertion { client_data: text.replace(from, to).into(), ..Assertion::of(MESSAGE) };
        assert_eq!(assertion.verify(), Err(SignatureError::Invalid), "{to}");
    }
    assert_eq!(Assertion { client_data: Vec::new(), ..Assertion::of(MESSAGE) }.verify(), Err(SignatureError::Invalid));
}

/// An origin with a quote in it could end the string and go on with a challenge of its own.
#[test]
fn origins_that_need_escapes_are_refused() {
    for origin in [&b"https://x\""[..], b"https://x\\", b"https://x\n", b"https://\xff"] {
        let assertion = Assertion { origin: origin.to_vec(), ..Assertion::of(MESSAGE) };
        assert_eq!(assertion.verify(), Err(SignatureError::MalformedSignature), "{origin:?}");
    }
    let other = Assertion { origin: b"https://ssh.example.org".to_vec(), ..Assertion::of(MESSAGE) };
    assert_eq!(other.verify(), Err(SignatureError::Invalid));
}

#[test]
fn flags_must_fit_what_is_there() {
    for (flags, extensions) in [(0x41, &b""[..]), (0x81, b""), (0x01, b"\xa0")] {
        let assertion = Assertion { flags, extensions: extensions.to_vec(), ..Assertion::of(MESSAGE) };
        assert_eq!(assertion.verify(), Err(SignatureError::MalformedSignature), "{flags:02x}");
    }
}

/// The plain algorithm of the same key does not take it.
#[test]
fn the_two_algorithms_of_a_key_stay_apart() {
    let algorithms: Vec<_> = super::super::for_key_type(ECDSA).map(|algorithm| algorithm.name()).collect();
    assert_eq!(algorithms, [ECDSA, NAME]);
}
