//! Endpoints over channels of endpoints: jump hosts, and any other protocol over a channel.

mod common;

use common::{Pair, Setup};
use ssh_core::wire::DataStream;
use ssh_core::{
    AuthAnswer, AuthMethod, ByteProtocol, ChannelEvent, ChannelId, ChannelRequest, ChannelType, ClientEvent,
    HostKeyAnswer, ServerEvent, splice,
};

/// A protocol that takes and says what the test lets it.
#[derive(Default)]
struct Other {
    /// How many more bytes it takes.
    room: usize,
    taken: Vec<u8>,
    output: Vec<u8>,
}

impl ByteProtocol for Other {
    fn handle_input(&mut self, bytes: &[u8]) -> usize {
        let n = self.room.min(bytes.len());
        self.room -= n;
        self.taken.extend_from_slice(&bytes[..n]);
        n
    }

    fn poll_output(&mut self) -> &[u8] {
        &self.output
    }

    fn consume_output(&mut self, n: usize) {
        self.output.drain(..n);
    }
}

/// What the inner side does not take stays in the channel, what the channel does not take stays with the inner side.
#[test]
fn only_what_both_sides_take_is_moved() {
    let mut pair = Pair::logged_in(Setup::new(1).quick());
    let (client, server) = pair.open_exec("cat");
    assert_eq!(pair.server.channel(server).unwrap().write(DataStream::STDOUT, b"question"), Ok(8));
    pair.run();
    let mut other = Other { room: 3, output: b"answer".to_vec(), ..Other::default() };
    assert!(splice(&mut pair.client.channel(client).unwrap(), &mut other));
    assert_eq!((&other.taken[..], &other.output[..]), (&b"que"[..], &b""[..]));
    assert_eq!(pair.client.channel(client).unwrap().readable(DataStream::STDOUT), b"stion");
    assert!(!splice(&mut pair.client.channel(client).unwrap(), &mut other), "no room, no output");
    pair.run();
    assert_eq!(pair.server.channel(server).unwrap().readable(DataStream::STDOUT), b"answer");
    other.room = 100;
    assert!(splice(&mut pair.client.channel(client).unwrap(), &mut other), "input alone moves, too");
    assert_eq!((&other.taken[..], other.room), (&b"question"[..], 95));

    pair.client.channel(client).unwrap().send_eof().unwrap();
    other.output = b"late".to_vec();
    assert!(!splice(&mut pair.client.channel(client).unwrap(), &mut other));
    assert_eq!(other.output, b"late", "not lost");
}

/// The other stream is none of the protocol's.
#[test]
fn standard_error_is_left_alone() {
    let mut pair = Pair::logged_in(Setup::new(2).quick());
    let (client, server) = pair.open_exec("cat");
    assert_eq!(pair.server.channel(server).unwrap().write(DataStream::STDERR, b"remark"), Ok(6));
    pair.run();
    let mut other = Other { room: 100, ..Other::default() };
    assert!(!splice(&mut pair.client.channel(client).unwrap(), &mut other));
    assert_eq!(pair.client.channel(client).unwrap().readable(DataStream::STDERR), b"remark");
    assert!(other.taken.is_empty());
}

/// A connection, and each other one over a channel of the one before it.
struct Chain {
    hops: Vec<Pair>,
    /// The channel, by both sides' numbers, that the next hop runs over.
    tunnels: Vec<(ChannelId, ChannelId)>,
    /// Whether the last hop's server looks at what it gets.
    server_looks: bool,
}

impl Chain {
    /// So many hops, all logged in, and a command on the last.
    fn new(hops: u64) -> (Self, (ChannelId, ChannelId)) {
        let mut chain = Self { hops: Vec::new(), tunnels: Vec::new(), server_looks: true };
        for seed in 0..hops {
            chain.hops.push(hop(10 + seed));
            chain.settle();
            assert!(chain.last().client.is_authenticated(), "hop {seed}");
            let channels = chain.open();
            chain.tunnels.push(channels);
        }
        let command = chain.tunnels.pop().unwrap();
        (chain, command)
    }

    fn last(&mut self) -> &mut Pair {
        self.hops.last_mut().unwrap()
    }

    /// A session on the last hop.
    fn open(&mut self) -> (ChannelId, ChannelId) {
        let id = self.last().client.open_channel(&ChannelType::Session).unwrap();
        self.settle();
        let opened =
            |event: &ClientEvent| matches!(event, ClientEvent::Channel(each, ChannelEvent::Opened) if *each == id);
        assert!(self.last().client_events.iter().any(opened));
        // The request tells the server's number for it.
        self.last().client.channel(id).unwrap().request(&ChannelRequest::Shell, false).unwrap();
        self.settle();
        let theirs = self.last().server_events.drain(..).find_map(|event| match event {
            ServerEvent::Channel(theirs, ChannelEvent::Request(_)) => Some(theirs),
            _ => None,
        });
        (id, theirs.expect("a request"))
    }

    fn settle(&mut self) {
        while self.turn() {}
    }

    /// One turn of a loop; says whether anything moved.
    fn turn(&mut self) -> bool {
        let last = self.hops.len() - 1;
        let mut moved = self.hops[0].deliver_to_server() + self.hops[0].deliver_to_client() > 0;
        for (index, &(client, server)) in self.tunnels.iter().enumerate() {
            let [outer, inner] = &mut self.hops[index..index + 2] else { unreachable!() };
            moved |= splice(&mut outer.client.channel(client).unwrap(), &mut inner.client);
            moved |= splice(&mut outer.server.channel(server).unwrap(), &mut inner.server);
        }
        for (index, hop) in self.hops.iter_mut().enumerate() {
            moved |= hop.poll_client() > 0;
            if index < last || self.server_looks {
                moved |= hop.poll_server() > 0;
            }
            moved |= decide(hop);
        }
        moved
    }

    /// Sends all of `data` to the last server, which reads all the while.
    fn send(&mut self, (client, server): (ChannelId, ChannelId), data: &[u8]) -> Vec<u8> {
        let (mut sent, mut received) = (0, Vec::new());
        loop {
            sent += self.last().client.channel(client).unwrap().write(DataStream::STDOUT, &data[sent..]).unwrap();
            let moved = self.turn();
            let mut channel = self.last().server.channel(server).unwrap();
            let now = channel.readable(DataStream::STDOUT).to_vec();
            channel.consume(DataStream::STDOUT, now.len());
            received.extend_from_slice(&now);
            if !moved && now.is_empty() && sent == data.len() {
                return received;
            }
        }
    }
}

/// Room in its buffers and windows for little, but on the last hop's channel for much.
fn hop(seed: u64) -> Pair {
    let limits = |limits: &mut ssh_core::Limits| {
        limits.max_output = 64 * 1024;
        limits.input_buffer = 64 * 1024;
        limits.channel_window = if seed == 12 { 8 << 20 } else { 96 * 1024 };
    };
    let setup = Setup::new(seed).quick().configure(|client, server| {
        limits(&mut client.limits);
        limits(&mut server.limits);
    });
    setup.build()
}

/// The decisions up to an open session. The events about channels are left.
fn decide(hop: &mut Pair) -> bool {
    let mut decided = false;
    for event in std::mem::take(&mut hop.client_events) {
        decided = true;
        match event {
            ClientEvent::HostKey(request) => hop.client.answer_host_key(request, HostKeyAnswer::Accept).unwrap(),
            ClientEvent::AuthNeeded(_) => {
                hop.client.authenticate("user", AuthMethod::Password("secret".into())).unwrap();
            }
            other => {
                decided = false;
                hop.client_events.push_back(other);
            }
        }
    }
    for event in std::mem::take(&mut hop.server_events) {
        match event {
            ServerEvent::Auth(request) => hop.server.answer_auth(request, AuthAnswer::Accept).unwrap(),
            ServerEvent::ChannelOpen(request) => drop(hop.server.accept_channel(request).unwrap()),
            other => {
                hop.server_events.push_back(other);
                continue;
            }
        }
        decided = true;
    }
    decided
}

/// Bytes that tell where they belong.
fn numbered(length: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_be_bytes).take(length).collect()
}

#[test]
fn three_hops_carry_everything_in_order() {
    let (mut chain, command) = Chain::new(3);
    let data = numbered(1 << 20);
    assert!(chain.send(command, &data) == data);
    // The whole session of the inner hops went through the outer one, encrypted anew.
    assert!(chain.hops[0].to_server.len() > data.len());
    assert!(chain.hops[0].to_server.windows(16).all(|window| window != &data[..16]));
}

/// A server at the far end that does not look stops the application at the near end: what is under way is bounded by the
/// buffers and windows between them, and nothing of it is lost.
#[test]
fn back_pressure_reaches_from_end_to_end() {
    let (mut chain, (client, server)) = Chain::new(3);
    chain.server_looks = false;
    let data = numbered(8 << 20);
    let mut sent = 0;
    loop {
        let n = chain.last().client.channel(client).unwrap().write(DataStream::STDOUT, &data[sent..]).unwrap();
        sent += n;
        if !chain.turn() && n == 0 {
            break;
        }
    }
    // Of each of three connections: the output and the input buffer; of each of two tunnels: a window.
    let between = 3 * (64 + 64) * 1024 + 2 * 96 * 1024;
    assert!(sent > 64 * 1024 && sent <= between + 64 * 1024, "{sent} bytes under way");
    assert_eq!(chain.last().client.channel(client).unwrap().writable(), 0);
    let (outer, _) = chain.tunnels[1];
    assert_eq!(chain.hops[1].client.channel(outer).unwrap().writable(), 0, "the tunnel's window is used up");

    chain.server_looks = true;
    chain.settle();
    let arrived = chain.last().server.channel(server).unwrap().readable(DataStream::STDOUT).to_vec();
    assert!(!arrived.is_empty() && data.starts_with(&arrived));
    chain.last().server.channel(server).unwrap().consume(DataStream::STDOUT, arrived.len());
    let mut received = arrived;
    received.extend(chain.send((client, server), &data[sent..sent + (1 << 20)]));
    assert!(received == data[..sent + (1 << 20)], "all of it, in order");
}
