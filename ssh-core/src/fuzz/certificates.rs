//! Certificates, and lists of what is revoked.

use alloc::{format, string::ToString, vec::Vec};
use core::net::Ipv4Addr;
use core::time::Duration;

use super::fake::random;
use super::handshake::host_key;
use super::input::Input;
use crate::crypto::signature::SecurityKeyUse;
use crate::key::{
    Certificate, CertificateBuilder, CertificateCheck, CertificateKind, IssueError, PublicKey, RevocationList,
};
use crate::time::UnixTime;
use crate::wire::Writer;

const MAX_INPUT: usize = 6 * 1024;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// Certificates: any blob, and any content that an authority of ours signs.
pub fn certificates(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    let any_blob = input.byte().is_multiple_of(2);
    let blob = if any_blob { input.rest().to_vec() } else { signed(input) };
    match PublicKey::from_blob(&blob) {
        Ok(key) => {
            if let Some(certificate) = key.certificate() {
                check_reading(&key, &certificate);
                check_verdicts(&certificate);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A certificate for a key of ours by the same key (OpenSSH's `PROTOCOL.certkeys`), with the input's content.
fn signed(mut input: Input<'_>) -> Vec<u8> {
    let authority = host_key();
    let blob = authority.public_key().blob();
    let mut signed = Vec::new();
    let mut writer = Writer::new(&mut signed);
    writer.string(b"ssh-ed25519-cert-v01@openssh.com");
    writer.string(b"nonce");
    // The key's one field with its length.
    writer.bytes(&blob[blob.len() - 4 - 32..]);
    writer.uint64(input.number() as u64);
    writer.uint32(u32::from(input.byte()));
    writer.string(input.piece());
    writer.string(input.piece());
    // An hour around now at the most, or for ever.
    let seconds = |byte: u8| if byte == 0xff { u64::MAX } else { NOW.as_secs() - 128 + u64::from(byte) };
    writer.uint64(seconds(input.byte()));
    writer.uint64(seconds(input.byte()));
    for _ in 0..3 {
        writer.string(input.piece());
    }
    writer.string(blob);
    let signature = authority.sign("ssh-ed25519", &signed, &mut random(1)).expect("signs");
    Writer::new(&mut signed).string(&signature);
    signed
}

/// What is read can be written, and is read again as the same.
fn check_reading(key: &PublicKey, certificate: &Certificate) {
    assert_eq!(key.plain().as_ref(), certificate.certified_key());
    assert!(certificate.certified_key().certificate().is_none() && certificate.signature_key().certificate().is_none());
    let validity = certificate.valid_after()..certificate.valid_before();
    let builder = match certificate.kind() {
        CertificateKind::User => CertificateBuilder::user,
        CertificateKind::Host => CertificateBuilder::host,
    };
    let mut builder = builder(certificate.certified_key(), certificate.key_id(), validity).serial(certificate.serial());
    for principal in certificate.principals() {
        builder = builder.principal(principal);
    }
    for option in certificate.critical_options() {
        builder = builder.critical_option(&option.name, &option.data);
    }
    for extension in certificate.extensions() {
        builder = builder.extension_with_data(&extension.name, &extension.data);
    }
    match builder.sign(&host_key(), &mut random(1)) {
        Ok(again) => {
            let again = again.certificate().expect("it is one");
            let same_authority = again.signature_key() == certificate.signature_key();
            // But for the authority, which may be somebody else.
            assert_eq!(again == *certificate, same_authority, "{certificate:?} was written as {again:?}");
        }
        Err(error) => {
            assert_eq!(error, IssueError::Principals { count: 0 });
            assert!(certificate.principals().is_empty());
        }
    }
}

/// A certificate grants something to those it names alone, while it is valid, and not once it is revoked.
fn check_verdicts(certificate: &Certificate) {
    let authorities = [certificate.signature_key().clone()];
    let first = certificate.principals().first().cloned().unwrap_or_default();
    let source = Ipv4Addr::new(192, 0, 2, 1).into();
    let used = SecurityKeyUse::new(false, true, 1);
    for check in [
        CertificateCheck::user(&first, NOW, &authorities),
        CertificateCheck::user(&first, NOW, &authorities).from(source),
        CertificateCheck::user(&first, NOW, &authorities).from(source).security_key(Some(used)),
        CertificateCheck::user("alice", NOW, &authorities).from(source),
        CertificateCheck::host("host.example.com", NOW, &authorities),
    ] {
        match certificate.check(&check) {
            Ok(grant) => {
                assert!(!certificate.principals().is_empty());
                assert!((certificate.valid_after()..certificate.valid_before()).contains(&NOW));
                assert!(grant.force_command.is_none() || certificate.critical_option("force-command").is_some());
                let of_user = certificate.kind() == CertificateKind::User;
                assert_eq!(grant.pty, of_user && certificate.has_extension("permit-pty"));
                check_withdrawal(certificate, &check);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// What is good is so no longer for another authority, after it expired, or once the key or the authority is revoked.
fn check_withdrawal(certificate: &Certificate, check: &CertificateCheck<'_>) {
    assert!(certificate.check(&check.clone().authorities(&[])).is_err());
    for key in [certificate.certified_key(), certificate.signature_key()] {
        let mut list = RevocationList::default();
        list.revoke(key);
        assert!(certificate.check(&check.clone().revoked(&list)).is_err());
    }
    assert!(certificate.check(&check.clone().principal("nobody-has-this-name")).is_err() || has_wildcard(certificate));
}

/// A host's name may be a pattern.
fn has_wildcard(certificate: &Certificate) -> bool {
    let for_nobody = |name: &&str| name.contains(['*', '?']) || name.eq_ignore_ascii_case("nobody-has-this-name");
    certificate.principals().iter().any(|name| for_nobody(&name.as_str()))
}

/// Lists of what is revoked, in either form.
pub fn revocation_lists(data: &[u8]) {
    let bytes = Input::new(data, MAX_INPUT).rest();
    let list = match RevocationList::parse(bytes) {
        Ok(list) => list,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let key = host_key();
    let day = NOW..NOW.saturating_add(Duration::from_secs(24 * 60 * 60));
    for serial in [0, 1, 5, u64::MAX] {
        let builder = CertificateBuilder::user(key.public_key(), &format!("key-{serial}"), day.clone());
        let certified = builder.serial(serial).principal("alice").sign(&key, &mut random(1)).expect("a certificate");
        let certificate = certified.certificate().expect("it is one");
        let revoked = list.revokes(&certified);
        assert_eq!(revoked, list.revokes_certificate(&certificate));
        assert!(revoked || !list.revokes(key.public_key()), "a certificate outlives its key");
        let authorities = [key.public_key().clone()];
        let check = CertificateCheck::user("alice", NOW, &authorities).revoked(&list);
        assert_eq!(certificate.check(&check).is_err(), revoked);
    }
    let mut more = list.clone();
    more.revoke(key.public_key());
    assert!(more.revokes(key.public_key()));
}
