//! Sources of randomness that fail: at the first call, and at every later one. No key, salt or cookie is ever made from
//! what a failed call left behind.

mod common;

use std::sync::Arc;

use common::{Pair, Setup, key, random};
use ssh_core::crypto::Algorithms;
use ssh_core::crypto::kex::{KexError, KexSettings, KexStep, KeyExchange};
use ssh_core::files::known_hosts::{FormatEntryError, KnownHosts, edit};
use ssh_core::key::{
    CertificateBuilder, GenerateError, IssueError, KeyAlgorithm, KeyEncryption, KeyFileError, KeyFileFormat, PrivateKey,
};
use ssh_core::random::{ChaChaRandom, RandomError, SecureRandom};
use ssh_core::wire::DisconnectReason;
use ssh_core::{
    AuthAnswer, AuthMethod, Client, ClientConfig, ClientEvent, CloseReason, ConfigError, Error, HostKeyAnswer, Server,
    ServerConfig, ServerEvent, Timestamp, UnixTime,
};

/// A source that works so many times.
struct Dry {
    calls: u32,
    random: ChaChaRandom,
}

fn dry(calls: u32) -> Dry {
    Dry { calls, random: random(u64::from(calls)) }
}

impl SecureRandom for Dry {
    fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
        self.calls = self.calls.checked_sub(1).ok_or(RandomError)?;
        self.random.fill(destination)
    }
}

/// Does it with a source that works 0, 1, 2 .. times, until it succeeds; says how many it takes.
fn needed<T, E: PartialEq + std::fmt::Debug>(error: E, mut attempt: impl FnMut(&mut Dry) -> Result<T, E>) -> u32 {
    for calls in 0..100 {
        match attempt(&mut dry(calls)) {
            Ok(_) => return calls,
            Err(other) => assert_eq!(other, error, "after {calls} calls"),
        }
    }
    panic!("it never has enough");
}

#[test]
fn keys_are_not_made_without() {
    for kind in [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::EcdsaNistp256,
        KeyAlgorithm::EcdsaNistp384,
        KeyAlgorithm::EcdsaNistp521,
        #[cfg(feature = "rsa")]
        KeyAlgorithm::Rsa { bits: 2048 },
    ] {
        assert!(
            needed(GenerateError::Random(RandomError), |random| PrivateKey::generate(kind, random)) > 0,
            "{kind:?}"
        );
    }
    assert_eq!(needed(RandomError, |random| ChaChaRandom::seeded_by(random)), 1);
}

/// RSA blinds its private operation; the other signatures are deterministic and need no source.
#[test]
fn rsa_alone_does_not_sign_without() {
    #[cfg(feature = "rsa")]
    {
        use ssh_core::key::SignError;
        let rsa = key(KeyAlgorithm::Rsa { bits: 2048 }, 1);
        let signed = needed(SignError::Random(RandomError), |random| rsa.sign("rsa-sha2-256", b"data", random));
        assert!(signed > 0);
    }
    for (kind, algorithm) in
        [(KeyAlgorithm::Ed25519, "ssh-ed25519"), (KeyAlgorithm::EcdsaNistp256, "ecdsa-sha2-nistp256")]
    {
        assert!(key(kind, 1).sign(algorithm, b"data", &mut dry(0)).is_ok(), "{algorithm}");
    }
}

#[test]
fn files_are_not_written_without() {
    let key = key(KeyAlgorithm::Ed25519, 1);
    let failed = KeyFileError::Random(RandomError);
    let plain = needed(failed.clone(), |random| key.write(KeyFileFormat::OpenSsh, None, random));
    let encryption = KeyEncryption { rounds: 1, ..KeyEncryption::new("phrase".into()) };
    let encrypted = needed(failed, |random| key.write(KeyFileFormat::OpenSsh, Some(&encryption), random));
    assert_eq!((plain, encrypted), (1, 2), "the check number; and the salt");
    #[cfg(all(feature = "pkcs8", feature = "ppk"))]
    {
        for format in [KeyFileFormat::Pkcs8, KeyFileFormat::Ppk3, KeyFileFormat::Ppk2] {
            assert!(key.write(format, None, &mut dry(0)).is_ok(), "nothing is drawn for {format:?}");
        }
        for (format, draws) in [(KeyFileFormat::Pkcs8, 2), (KeyFileFormat::Ppk3, 1)] {
            let failed = KeyFileError::Random(RandomError);
            assert_eq!(needed(failed, |random| key.write(format, Some(&encryption), random)), draws, "{format:?}");
        }
        assert!(key.write(KeyFileFormat::Ppk2, Some(&encryption), &mut dry(0)).is_ok(), "it has no salt");
    }
}

/// Every name has a salt of its own.
#[test]
fn names_are_not_hashed_without() {
    let (key, failed) = (key(KeyAlgorithm::Ed25519, 1).public_key().clone(), FormatEntryError::Random(RandomError));
    assert_eq!(needed(failed, |random| KnownHosts::format_entry("host", 22, &key, Some(random))), 1);
    let names = ["host", "10.0.0.1"];
    assert_eq!(needed(failed, |random| edit::add(b"", &names, &key, Some(random))), 2);
    assert_eq!(needed(failed, |random| edit::replace(b"", &names, std::slice::from_ref(&key), Some(random))), 2);
    let text = format!("host,10.0.0.1 {key}\n* {key}\nother {key}\n");
    assert_eq!(needed(RandomError, |random| edit::hash(text.as_bytes(), random)), 3);
}

#[test]
fn certificates_are_not_issued_without() {
    let hour = UnixTime::from_secs(0)..UnixTime::from_secs(3600);
    let (authority, user) = (key(KeyAlgorithm::Ed25519, 1), key(KeyAlgorithm::Ed25519, 2));
    let certificate = CertificateBuilder::user(user.public_key(), "id", hour).principal("alice");
    let issue = |authority: &PrivateKey, random: &mut Dry| certificate.clone().sign(authority, random);
    assert_eq!(needed(IssueError::Random(RandomError), |random| issue(&authority, random)), 1, "the nonce");
    #[cfg(feature = "rsa")]
    {
        use ssh_core::key::{MessageHash, MessageSignature, MessageSignatureError, SignError};
        let rsa = key(KeyAlgorithm::Rsa { bits: 2048 }, 1);
        assert_eq!(issue(&rsa, &mut dry(0)), Err(IssueError::Random(RandomError)));
        assert_eq!(issue(&rsa, &mut dry(1)), Err(IssueError::Sign(SignError::Random(RandomError))), "blinding");
        let failed = MessageSignatureError::Sign(SignError::Random(RandomError));
        let sign = |random: &mut Dry| MessageSignature::sign(&rsa, "file", MessageHash::Sha512, b"message", random);
        assert!(needed(failed, sign) > 0);
    }
}

#[test]
fn no_key_exchange_method_goes_on_without() {
    let client_starts = |method: &dyn KeyExchange, random: &mut dyn SecureRandom| {
        method.start_client(&KexSettings::default(), random).map(|(message, _)| message.body)
    };
    for method in Algorithms::default().kex {
        let failed = KexError::Random(RandomError);
        assert!(needed(failed, |random| client_starts(method, random)) > 0, "{method:?}");
        let offer = client_starts(method, &mut random(1)).unwrap();
        let answered = needed(failed, |random| {
            let step = method.start_server(&KexSettings::default())?.handle(&offer, random)?;
            assert!(matches!(step, KexStep::Done(_)));
            Ok(())
        });
        assert!(answered > 0, "{method:?}");
    }
}

/// The application's part of a session up to the end of a second key exchange.
fn session(pair: &mut Pair) {
    for rekey in [false, true] {
        if rekey {
            let _ = pair.client.rekey();
        }
        loop {
            pair.run();
            let mut decided = false;
            if let Some(at) = pair.client_events.iter().position(|event| !matches!(event, ClientEvent::Closed(_))) {
                decided = true;
                match pair.client_events.remove(at).unwrap() {
                    ClientEvent::HostKey(request) => {
                        pair.client.answer_host_key(request, HostKeyAnswer::Accept).unwrap();
                    }
                    ClientEvent::AuthNeeded(_) => {
                        pair.client.authenticate("user", AuthMethod::Password("secret".into())).unwrap()
                    }
                    _ => {}
                }
            }
            if let Some(at) = pair.server_events.iter().position(|event| !matches!(event, ServerEvent::Closed(_))) {
                decided = true;
                if let ServerEvent::Auth(request) = pair.server_events.remove(at).unwrap() {
                    pair.server.answer_auth(request, AuthAnswer::Accept).unwrap();
                }
            }
            if !decided {
                break;
            }
        }
    }
}

/// Whoever lacks randomness ends the connection and says so, in the first key exchange and in later ones.
#[test]
fn connections_end_without() {
    let setup = || Setup::new(3).quick();
    let client = |source| Client::new(Arc::<ClientConfig>::new(setup().client), Box::new(source), Timestamp::ZERO);
    let server = |source| Server::new(Arc::<ServerConfig>::new(setup().server), Box::new(source), Timestamp::ZERO);
    let to_begin = needed(ConfigError::Random, |source| client(dry(source.calls)));
    assert_eq!(to_begin, needed(ConfigError::Random, |source| server(dry(source.calls))));
    for client_lacks in [true, false] {
        let mut ended = 0;
        for calls in to_begin.. {
            let mut pair = setup().build();
            match client_lacks {
                true => pair.client = client(dry(calls)).unwrap(),
                false => pair.server = server(dry(calls)).unwrap(),
            }
            session(&mut pair);
            let (lacking, other) = match client_lacks {
                true => (pair.client_closed(), pair.server_closed()),
                false => (pair.server_closed(), pair.client_closed()),
            };
            if lacking.is_none() {
                assert!(pair.client.is_authenticated() && other.is_none());
                break;
            }
            ended += 1;
            assert_eq!(lacking, Some(CloseReason::Failed(Error::Random)), "after {calls} calls");
            let told = matches!(
                other,
                Some(CloseReason::Failed(Error::Disconnected { reason: DisconnectReason::KEY_EXCHANGE_FAILED, .. }))
            );
            assert!(told, "after {calls} calls: {other:?}");
        }
        // The first exchange's secret; the second's cookie and secret.
        assert_eq!(ended, 3, "client: {client_lacks}");
    }
}
