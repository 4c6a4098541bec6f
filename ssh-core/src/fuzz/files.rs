//! Key files and OpenSSH's text files.

use alloc::{string::String, vec::Vec};
use core::str::FromStr as _;

use base64ct::{Base64, Encoding};

use super::fake::random;
use super::input::Input;
use crate::crypto::kex::DhGroup;
use crate::crypto::{Algorithms, Named};
use crate::files::allowed_signers::AllowedSigners;
use crate::files::authorized_keys::AuthorizedKeys;
use crate::files::known_hosts::{HostKeyVerdict, KnownHosts};
use crate::files::moduli::ModuliFile;
use crate::files::ssh_config::{AlgorithmNames, ConfigFile, Lookup, Request, Resolved, Resolver, Step};
use crate::files::{algorithm_list, ssh_config};
#[cfg(feature = "ssh1")]
use crate::key::Ssh1PrivateKey;
use crate::key::{
    FingerprintHash, KeyFileError, KeyFileFormat, MessageSignature, PrivateKey, PublicKey, PublicKeyFormat,
    PublicKeyLine,
};
use crate::time::UnixTime;
use crate::wire::{Reader, Writer};

const MAX_INPUT: usize = 6 * 1024;

/// For certificates.
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// Rounds of bcrypt that cost a fuzzer nothing.
const MAX_ROUNDS: u32 = 2;

const FORMATS: &[KeyFileFormat] = &[
    KeyFileFormat::OpenSsh,
    #[cfg(feature = "pkcs8")]
    KeyFileFormat::Pkcs8,
    #[cfg(feature = "pkcs8")]
    KeyFileFormat::Pem,
    #[cfg(feature = "ppk")]
    KeyFileFormat::Ppk3,
    #[cfg(feature = "ppk")]
    KeyFileFormat::Ppk2,
];

/// Private key files: as text, and from inside the armour. What can be read can be written and read again.
pub fn key_files(data: &[u8]) {
    let text = Input::new(data, MAX_INPUT).rest();
    // Without a passphrase nothing is derived, however many rounds the file demands.
    let read = PrivateKey::read(text, None);
    let half = PrivateKey::public_half(text);
    if let Ok(key) = &read {
        assert_eq!(half, Ok(Some(key.public_key().clone())));
        assert_eq!(PrivateKey::is_encrypted(text), Ok(false));
    }
    if read.as_ref().err() == Some(&KeyFileError::PassphraseRequired) {
        assert_eq!(PrivateKey::is_encrypted(text), Ok(true));
    }
    check_private(read);
    #[cfg(feature = "ssh1")]
    if let Ok(key) = Ssh1PrivateKey::read(text, None) {
        let again = key.write(None, &mut random(1)).expect("a key can be written");
        assert!(Ssh1PrivateKey::read(again.expose(), None).is_ok_and(|again| again.modulus() == key.modulus()));
    }
    if let Some(content) = cheap(text) {
        let file = armoured("OPENSSH PRIVATE KEY", &content);
        check_private(PrivateKey::read(file.as_bytes(), Some(&"pass phrase".into())));
    }
    for label in ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"] {
        check_private(PrivateKey::read(armoured(label, text).as_bytes(), None));
    }
    for label in ["PUBLIC KEY", "RSA PUBLIC KEY"] {
        if let Ok(line) = PublicKeyLine::read(armoured(label, text).as_bytes()) {
            check_public(&line.key);
        }
    }
}

fn armoured(label: &str, content: &[u8]) -> String {
    let mut file = alloc::format!("-----BEGIN {label}-----\n");
    for line in Base64::encode_string(content).as_bytes().chunks(70) {
        file.push_str(core::str::from_utf8(line).expect("base64"));
        file.push('\n');
    }
    file.push_str(&alloc::format!("-----END {label}-----\n"));
    file
}

/// The content of a key file, by itself or from its text, with so few rounds that it can be opened at once.
fn cheap(text: &[u8]) -> Option<Vec<u8>> {
    let content = content(text).unwrap_or_else(|| text.to_vec());
    let mut reader = Reader::new(&content);
    let head = [reader.bytes(15).ok()?, &[][..]].concat();
    let (cipher, kdf, options) = (reader.string().ok()?, reader.string().ok()?, reader.string().ok()?);
    let rest = reader.remainder();
    let mut options = options.to_vec();
    let mut inside = Reader::new(&options);
    if let (Ok(salt), Ok(rounds)) = (inside.string(), inside.uint32()) {
        let at = 4 + salt.len();
        options[at..at + 4].copy_from_slice(&rounds.min(MAX_ROUNDS).to_be_bytes());
    }
    let mut out = head;
    let mut writer = Writer::new(&mut out);
    [cipher, kdf, &options].iter().for_each(|string| writer.string(string));
    writer.bytes(rest);
    Some(out)
}

fn content(text: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_str(core::str::from_utf8(text).ok()?).ok()?;
    let inside = text.trim().strip_prefix("-----BEGIN OPENSSH PRIVATE KEY-----")?;
    let inside = inside.strip_suffix("-----END OPENSSH PRIVATE KEY-----")?;
    Base64::decode_vec(&inside.split_ascii_whitespace().collect::<String>()).ok()
}

fn check_private(read: Result<PrivateKey, KeyFileError>) {
    let Ok(key) = read else { return };
    for &format in FORMATS {
        let Ok(text) = key.write(format, None, &mut random(1)) else {
            assert_ne!(format, KeyFileFormat::OpenSsh, "every key can be written so");
            continue;
        };
        let again = PrivateKey::read(text.expose(), None).expect("what was written can be read");
        assert_eq!(again.public_key(), key.public_key());
        assert!(format != KeyFileFormat::OpenSsh || again.comment() == key.comment());
    }
    check_public(key.public_key());
}

const PUBLIC_FORMATS: &[PublicKeyFormat] = &[
    PublicKeyFormat::OpenSsh,
    PublicKeyFormat::Rfc4716,
    #[cfg(feature = "pkcs8")]
    PublicKeyFormat::Pkcs8,
    #[cfg(feature = "pkcs8")]
    PublicKeyFormat::Pem,
];

/// Public keys as a line, as a blob and as files of other formats, and signatures of messages.
pub fn public_keys(data: &[u8]) {
    let bytes = Input::new(data, MAX_INPUT).rest();
    if let Ok(line) = PublicKeyLine::parse(bytes) {
        check_public(&line.key);
    }
    if let Ok(key) = PublicKey::from_blob(bytes) {
        check_public(&key);
    }
    if let Ok(line) = PublicKeyLine::read(bytes) {
        check_public(&line.key);
        for &format in PUBLIC_FORMATS {
            let Ok(text) = line.write(format) else { continue };
            let again = PublicKeyLine::read(text.as_bytes()).expect("what was written can be read");
            assert_eq!(again.key, line.key);
        }
    }
    if let Ok(signature) = MessageSignature::read(bytes) {
        assert_eq!(MessageSignature::read(signature.write().as_bytes()), Ok(signature.clone()));
        let _ = signature.verify("file", b"");
    }
}

fn check_public(key: &PublicKey) {
    let line = alloc::format!("{key} a comment");
    let again = PublicKeyLine::parse(line.as_bytes()).expect("what was written can be read");
    assert_eq!((&again.key, again.comment.as_str()), (key, "a comment"));
    assert!(alloc::format!("{}", key.fingerprint(FingerprintHash::Sha256)).starts_with("SHA256:"));
    assert!(key.signature_algorithms().next().is_none() || key.bits().is_some());
}

/// `known_hosts`, `authorized_keys`, `allowed_signers`, `moduli`, `ssh_config` and lists of algorithms.
pub fn text_files(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    let kind = input.byte() % 6;
    let bytes = input.rest();
    let text = String::from_utf8_lossy(bytes);
    let lines = bytes.split(|&byte| byte == b'\n').count();
    let key = super::fake::key();
    match kind {
        0 => {
            let file = AuthorizedKeys::parse(bytes);
            assert!(file.keys().len() + file.skipped().len() <= lines);
            for each in file.keys() {
                assert!((1..=lines).contains(&each.line));
                assert_eq!(file.find(&each.key).is_none(), file.find_all(&each.key).count() == 0);
            }
        }
        1 => {
            let host = text.lines().next().unwrap_or_default();
            let mut file = bytes.to_vec();
            file.push(b'\n');
            let known = KnownHosts::parse(&file);
            assert!(known.skipped().len() <= lines);
            let (verdict, types) = (known.lookup(host, 22, &key, NOW), known.known_key_types(host, 22));
            assert!(!matches!(verdict, HostKeyVerdict::Trusted { .. }) || types.contains(&key.key_type()));
            let mut hashing = random(1);
            for hashed in [false, true] {
                let hash = hashed.then_some(&mut hashing as &mut dyn crate::random::SecureRandom);
                let Ok(entry) = KnownHosts::format_entry(host, 2222, &key, hash) else { continue };
                let verdict = KnownHosts::parse(entry.as_bytes()).lookup(host, 2222, &key, NOW);
                assert!(matches!(verdict, HostKeyVerdict::Trusted { .. }), "{entry:?} is not understood");
            }
        }
        2 => {
            let _ = ssh_config::parse_option(&text);
            resolve_config(bytes);
        }
        4 => {
            let file = ModuliFile::parse(bytes);
            assert!(file.groups().len() + file.skipped().len() <= lines);
            let sizes = DhGroup::MIN_BITS..=DhGroup::MAX_BITS;
            assert!(file.groups().iter().all(|group| sizes.contains(&group.bits())));
        }
        5 => {
            let file = AllowedSigners::parse(bytes, 3600);
            assert!(file.signers().len() + file.skipped().len() <= lines);
            assert!(file.match_principals("alice").count() <= file.signers().len());
        }
        _ => {
            let lists = Algorithms::default();
            check_list(&text, &lists.kex);
            check_list(&text, &lists.ciphers);
            check_list(&text, &lists.host_key);
        }
    }
}

fn check_list<T: Named + Copy>(spec: &str, known: &[T]) {
    let Ok(list) = algorithm_list::apply(spec, known, known) else { return };
    assert!(!list.is_empty() && list.len() <= known.len(), "an algorithm twice");
    assert!(list.iter().all(|each| known.iter().any(|other| other.name() == each.name())));
}

/// `ssh_config` where every answer comes from the input: the files, how commands end, what is found.
fn resolve_config(bytes: &[u8]) {
    let (head, text) = bytes.split_at(bytes.len().min(4));
    let mut bits = head.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).cycle();
    let mut next = || bits.next().unwrap_or_default();
    let options = if next() { text.split(|&byte| byte == b'\n').take(2).collect::<Vec<_>>() } else { Vec::new() };
    let options = options.into_iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let request = Request { host: "host.example.com".into(), options, ..Request::default() };
    let Ok(mut resolver) = Resolver::new(request) else { return };
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
}
