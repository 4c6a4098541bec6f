//! An endpoint whose memory is counted: every call of it goes through here.

use ssh_core::{Endpoint, Limits, Role};

use super::tap;

/// The most heap an endpoint held, before and after its login.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Between calls.
    pub held: [i64; 2],
    /// During calls.
    pub peak: [i64; 2],
    /// Between wakes, in percent of what the limits promise.
    pub percent: [i64; 2],
}

impl Memory {
    /// The larger of both.
    pub(super) fn max(&mut self, other: &Self) {
        for phase in 0..2 {
            self.held[phase] = self.held[phase].max(other.held[phase]);
            self.peak[phase] = self.peak[phase].max(other.peak[phase]);
            self.percent[phase] = self.percent[phase].max(other.percent[phase]);
        }
    }
}

/// An endpoint and the heap it holds.
pub(super) struct Engine<R: Role> {
    endpoint: Endpoint<R>,
    limits: Limits,
    /// Bytes of heap, without the endpoint's own size.
    heap: i64,
    memory: Memory,
    /// The user was in, if not any more.
    logged_in: bool,
}

impl<R: Role> Engine<R> {
    pub(super) fn new(limits: Limits, make: impl FnOnce() -> Endpoint<R>) -> Self {
        tap::prepare();
        let before = counting_allocator::balance();
        let endpoint = make();
        Self {
            endpoint,
            limits,
            heap: counting_allocator::balance() - before,
            memory: Memory::default(),
            logged_in: false,
        }
    }

    /// Calls the endpoint. What comes from it and holds memory is to be dropped by [`spend`](Self::spend).
    pub(super) fn with<T>(&mut self, call: impl FnOnce(&mut Endpoint<R>) -> T) -> T {
        counting_allocator::reset_peak();
        let before = counting_allocator::balance();
        let result = call(&mut self.endpoint);
        self.logged_in |= self.endpoint.is_authenticated();
        let phase = usize::from(self.logged_in);
        let peak = self.heap + counting_allocator::peak() - before;
        self.heap += counting_allocator::balance() - before;
        self.memory.peak[phase] = self.memory.peak[phase].max(peak);
        self.memory.held[phase] = self.memory.held[phase].max(self.heap);
        result
    }

    /// Drops what came from the endpoint.
    pub(super) fn spend<T>(&mut self, what: T) {
        let before = counting_allocator::balance();
        drop(what);
        self.heap += counting_allocator::balance() - before;
    }

    /// Looks without changing anything.
    pub(super) fn get(&self) -> &Endpoint<R> {
        &self.endpoint
    }

    /// Bytes the endpoint holds: its heap and itself.
    pub(super) fn held(&self) -> u64 {
        u64::try_from(self.heap).unwrap_or_default() + size_of::<Endpoint<R>>() as u64
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What [`Limits`] promises, for so many channels.
    pub(super) fn check_memory(&mut self, channels: usize) -> Result<(), String> {
        let channels = u32::try_from(channels).unwrap_or(u32::MAX);
        let bound = if self.logged_in { self.limits.memory(channels) } else { self.limits.memory_before_auth() };
        let bound = i64::try_from(bound).unwrap_or(i64::MAX);
        let phase = usize::from(self.logged_in);
        self.memory.percent[phase] = self.memory.percent[phase].max(self.heap * 100 / bound);
        if self.heap <= bound || self.endpoint.is_finished() {
            return Ok(());
        }
        Err(format!("{} bytes of heap, but the limits promise {bound}", self.heap))
    }
}
