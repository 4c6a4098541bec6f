//! Whom to trust: what the known hosts and the user's strictness make of a host key.

use alloc::{format, string::String};

use crate::files::known_hosts::{HostKeyChanges, HostKeyVerdict, KnownHosts};
use crate::key::{FingerprintHash, PublicKey, RevocationList};
use crate::time::UnixTime;

/// What to do with a host that no file knows; OpenSSH's `StrictHostKeyChecking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrictHostKeyChecking {
    /// Refuse it.
    Yes,
    /// Ask the user.
    Ask,
    /// Trust it and remember its key. A changed key is refused.
    AcceptNew,
    /// Trust it and remember its key; a changed key is reported but accepted. Insecure.
    InsecureNo,
}

/// What to do about a host key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum HostKeyDecision {
    /// It is the right host.
    Accept,
    /// Go on, but show this warning.
    AcceptWithWarning(String),
    /// Go on with a host that is known by another key, and show this warning. Whoever is in between must not learn more than
    /// that: no password, no answer to a question, nothing that is forwarded. [`Credentials::without_passwords`] is for
    /// the login.
    ///
    /// [`Credentials::without_passwords`]: super::Credentials::without_passwords
    AcceptChanged(String),
    /// Go on, and add the key to the first file.
    Remember,
    /// Go on, and add the key to the first file for the host's address: its name has it already.
    RememberAddress,
    /// Show this question; a yes is [`Accept`](Self::Accept), anything else the refusal that comes with it.
    Confirm {
        /// The question.
        question: String,
        /// What to say if the answer is not yes.
        refusal: String,
    },
    /// Show this question; a yes is [`Remember`](Self::Remember), anything else the refusal that comes with it.
    Ask {
        /// The question.
        question: String,
        /// What to say if the answer is not yes.
        refusal: String,
    },
    /// It is not the right host, or nobody knows; the text says why and what to do.
    Refuse(String),
}

/// Decides about the key that `host` has proven to hold. `files` are the known hosts with the names they have for
/// people; new keys are added to the first. `now` is for certificates. The strictest verdict of all files counts: revoked,
/// trusted, a certificate that is not good, changed, unknown.
pub fn judge_host_key<'a>(
    mode: StrictHostKeyChecking,
    files: impl IntoIterator<Item = (&'a str, &'a KnownHosts)>,
    host: &str,
    port: u16,
    key: &PublicKey,
    now: UnixTime,
) -> HostKeyDecision {
    let fingerprint = key.fingerprint(FingerprintHash::Sha256);
    let kind = key.key_type();
    let mut files = files.into_iter().peekable();
    let first = files.peek().map_or("a known_hosts file", |(name, _)| name);
    let mut trusted = false;
    let mut changed = None;
    let mut bad_certificate = None;
    for (name, hosts) in files {
        match hosts.lookup(host, port, key, now) {
            HostKeyVerdict::Revoked { line } => {
                return HostKeyDecision::Refuse(format!(
                    "the {kind} host key {fingerprint} of {host} is revoked in {name}:{line}"
                ));
            }
            HostKeyVerdict::BadCertificate { line, error } => {
                bad_certificate.get_or_insert_with(|| {
                    format!("{host} shows a certificate by the authority in {name}:{line}, but {error}")
                });
            }
            HostKeyVerdict::Trusted { .. } => trusted = true,
            HostKeyVerdict::Changed { expected, .. } | HostKeyVerdict::OtherTypes { expected } => {
                let (line, known) = expected.first().map_or((0, ""), |(line, key)| (*line, key.key_type()));
                changed.get_or_insert_with(|| {
                    format!(
                        "the host key of {host} has changed, or somebody is in between: {name}:{line} has a {known} \
                         key, the server sent {kind} {fingerprint}; if the change is known to be right, remove that line"
                    )
                });
            }
            HostKeyVerdict::Unknown => {}
        }
    }
    if let Some(text) = bad_certificate.filter(|_| !trusted) {
        return HostKeyDecision::Refuse(text);
    }
    match (changed, mode) {
        _ if trusted => HostKeyDecision::Accept,
        (Some(text), StrictHostKeyChecking::InsecureNo) => HostKeyDecision::AcceptChanged(format!("WARNING: {text}")),
        (Some(text), _) => HostKeyDecision::Refuse(text),
        (None, StrictHostKeyChecking::AcceptNew | StrictHostKeyChecking::InsecureNo) => HostKeyDecision::Remember,
        (None, StrictHostKeyChecking::Ask) => HostKeyDecision::Ask {
            question: format!(
                "The authenticity of host '{host}' (port {port}) can't be established.\n\
                 {kind} key fingerprint is {fingerprint}.\n\
                 Are you sure you want to continue connecting (yes/no)? "
            ),
            refusal: format!("the {kind} host key {fingerprint} of {host} was not accepted"),
        },
        (None, StrictHostKeyChecking::Yes) => HostKeyDecision::Refuse(format!(
            "the {kind} host key {fingerprint} of {host} (port {port}) is not known; add it to {first} if it is right"
        )),
    }
}

/// As [`judge_host_key`], and the host's address must not have another key (`CheckHostIP`). An address that no file knows
/// gets the key, too. Of `ssh`'s exceptions the caller takes care: no address is looked at behind a proxy, on the loopback
/// interface, or if it is the name.
pub fn judge_host_key_and_address<'a>(
    mode: StrictHostKeyChecking,
    files: impl IntoIterator<Item = (&'a str, &'a KnownHosts), IntoIter: Clone>,
    host: &str,
    address: &str,
    port: u16,
    key: &PublicKey,
    now: UnixTime,
) -> HostKeyDecision {
    let files = files.into_iter();
    let by_name = judge_host_key(mode, files.clone(), host, port, key, now);
    // A name that contradicts is told or refused already.
    if matches!(by_name, HostKeyDecision::Refuse(_) | HostKeyDecision::AcceptChanged(_)) {
        return by_name;
    }
    let mut known = false;
    let mut changed = None;
    for (name, hosts) in files {
        match hosts.lookup(address, port, key, now) {
            HostKeyVerdict::Revoked { line } => {
                return HostKeyDecision::Refuse(format!("the host key of {address} is revoked in {name}:{line}"));
            }
            HostKeyVerdict::Trusted { .. } => known = true,
            HostKeyVerdict::Changed { line, .. } => {
                changed.get_or_insert_with(|| {
                    format!("the host key of {host} differs from the key of its address {address} in {name}:{line}")
                });
            }
            // A certificate is for a name, and of keys of other types ssh makes nothing here.
            HostKeyVerdict::BadCertificate { .. } | HostKeyVerdict::OtherTypes { .. } | HostKeyVerdict::Unknown => {}
        }
    }
    match changed.filter(|_| !known) {
        Some(text) => contradict(mode, by_name, text),
        None if by_name == HostKeyDecision::Accept && !known && key.certificate().is_none() => {
            HostKeyDecision::RememberAddress
        }
        None => by_name,
    }
}

/// What becomes of a host whose address has another key.
fn contradict(mode: StrictHostKeyChecking, by_name: HostKeyDecision, text: String) -> HostKeyDecision {
    match (mode, by_name) {
        (StrictHostKeyChecking::Yes | StrictHostKeyChecking::AcceptNew, _) => HostKeyDecision::Refuse(text),
        (StrictHostKeyChecking::InsecureNo, _) => HostKeyDecision::AcceptWithWarning(format!("WARNING: {text}")),
        (StrictHostKeyChecking::Ask, HostKeyDecision::Ask { question, refusal }) => {
            HostKeyDecision::Ask { question: format!("WARNING: {text}\n{question}"), refusal }
        }
        (StrictHostKeyChecking::Ask, _) => HostKeyDecision::Confirm {
            question: format!("WARNING: {text}\nAre you sure you want to continue connecting (yes/no)? "),
            refusal: text,
        },
    }
}

/// What a user is asked before a host's new keys are stored and its old ones forgotten (`UpdateHostKeys ask`).
pub fn host_key_update_question(host: &str, changes: &HostKeyChanges) -> String {
    let mut question =
        format!("The host '{host}' has other keys now; the key that is known for it vouches for them.\n");
    for (what, keys) in [("new ", &changes.new), ("gone", &changes.old)] {
        for key in keys {
            let fingerprint = key.fingerprint(FingerprintHash::Sha256);
            question.push_str(&format!("  {what}  {} {fingerprint}\n", key.key_type()));
        }
    }
    question + "Are these its keys from now on (yes/no)? "
}

/// Whether one of these lists, with the names they have for people, revokes the key that `host` has shown
/// (`RevokedHostKeys`): then it is not the right host, whatever the known hosts say. The text says so.
pub fn refuse_revoked<'a>(
    lists: impl IntoIterator<Item = (&'a str, &'a RevocationList)>,
    host: &str,
    key: &PublicKey,
) -> Option<String> {
    let (name, _) = lists.into_iter().find(|(_, list)| list.revokes(key))?;
    let fingerprint = key.fingerprint(FingerprintHash::Sha256);
    Some(format!("the {} host key {fingerprint} of {host} is revoked in {name}", key.key_type()))
}
