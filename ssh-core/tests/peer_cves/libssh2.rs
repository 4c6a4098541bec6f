//! libssh2, a client: what hostile servers could do to it.

use hostile_peer::{Cipher, Mac, Method, Shape, Step, messages, string, strings};
use ssh_core::crypto::{cipher, kex, mac};
use ssh_core::wire::DecodeError;
use ssh_core::{ChannelEvent, ClientEvent, ClientRole, CloseReason, Error, PeerMisbehaved, Stage};

use crate::common::Setup;
use crate::common::assault::{client, client_asked, malformed, peer, unexpected};
use crate::common::hostile::{Meeting, Party, WithClient};

/// The lists of a KEXINIT were read past its end. Every string that is longer than what is left is malformed.
#[test]
fn cve_2015_1782_lengths_in_a_kexinit() {
    let payload = {
        let offer = hostile_peer::KexInit::new(Method::Curve25519, Cipher::Aes128Gcm);
        offer.payload(hostile_peer::Role::Server, true)
    };
    let mut at = 17;
    for _ in 0..10 {
        let length = u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        for lie in [u32::MAX, 1 << 31, (payload.len() - at - 4 + 1) as u32] {
            let mut forged = payload.clone();
            forged[at..at + 4].copy_from_slice(&lie.to_be_bytes());
            let mut meeting = WithClient::quick(true);
            meeting.exchange(Step::Identification);
            meeting.say(&forged);
            meeting.only_ends_with(malformed(20, DecodeError::Truncated));
        }
        at += 4 + length as usize;
    }
}

/// `packet_length` overflowed where the whole packet's size was computed. The length is judged before anything else, at
/// every value near the edge and under every cipher whose length can be forged.
#[test]
fn cve_2019_3855_packet_length_overflows() {
    for kind in [Cipher::Aes128Gcm, Cipher::Aes128Ctr(Mac::HmacSha2_256Etm)] {
        for length in (0..40).map(|n| u32::MAX - n).chain([1 << 31, 0x7fff_ffff, 64 * 1024 + 1]) {
            let mut meeting = with_cipher(kind).keyed();
            let shape = Shape { packet_length: Some(length), ..Shape::default() };
            meeting.peer.send_shaped(&messages::ignore(b""), &shape);
            meeting.settle();
            meeting.only_ends_with(PeerMisbehaved::PacketLength(length));
        }
    }
}

fn with_cipher(kind: Cipher) -> WithClient {
    let setup = Setup::new(1).algorithms(|lists| {
        lists.kex = vec![kex::CURVE25519_SHA256];
        lists.ciphers = vec![cipher::AES128_GCM, cipher::AES128_CTR];
        lists.macs = vec![mac::HMAC_SHA2_256_ETM, mac::HMAC_SHA2_256];
    });
    Meeting::new(peer::<ClientRole>(Method::Curve25519, kind), setup)
}

/// CVE-2019-3856 and CVE-2019-3863: the count of prompts, and the sum of their lengths, overflowed. Both are bounded by the bytes
/// that came.
#[test]
fn cve_2019_3856_cve_2019_3863_prompts_that_overflow() {
    let head = [&[60][..], &strings(&["", "", ""])].concat();
    let cases = [
        (0x1000_0000_u32, vec![], DecodeError::TooMany),
        (u32::MAX, vec![0; 1000], DecodeError::TooMany),
        (2, [string("a"), vec![1], vec![0xff, 0xff, 0xff, 0xfb, 1]].concat(), DecodeError::Truncated),
        (1, vec![0x80, 0, 0, 0, 1], DecodeError::Truncated),
    ];
    for (count, prompts, error) in cases {
        let mut meeting = client_asked();
        ClientRole::ask_questions(&mut meeting);
        meeting.say(&[&head[..], &count.to_be_bytes(), &prompts].concat());
        meeting.only_ends_with(malformed(60, error));
    }
}

/// The length of a signal's name overflowed. What cannot be read is the end.
#[test]
fn cve_2019_3857_an_exit_signal_that_overflows() {
    for length in [u32::MAX, u32::MAX - 8, 1 << 31, 5] {
        let mut meeting = WithClient::quick(true).with_session();
        let fields = [&length.to_be_bytes()[..], b"TERM"].concat();
        meeting.say(&messages::channel_request(0, "exit-signal", false, &fields));
        meeting.only_ends_with(malformed(98, DecodeError::Truncated));
    }
}

/// Answers were taken for as long as the caller expected. SERVICE_ACCEPT, PK_OK and CONFIRMATION are malformed at every
/// length but their own.
#[test]
fn cve_2019_3859_answers_that_are_too_short() {
    let accept = messages::service_accept("ssh-userauth");
    for length in 1..accept.len() {
        let mut meeting = client(|_| ());
        meeting.say(&accept[..length]);
        meeting.only_ends_with(malformed(6, DecodeError::Truncated));
    }
    let confirmation = messages::channel_open_confirmation(1, 0, 0, 0);
    for length in 1..confirmation.len() {
        let mut meeting = WithClient::quick(true).with_session();
        meeting.endpoint.open_channel(&ssh_core::ChannelType::Session).unwrap();
        meeting.settle();
        meeting.say(&confirmation[..length]);
        meeting.only_ends_with(malformed(91, DecodeError::Truncated));
    }
}

/// More padding than packet underflowed the payload's length.
#[test]
fn cve_2019_3861_more_padding_than_packet() {
    for (padding_length, legal) in [(255, false), (16, false), (3, false), (0, false), (9, true)] {
        let mut meeting = client(|_| ());
        // 1 + 6 + 9 = 16 bytes.
        let shape = Shape { padding: Some(vec![0; 9]), padding_length: Some(padding_length), ..Shape::default() };
        meeting.peer.send_shaped(&[2, 0, 0, 0, 1, 7], &shape);
        meeting.settle();
        if legal {
            assert_eq!(meeting.closed(), None);
        } else {
            meeting.only_ends_with(PeerMisbehaved::Padding);
        }
    }
}

/// An exit status, and a request as a whole, was read past the end of its message.
#[test]
fn cve_2019_3862_an_exit_status_without_fields() {
    let whole = messages::channel_request(0, "exit-status", false, &[0, 0, 0, 0]);
    for length in 1..whole.len() {
        let mut meeting = WithClient::quick(true).with_session();
        meeting.say(&whole[..length]);
        meeting.only_ends_with(malformed(98, DecodeError::Truncated));
    }
}

/// The bounds check of DISCONNECT's description overflowed, and what lay behind the packet was read.
#[test]
fn cve_2019_17498_a_disconnect_whose_description_is_longer_than_itself() {
    for length in [1, 4, 0x7fff_ffff, u32::MAX - 4, u32::MAX] {
        let mut meeting = client(|_| ());
        meeting.say(&[&[1][..], &2_u32.to_be_bytes(), &length.to_be_bytes()].concat());
        meeting.only_ends_with(malformed(1, DecodeError::Truncated));
    }
}

/// The first byte of a packet was read where there was none.
#[test]
fn cve_2020_22218_a_packet_without_a_message() {
    for kind in [Cipher::Aes128Gcm, Cipher::Aes128Ctr(Mac::HmacSha2_256), Cipher::Aes128Ctr(Mac::HmacSha2_256Etm)] {
        let mut meeting = with_cipher(kind).keyed();
        meeting.peer.send(b"");
        meeting.settle();
        meeting.only_ends_with(PeerMisbehaved::Padding);
    }
    let mut meeting = WithClient::quick(true);
    meeting.exchange(Step::Identification);
    meeting.say(b"");
    meeting.only_ends_with(PeerMisbehaved::Padding);
}

/// Terrapin: strict key exchange begins both directions' sequence numbers anew, in this role too, at each NEWKEYS.
#[test]
fn cve_2023_48795_sequence_numbers_begin_anew() {
    let kind = Cipher::ChaCha20Poly1305;
    let mut meeting = WithClient::new(peer::<ClientRole>(Method::Curve25519, kind), Setup::new(1)).with_session();
    for _ in 0..3 {
        assert!(meeting.peer.sending.sequence_number > 0 && meeting.peer.receiving.sequence_number > 0);
        meeting.peer.say(Step::KexInit);
        meeting.exchange(Step::NewKeys);
        assert_eq!((meeting.peer.sending.sequence_number, meeting.peer.receiving.sequence_number), (0, 0));
        meeting.events.clear();
        meeting.peer.payloads();
        // The peer would not understand the answer if the number were another.
        meeting.say(&messages::global_request("keepalive@openssh.com", true, b""));
        meeting.only_says(&[82]);
    }
}

/// EXT_INFO that counts 2³² - 1 extensions kept the client busy for minutes. The count is measured against the bytes.
#[test]
fn cve_2026_55199_the_count_of_extensions() {
    for count in [1, 1024, 1025, u32::MAX] {
        let mut meeting = client(|_| ());
        meeting.say(&[&[7][..], &count.to_be_bytes()].concat());
        meeting.only_ends_with(malformed(7, DecodeError::TooMany));
    }
}

/// `packet_length` had no upper bound before there were keys.
#[test]
fn cve_2026_55200_packet_length_in_the_clear() {
    for length in [u32::MAX, u32::MAX - 3, 1 << 31, 1 << 20, 64 * 1024 + 4] {
        let mut meeting = WithClient::quick(true);
        meeting.exchange(Step::Identification);
        meeting.deliver(&[&length.to_be_bytes()[..], &[4; 12]].concat());
        meeting.only_ends_with(PeerMisbehaved::PacketLength(length));
        assert!(meeting.endpoint.buffer_memory() < 16 * 1024);
    }
}

/// Under encrypt-then-MAC a packet that was not a multiple of the block was decrypted beyond its buffer. It is the end
/// before anything is decrypted.
#[test]
fn ghsa_6c79_encrypt_then_mac_with_half_a_block() {
    for odd in 1..16 {
        let mut meeting = with_cipher(Cipher::Aes128Ctr(Mac::HmacSha2_256Etm)).keyed();
        let shape = Shape { packet_length: Some(32 + odd), ..Shape::default() };
        meeting.peer.send_shaped(&messages::ignore(b""), &shape);
        meeting.settle();
        meeting.only_ends_with(PeerMisbehaved::PacketLength(32 + odd));
    }
}

/// Commit f52ffc1: the first name of an empty list was read. Each list may be empty, and then nothing is agreed on.
#[test]
fn lists_without_names() {
    for at in 0..8 {
        let peer = peer::<ClientRole>(Method::Curve25519, Cipher::Aes128Gcm).with(|offer| {
            offer.guess = true;
            let list = match at {
                0 => &mut offer.kex,
                1 => &mut offer.host_key,
                2 | 3 => &mut offer.ciphers[at - 2],
                4 | 5 => &mut offer.macs[at - 4],
                _ => &mut offer.compression[at - 6],
            };
            list.clear();
        });
        let mut meeting = WithClient::new(peer, Setup::new(1).quick());
        meeting.exchange(Step::Identification);
        meeting.peer.say(Step::KexInit);
        meeting.settle();
        let end = meeting.closed();
        match at {
            // A cipher that authenticates takes no MAC.
            4 | 5 => assert_eq!(end, None),
            _ => assert!(matches!(end, Some(CloseReason::Failed(Error::NoCommonAlgorithm { .. }))), "{at}: {end:?}"),
        }
    }
}

/// Commit ce2a7b8: an identification of more than its buffer was written behind it.
#[test]
fn an_identification_without_end() {
    for line in [vec![b'x'; 300], [&b"SSH-2.0-"[..], &[b'x'; 300]].concat(), [&b"SSH-2.0-"[..], &[b'x'; 8000]].concat()]
    {
        let mut meeting = WithClient::quick(true);
        meeting.deliver(&line);
        let end = meeting.closed();
        let named = matches!(
            end,
            Some(CloseReason::Failed(Error::NotSsh { .. } | Error::PeerMisbehaved(PeerMisbehaved::Identification)))
        );
        assert!(named, "{end:?}");
        assert!(meeting.endpoint.buffer_memory() < 32 * 1024);
    }
}

/// Commit 0a17ea0: a second exit signal leaked the first. Each is an event, and nothing is kept.
#[test]
fn exit_signals_again_and_again() {
    let fields = [string("TERM"), vec![1], string("killed"), string("")].concat();
    let mut meeting = WithClient::quick(true).with_session();
    for _ in 0..1000 {
        meeting.say(&messages::channel_request(0, "exit-signal", false, &fields));
        assert!(
            matches!(meeting.event(), ClientEvent::Channel(_, ChannelEvent::Request(request)) if request.reply.is_none())
        );
    }
    assert!(meeting.endpoint.buffer_memory() < 16 * 1024);
    // RFC 4254 §6.10: it wants no answer; a peer that wants one all the same gets the one that any request gets.
    meeting.peer.payloads();
    meeting.say(&messages::channel_request(0, "exit-signal", true, &fields));
    assert_eq!(meeting.peer.numbers(), [99]);
}

/// Commit 0561cc4: messages of the authentication were read past their end. At every length but its own, FAILURE and
/// BANNER are malformed.
#[test]
fn answers_to_a_login_that_are_cut_off() {
    for whole in [messages::userauth_failure(&["password"], false), messages::userauth_banner("text")] {
        for length in 1..whole.len() {
            let mut meeting = client_asked();
            ClientRole::ask_questions(&mut meeting);
            meeting.say(&whole[..length]);
            meeting.only_ends_with(malformed(whole[0], DecodeError::Truncated));
        }
    }
}

/// An answer that nobody asked for is none: FAILURE, SUCCESS and 60 before any attempt.
#[test]
fn answers_before_any_attempt() {
    for number in [51, 52, 60] {
        let mut meeting = client_asked();
        meeting.say(&messages::minimal(number, 0));
        meeting.only_ends_with(unexpected(number, Stage::Authentication));
    }
}
