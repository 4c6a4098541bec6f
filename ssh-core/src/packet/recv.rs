//! The receiving half: one buffer from the socket to the borrowed payload.

use alloc::{boxed::Box, vec::Vec};
use core::ops::Range;

use super::compression::Stream;
use crate::crypto::cipher::{LENGTH_FIELD, OpenPacket, Opened, PacketLayout, Plain};
use crate::crypto::compression::{Compression, Decompress, DecompressError};
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
    held: Option<Place>,
    /// The last payload, if it came compressed.
    inflated: Vec<u8>,
    /// Where an inflated payload goes that is held.
    inflated_held: Vec<u8>,
    compression: Stream<dyn Decompress>,
    /// `packet_length` of the packet at `start`, once known.
    packet_length: Option<u32>,
    /// The packet at `start` is not right, and how many bytes of it have gone through the MAC: it fails once as much has
    /// arrived as the largest packet has.
    doomed: Option<usize>,
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
    payload: Place,
    _verified: Opened,
}

/// Where bytes of a payload lie.
#[derive(Clone, Debug)]
enum Place {
    /// In the input buffer, as they came.
    Buffer(Range<usize>),
    /// In the buffer of an inflated payload.
    Inflated(Range<usize>),
}

impl Place {
    fn range_mut(&mut self) -> &mut Range<usize> {
        match self {
            Self::Buffer(range) | Self::Inflated(range) => range,
        }
    }
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
            inflated: Vec::new(),
            inflated_held: Vec::new(),
            compression: Stream::new(),
            packet_length: None,
            doomed: None,
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
        let packet_length = match self.next_length() {
            Ok(Some(length)) => length,
            Ok(None) => return Ok(None),
            Err(error) => return self.fail(0, error),
        };
        let length = packet_length as usize;
        let total = LENGTH_FIELD + length + self.layout.tag_length;
        let Some(packet) = self.buffer.get_mut(self.start..self.end).and_then(|unread| unread.get_mut(..total)) else {
            return Ok(None);
        };
        if let Some(done) = self.doomed {
            // As much work as for a packet of that size, and no other end than for one with a wrong tag.
            let _ = packet.get_mut(done..).map(|rest| self.opener.open(self.sequence_number, rest));
            return Err(Error::Integrity);
        }
        let Ok(verified) = self.opener.open(self.sequence_number, packet) else {
            return self.fail(LENGTH_FIELD + length, Error::Integrity);
        };
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
        let payload = self.inflate(payload)?;
        Ok(Some(Packet { sequence_number, payload, _verified: verified }))
    }

    /// Inflates a payload, if there is compression.
    fn inflate(&mut self, payload: Range<usize>) -> Result<Place, Error> {
        let Some(stream) = self.compression.half() else { return Ok(Place::Buffer(payload)) };
        let data = self.buffer.get(payload).unwrap_or_default();
        self.inflated.clear();
        stream.decompress(data, &mut self.inflated, self.max_packet as usize).map_err(PeerMisbehaved::Compression)?;
        if self.inflated.is_empty() {
            return Err(PeerMisbehaved::Compression(DecompressError::Malformed).into());
        }
        // A limit on bytes is one on work, too.
        self.total_bytes += self.inflated.len() as u64;
        Ok(Place::Inflated(0..self.inflated.len()))
    }

    /// The packet at `start`, of which the MAC has seen `done` bytes, is not right: `error`, unless that must not show
    /// before as much has arrived as there can be.
    fn fail(&mut self, done: usize, error: Error) -> Result<Option<Packet>, Error> {
        if !self.opener.fails_late() {
            return Err(error);
        }
        let block = u32::try_from(self.layout.block_length).unwrap_or(u32::MAX);
        let whole = self.max_packet.saturating_add(4);
        self.packet_length = Some(whole.saturating_sub(whole.checked_rem(block).unwrap_or(0)).saturating_sub(4));
        self.doomed = Some(done);
        self.next_packet()
    }

    pub(crate) fn payload(&self, packet: &Packet) -> &[u8] {
        match packet.payload.clone() {
            Place::Buffer(range) => self.buffer.get(range),
            Place::Inflated(range) => self.inflated.get(range),
        }
        .unwrap_or_default()
    }

    /// Keeps the last `length` bytes of the packet's payload until [`release`](Self::release).
    pub(crate) fn hold(&mut self, packet: &Packet, length: usize) {
        let mut held = packet.payload.clone();
        let range = held.range_mut();
        range.start = range.end.saturating_sub(length);
        if matches!(held, Place::Inflated(_)) {
            core::mem::swap(&mut self.inflated, &mut self.inflated_held);
        }
        self.held = Some(held);
    }

    pub(crate) fn held(&self) -> &[u8] {
        match self.held.clone() {
            Some(Place::Buffer(range)) => self.buffer.get(range),
            Some(Place::Inflated(range)) => self.inflated_held.get(range),
            None => None,
        }
        .unwrap_or_default()
    }

    /// Drops the first `n` held bytes.
    pub(crate) fn consume_held(&mut self, n: usize) {
        if let Some(held) = self.held.as_mut().map(Place::range_mut) {
            held.start = held.start.saturating_add(n).min(held.end);
        }
    }

    /// Whether held bytes keep more room from being used again than they are worth.
    pub(crate) fn held_is_overtaken(&self) -> bool {
        self.held_in_buffer().is_some_and(|held| self.start.saturating_sub(held.end) >= FIRST_SIZE)
    }

    fn held_in_buffer(&self) -> Option<&Range<usize>> {
        match &self.held {
            Some(Place::Buffer(range)) => Some(range),
            _ => None,
        }
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

    /// From NEWKEYS on, or from authentication on, payloads are compressed by `method`.
    pub(crate) fn change_compression(&mut self, method: &'static dyn Compression) {
        self.compression.change_method(method);
    }

    /// The user is authenticated.
    pub(crate) fn user_authenticated(&mut self) {
        self.compression.user_authenticated();
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

    /// Bytes since the beginning; those of a compressed payload and those it was inflated to.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Gives an empty buffer back.
    pub(crate) fn shrink(&mut self) {
        if self.held.is_none() {
            self.inflated_held = Vec::new();
        }
        self.inflated = Vec::new();
        if self.start == self.end && self.held_in_buffer().is_none() {
            self.buffer = Vec::new();
            self.start = 0;
            self.end = 0;
        }
    }

    /// Size of the buffers, for accounting.
    pub(crate) fn buffer_size(&self) -> usize {
        self.buffer.capacity() + self.inflated.capacity() + self.inflated_held.capacity()
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
        // Saturating, for four bytes of a peer can be as much as a usize holds.
        let whole = (length as usize).saturating_add(LENGTH_FIELD);
        let aligned = whole.saturating_sub(self.layout.unaligned_prefix);
        let covers_head = whole >= self.layout.head_length;
        if length < 5 || length > self.max_packet || !aligned.is_multiple_of(self.layout.block_length) || !covers_head {
            return Err(PeerMisbehaved::PacketLength(length).into());
        }
        Ok(())
    }

    fn first_kept(&self) -> usize {
        self.held_in_buffer().map_or(self.start, |held| held.start.min(self.start))
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
        if let Some(filled) = self.buffer.get_mut(..self.end)
            && kept < filled.len()
        {
            filled.copy_within(kept.., 0);
        }
        self.start -= kept;
        self.end -= kept;
        if let Some(Place::Buffer(held)) = &mut self.held {
            held.start -= kept;
            held.end -= kept;
        }
    }
}
