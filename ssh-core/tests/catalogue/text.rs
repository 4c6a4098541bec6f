//! Text that peers and files bring, wherever it is shown.

use hostile_peer::{messages, string, strings};
use proptest::prelude::*;
use ssh_core::crypto::Algorithms;
use ssh_core::files::authorized_keys::AuthorizedKeys;
use ssh_core::files::known_hosts::KnownHosts;
use ssh_core::files::{algorithm_list, ssh_config};
use ssh_core::key::{KeyAlgorithm, PrivateKey, PublicKey, PublicKeyLine};
use ssh_core::wire::DisconnectReason;
use ssh_core::{
    ChannelEvent, ChannelRequest, ClientEvent, ClientRole, CloseReason, Error, LimitKind, ServerEvent, Stage, Untrusted,
};

use crate::common::assault::{client, client_asked, server_with_session, unexpected};
use crate::common::hostile::{Party, WithClient};
use crate::common::{key, random};

/// Text that a terminal would obey, among text that it would not.
fn hostile() -> impl Strategy<Value = String> {
    let control =
        prop::sample::select(vec!['\x1b', '\0', '\r', '\n', '\t', '\x07', '\x7f', '\u{80}', '\u{9b}', '\u{9f}', ' ']);
    prop::collection::vec(prop_oneof![control, any::<char>(), prop::char::range('!', '~')], 0..40)
        .prop_map(|chars| chars.into_iter().collect())
}

/// RFC 4251 §9.2: nothing below 0x20, and nothing from 0x7f to 0x9f.
fn is_harmless(shown: &impl std::fmt::Display) -> bool {
    !shown.to_string().chars().any(char::is_control)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    /// SM-81: what ends a connection is shown without control characters, whatever the peer wrote.
    #[test]
    fn errors_of_connections_are_harmless(text in hostile(), bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let untrusted = [Untrusted::from(text.as_str()), Untrusted::new(&bytes)];
        for words in untrusted {
            for error in [
                Error::NotSsh { received: words.clone() },
                Error::UnsupportedVersion { identification: words.clone() },
                Error::Disconnected { reason: DisconnectReason(7), description: words.clone(), during: Stage::Connection },
            ] {
                prop_assert!(is_harmless(&error), "{error}");
                prop_assert!(is_harmless(&CloseReason::Failed(error)));
            }
            let debug = format!("{words:?}");
            prop_assert!(is_harmless(&words) && is_harmless(&debug));
            prop_assert!(!words.multi_line().to_string().chars().any(|c| c.is_control() && !"\n\t".contains(c)));
        }
    }

    /// SM-81: what is wrong with a key, a key file, a list of algorithms, or a line of a file.
    #[test]
    fn errors_of_files_are_harmless(text in hostile(), other in hostile()) {
        if let Err(error) = PublicKey::from_blob(&strings(&[&text, &other])) {
            prop_assert!(is_harmless(&error), "{error:?}");
        }
        if let Err(error) = PublicKey::from_blob(&string(&text)) {
            prop_assert!(is_harmless(&error), "{error:?}");
        }
        let own = key(KeyAlgorithm::Ed25519, 1);
        let line = own.public_key().to_string();
        let base64 = line.split(' ').nth(1).unwrap();
        for line in [format!("{text} {base64}"), format!("{text} {other}"), format!("ssh-rsa {base64} {text}")] {
            if let Err(error) = PublicKeyLine::parse(line.as_bytes()) {
                prop_assert!(is_harmless(&error), "{error:?}");
            }
        }
        for skipped in AuthorizedKeys::parse(format!("{text} {line}\n{text}=\"{other}\" {line}").as_bytes()).skipped() {
            prop_assert!(is_harmless(skipped), "{skipped:?}");
        }
        for skipped in KnownHosts::parse(format!("{text} {other} {base64}\n@{text} {line}").as_bytes()).skipped() {
            prop_assert!(is_harmless(skipped), "{skipped:?}");
        }
        let known = Algorithms::default().kex;
        if let Err(error) = algorithm_list::apply(&text, &known, &known) {
            prop_assert!(is_harmless(&error), "{error:?}");
        }
        if let Err(error) = own.sign(&text, b"data", &mut random(1)) {
            prop_assert!(is_harmless(&error), "{error:?}");
        }
        for armor in [format!("-----BEGIN {text}-----\nAAAA\n-----END {text}-----\n"), text.clone()] {
            if let Err(error) = PrivateKey::read(armor.as_bytes(), None) {
                prop_assert!(is_harmless(&error), "{error:?}");
            }
        }
        if let Err(error) = ssh_config::parse_option(&format!("{text} \"{other}")) {
            prop_assert!(is_harmless(&error), "{error:?}");
        }
        let options = vec![format!("{text}={other}"), format!("Port={other}")];
        let request = ssh_config::Request { options, ..ssh_config::Request::default() };
        if let Err(error) = ssh_config::Resolver::new(request) {
            prop_assert!(is_harmless(&error), "{error:?}");
        }
    }
}

/// SM-80: a banner belongs to authentication: before the service it is a violation, behind success it is dropped.
#[test]
fn banners_have_their_place() {
    let mut meeting = client(|_| ());
    meeting.say(&messages::userauth_banner("early"));
    meeting.only_ends_with(unexpected(53, Stage::Authentication));
    let mut meeting = WithClient::quick(true).with_session();
    meeting.events.clear();
    meeting.peer.payloads();
    meeting.say(&messages::userauth_banner("late"));
    meeting.only_says(&[]);
}

/// SM-80: 32 banners are shown, each cut at 64 KiB; one more is the end.
#[test]
fn banners_are_bounded() {
    let mut meeting = client_asked();
    for _ in 0..32 {
        meeting.say(&messages::userauth_banner("\x1b[2Jtext\0\u{202e}"));
        let ClientEvent::Banner(banner) = meeting.event() else { panic!("a banner") };
        assert!(is_harmless(&banner) && !banner.to_string().contains('\u{202e}'));
        assert!(banner.as_plain_str().is_none());
    }
    meeting.say(&messages::userauth_banner("once more"));
    meeting.only_ends_with(Error::LimitExceeded(LimitKind::Banners));
}

/// SM-81: prompts, names, failures to open, exit signals: every text of a peer is typed.
#[test]
fn texts_of_a_peer_are_typed() {
    let evil = "\x1b]0;x\x07\r\n\u{9b}2J";
    let mut meeting = client_asked();
    ClientRole::ask_questions(&mut meeting);
    let prompt = [string(evil), vec![1]].concat();
    meeting.say(&[&[60][..], &strings(&[evil, evil, ""]), &[0, 0, 0, 1], &prompt].concat());
    let ClientEvent::Prompts(prompts) = meeting.event() else { panic!("questions") };
    for text in [&prompts.name, &prompts.instruction, &prompts.prompts[0].prompt] {
        assert!(is_harmless(text));
    }
    let mut meeting = WithClient::quick(true).with_session();
    meeting.events.clear();
    meeting.endpoint.open_channel(&ssh_core::ChannelType::Session).unwrap();
    meeting.settle();
    meeting.say(&messages::channel_open_failure(1, 99, evil));
    let ClientEvent::Channel(_, ChannelEvent::OpenFailed { reason, description }) = meeting.event() else {
        panic!("a failure")
    };
    assert!(is_harmless(&description) && is_harmless(&reason));
    let fields = [string("TERM"), vec![0], string(evil), string("")].concat();
    meeting.say(&messages::channel_request(0, "exit-signal", false, &fields));
    let ClientEvent::Channel(_, ChannelEvent::Request(request)) = meeting.event() else { panic!("a request") };
    let ChannelRequest::ExitSignal { message, signal, .. } = request.request else { panic!("a signal") };
    assert!(is_harmless(&message) && is_harmless(&signal));
}

/// PA-13, PA-14: bytes of commands, variables and names arrive as they are, NUL and bad UTF-8 included: nothing is cut and
/// nothing is replaced.
#[test]
fn bytes_are_neither_cut_nor_replaced() {
    let odd = &b"a\0b\xff\xc0\xaf\xed\xa0\x80"[..];
    let mut meeting = server_with_session(|_| ());
    for (name, fields) in [("exec", string(odd)), ("subsystem", string(odd)), ("env", strings(&[odd, odd]))] {
        meeting.say(&messages::channel_request(0, name, false, &fields));
        let ServerEvent::Channel(_, ChannelEvent::Request(request)) = meeting.event() else { panic!("a request") };
        assert_eq!(
            request.request,
            match name {
                "exec" => ChannelRequest::Exec { command: odd.to_vec() },
                "subsystem" => ChannelRequest::Subsystem { name: odd.to_vec() },
                _ => ChannelRequest::Env { name: odd.to_vec(), value: odd.to_vec() },
            }
        );
    }
    let kind = [&98_u8.to_be_bytes()[..], &[0; 4], &string(b"exec\0"), &[0], &string("id")].concat();
    meeting.say(&kind);
    let ServerEvent::Channel(_, ChannelEvent::Request(request)) = meeting.event() else { panic!("a request") };
    assert!(matches!(request.request, ChannelRequest::Other { name, .. } if name == b"exec\0"));
}
