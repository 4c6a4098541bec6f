//! Every channel message in every state of a channel, against verdicts written from RFC 4254 §5.
//!
//! Where the RFC is silent:
//! * A message for a channel that does not exist ends the connection. The two sides do not agree on what there is, and
//!   whatever were made of the message would be wrong.
//! * A channel is gone when both CLOSEs have passed; while data of it is unread its number is kept, but the peer has said
//!   its last word on it, so that a message for it is as wrong as for one that is gone.
//! * The peer learns our number for a channel it asked for by the confirmation: until then it cannot mean it.
//! * EOF ends data and nothing else: requests, an exit status say, and window adjustments may follow.
//! * After our CLOSE the peer's messages were on their way before it knew: they are legal, and data is dropped.

mod common;

use common::hostile::{Meeting, Party};
use hostile_peer::messages;
use ssh_core::wire::{DataStream, MessageNumber};
use ssh_core::{
    ChannelId, ChannelRequest, ChannelType, ClientEvent, ClientRole, CloseReason, Endpoint, Error, PeerMisbehaved,
    ServerEvent, ServerRole, Side,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// We asked for it.
    OpeningByUs,
    /// We asked for it and gave it up.
    OpeningGivenUp,
    /// The peer asked for it, and nobody has decided.
    OpeningByPeer,
    Open,
    EofSent,
    EofReceived,
    BothEof,
    CloseSent,
    /// Closed and given up by us.
    GivenUp,
    /// Both closed it, but data is unread.
    CloseReceived,
    Gone,
}

const STATES: [State; 11] = [
    State::OpeningByUs,
    State::OpeningGivenUp,
    State::OpeningByPeer,
    State::Open,
    State::EofSent,
    State::EofReceived,
    State::BothEof,
    State::CloseSent,
    State::GivenUp,
    State::CloseReceived,
    State::Gone,
];

/// What must follow.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// This event, if any, and these numbers in answer.
    Quiet(Option<&'static str>, &'static [u8]),
    /// The end: the channel exists, but that is no message for it.
    WrongState,
    /// The end: there is no such channel.
    Unknown,
}

use Outcome::{Quiet, Unknown, WrongState};

/// What `number` leads to on a channel in this state.
fn expected(side: Side, state: State, number: u8) -> Outcome {
    use State::*;
    // §5.1: the sender's number is its own affair. §6.1: a client refuses sessions.
    if number == 90 {
        return if side == Side::Server { Quiet(Some("ChannelOpen"), &[]) } else { Quiet(None, &[92]) };
    }
    match (state, number) {
        (Gone, _) => Unknown,
        // §5.1: an answer to CHANNEL_OPEN, once. What was given up meanwhile is closed at once.
        (OpeningByUs, 91) => Quiet(Some("Opened"), &[]),
        (OpeningByUs, 92) => Quiet(Some("OpenFailed"), &[]),
        (OpeningGivenUp, 91) => Quiet(None, &[97]),
        (OpeningGivenUp, 92) => Quiet(None, &[]),
        (OpeningByUs | OpeningGivenUp | OpeningByPeer, _) | (_, 91 | 92) => WrongState,
        // §5.3: nothing follows CLOSE.
        (CloseReceived, _) => WrongState,
        (GivenUp, _) => Quiet(None, &[]),
        // §5.2
        (_, 93) => Quiet(None, &[]),
        // §5.3: no data after EOF, and one EOF.
        (EofReceived | BothEof, 94..=96) => WrongState,
        (CloseSent, 94 | 95) => Quiet(None, &[]),
        (_, 94 | 95) => Quiet(Some("Data"), &[]),
        (_, 96) => Quiet(Some("Eof"), &[]),
        // §5.3: CLOSE is answered by CLOSE, unless it was sent.
        (CloseSent, 97) => Quiet(Some("Closed"), &[]),
        (_, 97) => Quiet(Some("Closed"), &[97]),
        // §5.4
        (_, 98) => Quiet(Some("Request"), &[]),
        (_, 99 | 100) => Quiet(Some("Reply"), &[]),
        _ => panic!("{number} is no channel message"),
    }
}

/// The channel that is in the state, one that is being asked for, and two that nobody has heard of.
const KNOWN: u32 = 0;
const UNCONFIRMED: u32 = 1;
const UNKNOWN: [u32; 2] = [5, u32::MAX];

/// Roles differ in how a channel is accepted.
trait Accept: Party {
    fn accept(endpoint: &mut Endpoint<Self>, event: Self::Event) -> ChannelId;
}

impl Accept for ServerRole {
    fn accept(endpoint: &mut Endpoint<Self>, event: ServerEvent) -> ChannelId {
        let ServerEvent::ChannelOpen(request) = event else { panic!("{event:?}") };
        endpoint.accept_channel(request).unwrap()
    }
}

impl Accept for ClientRole {
    fn accept(endpoint: &mut Endpoint<Self>, event: ClientEvent) -> ChannelId {
        let ClientEvent::ChannelOpen(request) = event else { panic!("{event:?}") };
        endpoint.accept_channel(request).unwrap()
    }
}

fn kind() -> ChannelType {
    ChannelType::Other { name: b"x@example.com".to_vec(), data: Vec::new() }
}

/// An open channel with a request of ours that awaits its answer.
fn open<P: Accept>(meeting: &mut Meeting<P>, by_us: bool) -> ChannelId {
    let id = if by_us {
        let id = meeting.endpoint.open_channel(&kind()).unwrap();
        meeting.settle();
        meeting.say(&messages::channel_open_confirmation(KNOWN, 9, 1000, 1000));
        id
    } else {
        meeting.say(&messages::channel_open("x@example.com", 9, 1000, 1000, b""));
        let event = meeting.event();
        P::accept(&mut meeting.endpoint, event)
    };
    let request = ChannelRequest::Other { name: b"x@example.com".to_vec(), data: Vec::new() };
    meeting.endpoint.channel(id).unwrap().request(&request, true).unwrap();
    meeting.settle();
    id
}

fn logged_in<P: Party>() -> Meeting<P> {
    let mut meeting = Meeting::<P>::quick(true).keyed();
    P::grant_service(&mut meeting);
    P::log_in(&mut meeting);
    meeting
}

/// A user is in, channel 0 is in this state, and channel 1 is asked for.
fn in_state<P: Accept>(state: State, by_us: bool) -> Meeting<P> {
    let mut meeting = logged_in::<P>();
    match state {
        State::OpeningByUs => drop(meeting.endpoint.open_channel(&kind()).unwrap()),
        State::OpeningGivenUp => {
            let id = meeting.endpoint.open_channel(&kind()).unwrap();
            meeting.endpoint.channel(id).unwrap().abandon();
        }
        State::OpeningByPeer => meeting.say(&messages::channel_open("x@example.com", 9, 1000, 1000, b"")),
        _ => {
            let id = open(&mut meeting, by_us);
            change(&mut meeting, id, state);
        }
    }
    meeting.settle();
    meeting.endpoint.open_channel(&kind()).unwrap();
    meeting.settle();
    meeting.events.clear();
    meeting.peer.payloads();
    meeting
}

/// From open to `state`.
fn change<P: Party>(meeting: &mut Meeting<P>, id: ChannelId, state: State) {
    let mut channel = meeting.endpoint.channel(id).unwrap();
    match state {
        State::EofSent | State::BothEof => channel.send_eof().unwrap(),
        State::CloseSent => channel.close(),
        State::GivenUp => channel.abandon(),
        _ => {}
    }
    meeting.settle();
    match state {
        State::EofReceived | State::BothEof => meeting.say(&messages::channel_eof(KNOWN)),
        State::CloseReceived => {
            meeting.say(&messages::channel_data(KNOWN, b"unread"));
            meeting.say(&messages::channel_close(KNOWN));
        }
        State::Gone => meeting.say(&messages::channel_close(KNOWN)),
        _ => {}
    }
}

fn variant(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

fn names<P: Party>(meeting: &mut Meeting<P>) -> Vec<String> {
    let name = |event: P::Event| P::channel_event(&event).map_or_else(|| variant(&event), variant);
    meeting.events.drain(..).map(name).collect()
}

fn judge<P: Party>(meeting: &mut Meeting<P>, id: u32, outcome: Outcome, cell: &str) {
    let error = match outcome {
        Quiet(event, said) => {
            assert_eq!(names(meeting), Vec::from_iter(event), "{cell}");
            assert_eq!(meeting.peer.numbers(), said, "{cell}");
            meeting.say(&messages::minimal(255, 0));
            assert_eq!(meeting.peer.numbers(), [3], "{cell}");
            return;
        }
        WrongState => PeerMisbehaved::ChannelState(id),
        Unknown => PeerMisbehaved::UnknownChannel(id),
    };
    assert_eq!(meeting.closed(), Some(CloseReason::Failed(Error::PeerMisbehaved(error))), "{cell}");
    assert_eq!(names(meeting), ["Closed"], "{cell}");
    assert_eq!(meeting.peer.numbers(), [1], "{cell}");
    for number in 90..=100 {
        meeting.say(&messages::minimal(number, UNCONFIRMED));
    }
    assert!(meeting.events.is_empty() && meeting.peer.numbers().is_empty(), "{cell}");
}

/// All messages in all states; says how many cells.
fn every_cell<P: Accept>() -> usize {
    let mut cells = 0;
    for state in STATES {
        for by_us in [true, false] {
            for number in 90..=100 {
                for id in [KNOWN, UNCONFIRMED, UNKNOWN[0], UNKNOWN[1]] {
                    let outcome = match id {
                        KNOWN => expected(P::SIDE, state, number),
                        UNCONFIRMED => expected(P::SIDE, State::OpeningByUs, number),
                        _ => expected(P::SIDE, State::Gone, number),
                    };
                    let mut meeting = in_state::<P>(state, by_us);
                    meeting.say(&messages::minimal(number, id));
                    let number = MessageNumber(number);
                    let cell = format!("{:?} {state:?} by_us={by_us} {number:?} for {id}", P::SIDE);
                    judge(&mut meeting, id, outcome, &cell);
                    cells += 1;
                }
            }
        }
    }
    cells
}

#[test]
fn every_cell_of_a_client() {
    assert_eq!(every_cell::<ClientRole>(), 11 * 2 * 11 * 4);
}

#[test]
fn every_cell_of_a_server() {
    assert_eq!(every_cell::<ServerRole>(), 11 * 2 * 11 * 4);
}

/// An answer to a request that was never made is a violation in every state that lets answers through.
#[test]
fn answers_without_requests() {
    fn run<P: Accept>() {
        for state in [State::Open, State::EofSent, State::EofReceived, State::BothEof, State::CloseSent, State::GivenUp]
        {
            for number in [99, 100] {
                let mut meeting = in_state::<P>(state, true);
                meeting.say(&messages::minimal(number, KNOWN));
                assert_eq!(meeting.closed(), None);
                meeting.say(&messages::minimal(number, KNOWN));
                let unsolicited = Error::PeerMisbehaved(PeerMisbehaved::UnsolicitedReply);
                assert_eq!(meeting.closed(), Some(CloseReason::Failed(unsolicited)), "{state:?}");
            }
        }
    }
    run::<ClientRole>();
    run::<ServerRole>();
}

/// What was unread when the peer closed is there to be read whatever the peer does to the connection then.
#[test]
fn unread_data_outlives_a_violation() {
    let mut meeting = logged_in::<ServerRole>();
    let id = open(&mut meeting, false);
    change(&mut meeting, id, State::CloseReceived);
    meeting.say(&messages::channel_eof(KNOWN));
    assert!(meeting.closed().is_some());
    let mut channel = meeting.endpoint.channel(id).unwrap();
    assert_eq!(channel.readable(DataStream::STDOUT), b"unread");
    channel.consume(DataStream::STDOUT, 6);
    assert!(meeting.endpoint.channel(id).is_none());
}
