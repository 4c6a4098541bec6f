//! Configurations that work, and those that are refused before a byte is said.

mod common;

use std::sync::Arc;

use common::{key, random};
use ssh_core::crypto::kex::GroupSizes;
use ssh_core::crypto::{Algorithms, cipher, signature};
use ssh_core::key::KeyAlgorithm;
use ssh_core::{Client, ClientConfig, ConfigError, Identification, Limits, Server, ServerConfig, Timestamp};

/// How a client and a server with this change begin; they must agree.
fn begin(change: impl Fn(&mut Algorithms, &mut Limits)) -> Result<(), ConfigError> {
    let mut config = ClientConfig::default();
    change(&mut config.algorithms, &mut config.limits);
    let client = Client::new(Arc::new(config), Box::new(random(1)), Timestamp::ZERO).map(drop);
    let mut config = ServerConfig::new(vec![key(KeyAlgorithm::Ed25519, 1).public_key().clone()]);
    change(&mut config.algorithms, &mut config.limits);
    let server = Server::new(Arc::new(config), Box::new(random(2)), Timestamp::ZERO).map(drop);
    assert_eq!(client, server);
    client
}

/// Changes a limit to a value.
type Set = fn(&mut Limits, u32);

/// Each limit at its edge, and one beyond it.
#[test]
fn limits() {
    let edges: &[(Set, u32, u32)] = &[
        (|limits, value| limits.max_packet_before_auth = value, 35_000, 34_999),
        (|limits, value| limits.max_packet_before_auth = value, 1 << 24, (1 << 24) + 1),
        (|limits, value| limits.max_packet = value, 35_000, 34_999),
        (|limits, value| limits.max_packet = value, 1 << 24, (1 << 24) + 1),
        (|limits, value| limits.channel_packet = value, 256, 255),
        // A data message and what is around it must fit in a packet.
        (|limits, value| limits.channel_packet = value, 255 * 1024, 255 * 1024 + 1),
        (|limits, value| limits.channel_window = value, 32 * 1024, 32 * 1024 - 1),
        (|limits, value| limits.max_channels = value, 1, 0),
        (|limits, value| limits.max_output = value as usize, 16 * 1024, 16 * 1024 - 1),
        (|limits, value| limits.input_buffer = value as usize, 4096, 4095),
    ];
    for (index, (set, good, bad)) in edges.iter().enumerate() {
        assert_eq!(begin(|_, limits| set(limits, *good)), Ok(()), "{index}");
        assert_eq!(begin(|_, limits| set(limits, *bad)), Err(ConfigError::Limits), "{index}");
    }
}

/// A side with an empty list could agree on nothing. MACs are needed only beside ciphers that do not authenticate.
#[test]
fn lists_of_algorithms() {
    assert_eq!(begin(|_, _| ()), Ok(()));
    let empty: &[fn(&mut Algorithms)] = &[
        |lists| lists.kex.clear(),
        |lists| lists.host_key.clear(),
        |lists| lists.ciphers.clear(),
        |lists| lists.macs.clear(),
        |lists| lists.compression.clear(),
    ];
    for (index, clear) in empty.iter().enumerate() {
        assert_eq!(begin(|lists, _| clear(lists)), Err(ConfigError::NoAlgorithms), "{index}");
    }
    let without_macs = |lists: &mut Algorithms, _: &mut Limits| {
        lists.macs.clear();
        lists.ciphers = vec![cipher::AES256_GCM];
    };
    assert_eq!(begin(without_macs), Ok(()));
    assert_eq!(begin(|lists, _| lists.public_key.clear()), Ok(()), "users may have other ways in");
}

/// A client asks for groups of 1024 to 8192 bits (RFC 4419 §3), sizes in order. A server asks for none.
#[test]
fn sizes_of_groups() {
    let begin = |min, preferred, max| {
        let mut config = ClientConfig::default();
        config.kex.group_sizes = GroupSizes { min, preferred, max };
        Client::new(Arc::new(config), Box::new(random(1)), Timestamp::ZERO).map(drop)
    };
    for (min, preferred, max) in [(1024, 1024, 8192), (8192, 8192, 8192), (2048, 3072, 4096)] {
        assert_eq!(begin(min, preferred, max), Ok(()), "{min} {preferred} {max}");
    }
    for (min, preferred, max) in [(1023, 2048, 8192), (2048, 2048, 8193), (2048, 2047, 8192), (2048, 4096, 4095)] {
        assert_eq!(begin(min, preferred, max), Err(ConfigError::GroupSizes), "{min} {preferred} {max}");
    }
    let words = "the sizes of group must be 1024 ≤ min ≤ preferred ≤ max ≤ 8192";
    assert_eq!(ConfigError::GroupSizes.to_string(), words);
    assert_eq!(GroupSizes::default(), GroupSizes { min: 2048, preferred: 3072, max: 8192 });
}

/// A server without a host key that it could prove is none.
#[test]
fn host_keys() {
    let server = |keys: &[KeyAlgorithm]| {
        let keys = keys.iter().map(|&kind| key(kind, 1).public_key().clone()).collect();
        let mut config = ServerConfig::new(keys);
        config.algorithms.host_key = vec![signature::SSH_ED25519];
        Server::new(Arc::new(config), Box::new(random(1)), Timestamp::ZERO).map(drop)
    };
    assert_eq!(server(&[]), Err(ConfigError::NoHostKey));
    assert_eq!(server(&[KeyAlgorithm::EcdsaNistp256]), Err(ConfigError::NoHostKey));
    assert_eq!(server(&[KeyAlgorithm::EcdsaNistp256, KeyAlgorithm::Ed25519]), Ok(()));
}

/// RFC 4253 §4.2: printable US-ASCII, no `-` in the software version, 255 characters with all around it.
#[test]
fn identifications() {
    let longest = "x".repeat(200);
    for good in ["Thing_1.0", "x", "Thing a comment-with-minus", &longest] {
        let identification = Identification::new(good).unwrap();
        assert_eq!(identification.to_string(), format!("SSH-2.0-{good}"));
        let mut config = ClientConfig::default();
        config.identification = identification;
        let mut client = Client::new(Arc::new(config), Box::new(random(1)), Timestamp::ZERO).unwrap();
        assert!(client.poll_output().starts_with(format!("SSH-2.0-{good}\r\n").as_bytes()));
    }
    let too_long = "x".repeat(201);
    for bad in ["", " x", "a-b", "a\r\nb", "a\0", "ü", "\u{7f}", &too_long] {
        assert_eq!(Identification::new(bad), Err(ConfigError::Identification), "{bad:?}");
    }
    let default = Identification::default().to_string();
    assert_eq!(default, concat!("SSH-2.0-ssh_core_", env!("CARGO_PKG_VERSION")));
}
