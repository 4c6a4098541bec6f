//! A whole session, from the identification to the exit status, over a network that may do harm.

use std::ops::Range;

use ssh_core::wire::{DataStream, DisconnectReason};
use ssh_core::{
    AuthAnswer, AuthMethod, ChannelEvent, ChannelRequest, ChannelType, ClientEvent, CloseReason, HostKeyAnswer,
    ServerEvent,
};

use super::{Pair, Setup, random};

/// Directions; each is also the index of the side that hears.
pub const TO_SERVER: usize = 0;
pub const TO_CLIENT: usize = 1;

/// What the network does, in which direction, at which offset of the stream.
#[derive(Clone, Debug)]
pub enum Harm {
    None,
    /// The stream ends after so many bytes.
    Cut(usize, usize),
    /// In this byte, this bit.
    Flip(usize, usize, u8),
    /// This byte does not arrive.
    Drop(usize, usize),
    /// This byte arrives twice.
    Double(usize, usize),
    /// Before this byte, another.
    Insert(usize, usize, u8),
    /// These bytes, a packet, do not arrive.
    DropPacket(usize, Range<usize>),
    /// They arrive again once so many bytes have passed.
    Replay(usize, Range<usize>, usize),
    /// They arrive late: behind those that end here.
    Delay(usize, Range<usize>, usize),
    /// They come back to their sender, too.
    Reflect(usize, Range<usize>),
}

impl Harm {
    /// The side that hears it.
    pub fn direction(&self) -> usize {
        match self {
            Self::None => TO_SERVER,
            Self::Cut(direction, _)
            | Self::Flip(direction, ..)
            | Self::Drop(direction, _)
            | Self::Double(direction, _)
            | Self::Insert(direction, ..)
            | Self::DropPacket(direction, _)
            | Self::Replay(direction, ..)
            | Self::Delay(direction, ..) => *direction,
            Self::Reflect(direction, _) => 1 - direction,
        }
    }
}

/// What an application learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Server: whom to let in. Client: that it is in.
    pub authenticated: bool,
    /// Server: commands to run.
    pub commands: usize,
    /// Client: what the command said.
    pub output: Vec<u8>,
    /// Client: what it ended with.
    pub status: Option<u32>,
}

/// What a network that does nothing saw.
pub struct Witness {
    pub session: Session,
    /// Ends of the identification and of all packets.
    pub ends: [Vec<usize>; 2],
    /// What the hearing side knew after so many bytes.
    pub knew: [Vec<Known>; 2],
}

impl Witness {
    /// The packets of a direction, the identification excepted.
    pub fn packets(&self, direction: usize) -> Vec<Range<usize>> {
        self.ends[direction].windows(2).map(|pair| pair[0]..pair[1]).collect()
    }
}

pub struct Session {
    pub pair: Pair,
    /// All that each side was sent.
    pub log: [Vec<u8>; 2],
    pub known: [Known; 2],
    pub closed: [Option<CloseReason>; 2],
    /// Only a witness takes them down.
    pub events: [Vec<String>; 2],
    /// A packet on its way back.
    reflected: Vec<u8>,
    /// Where the harm began in the stream of [`Harm::direction`].
    pub began: Option<usize>,
    witnessed: bool,
}

impl Session {
    fn new(setup: Setup) -> Self {
        Self {
            pair: setup.build(),
            log: Default::default(),
            known: Default::default(),
            closed: [None, None],
            events: Default::default(),
            reflected: Vec::new(),
            began: None,
            witnessed: false,
        }
    }

    pub fn run(setup: Setup, harm: &Harm) -> Self {
        let mut session = Self::new(setup);
        for round in 0.. {
            assert!(round < 10_000, "{harm:?}: no end");
            let moved = [TO_SERVER, TO_CLIENT].map(|to| session.carry(to, harm) + session.act(to));
            if moved == [0, 0] {
                break;
            }
        }
        session
    }

    /// An honest network that delivers so many bytes at a time and looks at both sides after each.
    pub fn witness(setup: Setup, chunk: usize) -> Witness {
        let mut session = Self::new(setup);
        session.witnessed = true;
        let mut witness = Witness { session, ends: Default::default(), knew: Default::default() };
        loop {
            let moved = [TO_SERVER, TO_CLIENT].map(|to| witness.carry(to, chunk));
            if moved == [0, 0] {
                return witness;
            }
        }
    }

    fn take_output(&mut self, to: usize) -> Vec<u8> {
        let bytes = match to {
            TO_SERVER => self.pair.client.poll_output().to_vec(),
            _ => self.pair.server.poll_output().to_vec(),
        };
        match to {
            TO_SERVER => self.pair.client.consume_output(bytes.len()),
            _ => self.pair.server.consume_output(bytes.len()),
        }
        self.log[to].extend_from_slice(&bytes);
        bytes
    }

    fn deliver(&mut self, to: usize, bytes: &[u8]) {
        let taken = match to {
            TO_SERVER => self.pair.server.handle_input(bytes),
            _ => self.pair.client.handle_input(bytes),
        };
        assert_eq!(taken, bytes.len());
    }

    fn end_stream(&mut self, to: usize) {
        match to {
            TO_SERVER => self.pair.server.handle_eof(),
            _ => self.pair.client.handle_eof(),
        }
    }

    fn carry(&mut self, to: usize, harm: &Harm) -> usize {
        let start = self.log[to].len();
        let bytes = self.take_output(to);
        let taken = bytes.len();
        let mut arriving = std::mem::take(&mut self.reflected);
        if harm.direction() != to || arriving.is_empty() {
            self.reflected = std::mem::take(&mut arriving);
        } else {
            self.began = Some(start);
        }
        let moved = taken + arriving.len();
        arriving.extend(self.harmed(to, start, bytes, harm));
        self.deliver(to, &arriving);
        if matches!(harm, Harm::Cut(direction, at) if *direction == to && start + taken >= *at) {
            self.end_stream(to);
        }
        moved
    }

    /// What arrives of `bytes`, which begin at `start`.
    fn harmed(&mut self, to: usize, start: usize, mut bytes: Vec<u8>, harm: &Harm) -> Vec<u8> {
        let passing = start..start + bytes.len();
        let passes = |direction: &usize, at: &usize| *direction == to && passing.contains(at);
        match harm {
            Harm::Cut(direction, at) if *direction == to => bytes.truncate(at.saturating_sub(start)),
            Harm::Flip(direction, at, bit) if passes(direction, at) => bytes[at - start] ^= 1 << bit,
            Harm::Drop(direction, at) if passes(direction, at) => drop(bytes.remove(at - start)),
            Harm::Double(direction, at) if passes(direction, at) => bytes.insert(at - start, bytes[at - start]),
            Harm::Insert(direction, at, byte) if passes(direction, at) => bytes.insert(at - start, *byte),
            Harm::DropPacket(direction, packet) if passes(direction, &packet.start) => {
                bytes.drain(packet.start - start..packet.end - start);
            }
            Harm::Replay(direction, packet, after) if passes(direction, &(after - 1)) => {
                let again = self.log[to][packet.clone()].to_vec();
                bytes.splice(after - start..after - start, again);
            }
            Harm::Delay(direction, packet, behind) => {
                // The later place first, so that the earlier one is still where it was.
                if passes(direction, &(behind - 1)) {
                    let late = self.log[to][packet.clone()].to_vec();
                    bytes.splice(behind - start..behind - start, late);
                }
                if passes(direction, &packet.start) {
                    bytes.drain(packet.start - start..packet.end - start);
                }
            }
            Harm::Reflect(direction, packet) if passes(direction, &packet.start) => {
                self.reflected = bytes[packet.start - start..packet.end - start].to_vec();
            }
            _ => {}
        }
        bytes
    }

    /// What a side's application does about what it hears; says how much that was.
    fn act(&mut self, side: usize) -> usize {
        if side == TO_SERVER { self.server() } else { self.client() }
    }

    fn server(&mut self) -> usize {
        let server = &mut self.pair.server;
        let mut count = 0;
        while let Some(event) = server.poll_event() {
            count += 1;
            if self.witnessed {
                self.events[0].push(format!("{event:?}"));
            }
            match event {
                ServerEvent::Sign(request) => {
                    let signature =
                        self.pair.host_keys[0].sign(request.algorithm, &request.data, &mut random(7)).unwrap();
                    server.answer_signature(request, Some(&signature)).unwrap();
                }
                ServerEvent::Auth(request) => server.answer_auth(request, AuthAnswer::Accept).unwrap(),
                ServerEvent::Authenticated(_) => self.known[0].authenticated = true,
                ServerEvent::ChannelOpen(request) => drop(server.accept_channel(request).unwrap()),
                ServerEvent::Channel(id, ChannelEvent::Request(request)) => {
                    self.known[0].commands += 1;
                    server.reply(request.reply.unwrap(), true).unwrap();
                    let mut channel = server.channel(id).unwrap();
                    channel.write(DataStream::STDOUT, b"out").unwrap();
                    channel.write(DataStream::STDOUT, b"put").unwrap();
                    channel.request(&ChannelRequest::ExitStatus(0), false).unwrap();
                    channel.send_eof().unwrap();
                    channel.close();
                }
                ServerEvent::Closed(reason) => assert!(self.closed[0].replace(reason).is_none(), "once"),
                _ => {}
            }
        }
        count
    }

    fn client(&mut self) -> usize {
        let client = &mut self.pair.client;
        let known = &mut self.known[1];
        let mut count = 0;
        while let Some(event) = client.poll_event() {
            count += 1;
            if self.witnessed {
                self.events[1].push(format!("{event:?}"));
            }
            match event {
                ClientEvent::HostKey(request) => client.answer_host_key(request, HostKeyAnswer::Accept).unwrap(),
                ClientEvent::AuthNeeded(_) => {
                    client.authenticate("user", AuthMethod::Password("secret".into())).unwrap();
                }
                ClientEvent::Authenticated(_) => {
                    known.authenticated = true;
                    client.open_channel(&ChannelType::Session).unwrap();
                }
                ClientEvent::Channel(id, ChannelEvent::Opened) => {
                    let request = ChannelRequest::Exec { command: b"x".to_vec() };
                    client.channel(id).unwrap().request(&request, true).unwrap();
                }
                ClientEvent::Channel(id, ChannelEvent::Data(stream)) => {
                    let mut channel = client.channel(id).unwrap();
                    known.output.extend_from_slice(channel.readable(stream));
                    channel.consume(stream, usize::MAX);
                }
                ClientEvent::Channel(_, ChannelEvent::Request(request)) => {
                    if let ChannelRequest::ExitStatus(status) = request.request {
                        known.status = Some(status);
                    }
                }
                ClientEvent::Channel(_, ChannelEvent::Closed) => {
                    client.disconnect(DisconnectReason::BY_APPLICATION, "done");
                }
                ClientEvent::Closed(reason) => assert!(self.closed[1].replace(reason).is_none(), "once"),
                _ => {}
            }
        }
        count
    }

    /// Whether the client got all it wanted and ended by itself.
    pub fn succeeded(&self) -> bool {
        let known = &self.known[1];
        known.output == b"output" && known.status == Some(0) && self.closed[1] == Some(CloseReason::Local)
    }

    /// After harm: whoever has not noticed yet is waiting, and the other's end or a timer ends that.
    pub fn ends_in_time(&mut self) {
        for (here, there) in [(0, 1), (1, 0)] {
            if self.closed[here].is_some() && self.closed[there].is_none() {
                let bytes = self.take_output(there);
                self.deliver(there, &bytes);
                self.end_stream(there);
                self.act(there);
            }
        }
        self.pair.pass(120_000_000);
        self.server();
        self.client();
    }
}

impl Witness {
    fn carry(&mut self, to: usize, chunk: usize) -> usize {
        let bytes = self.session.take_output(to);
        let mut at = self.session.log[to].len() - bytes.len();
        if self.knew[to].is_empty() {
            self.knew[to].push(Known::default());
        }
        for piece in bytes.chunks(chunk) {
            let before = self.heard(to);
            self.session.deliver(to, piece);
            self.session.act(to);
            at += piece.len();
            self.knew[to].resize(at + 1, self.session.known[to].clone());
            if self.ends[to].is_empty() {
                self.ends[to].extend((piece == b"\n").then_some(at));
            } else if self.heard(to) != before {
                self.ends[to].push(at);
            }
        }
        bytes.len()
    }

    /// Changes with every packet.
    fn heard(&mut self, side: usize) -> (u32, u64) {
        let counters = match side {
            TO_SERVER => self.session.pair.server.test_hooks().incoming(),
            _ => self.session.pair.client.test_hooks().incoming(),
        };
        (counters.sequence_number, counters.bytes)
    }
}
