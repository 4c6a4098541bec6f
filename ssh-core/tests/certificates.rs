//! Certificates, key revocation lists and signatures of security keys as OpenSSH 9.2 and 10.6 make and judge them.

use std::collections::{BTreeMap, BTreeSet};

use ssh_core::UnixTime;
use ssh_core::crypto::signature::{self, SecurityKeyUse};
use ssh_core::files::authorized_keys::AuthorizedKeys;
use ssh_core::key::{
    Certificate, CertificateCheck, CertificateError, CertificateKind, FingerprintHash, KeyError, PublicKey,
    PublicKeyLine, RevocationList,
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// The lines `name key` of a file.
fn keys(text: &str) -> BTreeMap<&str, Result<PublicKey, KeyError>> {
    let lines = text.lines().map(|line| line.split_once(' ').expect("a name and a key"));
    lines.map(|(name, line)| (name, PublicKeyLine::parse(line.as_bytes()).map(|line| line.key))).collect()
}

fn certificates() -> BTreeMap<&'static str, Result<PublicKey, KeyError>> {
    keys(include_str!("data/certificates/keys.txt"))
}

/// What a certificate is refused for.
fn refusal(key: &PublicKey, check: &CertificateCheck<'_>) -> Option<&'static str> {
    let error = key.certificate().expect("a certificate").check(check).err()?;
    Some(match error {
        CertificateError::UnknownAuthority { .. } => "authority",
        CertificateError::Kind { .. } => "kind",
        CertificateError::NotYetValid { .. } => "not yet",
        CertificateError::Expired { .. } => "expired",
        CertificateError::Principal { .. } => "principal",
        CertificateError::UnknownCriticalOption { .. } => "critical option",
        CertificateError::SourceAddress { .. } => "source",
        CertificateError::VerificationRequired => "verification",
        other => panic!("{other}"),
    })
}

/// Root logs in from 127.0.0.1. Everything else is good.
const BAD_FOR_ROOT: &[(&str, &str)] = &[
    ("host-as-user-cert", "kind"),
    ("opt-no-principals-cert", "principal"),
    ("opt-other-principal-cert", "principal"),
    ("opt-sk-verify-required-cert", "verification"),
    ("opt-source-elsewhere-cert", "source"),
    ("opt-unknown-critical-cert", "critical option"),
    // OpenSSH accepts it: to it the option is about security keys alone, and this is none.
    ("opt-verify-required-cert", "verification"),
    ("other-ca-cert", "authority"),
    ("time-expired-cert", "expired"),
    ("time-future-cert", "not yet"),
    ("user-as-host-cert", "principal"),
];

#[test]
fn user_certificates_of_ssh_keygen() {
    let certificates = certificates();
    let authorities = ["ca", "ca-rsa", "ca-ecdsa", "ca-mldsa"].map(|name| certificates[name].clone().unwrap());
    let check = CertificateCheck::user("root", NOW, &authorities).from("127.0.0.1".parse().unwrap());
    let bad: BTreeMap<_, _> = BAD_FOR_ROOT.iter().copied().collect();
    let mut seen = 0;
    for (name, key) in certificates.iter().filter(|(name, _)| name.ends_with("-cert") && !name.starts_with("host-")) {
        seen += 1;
        match (*name, key) {
            // OpenSSH accepts it if the algorithm is allowed.
            ("ca-ssh-rsa-cert", key) => assert_eq!(*key, Err(KeyError::Authority)),
            (name, Ok(key)) if key.certificate().is_some() => {
                assert_eq!(refusal(key, &check), bad.get(name).copied(), "{name}");
            }
            (name, Ok(key)) => assert!(signature::ALL.iter().all(|each| each.key_type() != key.key_type()), "{name}"),
            (name, Err(error)) => panic!("{name}: {error}"),
        }
    }
    assert_eq!(seen, 36);
}

#[test]
fn host_certificates_of_ssh_keygen() {
    let certificates = certificates();
    let authorities = [certificates["ca"].clone().unwrap()];
    let bad = BTreeMap::from([
        ("host-expired-cert", "expired"),
        ("host-no-names-cert", "principal"),
        ("host-wrong-name-cert", "principal"),
        ("host-as-user-cert", "principal"),
        ("user-as-host-cert", "kind"),
    ]);
    for (name, key) in
        certificates.iter().filter(|(name, _)| name.starts_with("host-") || **name == "user-as-host-cert")
    {
        let key = key.as_ref().unwrap();
        if key.certificate().is_some() {
            let check = CertificateCheck::host("127.0.0.1", NOW, &authorities);
            assert_eq!(refusal(key, &check), bad.get(name).copied(), "{name}");
        }
    }
}

/// What they grant, and what their authority wrote into them.
#[test]
fn content() {
    let certificates = certificates();
    let certificate = |name: &str| certificates[name].clone().unwrap().certificate().unwrap();
    let authorities = [certificates["ca"].clone().unwrap()];
    let grant = |name| {
        let check = CertificateCheck::user("root", NOW, &authorities).from("127.0.0.1".parse().unwrap());
        certificate(name).check(&check).unwrap()
    };
    let forced = grant("opt-force-command-cert");
    assert_eq!(forced.force_command.as_deref(), Some("echo forced \"$SSH_ORIGINAL_COMMAND\""));
    assert!(forced.pty && forced.user_rc && forced.x11_forwarding && forced.agent_forwarding);
    let none = grant("opt-no-extensions-cert");
    assert!(!none.pty && !none.port_forwarding && none.force_command.is_none());
    assert_eq!(grant("opt-force-and-source-cert").force_command.as_deref(), Some("/bin/true"));
    let many = certificate("opt-many-principals-cert");
    assert_eq!((many.principals().len(), &many.principals()[100][..]), (101, "root"));
    assert_eq!(certificate("serial-max-cert").serial(), u64::MAX);
    assert_eq!(certificate("serial-0-cert").key_id(), "id with spaces, \"quotes\" and é");
    // `ssh-keygen -l` says so.
    let fingerprint = certificates["user-ed25519-cert"].clone().unwrap().fingerprint(FingerprintHash::Sha256);
    assert_eq!(fingerprint.to_string(), "SHA256:XIydEByWD0a9CHs+wFaE4j/FMaz1gqDOaFttukPds8k");
    let host = certificate("host-ed25519-cert");
    assert_eq!(
        (host.kind(), host.principals()),
        (CertificateKind::Host, &["localhost".into(), "127.0.0.1".into()][..])
    );
    assert_eq!(host.valid_after().to_string(), "2020-01-01T00:00:00Z");
    assert_eq!(certificate("serial-0-cert").valid_before(), UnixTime::FOREVER);
}

/// Each list revokes exactly what OpenSSH says it does.
#[test]
fn key_revocation_lists_of_ssh_keygen() {
    let keys = keys(include_str!("data/krl/keys.txt"));
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/krl");
    let mut seen = 0;
    for line in include_str!("data/krl/expected.txt").lines() {
        let (name, expected) = line.split_once(':').unwrap();
        let list = RevocationList::parse(&std::fs::read(format!("{directory}/{name}.krl")).unwrap()).unwrap();
        let expected: BTreeSet<&str> = expected.split_whitespace().collect();
        let revoked = keys.iter().filter(|(_, key)| list.revokes(key.as_ref().unwrap()));
        assert_eq!(revoked.map(|(name, _)| *name).collect::<BTreeSet<_>>(), expected, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 23);
}

/// Every bit of them matters: to whom they belong, to what was signed, or to the form.
#[test]
fn signatures_that_sshd_accepted() {
    let text = include_str!("data/security_keys/accepted.txt");
    let fields = |name| text.lines().filter_map(move |line| line.strip_prefix(name));
    let mut seen = 0;
    for (((algorithm, key), data), signature) in
        fields("algorithm ").zip(fields("public ")).zip(fields("data ")).zip(fields("signature "))
    {
        let algorithm = signature::ALL.iter().find(|each| each.name() == algorithm).unwrap();
        let [key, data, signature] = [key, data, signature].map(unhex);
        let used = algorithm.verify(&key, &data, &signature).unwrap().security_key.unwrap();
        assert!(used.user_present);
        assert!(PublicKey::from_blob(&key).is_ok());
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 4;
            assert!(algorithm.verify(&key, &data, &changed).is_err(), "byte {at}");
        }
        seen += 1;
    }
    assert_eq!(seen, 7);
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

mod common;

use std::time::Duration;

use common::{Pair, Setup, key, random};
use ssh_core::key::{CertificateBuilder, KeyAlgorithm};
use ssh_core::{AuthAnswer, AuthMethod, ClientEvent, Credential, HostKeyAnswer, ServerEvent};

fn hour() -> std::ops::Range<UnixTime> {
    NOW..NOW.saturating_add(Duration::from_secs(3600))
}

/// A host and a user with certificates by one authority, of every kind of key.
#[test]
fn both_sides_show_certificates() {
    let kinds = [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::EcdsaNistp256,
        KeyAlgorithm::EcdsaNistp384,
        KeyAlgorithm::EcdsaNistp521,
        #[cfg(feature = "rsa")]
        KeyAlgorithm::Rsa { bits: 2048 },
    ];
    let authority = key(KeyAlgorithm::Ed25519, 50);
    let trusted = [authority.public_key().clone()];
    for kind in kinds {
        let (host, user) = (key(kind, 60), key(kind, 61));
        let host_certificate = CertificateBuilder::host(host.public_key(), "host", hour()).principal("example.com");
        let host_certificate = host_certificate.sign(&authority, &mut random(1)).unwrap();
        let user_certificate = CertificateBuilder::user(user.public_key(), "user", hour()).principal("user");
        let user_certificate = user_certificate.sign(&authority, &mut random(1)).unwrap();
        let mut setup = Setup::new(1).configure(|_, server| server.host_keys = vec![host_certificate.clone()]);
        setup.host_keys = vec![host];
        let mut pair = setup.build();
        let ClientEvent::HostKey(request) = pair.client_event() else { panic!("the host key comes first") };
        assert_eq!(request.key, host_certificate);
        let check = CertificateCheck::host("example.com", NOW, &trusted);
        assert!(request.key.certificate().unwrap().check(&check).is_ok());
        pair.client.answer_host_key(request, HostKeyAnswer::Accept).unwrap();
        pair.expect_auth_needed();
        log_in_with(&mut pair, &user_certificate, &user);
    }
}

fn log_in_with(pair: &mut Pair, certificate: &PublicKey, user: &ssh_core::key::PrivateKey) {
    pair.client.authenticate("user", AuthMethod::PublicKey(certificate.clone())).unwrap();
    let ServerEvent::KeyOffer(offer) = pair.server_event() else { panic!("an offer comes first") };
    assert_eq!(offer.key, *certificate);
    pair.server.answer_key_offer(offer, true).unwrap();
    let ClientEvent::Sign(request) = pair.client_event() else { panic!("the offer was accepted") };
    assert_eq!((&*request.key.plain(), &request.key), (user.public_key(), certificate));
    assert!(request.algorithm.ends_with("-cert-v01@openssh.com"));
    let signature = user.sign(request.algorithm, &request.data, &mut random(2)).unwrap();
    pair.client.answer_signature(request, Some(&signature)).unwrap();
    let ServerEvent::Auth(request) = pair.server_event() else { panic!("the key is proven") };
    let Credential::PublicKey { key, algorithm, security_key: None, .. } = &request.credential else {
        panic!("{request:?}")
    };
    assert_eq!(key, certificate);
    assert!(algorithm.ends_with("-cert-v01@openssh.com"));
    pair.server.answer_auth(request, AuthAnswer::Accept).unwrap();
    assert!(
        matches!(pair.server_event(), ServerEvent::Authenticated(identity) if identity.keys == [certificate.clone()])
    );
    assert!(matches!(pair.client_event(), ClientEvent::Authenticated("publickey")));
}

/// What a line demands of a security key, no certificate by its authority can waive; nor can the line waive what the
/// certificate demands.
#[test]
fn lines_and_certificates_narrow_each_other() {
    let authority = key(KeyAlgorithm::Ed25519, 50);
    let issue = |change: fn(CertificateBuilder) -> CertificateBuilder| {
        let builder = CertificateBuilder::user(key(KeyAlgorithm::Ed25519, 61).public_key(), "id", hour());
        change(builder.principal("user")).sign(&authority, &mut random(1)).unwrap().certificate().unwrap()
    };
    let (plain, waives) = (issue(|builder| builder), issue(|builder| builder.extension("no-touch-required")));
    let result = |options: &str, certificate: &Certificate, user_present, user_verified| {
        let file = AuthorizedKeys::parse(format!("cert-authority{options} {}", authority.public_key()).as_bytes());
        let used = Some(SecurityKeyUse::new(user_present, user_verified, 1));
        let check = CertificateCheck::user("user", NOW, &[]).security_key(used);
        file.keys()[0].check_certificate(certificate, check).map(drop)
    };
    let untouched = Err(CertificateError::TouchRequired);
    assert_eq!(result("", &plain, true, false), Ok(()));
    assert_eq!(result("", &waives, false, false), untouched);
    assert_eq!(result(",no-touch-required", &plain, false, false), untouched);
    assert_eq!(result(",no-touch-required", &waives, false, false), Ok(()));
    assert_eq!(result(",verify-required", &plain, true, false), Err(CertificateError::VerificationRequired));
    assert_eq!(result(",verify-required", &plain, true, true), Ok(()));
}
