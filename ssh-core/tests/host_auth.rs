//! What hosts have to do with a user's proof: signatures that are bound to the server's host key (OpenSSH's PROTOCOL
//! §3.1), and client hosts that vouch for their users (RFC 4252 §9).

mod common;

use common::assault::{self, server_asked};
use common::hostile::{Meeting, Party};
use common::{Pair, Setup, key, random};
use hostile_peer::{Key, messages, string, strings};
use ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_core::wire::DecodeError;
use ssh_core::{AuthAnswer, AuthMethod, ClientEvent, ClientRole, CloseReason, Credential, Error, ServerEvent};

const BOUND: &str = "publickey-hostbound-v00@openssh.com";

fn pair(setup: Setup) -> Pair {
    let mut pair = setup.quick().build();
    pair.accept_host_key();
    pair.expect_auth_needed();
    pair
}

/// A user's key proves itself as far as the server's application.
fn prove(pair: &mut Pair, user: &PrivateKey) -> Credential {
    pair.client.authenticate("user", AuthMethod::PublicKey(user.public_key().clone())).unwrap();
    let ServerEvent::KeyOffer(offer) = pair.server_event() else { panic!("no offer") };
    pair.server.answer_key_offer(offer, true).unwrap();
    let ClientEvent::Sign(wanted) = pair.client_event() else { panic!("nothing to sign") };
    let signature = user.sign(wanted.algorithm, &wanted.data, &mut random(5)).unwrap();
    pair.client.answer_signature(wanted, Some(&signature)).unwrap();
    let ServerEvent::Auth(request) = pair.server_event() else { panic!("no request") };
    request.credential
}

/// Our server says that it takes them, and our client then makes them, over the key of this very server.
#[test]
fn both_sides_bind_signatures_to_the_host_key() {
    let mut pair = pair(Setup::new(1));
    let user = key(KeyAlgorithm::Ed25519, 10);
    let credential = prove(&mut pair, &user);
    assert!(matches!(credential, Credential::PublicKey { key, host_bound: true, .. } if key == *user.public_key()));
}

/// A client binds nothing for a server that has not said it knows how, or that knows another version.
#[test]
fn a_client_waits_to_be_told() {
    let user = key(KeyAlgorithm::Ed25519, 10);
    for (extensions, expected) in [
        (&[][..], "publickey"),
        (&[("publickey-hostbound@openssh.com", "1")], "publickey"),
        (&[("publickey-hostbound@openssh.com", "0")], BOUND),
    ] {
        let mut meeting = Meeting::<ClientRole>::quick(true).keyed();
        meeting.say(&messages::ext_info(extensions));
        ClientRole::grant_service(&mut meeting);
        meeting.endpoint.authenticate("root", AuthMethod::PublicKey(user.public_key().clone())).unwrap();
        meeting.settle();
        let offer = meeting.peer.expect(50);
        assert!(offer.ends_with(&strings(&[&b"ssh-ed25519"[..], user.public_key().blob()])), "an offer binds nothing");
        meeting.say(&[&[60][..], &strings(&[&b"ssh-ed25519"[..], user.public_key().blob()])].concat());
        let ClientEvent::Sign(wanted) = meeting.event() else { panic!("nothing to sign") };
        let host_key = if expected == BOUND { string(meeting.peer.key.blob()) } else { Vec::new() };
        let fields = [&[1][..], &strings(&[&b"ssh-ed25519"[..], user.public_key().blob()]), &host_key].concat();
        let request = messages::userauth_request("root", expected, &fields);
        assert_eq!(wanted.data, [string(&meeting.peer.session_id), request].concat(), "{extensions:?}");
    }
}

/// The host key of every server here.
fn host_key() -> Vec<u8> {
    key(KeyAlgorithm::Ed25519, 1).public_key().blob().to_vec()
}

fn malformed(error: DecodeError) -> Option<CloseReason> {
    Some(CloseReason::Failed(assault::malformed(50, error).into()))
}

/// A request that `user` signed, with everything right but what the caller makes wrong.
fn bound(session_id: &[u8], user: &Key, named: &[u8], signed: &[u8]) -> Vec<u8> {
    let head = |host_key: &[u8]| {
        let fields = [&[1][..], &strings(&[&b"ssh-ed25519"[..], &user.blob(), host_key])].concat();
        messages::userauth_request("root", BOUND, &fields)
    };
    let signature = user.sign(&[string(session_id), head(signed)].concat());
    [head(named), string(signature)].concat()
}

/// What was signed for one server is nothing at another, and ends the connection as with OpenSSH.
#[test]
fn signatures_for_another_host_are_refused() {
    let other = Key::from_seed([8; 32]).blob();
    for cut in [&other[..], b"", b"ssh-ed25519"] {
        let mut meeting = server_asked(|_| ());
        let user = meeting.peer.key.clone();
        meeting.say(&bound(&meeting.peer.session_id.clone(), &user, cut, cut));
        assert_eq!(meeting.closed(), malformed(DecodeError::InvalidValue));
        assert!(matches!(meeting.events.make_contiguous(), [ServerEvent::Closed(_)]), "the application is not asked");
    }
    let mut meeting = server_asked(|_| ());
    let (user, session, ours) = (meeting.peer.key.clone(), meeting.peer.session_id.clone(), host_key());
    // Bound to us in what it says, not in what it signed.
    meeting.refuses(&bound(&session, &user, &ours, &other));
    meeting.refuses(&bound(&[0; 32], &user, &ours, &ours));
    // A signature of one method is nothing for the other, either way.
    let plain = user.sign(&[string(&session), bound(&session, &user, &ours, &ours)].concat());
    let fields = [&[1][..], &strings(&[&b"ssh-ed25519"[..], &user.blob(), &plain])].concat();
    meeting.refuses(&messages::userauth_request("root", "publickey", &fields));
    meeting.say(&bound(&session, &user, &ours, &ours));
    assert!(matches!(meeting.request().credential, Credential::PublicKey { host_bound: true, .. }));
}

/// The offer of the variant names the host key as well, and is answered like any other.
#[test]
fn offers_of_the_variant() {
    let mut meeting = server_asked(|_| ());
    let (user, ours) = (meeting.peer.key.blob(), host_key());
    let fields = [&[0][..], &strings(&[&b"ssh-ed25519"[..], &user, &ours])].concat();
    meeting.say(&messages::userauth_request("root", BOUND, &fields));
    let Some(ServerEvent::KeyOffer(offer)) = meeting.events.pop_front() else { panic!("{:?}", meeting.events) };
    assert_eq!(offer.key.blob(), user);
}

fn host_based(host: &PrivateKey) -> AuthMethod {
    AuthMethod::HostBased {
        key: host.public_key().clone(),
        host_name: "client.example.".into(),
        user_name: "me".into(),
    }
}

fn with_host_based() -> Pair {
    let mut setup = Setup::new(1);
    setup.server.auth_methods.push("hostbased".into());
    pair(setup)
}

#[test]
fn a_host_vouches_for_its_user() {
    let host = key(KeyAlgorithm::EcdsaNistp256, 3);
    let mut pair = with_host_based();
    pair.client.authenticate("user", host_based(&host)).unwrap();
    let ClientEvent::Sign(wanted) = pair.client_event() else { panic!("nothing to sign") };
    assert_eq!(wanted.key, *host.public_key());
    let signature = host.sign(wanted.algorithm, &wanted.data, &mut random(5)).unwrap();
    pair.client.answer_signature(wanted, Some(&signature)).unwrap();
    let ServerEvent::Auth(request) = pair.server_event() else { panic!("no request") };
    let Credential::HostBased { key, algorithm, host_name, user_name } = &request.credential else {
        panic!("{request:?}")
    };
    assert_eq!((key, *algorithm), (host.public_key(), "ecdsa-sha2-nistp256"));
    assert_eq!((request.user.as_str(), host_name.as_str(), user_name.as_str()), ("user", "client.example.", "me"));
    assert_eq!(request.credential.method(), "hostbased");
    pair.server.answer_auth(request, AuthAnswer::Accept).unwrap();
    let ServerEvent::Authenticated(identity) = pair.server_event() else { panic!("not logged in") };
    assert_eq!((identity.methods, identity.keys), (vec!["hostbased"], vec![]), "a host's key is no user's");
    assert!(matches!(pair.client_event(), ClientEvent::Authenticated("hostbased")));
}

/// A host that cannot sign, and one whose word is not enough: the client chooses again.
#[test]
fn a_host_that_does_not_vouch() {
    let host = key(KeyAlgorithm::Ed25519, 3);
    let mut pair = with_host_based();
    for signs in [false, true] {
        pair.client.authenticate("user", host_based(&host)).unwrap();
        let ClientEvent::Sign(wanted) = pair.client_event() else { panic!("nothing to sign") };
        let signature = host.sign(wanted.algorithm, &wanted.data, &mut random(5)).unwrap();
        pair.client.answer_signature(wanted, signs.then_some(&signature[..])).unwrap();
        if signs {
            let ServerEvent::Auth(request) = pair.server_event() else { panic!("no request") };
            pair.server.answer_auth(request, AuthAnswer::Reject).unwrap();
        }
        let ClientEvent::AuthNeeded(needed) = pair.client_event() else { panic!("no choice") };
        assert_eq!(needed.tried, Some("hostbased"));
    }
}

/// A request for `hostbased` whose signature is over `signed`, with these fields (RFC 4252 §9).
fn vouched(host: &Key, fields: [&[u8]; 4], signed: &[u8]) -> Vec<u8> {
    let fields = [strings(&fields), string(host.sign(signed))].concat();
    messages::userauth_request("root", "hostbased", &fields)
}

/// A signature counts for exactly the request it stands in.
#[test]
fn a_hosts_signature_over_anything_else_is_refused() {
    let mut meeting = server_asked(|config| {
        config.max_auth_attempts = 100;
        config.auth_methods.push("hostbased".into());
    });
    let (host, session) = (meeting.peer.key.clone(), meeting.peer.session_id.clone());
    let blob = host.blob();
    let right: [&[u8]; 4] = [b"ssh-ed25519", &blob, b"client.example.", b"me"];
    let over = |session: &[u8], user: &str, method: &str, fields: &[&[u8]]| {
        [string(session), messages::userauth_request(user, method, &strings(fields))].concat()
    };
    for (at, signed) in [
        over(&[0; 32], "root", "hostbased", &right),
        over(&session, "toor", "hostbased", &right),
        over(&session, "root", "publickey", &right),
        over(&session, "root", "hostbased", &[right[0], right[1], b"client.example", right[3]]),
        over(&session, "root", "hostbased", &[right[0], right[1], right[2], b"you"]),
        over(&session, "root", "hostbased", &[right[0], right[1], b"client.example.m", b"e"]),
        over(&session, "root", "hostbased", &right[..3]),
        Vec::new(),
    ]
    .iter()
    .enumerate()
    {
        meeting.say(&vouched(&host, right, signed));
        assert!(meeting.events.is_empty(), "{at}");
        assert_eq!(meeting.peer.numbers(), [51], "{at}");
    }
    // Names that are none, though rightly signed, and a key that the algorithm is not for.
    for (host_name, user_name) in [(&b"a\nb"[..], &b"me"[..]), (b"a", b"m\0e"), (b"\xff", b"me"), (b"a", b"\xc3")] {
        let fields = [right[0], right[1], host_name, user_name];
        meeting.refuses(&vouched(&host, fields, &over(&session, "root", "hostbased", &fields)));
    }
    let fields = [b"ecdsa-sha2-nistp256", right[1], right[2], right[3]];
    meeting.refuses(&vouched(&host, fields, &over(&session, "root", "hostbased", &fields)));
    meeting.say(&vouched(&host, right, &over(&session, "root", "hostbased", &right)));
    assert!(matches!(meeting.request().credential, Credential::HostBased { .. }));
}

/// Where hosts are not asked, nothing of their requests is even looked at.
#[test]
fn it_is_off_unless_it_is_on() {
    let mut meeting = server_asked(|_| ());
    let (host, session) = (meeting.peer.key.clone(), meeting.peer.session_id.clone());
    let blob = host.blob();
    let fields: [&[u8]; 4] = [b"ssh-ed25519", &blob, b"client.example.", b"me"];
    let signed = [string(&session), messages::userauth_request("root", "hostbased", &strings(&fields))].concat();
    meeting.refuses(&vouched(&host, fields, &signed));
    meeting.refuses(&messages::userauth_request("root", "hostbased", b"\xff"));
}

/// Cut off anywhere, longer than it is, or with a string that is: it is malformed, and nobody hears of it.
#[test]
fn misshapen_words_of_a_host() {
    let said = |payload: &[u8]| {
        let mut meeting = server_asked(|config| config.auth_methods.push("hostbased".into()));
        meeting.say(payload);
        meeting.closed()
    };
    let host = server_asked(|_| ()).peer.key;
    let blob = host.blob();
    let fields: [&[u8]; 4] = [b"ssh-ed25519", &blob, b"client.example.", b"me"];
    let whole = vouched(&host, fields, b"anything");
    let head = messages::userauth_request("root", "hostbased", b"").len();
    assert_eq!(said(&whole), None);
    for end in head..whole.len() {
        assert_eq!(said(&whole[..end]), malformed(DecodeError::Truncated), "{end}");
    }
    for excess in 1..=16 {
        let longer = [&whole[..], &vec![0; excess]].concat();
        assert_eq!(said(&longer), malformed(DecodeError::TrailingBytes), "{excess}");
    }
    let mut at = head;
    while at < whole.len() {
        let length = u32::from_be_bytes(whole[at..at + 4].try_into().unwrap());
        for wrong in [u32::MAX, u32::MAX - 3, 1 << 31, (whole.len() - at - 3) as u32] {
            let changed = [&whole[..at], &wrong.to_be_bytes(), &whole[at + 4..]].concat();
            assert_eq!(said(&changed), malformed(DecodeError::Truncated), "{wrong} at {at}");
        }
        at += 4 + length as usize;
    }
}

/// A host's word that is not taken is an attempt like any other.
#[test]
fn hosts_may_not_try_for_ever() {
    let mut meeting = server_asked(|config| {
        config.max_auth_attempts = 3;
        config.auth_methods.push("hostbased".into());
    });
    let host = meeting.peer.key.clone();
    let blob = host.blob();
    for _ in 0..2 {
        meeting.refuses(&vouched(&host, [b"ssh-ed25519", &blob, b"client.example.", b"me"], b"anything"));
    }
    meeting.say(&vouched(&host, [b"ssh-ed25519", &blob, b"client.example.", b"me"], b"anything"));
    assert_eq!(meeting.closed(), Some(CloseReason::Failed(Error::TooManyAuthAttempts)));
}
