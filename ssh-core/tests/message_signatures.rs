//! Signatures of messages as `ssh-keygen -Y` makes them, and the file that says whose they are.
#![cfg(feature = "rsa")]

use base64ct::{Base64, Encoding};
use ssh_core::UnixTime;
use ssh_core::crypto::signature::SignatureError;
use ssh_core::files::SkipReason;
use ssh_core::files::allowed_signers::{AllowedSigners, VerifyError};
use ssh_core::key::{
    CertificateBuilder, CertificateError, KeyAlgorithm, MessageHash, MessageSignature, MessageSignatureError,
    PrivateKey, PublicKey,
};
use ssh_core::random::ChaChaRandom;
use ssh_core::wire::DecodeError;

const MESSAGE: &[u8] = b"a message\n";

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn random() -> ChaChaRandom {
    ChaChaRandom::from_seed(&[3; 32])
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::Ed25519, &mut ChaChaRandom::from_seed(&[seed; 32])).unwrap()
}

fn sign(key: &PrivateKey) -> MessageSignature {
    MessageSignature::sign(key, "file", MessageHash::Sha512, MESSAGE, &mut random()).unwrap()
}

/// Ed25519 and RSA have one signature of a message: ours is that of `ssh-keygen`, to the last byte of its text.
#[test]
fn signatures_of_ssh_keygen() {
    for name in ["ed25519", "rsa2048"] {
        let key = PrivateKey::read(&file(&format!("keys/{name}")), None).unwrap();
        for hash in [MessageHash::Sha256, MessageHash::Sha512] {
            let theirs = file(&format!("signatures/{name}.{}", hash.name()));
            let signature = MessageSignature::read(&theirs).unwrap();
            assert_eq!((signature.key(), signature.hash(), signature.namespace()), (key.public_key(), hash, "file"));
            let _ = signature.verify("file", MESSAGE).unwrap();
            let ours = MessageSignature::sign(&key, "file", hash, MESSAGE, &mut random()).unwrap();
            assert_eq!(ours.write().as_bytes(), theirs);
        }
    }
}

#[test]
fn a_signature_is_for_its_message_and_its_namespace() {
    let signature = sign(&key(1));
    let other = signature.verify("git", MESSAGE);
    assert_eq!(other, Err(MessageSignatureError::OtherNamespace { namespace: "file".into() }));
    for message in [&b"a message"[..], b"", b"A message\n"] {
        let result = signature.verify("file", message);
        assert_eq!(result, Err(MessageSignatureError::Invalid(SignatureError::Invalid)));
    }
    let empty = MessageSignature::sign(&key(1), "", MessageHash::Sha512, MESSAGE, &mut random());
    assert_eq!(empty, Err(MessageSignatureError::Namespace));
    // A key that is elsewhere signs the same bytes.
    let data = MessageSignature::signed_data("file", MessageHash::Sha512, MESSAGE).unwrap();
    let blob = key(1).sign("ssh-ed25519", &data, &mut random()).unwrap();
    let public = key(1).public_key().clone();
    assert_eq!(MessageSignature::from_parts(public, "file", MessageHash::Sha512, blob), signature);
    // Another key's signature under this key's name.
    let stolen = key(2).sign("ssh-ed25519", &data, &mut random()).unwrap();
    let stolen = MessageSignature::from_parts(key(1).public_key().clone(), "file", MessageHash::Sha512, stolen);
    assert_eq!(stolen.verify("file", MESSAGE), Err(MessageSignatureError::Invalid(SignatureError::Invalid)));
}

/// SHA-1 signs nothing that is to last: PROTOCOL.sshsig allows it to nobody.
#[cfg(feature = "legacy")]
#[test]
fn weak_algorithms_prove_nothing() {
    let data = MessageSignature::signed_data("file", MessageHash::Sha512, MESSAGE).unwrap();
    for (name, algorithm) in [("rsa2048", "ssh-rsa"), ("dsa", "ssh-dss")] {
        let key = PrivateKey::read(&file(&format!("keys/{name}")), None).unwrap();
        let blob = key.sign(algorithm, &data, &mut random()).unwrap();
        let signature = MessageSignature::from_parts(key.public_key().clone(), "file", MessageHash::Sha512, blob);
        let refused = Err(MessageSignatureError::Invalid(SignatureError::WrongAlgorithm));
        assert_eq!(signature.verify("file", MESSAGE), refused, "{algorithm}");
    }
}

fn armoured(bytes: &[u8]) -> Vec<u8> {
    let base64 = Base64::encode_string(bytes);
    format!("-----BEGIN SSH SIGNATURE-----\n{base64}\n-----END SSH SIGNATURE-----\n").into_bytes()
}

#[test]
fn what_is_no_signature() {
    let text = sign(&key(1)).write();
    for length in 0..text.len() - 1 {
        assert!(MessageSignature::read(&text.as_bytes()[..length]).is_err(), "{length}");
    }
    let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = Base64::decode_vec(&base64).unwrap();
    assert_eq!(MessageSignature::read(&armoured(&bytes)), Ok(sign(&key(1))));
    for length in 0..bytes.len() {
        let read = MessageSignature::read(&armoured(&bytes[..length]));
        assert_eq!(read, Err(MessageSignatureError::Malformed(DecodeError::Truncated)), "{length}");
    }
    let longer = armoured(&[&bytes[..], b"x"].concat());
    assert_eq!(MessageSignature::read(&longer), Err(MessageSignatureError::Malformed(DecodeError::TrailingBytes)));
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        let verified = MessageSignature::read(&armoured(&changed)).map(|read| read.verify("file", MESSAGE));
        assert!(!matches!(verified, Ok(Ok(_))), "a changed byte {position} is not noticed");
    }
    let with = |position: usize, value: u8| {
        let mut changed = bytes.clone();
        changed[position] = value;
        MessageSignature::read(&armoured(&changed)).unwrap_err()
    };
    assert_eq!(with(9, 2), MessageSignatureError::Version { version: 2 });
    assert_eq!(with(0, b's'), MessageSignatureError::NotASignature);
    let no_key = with(13, 0xff);
    assert_eq!(no_key, MessageSignatureError::Malformed(DecodeError::Truncated), "a key that is longer than all");
    let no_type = with(18, 0xff);
    assert!(matches!(no_type, MessageSignatureError::Key(_)), "{no_type:?}");
    let hash = bytes.windows(6).position(|window| window == b"sha512").unwrap();
    assert_eq!(with(hash + 3, b'7'), MessageSignatureError::Hash { name: "sha712".into() });
    assert_eq!(MessageSignature::read(&vec![b'A'; 300_000]), Err(MessageSignatureError::NotASignature));
}

fn day(number: u64) -> UnixTime {
    UnixTime::from_secs(number * 86_400)
}

/// 2026-01-01, noon.
const NOON: UnixTime = UnixTime::from_secs(1_767_268_800);

fn verify(line: &str, principal: &str, at: UnixTime) -> Result<(), VerifyError> {
    let file = AllowedSigners::parse(line.as_bytes(), 3600);
    assert_eq!(file.skipped(), []);
    file.verify(&sign(&key(1)), principal, "file", MESSAGE, at).map(drop)
}

#[test]
fn a_line_says_who_for_what_and_when() {
    let own = key(1).public_key().to_string();
    let other = key(2).public_key().to_string();
    let (who, what, when) =
        (VerifyError::Principal { line: 1 }, VerifyError::Namespace { line: 1 }, VerifyError::Time { line: 1 });
    for (fields, principal, expected) in [
        ("alice", "alice", Ok(())),
        ("alice", "Alice", Err(who.clone())),
        ("alice,bob", "bob", Ok(())),
        ("*@example.com,!mallory@example.com", "bob@example.com", Ok(())),
        ("*@example.com,!mallory@example.com", "mallory@example.com", Err(who.clone())),
        ("\"a b,c d\"", "c d", Ok(())),
        ("alice namespaces=\"git,fil?\"", "alice", Ok(())),
        ("alice namespaces=\"git,!file,*\"", "alice", Err(what)),
        ("alice valid-after=\"20260101\"", "alice", Ok(())),
        // An hour ahead of UTC it is one o'clock.
        ("alice valid-after=\"202601011300\"", "alice", Ok(())),
        ("alice valid-after=\"20260101130001\"", "alice", Err(when.clone())),
        ("alice valid-after=\"202601011201Z\"", "alice", Err(when.clone())),
        ("alice valid-before=\"20260101120000Z\"", "alice", Ok(())),
        ("alice valid-before=\"20260101115959Z\"", "alice", Err(when.clone())),
        ("alice Valid-After=\"19700101Z\",namespaces=\"file\",valid-before=\"99991231\"", "alice", Ok(())),
        ("alice cert-authority", "alice", Err(VerifyError::UnknownSigner)),
    ] {
        assert_eq!(verify(&format!("{fields} {own} comment\n"), principal, NOON), expected, "{fields}");
        assert_eq!(verify(&format!("{fields} {other}\n"), principal, NOON), Err(VerifyError::UnknownSigner));
    }
    // A later line may allow what an earlier one does not.
    let lines = format!("alice namespaces=\"git\" {own}\nalice {own}\n");
    assert_eq!(verify(&lines, "alice", NOON), Ok(()));
}

#[test]
fn days_are_counted_right() {
    let own = key(1).public_key().to_string();
    for (date, days) in [
        ("19700101", 0),
        ("19710101", 365),
        ("19720229", 789),
        ("19720301", 790),
        ("20000229", 11_016),
        ("20000301", 11_017),
        ("20251231", 20_453),
        ("21000301", 47_541),
    ] {
        let line = format!("alice valid-after=\"{date}Z\" {own}\n");
        assert_eq!(verify(&line, "alice", day(days)), Ok(()), "{date}");
        if days > 0 {
            let before = UnixTime::from_secs(days * 86_400 - 1);
            assert_eq!(verify(&line, "alice", before), Err(VerifyError::Time { line: 1 }), "{date}");
        }
    }
}

#[test]
fn lines_that_are_not_understood_allow_nothing() {
    let own = key(1).public_key().to_string();
    for fields in [
        "alice no-such-option",
        "alice namespaces",
        "alice namespaces=file",
        "alice namespaces=\"a\",namespaces=\"b\"",
        "alice cert-authority=\"yes\"",
        "alice cert-authority,cert-authority",
        "alice valid-after=\"2026\"",
        "alice valid-after=\"20260229\"",
        "alice valid-after=\"20261301\"",
        "alice valid-after=\"202601012400\"",
        "alice valid-after=\"+2260101\"",
        "alice valid-after=\"20260101Q\"",
    ] {
        let file = AllowedSigners::parse(format!("{fields} {own}\n").as_bytes(), 0);
        assert!(file.signers().is_empty(), "{fields}");
        assert!(matches!(file.skipped()[0].reason, SkipReason::Option(_)), "{fields}");
    }
    let file =
        AllowedSigners::parse(format!("# comment\n\nalice\n\"alice {own}\nbob ssh-ed25519 AAAA\n").as_bytes(), 0);
    assert_eq!((file.signers().len(), file.skipped().len()), (0, 3));
}

fn certificate(principals: &[&str], authority: &PrivateKey) -> PublicKey {
    let builder = CertificateBuilder::user(key(1).public_key(), "id", day(20_000)..day(21_000));
    let builder = principals.iter().fold(builder, |builder, principal| builder.principal(principal));
    builder.sign(authority, &mut random()).unwrap()
}

#[test]
fn an_authority_answers_for_its_certificates() {
    let authority = key(9);
    let signature = sign(&key(1)).with_certificate(certificate(&["alice", "carol"], &authority)).unwrap();
    assert_eq!(MessageSignature::read(signature.write().as_bytes()), Ok(signature.clone()));
    let line = |fields: &str, key: &PrivateKey| {
        AllowedSigners::parse(format!("{fields} {}\n", key.public_key()).as_bytes(), 0)
    };
    let verify =
        |file: &AllowedSigners, principal: &str, at| file.verify(&signature, principal, "file", MESSAGE, at).map(drop);
    let file = line("alice,bob cert-authority", &authority);
    assert_eq!(verify(&file, "alice", NOON), Ok(()));
    let principal = |principal: &str| CertificateError::Principal { principal: principal.into() };
    assert_eq!(verify(&file, "bob", NOON), Err(VerifyError::Certificate(principal("bob"))));
    assert_eq!(verify(&file, "carol", NOON), Err(VerifyError::Principal { line: 1 }));
    assert!(matches!(verify(&file, "alice", day(21_001)), Err(VerifyError::Certificate(_))));
    assert_eq!(verify(&line("alice", &authority), "alice", NOON), Err(VerifyError::UnknownSigner));
    assert_eq!(verify(&line("alice cert-authority", &key(8)), "alice", NOON), Err(VerifyError::UnknownSigner));
    assert_eq!(
        verify(&line("alice", &key(1)), "alice", NOON),
        Err(VerifyError::UnknownSigner),
        "the bare key is another"
    );

    assert_eq!(file.find_principals(&signature, NOON), ["alice"]);
    assert_eq!(line("* cert-authority", &authority).find_principals(&signature, NOON), ["alice", "carol"]);
    assert!(file.find_principals(&signature, day(21_001)).is_empty());
    assert_eq!(line("al*,bob", &key(1)).find_principals(&sign(&key(1)), NOON), ["al*", "bob"]);
    assert_eq!(file.match_principals("bob").collect::<Vec<_>>(), ["alice,bob"]);

    let other = sign(&key(2)).with_certificate(certificate(&["alice"], &authority));
    assert_eq!(other, Err(MessageSignatureError::OtherKey));
}
