//! The hostile peer when it behaves: it speaks every method and cipher of its own with real endpoints, in both roles.

mod common;

use common::Setup;
use common::hostile::{Meeting, Party, WithClient, WithServer};
use hostile_peer::{Cipher, Method, Peer, Step, messages};
use ssh_core::key::KeyAlgorithm;
use ssh_core::{
    AuthAnswer, AuthMethod, ChannelEvent, ChannelRequest, ClientEvent, ClientRole, Credential, Prompt, ServerEvent,
    ServerRole, Untrusted,
};

const METHODS: &[Method] = if cfg!(feature = "pq") {
    &Method::ALL
} else {
    &[Method::Curve25519, Method::Nistp256, Method::Nistp384, Method::Nistp521]
};

/// Logs in, opens a session, exchanges keys again at either side's wish and is still understood.
fn whole<P: Party>(method: Method, cipher: Cipher, strict: bool) {
    let peer = Peer::new(P::PEER, method, cipher).with(|offer| offer.strict = strict);
    let mut meeting = Meeting::<P>::new(peer, Setup::new(3)).with_session();
    assert_eq!(meeting.peer.strict, strict);
    assert_eq!(meeting.endpoint.session_id(), Some(&meeting.peer.session_id[..]));
    for ours in [true, false] {
        if ours {
            meeting.endpoint.rekey().unwrap();
        } else {
            meeting.peer.say(Step::KexInit);
        }
        meeting = meeting.keyed();
        meeting.peer.payloads();
        let sequence_number = meeting.peer.sending.sequence_number;
        assert_eq!(sequence_number == 0, strict);
        meeting.say(&messages::minimal(255, 0));
        assert_eq!(meeting.peer.payloads(), [messages::unimplemented(sequence_number)]);
    }
    assert_eq!(meeting.closed(), None);
}

#[test]
fn every_method() {
    for &method in METHODS {
        whole::<ServerRole>(method, Cipher::ChaCha20Poly1305, true);
        whole::<ClientRole>(method, Cipher::ChaCha20Poly1305, true);
    }
}

#[test]
fn every_cipher() {
    for cipher in Cipher::ALL {
        for strict in [true, false] {
            whole::<ServerRole>(Method::Curve25519, cipher, strict);
            whole::<ClientRole>(Method::Curve25519, cipher, strict);
        }
    }
}

fn with_service<P: Party>() -> Meeting<P> {
    let mut meeting = Meeting::quick(true).keyed();
    P::grant_service(&mut meeting);
    meeting
}

/// Lets the user in whose request is at hand.
fn accept(server: &mut WithServer) -> Credential {
    let ServerEvent::Auth(mut request) = server.event() else { panic!("a request") };
    let credential = std::mem::replace(&mut request.credential, Credential::None);
    server.endpoint.answer_auth(request, AuthAnswer::Accept).unwrap();
    server.settle();
    server.peer.expect(52);
    assert!(matches!(server.event(), ServerEvent::Authenticated(_)));
    credential
}

#[test]
fn the_peer_logs_in() {
    let mut server: WithServer = with_service();
    server.peer.authenticate_none("root");
    server.settle();
    assert!(matches!(accept(&mut server), Credential::None));

    let mut server: WithServer = with_service();
    server.peer.offer_key("root");
    server.settle();
    let ServerEvent::KeyOffer(offer) = server.event() else { panic!("an offer") };
    server.endpoint.answer_key_offer(offer, true).unwrap();
    server.settle();
    assert_eq!(server.peer.expect(60), messages::userauth_pk_ok("ssh-ed25519", &server.peer.key.blob()));
    server.peer.authenticate_key("root");
    server.settle();
    let proven = accept(&mut server);
    assert!(matches!(proven, Credential::PublicKey { key, .. } if key.blob() == server.peer.key.blob()));

    let mut server: WithServer = with_service();
    server.peer.authenticate_keyboard_interactive("root");
    server.settle();
    let ServerEvent::Auth(request) = server.event() else { panic!("a request") };
    let prompts = vec![Prompt { prompt: Untrusted::from("Code: "), echo: true }];
    let answer = AuthAnswer::Prompts { name: String::new(), instruction: String::new(), prompts };
    server.endpoint.answer_auth(request, answer).unwrap();
    server.settle();
    assert_eq!(server.peer.expect(60), messages::userauth_info_request(&[("Code: ", true)]));
    server.say(&messages::userauth_info_response(&["1234"]));
    let Credential::Responses(responses) = accept(&mut server) else { panic!("answers") };
    assert!(responses.len() == 1 && responses[0].constant_time_eq(b"1234"));
    server.peer.open_session(3);
    server.settle();
    let ServerEvent::ChannelOpen(request) = server.event() else { panic!("a channel") };
    server.endpoint.accept_channel(request).unwrap();
    server.peer.exec(0, "true");
    server.settle();
    let ServerEvent::Channel(_, ChannelEvent::Request(request)) = server.event() else { panic!("a request") };
    assert_eq!(request.request, ChannelRequest::Exec { command: b"true".to_vec() });
}

#[test]
fn the_peer_lets_users_in() {
    let key = common::key(KeyAlgorithm::Ed25519, 3);
    let mut client: WithClient = with_service();
    client.endpoint.authenticate("root", AuthMethod::PublicKey(key.public_key().clone())).unwrap();
    client.settle();
    let offer = client.peer.expect(50);
    assert!(client.peer.check_signed_request(&offer).is_err());
    client.peer.accept_offer(&offer).unwrap();
    client.settle();
    let ClientEvent::Sign(request) = client.event() else { panic!("a signature") };
    let signature = key.sign(request.algorithm, &request.data, &mut common::random(1)).unwrap();
    client.endpoint.answer_signature(request, Some(&signature)).unwrap();
    client.settle();
    let mut request = client.peer.expect(50);
    assert_eq!(client.peer.check_signed_request(&request), Ok(()));
    *request.last_mut().unwrap() ^= 1;
    assert!(client.peer.check_signed_request(&request).is_err());
    client.peer.accept_user();
    client.settle();
    assert!(matches!(client.event(), ClientEvent::Authenticated("publickey")));

    let mut client: WithClient = with_service();
    ClientRole::ask_questions(&mut client);
    client.say(&messages::userauth_info_request(&[("Password: ", false)]));
    let ClientEvent::Prompts(prompts) = client.event() else { panic!("questions") };
    assert_eq!(prompts.prompts, [Prompt { prompt: Untrusted::from("Password: "), echo: false }]);
    client.endpoint.answer_prompts(&prompts, &["secret".into()]).unwrap();
    client.settle();
    assert_eq!(client.peer.expect(61), messages::userauth_info_response(&["secret"]));
    client.peer.accept_user();
    client.settle();
    assert!(matches!(client.event(), ClientEvent::Authenticated("keyboard-interactive")));
}
