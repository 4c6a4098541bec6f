//! What an endpoint holds before authentication, whatever the peer does: bytes of the heap, counted.

mod common;

use common::Setup;
use common::hostile::{Meeting, Party};
#[cfg(feature = "pq")]
use common::random;
use common::siege::{Refuser, Siege, weight};
use hostile_peer::{Cipher, KexInit, Method, Peer, Step, messages, string, strings};
#[cfg(feature = "pq")]
use ssh_core::crypto::kex::{self, DhGroup, GroupSizes, KexSettings, KexStep, KeyExchange};
use ssh_core::{ClientRole, Limits, ServerRole};

#[global_allocator]
static ALLOCATOR: counting_allocator::Counting = counting_allocator::Counting;

const KIB: u64 = 1024;
/// An endpoint that nobody does anything to.
const IDLE: u64 = 64 * KIB;
/// The most in any case.
const WORST: u64 = 600 * KIB;
/// Bytes of a flood.
const FLOOD: u64 = 384 * KIB;
/// The longest payload in a packet that is taken before authentication.
const LONGEST: usize = 64 * 1024 - 300;

fn meeting<P: Party>(method: Method, cipher: Cipher) -> Meeting<P> {
    // Enough for the greediest, and not for minutes of floods.
    let setup = Setup::new(1).configure(|client, server| {
        client.limits.max_bytes_before_auth = FLOOD;
        server.limits.max_bytes_before_auth = FLOOD;
    });
    Meeting::new(Peer::new(P::PEER, method, cipher), setup)
}

#[track_caller]
fn assert_small<P: Party>(siege: &Siege<P>, what: &str) {
    let bound = Limits::default().memory_before_auth();
    assert!(siege.most() <= bound.min(WORST), "{:?}, {what}: {} bytes, bound {bound}", P::SIDE, siege.most());
}

/// A list of names of one letter, as long as it may be.
fn many_names(bytes: usize) -> String {
    let mut names = "x,".repeat(bytes / 2);
    names.pop();
    names
}

fn early_states<P: Party>(method: Method, cipher: Cipher) {
    for step in [None, Some(Step::Identification), Some(Step::KexInit), Some(Step::Method), Some(Step::NewKeys)] {
        for holds in [false, true] {
            let mut meeting = meeting::<P>(method, cipher);
            meeting.holds = holds;
            if let Some(step) = step {
                meeting.exchange(step);
            }
            let weight = weight(meeting);
            assert!(weight <= IDLE, "{:?} after {step:?}, holds {holds}: {weight} bytes", P::SIDE);
        }
    }
    let mut meeting = meeting::<P>(method, cipher).keyed();
    P::grant_service(&mut meeting);
    P::ask_questions(&mut meeting);
    let weight = weight(meeting);
    assert!(weight <= IDLE, "{:?} in authentication: {weight} bytes", P::SIDE);
}

#[test]
fn an_idle_endpoint_is_small_in_every_early_state() {
    for (method, cipher) in [(Method::MlKem768X25519, Cipher::ChaCha20Poly1305), (Method::Nistp521, Cipher::Aes256Gcm)]
    {
        early_states::<ServerRole>(method, cipher);
        early_states::<ClientRole>(method, cipher);
    }
}

fn fresh<P: Party>() -> Meeting<P> {
    meeting(Method::Curve25519, Cipher::Aes128Gcm)
}

fn named<P: Party>() -> Meeting<P> {
    let mut meeting = fresh();
    meeting.exchange(Step::Identification);
    meeting
}

fn keyed<P: Party>() -> Meeting<P> {
    fresh().keyed()
}

fn in_service<P: Party>() -> Meeting<P> {
    let mut meeting = keyed();
    P::grant_service(&mut meeting);
    meeting
}

/// What a peer can do in either role.
fn besiege<P: Refuser>() {
    let mut siege = Siege::of(fresh::<P>);
    siege.deliver(&b"x".repeat(1 << 20));
    assert_small(&siege, "no end of an identification");
    let mut siege = Siege::of(fresh::<P>);
    siege.deliver(&[b"x".repeat(250), b"\n".to_vec()].concat().repeat(2000));
    assert_small(&siege, "lines before the identification");

    for start in [named::<P>, keyed::<P>, in_service::<P>] {
        for missing in [1, 20, 60_000] {
            let mut siege = Siege::of(start);
            siege.meeting.peer.send(&messages::ignore(&vec![0; LONGEST]));
            let packet = siege.meeting.peer.take_output();
            siege.deliver(&packet[..packet.len() - missing]);
            assert_small(&siege, "most of the largest packet");
        }
        for reads in [true, false] {
            // The smallest are the most: of interest where each has an answer that stays.
            for length in [0, 1000, LONGEST].into_iter().skip(usize::from(reads)) {
                for payload in
                    [messages::ignore(&vec![0; length]), vec![200; length.max(1)], messages::ping(&vec![0; length])]
                {
                    let mut siege = Siege::of(start);
                    siege.reads = reads;
                    siege.flood(&payload);
                    assert_small(&siege, &format!("a flood of {} times {length}, read: {reads}", payload[0]));
                }
            }
        }
    }
    large_proposals::<P>();
    exchange_without_end::<P>();
}

/// KEXINITs as large as a packet, with one name or with thousands in one list or in all, and wrong guesses.
fn large_proposals<P: Refuser>() {
    let fill = |list: &mut String, names: &str| *list = format!("{list},{names}");
    let long = "y".repeat(LONGEST - 600);
    let many = many_names(LONGEST - 600);
    let few = many_names((LONGEST - 600) / 8);
    let changes: [&dyn Fn(&mut KexInit); 6] = [
        &|offer| fill(&mut offer.kex, &long),
        &|offer| fill(&mut offer.kex, &many),
        &|offer| offer.kex = many.clone(),
        &|offer| offer.host_key = long.clone(),
        &|offer| offer.languages = [many.clone(), String::new()],
        &|offer| {
            [&mut offer.ciphers, &mut offer.macs, &mut offer.languages]
                .into_iter()
                .flatten()
                .for_each(|l| fill(l, &few))
        },
    ];
    for (at, change) in changes.iter().enumerate() {
        for guess in [false, true] {
            let mut siege = Siege::of(named::<P>);
            change(&mut siege.meeting.peer.offer);
            siege.meeting.peer.offer.guess = guess;
            siege.meeting.peer.say(Step::KexInit);
            let said = siege.meeting.peer.take_output();
            siege.deliver(&said);
            siege.say(&messages::kex_ecdh_init(&vec![0; LONGEST]));
            siege.say(&messages::kex_ecdh_reply(&vec![0; LONGEST / 3], &vec![0; LONGEST / 3], &vec![0; LONGEST / 3]));
            assert_small(&siege, &format!("proposal {at}, guess: {guess}"));
        }
    }
}

/// Exchanges with large proposals, one after the other, whether their answers are read or not.
fn exchange_without_end<P: Refuser>() {
    for reads in [true, false] {
        let mut siege = Siege::of(keyed::<P>);
        siege.reads = reads;
        for _ in 0..5 {
            siege.meeting.peer.offer.languages[0] = "z".repeat(LONGEST - 600);
            for step in [Step::KexInit, Step::Method, Step::NewKeys] {
                siege.meeting.peer.advance(step);
                if step == Step::KexInit && siege.meeting.peer.exchange.ours.is_none() {
                    siege.meeting.peer.say(Step::KexInit);
                }
                let said = siege.meeting.peer.take_output();
                siege.deliver(&said);
            }
        }
        assert_small(&siege, &format!("exchanges, read: {reads}"));
    }
}

/// The methods with the largest numbers, behind the largest proposals: what is computed with costs memory, too.
#[cfg(feature = "pq")]
#[test]
fn the_dearest_methods_take_little() {
    for method in [
        kex::CURVE25519_SHA256,
        kex::DIFFIE_HELLMAN_GROUP18_SHA512,
        kex::DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256,
        kex::SNTRUP761X25519_SHA512,
        kex::MLKEM1024NISTP384_SHA384,
    ] {
        for length in [(Limits::KEX_MESSAGE_LENGTH - 2000) / 2, (LONGEST - 4096) / 2] {
            dearest::<ServerRole>(method, length);
            dearest::<ClientRole>(method, length);
        }
    }
}

/// Up to the server's reply, whose host key and signature are as long as they may be, and longer.
#[cfg(feature = "pq")]
fn dearest<P: Refuser>(method: &'static dyn KeyExchange, length: usize) {
    let mut siege = Siege::of(|| {
        let peer = Peer::new(P::PEER, Method::Curve25519, Cipher::Aes128Gcm);
        let setup = Setup::new(1).configure(|client, _| {
            (client.kex.group_sizes.min, client.kex.group_sizes.preferred) = (DhGroup::MAX_BITS, DhGroup::MAX_BITS);
        });
        let mut meeting = Meeting::<P>::new(peer, setup.algorithms(|lists| lists.kex = vec![method]));
        meeting.exchange(Step::Identification);
        meeting
    });
    siege.meeting.peer.offer.kex = method.name().into();
    siege.meeting.peer.offer.languages[0] = "z".repeat(LONGEST - 700);
    siege.meeting.peer.say(Step::KexInit);
    let said = siege.meeting.peer.take_output();
    siege.reads = false;
    siege.deliver(&said);
    let settings =
        KexSettings { group_sizes: GroupSizes { min: 8192, preferred: 8192, max: 8192 }, ..Default::default() };
    match P::PEER {
        hostile_peer::Role::Client => {
            let (mut message, mut peer) = method.start_client(&settings, &mut random(1)).unwrap();
            if method.name().contains("group-exchange") {
                siege.say(&[&[message.number.0], &message.body[..]].concat());
                let heard = heard(&mut siege, 31);
                let Ok(KexStep::Send(init)) = peer.handle(&heard, &mut random(1)) else { panic!("a group") };
                message = init;
            }
            siege.say(&[&[message.number.0], &message.body[..]].concat());
        }
        hostile_peer::Role::Server => {
            let mut peer = method.start_server(&settings).unwrap();
            let (mut number, mut step) =
                (peer.expects().0, peer.handle(&heard(&mut siege, peer.expects().0), &mut random(2)));
            if let Ok(KexStep::Send(group)) = &step {
                siege.say(&[&[group.number.0], &group.body[..]].concat());
                number = peer.expects().0;
                step = peer.handle(&heard(&mut siege, number), &mut random(2));
            }
            let Ok(KexStep::Done(outcome)) = step else { panic!("{number} is no end") };
            let reply = outcome.reply.unwrap();
            let half = string(vec![0; length]);
            siege.say(&[&[reply.number.0], &half[..], &reply.server_value, &half].concat());
        }
    }
    assert_small(&siege, method.name());
}

/// The body of the message with this number that the endpoint has said.
#[cfg(feature = "pq")]
fn heard<P: Refuser>(siege: &mut Siege<P>, number: u8) -> Vec<u8> {
    let output = siege.meeting.endpoint.poll_output().to_vec();
    siege.measured(|siege| siege.meeting.endpoint.consume_output(output.len()));
    siege.meeting.peer.feed(&output);
    let said = siege.meeting.peer.payloads();
    said.iter().find(|payload| payload[0] == number).expect("the message")[1..].to_vec()
}

#[test]
fn the_greediest_peer_gets_little_from_a_server() {
    besiege::<ServerRole>();
    let user = "u".repeat(LONGEST - 600);
    let half = vec![b'x'; LONGEST / 2];
    let responses: Vec<&str> = vec!["r"; 100];
    let requests: Vec<Vec<u8>> = vec![
        messages::userauth_request(&user, "none", b""),
        messages::userauth_request("root", &user, b""),
        messages::userauth_request("root", "password", &[&[0], &string(&user)[..]].concat()),
        messages::userauth_request("root", "password", &[&[1], &strings(&[&[b'x'; 4096][..]; 2])[..]].concat()),
        messages::userauth_request("root", "publickey", &[&[0], &strings(&[&b"ssh-ed25519"[..], &half])[..]].concat()),
        messages::userauth_request(
            "root",
            "publickey",
            &[&[1], &strings(&[b"ssh-rsa", &half[..], &half[..1000]])[..]].concat(),
        ),
        messages::userauth_request("root", "keyboard-interactive", &strings(&["", user.as_str()])),
        messages::userauth_info_response(&responses),
        messages::userauth_info_response(&[&"r".repeat(4096)[..]; 15]),
        messages::userauth_request("root", "hostbased", &half),
    ];
    for payload in &requests {
        for reads in [true, false] {
            let mut siege = Siege::<ServerRole>::of(in_service);
            (siege.reads, siege.react) = (reads, ServerRole::refuse_all);
            siege.flood(payload);
            assert_small(&siege, &format!("requests {:?}", String::from_utf8_lossy(&payload[..40])));
        }
    }
    let mut siege = Siege::<ServerRole>::of(keyed);
    siege.say(&messages::service_request(&user));
    assert_small(&siege, "a service with a long name");
}

#[test]
fn the_greediest_peer_gets_little_from_a_client() {
    besiege::<ClientRole>();
    let long = "x".repeat(LONGEST - 600);
    let many = many_names(LONGEST - 600);
    let prompts = vec![(&long[..600], true); 100];
    let said: Vec<Vec<u8>> = vec![
        messages::userauth_banner(&long),
        messages::userauth_failure(&[&long], false),
        messages::userauth_failure(&[&many], true),
        messages::userauth_info_request(&prompts),
        messages::userauth_info_request(&[(&long, true)]),
        messages::userauth_passwd_changereq(&long),
        messages::userauth_pk_ok("ssh-ed25519", long.as_bytes()),
        messages::ext_info(&[("server-sig-algs", &many)]),
        messages::ext_info(&[("server-sig-algs", &long)]),
    ];
    for payload in &said {
        for reads in [true, false] {
            for asked in [false, true] {
                let mut siege = Siege::<ClientRole>::of(|| {
                    let mut meeting = in_service();
                    if asked {
                        ClientRole::ask_questions(&mut meeting);
                    }
                    meeting
                });
                (siege.reads, siege.react) = (reads, ClientRole::refuse_all);
                siege.flood(payload);
                assert_small(&siege, &format!("a flood of {}, read: {reads}", payload[0]));
            }
        }
    }
    let mut siege = Siege::<ClientRole>::of(keyed);
    siege.say(&messages::ext_info(&[("server-sig-algs", &many)]));
    siege.say(&messages::service_accept(&long));
    assert_small(&siege, "EXT_INFO and a service with a long name");
}
