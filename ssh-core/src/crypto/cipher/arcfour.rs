//! RC4 as `arcfour` (RFC 4253 §6.3), and without the worst of its key stream (RFC 4345). Broken (RFC 8758), for peers
//! that have nothing better.

use alloc::boxed::Box;

use cipher::StreamCipher;
use rc4::{KeyInit, Rc4};

use super::with_mac::{opener, sealer};
use super::{Cipher, OpenPacket, PacketKeys, SealPacket};

/// `arcfour`
pub static ARCFOUR: &dyn Cipher = &Arcfour { name: "arcfour", key_length: 16, discarded: 0 };
/// `arcfour128`
pub static ARCFOUR128: &dyn Cipher = &Arcfour { name: "arcfour128", key_length: 16, discarded: DISCARDED };
/// `arcfour256`
pub static ARCFOUR256: &dyn Cipher = &Arcfour { name: "arcfour256", key_length: 32, discarded: DISCARDED };

/// Bytes of the key stream before the first that is used (RFC 4345 §4).
const DISCARDED: usize = 1536;
/// A stream cipher pads as if to blocks of this (RFC 4253 §6).
const BLOCK: usize = 8;

struct Arcfour {
    name: &'static str,
    key_length: usize,
    discarded: usize,
}

impl Arcfour {
    fn keyed(&self, key: &[u8]) -> Option<Rc4> {
        let mut rc4 = Rc4::new_from_slice(key).ok().filter(|_| key.len() == self.key_length)?;
        for _ in 0..self.discarded {
            rc4.apply_keystream(&mut [0]);
        }
        Some(rc4)
    }
}

impl Cipher for Arcfour {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_length(&self) -> usize {
        self.key_length
    }

    fn iv_length(&self) -> usize {
        0
    }

    fn block_length(&self) -> usize {
        BLOCK
    }

    fn authenticates(&self) -> bool {
        false
    }

    fn opener(&self, keys: PacketKeys<'_>) -> Box<dyn OpenPacket> {
        opener(self.keyed(keys.key), BLOCK, keys.mac)
    }

    fn sealer(&self, keys: PacketKeys<'_>) -> Box<dyn SealPacket> {
        sealer(self.keyed(keys.key), BLOCK, keys.mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::mac;
    use alloc::vec::Vec;
    use hex_literal::hex;

    /// RFC 6229 §2, offsets 0 and 1536, as two packets of 16 bytes: the key stream runs on.
    #[test]
    fn rfc_6229() {
        for (cipher, expected) in [
            (ARCFOUR, hex!("9ac7cc9a609d1ef7b2932899cde41b975248c4959014126a6e8a84f11d1a9e1c")),
            (ARCFOUR128, hex!("ffa0b514647ec04f6306b892ae6611810ee284558a70e8fb861fd23f9ce01a66")),
            (ARCFOUR256, hex!("3e34135c79db010200767651cf2630735f81980cb7138e377c0bc405858042c3")),
        ] {
            let key: Vec<u8> = (1..).take(cipher.key_length()).collect();
            let mac = mac::HMAC_SHA1.keyed(&[0; 20]);
            let mut sealer = cipher.sealer(PacketKeys { key: &key, iv: &[], mac: Some(mac) });
            for expected in expected.chunks(16) {
                let mut packet = [0; 36];
                sealer.seal(0, &mut packet);
                assert_eq!(packet[..16], *expected, "{}", cipher.name());
            }
        }
    }
}
