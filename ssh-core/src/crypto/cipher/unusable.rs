//! What a descriptor answers with when it was given keys it cannot work with.

use super::{IntegrityError, LENGTH_FIELD, OpenPacket, Opened, PacketLayout, SealPacket};

/// The half made from a key of the wrong length, or without the MAC its cipher needs. A program that asks for this has
/// a mistake; a peer cannot bring it about. It fails closed: it opens nothing, and what it seals are zeros.
pub(super) struct Unusable;

const LAYOUT: PacketLayout =
    PacketLayout { head_length: LENGTH_FIELD, block_length: 8, unaligned_prefix: 0, tag_length: 0 };

impl OpenPacket for Unusable {
    fn layout(&self) -> PacketLayout {
        LAYOUT
    }

    fn packet_length(&mut self, _sequence_number: u32, _head: &mut [u8]) -> u32 {
        0
    }

    fn open(&mut self, _sequence_number: u32, _packet: &mut [u8]) -> Result<Opened, IntegrityError> {
        Err(IntegrityError)
    }
}

impl SealPacket for Unusable {
    fn layout(&self) -> PacketLayout {
        LAYOUT
    }

    fn seal(&mut self, _sequence_number: u32, packet: &mut [u8]) {
        packet.fill(0);
    }
}
