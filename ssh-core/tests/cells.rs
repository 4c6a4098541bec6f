//! Every cell of the gate end to end: real endpoints in every reachable state, given each message number with an empty,
//! a valid and a truncated body by a peer that holds the right keys.
//!
//! Not reachable are [`Phase::KeyExchange`] with [`KexPhase::Idle`], because KEXINIT is among an endpoint's first words,
//! and [`KexPhase::OursSent`] before a user is in, because no endpoint replaces keys before that.

mod common;

use common::hostile::{Meeting, Party, State, WithServer};
use common::verdicts::expected;
use hostile_peer::{Step, messages};
use ssh_core::crypto::kex::KexError;
use ssh_core::gate::{KexPhase, Phase, Verdict};
use ssh_core::wire::{DisconnectReason, MessageNumber};
use ssh_core::{ClientRole, CloseReason, Error, PeerMisbehaved, ServerRole, Side, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Empty,
    Valid,
    /// Without its last byte; where there is none, with one too many.
    Cut,
}

/// What must follow.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// These events, and these numbers in answer.
    Quiet { events: Vec<&'static str>, said: Vec<u8> },
    /// UNIMPLEMENTED with the packet's sequence number.
    Unimplemented,
    /// The end, for this reason.
    Ends(End),
    /// It was over before.
    Over,
}

#[derive(Debug, PartialEq)]
enum End {
    Unexpected,
    Malformed,
    /// By the peer's own DISCONNECT.
    Disconnected,
}

fn quiet(events: &[&'static str], said: &[u8]) -> Outcome {
    Outcome::Quiet { events: events.to_vec(), said: said.to_vec() }
}

/// By the verdict, and by what RFC 4250 to RFC 4254 say a message does.
fn outcome(side: Side, state: State, number: u8, body: Body) -> Outcome {
    if state.phase == Phase::Closed {
        return Outcome::Over;
    }
    match expected(side, state.phase, state.kex, state.strict, number) {
        Verdict::Ignore => quiet(&[], &[]),
        Verdict::Unimplemented => Outcome::Unimplemented,
        Verdict::Disconnect => Outcome::Ends(End::Unexpected),
        Verdict::Handle if !is_valid(side, number, body) => match (side, number) {
            // Another method's message is refused whatever it holds.
            (Side::Server, 30) | (Side::Client, 31) => Outcome::Ends(End::Malformed),
            (_, 30..=49) => Outcome::Ends(End::Unexpected),
            _ => Outcome::Ends(End::Malformed),
        },
        Verdict::Handle => effect(side, state, number),
    }
}

/// Whether this form of a message is legal.
fn is_valid(side: Side, number: u8, body: Body) -> bool {
    match (number, body) {
        (_, Body::Valid) => true,
        // Nothing hangs on what a peer did not understand, nor on what a client announces.
        (3, _) => true,
        (7, _) => side == Side::Server,
        // Its form is that of the request it answers, which is free here.
        (81, _) => true,
        (21 | 52 | 82, Body::Empty) => true,
        _ => false,
    }
}

/// What a valid message leads to where it is handled.
fn effect(side: Side, state: State, number: u8) -> Outcome {
    let first = state.phase == Phase::KeyExchange;
    // RFC 4253 §7.1: between our KEXINIT and our NEWKEYS no other answer may go out.
    let answer: &[u8] = if state.kex == KexPhase::Idle { &[number] } else { &[] };
    match (number, side) {
        (1, _) => Outcome::Ends(End::Disconnected),
        (3 | 7, _) => quiet(&[], &[]),
        (5, _) => quiet(&[], &[6]),
        (6, _) => quiet(&["AuthNeeded"], &[]),
        (20, Side::Server) if state.kex == KexPhase::Idle => quiet(&[], &[20]),
        (20, Side::Server) => quiet(&[], &[]),
        (20, Side::Client) if state.kex == KexPhase::Idle => quiet(&[], &[20, 30]),
        (20, Side::Client) => quiet(&[], &[30]),
        // RFC 8308 §2.4: EXT_INFO comes right behind the first NEWKEYS.
        (30, Side::Server) if first => quiet(&[], &[31, 21, 7]),
        (30, Side::Server) => quiet(&[], &[31, 21]),
        (31, Side::Client) => quiet(&[], &[21]),
        (30..=49, _) => Outcome::Ends(End::Unexpected),
        (21, Side::Client) if first => quiet(&[], &[5]),
        (21, Side::Server) if first => quiet(&[], &[]),
        (21, _) => quiet(&["Rekeyed"], &[]),
        (50 | 61, _) => quiet(&["Auth"], &[]),
        (51, _) => quiet(&["AuthNeeded"], &[]),
        (52, _) => quiet(&["Authenticated"], &[]),
        (53, _) => quiet(&["Banner"], &[]),
        (60, _) => quiet(&["Prompts"], &[]),
        (80..=82, _) => quiet(&["Global"], &[]),
        (90, Side::Server) => quiet(&["ChannelOpen"], &[]),
        // RFC 4254 §6.1: a client refuses sessions.
        (90, Side::Client) => quiet(&[], if answer.is_empty() { &[] } else { &[92] }),
        (91, _) => quiet(&["Opened"], &[]),
        (92, _) => quiet(&["OpenFailed"], &[]),
        (93, _) => quiet(&[], &[]),
        (94 | 95, _) => quiet(&["Data"], &[]),
        (96, _) => quiet(&["Eof"], &[]),
        (97, _) => quiet(&["Closed"], answer),
        (98, _) => quiet(&["Request"], &[]),
        (99 | 100, _) => quiet(&["Reply"], &[]),
        (192, _) => quiet(&[], &[193]),
        _ => panic!("{number} is handled"),
    }
}

/// One run.
struct Cell<P: Party> {
    meeting: Meeting<P>,
    state: State,
    number: u8,
    body: Body,
    /// Of the packet that carried the message.
    sequence_number: u32,
}

impl<P: Party> Cell<P> {
    fn new(meeting: Meeting<P>, state: State, number: u8, body: Body) -> Self {
        let sequence_number = meeting.peer.sending.sequence_number;
        let mut cell = Self { meeting, state, number, body, sequence_number };
        cell.speak();
        cell
    }

    fn judge(mut self) {
        let cell = &mut self;
        match outcome(P::SIDE, cell.state, cell.number, cell.body) {
            Outcome::Quiet { events, said } => {
                assert_eq!(cell.event_names(), events, "{}", cell.name());
                assert_eq!(cell.meeting.peer.numbers(), said, "{}", cell.name());
                cell.lives_on();
            }
            Outcome::Unimplemented => {
                assert!(cell.event_names().is_empty(), "{}", cell.name());
                let said = cell.meeting.peer.payloads();
                assert_eq!(said, [messages::unimplemented(cell.sequence_number)], "{}", cell.name());
                cell.lives_on();
            }
            Outcome::Ends(end) => {
                cell.ended(&end);
                cell.says_nothing_more();
            }
            Outcome::Over => {
                assert!(cell.event_names().is_empty() && cell.meeting.peer.numbers().is_empty(), "{}", cell.name());
                cell.says_nothing_more();
            }
        }
    }

    fn name(&self) -> String {
        let number = MessageNumber(self.number);
        format!("{:?} {:?} {number:?} {:?}", P::SIDE, self.state, self.body)
    }

    fn speak(&mut self) {
        let peer = &mut self.meeting.peer;
        let wanted = match P::SIDE {
            Side::Client => 31,
            Side::Server => 30,
        };
        if self.number == wanted && self.body == Body::Valid && self.state.kex == KexPhase::Exchanging {
            peer.say(Step::Method);
        } else {
            let valid = match self.number {
                20 => peer.offer.payload(peer.role, self.state.phase == Phase::KeyExchange),
                // Channel 0 is open, channel 1 is asked for.
                91 | 92 => messages::minimal(self.number, 1),
                number => messages::minimal(number, 0),
            };
            peer.send(&form(valid, self.body));
        }
        self.meeting.settle();
    }

    /// Names of all events, each of which is answered by no where it asks something.
    fn event_names(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        for event in self.meeting.events.drain(..) {
            names.push(P::channel_event(&event).map_or_else(|| variant(&event), variant));
            P::refuse(&mut self.meeting.endpoint, event);
        }
        names
    }

    fn ended(&mut self, end: &End) {
        let name = self.name();
        let reason = self.meeting.closed().unwrap_or_else(|| panic!("{name}: lives"));
        assert_eq!(self.event_names(), ["Closed"], "{name}");
        let number = MessageNumber(self.number);
        let as_expected = match (end, &reason) {
            (End::Unexpected, CloseReason::Failed(Error::PeerMisbehaved(what))) => {
                matches!(what, PeerMisbehaved::UnexpectedMessage { number: told, .. } if *told == number)
            }
            (End::Malformed, CloseReason::Failed(Error::PeerMisbehaved(what))) => match what {
                PeerMisbehaved::MalformedMessage { number: told, .. } => *told == number,
                PeerMisbehaved::KeyExchange(KexError::Decode(_)) => (30..=49).contains(&self.number),
                _ => false,
            },
            (End::Disconnected, CloseReason::Peer) => self.state.phase == Phase::Connection,
            (End::Disconnected, CloseReason::Failed(Error::Disconnected { reason, .. })) => {
                self.state.phase != Phase::Connection && *reason == DisconnectReason::BY_APPLICATION
            }
            _ => false,
        };
        assert!(as_expected, "{name}: {reason:?}");
        let said = self.meeting.peer.numbers();
        // RFC 4253 §11.1: DISCONNECT is the last word, and the other's has no answer.
        let expected: &[u8] = if *end == End::Disconnected { &[] } else { &[1] };
        assert_eq!(said, expected, "{name}");
    }

    /// More input, the end of the stream and the passage of time change nothing.
    fn says_nothing_more(&mut self) {
        for number in [2, self.number, 20, 50, 90, 94, 255] {
            self.meeting.say(&messages::minimal(number, 0));
        }
        self.meeting.peer.send_raw(&[0xff; 64]);
        self.meeting.settle();
        self.meeting.endpoint.handle_eof();
        self.meeting.endpoint.handle_timeout(Timestamp::from_micros(1 << 40));
        self.meeting.settle();
        assert!(self.event_names().is_empty() && self.meeting.peer.numbers().is_empty(), "{}", self.name());
        assert!(self.meeting.endpoint.is_finished() && !self.meeting.endpoint.wants_input(), "{}", self.name());
    }

    /// The exchange that goes on can be finished, and what comes then is understood; but a strict first exchange does
    /// not forgive what came before it.
    fn lives_on(&mut self) {
        let before_strict = self.state.phase == Phase::KeyExchange
            && self.state.kex == KexPhase::OursSent
            && self.state.strict
            && self.number != 20;
        if before_strict || self.state.kex != KexPhase::Idle || self.number == 20 {
            self.meeting.exchange(Step::NewKeys);
        }
        if before_strict {
            let strict = Some(CloseReason::Failed(PeerMisbehaved::StrictKex.into()));
            assert_eq!(self.meeting.closed(), strict, "{}", self.name());
            return;
        }
        self.meeting.peer.payloads();
        let sequence_number = self.meeting.peer.sending.sequence_number;
        self.meeting.say(&messages::minimal(255, 0));
        let said = self.meeting.peer.payloads();
        assert_eq!(said.last(), Some(&messages::unimplemented(sequence_number)), "{}", self.name());
        assert_eq!(self.meeting.closed(), None, "{}", self.name());
    }
}

fn form(valid: Vec<u8>, body: Body) -> Vec<u8> {
    match body {
        Body::Empty => vec![valid[0]],
        Body::Cut if valid.len() == 1 => vec![valid[0], 0],
        Body::Cut => valid[..valid.len() - 1].to_vec(),
        Body::Valid => valid,
    }
}

/// The name of an enum's variant.
fn variant(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

/// The states of the key exchange that a phase can be in.
fn kex_phases(phase: Phase) -> &'static [KexPhase] {
    use KexPhase::{AwaitNewKeys, Exchanging, Idle, OursSent};
    match phase {
        Phase::KeyExchange => &[OursSent, Exchanging, AwaitNewKeys],
        Phase::Service | Phase::Authentication => &[Idle, Exchanging, AwaitNewKeys],
        Phase::Connection => &[Idle, OursSent, Exchanging, AwaitNewKeys],
        Phase::Closed => &[Idle],
    }
}

/// Every message in every reachable state of a phase.
fn phase<P: Party>(phase: Phase) {
    for &kex in kex_phases(phase) {
        for strict in [true, false] {
            for number in 0..=255 {
                for body in [Body::Empty, Body::Valid, Body::Cut] {
                    let state = State { phase, kex, strict };
                    Cell::<P>::new(Meeting::in_state(state), state, number, body).judge();
                }
            }
        }
    }
}

#[test]
fn client_in_key_exchange() {
    phase::<ClientRole>(Phase::KeyExchange);
}

#[test]
fn client_awaiting_the_service() {
    phase::<ClientRole>(Phase::Service);
}

#[test]
fn client_in_authentication() {
    phase::<ClientRole>(Phase::Authentication);
}

#[test]
fn client_in_connection() {
    phase::<ClientRole>(Phase::Connection);
}

#[test]
fn client_closed() {
    phase::<ClientRole>(Phase::Closed);
}

#[test]
fn server_in_key_exchange() {
    phase::<ServerRole>(Phase::KeyExchange);
}

#[test]
fn server_awaiting_the_service() {
    phase::<ServerRole>(Phase::Service);
}

#[test]
fn server_in_authentication() {
    phase::<ServerRole>(Phase::Authentication);
}

#[test]
fn server_in_connection() {
    phase::<ServerRole>(Phase::Connection);
}

#[test]
fn server_closed() {
    phase::<ServerRole>(Phase::Closed);
}

/// While somebody outside decides, nothing is looked at; then the message is judged by the state that the answer made.
fn parked<P: Party>(state: State, park: impl Fn() -> Meeting<P>, answer: impl Fn(&mut Meeting<P>)) {
    // A client that says NEWKEYS before the reply has no keys to go on with.
    let blind = P::SIDE == Side::Server && state.kex == KexPhase::AwaitNewKeys;
    for number in (0..=255).filter(|number| !blind || *number != 21) {
        let mut meeting = park();
        meeting.peer.payloads();
        assert_eq!(meeting.events.len(), 1);
        let mut cell = Cell::new(meeting, state, number, Body::Valid);
        assert_eq!(cell.meeting.events.len(), 1, "{}", cell.name());
        assert!(cell.meeting.peer.numbers().is_empty(), "{}", cell.name());
        cell.meeting.holds = false;
        cell.meeting.answer_held(&answer);
        cell.judge();
    }
}

/// At the client's host key or the server's signature.
fn parked_in_key_exchange<P: Party>() {
    for strict in [true, false] {
        let park = || {
            let mut meeting = Meeting::<P>::quick(strict);
            meeting.holds = true;
            meeting.exchange(Step::Method);
            meeting
        };
        let state = State { phase: Phase::KeyExchange, kex: KexPhase::AwaitNewKeys, strict };
        parked(state, park, |meeting| {
            let event = meeting.event();
            assert!(P::answer(&mut meeting.endpoint, event).is_none());
        });
    }
}

#[test]
fn messages_wait_for_the_host_key() {
    parked_in_key_exchange::<ClientRole>();
}

#[test]
fn messages_wait_for_the_signature() {
    parked_in_key_exchange::<ServerRole>();
}

#[test]
fn messages_wait_for_the_users_judge() {
    let park = || {
        let mut meeting = WithServer::quick(true).keyed();
        ServerRole::grant_service(&mut meeting);
        meeting.peer.authenticate_keyboard_interactive("root");
        meeting.settle();
        meeting
    };
    let state = State { phase: Phase::Authentication, kex: KexPhase::Idle, strict: true };
    parked(state, park, WithServer::ask_nothing);
}

/// The peer hangs up: no state takes that for an ordinary end, and none waits for more.
fn hang_up<P: Party>() {
    for phase in [Phase::KeyExchange, Phase::Service, Phase::Authentication, Phase::Connection] {
        for &kex in kex_phases(phase) {
            for strict in [true, false] {
                let state = State { phase, kex, strict };
                let mut meeting = Meeting::<P>::in_state(state);
                meeting.endpoint.handle_eof();
                meeting.settle();
                let lost = matches!(meeting.closed(), Some(CloseReason::Failed(Error::ConnectionLost { .. })));
                assert!(lost, "{state:?}: {:?}", meeting.closed());
                assert!(meeting.peer.numbers().iter().all(|number| *number == 1), "{state:?}");
            }
        }
    }
}

#[test]
fn the_end_of_the_stream_in_every_state() {
    hang_up::<ClientRole>();
    hang_up::<ServerRole>();
}
