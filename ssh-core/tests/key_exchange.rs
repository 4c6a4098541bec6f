//! Every key exchange method in real endpoints: which message each state takes, and what its public values may not be.

mod common;

use common::hostile::{Meeting, Party, WithClient, WithServer};
use common::{Pair, Setup};
use hostile_peer::{Cipher, Method, Peer, Step};
use ssh_core::crypto::Algorithms;
use ssh_core::crypto::kex::{
    DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256, DIFFIE_HELLMAN_GROUP14_SHA256, DhGroup, GroupFault, GroupSizes, KexError,
    KeyExchange, Moduli,
};
use ssh_core::wire::{MessageNumber, Mpint, Writer};
use ssh_core::{CloseReason, Error, PeerMisbehaved, Stage};

fn methods() -> Vec<&'static dyn KeyExchange> {
    Algorithms::all().kex
}

fn is_group_exchange(method: &dyn KeyExchange) -> bool {
    method.name().contains("group-exchange")
}

/// An endpoint that has heard a KEXINIT with this method alone.
fn exchanging<P: Party>(method: &'static dyn KeyExchange, strict: bool) -> Meeting<P> {
    let peer = Peer::new(P::PEER, Method::Curve25519, Cipher::Aes128Gcm).with(|offer| {
        (offer.kex, offer.strict) = (method.name().into(), strict);
    });
    let mut meeting = Meeting::new(peer, Setup::new(1).quick().algorithms(|lists| lists.kex = vec![method]));
    meeting.exchange(Step::KexInit);
    meeting.peer.payloads();
    meeting
}

fn written(number: u8, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut payload = vec![number];
    write(&mut Writer::new(&mut payload));
    payload
}

fn mpints(number: u8, values: &[&[u8]]) -> Vec<u8> {
    written(number, |writer| values.iter().for_each(|value| writer.mpint(Mpint::from_magnitude(value))))
}

/// The server's last message with this value.
fn reply(number: u8, value: &[u8]) -> Vec<u8> {
    written(number, |writer| {
        writer.string(b"host key");
        writer.mpint(Mpint::from_magnitude(value));
        writer.string(b"signature");
    })
}

fn request() -> Vec<u8> {
    written(34, |writer| [2048, 2048, 8192].into_iter().for_each(|size| writer.uint32(size)))
}

fn group() -> DhGroup {
    Moduli::default().groups()[0].clone()
}

fn group_message() -> Vec<u8> {
    mpints(31, &[&group().modulus(), &[2]])
}

/// Our server with a group exchange that awaits `e`.
fn awaiting_e() -> WithServer {
    let mut meeting = exchanging(DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256, true);
    meeting.say(&request());
    assert_eq!(meeting.peer.payloads(), [group_message()]);
    meeting
}

/// Our client with a group exchange that awaits `f`.
fn awaiting_f() -> WithClient {
    let mut meeting = exchanging(DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256, true);
    meeting.say(&group_message());
    assert_eq!(meeting.peer.numbers(), [32]);
    meeting
}

fn misbehaved(what: PeerMisbehaved) -> Option<CloseReason> {
    Some(CloseReason::Failed(Error::PeerMisbehaved(what)))
}

fn only_takes<P: Party>(expected: u8, what: &str, mut begin: impl FnMut() -> Meeting<P>) {
    for number in (30..=49).filter(|&number| number != expected) {
        let mut meeting = begin();
        meeting.say(&[number, 0, 0, 0, 1, 9]);
        let unexpected =
            PeerMisbehaved::UnexpectedMessage { number: MessageNumber(number), during: Stage::KeyExchange };
        assert_eq!(meeting.closed(), misbehaved(unexpected), "{what}");
        assert_eq!(meeting.peer.numbers(), [1], "{what}");
    }
}

/// Of the numbers 30 to 49, each state of each method takes one; another method's or the other role's end the connection.
/// CVE-2015-3146.
#[test]
fn every_state_takes_one_number() {
    for method in methods() {
        for strict in [false, true] {
            let first = if is_group_exchange(method) { 34 } else { 30 };
            only_takes(first, method.name(), || -> WithServer { exchanging(method, strict) });
            only_takes(31, method.name(), || -> WithClient { exchanging(method, strict) });
        }
    }
    only_takes(32, "a group is chosen", awaiting_e);
    only_takes(33, "a group is taken", awaiting_f);
}

/// `e` and `f` that make the secret known end the connection, and nothing is signed.
#[test]
fn values_outside_of_the_group_end_the_connection() {
    let p = group().modulus();
    let mut top = p.clone();
    *top.last_mut().unwrap() -= 1;
    let invalid = misbehaved(PeerMisbehaved::KeyExchange(KexError::InvalidPublicValue));
    for bad in [&[][..], &[1], &top, &p, &[&[1][..], &p].concat()] {
        let mut server: WithServer = exchanging(DIFFIE_HELLMAN_GROUP14_SHA256, true);
        server.say(&mpints(30, &[bad]));
        assert_eq!((server.closed(), server.peer.numbers()), (invalid.clone(), vec![1]));
        let mut server = awaiting_e();
        server.say(&mpints(32, &[bad]));
        assert_eq!((server.closed(), server.peer.numbers()), (invalid.clone(), vec![1]));
        let mut client: WithClient = exchanging(DIFFIE_HELLMAN_GROUP14_SHA256, true);
        client.say(&reply(31, bad));
        assert_eq!((client.closed(), client.peer.numbers()), (invalid.clone(), vec![1]));
        let mut client = awaiting_f();
        client.say(&reply(33, bad));
        assert_eq!((client.closed(), client.peer.numbers()), (invalid.clone(), vec![1]));
    }
}

/// Logjam: no group below 2048 bits unless the application asks for it, and none without a safe prime at all.
#[test]
fn weak_groups_end_the_connection() {
    let p = group().modulus();
    let composite = [&[0xff; 255][..], &[0xfb]].concat();
    for (message, fault) in [
        (mpints(31, &[&[0xff; 64], &[2]]), GroupFault::Size),
        (mpints(31, &[&[0xff; 128], &[2]]), GroupFault::Size),
        (mpints(31, &[&[0xff; 1025], &[2]]), GroupFault::Size),
        (mpints(31, &[&[0xff; 2048], &[2]]), GroupFault::Size),
        (mpints(31, &[&composite, &[2]]), GroupFault::NotSafePrime),
        (mpints(31, &[&[0xff; 256], &[2]]), GroupFault::NotSafePrime),
        (mpints(31, &[&p, &[1]]), GroupFault::Generator),
        (mpints(31, &[&p, &p]), GroupFault::Generator),
    ] {
        let mut client: WithClient = exchanging(DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256, true);
        client.say(&message);
        assert_eq!(client.closed(), misbehaved(PeerMisbehaved::KeyExchange(KexError::Group(fault))));
        assert_eq!(client.peer.numbers(), [1]);
    }
}

#[test]
fn requests_for_no_group_end_the_connection() {
    for ([min, preferred, max], error) in [
        ([3072, 2048, 8192], KexError::GroupSizes),
        ([2048, 8192, 4096], KexError::GroupSizes),
        ([u32::MAX, 0, 0], KexError::GroupSizes),
        ([512, 1024, 1024], KexError::NoGroup),
        ([8193, 8193, 16384], KexError::NoGroup),
    ] {
        let mut server: WithServer = exchanging(DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256, true);
        server.say(&written(34, |writer| [min, preferred, max].into_iter().for_each(|size| writer.uint32(size))));
        assert_eq!(server.closed(), misbehaved(PeerMisbehaved::KeyExchange(error)));
        assert_eq!(server.peer.numbers(), [1]);
    }
}

/// What the application sets travels: the client's sizes to the server, the server's own groups to the client.
#[test]
fn settings_of_group_exchange() {
    let own = DhGroup::new(&group().modulus(), &[5]).unwrap();
    for (preferred, bits, generator) in [(2048, 2048, 5), (2049, 4096, 2)] {
        let setup = Setup::new(5).quick().configure(|client, server| {
            client.kex.group_sizes = GroupSizes { min: 2048, preferred, max: 4096 };
            server.kex.moduli = Moduli::new(vec![own.clone(), Moduli::default().groups()[2].clone()]);
        });
        let mut pair = setup.algorithms(|lists| lists.kex = vec![DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256]).build();
        pair.log_in();
        let chosen = Moduli::default().groups().iter().find(|group| group.bits() == bits).unwrap().modulus();
        let message = mpints(31, &[&chosen, &[generator]]);
        assert!(pair.to_client.windows(message.len()).any(|window| window == message), "{preferred}");
        pair.client.rekey().unwrap();
        assert_eq!(pair.rekeyed(), (1, 1));
        pair.replay();
    }
}

/// All of them, with keys replaced by both sides.
#[test]
fn every_method_from_login_to_later_exchanges() {
    for method in methods() {
        let setup = Setup::new(6).quick().algorithms(|lists| lists.kex = vec![method]);
        let mut pair = Pair::logged_in(setup);
        pair.server.rekey().unwrap();
        assert_eq!(pair.rekeyed(), (1, 1), "{method:?}");
        pair.client.rekey().unwrap();
        assert_eq!(pair.rekeyed(), (1, 1), "{method:?}");
        pair.open_exec("true");
        pair.replay();
    }
}

/// The words for what went wrong.
#[test]
fn errors_in_words() {
    for (error, words) in [
        (KexError::InvalidPublicValue, "the public value is not a valid point or element"),
        (KexError::GroupSizes, "the sizes of group asked for are in no order"),
        (KexError::NoGroup, "there is no group of the size asked for"),
        (KexError::Group(GroupFault::Size), "the group is unacceptable: its modulus is too short or too long"),
        (KexError::Group(GroupFault::NotSafePrime), "the group is unacceptable: its modulus is no safe prime"),
        (KexError::Group(GroupFault::Generator), "the group is unacceptable: its generator generates nothing"),
    ] {
        assert_eq!(error.to_string(), words);
    }
}
