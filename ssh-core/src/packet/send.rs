//! The sending half: payloads are written behind their header and sealed in place, in one output buffer.

use alloc::{boxed::Box, vec::Vec};

use super::compression::Stream;
use crate::crypto::cipher::{LENGTH_FIELD, PacketLayout, Plain, SealPacket};
use crate::crypto::compression::{Compress, Compression, CompressionLevel};
use crate::random::ChaChaRandom;
use crate::transcript::{Direction, Transcript};
use crate::wire::MessageNumber;

/// `packet_length` and `padding_length`.
const HEADER: usize = LENGTH_FIELD + 1;

/// Least padding (RFC 4253 §6).
const MIN_PADDING: usize = 4;

/// Seals packets and queues them. Packets are sealed when queued, so keys change by position.
pub(crate) struct Sender {
    output: Vec<u8>,
    /// How much of `output` the socket has taken.
    sent: usize,
    sealer: Box<dyn SealPacket>,
    layout: PacketLayout,
    pub(super) sequence_number: u32,
    padding: ChaChaRandom,
    compression: Stream<dyn Compress>,
    /// The payload that is compressed, on its way back to `output`.
    compressed: Vec<u8>,
    /// Since the last change of keys.
    pub(super) bytes: u64,
    pub(super) packets: u64,
    transcript: Option<Box<Transcript>>,
}

impl Sender {
    pub(crate) fn new(padding: ChaChaRandom) -> Self {
        let sealer: Box<dyn SealPacket> = Box::new(Plain);
        let layout = sealer.layout();
        Self {
            output: Vec::new(),
            sent: 0,
            sealer,
            layout,
            sequence_number: 0,
            padding,
            compression: Stream::new(),
            compressed: Vec::new(),
            bytes: 0,
            packets: 0,
            transcript: None,
        }
    }

    /// Begins, ends or finds the transcript, which sees a packet before it is sealed. What is received is noted from
    /// outside, so that there is one order.
    pub(crate) fn transcript(&mut self) -> &mut Option<Box<Transcript>> {
        &mut self.transcript
    }

    /// Queues bytes that are no packet: the identification string.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Queues one packet whose payload `write` appends to the buffer it is given.
    pub(crate) fn packet(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.begin();
        write(&mut self.output);
        self.finish(start);
    }

    /// Queues one packet that ends in a string of at most `max` bytes, which `fill` writes in place after `head` wrote
    /// what precedes it. If `fill` writes nothing, nothing is queued. Says how many bytes it wrote.
    pub(crate) fn data_packet(
        &mut self,
        max: usize,
        fill: impl FnOnce(&mut [u8]) -> usize,
        head: impl FnOnce(&mut Vec<u8>),
    ) -> usize {
        let start = self.begin();
        head(&mut self.output);
        let length_field = self.output.len();
        let data = length_field + LENGTH_FIELD;
        self.output.resize(data + max, 0);
        let written = self.output.get_mut(data..).map_or(0, fill).min(max);
        if written == 0 {
            self.output.truncate(start);
            return 0;
        }
        self.output.truncate(data + written);
        if let Some(field) = self.output.get_mut(length_field..data) {
            field.copy_from_slice(&u32::try_from(written).unwrap_or(u32::MAX).to_be_bytes());
        }
        self.finish(start);
        written
    }

    fn begin(&mut self) -> usize {
        self.reclaim();
        let start = self.output.len();
        self.output.extend_from_slice(&[0; HEADER]);
        start
    }

    /// Compresses, pads and seals the packet that begins at `start`.
    fn finish(&mut self, start: usize) {
        let payload = self.output.get(start + HEADER..).unwrap_or_default();
        let authenticates = payload.first() == Some(&MessageNumber::USERAUTH_SUCCESS.0);
        if let Some(transcript) = &mut self.transcript {
            transcript.note(Direction::Sent, self.sequence_number, payload);
        }
        self.compress(start + HEADER);
        self.seal(start);
        if authenticates {
            self.compression.user_authenticated();
        }
    }

    /// Puts what begins at `payload` there compressed, if there is compression.
    fn compress(&mut self, payload: usize) {
        let Some(stream) = self.compression.half() else { return };
        self.compressed.clear();
        stream.compress(self.output.get(payload..).unwrap_or_default(), &mut self.compressed);
        self.output.truncate(payload);
        self.output.extend_from_slice(&self.compressed);
    }

    fn seal(&mut self, start: usize) {
        let payload = self.output.len() - start - HEADER;
        let padding = self.padding_length(payload);
        let padding_start = self.output.len();
        self.output.resize(padding_start + padding + self.layout.tag_length, 0);
        if let Some(room) = self.output.get_mut(padding_start..padding_start + padding) {
            self.padding.fill_bytes(room);
        }
        if let Some(packet) = self.output.get_mut(start..) {
            write_header(packet, 1 + payload + padding, padding);
            self.sealer.seal(self.sequence_number, packet);
        }
        self.sequence_number = self.sequence_number.wrapping_add(1);
        self.bytes += (self.output.len() - start) as u64;
        self.packets += 1;
    }

    /// What the socket should take.
    pub(crate) fn output(&self) -> &[u8] {
        self.output.get(self.sent..).unwrap_or_default()
    }

    pub(crate) fn consume(&mut self, n: usize) {
        self.sent = self.sent.saturating_add(n).min(self.output.len());
        if self.sent == self.output.len() {
            self.output.clear();
            self.sent = 0;
        }
    }

    /// Bytes that wait for the socket.
    pub(crate) fn queued(&self) -> usize {
        self.output.len() - self.sent
    }

    /// From here on packets go under new keys. With strict key exchange the sequence numbers begin anew.
    pub(crate) fn change_keys(&mut self, sealer: Box<dyn SealPacket>, reset_sequence_number: bool) {
        self.layout = sealer.layout();
        self.sealer = sealer;
        self.bytes = 0;
        self.packets = 0;
        if reset_sequence_number {
            self.sequence_number = 0;
        }
    }

    /// How hard compression tries from the next stream on.
    pub(crate) fn set_compression_level(&mut self, level: CompressionLevel) {
        self.compression.set_level(level);
    }

    /// From NEWKEYS on, or from authentication on, payloads are compressed by `method`.
    pub(crate) fn change_compression(&mut self, method: &'static dyn Compression) {
        self.compression.change_method(method);
    }

    /// The peer said that the user is authenticated. Where we say it, the sender notices by itself.
    pub(crate) fn user_authenticated(&mut self) {
        self.compression.user_authenticated();
    }

    /// Bytes since the last change of keys.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Packets since the last change of keys.
    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }

    /// Gives an empty buffer back.
    pub(crate) fn shrink(&mut self) {
        if self.output.is_empty() {
            self.output = Vec::new();
        }
        self.compressed = Vec::new();
    }

    /// Size of the buffers, for accounting.
    pub(crate) fn buffer_size(&self) -> usize {
        self.output.capacity() + self.compressed.capacity()
    }

    /// RFC 4253 §6: the padded length is a multiple of the block size, with at least four bytes of padding.
    fn padding_length(&self, payload: usize) -> usize {
        let unpadded = HEADER - self.layout.unaligned_prefix + payload;
        let block = self.layout.block_length.max(8);
        let padding = block - unpadded % block;
        if padding < MIN_PADDING { padding + block } else { padding }
    }

    /// Moves what is left to the front once more than half of a large buffer is sent.
    fn reclaim(&mut self) {
        if self.sent > self.output.len() / 2 && self.sent >= 64 * 1024 {
            self.output.drain(..self.sent.min(self.output.len()));
            self.sent = 0;
        }
    }
}

fn write_header(packet: &mut [u8], packet_length: usize, padding_length: usize) {
    if let Some((header, _)) = packet.split_first_chunk_mut::<HEADER>() {
        let [length @ .., padding] = header;
        *length = u32::try_from(packet_length).unwrap_or(u32::MAX).to_be_bytes();
        *padding = u8::try_from(padding_length).unwrap_or(u8::MAX);
    }
}
