//! Where EXT_INFO may stand (RFC 8308 §2.4): right behind the first NEWKEYS, and from a server right before
//! USERAUTH_SUCCESS. Anywhere else it is how packets are smuggled past a strict count (CVE-2023-46445).

mod common;

use common::hostile::{Meeting, Party, WithClient};
use hostile_peer::messages;
use ssh_core::wire::MessageNumber;
use ssh_core::{AuthMethod, ClientEvent, ClientRole, CloseReason, Error, PeerMisbehaved, ServerRole, Stage};

fn ext_info() -> Vec<u8> {
    messages::ext_info(&[("server-sig-algs", "ssh-ed25519")])
}

fn unexpected(number: MessageNumber) -> Option<CloseReason> {
    let during = Stage::Authentication;
    Some(CloseReason::Failed(PeerMisbehaved::UnexpectedMessage { number, during }.into()))
}

/// A client that waits for what the server thinks of its password.
fn trying() -> WithClient {
    let mut meeting = Meeting::<ClientRole>::quick(true).keyed();
    ClientRole::grant_service(&mut meeting);
    meeting.endpoint.authenticate("root", AuthMethod::Password("secret".into())).unwrap();
    meeting.settle();
    meeting.peer.expect(50);
    meeting
}

#[test]
fn behind_the_first_newkeys() {
    fn run<P: Party>() {
        let mut meeting = Meeting::<P>::quick(true).keyed();
        meeting.say(&ext_info());
        assert_eq!(meeting.closed(), None);
        meeting.say(&ext_info());
        assert_eq!(meeting.closed(), unexpected(MessageNumber::EXT_INFO), "{:?}", P::SIDE);
    }
    run::<ClientRole>();
    run::<ServerRole>();
}

#[test]
fn not_as_a_later_message() {
    fn run<P: Party>() {
        let mut meeting = Meeting::<P>::quick(true).keyed();
        meeting.say(&messages::ignore(b""));
        meeting.say(&ext_info());
        assert_eq!(meeting.closed(), unexpected(MessageNumber::EXT_INFO), "{:?}", P::SIDE);
    }
    run::<ClientRole>();
    run::<ServerRole>();
}

#[test]
fn before_success() {
    let mut meeting = trying();
    meeting.say(&ext_info());
    meeting.peer.accept_user();
    meeting.settle();
    assert!(matches!(meeting.event(), ClientEvent::Authenticated("password")));
    assert_eq!(meeting.closed(), None);
}

#[test]
fn and_before_nothing_else() {
    for (number, next) in [
        (MessageNumber::USERAUTH_FAILURE, messages::minimal(51, 0)),
        (MessageNumber::USERAUTH_BANNER, messages::minimal(53, 0)),
        (MessageNumber::EXT_INFO, ext_info()),
    ] {
        let mut meeting = trying();
        meeting.say(&ext_info());
        assert_eq!(meeting.closed(), None);
        meeting.say(&next);
        assert_eq!(meeting.closed(), unexpected(number));
    }
}

/// One that is malformed is the end, wherever it comes, and whether or not what it says is of use.
#[test]
fn and_well_formed() {
    fn run<P: Party>(mut meeting: Meeting<P>) {
        meeting.say(&[7, 0, 0, 0, 1, 0, 0, 0, 15]);
        let malformed = matches!(
            meeting.closed(),
            Some(CloseReason::Failed(Error::PeerMisbehaved(PeerMisbehaved::MalformedMessage { number, .. })))
                if number == MessageNumber::EXT_INFO
        );
        assert!(malformed, "{:?}", meeting.closed());
    }
    run(Meeting::<ClientRole>::quick(true).keyed());
    run(Meeting::<ServerRole>::quick(true).keyed());
    run(trying());
}
