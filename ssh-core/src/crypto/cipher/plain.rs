//! No cipher: packets before the first NEWKEYS (RFC 4253 §6).

use super::{IntegrityError, LENGTH_FIELD, OpenPacket, Opened, PacketLayout, SealPacket, read_length};

/// Both halves of the initial state: nothing is hidden, nothing is verified.
pub(crate) struct Plain;

const LAYOUT: PacketLayout =
    PacketLayout { head_length: LENGTH_FIELD, block_length: 8, unaligned_prefix: 0, tag_length: 0 };

impl OpenPacket for Plain {
    fn layout(&self) -> PacketLayout {
        LAYOUT
    }

    fn packet_length(&mut self, _sequence_number: u32, head: &mut [u8]) -> u32 {
        read_length(head)
    }

    fn open(&mut self, _sequence_number: u32, packet: &mut [u8]) -> Result<Opened, IntegrityError> {
        if packet.len() < LENGTH_FIELD { Err(IntegrityError) } else { Ok(Opened::tag_verified()) }
    }
}

impl SealPacket for Plain {
    fn layout(&self) -> PacketLayout {
        LAYOUT
    }

    fn seal(&mut self, _sequence_number: u32, _packet: &mut [u8]) {}
}
