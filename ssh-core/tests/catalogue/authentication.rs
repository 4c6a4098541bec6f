//! User authentication under attack (RFC 4252, RFC 4256, RFC 8332).

use hostile_peer::{Cipher, Key, Method, Step, messages, string, strings};
use ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_core::wire::DecodeError;
use ssh_core::{
    AuthAnswer, AuthMethod, ClientEvent, ClientRole, Credential, Error, LimitKind, PeerMisbehaved, Prompt, ServerEvent,
    ServerRole, Stage,
};

use crate::common::assault::{self, client_asked, malformed, server_asked, server_with_session, unexpected};
use crate::common::hostile::{Party, WithServer};
use crate::common::{Setup, key, random};

/// A signed request for public key authentication whose signature is over `signed`, with everything else right.
fn signed_over(key: &Key, signed: &[u8]) -> Vec<u8> {
    let fields = strings(&[&b"ssh-ed25519"[..], &key.blob(), &key.sign(signed)]);
    messages::userauth_request("root", "publickey", &[&[1], &fields[..]].concat())
}

/// What RFC 4252 §7 has a client sign, field by field.
fn to_be_signed(session_id: &[u8], number: u8, texts: [&str; 3], flag: u8, algorithm: &str, blob: &[u8]) -> Vec<u8> {
    let request = [&[number][..], &strings(&texts), &[flag], &strings(&[algorithm.as_bytes(), blob])].concat();
    [string(session_id), request].concat()
}

/// SM-50: a signature counts for exactly the request it stands in, in exactly this session.
#[test]
fn signatures_over_anything_else_are_refused() {
    let texts = ["root", "ssh-connection", "publickey"];
    let mut meeting = server_asked(|config| config.max_auth_attempts = 100);
    let (key, session) = (meeting.peer.key.clone(), meeting.peer.session_id.clone());
    let (blob, name) = (key.blob(), "ssh-ed25519");
    let whole = to_be_signed(&session, 50, texts, 1, name, &blob);
    let wrong = [
        to_be_signed(&[0; 32], 50, texts, 1, name, &blob),
        to_be_signed(&session[..31], 50, texts, 1, name, &blob),
        to_be_signed(b"", 50, texts, 1, name, &blob),
        to_be_signed(&session, 51, texts, 1, name, &blob),
        to_be_signed(&session, 50, ["toor", texts[1], texts[2]], 1, name, &blob),
        to_be_signed(&session, 50, ["", texts[1], texts[2]], 1, name, &blob),
        to_be_signed(&session, 50, [texts[0], "ssh-userauth", texts[2]], 1, name, &blob),
        to_be_signed(&session, 50, [texts[0], texts[1], "hostbased"], 1, name, &blob),
        to_be_signed(&session, 50, [texts[0], texts[1], "password"], 1, name, &blob),
        to_be_signed(&session, 50, texts, 0, name, &blob),
        to_be_signed(&session, 50, texts, 2, name, &blob),
        to_be_signed(&session, 50, texts, 1, "ssh-rsa", &blob),
        to_be_signed(&session, 50, texts, 1, name, &[&blob[..], &[0]].concat()),
        to_be_signed(&session, 50, texts, 1, name, &Key::from_seed([8; 32]).blob()),
        whole[4..].to_vec(),
        whole[..whole.len() - 1].to_vec(),
        [&whole[..], &[0]].concat(),
        vec![],
    ];
    for (at, signed) in wrong.iter().enumerate() {
        meeting.say(&signed_over(&key, signed));
        assert!(meeting.events.is_empty(), "{at}");
        assert_eq!(meeting.peer.numbers(), [51], "{at}");
    }
    meeting.say(&signed_over(&key, &whole));
    assert!(matches!(meeting.request().credential, Credential::PublicKey { .. }));
}

/// SM-50: one user's signature is not another's, whatever the users are called.
#[test]
fn signatures_of_another_user_are_refused() {
    for (user, other) in [("root", "toor"), ("toor", "root"), ("a", "ab"), ("", "root")] {
        let mut meeting = server_asked(|_| ());
        let mut request = meeting.peer.key.signed_request(&meeting.peer.session_id, other);
        request.splice(1..5 + other.len(), string(user));
        meeting.refuses(&request);
        let right = meeting.peer.key.signed_request(&meeting.peer.session_id, user);
        meeting.say(&right);
        assert_eq!(meeting.request().user, user);
    }
}

/// SM-50: a request that logged in once is nothing in another session, though it is the same byte for byte.
#[test]
fn requests_cannot_be_replayed_in_another_session() {
    let mut first = server_asked(|_| ());
    let request = first.peer.key.signed_request(&first.peer.session_id, "root");
    first.say(&request);
    assert!(matches!(first.request().credential, Credential::PublicKey { .. }));
    let peer = assault::peer::<ServerRole>(Method::Curve25519, Cipher::Aes128Gcm);
    let mut other = WithServer::new(peer, Setup::new(2).quick()).keyed();
    ServerRole::grant_service(&mut other);
    assert_ne!(other.peer.session_id, first.peer.session_id);
    other.refuses(&request);
}

/// All names of algorithms a request, or a signature, may bear.
const NAMES: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-256",
    "rsa-sha2-512",
    "ssh-rsa",
];

fn user_keys() -> Vec<PrivateKey> {
    let mut algorithms = vec![
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::EcdsaNistp256,
        KeyAlgorithm::EcdsaNistp384,
        KeyAlgorithm::EcdsaNistp521,
    ];
    #[cfg(feature = "rsa")]
    algorithms.push(KeyAlgorithm::Rsa { bits: 2048 });
    algorithms.drain(..).map(|algorithm| key(algorithm, 3)).collect()
}

/// SM-51: the algorithm that a request declares, the one that its signature names and the one it was made with have to be
/// one, and one that fits the key.
#[test]
fn declared_named_and_used_algorithm_are_one() {
    let mut meeting = server_asked(|config| {
        config.max_auth_attempts = 10_000;
        config.limits.max_auth_requests = 10_000;
        config.limits.max_bytes_before_auth = 1 << 30;
    });
    let mut accepted = 0;
    for user in user_keys() {
        // SHA-1 is in no default list: a signature with it is refused whatever it is called.
        for used in user.public_key().signature_algorithms() {
            for declared in NAMES {
                let fields = [&[1][..], &strings(&[declared.as_bytes(), user.public_key().blob()])].concat();
                let request = messages::userauth_request("root", "publickey", &fields);
                let data = [string(&meeting.peer.session_id), request.clone()].concat();
                let signature = user.sign(used, &data, &mut random(1)).unwrap();
                let mut reader = hostile_peer::Reader::new(&signature);
                reader.string().unwrap();
                let content = reader.string().unwrap();
                for named in NAMES {
                    meeting.say(&[request.clone(), string(strings(&[named.as_bytes(), content]))].concat());
                    if *declared == used && *named == used && used != "ssh-rsa" {
                        let request = meeting.request();
                        let right = matches!(&request.credential, Credential::PublicKey { algorithm, key, .. }
                            if *algorithm == used && key == user.public_key());
                        assert!(right, "{request:?}");
                        meeting.endpoint.answer_auth(request, AuthAnswer::Reject).unwrap();
                        meeting.settle();
                        accepted += 1;
                    }
                    assert!(meeting.events.is_empty(), "{used} {declared} {named}");
                    assert_eq!(meeting.peer.numbers(), [51], "{used} {declared} {named}");
                }
            }
        }
    }
    assert_eq!(accepted, if cfg!(feature = "rsa") { 6 } else { 4 });
}

/// SM-52: an algorithm that the configuration leaves out is refused in offers too, whoever the key belongs to.
#[test]
fn algorithms_left_out_are_refused_in_offers() {
    for user in user_keys() {
        let mut meeting =
            server_asked(|config| config.algorithms.public_key.retain(|each| each.key_type() == "ssh-ed25519"));
        for name in user.public_key().signature_algorithms().chain(["ssh-dss", ""]) {
            let fields = [&[0][..], &strings(&[name.as_bytes(), user.public_key().blob()])].concat();
            meeting.say(&messages::userauth_request("root", "publickey", &fields));
            if name == "ssh-ed25519" {
                let offer = meeting.offer();
                meeting.endpoint.answer_key_offer(offer, false).unwrap();
                meeting.settle();
            }
            meeting.only_says(&[51]);
        }
    }
}

/// A server whose user was asked this many questions.
fn questioned(count: usize) -> WithServer {
    let mut meeting = server_asked(|_| ());
    meeting.peer.authenticate_keyboard_interactive("root");
    meeting.settle();
    let request = meeting.request();
    let prompts = vec![Prompt { prompt: "?".into(), echo: true }; count];
    let answer = AuthAnswer::Prompts { name: String::new(), instruction: String::new(), prompts };
    meeting.endpoint.answer_auth(request, answer).unwrap();
    meeting.settle();
    meeting.peer.expect(60);
    meeting
}

/// SM-54: as many responses as questions, or the attempt has failed; unasked, it is a violation.
#[test]
fn responses_are_counted() {
    for asked in [0, 1, 2, 100] {
        for given in [0, 1, 2, 3, 99, 100] {
            let mut meeting = questioned(asked);
            meeting.say(&messages::userauth_info_response(&vec!["x"; given]));
            if given == asked {
                assert!(matches!(&meeting.request().credential, Credential::Responses(all) if all.len() == given));
            } else {
                meeting.only_says(&[51]);
                meeting.say(&messages::userauth_info_response(&vec!["x"; asked]));
                meeting.only_ends_with(unexpected(61, Stage::Authentication));
            }
        }
    }
    let mut meeting = questioned(1);
    meeting.say(&messages::userauth_info_response(&vec!["x"; 101]));
    meeting.only_ends_with(malformed(61, DecodeError::TooMany));
    let mut meeting = server_asked(|_| ());
    meeting.say(&messages::userauth_info_response(&[]));
    meeting.only_ends_with(unexpected(61, Stage::Authentication));
}

/// SM-54: another request in the midst of questions gives them up; a late response answers nothing.
#[test]
fn a_request_gives_up_the_questions_before_it() {
    let mut meeting = questioned(1);
    meeting.peer.authenticate_password("root", "wrong");
    meeting.settle();
    let request = meeting.request();
    meeting.endpoint.answer_auth(request, AuthAnswer::Reject).unwrap();
    meeting.settle();
    meeting.only_says(&[51]);
    meeting.say(&messages::userauth_info_response(&["x"]));
    meeting.only_ends_with(unexpected(61, Stage::Authentication));
}

/// SM-55: a server may ask 32 rounds of at most 100 questions, each of at least five bytes.
#[test]
fn a_server_that_never_stops_asking() {
    let mut meeting = client_asked();
    ClientRole::ask_questions(&mut meeting);
    for round in 1..=33 {
        meeting.say(&messages::userauth_info_request(&[("again?", true)]));
        if round == 33 {
            break;
        }
        let ClientEvent::Prompts(prompts) = meeting.event() else { panic!("{round}") };
        meeting.endpoint.answer_prompts(&prompts, &["yes".into()]).unwrap();
        meeting.settle();
        assert_eq!(meeting.peer.numbers(), [61]);
    }
    meeting.only_ends_with(Error::LimitExceeded(LimitKind::PromptRounds));
    for (count, error) in [(100, None), (101, Some(DecodeError::TooMany))] {
        let mut meeting = client_asked();
        ClientRole::ask_questions(&mut meeting);
        meeting.say(&messages::userauth_info_request(&vec![("", false); count]));
        match error {
            None => assert!(matches!(meeting.event(), ClientEvent::Prompts(prompts) if prompts.prompts.len() == 100)),
            Some(error) => meeting.only_ends_with(malformed(60, error)),
        }
    }
}

/// SM-57: offers, `none` and questions are no failures, but there is an end to all requests.
#[test]
fn requests_have_an_end() {
    let mut meeting = server_asked(|config| config.max_auth_attempts = 1_000_000);
    for turn in 1..=129 {
        if turn % 2 == 0 {
            meeting.peer.offer_key("root");
        } else {
            meeting.peer.authenticate_none("root");
        }
        meeting.settle();
        if turn == 129 {
            break;
        }
        match meeting.event() {
            ServerEvent::KeyOffer(offer) => meeting.endpoint.answer_key_offer(offer, true).unwrap(),
            ServerEvent::Auth(request) => meeting.endpoint.answer_auth(request, AuthAnswer::Reject).unwrap(),
            other => panic!("{other:?}"),
        }
        meeting.settle();
        meeting.peer.payloads();
    }
    meeting.only_ends_with(Error::TooManyAuthAttempts);
}

/// SM-57: partial successes count as requests too.
#[test]
fn partial_successes_have_an_end() {
    let mut meeting = server_asked(|_| ());
    let methods_that_can_continue = vec!["password".to_owned()];
    for _ in 0..128 {
        meeting.peer.authenticate_password("root", "x");
        meeting.settle();
        let request = meeting.request();
        let answer = AuthAnswer::Partial { methods_that_can_continue: methods_that_can_continue.clone() };
        meeting.endpoint.answer_auth(request, answer).unwrap();
        meeting.settle();
        meeting.only_says(&[51]);
    }
    meeting.peer.authenticate_password("root", "x");
    meeting.settle();
    meeting.only_ends_with(Error::TooManyAuthAttempts);
}

/// SM-57: the first question for the methods is free, each later failure counts.
#[test]
fn the_first_none_is_free_and_no_more() {
    let mut meeting = server_asked(|_| ());
    for turn in 0..7 {
        meeting.peer.authenticate_none("root");
        meeting.settle();
        let request = meeting.request();
        meeting.endpoint.answer_auth(request, AuthAnswer::Reject).unwrap();
        meeting.settle();
        if turn < 6 {
            meeting.only_says(&[51]);
        }
    }
    meeting.only_ends_with(Error::TooManyAuthAttempts);
}

/// SM-49: the service is named in every request, and it is always the same one.
#[test]
fn another_service_ends_the_login() {
    for service in ["ssh-userauth", "", "ssh-connection\0", "SSH-CONNECTION"] {
        let mut meeting = server_asked(|_| ());
        meeting.say(&[&[50][..], &strings(&["root", service, "none"])].concat());
        meeting.only_ends_with(PeerMisbehaved::Service);
    }
}

/// SM-13: after success every further request is dropped in silence, for this user or another, also behind a rekey; the
/// user stays.
#[test]
fn requests_after_success_are_dropped() {
    let mut meeting = server_with_session(|_| ());
    for rekeyed in [false, true] {
        if rekeyed {
            meeting.peer.say(Step::KexInit);
            meeting.exchange(Step::NewKeys);
            meeting.events.clear();
            meeting.peer.payloads();
        }
        for user in ["root", "toor"] {
            meeting.peer.authenticate_none(user);
            meeting.peer.authenticate_password(user, "x");
            meeting.peer.authenticate_key(user);
            meeting.say(&[50]);
            meeting.only_says(&[]);
        }
        assert!(meeting.endpoint.is_authenticated());
    }
}

/// SM-45, PA-13: names with NUL, with controls, in other encodings and of the greatest length belong to nobody, and
/// nobody is asked about them.
#[test]
fn names_that_no_user_has() {
    let long = "x".repeat(1024);
    for name in
        [&b"root\0"[..], b"\0", b"a\x1bb", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"a\x7f", "a\u{9b}b".as_bytes()]
    {
        let mut meeting = server_asked(|_| ());
        let fields = [&[0][..], &string("secret")].concat();
        let request = [&[50][..], &strings(&[name, b"ssh-connection", b"password"]), &fields].concat();
        meeting.refuses(&request);
    }
    let mut meeting = server_asked(|_| ());
    meeting.peer.authenticate_none(&long);
    meeting.settle();
    assert_eq!(meeting.request().user, long);
    let mut meeting = server_asked(|_| ());
    meeting.peer.authenticate_none(&format!("{long}x"));
    meeting.settle();
    meeting.only_ends_with(Error::LimitExceeded(LimitKind::BytesBeforeAuthentication));
}

/// SM-43: the client takes 60 only as an answer to what it asked, and PK_OK only for the key it offered.
#[test]
fn a_server_that_accepts_another_key() {
    let mine = key(KeyAlgorithm::Ed25519, 9).public_key().clone();
    let other = key(KeyAlgorithm::Ed25519, 10).public_key().clone();
    for (name, blob) in [("ssh-ed25519", other.blob()), ("ssh-rsa", mine.blob()), ("ssh-ed25519", &b""[..])] {
        let mut meeting = client_asked();
        meeting.endpoint.authenticate("root", AuthMethod::PublicKey(mine.clone())).unwrap();
        meeting.settle();
        meeting.say(&messages::userauth_pk_ok(name, blob));
        meeting.only_ends_with(malformed(60, DecodeError::InvalidValue));
    }
    let mut meeting = client_asked();
    meeting.endpoint.authenticate("root", AuthMethod::None).unwrap();
    meeting.settle();
    meeting.say(&messages::userauth_pk_ok("ssh-ed25519", mine.blob()));
    meeting.only_ends_with(unexpected(60, Stage::Authentication));
}

/// SM-58, SM-46: an answer is for one question; an offer that was accepted does not log in, and the client signs only
/// what it was asked to prove in this session.
#[test]
fn a_client_signs_for_its_own_session_only() {
    let mine = key(KeyAlgorithm::Ed25519, 9).public_key().clone();
    let mut meeting = client_asked();
    meeting.endpoint.authenticate("root", AuthMethod::PublicKey(mine.clone())).unwrap();
    meeting.settle();
    meeting.say(&messages::userauth_pk_ok("ssh-ed25519", mine.blob()));
    let ClientEvent::Sign(request) = meeting.event() else { panic!("a request") };
    let texts = ["root", "ssh-connection", "publickey"];
    assert_eq!(request.data, to_be_signed(&meeting.peer.session_id, 50, texts, 1, "ssh-ed25519", mine.blob()));
}
