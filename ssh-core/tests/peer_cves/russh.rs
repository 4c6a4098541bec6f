//! russh. Most of these have no id in the RustSec database; the ones without a CVE or GHSA are named by what failed.

use hostile_peer::{Cipher, Key, Method, Shape, Step, messages, string, strings};
use ssh_core::crypto::AlgorithmKind;
use ssh_core::crypto::kex::KexError;
use ssh_core::wire::{DataStream, DecodeError};
use ssh_core::{
    AuthAnswer, ChannelEvent, ChannelRequest, ClientRole, CloseReason, Credential, Error, PeerMisbehaved, ServerEvent,
    ServerRole, Stage,
};

use crate::common::Setup;
use crate::common::assault::{
    clear_packet, client_asked, malformed, peer, refuses_public_value, server, server_asked, server_with_session,
    unexpected,
};
use crate::common::hostile::{Meeting, Party, State, WithClient, WithServer};

/// Terrapin: somebody in the middle inserts IGNORE during the key exchange, so that the first sealed packet can be
/// deleted unnoticed. Under strict key exchange the inserted packet is the end, in both directions.
#[test]
fn cve_2023_48795_a_message_is_inserted_before_newkeys() {
    fn insert<P: Party>() {
        let mut meeting = Meeting::<P>::quick(true);
        meeting.exchange(Step::Identification);
        meeting.peer.advance(Step::KexInit);
        let said = [meeting.peer.take_output(), clear_packet(&messages::ignore(b""))].concat();
        meeting.deliver(&said);
        meeting.only_ends_with(unexpected(2, Stage::KeyExchange));
    }
    insert::<ClientRole>();
    insert::<ServerRole>();
}

/// A compressed payload was inflated without bound; an earlier mistake was to refuse what becomes more than twice as long.
/// As much as a packet may be is taken, however small it came, and a byte more is the end.
#[cfg(feature = "zlib")]
#[test]
fn cve_2026_46702_a_payload_inflates_without_bound() {
    use ssh_core::crypto::compression::{CompressionLevel, DecompressError, ZLIB};
    let longest = ssh_core::Limits::default().max_packet_before_auth as usize;
    for (length, expected) in [(longest, None), (longest + 1, Some(DecompressError::TooLong))] {
        let peer = peer::<ServerRole>(Method::Curve25519, Cipher::Aes128Gcm)
            .with(|offer| offer.compression = ["zlib".into(), "zlib".into()]);
        let setup = Setup::new(1).quick().algorithms(|lists| lists.compression = vec![ZLIB]);
        let mut meeting = WithServer::new(peer, setup).keyed();
        let mut compressed = Vec::new();
        let mut stream = ZLIB.compressor(CompressionLevel::default()).unwrap();
        stream.compress(&messages::ignore(&vec![0; length - 5]), &mut compressed);
        assert!(compressed.len() < length / 100);
        meeting.say(&compressed);
        let ended = expected.map(|error| CloseReason::Failed(PeerMisbehaved::Compression(error).into()));
        assert_eq!(meeting.closed(), ended, "{length}");
    }
}

/// Data beyond the window underflowed the count of what was left of it. The byte too many is a violation, and is not
/// kept.
#[test]
fn data_beyond_the_window_underflows_it() {
    let mut meeting = server_with_session(|config| {
        config.limits.channel_window = 64 * 1024;
        config.limits.channel_packet = 32 * 1024;
    });
    for _ in 0..2 {
        meeting.say(&messages::channel_data(0, &[7; 32 * 1024]));
    }
    assert_eq!(meeting.closed(), None);
    meeting.events.clear();
    meeting.say(&messages::channel_data(0, b"!"));
    meeting.only_ends_with(PeerMisbehaved::WindowExceeded(0));
}

/// The window was added up without a check. A window past 2³² - 1 ends the connection, whether it takes one step or two.
#[test]
fn cve_2025_54804_window_adjust_overflows() {
    for steps in [&[u32::MAX][..], &[1 << 31, 1 << 31]] {
        let mut meeting = server_with_session(|_| ());
        for step in steps {
            meeting.say(&messages::channel_window_adjust(0, *step));
        }
        meeting.only_ends_with(PeerMisbehaved::WindowOverflow(0));
    }
    let mut meeting = server_with_session(|_| ());
    meeting.say(&messages::channel_window_adjust(0, u32::MAX - (1 << 20)));
    assert_eq!(meeting.closed(), None, "2³² - 1 itself is legal");
}

/// Memory was reserved for as much as `packet_length` said. The length is judged by itself and nothing is reserved, with
/// keys and without.
#[test]
fn cve_2024_43410_a_claimed_packet_length_is_allocated() {
    for length in [64 * 1024 + 12, 1 << 28, 0x7fff_fff0, u32::MAX] {
        let mut meeting = WithServer::quick(true);
        meeting.exchange(Step::Identification);
        meeting.deliver(&length.to_be_bytes());
        meeting.only_ends_with(PeerMisbehaved::PacketLength(length));
        assert!(meeting.endpoint.buffer_memory() < 16 * 1024, "{}", meeting.endpoint.buffer_memory());
        let mut meeting = server(|_| ());
        meeting.peer.send_shaped(&messages::ignore(b""), &Shape { packet_length: Some(length), ..Shape::default() });
        meeting.settle();
        meeting.only_ends_with(PeerMisbehaved::PacketLength(length));
        assert!(meeting.endpoint.buffer_memory() < 16 * 1024, "{}", meeting.endpoint.buffer_memory());
    }
}

/// Issue 515: a message other than KEXINIT as the first panicked. Each number alone has its typed end, or is dropped.
#[test]
fn an_unexpected_first_message_panics() {
    for number in 0..=255 {
        let mut meeting = WithServer::quick(false);
        meeting.exchange(Step::Identification);
        meeting.say(&[number]);
        match number {
            2..=4 => assert_eq!(meeting.closed(), None),
            1 | 20 => meeting.only_ends_with(malformed(number, DecodeError::Truncated)),
            _ => meeting.only_ends_with(unexpected(number, Stage::KeyExchange)),
        }
    }
}

/// Issue 600: a method that nobody implements panicked. It is refused like any other, the application is not asked.
#[test]
fn an_unsupported_method_panics() {
    for method in ["hostbased", "gssapi-keyex", "", "none,password", &"x".repeat(60_000)] {
        let mut meeting = server_asked(|_| ());
        meeting.refuses(&messages::userauth_request("root", method, b"anything"));
    }
}

/// The server made room for as many responses as the client counted, before authentication. The count is measured
/// against the bytes that are there.
#[test]
fn cve_2026_42189_the_count_of_responses_is_allocated() {
    let phase = ssh_core::gate::Phase::Authentication;
    for count in [1, 101, 1 << 24, u32::MAX] {
        let mut meeting = WithServer::in_state(State { phase, kex: ssh_core::gate::KexPhase::Idle, strict: true });
        meeting.say(&[&[61][..], &count.to_be_bytes()].concat());
        meeting.only_ends_with(malformed(61, DecodeError::TooMany));
        assert!(meeting.endpoint.buffer_memory() < 16 * 1024);
    }
}

/// Fixed in 0.61.0: the client made room for as many prompts as the server counted.
#[test]
fn the_count_of_prompts_is_allocated() {
    for count in [1, 101, 1 << 24, u32::MAX] {
        let mut meeting = client_asked();
        ClientRole::ask_questions(&mut meeting);
        meeting.say(&[&[60][..], &strings(&["", "", ""]), &count.to_be_bytes()].concat());
        meeting.only_ends_with(malformed(60, DecodeError::TooMany));
    }
}

/// A server took any number of lines before a client's identification, of any length. The first byte that cannot begin an
/// identification is the end.
#[test]
fn ghsa_76r6_cve_2026_48108_lines_before_the_identification() {
    for line in [&b"hello\r\n"[..], b"\r\n", b"x", &[b'x'; 100_000]] {
        let mut meeting = WithServer::quick(true);
        meeting.settle();
        meeting.deliver(line);
        assert!(matches!(meeting.closed(), Some(CloseReason::Failed(Error::NotSsh { .. }))), "{:?}", meeting.closed());
        assert_eq!(meeting.events.len(), 1);
        assert!(meeting.endpoint.buffer_memory() < 80 * 1024, "no more than one packet may have");
    }
}

/// What one user had proven stayed when the name changed. Another name is the end, whatever is pending: a partial
/// success, an accepted offer, open questions, a plain failure.
#[test]
fn cve_2026_46705_another_user_inherits_what_was_proven() {
    let partial = |meeting: &mut WithServer| {
        meeting.peer.authenticate_key("alice");
        meeting.settle();
        let request = meeting.request();
        let answer = AuthAnswer::Partial { methods_that_can_continue: vec!["password".into()] };
        meeting.endpoint.answer_auth(request, answer).unwrap();
    };
    let offer = |meeting: &mut WithServer| {
        meeting.peer.offer_key("alice");
        meeting.settle();
        let offer = meeting.offer();
        meeting.endpoint.answer_key_offer(offer, true).unwrap();
    };
    let questions = |meeting: &mut WithServer| {
        meeting.peer.authenticate_keyboard_interactive("alice");
        meeting.settle();
        meeting.ask_nothing();
    };
    let failure = |meeting: &mut WithServer| {
        meeting.refuses(&messages::userauth_request("alice", "x", b""));
    };
    let pending: [&dyn Fn(&mut WithServer); 4] = [&partial, &offer, &questions, &failure];
    for each in pending {
        let mut meeting = server_asked(|_| ());
        each(&mut meeting);
        meeting.settle();
        meeting.say(&messages::password_request("root", "secret"));
        meeting.only_ends_with(PeerMisbehaved::UserChanged);
        assert!(!meeting.endpoint.is_authenticated());
    }
}

/// Commit bca12c7: a signature was not bound to the offer that had been accepted. Here the request carries the key that
/// signed, and the signature of an accepted key under another key's name is nothing.
#[test]
fn a_signature_is_not_bound_to_the_accepted_offer() {
    let mut meeting = server_asked(|_| ());
    meeting.peer.offer_key("root");
    meeting.settle();
    let accepted = meeting.offer();
    let accepted_key = accepted.key.clone();
    meeting.endpoint.answer_key_offer(accepted, true).unwrap();
    meeting.settle();
    meeting.peer.expect(60);
    let other = Key::from_seed([8; 32]);
    let request = other.signed_request(&meeting.peer.session_id, "root");
    meeting.say(&request);
    let request = meeting.request();
    assert!(
        matches!(&request.credential, Credential::PublicKey { key, .. } if key.blob() == other.blob() && *key != accepted_key)
    );
    meeting.endpoint.answer_auth(request, AuthAnswer::Reject).unwrap();
    meeting.settle();
    meeting.only_says(&[51]);
    // The right key's signature beside the other key.
    let fields = strings(&[b"ssh-ed25519", &other.blob()[..]]);
    let stolen = meeting.peer.key.sign(b"anything");
    let forged = messages::userauth_request("root", "publickey", &[&[1], &fields[..], &string(stolen)].concat());
    meeting.refuses(&forged);
}

/// A point that makes the shared secret zero panicked when the secret was written as an mpint. It is refused, by both
/// roles.
#[test]
fn ghsa_5xvq_an_all_zero_shared_secret() {
    let weak = PeerMisbehaved::KeyExchange(KexError::WeakSharedSecret);
    let mut one = [0; 32];
    one[0] = 1;
    for point in [[0; 32], one] {
        refuses_public_value::<ServerRole>(Method::Curve25519, &point, weak.clone());
        refuses_public_value::<ClientRole>(Method::Curve25519, &point, weak.clone());
    }
}

/// A point of the wrong length from a server panicked in the client.
#[test]
fn ghsa_g9hv_a_public_value_of_the_wrong_length() {
    for length in [0, 1, 31, 33, 64, 20_000] {
        let error = PeerMisbehaved::KeyExchange(KexError::MalformedPublicValue);
        refuses_public_value::<ClientRole>(Method::Curve25519, &vec![9; length], error.clone());
        refuses_public_value::<ServerRole>(Method::Curve25519, &vec![9; length], error);
    }
}

/// Fixed in 0.63.0: the check for zero was there for X25519 but not for X25519 inside the hybrid method.
#[cfg(feature = "pq")]
#[test]
fn a_zero_point_in_the_hybrid_method() {
    let weak = PeerMisbehaved::KeyExchange(KexError::WeakSharedSecret);
    let hybrid = hostile_peer::Ephemeral::new(Method::MlKem768X25519, [3; 32]);
    let mut offer = hybrid.offer();
    let start = offer.len() - 32;
    offer[start..].fill(0);
    refuses_public_value::<ServerRole>(Method::MlKem768X25519, &offer, weak.clone());
    refuses_public_value::<ClientRole>(Method::MlKem768X25519, &[[7; 1088].to_vec(), vec![0; 32]].concat(), weak);
}

/// A pseudo-terminal with more than 130 modes overran an array. More modes than exist are a malformed message.
#[test]
fn ghsa_cqjc_more_terminal_modes_than_exist() {
    for count in [131, 1000, 6000] {
        let modes = [53, 0, 0, 0, 1].repeat(count);
        let fields = [string("xterm"), vec![0; 16], string(&modes)].concat();
        let mut meeting = server_with_session(|_| ());
        meeting.say(&messages::channel_request(0, "pty-req", true, &fields));
        if count < 160 {
            let Some(ServerEvent::Channel(_, ChannelEvent::Request(request))) = meeting.events.pop_front() else {
                panic!("{:?}", meeting.events)
            };
            assert!(matches!(request.request, ChannelRequest::Pty(pty) if pty.modes.0.len() == count));
        } else {
            meeting.only_ends_with(malformed(98, DecodeError::TooMany));
        }
    }
}

/// Commit 7c5659f for the server, this advisory for the client: callbacks fired for channels that were never opened, with
/// forged exit statuses among them. A channel nobody knows is the end, and the application hears of nothing.
#[test]
fn ghsa_47hw_callbacks_for_channels_that_were_never_opened() {
    fn every_message<P: Party>() {
        for number in 91..=100 {
            for channel in [1, 7, u32::MAX] {
                let mut meeting = Meeting::<P>::quick(true).with_session();
                meeting.say(&messages::minimal(number, channel));
                meeting.only_ends_with(PeerMisbehaved::UnknownChannel(channel));
            }
        }
    }
    every_message::<ServerRole>();
    every_message::<ClientRole>();
}

/// A channel that the application has not accepted yet is not established either.
#[test]
fn messages_for_a_channel_nobody_accepted() {
    for number in 91..=100 {
        let mut meeting = server_with_session(|_| ());
        meeting.say(&messages::channel_open("session", 5, 1000, 1000, b""));
        assert!(matches!(meeting.event(), ServerEvent::ChannelOpen(_)));
        meeting.say(&messages::minimal(number, 1));
        meeting.only_ends_with(PeerMisbehaved::ChannelState(1));
    }
}

/// Fixed in 0.63.0: strict key exchange let messages through that are neither due nor DISCONNECT. At no step of the
/// first exchange does anything else pass.
#[test]
fn strict_key_exchange_has_gaps() {
    fn at<P: Party>(last: Step) {
        for number in [2, 3, 4, 7, 20, 29, 49, 50, 52, 80, 90, 192, 255] {
            let mut meeting = Meeting::<P>::quick(true);
            meeting.exchange(last);
            meeting.peer.payloads();
            meeting.say(&messages::minimal(number, 0));
            meeting.only_ends_with(unexpected(number, Stage::KeyExchange));
        }
    }
    at::<ServerRole>(Step::KexInit);
    at::<ServerRole>(Step::Method);
    at::<ClientRole>(Step::KexInit);
    at::<ClientRole>(Step::Method);
}

/// Fixed in 0.63.1: with the MAC `none` and a block cipher it panicked. Neither `none` can be agreed on.
#[test]
fn the_mac_none_with_a_block_cipher() {
    let kinds = [
        ("aes128-ctr", "none", AlgorithmKind::MacClientToServer),
        ("none", "hmac-sha2-256", AlgorithmKind::CipherClientToServer),
        ("none", "none", AlgorithmKind::CipherClientToServer),
    ];
    for (cipher, mac, expected) in kinds {
        let peer = peer::<ServerRole>(Method::Curve25519, Cipher::Aes128Gcm).with(|offer| {
            offer.ciphers = [cipher.to_owned(), cipher.to_owned()];
            offer.macs = [mac.to_owned(), mac.to_owned()];
        });
        let mut meeting = WithServer::new(peer, Setup::new(1));
        meeting.exchange(Step::Identification);
        meeting.peer.say(Step::KexInit);
        meeting.settle();
        let end = meeting.closed();
        assert!(
            matches!(&end, Some(CloseReason::Failed(Error::NoCommonAlgorithm { kind, .. })) if *kind == expected),
            "{end:?}"
        );
    }
}

/// Issue 666: legal packets of 256 KiB were refused. What RFC 4253 §6.1 demands is taken before authentication, 256 KiB
/// after it.
#[test]
fn legal_large_packets_are_refused() {
    let mut meeting = server(|_| ());
    meeting.say(&messages::ignore(&vec![0; 34_900]));
    assert_eq!(meeting.closed(), None);
    let mut meeting = server_with_session(|_| ());
    meeting.say(&messages::ignore(&vec![0; 256 * 1024 - 64]));
    assert_eq!(meeting.closed(), None);
    meeting.say(&messages::ignore(&vec![0; 256 * 1024]));
    assert!(matches!(
        meeting.closed(),
        Some(CloseReason::Failed(Error::PeerMisbehaved(PeerMisbehaved::PacketLength(_))))
    ));
}

/// Issue 662: CHANNEL_FAILURE named our number of the channel instead of the peer's.
#[test]
fn answers_name_the_wrong_side_of_a_channel() {
    let mut meeting = server_with_session(|_| ());
    meeting.peer.open_session(77);
    meeting.settle();
    let ServerEvent::ChannelOpen(request) = meeting.event() else { panic!("a channel") };
    meeting.endpoint.accept_channel(request).unwrap();
    meeting.settle();
    meeting.peer.payloads();
    meeting.say(&messages::channel_request(1, "unknown@example.com", true, b""));
    let ServerEvent::Channel(_, ChannelEvent::Request(request)) = meeting.event() else { panic!("a request") };
    meeting.endpoint.reply(request.reply.unwrap(), false).unwrap();
    meeting.settle();
    assert_eq!(meeting.peer.payloads(), [messages::channel_failure(77)]);
}

/// Commit 24d7527: CLOSE was lost when data waited for the window. It leaves at once, the data does not follow it.
#[test]
fn close_is_lost_behind_data_that_waits() {
    let mut meeting = server_with_session(|_| ());
    meeting.say(&messages::channel_open("session", 5, 10, 1000, b""));
    let ServerEvent::ChannelOpen(request) = meeting.event() else { panic!("a channel") };
    let id = meeting.endpoint.accept_channel(request).unwrap();
    let mut channel = meeting.endpoint.channel(id).unwrap();
    assert_eq!(channel.write(DataStream::STDOUT, &[7; 100]), Ok(10));
    channel.close();
    meeting.settle();
    meeting.say(&messages::channel_window_adjust(1, 1000));
    assert_eq!(meeting.peer.numbers(), [91, 94, 97]);
}

/// Commit 7f585b5: a list with one trailing comma ended the connection though peers send it; empty names do end it.
#[test]
fn a_trailing_comma_in_a_list() {
    let with = |host_key: &str| {
        let peer = peer::<ServerRole>(Method::Curve25519, Cipher::Aes128Gcm);
        WithServer::new(peer.with(|offer| offer.host_key = host_key.into()), Setup::new(1).quick())
    };
    with("ssh-ed25519,").keyed();
    for list in ["ssh-ed25519,,", ",ssh-ed25519", "ssh-ed25519,,ssh-rsa", ","] {
        let mut meeting = with(list);
        meeting.exchange(Step::KexInit);
        meeting.only_ends_with(malformed(20, DecodeError::InvalidNameList));
    }
}

/// GHSA-47hw again, as forged results: an exit status for a channel that is closed already is not an event.
#[test]
fn an_exit_status_after_close() {
    let mut meeting = WithClient::quick(true).with_session();
    meeting.say(&messages::channel_close(0));
    meeting.events.clear();
    meeting.say(&messages::channel_request(0, "exit-status", false, &[0, 0, 0, 0]));
    meeting.only_ends_with(PeerMisbehaved::UnknownChannel(0));
}
