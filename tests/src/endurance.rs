//! A client and a server that do the same for ever: what they hold must not grow.
//!
//! The program or test that calls this must use the allocator that counts.

use std::sync::Arc;

use counting_allocator::balance;
use ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_core::random::ChaChaRandom;
use ssh_core::wire::DataStream;
use ssh_core::{
    AuthAnswer, AuthMethod, ChannelEvent, ChannelId, ChannelRequest, ChannelType, Client, ClientConfig, ClientEvent,
    Endpoint, HostKeyAnswer, Role, Server, ServerConfig, ServerEvent, Timestamp,
};

/// What one is sent on every channel.
const GREETING: &[u8] = b"hello";

/// A connection in memory.
pub struct Couple {
    client: Client,
    server: Server,
    host_key: PrivateKey,
    random: ChaChaRandom,
    /// The channels that ended, on both sides.
    pub closed: u64,
    /// The exchanges of keys after the first, on both sides.
    pub rekeyed: u64,
}

/// What was done, and what is held.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// Channels or exchanges of keys.
    pub rounds: u64,
    /// Bytes held by both endpoints after the first tenth.
    pub warm: i64,
    /// Bytes held at the end.
    pub end: i64,
}

impl Default for Couple {
    fn default() -> Self {
        Self::new()
    }
}

impl Couple {
    /// Logged in.
    pub fn new() -> Self {
        let mut random = ChaChaRandom::from_seed(&[3; 32]);
        let host_key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random).expect("a key");
        let config = Arc::new(ServerConfig::new(vec![host_key.public_key().clone()]));
        let seeded = |seed: u8| Box::new(ChaChaRandom::from_seed(&[seed; 32]));
        let server = Server::new(config, seeded(1), Timestamp::ZERO).expect("a server");
        let client = Client::new(Arc::new(ClientConfig::default()), seeded(2), Timestamp::ZERO).expect("a client");
        let mut couple = Self { client, server, host_key, random, closed: 0, rekeyed: 0 };
        couple.settle();
        assert!(couple.client.is_authenticated() && couple.server.is_authenticated());
        couple
    }

    /// Opens a channel, asks and says something on it, and closes it: by the client or by the server, whoever's turn it
    /// is.
    pub fn use_channel(&mut self, turn: u64) {
        let (expected, by_client) = (self.closed + 2, turn.is_multiple_of(2));
        let kind = ChannelType::Other { name: b"endurance@example.com".to_vec(), data: Vec::new() };
        let id = match by_client {
            true => self.client.open_channel(&kind),
            false => self.server.open_channel(&kind),
        };
        let id = id.expect("a channel");
        self.settle();
        match by_client {
            true => say_and_close(&mut self.client, id),
            false => say_and_close(&mut self.server, id),
        }
        self.settle();
        assert_eq!(self.closed, expected, "closed on both sides");
    }

    /// New keys, asked for by whoever's turn it is.
    pub fn rekey(&mut self, turn: u64) {
        let expected = self.rekeyed + 2;
        let asked = if turn.is_multiple_of(2) { self.client.rekey() } else { self.server.rekey() };
        asked.expect("a connection that lives");
        self.settle();
        assert_eq!(self.rekeyed, expected, "both have new keys");
    }

    fn settle(&mut self) {
        loop {
            let mut moved = self.server.handle_input(self.client.poll_output());
            self.client.consume_output(moved);
            while let Some(event) = self.server.poll_event() {
                self.react_as_server(event);
            }
            let back = self.client.handle_input(self.server.poll_output());
            self.server.consume_output(back);
            moved += back;
            while let Some(event) = self.client.poll_event() {
                self.react_as_client(event);
            }
            if moved == 0 {
                return;
            }
        }
    }

    fn react_as_server(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Sign(request) => {
                let signature = self.host_key.sign(request.algorithm, &request.data, &mut self.random);
                self.server.answer_signature(request, signature.ok().as_deref()).expect("a signature");
            }
            ServerEvent::Auth(request) => self.server.answer_auth(request, AuthAnswer::Accept).expect("in time"),
            ServerEvent::ChannelOpen(request) => drop(self.server.accept_channel(request)),
            ServerEvent::Channel(id, event) => self.closed += u64::from(react(&mut self.server, id, event)),
            ServerEvent::Rekeyed => self.rekeyed += 1,
            ServerEvent::Closed(reason) => panic!("{reason}"),
            _ => {}
        }
    }

    fn react_as_client(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::HostKey(request) => {
                self.client.answer_host_key(request, HostKeyAnswer::Accept).expect("in time");
            }
            ClientEvent::AuthNeeded(_) => self.client.authenticate("root", AuthMethod::None).expect("in time"),
            ClientEvent::ChannelOpen(request) => drop(self.client.accept_channel(request)),
            ClientEvent::Channel(id, event) => self.closed += u64::from(react(&mut self.client, id, event)),
            ClientEvent::Rekeyed => self.rekeyed += 1,
            ClientEvent::Closed(reason) => panic!("{reason}"),
            _ => {}
        }
    }
}

fn say_and_close<R: Role>(endpoint: &mut Endpoint<R>, id: ChannelId) {
    let mut channel = endpoint.channel(id).expect("an open channel");
    let request = ChannelRequest::Other { name: "endurance@example.com".into(), data: Vec::new() };
    channel.request(&request, true).expect("an open channel");
    channel.write(DataStream::STDOUT, GREETING).expect("an open channel");
    channel.send_eof().expect("an open channel");
}

/// Reads, answers, and closes what the other side has ended; whether that was the channel's end.
fn react<R: Role>(endpoint: &mut Endpoint<R>, id: ChannelId, event: ChannelEvent) -> bool {
    match event {
        ChannelEvent::Request(request) => {
            if let Some(token) = request.reply {
                endpoint.reply(token, true).expect("an open channel");
            }
        }
        ChannelEvent::Data(stream) => {
            let mut channel = endpoint.channel(id).expect("an open channel");
            assert_eq!(channel.readable(stream), GREETING);
            channel.consume(stream, GREETING.len());
        }
        ChannelEvent::Eof => endpoint.channel(id).expect("an open channel").close(),
        ChannelEvent::Closed => return true,
        _ => {}
    }
    false
}

/// Does it so often, and looks at what is held after a tenth and at the end.
pub fn growth(rounds: u64, mut round: impl FnMut(&mut Couple, u64)) -> Growth {
    let before = balance();
    let mut couple = Couple::new();
    let mut warm = 0;
    for turn in 0..rounds {
        if turn == rounds / 10 {
            warm = balance() - before;
        }
        round(&mut couple, turn);
    }
    Growth { rounds, warm, end: balance() - before }
}
