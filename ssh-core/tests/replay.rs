//! A session is a function of its inputs: a record of them, played again, gives the same bytes and the same events.

mod common;

use std::fmt::Debug;
use std::sync::Arc;

use common::{Setup, key, random, seed};
use ssh_core::key::KeyAlgorithm;
use ssh_core::recording::{ReplayError, replay};
use ssh_core::wire::{DataStream, DisconnectReason};
use ssh_core::{
    AuthAnswer, AuthMethod, ChannelEvent, ChannelRequest, ChannelType, Client, ClientConfig, ClientEvent, ClientRole,
    Endpoint, HostKeyAnswer, Role, Server, ServerConfig, ServerEvent, ServerRole, Side, Timestamp,
};

/// What an endpoint said and saw.
#[derive(Default, PartialEq, Debug)]
struct Outcome {
    output: Vec<u8>,
    events: Vec<String>,
}

/// An endpoint that is recorded, with an application.
struct Player<R: Role> {
    endpoint: Endpoint<R>,
    outcome: Outcome,
    answer: fn(&mut Endpoint<R>, R::Event),
}

impl<R: Role> Player<R>
where
    R::Event: Debug,
{
    /// Takes all events and all output.
    fn settle(&mut self) -> Vec<u8> {
        while let Some(event) = self.endpoint.poll_event() {
            self.outcome.events.push(format!("{event:?}"));
            (self.answer)(&mut self.endpoint, event);
        }
        let output = self.endpoint.poll_output().to_vec();
        self.endpoint.consume_output(output.len());
        self.outcome.output.extend_from_slice(&output);
        output
    }

    /// Plays the recording again, to the same end.
    fn replay(&mut self, config: &Arc<R::Config>) -> Vec<u8> {
        let recording = self.endpoint.take_recording();
        let again = replay::<R>(Arc::clone(config), &recording).unwrap();
        let events: Vec<String> = again.events.iter().map(|event| format!("{event:?}")).collect();
        assert_eq!(events, self.outcome.events);
        assert!(again.output == self.outcome.output, "it said something else");
        recording
    }
}

fn answer_as_client(client: &mut Client, event: ClientEvent) {
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
            channel.consume(stream, 700);
            channel.write(DataStream::STDOUT, b"more").unwrap();
        }
        _ => {}
    }
}

fn answer_as_server(server: &mut Server, event: ServerEvent) {
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
            channel.consume(stream, usize::MAX);
        }
        _ => {}
    }
}

/// A session with all its accidents.
struct Session {
    client: Player<ClientRole>,
    server: Player<ServerRole>,
    client_config: Arc<ClientConfig>,
    server_config: Arc<ServerConfig>,
}

impl Session {
    fn new(number: u64) -> Self {
        let Setup { client, server, .. } = Setup::new(number).quick();
        let (client_config, server_config) = (Arc::new(client), Arc::new(server));
        let client = Client::recorded(Arc::clone(&client_config), &seed(number), Timestamp::ZERO).unwrap();
        let server = Server::recorded(Arc::clone(&server_config), &seed(number + 1), Timestamp::ZERO).unwrap();
        Self {
            client: Player { endpoint: client, outcome: Outcome::default(), answer: answer_as_client },
            server: Player { endpoint: server, outcome: Outcome::default(), answer: answer_as_server },
            client_config,
            server_config,
        }
    }

    fn run(number: u64) -> Self {
        let mut session = Self::new(number);
        let mut dice = random(number ^ 0xabc);
        let mut roll = |below: usize| {
            let mut bytes = [0; 4];
            dice.fill_bytes(&mut bytes);
            u32::from_le_bytes(bytes) as usize % below
        };
        let (mut to_client, mut to_server) = (session.server.settle(), session.client.settle());
        for round in 0..400 {
            let n = roll(900).min(to_client.len());
            to_server.extend(turn(&mut session.client, round, to_client.drain(..n).collect()));
            let n = roll(900).min(to_server.len());
            to_client.extend(turn(&mut session.server, round, to_server.drain(..n).collect()));
        }
        session
    }
}

/// A turn of a loop: time, bytes, and what an application does out of itself.
fn turn<R: Role>(player: &mut Player<R>, round: u64, bytes: Vec<u8>) -> Vec<u8>
where
    R::Event: Debug,
{
    let endpoint = &mut player.endpoint;
    endpoint.handle_timeout(Timestamp::from_micros(round * 1000));
    // Both ways in.
    if round.is_multiple_of(2) {
        assert_eq!(endpoint.handle_input(&bytes), bytes.len());
    } else {
        endpoint.input_buffer()[..bytes.len()].copy_from_slice(&bytes);
        endpoint.input_filled(bytes.len());
    }
    match (round, endpoint.side()) {
        (100 | 150, Side::Client) | (120 | 150, Side::Server) => endpoint.rekey().unwrap(),
        (390, Side::Client) => endpoint.disconnect(DisconnectReason::BY_APPLICATION, "done"),
        (395, Side::Client) => endpoint.handle_write_closed(),
        (399, Side::Server) => endpoint.handle_eof(),
        _ => {}
    }
    player.settle()
}

#[test]
fn a_recording_played_again_is_the_session() {
    for number in [1, 40, 41] {
        let mut session = Session::run(number);
        for outcome in [&session.client.outcome, &session.server.outcome] {
            let count = |what: &str| outcome.events.iter().filter(|event| event.contains(what)).count();
            assert_eq!((count("Rekeyed"), count("Closed(")), (3, 1), "{:#?}", outcome.events);
            assert!(count("Data") > 0 && outcome.output.len() > 2000);
        }
        let client = session.client.replay(&session.client_config);
        let server = session.server.replay(&session.server_config);
        // Again, as often as one likes.
        assert!(replay::<ClientRole>(session.client_config, &client).unwrap().output == session.client.outcome.output);
        assert!(replay::<ServerRole>(session.server_config, &server).unwrap().output == session.server.outcome.output);
    }
}

#[test]
fn another_configuration_is_found_out() {
    let mut session = Session::run(7);
    let recording = session.client.endpoint.take_recording();
    let other = Arc::new(ClientConfig::default());
    assert!(matches!(replay::<ClientRole>(other, &recording), Err(ReplayError::Diverged { .. })));
    let other_role = replay::<ServerRole>(session.server_config, &recording).unwrap_err();
    assert_eq!(other_role, ReplayError::OtherRole);
}

/// A recording is a file: whatever is in it, reading it ends, with the place where it is wrong.
#[test]
fn damaged_recordings() {
    let mut session = Session::run(9);
    let recording = session.client.endpoint.take_recording();
    let config = &session.client_config;
    let start = 4 + 18 + 4 + 1 + 32 + 8;
    for length in 0..start {
        let cut = replay::<ClientRole>(Arc::clone(config), &recording[..length]).unwrap_err();
        assert_eq!(cut, ReplayError::NotARecording);
    }
    for length in (start..recording.len()).step_by(37) {
        match replay::<ClientRole>(Arc::clone(config), &recording[..length]) {
            Ok(again) => assert!(session.client.outcome.output.starts_with(&again.output)),
            Err(error) => {
                assert!(matches!(error, ReplayError::Malformed { offset } if offset < length), "{length}: {error:?}");
            }
        }
    }
    for at in (start..recording.len()).step_by(41) {
        let mut damaged = recording.clone();
        damaged[at] ^= 0x40;
        // It may fail or lead elsewhere.
        drop(replay::<ClientRole>(Arc::clone(config), &damaged));
    }
}
