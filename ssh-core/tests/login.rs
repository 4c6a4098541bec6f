//! The conversation of a login, against a server whose decisions the test makes.

mod common;

use std::cell::RefCell;

use common::{Pair, Setup, key};
use ssh_core::crypto::signature;
use ssh_core::key::{
    CertificateBuilder, KeyAlgorithm, KeyEncryption, KeyFileError, KeyFileFormat, PrivateKey, PublicKey,
};
use ssh_core::login::{Conversation, Credentials, LockedKeyFile, LoginError, Step, VouchingHost};
use ssh_core::{AuthAnswer, ClientEvent, Credential, Misuse, Prompt, SecretBytes, ServerEvent};

thread_local! {
    /// The only key that the server would take; otherwise all.
    static WANTED: RefCell<Option<PublicKey>> = const { RefCell::new(None) };
    static OFFERED: RefCell<Vec<PublicKey>> = const { RefCell::new(Vec::new()) };
}

/// What a person answers, and what they were asked.
#[derive(Default)]
struct Person {
    password: Option<&'static str>,
    new_password: Option<&'static str>,
    answers: Option<Vec<&'static str>>,
    passphrases: Vec<&'static str>,
    /// The keys of an agent.
    agent: Vec<PrivateKey>,
    asked: Vec<&'static str>,
    unusable: Vec<KeyFileError>,
    /// Files whose keys have signed.
    used: Vec<String>,
}

/// Both sides up to the first question about the user.
fn pair(seed: u64) -> Pair {
    pair_with(seed, &["publickey", "password", "keyboard-interactive"])
}

/// The same with a server that offers these methods.
fn pair_with(seed: u64, methods: &[&str]) -> Pair {
    let methods: Vec<_> = methods.iter().map(|&name| String::from(name)).collect();
    let setup = Setup::new(seed).configure(|_, server| server.auth_methods = methods);
    let mut pair = setup.build();
    pair.accept_host_key();
    pair.run();
    pair
}

/// Talks until the login is over; what is unanswered goes back to the client's events.
fn talk(
    pair: &mut Pair,
    credentials: Credentials,
    person: &mut Person,
    mut decide: impl FnMut(&Credential) -> AuthAnswer,
) -> Result<&'static str, LoginError> {
    let mut conversation = Conversation::new("user", credentials);
    let result = loop {
        pair.run();
        while let Some(event) = pair.server_events.pop_front() {
            match event {
                ServerEvent::KeyOffer(offer) => {
                    let key = offer.key.clone();
                    let wanted = WANTED.with_borrow(|wanted| wanted.as_ref().is_none_or(|wanted| *wanted == key));
                    OFFERED.with_borrow_mut(|offered| offered.push(key));
                    pair.server.answer_key_offer(offer, wanted).expect("a fresh token");
                }
                ServerEvent::Auth(request) => {
                    let answer = decide(&request.credential);
                    pair.server.answer_auth(request, answer).expect("a fresh token");
                }
                _ => {}
            }
        }
        let Some(event) = pair.client_events.pop_front() else { continue };
        let mut step = conversation.handle(&mut pair.client, &mut common::random(5), event);
        loop {
            step = match step {
                Step::AskPassword { .. } => {
                    person.asked.push("password");
                    conversation.give_password(&mut pair.client, person.password.map(SecretBytes::from))
                }
                Step::AskNewPassword(_) => {
                    person.asked.push("new password");
                    conversation.give_new_password(&mut pair.client, person.new_password.map(SecretBytes::from))
                }
                Step::AskAnswers => {
                    person.asked.push("answers");
                    assert!(conversation.prompts().is_some());
                    let answers = person.answers.clone();
                    let answers = answers.map(|all| all.into_iter().map(SecretBytes::from).collect());
                    conversation.give_answers(&mut pair.client, answers)
                }
                Step::AskPassphrase { file, attempt } => {
                    assert_eq!(file, "a file");
                    assert_eq!(person.asked.iter().filter(|each| **each == "passphrase").count() as u32, attempt);
                    person.asked.push("passphrase");
                    conversation.give_passphrase(person.passphrases.pop().map(SecretBytes::from))
                }
                Step::AskAgent(wanted) => {
                    person.asked.push("agent");
                    let key = person.agent.iter().find(|key| *key.public_key() == *wanted.key.plain());
                    let signed =
                        key.and_then(|key| key.sign(wanted.algorithm, &wanted.data, &mut common::random(6)).ok());
                    conversation.give_signature(&mut pair.client, signed.as_deref())
                }
                Step::GoOn { unusable } => {
                    person.unusable.extend(unusable.map(|unusable| unusable.error));
                    conversation.go_on(&mut pair.client, &mut common::random(5))
                }
                other => break step = other,
            };
        }
        match step {
            Step::Done(method) => break Ok(method),
            Step::Failed(error) => break Err(error),
            _ => {}
        }
    };
    pair.client_events.extend(conversation.unanswered());
    person.used = conversation.take_used_files().into_iter().map(|used| used.name).collect();
    result
}

fn is(password: &SecretBytes, text: &str) -> bool {
    password.constant_time_eq(text.as_bytes())
}

fn if_right(right: bool) -> AuthAnswer {
    if right { AuthAnswer::Accept } else { AuthAnswer::Reject }
}

fn questions(count: usize) -> AuthAnswer {
    let prompts = (0..count).map(|_| Prompt { prompt: "Code: ".into(), echo: false }).collect();
    AuthAnswer::Prompts { name: String::new(), instruction: String::new(), prompts }
}

#[test]
fn a_key_then_a_password_where_both_are_wanted() {
    let mut pair = pair(1);
    let credentials = Credentials::none().key(key(KeyAlgorithm::Ed25519, 7)).password("secret");
    let mut person = Person::default();
    let method = talk(&mut pair, credentials, &mut person, |credential| match credential {
        Credential::PublicKey { .. } => AuthAnswer::Partial { methods_that_can_continue: vec!["password".into()] },
        Credential::Password(password) => if_right(is(password, "secret")),
        _ => AuthAnswer::Reject,
    });
    assert_eq!(method, Ok("password"));
    assert!(person.asked.is_empty());
}

/// What is known is tried before anybody is asked, and nobody is asked more often than allowed.
#[test]
fn a_person_is_asked_so_often_and_no_more() {
    let mut pair = pair(2);
    let credentials = || Credentials::from("known").prompts(2).preferred(vec!["password".into()]);
    let mut person = Person { password: Some("wrong"), ..Person::default() };
    let mut tried = 0;
    let refused = talk(&mut pair, credentials(), &mut person, |credential| {
        tried += u32::from(matches!(credential, Credential::Password(_)));
        AuthAnswer::Reject
    });
    assert!(matches!(refused, Err(LoginError::Refused { tried, .. }) if tried == ["password"]));
    assert_eq!((tried, &*person.asked), (3, &["password", "password"][..]));
    // Another login goes on where this one ended.
    let mut person = Person { password: Some("secret"), ..Person::default() };
    let accept = |credential: &Credential| {
        if_right(matches!(credential, Credential::Password(password) if is(password, "secret")))
    };
    assert_eq!(talk(&mut pair, credentials(), &mut person, accept), Ok("password"));
}

/// Somebody who gives up on passwords is not asked for another, and other methods have their turn.
#[test]
fn giving_up_on_one_method_goes_on_with_the_next() {
    let mut pair = pair(3);
    let order = ["password", "keyboard-interactive"].map(String::from).into();
    let mut person = Person { answers: Some(vec!["1", "2"]), ..Person::default() };
    let method =
        talk(&mut pair, Credentials::none().prompts(3).preferred(order), &mut person, |credential| match credential {
            Credential::KeyboardInteractive { .. } => questions(2),
            Credential::Responses(answers) => if_right(is(&answers[0], "1") && is(&answers[1], "2")),
            _ => AuthAnswer::Reject,
        });
    assert_eq!(method, Ok("keyboard-interactive"));
    assert_eq!(person.asked, ["password", "answers"]);
}

/// A password answers one hidden question once; nobody is there for the rest, which ends and does not hang.
#[test]
fn a_password_answers_a_single_question() {
    for (asked, expected) in [(1, true), (2, false), (0, false)] {
        let mut pair = pair(4);
        let method =
            talk(&mut pair, Credentials::from("secret"), &mut Person::default(), |credential| match credential {
                Credential::KeyboardInteractive { .. } => questions(asked),
                Credential::Responses(answers) => if_right(matches!(&answers[..], [only] if is(only, "secret"))),
                _ => AuthAnswer::Reject,
            });
        assert_eq!(method.is_ok(), expected, "{asked} questions: {method:?}");
    }
}

#[test]
fn an_expired_password_is_changed_or_told() {
    for (new, expected) in [(Some("fresh"), true), (None, false)] {
        let mut pair = pair(5);
        let credentials = Credentials::from("old").preferred(vec!["password".into()]);
        let mut person = Person { new_password: new, ..Person::default() };
        let method = talk(&mut pair, credentials, &mut person, |credential| match credential {
            Credential::PasswordChange { old, new } => if_right(is(old, "old") && is(new, "fresh")),
            _ => AuthAnswer::ChangePassword { prompt: "It is old.".into() },
        });
        assert_eq!(person.asked, ["new password"]);
        match method {
            Ok(_) => assert!(expected),
            Err(LoginError::PasswordExpired { prompt }) => {
                assert!(!expected && prompt.to_string() == "It is old.");
                assert!(matches!(pair.client_events.back(), Some(ClientEvent::PasswordChange(_))), "not forgotten");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// What a person reads in the end: who was refused, what was tried, what is left; the server's words escaped.
#[test]
fn failures_in_words() {
    let mut pair = pair(6);
    let credentials = Credentials::from(key(KeyAlgorithm::Ed25519, 7)).password("secret");
    let order = ["publickey", "password"].map(String::from).into();
    let refused = talk(&mut pair, credentials.preferred(order), &mut Person::default(), |_| AuthAnswer::Reject);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "permission denied for \"user\"; tried: publickey, password; the server accepts: publickey, password, \
         keyboard-interactive"
    );
    let nothing = talk(&mut pair, Credentials::none(), &mut Person::default(), |_| AuthAnswer::Reject);
    let said = nothing.unwrap_err().to_string();
    assert!(
        said.starts_with("permission denied for \"user\"; tried: nothing; the server accepts: publickey"),
        "{said}"
    );
    let order = vec!["password".into()];
    let expired = talk(&mut pair, Credentials::from("old").preferred(order), &mut Person::default(), |_| {
        AuthAnswer::ChangePassword { prompt: "Old.\u{1b}[2J".into() }
    });
    assert_eq!(expired.unwrap_err().to_string(), "the password has expired: Old.\\u{1b}[2J");
}

/// A banner is for the user's eyes and no answer to anything; other events pass.
#[test]
fn banners_are_shown_and_other_events_pass() {
    let mut pair = pair(7);
    let mut conversation = Conversation::new("user", Credentials::from("secret"));
    let client = &mut pair.client;
    let mut handle = |event| conversation.handle(client, &mut common::random(5), event);
    let banner = "Hello.".into();
    assert!(matches!(handle(ClientEvent::Banner(banner)), Step::Banner(text) if text.to_string() == "Hello."));
    assert!(matches!(handle(ClientEvent::Rekeyed), Step::Wait));
    // Answers that nobody asked for change nothing.
    assert!(conversation.prompts().is_none());
    for step in [
        conversation.give_password(&mut pair.client, Some("secret".into())),
        conversation.give_new_password(&mut pair.client, Some("new".into())),
        conversation.give_answers(&mut pair.client, Some(vec!["1".into()])),
    ] {
        assert!(matches!(step, Step::Wait));
    }
    assert!(pair.client.poll_output().is_empty());
}

/// A password longer than any server takes (4,096 bytes) is told at once, and the login can be tried again.
#[test]
fn a_password_that_is_too_long() {
    let mut pair = pair(8);
    let long = "x".repeat(4097);
    let credentials = Credentials::from(long.as_str()).preferred(vec!["password".into()]);
    let failed = talk(&mut pair, credentials, &mut Person::default(), |_| AuthAnswer::Reject).unwrap_err();
    assert_eq!(failed, LoginError::Misuse(Misuse::TooLong));
    assert_eq!(failed.to_string(), Misuse::TooLong.to_string());
    let credentials = || Credentials::none().prompts(1).preferred(vec!["password".into()]);
    let mut person = Person { password: Some(Box::leak(long.into_boxed_str())), ..Person::default() };
    let failed = talk(&mut pair, credentials(), &mut person, |_| AuthAnswer::Reject).unwrap_err();
    assert_eq!(failed, LoginError::Misuse(Misuse::TooLong));
    let mut person = Person { password: Some("secret"), ..Person::default() };
    let accept = |credential: &Credential| if_right(matches!(credential, Credential::Password(_)));
    assert_eq!(talk(&mut pair, credentials(), &mut person, accept), Ok("password"));
}

/// A key that the client may not prove is passed over for the next one.
#[test]
fn a_key_without_an_algorithm_is_passed_over() {
    let setup = Setup::new(9).configure(|client, _| client.algorithms.public_key = vec![signature::SSH_ED25519]);
    let mut pair = setup.build();
    pair.accept_host_key();
    let (first, second) = (key(KeyAlgorithm::EcdsaNistp256, 7), key(KeyAlgorithm::Ed25519, 8));
    let expected = second.public_key().clone();
    let mut shown = Vec::new();
    let method = talk(&mut pair, Credentials::none().key(first).key(second), &mut Person::default(), |credential| {
        let Credential::PublicKey { key, .. } = credential else { return AuthAnswer::Reject };
        shown.push(key.clone());
        AuthAnswer::Accept
    });
    assert_eq!((method, shown), (Ok("publickey"), vec![expected]));
}

/// The keys that were offered in a login in which the server would take `wanted` only, and how it went.
fn offered(
    credentials: Credentials,
    person: &mut Person,
    wanted: Option<&PublicKey>,
) -> (Result<&'static str, LoginError>, Vec<PublicKey>) {
    WANTED.set(Some(wanted.cloned().unwrap_or_else(|| key(KeyAlgorithm::Ed25519, 99).public_key().clone())));
    OFFERED.take();
    let credentials = credentials.preferred(vec!["publickey".into()]);
    let by_key = |credential: &Credential| if_right(credential.method() == "publickey");
    let result = talk(&mut pair(70), credentials, person, by_key);
    WANTED.set(None);
    (result, OFFERED.take())
}

fn ed25519(seed: u64) -> PrivateKey {
    key(KeyAlgorithm::Ed25519, seed)
}

fn publics<const N: usize>(seeds: [u64; N]) -> Vec<PublicKey> {
    seeds.map(|seed| ed25519(seed).public_key().clone()).into()
}

fn locked(key: &PrivateKey, format: KeyFileFormat) -> LockedKeyFile {
    let mut encryption = KeyEncryption::new(SecretBytes::from("right"));
    encryption.rounds = 1;
    let text = key.write(format, Some(&encryption), &mut common::random(3)).expect("the format has it");
    LockedKeyFile::new("a file", text, None).expect("it was just made")
}

#[test]
fn keys_are_offered_in_openssh_order_and_each_once() {
    let agent = || publics([1, 2, 3, 4]);
    let credentials = || Credentials::none().key(ed25519(5)).named_key(publics([3]).remove(0)).key(ed25519(2));
    let (result, all) = offered(credentials().agent_keys(agent()), &mut Person::default(), None);
    assert!(matches!(result, Err(LoginError::Refused { .. })));
    assert_eq!(all, publics([2, 3, 1, 4, 5]), "named in the agent's order, the agent's others, other files");
    let only = credentials().agent_keys(agent()).identities_only(true);
    assert_eq!(offered(only, &mut Person::default(), None).1, publics([2, 3, 5]));
    let without_agent = offered(credentials(), &mut Person::default(), None).1;
    assert_eq!(without_agent, publics([5, 2]), "nobody could sign with the one that is only named");
}

#[test]
fn an_agent_signs_with_keys_and_for_certificates_that_it_does_not_know() {
    let validity = ssh_core::UnixTime::ALWAYS..ssh_core::UnixTime::FOREVER;
    let builder = CertificateBuilder::user(ed25519(1).public_key(), "", validity).principal("user");
    let certificate = builder.sign(&ed25519(9), &mut common::random(1)).expect("a good authority");
    let mut person = Person { agent: vec![ed25519(1)], ..Person::default() };
    for (known, wanted) in [(publics([1]), certificate.clone()), (vec![certificate.clone()], certificate.clone())] {
        let credentials = Credentials::none().agent_keys(known).certificate(certificate.clone());
        let (result, all) = offered(credentials, &mut person, Some(&wanted));
        assert_eq!((result, all), (Ok("publickey"), vec![certificate.clone()]));
    }
    let (result, _) = offered(Credentials::none().agent_keys(publics([1])), &mut person, Some(&publics([1])[0]));
    assert_eq!(result, Ok("publickey"));
    assert_eq!(person.asked, ["agent"; 3]);
}

#[test]
fn an_agent_that_refuses_costs_its_key_only() {
    let mut person = Person::default();
    let credentials = Credentials::none().agent_keys(publics([1])).key(ed25519(2));
    WANTED.set(None);
    let result = talk(&mut pair(71), credentials, &mut person, |_| AuthAnswer::Accept);
    assert_eq!((result, person.asked), (Ok("publickey"), vec!["agent"]));
}

#[test]
fn a_passphrase_is_asked_for_when_it_helps() {
    let file = || Credentials::none().prompts(3).locked_key(locked(&ed25519(1), KeyFileFormat::OpenSsh));
    let mut person = Person { passphrases: vec!["right"], ..Person::default() };
    let (result, all) = offered(file(), &mut person, None);
    assert!(result.is_err() && person.asked.is_empty(), "the server would not take the key");
    assert_eq!(all, publics([1]));
    let (result, _) = offered(file(), &mut person, Some(&publics([1])[0]));
    assert_eq!((result, person.asked.as_slice()), (Ok("publickey"), &["passphrase"][..]));

    let mut person = Person { passphrases: vec!["right", "wrong", "wrong too"], ..Person::default() };
    assert_eq!(offered(file(), &mut person, Some(&publics([1])[0])).0, Ok("publickey"), "the third one");
    let mut person = Person { passphrases: vec!["right", "3", "2", "1"], ..Person::default() };
    assert!(offered(file(), &mut person, Some(&publics([1])[0])).0.is_err(), "it is asked for three times");
    assert_eq!((person.asked.len(), person.unusable), (3, vec![KeyFileError::WrongPassphrase]));
    let mut nobody = Person::default();
    let credentials = file().key(ed25519(2));
    WANTED.set(None);
    assert_eq!(talk(&mut pair(72), credentials, &mut nobody, |_| AuthAnswer::Accept), Ok("publickey"));
    assert_eq!((nobody.asked, nobody.unusable), (vec!["passphrase"], vec![]), "the next key has its turn");
    let batch = file().prompts(0);
    assert_eq!(offered(batch, &mut Person::default(), Some(&publics([1])[0])).1, vec![], "nobody may be asked");
}

/// PKCS#8 hides the public half: the passphrase comes before the offer, and only once the server looks at keys at all.
#[cfg(feature = "pkcs8")]
#[test]
fn a_file_that_hides_its_public_half_is_unlocked_first() {
    let file = || Credentials::none().prompts(1).locked_key(locked(&ed25519(1), KeyFileFormat::Pkcs8));
    let mut person = Person { passphrases: vec!["right"], ..Person::default() };
    let (result, all) = offered(file(), &mut person, Some(&publics([1])[0]));
    assert_eq!((result, all, person.asked), (Ok("publickey"), publics([1]), vec!["passphrase"]));
    let mut person = Person { passphrases: vec!["wrong"], ..Person::default() };
    let (result, all) = offered(file(), &mut person, Some(&publics([1])[0]));
    assert!(matches!(result, Err(LoginError::Refused { .. })) && all.is_empty());
    assert_eq!(person.unusable, [KeyFileError::WrongPassphrase]);
}

#[cfg(feature = "pkcs8")]
#[test]
fn a_file_with_another_key_than_it_says_is_not_used() {
    let encryption = KeyEncryption::new(SecretBytes::from("right"));
    let text = ed25519(1).write(KeyFileFormat::Pkcs8, Some(&encryption), &mut common::random(3)).expect("it has it");
    let file = LockedKeyFile::new("a file", text, Some(publics([2]).remove(0))).expect("it was just made");
    let mut person = Person { passphrases: vec!["right"], ..Person::default() };
    let (result, _) = offered(Credentials::none().prompts(1).locked_key(file), &mut person, Some(&publics([2])[0]));
    assert!(result.is_err());
    assert_eq!(person.unusable, [KeyFileError::PublicMismatch]);
}

/// The host's keys come first, each once; that they are a user's keys, too, makes no difference.
#[test]
fn a_host_vouches_before_keys_are_tried() {
    let keys = || (20..22).map(|seed| key(KeyAlgorithm::Ed25519, seed)).collect::<Vec<_>>();
    let credentials = || {
        let host = VouchingHost { host_name: "here.".into(), user_name: "me".into(), keys: keys() };
        Credentials::none().vouching_host(host).key_file("a file", key(KeyAlgorithm::Ed25519, 20))
    };
    let second = keys()[1].public_key().clone();
    let mut pair = pair_with(31, &["publickey", "hostbased"]);
    let mut person = Person::default();
    let method = talk(&mut pair, credentials(), &mut person, |credential| match credential {
        Credential::HostBased { key, host_name, user_name, .. } => {
            if_right(*key == second && host_name == "here." && user_name == "me")
        }
        _ => AuthAnswer::Reject,
    });
    assert_eq!((method, person.used.len()), (Ok("hostbased"), 0));
    // A server that does not listen is not told.
    let mut pair = pair_with(32, &["publickey"]);
    let method = talk(&mut pair, credentials(), &mut person, |credential| {
        if_right(matches!(credential, Credential::PublicKey { .. }))
    });
    assert_eq!((method, &*person.used), (Ok("publickey"), &["a file".to_owned()][..]));
}

/// What an agent may want to have: keys of files that were needed, no others.
#[test]
fn keys_of_files_that_have_signed_are_told() {
    let algorithm = KeyAlgorithm::Ed25519;
    let credentials = Credentials::none()
        .key_file("refused", key(algorithm, 23))
        .key(key(algorithm, 24))
        .key_file("taken", key(algorithm, 25))
        .key_file("not needed", key(algorithm, 26));
    let mut person = Person::default();
    WANTED.set(Some(key(algorithm, 25).public_key().clone()));
    let method = talk(&mut pair(33), credentials, &mut person, |credential| {
        if_right(matches!(credential, Credential::PublicKey { .. }))
    });
    WANTED.set(None);
    assert_eq!((method, &*person.used), (Ok("publickey"), &["taken".to_owned()][..]));
}

/// A host that may be another learns no password, neither that nor an answer.
#[test]
fn without_passwords_nobody_is_asked_for_one() {
    for credentials in [Credentials::from("secret").prompts(3), Credentials::none().prompts(3)] {
        let preferred = ["keyboard-interactive", "password", "publickey"].map(String::from);
        let credentials = credentials.preferred(preferred.into()).without_passwords();
        let mut person = Person { password: Some("secret"), answers: Some(vec!["secret"]), ..Person::default() };
        let mut shown = Vec::new();
        let refused = talk(&mut pair(34), credentials, &mut person, |credential| {
            shown.push(credential.method());
            AuthAnswer::Reject
        });
        assert!(matches!(refused, Err(LoginError::Refused { tried, .. }) if tried.is_empty()));
        assert!(person.asked.is_empty() && shown.iter().all(|method| *method == "none"), "{shown:?}");
    }
    let refused = talk(&mut pair(35), Credentials::from("secret").without_passwords(), &mut Person::default(), |_| {
        AuthAnswer::Reject
    });
    assert!(matches!(refused, Err(LoginError::Refused { .. })));
}
