//! A real endpoint and a peer that says anything, face to face, brought into any state.

use std::collections::VecDeque;
use std::sync::Arc;

use hostile_peer::{Cipher, Method, Peer, Step};
use ssh_core::gate::{KexPhase, Phase};
use ssh_core::wire::DisconnectReason;
use ssh_core::{
    AuthAnswer, AuthMethod, ChannelEvent, ChannelRequest, ChannelType, Client, ClientEvent, ClientRole, CloseReason,
    Endpoint, HostKeyAnswer, Role, Server, ServerEvent, ServerRole, Side, Timestamp,
};

use super::{Setup, random};

/// A role of the real endpoint, with an application that says yes.
pub trait Party: Role<Event: std::fmt::Debug> {
    const SIDE: Side;
    /// The other one's.
    const PEER: hostile_peer::Role;

    fn start(setup: Setup) -> Endpoint<Self>;
    /// Answers what nothing goes on without, host key and host signature; everything else comes back.
    fn answer(endpoint: &mut Endpoint<Self>, event: Self::Event) -> Option<Self::Event>;
    /// Says no to a decision.
    fn refuse(endpoint: &mut Endpoint<Self>, event: Self::Event);
    fn closed(event: &Self::Event) -> Option<&CloseReason>;
    fn channel_event(event: &Self::Event) -> Option<&ChannelEvent>;

    /// From fresh keys to the authentication service.
    fn grant_service(meeting: &mut Meeting<Self>);
    /// Questions are open: the client asked for them, the server asked none in particular.
    fn ask_questions(meeting: &mut Meeting<Self>);
    /// From the authentication service to a user who is in.
    fn log_in(meeting: &mut Meeting<Self>);
    /// Channel 0 on both sides, a session.
    fn open_session(meeting: &mut Meeting<Self>);
}

/// An endpoint and the peer it talks to.
pub struct Meeting<P: Party> {
    pub endpoint: Endpoint<P>,
    pub peer: Peer,
    /// What the endpoint's application was told and did not answer by itself.
    pub events: VecDeque<P::Event>,
    /// Nothing is answered by itself.
    pub holds: bool,
}

pub type WithClient = Meeting<ClientRole>;
pub type WithServer = Meeting<ServerRole>;

/// A state of a connection as the gate sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    pub phase: Phase,
    pub kex: KexPhase,
    pub strict: bool,
}

impl<P: Party> Meeting<P> {
    /// Nothing is said yet.
    pub fn new(peer: Peer, setup: Setup) -> Self {
        assert_eq!(peer.role, P::PEER);
        Self { endpoint: P::start(setup), peer, events: VecDeque::new(), holds: false }
    }

    /// With the cheapest algorithms.
    pub fn quick(strict: bool) -> Self {
        let peer = Peer::new(P::PEER, Method::Curve25519, Cipher::Aes128Gcm).with(|offer| offer.strict = strict);
        Self::new(peer, Setup::new(1).quick())
    }

    /// Moves everything both ways, until nobody has anything to say.
    pub fn settle(&mut self) {
        loop {
            let said = self.peer.take_output();
            let heard = self.deliver(&said);
            if said.is_empty() && heard == 0 {
                return;
            }
        }
    }

    /// Bytes for the endpoint; its answer goes to the peer. Says how many bytes that was.
    pub fn deliver(&mut self, bytes: &[u8]) -> usize {
        let (mut rest, mut heard) = (bytes, 0);
        loop {
            rest = &rest[self.endpoint.handle_input(rest)..];
            while let Some(event) = self.endpoint.poll_event() {
                let event = if self.holds { Some(event) } else { P::answer(&mut self.endpoint, event) };
                self.events.extend(event);
            }
            let output = self.endpoint.poll_output().to_vec();
            self.endpoint.consume_output(output.len());
            self.peer.feed(&output);
            heard += output.len();
            if rest.is_empty() && output.is_empty() {
                return heard;
            }
        }
    }

    /// The peer says `payload`, and all that follows from it happens.
    pub fn say(&mut self, payload: &[u8]) {
        self.peer.send(payload);
        self.settle();
    }

    /// The peer says the honest words of an exchange up to `last`, as far as the endpoint answers.
    pub fn exchange(&mut self, last: Step) {
        self.settle();
        for _ in 0..4 {
            self.peer.advance(last);
            self.settle();
        }
    }

    /// Both directions have keys.
    pub fn keyed(mut self) -> Self {
        self.exchange(Step::NewKeys);
        assert!(self.peer.is_keyed());
        self
    }

    /// A user is in and channel 0 is open.
    pub fn with_session(self) -> Self {
        let mut meeting = self.keyed();
        P::grant_service(&mut meeting);
        P::log_in(&mut meeting);
        P::open_session(&mut meeting);
        meeting
    }

    /// The state that `State` names, with as much going on as makes messages legal: questions are open, channel 0 is a
    /// session, and every request of the endpoint awaits its answer.
    pub fn in_state(state: State) -> Self {
        let mut meeting = Self::quick(state.strict);
        if state.phase == Phase::KeyExchange {
            meeting.exchange(Step::Identification);
        } else {
            meeting = meeting.keyed();
        }
        if matches!(state.phase, Phase::Authentication | Phase::Connection) {
            P::grant_service(&mut meeting);
        }
        match state.phase {
            Phase::Authentication => P::ask_questions(&mut meeting),
            Phase::Connection => {
                P::log_in(&mut meeting);
                P::open_session(&mut meeting);
                meeting.ask_everything();
            }
            Phase::Closed => {
                meeting.endpoint.disconnect(DisconnectReason::BY_APPLICATION, "done");
                meeting.settle();
            }
            Phase::KeyExchange | Phase::Service => {}
        }
        meeting.begin_exchange(state);
        meeting.events.clear();
        meeting.peer.payloads();
        meeting
    }

    /// Requests that await an answer: one of each kind, and channel 1.
    fn ask_everything(&mut self) {
        let id = self.endpoint.open_channel(&ChannelType::Other { name: b"x@example.com".to_vec(), data: vec![] });
        assert_eq!(id.unwrap().to_string(), "channel 1");
        self.endpoint.global_request(b"x@example.com", b"").unwrap();
        self.settle();
    }

    fn begin_exchange(&mut self, state: State) {
        match state.kex {
            KexPhase::Idle => {}
            KexPhase::OursSent if state.phase == Phase::KeyExchange => {}
            KexPhase::OursSent => self.endpoint.rekey().unwrap(),
            KexPhase::Exchanging => self.peer.say(Step::KexInit),
            KexPhase::AwaitNewKeys => {
                self.peer.say(Step::KexInit);
                self.exchange(Step::Method);
            }
        }
        self.settle();
    }

    /// Answers the decision that is held; what the endpoint said before it looked at anything else is forgotten.
    pub fn answer_held(&mut self, answer: impl FnOnce(&mut Self)) {
        answer(self);
        let output = self.endpoint.poll_output().to_vec();
        self.endpoint.consume_output(output.len());
        self.peer.feed(&output);
        self.peer.payloads();
        self.settle();
    }

    /// How it ended, if it did.
    pub fn closed(&self) -> Option<CloseReason> {
        let mut ends = self.events.iter().filter_map(P::closed);
        let end = ends.next().cloned();
        assert!(ends.next().is_none(), "twice");
        end
    }

    /// The next event.
    pub fn event(&mut self) -> P::Event {
        self.events.pop_front().expect("an event")
    }
}

impl WithServer {
    /// Answers a keyboard-interactive request by a round of no questions.
    pub fn ask_nothing(&mut self) {
        let ServerEvent::Auth(request) = self.event() else { panic!("a request") };
        let answer = AuthAnswer::Prompts { name: String::new(), instruction: String::new(), prompts: vec![] };
        self.endpoint.answer_auth(request, answer).unwrap();
    }
}

impl Party for ServerRole {
    const SIDE: Side = Side::Server;
    const PEER: hostile_peer::Role = hostile_peer::Role::Client;

    fn start(mut setup: Setup) -> Server {
        setup.server.announce_host_keys &= setup.announces_to_the_hostile;
        Server::new(Arc::new(setup.server), Box::new(random(setup.seed * 2 + 1)), Timestamp::ZERO).unwrap()
    }

    fn answer(server: &mut Server, event: ServerEvent) -> Option<ServerEvent> {
        let ServerEvent::Sign(request) = event else { return Some(event) };
        let key = super::key(ssh_core::key::KeyAlgorithm::Ed25519, 1);
        let signature = key.sign(request.algorithm, &request.data, &mut random(7)).unwrap();
        server.answer_signature(request, Some(&signature)).unwrap();
        None
    }

    fn refuse(server: &mut Server, event: ServerEvent) {
        match event {
            ServerEvent::Auth(request) => server.answer_auth(request, AuthAnswer::Reject).unwrap(),
            ServerEvent::KeyOffer(offer) => server.answer_key_offer(offer, false).unwrap(),
            _ => {}
        }
    }

    fn closed(event: &ServerEvent) -> Option<&CloseReason> {
        match event {
            ServerEvent::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    fn channel_event(event: &ServerEvent) -> Option<&ChannelEvent> {
        match event {
            ServerEvent::Channel(_, event) => Some(event),
            _ => None,
        }
    }

    fn grant_service(meeting: &mut WithServer) {
        meeting.peer.request_service();
        meeting.settle();
        meeting.peer.expect(6);
    }

    fn ask_questions(meeting: &mut WithServer) {
        meeting.peer.authenticate_keyboard_interactive("root");
        meeting.settle();
        meeting.ask_nothing();
        meeting.settle();
        meeting.peer.expect(60);
    }

    fn log_in(meeting: &mut WithServer) {
        meeting.peer.authenticate_password("root", "secret");
        meeting.settle();
        let ServerEvent::Auth(request) = meeting.event() else { panic!("a request") };
        meeting.endpoint.answer_auth(request, AuthAnswer::Accept).unwrap();
        meeting.settle();
        assert!(matches!(meeting.event(), ServerEvent::Authenticated(_)));
        meeting.peer.expect(52);
    }

    fn open_session(meeting: &mut WithServer) {
        meeting.peer.open_session(0);
        meeting.settle();
        let ServerEvent::ChannelOpen(request) = meeting.event() else { panic!("a channel") };
        let id = meeting.endpoint.accept_channel(request).unwrap();
        let request = ChannelRequest::Other { name: b"x@example.com".to_vec(), data: vec![] };
        meeting.endpoint.channel(id).unwrap().request(&request, true).unwrap();
        meeting.settle();
        meeting.peer.expect(91);
    }
}

impl Party for ClientRole {
    const SIDE: Side = Side::Client;
    const PEER: hostile_peer::Role = hostile_peer::Role::Server;

    fn start(setup: Setup) -> Client {
        Client::new(Arc::new(setup.client), Box::new(random(setup.seed * 2)), Timestamp::ZERO).unwrap()
    }

    fn answer(client: &mut Client, event: ClientEvent) -> Option<ClientEvent> {
        let ClientEvent::HostKey(request) = event else { return Some(event) };
        client.answer_host_key(request, HostKeyAnswer::Accept).unwrap();
        None
    }

    /// A client's decisions hold up nothing but themselves.
    fn refuse(_: &mut Client, _: ClientEvent) {}

    fn closed(event: &ClientEvent) -> Option<&CloseReason> {
        match event {
            ClientEvent::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    fn channel_event(event: &ClientEvent) -> Option<&ChannelEvent> {
        match event {
            ClientEvent::Channel(_, event) => Some(event),
            _ => None,
        }
    }

    fn grant_service(meeting: &mut WithClient) {
        meeting.peer.expect(5);
        meeting.peer.accept_service();
        meeting.settle();
        assert!(matches!(meeting.event(), ClientEvent::AuthNeeded(_)));
    }

    fn ask_questions(meeting: &mut WithClient) {
        meeting.endpoint.authenticate("root", AuthMethod::KeyboardInteractive { submethods: String::new() }).unwrap();
        meeting.settle();
        meeting.peer.expect(50);
    }

    fn log_in(meeting: &mut WithClient) {
        meeting.endpoint.authenticate("root", AuthMethod::Password("secret".into())).unwrap();
        meeting.settle();
        meeting.peer.expect(50);
        meeting.peer.accept_user();
        meeting.settle();
        assert!(matches!(meeting.event(), ClientEvent::Authenticated("password")));
    }

    fn open_session(meeting: &mut WithClient) {
        let id = meeting.endpoint.open_channel(&ChannelType::Session).unwrap();
        meeting.settle();
        let request = meeting.peer.expect(90);
        meeting.peer.confirm_channel(&request, 0).unwrap();
        meeting.settle();
        assert!(matches!(meeting.event(), ClientEvent::Channel(_, ChannelEvent::Opened)));
        meeting.endpoint.channel(id).unwrap().request(&ChannelRequest::Shell, true).unwrap();
        meeting.settle();
        meeting.peer.expect(98);
    }
}
