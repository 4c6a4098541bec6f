//! Transcripts of whole sessions: both sides tell the same story, and the same inputs the same one.

mod common;

use common::{Pair, Setup};
use ssh_core::transcript::{Direction, Entry};
use ssh_core::wire::DataStream;

fn session(number: u64) -> (Vec<Entry>, Vec<Entry>) {
    let setup = Setup::new(number).configure(|client, server| {
        client.transcript_entries = 1000;
        server.transcript_entries = 1000;
    });
    let mut pair = Pair::logged_in(setup);
    let (_, id) = pair.open_exec("cat /etc/shadow");
    pair.server.channel(id).unwrap().write(DataStream::STDOUT, b"root:hash").unwrap();
    pair.pass(5);
    pair.client.rekey().unwrap();
    pair.run();
    pair.server.channel(id).unwrap().close();
    pair.run();
    let client = std::iter::from_fn(|| pair.client.poll_transcript()).collect();
    (client, std::iter::from_fn(|| pair.server.poll_transcript()).collect())
}

/// As the other side would tell it.
fn lines(entries: &[Entry], direction: Direction) -> Vec<String> {
    let of_direction = entries.iter().filter(|entry| entry.direction == direction);
    of_direction.map(|entry| entry.to_string()[2..].to_owned()).collect()
}

#[test]
fn both_sides_tell_the_same_story() {
    let (client, server) = session(1);
    assert_eq!(lines(&client, Direction::Sent), lines(&server, Direction::Received));
    assert_eq!(lines(&server, Direction::Sent), lines(&client, Direction::Received));
    let names: Vec<&str> = client.iter().map(|entry| entry.name).collect();
    assert_eq!(names[..3], ["KEXINIT", "KEXINIT", "KEX_ECDH_INIT"], "{names:?}");
    let rekeyed = names.iter().filter(|&&name| name == "NEWKEYS").count();
    assert_eq!((rekeyed, names.last()), (4, Some(&"CHANNEL_CLOSE")), "{names:?}");
    assert!(client.iter().all(|entry| entry.missed == 0));
    assert_eq!(client.last().unwrap().time.as_micros(), 5);
}

#[test]
fn the_same_session_has_the_same_transcript() {
    assert_eq!(session(3), session(3));
    // Lines do not depend on keys and cookies either.
    assert_eq!(lines(&session(3).0, Direction::Sent), lines(&session(4).0, Direction::Sent));
}

#[test]
fn nothing_that_was_typed_is_in_it() {
    let (client, server) = session(1);
    for entry in client.iter().chain(&server) {
        let line = entry.to_string();
        assert!(!line.contains("secret") && !line.contains("shadow") && !line.contains("root"), "{line}");
    }
    assert!(client.iter().any(|entry| entry.to_string().contains("password=(hidden)")));
}

/// Off by default, and then nothing is kept.
#[test]
fn without_being_asked_for_there_is_none() {
    let mut pair = Pair::logged_in(Setup::new(1));
    assert!(pair.client.poll_transcript().is_none() && pair.server.poll_transcript().is_none());
}
