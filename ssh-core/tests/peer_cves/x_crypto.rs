//! golang.org/x/crypto/ssh: its CVEs, and what the NCC Group's audit of 2026 found beside them.

use hostile_peer::{Cipher, Key, Method, Shape, Step, messages, mpint, string, strings};
use ssh_core::crypto::hash::Hash;
use ssh_core::crypto::signature::SignatureError;
use ssh_core::files::authorized_keys::AuthorizedKeys;
use ssh_core::files::known_hosts::{HostKeyVerdict, KnownHosts};
use ssh_core::key::{KeyAlgorithm, KeyError, KeyFileError, MAX_BCRYPT_ROUNDS, PrivateKey, PublicKey};
use ssh_core::wire::{DataStream, DecodeError, DisconnectReason};
use ssh_core::{
    AuthAnswer, ChannelEvent, ChannelType, ClientEvent, ClientRole, CloseReason, Credential, Deadline, Error, Misuse,
    PeerMisbehaved, ServerEvent, ServerRole, Stage, Timestamp, UnixTime,
};

use crate::common::assault::{
    client, client_asked, malformed, peer, server, server_asked, server_with_session, unexpected,
};
use crate::common::hostile::{Meeting, Party, WithClient};
use crate::common::{Setup, key, random};
use crate::{key_file, offer_of};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// An `ssh-ed25519` key that is not 32 bytes long panicked in verification, on servers and on clients. It is no key: the
/// attempt is refused, the host is not proven.
#[test]
fn cve_2020_9283_ed25519_keys_of_the_wrong_length() {
    for length in [0, 1, 31, 33, 64] {
        let blob = strings(&[&b"ssh-ed25519"[..], &vec![7; length]]);
        assert!(PublicKey::from_blob(&blob).is_err());
        let mut meeting = server_asked(|_| ());
        meeting.refuses(&offer_of("ssh-ed25519", &blob));
        let signature = strings(&[&b"ssh-ed25519"[..], &[0; 64]]);
        let fields = [&[1][..], &strings(&[b"ssh-ed25519", &blob[..], &signature])].concat();
        meeting.refuses(&messages::userauth_request("root", "publickey", &fields));
        let mut meeting = WithClient::quick(true);
        meeting.exchange(Step::KexInit);
        meeting.say(&messages::kex_ecdh_reply(&blob, &messages::BASEPOINT, &signature));
        meeting.only_ends_with(PeerMisbehaved::HostKey(SignatureError::MalformedKey));
    }
}

/// `gssapi-with-mic` dereferenced a configuration that was not there. The method is refused, and its later messages are
/// messages without business.
#[test]
fn cve_2020_29652_gssapi_where_nobody_configured_it() {
    let mechanism = [&1_u32.to_be_bytes()[..], &string(b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")].concat();
    for number in [60, 63, 64, 65, 66] {
        let mut meeting = server_asked(|_| ());
        meeting.refuses(&messages::userauth_request("root", "gssapi-with-mic", &mechanism));
        meeting.say(&[&[number][..], &string(b"token")].concat());
        meeting.only_ends_with(unexpected(number, Stage::Authentication));
    }
}

/// A packet without plain text panicked under AES-GCM and ChaCha20-Poly1305. It is the end, under every cipher.
#[test]
fn cve_2021_43565_packets_without_plain_text() {
    for kind in Cipher::ALL {
        let sealed = |payload: &[u8], shape: &Shape| {
            let mut meeting = Meeting::<ServerRole>::new(peer::<ServerRole>(Method::Curve25519, kind), Setup::new(1));
            meeting.exchange(Step::NewKeys);
            meeting.peer.send_shaped(payload, shape);
            meeting.settle();
            meeting
        };
        sealed(b"", &Shape::default()).only_ends_with(PeerMisbehaved::Padding);
        let nothing = Shape { padding: Some(vec![]), packet_length: Some(0), ..Shape::default() };
        sealed(b"", &nothing).only_ends_with(PeerMisbehaved::PacketLength(0));
    }
}

/// Terrapin: the first sealed packet is deleted. Sequence numbers that begin anew at NEWKEYS leave no place for it.
#[test]
fn cve_2023_48795_the_first_sealed_packet_is_deleted() {
    for kind in [Cipher::ChaCha20Poly1305, Cipher::Aes128Gcm] {
        let peer = peer::<ClientRole>(Method::Curve25519, kind);
        let mut meeting = WithClient::new(peer, Setup::new(1));
        meeting.exchange(Step::Method);
        meeting.peer.advance(Step::NewKeys);
        let newkeys = meeting.peer.take_output();
        meeting.peer.send(&messages::ext_info(&[("server-sig-algs", "ssh-ed25519")]));
        meeting.peer.take_output();
        meeting.deliver(&newkeys);
        meeting.peer.accept_service();
        meeting.settle();
        // Where the length is sealed too, it is the length that makes no sense.
        let end = meeting.closed();
        let damage = end.as_ref().and_then(CloseReason::error).and_then(Error::disconnect_reason);
        assert_eq!(damage, Some(DisconnectReason::MAC_ERROR), "{end:?}");
        assert_eq!(meeting.events.len(), 1);
    }
}

/// Applications took the key that was offered last for the key that logged in. The identity is the key that signed, in
/// every order of three keys; an offer is of another type than a request.
#[test]
fn cve_2024_45337_the_last_key_offered_is_taken_for_the_one_that_signed() {
    for order in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] {
        let mut meeting = server_asked(|_| ());
        for seed in order {
            meeting.peer.key = Key::from_seed([seed; 32]);
            meeting.peer.offer_key("root");
            meeting.settle();
            let offer = meeting.offer();
            assert_eq!(offer.key.blob(), meeting.peer.key.blob());
            meeting.endpoint.answer_key_offer(offer, true).unwrap();
            meeting.settle();
            meeting.peer.expect(60);
        }
        let signer = Key::from_seed([order[0]; 32]);
        let request = signer.signed_request(&meeting.peer.session_id, "root");
        meeting.say(&request);
        let request = meeting.request();
        assert!(matches!(&request.credential, Credential::PublicKey { key, .. } if key.blob() == signer.blob()));
        meeting.endpoint.answer_auth(request, AuthAnswer::Accept).unwrap();
        meeting.settle();
        let ServerEvent::Authenticated(identity) = meeting.event() else { panic!("an identity") };
        assert_eq!(identity.keys.iter().map(PublicKey::blob).collect::<Vec<_>>(), [signer.blob()]);
    }
}

/// While a client delayed a key exchange for ever, whatever the server wrote was kept. Nothing is taken, requests are
/// bounded, and the exchange has a deadline.
#[test]
fn cve_2025_22869_writing_during_an_exchange_that_never_ends() {
    let mut meeting = server_with_session(|_| ());
    let id = {
        meeting.say(&messages::channel_open("session", 1, 1 << 30, 1 << 15, b""));
        let ServerEvent::ChannelOpen(request) = meeting.event() else { panic!("a channel") };
        meeting.endpoint.accept_channel(request).unwrap()
    };
    meeting.settle();
    meeting.endpoint.rekey().unwrap();
    let before = meeting.endpoint.buffer_memory();
    let data = [0; 64 * 1024];
    for _ in 0..100 {
        assert_eq!(meeting.endpoint.channel(id).unwrap().write(DataStream::STDOUT, &data), Ok(0));
    }
    let asked = (0..100_000).take_while(|_| meeting.endpoint.global_request(b"x@example.com", &data[..1000]).is_ok());
    assert!(asked.count() < 300);
    assert_eq!(meeting.endpoint.global_request(b"x@example.com", b""), Err(Misuse::Busy));
    assert_eq!(meeting.endpoint.buffer_memory(), before);
    for time in [0, 120_000_000] {
        meeting.endpoint.handle_timeout(Timestamp::from_micros(time));
    }
    meeting.settle();
    assert_eq!(meeting.closed(), Some(CloseReason::Failed(Error::Timeout(Deadline::Rekey))));
}

/// A GSSAPI request could count 2³² - 1 mechanisms. The fields of a method nobody offers are not read.
#[test]
fn cve_2025_58181_the_count_of_gssapi_mechanisms() {
    let mut meeting = server_asked(|_| ());
    meeting.refuses(&messages::userauth_request("root", "gssapi-with-mic", &[0xff; 4]));
    assert!(meeting.endpoint.buffer_memory() < 16 * 1024);
}

/// Channels that were opened and rejected leaked. Ten thousand of them leave nothing behind, and the limit is as far
/// away as before.
#[test]
fn cve_2026_39827_rejected_channels_leak() {
    let mut meeting = server_with_session(|config| config.limits.max_channels = 3);
    for turn in 0..10_000 {
        meeting.say(&messages::channel_open("session", turn, 1000, 1000, b""));
        let ServerEvent::ChannelOpen(request) = meeting.event() else { panic!("a channel") };
        let reason = ssh_core::wire::ChannelOpenFailureReason::ADMINISTRATIVELY_PROHIBITED;
        meeting.endpoint.reject_channel(request, reason, "no").unwrap();
        meeting.settle();
        assert_eq!(meeting.peer.payloads(), [messages::channel_open_failure(turn, 1, "no")]);
    }
    assert!(meeting.endpoint.buffer_memory() < 16 * 1024);
    for turn in 0..2 {
        meeting.say(&messages::channel_open("session", turn, 1000, 1000, b""));
        assert!(matches!(meeting.event(), ServerEvent::ChannelOpen(_)));
    }
    meeting.say(&messages::channel_open("session", 9, 1000, 1000, b""));
    assert_eq!(meeting.peer.payloads(), [messages::channel_open_failure(9, 4, "too many channels")]);
}

/// What a partial success had restricted was forgotten after the last step. Every step, and every key that signed,
/// stands in each later request and in the identity.
#[test]
fn cve_2026_39828_a_partial_success_is_forgotten() {
    let mut meeting = server_asked(|_| ());
    meeting.peer.authenticate_key("root");
    meeting.settle();
    let request = meeting.request();
    let answer = AuthAnswer::Partial { methods_that_can_continue: vec!["password".into()] };
    meeting.endpoint.answer_auth(request, answer).unwrap();
    meeting.settle();
    assert_eq!(meeting.peer.payloads().pop(), Some(messages::userauth_failure(&["password"], true)));
    for wrong in [true, false] {
        meeting.peer.authenticate_password("root", "secret");
        meeting.settle();
        let request = meeting.request();
        assert_eq!(request.succeeded, ["publickey"]);
        let answer = if wrong { AuthAnswer::Reject } else { AuthAnswer::Accept };
        meeting.endpoint.answer_auth(request, answer).unwrap();
        meeting.settle();
    }
    let ServerEvent::Authenticated(identity) = meeting.event() else { panic!("an identity") };
    assert_eq!(identity.methods, ["publickey", "password"]);
    assert_eq!(identity.keys.iter().map(PublicKey::blob).collect::<Vec<_>>(), [meeting.peer.key.blob()]);
}

/// RSA and DSA keys of any size were verified with, which took minutes. A modulus over 16,384 bits and an exponent over
/// 32 are no key; DSA does not exist.
#[test]
fn cve_2026_39829_keys_that_take_minutes_to_verify_with() {
    let rsa = |e: &[u8], n: &[u8]| [string(b"ssh-rsa"), mpint(e), mpint(n)].concat();
    let dsa = [string(b"ssh-dss"), mpint(&[0xff; 7000]), mpint(&[7; 20]), mpint(&[2]), mpint(&[9; 7000])].concat();
    let hostile = [rsa(&[3], &[0xff; 2049]), rsa(&[3], &[0xff; 12_000]), rsa(&[0xff; 256], &[0xff; 256])];
    for (algorithm, blob) in
        hostile.iter().map(|blob| ("rsa-sha2-512", blob)).chain([("ssh-dss", &dsa), ("rsa-sha2-512", &dsa)])
    {
        let mut meeting = server_asked(|_| ());
        meeting.refuses(&offer_of(algorithm, blob));
        let fields = [&[1][..], &strings(&[algorithm.as_bytes(), blob, b"signature"])].concat();
        meeting.refuses(&messages::userauth_request("root", "publickey", &fields));
    }
}

/// Answers that nobody asked for filled a queue, and the connection stood still. The first is a violation; there is no
/// queue.
#[test]
fn cve_2026_39830_answers_that_nobody_asked_for() {
    fn each<P: Party>() {
        for answer in [messages::request_success(b""), messages::request_failure()] {
            let mut meeting = Meeting::<P>::quick(true).with_session();
            meeting.say(&answer);
            meeting.only_ends_with(PeerMisbehaved::UnsolicitedReply);
        }
        // The session of `with_session` awaits one answer.
        for answer in [messages::channel_success(0), messages::channel_failure(0)] {
            let mut meeting = Meeting::<P>::quick(true).with_session();
            meeting.say(&answer);
            assert!(
                meeting
                    .events
                    .drain(..)
                    .any(|event| matches!(P::channel_event(&event), Some(ChannelEvent::Reply { .. })))
            );
            meeting.say(&answer);
            meeting.only_ends_with(PeerMisbehaved::UnsolicitedReply);
        }
    }
    each::<ServerRole>();
    each::<ClientRole>();
}

/// The length of a write was cut to 32 bits, so that 4 GiB became 0 and the loop never ended. A write of that length
/// takes what fits.
#[cfg(target_pointer_width = "64")]
#[test]
fn cve_2026_39834_a_write_of_a_multiple_of_4_gib() {
    for length in [1 << 32, 1 << 40, usize::MAX] {
        let mut meeting = server_with_session(|_| ());
        let id = meeting.endpoint.open_channel(&ChannelType::Other { name: b"x@example.com".to_vec(), data: vec![] });
        let id = id.unwrap();
        meeting.settle();
        meeting.peer.payloads();
        meeting.say(&messages::channel_open_confirmation(1, 9, u32::MAX, u32::MAX));
        let mut offered = 0;
        let fill = |room: &mut [u8]| {
            offered = room.len();
            room.fill(7);
            room.len()
        };
        let written = meeting.endpoint.channel(id).unwrap().write_with(DataStream::STDOUT, length, fill).unwrap();
        assert_eq!(written, offered);
        assert!((1..=256 * 1024).contains(&written), "{written}");
        meeting.settle();
        assert_eq!(meeting.peer.numbers(), [94]);
    }
}

/// A revoked key was accepted because only one of two places was asked. `@revoked` wins over a line that trusts, whatever
/// their order and however the host is named.
#[test]
fn cve_2026_42508_revocation_is_bypassed() {
    let key = key(KeyAlgorithm::Ed25519, 5).public_key().clone();
    let hashed = KnownHosts::format_entry("example.com", 22, &key, Some(&mut random(1))).unwrap();
    let trusted = [format!("example.com {key}\n"), format!("* {key}\n"), hashed.clone()];
    let revoked =
        [format!("@revoked * {key}\n"), format!("@revoked example.com {key}\n"), format!("@revoked {hashed}")];
    for (trusted, revoked) in trusted.iter().flat_map(|trusted| revoked.iter().map(move |revoked| (trusted, revoked))) {
        for text in [format!("{trusted}{revoked}"), format!("{revoked}{trusted}")] {
            let verdict = KnownHosts::parse(text.as_bytes()).lookup("example.com", 22, &key, NOW);
            assert!(matches!(verdict, HostKeyVerdict::Revoked { .. }), "{text}{verdict:?}");
        }
    }
}

/// CVE-2026-46595 and CVE-2026-56854: `source-address` restricted some ways of logging in and not others. Restrictions
/// are the application's here; a line of `authorized_keys` whose restriction cannot be read gives no key at all.
#[test]
fn cve_2026_46595_cve_2026_56854_a_restriction_is_dropped() {
    let key = key(KeyAlgorithm::Ed25519, 5).public_key().clone();
    let file = AuthorizedKeys::parse(format!("from=\"10.0.0.0/8\",restrict {key}\n").as_bytes());
    let line = file.find(&key).unwrap();
    assert_eq!(line.options[0].value.as_deref(), Some("10.0.0.0/8"));
    assert!(line.has_option("restrict"));
    // Superfluous commas mean nothing to sshd, and drop nothing here.
    let file = AuthorizedKeys::parse(format!(",restrict,,from=\"10.0.0.0/8\", {key}\n").as_bytes());
    let line = file.find(&key).unwrap();
    assert!(line.has_option("restrict") && line.has_option("from"));
    for options in ["from", "from=", "from=10.0.0.0/8", "from=\"10.0.0.0/8", "form=\"10.0.0.0/8\"", "restrict,x"] {
        let file = AuthorizedKeys::parse(format!("{options} {key}\n").as_bytes());
        assert!(file.find(&key).is_none(), "{options}");
        assert_eq!(file.skipped().len(), 1, "{options}");
    }
}

/// `padding + 1` was computed in one byte, so that 255 became 0 and the AES-GCM reader panicked. All 256 values at three
/// lengths: legal, or the end.
#[test]
fn cve_2026_46597_padding_of_255() {
    for payload in [1_usize, 12, 300] {
        for padding in 0..=255_u8 {
            let mut meeting = server(|_| ());
            let message = vec![192; payload];
            let real = vec![0; 16 - (1 + message.len()) % 16 + 240];
            let shape = Shape { padding: Some(real.clone()), padding_length: Some(padding), ..Shape::default() };
            meeting.peer.send_shaped(&message, &shape);
            meeting.settle();
            let whole = message.len() + real.len();
            if padding < 4 || usize::from(padding) >= whole {
                meeting.only_ends_with(PeerMisbehaved::Padding);
            } else {
                // A PING before authentication is dropped, whatever its length.
                assert_eq!(meeting.closed(), None, "{payload} {padding}");
            }
        }
    }
}

/// Commit 5adb68b: attempts were not counted in every method. Six failures of any kinds are the end.
#[test]
fn attempts_without_end() {
    let mut meeting = server_asked(|_| ());
    for turn in 1..6_u8 {
        let blob = Key::from_seed([turn; 32]).blob();
        meeting.refuses(&match turn {
            1 => messages::userauth_request("root", "hostbased", b""),
            2 => offer_of("ssh-rsa", &blob),
            3 => offer_of("ssh-ed25519", b"garbage"),
            4 => offer_of("rsa-sha2-512", &blob),
            _ => messages::userauth_request("root", "gssapi-with-mic", b""),
        });
    }
    meeting.say(&messages::userauth_request("root", "hostbased", b""));
    meeting.only_ends_with(Error::TooManyAuthAttempts);
}

/// Commit 8f405a4: the curve that an ECDSA key names was not compared with its type. Where the two differ there is no
/// key.
#[test]
fn the_curve_of_a_key_is_not_its_type() {
    let curves = [KeyAlgorithm::EcdsaNistp256, KeyAlgorithm::EcdsaNistp384, KeyAlgorithm::EcdsaNistp521];
    for (at, algorithm) in curves.into_iter().enumerate() {
        let blob = key(algorithm, 3).public_key().blob().to_vec();
        let mut reader = hostile_peer::Reader::new(&blob);
        let (_, own, point) = (reader.string().unwrap(), reader.string().unwrap(), reader.string().unwrap());
        for (other, name) in
            ["nistp256", "nistp384", "nistp521"].into_iter().enumerate().filter(|(other, _)| *other != at)
        {
            let typed = format!("ecdsa-sha2-{name}");
            let own_type = format!("ecdsa-sha2-{}", String::from_utf8_lossy(own));
            for forged in [
                strings(&[typed.as_bytes(), own, point]),
                strings(&[own_type.as_bytes(), name.as_bytes(), point]),
                strings(&[typed.as_bytes(), name.as_bytes(), point]),
            ] {
                assert!(PublicKey::from_blob(&forged).is_err(), "{other}");
                server_asked(|_| ()).refuses(&offer_of(&typed, &forged));
            }
        }
    }
}

/// Commit b315afd: a key file decides how many rounds of bcrypt it takes. What would take minutes is refused before it
/// begins.
#[test]
fn rounds_of_bcrypt_without_bound() {
    for rounds in [0, MAX_BCRYPT_ROUNDS + 1, u32::MAX] {
        let options = [string([7; 16]), rounds.to_be_bytes().to_vec()].concat();
        let text = key_file("aes256-ctr", "bcrypt", &options, &[0; 64]);
        let error = PrivateKey::read(&text, Some(&"passphrase".into())).unwrap_err();
        assert_eq!(error, KeyFileError::Rounds { rounds });
    }
}

/// Commit 9beb694: an exit status of fewer than four bytes panicked.
#[test]
fn an_exit_status_that_is_cut_off() {
    for length in 0..4 {
        let mut meeting = WithClient::quick(true).with_session();
        meeting.say(&messages::channel_request(0, "exit-status", false, &vec![0; length]));
        meeting.only_ends_with(malformed(98, DecodeError::Truncated));
    }
}

/// Commit fe1af3a: a second CLOSE found the channel gone and panicked. It is a message for a channel that is not there.
#[test]
fn a_channel_is_closed_twice() {
    let mut meeting = WithClient::quick(true).with_session();
    meeting.say(&messages::channel_close(0));
    assert!(matches!(meeting.event(), ClientEvent::Channel(_, ChannelEvent::Closed)));
    meeting.say(&messages::channel_close(0));
    meeting.only_ends_with(PeerMisbehaved::UnknownChannel(0));
}

/// Commit 593c81a: lines before the identification were counted wrongly. 1,024 are taken, one more is the end.
#[test]
fn lines_before_the_identification_are_miscounted() {
    for (lines, taken) in [(1024, true), (1025, false)] {
        let mut meeting = WithClient::quick(true);
        meeting.deliver(&b"a line\r\n".repeat(lines));
        if taken {
            meeting = meeting.keyed();
            assert_eq!(meeting.closed(), None);
        } else {
            meeting.settle();
            assert_eq!(meeting.closed(), Some(CloseReason::Failed(PeerMisbehaved::Identification.into())));
        }
    }
}

/// Commits 0f039f3 and 6435c37: what a peer wrote reached terminals as it was. Every text of a peer is typed, and its
/// `Display` has no control characters.
#[test]
fn control_characters_reach_the_terminal() {
    let hostile = "\x1b]0;owned\x07\r\n\u{9b}2J\u{202e}";
    let mut meeting = client_asked();
    meeting.say(&messages::userauth_banner(hostile));
    let ClientEvent::Banner(banner) = meeting.event() else { panic!("a banner") };
    meeting.say(&messages::disconnect(2, hostile));
    let end = meeting.closed().unwrap();
    for shown in [banner.to_string(), end.to_string()] {
        assert!(shown.contains("owned"), "{shown}");
        assert!(!shown.chars().any(|c| c.is_control() || c == '\u{202e}'), "{shown}");
    }
}

/// Commit ff03daf: the format of a signature was not compared with the algorithm the request names.
#[cfg(feature = "rsa")]
#[test]
fn a_signature_of_another_algorithm_than_the_request() {
    let rsa = key(KeyAlgorithm::Rsa { bits: 2048 }, 4);
    for declared in ["rsa-sha2-512", "rsa-sha2-256"] {
        for made in ["rsa-sha2-512", "rsa-sha2-256"] {
            let mut meeting = server_asked(|_| ());
            let request = crate::signed_request(&meeting.peer.session_id, &rsa, declared, made);
            meeting.say(&request);
            if declared == made {
                let request = meeting.request();
                assert!(matches!(request.credential, Credential::PublicKey { algorithm, .. } if algorithm == declared));
            } else {
                meeting.only_says(&[51]);
            }
        }
    }
}

/// Commit b27e150: a key that could not be parsed ended the connection instead of the attempt.
#[test]
fn a_malformed_key_ends_more_than_the_attempt() {
    let mut meeting = server_asked(|_| ());
    for blob in [&b""[..], b"\0\0\0\x0bssh-ed25519", &[0xff; 40]] {
        meeting.refuses(&offer_of("ssh-ed25519", blob));
    }
    ServerRole::log_in(&mut meeting);
    assert!(meeting.endpoint.is_authenticated());
}

/// The check of the host key was optional, and left out by most. Without an answer not a byte follows NEWKEYS; there is
/// no answer by default.
#[test]
fn cve_2017_3204_the_host_key_is_not_checked() {
    let mut meeting = WithClient::quick(true);
    meeting.holds = true;
    meeting.exchange(Step::NewKeys);
    let Some(ClientEvent::HostKey(request)) = meeting.events.pop_front() else { panic!("a question") };
    assert_eq!(request.key.blob(), meeting.peer.key.blob());
    assert_eq!(meeting.peer.numbers(), [20, 30], "no NEWKEYS, no SERVICE_REQUEST");
    meeting.peer.accept_service();
    meeting.deliver(&[]);
    assert!(meeting.events.is_empty());
    drop(request);
    meeting.endpoint.handle_timeout(Timestamp::from_micros(120_000_000));
    meeting.settle();
    assert_eq!(meeting.closed(), Some(CloseReason::Failed(Error::Timeout(Deadline::Login(Stage::KeyExchange)))));
}

/// A later exchange asks nobody about its host key: another one than the first is the end.
#[test]
fn another_host_key_in_a_later_exchange() {
    let mut meeting = client(|_| ());
    ClientRole::grant_service(&mut meeting);
    ClientRole::log_in(&mut meeting);
    meeting.peer.key = Key::from_seed([99; 32]);
    meeting.peer.say(Step::KexInit);
    meeting.exchange(Step::NewKeys);
    assert_eq!(meeting.closed(), Some(CloseReason::Failed(Error::HostKeyChanged)));
}

/// RSA keys that are too short to resist anybody are refused: 1,024 bits are no key for the default algorithms.
#[cfg(feature = "rsa")]
#[test]
fn rsa_keys_of_1024_bits() {
    assert!(PrivateKey::generate(KeyAlgorithm::Rsa { bits: 1024 }, &mut random(1)).is_err());
    let mut modulus = [0xa5; 128];
    modulus[127] |= 1;
    let blob = [string(b"ssh-rsa"), mpint(&[1, 0, 1]), mpint(&modulus)].concat();
    let algorithm = ssh_core::crypto::signature::RSA_SHA2_512;
    let signature = strings(&[&b"rsa-sha2-512"[..], &[0; 128]]);
    assert_eq!(algorithm.verify(&blob, b"data", &signature), Err(SignatureError::UnacceptableKey));
    let fields = [&[1][..], &strings(&[&b"rsa-sha2-512"[..], &blob, &signature])].concat();
    server_asked(|_| ()).refuses(&messages::userauth_request("root", "publickey", &fields));
}

/// A line of `known_hosts` that cannot be read is named and trusts nobody.
#[test]
fn a_malformed_line_of_known_hosts_trusts() {
    let key = key(KeyAlgorithm::Ed25519, 5).public_key().clone();
    for line in
        [format!("|1|x|y {key}"), format!("|2|a|b {key}"), format!("@trusted * {key}"), "* ssh-ed25519 AAAA".into()]
    {
        let file = KnownHosts::parse(line.as_bytes());
        assert_eq!(file.skipped().len(), 1, "{line}");
        assert_eq!(file.lookup("example.com", 22, &key, NOW), HostKeyVerdict::Unknown, "{line}");
    }
}

/// A security key signed without anybody touching it, and that was as good as a touch. It is refused, unless the
/// application has said that it decides, and then it is told.
#[test]
fn cve_2026_39831_nobody_touched_the_security_key() {
    const ALGORITHM: &str = "sk-ssh-ed25519@openssh.com";
    for (flags, lets_application_decide) in [(0, false), (4, false), (0xfe, false), (1, false), (0, true), (5, true)] {
        let mut meeting = server_asked(|config| config.security_keys_without_touch = lets_application_decide);
        let device = Key::from_seed([9; 32]);
        let blob = [string(ALGORITHM), device.blob()[15..].to_vec(), string("ssh:")].concat();
        let fields = [&[1][..], &strings(&[ALGORITHM.as_bytes(), &blob])].concat();
        let request = messages::userauth_request("root", "publickey", &fields);
        let message = [string(&meeting.peer.session_id), request.clone()].concat();
        let statement = [&[flags][..], &7_u32.to_be_bytes()].concat();
        let hash = |bytes: &[u8]| Hash::Sha256.digest(&[bytes]);
        let signed = device.sign(&[hash(b"ssh:"), statement.clone(), hash(&message)].concat());
        let content = &signed[signed.len() - 64..];
        let signature = [strings(&[ALGORITHM.as_bytes(), content]), statement].concat();
        meeting.say(&[request, string(&signature)].concat());
        if flags & 1 == 0 && !lets_application_decide {
            meeting.only_says(&[51]);
            continue;
        }
        let request = meeting.request();
        let Credential::PublicKey { security_key: Some(used), .. } = request.credential else { panic!("{request:?}") };
        assert_eq!((used.user_present, used.user_verified, used.counter), (flags & 1 != 0, flags & 4 != 0, 7));
    }
}

/// A certificate signed by a certificate, signed by another, and so on, made the parser call itself until the stack was
/// full. What signs is a key.
#[test]
fn cve_2026_39835_certificates_all_the_way_down() {
    let signer = key(KeyAlgorithm::Ed25519, 1);
    let mut authority = signer.public_key().blob().to_vec();
    for depth in 0..100 {
        let mut certificate = strings(&[&b"ssh-ed25519-cert-v01@openssh.com"[..], &[0; 32]]);
        certificate.extend_from_slice(&signer.public_key().blob()[15..]);
        certificate.extend([[0; 8].as_slice(), &[0, 0, 0, 1], &string("id"), &string(string("root"))].concat());
        certificate.extend([[0; 8], [0xff; 8]].concat());
        certificate.extend(strings(&[&b""[..], b"", b"", &authority]));
        let signature = signer.sign("ssh-ed25519", &certificate, &mut random(1)).unwrap();
        certificate.extend(string(&signature));
        let expected = if depth == 0 { Ok(()) } else { Err(KeyError::Authority) };
        assert_eq!(PublicKey::from_blob(&certificate).map(drop), expected, "{depth}");
        authority = certificate;
    }
}
