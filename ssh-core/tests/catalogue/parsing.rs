//! Messages, lists, integers and keys that are not what they claim to be (RFC 4251 §5).

use hostile_peer::{KexInit, messages, mpint, string, strings};
use proptest::prelude::*;
use ssh_core::crypto::signature::{ECDSA_SHA2_NISTP256, SSH_ED25519, SignatureAlgorithm};
use ssh_core::gate::{KexPhase, Phase};
use ssh_core::key::{KeyAlgorithm, PublicKey};
use ssh_core::wire::{DecodeError, MessageNumber, Mpint, NameList, Reader, Writer};
use ssh_core::{ClientRole, CloseReason, Error, PeerMisbehaved, ServerRole};

use crate::common::assault::malformed;
use crate::common::hostile::{Meeting, Party, State};
use crate::common::{key, random};

/// A valid message, the phase that reads it, where its strings begin, and whether bytes behind it are fields of its own.
struct Sample {
    phase: Phase,
    payload: Vec<u8>,
    strings: &'static [usize],
    open_ended: bool,
}

fn sample(phase: Phase, payload: Vec<u8>, strings: &'static [usize]) -> Sample {
    Sample { phase, payload, strings, open_ended: false }
}

/// What both roles read.
fn of_both() -> Vec<Sample> {
    let open_ended = |payload, strings| Sample { open_ended: true, ..sample(Phase::Connection, payload, strings) };
    vec![
        sample(Phase::Service, messages::disconnect(2, "why"), &[5, 12]),
        sample(Phase::Connection, messages::ping(b"data"), &[1]),
        open_ended(messages::global_request("x@example.com", true, b""), &[1]),
        open_ended(messages::channel_open("x@example.com", 0, 0, 0, b""), &[1]),
        open_ended(messages::channel_open_confirmation(1, 0, 0, 0), &[]),
        sample(Phase::Connection, messages::channel_open_failure(1, 2, "why"), &[9, 16]),
        sample(Phase::Connection, messages::channel_window_adjust(0, 1), &[]),
        sample(Phase::Connection, messages::channel_data(0, b"data"), &[5]),
        sample(Phase::Connection, messages::channel_extended_data(0, 1, b"data"), &[9]),
        sample(Phase::Connection, messages::channel_eof(0), &[]),
        sample(Phase::Connection, messages::channel_close(0), &[]),
        sample(Phase::Connection, messages::channel_success(0), &[]),
        sample(Phase::Connection, messages::channel_failure(0), &[]),
        sample(Phase::Connection, messages::channel_request(0, "exec", true, &string("id")), &[5, 14]),
        sample(Phase::Connection, messages::channel_request(0, "shell", true, b""), &[5]),
        sample(Phase::Connection, messages::channel_request(0, "env", true, &strings(&["A", "b"])), &[5, 13, 18]),
        sample(Phase::Connection, messages::channel_request(0, "window-change", false, &[0; 16]), &[5]),
        sample(Phase::Connection, messages::channel_request(0, "exit-status", false, &[0; 4]), &[5]),
        sample(Phase::Connection, messages::channel_request(0, "break", false, &[0; 4]), &[5]),
        sample(Phase::Connection, messages::channel_request(0, "signal", false, &string("INT")), &[5, 16]),
        sample(Phase::Connection, messages::channel_request(0, "xon-xoff", false, &[1]), &[5]),
    ]
}

/// What a server reads.
fn of_a_server() -> Vec<Sample> {
    let blob = key(KeyAlgorithm::Ed25519, 3).public_key().blob().to_vec();
    let offer = [&[0][..], &strings(&[&b"ssh-ed25519"[..], &blob])].concat();
    let proof = [&[1][..], &strings(&[&b"ssh-ed25519"[..], &blob, b"signature"])].concat();
    let change = [&[1][..], &strings(&["old", "new"])].concat();
    vec![
        sample(Phase::Service, messages::service_request("ssh-userauth"), &[1]),
        sample(Phase::Authentication, messages::userauth_request("root", "none", b""), &[1, 9, 27]),
        sample(Phase::Authentication, messages::password_request("root", "x"), &[1, 9, 27, 40]),
        sample(Phase::Authentication, messages::userauth_request("root", "password", &change), &[1, 9, 27, 40, 47]),
        sample(Phase::Authentication, messages::userauth_request("root", "publickey", &offer), &[1, 9, 27, 41, 56]),
        sample(Phase::Authentication, messages::userauth_request("root", "publickey", &proof), &[1, 41, 56, 111]),
        sample(Phase::Authentication, messages::userauth_info_response(&[]), &[]),
        sample(
            Phase::Authentication,
            messages::userauth_request("root", "keyboard-interactive", &strings(&["", "pam"])),
            &[1, 9, 27, 51, 55],
        ),
    ]
}

/// What a client reads.
fn of_a_client() -> Vec<Sample> {
    vec![
        sample(Phase::Service, messages::service_accept("ssh-userauth"), &[1]),
        sample(Phase::Authentication, messages::userauth_failure(&["password"], false), &[1]),
        sample(Phase::Authentication, messages::userauth_success(), &[]),
        sample(Phase::Authentication, messages::userauth_banner("text"), &[1, 9]),
        sample(Phase::Authentication, messages::userauth_info_request(&[("a", true)]), &[1, 5, 9, 17]),
    ]
}

/// How a message of this phase ends the connection.
fn end_of<P: Party>(phase: Phase, payload: &[u8]) -> Option<CloseReason> {
    let mut meeting = Meeting::<P>::in_state(State { phase, kex: KexPhase::Idle, strict: true });
    meeting.say(payload);
    let end = meeting.closed();
    assert!(end.is_none() || meeting.events.len() == 1, "partial effects: {:?}", meeting.events);
    end
}

fn is_malformed(number: u8, error: DecodeError) -> Option<CloseReason> {
    Some(CloseReason::Failed(malformed(number, error).into()))
}

/// PA-07 and PA-08 for one role: every prefix, and one to sixteen bytes too many.
fn lengths<P: Party>(samples: &[Sample]) {
    for Sample { phase, payload, open_ended, .. } in samples {
        let number = payload[0];
        for length in 1..payload.len() {
            let end = end_of::<P>(*phase, &payload[..length]);
            // A count that the bytes cannot hold is too many of something.
            let counted = matches!(number, 60 | 61) && end == is_malformed(number, DecodeError::TooMany);
            assert!(
                counted || end == is_malformed(number, DecodeError::Truncated),
                "{length} of {payload:02x?}: {end:?}"
            );
        }
        for excess in 1..=16 {
            let end = end_of::<P>(*phase, &[&payload[..], &vec![0; excess]].concat());
            let expected = if *open_ended { None } else { is_malformed(number, DecodeError::TrailingBytes) };
            assert_eq!(end, expected, "{excess} behind {payload:02x?}");
        }
    }
}

/// PA-09 for one role: in every string, lengths that overflow and the length that is one too many.
fn strings_too_long<P: Party>(samples: &[Sample]) {
    for Sample { phase, payload, strings, .. } in samples {
        for &at in *strings {
            let left = (payload.len() - at - 4) as u32;
            for length in [left + 1, 1 << 31, u32::MAX - 3, u32::MAX] {
                let mut forged = payload.clone();
                forged[at..at + 4].copy_from_slice(&length.to_be_bytes());
                let expected = is_malformed(payload[0], DecodeError::Truncated);
                assert_eq!(end_of::<P>(*phase, &forged), expected, "{length} at {at} of {payload:02x?}");
            }
        }
    }
}

/// PA-07, PA-08: each message ends where it has to, or has no effect at all.
#[test]
fn messages_end_where_they_have_to_for_a_server() {
    lengths::<ServerRole>(&of_both());
    lengths::<ServerRole>(&of_a_server());
}

#[test]
fn messages_end_where_they_have_to_for_a_client() {
    lengths::<ClientRole>(&of_both());
    lengths::<ClientRole>(&of_a_client());
}

/// PA-09: no string reaches beyond its message.
#[test]
fn strings_end_within_their_message() {
    strings_too_long::<ServerRole>(&of_both());
    strings_too_long::<ServerRole>(&of_a_server());
    strings_too_long::<ClientRole>(&of_both());
    strings_too_long::<ClientRole>(&of_a_client());
}

/// PA-07, PA-08: KEXINIT too, which every other check stands on.
#[test]
fn kexinit_ends_where_it_has_to() {
    let payload = KexInit::new(hostile_peer::Method::Curve25519, hostile_peer::Cipher::Aes128Gcm)
        .payload(hostile_peer::Role::Client, true);
    for excess in 1..=16 {
        let mut meeting = Meeting::<ServerRole>::quick(true);
        meeting.exchange(hostile_peer::Step::Identification);
        meeting.say(&[&payload[..], &vec![0; excess]].concat());
        meeting.only_ends_with(malformed(20, DecodeError::TrailingBytes));
    }
    let mut meeting = Meeting::<ServerRole>::quick(true);
    meeting.exchange(hostile_peer::Step::Method);
    meeting.say(&[21, 0]);
    meeting.only_ends_with(malformed(21, DecodeError::TrailingBytes));
}

/// PA-15: every boolean that is not 0 is true.
#[test]
fn booleans_are_true_unless_zero() {
    let mut meeting = Meeting::<ServerRole>::quick(true).with_session();
    meeting.events.clear();
    meeting.peer.payloads();
    for value in 0..=255 {
        let request = [&[80][..], &string("keepalive@openssh.com"), &[value]].concat();
        meeting.say(&request);
        meeting.only_says(if value == 0 { &[] } else { &[82] });
    }
}

/// PA-11: one trailing comma is forgiven; other empty names, controls, blanks and other encodings are not.
#[test]
fn name_lists_in_every_shape() {
    for (list, names) in [(&b""[..], 0), (b"a", 1), (b"a,b", 2), (b"a,b,", 2), (b"a,a", 2)] {
        assert_eq!(NameList::new(list).unwrap().iter().count(), names);
    }
    for list in [&b","[..], b",a", b"a,,b", b"a,,", b",,", b"a b", b"a\t", b"a\0", b"\x7f", b"\x80", "ü".as_bytes()] {
        assert_eq!(NameList::new(list), Err(DecodeError::InvalidNameList), "{list:?}");
    }
    let many = "n,".repeat(100_000);
    let list = NameList::new(many.as_bytes()).unwrap();
    assert_eq!(list.iter().count(), 100_000);
    assert!(!list.contains("m"));
    // RFC 4251 §6: no name of ours has over 64 characters, so that none of the peer's can be one.
    let long = "x".repeat(200_000);
    assert!(NameList::new(long.as_bytes()).unwrap().iter().all(|name| name.len() > NameList::MAX_NAME_LENGTH));
}

/// RFC 4251 §5 in a few lines: what a canonical integer that is not negative looks like.
fn is_canonical(bytes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [0] => false,
        [0, next, ..] => *next >= 0x80,
        [first, ..] => *first < 0x80,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    /// PA-16: an integer has one form, is not negative and has a greatest length.
    #[test]
    fn integers_have_one_form(first in 0_u8..4, second in any::<u8>(), rest in prop::collection::vec(any::<u8>(), 0..20)) {
        let first = [0, 1, 0x7f, 0x80][usize::from(first)];
        for bytes in [rest.clone(), [&[first][..], &rest].concat(), [&[first, second][..], &rest].concat()] {
            let encoded = string(&bytes);
            match Reader::new(&encoded).mpint() {
                Ok(number) => {
                    prop_assert!(is_canonical(&bytes));
                    let mut again = Vec::new();
                    Writer::new(&mut again).mpint(number);
                    prop_assert_eq!(again, encoded);
                }
                Err(error) => {
                    prop_assert!(!is_canonical(&bytes));
                    prop_assert_eq!(error, DecodeError::InvalidMpint);
                }
            }
        }
    }

    /// PA-17: magnitudes with any number of zeros before them are written like the independent codec writes them.
    #[test]
    fn magnitudes_are_written_canonically(zeros in 0_usize..33, digits in prop::collection::vec(any::<u8>(), 0..40)) {
        let magnitude = [vec![0; zeros], digits].concat();
        let mut written = Vec::new();
        Writer::new(&mut written).mpint(Mpint::from_magnitude(&magnitude));
        prop_assert_eq!(written, mpint(&magnitude));
    }
}

/// PA-16: 16,384 bits are the most, and a length is no reason to read on.
#[test]
fn integers_have_a_greatest_length() {
    for (length, legal) in [(2048, true), (2049, false), (100_000, false)] {
        assert_eq!(Reader::new(&string(vec![0x7f; length])).mpint().is_ok(), legal, "{length}");
    }
    for length in [u32::MAX, 1 << 31, 1] {
        assert_eq!(Reader::new(&length.to_be_bytes()).mpint(), Err(DecodeError::Truncated));
    }
    let with_sign = [&[0, 0x80][..], &[0; 2047]].concat();
    assert!(Reader::new(&string(&with_sign)).mpint().is_ok(), "the sign byte does not count");
}

/// PA-24: blobs that are no key.
#[test]
fn blobs_that_are_no_key() {
    let rsa = |e: &[u8], n: &[u8]| [string("ssh-rsa"), mpint(e), mpint(n)].concat();
    let mut odd = vec![0xa7; 256];
    odd[255] = 1;
    let mut even = odd.clone();
    even[255] = 2;
    assert!(PublicKey::from_blob(&rsa(&[1, 0, 1], &odd)).is_ok());
    let point = key(KeyAlgorithm::EcdsaNistp256, 3).public_key().blob()[39..].to_vec();
    assert_eq!((point.len(), point[0]), (65, 4));
    let ecdsa = |point: &[u8]| strings(&[&b"ecdsa-sha2-nistp256"[..], b"nistp256", point]);
    assert!(PublicKey::from_blob(&ecdsa(&point)).is_ok());
    let mut off_curve = point.clone();
    off_curve[64] ^= 1;
    let with_form = |form: u8| [&[form], &point[1..]].concat();
    for blob in [
        rsa(&[], &odd),
        rsa(&[1], &odd),
        rsa(&[2], &odd),
        rsa(&[1, 0, 0], &odd),
        rsa(&[1, 0, 0, 0, 1], &odd),
        rsa(&[1, 0, 1], &even),
        rsa(&[1, 0, 1], &[]),
        [rsa(&[1, 0, 1], &odd), vec![0]].concat(),
        [string("ssh-rsa"), string([0x80, 1]), mpint(&odd)].concat(),
        ecdsa(&point[..64]),
        ecdsa(&[&point[..], &[0]].concat()),
        ecdsa(&off_curve),
        ecdsa(&[0]),
        ecdsa(&[]),
        ecdsa(&[&[2], &point[1..33]].concat()),
        ecdsa(&[&[3], &point[1..33]].concat()),
        ecdsa(&with_form(6)),
        ecdsa(&with_form(0)),
        ecdsa(&[&[4][..], &[0xff; 64]].concat()),
        strings(&[&b"ecdsa-sha2-nistp256"[..], b"nistp384", &point]),
        string("ssh-ed25519"),
        vec![0; 65 * 1024],
    ] {
        assert!(PublicKey::from_blob(&blob).is_err(), "{blob:02x?}");
    }
}

/// PA-25: signatures that are none, in form or in value.
#[test]
fn signatures_that_are_none() {
    let check = |algorithm: &dyn SignatureAlgorithm, key_blob: &[u8], content: &[u8]| {
        let signature = strings(&[algorithm.name().as_bytes(), content]);
        assert!(algorithm.verify(key_blob, b"data", &signature).is_err(), "{content:02x?}");
    };
    let ed25519 = key(KeyAlgorithm::Ed25519, 3);
    let good = ed25519.sign("ssh-ed25519", b"data", &mut random(1)).unwrap()[19..].to_vec();
    let blob = ed25519.public_key().blob();
    assert_eq!(good.len(), 64);
    // S + L, where L is the order: the same equation, another signature.
    let mut malleable = good.clone();
    let order = [0xed_u8, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14];
    let mut carry = 0_u16;
    for (at, byte) in malleable[32..].iter_mut().enumerate() {
        let add = if at < 16 {
            order[at]
        } else if at == 31 {
            0x10
        } else {
            0
        };
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    for content in [&good[..63], &[&good[..], &[0]].concat(), &[0; 64], &[0xff; 64], &malleable, &[]] {
        check(SSH_ED25519, blob, content);
    }
    let ecdsa = key(KeyAlgorithm::EcdsaNistp256, 3);
    let blob = ecdsa.public_key().blob();
    let signature = ecdsa.sign("ecdsa-sha2-nistp256", b"data", &mut random(1)).unwrap();
    assert_eq!(ECDSA_SHA2_NISTP256.verify(blob, b"data", &signature).map(drop), Ok(()));
    let content = &signature[27..];
    let mut reader = hostile_peer::Reader::new(content);
    let (r, s) = (reader.string().unwrap(), reader.string().unwrap());
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    for content in [
        [mpint(&[]), string(s)].concat(),
        [string(r), mpint(&[])].concat(),
        [mpint(&order), string(s)].concat(),
        [string(r), mpint(&order)].concat(),
        [string(r), string([0x80, 1])].concat(),
        [string([&[0, 0][..], r].concat()), string(s)].concat(),
        [content, &[0, 0]].concat(),
        [string(s), string(r)].concat(),
        content[..content.len() - 1].to_vec(),
        [r, s].concat(),
    ] {
        check(ECDSA_SHA2_NISTP256, blob, &content);
    }
}

/// PA-27: an exit signal's name is a name.
#[test]
fn exit_signals_with_impossible_names() {
    for name in ["", "A B", "\x1b[2J", &"x".repeat(65), "TERM\0"] {
        let fields = [string(name), vec![1], string(""), string("")].concat();
        let end = end_of::<ClientRole>(Phase::Connection, &messages::channel_request(0, "exit-signal", false, &fields));
        let expected = PeerMisbehaved::MalformedMessage {
            number: MessageNumber::CHANNEL_REQUEST,
            error: DecodeError::InvalidValue,
        };
        assert_eq!(end, Some(CloseReason::Failed(Error::from(expected))), "{name:?}");
    }
}
