//! A session is a function of its inputs: a record of them, played again, gives the same bytes and the same events.

mod common;

use std::sync::Arc;

use common::{Setup, key, random};
use ssh_core::key::KeyAlgorithm;
use ssh_core::wire::{DataStream, DisconnectReason};
use ssh_core::{
    AuthAnswer, AuthMethod, ChannelEvent, ChannelRequest, ChannelType, Client, ClientEvent, HostKeyAnswer, Server,
    ServerEvent, Timestamp,
};

/// One call of an endpoint's input.
#[derive(Clone)]
enum Input {
    Time(u64),
    Bytes(Vec<u8>),
    Command(Command),
    Eof,
}

#[derive(Clone, Copy, Debug)]
enum Command {
    Rekey,
    Disconnect,
}

/// What an endpoint said and saw.
#[derive(Default, PartialEq, Debug)]
struct Outcome {
    output: Vec<u8>,
    events: Vec<String>,
}

/// An endpoint with an application that is a function of the events alone.
trait Player {
    fn feed(&mut self, input: &Input);
    /// Takes all events and all output.
    fn settle(&mut self) -> Vec<u8>;
    fn outcome(self) -> Outcome;
}

macro_rules! player {
    ($name:ident, $endpoint:ty, $answer:ident) => {
        struct $name {
            endpoint: $endpoint,
            outcome: Outcome,
        }

        impl Player for $name {
            fn feed(&mut self, input: &Input) {
                match input {
                    Input::Time(micros) => self.endpoint.handle_timeout(Timestamp::from_micros(*micros)),
                    Input::Bytes(bytes) => assert_eq!(self.endpoint.handle_input(bytes), bytes.len()),
                    Input::Command(Command::Rekey) => drop(self.endpoint.rekey()),
                    Input::Command(Command::Disconnect) => {
                        self.endpoint.disconnect(DisconnectReason::BY_APPLICATION, "done");
                    }
                    Input::Eof => self.endpoint.handle_eof(),
                }
            }

            fn settle(&mut self) -> Vec<u8> {
                while let Some(event) = self.endpoint.poll_event() {
                    self.outcome.events.push(format!("{event:?}"));
                    $answer(&mut self.endpoint, event, &mut self.outcome.events);
                }
                let output = self.endpoint.poll_output().to_vec();
                self.endpoint.consume_output(output.len());
                self.outcome.output.extend_from_slice(&output);
                output
            }

            fn outcome(self) -> Outcome {
                self.outcome
            }
        }
    };
}

player!(ClientPlayer, Client, answer_as_client);
player!(ServerPlayer, Server, answer_as_server);

fn answer_as_client(client: &mut Client, event: ClientEvent, log: &mut Vec<String>) {
    match event {
        ClientEvent::HostKey(request) => client.answer_host_key(request, HostKeyAnswer::Accept).unwrap(),
        ClientEvent::AuthNeeded(needed) if needed.tried.is_none() => {
            client
                .authenticate("user", AuthMethod::PublicKey(key(KeyAlgorithm::Ed25519, 3).public_key().clone()))
                .unwrap();
        }
        ClientEvent::Sign(request) => {
            let signature =
                key(KeyAlgorithm::Ed25519, 3).sign(request.algorithm, &request.data, &mut random(4)).unwrap();
            client.answer_signature(request, Some(&signature)).unwrap();
        }
        ClientEvent::Authenticated(_) => drop(client.open_channel(&ChannelType::Session).unwrap()),
        ClientEvent::Channel(id, ChannelEvent::Opened) => {
            client.channel(id).unwrap().request(&ChannelRequest::Shell, true).unwrap();
        }
        ClientEvent::Channel(id, ChannelEvent::Data(stream)) => {
            let mut channel = client.channel(id).unwrap();
            log.push(format!("{} bytes", channel.readable(stream).len()));
            channel.consume(stream, 700);
            channel.write(DataStream::STDOUT, b"more").unwrap();
        }
        _ => {}
    }
}

fn answer_as_server(server: &mut Server, event: ServerEvent, log: &mut Vec<String>) {
    match event {
        ServerEvent::Sign(request) => {
            let signature =
                key(KeyAlgorithm::Ed25519, 1).sign(request.algorithm, &request.data, &mut random(5)).unwrap();
            server.answer_signature(request, Some(&signature)).unwrap();
        }
        ServerEvent::KeyOffer(offer) => server.answer_key_offer(offer, true).unwrap(),
        ServerEvent::Auth(request) => server.answer_auth(request, AuthAnswer::Accept).unwrap(),
        ServerEvent::ChannelOpen(request) => drop(server.accept_channel(request).unwrap()),
        ServerEvent::Channel(id, ChannelEvent::Request(request)) => {
            server.reply(request.reply.unwrap(), true).unwrap();
            server.channel(id).unwrap().write(DataStream::STDOUT, &[7; 5000]).unwrap();
        }
        ServerEvent::Channel(id, ChannelEvent::Data(stream)) => {
            let mut channel = server.channel(id).unwrap();
            log.push(format!("{} bytes", channel.readable(stream).len()));
            channel.consume(stream, usize::MAX);
        }
        _ => {}
    }
}

fn players(seed: u64) -> (ClientPlayer, ServerPlayer) {
    let Setup { client, server, .. } = Setup::new(seed).quick();
    let client = Client::new(Arc::new(client), Box::new(random(seed)), Timestamp::ZERO).unwrap();
    let server = Server::new(Arc::new(server), Box::new(random(seed + 1)), Timestamp::ZERO).unwrap();
    let (client, server) = (ClientPlayer { endpoint: client, outcome: Outcome::default() }, server);
    (client, ServerPlayer { endpoint: server, outcome: Outcome::default() })
}

/// Plays a session with all its accidents and records what each side was given.
fn record(seed: u64) -> ([Vec<Input>; 2], [Outcome; 2]) {
    let (mut client, mut server) = players(seed);
    let mut tapes = [Vec::new(), Vec::new()];
    let mut dice = random(seed ^ 0xabc);
    let mut roll = |below: usize| {
        let mut bytes = [0; 4];
        dice.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes) as usize % below
    };
    fn give<P: Player>(player: &mut P, tape: &mut Vec<Input>, input: Input) -> Vec<u8> {
        player.feed(&input);
        tape.push(input);
        player.settle()
    }
    let mut pending = [server.settle(), client.settle()];
    for round in 0..400_u64 {
        for side in [0, 1] {
            let n = roll(900).min(pending[side].len());
            let bytes: Vec<u8> = pending[side].drain(..n).collect();
            let mut inputs = vec![Input::Time(round * 1000 + side as u64), Input::Bytes(bytes)];
            match (round, side) {
                (100 | 150, 0) | (120 | 150, 1) => inputs.push(Input::Command(Command::Rekey)),
                (390, 0) => inputs.push(Input::Command(Command::Disconnect)),
                (399, 1) => inputs.push(Input::Eof),
                _ => {}
            }
            for input in inputs {
                let said = match side {
                    0 => give(&mut client, &mut tapes[0], input),
                    _ => give(&mut server, &mut tapes[1], input),
                };
                pending[1 - side].extend(said);
            }
        }
    }
    (tapes, [client.outcome(), server.outcome()])
}

fn play<P: Player>(mut player: P, tape: &[Input]) -> Outcome {
    player.settle();
    for input in tape {
        player.feed(input);
        player.settle();
    }
    player.outcome()
}

#[test]
fn a_record_played_again_is_the_session() {
    for seed in [1, 40, 41] {
        let (tapes, [client, server]) = record(seed);
        for outcome in [&client, &server] {
            let count = |what: &str| outcome.events.iter().filter(|event| event.contains(what)).count();
            assert_eq!((count("Rekeyed"), count("Closed(")), (3, 1), "{:#?}", outcome.events);
            assert!(count("bytes") > 0 && outcome.output.len() > 2000);
        }
        for _ in 0..2 {
            let players = players(seed);
            assert_eq!(play(players.0, &tapes[0]), client);
            assert_eq!(play(players.1, &tapes[1]), server);
        }
        // Another seed says other things with the same ears.
        assert_ne!(play(players(seed + 7).0, &tapes[0]).output, client.output);
    }
}
