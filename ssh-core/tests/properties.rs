//! Properties over arbitrary input: of messages, of bytes, and of what applications do.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{Chunking, Pair, Setup, random};
use proptest::prelude::*;
use ssh_core::message::{ChannelRequest as ChannelRequestMessage, *};
use ssh_core::wire::{ChannelOpenFailureReason, DataStream, DisconnectReason, NameList};
use ssh_core::{
    ChannelEvent, ChannelId, ChannelOpenRequest, ChannelRequest, ChannelType, Client, ClientConfig, ClientEvent,
    CloseReason, GlobalRequestEvent, GlobalToken, RekeyPolicy, RequestToken, Server, ServerEvent, Timestamp,
};

/// Decodes to the same, consumes everything, and refuses one byte less if the message has a fixed end.
fn round_trip<'a, M>(message: &M, payload: &'a [u8], open_ended: bool) -> Result<(), TestCaseError>
where
    M: Message + DecodeMessage<'a> + PartialEq + std::fmt::Debug,
{
    let (&number, body) = payload.split_first().unwrap();
    prop_assert_eq!(number, M::NUMBER.0);
    let decoded = M::decode(body).unwrap();
    prop_assert_eq!(&decoded, message);
    prop_assert_eq!(decoded.to_payload(), payload);
    if !open_ended && !body.is_empty() {
        prop_assert!(M::decode(&body[..body.len() - 1]).is_err());
    }
    Ok(())
}

macro_rules! check {
    ($message:expr) => {
        check!($message, false)
    };
    ($message:expr, $open_ended:expr) => {{
        let message = $message;
        let payload = message.to_payload();
        round_trip(&message, &payload, $open_ended)?;
    }};
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..60)
}

fn names() -> impl Strategy<Value = String> {
    prop::collection::vec("[!-+.-~--]{1,70}", 0..6).prop_map(|names| names.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_survive(a in text(), b in text(), c in text(), n in any::<[u32; 4]>(), flag in any::<bool>(), list in names(), other in names(), cookie in any::<[u8; 16]>()) {
        let (a, b, c) = (a.as_slice(), b.as_slice(), c.as_slice());
        let list = NameList::new(list.as_bytes()).unwrap();
        let other = NameList::new(other.as_bytes()).unwrap();
        check!(Disconnect { reason_code: n[0], description: a, language_tag: b });
        check!(Ignore { data: a });
        check!(Unimplemented { packet_sequence_number: n[0] });
        check!(Debug { always_display: flag, message: a, language_tag: b });
        check!(ServiceRequest { service_name: a });
        check!(ServiceAccept { service_name: a });
        check!(ExtInfo { nr_extensions: n[0], extensions: Rest(a) }, true);
        check!(KexInit {
            cookie,
            kex_algorithms: list,
            server_host_key_algorithms: other,
            encryption_algorithms_client_to_server: list,
            encryption_algorithms_server_to_client: other,
            mac_algorithms_client_to_server: other,
            mac_algorithms_server_to_client: list,
            compression_algorithms_client_to_server: list,
            compression_algorithms_server_to_client: list,
            languages_client_to_server: other,
            languages_server_to_client: list,
            first_kex_packet_follows: flag,
            reserved: n[1],
        });
        check!(Ping { data: a });
        check!(Pong { data: a });
        check!(UserauthRequest { user_name: a, service_name: b, method_name: c, method_fields: Rest(a) }, true);
        check!(UserauthFailure { authentications_that_can_continue: list, partial_success: flag });
        check!(UserauthBanner { message: a, language_tag: b });
        check!(UserauthPkOk { public_key_algorithm_name: a, public_key_blob: b });
        check!(UserauthPasswdChangereq { prompt: a, language_tag: b });
        check!(UserauthInfoRequest { name: a, instruction: b, language_tag: c, num_prompts: n[0], prompts: Rest(b) }, true);
        check!(UserauthInfoResponse { num_responses: n[0], responses: Rest(a) }, true);
        check!(GlobalRequest { request_name: a, want_reply: flag, request_fields: Rest(b) }, true);
        check!(RequestSuccess { response_fields: Rest(a) }, true);
        check!(ChannelOpen { channel_type: a, sender_channel: n[0], initial_window_size: n[1], maximum_packet_size: n[2], type_fields: Rest(b) }, true);
        check!(ChannelOpenConfirmation { recipient_channel: n[3], sender_channel: n[0], initial_window_size: n[1], maximum_packet_size: n[2], type_fields: Rest(b) }, true);
        check!(ChannelOpenFailure { recipient_channel: n[0], reason_code: n[1], description: a, language_tag: b });
        check!(ChannelWindowAdjust { recipient_channel: n[0], bytes_to_add: n[1] });
        check!(ChannelData { recipient_channel: n[0], data: a });
        check!(ChannelExtendedData { recipient_channel: n[0], data_type_code: n[1], data: a });
        check!(ChannelEof { recipient_channel: n[0] });
        check!(ChannelClose { recipient_channel: n[0] });
        check!(ChannelRequestMessage { recipient_channel: n[0], request_type: a, want_reply: flag, request_fields: Rest(b) }, true);
        check!(ChannelSuccess { recipient_channel: n[0] });
        check!(ChannelFailure { recipient_channel: n[0] });
    }

    /// Whatever comes, in whatever pieces: a fresh endpoint waits for more or ends with an error, and stays small.
    #[test]
    fn arbitrary_bytes_are_survived(
        seed in any::<u64>(),
        greeting in prop::sample::select(vec![&b""[..], b"SSH-2.0-x\r\n", b"hello\r\nSSH-2.0-x\r\n", b"SSH-2.0-x\r\n\0\0\0\x1c\x0a\x14", b"SSH-2.0-x\r\n\0\0\0\x0c\x0a\x02\0\0\0\0__________"]),
        noise in prop::collection::vec(any::<u8>(), 0..600),
        piece in 1_usize..300,
        eof in any::<bool>(),
    ) {
        let bytes = [greeting, &noise].concat();
        let mut client = Client::new(Arc::new(ClientConfig::default()), Box::new(random(seed)), Timestamp::ZERO).unwrap();
        let mut server = Server::new(Arc::new(Setup::new(1).server), Box::new(random(seed)), Timestamp::ZERO).unwrap();
        let (mut client_end, mut server_end) = (None, None);
        for chunk in bytes.chunks(piece) {
            client.handle_input(chunk);
            server.handle_input(chunk);
            while let Some(event) = client.poll_event() {
                let ClientEvent::Closed(CloseReason::Failed(error)) = event else { panic!("{event:?}") };
                prop_assert!(client_end.replace(error).is_none());
            }
            while let Some(event) = server.poll_event() {
                let ServerEvent::Closed(CloseReason::Failed(error)) = event else { panic!("{event:?}") };
                prop_assert!(server_end.replace(error).is_none());
            }
        }
        prop_assert!(client.buffer_memory() < 100_000 && server.buffer_memory() < 100_000);
        prop_assert!(client_end.is_some() != client.wants_input() && server_end.is_some() != server.wants_input());
        if eof {
            client.handle_eof();
            server.handle_eof();
            prop_assert!(client_end.is_some() != matches!(client.poll_event(), Some(ClientEvent::Closed(CloseReason::Failed(_)))));
            prop_assert!(server_end.is_some() != matches!(server.poll_event(), Some(ServerEvent::Closed(CloseReason::Failed(_)))));
        }
    }

    /// Whatever two applications do with their ends, and however the network cuts: neither end ever accuses the other,
    /// and what is read is what was written.
    #[test]
    fn applications_cannot_break_the_protocol(seed in any::<u64>(), tight in any::<bool>(), rekey in 0_u64..3, ops in prop::collection::vec(any::<(u8, bool, u16)>(), 0..250)) {
        let mut setup = Setup::new(seed % 1000).quick().chunking(Chunking::Random(1 + (seed % 3000) as usize));
        if tight {
            setup = setup.configure(|client, server| {
                for limits in [&mut client.limits, &mut server.limits] {
                    limits.channel_window = 3000;
                    limits.channel_packet = 1000;
                    limits.max_channels = 6;
                    limits.max_output = 16 * 1024;
                    limits.input_buffer = 4096;
                }
            });
        }
        let bytes = [None, Some(5000), Some(400)][rekey as usize];
        let policy = RekeyPolicy { bytes, ..RekeyPolicy::default() };
        let mut world = World::new(Pair::logged_in(setup.rekey(policy)));
        for (what, client, n) in ops {
            world.act(what, usize::from(!client), usize::from(n));
        }
        world.finish();
    }
}

/// What of either side's events the model looks at.
enum Happened {
    Open(ChannelOpenRequest),
    Channel(ChannelEvent),
    Global(GlobalRequestEvent),
    Closed(CloseReason),
    Nothing,
}

impl From<ClientEvent> for Happened {
    fn from(event: ClientEvent) -> Self {
        match event {
            ClientEvent::ChannelOpen(request) => Self::Open(request),
            ClientEvent::Channel(_, event) => Self::Channel(event),
            ClientEvent::Global(event) => Self::Global(event),
            ClientEvent::Closed(reason) => Self::Closed(reason),
            ClientEvent::Rekeyed => Self::Nothing,
            other => panic!("{other:?}"),
        }
    }
}

impl From<ServerEvent> for Happened {
    fn from(event: ServerEvent) -> Self {
        match event {
            ServerEvent::ChannelOpen(request) => Self::Open(request),
            ServerEvent::Channel(_, event) => Self::Channel(event),
            ServerEvent::Global(event) => Self::Global(event),
            ServerEvent::Closed(reason) => Self::Closed(reason),
            ServerEvent::Rekeyed => Self::Nothing,
            other => panic!("{other:?}"),
        }
    }
}

/// Bytes from one side to the other on one channel.
#[derive(Default)]
struct Lane {
    written: usize,
    read: usize,
    /// The reader closed or gave up: it need not see the rest.
    dropped: bool,
}

#[derive(Default)]
struct Application {
    /// By the number that names a channel on both sides.
    channels: BTreeMap<u32, ChannelId>,
    opens: Vec<ChannelOpenRequest>,
    requests: Vec<RequestToken>,
    globals: Vec<GlobalToken>,
    closed: Option<CloseReason>,
}

/// A pair, the two applications on it, and the model of all streams.
struct World {
    pair: Pair,
    sides: [Application; 2],
    /// By channel and writing side.
    lanes: BTreeMap<(u32, usize), Lane>,
    next: u32,
    disconnected: bool,
}

/// The same on either endpoint.
macro_rules! on {
    ($world:ident, $side:expr, |$endpoint:ident| $body:expr) => {
        if $side == 0 {
            let $endpoint = &mut $world.pair.client;
            $body
        } else {
            let $endpoint = &mut $world.pair.server;
            $body
        }
    };
}

fn pattern(channel: u32, side: usize, at: usize) -> u8 {
    (at ^ (at >> 8) ^ (channel as usize * 37) ^ (side * 101)) as u8
}

impl World {
    fn new(pair: Pair) -> Self {
        Self { pair, sides: Default::default(), lanes: BTreeMap::new(), next: 0, disconnected: false }
    }

    /// One of the channels that a side knows.
    fn pick(&self, side: usize, n: usize) -> Option<(u32, ChannelId)> {
        let channels = &self.sides[side].channels;
        channels.iter().nth(n % channels.len().max(1)).map(|(&number, &id)| (number, id))
    }

    fn act(&mut self, what: u8, side: usize, n: usize) {
        match what % 24 {
            0 | 1 => self.open(side),
            2..=4 => self.answer_open(side, n),
            5..=7 => self.write(side, n),
            8..=10 => self.read(side, n, 1 + n % 3000),
            11 => self.with_channel(side, n, |channel| {
                let _ = channel.send_eof();
            }),
            12 if n.is_multiple_of(3) => self.give_up(side, n, false),
            13 if n.is_multiple_of(5) => self.give_up(side, n, true),
            14 => self.with_channel(side, n, |channel| {
                let name = b"x@example.com".to_vec();
                let _ = channel.request(&ChannelRequest::Other { name, data: vec![1; n % 100] }, n.is_multiple_of(2));
            }),
            15 => self.answer_request(side, n),
            16 => on!(self, side, |endpoint| {
                let _ = endpoint.global_request(b"y@example.com", &[2; 5]);
            }),
            17 => self.answer_global(side, n),
            18 => on!(self, side, |endpoint| {
                let _ = endpoint.rekey();
            }),
            19 => self.pair.pass(100_000),
            20 => drop((self.pair.deliver_to_server(), self.pair.deliver_to_client())),
            21 => drop(if side == 0 { self.pair.deliver_to_client() } else { self.pair.deliver_to_server() }),
            22 => self.poll(side),
            23 if n.is_multiple_of(101) => {
                self.disconnected = true;
                on!(self, side, |endpoint| endpoint.disconnect(DisconnectReason::BY_APPLICATION, "enough"));
            }
            _ => {
                self.pair.deliver_to_server();
                self.pair.deliver_to_client();
                self.poll(0);
                self.poll(1);
            }
        }
    }

    fn with_channel(&mut self, side: usize, n: usize, act: impl FnOnce(&mut ssh_core::Channel<'_>)) {
        let Some((_, id)) = self.pick(side, n) else { return };
        on!(self, side, |endpoint| if let Some(mut channel) = endpoint.channel(id) {
            act(&mut channel);
        });
    }

    fn open(&mut self, side: usize) {
        let number = self.next;
        self.next += 1;
        let kind = ChannelType::Other { name: b"z@example.com".to_vec(), data: number.to_be_bytes().to_vec() };
        if let Ok(id) = on!(self, side, |endpoint| endpoint.open_channel(&kind)) {
            self.sides[side].channels.insert(number, id);
        }
    }

    fn answer_open(&mut self, side: usize, n: usize) {
        if self.sides[side].opens.is_empty() {
            return;
        }
        let at = n % self.sides[side].opens.len();
        let request = self.sides[side].opens.remove(at);
        let ChannelType::Other { data, .. } = &request.channel_type else { panic!("{request:?}") };
        let number = u32::from_be_bytes(data.as_slice().try_into().unwrap());
        if n.is_multiple_of(7) {
            let reason = ChannelOpenFailureReason::CONNECT_FAILED;
            let _ = on!(self, side, |endpoint| endpoint.reject_channel(request, reason, "no"));
        } else if let Ok(id) = on!(self, side, |endpoint| endpoint.accept_channel(request)) {
            self.sides[side].channels.insert(number, id);
        }
    }

    fn write(&mut self, side: usize, n: usize) {
        let Some((number, id)) = self.pick(side, n / 7) else { return };
        let lane = self.lanes.entry((number, side)).or_default();
        let data: Vec<u8> = (lane.written..lane.written + n % 5000).map(|at| pattern(number, side, at)).collect();
        on!(self, side, |endpoint| if let Some(mut channel) = endpoint.channel(id) {
            lane.written += channel.write(DataStream::STDOUT, &data).unwrap_or(0);
        });
    }

    fn read(&mut self, side: usize, n: usize, most: usize) {
        let Some((number, id)) = self.pick(side, n) else { return };
        let lane = self.lanes.entry((number, 1 - side)).or_default();
        on!(self, side, |endpoint| if let Some(mut channel) = endpoint.channel(id) {
            let data = channel.readable(DataStream::STDOUT);
            let data = &data[..data.len().min(most)];
            for (offset, &byte) in data.iter().enumerate() {
                assert_eq!(byte, pattern(number, 1 - side, lane.read + offset), "channel {number}");
            }
            let n = data.len();
            lane.read += n;
            assert!(lane.read <= lane.written);
            channel.consume(DataStream::STDOUT, n);
        });
    }

    fn give_up(&mut self, side: usize, n: usize, abandon: bool) {
        let Some((number, id)) = self.pick(side, n) else { return };
        self.lanes.entry((number, 1 - side)).or_default().dropped = true;
        on!(self, side, |endpoint| if let Some(mut channel) = endpoint.channel(id) {
            if abandon { channel.abandon() } else { channel.close() }
        });
    }

    fn answer_request(&mut self, side: usize, n: usize) {
        if self.sides[side].requests.is_empty() {
            return;
        }
        let at = n % self.sides[side].requests.len();
        let token = self.sides[side].requests.remove(at);
        let _ = on!(self, side, |endpoint| endpoint.reply(token, n.is_multiple_of(2)));
    }

    fn answer_global(&mut self, side: usize, n: usize) {
        if self.sides[side].globals.is_empty() {
            return;
        }
        let at = n % self.sides[side].globals.len();
        let token = self.sides[side].globals.remove(at);
        let _ = on!(self, side, |endpoint| endpoint.answer_global(token, n.is_multiple_of(2).then_some(b"ok")));
    }

    fn poll(&mut self, side: usize) {
        let events: Vec<Happened> = if side == 0 {
            self.pair.poll_client();
            self.pair.client_events.drain(..).map(Happened::from).collect()
        } else {
            self.pair.poll_server();
            self.pair.server_events.drain(..).map(Happened::from).collect()
        };
        for event in events {
            let application = &mut self.sides[side];
            assert!(application.closed.is_none(), "the end is the end");
            match event {
                Happened::Open(request) => application.opens.push(request),
                Happened::Channel(ChannelEvent::Request(request)) => application.requests.extend(request.reply),
                Happened::Global(GlobalRequestEvent::Request { reply, .. }) => application.globals.extend(reply),
                Happened::Closed(reason) => application.closed = Some(reason),
                _ => {}
            }
        }
    }

    /// Lets everything come to rest, reads all there is, and compares.
    fn finish(mut self) {
        for round in 0.. {
            assert!(round < 100_000, "never at rest");
            let mut moved = self.pair.deliver_to_server() + self.pair.deliver_to_client();
            self.poll(0);
            self.poll(1);
            let before: usize = self.lanes.values().map(|lane| lane.read).sum();
            for side in [0, 1] {
                for n in 0..self.sides[side].channels.len() {
                    self.read(side, n, usize::MAX);
                }
            }
            moved += self.lanes.values().map(|lane| lane.read).sum::<usize>() - before;
            if moved == 0 {
                break;
            }
        }
        for application in &self.sides {
            let fine = match &application.closed {
                None => !self.disconnected,
                Some(reason) => self.disconnected && reason.error().is_none(),
            };
            assert!(fine, "{:?}", application.closed);
        }
        for ((number, writer), lane) in &self.lanes {
            let complete = lane.read == lane.written || lane.dropped || self.disconnected;
            assert!(complete, "channel {number} from {writer}: {} of {}", lane.read, lane.written);
        }
        self.pair.replay();
    }
}
