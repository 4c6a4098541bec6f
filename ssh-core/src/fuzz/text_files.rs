//! OpenSSH's text files.

use alloc::{string::String, vec::Vec};

use super::fake::random;
use super::handshake::host_key;
use super::input::Input;
use crate::crypto::kex::DhGroup;
use crate::crypto::signature::SecurityKeyUse;
use crate::crypto::{Algorithms, Named};
use crate::files::algorithm_list;
use crate::files::allowed_signers::AllowedSigners;
use crate::files::authorized_keys::{AuthorizedKeys, Login, Permissions};
use crate::files::authorized_principals::AuthorizedPrincipals;
use crate::files::known_hosts::{HostKeyVerdict, KnownHosts, edit, host_name};
use crate::files::moduli::ModuliFile;
use crate::files::ssh_config::{
    self, AlgorithmNames, ConfigFile, Files, HostLookup, LocalFacts, Lookup, LookupPurpose, Proxy, Request, Resolved,
    Resolver, Step,
};
use crate::key::{CertificateBuilder, CertificateCheck, MessageHash, MessageSignature, PublicKey};
use crate::random::SecureRandom;
use crate::time::UnixTime;

const MAX_INPUT: usize = 6 * 1024;

/// For certificates.
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// `authorized_keys`, `known_hosts`, `ssh_config`, lists of algorithms, `moduli`, `allowed_signers` and
/// `authorized_principals`, by the first byte.
pub fn text_files(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    let kind = input.byte() % 7;
    let bytes = input.rest();
    match kind {
        0 => check_authorized_keys(bytes),
        1 => check_known_hosts(bytes),
        2 => {
            let _ = ssh_config::parse_option(&String::from_utf8_lossy(bytes));
            resolve_config(bytes);
        }
        3 => {
            let (text, lists) = (String::from_utf8_lossy(bytes), Algorithms::default());
            check_list(&text, &lists.kex);
            check_list(&text, &lists.ciphers);
            check_list(&text, &lists.host_key);
        }
        4 => {
            let file = ModuliFile::parse(bytes);
            assert!(file.groups().len() + file.skipped().len() <= count_lines(bytes));
            let sizes = DhGroup::MIN_BITS..=DhGroup::MAX_BITS;
            assert!(file.groups().iter().all(|group| sizes.contains(&group.bits())));
        }
        5 => check_allowed_signers(bytes),
        _ => check_authorized_principals(bytes),
    }
}

fn count_lines(bytes: &[u8]) -> usize {
    bytes.split(|&byte| byte == b'\n').count()
}

/// The key that the seeds name.
fn key() -> PublicKey {
    host_key().public_key().clone()
}

/// A certificate of that key, by itself, without a permission.
fn certificate(principal: &str) -> PublicKey {
    let builder = CertificateBuilder::user(&key(), "id", UnixTime::from_secs(0)..UnixTime::from_secs(u64::MAX));
    builder.principal(principal).sign(&host_key(), &mut random(1)).expect("a principal and a key that signs")
}

/// Logins from here and from nowhere, with and without a security key.
fn logins() -> [Login<'static>; 3] {
    let used = Some(SecurityKeyUse::new(true, true, 1));
    let somewhere = Login::new(NOW).from([10, 0, 0, 1].into()).host_name("host.example.com");
    [Login::new(NOW), somewhere.utc_offset(-3600), somewhere.security_key(used)]
}

/// What is left is no more than everything, and twice the same is the same.
fn check_permissions(permissions: &Permissions) {
    let everything = Permissions::default();
    assert_eq!(permissions.clone().and(everything.clone()).as_ref(), Ok(permissions));
    assert_eq!(everything.and(permissions.clone()).as_ref(), Ok(permissions));
    assert_eq!(permissions.clone().and(permissions.clone()).as_ref(), Ok(permissions));
    let (opens, listens) = (permissions.allows_open("host", 80), permissions.allows_listen("localhost", 8080));
    assert!(permissions.port_forwarding || !opens && !listens);
    for address in permissions.permit_open.iter().filter(|_| permissions.port_forwarding) {
        let (host, port) = (address.host.as_deref().unwrap_or("any"), address.port.unwrap_or(1));
        assert!(permissions.allows_open(host, port), "{address:?} is not covered by itself");
    }
}

fn check_authorized_keys(bytes: &[u8]) {
    let (file, lines) = (AuthorizedKeys::parse(bytes), count_lines(bytes));
    assert!(file.keys().len() + file.skipped().len() <= lines);
    for each in file.keys() {
        assert!((1..=lines).contains(&each.line));
        assert_eq!(file.find(&each.key).is_none(), file.find_all(&each.key).count() == 0);
        for login in logins() {
            let Ok(permissions) = each.permissions(&login) else { continue };
            assert!(!each.has_option("cert-authority") && !each.has_option("principals"));
            check_permissions(&permissions);
        }
    }
    let (certified, authorities) = (certificate("alice"), [key()]);
    let certificate = certified.certificate().expect("it is one");
    for line in file.find_authorities(&certificate) {
        for login in logins() {
            let check = CertificateCheck::user("alice", NOW, &authorities);
            let Ok(permissions) = line.certificate_permissions(&certificate, check, &login) else { continue };
            assert!(!permissions.pty && !permissions.port_forwarding && !permissions.agent_forwarding);
            check_permissions(&permissions);
        }
    }
}

fn check_authorized_principals(bytes: &[u8]) {
    let (file, lines) = (AuthorizedPrincipals::parse(bytes), count_lines(bytes));
    assert!(file.principals().len() + file.skipped().len() <= lines);
    let Some(first) = file.principals().first() else { return };
    let (certified, authorities) = (certificate(&first.principal), [key()]);
    let certificate = certified.certificate().expect("it is one");
    for login in logins() {
        let check = CertificateCheck::user("", NOW, &authorities);
        if let Ok(permissions) = file.permissions(&certificate, check, &login) {
            assert!(!first.terms.cert_authority && !permissions.pty);
            check_permissions(&permissions);
        }
        let check = CertificateCheck::user(&first.principal, NOW, &[]);
        assert!(file.permissions(&certificate, check, &login).is_err(), "nobody is trusted");
    }
}

fn check_allowed_signers(bytes: &[u8]) {
    let file = AllowedSigners::parse(bytes, 3600);
    assert!(file.signers().len() + file.skipped().len() <= count_lines(bytes));
    assert!(file.match_principals("alice").count() <= file.signers().len());
    let signature = MessageSignature::from_parts(key(), "file", MessageHash::Sha512, Vec::new());
    let by_key = file.find_principals(&signature, NOW);
    assert!(by_key.is_empty() || file.signers().iter().any(|signer| signer.key == *signature.key()));
    assert!(file.verify(&signature, "alice", "file", b"", NOW).is_err(), "nothing is signed");
    let by_certificate = MessageSignature::from_parts(certificate("alice"), "file", MessageHash::Sha512, Vec::new());
    let found = file.find_principals(&by_certificate, NOW);
    assert!(found.is_empty() || found == ["alice"]);
}

fn check_known_hosts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let host = text.lines().next().unwrap_or_default();
    let (key, lines) = (key(), count_lines(bytes));
    let file = [bytes, b"\n"].concat();
    let known = KnownHosts::parse(&file);
    assert!(known.skipped().len() <= lines);
    let (verdict, types) = (known.lookup(host, 22, &key, NOW), known.known_key_types(host, 22));
    assert!(!matches!(verdict, HostKeyVerdict::Trusted { .. }) || types.contains(&key.key_type()));
    check_removal(bytes, &host_name(host, 22));
    check_hashing(bytes, &host_name(host, 22));
    for hashed in [false, true] {
        check_additions(bytes, host, &key, hashed);
    }
}

/// What was found is gone, what was not is as it was, and there is nothing more to remove.
fn check_removal(bytes: &[u8], name: &str) {
    let found: Vec<_> = edit::find(bytes, name).into_iter().filter(|found| found.marker.is_none()).collect();
    let removed = edit::remove(bytes, name);
    assert!(found.iter().map(|found| found.line).eq(removed.changed.iter().copied()));
    assert!(removed.text.len() <= bytes.len() && (removed.text == bytes) == found.is_empty());
    let again = edit::remove(&removed.text, name);
    assert_eq!((again.text, again.changed), (removed.text, Vec::new()));
}

/// A name is found before as after, unless an empty one stands before it, as with `ssh-keygen`; nothing is hashed twice.
fn check_hashing(bytes: &[u8], name: &str) {
    let hashed = edit::hash(bytes, &mut random(1)).expect("there is randomness");
    let again = edit::hash(&hashed.text, &mut random(2)).expect("there is randomness");
    assert_eq!((again.text, again.changed), (hashed.text.clone(), Vec::new()));
    let is_found = |text: &[u8]| !edit::find(text, name).is_empty();
    let lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_start);
    let has_empty_names = lines.clone().any(|line| line.starts_with(b",") || line.windows(2).any(|pair| pair == b",,"));
    assert!(is_found(&hashed.text) == is_found(bytes) || is_found(bytes) && has_empty_names, "{name:?}");
}

/// What was added is known, and what was replaced is known and nothing else.
fn check_additions(bytes: &[u8], host: &str, key: &PublicKey, hashed: bool) {
    let mut hashing = [1, 2, 3, 4].map(random);
    let [entry_hash, add_hash, replace_hash, again_hash] =
        hashing.each_mut().map(|random| hashed.then_some(random as &mut dyn SecureRandom));
    if let Ok(entry) = KnownHosts::format_entry(host, 2222, key, entry_hash) {
        let verdict = KnownHosts::parse(entry.as_bytes()).lookup(host, 2222, key, NOW);
        assert!(matches!(verdict, HostKeyVerdict::Trusted { .. }), "{entry:?} is not understood");
    }
    let (name, address) = (host_name(host, 2222), host_name("10.0.0.1", 2222));
    let names = [name.as_str(), address.as_str()];
    let is_known = |text: &[u8], host: &str| {
        let verdict = KnownHosts::parse(text).lookup(host, 2222, key, NOW);
        matches!(verdict, HostKeyVerdict::Trusted { .. } | HostKeyVerdict::Revoked { .. })
    };
    if let Ok(text) = edit::add(bytes, &names, key, add_hash) {
        assert!(text.starts_with(bytes) && is_known(&text, host) && is_known(&text, "10.0.0.1"));
    }
    let keys = [key.clone()];
    let Ok(replaced) = edit::replace(bytes, &names, &keys, replace_hash) else { return };
    assert!(is_known(&replaced.text, host) && is_known(&replaced.text, "10.0.0.1"));
    let again = edit::replace(&replaced.text, &names, &keys, again_hash).expect("as before");
    assert_eq!((again.text, again.changed, again.added), (replaced.text, Vec::new(), 0));
}

fn check_list<T: Named + Copy>(spec: &str, known: &[T]) {
    let Ok(list) = algorithm_list::apply(spec, known, known) else { return };
    assert!(!list.is_empty() && list.len() <= known.len(), "an algorithm twice");
    assert!(list.iter().all(|each| known.iter().any(|other| other.name() == each.name())));
}

/// A request of which every text comes from the input, as do the options if `with_options` says so.
fn request(text: &[u8], with_options: bool) -> Request {
    let mut lines = text.split(|&byte| byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned());
    let options = if with_options { lines.by_ref().take(2).collect() } else { Vec::new() };
    let lines: Vec<_> = lines.collect();
    // The last lines, which seldom are options too.
    let mut last = lines.iter().rev().cloned();
    let mut next = |usual: &str| last.next().filter(|_| with_options).unwrap_or_else(|| usual.into());
    let environment = ["HOME", "X", "SSH_AUTH_SOCK"].map(|name| (name.into(), next(name))).into();
    let local = LocalFacts {
        user: next("alice"),
        uid: 1000,
        home: next("/home/alice"),
        host_name: next("here.example.com"),
        environment,
        version: next("OpenSSH_10.0"),
    };
    let (host, command) = (next("host.example.com"), next("true"));
    Request { host, options, settings: Vec::new(), command, files: Files::Usual, local }
}

/// `ssh_config` where every answer comes from the input: the files, how commands end, what is found.
fn resolve_config(bytes: &[u8]) {
    let (head, text) = bytes.split_at(bytes.len().min(4));
    let mut bits = head.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).cycle();
    let mut next = || bits.next().unwrap_or_default();
    let Ok(mut resolver) = Resolver::new(request(text, next())) else { return };
    for _ in 0..256 {
        match resolver.step() {
            Err(error) => return assert!(!error.message.is_empty()),
            Ok(Step::Read(read)) => {
                let part = text.get(usize::from(!read.is_literal) * text.len() / 2..).unwrap_or_default();
                let file = ConfigFile { name: read.pattern, text: part.to_vec() };
                resolver.answer_files(if next() || read.is_literal { alloc::vec![file] } else { Vec::new() });
            }
            Ok(Step::Run { .. }) => resolver.answer_run(next()),
            Ok(Step::LookUp { host }) => {
                resolver.answer_look_up(next().then_some(Lookup { canonical_name: Some(host) }))
            }
            Ok(Step::LocalAddresses) => resolver.answer_addresses(alloc::vec![[10, 0, 0, 1].into()]),
            Ok(Step::Done(resolved)) => return check_resolved(&resolved),
        }
    }
}

fn check_resolved(resolved: &Resolved) {
    assert!(resolved.connection.port.value.0 > 0);
    if let Ok(lines) = resolved.lines(&AlgorithmNames::built_in()) {
        assert!(lines.iter().all(|(keyword, _, _)| !keyword.is_empty()));
    }
    let _ = (resolved.identity_files(), resolved.certificate_files(), resolved.older_lines());
    let _ = (resolved.expand("%%h %h ${HOME} ~"), resolved.session.send_env.value.covers(b"LANG"));
    check_proxy_command(resolved);
    check_known_hosts_command(resolved);
}

/// Whatever the tokens stand for, no word becomes two.
fn check_known_hosts_command(resolved: &Resolved) {
    let words = |key| {
        let lookup = HostLookup { name: "[a b]:22", purpose: LookupPurpose::HostName, key };
        resolved.known_hosts_command(&lookup).ok().flatten().map(|words| words.len())
    };
    if let (Some(without), Some(with)) = (words(None), words(Some(host_key().public_key()))) {
        assert_eq!(without, with);
    }
}

/// No name that means something to a shell gets into a command (CVE-2023-51385).
fn check_proxy_command(resolved: &Resolved) {
    let (Ok(Some(_)), Proxy::Command(template)) = (resolved.proxy_command(), &resolved.proxy.value) else { return };
    for (token, name) in [("%n", &resolved.host), ("%h", &resolved.host_name), ("%r", &resolved.user)] {
        let is_used = template.split("%%").any(|part| part.contains(token));
        assert!(
            !is_used || !name.contains(['\'', '`', '"', '$', ';', '&', '|', '\n', ' ', '(']),
            "{template:?} {name:?}"
        );
    }
}
