//! Many channels with data both ways, written only when `Writable` says so, and compared byte by byte.

use ssh_core::wire::DataStream;
use ssh_core::{ChannelEvent, ChannelId, ClientEvent, Endpoint, Role, ServerEvent, WriteError};

use super::Pair;

/// One direction of one channel.
pub struct Lane {
    pub total: usize,
    pub written: usize,
    pub read: usize,
    pub ended: bool,
    seed: usize,
    /// A write was cut short; only `Writable` changes that.
    blocked: bool,
}

impl Lane {
    pub fn new(total: usize, seed: usize) -> Self {
        Self { total, written: 0, read: 0, ended: false, seed, blocked: false }
    }

    fn byte(&self, at: usize) -> u8 {
        (at.wrapping_mul(31) ^ (at >> 8) ^ self.seed.wrapping_mul(97)) as u8
    }

    /// Writes what fits, then EOF; says whether anything was done.
    fn write<R: Role>(&mut self, endpoint: &mut Endpoint<R>, id: ChannelId, most: usize) -> usize {
        if self.blocked || self.ended {
            return 0;
        }
        let mut channel = endpoint.channel(id).expect("a channel that is written to");
        if self.written < self.total {
            let n = most.min(self.total - self.written);
            let data: Vec<u8> = (self.written..self.written + n).map(|at| self.byte(at)).collect();
            let written = channel.write(DataStream::STDOUT, &data).expect("an open channel");
            self.written += written;
            self.blocked = written < n;
            return 1;
        }
        match channel.send_eof() {
            Ok(()) => self.ended = true,
            Err(WriteError::Busy) => {}
            Err(error) => panic!("{error}"),
        }
        1
    }

    /// Reads up to `most` bytes and compares them.
    fn read<R: Role>(&mut self, endpoint: &mut Endpoint<R>, id: ChannelId, most: usize) -> usize {
        let Some(mut channel) = endpoint.channel(id) else { return 0 };
        let data = channel.readable(DataStream::STDOUT);
        let n = data.len().min(most);
        for (offset, &byte) in data[..n].iter().enumerate() {
            assert_eq!(byte, self.byte(self.read + offset), "{id} at {}", self.read + offset);
        }
        self.read += n;
        channel.consume(DataStream::STDOUT, n);
        n
    }

    fn is_done(&self) -> bool {
        self.ended && self.read == self.total
    }
}

pub struct Duplex {
    pub client: ChannelId,
    pub server: ChannelId,
    pub up: Lane,
    pub down: Lane,
    /// EOFs that the client, and the server, were told of.
    pub eof: (u32, u32),
}

/// All channels of a pair.
pub struct Traffic {
    pub channels: Vec<Duplex>,
    /// `Rekeyed` as the client, and the server, saw it.
    pub rekeyed: (u32, u32),
    /// Most bytes read at once.
    pub sip: usize,
    /// Most bytes written at once.
    pub gulp: usize,
    /// What happened beside data, writability and fresh keys.
    pub others: Vec<String>,
}

impl Traffic {
    /// Opens `count` channels that carry `bytes` bytes each way.
    pub fn open(pair: &mut Pair, count: usize, bytes: usize) -> Self {
        let channels = (0..count).map(|number| {
            let (client, server) = pair.open_exec(&format!("cat {number}"));
            let (up, down) = (Lane::new(bytes, number * 2), Lane::new(bytes, number * 2 + 1));
            Duplex { client, server, up, down, eof: (0, 0) }
        });
        let channels = channels.collect();
        Self { channels, rekeyed: (0, 0), sip: usize::MAX, gulp: 50_000, others: Vec::new() }
    }

    /// Moves everything; panics if it stands still before all is there. `each_round` may interfere.
    pub fn run(&mut self, pair: &mut Pair, mut each_round: impl FnMut(&mut Pair, usize)) {
        for round in 0..1_000_000 {
            each_round(pair, round);
            let mut progress = 0;
            for channel in &mut self.channels {
                let most = 1 + pair.roll(self.gulp);
                progress += channel.up.write(&mut pair.client, channel.client, most);
                progress += channel.down.write(&mut pair.server, channel.server, most);
            }
            progress += pair.step();
            self.note_events(pair);
            for channel in &mut self.channels {
                progress += channel.up.read(&mut pair.server, channel.server, self.sip);
                progress += channel.down.read(&mut pair.client, channel.client, self.sip);
            }
            if self.is_done() {
                return;
            }
            assert!(progress > 0, "round {round}: everybody waits for somebody: {}", self.state());
        }
        panic!("never done: {}", self.state());
    }

    pub fn is_done(&self) -> bool {
        let done = |channel: &Duplex| channel.up.is_done() && channel.down.is_done() && channel.eof == (1, 1);
        self.channels.iter().all(done)
    }

    fn state(&self) -> String {
        let lane = |lane: &Lane| format!("{}/{}/{} blocked={}", lane.read, lane.written, lane.total, lane.blocked);
        let each = self.channels.iter().filter(|channel| !channel.up.is_done() || !channel.down.is_done());
        each.map(|channel| format!("up {} down {}; ", lane(&channel.up), lane(&channel.down))).collect()
    }

    fn note_events(&mut self, pair: &mut Pair) {
        for event in std::mem::take(&mut pair.client_events) {
            match event {
                ClientEvent::Channel(id, event) => {
                    let channel = self.channels.iter_mut().find(|each| each.client == id).expect("a known channel");
                    match event {
                        ChannelEvent::Writable => channel.up.blocked = false,
                        ChannelEvent::Eof => channel.eof.0 += 1,
                        ChannelEvent::Data(_) => {}
                        other => self.others.push(format!("client {id} {other:?}")),
                    }
                }
                ClientEvent::Rekeyed => self.rekeyed.0 += 1,
                other => panic!("client: {other:?}"),
            }
        }
        for event in std::mem::take(&mut pair.server_events) {
            match event {
                ServerEvent::Channel(id, event) => {
                    let channel = self.channels.iter_mut().find(|each| each.server == id).expect("a known channel");
                    match event {
                        ChannelEvent::Writable => channel.down.blocked = false,
                        ChannelEvent::Eof => channel.eof.1 += 1,
                        ChannelEvent::Data(_) => {}
                        other => self.others.push(format!("server {id} {other:?}")),
                    }
                }
                ServerEvent::Rekeyed => self.rekeyed.1 += 1,
                other => panic!("server: {other:?}"),
            }
        }
    }
}
