//! User authentication from both sides (RFC 4252, RFC 4256, RFC 8332).

mod common;

use common::{Pair, Setup, key, random};
#[cfg(feature = "rsa")]
use ssh_core::crypto::signature;
use ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_core::wire::DisconnectReason;
use ssh_core::{
    AuthAnswer, AuthMethod, AuthNeeded, AuthRequest, ClientEvent, CloseReason, Credential, Deadline, Error, Identity,
    KeyOffer, Misuse, PeerMisbehaved, Prompt, Prompts, SecretBytes, ServerEvent, SignRequest, Stage,
};

/// A pair whose client has to say who it is.
fn pair_with(setup: Setup) -> Pair {
    let mut pair = setup.quick().build();
    pair.accept_host_key();
    pair.expect_auth_needed();
    pair
}

fn pair() -> Pair {
    pair_with(Setup::new(1))
}

fn needed(pair: &mut Pair) -> AuthNeeded {
    match pair.client_event() {
        ClientEvent::AuthNeeded(needed) => needed,
        other => panic!("{other:?}"),
    }
}

fn request(pair: &mut Pair) -> AuthRequest {
    match pair.server_event() {
        ServerEvent::Auth(request) => request,
        other => panic!("{other:?}"),
    }
}

fn offer(pair: &mut Pair) -> KeyOffer {
    match pair.server_event() {
        ServerEvent::KeyOffer(offer) => offer,
        other => panic!("{other:?}"),
    }
}

fn sign(pair: &mut Pair) -> SignRequest {
    match pair.client_event() {
        ClientEvent::Sign(request) => request,
        other => panic!("{other:?}"),
    }
}

fn prompts(pair: &mut Pair) -> Prompts {
    match pair.client_event() {
        ClientEvent::Prompts(prompts) => prompts,
        other => panic!("{other:?}"),
    }
}

fn identity(pair: &mut Pair) -> Identity {
    match pair.server_event() {
        ServerEvent::Authenticated(identity) => identity,
        other => panic!("{other:?}"),
    }
}

fn password(pair: &mut Pair, text: &str) {
    pair.client.authenticate("user", AuthMethod::Password(text.into())).unwrap();
}

/// A password that the server refuses.
fn wrong_password(pair: &mut Pair) {
    password(pair, "wrong");
    let request = request(pair);
    pair.server.answer_auth(request, AuthAnswer::Reject).unwrap();
    pair.run();
}

fn ask(prompts: &[(&str, bool)]) -> AuthAnswer {
    let prompt = |(text, echo): &(&str, bool)| Prompt { prompt: (*text).into(), echo: *echo };
    AuthAnswer::Prompts {
        name: "name".into(),
        instruction: "instruction".into(),
        prompts: prompts.iter().map(prompt).collect(),
    }
}

fn partial(methods: &[&str]) -> AuthAnswer {
    AuthAnswer::Partial { methods_that_can_continue: methods.iter().map(|&name| name.into()).collect() }
}

/// Proves a key as far as the server's last word.
fn prove(pair: &mut Pair, key: &PrivateKey) -> AuthRequest {
    pair.client.authenticate("user", AuthMethod::PublicKey(key.public_key().clone())).unwrap();
    let offer = offer(pair);
    assert_eq!(offer.key, *key.public_key());
    pair.server.answer_key_offer(offer, true).unwrap();
    let wanted = sign(pair);
    let signature = key.sign(wanted.algorithm, &wanted.data, &mut random(5)).unwrap();
    pair.client.answer_signature(wanted, Some(&signature)).unwrap();
    request(pair)
}

fn failed(error: Error) -> Option<CloseReason> {
    Some(CloseReason::Failed(error))
}

#[test]
fn none_tells_the_methods_or_succeeds() {
    let mut pair = pair();
    pair.client.authenticate("user", AuthMethod::None).unwrap();
    let asked = request(&mut pair);
    assert!(matches!(asked.credential, Credential::None));
    pair.server.answer_auth(asked, AuthAnswer::Reject).unwrap();
    let needed = needed(&mut pair);
    let methods = ["publickey", "password", "keyboard-interactive"].map(String::from).to_vec();
    assert_eq!(needed.methods_that_can_continue, Some(methods));
    assert_eq!((needed.partial_success, needed.tried), (false, Some("none")));
    pair.client.authenticate("user", AuthMethod::None).unwrap();
    let asked = request(&mut pair);
    pair.server.answer_auth(asked, AuthAnswer::Accept).unwrap();
    assert_eq!(identity(&mut pair).methods, ["none"]);
    assert!(matches!(pair.client_event(), ClientEvent::Authenticated("none")));
}

#[test]
fn passwords_and_their_change() {
    let mut pair = pair();
    wrong_password(&mut pair);
    assert_eq!(needed(&mut pair).tried, Some("password"));
    password(&mut pair, "expired");
    let asked = request(&mut pair);
    pair.server.answer_auth(asked, AuthAnswer::ChangePassword { prompt: "too old".into() }).unwrap();
    match pair.client_event() {
        ClientEvent::PasswordChange(change) => assert_eq!(change.prompt.as_plain_str(), Some("too old")),
        other => panic!("{other:?}"),
    }
    let change = AuthMethod::PasswordChange { old: "expired".into(), new: "fresh".into() };
    pair.client.authenticate("user", change).unwrap();
    let asked = request(&mut pair);
    let Credential::PasswordChange { old, new } = &asked.credential else { panic!("{asked:?}") };
    assert!(old.constant_time_eq(b"expired") && new.constant_time_eq(b"fresh"));
    pair.server.answer_auth(asked, AuthAnswer::Accept).unwrap();
    assert_identity(&mut pair, &["password"], &[]);
    assert!(matches!(pair.client_event(), ClientEvent::Authenticated("password")));
}

/// Who is logged in, at the server, and by what.
fn assert_identity(pair: &mut Pair, methods: &[&str], keys: &[&PrivateKey]) {
    let identity = identity(pair);
    assert_eq!((identity.user.as_str(), identity.methods.as_slice()), ("user", methods));
    assert!(identity.keys.iter().eq(keys.iter().map(|key| key.public_key())), "{identity:?}");
}

/// CVE-2024-45337: the identity is the key that signed, in whatever order keys were offered.
#[test]
fn the_key_that_signs_is_the_key_that_counts() {
    let (first, second) = (key(KeyAlgorithm::Ed25519, 10), key(KeyAlgorithm::EcdsaNistp256, 11));
    let mut pair = pair();
    for offered in [&first, &second, &first] {
        pair.client.authenticate("user", AuthMethod::PublicKey(offered.public_key().clone())).unwrap();
        let asked = offer(&mut pair);
        pair.server.answer_key_offer(asked, false).unwrap();
        assert_eq!(needed(&mut pair).tried, Some("publickey"));
    }
    let asked = prove(&mut pair, &second);
    let Credential::PublicKey { key: proven, algorithm, security_key: None, .. } = &asked.credential else {
        panic!("{asked:?}")
    };
    assert_eq!((proven, *algorithm), (second.public_key(), "ecdsa-sha2-nistp256"));
    pair.server.answer_auth(asked, AuthAnswer::Accept).unwrap();
    assert_identity(&mut pair, &["publickey"], &[&second]);
    assert!(matches!(pair.client_event(), ClientEvent::Authenticated("publickey")));
}

/// An accepted offer is worth nothing without a signature.
#[test]
fn offers_never_log_in() {
    let mut pair = pair();
    let user = key(KeyAlgorithm::Ed25519, 10);
    pair.client.authenticate("user", AuthMethod::PublicKey(user.public_key().clone())).unwrap();
    let asked = offer(&mut pair);
    pair.server.answer_key_offer(asked, true).unwrap();
    let wanted = sign(&mut pair);
    assert!(!pair.server.is_authenticated() && !pair.client.is_authenticated());
    // The wrong key signs.
    let thief = key(KeyAlgorithm::Ed25519, 12);
    let signature = thief.sign(wanted.algorithm, &wanted.data, &mut random(1)).unwrap();
    pair.client.answer_signature(wanted, Some(&signature)).unwrap();
    assert_eq!(needed(&mut pair).tried, Some("publickey"));
    assert!(pair.server_events.is_empty(), "the application is not even asked");
    assert!(pair.client.open_channel(&ssh_core::ChannelType::Session).is_err());
}

#[test]
fn refusing_to_sign_asks_again() {
    let mut pair = pair();
    let user = key(KeyAlgorithm::Ed25519, 10);
    pair.client.authenticate("user", AuthMethod::PublicKey(user.public_key().clone())).unwrap();
    let asked = offer(&mut pair);
    pair.server.answer_key_offer(asked, true).unwrap();
    let wanted = sign(&mut pair);
    pair.client.answer_signature(wanted, None).unwrap();
    assert_eq!(needed(&mut pair).tried, Some("publickey"));
    let asked = prove(&mut pair, &user);
    pair.server.answer_auth(asked, AuthAnswer::Accept).unwrap();
    assert_eq!(identity(&mut pair).keys.len(), 1);
}

/// RFC 8332 §3: the server says how it wants RSA keys to sign, and both sides stick to it.
#[cfg(feature = "rsa")]
#[test]
fn rsa_signs_as_the_server_wants() {
    let user = key(KeyAlgorithm::Rsa { bits: 2048 }, 20);
    for (accepted, expected) in [
        (vec![signature::RSA_SHA2_256, signature::RSA_SHA2_512], Some("rsa-sha2-512")),
        (vec![signature::RSA_SHA2_256], Some("rsa-sha2-256")),
        (vec![signature::SSH_ED25519], None),
    ] {
        let mut pair = pair_with(Setup::new(2).configure(|_, server| server.algorithms.public_key = accepted));
        let attempt = pair.client.authenticate("user", AuthMethod::PublicKey(user.public_key().clone()));
        let Some(expected) = expected else {
            assert_eq!(attempt, Err(Misuse::NoUsableAlgorithm));
            assert_eq!(pair.client.authenticate("user", AuthMethod::None), Ok(()), "another way is still open");
            continue;
        };
        let asked = offer(&mut pair);
        pair.server.answer_key_offer(asked, true).unwrap();
        let wanted = sign(&mut pair);
        assert_eq!(wanted.algorithm, expected);
        // A signature of the other hash is refused, though its key is right.
        let other = if expected == "rsa-sha2-256" { "rsa-sha2-512" } else { "rsa-sha2-256" };
        let wrong = user.sign(other, &wanted.data, &mut random(6)).unwrap();
        pair.client.answer_signature(wanted, Some(&wrong)).unwrap();
        assert_eq!(needed(&mut pair).tried, Some("publickey"));
        let asked = prove(&mut pair, &user);
        assert!(matches!(asked.credential, Credential::PublicKey { algorithm, .. } if algorithm == expected));
    }
}

#[test]
fn questions_in_several_rounds() {
    let mut pair = pair();
    let method = || AuthMethod::KeyboardInteractive { submethods: "otp".into() };
    pair.client.authenticate("user", method()).unwrap();
    let asked = request(&mut pair);
    assert!(matches!(&asked.credential, Credential::KeyboardInteractive { submethods } if submethods == "otp"));
    pair.server.answer_auth(asked, ask(&[("Password: ", false), ("Colour? ", true)])).unwrap();
    let first = prompts(&mut pair);
    let shown: Vec<_> = first.prompts.iter().map(|each| (each.prompt.to_string(), each.echo)).collect();
    assert_eq!(shown, [("Password: ".to_owned(), false), ("Colour? ".to_owned(), true)]);
    assert_eq!((first.name.to_string(), first.instruction.to_string()), ("name".into(), "instruction".into()));
    assert_eq!(pair.client.answer_prompts(&first, &["one".into()]), Err(Misuse::WrongAnswerCount));
    let long = SecretBytes::new(vec![b'x'; 4097]);
    assert_eq!(pair.client.answer_prompts(&first, &["one".into(), long]), Err(Misuse::TooLong));
    assert_eq!(pair.client.answer_prompts(&first, &["one".into(), "blue".into()]), Ok(()));
    assert_eq!(pair.client.answer_prompts(&first, &["one".into(), "blue".into()]), Err(Misuse::StaleToken));
    for round in 0..3 {
        let asked = request(&mut pair);
        let Credential::Responses(responses) = &asked.credential else { panic!("{asked:?}") };
        assert_eq!(responses.len(), if round == 0 { 2 } else { 0 });
        pair.server.answer_auth(asked, ask(&[])).unwrap();
        let none = prompts(&mut pair);
        assert!(none.prompts.is_empty());
        assert!(pair.client.answer_prompts(&first, &["one".into(), "blue".into()]).is_err(), "an old round");
        pair.client.answer_prompts(&none, &[]).unwrap();
    }
    let asked = request(&mut pair);
    pair.server.answer_auth(asked, AuthAnswer::Reject).unwrap();
    assert_eq!(needed(&mut pair).tried, Some("keyboard-interactive"));
    // In the next attempt, questions of the last one are stale even where their number fits.
    pair.client.authenticate("user", method()).unwrap();
    let asked = request(&mut pair);
    pair.server.answer_auth(asked, ask(&[("Wipe the disk? ", true), ("Sure? ", true)])).unwrap();
    let fresh = prompts(&mut pair);
    assert_eq!(pair.client.answer_prompts(&first, &["one".into(), "blue".into()]), Err(Misuse::StaleToken));
    pair.client.answer_prompts(&fresh, &["no".into(), "yes".into()]).unwrap();
    let asked = request(&mut pair);
    pair.server.answer_auth(asked, AuthAnswer::Accept).unwrap();
    assert_identity(&mut pair, &["keyboard-interactive"], &[]);
}

/// Answers that do not belong to the method are refusals.
#[test]
fn answers_fit_their_method() {
    for answer in [ask(&[("x", true)]), AuthAnswer::ChangePassword { prompt: "x".into() }] {
        let mut pair = pair();
        pair.client.authenticate("user", AuthMethod::None).unwrap();
        let asked = request(&mut pair);
        pair.server.answer_auth(asked, answer).unwrap();
        assert_eq!(needed(&mut pair).tried, Some("none"));
    }
}

#[test]
fn banners_reach_the_user_escaped() {
    let mut pair = pair();
    pair.server.send_banner("Welcome\r\n\x1b[2Jfriend").unwrap();
    match pair.client_event() {
        ClientEvent::Banner(text) => assert_eq!(text.multi_line().to_string(), "Welcome\n\\u{1b}[2Jfriend"),
        other => panic!("{other:?}"),
    }
    password(&mut pair, "secret");
    let asked = request(&mut pair);
    pair.server.send_banner("in the midst").unwrap();
    pair.server.answer_auth(asked, AuthAnswer::Accept).unwrap();
    assert!(matches!(pair.client_event(), ClientEvent::Banner(_)));
    assert!(matches!(pair.client_event(), ClientEvent::Authenticated("password")));
    assert_eq!(pair.server.send_banner("too late"), Err(Misuse::WrongPhase));
    assert_eq!(Setup::new(3).build().server.send_banner("too early"), Err(Misuse::WrongPhase));
}

#[test]
fn banners_are_bounded() {
    let mut pair = pair();
    for _ in 0..33 {
        pair.server.send_banner("again").unwrap();
    }
    pair.run();
    assert_eq!(pair.client_closed(), failed(Error::LimitExceeded(ssh_core::LimitKind::Banners)));
}

#[test]
fn two_and_three_factors() {
    let user = key(KeyAlgorithm::Ed25519, 10);
    let mut pair = pair();
    let asked = prove(&mut pair, &user);
    assert!(asked.succeeded.is_empty());
    pair.server.answer_auth(asked, partial(&["password", "keyboard-interactive"])).unwrap();
    let more = needed(&mut pair);
    assert!(more.partial_success);
    assert_eq!(more.methods_that_can_continue, Some(vec!["password".into(), "keyboard-interactive".into()]));
    password(&mut pair, "secret");
    let asked = request(&mut pair);
    assert_eq!(asked.succeeded, ["publickey"]);
    pair.server.answer_auth(asked, partial(&["keyboard-interactive"])).unwrap();
    assert!(needed(&mut pair).partial_success);
    assert!(!pair.client.is_authenticated() && !pair.server.is_authenticated());
    pair.client.authenticate("user", AuthMethod::KeyboardInteractive { submethods: String::new() }).unwrap();
    let asked = request(&mut pair);
    assert_eq!(asked.succeeded, ["publickey", "password"]);
    pair.server.answer_auth(asked, AuthAnswer::Accept).unwrap();
    assert_identity(&mut pair, &["publickey", "password", "keyboard-interactive"], &[&user]);
}

/// After a partial success only what was named may come next: the same factor again is none.
#[test]
fn one_factor_cannot_be_used_twice() {
    let user = key(KeyAlgorithm::Ed25519, 10);
    let mut pair = pair();
    let asked = prove(&mut pair, &user);
    pair.server.answer_auth(asked, partial(&["password"])).unwrap();
    needed(&mut pair);
    pair.client.authenticate("user", AuthMethod::PublicKey(user.public_key().clone())).unwrap();
    let refused = needed(&mut pair);
    assert_eq!((refused.tried, refused.partial_success), (Some("publickey"), false));
    assert_eq!(refused.methods_that_can_continue, Some(vec!["password".into()]));
    assert!(pair.server_events.is_empty(), "{:?}", pair.server_events);
}

#[test]
fn attempts_are_counted() {
    let mut pair = pair();
    for attempt in 1..6 {
        wrong_password(&mut pair);
        assert_eq!(needed(&mut pair).tried, Some("password"), "attempt {attempt}");
    }
    wrong_password(&mut pair);
    assert_eq!(pair.server_closed(), failed(Error::TooManyAuthAttempts));
    match pair.client_closed() {
        Some(CloseReason::Failed(Error::Disconnected { reason, during: Stage::Authentication, .. })) => {
            assert_eq!(reason, DisconnectReason::NO_MORE_AUTH_METHODS_AVAILABLE);
        }
        other => panic!("{other:?}"),
    }
}

/// Queries that succeed cost no attempt, but there is an end to them too.
#[test]
fn requests_of_any_kind_are_counted() {
    let user = key(KeyAlgorithm::Ed25519, 10);
    let mut pair = pair_with(Setup::new(4).configure(|_, server| server.limits.max_auth_requests = 10));
    for _ in 0..10 {
        pair.client.authenticate("user", AuthMethod::PublicKey(user.public_key().clone())).unwrap();
        let asked = offer(&mut pair);
        pair.server.answer_key_offer(asked, true).unwrap();
        let wanted = sign(&mut pair);
        pair.client.answer_signature(wanted, None).unwrap();
        needed(&mut pair);
    }
    pair.client.authenticate("user", AuthMethod::None).unwrap();
    pair.run();
    assert_eq!(pair.server_closed(), failed(Error::TooManyAuthAttempts));
}

#[test]
fn grace_time_ends_wherever_it_stands() {
    let mut pair = Setup::new(5).build();
    assert_eq!(pair.client.poll_timeout().map(|at| at.as_micros()), Some(120_000_000));
    pair.pass(120_000_000);
    pair.poll_client();
    pair.poll_server();
    let timeout = |stage| failed(Error::Timeout(Deadline::Login(stage)));
    assert_eq!(pair.server_closed(), timeout(Stage::Identification));
    // The server waits for its application, and in vain.
    let mut pair = self::pair();
    password(&mut pair, "secret");
    let asked = request(&mut pair);
    pair.pass(119_999_999);
    pair.run();
    assert!(pair.server_closed().is_none());
    pair.server.handle_timeout(ssh_core::Timestamp::from_micros(120_000_000));
    pair.run();
    assert_eq!(pair.server_closed(), timeout(Stage::Authentication));
    assert_eq!(pair.server.answer_auth(asked, AuthAnswer::Accept), Err(Misuse::WrongPhase), "too late");
    assert!(!pair.server.is_authenticated() && !pair.client.is_authenticated());
    assert!(matches!(pair.client_closed(), Some(CloseReason::Failed(Error::Disconnected { .. }))));
    // Whoever is in stays in.
    let mut pair = Pair::logged_in(Setup::new(6));
    pair.pass(1_000_000_000);
    pair.run();
    assert!(pair.client.is_authenticated() && pair.server.is_authenticated());
}

/// A late answer is as good as a quick one; an answer to the wrong connection, or a second one, is none.
#[test]
fn answers_are_for_one_question() {
    let (mut one, mut other) = (pair(), pair_with(Setup::new(7)));
    password(&mut one, "a");
    let asked = request(&mut one);
    password(&mut other, "b");
    let asked_other = request(&mut other);
    assert_eq!(other.server.answer_auth(asked, AuthAnswer::Accept), Err(Misuse::StaleToken));
    one.pass(60_000_000);
    one.run();
    assert_eq!(one.client.authenticate("user", AuthMethod::None), Err(Misuse::WrongPhase), "one at a time");
    other.server.answer_auth(asked_other, AuthAnswer::Accept).unwrap();
    identity(&mut other);
    other.run();
    assert_eq!(other.client.authenticate("user", AuthMethod::None), Err(Misuse::WrongPhase));
    // Signatures.
    let user = key(KeyAlgorithm::Ed25519, 10);
    let (mut one, mut other) = (pair(), pair_with(Setup::new(8)));
    for pair in [&mut one, &mut other] {
        pair.client.authenticate("user", AuthMethod::PublicKey(user.public_key().clone())).unwrap();
        let asked = offer(pair);
        pair.server.answer_key_offer(asked, true).unwrap();
    }
    let (wanted, _) = (sign(&mut one), sign(&mut other));
    assert_eq!(other.client.answer_signature(wanted, None), Err(Misuse::StaleToken));
}

/// A host key is one decision; a decision is made once.
#[test]
fn host_key_decisions_are_for_one_connection() {
    let (mut one, mut other) = (Setup::new(9).build(), Setup::new(10).build());
    let ClientEvent::HostKey(asked) = one.client_event() else { panic!("a host key") };
    let ClientEvent::HostKey(asked_other) = other.client_event() else { panic!("a host key") };
    let said = other.to_server.len();
    other.run();
    assert_eq!(other.to_server.len(), said, "not a byte before the decision");
    assert_eq!(other.client.answer_host_key(asked, ssh_core::HostKeyAnswer::Accept), Err(Misuse::StaleToken));
    other.client.answer_host_key(asked_other, ssh_core::HostKeyAnswer::Reject).unwrap();
    other.run();
    assert_eq!(other.client_closed(), failed(Error::HostKeyRejected));
    assert!(matches!(
        other.server_closed(),
        Some(CloseReason::Failed(Error::Disconnected { reason: DisconnectReason::HOST_KEY_NOT_VERIFIABLE, .. }))
    ));
    one.pass(120_000_000);
    one.run();
    assert_eq!(one.client_closed(), failed(Error::Timeout(Deadline::Login(Stage::KeyExchange))));
}

/// CVE-2026-46705: what was proven for one user must not help another.
#[test]
fn another_user_ends_the_login() {
    let mut pair = pair();
    password(&mut pair, "secret");
    let asked = request(&mut pair);
    pair.server.answer_auth(asked, partial(&["password"])).unwrap();
    needed(&mut pair);
    pair.client.authenticate("root", AuthMethod::Password("secret".into())).unwrap();
    pair.run();
    assert_eq!(pair.server_closed(), failed(PeerMisbehaved::UserChanged.into()));
    assert!(pair.server_events.iter().all(|event| matches!(event, ServerEvent::Closed(_))));
}

/// Names that no user has are refused without asking anybody.
#[test]
fn hostile_names_are_nobody() {
    for name in ["a\0b", "\x1b[2J", "a\nb"] {
        let mut pair = pair();
        pair.client.authenticate(name, AuthMethod::Password("x".into())).unwrap();
        assert_eq!(needed(&mut pair).tried, Some("password"));
        assert!(pair.server_events.is_empty());
    }
    let mut pair = pair();
    assert_eq!(pair.client.authenticate(&"x".repeat(1025), AuthMethod::None), Err(Misuse::TooLong));
    let long = AuthMethod::Password(SecretBytes::new(vec![b'x'; 4097]));
    assert_eq!(pair.client.authenticate("user", long), Err(Misuse::TooLong));
}

#[test]
fn methods_that_are_not_offered_are_refused() {
    let mut pair = pair_with(Setup::new(11).configure(|_, server| server.auth_methods = vec!["publickey".into()]));
    password(&mut pair, "secret");
    assert_eq!(needed(&mut pair).methods_that_can_continue, Some(vec!["publickey".into()]));
    pair.client.authenticate("user", AuthMethod::KeyboardInteractive { submethods: String::new() }).unwrap();
    assert_eq!(needed(&mut pair).tried, Some("keyboard-interactive"));
    let host = key(KeyAlgorithm::Ed25519, 3);
    let method = AuthMethod::HostBased {
        key: host.public_key().clone(),
        host_name: "client.example.".into(),
        user_name: "me".into(),
    };
    pair.client.authenticate("user", method).unwrap();
    let ClientEvent::Sign(wanted) = pair.client_event() else { panic!("nothing to sign") };
    let signature = host.sign(wanted.algorithm, &wanted.data, &mut random(5)).unwrap();
    pair.client.answer_signature(wanted, Some(&signature)).unwrap();
    assert_eq!(needed(&mut pair).tried, Some("hostbased"));
    assert!(pair.server_events.is_empty());
}
