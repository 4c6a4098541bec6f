//! The receiving half: one buffer from the socket to the borrowed payload.

use alloc::{boxed::Box, vec::Vec};
use core::ops::Range;

use crate::crypto::cipher::{IntegrityError, LENGTH_FIELD, OpenPacket, Opened, PacketLayout, Plain};
use crate::error::{Error, PeerMisbehaved};

/// First size of the input buffer. It doubles while reads fill it.
const FIRST_SIZE: usize = 4096;

/// Buffers ciphertext and opens packets in place.
///
/// ```text
///   0      held        start                end         buffer.len()
///   │ gone │ a payload │ not yet looked at  │ free room │
/// ```
pub(crate) struct Receiver {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Whether the last read filled the buffer: the next one gets a larger one.
    filled: bool,
    /// The bytes of the last payload that must survive until [`release`](Self::release).
    held: Option<Range<usize>>,
    /// `packet_length` of the packet at `start`, once known.
    packet_length: Option<u32>,
    opener: Box<dyn OpenPacket>,
    layout: PacketLayout,
    pub(super) sequence_number: u32,
    max_packet: u32,
    max_size: usize,
    end_of_stream: bool,
    /// Since the last change of keys.
    pub(super) bytes: u64,
    pub(super) packets: u64,
    total_bytes: u64,
}

/// An opened packet. The payload lies in the receiver until it is next given input room.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) sequence_number: u32,
    payload: Range<usize>,
    _verified: Opened,
}

impl Receiver {
    pub(crate) fn new(max_packet: u32, max_size: usize) -> Self {
        let opener: Box<dyn OpenPacket> = Box::new(Plain);
        let layout = opener.layout();
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            filled: false,
            held: None,
            packet_length: None,
            opener,
            layout,
            sequence_number: 0,
            max_packet,
            max_size,
            end_of_stream: false,
            bytes: 0,
            packets: 0,
            total_bytes: 0,
        }
    }

    /// Free room for input; empty when the buffer is as full as it may be.
    pub(crate) fn input_buffer(&mut self) -> &mut [u8] {
        let wanted = self.wanted_size();
        let free = self.buffer.len().saturating_sub(self.end);
        if free < self.buffer.len() / 2 || self.buffer.len() < wanted {
            self.compact();
        }
        if self.buffer.len() < wanted {
            // Exactly: a growing vector would take up to twice as much, for good.
            self.buffer.reserve_exact(wanted - self.buffer.len());
            self.buffer.resize(wanted, 0);
        }
        self.filled = false;
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// Free room as it is, with what the caller may have put there.
    pub(crate) fn room(&self) -> &[u8] {
        self.buffer.get(self.end..).unwrap_or_default()
    }

    /// Says that `n` bytes were put into [`input_buffer`](Self::input_buffer).
    pub(crate) fn input_filled(&mut self, n: usize) {
        let filled = n.min(self.buffer.len().saturating_sub(self.end));
        self.end += filled;
        self.filled = self.end == self.buffer.len();
        self.total_bytes += filled as u64;
    }

    /// Copies as much of `bytes` as fits.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.input_buffer();
            let n = rest.len().min(room.len());
            let (Some(room), Some((now, later))) = (room.get_mut(..n), rest.split_at_checked(n)) else { break };
            if n == 0 {
                break;
            }
            room.copy_from_slice(now);
            self.input_filled(n);
            rest = later;
        }
        bytes.len() - rest.len()
    }

    /// Whether there is, or could be made, room for input.
    pub(crate) fn has_room(&self) -> bool {
        !self.end_of_stream && self.end - self.first_kept() < self.wanted_size().max(self.buffer.len())
    }

    pub(crate) fn set_end_of_stream(&mut self) {
        self.end_of_stream = true;
    }

    pub(crate) fn end_of_stream(&self) -> bool {
        self.end_of_stream
    }

    /// What has arrived and was not looked at; for the identification exchange.
    pub(crate) fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Drops the first `n` unread bytes.
    pub(crate) fn skip(&mut self, n: usize) {
        self.start = self.start.saturating_add(n).min(self.end);
    }

    /// The next whole packet, opened; `None` if it has not arrived yet.
    pub(crate) fn next_packet(&mut self) -> Result<Option<Packet>, Error> {
        let Some(packet_length) = self.next_length()? else { return Ok(None) };
        let length = packet_length as usize;
        let total = LENGTH_FIELD + length + self.layout.tag_length;
        let Some(packet) = self.buffer.get_mut(self.start..self.end).and_then(|unread| unread.get_mut(..total)) else {
            return Ok(None);
        };
        let verified = self.opener.open(self.sequence_number, packet).map_err(|IntegrityError| Error::Integrity)?;
        let padding = packet.get(LENGTH_FIELD).copied().map_or(0, usize::from);
        if padding < 4 || padding + 1 >= length {
            return Err(PeerMisbehaved::Padding.into());
        }
        let payload = self.start + LENGTH_FIELD + 1..self.start + LENGTH_FIELD + length - padding;
        let sequence_number = self.sequence_number;
        self.start += total;
        self.packet_length = None;
        self.sequence_number = self.sequence_number.wrapping_add(1);
        self.bytes += total as u64;
        self.packets += 1;
        Ok(Some(Packet { sequence_number, payload, _verified: verified }))
    }

    pub(crate) fn payload(&self, packet: &Packet) -> &[u8] {
        self.buffer.get(packet.payload.clone()).unwrap_or_default()
    }

    /// Keeps the last `length` bytes of the packet's payload until [`release`](Self::release).
    pub(crate) fn hold(&mut self, packet: &Packet, length: usize) {
        self.held = Some(packet.payload.end.saturating_sub(length)..packet.payload.end);
    }

    pub(crate) fn held(&self) -> &[u8] {
        self.held.clone().and_then(|range| self.buffer.get(range)).unwrap_or_default()
    }

    /// Drops the first `n` held bytes.
    pub(crate) fn consume_held(&mut self, n: usize) {
        if let Some(held) = &mut self.held {
            held.start = held.start.saturating_add(n).min(held.end);
        }
    }

    /// Whether held bytes keep more room from being used again than they are worth.
    pub(crate) fn held_is_overtaken(&self) -> bool {
        self.held.as_ref().is_some_and(|held| self.start.saturating_sub(held.end) >= FIRST_SIZE)
    }

    pub(crate) fn release(&mut self) {
        self.held = None;
    }

    /// From here on packets come under new keys. With strict key exchange the sequence numbers begin anew.
    pub(crate) fn change_keys(&mut self, opener: Box<dyn OpenPacket>, reset_sequence_number: bool) {
        self.layout = opener.layout();
        self.opener = opener;
        self.bytes = 0;
        self.packets = 0;
        if reset_sequence_number {
            self.sequence_number = 0;
        }
    }

    /// Sets the largest `packet_length` accepted and the size up to which the buffer grows without need.
    pub(crate) fn set_limits(&mut self, max_packet: u32, max_size: usize) {
        self.max_packet = max_packet;
        self.max_size = max_size;
    }

    /// Bytes since the last change of keys.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Packets since the last change of keys.
    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }

    /// Bytes since the beginning.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Gives an empty buffer back.
    pub(crate) fn shrink(&mut self) {
        if self.start == self.end && self.held.is_none() {
            self.buffer = Vec::new();
            self.start = 0;
            self.end = 0;
        }
    }

    /// Size of the buffer, for accounting.
    pub(crate) fn buffer_size(&self) -> usize {
        self.buffer.capacity()
    }

    /// Learns and checks `packet_length` of the packet at `start`, once its head has arrived.
    fn next_length(&mut self) -> Result<Option<u32>, Error> {
        if let Some(length) = self.packet_length {
            return Ok(Some(length));
        }
        let unread = self.buffer.get_mut(self.start..self.end).unwrap_or_default();
        let Some(head) = unread.get_mut(..self.layout.head_length) else { return Ok(None) };
        let length = self.opener.packet_length(self.sequence_number, head);
        self.check_length(length)?;
        self.packet_length = Some(length);
        Ok(Some(length))
    }

    /// RFC 4253 §6: a length is bounded before anything is kept or awaited for it.
    fn check_length(&self, length: u32) -> Result<(), Error> {
        let aligned = length as usize + LENGTH_FIELD - self.layout.unaligned_prefix;
        let covers_head = length as usize + LENGTH_FIELD >= self.layout.head_length;
        if length < 5 || length > self.max_packet || !aligned.is_multiple_of(self.layout.block_length) || !covers_head {
            return Err(PeerMisbehaved::PacketLength(length).into());
        }
        Ok(())
    }

    fn first_kept(&self) -> usize {
        self.held.as_ref().map_or(self.start, |held| held.start.min(self.start))
    }

    /// How large the buffer should be: at least the packet that is arriving, and twice what a read could just fill.
    fn wanted_size(&self) -> usize {
        let whole = |length: u32| LENGTH_FIELD + length as usize + self.layout.tag_length;
        let packet = self.packet_length.map_or(self.layout.head_length, whole);
        let kept_before = self.start - self.first_kept();
        let doubled = if self.filled { self.buffer.len() * 2 } else { self.buffer.len() };
        doubled.min(self.max_size).max(FIRST_SIZE).max(packet + kept_before)
    }

    /// Moves what must be kept to the front.
    fn compact(&mut self) {
        let kept = self.first_kept();
        if kept == 0 {
            return;
        }
        if kept < self.end {
            self.buffer.copy_within(kept..self.end, 0);
        }
        self.start -= kept;
        self.end -= kept;
        if let Some(held) = &mut self.held {
            held.start -= kept;
            held.end -= kept;
        }
    }
}
