//! Two inboxes that talk to each other.

use alloc::{boxed::Box, sync::Arc, vec, vec::Vec};

use super::*;
use crate::auth::{AuthAnswer, Credential};
use crate::config::{ClientConfig, ServerConfig};
use crate::connection::{ChannelId, ChannelRequest, ChannelType, Signal};
use crate::endpoint::{Client, ClientEvent, ClientRole, HostKeyAnswer, Server, ServerEvent, ServerRole};
use crate::key::{KeyAlgorithm, PrivateKey};
use crate::random::ChaChaRandom;
use crate::time::Timestamp;
use crate::untrusted::Untrusted;
use crate::wire::DataStream;

struct Pair {
    client: Inbox<ClientRole>,
    server: Inbox<ServerRole>,
    host_key: PrivateKey,
    random: ChaChaRandom,
    concerns: Vec<Concern>,
}

impl Pair {
    /// Both sides, logged in.
    fn new() -> Self {
        let random = |seed| ChaChaRandom::from_seed(&[seed; 32]);
        let host_key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random(1)).expect("a key");
        let server = ServerConfig::new(vec![host_key.public_key().clone()]);
        let server = Server::new(Arc::new(server), Box::new(random(2)), Timestamp::ZERO).expect("a server");
        let client = Client::new(Arc::new(ClientConfig::default()), Box::new(random(3)), Timestamp::ZERO);
        let mut pair = Self {
            client: Inbox::new(client.expect("a client")),
            server: Inbox::new(server),
            host_key,
            random: random(4),
            concerns: Vec::new(),
        };
        pair.settle();
        assert!(pair.client.endpoint.is_authenticated());
        pair
    }

    /// Moves bytes and makes the login's decisions until nothing moves any more.
    fn settle(&mut self) {
        loop {
            let to_server = self.server.endpoint.handle_input(self.client.endpoint.poll_output());
            self.client.endpoint.consume_output(to_server);
            let to_client = self.client.endpoint.handle_input(self.server.endpoint.poll_output());
            self.server.endpoint.consume_output(to_client);
            let mut moved = to_server + to_client > 0;
            while let Some(concern) = self.client.poll() {
                self.concerns.push(concern);
                moved = true;
            }
            while self.server.poll().is_some() {
                moved = true;
            }
            if !moved && !self.lead() {
                return;
            }
        }
    }

    fn lead(&mut self) -> bool {
        let (client, server) = (&mut self.client.endpoint, &mut self.server.endpoint);
        if let Some(event) = self.client.events.pop_front() {
            match event {
                ClientEvent::HostKey(request) => client.answer_host_key(request, HostKeyAnswer::Accept),
                ClientEvent::AuthNeeded(_) => {
                    client.authenticate("user", crate::auth::AuthMethod::Password("secret".into()))
                }
                _ => Ok(()),
            }
            .expect("an answer in time");
            return true;
        }
        match self.server.events.pop_front() {
            Some(ServerEvent::Sign(request)) => {
                let signature = self.host_key.sign(request.algorithm, &request.data, &mut self.random).expect("signed");
                server.answer_signature(request, Some(&signature)).expect("an answer in time");
            }
            Some(ServerEvent::Auth(request)) => {
                let right = matches!(&request.credential, Credential::Password(p) if p.constant_time_eq(b"secret"));
                let answer = if right { AuthAnswer::Accept } else { AuthAnswer::Reject };
                server.answer_auth(request, answer).expect("an answer in time");
            }
            Some(ServerEvent::ChannelOpen(request)) => {
                self.server.accept_channel(request).expect("a channel");
            }
            Some(_) => {}
            None => return false,
        }
        true
    }

    /// A channel and its number on the server's side.
    fn open(&mut self) -> (ChannelId, ChannelId) {
        let id = self.client.open_channel(&ChannelType::Session).expect("room").expect("a channel");
        assert!(self.client.opened(id).is_none());
        self.settle();
        assert_eq!(self.client.opened(id), Some(Ok(())));
        assert!(self.client.opened(id).is_none(), "told once");
        (id, *self.server.mailboxes.keys().last().expect("the server's half"))
    }

    fn exec(&mut self) -> (ChannelId, ChannelId) {
        let (id, theirs) = self.open();
        let exec = ChannelRequest::Exec { command: b"true".to_vec() };
        let asked = self.client.request(id, &exec, true).expect("room").expect("sent").expect("an id");
        self.settle();
        assert!(self.client.reply(id, asked, &exec).is_none());
        let request = self.server.next_request(theirs).flatten().expect("the request");
        assert_eq!(request.request, exec);
        self.server.endpoint.reply(request.reply.expect("wants an answer"), true).expect("answered");
        self.settle();
        assert_eq!(self.client.reply(id, asked, &exec), Some(Ok(())));
        (id, theirs)
    }
}

#[test]
fn a_command_from_input_to_exit() {
    let mut pair = Pair::new();
    let (id, theirs) = pair.exec();
    let mut communication = Communication::new(id, b"question", 1000);
    assert!(communication.advance(&mut pair.client).is_none());
    pair.settle();
    let mut buffer = [0; 100];
    assert_eq!(pair.server.read(theirs, DataStream::STDOUT, &mut buffer), Some(8));
    assert_eq!(pair.server.read(theirs, DataStream::STDOUT, &mut buffer), Some(0), "its end");
    assert_eq!(pair.server.write(theirs, DataStream::STDOUT, b"answer"), Some(Ok(6)));
    assert_eq!(pair.server.write(theirs, DataStream::STDERR, b"remark"), Some(Ok(6)));
    pair.settle();
    assert!(communication.advance(&mut pair.client).is_none());
    let status = ChannelRequest::ExitStatus(3);
    assert_eq!(pair.server.request(theirs, &status, false), Some(Ok(None)));
    pair.server.close(theirs);
    pair.settle();
    let output = communication.advance(&mut pair.client).expect("the end").expect("an output");
    assert_eq!((&*output.stdout, &*output.stderr, output.exit), (&b"answer"[..], &b"remark"[..], Exit::Status(3)));
    pair.client.release(id);
    assert_eq!(pair.client.channels(), 0);
}

#[test]
fn those_are_named_who_wait() {
    let mut pair = Pair::new();
    let (id, theirs) = pair.exec();
    pair.concerns.clear();
    let _ = pair.server.write(theirs, DataStream::STDERR, b"e");
    pair.settle();
    assert_eq!(pair.concerns, [Concern::Channel(id, Interest::Read(DataStream::STDERR))]);
    pair.concerns.clear();
    let window = vec![0; 4 << 20];
    let _ = pair.client.write(id, DataStream::STDOUT, &window);
    while pair.client.write(id, DataStream::STDOUT, &window).is_some() {}
    pair.settle();
    while pair.server.read(theirs, DataStream::STDOUT, &mut vec![0; 1 << 20]).is_some() {}
    pair.settle();
    assert!(pair.concerns.contains(&Concern::Channel(id, Interest::Write)), "{:?}", pair.concerns);
    pair.concerns.clear();
    pair.server.close(theirs);
    pair.settle();
    assert_eq!(pair.concerns.last(), Some(&Concern::ChannelOver(id)));
    assert_eq!(pair.client.ended(id), Some(Exit::Unknown));
    pair.concerns.clear();
    pair.server.endpoint.handle_eof();
    pair.client.endpoint.handle_eof();
    pair.settle();
    assert_eq!(pair.concerns, [Concern::Everybody]);
    assert!(pair.client.closed().is_some());
}

#[test]
fn a_refusal_is_told_by_the_name_of_what_was_asked() {
    let mut pair = Pair::new();
    let (id, theirs) = pair.open();
    let shell = ChannelRequest::Shell;
    let asked = pair.client.request(id, &shell, true).expect("room").expect("sent").expect("an id");
    pair.server.close(theirs);
    pair.settle();
    assert_eq!(pair.client.reply(id, asked, &shell), Some(Err(SessionError::RequestRefused { request: "shell" })));
}

/// An owner who never looks cannot make us hold requests without bound.
#[test]
fn kept_requests_are_bounded() {
    let mut pair = Pair::new();
    let (id, theirs) = pair.exec();
    for _ in 0..2000 {
        let signal = ChannelRequest::Signal(Signal::new("USR1").expect("a name"));
        let _ = pair.client.request(id, &signal, false);
        pair.settle();
    }
    assert_eq!(pair.server.mailboxes[&theirs].requests.len(), 256);
}

/// A client has its peer's requests answered, and so are those on channels that nobody holds any more.
#[test]
fn what_nobody_waits_for_is_answered() {
    let mut pair = Pair::new();
    let (id, theirs) = pair.exec();
    let odd = ChannelRequest::Other { name: b"odd@example.com".to_vec(), data: Vec::new() };
    let asked = pair.server.request(theirs, &odd, true).expect("room").expect("sent").expect("an id");
    pair.settle();
    assert!(matches!(pair.server.reply(theirs, asked, &odd), Some(Err(_))));
    assert!(pair.client.exit(id).is_none());
    let unwanted = pair.server.endpoint.open_channel(&ChannelType::Session).expect("sent");
    pair.server.mailboxes.insert(unwanted, Default::default());
    pair.settle();
    let refused = pair.server.opened(unwanted);
    let description = Untrusted::from("not allowed");
    assert!(
        matches!(&refused, Some(Err(SessionError::ChannelRefused { description: d, .. })) if *d == description),
        "{refused:?}"
    );
}
