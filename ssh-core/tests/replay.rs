//! A session is a function of its inputs: a record of them, played again, gives the same bytes and the same events.

mod common;

use std::fmt::Debug;
use std::sync::Arc;

use common::{Setup, key, random, seed};
use ssh_core::key::KeyAlgorithm;
use ssh_core::recording::{ReplayError, replay};
use ssh_core::wire::{ChannelOpenFailureReason, DataStream, DisconnectReason, Writer};
use ssh_core::{
    AuthAnswer, AuthMethod, ChannelEvent, ChannelRequest, ChannelType, Client, ClientConfig, ClientEvent, ClientRole,
    ConfigError, Credential, Endpoint, GlobalRequestEvent, HostKeyAnswer, Prompt, Role, Server, ServerConfig,
    ServerEvent, ServerRole, Side, Timestamp,
};

/// What an endpoint said and saw.
#[derive(Default, PartialEq, Debug)]
struct Outcome {
    output: Vec<u8>,
    events: Vec<String>,
}

/// What an application does about an event.
type AsClient = fn(&mut Client, ClientEvent);
type AsServer = fn(&mut Server, ServerEvent);

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
    fn new(number: u64, as_client: AsClient, as_server: AsServer) -> Self {
        let Setup { mut client, mut server, .. } = Setup::new(number).quick();
        server.auth_methods.push("hostbased".into());
        // So small that writes are cut short.
        (client.limits.channel_window, client.limits.channel_packet) = (4096, 1024);
        let (client_config, server_config) = (Arc::new(client), Arc::new(server));
        let client = Client::recorded(Arc::clone(&client_config), &seed(number), Timestamp::ZERO).unwrap();
        let server = Server::recorded(Arc::clone(&server_config), &seed(number + 1), Timestamp::ZERO).unwrap();
        Self {
            client: Player { endpoint: client, outcome: Outcome::default(), answer: as_client },
            server: Player { endpoint: server, outcome: Outcome::default(), answer: as_server },
            client_config,
            server_config,
        }
    }

    fn run(number: u64) -> Self {
        Self::run_with(number, answer_as_client, answer_as_server)
    }

    fn run_with(number: u64, as_client: AsClient, as_server: AsServer) -> Self {
        let mut session = Self::new(number, as_client, as_server);
        let mut dice = random(number ^ 0xabc);
        let mut roll = |below: usize| {
            let mut bytes = [0; 4];
            dice.fill_bytes(&mut bytes);
            u32::from_le_bytes(bytes) as usize % below
        };
        let (mut to_client, mut to_server) = (session.server.settle(), session.client.settle());
        for round in 0..400 {
            let n = roll(900).min(to_client.len());
            to_server.extend(turn(&mut session.client, round, &mut to_client, n));
            let n = roll(900).min(to_server.len());
            to_client.extend(turn(&mut session.server, round, &mut to_server, n));
        }
        session
    }
}

/// A turn of a loop: time, at most `n` of the bytes that came, and what an application does out of itself.
fn turn<R: Role>(player: &mut Player<R>, round: u64, incoming: &mut Vec<u8>, n: usize) -> Vec<u8>
where
    R::Event: Debug,
{
    let endpoint = &mut player.endpoint;
    endpoint.handle_timeout(Timestamp::from_micros(round * 1000));
    // Both ways in.
    let taken = if round.is_multiple_of(2) {
        endpoint.handle_input(&incoming[..n])
    } else {
        let room = endpoint.input_buffer();
        let taken = n.min(room.len());
        room[..taken].copy_from_slice(&incoming[..taken]);
        endpoint.input_filled(taken);
        taken
    };
    incoming.drain(..taken);
    match (round, endpoint.side()) {
        // Refused if the login did not come that far.
        (100 | 150, Side::Client) | (120 | 150, Side::Server) => _ = endpoint.rekey(),
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

/// The word of a host whose key is the user's, too.
fn host_based() -> AuthMethod {
    let key = key(KeyAlgorithm::Ed25519, 3).public_key().clone();
    AuthMethod::HostBased { key, host_name: "client.example.".into(), user_name: "me".into() }
}

/// A client that tries every method and every call, one after the other.
fn try_everything_as_client(client: &mut Client, event: ClientEvent) {
    match event {
        ClientEvent::AuthNeeded(needed) => {
            let method = match needed.tried {
                None => AuthMethod::None,
                Some("none") => AuthMethod::PublicKey(key(KeyAlgorithm::Ed25519, 3).public_key().clone()),
                Some("publickey") => host_based(),
                Some("hostbased") => AuthMethod::Password("old".into()),
                _ => AuthMethod::KeyboardInteractive { submethods: "pam".into() },
            };
            client.authenticate("user", method).unwrap();
        }
        ClientEvent::PasswordChange(_) => {
            client.authenticate("user", AuthMethod::PasswordChange { old: "old".into(), new: "new".into() }).unwrap();
        }
        ClientEvent::Prompts(prompts) => client.answer_prompts(&prompts, &["one".into(), "two".into()]).unwrap(),
        ClientEvent::Authenticated(_) => {
            for name in [&b"granted"[..], b"refused"] {
                client.global_request(name, b"fields").unwrap();
            }
            for _ in 0..4 {
                client.open_channel(&ChannelType::Session).unwrap();
            }
            client
                .open_channel(&ChannelType::Other { name: b"tun@openssh.com".to_vec(), data: b"fields".to_vec() })
                .unwrap();
        }
        // What the server does is what the channel's number says.
        ClientEvent::Channel(id, ChannelEvent::Opened) => {
            let command = id.to_string().into_bytes();
            client.channel(id).unwrap().request(&ChannelRequest::Exec { command }, true).unwrap();
        }
        ClientEvent::Channel(id, ChannelEvent::Reply { success: true, .. }) => match id.to_string().as_str() {
            "channel 1" => client.channel(id).unwrap().abandon(),
            "channel 2" => client.channel(id).unwrap().close(),
            _ => client.channel(id).unwrap().send_eof().unwrap(),
        },
        ClientEvent::Channel(id, ChannelEvent::Data(stream)) => {
            let mut channel = client.channel(id).unwrap();
            channel.consume(stream, 10_000);
        }
        event => answer_as_client(client, event),
    }
}

/// A server that answers in every way, one after the other.
fn try_everything_as_server(server: &mut Server, event: ServerEvent) {
    let methods = |names: &[&str]| AuthAnswer::Partial {
        methods_that_can_continue: names.iter().map(|&name| name.into()).collect(),
    };
    match event {
        ServerEvent::Auth(request) => {
            let answer = match request.credential {
                Credential::None => {
                    server.send_banner("Hello.\n").unwrap();
                    AuthAnswer::Reject
                }
                Credential::PublicKey { .. } => methods(&["hostbased"]),
                Credential::HostBased { .. } => methods(&["password", "keyboard-interactive"]),
                Credential::Password(_) => AuthAnswer::ChangePassword { prompt: "It is old.".into() },
                Credential::PasswordChange { .. } => methods(&["keyboard-interactive"]),
                Credential::KeyboardInteractive { .. } => AuthAnswer::Prompts {
                    name: "Questions".into(),
                    instruction: "Answer them.".into(),
                    prompts: [("One?", true), ("Two?", false)]
                        .map(|(prompt, echo)| Prompt { prompt: prompt.into(), echo })
                        .into(),
                },
                _ => AuthAnswer::Accept,
            };
            server.answer_auth(request, answer).unwrap();
        }
        ServerEvent::ChannelOpen(request) if request.channel_type == ChannelType::Session => {
            server.accept_channel(request).unwrap();
        }
        ServerEvent::ChannelOpen(request) => {
            server.reject_channel(request, ChannelOpenFailureReason::CONNECT_FAILED, "no such thing").unwrap();
        }
        ServerEvent::Global(GlobalRequestEvent::Request { name, reply, .. }) => {
            server.answer_global(reply.unwrap(), (name == b"granted").then_some(&b"fields"[..])).unwrap();
        }
        ServerEvent::Channel(id, ChannelEvent::Request(incoming)) => {
            let ChannelRequest::Exec { command } = incoming.request else { panic!("{incoming:?}") };
            server.reply(incoming.reply.unwrap(), command != b"channel 3").unwrap();
            let mut channel = server.channel(id).unwrap();
            match &command[..] {
                b"channel 0" => {
                    let fill = |room: &mut [u8]| {
                        room[..5].copy_from_slice(b"whole");
                        5
                    };
                    assert_eq!(channel.write_with(DataStream::STDERR, 100, fill), Ok(5));
                    // More than the window takes.
                    while channel.write(DataStream::STDOUT, &[7; 20_000]) == Ok(20_000) {}
                    assert_eq!(channel.write_with(DataStream::STDOUT, 100, fill), Ok(0));
                }
                _ => {
                    channel.request(&ChannelRequest::ExitStatus(9), false).unwrap();
                    channel.close();
                }
            }
        }
        ServerEvent::Channel(id, ChannelEvent::Writable) => server.channel(id).unwrap().send_eof().unwrap(),
        event => answer_as_server(server, event),
    }
}

/// Every call there is stands in a recording, and leads to the same again.
#[test]
fn every_call_is_recorded() {
    let mut session = Session::run_with(5, try_everything_as_client, try_everything_as_server);
    let seen = |outcome: &Outcome, what: &[&str]| {
        for what in what {
            assert!(outcome.events.iter().any(|event| event.contains(what)), "no {what} in {:#?}", outcome.events);
        }
    };
    let at_client = [
        "Banner(\"Hello.",
        "tried: Some(\"hostbased\")",
        "PasswordChange(",
        "Prompts(",
        "Authenticated(\"keyboard-interactive\")",
        "OpenFailed { reason: CONNECT_FAILED",
        "response: Some(",
        "response: None",
        "success: true",
        "success: false",
        "ExitStatus(9)",
        "Data(STDERR(1))",
        "Eof",
        "Closed(Local)",
    ];
    seen(&session.client.outcome, &at_client);
    let at_server = ["KeyOffer(", "HostBased {", "Writable", "Eof", "Closed)", "Closed(Peer)"];
    seen(&session.server.outcome, &at_server);
    session.client.replay(&session.client_config);
    session.server.replay(&session.server_config);
}

/// An answer that was no is one, too.
#[test]
fn refusals_are_recorded() {
    let no_host_key = |client: &mut Client, event| match event {
        ClientEvent::HostKey(request) => client.answer_host_key(request, HostKeyAnswer::Reject).unwrap(),
        event => answer_as_client(client, event),
    };
    let no_signature = |client: &mut Client, event| match event {
        ClientEvent::Sign(request) => client.answer_signature(request, None).unwrap(),
        event => answer_as_client(client, event),
    };
    let no_host = |client: &mut Client, event| match event {
        ClientEvent::AuthNeeded(needed) if needed.tried.is_none() => client.authenticate("user", host_based()).unwrap(),
        ClientEvent::Sign(request) => client.answer_signature(request, None).unwrap(),
        event => answer_as_client(client, event),
    };
    let a_host = |client: &mut Client, event| match event {
        ClientEvent::AuthNeeded(needed) if needed.tried.is_none() => client.authenticate("user", host_based()).unwrap(),
        event => answer_as_client(client, event),
    };
    let no_trust = |server: &mut Server, event| match event {
        ServerEvent::Auth(request) => server.answer_auth(request, AuthAnswer::Reject).unwrap(),
        event => answer_as_server(server, event),
    };
    let no_user_key = |server: &mut Server, event| match event {
        ServerEvent::KeyOffer(offer) => server.answer_key_offer(offer, false).unwrap(),
        event => answer_as_server(server, event),
    };
    let no_proof = |server: &mut Server, event| match event {
        ServerEvent::Sign(request) => server.answer_signature(request, None).unwrap(),
        event => answer_as_server(server, event),
    };
    let cases: [(AsClient, AsServer, &str); 6] = [
        (no_host_key, answer_as_server, "HostKeyRejected"),
        (no_signature, answer_as_server, "tried: Some(\"publickey\")"),
        (no_host, answer_as_server, "tried: Some(\"hostbased\")"),
        (a_host, no_trust, "tried: Some(\"hostbased\")"),
        (answer_as_client, no_user_key, "tried: Some(\"publickey\")"),
        (answer_as_client, no_proof, "KEY_EXCHANGE_FAILED"),
    ];
    for (as_client, as_server, expected) in cases {
        let mut session = Session::run_with(6, as_client, as_server);
        let events = &session.client.outcome.events;
        assert!(events.iter().any(|event| event.contains(expected)), "no {expected} in {events:#?}");
        session.client.replay(&session.client_config);
        session.server.replay(&session.server_config);
    }
}

/// Writes an entry.
type WriteEntry<'a> = &'a dyn Fn(&mut Writer<'_>);

/// A client's configuration, and the recording of one that has done nothing yet.
fn just_begun() -> (Arc<ClientConfig>, Vec<u8>) {
    let config = Arc::new(Setup::new(1).quick().client);
    let mut client = Client::recorded(Arc::clone(&config), &seed(1), Timestamp::ZERO).unwrap();
    (config, client.take_recording())
}

/// How playing this entry ends, at the very start.
fn play(entry: WriteEntry<'_>) -> Result<(), ReplayError> {
    let (config, mut recording) = just_begun();
    entry(&mut Writer::new(&mut recording));
    replay::<ClientRole>(config, &recording).map(drop)
}

/// Entries that are no entries are found where they stand.
#[test]
fn entries_that_make_no_sense() {
    let offset = just_begun().1.len();
    assert_eq!(play(&|_| ()), Ok(()));
    let malformed: [(&str, WriteEntry<'_>); 9] = [
        ("an unknown kind", &|entry| entry.byte(99)),
        ("a time that is cut off", &|entry| entry.bytes(&[0, 1, 2])),
        ("a method that does not exist", &|entry| {
            entry.byte(33);
            entry.string(b"user");
            entry.byte(6);
            entry.string(key(KeyAlgorithm::Ed25519, 3).public_key().blob());
            entry.string(b"client.example.");
            entry.string(b"me");
        }),
        ("a host without its user", &|entry| {
            entry.byte(33);
            entry.string(b"user");
            entry.byte(5);
            entry.string(key(KeyAlgorithm::Ed25519, 3).public_key().blob());
            entry.string(b"client.example.");
        }),
        ("a key that is none", &|entry| {
            entry.byte(33);
            entry.string(b"user");
            entry.byte(3);
            entry.string(b"key");
        }),
        ("an answer that does not exist", &|entry| {
            entry.byte(49);
            entry.uint64(1);
            entry.byte(5);
        }),
        ("a text that is none", &|entry| {
            entry.byte(23);
            entry.uint32(11);
            entry.string(b"\xff");
        }),
        ("more answers than there are bytes", &|entry| {
            entry.byte(34);
            entry.uint64(1);
            entry.uint32(u32::MAX);
        }),
        ("output without its digest", &|entry| {
            entry.byte(5);
            entry.uint32(1);
        }),
    ];
    for (what, entry) in malformed {
        assert_eq!(play(entry), Err(ReplayError::Malformed { offset }), "{what}");
    }
}

/// Entries that are none of this session's are found out, too.
#[test]
fn entries_of_another_session() {
    let offset = just_begun().1.len();
    let diverged: [(&str, WriteEntry<'_>); 5] = [
        ("an event that does not come", &|entry| {
            entry.byte(4);
            entry.boolean(true);
        }),
        ("more input than fits", &|entry| {
            entry.byte(1);
            entry.string(&[0; 1 << 20]);
        }),
        ("more output than there is", &|entry| {
            entry.byte(5);
            entry.uint32(1 << 20);
            entry.bytes(&[0; 8]);
        }),
        ("other output", &|entry| {
            entry.byte(5);
            entry.uint32(8);
            entry.bytes(&[0; 8]);
        }),
        ("a channel that does not exist", &|entry| {
            entry.byte(68);
            entry.uint32(0);
        }),
    ];
    for (what, entry) in diverged {
        assert_eq!(play(entry), Err(ReplayError::Diverged { offset }), "{what}");
    }
}

#[test]
fn recordings_that_cannot_begin() {
    let (config, start) = just_begun();
    let mut later = Vec::new();
    let mut writer = Writer::new(&mut later);
    writer.string(b"ssh-core recording");
    writer.uint32(2);
    later.extend_from_slice(&start[later.len()..]);
    let unknown_version = replay::<ClientRole>(Arc::clone(&config), &later).unwrap_err();
    assert_eq!(unknown_version, ReplayError::NotARecording);
    let mut broken = ClientConfig::default();
    broken.limits.max_channels = 0;
    let refused = replay::<ClientRole>(Arc::new(broken), &start).unwrap_err();
    assert_eq!(refused, ReplayError::Config(ConfigError::Limits));
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
