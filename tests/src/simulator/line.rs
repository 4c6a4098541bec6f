//! One side of one channel as an application drives it: it writes what its plan says and checks what it reads.

use std::collections::VecDeque;

use ssh_core::wire::DataStream;
use ssh_core::{ChannelId, ChannelRequest, Misuse, RequestId, RequestToken, Role, Signal, WriteError};

use super::application::Scene;
use super::content::{content, is_content};
use super::engine::Engine;
use super::plan::{EndPlan, Leave, MILLISECOND};

const STREAMS: [DataStream; 2] = [DataStream::STDOUT, DataStream::STDERR];

/// What requests are called that only the simulator knows.
pub(super) const REQUEST: &[u8] = b"request@simulator.example";

/// One side of one channel.
pub(super) struct Line {
    pub(super) id: ChannelId,
    /// Its place in the plan; a server learns it with the command of a session.
    pub(super) index: Option<usize>,
    /// Since when it has been open, or before that, asked for.
    pub(super) since: u64,
    pub(super) open: bool,
    /// The command was sent, or came.
    pub(super) ready: bool,
    blocked: bool,
    paused_until: u64,
    requests_left: u32,
    outstanding: VecDeque<(RequestId, bool)>,
    owed: Vec<(u64, RequestToken, bool)>,
    closing: bool,
    /// Nothing more is to be done with it.
    pub(super) gone: bool,
}

impl Line {
    pub(super) fn new(id: ChannelId, index: Option<usize>, since: u64, open: bool) -> Self {
        Self {
            id,
            index,
            since,
            open,
            ready: false,
            blocked: false,
            paused_until: 0,
            requests_left: 0,
            outstanding: VecDeque::new(),
            owed: Vec::new(),
            closing: false,
            gone: false,
        }
    }

    /// It is known what the channel is for.
    pub(super) fn begin(&mut self, index: usize, scene: &Scene<'_>) {
        self.index = Some(index);
        self.ready = true;
        self.requests_left = scene.plan.channels[index].ends[scene.place.side].requests;
    }

    /// Does what can be done; says whether anything was.
    pub(super) fn act<R: Role>(&mut self, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        if self.gone {
            return false;
        }
        let mut progress = self.leave_early(engine, scene);
        if self.gone || !self.open {
            return progress;
        }
        progress |= self.command(engine, scene);
        let Some(index) = self.index.filter(|_| self.ready) else {
            if self.index.is_none() && self.is_closed(engine) {
                self.gone = true;
            }
            return progress;
        };
        progress |= self.answer(engine, scene);
        progress |= self.read(index, engine, scene);
        if self.closing || scene.facts.channels[index][scene.place.side].closed_seen {
            return progress;
        }
        progress |= self.request(index, engine, scene);
        progress |= self.write(index, engine, scene);
        progress | self.finish(index, engine, scene)
    }

    fn is_closed<R: Role>(&self, engine: &mut Engine<R>) -> bool {
        engine.with(|endpoint| endpoint.channel(self.id).is_none())
    }

    fn plan<'a>(&self, scene: &Scene<'a>) -> Option<&'a EndPlan> {
        Some(&scene.plan.channels[self.index?].ends[scene.place.side])
    }

    fn leave_early<R: Role>(&mut self, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        let Some(plan) = self.plan(scene) else { return false };
        let (after, abandon) = match plan.leave {
            Leave::Close(after) if self.open => (after, false),
            Leave::Abandon(after) => (after, true),
            _ => return false,
        };
        if self.closing || !scene.is_due(self.since + after) {
            return false;
        }
        let end = scene.end(self.index);
        if end.closed_seen {
            return false;
        }
        end.left = true;
        self.closing = true;
        scene.say(format_args!("{} is given up, abandon: {abandon}", self.id));
        let id = self.id;
        engine.with(|endpoint| match endpoint.channel(id) {
            Some(channel) if abandon => channel.abandon(),
            Some(mut channel) => channel.close(),
            None => {}
        });
        if abandon {
            self.gone = true;
            engine.spend(std::mem::take(&mut self.owed));
        }
        true
    }

    /// The opener of a session says what it is for.
    fn command<R: Role>(&mut self, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        let (Some(index), false, false) = (self.index, self.ready, self.closing) else { return false };
        if !scene.plan.channels[index].session {
            self.begin(index, scene);
            return true;
        }
        let id = self.id;
        let asked = engine.with(|endpoint| {
            let command = index.to_string().into_bytes();
            endpoint.channel(id).map(|mut channel| channel.request(&ChannelRequest::Exec { command }, true))
        });
        match asked {
            Some(Ok(Some(request))) => {
                self.outstanding.push_back((request, true));
                scene.end(self.index).replies_wanted += 1;
                self.begin(index, scene);
                true
            }
            Some(Err(error)) => self.refused(error, engine, scene),
            _ => false,
        }
    }

    /// A write or request was refused; that is right while keys are exchanged, and when all is over.
    fn refused<R: Role>(&self, error: WriteError, engine: &Engine<R>, scene: &mut Scene<'_>) -> bool {
        match error {
            WriteError::Busy => scene.wake_at(scene.place.now + 50 * MILLISECOND),
            WriteError::Closed if !engine.get().is_authenticated() => {}
            other => scene.violation(&format!("{}: {other}", self.id)),
        }
        false
    }

    fn request<R: Role>(&mut self, index: usize, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        if self.requests_left == 0 || self.outstanding.len() >= 4 {
            return false;
        }
        let number = scene.plan.channels[index].ends[scene.place.side].requests - self.requests_left;
        let (granted, wanted, kind) = (scene.dice.percent(50), scene.dice.percent(70), scene.dice.below(4));
        let id = self.id;
        let asked = engine.with(|endpoint| {
            let request = match kind {
                0 => ChannelRequest::Signal(Signal::new("TERM").ok()?),
                1 => ChannelRequest::WindowChange { columns: 80, rows: number, width_pixels: 0, height_pixels: 0 },
                _ => {
                    let data = [&[u8::from(granted)][..], &number.to_be_bytes()].concat();
                    ChannelRequest::Other { name: REQUEST.to_vec(), data }
                }
            };
            endpoint.channel(id).map(|mut channel| channel.request(&request, wanted))
        });
        match asked {
            Some(Ok(request)) => {
                self.requests_left -= 1;
                let end = scene.end(self.index);
                end.requests_sent += 1;
                if let Some(request) = request {
                    end.replies_wanted += 1;
                    self.outstanding.push_back((request, granted));
                }
                true
            }
            Some(Err(error)) => self.refused(error, engine, scene),
            None => false,
        }
    }

    /// The other side asked for something.
    pub(super) fn asked(&mut self, request: &ChannelRequest, token: Option<RequestToken>, scene: &mut Scene<'_>) {
        let granted = match request {
            ChannelRequest::Exec { command } => {
                let index = std::str::from_utf8(command).ok().and_then(|text| text.parse().ok());
                match index.filter(|index| *index < scene.plan.channels.len() && self.index.is_none()) {
                    Some(index) => self.begin(index, scene),
                    None => scene.violation("a command that nobody sent"),
                }
                true
            }
            ChannelRequest::Other { name, data } if name == REQUEST && data.len() == 5 => {
                let number = u32::from_be_bytes([data[1], data[2], data[3], data[4]]);
                let end = scene.end(self.index);
                let expected = std::mem::replace(&mut end.requests_seen, number + 1);
                if number < expected {
                    scene.violation(&format!("{}: request {number} after {expected}", self.id));
                }
                data[0] == 1
            }
            ChannelRequest::Signal(_) | ChannelRequest::WindowChange { .. } => {
                scene.end(self.index).requests_seen += 1;
                false
            }
            other => {
                scene.violation(&format!("{}: a request that nobody sent: {other:?}", self.id));
                false
            }
        };
        if let Some(token) = token {
            let due = scene.place.now + scene.thinking();
            self.owed.push((due, token, granted));
        }
    }

    fn answer<R: Role>(&mut self, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        let Some(soonest) = self.owed.iter().map(|owed| owed.0).min() else { return false };
        if !scene.is_due(soonest) {
            return false;
        }
        // In any order: the core must bring the answers in line.
        let (_, token, granted) = self.owed.swap_remove(scene.dice.below(self.owed.len()));
        match engine.with(|endpoint| endpoint.reply(token, granted)) {
            Ok(()) | Err(Misuse::NoSuchChannel | Misuse::WrongPhase) => {}
            Err(error) => scene.violation(&format!("{}: an answer was refused: {error}", self.id)),
        }
        true
    }

    /// The other side answered.
    pub(super) fn answered(&mut self, request: RequestId, success: bool, scene: &mut Scene<'_>) {
        scene.end(self.index).replies_seen += 1;
        match self.outstanding.pop_front() {
            Some(asked) if asked == (request, success) => {}
            other => scene.violation(&format!("{}: {request:?} was answered {success}, not {other:?}", self.id)),
        }
    }

    pub(super) fn unblock(&mut self, scene: &mut Scene<'_>) {
        if !std::mem::take(&mut self.blocked) {
            scene.violation(&format!("{}: writable, but no write was cut short", self.id));
        }
    }

    /// Which bytes a stream of a side carries: those of an echo are the other side's.
    fn lane(index: usize, side: usize, stream: usize, scene: &Scene<'_>) -> u64 {
        let echo = scene.plan.channels[index].echo && stream == 0;
        let source = if echo { 0 } else { side };
        scene.place.connection as u64 * 1000 + index as u64 * 4 + source as u64 * 2 + stream as u64
    }

    fn write<R: Role>(&mut self, index: usize, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        let side = scene.place.side;
        let plan = &scene.plan.channels[index];
        if self.blocked || scene.end(self.index).eof_sent {
            return false;
        }
        for stream in 0..2 {
            if plan.echo && side == 1 && stream == 0 {
                continue;
            }
            let left = plan.ends[side].totals[stream] - scene.end(self.index).written[stream];
            if left == 0 {
                continue;
            }
            let most = plan.ends[side].gulp.min(usize::try_from(left).unwrap_or(usize::MAX));
            let length = scene.dice.range(1, most as u64) as usize;
            let data = content(Self::lane(index, side, stream, scene), scene.end(self.index).written[stream], length);
            return self.put(stream, data, engine, scene) > 0;
        }
        false
    }

    /// Writes; says how much was taken.
    fn put<R: Role>(&mut self, stream: usize, data: &[u8], engine: &mut Engine<R>, scene: &mut Scene<'_>) -> usize {
        let in_place = scene.dice.percent(30);
        let id = self.id;
        let written = engine.with(|endpoint| {
            let mut channel = endpoint.channel(id)?;
            Some(match in_place {
                false => channel.write(STREAMS[stream], data),
                true => channel.write_with(STREAMS[stream], data.len(), |room| {
                    room.copy_from_slice(&data[..room.len()]);
                    room.len()
                }),
            })
        });
        match written {
            Some(Ok(n)) => {
                self.blocked = if in_place { n == 0 } else { n < data.len() };
                scene.wrote(self.index, stream, n as u64);
                n
            }
            Some(Err(error)) => {
                self.refused(error, engine, scene);
                0
            }
            None => {
                scene.violation(&format!("{} is gone before it was closed", self.id));
                0
            }
        }
    }

    fn read<R: Role>(&mut self, index: usize, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        let (side, now) = (scene.place.side, scene.place.now);
        let plan = &scene.plan.channels[index].ends[side];
        let closed = scene.end(self.index).closed_seen;
        if !closed {
            let (from, to) = (self.since + plan.stall.0, self.since + plan.stall.1);
            let until = if from <= now { self.paused_until.max(to) } else { self.paused_until };
            if !scene.is_due(until) {
                return false;
            }
        }
        let mut progress = false;
        for stream in 0..2 {
            let echoes = scene.plan.channels[index].echo && side == 1 && stream == 0;
            progress |= if echoes && !closed && !self.closing {
                self.echo(index, engine, scene)
            } else {
                self.sip(index, stream, plan.sip, engine, scene)
            };
        }
        if progress && plan.pause > 0 && !closed {
            self.paused_until = now + plan.pause;
            scene.wake_at(self.paused_until);
        }
        if closed && !progress {
            self.check_end(index, scene);
            self.gone = true;
            engine.spend(std::mem::take(&mut self.owed));
        }
        progress
    }

    fn sip<R: Role>(
        &mut self,
        index: usize,
        stream: usize,
        most: usize,
        engine: &mut Engine<R>,
        scene: &mut Scene<'_>,
    ) -> bool {
        let lane = Self::lane(index, 1 - scene.place.side, stream, scene);
        let position = scene.end(self.index).received[stream];
        let id = self.id;
        let (n, right) = engine.with(|endpoint| {
            let Some(mut channel) = endpoint.channel(id) else { return (0, true) };
            let readable = channel.readable(STREAMS[stream]);
            let n = readable.len().min(most);
            let right = is_content(lane, position, &readable[..n]);
            channel.consume(STREAMS[stream], n);
            (n, right)
        });
        scene.read(self.index, stream, n as u64, right);
        n > 0
    }

    /// Reads only what can be written back.
    fn echo<R: Role>(&mut self, index: usize, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        if self.blocked || scene.end(self.index).eof_sent {
            return false;
        }
        let id = self.id;
        let mut data = vec![0; scene.plan.channels[index].ends[1].gulp.min(32 * 1024)];
        let n = engine.with(|endpoint| {
            let Some(channel) = endpoint.channel(id) else { return 0 };
            let readable = channel.readable(DataStream::STDOUT);
            let n = readable.len().min(data.len());
            data[..n].copy_from_slice(&readable[..n]);
            n
        });
        if n == 0 {
            return false;
        }
        let taken = self.put(0, &data[..n], engine, scene);
        engine.with(|endpoint| {
            if let Some(mut channel) = endpoint.channel(id) {
                channel.consume(DataStream::STDOUT, taken);
            }
        });
        let lane = Self::lane(index, 0, 0, scene);
        let right = is_content(lane, scene.end(self.index).received[0], &data[..taken]);
        scene.read(self.index, 0, taken as u64, right);
        taken > 0
    }

    fn finish<R: Role>(&mut self, index: usize, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        let side = scene.place.side;
        let plan = &scene.plan.channels[index];
        let (leave, totals) = (plan.ends[side].leave, plan.ends[side].totals);
        let end = scene.facts.channels[index][side].clone();
        let other = scene.facts.channels[index][1 - side].clone();
        let echoes = plan.echo && side == 1;
        let echoed = !echoes || (end.eof_seen && end.received[0] == other.written[0]);
        let written = (echoes || end.written[0] == totals[0]) && end.written[1] == totals[1];
        let settled = self.requests_left == 0 && self.outstanding.is_empty();
        if !(echoed && written && settled && matches!(leave, Leave::Orderly | Leave::Abrupt)) {
            return false;
        }
        let id = self.id;
        if leave == Leave::Orderly && !end.eof_sent {
            let sent = engine.with(|endpoint| endpoint.channel(id).map(|mut channel| channel.send_eof()));
            return match sent {
                Some(Ok(())) => {
                    scene.end(self.index).eof_sent = true;
                    scene.say(format_args!("{id} EOF"));
                    true
                }
                Some(Err(error)) => self.refused(error, engine, scene),
                None => false,
            };
        }
        let read = end.eof_seen && end.received == other.written && self.owed.is_empty();
        if leave == Leave::Orderly && !read {
            return false;
        }
        scene.end(self.index).left = !read;
        self.closing = true;
        scene.say(format_args!("{id} close"));
        engine.with(|endpoint| {
            if let Some(mut channel) = endpoint.channel(id) {
                channel.close();
            }
        });
        true
    }

    /// The channel closed and was read empty: then everything the other side ever wrote has come.
    fn check_end(&mut self, index: usize, scene: &mut Scene<'_>) {
        let side = scene.place.side;
        let [end, other] =
            [&scene.facts.channels[index][side], &scene.facts.channels[index][1 - side]].map(Clone::clone);
        if !end.left && end.received != other.written {
            let (received, written) = (end.received, other.written);
            scene.violation(&format!("{}: closed with {received:?} of {written:?} bytes", self.id));
        }
        if !end.left && !other.left && !self.outstanding.is_empty() {
            scene.violation(&format!("{}: {} requests were never answered", self.id, self.outstanding.len()));
        }
    }
}
