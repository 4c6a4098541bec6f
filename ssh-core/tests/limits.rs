//! Every limit with a peer that goes past it, in both roles: what is documented happens, and not before.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::hostile::{Meeting, Party, WithClient, WithServer};
use common::{Pair, Setup};
use hostile_peer::{Cipher, Method, Peer, Step, messages};
use ssh_core::wire::DataStream;
use ssh_core::{
    AuthAnswer, AuthMethod, ClientEvent, ClientRole, CloseReason, Deadline, Error, KeepAlive, LimitKind, Limits,
    PeerMisbehaved, RekeyPolicy, ServerEvent, ServerRole, Stage, Timestamp,
};

/// A type of channel that may be opened in both roles.
const KIND: &str = "x@example.com";
const SECOND: Duration = Duration::from_secs(1);

/// A limit's name, and what it does to a server and to a client.
type Row = (&'static str, fn(), fn());

macro_rules! rows {
    ($($limit:ident),*) => {
        &[$((stringify!($limit), $limit::<ServerRole> as fn(), $limit::<ClientRole> as fn())),*]
    };
}

const LIMITS: &[Row] = rows!(
    max_packet_before_auth,
    max_packet,
    max_bytes_before_auth,
    login_grace,
    rekey_grace,
    proof_grace,
    linger,
    channel_window,
    channel_packet,
    max_unread_bytes,
    max_channels,
    max_output,
    max_deferred_bytes,
    max_unanswered_requests,
    input_buffer,
    max_auth_requests
);

/// A new limit has to come with a row.
#[test]
fn every_limit_does_what_it_says() {
    let debug = format!("{:?}", Limits::default());
    let fields = debug.trim_start_matches("Limits {").split(", ").filter_map(|field| field.split(':').next());
    let fields: BTreeSet<&str> = fields.map(str::trim).collect();
    assert_eq!(fields, LIMITS.iter().map(|(name, ..)| *name).collect());
    for (_, at_a_server, at_a_client) in LIMITS {
        at_a_server();
        at_a_client();
    }
}

fn meeting<P: Party>(change: impl Fn(&mut Limits)) -> Meeting<P> {
    let setup = Setup::new(1).quick().configure(|client, server| {
        change(&mut client.limits);
        change(&mut server.limits);
    });
    Meeting::new(Peer::new(P::PEER, Method::Curve25519, Cipher::Aes128Gcm), setup)
}

fn named<P: Party>(change: impl Fn(&mut Limits)) -> Meeting<P> {
    let mut meeting = meeting(change);
    meeting.exchange(Step::Identification);
    meeting
}

#[track_caller]
fn assert_failed<P: Party>(meeting: &Meeting<P>, error: impl Into<Error>) {
    assert_eq!(meeting.closed(), Some(CloseReason::Failed(error.into())), "{:?}", P::SIDE);
}

#[track_caller]
fn assert_lives<P: Party>(meeting: &Meeting<P>) {
    assert_eq!(meeting.closed(), None, "{:?}", P::SIDE);
}

/// The peer says `payload`, and hears nothing.
fn tell<P: Party>(meeting: &mut Meeting<P>, payload: &[u8]) {
    meeting.peer.send(payload);
    let said = meeting.peer.take_output();
    meeting.endpoint.handle_input(&said);
    while let Some(event) = meeting.endpoint.poll_event() {
        meeting.events.push_back(event);
    }
}

fn at<P: Party>(meeting: &mut Meeting<P>, time: Duration) {
    meeting.endpoint.handle_timeout(Timestamp::ZERO.saturating_add(time));
    meeting.settle();
}

/// An IGNORE whose `packet_length` is so much, in the clear or under AES-GCM: a multiple of the block.
fn packet_of(length: u32) -> Vec<u8> {
    messages::ignore(&vec![0; length as usize - 1 - 5 - 4])
}

fn max_packet_before_auth<P: Party>() {
    for clear in [true, false] {
        let limit = |limits: &mut Limits| limits.max_packet_before_auth = 40_000;
        let mut meeting = named::<P>(limit);
        if !clear {
            meeting.exchange(Step::NewKeys);
        }
        let (largest, more) = if clear { (39_996, 40_004) } else { (40_000, 40_016) };
        meeting.say(&packet_of(largest));
        assert_lives(&meeting);
        meeting.say(&packet_of(more));
        assert_failed(&meeting, PeerMisbehaved::PacketLength(more));
    }
}

fn max_packet<P: Party>() {
    let mut meeting = meeting::<P>(|limits| {
        limits.max_packet = 80_000;
        limits.max_packet_before_auth = 40_000;
    })
    .with_session();
    meeting.say(&packet_of(80_000));
    assert_lives(&meeting);
    meeting.say(&packet_of(80_016));
    assert_failed(&meeting, PeerMisbehaved::PacketLength(80_016));
}

fn max_bytes_before_auth<P: Party>() {
    let mut meeting = named::<P>(|limits| limits.max_bytes_before_auth = 20_000);
    (0..19).for_each(|_| meeting.say(&packet_of(1004)));
    assert_lives(&meeting);
    (0..2).for_each(|_| meeting.say(&packet_of(1004)));
    assert_failed(&meeting, Error::LimitExceeded(LimitKind::BytesBeforeAuthentication));
}

fn login_grace<P: Party>() {
    let mut meeting = named::<P>(|limits| limits.login_grace = 7 * SECOND);
    assert_eq!(meeting.endpoint.poll_timeout(), Some(Timestamp::from_micros(7_000_000)));
    at(&mut meeting, 6 * SECOND);
    assert_lives(&meeting);
    at(&mut meeting, 7 * SECOND);
    assert_failed(&meeting, Error::Timeout(Deadline::Login(Stage::KeyExchange)));
}

fn rekey_grace<P: Party>() {
    let mut meeting = meeting::<P>(|limits| limits.rekey_grace = 7 * SECOND).with_session();
    meeting.endpoint.rekey().unwrap();
    at(&mut meeting, Duration::ZERO);
    at(&mut meeting, 6 * SECOND);
    assert_lives(&meeting);
    at(&mut meeting, 7 * SECOND);
    assert_failed(&meeting, Error::Timeout(Deadline::Rekey));
}

fn proof_grace<P: Party>() {
    let mut meeting: WithClient = meeting(|limits| limits.proof_grace = 7 * SECOND).with_session();
    meeting.endpoint.prove_host_keys(&[]).unwrap();
    at(&mut meeting, Duration::ZERO);
    assert_eq!(meeting.endpoint.poll_timeout(), Some(Timestamp::from_micros(7_000_000)));
    at(&mut meeting, 6 * SECOND);
    assert_eq!(meeting.events.len(), 0);
    at(&mut meeting, 7 * SECOND);
    assert!(matches!(meeting.event(), ClientEvent::HostKeysProven(None)));
    assert_lives(&meeting);
}

fn linger<P: Party>() {
    let mut meeting = named::<P>(|limits| limits.linger = 7 * SECOND);
    // Its last word is not read.
    tell(&mut meeting, &messages::kex_ecdh_init(b""));
    assert!(matches!(meeting.closed(), Some(CloseReason::Failed(_))) && !meeting.endpoint.is_finished());
    meeting.endpoint.handle_timeout(Timestamp::ZERO);
    meeting.endpoint.handle_timeout(Timestamp::from_micros(6_999_999));
    assert!(!meeting.endpoint.is_finished());
    meeting.endpoint.handle_timeout(Timestamp::from_micros(7_000_000));
    assert!(meeting.endpoint.is_finished() && meeting.endpoint.poll_output().is_empty());
}

fn channel_window<P: Party>() {
    let mut meeting = meeting::<P>(|limits| {
        limits.channel_window = 1000;
        limits.channel_packet = 600;
    })
    .with_session();
    meeting.say(&messages::channel_data(0, &[0; 600]));
    meeting.say(&messages::channel_extended_data(0, 1, &[0; 400]));
    assert_lives(&meeting);
    meeting.say(&messages::channel_data(0, &[0]));
    assert_failed(&meeting, PeerMisbehaved::WindowExceeded(0));
}

fn channel_packet<P: Party>() {
    let mut meeting = meeting::<P>(|limits| limits.channel_packet = 600).with_session();
    meeting.say(&messages::channel_data(0, &[0; 600]));
    assert_lives(&meeting);
    meeting.say(&messages::channel_data(0, &[0; 601]));
    assert_failed(&meeting, PeerMisbehaved::PacketTooLarge(0));
}

/// Whether one more channel is refused for want of resources, rather than asked about.
fn refuses_channel<P: Party>(meeting: &mut Meeting<P>) -> bool {
    meeting.peer.payloads();
    meeting.events.clear();
    meeting.say(&messages::channel_open(KIND, 7, 0, 0, b""));
    assert_lives(meeting);
    let refusal = meeting.peer.payloads().pop();
    assert!(refusal.is_some() != (meeting.events.len() == 1), "one of the two");
    refusal.is_some_and(|payload| payload.starts_with(&[92, 0, 0, 0, 7, 0, 0, 0, 4]))
}

fn max_unread_bytes<P: Party>() {
    let mut meeting = meeting::<P>(|limits| {
        limits.channel_packet = 1000;
        limits.max_unread_bytes = 3999;
    })
    .with_session();
    assert_eq!([(); 4].map(|()| refuses_channel(&mut meeting)), [false, false, true, true]);
}

fn max_channels<P: Party>() {
    let mut meeting = meeting::<P>(|limits| limits.max_channels = 3).with_session();
    assert_eq!([(); 4].map(|()| refuses_channel(&mut meeting)), [false, false, true, true]);
}

/// Answers wait 64 KiB above it, and before authentication at 16 KiB.
fn max_output<P: Party>() {
    let mut session = meeting::<P>(|limits| limits.max_output = 20_000).with_session();
    let mut keyed = meeting::<P>(|_| ()).keyed();
    for (meeting, limit) in [(&mut session, 20_000 + 65_536), (&mut keyed, 16_384)] {
        let mut answered = 0;
        while meeting.endpoint.wants_input() {
            tell(meeting, &[200]);
            answered += 1;
            assert!(answered < 10_000, "it goes on for ever");
        }
        assert!((limit..limit + 100).contains(&meeting.endpoint.poll_output().len()), "{answered}");
        assert_lives(meeting);
    }
}

#[test]
fn data_waits_at_the_limit_of_output() {
    let setup = Setup::new(1).quick().configure(|client, server| {
        client.limits.max_output = 20_000;
        server.limits.max_output = 20_000;
    });
    let mut pair = Pair::logged_in(setup);
    let (client, server) = pair.open_exec("cat");
    let data = [0; 100_000];
    for written in [
        pair.client.channel(client).unwrap().write(DataStream::STDOUT, &data),
        pair.server.channel(server).unwrap().write(DataStream::STDOUT, &data),
    ] {
        assert!(written.is_ok_and(|written| (19_000..=20_000).contains(&written)), "{written:?}");
    }
}

fn max_deferred_bytes<P: Party>() {
    let mut meeting = meeting::<P>(|limits| limits.max_deferred_bytes = 1000).with_session();
    meeting.endpoint.rekey().unwrap();
    let asked = messages::global_request("keepalive@openssh.com", true, b"");
    (0..1000 / 65).for_each(|_| meeting.say(&asked));
    assert_lives(&meeting);
    meeting.say(&asked);
    assert_failed(&meeting, Error::LimitExceeded(LimitKind::DeferredMessages));
}

fn max_unanswered_requests<P: Party>() {
    let requests = [messages::global_request(KIND, true, b""), messages::channel_request(0, KIND, true, b"")];
    for request in requests {
        let mut meeting = meeting::<P>(|limits| limits.max_unanswered_requests = 3).with_session();
        (0..3).for_each(|_| meeting.say(&request));
        assert_lives(&meeting);
        meeting.say(&request);
        assert_failed(&meeting, Error::LimitExceeded(LimitKind::UnansweredRequests));
    }
}

/// What is not looked at is taken up to the size of the buffer.
fn input_buffer<P: Party>() {
    let mut meeting = meeting::<P>(|limits| limits.input_buffer = 5000).with_session();
    (0..100).for_each(|_| meeting.peer.send(&packet_of(400)));
    let said = meeting.peer.take_output();
    let taken = meeting.endpoint.handle_input(&said);
    assert!((4096..=5000).contains(&taken) && !meeting.endpoint.wants_input(), "{taken}");
    assert!(meeting.endpoint.poll_event().is_none() && meeting.endpoint.wants_input());
    meeting.deliver(&said[taken..]);
    assert_lives(&meeting);
}

/// A server's alone: a client answers nobody's requests.
fn max_auth_requests<P: Party>() {
    let mut meeting: WithServer = meeting(|limits| limits.max_auth_requests = 3).keyed();
    ServerRole::grant_service(&mut meeting);
    for _ in 0..3 {
        meeting.peer.offer_key("root");
        meeting.settle();
        let ServerEvent::KeyOffer(offer) = meeting.event() else { panic!("an offer") };
        meeting.endpoint.answer_key_offer(offer, true).unwrap();
    }
    assert_lives(&meeting);
    meeting.peer.offer_key("root");
    meeting.settle();
    assert_failed(&meeting, Error::TooManyAuthAttempts);
}

#[test]
fn failed_attempts_are_bounded() {
    let setup = Setup::new(1).quick().configure(|_, server| server.max_auth_attempts = 3);
    let peer = Peer::new(ServerRole::PEER, Method::Curve25519, Cipher::Aes128Gcm);
    let mut meeting: WithServer = Meeting::new(peer, setup).keyed();
    ServerRole::grant_service(&mut meeting);
    for _ in 0..3 {
        assert_lives(&meeting);
        meeting.peer.authenticate_password("root", "wrong");
        meeting.settle();
        let ServerEvent::Auth(request) = meeting.event() else { panic!("a request") };
        meeting.endpoint.answer_auth(request, AuthAnswer::Reject).unwrap();
        meeting.settle();
    }
    assert_failed(&meeting, Error::TooManyAuthAttempts);
}

/// What has no field in the configuration.
#[test]
fn fixed_limits() {
    let in_service = || {
        let mut meeting: WithClient = meeting(|_| ()).keyed();
        ClientRole::grant_service(&mut meeting);
        meeting
    };
    let mut banners = in_service();
    (0..32).for_each(|_| banners.say(&messages::userauth_banner("hello")));
    assert_lives(&banners);
    banners.say(&messages::userauth_banner("hello"));
    assert_failed(&banners, Error::LimitExceeded(LimitKind::Banners));

    let mut rounds = in_service();
    rounds.endpoint.authenticate("root", AuthMethod::KeyboardInteractive { submethods: String::new() }).unwrap();
    for _ in 0..32 {
        rounds.say(&messages::userauth_info_request(&[]));
        let ClientEvent::Prompts(prompts) = rounds.event() else { panic!("questions") };
        rounds.endpoint.answer_prompts(&prompts, &[]).unwrap();
    }
    assert_lives(&rounds);
    rounds.say(&messages::userauth_info_request(&[]));
    assert_failed(&rounds, Error::LimitExceeded(LimitKind::PromptRounds));

    early_exchanges::<ServerRole>();
    early_exchanges::<ClientRole>();
}

fn early_exchanges<P: Party>() {
    let mut meeting = meeting::<P>(|_| ()).keyed();
    for _ in 0..2 {
        meeting.peer.say(Step::KexInit);
        meeting.exchange(Step::NewKeys);
        assert!(meeting.peer.is_keyed());
    }
    assert_lives(&meeting);
    meeting.peer.say(Step::KexInit);
    meeting.settle();
    assert_failed(&meeting, Error::LimitExceeded(LimitKind::EarlyKeyExchanges));
}

fn configured<P: Party>(rekey: RekeyPolicy, keepalive: Option<KeepAlive>) -> Meeting<P> {
    let setup = Setup::new(1).quick().rekey(rekey).configure(|client, server| {
        client.keepalive = keepalive;
        server.keepalive = keepalive;
    });
    Meeting::new(Peer::new(P::PEER, Method::Curve25519, Cipher::Aes128Gcm), setup).with_session()
}

fn silence<P: Party>() {
    let keepalive = KeepAlive { interval: 10 * SECOND, max_unanswered: 2 };
    let mut meeting = configured::<P>(RekeyPolicy::default(), Some(keepalive));
    for (time, asked) in [(9, false), (10, true), (20, true)] {
        meeting.peer.payloads();
        at(&mut meeting, time * SECOND);
        assert_eq!(meeting.peer.numbers().contains(&80), asked, "after {time} s");
    }
    assert_lives(&meeting);
    at(&mut meeting, 30 * SECOND);
    assert_failed(&meeting, Error::Timeout(Deadline::KeepAlive));
}

fn old_keys<P: Party>() {
    let default = RekeyPolicy::default();
    let by_bytes = RekeyPolicy { bytes: Some(10_000), ..default };
    let by_packets = RekeyPolicy { packets: 30, ..default };
    let by_time = RekeyPolicy { time: Some(10 * SECOND), ..default };
    for (policy, messages, time) in [(by_bytes, 10, 0), (by_packets, 30, 0), (by_time, 0, 10)] {
        let mut meeting = configured::<P>(policy, None);
        meeting.peer.payloads();
        (0..messages / 3).for_each(|_| meeting.say(&packet_of(1008)));
        at(&mut meeting, time * SECOND / 2);
        assert!(!meeting.peer.numbers().contains(&20), "{policy:?}: too soon");
        (0..messages).for_each(|_| meeting.say(&packet_of(1008)));
        at(&mut meeting, time * SECOND);
        assert!(meeting.peer.numbers().contains(&20), "{policy:?}: no new keys");
    }
}

#[test]
fn policies() {
    silence::<ServerRole>();
    silence::<ClientRole>();
    old_keys::<ServerRole>();
    old_keys::<ClientRole>();
}
