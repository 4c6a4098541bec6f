//! Two endpoints on a virtual network and clock: no sockets, no threads, everything decided by seeds.
#![allow(dead_code, unreachable_pub, reason = "shared by several tests")]

pub mod assault;
pub mod hostile;
pub mod memo;
pub mod session;
pub mod siege;
pub mod traffic;
pub mod verdicts;

use std::collections::VecDeque;
use std::sync::Arc;

use ssh_core::crypto::{Algorithms, cipher, kex};
use ssh_core::key::{KeyAlgorithm, PrivateKey, PublicKey};
use ssh_core::random::ChaChaRandom;
use ssh_core::recording::replay;
use ssh_core::{
    AuthAnswer, AuthMethod, ChannelEvent, ChannelId, ChannelRequest, ChannelType, Client, ClientConfig, ClientEvent,
    ClientRole, CloseReason, Credential, Endpoint, HostKeyAnswer, RekeyPolicy, Role, Server, ServerConfig, ServerEvent,
    ServerRole, Timestamp,
};

/// A seed of a generator.
pub fn seed(number: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// A generator that is the same for the same seed.
pub fn random(number: u64) -> ChaChaRandom {
    ChaChaRandom::from_seed(&seed(number))
}

pub fn key(algorithm: KeyAlgorithm, seed: u64) -> PrivateKey {
    PrivateKey::generate(algorithm, &mut random(seed)).expect("a key")
}

/// Cuts a stream into pieces.
#[derive(Clone, Copy, Debug)]
pub enum Chunking {
    /// As much as there is.
    Whole,
    /// Always so many bytes.
    Fixed(usize),
    /// 1 to so many bytes, by a seed.
    Random(usize),
}

pub struct Pair {
    pub client: Client,
    pub server: Server,
    pub client_events: VecDeque<ClientEvent>,
    /// The announcements of host keys that the client has heard, which are no part of its events here.
    pub announced: Vec<Vec<PublicKey>>,
    pub server_events: VecDeque<ServerEvent>,
    pub now: Timestamp,
    pub host_keys: Vec<PrivateKey>,
    pub chunking: Chunking,
    pub dice: ChaChaRandom,
    /// Everything that crossed, for comparison.
    pub to_server: Vec<u8>,
    pub to_client: Vec<u8>,
    /// Whether delivery stops in that direction.
    pub stall_to_server: bool,
    pub stall_to_client: bool,
    client_config: Arc<ClientConfig>,
    server_config: Arc<ServerConfig>,
}

/// What a pair is made of.
pub struct Setup {
    pub client: ClientConfig,
    pub server: ServerConfig,
    pub host_keys: Vec<PrivateKey>,
    pub seed: u64,
    pub chunking: Chunking,
    /// A hostile client hears the server's host keys announced. Most of them count what is said, and hear nothing.
    pub announces_to_the_hostile: bool,
}

impl Setup {
    pub fn new(seed: u64) -> Self {
        let host_keys = vec![key(KeyAlgorithm::Ed25519, 1)];
        let mut server = ServerConfig::new(host_keys.iter().map(|key| key.public_key().clone()).collect());
        server.auth_methods.push("keyboard-interactive".into());
        Self {
            client: ClientConfig::default(),
            server,
            host_keys,
            seed,
            chunking: Chunking::Whole,
            announces_to_the_hostile: false,
        }
    }

    pub fn algorithms(mut self, change: impl Fn(&mut Algorithms)) -> Self {
        change(&mut self.client.algorithms);
        change(&mut self.server.algorithms);
        self
    }

    /// Changes both configurations.
    pub fn configure(mut self, change: impl FnOnce(&mut ClientConfig, &mut ServerConfig)) -> Self {
        change(&mut self.client, &mut self.server);
        self
    }

    /// The same rekey policy on both sides.
    pub fn rekey(self, policy: RekeyPolicy) -> Self {
        self.configure(|client, server| {
            client.rekey = policy;
            server.rekey = policy;
        })
    }

    /// The cheapest algorithms, for tests of many handshakes.
    pub fn quick(self) -> Self {
        self.algorithms(|lists| {
            lists.kex = vec![kex::CURVE25519_SHA256];
            lists.ciphers = vec![cipher::AES128_GCM];
            lists.host_key.retain(|algorithm| algorithm.plain().is_none());
        })
    }

    pub fn chunking(mut self, chunking: Chunking) -> Self {
        self.chunking = chunking;
        self
    }

    pub fn build(self) -> Pair {
        let now = Timestamp::ZERO;
        let (client_config, server_config) = (Arc::new(self.client), Arc::new(self.server));
        let seed = |salt: u64| seed(self.seed * 2 + salt);
        Pair {
            client: Client::recorded(Arc::clone(&client_config), &seed(0), now).expect("a client"),
            server: Server::recorded(Arc::clone(&server_config), &seed(1), now).expect("a server"),
            client_events: VecDeque::new(),
            announced: Vec::new(),
            server_events: VecDeque::new(),
            now,
            host_keys: self.host_keys,
            chunking: self.chunking,
            dice: random(self.seed ^ 0xdead),
            to_server: Vec::new(),
            to_client: Vec::new(),
            stall_to_server: false,
            stall_to_client: false,
            client_config,
            server_config,
        }
    }
}

/// Moves one piece of output to the other side; says how much.
fn carry<A: Role, B: Role>(
    from: &mut Endpoint<A>,
    to: &mut Endpoint<B>,
    chunking: Chunking,
    dice: &mut ChaChaRandom,
    log: &mut Vec<u8>,
) -> usize {
    let output = from.poll_output();
    let n = match chunking {
        Chunking::Whole => output.len(),
        Chunking::Fixed(n) => n.min(output.len()),
        Chunking::Random(most) => {
            let mut bytes = [0; 2];
            dice.fill_bytes(&mut bytes);
            (usize::from(u16::from_le_bytes(bytes)) % most + 1).min(output.len())
        }
    };
    let taken = to.handle_input(&output[..n]);
    log.extend_from_slice(&output[..taken]);
    from.consume_output(taken);
    taken
}

impl Pair {
    /// Carries bytes and collects events until nothing moves. Host key signatures are made on the spot; all other
    /// decisions are left to the test.
    pub fn run(&mut self) {
        for _ in 0..10_000_000 {
            if self.step() == 0 {
                return;
            }
        }
        panic!("the pair never comes to rest");
    }

    /// One piece each way and all events; says how much that was.
    pub fn step(&mut self) -> usize {
        self.deliver_to_server() + self.poll_server() + self.deliver_to_client() + self.poll_client()
    }

    /// One piece to the server, without letting it look.
    pub fn deliver_to_server(&mut self) -> usize {
        if self.stall_to_server {
            return 0;
        }
        carry(&mut self.client, &mut self.server, self.chunking, &mut self.dice, &mut self.to_server)
    }

    /// One piece to the client, without letting it look.
    pub fn deliver_to_client(&mut self) -> usize {
        if self.stall_to_client {
            return 0;
        }
        carry(&mut self.server, &mut self.client, self.chunking, &mut self.dice, &mut self.to_client)
    }

    /// A number below `below`, by the pair's dice.
    pub fn roll(&mut self, below: usize) -> usize {
        let mut bytes = [0; 8];
        self.dice.fill_bytes(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % below.max(1) as u64).expect("small")
    }

    /// A pair that is logged in.
    pub fn logged_in(setup: Setup) -> Self {
        let mut pair = setup.build();
        pair.log_in();
        pair
    }

    pub fn poll_server(&mut self) -> usize {
        let mut count = 0;
        while let Some(event) = self.server.poll_event() {
            count += 1;
            match event {
                ServerEvent::Sign(request) => {
                    let plain = request.key.plain();
                    let key = self.host_keys.iter().find(|key| *key.public_key() == *plain).expect("the key");
                    let signature = key.sign(request.algorithm, &request.data, &mut random(77)).expect("a signature");
                    self.server.answer_signature(request, Some(&signature)).expect("a fresh token");
                }
                event => self.server_events.push_back(event),
            }
        }
        count
    }

    pub fn poll_client(&mut self) -> usize {
        let mut count = 0;
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::HostKeys(keys) => self.announced.push(keys),
                event => self.client_events.push_back(event),
            }
            count += 1;
        }
        count
    }

    /// Lets time pass for both.
    pub fn pass(&mut self, micros: u64) {
        self.now = Timestamp::from_micros(self.now.as_micros() + micros);
        self.client.handle_timeout(self.now);
        self.server.handle_timeout(self.now);
    }

    /// The next event of the client, running until there is one.
    pub fn client_event(&mut self) -> ClientEvent {
        self.run();
        self.client_events.pop_front().expect("an event of the client")
    }

    pub fn server_event(&mut self) -> ServerEvent {
        self.run();
        self.server_events.pop_front().expect("an event of the server")
    }

    pub fn accept_host_key(&mut self) {
        match self.client_event() {
            ClientEvent::HostKey(request) => {
                assert_eq!(request.key, *self.host_keys[0].public_key());
                self.client.answer_host_key(request, HostKeyAnswer::Accept).expect("a fresh token");
            }
            other => panic!("expected HostKey, got {other:?}"),
        }
    }

    pub fn expect_auth_needed(&mut self) {
        match self.client_event() {
            ClientEvent::AuthNeeded(_) => {}
            other => panic!("expected AuthNeeded, got {other:?}"),
        }
    }

    /// Logs in with a password.
    pub fn log_in(&mut self) {
        self.accept_host_key();
        self.expect_auth_needed();
        self.client.authenticate("user", AuthMethod::Password("secret".into())).expect("the right time");
        match self.server_event() {
            ServerEvent::Auth(request) => {
                assert_eq!(request.user, "user");
                let right = matches!(&request.credential, Credential::Password(p) if p.constant_time_eq(b"secret"));
                assert!(right, "{request:?}");
                self.server.answer_auth(request, AuthAnswer::Accept).expect("a fresh token");
            }
            other => panic!("expected Auth, got {other:?}"),
        }
        assert!(matches!(self.server_event(), ServerEvent::Authenticated(identity) if identity.user == "user"));
        assert!(matches!(self.client_event(), ClientEvent::Authenticated("password")));
    }

    /// Opens a session and runs a command that the server accepts.
    pub fn open_exec(&mut self, command: &str) -> (ChannelId, ChannelId) {
        let id = self.client.open_channel(&ChannelType::Session).expect("room");
        let server_id = match self.server_event() {
            ServerEvent::ChannelOpen(request) => self.server.accept_channel(request).expect("a fresh token"),
            other => panic!("expected ChannelOpen, got {other:?}"),
        };
        assert!(matches!(self.client_event(), ClientEvent::Channel(each, ChannelEvent::Opened) if each == id));
        let request = ChannelRequest::Exec { command: command.into() };
        self.client.channel(id).expect("open").request(&request, true).expect("open");
        match self.server_event() {
            ServerEvent::Channel(each, ChannelEvent::Request(incoming)) => {
                assert_eq!((each, &incoming.request), (server_id, &request));
                self.server.reply(incoming.reply.expect("wanted"), true).expect("a fresh token");
            }
            other => panic!("expected Request, got {other:?}"),
        }
        assert!(matches!(self.client_event(), ClientEvent::Channel(_, ChannelEvent::Reply { success: true, .. })));
        (id, server_id)
    }

    /// Counts `Rekeyed` on both sides and forgets all other events.
    pub fn rekeyed(&mut self) -> (usize, usize) {
        self.run();
        let client = self.client_events.drain(..).filter(|event| matches!(event, ClientEvent::Rekeyed)).count();
        let server = self.server_events.drain(..).filter(|event| matches!(event, ServerEvent::Rekeyed)).count();
        (client, server)
    }

    /// Plays both recordings again: the same bytes, and an event for each.
    pub fn replay(&mut self) {
        let recording = self.client.take_recording();
        let again = replay::<ClientRole>(Arc::clone(&self.client_config), &recording).expect("a replay");
        assert!(again.output == self.to_server, "the client said something else");
        let recording = self.server.take_recording();
        let again = replay::<ServerRole>(Arc::clone(&self.server_config), &recording).expect("a replay");
        assert!(again.output == self.to_client, "the server said something else");
    }

    /// How the client's connection ended, if it did.
    pub fn client_closed(&mut self) -> Option<CloseReason> {
        self.client_events.iter().find_map(|event| match event {
            ClientEvent::Closed(reason) => Some(reason.clone()),
            _ => None,
        })
    }

    pub fn server_closed(&mut self) -> Option<CloseReason> {
        self.server_events.iter().find_map(|event| match event {
            ServerEvent::Closed(reason) => Some(reason.clone()),
            _ => None,
        })
    }
}
