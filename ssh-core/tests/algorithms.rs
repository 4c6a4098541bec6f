//! What is built in, by name and by number: the tables that a peer must have, too.
#![cfg(all(feature = "pq", feature = "rsa"))]

use std::fmt::Debug;

use ssh_core::crypto::hash::Hash;
use ssh_core::crypto::signature::SignatureAlgorithm;
use ssh_core::crypto::{AlgorithmKind, Algorithms, Named, PRESETS, cipher, compression, mac};
use ssh_core::files::algorithm_list::apply;
use ssh_core::{ClientConfig, ServerConfig};

fn names<T: Named + Copy>(list: &[T]) -> Vec<&'static str> {
    list.iter().map(Named::name).collect()
}

/// Whatever prints an algorithm prints its name.
fn shown<T: Debug>(list: &[T]) -> Vec<String> {
    list.iter().map(|each| format!("{each:?}")).collect()
}

/// OpenSSH 10.5's lists (`myproposal.h`): of its server, and what its client has beside.
const KEX: [&str; 12] = [
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
];
const SERVER_KEX: usize = 8;
const SIGNATURES: [&str; 18] = [
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];
const CIPHERS: [&str; 6] = [
    "chacha20-poly1305@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
];
const MACS: [&str; 10] = [
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
];

#[test]
fn the_default_is_opensshs() {
    let server = ServerConfig::new(Vec::new()).algorithms;
    let client = ClientConfig::default().algorithms;
    assert_eq!(names(&server.kex), KEX[..SERVER_KEX]);
    assert_eq!(names(&client.kex), KEX);
    for lists in [server, client, Algorithms::default(), Algorithms::preset("default").unwrap()] {
        assert_eq!(names(&lists.host_key), SIGNATURES);
        assert_eq!(names(&lists.public_key), SIGNATURES);
        assert_eq!(names(&lists.ciphers), CIPHERS);
        assert_eq!(names(&lists.macs), MACS);
        assert_eq!(names(&lists.compression), ["none"], "OpenSSH has zlib@openssh.com behind it");
    }
}

#[test]
fn presets_by_name() {
    assert_eq!(PRESETS, ["default", "hardened", "compatible"]);
    for unknown in ["", "Default", "hardened ", "strongest"] {
        assert!(Algorithms::preset(unknown).is_none(), "{unknown}");
    }
    let hardened = Algorithms::preset("hardened").unwrap();
    assert_eq!(names(&hardened.kex), KEX[..3]);
    assert!(names(&hardened.host_key).iter().all(|name| !name.contains("ecdsa")));
    assert_eq!(names(&hardened.public_key), names(&hardened.host_key));
    let ciphers = ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr"];
    assert_eq!(names(&hardened.ciphers), ciphers);
    let macs = ["hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com"];
    assert_eq!(names(&hardened.macs), macs);
    assert_eq!(names(&hardened.compression), ["none"]);
}

/// Everything that is there without the feature `legacy`, but for compression that strangers can reach.
#[test]
fn what_is_broken_is_in_no_preset() {
    let legacy = |name: &str| {
        ["-sha1", "-cbc", "cbc@", "arcfour", "md5", "-96", "ssh-rsa", "ssh-dss"].iter().any(|part| name.contains(part))
            && !["hmac-sha1", "hmac-sha1-etm@openssh.com"].contains(&name)
    };
    let every = |lists: &Algorithms| -> Vec<&str> {
        let public_key = [names(&lists.kex), names(&lists.host_key), names(&lists.public_key)].concat();
        [public_key, names(&lists.ciphers), names(&lists.macs), names(&lists.compression)].concat()
    };
    let (all, compatible) = (Algorithms::all(), Algorithms::preset("compatible").unwrap());
    let missing: Vec<_> = every(&all).into_iter().filter(|name| !every(&compatible).contains(name)).collect();
    assert_eq!(missing, every(&all).into_iter().filter(|name| legacy(name) || *name == "zlib").collect::<Vec<_>>());
    assert!(missing.contains(&"ssh-rsa") == cfg!(feature = "legacy"));
    for preset in PRESETS {
        let found: Vec<_> =
            every(&Algorithms::preset(preset).unwrap()).into_iter().filter(|name| legacy(name)).collect();
        assert_eq!(found, Vec::<&str>::new(), "{preset}");
    }
    let weak = |name: &&&'static dyn SignatureAlgorithm| name.is_weak();
    assert!(all.host_key.iter().filter(weak).all(|algorithm| legacy(algorithm.name())));
}

/// RFC 4253 §7.2, RFC 5656 §6.2.1, RFC 8731 §3 and the hybrid's draft say which hash function goes with a method.
#[test]
fn the_hash_function_of_each_method() {
    for method in Algorithms::all().kex {
        let name = method.name();
        let end = name.trim_end_matches("@openssh.com").trim_end_matches("@libssh.org");
        let expected = match end.rsplit_once('-').unwrap().1 {
            "sha1" => Hash::Sha1,
            "sha256" | "nistp256" => Hash::Sha256,
            "sha384" | "nistp384" => Hash::Sha384,
            "sha512" | "nistp521" => Hash::Sha512,
            other => panic!("{other}"),
        };
        assert_eq!(method.hash(), expected, "{name}");
    }
}

#[test]
fn hash_functions() {
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let sha384 = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
    let sha512 = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd\
                  454d4423643ce80e2a9ac94fa54ca49f";
    for (hash, name, expected) in
        [(Hash::Sha256, "SHA-256", sha256), (Hash::Sha384, "SHA-384", sha384), (Hash::Sha512, "SHA-512", sha512)]
    {
        assert_eq!(hash.to_string(), name);
        for parts in [&[&b"abc"[..]][..], &[b"a", b"", b"bc"]] {
            let digest: String = hash.digest(parts).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest, expected, "{name}");
        }
    }
}

/// Lengths of key, initial vector and block, and the bytes after which keys are replaced (RFC 4344 §3.2).
#[test]
fn ciphers() {
    let table: Vec<_> = cipher::ALL
        .iter()
        .map(|cipher| {
            let lengths = (cipher.key_length(), cipher.iv_length(), cipher.block_length());
            (cipher.name(), lengths, cipher.authenticates(), cipher.rekey_after_bytes())
        })
        .collect();
    assert_eq!(
        table,
        [
            ("chacha20-poly1305@openssh.com", (64, 0, 8), true, 1 << 30),
            ("aes128-gcm@openssh.com", (16, 12, 16), true, 1 << 36),
            ("aes256-gcm@openssh.com", (32, 12, 16), true, 1 << 36),
            ("aes128-ctr", (16, 16, 16), false, 1 << 36),
            ("aes192-ctr", (24, 16, 16), false, 1 << 36),
            ("aes256-ctr", (32, 16, 16), false, 1 << 36),
            ("aes128-cbc", (16, 16, 16), false, 1 << 36),
            ("aes192-cbc", (24, 16, 16), false, 1 << 36),
            ("aes256-cbc", (32, 16, 16), false, 1 << 36),
            ("rijndael-cbc@lysator.liu.se", (32, 16, 16), false, 1 << 36),
            ("3des-cbc", (24, 8, 8), false, 1 << 30),
            ("blowfish-cbc", (16, 8, 8), false, 1 << 30),
            ("cast128-cbc", (16, 8, 8), false, 1 << 30),
            ("arcfour256", (32, 0, 8), false, 1 << 30),
            ("arcfour128", (16, 0, 8), false, 1 << 30),
            ("arcfour", (16, 0, 8), false, 1 << 30),
        ]
    );
}

/// Lengths of key and tag, and what the tag is over.
#[test]
fn macs() {
    let table: Vec<_> = mac::ALL
        .iter()
        .map(|mac| {
            let keyed = mac.keyed(&vec![1; mac.key_length()]);
            assert_eq!((keyed.tag_length(), keyed.encrypt_then_mac()), (mac.tag_length(), mac.encrypt_then_mac()));
            (mac.name(), mac.key_length(), mac.tag_length(), mac.encrypt_then_mac())
        })
        .collect();
    assert_eq!(
        table,
        [
            ("hmac-sha2-256-etm@openssh.com", 32, 32, true),
            ("hmac-sha2-512-etm@openssh.com", 64, 64, true),
            ("umac-128-etm@openssh.com", 16, 16, true),
            ("umac-64-etm@openssh.com", 16, 8, true),
            ("hmac-sha2-256", 32, 32, false),
            ("hmac-sha2-512", 64, 64, false),
            ("umac-128@openssh.com", 16, 16, false),
            ("umac-64@openssh.com", 16, 8, false),
            ("hmac-sha1-etm@openssh.com", 20, 20, true),
            ("hmac-sha1", 20, 20, false),
            ("hmac-sha1-96-etm@openssh.com", 20, 12, true),
            ("hmac-sha1-96", 20, 12, false),
            ("hmac-md5-etm@openssh.com", 16, 16, true),
            ("hmac-md5", 16, 16, false),
            ("hmac-md5-96-etm@openssh.com", 16, 12, true),
            ("hmac-md5-96", 16, 12, false),
        ]
    );
}

/// `rsa-sha2-*` sign with keys of the type `ssh-rsa` (RFC 8332 §3), WebAuthn with those of security keys; all others are
/// named as their keys. What signs is the key in a certificate.
#[test]
fn signature_algorithms() {
    for algorithm in Algorithms::all().host_key {
        let expected = match algorithm.name() {
            "rsa-sha2-256" | "rsa-sha2-512" => "ssh-rsa",
            "rsa-sha2-256-cert-v01@openssh.com" | "rsa-sha2-512-cert-v01@openssh.com" => "ssh-rsa-cert-v01@openssh.com",
            name => name.trim_start_matches("webauthn-"),
        };
        assert_eq!(algorithm.key_type(), expected);
        let plain = algorithm.name().replace("-cert-v01", "").replace("ed25519-cert", "ed25519");
        let plain = if plain.starts_with("ssh-mldsa") || plain.contains("sk-") {
            plain
        } else {
            plain.replace("@openssh.com", "")
        };
        let certified = algorithm.name().contains("-cert");
        assert_eq!(algorithm.plain().map(|plain| plain.name().to_owned()), certified.then_some(plain));
    }
}

#[test]
fn algorithms_are_shown_by_name() {
    let all = Algorithms::default();
    assert_eq!(shown(&all.kex), names(&all.kex));
    assert_eq!(shown(&all.host_key), names(&all.host_key));
    assert_eq!(shown(&all.ciphers), names(&all.ciphers));
    assert_eq!(shown(&all.macs), names(&all.macs));
    assert_eq!(shown(&[compression::NONE]), ["none"]);
    let whole = format!("{:?}", Algorithms::hardened());
    assert!(
        whole.contains("kex: [mlkem768x25519-sha256, sntrup761x25519-sha512,") && whole.contains("compression: [none]"),
        "{whole}"
    );
}

/// Known key types come first; otherwise the order stays as it was.
#[test]
fn host_keys_that_are_known_come_first() {
    let mut algorithms = Algorithms::default();
    let before = names(&algorithms.host_key);
    algorithms.prefer_host_keys::<&str>(&[]);
    algorithms.prefer_host_keys(&["ssh-new@example.com"]);
    assert_eq!(names(&algorithms.host_key), before);
    algorithms.prefer_host_keys(&["ssh-rsa", "ecdsa-sha2-nistp384"]);
    let known = ["ecdsa-sha2-nistp384", "rsa-sha2-512", "rsa-sha2-256"];
    let others: Vec<_> = before.iter().copied().filter(|name| !known.contains(name)).collect();
    assert_eq!(names(&algorithms.host_key), [&known[..], &others].concat());
    assert_eq!(names(&algorithms.public_key), before, "the user's keys are another matter");
}

/// An unknown name is told with those that are known, and cannot smuggle anything onto a terminal.
#[test]
fn unknown_names_are_told() {
    let default = Algorithms::default().ciphers;
    let error = apply("twofish\u{1b}[2J", &default, &default).unwrap_err();
    assert_eq!((error.name.as_str(), &error.known), ("twofish\u{1b}[2J", &names(&default)));
    assert_eq!(
        error.to_string(),
        "unknown algorithm \"twofish\\u{1b}[2J\"; known are: chacha20-poly1305@openssh.com, aes128-gcm@openssh.com, \
         aes256-gcm@openssh.com, aes128-ctr, aes192-ctr, aes256-ctr"
    );
}

/// The words in which people read that two sides have nothing in common.
#[test]
fn kinds_in_words() {
    let kinds = [
        (AlgorithmKind::KeyExchange, "key exchange method"),
        (AlgorithmKind::HostKey, "host key algorithm"),
        (AlgorithmKind::PublicKey, "public key algorithm"),
        (AlgorithmKind::CipherClientToServer, "cipher (client to server)"),
        (AlgorithmKind::CipherServerToClient, "cipher (server to client)"),
        (AlgorithmKind::MacClientToServer, "MAC (client to server)"),
        (AlgorithmKind::MacServerToClient, "MAC (server to client)"),
        (AlgorithmKind::CompressionClientToServer, "compression (client to server)"),
        (AlgorithmKind::CompressionServerToClient, "compression (server to client)"),
    ];
    for (kind, words) in kinds {
        assert_eq!(kind.to_string(), words);
    }
}
