//! One direction of a connection: bytes that take their time, arrive in pieces, and may be lost.

use std::collections::VecDeque;

use super::dice::Dice;
use super::plan::PipePlan;

/// A directed pipe. What is written arrives in order, after a while, unless the pipe ends before.
pub(super) struct Pipe {
    plan: PipePlan,
    dice: Dice,
    bytes: VecDeque<u8>,
    /// How many of `bytes` arrive when, in order.
    pieces: VecDeque<(u64, usize)>,
    /// Until when the line is busy with what was written.
    busy_until: u64,
    last_arrival: u64,
    /// Everything ever written.
    written: u64,
    /// The byte at which the pipe is to be harmed, and how.
    harm: Option<(u64, Harm)>,
    /// When the harm came.
    pub(super) harmed: Option<u64>,
    /// When its reader sees the end, once it is known.
    end_at: Option<u64>,
    /// Takes everything and delivers nothing any more.
    dead: bool,
    /// A write was cut short: the writer waits for the reader.
    pub(super) writer_waits: bool,
}

/// What happens at a byte of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// Both directions end there, with an end of stream.
    Cut,
    /// Both directions go silent there, without an end.
    Silence,
    /// This direction ends there; the other goes on.
    HalfClose,
    /// A bit of this byte flips.
    Flip,
}

impl Pipe {
    pub(super) fn new(plan: PipePlan, dice: Dice, harm: Option<(u64, Harm)>) -> Self {
        Self {
            plan,
            dice,
            bytes: VecDeque::new(),
            pieces: VecDeque::new(),
            busy_until: 0,
            last_arrival: 0,
            written: 0,
            harm,
            harmed: None,
            end_at: None,
            dead: false,
            writer_waits: false,
        }
    }

    /// Takes as many of `bytes` as there is room for; says how many.
    pub(super) fn write(&mut self, bytes: &[u8], now: u64) -> usize {
        if self.dead || self.end_at.is_some() {
            return bytes.len();
        }
        let mut room = self.plan.capacity.saturating_sub(self.bytes.len());
        if let Some((at, harm)) = self.harm
            && harm != Harm::Flip
        {
            room = room.min((at - self.written) as usize);
        }
        let taken = bytes.len().min(room);
        self.writer_waits = taken < bytes.len();
        if taken > 0 {
            self.bytes.extend(&bytes[..taken]);
            let length = taken as u64;
            self.busy_until = self.busy_until.max(now) + length * 1_000_000 / self.plan.bytes_per_second;
            let jitter = self.dice.range(0, self.plan.jitter);
            self.last_arrival = self.last_arrival.max(self.busy_until + self.plan.latency + jitter);
            self.pieces.push_back((self.last_arrival, taken));
            self.written += length;
        }
        self.do_harm(now);
        taken
    }

    fn do_harm(&mut self, now: u64) {
        let Some((at, harm)) = self.harm else { return };
        match harm {
            Harm::Flip if self.written > at => {
                let back = (self.written - at) as usize;
                if let Some(byte) = self.bytes.len().checked_sub(back).and_then(|index| self.bytes.get_mut(index)) {
                    *byte ^= 1 << self.dice.below(8);
                    self.harmed = Some(now);
                }
            }
            Harm::Cut | Harm::Silence | Harm::HalfClose if self.written >= at => {
                self.harmed = Some(now);
                match harm {
                    Harm::Silence => self.dead = true,
                    _ => self.end(now),
                }
            }
            _ => return,
        }
        self.harm = None;
    }

    /// The other direction was harmed: this one shares its fate. What is under way is lost or still arrives.
    pub(super) fn share(&mut self, harm: Harm, now: u64) {
        if self.dice.percent(50) {
            self.bytes.clear();
            self.pieces.clear();
        }
        self.harm = None;
        match harm {
            Harm::Silence => self.dead = true,
            _ => self.end(now),
        }
    }

    /// What has harmed the pipe or will.
    pub(super) fn planned_harm(&self) -> Option<Harm> {
        self.harm.map(|(_, harm)| harm)
    }

    /// The writer writes no more.
    pub(super) fn end(&mut self, now: u64) {
        self.end_at.get_or_insert(self.last_arrival.max(now + self.plan.latency));
    }

    /// What has arrived by `now`, as far as it lies in one piece.
    pub(super) fn arrived(&self, now: u64) -> &[u8] {
        let count: usize = self.pieces.iter().take_while(|piece| piece.0 <= now).map(|piece| piece.1).sum();
        let front = self.bytes.as_slices().0;
        &front[..count.min(front.len())]
    }

    pub(super) fn consume(&mut self, n: usize) {
        self.bytes.drain(..n);
        let mut rest = n;
        while rest > 0 {
            let Some(front) = self.pieces.front_mut() else { break };
            let now = rest.min(front.1);
            front.1 -= now;
            rest -= now;
            if front.1 == 0 {
                self.pieces.pop_front();
            }
        }
        if self.bytes.is_empty() {
            self.bytes = VecDeque::new();
            self.pieces = VecDeque::new();
        }
    }

    /// Whether everything was read and the end has come.
    pub(super) fn has_ended(&self, now: u64) -> bool {
        self.bytes.is_empty() && self.end_at.is_some_and(|at| at <= now)
    }

    /// When there is something to read, or the end to see.
    pub(super) fn next_arrival(&self) -> Option<u64> {
        self.pieces.front().map(|piece| piece.0).or(self.end_at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
