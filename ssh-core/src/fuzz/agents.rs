//! Both ends of a conversation with an agent.

use alloc::vec::Vec;

use super::fake::random;
use super::input::{Dice, Input};
use crate::agent::{AgentClient, AgentConnection, AgentError, AgentTime, Constraints, Keyring, MAX_FRAME_LENGTH};
use crate::key::{KeyAlgorithm, PrivateKey};
use crate::protocol::ByteProtocol;
use crate::secret::SecretBytes;
use crate::time::{Timestamp, UnixTime};

const MAX_INPUT: usize = 8 * 1024;

/// Bytes for an agent (first byte even) or from one (odd), in pieces. An agent answers every request once, goes on after
/// what makes no sense, and shows nothing while it is locked; whether the bytes come whole or one by one is the same.
pub fn agents(data: &[u8]) {
    let mut input = Input::new(data, MAX_INPUT);
    let (side, seed) = (input.byte(), input.byte());
    if side % 2 == 0 {
        let whole = serve(input.rest(), usize::MAX, seed);
        assert_eq!(whole, serve(input.rest(), 1, seed));
    } else {
        let whole = ask(input.rest(), usize::MAX, seed);
        assert_eq!(whole, ask(input.rest(), 1, seed));
    }
}

/// What a keyring with a key and a constrained one answers.
fn serve(bytes: &[u8], piece: usize, seed: u8) -> Vec<u8> {
    let (mut keyring, mut connection) = (Keyring::new(), AgentConnection::new());
    let mut random = random(seed);
    let mut dice = Dice::new(seed);
    let mut answers = Vec::new();
    let mut seconds = 0;
    for mut rest in bytes.chunks(piece.min(bytes.len()).max(1)) {
        loop {
            let taken = connection.handle_input(rest);
            rest = &rest[taken..];
            let time = AgentTime {
                now: Timestamp::from_micros(seconds * 1_000_000),
                calendar: UnixTime::from_secs(1_800_000_000),
            };
            if let Some(needed) = keyring.serve(&mut connection, time, &mut random) {
                keyring.answer_consent(&mut connection, needed, dice.roll(2) == 0, time, &mut random);
            }
            let output = connection.poll_output();
            let sent = output.len();
            assert!(sent <= MAX_FRAME_LENGTH + 4);
            answers.extend_from_slice(output);
            connection.consume_output(sent);
            // Time goes by with what was answered, so that pieces make no difference.
            seconds += u64::from(sent > 0);
            if rest.is_empty() && sent == 0 {
                break;
            }
        }
    }
    answers
}

/// What a client makes of answers to one question of each kind.
fn ask(bytes: &[u8], piece: usize, seed: u8) -> Vec<Result<crate::agent::AgentReply, AgentError>> {
    let mut client = AgentClient::new();
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random(seed)).unwrap();
    client.list().unwrap();
    client.sign(key.public_key(), "ssh-ed25519", b"data").unwrap();
    client.add(&key, None, "comment", &Constraints::default()).unwrap();
    client.extension("query", b"").unwrap();
    client.lock(&SecretBytes::from("secret")).unwrap();
    let mut replies = Vec::new();
    for mut rest in bytes.chunks(piece.min(bytes.len()).max(1)) {
        while !rest.is_empty() {
            let taken = client.handle_input(rest);
            rest = &rest[taken..];
            while let Some(reply) = client.poll_reply() {
                let over = reply.as_ref().is_err_and(AgentError::is_fatal);
                replies.push(reply);
                if over {
                    return replies;
                }
            }
        }
    }
    replies
}
