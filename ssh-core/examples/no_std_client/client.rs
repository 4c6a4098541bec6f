//! A client for a device without std: no sockets, no threads, no clock.
//!
//! The network is whatever fills one queue of bytes and empties another: an interrupt handler, a driver, a modem. The
//! device calls [`Device::turn`] from its main loop, and sleeps as long as that allows.

extern crate alloc;

use alloc::{boxed::Box, string::String, string::ToString, sync::Arc};

use ssh_core::random::SecureRandom;
use ssh_core::wire::DataStream;
use ssh_core::{Client, Timestamp};

use crate::job::Job;

/// A stream of bytes to and from the server. Nothing blocks.
pub(crate) trait Transport {
    /// Reads what has come, as far as it fits; says how much that was.
    fn read(&mut self, buffer: &mut [u8]) -> usize;
    /// Whether everything was read and nothing will come any more.
    fn is_at_end(&self) -> bool;
    /// Writes what fits; says how much that was.
    fn write(&mut self, bytes: &[u8]) -> usize;
}

/// The device's side of one connection.
pub(crate) struct Device {
    ssh: Client,
    job: Job,
}

impl Device {
    pub(crate) fn new(job: Job, random: Box<dyn SecureRandom>, now: Timestamp) -> Result<Self, String> {
        let ssh = Client::new(Arc::new(job.config()), random, now).map_err(|error| error.to_string())?;
        Ok(Self { ssh, job })
    }

    /// Does all that can be done now. `print` takes output and says how many bytes of it.
    pub(crate) fn turn(
        &mut self,
        transport: &mut impl Transport,
        now: Timestamp,
        mut print: impl FnMut(DataStream, &[u8]) -> usize,
    ) {
        let Self { ssh, job } = self;
        // Time.
        ssh.handle_timeout(now);
        loop {
            // Events: what the input so far means.
            while let Some(event) = ssh.poll_event() {
                job.handle_event(ssh, event);
            }
            job.take_output(ssh, &mut print);
            // Output, which makes room for more, and so maybe for more events.
            let written = transport.write(ssh.poll_output());
            ssh.consume_output(written);
            if written > 0 {
                continue;
            }
            // Input, as long as it is wanted.
            if !ssh.wants_input() {
                return;
            }
            match transport.read(ssh.input_buffer()) {
                0 if transport.is_at_end() => ssh.handle_eof(),
                0 => return,
                n => ssh.input_filled(n),
            }
        }
    }

    /// When [`turn`](Self::turn) is to be called at the latest, even if the network is silent.
    pub(crate) fn wakes_at(&self) -> Option<Timestamp> {
        self.ssh.poll_timeout()
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.job.is_over(&mut self.ssh)
    }

    /// The command's exit status, or what went wrong.
    pub(crate) fn result(self) -> Result<u8, String> {
        self.job.result()
    }
}

/// The two queues between the device and its network, of a fixed size.
#[derive(Default)]
pub(crate) struct Queues {
    pub(crate) incoming: Queue,
    pub(crate) outgoing: Queue,
    /// The network will put nothing more into `incoming`.
    pub(crate) has_ended: bool,
}

impl Transport for Queues {
    fn read(&mut self, buffer: &mut [u8]) -> usize {
        self.incoming.take(buffer)
    }

    fn is_at_end(&self) -> bool {
        self.has_ended && self.incoming.front().is_empty()
    }

    fn write(&mut self, bytes: &[u8]) -> usize {
        self.outgoing.put(bytes)
    }
}

/// So many bytes fit into a queue.
pub(crate) const CAPACITY: usize = 1024;

/// A ring of bytes.
pub(crate) struct Queue {
    bytes: [u8; CAPACITY],
    start: usize,
    length: usize,
}

impl Default for Queue {
    fn default() -> Self {
        Self { bytes: [0; CAPACITY], start: 0, length: 0 }
    }
}

impl Queue {
    /// Appends what fits; says how much that was.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> usize {
        let n = bytes.len().min(self.room());
        for (offset, &byte) in bytes.iter().take(n).enumerate() {
            self.bytes[(self.start + self.length + offset) % CAPACITY] = byte;
        }
        self.length += n;
        n
    }

    /// Removes what fits into `buffer`; says how much that was.
    pub(crate) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let n = self.length.min(buffer.len());
        for (offset, byte) in buffer.iter_mut().take(n).enumerate() {
            *byte = self.bytes[(self.start + offset) % CAPACITY];
        }
        self.drop_front(n);
        n
    }

    /// The oldest bytes, as many as lie together.
    pub(crate) fn front(&self) -> &[u8] {
        &self.bytes[self.start..CAPACITY.min(self.start + self.length)]
    }

    pub(crate) fn drop_front(&mut self, n: usize) {
        let n = n.min(self.length);
        self.start = (self.start + n) % CAPACITY;
        self.length -= n;
    }

    pub(crate) fn room(&self) -> usize {
        CAPACITY - self.length
    }
}
