//! Seeds made of files of OpenSSH's: keys, certificates, lists of what is revoked, signatures of security keys.

use std::path::Path;

use alloc::{format, string::String, vec, vec::Vec};

use crate::agent::{AgentClient, Constraints, DestinationConstraint, Hop, HopKey};
use crate::crypto::signature;
use crate::fuzz::fake::random;
use crate::key::{CertificateBuilder, HostKeyProof, PrivateKey};
use crate::protocol::ByteProtocol;
use crate::secret::SecretBytes;
use crate::time::UnixTime;

type Seeds = Vec<(String, Vec<u8>)>;

/// A file below `tests/data`; nothing if there is none, as in a package without its tests.
fn file(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap_or_default()
}

fn text(name: &str) -> String {
    String::from_utf8(file(name)).unwrap()
}

/// What a file's armour is around.
pub(super) fn inside(text: &[u8]) -> Vec<u8> {
    use base64ct::{Base64, Encoding};
    let text = core::str::from_utf8(text).unwrap_or_default();
    let base64: String = text.lines().filter(|line| !line.contains('-')).collect();
    Base64::decode_vec(&base64).unwrap()
}

fn piece(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

/// Genuine signatures under every algorithm.
pub(super) fn signatures() -> Seeds {
    let mut seeds = vec![(String::from("genuine"), vec![0])];
    for name in ["ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa2048", "mldsa44", "dsa"] {
        let Ok(key) = PrivateKey::read(&file(&format!("keys/{name}")), None) else { continue };
        let validity = UnixTime::from_secs(0)..UnixTime::from_secs(u64::MAX);
        let certificate = CertificateBuilder::user(key.public_key(), name, validity).principal("alice");
        let certificate = certificate.sign(&super::handshake::host_key(), &mut random(1)).unwrap();
        for public_key in [key.public_key(), &certificate] {
            for algorithm in public_key.signature_algorithms() {
                // What is signed with is the key's own algorithm, not the certificate's.
                let own = signature::ALL.iter().find(|each| each.name() == algorithm).unwrap();
                let plain = own.plain().map_or(algorithm, |plain| plain.name());
                let signature = key.sign(plain, b"message", &mut random(1)).unwrap();
                seeds.push((algorithm.into(), signature_seed(algorithm, public_key.blob(), b"message", &signature)));
            }
        }
    }
    seeds.extend(security_keys());
    seeds
}

/// Files of each kind about the key of the target.
pub(super) fn text_files() -> Seeds {
    let key = super::handshake::host_key().public_key().clone();
    let modulus = "F".repeat(256);
    let config = "Host *.example.com !b\n  User \"a b\"\n  Port=22\nHost *\nProxyCommand a %h\nMatch all\n";
    // Options, a file, and from the end: a variable, another, an agent's socket, the user, its home, this machine, the
    // version, the host and a command. Who ignores what is unknown can read all of it as a file, too.
    let strange = "\u{1}\0\0\0IgnoreUnknown=*\nProxyCommand=a %n %h %r\nHost *\nIdentityFile ~/${X}/%u\nSendEnv L* -LC_*\n\
                   Match exec \"t %L\" user a*\nCertificateFile ${HOME}\ncommand=1\nhost-1=x\nversion=9\nhere.x=1\n/home/a=1\n\
                   a;b=c\nsock=$X\nx=${X}\nhome=~";
    [
        ("allowed_signers", 5, format!("*@example.com,!bob namespaces=\"git,file\",valid-before=\"20301231235959Z\" {key}")),
        ("allowed_signers_authority", 5, format!("alice cert-authority,valid-after=\"2020\" {key}\na,alice cert-authority {key}")),
        ("authorized_keys", 0, format!("from=\"10.*,!x\",command=\"a \\\"b\\\"\",no-pty {key}")),
        (
            "authorized_keys_restricted",
            0,
            format!(
                "restrict,port-forwarding,permitopen=\"[::1]:80\",permitopen=\"*:*\",permitlisten=\"8080\",tunnel=\"1\" {key}\n\
                 environment=\"A=b\",expiry-time=\"20301231\",verify-required {key} me"
            ),
        ),
        ("authorized_keys_authority", 0, format!("cert-authority,principals=\"bob,alice\",from=\"10.0.0.0/8\" {key}")),
        ("authorized_principals", 6, "no-pty,from=\"10.0.0.1\" alice # she\nrestrict,command=\"a b\"\tbob\n\n carol".into()),
        ("known_hosts", 1, format!("host.example.com,[1.2.3.4]:22 {key}")),
        ("known_hosts_edited", 1, format!("a\nA,b,a {key} x\r\n@revoked a {key}\n# a\n[a]:2222,*.b,!c {key}\n@cert-authority * {key}\na ssh-rsa AAAA")),
        ("known_hosts_hashed", 1, text("keys/known_hosts.hashed")),
        ("list", 3, "^aes*-ctr,*gcm*".into()),
        ("moduli", 4, format!("# Time Type Tests Tries Size Generator Modulus\n2022 2 6 100 1023 2 {modulus}\n")),
        ("ssh_config", 2, config.into()),
        ("ssh_config_strange", 2, strange.into()),
    ]
    .into_iter()
    .map(|(name, kind, text): (&str, u8, String)| (name.into(), [&[kind][..], text.as_bytes()].concat()))
    .collect()
}

fn signature_seed(algorithm: &str, key: &[u8], message: &[u8], signature: &[u8]) -> Vec<u8> {
    let number = signature::ALL.iter().position(|each| each.name() == algorithm).unwrap();
    [&[number as u8], &piece(key)[..], &piece(signature), message].concat()
}

/// The first signature of each algorithm of security keys.
fn security_keys() -> Seeds {
    let text = text("security_keys/accepted.txt");
    let mut seeds = Seeds::new();
    for block in text.split("\n\n") {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let (Some(algorithm), Some(data)) = (field("algorithm"), field("data")) else { continue };
        if seeds.iter().all(|(name, _)| name != algorithm) {
            let [key, signature] = ["public", "signature"].map(|name| bytes(field(name).unwrap()));
            seeds.push((algorithm.into(), signature_seed(algorithm, &key, &bytes(data), &signature)));
        }
    }
    seeds
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| core::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Certificates by OpenSSH as blobs, and one in parts.
pub(super) fn certificates() -> Seeds {
    const NAMES: &[&str] = &[
        "ca-rsa-sha2-256-cert",
        "ca-ssh-rsa-cert",
        "host-ecdsa256-cert",
        "host-wildcard-cert",
        "opt-force-and-source-cert",
        "opt-many-principals-cert",
        "opt-sk-no-touch-cert",
        "opt-sk-verify-required-cert",
        "user-dsa-cert",
        "user-ed25519-cert",
        "user-mldsa-cert",
        "user-rsa-cert",
    ];
    let blob = |line: &str| {
        let (name, key) = line.split_once(' ').filter(|(name, _)| NAMES.contains(name))?;
        Some((name.into(), [&[0], blob_of(key)?.as_slice()].concat()))
    };
    let mut seeds: Seeds = text("certificates/keys.txt").lines().filter_map(blob).collect();
    let string = |text: &str| [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat();
    let option = |name: &str, value: &[u8]| [string(name), (value.len() as u32).to_be_bytes().into(), value.into()];
    let critical = [option("force-command", &string("true")), option("source-address", &string("192.0.2.0/24"))];
    let extensions = [option("no-touch-required", b""), option("permit-pty", b"")];
    for (name, kind, principal) in [("user", 1, "alice"), ("host", 2, "*.example.com")] {
        let mut parts = vec![1, 0, 5, kind];
        parts.extend([piece(b"key id"), piece(&string(principal)), vec![0, 0xff]].concat());
        let critical = if kind == 1 { critical.concat().concat() } else { Vec::new() };
        parts.extend([piece(&critical), piece(&extensions.concat().concat()), piece(b"")].concat());
        seeds.push((name.into(), parts));
    }
    seeds
}

/// What a line says the blob is, also where the signature is one that is not taken.
fn blob_of(line: &str) -> Option<Vec<u8>> {
    use base64ct::{Base64, Encoding};
    Base64::decode_vec(line.split(' ').nth(1)?).ok()
}

/// Lists by OpenSSH in the binary form, and a text.
pub(super) fn revocation_lists() -> Seeds {
    const NAMES: &[&str] = &[
        "any_ca_key_id",
        "ca_revoked_sha256",
        "comment",
        "key_explicit",
        "key_id_two",
        "key_sha1",
        "keys_many",
        "mixed",
        "serial_bitmap",
        "serial_list",
        "serial_range_max",
        "two_cas",
    ];
    let mut seeds: Seeds = NAMES.iter().map(|name| (String::from(*name), file(&format!("krl/{name}.krl")))).collect();
    let keys = ["ed25519", "ecdsa256"].map(|name| text(&format!("keys/{name}.pub"))).concat();
    seeds.push(("text".into(), format!("# Keys that were lost.\n\n{keys}").into_bytes()));
    seeds
}

/// Requests and answers as a client and a keyring exchange them.
pub(super) fn agents() -> Seeds {
    let key = PrivateKey::read(&file("keys/ed25519"), None).unwrap();
    let rsa = PrivateKey::read(&file("keys/rsa2048"), None).ok();
    let hop = |host: &str| Hop {
        host: host.into(),
        keys: vec![HopKey { key: key.public_key().clone(), is_authority: false }],
        ..Hop::default()
    };
    let destinations = vec![
        DestinationConstraint { from: Hop::default(), to: hop("near") },
        DestinationConstraint { from: hop("near"), to: hop("far") },
    ];
    let mut client = AgentClient::new();
    client.add(&key, None, "a comment", &Constraints { destinations, ..Constraints::default() }).unwrap();
    for key in rsa.iter().chain([&key]) {
        let constraints = Constraints { lifetime: Some(2), confirm: true, ..Constraints::default() };
        client.add(key, None, "another", &constraints).unwrap();
    }
    client.list().unwrap();
    client.sign(key.public_key(), "ssh-ed25519", b"data").unwrap();
    let session_id = b"a session".to_vec();
    let signature = key.sign("ssh-ed25519", &session_id, &mut random(1)).unwrap();
    let proof = HostKeyProof { host_key: key.public_key().clone(), session_id, signature };
    client.bind_session(&proof, true).unwrap();
    client.extension("query", b"").unwrap();
    for passphrase in ["wrong", "right"] {
        client.lock(&SecretBytes::from("right")).unwrap();
        client.list().unwrap();
        client.unlock(&SecretBytes::from(passphrase)).unwrap();
    }
    client.remove(key.public_key()).unwrap();
    client.remove_all().unwrap();
    let mut requests = vec![0, 0];
    while !client.poll_output().is_empty() {
        requests.extend_from_slice(client.poll_output());
        let sent = client.poll_output().len();
        client.consume_output(sent);
    }
    let frame = |body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], body].concat();
    let blob = piece32(key.public_key().blob());
    let list = [&[12, 0, 0, 0, 1][..], &blob, &piece32(b"a comment")].concat();
    let signature = key.sign("ssh-ed25519", b"data", &mut random(1)).unwrap();
    let signature = [&[14][..], &piece32(&signature)].concat();
    let query = [&[29][..], &piece32(b"query"), &piece32(b"query")].concat();
    let answers = [&[1, 0][..], &frame(&list), &frame(&signature), &frame(&[6]), &frame(&query), &frame(&[5])].concat();
    vec![("requests".into(), requests), ("answers".into(), answers)]
}

fn piece32(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}
