//! A cipher without authentication composed with a MAC (RFC 4253 §6.3 and §6.4), in either order.
//!
//! *Encrypt and MAC*, the original way: the whole packet is encrypted, the tag covers the plain one. The length is known
//! only after the first block was decrypted. *Encrypt then MAC* (`-etm@openssh.com`, OpenSSH's PROTOCOL §1.5): the
//! length is in clear, the tag covers length and cipher text and is verified before anything is decrypted.

use alloc::boxed::Box;

use cipher::StreamCipher;

use super::super::mac::KeyedMac;
use super::unusable::Unusable;
use super::{IntegrityError, LENGTH_FIELD, OpenPacket, Opened, PacketLayout, SealPacket, read_length};

/// The receiving half of `cipher` with `mac`. Without either it is one that opens nothing.
pub(super) fn opener<C: Decrypt + 'static>(
    cipher: Option<C>,
    block_length: usize,
    mac: Option<Box<dyn KeyedMac>>,
) -> Box<dyn OpenPacket> {
    match cipher.zip(mac) {
        Some((cipher, mac)) => Box::new(WithMac { cipher, mac, block_length }),
        None => Box::new(Unusable),
    }
}

/// The sending half of `cipher` with `mac`. Without either it is one that sends nothing of its packets.
pub(super) fn sealer<C: Encrypt + 'static>(
    cipher: Option<C>,
    block_length: usize,
    mac: Option<Box<dyn KeyedMac>>,
) -> Box<dyn SealPacket> {
    match cipher.zip(mac) {
        Some((cipher, mac)) => Box::new(WithMac { cipher, mac, block_length }),
        None => Box::new(Unusable),
    }
}

/// Decrypts in place and goes on, call after call, where it stopped. It is only given whole blocks.
pub(super) trait Decrypt: Send {
    /// Whether a block decrypts to what it is and what the one before it was.
    const CHAINED: bool = false;

    fn decrypt(&mut self, blocks: &mut [u8]);
}

/// Encrypts in place and goes on, call after call, where it stopped. It is only given whole blocks.
pub(super) trait Encrypt: Send {
    fn encrypt(&mut self, blocks: &mut [u8]);
}

impl<S: StreamCipher + Send> Decrypt for S {
    fn decrypt(&mut self, blocks: &mut [u8]) {
        self.apply_keystream(blocks);
    }
}

impl<S: StreamCipher + Send> Encrypt for S {
    fn encrypt(&mut self, blocks: &mut [u8]) {
        self.apply_keystream(blocks);
    }
}

struct WithMac<C> {
    cipher: C,
    mac: Box<dyn KeyedMac>,
    block_length: usize,
}

impl<C> WithMac<C> {
    fn packet_layout(&self) -> PacketLayout {
        let (head_length, unaligned_prefix) =
            if self.mac.encrypt_then_mac() { (LENGTH_FIELD, LENGTH_FIELD) } else { (self.block_length, 0) };
        PacketLayout {
            head_length,
            block_length: self.block_length,
            unaligned_prefix,
            tag_length: self.mac.tag_length(),
        }
    }

    /// Splits off the tag, if what is left consists of whole blocks, at least the head.
    fn split_tag<'a>(&self, packet: &'a mut [u8]) -> Option<(&'a mut [u8], &'a mut [u8])> {
        let layout = self.packet_layout();
        let data_length = packet.len().checked_sub(layout.tag_length)?;
        let aligned = data_length.checked_sub(layout.unaligned_prefix)?.is_multiple_of(layout.block_length);
        if aligned && data_length >= layout.head_length { packet.split_at_mut_checked(data_length) } else { None }
    }
}

impl<C: Decrypt> OpenPacket for WithMac<C> {
    fn layout(&self) -> PacketLayout {
        self.packet_layout()
    }

    fn packet_length(&mut self, _sequence_number: u32, head: &mut [u8]) -> u32 {
        if !self.mac.encrypt_then_mac() {
            let Some(first_block) = head.get_mut(..self.block_length) else { return 0 };
            self.cipher.decrypt(first_block);
        }
        read_length(head)
    }

    fn open(&mut self, sequence_number: u32, packet: &mut [u8]) -> Result<Opened, IntegrityError> {
        let head_length = self.packet_layout().head_length;
        let (data, tag) = self.split_tag(packet).ok_or(IntegrityError)?;
        if !self.mac.encrypt_then_mac() {
            self.cipher.decrypt(data.get_mut(head_length..).ok_or(IntegrityError)?);
        }
        if !self.mac.verify(sequence_number, data, tag) {
            return Err(IntegrityError);
        }
        if self.mac.encrypt_then_mac() {
            self.cipher.decrypt(data.get_mut(head_length..).ok_or(IntegrityError)?);
        }
        Ok(Opened::tag_verified())
    }

    fn fails_late(&self) -> bool {
        C::CHAINED && !self.mac.encrypt_then_mac()
    }
}

impl<C: Encrypt> SealPacket for WithMac<C> {
    fn layout(&self) -> PacketLayout {
        self.packet_layout()
    }

    fn seal(&mut self, sequence_number: u32, packet: &mut [u8]) {
        let unaligned_prefix = self.packet_layout().unaligned_prefix;
        let Some((data, tag)) = self.split_tag(packet) else {
            // Not a packet. What cannot be encrypted must not leave either.
            packet.fill(0);
            return;
        };
        if !self.mac.encrypt_then_mac() {
            self.mac.sign(sequence_number, data, tag);
        }
        if let Some(blocks) = data.get_mut(unaligned_prefix..) {
            self.cipher.encrypt(blocks);
        }
        if self.mac.encrypt_then_mac() {
            self.mac.sign(sequence_number, data, tag);
        }
    }
}
