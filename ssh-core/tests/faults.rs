//! What networks and strangers do: cuts, flipped bits, silence, other protocols. Every end is a typed error.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Pair, Setup, random};
use ssh_core::crypto::{AlgorithmKind, Algorithms, cipher, kex, mac};
use ssh_core::wire::{DataStream, DisconnectReason};
use ssh_core::{
    AuthAnswer, AuthMethod, ChannelEvent, ChannelRequest, ChannelType, Client, ClientConfig, ClientEvent, CloseReason,
    Deadline, Error, HostKeyAnswer, KeepAlive, Limits, PeerMisbehaved, ServerEvent, Stage, Timestamp,
};

/// A whole session that answers everything at once, with a network that may do harm.
struct Session {
    pair: Pair,
    /// Bytes that passed so far.
    passed: [usize; 2],
    log: [Vec<u8>; 2],
    output: Vec<u8>,
    status: Option<u32>,
    authenticated: [bool; 2],
    closed: [Option<CloseReason>; 2],
}

/// What the network does in one direction; 0 is towards the server.
#[derive(Clone, Copy, Debug)]
enum Harm {
    None,
    /// The stream ends after so many bytes.
    Cut(usize, usize),
    /// In this byte, this bit.
    Flip(usize, usize, u8),
    /// This byte does not arrive.
    Drop(usize, usize),
    /// This byte arrives twice.
    Double(usize, usize),
}

const TO_SERVER: usize = 0;
const TO_CLIENT: usize = 1;

impl Session {
    fn run(setup: Setup, harm: Harm) -> Self {
        let mut session = Self {
            pair: setup.build(),
            passed: [0; 2],
            log: [Vec::new(), Vec::new()],
            output: Vec::new(),
            status: None,
            authenticated: [false; 2],
            closed: [None, None],
        };
        for round in 0.. {
            assert!(round < 10_000, "{harm:?}: no end");
            let moved =
                session.carry(TO_SERVER, harm) + session.server() + session.carry(TO_CLIENT, harm) + session.client();
            if moved == 0 {
                break;
            }
        }
        session
    }

    fn carry(&mut self, direction: usize, harm: Harm) -> usize {
        let output = match direction {
            TO_SERVER => self.pair.client.poll_output(),
            _ => self.pair.server.poll_output(),
        };
        let taken = output.len();
        let mut bytes = output.to_vec();
        let start = self.passed[direction];
        self.passed[direction] += taken;
        self.log[direction].extend_from_slice(output);
        let mut eof = false;
        match harm {
            Harm::Cut(at, offset) if at == direction && start + taken >= offset => {
                bytes.truncate(offset.saturating_sub(start));
                eof = true;
            }
            Harm::Flip(at, offset, bit) if at == direction && (start..start + taken).contains(&offset) => {
                bytes[offset - start] ^= 1 << bit;
            }
            Harm::Drop(at, offset) if at == direction && (start..start + taken).contains(&offset) => {
                bytes.remove(offset - start);
            }
            Harm::Double(at, offset) if at == direction && (start..start + taken).contains(&offset) => {
                bytes.insert(offset - start, bytes[offset - start]);
            }
            _ => {}
        }
        if direction == TO_SERVER {
            self.pair.client.consume_output(taken);
            assert_eq!(self.pair.server.handle_input(&bytes), bytes.len());
            if eof {
                self.pair.server.handle_eof();
            }
        } else {
            self.pair.server.consume_output(taken);
            assert_eq!(self.pair.client.handle_input(&bytes), bytes.len());
            if eof {
                self.pair.client.handle_eof();
            }
        }
        taken
    }

    fn server(&mut self) -> usize {
        let server = &mut self.pair.server;
        let mut count = 0;
        while let Some(event) = server.poll_event() {
            count += 1;
            match event {
                ServerEvent::Sign(request) => {
                    let signature =
                        self.pair.host_keys[0].sign(request.algorithm, &request.data, &mut random(7)).unwrap();
                    server.answer_signature(request, Some(&signature)).unwrap();
                }
                ServerEvent::Auth(request) => server.answer_auth(request, AuthAnswer::Accept).unwrap(),
                ServerEvent::Authenticated(_) => self.authenticated[0] = true,
                ServerEvent::ChannelOpen(request) => drop(server.accept_channel(request).unwrap()),
                ServerEvent::Channel(id, ChannelEvent::Request(request)) => {
                    server.reply(request.reply.unwrap(), true).unwrap();
                    let mut channel = server.channel(id).unwrap();
                    channel.write(DataStream::STDOUT, b"output").unwrap();
                    channel.request(&ChannelRequest::ExitStatus(0), false).unwrap();
                    channel.send_eof().unwrap();
                    channel.close();
                }
                ServerEvent::Closed(reason) => {
                    assert!(self.closed[0].replace(reason).is_none(), "once");
                }
                _ => {}
            }
        }
        count
    }

    fn client(&mut self) -> usize {
        let client = &mut self.pair.client;
        let mut count = 0;
        while let Some(event) = client.poll_event() {
            count += 1;
            match event {
                ClientEvent::HostKey(request) => client.answer_host_key(request, HostKeyAnswer::Accept).unwrap(),
                ClientEvent::AuthNeeded(_) => {
                    client.authenticate("user", AuthMethod::Password("secret".into())).unwrap();
                }
                ClientEvent::Authenticated(_) => {
                    self.authenticated[1] = true;
                    client.open_channel(&ChannelType::Session).unwrap();
                }
                ClientEvent::Channel(id, ChannelEvent::Opened) => {
                    let request = ChannelRequest::Exec { command: b"x".to_vec() };
                    client.channel(id).unwrap().request(&request, true).unwrap();
                }
                ClientEvent::Channel(id, ChannelEvent::Data(stream)) => {
                    let mut channel = client.channel(id).unwrap();
                    self.output.extend_from_slice(channel.readable(stream));
                    channel.consume(stream, usize::MAX);
                }
                ClientEvent::Channel(_, ChannelEvent::Request(request)) => {
                    if let ChannelRequest::ExitStatus(status) = request.request {
                        self.status = Some(status);
                    }
                }
                ClientEvent::Channel(_, ChannelEvent::Closed) => {
                    client.disconnect(DisconnectReason::BY_APPLICATION, "done");
                }
                ClientEvent::Closed(reason) => {
                    assert!(self.closed[1].replace(reason).is_none(), "once");
                }
                _ => {}
            }
        }
        count
    }

    /// Whether the client got all it wanted and ended by itself.
    fn succeeded(&self) -> bool {
        self.output == b"output" && self.status == Some(0) && self.closed[1] == Some(CloseReason::Local)
    }

    /// After harm: whoever has not noticed yet is waiting, and its timer ends that.
    fn ends_in_time(&mut self) {
        // The other side hears of it as a socket's end.
        for (here, there) in [(0, 1), (1, 0)] {
            if self.closed[here].is_some() && self.closed[there].is_none() {
                self.carry(if there == 0 { TO_SERVER } else { TO_CLIENT }, Harm::None);
                if there == 0 {
                    self.pair.server.handle_eof();
                } else {
                    self.pair.client.handle_eof();
                }
                self.server();
                self.client();
            }
        }
        self.pair.pass(120_000_000);
        self.server();
        self.client();
    }
}

fn setup(cipher: &'static dyn cipher::Cipher, kex: &'static dyn kex::KeyExchange) -> Setup {
    Setup::new(1).algorithms(|lists| {
        lists.kex = vec![kex];
        lists.ciphers = vec![cipher];
        lists.macs = vec![mac::HMAC_SHA2_256];
    })
}

fn plain_setup() -> Setup {
    setup(cipher::CHACHA20_POLY1305, kex::CURVE25519_SHA256)
}

fn cut(make: impl Fn() -> Setup, step: usize) {
    let whole = Session::run(make(), Harm::None);
    assert!(whole.succeeded());
    for direction in [TO_SERVER, TO_CLIENT] {
        for offset in (0..whole.passed[direction]).step_by(step) {
            let session = Session::run(make(), Harm::Cut(direction, offset));
            let error = session.closed[direction].as_ref().unwrap_or_else(|| panic!("{direction} {offset}: hangs"));
            match error {
                CloseReason::Failed(Error::ConnectionLost { .. } | Error::NotSsh { .. }) => {}
                // The server's last words are lost after the client's are said; the client's end is its own.
                CloseReason::Local if direction == TO_CLIENT => assert!(session.succeeded(), "{offset}"),
                // A client that has no channel may leave without a word; a server may not leave a command unanswered.
                CloseReason::Peer => assert!(direction == TO_SERVER, "{offset}"),
                other => panic!("{direction} {offset}: {other:?}"),
            }
            assert!(session.succeeded() || session.closed[1] != Some(CloseReason::Local));
            if direction == TO_CLIENT && !session.succeeded() {
                assert!(session.closed[1].as_ref().unwrap().error().is_some(), "{offset}: a false end");
            }
        }
    }
}

#[test]
fn cut_after_every_byte() {
    cut(plain_setup, 1);
}

#[test]
fn cut_in_other_suites() {
    for cipher in [cipher::AES256_GCM, cipher::AES128_CTR] {
        cut(|| setup(cipher, kex::ECDH_SHA2_NISTP256), 41);
    }
    #[cfg(feature = "pq")]
    cut(|| setup(cipher::AES128_GCM, kex::MLKEM768X25519_SHA256), 97);
}

/// Where the packets in the clear end, and which bytes of them are padding, which nothing covers.
fn clear_part(log: &[u8]) -> (usize, Vec<usize>) {
    let mut at = log.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let mut paddings = Vec::new();
    loop {
        let length = u32::from_be_bytes(log[at..at + 4].try_into().unwrap()) as usize;
        let (padding, number) = (usize::from(log[at + 4]), log[at + 5]);
        at += 4 + length;
        paddings.extend(at - padding..at);
        if number == 21 {
            return (at, paddings);
        }
    }
}

/// Not one session survives a change of its bytes: neither in the clear part, which the host key's signature covers,
/// nor under the keys.
fn harm(make: impl Fn() -> Setup, step: usize, kind: impl Fn(usize, usize) -> Harm) {
    let whole = Session::run(make(), Harm::None);
    for direction in [TO_SERVER, TO_CLIENT] {
        let (clear_end, paddings) = clear_part(&whole.log[direction]);
        assert!((300..2000).contains(&clear_end) && clear_end < whole.passed[direction]);
        for offset in (0..whole.passed[direction]).step_by(step).filter(|offset| !paddings.contains(offset)) {
            let harm = kind(direction, offset);
            let mut session = Session::run(make(), harm);
            // The client's last words may be harmed after it got all it wanted; the server notices that.
            assert!(!session.succeeded() || direction == TO_SERVER, "{harm:?}");
            session.ends_in_time();
            let harmed = session.closed[direction].as_ref();
            if offset < clear_end {
                assert_eq!(session.authenticated, [false, false], "{harm:?}");
                assert!(session.closed.iter().flatten().all(|reason| reason.error().is_some()), "{harm:?}");
            }
            if let Some(reason) = harmed {
                assert!(reason.error().is_some(), "{harm:?}: {reason:?}");
            }
            assert!(harmed.is_some() || session.authenticated == [true, true], "{harm:?}: nobody noticed");
        }
    }
}

#[test]
fn flipped_bits_are_noticed() {
    harm(plain_setup, 1, |direction, offset| Harm::Flip(direction, offset, (offset % 8) as u8));
    for cipher in [cipher::AES128_GCM, cipher::AES128_CTR] {
        let make = || setup(cipher, kex::CURVE25519_SHA256);
        harm(make, 7, |direction, offset| Harm::Flip(direction, offset, (offset % 8) as u8));
    }
}

#[test]
fn lost_and_doubled_bytes_are_noticed() {
    harm(plain_setup, 7, Harm::Drop);
    harm(plain_setup, 31, Harm::Double);
}

fn client() -> Client {
    Client::new(Arc::new(ClientConfig::default()), Box::new(random(1)), Timestamp::ZERO).unwrap()
}

/// What a client makes of a server that begins like this and then closes.
fn greeted(greeting: &[u8], eof: bool) -> (Option<Error>, Vec<u8>) {
    let mut client = client();
    let said = client.poll_output().len();
    client.consume_output(said);
    for chunk in greeting.chunks(1000) {
        client.handle_input(chunk);
        if let Some(event) = client.poll_event() {
            let ClientEvent::Closed(CloseReason::Failed(error)) = event else { panic!("{event:?}") };
            return (Some(error), client.poll_output().to_vec());
        }
    }
    if eof {
        client.handle_eof();
    }
    match client.poll_event() {
        Some(ClientEvent::Closed(CloseReason::Failed(error))) => (Some(error), client.poll_output().to_vec()),
        None => (None, client.poll_output().to_vec()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_protocols_are_named() {
    for greeting in [
        &b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"[..],
        b"220 mail.example.com ESMTP\r\n",
        b"+OK POP3\r\n",
        &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc],
        &[0xff; 300],
        b"",
    ] {
        let (error, said) = greeted(greeting, true);
        let Some(Error::NotSsh { received }) = &error else { panic!("{greeting:?}: {error:?}") };
        assert!(received.as_bytes().len() <= 80 && greeting.starts_with(received.as_bytes()));
        assert!(!error.unwrap().to_string().chars().any(char::is_control));
        assert!(said.is_empty(), "not a word more to a stranger");
    }
}

#[test]
fn other_versions_are_named() {
    for version in ["SSH-1.5-old\r\n", "SSH-2.1-new\r\n", "SSH-2.0\r\n", "SSH-3.0-x\n"] {
        let (error, _) = greeted(version.as_bytes(), false);
        assert!(matches!(&error, Some(Error::UnsupportedVersion { .. })), "{version}: {error:?}");
        assert!(error.unwrap().to_string().contains(version.trim_end()));
    }
    assert_eq!(greeted(b"SSH-1.99-both\r\n", false).0, None);
}

#[test]
fn lines_before_the_identification_are_bounded() {
    let lines = |n: usize| [b"hello\r\n".repeat(n), b"SSH-2.0-x\r\n".to_vec()].concat();
    assert_eq!(greeted(&lines(1024), false).0, None);
    assert_eq!(greeted(&lines(1025), false).0, Some(PeerMisbehaved::Identification.into()));
    assert!(matches!(greeted(&[b'x'; 100_000], false).0, Some(Error::NotSsh { .. })));
    let long = [b"SSH-2.0-".to_vec(), vec![b'x'; 300], b"\r\n".to_vec()].concat();
    assert_eq!(greeted(&long, false).0, Some(PeerMisbehaved::Identification.into()));
}

/// CVE-2019-3855, CVE-2024-43410: a length is judged before anything is kept or awaited for it.
#[test]
fn lengths_are_judged_at_once() {
    for length in [0, 1, 2, 3, 4, 13, 65_537, 0x7fff_ffff, 0x8000_0000, u32::MAX - 4, u32::MAX] {
        let mut client = client();
        let said = client.poll_output().len();
        client.consume_output(said);
        client.handle_input(b"SSH-2.0-x\r\n");
        client.handle_input(&length.to_be_bytes());
        client.handle_input(&[4, 20, 0, 0]);
        let event = client.poll_event();
        let expected = Error::PeerMisbehaved(PeerMisbehaved::PacketLength(length));
        assert!(
            matches!(&event, Some(ClientEvent::Closed(CloseReason::Failed(error))) if *error == expected),
            "{length}: {event:?}"
        );
        assert!(client.buffer_memory() < 16 * 1024);
    }
}

#[test]
fn padding_is_judged() {
    for padding in [0_u8, 1, 2, 3, 11, 12, 255] {
        let mut client = client();
        client.handle_input(b"SSH-2.0-x\r\n");
        let packet = [&[0, 0, 0, 12, padding, 2, 0, 0, 0, 0][..], &[0; 6]].concat();
        client.handle_input(&packet);
        let event = client.poll_event();
        let expected = Error::PeerMisbehaved(PeerMisbehaved::Padding);
        assert!(
            matches!(&event, Some(ClientEvent::Closed(CloseReason::Failed(error))) if *error == expected),
            "{padding}: {event:?}"
        );
    }
}

#[test]
fn garbage_after_the_identification() {
    for seed in 0..200 {
        let mut garbage = [0; 500];
        random(seed).fill_bytes(&mut garbage);
        garbage[0] = 0xff;
        let (error, _) = greeted(&[&b"SSH-2.0-x\r\n"[..], &garbage].concat(), true);
        assert!(matches!(error, Some(Error::PeerMisbehaved(PeerMisbehaved::PacketLength(_)))), "{error:?}");
    }
}

#[test]
fn silence_has_an_end() {
    let mut client = client();
    assert_eq!(client.poll_timeout(), Some(Timestamp::from_micros(120_000_000)));
    // One byte every second does not help.
    for (second, byte) in b"SSH-2.0-slow".iter().cycle().take(119).enumerate() {
        client.handle_timeout(Timestamp::from_micros(second as u64 * 1_000_000));
        client.handle_input(&[*byte]);
        assert!(client.poll_event().is_none());
    }
    client.handle_timeout(Timestamp::from_micros(120_000_000));
    let event = client.poll_event();
    let expected = Error::Timeout(Deadline::Login(Stage::Identification));
    assert!(matches!(&event, Some(ClientEvent::Closed(CloseReason::Failed(error))) if *error == expected), "{event:?}");
    // What a silent peer does not read is given up, too.
    let due = client.poll_timeout().expect("a timer runs");
    assert_eq!(due, Timestamp::from_micros(120_000_000).saturating_add(Limits::default().linger));
    assert!(!client.is_finished());
    client.handle_timeout(due);
    assert!(client.is_finished());
}

#[test]
fn without_common_algorithms_both_lists_are_named() {
    let all = Algorithms::default();
    type Change = fn(&mut Algorithms, &Algorithms);
    let cases: [(AlgorithmKind, Change, Change); 3] = [
        (AlgorithmKind::KeyExchange, |a, _| a.kex.truncate(1), |a, all| a.kex = all.kex[1..].to_vec()),
        (
            AlgorithmKind::CipherClientToServer,
            |a, _| a.ciphers = vec![cipher::AES128_GCM],
            |a, _| a.ciphers = vec![cipher::AES256_GCM],
        ),
        (
            AlgorithmKind::MacClientToServer,
            |a, _| (a.ciphers, a.macs) = (vec![cipher::AES128_CTR], vec![mac::HMAC_SHA2_256]),
            |a, _| (a.ciphers, a.macs) = (vec![cipher::AES128_CTR], vec![mac::HMAC_SHA2_512]),
        ),
    ];
    for (expected, client, server) in cases {
        let mut pair = Setup::new(2)
            .configure(|client_config, server_config| {
                client(&mut client_config.algorithms, &all);
                server(&mut server_config.algorithms, &all);
            })
            .build();
        pair.run();
        let closed = pair.client_closed();
        let Some(CloseReason::Failed(error)) = &closed else { panic!("{closed:?}") };
        let Error::NoCommonAlgorithm { kind, ours, theirs } = error else { panic!("{error:?}") };
        assert_eq!(*kind, expected);
        let message = error.to_string();
        assert!(!ours.is_empty() && message.contains(ours.as_str()) && message.contains(theirs.as_str()), "{message}");
        let server = pair.server_closed();
        assert!(
            matches!(&server, Some(CloseReason::Failed(Error::NoCommonAlgorithm { kind, .. })) if *kind == expected)
        );
    }
}

#[test]
fn keepalives_tell_the_living_from_the_dead() {
    let keepalive = Some(KeepAlive { interval: Duration::from_secs(10), max_unanswered: 3 });
    let setup = || Setup::new(3).quick().configure(|client, _| client.keepalive = keepalive);
    let mut pair = Pair::logged_in(setup());
    pair.open_exec("sleep");
    for _ in 0..50 {
        pair.pass(10_000_000);
        pair.run();
    }
    assert!(pair.client_closed().is_none(), "the peer answers");
    pair.stall_to_client = true;
    for second in [10, 20, 30] {
        let due = pair.client.poll_timeout().unwrap().as_micros() - pair.now.as_micros();
        assert!(due <= 10_000_000, "{second}");
        pair.pass(10_000_000);
        pair.run();
        assert!(pair.client_closed().is_none(), "{second}");
    }
    pair.pass(10_000_000);
    pair.run();
    assert_eq!(pair.client_closed(), Some(CloseReason::Failed(Error::Timeout(Deadline::KeepAlive))));
    assert!(pair.server_events.iter().all(|event| !matches!(event, ServerEvent::Global(_))), "nobody is bothered");
    // Traffic is as good as an answer.
    let mut pair = Pair::logged_in(setup());
    let (client, server) = pair.open_exec("yes");
    let before = pair.to_server.len();
    for _ in 0..20 {
        pair.pass(9_000_000);
        pair.server.channel(server).unwrap().write(DataStream::STDOUT, b"y").unwrap();
        pair.run();
        pair.client.channel(client).unwrap().consume(DataStream::STDOUT, 1);
    }
    assert_eq!(pair.to_server.len(), before, "no question was needed");
}
