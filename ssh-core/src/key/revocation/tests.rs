use alloc::format;

use super::*;
use crate::key::{CertificateBuilder, KeyAlgorithm, PrivateKey};
use crate::random::ChaChaRandom;
use crate::time::UnixTime;
use crate::wire::Writer;

fn key(seed: u8) -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::Ed25519, &mut ChaChaRandom::from_seed(&[seed; 32])).unwrap()
}

fn certificate(authority: u8, serial: u64, key_id: &str) -> PublicKey {
    let builder = CertificateBuilder::user(key(9).public_key(), key_id, UnixTime::ALWAYS..UnixTime::FOREVER);
    builder.principal("x").serial(serial).sign(&key(authority), &mut ChaChaRandom::from_seed(&[0; 32])).unwrap()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::new(&mut out).string(bytes);
    out
}

fn section(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind], &string(content)[..]].concat()
}

fn krl(sections: &[u8]) -> Vec<u8> {
    [b"SSHKRL\n\0", &[0, 0, 0, 1][..], &[0; 24], &string(b""), &string(b"a comment"), sections].concat()
}

fn parse(sections: &[u8]) -> Result<RevocationList, RevocationListError> {
    RevocationList::parse(&krl(sections))
}

/// Of authority 1, or of all.
fn certificates(authority: Option<u8>, sections: &[u8]) -> RevocationList {
    let authority = authority.map(|seed| key(seed).public_key().blob().to_vec()).unwrap_or_default();
    parse(&section(1, &[&string(&authority)[..], &string(b""), sections].concat())).unwrap()
}

#[test]
fn keys() {
    let (one, other) = (key(1), key(2));
    let blob = one.public_key().blob();
    for content in [
        section(2, &string(blob)),
        section(3, &string(&Sha1::digest(blob))),
        section(5, &string(&Hash::Sha256.digest(&[blob]))),
    ] {
        let list = parse(&content).unwrap();
        assert!(list.revokes(one.public_key()) && !list.revokes(other.public_key()));
        assert!(list.revokes(&certificate(1, 5, "id")), "by its authority");
        assert!(!list.revokes(&certificate(2, 5, "id")));
    }
    let by_key = parse(&section(2, &string(key(9).public_key().blob()))).unwrap();
    assert!(by_key.revokes(&certificate(1, 5, "id")), "the key in it");
    assert!(!RevocationList::default().revokes(one.public_key()));
}

#[test]
fn serials() {
    let numbers = |numbers: &[u64]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
    let revoked = |list: &RevocationList| -> Vec<u64> {
        (0..40).chain([u64::MAX]).filter(|&serial| list.revokes(&certificate(1, serial, "id"))).collect()
    };
    let list = certificates(Some(1), &section(0x20, &numbers(&[3, 5, u64::MAX])));
    assert_eq!(revoked(&list), [3, 5, u64::MAX]);
    assert!(!list.revokes(&certificate(2, 3, "id")), "another authority's");
    assert_eq!(revoked(&certificates(Some(1), &section(0x21, &numbers(&[7, 9])))), [7, 8, 9]);
    // Bits 0, 9 and 16 from 10 on.
    let bitmap = [&numbers(&[10])[..], &string(&[1, 2, 1])].concat();
    assert_eq!(revoked(&certificates(Some(1), &section(0x22, &bitmap))), [10, 19, 26]);
    let both = [section(0x21, &numbers(&[1, 2])), section(0x20, &numbers(&[4]))].concat();
    assert_eq!(revoked(&certificates(Some(1), &both)), [1, 2, 4]);
    let all = certificates(None, &section(0x21, &numbers(&[0, u64::MAX])));
    assert!(all.revokes(&certificate(1, 1, "id")) && all.revokes(&certificate(2, u64::MAX, "id")));
    assert!(!all.revokes(&certificate(1, 0, "id")), "0 is no number");
}

#[test]
fn key_ids() {
    let list = certificates(Some(1), &section(0x23, &[string(b"alice"), string(b"bob")].concat()));
    assert!(list.revokes(&certificate(1, 0, "bob")));
    assert!(!list.revokes(&certificate(1, 0, "carol")) && !list.revokes(&certificate(2, 0, "bob")));
}

/// What is not understood might revoke what is asked about.
#[test]
fn unknown_content_is_refused() {
    let unknown = |sections: &[u8]| matches!(parse(sections), Err(RevocationListError::Unknown { .. }));
    assert!(unknown(&section(6, b"")));
    assert!(unknown(&section(1, &[&string(b"")[..], &string(b""), &section(0x24, b"")].concat())));
    let extension = |critical: u8| [&string(b"x@example.com")[..], &[critical], &string(b"")].concat();
    assert!(unknown(&section(255, &extension(1))) && parse(&section(255, &extension(0))).is_ok());
    let nested =
        |critical| section(1, &[&string(b"")[..], &string(b""), &section(0x39, &extension(critical))].concat());
    assert!(unknown(&nested(1)) && parse(&nested(0)).is_ok());
    let mut later = krl(b"");
    later[11] = 2;
    assert_eq!(RevocationList::parse(&later).unwrap_err(), RevocationListError::Version { version: 2 });
}

#[test]
fn malformed_lists_are_refused() {
    let whole = krl(&[
        section(2, &string(key(1).public_key().blob())),
        section(1, &[&string(b"")[..], &string(b""), &section(0x21, &[0; 16])].concat()),
    ]
    .concat());
    assert!(RevocationList::parse(&whole).is_ok());
    let ends = [krl(b"").len(), krl(&section(2, &string(key(1).public_key().blob()))).len()];
    for length in (8..whole.len()).filter(|length| !ends.contains(length)) {
        assert!(RevocationList::parse(&whole[..length]).is_err(), "{length}");
    }
    for sections in [
        section(3, &string(&[0; 19])),
        section(5, &string(&[0; 20])),
        section(1, &[string(b"no key"), string(b"")].concat()),
        section(1, &[&string(b"")[..], &string(b""), &section(0x20, &[0; 9])].concat()),
        section(1, &[&string(b"")[..], &string(b""), &section(0x21, &[0; 17])].concat()),
        section(1, &[&string(b"")[..], &string(b""), &section(0x23, &string(b"\xff"))].concat()),
    ] {
        assert!(matches!(parse(&sections), Err(RevocationListError::Malformed(_))), "{sections:?}");
    }
}

#[test]
fn lines() {
    let (one, other) = (key(1), key(2));
    let text = format!("# revoked\n\n{} a comment\r\n{}\n", one.public_key(), certificate(3, 1, "id"));
    let list = RevocationList::parse(text.as_bytes()).unwrap();
    assert!(list.revokes(one.public_key()) && !list.revokes(other.public_key()));
    assert!(list.revokes(key(9).public_key()), "the key of the certificate");
    let error = RevocationList::parse(b"# fine\nno key at all\n").unwrap_err();
    assert!(matches!(error, RevocationListError::Line { line: 2, .. }), "{error}");
    let empty = RevocationList::parse(&[b'\n'; 100]).unwrap();
    assert!(!empty.revokes(one.public_key()));
}
