//! Whom to trust: every strictness against everything the known hosts can say about a key.

mod common;

use common::key;
use ssh_core::UnixTime;
use ssh_core::files::known_hosts::KnownHosts;
use ssh_core::key::{FingerprintHash, KeyAlgorithm, PublicKey};
use ssh_core::login::{HostKeyDecision, StrictHostKeyChecking, judge_host_key};

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
        let warning = HostKeyDecision::AcceptWithWarning(format!("WARNING: {expected}"));
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
