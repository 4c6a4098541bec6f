//! paramiko, AsyncSSH, Dropbear, PuTTY, Erlang's ssh, wolfSSH, and crates that SSH in Rust is made of.

use hostile_peer::{Cipher, Method, Step, messages, string, strings};
use ssh_core::key::{KeyAlgorithm, KeyFileError, KeyFileFormat, PrivateKey};
use ssh_core::wire::DecodeError;
use ssh_core::{
    AuthAnswer, AuthMethod, ClientEvent, ClientRole, CloseReason, Error, PeerMisbehaved, ServerEvent, ServerRole, Stage,
};

use crate::common::assault::{
    clear_packet, client_asked, malformed, peer, server, server_asked, server_with_session, unexpected,
};
use crate::common::hostile::{Meeting, Party, WithClient, WithServer};
use crate::common::{Setup, key};
use crate::key_file;

/// The messages that run a command, as one flight.
fn open_and_execute(meeting: &mut WithServer) {
    meeting.peer.open_session(0);
    meeting.peer.exec(0, "id");
    meeting.settle();
}

/// paramiko served channels to clients that had not logged in. Opening one is the end in every state before that, also
/// behind a request that the application has not answered yet.
#[test]
fn cve_2018_7750_paramiko_a_channel_before_authentication() {
    let mut before = [server(|_| ()), server_asked(|_| ())];
    for meeting in &mut before {
        open_and_execute(meeting);
        meeting.only_ends_with(unexpected(90, Stage::Authentication));
    }
    let mut meeting = server_asked(|_| ());
    meeting.peer.authenticate_password("root", "wrong");
    open_and_execute(&mut meeting);
    let request = meeting.request();
    assert!(meeting.events.is_empty(), "nothing is looked at before the answer");
    meeting.endpoint.answer_auth(request, AuthAnswer::Reject).unwrap();
    meeting.deliver(&[]);
    meeting.only_ends_with(unexpected(90, Stage::Authentication));
}

/// paramiko's server handled messages that only a server sends.
#[test]
fn cve_2018_1000805_paramiko_messages_of_a_server_sent_to_it() {
    for number in [6, 51, 52, 53, 60] {
        for asked in [false, true] {
            let mut meeting = if asked { server_asked(|_| ()) } else { server(|_| ()) };
            meeting.say(&messages::minimal(number, 0));
            meeting.only_ends_with(unexpected(number, Stage::Authentication));
            assert!(!meeting.endpoint.is_authenticated());
        }
    }
}

/// AsyncSSH's server processed requests of clients that had not logged in: global ones, and those on channels.
#[test]
fn cve_2018_7749_asyncssh_requests_before_authentication() {
    for number in (80..=82).chain(90..=100) {
        let mut meeting = server_asked(|_| ());
        meeting.say(&messages::minimal(number, 0));
        meeting.only_ends_with(unexpected(number, Stage::Authentication));
    }
}

/// Rogue extension: EXT_INFO that somebody in the middle injects before NEWKEYS was believed. It is no message of a key
/// exchange, strict or not.
#[test]
fn cve_2023_46445_asyncssh_ext_info_before_newkeys() {
    for strict in [true, false] {
        for step in [Step::Identification, Step::KexInit] {
            let mut meeting = WithClient::quick(strict);
            meeting.exchange(step);
            let injected = clear_packet(&messages::ext_info(&[("server-sig-algs", "")]));
            meeting.deliver(&injected);
            meeting.only_ends_with(unexpected(7, Stage::KeyExchange));
        }
    }
}

/// Rogue session: a login of the attacker's, injected in the clear, was carried out behind NEWKEYS. It is the end at every
/// step of the exchange, and the application hears of nobody.
#[test]
fn cve_2023_46446_asyncssh_a_login_before_newkeys() {
    for strict in [true, false] {
        for step in [Step::Identification, Step::KexInit, Step::Method] {
            let mut meeting = WithServer::quick(strict);
            meeting.exchange(step);
            let injected = clear_packet(&messages::password_request("attacker", "attacker's"));
            meeting.deliver(&injected);
            let end = meeting.closed();
            assert_eq!(end, Some(CloseReason::Failed(unexpected(50, Stage::KeyExchange).into())), "{step:?}");
            assert_eq!(meeting.events.len(), 1);
        }
    }
}

/// A user name was a format string. It is text, and is shown with its percent signs.
#[test]
fn cve_2016_7406_dropbear_a_format_string_as_user() {
    for user in ["%s%n%x", "%1$s", "{}{:?}"] {
        let mut meeting = server_asked(|_| ());
        meeting.peer.authenticate_none(user);
        meeting.settle();
        let request = meeting.request();
        assert_eq!(request.user, user);
        assert!(format!("{request:?}").contains(user));
    }
}

/// Dropbear answered users it did not know in other words. What the library answers by itself does not depend on the
/// user, and the application is asked about everybody.
#[test]
fn cve_2018_15599_dropbear_answers_tell_who_exists() {
    let blob = key(KeyAlgorithm::Ed25519, 9).public_key().blob().to_vec();
    let host: [&[u8]; 5] = [b"ssh-ed25519", &blob, b"client.example.", b"me", b"garbage"];
    let requests: [(&str, Vec<u8>, usize); 6] = [
        ("none", vec![], 1),
        ("password", [&[0][..], &string("x")].concat(), 1),
        ("publickey", [&[0][..], &strings(&[b"ssh-ed25519", &blob[..]])].concat(), 1),
        ("publickey", [&[0][..], &strings(&[b"ssh-ed25519", &b"garbage"[..]])].concat(), 0),
        ("hostbased", strings(&host), 0),
        ("gssapi-with-mic", vec![0; 4], 0),
    ];
    for (method, fields, questions) in requests {
        let answer = |user: &str| {
            let mut meeting = server_asked(|config| config.auth_methods.push("hostbased".into()));
            meeting.say(&messages::userauth_request(user, method, &fields));
            assert_eq!(meeting.events.len(), questions);
            while let Some(event) = meeting.events.pop_front() {
                ServerRole::refuse(&mut meeting.endpoint, event);
            }
            meeting.settle();
            meeting.peer.payloads()
        };
        let known = answer("root");
        assert_eq!(known, answer("nobody-of-that-name"), "{method}");
        let offered = ["publickey", "password", "keyboard-interactive", "hostbased"];
        assert_eq!(known, [messages::userauth_failure(&offered, false)]);
    }
}

/// CVE-2021-36369 in Dropbear, CVE-2021-36367 in PuTTY: a server could let the user in without asking anything, and ask
/// for a passphrase behind it. The client says what let the user in, success without a request is the end, and so is
/// success in answer to an offer.
#[test]
fn cve_2021_36369_cve_2021_36367_trivial_authentication() {
    let user_key = key(KeyAlgorithm::Ed25519, 9).public_key().clone();
    let attempts = [
        (AuthMethod::None, Some("none")),
        (AuthMethod::KeyboardInteractive { submethods: String::new() }, Some("keyboard-interactive")),
        (AuthMethod::PublicKey(user_key), None),
    ];
    for (method, reported) in attempts {
        let mut meeting = client_asked();
        meeting.endpoint.authenticate("root", method).unwrap();
        meeting.settle();
        meeting.peer.expect(50);
        meeting.peer.accept_user();
        meeting.settle();
        match reported {
            Some(name) => assert!(matches!(meeting.event(), ClientEvent::Authenticated(each) if each == name)),
            None => meeting.only_ends_with(unexpected(52, Stage::Authentication)),
        }
    }
    // Nothing was asked, or not yet: somebody is still to sign.
    let host_key = key(KeyAlgorithm::Ed25519, 9).public_key().clone();
    let host = AuthMethod::HostBased { key: host_key, host_name: "client.example.".into(), user_name: "me".into() };
    for method in [None, Some(host)] {
        let mut meeting = client_asked();
        if let Some(method) = method {
            meeting.endpoint.authenticate("root", method).unwrap();
            meeting.settle();
            assert!(matches!(meeting.event(), ClientEvent::Sign(_)));
        }
        meeting.peer.accept_user();
        meeting.settle();
        meeting.only_ends_with(unexpected(52, Stage::Authentication));
    }
    // Questions behind success reach nobody.
    let mut meeting = client_asked();
    ClientRole::log_in(&mut meeting);
    meeting.say(&messages::userauth_info_request(&[("Passphrase for key: ", false)]));
    meeting.only_ends_with(unexpected(60, Stage::Connection));
}

/// Random numbers were used twice. Cookies and public values never repeat, neither in one connection nor between two with
/// other seeds.
#[test]
fn cve_2019_9898_putty_random_numbers_used_twice() {
    let mut seen = std::collections::BTreeSet::new();
    // The cookie of each KEXINIT and the value of each KEX_ECDH_INIT.
    let mut fresh = |meeting: &mut WithClient| {
        for payload in meeting.peer.payloads() {
            let value = match payload[0] {
                20 => &payload[1..17],
                30 => &payload[1..],
                _ => continue,
            };
            assert!(seen.insert(value.to_vec()), "{value:02x?}");
        }
    };
    for seed in 1..4 {
        let peer = peer::<ClientRole>(Method::Curve25519, Cipher::Aes128Gcm);
        let mut meeting = WithClient::new(peer, Setup::new(seed).quick());
        meeting.exchange(Step::Method);
        fresh(&mut meeting);
        meeting = meeting.keyed();
        meeting.say(&messages::service_accept("ssh-userauth"));
        assert!(matches!(meeting.event(), ClientEvent::AuthNeeded(_)));
        meeting.peer.payloads();
        ClientRole::log_in(&mut meeting);
        for _ in 0..5 {
            meeting.endpoint.rekey().unwrap();
            meeting.settle();
            meeting.exchange(Step::Method);
            fresh(&mut meeting);
            meeting.exchange(Step::NewKeys);
        }
    }
    assert_eq!(seen.len(), 3 * 6 * 2);
}

/// Names of algorithms in a KEXINIT took memory without bound. A list may be as long as a packet, and nothing of it is
/// kept but the packet.
#[test]
fn cve_2025_30211_erlang_lists_of_very_many_algorithms() {
    for names in ["a,".repeat(30_000), format!("{},", "x".repeat(20)).repeat(3000), "y".repeat(60_000)] {
        let mut meeting = WithServer::quick(true);
        meeting.peer.offer.kex = names.trim_end_matches(',').to_owned();
        meeting.exchange(Step::Identification);
        meeting.peer.say(Step::KexInit);
        meeting.settle();
        let end = meeting.closed();
        let Some(CloseReason::Failed(error @ Error::NoCommonAlgorithm { theirs, .. })) = &end else {
            panic!("{end:?}")
        };
        assert!(theirs.len() <= 2048 && error.to_string().len() < 4096, "what is shown is cut");
        assert!(meeting.endpoint.buffer_memory() < 3 * 64 * 1024);
    }
    let mut meeting = WithServer::quick(true);
    meeting.peer.offer.kex = "a,".repeat(40_000);
    meeting.exchange(Step::KexInit);
    assert!(matches!(
        meeting.closed(),
        Some(CloseReason::Failed(Error::PeerMisbehaved(PeerMisbehaved::PacketLength(_))))
    ));
}

/// Erlang ran commands for clients that had not logged in: CHANNEL_OPEN and `exec` behind the key exchange, all in one
/// segment. It ends at the first, at every place before authentication.
#[test]
fn cve_2025_32433_erlang_exec_before_authentication() {
    for step in [Step::Identification, Step::KexInit, Step::Method] {
        let mut meeting = WithServer::quick(false);
        meeting.exchange(step);
        open_and_execute(&mut meeting);
        assert_eq!(meeting.closed(), Some(CloseReason::Failed(unexpected(90, Stage::KeyExchange).into())));
        assert_eq!(meeting.events.len(), 1);
    }
    // The request alone, without a channel, and everything at once behind NEWKEYS.
    let mut meeting = server(|_| ());
    meeting.peer.exec(0, "id");
    meeting.settle();
    meeting.only_ends_with(unexpected(98, Stage::Authentication));
    let mut meeting = server(|_| ());
    meeting.peer.request_service();
    open_and_execute(&mut meeting);
    meeting.only_ends_with(unexpected(90, Stage::Authentication));
}

/// Erlang let optional messages through during a strict exchange.
#[test]
fn cve_2025_46712_erlang_strict_key_exchange_lets_messages_through() {
    fn at<P: Party>() {
        for number in 2..=4 {
            for step in [Step::KexInit, Step::Method] {
                let mut meeting = Meeting::<P>::quick(true);
                meeting.exchange(step);
                let injected = clear_packet(&messages::minimal(number, 0));
                meeting.deliver(&injected);
                assert_eq!(meeting.closed(), Some(CloseReason::Failed(unexpected(number, Stage::KeyExchange).into())));
            }
            let mut meeting = Meeting::<P>::quick(true);
            meeting.exchange(Step::Identification);
            meeting.say(&messages::minimal(number, 0));
            meeting.exchange(Step::KexInit);
            meeting.only_ends_with(PeerMisbehaved::StrictKex);
        }
    }
    at::<ServerRole>();
    at::<ClientRole>();
}

/// wolfSSH's server went on to channels for a client that never authenticated: it let the states of the two sides drift.
#[test]
fn cve_2024_2873_wolfssh_authentication_is_skipped() {
    let mut meeting = server(|_| ());
    meeting.say(&messages::userauth_request("root", "none", b""));
    meeting.only_ends_with(unexpected(50, Stage::Authentication));
    let mut meeting = server_asked(|_| ());
    meeting.peer.authenticate_none("root");
    meeting.settle();
    let request = meeting.request();
    meeting.endpoint.answer_auth(request, AuthAnswer::Reject).unwrap();
    meeting.settle();
    meeting.only_says(&[51]);
    open_and_execute(&mut meeting);
    meeting.only_ends_with(unexpected(90, Stage::Authentication));
    // A second service request does not lead past the first.
    let mut meeting = server_asked(|_| ());
    meeting.say(&messages::service_request("ssh-connection"));
    meeting.only_ends_with(unexpected(5, Stage::Authentication));
    let mut meeting = server(|_| ());
    meeting.say(&messages::service_request("ssh-connection"));
    meeting.only_ends_with(PeerMisbehaved::Service);
}

/// wolfSSH's client sent its user's credentials to servers that had proven nothing. A server that leaves out its reply,
/// or NEWKEYS, is never asked for a service.
#[test]
fn cve_2025_11625_wolfssh_credentials_for_a_host_that_proved_nothing() {
    for skipped in [&[21_u8, 6][..], &[6], &[51], &[52]] {
        let mut meeting = WithClient::quick(false);
        meeting.exchange(Step::KexInit);
        let injected: Vec<u8> =
            skipped.iter().flat_map(|number| clear_packet(&messages::minimal(*number, 0))).collect();
        meeting.deliver(&injected);
        assert_eq!(meeting.closed(), Some(CloseReason::Failed(unexpected(skipped[0], Stage::KeyExchange).into())));
        assert_eq!(meeting.events.len(), 1);
        assert_eq!(meeting.peer.numbers(), [20, 30, 1]);
    }
}

/// ed25519-dalek: signing with a public half that is not the secret's reveals the secret. A key file whose halves differ
/// is refused, whichever of its three copies is wrong.
#[test]
fn rustsec_2022_0093_ed25519_halves_that_differ() {
    let right =
        key(KeyAlgorithm::Ed25519, 1).write(KeyFileFormat::OpenSsh, None, &mut crate::common::random(1)).unwrap();
    assert!(PrivateKey::read(right.expose(), None).is_ok());
    let (seed, own) = ([7; 32], hostile_peer::Key::from_seed([7; 32]).blob());
    let (own, other) = (&own[own.len() - 32..], &[9; 32][..]);
    let section = |public: &[u8], copy: &[u8]| {
        let mut section = [0, 0, 0, 1, 0, 0, 0, 1].to_vec();
        section.extend(strings(&[b"ssh-ed25519", public, &[&seed[..], copy].concat(), b""]));
        let padding = (1..).take((8 - section.len() % 8) % 8);
        section.extend(padding);
        section
    };
    // The file's outer public key is another one, and so it is wrong even where the section is right.
    for (public, copy) in [(own, other), (other, own), (other, other), (own, own)] {
        let text = key_file("none", "none", b"", &section(public, copy));
        assert_eq!(PrivateKey::read(&text, None).unwrap_err(), KeyFileError::PublicMismatch);
    }
}

/// PuTTY's window title and Dropbear's log took what peers wrote. A terminal's type and modes are bytes for the
/// application, and a signal's name that could do harm is refused.
#[test]
fn cve_2021_33500_putty_text_that_a_terminal_obeys() {
    for name in ["\x1b]0;title\x07", "KILL\r\n", "", "TERM\0"] {
        let mut meeting = server_with_session(|_| ());
        meeting.say(&messages::channel_request(0, "signal", false, &string(name)));
        meeting.only_ends_with(malformed(98, DecodeError::InvalidValue));
    }
    let mut meeting = client_asked();
    meeting.endpoint.authenticate("root", AuthMethod::KeyboardInteractive { submethods: String::new() }).unwrap();
    meeting.settle();
    meeting.say(&messages::userauth_info_request(&[("\x1b]0;title\x07Password: ", true)]));
    let ClientEvent::Prompts(prompts) = meeting.event() else { panic!("questions") };
    let shown = prompts.prompts[0].prompt.to_string();
    assert!(shown.ends_with("Password: ") && !shown.chars().any(char::is_control), "{shown}");
}

/// AsyncSSH again: what a client pipelines behind its login is looked at only when the login has succeeded, in order.
#[test]
fn a_flight_behind_a_login_waits_for_it() {
    let mut meeting = server_asked(|_| ());
    meeting.peer.authenticate_password("root", "secret");
    open_and_execute(&mut meeting);
    let request = meeting.request();
    assert!(meeting.events.is_empty());
    meeting.endpoint.answer_auth(request, AuthAnswer::Accept).unwrap();
    meeting.deliver(&[]);
    assert!(matches!(meeting.event(), ServerEvent::Authenticated(_)));
    assert!(matches!(meeting.event(), ServerEvent::ChannelOpen(_)));
    // The request came for a channel that nobody had accepted.
    meeting.only_ends_with(PeerMisbehaved::ChannelState(0));
}
