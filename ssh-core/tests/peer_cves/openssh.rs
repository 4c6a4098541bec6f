//! OpenSSH.

use hostile_peer::{Cipher, Key, Mac, Method, Shape, Step, messages, string, strings};
use ssh_core::crypto::signature;
use ssh_core::crypto::signature::SignatureError;
use ssh_core::crypto::{cipher, kex, mac};
use ssh_core::files::authorized_keys::AuthorizedKeys;
use ssh_core::key::{CertificateBuilder, CertificateCheck, CertificateError, KeyAlgorithm, PublicKey};
use ssh_core::wire::DecodeError;
use ssh_core::{
    AuthAnswer, ClientConfig, ClientEvent, ClientRole, CloseReason, Credential, Deadline, Error, HostKeyAnswer,
    LimitKind, PeerMisbehaved, ServerEvent, ServerRole, Stage, Timestamp, UnixTime,
};

use crate::common::assault::{
    clear_packet, client, malformed, peer, server, server_asked, server_with_session, unexpected,
};
use crate::common::hostile::{Meeting, Party, WithClient, WithServer};
use crate::common::{Setup, key, random};
use crate::{offer_of, signed_request};

/// DHEat: key exchanges cost a server much and a client nothing. Nobody gets more than three before authentication.
#[test]
fn cve_2002_20001_key_exchanges_for_nothing() {
    let mut meeting = server_asked(|_| ());
    for _ in 0..2 {
        meeting.peer.say(Step::KexInit);
        meeting.exchange(Step::NewKeys);
        assert!(matches!(meeting.event(), ServerEvent::Rekeyed));
    }
    meeting.peer.say(Step::KexInit);
    meeting.settle();
    meeting.only_ends_with(Error::LimitExceeded(LimitKind::EarlyKeyExchanges));
}

/// The answer to a damaged packet told which check had failed, and by that what it decrypted to. Length, MAC and padding
/// get the same words, under every cipher.
#[test]
fn cve_2008_5161_the_answer_tells_how_a_packet_was_damaged() {
    let kinds = [
        Cipher::ChaCha20Poly1305,
        Cipher::Aes128Gcm,
        Cipher::Aes128Ctr(Mac::HmacSha2_256),
        Cipher::Aes128Ctr(Mac::HmacSha2_256Etm),
    ];
    for kind in kinds {
        let words = |damage: &dyn Fn(&mut WithServer)| {
            let setup = Setup::new(1).algorithms(|lists| {
                lists.kex = vec![kex::CURVE25519_SHA256];
                lists.macs = vec![mac::HMAC_SHA2_256, mac::HMAC_SHA2_256_ETM];
                lists.ciphers.retain(|cipher| cipher.name() != cipher::AES256_CTR.name());
            });
            let mut meeting = WithServer::new(peer::<ServerRole>(Method::Curve25519, kind), setup).keyed();
            meeting.peer.payloads();
            damage(&mut meeting);
            let events = meeting.events.len();
            assert_eq!(events, 1, "{kind:?}");
            meeting.peer.payloads()
        };
        let length = words(&|meeting| {
            let shape = Shape { packet_length: Some(1 << 24), ..Shape::default() };
            meeting.peer.send_shaped(&messages::ignore(b""), &shape);
            meeting.settle();
        });
        let padding = words(&|meeting| {
            let shape = Shape { padding_length: Some(255), ..Shape::default() };
            meeting.peer.send_shaped(&messages::ignore(b""), &shape);
            meeting.settle();
        });
        let tag = words(&|meeting| {
            meeting.peer.send(&messages::ignore(b""));
            let mut sealed = meeting.peer.take_output();
            *sealed.last_mut().unwrap() ^= 1;
            meeting.deliver(&sealed);
        });
        let expected = [&[1, 0, 0, 0, 5][..], &strings(&["damaged packet", ""])].concat();
        assert_eq!([length, padding, tag], [vec![expected.clone()], vec![expected.clone()], vec![expected]]);
    }
}

/// A list of devices in one keyboard-interactive request was worth as many attempts as it had names. A request is one
/// attempt, and the list is the application's to read.
#[test]
fn cve_2015_5600_a_list_of_devices_multiplies_attempts() {
    let devices = "pam,".repeat(5000);
    let mut meeting = server_asked(|_| ());
    for attempt in 1..=6 {
        meeting.say(&messages::userauth_request("root", "keyboard-interactive", &strings(&["", &devices])));
        let request = meeting.request();
        let given =
            matches!(&request.credential, Credential::KeyboardInteractive { submethods } if *submethods == devices);
        assert!(given);
        meeting.endpoint.answer_auth(request, AuthAnswer::Reject).unwrap();
        meeting.settle();
        if attempt < 6 {
            meeting.only_says(&[51]);
        }
    }
    meeting.only_ends_with(Error::TooManyAuthAttempts);
}

/// What the peer sees of one request when the application refuses.
fn seen(user: &str, request: &dyn Fn(&mut WithServer, &str)) -> (Vec<Vec<u8>>, usize) {
    let mut meeting = server_asked(|_| ());
    request(&mut meeting, user);
    meeting.settle();
    let mut asked = 0;
    while let Some(event) = meeting.events.pop_front() {
        asked += 1;
        ServerRole::refuse(&mut meeting.endpoint, event);
        meeting.settle();
    }
    (meeting.peer.payloads(), asked)
}

/// Hashing a long password took time for users that exist only. The library hashes nothing, asks the application about
/// both in the same words, and lets nothing over 4,096 bytes through.
#[test]
fn cve_2016_6210_long_passwords_tell_who_exists() {
    for length in [0, 1, 4096, 4097] {
        let request = |meeting: &mut WithServer, user: &str| {
            meeting.peer.authenticate_password(user, &"x".repeat(length));
        };
        let (known, unknown) = (seen("root", &request), seen("zzzz", &request));
        assert_eq!(known, unknown);
        assert_eq!(known.0.len(), 1);
    }
}

/// A malformed request was answered for users that exist only. It is the end for everybody, before anybody is asked.
#[test]
fn cve_2018_15473_malformed_requests_tell_who_exists() {
    let whole = signed_request(b"session", &key(KeyAlgorithm::Ed25519, 3), "ssh-ed25519", "ssh-ed25519");
    let fields = &whole[1 + strings(&["root", "ssh-connection", "publickey"]).len()..];
    for length in 0..fields.len() {
        let request = |meeting: &mut WithServer, user: &str| {
            meeting.peer.send(&messages::userauth_request(user, "publickey", &fields[..length]));
        };
        let (known, unknown) = (seen("root", &request), seen("zzzz", &request));
        assert_eq!(known, unknown, "{length}");
        assert_eq!(known.0[0][..5], [1, 0, 0, 0, 2], "{length}");
    }
}

/// Passwords of any length were hashed. The application never sees one over 4,096 bytes.
#[test]
fn cve_2016_6515_passwords_of_any_length() {
    for length in [4097, 60_000] {
        let mut meeting = server_asked(|_| ());
        meeting.peer.authenticate_password("root", &"x".repeat(length));
        meeting.settle();
        meeting.only_ends_with(malformed(50, DecodeError::InvalidValue));
    }
    let mut meeting = server_asked(|_| ());
    let fields = [&[1][..], &strings(&["old", &"x".repeat(4097)])].concat();
    meeting.say(&messages::userauth_request("root", "password", &fields));
    meeting.only_ends_with(malformed(50, DecodeError::InvalidValue));
}

/// KEXINITs of 128 KiB could be repeated, and each took memory. The second is the end, and no more than one is kept.
#[test]
fn cve_2016_8858_kexinit_again_and_again() {
    for strict in [true, false] {
        let mut meeting = WithServer::quick(strict);
        meeting.peer.offer.host_key = format!("ssh-ed25519,{}", "x".repeat(60_000));
        meeting.exchange(Step::KexInit);
        assert_eq!(meeting.closed(), None);
        let again = meeting.peer.exchange.ours.clone().unwrap();
        let flood = clear_packet(&again).repeat(20);
        meeting.deliver(&flood);
        meeting.only_ends_with(unexpected(20, Stage::KeyExchange));
        assert!(meeting.endpoint.buffer_memory() <= 3 * 64 * 1024, "{}", meeting.endpoint.buffer_memory());
    }
}

/// NEWKEYS out of sequence dereferenced keys that were not there. It is legal at one place.
#[test]
fn cve_2016_10708_newkeys_out_of_sequence() {
    fn everywhere<P: Party>() {
        let mut meeting = Meeting::<P>::quick(true).keyed();
        meeting.say(&messages::newkeys());
        meeting.only_ends_with(unexpected(21, Stage::Authentication));
        let mut meeting = Meeting::<P>::quick(true).with_session();
        meeting.say(&messages::newkeys());
        meeting.only_ends_with(unexpected(21, Stage::Connection));
        let mut meeting = Meeting::<P>::quick(true).with_session();
        meeting.peer.say(Step::KexInit);
        meeting.settle();
        meeting.peer.say(Step::NewKeys);
        meeting.settle();
        assert_eq!(meeting.closed(), Some(CloseReason::Failed(unexpected(21, Stage::Connection).into())));
    }
    everywhere::<ServerRole>();
    everywhere::<ClientRole>();
}

/// CVE-2020-14145, and CVE-2020-14002 in PuTTY: the order of host key algorithms told whether the client knew the host. The library never asks; the order is the
/// configuration's, and an application that prefers known types does so by a call of its own.
#[test]
fn cve_2020_14145_cve_2020_14002_the_order_of_algorithms_tells_which_hosts_are_known() {
    let first_words = |config: ClientConfig| {
        let setup = Setup::new(1).configure(|client, _| *client = config);
        let mut meeting = WithClient::new(peer::<ClientRole>(Method::Curve25519, Cipher::Aes128Gcm), setup);
        meeting.settle();
        let kexinit = meeting.peer.payloads().remove(0);
        hostile_peer::Lists::parse(&kexinit).unwrap().0[1].clone()
    };
    let names: Vec<String> =
        ClientConfig::default().algorithms.host_key.iter().map(|each| each.name().to_owned()).collect();
    assert_eq!(first_words(ClientConfig::default()), names);
    let mut config = ClientConfig::default();
    config.algorithms.prefer_host_keys(&["ecdsa-sha2-nistp384"]);
    assert_eq!(first_words(config)[0], "ecdsa-sha2-nistp384");
}

/// Old clients were recognised by their identification, and a list was freed twice on their behalf. Nobody's
/// identification changes anything.
#[test]
fn cve_2023_25136_an_identification_that_asks_for_compatibility() {
    let first_words = |identification: &[u8]| {
        let mut meeting = WithServer::quick(true);
        meeting.peer.identification = identification.to_vec();
        meeting.exchange(Step::KexInit);
        assert_eq!(meeting.closed(), None);
        let negotiated = format!("{:?}", meeting.endpoint.negotiated());
        (meeting.peer.payloads(), negotiated)
    };
    let expected = first_words(b"SSH-2.0-hostile");
    for other in
        ["SSH-2.0-PuTTY_Release_0.64", "SSH-2.0-FuTTY", "SSH-2.0-OpenSSH_6.5", "SSH-2.0-WinSCP", "SSH-1.99-OpenSSH_2"]
    {
        assert_eq!(first_words(other.as_bytes()), expected, "{other}");
    }
}

/// The end of the login grace time interrupted whatever was going on. It is an input like any other: between any two
/// bytes it ends the connection in order, once.
#[test]
fn cve_2024_6387_the_login_grace_time_passes() {
    let end = Timestamp::from_micros(120_000_000);
    for step in [Step::Identification, Step::KexInit, Step::Method, Step::NewKeys] {
        for part in [0, 1, 3] {
            let mut meeting = WithServer::quick(true);
            meeting.exchange(step);
            meeting.peer.send(&messages::service_request("ssh-userauth"));
            let bytes = meeting.peer.take_output();
            meeting.deliver(&bytes[..bytes.len() * part / 4]);
            assert_eq!(meeting.endpoint.poll_timeout(), Some(end));
            meeting.endpoint.handle_timeout(Timestamp::from_micros(119_999_999));
            meeting.deliver(&[]);
            assert_eq!(meeting.closed(), None);
            meeting.endpoint.handle_timeout(end);
            meeting.deliver(&[]);
            let stage = if step == Step::NewKeys { Stage::Authentication } else { Stage::KeyExchange };
            meeting.only_ends_with(Error::Timeout(Deadline::Login(stage)));
            meeting.endpoint.handle_timeout(end);
            meeting.deliver(&[]);
            assert_eq!(meeting.events.len(), 1);
        }
    }
}

/// A host key so large that checking it failed for want of memory was taken for a good one. One that cannot be read is an
/// error, and any answer but yes is the end.
#[test]
fn cve_2025_26465_a_host_key_that_cannot_be_checked() {
    let large = strings(&[&b"ssh-ed25519"[..], &[7; 30_000]]);
    for blob in [&large[..], b"", &[0xff; 1000]] {
        let mut meeting = WithClient::quick(true);
        meeting.exchange(Step::KexInit);
        meeting.say(&messages::kex_ecdh_reply(blob, &messages::BASEPOINT, b"signature"));
        let end = meeting.closed();
        let host = matches!(end, Some(CloseReason::Failed(Error::PeerMisbehaved(PeerMisbehaved::HostKey(_)))));
        assert!(host, "{end:?}");
        assert_eq!(meeting.events.len(), 1);
    }
    let mut meeting = WithClient::quick(true);
    meeting.holds = true;
    meeting.exchange(Step::NewKeys);
    let ClientEvent::HostKey(request) = meeting.event() else { panic!("a question") };
    meeting.endpoint.answer_host_key(request, HostKeyAnswer::Reject).unwrap();
    meeting.deliver(&[]);
    meeting.only_ends_with(Error::HostKeyRejected);
}

/// PINGs before authentication were answered, and the answers kept while a key exchange went on. They are dropped before
/// authentication and no message of an exchange.
#[test]
fn cve_2025_26466_ping_before_authentication_and_during_an_exchange() {
    fn dropped<P: Party>(mut meeting: Meeting<P>) {
        meeting.peer.payloads();
        meeting.events.clear();
        let before = meeting.endpoint.buffer_memory();
        for _ in 0..1000 {
            meeting.say(&messages::ping(&[7; 500]));
        }
        meeting.only_says(&[]);
        assert!(meeting.endpoint.buffer_memory() <= before.max(16 * 1024));
    }
    dropped(server(|_| ()));
    dropped(server_asked(|_| ()));
    dropped(client(|_| ()));
    for strict in [true, false] {
        let mut meeting = WithServer::quick(strict);
        meeting.exchange(Step::KexInit);
        meeting.say(&messages::ping(b"data"));
        meeting.only_ends_with(unexpected(192, Stage::KeyExchange));
    }
    let mut meeting = server_with_session(|_| ());
    meeting.say(&messages::ping(b"data"));
    assert_eq!(meeting.peer.payloads(), [messages::pong(b"data")]);
    meeting.peer.say(Step::KexInit);
    meeting.say(&messages::ping(b"data"));
    assert_eq!(meeting.closed(), Some(CloseReason::Failed(unexpected(192, Stage::Connection).into())));
}

/// Fixed in 10.3: one ECDSA algorithm in the list of those accepted let all of them in. Each is accepted by its own name,
/// in offers too.
#[test]
fn one_ecdsa_algorithm_lets_in_the_others() {
    let algorithms = [KeyAlgorithm::EcdsaNistp256, KeyAlgorithm::EcdsaNistp384, KeyAlgorithm::EcdsaNistp521];
    for algorithm in algorithms {
        let user = key(algorithm, 3);
        let name = user.public_key().key_type().to_owned();
        let mut meeting = server_asked(|config| config.algorithms.public_key = vec![signature::ECDSA_SHA2_NISTP384]);
        meeting.say(&offer_of(&name, user.public_key().blob()));
        if algorithm == KeyAlgorithm::EcdsaNistp384 {
            let offer = meeting.offer();
            meeting.endpoint.answer_key_offer(offer, true).unwrap();
            continue;
        }
        meeting.only_says(&[51]);
        let request = signed_request(&meeting.peer.session_id, &user, &name, &name);
        meeting.refuses(&request);
        // Under the name of the one that is accepted.
        meeting.refuses(&offer_of("ecdsa-sha2-nistp384", user.public_key().blob()));
    }
}

/// Commit 72b05ec: channel data behind a peer's own KEXINIT was kept for later. It is a violation (RFC 4253 §7.1).
#[test]
fn data_behind_a_kexinit_is_kept() {
    for number in [80, 90, 93, 94, 95, 96, 97, 98] {
        let mut meeting = server_with_session(|_| ());
        meeting.peer.say(Step::KexInit);
        meeting.say(&messages::minimal(number, 0));
        meeting.only_ends_with(unexpected(number, Stage::Connection));
    }
}

/// Fixed in December 2025: before authentication nothing bounded how much a peer sent. A mebibyte is the end.
#[test]
fn ignored_bytes_before_authentication() {
    let mut meeting = server_asked(|_| ());
    let one = messages::ignore(&[0; 30_000]);
    let mut sent = 0;
    while meeting.closed().is_none() {
        meeting.say(&one);
        sent += one.len();
        assert!(sent < 2 * 1024 * 1024);
    }
    meeting.only_ends_with(Error::LimitExceeded(LimitKind::BytesBeforeAuthentication));
    assert!((1_000_000..1_100_000).contains(&sent), "{sent}");
}

/// A host key proven by another key's signature, or by a signature over something else, is none.
#[test]
fn a_host_key_proven_by_another() {
    let other = Key::from_seed([66; 32]);
    for forged in [other.sign(b"data"), strings(&[&b"ssh-ed25519"[..], &[0; 64]]), string("ssh-ed25519")] {
        let mut meeting = WithClient::quick(true);
        meeting.exchange(Step::KexInit);
        let blob = meeting.peer.key.blob();
        meeting.say(&messages::kex_ecdh_reply(&blob, &messages::BASEPOINT, &forged));
        let error = if forged.len() < 20 { SignatureError::MalformedSignature } else { SignatureError::Invalid };
        meeting.only_ends_with(PeerMisbehaved::HostKey(error));
    }
}

/// 10.3: a certificate for nobody in particular was for everybody where `authorized_keys` named its authority. It is for
/// nobody, for users and for hosts.
#[test]
fn certificates_without_principals() {
    let authority = key(KeyAlgorithm::Ed25519, 1);
    let mut blob =
        CertificateBuilder::user(key(KeyAlgorithm::Ed25519, 2).public_key(), "id", UnixTime::ALWAYS..UnixTime::FOREVER)
            .principal("x")
            .to_sign(authority.public_key(), &mut random(1))
            .unwrap()
            .data()
            .to_vec();
    // Its list, of one name, without the name.
    let list = [0, 0, 0, 5, 0, 0, 0, 1, b'x'];
    let at = blob.windows(list.len()).position(|window| window == list).unwrap();
    blob.splice(at..at + list.len(), [0; 4]);
    let signature = authority.sign("ssh-ed25519", &blob, &mut random(1)).unwrap();
    blob.extend(string(&signature));
    let certificate = PublicKey::from_blob(&blob).unwrap().certificate().unwrap();
    assert!(certificate.principals().is_empty());
    let line = format!("cert-authority {}\ncert-authority,principals=\"\" {0}\n", authority.public_key());
    let file = AuthorizedKeys::parse(line.as_bytes());
    assert_eq!(file.find_authorities(&certificate).count(), 2);
    for line in file.find_authorities(&certificate) {
        for user in ["root", "x", ""] {
            let check = CertificateCheck::user(user, UnixTime::ALWAYS, &[]);
            let refused = line.check_certificate(&certificate, check);
            assert!(matches!(refused, Err(CertificateError::Principal { .. })), "{user}");
        }
    }
}
