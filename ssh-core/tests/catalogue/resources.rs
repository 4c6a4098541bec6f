//! Peers that take much and give little: slow ones, deaf ones, and those that have one reply after the other made.

use hostile_peer::{Step, messages};
use ssh_core::{ClientEvent, CloseReason, Deadline, Error, ServerEvent, ServerRole, Stage, Timestamp};

use crate::common::assault::{server, server_asked, server_with_session};
use crate::common::hostile::{Meeting, Party, WithClient, WithServer};

fn seconds(n: u64) -> Timestamp {
    Timestamp::from_micros(n * 1_000_000)
}

/// RE-04: a byte a second is too slow, wherever it comes: in the identification, in a packet, between packets.
#[test]
fn a_byte_a_second() {
    let line = || (WithServer::quick(true), [&b"SSH-2.0-"[..], &[b'x'; 200]].concat(), Stage::Identification);
    let kexinit = || {
        let mut meeting = WithServer::quick(true);
        meeting.exchange(Step::Identification);
        meeting.peer.say(Step::KexInit);
        let bytes = meeting.peer.take_output();
        (meeting, bytes, Stage::KeyExchange)
    };
    let requests = || {
        let mut meeting = server_asked(|_| ());
        (0..4).for_each(|_| meeting.peer.send(&messages::ignore(b"a packet every minute")));
        let bytes = meeting.peer.take_output();
        (meeting, bytes, Stage::Authentication)
    };
    for (mut meeting, bytes, stage) in [line(), kexinit(), requests()] {
        assert!(bytes.len() > 120);
        for (second, byte) in bytes.iter().take(120).enumerate() {
            assert_eq!(meeting.closed(), None);
            assert_eq!(meeting.endpoint.poll_timeout(), Some(seconds(120)));
            meeting.deliver(&[*byte]);
            meeting.endpoint.handle_timeout(seconds(second as u64 + 1));
        }
        meeting.deliver(&[]);
        assert_eq!(meeting.closed(), Some(CloseReason::Failed(Error::Timeout(Deadline::Login(stage)))));
    }
}

/// Lets the peer have replies made and never reads one; says how many bytes it got rid of and how much is kept for it.
fn deaf<P: Party>(
    meeting: &mut Meeting<P>,
    request: &[u8],
    mut answer: impl FnMut(&mut Meeting<P>, P::Event),
) -> (usize, usize) {
    let (mut sent, mut most) = (0, 0);
    while sent < 8 * 1024 * 1024 {
        (0..50).for_each(|_| meeting.peer.send(request));
        let bytes = meeting.peer.take_output();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let taken = meeting.endpoint.handle_input(rest);
            rest = &rest[taken..];
            let mut events = 0;
            while let Some(event) = meeting.endpoint.poll_event() {
                events += 1;
                answer(meeting, event);
            }
            most = most.max(meeting.endpoint.buffer_memory());
            sent += taken;
            if taken == 0 && events == 0 {
                assert!(!meeting.endpoint.wants_input(), "it says so");
                meeting.peer.send_raw(rest);
                return (sent, most);
            }
        }
    }
    (sent, most)
}

/// What a logged-in connection may keep: the output limit, room for replies, a whole input buffer; a growing vector may
/// have twice the output.
const MOST: usize = 2 * (256 + 64 + 256) * 1024;

/// RE-09: whoever does not read its answers is not read any more: each kind of answer that costs a peer little.
#[test]
fn answers_that_nobody_reads() {
    let no_answer = |_: &mut WithServer, event| panic!("{event:?}");
    for request in [
        vec![8],
        vec![200],
        messages::ping(&[7; 1000]),
        messages::global_request("keepalive@openssh.com", true, b""),
        messages::channel_request(0, "keepalive@openssh.com", true, b""),
    ] {
        let mut meeting = server_with_session(|_| ());
        let (sent, most) = deaf(&mut meeting, &request, no_answer);
        assert!(sent < 4 * 1024 * 1024, "{sent} bytes of {request:02x?}");
        assert!(most <= MOST, "{most} bytes for {request:02x?}");
        assert_eq!(meeting.closed(), None);
        // Once it reads, everything goes on.
        meeting.deliver(&[]);
        assert!(meeting.endpoint.wants_input());
        assert!(meeting.endpoint.poll_output().is_empty());
    }
}

/// RE-09: the answers that a client makes by itself, and those that an application makes at once.
#[test]
fn answers_of_applications_that_nobody_reads() {
    let mut meeting = WithClient::quick(true).with_session();
    let session = messages::channel_open("session", 3, 0, 0, b"");
    let (sent, most) = deaf(&mut meeting, &session, |_, event| panic!("{event:?}"));
    assert!(sent < 4 * 1024 * 1024 && most <= MOST, "{sent} {most}");
    let mut meeting = server_with_session(|_| ());
    let request = messages::channel_request(0, "env", true, &hostile_peer::strings(&["A", "b"]));
    let (sent, most) = deaf(&mut meeting, &request, |meeting, event| {
        let ServerEvent::Channel(_, ssh_core::ChannelEvent::Request(request)) = event else { panic!("{event:?}") };
        meeting.endpoint.reply(request.reply.unwrap(), false).unwrap();
    });
    assert!(sent < 4 * 1024 * 1024 && most <= MOST, "{sent} {most}");
}

/// RE-02, RE-09: before authentication the bound is much lower, and is the one that the limits tell.
#[test]
fn answers_before_authentication_that_nobody_reads() {
    for number in [9, 200] {
        let mut meeting = server(|_| ());
        let (sent, most) = deaf(&mut meeting, &[number], |_, event| panic!("{event:?}"));
        let bound = ssh_core::Limits::default().memory_before_auth();
        assert!(most as u64 <= bound, "{most} of {bound}");
        assert!(sent < 256 * 1024, "{sent}");
        // Once it reads, the login goes on.
        meeting.deliver(&[]);
        meeting.settle();
        assert!(meeting.endpoint.wants_input() && meeting.endpoint.poll_output().is_empty());
        meeting.peer.payloads();
        ServerRole::grant_service(&mut meeting);
    }
}

/// RE-14: what an application refuses leaves nothing behind, in any number.
#[test]
fn requests_that_are_refused_leave_nothing() {
    let mut meeting = server_with_session(|_| ());
    for _ in 0..3000 {
        meeting.say(&messages::global_request("tcpip-forward", true, &[7; 900]));
        let ServerEvent::Global(ssh_core::GlobalRequestEvent::Request { reply, .. }) = meeting.event() else {
            panic!("a request")
        };
        meeting.endpoint.answer_global(reply.unwrap(), None).unwrap();
        meeting.settle();
        assert_eq!(meeting.peer.numbers(), [82]);
    }
    assert!(meeting.endpoint.buffer_memory() < 16 * 1024, "{}", meeting.endpoint.buffer_memory());
}

/// SM-57, RE-12: requests that nobody answers yet are looked at one by one; the rest waits unread, and within bounds.
#[test]
fn requests_wait_for_the_answer_to_the_first() {
    let mut meeting = server_asked(|_| ());
    for _ in 0..40 {
        meeting.peer.authenticate_password("root", &"x".repeat(1000));
    }
    let bytes = meeting.peer.take_output();
    let taken = meeting.endpoint.handle_input(&bytes);
    let event = meeting.endpoint.poll_event();
    assert!(matches!(event, Some(ServerEvent::Auth(_))));
    assert!(meeting.endpoint.poll_event().is_none());
    assert!(taken <= 64 * 1024 && meeting.endpoint.buffer_memory() <= 2 * 64 * 1024 + 16 * 1024);
    ServerRole::refuse(&mut meeting.endpoint, event.unwrap());
    assert!(matches!(meeting.endpoint.poll_event(), Some(ServerEvent::Auth(_))));
}

/// SM-73: a peer that never answers our KEXINIT has its time, and what waits for it has a bound.
#[test]
fn an_exchange_that_is_never_answered() {
    let mut meeting = WithClient::quick(true).with_session();
    meeting.endpoint.handle_timeout(seconds(1));
    meeting.endpoint.rekey().unwrap();
    meeting.settle();
    meeting.events.clear();
    let asked = (0..10_000).take_while(|_| meeting.endpoint.global_request(b"x", &[0; 500]).is_ok()).count();
    assert!(asked < 600, "{asked}");
    meeting.endpoint.handle_timeout(seconds(1));
    assert_eq!(meeting.endpoint.poll_timeout(), Some(seconds(121)));
    meeting.endpoint.handle_timeout(seconds(121));
    meeting.deliver(&[]);
    assert!(matches!(meeting.event(), ClientEvent::Closed(CloseReason::Failed(Error::Timeout(Deadline::Rekey)))));
}
