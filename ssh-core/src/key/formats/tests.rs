use super::*;
use alloc::{format, vec, vec::Vec};

use proptest::prelude::*;

use crate::key::{FingerprintHash, KeyAlgorithm, KeyError, PublicKey};
use crate::random::{ChaChaRandom, RandomError};
use crate::wire::{DecodeError, Reader, Writer};

macro_rules! data {
    ($($part:literal),+) => {
        include_bytes!(concat!("../../../tests/data/keys/", $($part),+)).as_slice()
    };
}

/// Name, plain, aes256-ctr, aes256-cbc and public file.
macro_rules! golden {
    ($($name:literal),*) => {
        &[$(($name, data!($name), data!($name, ".ctr"), data!($name, ".cbc"), data!($name, ".pub"))),*]
    };
}

type Golden = (&'static str, &'static [u8], &'static [u8], &'static [u8], &'static [u8]);
const GOLDEN: &[Golden] = golden!("ed25519", "ecdsa256", "ecdsa384", "ecdsa521");
#[cfg(feature = "rsa")]
const GOLDEN_RSA: &[Golden] = golden!("rsa2048", "rsa3072");
#[cfg(not(feature = "rsa"))]
const GOLDEN_RSA: &[Golden] = &[];
#[cfg(feature = "legacy")]
const GOLDEN_DSA: &[Golden] = golden!("dsa");
#[cfg(not(feature = "legacy"))]
const GOLDEN_DSA: &[Golden] = &[];
#[cfg(feature = "pq")]
const GOLDEN_PQ: &[Golden] = golden!("mldsa44");
#[cfg(not(feature = "pq"))]
const GOLDEN_PQ: &[Golden] = &[];

fn random() -> ChaChaRandom {
    ChaChaRandom::from_seed(&[9; 32])
}

fn passphrase() -> SecretBytes {
    SecretBytes::from("pass phrase")
}

fn golden() -> impl Iterator<Item = &'static Golden> {
    GOLDEN.iter().chain(GOLDEN_RSA).chain(GOLDEN_DSA).chain(GOLDEN_PQ)
}

#[test]
fn files_of_ssh_keygen() {
    for (name, plain, ctr, cbc, public) in golden() {
        let public = PublicKeyLine::parse(public).unwrap();
        assert_eq!(public.comment, format!("{name} plain"));
        for (text, passphrase) in [(plain, None), (ctr, Some(passphrase())), (cbc, Some(passphrase()))] {
            let key = PrivateKey::read(text, passphrase.as_ref()).unwrap();
            assert_eq!((key.public_key(), key.comment()), (&public.key, public.comment.as_str()));
        }
        assert_eq!(PrivateKey::read(ctr, None).err(), Some(KeyFileError::PassphraseRequired));
        for wrong in ["", "wrong"] {
            let result = PrivateKey::read(cbc, Some(&SecretBytes::from(wrong)));
            assert_eq!(result.err(), Some(KeyFileError::WrongPassphrase));
        }
    }
}

#[test]
fn every_cipher_of_ssh_keygen() {
    for text in [
        data!("ed25519.aes128-ctr"),
        data!("ed25519.aes192-ctr"),
        data!("ed25519.aes128-cbc"),
        data!("ed25519.aes192-cbc"),
        data!("ed25519.aes128-gcm@openssh.com"),
        data!("ed25519.aes256-gcm@openssh.com"),
        data!("ed25519.chacha20-poly1305@openssh.com"),
        #[cfg(feature = "legacy")]
        data!("ed25519.3des-cbc"),
    ] {
        let key = PrivateKey::read(text, Some(&passphrase())).unwrap();
        assert_eq!(key.comment(), "ed25519 plain");
        let wrong = PrivateKey::read(text, Some(&"wrong".into()));
        assert_eq!(wrong.err(), Some(KeyFileError::WrongPassphrase));
    }
}

#[test]
fn fingerprints_of_ssh_keygen() {
    let mut lines = core::str::from_utf8(data!("fingerprints.txt")).unwrap().lines();
    for (_, _, _, _, public) in golden() {
        let PublicKeyLine { key, comment } = PublicKeyLine::parse(public).unwrap();
        for hash in [FingerprintHash::Sha256, FingerprintHash::Md5] {
            let kind = match key.key_type() {
                "ssh-ed25519" => "ED25519",
                "ssh-rsa" => "RSA",
                "ssh-dss" => "DSA",
                "ssh-mldsa44-ed25519" => "MLDSA44-ED25519",
                _ => "ECDSA",
            };
            let shown = format!("{} {} {comment} ({kind})", key.bits().unwrap(), key.fingerprint(hash));
            assert_eq!(lines.next(), Some(shown.as_str()));
        }
    }
}

/// `ssh-keygen -B` and `-lv` with three hashes, whole.
#[cfg(all(feature = "rsa", feature = "pq", feature = "legacy"))]
#[test]
fn pictures_and_words_of_ssh_keygen() {
    use alloc::string::{String, ToString};
    let mut shown = String::new();
    for (_, _, _, _, public) in golden() {
        let PublicKeyLine { key, comment } = PublicKeyLine::parse(public).unwrap();
        let line = |fingerprint: &str| format!("{} {fingerprint} {comment} ({})\n", key.bits().unwrap(), key.kind());
        shown += &line(&key.fingerprint(FingerprintHash::Sha1).bubble_babble());
        for hash in [FingerprintHash::Sha256, FingerprintHash::Sha512, FingerprintHash::Md5] {
            shown += &line(&key.fingerprint(hash).to_string());
            shown += &format!("{}\n", key.randomart(hash));
        }
    }
    assert_eq!(shown, core::str::from_utf8(data!("pictures.txt")).unwrap());
}

/// The key of Net::SSH::Perl's `t/ed25519.key`.
#[test]
fn net_ssh_perl_key() {
    let line =
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGzEVq2h5CSo7gQGQseeySuO4dj4Kb6HQ3fV5oz+iCUT lkinley@tbe.blueskyhorizon.com";
    let PublicKeyLine { key, comment } = PublicKeyLine::parse(line).unwrap();
    assert_eq!(comment, "lkinley@tbe.blueskyhorizon.com");
    let sha256 = format!("{}", key.fingerprint(FingerprintHash::Sha256));
    assert_eq!(sha256, "SHA256:LUdn1mM4hysFL9eXAP4oi+LGo9XlX1PWZi0tC2RHzB8");
    let md5 = format!("{}", key.fingerprint(FingerprintHash::Md5));
    assert_eq!(md5, "MD5:85:bb:98:2c:47:7e:da:ff:b7:00:89:65:8e:73:5d:1d");
}

#[test]
fn round_trip() {
    let kinds = [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::EcdsaNistp256,
        KeyAlgorithm::EcdsaNistp384,
        KeyAlgorithm::EcdsaNistp521,
        #[cfg(feature = "rsa")]
        KeyAlgorithm::Rsa { bits: 2048 },
        #[cfg(feature = "pq")]
        KeyAlgorithm::MlDsa44Ed25519OpenSsh,
        #[cfg(feature = "legacy")]
        KeyAlgorithm::Dsa,
    ];
    for kind in kinds {
        let mut key = PrivateKey::generate(kind, &mut random()).unwrap();
        key.set_comment("some one@here");
        let encryption = KeyEncryption { rounds: 2, ..KeyEncryption::new(passphrase()) };
        for encryption in [None, Some(&encryption)] {
            let text = key.write(KeyFileFormat::OpenSsh, encryption, &mut random()).unwrap();
            assert!(text.expose().split(|&byte| byte == b'\n').all(|line| line.len() <= 70));
            let read = PrivateKey::read(text.expose(), encryption.map(|_| passphrase()).as_ref()).unwrap();
            assert_eq!((read.public_key(), read.comment()), (key.public_key(), key.comment()));
            let algorithm = key.public_key().signature_algorithms().next().unwrap();
            let sign = |key: &PrivateKey| key.sign(algorithm, b"m", &mut random()).unwrap();
            assert_eq!(sign(&read), sign(&key));
        }
    }
}

#[test]
fn encryption_is_checked_before_work() {
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random()).unwrap();
    for rounds in [0, MAX_BCRYPT_ROUNDS + 1, u32::MAX] {
        let encryption = KeyEncryption { rounds, ..KeyEncryption::new(passphrase()) };
        let result = key.write(KeyFileFormat::OpenSsh, Some(&encryption), &mut random());
        assert_eq!(result.err(), Some(KeyFileError::Rounds { rounds }));
    }
    let result = key.write(KeyFileFormat::OpenSsh, Some(&KeyEncryption::new(SecretBytes::from(""))), &mut random());
    assert_eq!(result.err(), Some(KeyFileError::EmptyPassphrase));
}

#[test]
fn truncated_anywhere() {
    for text in [data!("ed25519"), data!("ed25519.ctr"), data!("ecdsa521")] {
        // the last byte is a line end, which nobody needs
        for length in 0..text.len() - 1 {
            assert!(PrivateKey::read(&text[..length], Some(&passphrase())).is_err(), "{length}");
        }
        let bytes = armor::decode(text, openssh::LABEL).unwrap().bytes;
        for length in 0..bytes.len() {
            assert!(openssh::read(&bytes[..length], Some(&passphrase())).is_err(), "{length}");
        }
    }
}

#[test]
fn armour_is_tolerant_but_not_gullible() {
    let text = data!("ed25519");
    let crlf =
        Vec::from_iter(text.iter().flat_map(|&byte| if byte == b'\n' { vec![b'\r', b'\n'] } else { vec![byte] }));
    let around = [b"Bag attributes:\n  none\n\n  ", text, b"\ntrailing"].concat();
    for good in [&crlf, &around] {
        assert!(PrivateKey::read(good, None).is_ok());
    }
    let nul = Vec::from_iter(text.iter().enumerate().map(|(index, &byte)| if index == 100 { 0 } else { byte }));
    assert_eq!(PrivateKey::read(&nul, None).err(), Some(KeyFileError::Armor));
    let cases: [(&[u8], KeyFileError); 6] = [
        (b"", KeyFileError::NotAKeyFile),
        (data!("ed25519.pub"), KeyFileError::NotAKeyFile),
        (b"-----BEGIN CERTIFICATE-----\n", KeyFileError::UnsupportedFormat { label: "CERTIFICATE".into() }),
        (b"PuTTY-User-Key-File-1: ssh-rsa\n", KeyFileError::UnsupportedFormat { label: "PuTTY".into() }),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n", KeyFileError::Armor),
        (&[b'A'; MAX_KEY_FILE_LENGTH + 1], KeyFileError::TooLong),
    ];
    for (text, error) in cases {
        assert_eq!(PrivateKey::read(text, None).err(), Some(error));
    }
    let unsupported = format!("{}", PrivateKey::read(b"-----BEGIN CERTIFICATE-----\n", None).unwrap_err());
    assert!(unsupported.contains("ssh-keygen -p -f"), "{unsupported}");
}

/// A file put together by hand, with everything in it replaceable.
struct Parts {
    cipher: &'static [u8],
    kdf: &'static [u8],
    salt: Option<(usize, u32)>,
    keys: u32,
    public: [u8; 32],
    checks: [u32; 2],
    inner: [[u8; 32]; 3],
    padding: &'static [u8],
    trailing: &'static [u8],
}

impl Parts {
    fn good() -> Self {
        let public = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut Fixed).unwrap();
        let public = public.public_key().blob().last_chunk::<32>().copied().unwrap();
        Self {
            cipher: b"none",
            kdf: b"none",
            salt: None,
            keys: 1,
            public,
            checks: [7, 7],
            inner: [public, [1; 32], public],
            padding: &[1, 2, 3, 4, 5],
            trailing: &[],
        }
    }

    fn read(&self) -> Option<KeyFileError> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.bytes(b"openssh-key-v1\0");
        writer.string(self.cipher);
        writer.string(self.kdf);
        writer.nested(|options| {
            if let Some((salt, rounds)) = self.salt {
                options.string(&[1; 1000][..salt]);
                options.uint32(rounds);
            }
        });
        writer.uint32(self.keys);
        writer.nested(|blob| {
            blob.string(b"ssh-ed25519");
            blob.string(&self.public);
        });
        writer.nested(|section| {
            section.uint32(self.checks[0]);
            section.uint32(self.checks[1]);
            section.string(b"ssh-ed25519");
            section.string(&self.inner[0]);
            section.string(&[self.inner[1], self.inner[2]].concat());
            section.string(b"");
            section.bytes(self.padding);
        });
        writer.bytes(self.trailing);
        openssh::read(&out, Some(&SecretBytes::from("x"))).err()
    }
}

struct Fixed;

impl SecureRandom for Fixed {
    fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
        destination.fill(1);
        Ok(())
    }
}

#[test]
fn hostile_files() {
    use DecodeError::{InvalidValue, TrailingBytes, Truncated};
    use KeyFileError::*;

    let other = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random()).unwrap();
    let other = other.public_key().blob().last_chunk::<32>().copied().unwrap();
    let good = Parts::good();
    assert_eq!(good.read(), None);
    let g = Parts::good;
    let encrypted = |salt, rounds| Parts { cipher: b"aes256-ctr", kdf: b"bcrypt", salt: Some((salt, rounds)), ..g() };
    let (a, b) = (good.inner[0], good.inner[1]);
    let cases = [
        (Parts { keys: 0, ..g() }, KeyCount { count: 0 }),
        (Parts { keys: 2, ..g() }, KeyCount { count: 2 }),
        (Parts { keys: u32::MAX, ..g() }, KeyCount { count: u32::MAX }),
        (Parts { checks: [7, 8], ..g() }, Malformed(InvalidValue)),
        (Parts { padding: &[], ..g() }, Malformed(InvalidValue)),
        (Parts { padding: &[1, 2, 3, 4, 6], ..g() }, Malformed(TrailingBytes)),
        (Parts { padding: &[0, 0, 0, 0, 0], ..g() }, Malformed(TrailingBytes)),
        (Parts { trailing: &[0], ..g() }, Malformed(TrailingBytes)),
        (Parts { public: other, ..g() }, PublicMismatch),
        (Parts { inner: [other, b, other], ..g() }, PublicMismatch),
        (Parts { inner: [a, b, other], ..g() }, PublicMismatch),
        (Parts { inner: [other, b, a], ..g() }, PublicMismatch),
        (Parts { public: other, inner: [other, b, other], ..g() }, PublicMismatch),
        (Parts { cipher: b"arcfour", ..g() }, UnsupportedCipher { name: "arcfour".into() }),
        (Parts { cipher: b"aes256-ctr", ..g() }, UnsupportedKdf { name: "none".into() }),
        (Parts { kdf: b"bcrypt", ..g() }, UnsupportedCipher { name: "none".into() }),
        (Parts { salt: Some((16, 1)), ..g() }, UnsupportedCipher { name: "none".into() }),
        (encrypted(0, 1), Malformed(InvalidValue)),
        (encrypted(1000, 1), Malformed(InvalidValue)),
        (encrypted(16, 0), Rounds { rounds: 0 }),
        (encrypted(16, u32::MAX), Rounds { rounds: u32::MAX }),
        (encrypted(16, 2049), Rounds { rounds: 2049 }),
        (Parts { cipher: b"aes256-ctr", kdf: b"bcrypt", ..g() }, Malformed(Truncated)),
    ];
    for (index, (parts, error)) in cases.into_iter().enumerate() {
        assert_eq!(parts.read(), Some(error), "case {index}");
    }
}

#[cfg(feature = "rsa")]
#[test]
fn short_rsa_keys_are_no_keys() {
    let result = PrivateKey::read(data!("rsa1024"), None);
    assert_eq!(result.err(), Some(KeyFileError::InvalidKey { key_type: "ssh-rsa".into() }));
    // the public half can be shown, but proves nothing
    let public = PublicKeyLine::parse(data!("rsa1024.pub")).unwrap().key;
    assert_eq!(public.bits(), Some(1024));
    use base64ct::{Base64, Encoding};
    let signature = Base64::decode_vec("AAAADHJzYS1zaGEyLTI1NgAAAAEB").unwrap();
    let result = crate::crypto::signature::RSA_SHA2_256.verify(public.blob(), b"", &signature);
    assert_eq!(result, Err(crate::crypto::signature::SignatureError::UnacceptableKey));
}

#[test]
fn public_lines() {
    let text = core::str::from_utf8(data!("ed25519.pub")).unwrap().trim_end();
    let line = PublicKeyLine::parse(text.as_bytes()).unwrap();
    assert_eq!(format!("{line}"), text);
    let injected = PublicKeyLine { comment: "a\nssh-ed25519 AAAA".into(), ..line.clone() };
    assert!(!format!("{injected}").contains('\n'));
    let base64 = text.split(' ').nth(1).unwrap();
    let cases = [
        ("", KeyError::NotAKeyLine),
        ("ssh-ed25519", KeyError::NotAKeyLine),
        ("ssh-ed25519 ####", KeyError::Base64),
        ("ssh-ed25519 AAAA=", KeyError::Base64),
        ("ssh-ed25519 AAAA", KeyError::Malformed(DecodeError::Truncated)),
    ];
    for (text, error) in cases {
        assert_eq!(PublicKeyLine::parse(text.as_bytes()), Err(error), "{text}");
    }
    let mismatch = KeyError::TypeMismatch { line: "ssh-rsa".into(), blob: "ssh-ed25519".into() };
    assert_eq!(PublicKeyLine::parse(format!("ssh-rsa {base64}").as_bytes()), Err(mismatch));
    let long = format!("ssh-ed25519 {}", "A".repeat(PublicKeyLine::MAX_LENGTH));
    assert_eq!(PublicKeyLine::parse(long.as_bytes()), Err(KeyError::TooLong));
}

#[test]
fn blobs() {
    let blob = |name: &[u8], rest: &[u8]| {
        let mut out = Vec::new();
        Writer::new(&mut out).string(name);
        out.extend_from_slice(rest);
        PublicKey::from_blob(&out)
    };
    let invalid = Err(KeyError::Malformed(DecodeError::InvalidValue));
    assert_eq!(blob(b"ssh-new@example.com", b"anything").map(|key| key.bits()), Ok(None));
    for name in [&b""[..], b"a,b", b"a b", b"a\n", b"\xff", &[b'a'; 65]] {
        assert_eq!(blob(name, b""), invalid, "{name:?}");
    }
    assert_eq!(blob(b"ssh-ed25519", b""), invalid);
    assert_eq!(blob(b"ssh-ed25519", &[0, 0, 0, 0]), invalid);
    assert_eq!(PublicKey::from_blob(&[]), Err(KeyError::Malformed(DecodeError::Truncated)));
    assert_eq!(PublicKey::from_blob(&[0; PublicKey::MAX_BLOB_LENGTH + 1]), Err(KeyError::TooLong));
    let even = [0, 0, 0, 1, 3, 0, 0, 0, 8, 1, 0, 0, 0, 0, 0, 0, 2];
    assert_eq!(blob(b"ssh-rsa", &even), Err(KeyError::Unacceptable { key_type: "ssh-rsa".into() }));
    let key = PublicKeyLine::parse(data!("ecdsa256.pub")).unwrap().key;
    let mut off_curve = key.blob().to_vec();
    *off_curve.last_mut().unwrap() ^= 1;
    assert_eq!(
        PublicKey::from_blob(&off_curve),
        Err(KeyError::Unacceptable { key_type: "ecdsa-sha2-nistp256".into() })
    );
    assert!(Reader::new(key.blob()).string().is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = PrivateKey::read(&bytes, Some(&passphrase()));
        let _ = PublicKeyLine::parse(&bytes);
        let _ = PublicKey::from_blob(&bytes);
        let _ = openssh::read(&[b"openssh-key-v1\0", &bytes[..]].concat(), Some(&passphrase()));
    }

    #[test]
    fn one_byte_changed(index in 0_usize..400, value in any::<u8>()) {
        let mut bytes = armor::decode(data!("ecdsa256"), openssh::LABEL).unwrap().bytes;
        let index = index % bytes.len();
        bytes[index] = value;
        let _ = openssh::read(&bytes, Some(&passphrase()));
    }
}

/// What a person reads about a file that cannot be used: what is wrong with it and, where it helps, what to do.
#[test]
fn files_that_cannot_be_used_in_words() {
    let read = |text: &[u8], passphrase: Option<&str>| {
        PrivateKey::read(text, passphrase.map(SecretBytes::from).as_ref()).unwrap_err()
    };
    let parts = |parts: Parts| parts.read().unwrap();
    let encrypted = |rounds| Parts { cipher: b"aes256-ctr", kdf: b"bcrypt", salt: Some((16, rounds)), ..Parts::good() };
    let foreign = "-----BEGIN ANY\u{9b}2J-----\n";
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random()).unwrap();
    let empty = KeyEncryption { rounds: 1, ..KeyEncryption::new(SecretBytes::from("")) };
    let other = key.public_key().blob().last_chunk::<32>().copied().unwrap();
    let said = [
        (read(data!("ed25519.ctr"), None), "the key file is encrypted; its passphrase is needed"),
        (read(data!("ed25519.ctr"), Some("wrong")), "the passphrase does not open the key file"),
        (read(b"", None), "the file is not a private key: it has no \"-----BEGIN\" line"),
        (read(&[b'A'; MAX_KEY_FILE_LENGTH + 1], None), "the key file is longer than 1048576 bytes"),
        (
            read(b"-----BEGIN OPENSSH PRIVATE KEY-----\n", None),
            "the key file is damaged: its base64 text or its END line is wrong",
        ),
        (
            read(b"PuTTY-User-Key-File-1: ssh-rsa\r\n", None),
            "the key file is in PuTTY's format; convert it with \"puttygen FILE -O private-openssh -o NEWFILE\"",
        ),
        (
            read(foreign.as_bytes(), None),
            "the key file has the format \"ANY\\u{9b}2J\"; convert a copy with \"ssh-keygen -p -f FILE\"",
        ),
        (
            parts(Parts { cipher: b"arcfour", ..Parts::good() }),
            "the key file is encrypted with \"arcfour\"; convert it with \"ssh-keygen -p -Z aes256-ctr \
             -f FILE\"",
        ),
        (
            parts(Parts { cipher: b"aes256-ctr", kdf: b"scrypt\n", ..Parts::good() }),
            "the key file uses the key derivation \"scrypt\\n\", which is not supported",
        ),
        (parts(Parts { keys: 2, ..Parts::good() }), "the key file holds 2 keys; only files with one can be used"),
        (parts(encrypted(9999)), "the key file takes 9999 rounds of bcrypt; 1 to 2048 are allowed"),
        (parts(Parts { trailing: &[0], ..Parts::good() }), "the key file's content is malformed: bytes follow its end"),
        (
            parts(Parts { public: other, ..Parts::good() }),
            "the key file's public half does not belong to its private half",
        ),
        (
            key.write(KeyFileFormat::OpenSsh, Some(&empty), &mut random()).unwrap_err(),
            "a key file cannot be encrypted with an empty passphrase",
        ),
        (
            key.write(KeyFileFormat::OpenSsh, None, &mut Failing).unwrap_err(),
            "the key file could not be written: the source of random bytes failed",
        ),
    ];
    for (error, words) in said {
        assert_eq!(format!("{error}"), words, "{error:?}");
    }
    #[cfg(feature = "rsa")]
    {
        let short = read(data!("rsa1024"), None);
        assert_eq!(format!("{short}"), "the key file does not hold a valid ssh-rsa key");
    }
}

struct Failing;

impl SecureRandom for Failing {
    fn fill(&mut self, _destination: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError)
    }
}

/// The private section's key may be of a type that nobody here knows, and its public half no key at all.
#[test]
fn keys_of_other_types_in_words() {
    let file = |public: &[u8], key_type: &[u8]| {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.bytes(b"openssh-key-v1\0");
        writer.string(b"none");
        writer.string(b"none");
        writer.string(b"");
        writer.uint32(1);
        writer.string(public);
        writer.nested(|section| {
            section.uint32(7);
            section.uint32(7);
            section.string(key_type);
            section.bytes(&[1, 2, 3, 4, 5, 6, 7][..(8 - (12 + key_type.len()) % 8) % 8]);
        });
        openssh::read(&out, None).unwrap_err()
    };
    let new = [&[0, 0, 0, 7][..], b"ssh-new"].concat();
    let error = file(&new, b"ssh-new");
    assert_eq!(error, KeyFileError::UnsupportedKeyType { name: "ssh-new".into() });
    assert_eq!(format!("{error}"), "the key is of type \"ssh-new\", which is not supported");
    let error = file(b"", b"ssh-ed25519");
    assert_eq!(error, KeyFileError::PublicKey(KeyError::Malformed(DecodeError::Truncated)));
    assert_eq!(format!("{error}"), "in the key file, the public key is malformed: it ends too early");
}

#[test]
fn public_keys_that_are_none_in_words() {
    let text = core::str::from_utf8(data!("ed25519.pub")).unwrap();
    let base64 = text.split(' ').nth(1).unwrap();
    let mut off_curve = PublicKeyLine::parse(data!("ecdsa256.pub")).unwrap().key.blob().to_vec();
    *off_curve.last_mut().unwrap() ^= 1;
    let line = |text: &str| PublicKeyLine::parse(text.as_bytes()).unwrap_err();
    for (error, words) in [
        (line("ssh-ed25519"), "the line is not a public key: expected a key type and base64 data"),
        (line("ssh-ed25519 ####"), "the public key's base64 data is malformed"),
        (line("ssh-ed25519 AAAA"), "the public key is malformed: it ends too early"),
        (line(&format!("ssh-rsa {base64}")), "the line says the key is \"ssh-rsa\" but it is \"ssh-ed25519\""),
        (PublicKey::from_blob(&[0; 70_000]).unwrap_err(), "the public key is too long"),
        (PublicKey::from_blob(&off_curve).unwrap_err(), "the public key is not a valid ecdsa-sha2-nistp256 key"),
    ] {
        assert_eq!(format!("{error}"), words);
    }
}
