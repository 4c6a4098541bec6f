//! libssh, which was client and server too.

use hostile_peer::{Cipher, KexInit, Key, Method, Shape, Step, messages, string, strings};
use ssh_core::crypto::signature::{SSH_ED25519, SignatureError};
use ssh_core::crypto::{cipher, kex, mac};
use ssh_core::files::known_hosts::{HostKeyVerdict, KnownHosts};
use ssh_core::key::{KeyAlgorithm, KeyFileError, KeyFileFormat, PrivateKey, PublicKey};
use ssh_core::wire::{DataStream, DecodeError};
use ssh_core::{
    AuthAnswer, ChannelEvent, ChannelType, ClientRole, CloseReason, Credential, Error, PeerMisbehaved, ServerEvent,
    ServerRole, Stage, UnixTime,
};

use crate::common::assault::{client, malformed, peer, server, server_asked, server_with_session, unexpected};
use crate::common::hostile::{Meeting, Party, WithClient, WithServer};
use crate::common::{Setup, key, random};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// The server took USERAUTH_SUCCESS from a client, and the client was in. A message of the server is the end of a server,
/// in every state, and a channel opened behind it does not exist.
#[test]
fn cve_2018_10933_userauth_success_sent_to_a_server() {
    for number in [51, 52, 53, 60, 6, 31] {
        let mut meeting = server_asked(|_| ());
        meeting.peer.send(&messages::minimal(number, 0));
        meeting.peer.open_session(0);
        meeting.peer.exec(0, "id");
        meeting.settle();
        meeting.only_ends_with(unexpected(number, Stage::Authentication));
        assert!(!meeting.endpoint.is_authenticated());
    }
}

/// Lengths near 2³² overflowed where they were added up, in every string of every message. A string that is longer than
/// its message is malformed.
#[test]
fn cve_2012_4562_lengths_that_overflow() {
    for length in [u32::MAX, u32::MAX - 3, 1 << 31, 0x7fff_ffff] {
        let long = length.to_be_bytes();
        for (number, fields) in
            [(5, &[][..]), (50, &[]), (50, &string("root")[..]), (50, &strings(&["root", "ssh-connection"]))]
        {
            let mut meeting = if number == 5 { server(|_| ()) } else { server_asked(|_| ()) };
            meeting.say(&[&[number], fields, &long].concat());
            meeting.only_ends_with(malformed(number, DecodeError::Truncated));
        }
        for (number, fields) in [(80, &[][..]), (90, &[]), (94, &[0; 4]), (95, &[0; 8]), (98, &[0; 4])] {
            let mut meeting = server_with_session(|_| ());
            meeting.say(&[&[number], fields, &long].concat());
            meeting.only_ends_with(malformed(number, DecodeError::Truncated));
        }
    }
}

/// A KEXINIT that could not be parsed was freed twice. It is the end, at every length, and is not answered.
#[test]
fn cve_2014_8132_a_kexinit_that_is_cut_off() {
    let whole = KexInit::new(Method::Curve25519, Cipher::Aes128Gcm).payload(hostile_peer::Role::Client, true);
    for length in 1..whole.len() {
        let mut meeting = WithServer::quick(true);
        meeting.exchange(Step::Identification);
        meeting.say(&whole[..length]);
        meeting.only_ends_with(malformed(20, DecodeError::Truncated));
    }
}

/// NEWKEYS or a message of the method at the wrong time used keys that did not exist.
#[test]
fn cve_2015_3146_newkeys_before_there_are_keys() {
    fn at<P: Party>(step: Step, strict: bool) {
        let mut numbers = vec![21, 32, 33, 34];
        if step == Step::Identification {
            numbers.extend([30, 31]);
        }
        for number in numbers {
            let mut meeting = Meeting::<P>::quick(strict);
            meeting.exchange(step);
            meeting.peer.send(&messages::minimal(number, 0));
            meeting.settle();
            let end = meeting.closed();
            assert_eq!(end, Some(CloseReason::Failed(unexpected(number, Stage::KeyExchange).into())), "{number}");
            assert_eq!(meeting.events.len(), 1);
        }
    }
    for strict in [true, false] {
        for step in [Step::Identification, Step::KexInit] {
            at::<ServerRole>(step, strict);
            at::<ClientRole>(step, strict);
        }
    }
}

/// A connection that ended before there were keys cleaned up AES-CTR ciphers that had never been set up. It ends with a
/// typed error at every step, with and without them.
#[test]
fn cve_2020_1730_the_end_before_aes_ctr_was_set_up() {
    for step in [Step::Identification, Step::KexInit, Step::Method, Step::NewKeys] {
        let kind = Cipher::Aes128Ctr(hostile_peer::Mac::HmacSha2_256);
        let setup = Setup::new(1).algorithms(|lists| {
            lists.ciphers = vec![cipher::AES128_CTR];
            lists.macs = vec![mac::HMAC_SHA2_256];
        });
        let mut meeting = WithServer::new(peer::<ServerRole>(Method::Curve25519, kind), setup);
        meeting.exchange(step);
        meeting.endpoint.handle_eof();
        meeting.deliver(&[]);
        let during = if step == Step::NewKeys { Stage::Authentication } else { Stage::KeyExchange };
        assert_eq!(meeting.closed(), Some(CloseReason::Failed(Error::ConnectionLost { during })), "{step:?}");
    }
}

/// A later exchange with another hash wrote its longer result over the session id. The session id stays the first
/// exchange hash, with its length, and new keys come from it.
#[test]
fn cve_2021_3634_the_session_id_after_an_exchange_with_another_hash() {
    let methods = [Method::Nistp256, Method::Nistp521, Method::Nistp384, Method::Curve25519];
    let setup = Setup::new(1).algorithms(|lists| {
        lists.kex =
            vec![kex::CURVE25519_SHA256, kex::ECDH_SHA2_NISTP256, kex::ECDH_SHA2_NISTP384, kex::ECDH_SHA2_NISTP521];
    });
    let mut meeting = WithServer::new(peer::<ServerRole>(methods[0], Cipher::Aes128Gcm), setup).with_session();
    let session_id = meeting.endpoint.session_id().unwrap().to_vec();
    assert_eq!(session_id.len(), 32);
    for method in methods {
        meeting.peer.offer.kex = method.name().into();
        meeting.peer.say(Step::KexInit);
        meeting.exchange(Step::NewKeys);
        assert_eq!(meeting.endpoint.session_id(), Some(&session_id[..]));
        meeting.events.clear();
        // Keys that came from another session id would fit neither this nor its answer.
        meeting.peer.payloads();
        meeting.say(&messages::global_request("keepalive@openssh.com", true, b""));
        meeting.only_says(&[82]);
    }
}

/// A wrong guess in a later exchange dereferenced nothing. It is dropped once, then the exchange goes on.
#[test]
fn cve_2023_1667_a_wrong_guess_in_a_later_exchange() {
    let setup = Setup::new(1).algorithms(|lists| lists.kex = vec![kex::CURVE25519_SHA256, kex::ECDH_SHA2_NISTP256]);
    let mut meeting = WithServer::new(peer::<ServerRole>(Method::Nistp256, Cipher::Aes128Gcm), setup).with_session();
    meeting.events.clear();
    for guess in [messages::kex_ecdh_init(b"of another method"), vec![34, 0, 0, 4, 0], vec![49]] {
        meeting.peer.offer.kex = "sntrup761x25519-sha512,ecdh-sha2-nistp256".into();
        meeting.peer.offer.guess = true;
        meeting.peer.say(Step::KexInit);
        meeting.say(&guess);
        // The peer takes what it said itself for its own value; the honest one follows.
        meeting.exchange(Step::NewKeys);
        assert_eq!(meeting.closed(), None);
        assert!(matches!(meeting.event(), ServerEvent::Rekeyed));
    }
}

/// A check of a signature that failed for want of memory returned success. Whatever cannot be checked is an error, and a
/// login with it is refused.
#[test]
fn cve_2023_2283_a_signature_that_cannot_be_checked() {
    let blob = Key::from_seed([1; 32]).blob();
    let good = Key::from_seed([1; 32]).sign(b"data");
    assert_eq!(SSH_ED25519.verify(&blob, b"data", &good).map(drop), Ok(()));
    for length in 0..good.len() {
        assert!(SSH_ED25519.verify(&blob, b"data", &good[..length]).is_err(), "{length}");
    }
    for length in 0..blob.len() {
        assert!(SSH_ED25519.verify(&blob[..length], b"data", &good).is_err(), "{length}");
    }
    assert_eq!(SSH_ED25519.verify(&blob, b"date", &good), Err(SignatureError::Invalid));
    for signature in [&b""[..], &good[..good.len() - 1], &[0xff; 83], &strings(&[&b"ssh-ed25519"[..], &[0; 64]])] {
        let fields = [&[1][..], &strings(&[b"ssh-ed25519", &blob[..], signature])].concat();
        server_asked(|_| ()).refuses(&messages::userauth_request("root", "publickey", &fields));
    }
}

/// A key that could not be read from its file left a pointer to nothing in particular. There is a key or an error.
#[test]
fn cve_2025_4878_a_key_file_that_cannot_be_read() {
    let whole = key(KeyAlgorithm::Ed25519, 1).write(KeyFileFormat::OpenSsh, None, &mut random(1)).unwrap();
    for length in 0..whole.len() - 1 {
        // The last line end may be missing.
        let read = PrivateKey::read(&whole.expose()[..length], None);
        assert!(read.is_err(), "{length}");
    }
    assert_eq!(PrivateKey::read(b"", None).unwrap_err(), KeyFileError::NotAKeyFile);
}

/// An error of ChaCha20 was taken for success, so that data went on unprotected. A packet whose tag is wrong by any one
/// bit is the end, and nothing of it reaches anybody.
#[test]
fn cve_2025_5987_an_error_of_chacha20_is_taken_for_success() {
    damaged(Cipher::ChaCha20Poly1305);
}

/// A wrong tag of AES-GCM was never noticed: 0 was taken for no error.
#[test]
fn cve_2026_59847_a_wrong_tag_of_aes_gcm() {
    damaged(Cipher::Aes128Gcm);
    damaged(Cipher::Aes256Gcm);
}

/// Every bit of a sealed request and its tag, behind the length.
fn damaged(kind: Cipher) {
    let fresh = || {
        let setup = Setup::new(1).algorithms(|lists| lists.kex = vec![kex::CURVE25519_SHA256]);
        let mut meeting = WithServer::new(peer::<ServerRole>(Method::Curve25519, kind), setup).keyed();
        ServerRole::grant_service(&mut meeting);
        meeting.peer.authenticate_password("root", "secret");
        let sealed = meeting.peer.take_output();
        (meeting, sealed)
    };
    let (mut intact, sealed) = fresh();
    intact.deliver(&sealed);
    assert!(matches!(intact.event(), ServerEvent::Auth(_)));
    for bit in 4 * 8..sealed.len() * 8 {
        // Tags in full, the rest by a stride.
        if bit < (sealed.len() - 16) * 8 && bit % 11 != 0 {
            continue;
        }
        let (mut meeting, mut sealed) = fresh();
        sealed[bit / 8] ^= 1 << (bit % 8);
        meeting.deliver(&sealed);
        meeting.only_ends_with(Error::Integrity);
    }
}

/// Each wrong guess leaked a key. It is dropped once and keeps nothing, for as many exchanges as there are.
#[test]
fn cve_2025_8277_wrong_guesses_leak() {
    let setup = Setup::new(1).algorithms(|lists| lists.kex = vec![kex::CURVE25519_SHA256, kex::ECDH_SHA2_NISTP256]);
    let mut meeting = WithServer::new(peer::<ServerRole>(Method::Curve25519, Cipher::Aes128Gcm), setup).with_session();
    meeting.peer.offer.kex = "ecdh-sha2-nistp256x,curve25519-sha256".into();
    meeting.peer.offer.guess = true;
    let mut memory = Vec::new();
    for _ in 0..100 {
        meeting.peer.say(Step::KexInit);
        meeting.say(&[40]);
        meeting.exchange(Step::NewKeys);
        assert_eq!(meeting.closed(), None);
        meeting.events.clear();
        memory.push(meeting.endpoint.buffer_memory());
    }
    assert_eq!(memory[10], memory[99]);
    // A second guess is a violation.
    meeting.peer.say(Step::KexInit);
    meeting.say(&[40]);
    meeting.say(&[40]);
    assert_eq!(meeting.closed(), Some(CloseReason::Failed(unexpected(40, Stage::KeyExchange).into())));
}

/// The hexadecimal form of nothing underflowed. A fingerprint is of a digest, which is never empty, and every key has one.
#[test]
fn cve_2026_0966_the_fingerprint_of_nothing() {
    use ssh_core::key::FingerprintHash::{Md5, Sha256};
    let shortest = PublicKey::from_blob(&string("x")).unwrap();
    assert_eq!(shortest.fingerprint(Md5).as_bytes().len(), 16);
    assert_eq!(shortest.fingerprint(Md5).to_string().len(), "MD5".len() + 16 * 3);
    assert_eq!(shortest.fingerprint(Sha256).as_bytes().len(), 32);
    assert!(PublicKey::from_blob(b"").is_err());
    assert!(PublicKey::from_blob(&string("")).is_err());
}

/// Patterns with many stars took exponential time. This one would take longer than the universe; it takes a product of
/// two lengths.
#[test]
fn cve_2026_0967_patterns_that_take_for_ever() {
    let key = key(KeyAlgorithm::Ed25519, 5).public_key().clone();
    let host = "a".repeat(5000);
    let evil = format!("{}b {key}\n", "a*".repeat(200));
    assert_eq!(KnownHosts::parse(evil.as_bytes()).lookup(&host, 22, &key, NOW), HostKeyVerdict::Unknown);
    let fits = format!("{} {key}\n", "a*".repeat(200));
    assert_eq!(KnownHosts::parse(fits.as_bytes()).lookup(&host, 22, &key, NOW), HostKeyVerdict::Trusted { line: 1 });
}

/// A channel whose packets may hold 0 bytes made the writer loop for ever. Nothing is written, nobody is woken, and the
/// connection goes on.
#[test]
fn cve_2026_59843_a_maximum_packet_size_of_zero() {
    let mut meeting = server_with_session(|_| ());
    let kind = ChannelType::Other { name: b"x@example.com".to_vec(), data: vec![] };
    let ours = meeting.endpoint.open_channel(&kind).unwrap();
    meeting.settle();
    meeting.say(&messages::channel_open_confirmation(1, 9, 1 << 20, 0));
    assert!(matches!(meeting.event(), ServerEvent::Channel(_, ChannelEvent::Opened)));
    meeting.say(&messages::channel_open("session", 5, 1 << 20, 0, b""));
    let ServerEvent::ChannelOpen(request) = meeting.event() else { panic!("a channel") };
    let theirs = meeting.endpoint.accept_channel(request).unwrap();
    for id in [ours, theirs] {
        let mut channel = meeting.endpoint.channel(id).unwrap();
        assert_eq!(channel.writable(), 0);
        assert_eq!(channel.write(DataStream::STDOUT, b"data"), Ok(0));
        assert_eq!(channel.write_with(DataStream::STDOUT, 100, |room| room.len()), Ok(0));
    }
    meeting.settle();
    meeting.peer.payloads();
    meeting.say(&messages::channel_window_adjust(1, 1000));
    meeting.only_says(&[]);
}

/// A closed channel's data callback ran on freed memory. Data behind CLOSE is a violation, and reaches nobody.
#[test]
fn cve_2026_59850_data_on_a_closed_channel() {
    for message in [messages::channel_data(0, b"late"), messages::channel_extended_data(0, 1, b"late")] {
        // Unread data keeps the channel.
        let mut meeting = WithClient::quick(true).with_session();
        meeting.say(&messages::channel_data(0, b"unread"));
        meeting.say(&messages::channel_close(0));
        meeting.events.clear();
        meeting.say(&message);
        meeting.only_ends_with(PeerMisbehaved::ChannelState(0));
        // Nothing keeps it.
        let mut meeting = WithClient::quick(true).with_session();
        meeting.say(&messages::channel_close(0));
        meeting.events.clear();
        meeting.say(&message);
        meeting.only_ends_with(PeerMisbehaved::UnknownChannel(0));
    }
}

/// Fixed with 0.12.1: one byte too many was written during keyboard-interactive authentication. Responses of every
/// length and at the bound are kept as they are.
#[test]
fn responses_at_the_bound() {
    for (length, taken) in [(0, true), (4096, true), (4097, false)] {
        let mut meeting = server_asked(|_| ());
        meeting.peer.authenticate_keyboard_interactive("root");
        meeting.settle();
        let request = meeting.request();
        let prompt = ssh_core::Prompt { prompt: "?".into(), echo: false };
        let answer = AuthAnswer::Prompts { name: String::new(), instruction: String::new(), prompts: vec![prompt] };
        meeting.endpoint.answer_auth(request, answer).unwrap();
        meeting.settle();
        meeting.say(&messages::userauth_info_response(&[&"x".repeat(length)]));
        if taken {
            let request = meeting.request();
            assert!(matches!(&request.credential, Credential::Responses(all) if all[0].len() == length));
        } else {
            meeting.only_ends_with(malformed(61, DecodeError::InvalidValue));
        }
    }
}

/// Terrapin without strict key exchange is a matter of the peer; a peer without it can be refused, in both roles.
#[test]
fn cve_2023_48795_a_peer_without_strict_key_exchange() {
    fn refused<P: Party>() {
        let setup = Setup::new(1).quick().configure(|client, server| {
            client.require_strict_kex = true;
            server.require_strict_kex = true;
        });
        let peer = peer::<P>(Method::Curve25519, Cipher::Aes128Gcm).with(|offer| offer.strict = false);
        let mut meeting = Meeting::<P>::new(peer, setup);
        meeting.exchange(Step::KexInit);
        meeting.only_ends_with(Error::StrictKexRequired);
    }
    refused::<ServerRole>();
    refused::<ClientRole>();
}

/// Fixed with 0.12.1: a hidden underflow in the reader of packets. One that ends inside its own header is judged by its
/// length alone.
#[test]
fn a_packet_that_is_shorter_than_its_header() {
    for length in 0..5 {
        let mut meeting = client(|_| ());
        let shape = Shape { padding: Some(vec![]), packet_length: Some(length), ..Shape::default() };
        meeting.peer.send_shaped(b"", &shape);
        meeting.settle();
        meeting.only_ends_with(PeerMisbehaved::PacketLength(length));
    }
}
