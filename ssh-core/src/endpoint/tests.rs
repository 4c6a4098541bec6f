//! A peer that has the right keys and says the wrong things: one end is made to send what its own state would not let
//! it send.

use std::vec::Vec;

use super::*;
use crate::auth::{AuthAnswer, AuthMethod};
use crate::config::{ClientConfig, ServerConfig};
use crate::error::{CloseReason, Error, LimitKind, PeerMisbehaved, Stage};
use crate::key::{KeyAlgorithm, PrivateKey};
use crate::message::{ExtInfo, Ignore, Message, Ping, Rest, UserauthRequest};
use crate::random::ChaChaRandom;
use crate::wire::MessageNumber;

struct Ends {
    client: Client,
    server: Server,
    key: PrivateKey,
    client_closed: Option<CloseReason>,
    server_closed: Option<CloseReason>,
    /// What the server adds right behind its NEWKEYS and EXT_INFO.
    behind_newkeys: Vec<Vec<u8>>,
    log_in: bool,
}

fn random(seed: u8) -> ChaChaRandom {
    ChaChaRandom::from_seed(&[seed; 32])
}

impl Ends {
    fn new() -> Self {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random(1)).expect("randomness");
        let server = ServerConfig::new(Vec::from([key.public_key().clone()]));
        Self {
            client: Client::new(Arc::new(ClientConfig::default()), Box::new(random(2)), Timestamp::ZERO)
                .expect("a client"),
            server: Server::new(Arc::new(server), Box::new(random(3)), Timestamp::ZERO).expect("a server"),
            key,
            client_closed: None,
            server_closed: None,
            behind_newkeys: Vec::new(),
            log_in: false,
        }
    }

    fn logged_in() -> Self {
        let mut ends = Self::new();
        ends.log_in = true;
        ends.run();
        assert!(ends.client.is_authenticated() && ends.server.is_authenticated());
        ends
    }

    /// Carries bytes until nothing moves; trusts the host, and lets the user in if it is asked to.
    fn run(&mut self) {
        loop {
            let to_server = self.server.handle_input(self.client.poll_output());
            self.client.consume_output(to_server);
            let to_client = self.client.handle_input(self.server.poll_output());
            self.server.consume_output(to_client);
            let mut moved = to_server + to_client;
            while let Some(event) = self.server.poll_event() {
                self.on_server(event);
                moved += 1;
            }
            while let Some(event) = self.client.poll_event() {
                self.on_client(event);
                moved += 1;
            }
            if moved == 0 {
                return;
            }
        }
    }

    fn on_server(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Sign(request) => {
                let signature = self.key.sign(request.algorithm, &request.data, &mut random(4)).expect("its own key");
                self.server.answer_signature(request, Some(&signature)).expect("a fresh token");
                for payload in self.behind_newkeys.drain(..) {
                    self.server.core.outbound.send_payload(&[&payload]);
                }
            }
            ServerEvent::Auth(request) => self.server.answer_auth(request, AuthAnswer::Accept).expect("a fresh token"),
            ServerEvent::Closed(reason) => self.server_closed = Some(reason),
            _ => {}
        }
    }

    fn on_client(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::HostKey(request) => {
                self.client.answer_host_key(request, HostKeyAnswer::Accept).expect("a fresh token");
            }
            ClientEvent::AuthNeeded(_) if self.log_in => {
                self.client.authenticate("user", AuthMethod::None).expect("it was asked for");
            }
            ClientEvent::Closed(reason) => self.client_closed = Some(reason),
            _ => {}
        }
    }

    /// The client says this, whatever its state.
    fn client_says(&mut self, message: &impl Message) {
        self.client.core.outbound.send_payload(&[&message.to_payload()]);
        self.run();
    }
}

#[test]
fn key_exchanges_before_authentication_are_few() {
    let mut ends = Ends::new();
    ends.run();
    for _ in 0..2 {
        ends.client.core.start_rekey().expect("randomness");
        ends.run();
        assert_eq!(ends.server_closed, None, "a peer may begin one at any time (RFC 4253 §9)");
    }
    ends.client.core.start_rekey().expect("randomness");
    ends.run();
    let limit = Error::LimitExceeded(LimitKind::EarlyKeyExchanges);
    assert_eq!(ends.server_closed, Some(CloseReason::Failed(limit)));
    let mut ends = Ends::logged_in();
    for _ in 0..10 {
        ends.client.rekey().expect("authenticated");
        ends.run();
    }
    assert_eq!(ends.server_closed, None);
}

/// RFC 8308 §2.4: EXT_INFO is the first message after NEWKEYS, or it is not.
#[test]
fn ext_info_has_its_place() {
    let ext_info = ExtInfo { nr_extensions: 0, extensions: Rest(b"") };
    let misplaced = |during| {
        Some(CloseReason::Failed(PeerMisbehaved::UnexpectedMessage { number: MessageNumber::EXT_INFO, during }.into()))
    };
    let mut ends = Ends::new();
    ends.behind_newkeys = Vec::from([Ignore { data: b"" }.to_payload(), ext_info.to_payload()]);
    ends.run();
    assert_eq!(ends.client_closed, misplaced(Stage::Authentication));
    // A client has no second chance either.
    let mut ends = Ends::new();
    ends.run();
    ends.client_says(&ext_info);
    assert_eq!(ends.server_closed, misplaced(Stage::Authentication));
    let mut ends = Ends::logged_in();
    ends.client_says(&ext_info);
    assert_eq!(ends.server_closed, misplaced(Stage::Connection));
}

/// RFC 4252 §5.3: requests after success are ignored, even for another user.
#[test]
fn a_login_after_the_login_changes_nothing() {
    let mut ends = Ends::logged_in();
    ends.client_says(&UserauthRequest {
        user_name: b"root",
        service_name: b"ssh-connection",
        method_name: b"none",
        method_fields: Rest(b""),
    });
    assert_eq!((ends.server_closed.take(), ends.client_closed.take()), (None, None));
    assert!(ends.server.poll_event().is_none());
    assert!(ends.server.is_authenticated());
}

/// Pings are answered once somebody is logged in, and before that by silence.
#[test]
fn pings() {
    let mut ends = Ends::new();
    ends.run();
    let received = ends.client.core.receiver.packets();
    ends.client_says(&Ping { data: b"early" });
    assert_eq!(ends.client.core.receiver.packets(), received);
    let mut ends = Ends::logged_in();
    let received = ends.client.core.receiver.packets();
    ends.client_says(&Ping { data: b"there?" });
    assert_eq!(ends.client.core.receiver.packets(), received + 1);
    assert_eq!(ends.client_closed, None);
}

/// RFC 4253 §11.4: unknown numbers are answered, and the connection goes on.
#[test]
fn unknown_messages_are_answered() {
    let mut ends = Ends::logged_in();
    let received = ends.client.core.receiver.packets();
    for number in [8, 101, 150, 200, 255] {
        ends.client.core.outbound.send_payload(&[&[number]]);
    }
    ends.run();
    assert_eq!(ends.client.core.receiver.packets(), received + 5);
    assert_eq!((ends.server_closed, ends.client_closed), (None, None));
}
