use alloc::{string::ToString, vec, vec::Vec};

use super::*;
use crate::key::{CertificateBuilder, HostKeyProof, KeyAlgorithm, PrivateKey, PublicKey};
use crate::protocol::ByteProtocol;
use crate::random::ChaChaRandom;
use crate::secret::SecretBytes;
use crate::time::{Timestamp, UnixTime};
use crate::wire::Writer;

const AT_ZERO: AgentTime = AgentTime { now: Timestamp::ZERO, calendar: UnixTime::from_secs(1_800_000_000) };

fn random(seed: u8) -> ChaChaRandom {
    ChaChaRandom::from_seed(&[seed; 32])
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random(seed)).unwrap()
}

fn after(seconds: u64) -> AgentTime {
    AgentTime { now: Timestamp::from_micros(seconds * 1_000_000), ..AT_ZERO }
}

/// A client, its connection and the keyring behind it.
#[derive(Default)]
struct Pair {
    client: AgentClient,
    connection: AgentConnection,
    keyring: Keyring,
}

impl Pair {
    fn run_at(&mut self, time: AgentTime) -> Option<ConsentNeeded> {
        while !self.client.poll_output().is_empty() {
            let sent = self.connection.handle_input(self.client.poll_output());
            self.client.consume_output(sent);
            let asked = self.keyring.serve(&mut self.connection, time, &mut random(9));
            if asked.is_some() {
                return asked;
            }
            self.deliver();
        }
        None
    }

    fn deliver(&mut self) {
        while !self.connection.poll_output().is_empty() {
            let sent = self.client.handle_input(self.connection.poll_output());
            self.connection.consume_output(sent);
        }
    }

    /// The answer to what `ask` asks for.
    fn at(
        &mut self,
        time: AgentTime,
        ask: impl FnOnce(&mut AgentClient) -> Result<(), AgentError>,
    ) -> Result<AgentReply, AgentError> {
        ask(&mut self.client)?;
        assert!(self.run_at(time).is_none(), "nobody has to be asked");
        let reply = self.client.poll_reply().expect("an answer");
        assert!(!self.client.is_waiting());
        reply
    }

    fn ask(&mut self, ask: impl FnOnce(&mut AgentClient) -> Result<(), AgentError>) -> Result<AgentReply, AgentError> {
        self.at(AT_ZERO, ask)
    }

    fn listed(&mut self, time: AgentTime) -> Vec<PublicKey> {
        match self.at(time, AgentClient::list) {
            Ok(AgentReply::Identities(list)) => list.into_iter().map(|each| each.key).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn add(&mut self, key: &PrivateKey, constraints: &Constraints) {
        assert_eq!(self.ask(|client| client.add(key, None, "a comment", constraints)), Ok(AgentReply::Done));
    }

    /// Another client of the same keyring.
    fn reconnect(&mut self) {
        (self.client, self.connection) = Default::default();
    }
}

fn all_algorithms() -> Vec<KeyAlgorithm> {
    vec![
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::EcdsaNistp256,
        KeyAlgorithm::EcdsaNistp384,
        KeyAlgorithm::EcdsaNistp521,
        #[cfg(feature = "rsa")]
        KeyAlgorithm::Rsa { bits: 2048 },
        #[cfg(feature = "pq")]
        KeyAlgorithm::MlDsa44Ed25519,
        #[cfg(feature = "legacy")]
        KeyAlgorithm::Dsa,
    ]
}

#[test]
fn every_kind_of_key_is_added_listed_used_and_removed_alone_and_with_its_certificate() {
    let authority = key(1);
    for algorithm in all_algorithms() {
        let key = PrivateKey::generate(algorithm, &mut random(2)).unwrap();
        let builder = CertificateBuilder::user(key.public_key(), "x", UnixTime::ALWAYS..UnixTime::FOREVER);
        let certificate = builder.principal("x").sign(&authority, &mut random(3)).unwrap();
        let mut pair = Pair::default();
        let add = |certificate| {
            let key = &key;
            move |client: &mut AgentClient| client.add(key, certificate, "a comment", &Constraints::default())
        };
        assert_eq!(pair.ask(add(None)), Ok(AgentReply::Done), "{algorithm:?}");
        assert_eq!(pair.ask(add(Some(&certificate))), Ok(AgentReply::Done), "{algorithm:?}");
        let identities = [key.public_key(), &certificate];
        assert_eq!(pair.listed(AT_ZERO), identities.map(Clone::clone));
        for identity in identities {
            for name in identity.signature_algorithms() {
                let signed = pair.ask(|client| client.sign(identity, name, b"data"));
                let Ok(AgentReply::Signature(signature)) = signed else { panic!("{name}: {signed:?}") };
                let proof = HostKeyProof { host_key: identity.clone(), session_id: b"data".to_vec(), signature };
                // SHA-1 proves nothing to anybody any more.
                assert!(proof.is_genuine() || name.starts_with("ssh-rsa"), "{name}");
            }
        }
        assert_eq!(pair.ask(|client| client.remove(&certificate)), Ok(AgentReply::Done));
        assert_eq!(pair.listed(AT_ZERO), [key.public_key().clone()]);
        assert_eq!(pair.ask(|client| client.remove(&certificate)), Err(AgentError::Refused));
        assert_eq!(pair.ask(AgentClient::remove_all), Ok(AgentReply::Done));
        assert_eq!(pair.listed(AT_ZERO), []);
    }
}

#[test]
fn a_certificate_of_another_key_is_not_added() {
    let builder = CertificateBuilder::user(key(1).public_key(), "x", UnixTime::ALWAYS..UnixTime::FOREVER);
    let certificate = builder.principal("x").sign(&key(2), &mut random(3)).unwrap();
    let added = AgentClient::new().add(&key(4), Some(&certificate), "", &Constraints::default());
    assert_eq!(added, Err(AgentError::CertificateMismatch));
}

#[test]
fn a_key_lives_as_long_as_it_may() {
    let mut pair = Pair::default();
    pair.add(&key(1), &Constraints { lifetime: Some(10), ..Constraints::default() });
    pair.add(&key(2), &Constraints::default());
    assert_eq!(pair.keyring.poll_timeout(), Some(after(10).now));
    assert_eq!(pair.listed(after(9)).len(), 2);
    assert_eq!(pair.listed(after(10)), [key(2).public_key().clone()]);
    assert_eq!(pair.keyring.poll_timeout(), None);
}

/// Adding a key again must not drop a constraint silently, and changes those that the same user sets anew
/// (CVE-2026-39832, CVE-2026-39833).
#[test]
fn constraints_are_sent_and_kept() {
    let mut pair = Pair::default();
    pair.add(&key(1), &Constraints { confirm: true, lifetime: Some(5), ..Constraints::default() });
    pair.client.sign(key(1).public_key(), "ssh-ed25519", b"data").unwrap();
    let needed = pair.run_at(AT_ZERO).expect("consent is needed");
    assert_eq!((&needed.key, needed.comment.as_str()), (key(1).public_key(), "a comment"));
    assert!(pair.keyring.serve(&mut pair.connection, AT_ZERO, &mut random(1)).is_none(), "it is asked once");
    pair.keyring.answer_consent(&mut pair.connection, needed, true, AT_ZERO, &mut random(1));
    pair.deliver();
    assert!(matches!(pair.client.poll_reply(), Some(Ok(AgentReply::Signature(_)))));
    for (consents, time) in [(false, AT_ZERO), (true, after(6))] {
        pair.client.sign(key(1).public_key(), "ssh-ed25519", b"data").unwrap();
        let needed = pair.run_at(AT_ZERO).expect("consent is needed each time");
        pair.keyring.answer_consent(&mut pair.connection, needed, consents, time, &mut random(1));
        pair.deliver();
        assert_eq!(pair.client.poll_reply(), Some(Err(AgentError::Refused)), "refused, or gone meanwhile");
    }
}

#[test]
fn a_consent_of_before_is_no_consent() {
    let mut pair = Pair::default();
    pair.add(&key(1), &Constraints { confirm: true, ..Constraints::default() });
    let ask = |pair: &mut Pair| {
        pair.client.sign(key(1).public_key(), "ssh-ed25519", b"data").unwrap();
        pair.run_at(AT_ZERO).expect("consent is needed")
    };
    let first = ask(&mut pair);
    pair.keyring.answer_consent(&mut pair.connection, first, false, AT_ZERO, &mut random(1));
    pair.deliver();
    let second = ask(&mut pair);
    pair.reconnect();
    let fresh = ask(&mut pair);
    pair.keyring.answer_consent(&mut pair.connection, second, true, AT_ZERO, &mut random(1));
    assert!(pair.connection.poll_output().is_empty(), "consent to something else changes nothing");
    pair.keyring.answer_consent(&mut pair.connection, fresh, true, AT_ZERO, &mut random(1));
    assert!(!pair.connection.poll_output().is_empty());
}

#[test]
fn a_constraint_that_is_not_known_is_refused_with_the_key() {
    let mut fields = Vec::new();
    key(1).write_fields(&mut Writer::new(&mut fields));
    Writer::new(&mut fields).string(b"comment");
    for constraint in [&[3, 0, 0, 0, 9][..], &[255, 0, 0, 0, 1, b'x'], &[2, 2], &[1, 0], &[77]] {
        let frame = [&[AgentMessageNumber::ADD_ID_CONSTRAINED.0][..], &fields, constraint].concat();
        assert!(AgentRequest::read(&frame).is_err(), "{constraint:?}");
    }
    let frame = [&[AgentMessageNumber::ADD_ID_CONSTRAINED.0][..], &fields, &[2]].concat();
    assert!(matches!(AgentRequest::read(&frame), Ok(Some(AgentRequest::Add(key))) if key.constraints.confirm));
}

#[test]
fn locked_it_shows_nothing_and_does_nothing() {
    let mut pair = Pair::default();
    pair.add(&key(1), &Constraints::default());
    let (right, wrong) = (SecretBytes::from("right"), SecretBytes::from("wrong"));
    assert_eq!(pair.ask(|client| client.unlock(&right)), Err(AgentError::Refused), "it is not locked");
    assert_eq!(pair.ask(|client| client.lock(&right)), Ok(AgentReply::Done));
    assert_eq!(pair.listed(AT_ZERO), []);
    let refused = Err(AgentError::Refused);
    assert_eq!(pair.ask(|client| client.sign(key(1).public_key(), "ssh-ed25519", b"data")), refused);
    assert_eq!(pair.ask(AgentClient::remove_all), refused);
    assert_eq!(pair.ask(|client| client.lock(&wrong)), refused);
    assert_eq!(pair.ask(|client| client.add(&key(2), None, "", &Constraints::default())), refused);
    for failed in 0..3 {
        assert_eq!(pair.keyring.failed_unlocks(), failed);
        assert_eq!(pair.ask(|client| client.unlock(&wrong)), refused);
    }
    assert_eq!(pair.ask(|client| client.unlock(&right)), Ok(AgentReply::Done));
    assert_eq!(pair.listed(AT_ZERO), [key(1).public_key().clone()]);
}

#[test]
fn it_takes_no_more_keys_than_it_can_list() {
    let mut pair = Pair::default();
    let comment = "x".repeat(60_000);
    let added: Vec<_> = (1..=5)
        .map(|seed| pair.ask(|client| client.add(&key(seed), None, &comment, &Constraints::default())))
        .collect();
    let refused = Err(AgentError::Refused);
    assert_eq!(
        added,
        [Ok(AgentReply::Done), Ok(AgentReply::Done), Ok(AgentReply::Done), Ok(AgentReply::Done), refused]
    );
    assert_eq!(pair.listed(AT_ZERO).len(), 4);
    assert_eq!(pair.ask(|client| client.add(&key(1), None, &comment, &Constraints::default())), Ok(AgentReply::Done));
    // The longest list, to the byte.
    let mut keyring = Keyring::new();
    let longest = MAX_FRAME_LENGTH - 16 - 8 - key(1).public_key().blob().len();
    for (length, has_room) in [(longest + 1, false), (longest, true)] {
        let (comment, constraints) = ("x".repeat(length), Constraints::default());
        let key = KeyToAdd { key: key(1), certificate: None, comment, constraints };
        assert_eq!(keyring.add(key, Timestamp::ZERO), has_room, "{length}");
    }
}

#[test]
fn extensions() {
    let mut pair = Pair::default();
    let Ok(AgentReply::Extension(names)) = pair.ask(|client| client.extension("query", b"")) else {
        panic!("no answer")
    };
    let mut expected = Vec::new();
    let mut writer = Writer::new(&mut expected);
    writer.string(b"query");
    writer.string(b"session-bind@openssh.com");
    assert_eq!(names, expected);
    assert_eq!(pair.ask(|client| client.extension("unknown@example.com", b"x")), Err(AgentError::Refused));
}

/// A session with the host that has `host`.
fn session(host: &PrivateKey, id: &[u8]) -> HostKeyProof {
    let signature = host.sign("ssh-ed25519", id, &mut random(1)).unwrap();
    HostKeyProof { host_key: host.public_key().clone(), session_id: id.to_vec(), signature }
}

fn login(id: &[u8], user: &str, key: &PublicKey, bound_to: Option<&PrivateKey>) -> Vec<u8> {
    let mut data = Vec::new();
    let mut writer = Writer::new(&mut data);
    writer.string(id);
    writer.byte(50);
    writer.string(user.as_bytes());
    writer.string(b"ssh-connection");
    let method = if bound_to.is_some() { "publickey-hostbound-v00@openssh.com" } else { "publickey" };
    writer.string(method.as_bytes());
    writer.boolean(true);
    writer.string(b"ssh-ed25519");
    writer.string(key.blob());
    if let Some(host) = bound_to {
        writer.string(host.public_key().blob());
    }
    data
}

fn hop(user: &str, host: &str, key: &PrivateKey) -> Hop {
    let keys = vec![HopKey { key: key.public_key().clone(), is_authority: false }];
    Hop { user: user.into(), host: host.into(), keys }
}

/// The key may log in to `near` as anybody, and from there to `far` as `joe*`.
fn near_then_far(near: &PrivateKey, far: &PrivateKey) -> Constraints {
    let destinations = vec![
        DestinationConstraint { from: Hop::default(), to: hop("", "near", near) },
        DestinationConstraint { from: hop("", "near", near), to: hop("joe*", "far", far) },
    ];
    Constraints { destinations, ..Constraints::default() }
}

#[test]
fn a_key_for_certain_hosts_signs_logins_to_them_and_nothing_else() {
    let (near, far, mine) = (key(10), key(11), key(12));
    let public = mine.public_key().clone();
    let mut pair = Pair::default();
    pair.add(&mine, &near_then_far(&near, &far));
    let sign = |pair: &mut Pair, data: &[u8]| {
        pair.ask(|client| client.sign(&public, "ssh-ed25519", data)).map(|_signature| ())
    };
    let refused = Err(AgentError::Refused);
    assert_eq!(pair.listed(AT_ZERO), core::slice::from_ref(&public), "beside the agent it is seen");
    assert_eq!(sign(&mut pair, &login(b"1", "joe", &public, None)), refused, "but not used without a session");
    assert_eq!(pair.ask(|client| client.bind_session(&session(&near, b"1"), false)), Ok(AgentReply::Done));
    assert_eq!(sign(&mut pair, &login(b"1", "joe", &public, None)), Ok(()));
    assert_eq!(sign(&mut pair, &login(b"1", "joe", &public, Some(&near))), Ok(()));
    assert_eq!(sign(&mut pair, &login(b"1", "joe", &public, Some(&far))), refused, "another host");
    assert_eq!(sign(&mut pair, &login(b"2", "joe", &public, None)), refused, "another session");
    assert_eq!(sign(&mut pair, &login(b"1", "joe", key(13).public_key(), None)), refused, "another key");
    assert_eq!(sign(&mut pair, b"anything"), refused);
    assert_eq!(
        pair.ask(|client| client.bind_session(&session(&far, b"3"), false)),
        Err(AgentError::Refused),
        "bound for good"
    );

    pair.reconnect();
    assert_eq!(pair.ask(|client| client.bind_session(&session(&far, b"4"), false)), Ok(AgentReply::Done));
    assert_eq!(pair.listed(AT_ZERO), [], "from here it leads nowhere");
    assert_eq!(sign(&mut pair, &login(b"4", "joe", &public, None)), refused);
    assert_eq!(
        pair.ask(|client| client.remove(&public)),
        Err(AgentError::Refused),
        "what cannot be seen cannot be removed"
    );
    assert_eq!(
        pair.ask(|client| client.add(&mine, None, "", &Constraints::default())),
        Err(AgentError::Refused),
        "or loosened"
    );
}

#[test]
fn a_forwarded_agent_follows_the_permitted_way() {
    let (near, far, mine) = (key(10), key(11), key(12));
    let public = mine.public_key().clone();
    let mut pair = Pair::default();
    pair.add(&mine, &near_then_far(&near, &far));
    let sign = |pair: &mut Pair, data: &[u8]| {
        pair.ask(|client| client.sign(&public, "ssh-ed25519", data)).map(|_signature| ())
    };
    assert_eq!(pair.ask(|client| client.bind_session(&session(&near, b"1"), true)), Ok(AgentReply::Done));
    assert_eq!(pair.listed(AT_ZERO), core::slice::from_ref(&public), "it leads on from here");
    assert_eq!(sign(&mut pair, &login(b"1", "joe", &public, None)), Err(AgentError::Refused), "forwarding only");
    assert_eq!(pair.ask(|client| client.bind_session(&session(&far, b"2"), false)), Ok(AgentReply::Done));
    assert_eq!(sign(&mut pair, &login(b"2", "joey", &public, Some(&far))), Ok(()));
    assert_eq!(sign(&mut pair, &login(b"2", "root", &public, Some(&far))), Err(AgentError::Refused));

    pair.reconnect();
    assert_eq!(pair.ask(|client| client.bind_session(&session(&near, b"1"), true)), Ok(AgentReply::Done));
    assert_eq!(pair.ask(|client| client.bind_session(&session(&far, b"5"), true)), Ok(AgentReply::Done));
    assert_eq!(pair.listed(AT_ZERO), [], "beyond the last permitted host it is not seen");
}

#[test]
fn a_session_that_nobody_signed_binds_nothing_and_hides_what_is_for_certain_hosts() {
    let (near, far, mine) = (key(10), key(11), key(12));
    let mut pair = Pair::default();
    pair.add(&mine, &near_then_far(&near, &far));
    let forged = HostKeyProof { session_id: b"other".to_vec(), ..session(&near, b"1") };
    assert_eq!(pair.ask(|client| client.bind_session(&forged, false)), Err(AgentError::Refused));
    assert_eq!(pair.listed(AT_ZERO), []);
}

#[test]
fn a_host_may_be_known_by_its_authority() {
    let (authority, host, mine) = (key(1), key(2), key(3));
    let certify = |name: &str| {
        let builder = CertificateBuilder::host(host.public_key(), "", UnixTime::ALWAYS..UnixTime::FOREVER);
        builder.principal(name).sign(&authority, &mut random(4)).unwrap()
    };
    let keys = vec![HopKey { key: authority.public_key().clone(), is_authority: true }];
    let to = Hop { user: "".into(), host: "near".into(), keys };
    let destinations = vec![DestinationConstraint { from: Hop::default(), to }];
    let mut pair = Pair::default();
    pair.add(&mine, &Constraints { destinations, ..Constraints::default() });
    for (name, signed) in [("near", true), ("elsewhere", false)] {
        pair.reconnect();
        let proof = HostKeyProof { host_key: certify(name), ..session(&host, b"1") };
        assert_eq!(pair.ask(|client| client.bind_session(&proof, false)), Ok(AgentReply::Done));
        let data = login(b"1", "joe", mine.public_key(), None);
        let answer = pair.ask(|client| client.sign(mine.public_key(), "ssh-ed25519", &data));
        assert_eq!(answer.is_ok(), signed, "{name}");
    }
}

/// CVE-2026-46673 (russh): a length of four gigabytes was allocated.
#[test]
fn frames_of_impossible_lengths_end_the_conversation_and_cost_nothing() {
    for length in [0, 256 * 1024 + 1, u32::MAX] {
        let mut connection = AgentConnection::new();
        connection.handle_input(&length.to_be_bytes());
        assert!(Keyring::new().serve(&mut connection, AT_ZERO, &mut random(1)).is_none());
        assert_eq!(connection.failure(), Some(&AgentError::FrameLength { length }));
        assert_eq!(connection.handle_input(b"whatever follows"), 16, "is dropped");

        let mut client = AgentClient::new();
        client.list().unwrap();
        client.handle_input(&length.to_be_bytes());
        let error = AgentError::FrameLength { length };
        assert_eq!(client.poll_reply(), Some(Err(error.clone())));
        assert_eq!(client.list(), Err(error));
    }
}

#[test]
fn answers_that_nobody_asked_for_or_that_make_no_sense() {
    let frame = |body: &[u8]| [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat();
    let reply = |ask: fn(&mut AgentClient), body: &[u8]| {
        let mut client = AgentClient::new();
        ask(&mut client);
        client.handle_input(&frame(body));
        client.poll_reply().expect("an answer")
    };
    assert_eq!(reply(|_| {}, &[6]), Err(AgentError::Unsolicited));
    let list: fn(&mut AgentClient) = |client| client.list().unwrap();
    let number = |number| AgentMessageNumber(number);
    assert_eq!(reply(list, &[6]), Err(AgentError::UnexpectedReply { number: number(6) }));
    assert_eq!(reply(list, &[5]), Err(AgentError::Refused));
    let too_many = [12, 255, 255, 255, 255];
    assert!(matches!(reply(list, &too_many), Err(AgentError::Malformed(_))), "CVE-2025-47914 (x/crypto)");
    assert!(matches!(reply(list, &[12, 0, 0, 0, 1, 0, 0]), Err(AgentError::Malformed(_))));
    let odd_key = [&[12, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 0, 0, 0, 1][..], b"c"].concat();
    assert_eq!(reply(list, &odd_key), Ok(AgentReply::Identities(vec![])), "a key that makes no sense is left out");
    let sign: fn(&mut AgentClient) = |client| client.sign(key(1).public_key(), "rsa-sha2-512", b"").unwrap();
    let old = [&[14, 0, 0, 0, 11, 0, 0, 0, 7][..], b"ssh-rsa"].concat();
    let wanted = "rsa-sha2-512".to_string();
    assert_eq!(reply(sign, &old), Err(AgentError::WrongAlgorithm { wanted }));
}

/// Whatever part of a request makes it too long: nothing of it is sent, and the conversation goes on.
#[test]
fn what_is_too_long_to_ask_is_not_asked() {
    let long = vec![b'x'; MAX_FRAME_LENGTH];
    let (text, secret) = (core::str::from_utf8(&long).unwrap(), SecretBytes::copied_from(&long));
    let proof = HostKeyProof { session_id: long.clone(), ..session(&key(1), b"id") };
    type Ask<'a> = &'a dyn Fn(&mut AgentClient) -> Result<(), AgentError>;
    let asks: [Ask<'_>; 6] = [
        &|client| client.sign(key(1).public_key(), "ssh-ed25519", &long),
        &|client| client.add(&key(1), None, text, &Constraints::default()),
        &|client| client.lock(&secret),
        &|client| client.unlock(&secret),
        &|client| client.bind_session(&proof, false),
        &|client| client.extension("x", &long),
    ];
    let mut pair = Pair::default();
    for (number, ask) in asks.iter().enumerate() {
        assert_eq!(ask(&mut pair.client), Err(AgentError::TooLong), "{number}");
        assert!(pair.client.poll_output().is_empty() && !pair.client.is_waiting(), "{number}");
    }
    assert_eq!(pair.listed(AT_ZERO), []);
}

/// So is an answer that is too long, or that nothing was asked for.
#[test]
fn an_answer_that_is_too_long_is_a_failure() {
    let mut server = AgentServer::new();
    server.answer(&AgentAnswer::Success);
    assert!(server.poll_output().is_empty(), "nobody asked");
    server.handle_input(&[0, 0, 0, 1, 11]);
    assert!(matches!(server.poll_request(), Some(AgentRequest::Identities)));
    server.answer(&AgentAnswer::Signature(vec![0; MAX_FRAME_LENGTH]));
    assert_eq!(server.poll_output(), [0, 0, 0, 1, 5]);
}

/// What a person reads says what it is about.
#[test]
fn errors_in_words() {
    let number = AgentMessageNumber(6);
    for (error, words) in [
        (AgentError::Refused, "ssh-add -l"),
        (AgentError::WrongAlgorithm { wanted: "a\u{1b}b".into() }, "\"a\\u{1b}b\""),
        (AgentError::Malformed(crate::wire::DecodeError::Truncated), "malformed"),
        (AgentError::UnexpectedReply { number }, "another question"),
        (AgentError::Unsolicited, "without a question"),
        (AgentError::FrameLength { length: 0 }, "has 0 bytes"),
        (AgentError::TooLong, "longer than 262144 bytes"),
        (AgentError::CertificateMismatch, "does not belong to the key"),
        (AgentError::Key(crate::key::KeyFileError::NotAKeyFile), "not usable"),
        (AgentError::UnknownConstraint, "constraint"),
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn what_cannot_be_granted_is_refused_and_the_conversation_goes_on() {
    let mut pair = Pair::default();
    for body in [&[20, 0][..], &[26], &[99], &[13, 0, 0], &[17, 0, 0, 0, 9], &[11, 0], &[1]] {
        let frame = [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat();
        assert_eq!(pair.connection.handle_input(&frame), frame.len());
        assert!(pair.keyring.serve(&mut pair.connection, AT_ZERO, &mut random(1)).is_none());
        assert_eq!(pair.connection.poll_output(), [0, 0, 0, 1, 5], "{body:?}");
        pair.connection.consume_output(5);
    }
    pair.add(&key(1), &Constraints::default());
    assert_eq!(pair.listed(AT_ZERO).len(), 1);
}

#[test]
fn byte_by_byte_is_the_same_and_one_request_waits_for_the_other() {
    let mut pair = Pair::default();
    pair.client.add(&key(1), None, "", &Constraints::default()).unwrap();
    pair.client.list().unwrap();
    let mut bytes = Vec::new();
    while !pair.client.poll_output().is_empty() {
        bytes.extend_from_slice(pair.client.poll_output());
        let n = pair.client.poll_output().len();
        pair.client.consume_output(n);
    }
    let mut replies = Vec::new();
    let mut work = |pair: &mut Pair| {
        pair.keyring.serve(&mut pair.connection, AT_ZERO, &mut random(1));
        pair.deliver();
        replies.extend(pair.client.poll_reply());
    };
    for byte in bytes {
        while pair.connection.handle_input(&[byte]) == 0 {
            work(&mut pair);
        }
    }
    work(&mut pair);
    let [Ok(AgentReply::Done), Ok(AgentReply::Identities(list))] = replies.as_slice() else { panic!("{replies:?}") };
    assert_eq!(list.len(), 1);
}
