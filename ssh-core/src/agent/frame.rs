//! Frames: a length of four bytes, then a number and its fields.

use alloc::{collections::VecDeque, vec::Vec};

use zeroize::Zeroizing;

use super::error::AgentError;
use crate::wire::Writer;

/// Longest message in either direction, in bytes; OpenSSH's limit too.
pub const MAX_FRAME_LENGTH: usize = 256 * 1024;

const LENGTH_FIELD: usize = 4;
const FIRST_CAPACITY: usize = 4096;

/// What arrived of one frame. It may hold a private key, so every buffer it ever had is wiped.
#[derive(Default)]
pub(super) struct FrameReader {
    buffer: Zeroizing<Vec<u8>>,
}

impl FrameReader {
    /// Takes bytes of the current frame, none of the one behind it; says how many.
    pub(super) fn handle_input(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while let (Some(missing @ 1..), Some(rest)) = (self.missing(), bytes.get(taken..)) {
            let Some(next) = rest.get(..missing.min(rest.len())).filter(|next| !next.is_empty()) else { break };
            self.store(next);
            taken += next.len();
        }
        taken
    }

    /// The frame without its length, once it is complete.
    pub(super) fn frame(&self) -> Option<Result<&[u8], AgentError>> {
        match self.missing() {
            None => Some(Err(AgentError::FrameLength { length: self.length().unwrap_or(0) })),
            Some(0) => self.buffer.get(LENGTH_FIELD..).map(Ok),
            Some(_) => None,
        }
    }

    /// Makes room for the next frame.
    pub(super) fn next(&mut self) {
        self.buffer = Zeroizing::default();
    }

    fn length(&self) -> Option<u32> {
        self.buffer.first_chunk().map(|length| u32::from_be_bytes(*length))
    }

    /// How many bytes the frame still needs, as far as is known. `None`: it cannot be a frame.
    fn missing(&self) -> Option<usize> {
        let Some(length) = self.length() else { return Some(LENGTH_FIELD.saturating_sub(self.buffer.len())) };
        let length = usize::try_from(length).ok().filter(|length| (1..=MAX_FRAME_LENGTH).contains(length))?;
        Some((LENGTH_FIELD + length).saturating_sub(self.buffer.len()))
    }

    /// Grows with what came, not with what was announced, and by hand: a `Vec` leaves its old buffer behind unwiped.
    fn store(&mut self, bytes: &[u8]) {
        let needed = self.buffer.len() + bytes.len();
        if needed > self.buffer.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(self.buffer.len() * 2).max(FIRST_CAPACITY)));
            larger.extend_from_slice(&self.buffer);
            self.buffer = larger;
        }
        self.buffer.extend_from_slice(bytes);
    }
}

/// Frames on their way out.
#[derive(Default)]
pub(super) struct FrameQueue {
    frames: VecDeque<Zeroizing<Vec<u8>>>,
    /// How much of the first is gone.
    sent: usize,
}

impl FrameQueue {
    /// Adds a frame of at most `room` bytes, whose number and fields `fill` writes.
    pub(super) fn push(&mut self, room: usize, fill: impl FnOnce(&mut Writer<'_>)) -> Result<(), AgentError> {
        // Room for all from the start: a buffer that grows leaves copies behind.
        let mut frame = Zeroizing::new(Vec::with_capacity(LENGTH_FIELD + room));
        Writer::new(&mut frame).nested(fill);
        if frame.len() > LENGTH_FIELD + MAX_FRAME_LENGTH {
            return Err(AgentError::TooLong);
        }
        self.frames.push_back(frame);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn poll_output(&self) -> &[u8] {
        self.frames.front().and_then(|frame| frame.get(self.sent..)).unwrap_or_default()
    }

    pub(super) fn consume_output(&mut self, n: usize) {
        self.sent += n.min(self.poll_output().len());
        if self.poll_output().is_empty() {
            self.frames.pop_front();
            self.sent = 0;
        }
    }
}
