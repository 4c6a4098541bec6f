//! Clocks that were told long ago: what a command begins has all its time from then on, however long nobody has called
//! `handle_timeout` before.

mod common;

use std::time::Duration;

use common::hostile::Meeting;
use common::{Pair, Setup};
use hostile_peer::{Step, messages};
use ssh_core::wire::DisconnectReason;
use ssh_core::{ClientEvent, ClientRole, CloseReason, Deadline, Error, Limits, ServerRole, Timestamp};

const LONG: Duration = Duration::from_secs(3600);

fn later(after: Duration) -> Timestamp {
    Timestamp::ZERO.saturating_add(LONG).saturating_add(after)
}

#[test]
fn a_key_exchange_after_a_pause() {
    let mut pair = Pair::logged_in(Setup::new(1).quick());
    pair.client.rekey().unwrap();
    // Whoever is asked for the time answers at once.
    assert_eq!(pair.client.poll_timeout(), Some(Timestamp::ZERO));
    pair.client.handle_timeout(later(Duration::ZERO));
    let grace = Limits::default().rekey_grace;
    assert_eq!(pair.client.poll_timeout(), Some(later(grace)));
    pair.run();
    assert!(matches!(pair.client_event(), ClientEvent::Rekeyed));
    assert_eq!(pair.client.poll_timeout(), None);
}

#[test]
fn a_key_exchange_of_the_peers_after_a_pause() {
    let mut meeting = Meeting::<ServerRole>::quick(true).with_session();
    // It lay there unread.
    meeting.peer.say(Step::KexInit);
    meeting.settle();
    meeting.endpoint.handle_timeout(later(Duration::ZERO));
    meeting.settle();
    assert_eq!(meeting.closed(), None);
    meeting.endpoint.handle_timeout(later(Limits::default().rekey_grace));
    meeting.settle();
    assert_eq!(meeting.closed(), Some(CloseReason::Failed(Error::Timeout(Deadline::Rekey))));
}

/// The last words leave although the clock jumps before anybody writes them.
#[test]
fn last_words_after_a_pause() {
    let mut pair = Pair::logged_in(Setup::new(1).quick());
    pair.client.disconnect(DisconnectReason::BY_APPLICATION, "that is all");
    pair.client.handle_timeout(later(Duration::ZERO));
    assert!(!pair.client.poll_output().is_empty());
    while pair.client.poll_event().is_some() {}
    pair.client.handle_timeout(later(LONG));
    let linger = Limits::default().linger;
    assert_eq!(pair.client.poll_timeout(), Some(later(LONG).saturating_add(linger)));
    // A little of it leaves: the rest has its time again.
    pair.client.consume_output(1);
    pair.client.handle_timeout(later(LONG * 2));
    assert!(!pair.client.poll_output().is_empty());
    pair.client.handle_timeout(later(LONG * 2).saturating_add(linger));
    assert!(pair.client.is_finished() && pair.client.poll_output().is_empty());
}

#[test]
fn a_proof_of_host_keys_after_a_pause() {
    let mut meeting = Meeting::<ClientRole>::quick(true).with_session();
    meeting.endpoint.prove_host_keys(&[]).unwrap();
    meeting.endpoint.handle_timeout(later(Duration::ZERO));
    meeting.settle();
    assert_eq!(meeting.events.len(), 0);
    assert_eq!(meeting.endpoint.poll_timeout(), Some(later(Limits::default().proof_grace)));
    meeting.say(&messages::request_failure());
    assert!(matches!(meeting.event(), ClientEvent::HostKeysProven(None)));
    assert_eq!(meeting.closed(), None::<CloseReason>);
}
