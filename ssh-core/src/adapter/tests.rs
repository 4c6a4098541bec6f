//! Two inboxes that talk to each other.

use alloc::{boxed::Box, string::ToString, sync::Arc, vec, vec::Vec};

use super::*;
use crate::auth::{AuthAnswer, Credential};
use crate::config::{ClientConfig, ServerConfig};
use crate::connection::{ChannelId, ChannelRequest, ChannelType, GlobalRequestEvent, Signal, WriteError};
use crate::endpoint::{Client, ClientEvent, ClientRole, CoreEvent, HostKeyAnswer, Server, ServerEvent, ServerRole};
use crate::error::Misuse;
use crate::key::{KeyAlgorithm, PrivateKey};
use crate::random::ChaChaRandom;
use crate::time::Timestamp;
use crate::untrusted::Untrusted;
use crate::wire::{ChannelOpenFailureReason, DataStream};

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
        Self::with(ClientConfig::default())
    }

    /// Both sides, logged in.
    fn with(config: ClientConfig) -> Self {
        let mut pair = Self::at_start(config);
        pair.settle();
        assert!(pair.client.endpoint.is_authenticated());
        pair
    }

    /// Both sides before their first byte.
    fn at_start(config: ClientConfig) -> Self {
        let random = |seed| ChaChaRandom::from_seed(&[seed; 32]);
        let host_key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random(1)).expect("a key");
        let server = ServerConfig::new(vec![host_key.public_key().clone()]);
        let server = Server::new(Arc::new(server), Box::new(random(2)), Timestamp::ZERO).expect("a server");
        let client = Client::new(Arc::new(config), Box::new(random(3)), Timestamp::ZERO);
        Self {
            client: Inbox::new(client.expect("a client")),
            server: Inbox::new(server),
            host_key,
            random: random(4),
            concerns: Vec::new(),
        }
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
    let other = ChannelType::Other { name: b"forwarded-tcpip".to_vec(), data: Vec::new() };
    for channel_type in [ChannelType::Session, other] {
        let unwanted = pair.server.endpoint.open_channel(&channel_type).expect("sent");
        pair.server.mailboxes.insert(unwanted, Default::default());
        pair.settle();
        let reason = ChannelOpenFailureReason::ADMINISTRATIVELY_PROHIBITED;
        let refused = SessionError::ChannelRefused { reason, description: Untrusted::from("not allowed") };
        assert_eq!(pair.server.opened(unwanted), Some(Err(refused)));
    }
}

/// A login takes the events one by one; once the user is in there are none to wait for.
#[test]
fn a_login_has_events_until_the_user_is_in() {
    let mut pair = Pair::at_start(ClientConfig::default());
    assert!(pair.client.login_event().is_none(), "not yet");
    pair.client.events.push_back(ClientEvent::Banner(Untrusted::from("hello")));
    assert!(matches!(pair.client.login_event(), Some(Ok(ClientEvent::Banner(_)))));
    pair.settle();
    assert!(matches!(pair.client.login_event(), Some(Err(SessionError::Misuse(Misuse::WrongPhase)))));
}

/// A host key that the server does not hold cannot sign: the connection ends, on both sides.
#[test]
fn a_server_signs_with_the_key_that_is_asked_for_or_not_at_all() {
    for held in [true, false] {
        let mut pair = Pair::at_start(ClientConfig::default());
        let request = loop {
            let to_server = pair.server.endpoint.handle_input(pair.client.endpoint.poll_output());
            pair.client.endpoint.consume_output(to_server);
            let to_client = pair.client.endpoint.handle_input(pair.server.endpoint.poll_output());
            pair.server.endpoint.consume_output(to_client);
            while pair.client.poll().is_some() || pair.server.poll().is_some() {}
            if let Some(ServerEvent::Sign(request)) = pair.server.events.pop_front() {
                break request;
            }
        };
        let mut random = ChaChaRandom::from_seed(&[8; 32]);
        let mut keys = vec![PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random).expect("a key")];
        if held {
            keys.push(PrivateKey::generate(KeyAlgorithm::Ed25519, &mut ChaChaRandom::from_seed(&[1; 32])).expect("it"));
        }
        pair.server.sign(request, &keys, &mut random);
        pair.settle();
        assert_eq!(pair.client.endpoint.is_authenticated(), held);
        assert_eq!((pair.client.closed().is_some(), pair.server.closed().is_some()), (!held, !held));
    }
}

/// A server opens sessions unless it has a reason not to, and nothing else.
#[test]
fn a_server_opens_sessions_alone() {
    let other = ChannelType::Other { name: b"tun@openssh.com".to_vec(), data: Vec::new() };
    let prohibited = ChannelOpenFailureReason::ADMINISTRATIVELY_PROHIBITED;
    let refused = |reason, text| Some(Err(SessionError::ChannelRefused { reason, description: Untrusted::from(text) }));
    for (channel_type, refusal, expected) in [
        (ChannelType::Session, None, Some(Ok(()))),
        (ChannelType::Session, Some("full"), refused(prohibited, "full")),
        (other.clone(), Some("full"), refused(prohibited, "full")),
        (other, None, refused(ChannelOpenFailureReason::UNKNOWN_CHANNEL_TYPE, "not supported")),
    ] {
        let mut pair = Pair::new();
        let id = pair.client.open_channel(&channel_type).expect("room").expect("a channel");
        let input = pair.client.endpoint.poll_output().to_vec();
        assert_eq!(pair.server.endpoint.handle_input(&input), input.len());
        pair.client.endpoint.consume_output(input.len());
        while pair.server.poll().is_some() {}
        let Some(ServerEvent::ChannelOpen(request)) = pair.server.events.pop_front() else { panic!("no request") };
        let accepted = pair.server.accept_session(request, refusal);
        assert_eq!(accepted.is_some(), expected == Some(Ok(())));
        assert_eq!(pair.server.channels(), usize::from(accepted.is_some()), "a mailbox for what is open");
        pair.settle();
        assert_eq!(pair.client.opened(id), expected);
        if accepted.is_none() {
            assert_eq!(pair.concerns.last(), Some(&Concern::ChannelOver(id)));
        }
    }
}

/// `None` is to wait; an error is for good. A connection that is over says so itself.
#[test]
fn a_channel_is_waited_for_refused_or_moot() {
    let mut early = Pair::at_start(ClientConfig::default());
    let wrong_phase = Some(Err(SessionError::Misuse(Misuse::WrongPhase)));
    assert_eq!(early.client.open_channel(&ChannelType::Session), wrong_phase);

    let mut config = ClientConfig::default();
    config.limits.max_channels = 1;
    let mut pair = Pair::with(config);
    let (id, theirs) = pair.open();
    assert_eq!(pair.client.open_channel(&ChannelType::Session), None, "one is all that may be open");
    pair.client.release(id);
    pair.server.release(theirs);
    pair.settle();
    assert_eq!((pair.client.channels(), pair.server.channels()), (0, 0));
    pair.open();

    pair.client.endpoint.handle_eof();
    pair.settle();
    assert!(pair.client.closed().is_some());
    assert_eq!(pair.client.open_channel(&ChannelType::Session), None);
}

/// While keys are exchanged, what does not fit in the queue is to be asked again, and is sent then.
#[test]
fn a_request_waits_for_the_end_of_a_key_exchange() {
    let mut config = ClientConfig::default();
    config.limits.max_deferred_bytes = 4096;
    let mut pair = Pair::with(config);
    let (id, theirs) = pair.exec();
    pair.client.endpoint.rekey().expect("logged in");
    let env = ChannelRequest::Env { name: vec![b'A'; 1000], value: vec![b'b'; 1000] };
    let mut sent = 0;
    while pair.client.request(id, &env, false) == Some(Ok(None)) {
        sent += 1;
    }
    assert_eq!(pair.client.request(id, &env, true), None);
    assert_eq!(pair.client.open_channel(&ChannelType::Session), None);
    pair.concerns.clear();
    pair.settle();
    assert!(pair.concerns.contains(&Concern::Channel(id, Interest::Write)), "{:?}", pair.concerns);
    assert!(matches!(pair.client.request(id, &env, true), Some(Ok(Some(_)))));
    pair.settle();
    assert_eq!(pair.server.mailboxes[&theirs].requests.len(), sent + 1);
}

/// What its owner hears of a channel that is gone.
#[test]
fn a_channel_that_is_gone() {
    let mut pair = Pair::new();
    let (id, theirs) = pair.exec();
    pair.client.release(id);
    pair.settle();
    pair.server.close(theirs);
    pair.settle();
    let closed = || SessionError::Channel(WriteError::Closed);
    assert_eq!(pair.client.write(id, DataStream::STDOUT, b"x"), Some(Err(closed())));
    assert_eq!(pair.client.request(id, &ChannelRequest::Shell, true), Some(Err(closed())));
    assert_eq!(pair.client.read(id, DataStream::STDOUT, &mut [0; 9]), Some(0));
    assert_eq!(pair.client.opened(id), None);
    assert_eq!(pair.client.exit(id), None);
    assert_eq!(pair.client.ended(id), None, "there is no mailbox");
    assert_eq!(pair.client.next_request(id).map(|request| request.is_none()), Some(true));
    // The other side still has its mailbox, which knows that no more will come.
    assert_eq!(pair.server.next_request(theirs).map(|request| request.is_none()), Some(true));
    assert_eq!(pair.server.ended(theirs), Some(Exit::Unknown));
    for inbox_calls in 0..2 {
        pair.client.send_eof(id);
        pair.client.close(id);
        pair.client.release(id);
        assert!(pair.client.endpoint.poll_output().is_empty(), "call {inbox_calls} said something");
    }
}

#[test]
fn reading_and_writing_know_the_end_from_a_pause() {
    let mut pair = Pair::new();
    let (id, theirs) = pair.exec();
    let mut buffer = [0; 4];
    assert_eq!(pair.client.read(id, DataStream::STDOUT, &mut buffer), None, "a pause");
    assert_eq!(pair.client.read(id, DataStream::STDOUT, &mut []), Some(0), "no room");
    assert_eq!(pair.server.write(theirs, DataStream::STDOUT, b"123456"), Some(Ok(6)));
    assert_eq!(pair.server.write(theirs, DataStream::STDOUT, b""), Some(Ok(0)), "nothing is no reason to wait");
    pair.server.send_eof(theirs);
    pair.settle();
    assert_eq!(pair.client.read(id, DataStream::STDOUT, &mut buffer), Some(4));
    assert_eq!(&buffer, b"1234");
    assert_eq!(pair.client.read(id, DataStream::STDOUT, &mut buffer), Some(2));
    assert_eq!(&buffer[..2], b"56");
    assert_eq!(pair.client.read(id, DataStream::STDOUT, &mut buffer), Some(0), "the end");
    let after_eof = SessionError::Channel(WriteError::AfterEof);
    assert_eq!(pair.server.write(theirs, DataStream::STDOUT, b"more"), Some(Err(after_eof)));
    let long = ChannelRequest::Exec { command: vec![b'x'; 1 << 20] };
    assert_eq!(pair.client.request(id, &long, true), Some(Err(SessionError::Channel(WriteError::TooLong))));
}

/// A signal is told with all that belongs to it; what comes on the streams meanwhile may be thrown away.
#[test]
fn how_a_command_was_killed() {
    let mut pair = Pair::new();
    let (id, theirs) = pair.exec();
    let (signal, message) = (Signal::new("SEGV").expect("a name"), Untrusted::from("oops"));
    let _ = pair.server.write(theirs, DataStream::STDOUT, b"unread");
    let _ = pair.server.write(theirs, DataStream::STDERR, b"unread");
    let told = ChannelRequest::ExitSignal { signal: signal.clone(), core_dumped: true, message: message.clone() };
    assert_eq!(pair.server.request(theirs, &told, false), Some(Ok(None)));
    pair.settle();
    let killed = Exit::Signal { signal, core_dumped: true, message };
    assert_eq!(pair.client.exit(id), Some(killed.clone()));
    assert_eq!(pair.client.ended(id), None, "killed, but the channel is not closed yet");
    pair.server.close(theirs);
    pair.settle();
    assert_eq!(pair.client.ended(id), Some(killed));
    assert!(pair.client.endpoint.channel(id).is_none(), "nothing unread holds it");
}

#[test]
fn more_output_than_allowed_is_an_error() {
    for (limit, too_much) in [(6, false), (5, true)] {
        let mut pair = Pair::new();
        let (id, theirs) = pair.exec();
        let mut communication = Communication::new(id, b"", limit);
        assert!(communication.advance(&mut pair.client).is_none());
        let _ = pair.server.write(theirs, DataStream::STDOUT, b"123");
        let _ = pair.server.write(theirs, DataStream::STDERR, b"456");
        pair.server.close(theirs);
        pair.settle();
        // One stream may be shown after the other.
        let output = (0..2).find_map(|_| {
            let done = communication.advance(&mut pair.client);
            pair.settle();
            done
        });
        match output.expect("an end") {
            Ok(output) => assert_eq!((too_much, &*output.stdout, &*output.stderr), (false, &b"123"[..], &b"456"[..])),
            Err(error) => assert_eq!((too_much, error), (true, SessionError::TooMuchOutput { limit })),
        }
    }
}

/// A command that closes before it has read its input has ended all the same, with what it wrote.
#[test]
fn a_command_that_wants_no_more_input() {
    let mut pair = Pair::new();
    let (id, theirs) = pair.exec();
    let input = vec![0; 8 << 20];
    let mut communication = Communication::new(id, &input, 1000);
    assert!(communication.advance(&mut pair.client).is_none(), "more than the window takes");
    pair.settle();
    let _ = pair.server.write(theirs, DataStream::STDOUT, b"enough");
    assert_eq!(pair.server.request(theirs, &ChannelRequest::ExitStatus(1), false), Some(Ok(None)));
    pair.server.close(theirs);
    pair.settle();
    let output = (0..2).find_map(|_| communication.advance(&mut pair.client)).expect("an end").expect("an output");
    assert_eq!((&*output.stdout, output.exit), (&b"enough"[..], Exit::Status(1)));
}

/// Requests about the connection are for nobody here: those that want an answer are refused.
#[test]
fn global_requests_are_refused() {
    let mut pair = Pair::new();
    pair.client.endpoint.global_request(b"tcpip-forward", b"").expect("sent");
    pair.server.endpoint.global_request(b"hostkeys-00@openssh.com", b"").expect("sent");
    let mut answers = 0;
    for _ in 0..10 {
        let to_server = pair.server.endpoint.handle_input(pair.client.endpoint.poll_output());
        pair.client.endpoint.consume_output(to_server);
        assert!((0..9).map_while(|_| pair.server.poll()).all(|concern| concern == Concern::Nobody));
        let to_client = pair.client.endpoint.handle_input(pair.server.endpoint.poll_output());
        pair.server.endpoint.consume_output(to_client);
        while let Some(event) = pair.client.endpoint.poll_core_event() {
            match event {
                CoreEvent::Global(GlobalRequestEvent::Reply { response: None, .. }) => answers += 1,
                CoreEvent::Global(GlobalRequestEvent::Request { reply: Some(token), .. }) => {
                    pair.client.endpoint.answer_global(token, None).expect("a fresh token");
                }
                _ => panic!("something else"),
            }
        }
    }
    assert_eq!(answers, 1);
    assert!(pair.server.events.is_empty() && pair.server.closed().is_none());
}

/// A request on a channel that its owner has released is refused, so that nobody waits for an answer in vain.
#[test]
fn requests_on_released_channels_are_refused() {
    let mut pair = Pair::new();
    let (id, theirs) = pair.open();
    pair.server.mailboxes.remove(&theirs);
    let asked = pair.client.request(id, &ChannelRequest::Shell, true).expect("room").expect("sent").expect("an id");
    pair.settle();
    let refused = Some(Err(SessionError::RequestRefused { request: "shell" }));
    assert_eq!(pair.client.reply(id, asked, &ChannelRequest::Shell), refused);
}

/// What a person reads about a session that did not do what it should; the server's words escaped.
#[test]
fn failures_in_words() {
    let reason = ChannelOpenFailureReason::RESOURCE_SHORTAGE;
    let refused = SessionError::ChannelRefused { reason, description: Untrusted::from("full\u{1b}[2J") };
    assert_eq!(refused.to_string(), "the server did not open a channel: full\\u{1b}[2J (RESOURCE_SHORTAGE)");
    let output = SessionError::TooMuchOutput { limit: 5 };
    assert_eq!(output.to_string(), "the command wrote more than 5 bytes; read its output as a stream instead");
    // Others speak for themselves.
    let lost = crate::error::CloseReason::Peer;
    assert_eq!(SessionError::Closed(lost.clone()).to_string(), lost.to_string());
    assert_eq!(SessionError::from(WriteError::AfterEof).to_string(), WriteError::AfterEof.to_string());
    assert_eq!(SessionError::from(Misuse::WrongPhase).to_string(), Misuse::WrongPhase.to_string());
}

#[test]
fn refusals_by_name() {
    let bytes = || b"x".to_vec();
    for (request, name) in [
        (ChannelRequest::Pty(Default::default()), "pty-req"),
        (ChannelRequest::Env { name: bytes(), value: bytes() }, "env"),
        (ChannelRequest::Shell, "shell"),
        (ChannelRequest::Exec { command: bytes() }, "exec"),
        (ChannelRequest::Subsystem { name: bytes() }, "subsystem"),
        (ChannelRequest::Break { length_ms: 1 }, "channel"),
    ] {
        let error = SessionError::request_refused(&request);
        assert_eq!(error, SessionError::RequestRefused { request: name });
        assert_eq!(error.to_string(), alloc::format!("the server refused the {name} request"));
    }
}
