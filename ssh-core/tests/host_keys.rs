//! Whom to trust: every strictness against everything the known hosts can say about a key.

mod common;

use common::{key, random};
use ssh_core::UnixTime;
use ssh_core::files::known_hosts::{HostKeyVerdict, KnownHosts};
use ssh_core::key::{CertificateBuilder, CertificateError, FingerprintHash, KeyAlgorithm, PublicKey, RevocationList};
use ssh_core::login::{
    HostKeyDecision, StrictHostKeyChecking, judge_host_key, judge_host_key_and_address, refuse_revoked,
};

use StrictHostKeyChecking::{AcceptNew, Ask, InsecureNo, Yes};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

const MODES: [StrictHostKeyChecking; 4] = [Yes, Ask, AcceptNew, InsecureNo];

/// The key that the server shows.
fn shown() -> PublicKey {
    key(KeyAlgorithm::Ed25519, 1).public_key().clone()
}

/// A line about `host` and the key of this kind.
fn line(host: &str, kind: KeyAlgorithm, seed: u64) -> String {
    KnownHosts::format_entry(host, 22, key(kind, seed).public_key(), None).unwrap()
}

fn known() -> String {
    line("host", KeyAlgorithm::Ed25519, 1)
}

fn changed() -> String {
    line("host", KeyAlgorithm::Ed25519, 2)
}

fn other_type() -> String {
    line("host", KeyAlgorithm::EcdsaNistp256, 3)
}

fn revoked() -> String {
    format!("@revoked {}", known())
}

/// The decision about [`shown`] with these files, `first` and `second`.
fn judge(mode: StrictHostKeyChecking, texts: [&str; 2]) -> HostKeyDecision {
    let [first, second] = texts.map(|text| KnownHosts::parse(text.as_bytes()));
    assert!(first.skipped().is_empty() && second.skipped().is_empty());
    judge_host_key(mode, [("first", &first), ("second", &second)], "host", 22, &shown(), NOW)
}

fn refusal(decision: HostKeyDecision) -> String {
    match decision {
        HostKeyDecision::Refuse(text) => text,
        other => panic!("not refused: {other:?}"),
    }
}

/// The strictest verdict of all files counts, whichever comes first: revoked, trusted, changed, unknown.
#[test]
fn the_strictest_file_counts() {
    let unrelated = line("elsewhere", KeyAlgorithm::Ed25519, 1);
    for mode in MODES {
        for rest in [String::new(), unrelated.clone(), changed(), other_type(), known()] {
            for texts in [[revoked(), rest.clone()], [rest.clone(), revoked()]] {
                let text = refusal(judge(mode, [&texts[0], &texts[1]]));
                assert!(text.contains("is revoked in"), "{mode:?}: {text}");
            }
            for texts in [[known(), rest.clone()], [rest.clone(), known()]] {
                assert_eq!(judge(mode, [&texts[0], &texts[1]]), HostKeyDecision::Accept, "{mode:?} {texts:?}");
            }
        }
    }
}

/// A changed key is never taken in silence, nor is a key of another type than the known ones, which somebody in between
/// who lacks those would show.
#[test]
fn a_changed_key_is_refused_or_at_least_told() {
    let fingerprint = shown().fingerprint(FingerprintHash::Sha256).to_string();
    for (entry, kind) in [(changed(), "ssh-ed25519"), (other_type(), "ecdsa-sha2-nistp256")] {
        let second = format!("# the host\n\n{entry}");
        let expected = format!(
            "the host key of host has changed, or somebody is in between: second:3 has a {kind} key, the server sent \
             ssh-ed25519 {fingerprint}; if the change is known to be right, remove that line"
        );
        for mode in [Yes, Ask, AcceptNew] {
            assert_eq!(refusal(judge(mode, ["", &second])), expected, "{mode:?}");
        }
        let warning = HostKeyDecision::AcceptChanged(format!("WARNING: {expected}"));
        assert_eq!(judge(InsecureNo, ["", &second]), warning);
    }
    let both = refusal(judge(Yes, [&other_type(), &changed()]));
    assert!(both.contains("first:1 has a ecdsa-sha2-nistp256 key"), "the first line that contradicts is told: {both}");
}

#[test]
fn an_unknown_host_is_remembered_asked_about_or_refused() {
    let fingerprint = shown().fingerprint(FingerprintHash::Sha256).to_string();
    for mode in [AcceptNew, InsecureNo] {
        assert_eq!(judge(mode, ["", ""]), HostKeyDecision::Remember, "{mode:?}");
    }
    let question = format!(
        "The authenticity of host 'host' (port 22) can't be established.\nssh-ed25519 key fingerprint is \
         {fingerprint}.\nAre you sure you want to continue connecting (yes/no)? "
    );
    let refused = format!("the ssh-ed25519 host key {fingerprint} of host was not accepted");
    assert_eq!(judge(Ask, ["", ""]), HostKeyDecision::Ask { question, refusal: refused });
    let text = refusal(judge(Yes, ["", ""]));
    let expected = format!("the ssh-ed25519 host key {fingerprint} of host (port 22) is not known; add it to");
    assert_eq!(text, format!("{expected} first if it is right"));
    let no_files = refusal(judge_host_key(Yes, [], "host", 22, &shown(), NOW));
    assert_eq!(no_files, format!("{expected} a known_hosts file if it is right"));
}

/// A key is known for a host at a port: elsewhere it is as unknown as any other.
#[test]
fn another_port_is_another_host() {
    let file = KnownHosts::parse(known().as_bytes());
    for (host, port, expected) in [
        ("host", 22, HostKeyDecision::Accept),
        ("HOST", 22, HostKeyDecision::Accept),
        ("host", 2222, HostKeyDecision::Remember),
        ("host2", 22, HostKeyDecision::Remember),
    ] {
        assert_eq!(judge_host_key(AcceptNew, [("file", &file)], host, port, &shown(), NOW), expected, "{host}:{port}");
    }
}

#[test]
fn a_revoked_key_is_refused_with_its_line() {
    let fingerprint = shown().fingerprint(FingerprintHash::Sha256);
    let text = refusal(judge(InsecureNo, [&known(), &format!("\n{}", revoked())]));
    assert_eq!(text, format!("the ssh-ed25519 host key {fingerprint} of host is revoked in second:2"));
}

/// A certificate of the key that is shown, by an authority.
fn certified(authority: u64, principal: &str, until: UnixTime) -> PublicKey {
    let builder = CertificateBuilder::host(&shown(), "id", UnixTime::ALWAYS..until).principal(principal);
    builder.sign(&key(KeyAlgorithm::Ed25519, authority), &mut random(1)).unwrap()
}

fn authority(hosts: &str, marker: &str) -> String {
    format!("{marker} {hosts} {}\n", key(KeyAlgorithm::Ed25519, 50).public_key())
}

#[test]
fn certificates_of_trusted_authorities() {
    let trusts = authority("*.example.com", "@cert-authority");
    let good = certified(50, "a.example.com", UnixTime::FOREVER);
    let judge = |file: &str, host: &str, key: &PublicKey| {
        judge_host_key(Yes, [("file", &KnownHosts::parse(file.as_bytes()))], host, 22, key, NOW)
    };
    assert_eq!(judge(&trusts, "a.example.com", &good), HostKeyDecision::Accept);
    let host_key_line = format!("a.example.com {}\n", shown());
    // The key in it is revoked, or its authority is.
    for revoked in [format!("@revoked * {}\n", shown()), authority("*", "@revoked")] {
        let text = refusal(judge(&[&trusts[..], &revoked].concat(), "a.example.com", &good));
        assert!(text.contains("is revoked in file:2"), "{text}");
    }
    let text = refusal(judge(&trusts, "b.example.com", &good));
    assert_eq!(
        text,
        "b.example.com shows a certificate by the authority in file:1, but the certificate is not for \"b.example.com\""
    );
    let expired = certified(50, "*.example.com", UnixTime::from_secs(1));
    let text = refusal(judge(&trusts, "a.example.com", &expired));
    assert!(text.ends_with("the certificate expired at 1970-01-01T00:00:01Z; ask for a new one"), "{text}");
    // Where the key in it is known by itself, nothing depends on the certificate. It has to be this key.
    let both = [&trusts[..], &host_key_line].concat();
    assert_eq!(judge(&both, "a.example.com", &expired), HostKeyDecision::Accept);
    let changed = [&trusts[..], &line("a.example.com", KeyAlgorithm::Ed25519, 2)].concat();
    assert!(refusal(judge(&changed, "a.example.com", &expired)).contains("expired"));
    // An authority that is not for this host, or not known, is none: the key counts.
    for file in [&host_key_line[..], &[&authority("*.example.org", "@cert-authority")[..], &host_key_line].concat()] {
        assert_eq!(judge(file, "a.example.com", &good), HostKeyDecision::Accept);
        assert!(refusal(judge(file, "b.example.com", &good)).contains("is not known"));
    }
    // Its key does not make an authority a host.
    let as_host = key(KeyAlgorithm::Ed25519, 50).public_key().clone();
    assert!(refusal(judge(&trusts, "a.example.com", &as_host)).contains("is not known"));
}

/// What the file itself says, with the line and the reason.
#[test]
fn verdicts_about_certificates() {
    let text = ["\n", &authority("*.example.com", "@cert-authority"), &format!("b.example.com {}\n", shown())].concat();
    let file = KnownHosts::parse(text.as_bytes());
    let expired = certified(50, "*.example.com", UnixTime::from_secs(1));
    let bad = HostKeyVerdict::BadCertificate {
        line: 2,
        error: CertificateError::Expired { valid_before: UnixTime::from_secs(1) },
    };
    assert_eq!(file.lookup("a.example.com", 22, &expired, NOW), bad);
    assert_eq!(file.lookup("b.example.com", 22, &expired, NOW), HostKeyVerdict::Trusted { line: 3 });
    assert_eq!(file.lookup("a.example.org", 22, &expired, NOW), HostKeyVerdict::Unknown);
    // At another port it is another host.
    assert_eq!(file.lookup("a.example.com", 2222, &expired, NOW), HostKeyVerdict::Unknown);
    let good = certified(50, "*.example.com", UnixTime::FOREVER);
    assert_eq!(file.lookup("b.example.com", 22, &good, NOW), HostKeyVerdict::Trusted { line: 2 });
}

#[test]
fn a_certified_key_is_remembered_without_its_certificate() {
    let certificate = certified(50, "host", UnixTime::FOREVER);
    let line = KnownHosts::format_entry("host", 22, &certificate, None).unwrap();
    assert_eq!(line, format!("host {}\n", shown()));
}

#[test]
fn certificates_are_asked_for_first_where_there_is_an_authority() {
    let file = [&format!("host {}\n", shown())[..], &authority("host", "@cert-authority")].concat();
    let file = KnownHosts::parse(file.as_bytes());
    let types = file.known_key_types("host", 22);
    assert_eq!((types[0], *types.last().unwrap()), ("ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"));
    assert_eq!(
        KnownHosts::parse(format!("host {}\n", shown()).as_bytes()).known_key_types("host", 22),
        ["ssh-ed25519"]
    );
    let mut algorithms = ssh_core::crypto::Algorithms::default();
    algorithms.prefer_host_keys(&["ssh-ed25519"]);
    assert_eq!(algorithms.host_key[0].name(), "ssh-ed25519");
}

/// The decision with the address 10.0.0.1.
fn judge_address(mode: StrictHostKeyChecking, text: &str) -> HostKeyDecision {
    let file = KnownHosts::parse(text.as_bytes());
    assert!(file.skipped().is_empty());
    judge_host_key_and_address(mode, [("file", &file)], "host", "10.0.0.1", 22, &shown(), NOW)
}

/// The name decides first; then the address may contradict, agree, or be learnt.
#[test]
fn the_address_must_not_have_another_key() {
    let address = |seed| line("10.0.0.1", KeyAlgorithm::Ed25519, seed);
    let both = known().replace("host ", "host,10.0.0.1 ");
    let text = "the host key of host differs from the key of its address 10.0.0.1 in file:2";
    for mode in MODES {
        assert_eq!(judge_address(mode, &both), HostKeyDecision::Accept, "{mode:?}");
        assert_eq!(judge_address(mode, &known()), HostKeyDecision::RememberAddress, "{mode:?}");
        let other = line("10.0.0.1", KeyAlgorithm::EcdsaNistp256, 3);
        assert_eq!(judge_address(mode, &[known(), other].concat()), HostKeyDecision::RememberAddress, "{mode:?}");
        let one_of_two = [known(), address(2), address(1)].concat();
        assert_eq!(judge_address(mode, &one_of_two), HostKeyDecision::Accept, "{mode:?}");
        let revoked = format!("{}@revoked {}", known(), address(1));
        assert_eq!(refusal(judge_address(mode, &revoked)), "the host key of 10.0.0.1 is revoked in file:2");
        let expected = match mode {
            Yes | AcceptNew => HostKeyDecision::Refuse(text.into()),
            InsecureNo => HostKeyDecision::AcceptWithWarning(format!("WARNING: {text}")),
            Ask => HostKeyDecision::Confirm {
                question: format!("WARNING: {text}\nAre you sure you want to continue connecting (yes/no)? "),
                refusal: text.into(),
            },
        };
        assert_eq!(judge_address(mode, &[known(), address(2)].concat()), expected, "{mode:?}");
        // What the name decides stays: the right address makes no changed or unknown host known.
        let by_name = judge(mode, [&changed(), ""]);
        let with_address = judge_address(mode, &[changed(), address(1)].concat());
        assert_eq!(std::mem::discriminant(&with_address), std::mem::discriminant(&by_name), "{mode:?}");
        assert_ne!(judge_address(mode, &address(1)), HostKeyDecision::Accept, "{mode:?}");
    }
    let HostKeyDecision::Ask { question, .. } = judge_address(Ask, &format!("\n{}", address(2))) else {
        panic!("nobody was asked");
    };
    assert!(question.starts_with(&format!("WARNING: {text}\nThe authenticity of host 'host'")), "{question}");
}

/// Nobody learns an address from a certificate: it is its name that is certified.
#[test]
fn an_address_gets_no_key_by_a_certificate() {
    let file = KnownHosts::parse(authority("host", "@cert-authority").as_bytes());
    let shown = certified(50, "host", UnixTime::FOREVER);
    let decision = judge_host_key_and_address(Ask, [("file", &file)], "host", "10.0.0.1", 22, &shown, NOW);
    assert_eq!(decision, HostKeyDecision::Accept);
}

#[test]
fn a_list_of_revoked_keys_refuses() {
    let list = |key: &PublicKey| RevocationList::parse(key.to_string().as_bytes()).unwrap();
    let (it, other, ca) = (
        list(&shown()),
        list(&certified(51, "x", UnixTime::FOREVER)),
        list(key(KeyAlgorithm::Ed25519, 50).public_key()),
    );
    let empty = RevocationList::parse(b"").unwrap();
    let fingerprint = shown().fingerprint(FingerprintHash::Sha256);
    let text = format!("the ssh-ed25519 host key {fingerprint} of host is revoked in second");
    assert_eq!(refuse_revoked([("first", &empty), ("second", &it)], "host", &shown()), Some(text));
    assert_eq!(refuse_revoked([("first", &empty), ("second", &ca)], "host", &shown()), None);
    assert!(refuse_revoked([("ca", &ca)], "host", &certified(50, "host", UnixTime::FOREVER)).is_some());
    assert!(refuse_revoked([("key", &other)], "host", &shown()).is_some(), "of a certificate the key is revoked");
    assert_eq!(refuse_revoked([], "host", &shown()), None);
}
