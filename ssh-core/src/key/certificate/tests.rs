use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::crypto::signature::{self, SecurityKeyUse};
use crate::key::{KeyAlgorithm, KeyError, PrivateKey, RevocationList};
use crate::random::ChaChaRandom;
use crate::wire::Writer;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn random() -> ChaChaRandom {
    ChaChaRandom::from_seed(&[3; 32])
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::Ed25519, &mut ChaChaRandom::from_seed(&[seed; 32])).unwrap()
}

fn authority() -> PrivateKey {
    key(1)
}

fn hour() -> core::ops::Range<UnixTime> {
    NOW..NOW.saturating_add(Duration::from_secs(3600))
}

fn user() -> CertificateBuilder {
    CertificateBuilder::user(key(2).public_key(), "id", hour()).principal("alice").principal("root")
}

fn host() -> CertificateBuilder {
    CertificateBuilder::host(key(2).public_key(), "id", hour()).principal("*.example.com").principal("192.0.2.1")
}

fn issue(builder: CertificateBuilder) -> Certificate {
    builder.sign(&authority(), &mut random()).unwrap().certificate().unwrap()
}

fn authorities() -> [PublicKey; 1] {
    [authority().public_key().clone()]
}

#[test]
fn what_is_issued_is_what_was_asked_for() {
    let builder = user().serial(7).force_command("date").source_address("192.0.2.0/24").permit_all();
    let key = builder.sign(&authority(), &mut random()).unwrap();
    assert_eq!(key.key_type(), "ssh-ed25519-cert-v01@openssh.com");
    assert_eq!((key.plain().key_type(), key.bits()), ("ssh-ed25519", Some(256)));
    assert_eq!(*key.plain(), *self::key(2).public_key());
    let certificate = key.certificate().unwrap();
    assert_eq!(*certificate.certified_key(), *key.plain());
    assert_eq!((certificate.serial(), certificate.key_id(), certificate.kind()), (7, "id", CertificateKind::User));
    assert_eq!(certificate.principals(), ["alice", "root"]);
    assert_eq!(certificate.valid_after()..certificate.valid_before(), hour());
    assert_eq!(certificate.critical_option("force-command").unwrap().value(), Some("date"));
    let extensions: Vec<_> = certificate.extensions().iter().map(|option| &option.name[..]).collect();
    let all = ["permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-pty"];
    assert_eq!(extensions, [&all[..], &["permit-user-rc"]].concat());
    assert_eq!(certificate.signature_key(), authority().public_key());
    assert_eq!(certificate.signature_algorithm(), "ssh-ed25519");
    assert!(authority().public_key().certificate().is_none());
}

/// Every type of key can be certified, and can certify, unless it is weak.
#[test]
fn all_types_of_keys() {
    let mut random = random();
    let kinds = [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::EcdsaNistp256,
        KeyAlgorithm::EcdsaNistp384,
        KeyAlgorithm::EcdsaNistp521,
        #[cfg(feature = "rsa")]
        KeyAlgorithm::Rsa { bits: 2048 },
        #[cfg(feature = "pq")]
        KeyAlgorithm::MlDsa44Ed25519,
        #[cfg(feature = "pq")]
        KeyAlgorithm::MlDsa44Ed25519OpenSsh,
    ];
    for kind in kinds {
        let key = PrivateKey::generate(kind, &mut random).unwrap();
        let certified = CertificateBuilder::user(key.public_key(), "id", hour()).principal("alice");
        let certified = certified.sign(&key, &mut random).unwrap();
        assert_eq!(*certified.plain(), *key.public_key());
        for algorithm in certified.signature_algorithms() {
            let signature = key.sign(algorithm, b"message", &mut random).unwrap();
            let algorithm = signature::by_name(algorithm).unwrap();
            assert_eq!(algorithm.verify(certified.blob(), b"message", &signature).map(drop), Ok(()), "{algorithm:?}");
            assert!(algorithm.verify(certified.blob(), b"massage", &signature).is_err());
            assert!(algorithm.verify(key.public_key().blob(), b"message", &signature).is_err());
        }
    }
}

#[cfg(feature = "legacy")]
#[test]
fn a_weak_key_is_no_authority() {
    let dsa = PrivateKey::generate(KeyAlgorithm::Dsa, &mut random()).unwrap();
    let error = user().sign(&dsa, &mut random()).unwrap_err();
    assert_eq!(error, IssueError::Authority { key_type: "ssh-dss".into() });
    // Signed all the same, by somebody who does not care.
    let forced = user().to_sign(authority().public_key(), &mut random()).unwrap();
    let ending = [&string(authority().public_key().blob())[..]].concat();
    let head = &forced.data()[..forced.data().len() - ending.len()];
    let signed = [head, &string(dsa.public_key().blob())].concat();
    let signature = dsa.sign("ssh-dss", &signed, &mut random()).unwrap();
    let blob = [signed, string(&signature)].concat();
    assert_eq!(PublicKey::from_blob(&blob), Err(KeyError::Authority));
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::new(&mut out).string(bytes);
    out
}

/// Whatever is changed, the authority did not sign it.
#[test]
fn every_bit_is_signed() {
    let key = user().permit_all().sign(&authority(), &mut random()).unwrap();
    for at in 0..key.blob().len() {
        let mut changed = key.blob().to_vec();
        changed[at] ^= 1;
        let taken = PublicKey::from_blob(&changed).ok().and_then(|key| key.certificate());
        assert!(taken.is_none(), "byte {at}");
    }
    for length in 0..key.blob().len() {
        let taken = PublicKey::from_blob(&key.blob()[..length]).ok().and_then(|key| key.certificate());
        assert!(taken.is_none(), "{length} bytes");
    }
    let longer = [key.blob(), &[0]].concat();
    assert!(PublicKey::from_blob(&longer).is_err());
}

#[test]
fn the_signature_is_the_authoritys() {
    let to_sign = user().to_sign(authority().public_key(), &mut random()).unwrap();
    let signature = key(9).sign(to_sign.algorithm(), to_sign.data(), &mut random()).unwrap();
    assert_eq!(to_sign.clone().finish(&signature), Err(IssueError::Malformed(KeyError::Authority)));
    let signature = authority().sign(to_sign.algorithm(), to_sign.data(), &mut random()).unwrap();
    assert!(to_sign.finish(&signature).is_ok());
}

/// A certificate certifies a key and no certificate, and is signed by a key and by no certificate.
#[test]
fn certificates_do_not_nest() {
    let key = user().sign(&authority(), &mut random()).unwrap();
    let nested = CertificateBuilder::user(&key, "id", hour()).principal("alice").sign(&authority(), &mut random());
    assert_eq!(nested, Err(IssueError::Key { key_type: key.key_type().into() }));
    let by_certificate = user().to_sign(&key, &mut random()).map(drop);
    assert_eq!(by_certificate, Err(IssueError::Authority { key_type: key.key_type().into() }));
}

#[test]
fn a_user_is_let_in() {
    let certificate = issue(user().extension("permit-pty").extension("permit-user-rc").force_command("date"));
    let trusted = authorities();
    for name in ["alice", "root"] {
        let grant = certificate.check(&CertificateCheck::user(name, NOW, &trusted)).unwrap();
        let expected = CertificateGrant {
            force_command: Some("date".into()),
            pty: true,
            user_rc: true,
            ..CertificateGrant::default()
        };
        assert_eq!(grant, expected);
    }
}

#[test]
fn a_host_is_what_it_claims() {
    let (certificate, trusted) = (issue(host()), authorities());
    for name in ["a.example.com", "A.EXAMPLE.COM", "a.b.example.com", "192.0.2.1"] {
        assert!(certificate.check(&CertificateCheck::host(name, NOW, &trusted)).is_ok(), "{name}");
    }
    for name in ["example.com", "a.example.com.", "example.org", "*.example.org", "192.0.2.2", ""] {
        let error = certificate.check(&CertificateCheck::host(name, NOW, &trusted)).unwrap_err();
        assert_eq!(error, CertificateError::Principal { principal: name.into() });
    }
}

/// For users a star is a star.
#[test]
fn users_are_no_patterns() {
    let certificate = issue(CertificateBuilder::user(key(2).public_key(), "id", hour()).principal("*"));
    let trusted = authorities();
    assert!(certificate.check(&CertificateCheck::user("alice", NOW, &trusted)).is_err());
    assert!(certificate.check(&CertificateCheck::user("*", NOW, &trusted)).is_ok());
}

#[test]
fn bad_certificates() {
    let trusted = authorities();
    let check = CertificateCheck::user("alice", NOW, &trusted);
    let refused = |builder: CertificateBuilder, check: &CertificateCheck<'_>| issue(builder).check(check).unwrap_err();
    let second = Duration::from_secs(1);
    let before = UnixTime::from_secs(NOW.as_secs() - 1);
    assert_eq!(
        refused(user(), &CertificateCheck::user("alice", before, &trusted)),
        CertificateError::NotYetValid { valid_after: NOW }
    );
    assert_eq!(
        refused(user(), &CertificateCheck::user("alice", hour().end, &trusted)),
        CertificateError::Expired { valid_before: hour().end }
    );
    let empty = CertificateBuilder::user(key(2).public_key(), "id", NOW.saturating_add(second)..NOW).principal("alice");
    assert!(issue(empty).check(&check).is_err());
    let always = CertificateBuilder::user(key(2).public_key(), "id", UnixTime::ALWAYS..UnixTime::FOREVER);
    assert!(issue(always.principal("alice")).check(&check).is_ok());
    assert_eq!(
        refused(user(), &CertificateCheck::user("bob", NOW, &trusted)),
        CertificateError::Principal { principal: "bob".into() }
    );
    assert_eq!(refused(host(), &check), CertificateError::Kind { kind: CertificateKind::Host });
    let host_check = CertificateCheck::host("alice", NOW, &trusted);
    assert_eq!(refused(user(), &host_check), CertificateError::Kind { kind: CertificateKind::User });
    let others = [key(9).public_key().clone()];
    let unknown = refused(user(), &CertificateCheck::user("alice", NOW, &others));
    assert!(matches!(unknown, CertificateError::UnknownAuthority { .. }), "{unknown}");
    let name = CertificateError::UnknownCriticalOption { name: "x@example.com".into() };
    assert_eq!(refused(user().critical_option("x@example.com", b""), &check), name);
    let host_option = refused(host().force_command("date"), &CertificateCheck::host("a.example.com", NOW, &trusted));
    assert_eq!(host_option, CertificateError::UnknownCriticalOption { name: "force-command".into() });
    for option in ["force-command", "source-address"] {
        let malformed = CertificateError::MalformedOption { name: option.into() };
        assert_eq!(refused(user().critical_option(option, b"\0\0"), &check), malformed);
    }
    let malformed = CertificateError::MalformedOption { name: "verify-required".into() };
    assert_eq!(refused(user().critical_option("verify-required", b"\0\0\0\0"), &check), malformed);
}

#[test]
fn bound_to_addresses() {
    let trusted = authorities();
    let certificate = issue(user().source_address("192.0.2.0/24"));
    let check = CertificateCheck::user("alice", NOW, &trusted);
    assert!(certificate.check(&check.clone().from("192.0.2.9".parse().unwrap())).is_ok());
    let stranger = "198.51.100.1".parse().unwrap();
    let error = certificate.check(&check.clone().from(stranger)).unwrap_err();
    assert_eq!(error, CertificateError::SourceAddress { source: Some(stranger) });
    assert_eq!(certificate.check(&check), Err(CertificateError::SourceAddress { source: None }));
    let malformed = issue(user().source_address("here")).check(&check.from(stranger));
    assert_eq!(malformed, Err(CertificateError::MalformedOption { name: "source-address".into() }));
}

#[test]
fn touch_and_verification() {
    let trusted = authorities();
    let used = |user_present, user_verified| Some(SecurityKeyUse { user_present, user_verified, counter: 1 });
    let check = |certificate: &Certificate, used| {
        certificate.check(&CertificateCheck::user("alice", NOW, &trusted).security_key(used)).map(drop)
    };
    let plain = issue(user());
    assert_eq!(check(&plain, None), Ok(()));
    assert_eq!(check(&plain, used(true, false)), Ok(()));
    assert_eq!(check(&plain, used(false, true)), Err(CertificateError::TouchRequired));
    let untouched = issue(user().extension("no-touch-required"));
    assert_eq!(check(&untouched, used(false, false)), Ok(()));
    let verified = issue(user().verify_required());
    assert_eq!(check(&verified, used(true, true)), Ok(()));
    assert_eq!(check(&verified, used(true, false)), Err(CertificateError::VerificationRequired));
    assert_eq!(check(&verified, None), Err(CertificateError::VerificationRequired));
}

#[test]
fn revoked() {
    let trusted = authorities();
    let certificate = issue(user());
    for revoked in [key(2), authority()] {
        let mut list = RevocationList::default();
        let check = CertificateCheck::user("alice", NOW, &trusted);
        assert!(certificate.check(&check.clone().revoked(&list)).is_ok());
        list.revoke(revoked.public_key());
        assert_eq!(certificate.check(&check.revoked(&list)), Err(CertificateError::Revoked));
    }
}

/// Text of the certificate that its authority should not have signed is refused before anybody reads it.
#[test]
fn malformed_content() {
    let parts = |kind: u32, key_id: &[u8], principals: &[u8], critical: &[u8], extensions: &[u8]| {
        let authority = authority();
        let mut signed = string(b"ssh-ed25519-cert-v01@openssh.com");
        let mut writer = Writer::new(&mut signed);
        writer.string(&[0; 32]);
        writer.string(&key(2).public_key().blob()[19..]);
        writer.uint64(1);
        writer.uint32(kind);
        writer.string(key_id);
        writer.string(principals);
        writer.uint64(0);
        writer.uint64(u64::MAX);
        [critical, extensions, b"", authority.public_key().blob()].iter().for_each(|field| writer.string(field));
        let signature = authority.sign("ssh-ed25519", &signed, &mut random()).unwrap();
        PublicKey::from_blob(&[signed, string(&signature)].concat()).map(|key| key.certificate().is_some())
    };
    let alice = string(b"alice");
    let option = |name: &[u8]| [string(name), string(b"")].concat();
    assert_eq!(parts(1, b"id", &alice, &option(b"a"), &option(b"b")), Ok(true));
    let malformed = |error| Err(KeyError::Malformed(error));
    let invalid = malformed(DecodeError::InvalidValue);
    for kind in [0, 3, u32::MAX] {
        assert_eq!(parts(kind, b"id", &alice, b"", b""), invalid);
    }
    assert_eq!(parts(1, b"\xff", &alice, b"", b""), invalid);
    assert_eq!(parts(1, b"id", &string(b"\xff"), b"", b""), invalid);
    assert_eq!(parts(1, b"id", &alice, &[option(b"b"), option(b"a")].concat(), b""), invalid);
    assert_eq!(parts(1, b"id", &alice, b"", &[option(b"a"), option(b"a")].concat()), invalid);
    assert_eq!(parts(1, b"id", &alice.repeat(Certificate::MAX_PRINCIPALS), b"", b""), Ok(true));
    let many = alice.repeat(Certificate::MAX_PRINCIPALS + 1);
    assert_eq!(parts(1, b"id", &many, b"", b""), malformed(DecodeError::TooMany));
    assert_eq!(parts(1, b"id", &alice[..7], b"", b""), malformed(DecodeError::Truncated));
    assert_eq!(parts(1, b"id", b"", b"", b""), Ok(true));
}

#[test]
fn for_nobody() {
    let nobody = CertificateBuilder::user(key(2).public_key(), "id", hour());
    assert_eq!(nobody.sign(&authority(), &mut random()), Err(IssueError::Principals { count: 0 }));
    let crowd = (0..=Certificate::MAX_PRINCIPALS).fold(user(), |builder, _| builder.principal("x"));
    let error = crowd.sign(&authority(), &mut random()).unwrap_err();
    assert_eq!(error, IssueError::Principals { count: Certificate::MAX_PRINCIPALS + 3 });
}

#[test]
fn messages_say_what_to_do() {
    let trusted = authorities();
    let check = CertificateCheck::user("alice", hour().end, &trusted);
    let error = issue(user()).check(&check).unwrap_err();
    assert_eq!(error.to_string(), "the certificate expired at 2027-01-15T09:00:00Z; ask for a new one");
}
