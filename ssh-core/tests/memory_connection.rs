//! What an endpoint holds once a user is in, whatever the peer does: bytes of the heap against [`Limits::memory`].

mod common;

use common::Setup;
use common::hostile::{Meeting, Party};
use common::siege::{Host, Siege, weight};
use hostile_peer::{Cipher, Method, Peer, Step, messages};
use ssh_core::{ClientRole, CloseReason, Error, LimitKind, Limits, ServerRole};

#[global_allocator]
static ALLOCATOR: counting_allocator::Counting = counting_allocator::Counting;

const KIB: u64 = 1024;
/// The longest payload in a packet that is taken.
const LONGEST: usize = 256 * 1024 - 300;
/// A type of channel that may be opened in both roles.
const KIND: &str = "x@example.com";

/// So small that all can be filled.
fn limits(limits: &mut Limits) {
    limits.channel_window = 64 * 1024;
    limits.channel_packet = 16 * 1024;
    limits.max_unread_bytes = 2 * 1024 * 1024;
    limits.max_channels = 100;
}

fn logged_in<P: Party>() -> Meeting<P> {
    let setup = Setup::new(1).configure(|client, server| {
        limits(&mut client.limits);
        limits(&mut server.limits);
    });
    Meeting::new(Peer::new(P::PEER, Method::Curve25519, Cipher::Aes128Gcm), setup).with_session()
}

fn siege<P: Host>() -> Siege<P> {
    let mut siege = Siege::of(logged_in::<P>);
    siege.react = P::open_all;
    siege
}

#[track_caller]
fn assert_bounded<P: Party>(siege: &Siege<P>, channels: u32, what: &str) {
    let mut bounds = Limits::default();
    limits(&mut bounds);
    let bound = bounds.memory(channels);
    assert!(siege.most() <= bound, "{:?}, {what}: {} bytes, bound {bound}", P::SIDE, siege.most());
}

/// The bound holds where every limit is as small as may be, and nothing unused makes room for what is not counted.
fn small_limits<P: Host>() {
    let least = |limits: &mut Limits| {
        limits.channel_packet = 256;
        limits.channel_window = 256;
        limits.max_unread_bytes = 256;
        limits.max_channels = 1;
        limits.max_output = 16 * 1024;
        limits.max_deferred_bytes = 0;
        limits.max_unanswered_requests = 1;
        limits.input_buffer = 4096;
    };
    let mut bounds = Limits::default();
    least(&mut bounds);
    let state = || {
        let setup = Setup::new(1).configure(|client, server| {
            least(&mut client.limits);
            least(&mut server.limits);
        });
        Meeting::<P>::new(Peer::new(P::PEER, Method::Curve25519, Cipher::Aes128Gcm), setup).with_session()
    };
    for question in questions() {
        let mut siege = Siege::of(state);
        siege.reads = false;
        // Small answers first, up to where one more question is still heard.
        siege.flood_at_most(&messages::ping(&[0; 100]), 50 << 10);
        siege.flood_at_most(&question, 2 << 20);
        assert!(siege.most() <= bounds.memory(1), "{:?}, {}: {} bytes", P::SIDE, question[0], siege.most());
    }
}

/// Opens channels until there are no more; says how many there are.
fn open_channels<P: Host>(siege: &mut Siege<P>) -> u32 {
    for sender in 1..200 {
        assert!(siege.say(&messages::channel_open(KIND, sender, u32::MAX, 1 << 15, b"")));
    }
    assert!((50..100).contains(&siege.opened), "{}", siege.opened);
    siege.opened + 1
}

fn fill_windows<P: Host>(siege: &mut Siege<P>, channels: u32, pieces: usize) {
    for id in 0..channels {
        // What a window is, only the endpoint knows: its share of what is left. More would end the connection.
        for n in 0..16 * 1024 / pieces {
            let data = vec![7; pieces];
            let said = match n % 2 {
                0 => messages::channel_data(id, &data),
                _ => messages::channel_extended_data(id, 1, &data),
            };
            assert!(siege.say(&said), "{id}: {:?}", siege.closed);
        }
    }
}

/// Nothing is ever read, by nobody.
fn unread<P: Host>() {
    for pieces in [16 * 1024, 256] {
        let mut siege = siege::<P>();
        let channels = open_channels(&mut siege);
        fill_windows(&mut siege, channels, pieces);
        assert_bounded(&siege, channels, "unread data");
        assert!(siege.held() > u64::from(channels) * 16 * KIB, "it is held");
    }
}

fn unanswered<P: Host>() {
    let mut siege = siege::<P>();
    let channels = open_channels(&mut siege);
    for id in 0..channels {
        let request = messages::channel_request(id, KIND, true, b"");
        assert!((0..127).all(|_| siege.say(&request)), "{:?}", siege.closed);
    }
    let request = messages::global_request(KIND, true, &vec![0; LONGEST - 100]);
    assert!((0..128).all(|_| siege.say(&request)));
    assert_bounded(&siege, channels, "unanswered requests");
    assert!(siege.flood(&messages::channel_request(5, KIND, true, &vec![0; LONGEST - 100])));
    assert_eq!(siege.closed, Some(CloseReason::Failed(Error::LimitExceeded(LimitKind::UnansweredRequests))));
    assert_bounded(&siege, channels, "one too many");
}

/// What the endpoint has to say something to.
fn questions() -> Vec<Vec<u8>> {
    vec![
        messages::ping(b""),
        messages::ping(&vec![1; LONGEST]),
        messages::channel_open("session", 1, 0, 0, &vec![1; LONGEST - 100]),
        messages::global_request("keepalive@openssh.com", true, b""),
        messages::channel_request(0, "keepalive@openssh.com", true, &vec![1; LONGEST - 100]),
        messages::channel_request(0, "keepalive@openssh.com", true, b""),
        vec![200],
        vec![200; LONGEST],
    ]
}

/// Answers that nobody reads pile up so far, and then input waits.
fn unread_answers<P: Host>() {
    for question in questions() {
        let mut siege = siege::<P>();
        siege.reads = false;
        let listened = siege.flood_at_most(&question, 1 << 20);
        assert_eq!(siege.closed, None);
        assert_eq!(siege.meeting.endpoint.wants_input(), listened);
        assert!(!listened || question.len() > 1000, "{} {}", question[0], question.len());
        assert_bounded(&siege, 100, &format!("unread answers to {}", question[0]));
    }
}

/// The endpoint wants new keys, and the peer goes on as if it had not.
fn stalled_exchange<P: Host>() {
    for reads in [true, false] {
        for question in questions() {
            let mut siege = siege::<P>();
            siege.reads = reads;
            siege.measured(|siege| siege.meeting.endpoint.rekey()).unwrap();
            siege.flood_at_most(&question, 1 << 17);
            assert_bounded(&siege, 100, &format!("answers held back to {}, read: {reads}", question[0]));
        }
    }
}

fn large_messages<P: Host>() {
    let messages = [
        messages::ignore(&vec![0; LONGEST]),
        messages::global_request(KIND, false, &vec![0; LONGEST - 100]),
        messages::channel_request(0, "exec", false, &hostile_peer::string(vec![0; LONGEST - 100])),
        messages::channel_request(0, KIND, false, &vec![0; LONGEST - 100]),
        messages::channel_open(KIND, 7, 0, 0, &vec![0; LONGEST - 100]),
        messages::disconnect(2, &"x".repeat(LONGEST - 100)),
    ];
    for message in messages {
        let mut siege = siege::<P>();
        siege.flood_at_most(&message, 2 << 20);
        assert_bounded(&siege, 100, &format!("large {}", message[0]));
        if siege.closed.is_some() {
            continue;
        }
        siege.meeting.peer.send(&messages::ignore(&vec![0; LONGEST]));
        let packet = siege.meeting.peer.take_output();
        siege.deliver(&packet[..packet.len() - 1]);
        assert_bounded(&siege, 100, "and most of a packet");
    }
}

/// New keys as often as the peer likes, with proposals as large as a packet.
fn exchanges<P: Host>() {
    let mut siege = siege::<P>();
    siege.meeting.peer.offer.languages[0] = "z".repeat(LONGEST - 600);
    for _ in 0..10 {
        siege.meeting.peer.say(Step::KexInit);
        for _ in 0..3 {
            let said = siege.meeting.peer.take_output();
            siege.deliver(&said);
            siege.meeting.peer.advance(Step::NewKeys);
        }
    }
    assert!(siege.closed.is_none() && siege.meeting.peer.is_keyed(), "{:?}", siege.closed);
    assert_bounded(&siege, 1, "exchanges");
}

/// The worst of everything, one on top of the other.
fn all_at_once<P: Host>() {
    let mut siege = siege::<P>();
    siege.reads = false;
    let channels = open_channels(&mut siege);
    fill_windows(&mut siege, channels, 256);
    for id in 0..channels {
        let request = messages::channel_request(id, KIND, true, b"");
        assert!((0..127).all(|_| siege.say(&request)), "{:?}", siege.closed);
    }
    siege.measured(|siege| siege.meeting.endpoint.rekey()).unwrap();
    siege.flood_at_most(&messages::channel_open("session", 1, 0, 0, b""), 1 << 20);
    siege.meeting.peer.send(&messages::ignore(&vec![0; LONGEST]));
    let packet = siege.meeting.peer.take_output();
    siege.deliver(&packet[..packet.len() - 1]);
    assert_bounded(&siege, channels, "all at once");
}

macro_rules! in_both_roles {
    ($($what:ident),*) => {
        $(mod $what {
            #[test]
            fn at_a_server() {
                super::$what::<super::ServerRole>();
            }

            #[test]
            fn at_a_client() {
                super::$what::<super::ClientRole>();
            }
        })*
    };
}

in_both_roles!(
    small_limits,
    unread,
    unanswered,
    unread_answers,
    stalled_exchange,
    large_messages,
    exchanges,
    all_at_once
);

#[test]
fn an_idle_connection_is_small() {
    for weight in [weight(logged_in::<ServerRole>()), weight(logged_in::<ClientRole>())] {
        assert!(weight <= 64 * KIB, "{weight}");
    }
}
