//! Opening packets: all of the same length on the wire, with other payloads and lengths of padding.

use ssh_core::crypto::cipher::{self, Cipher, LENGTH_FIELD, OpenPacket, PacketKeys, SealPacket};
use ssh_core::crypto::mac::{HMAC_SHA2_256, HMAC_SHA2_256_ETM, Mac, UMAC_128, UMAC_128_ETM};
use ssh_core::random::ChaChaRandom;

use crate::comparisons::damage;
use crate::measure::{Measure, bytes, random};

/// The length of a packet without length field and tag: whole blocks, whether the length field counts or not.
const fn content(unaligned_prefix: usize) -> usize {
    if unaligned_prefix == 0 { 512 - LENGTH_FIELD } else { 512 }
}

pub fn open(measure: &Measure) {
    for cipher in cipher::ALL {
        let macs: &[_] = match cipher.name() {
            _ if cipher.authenticates() => &[None],
            "aes256-ctr" => &[Some(HMAC_SHA2_256), Some(HMAC_SHA2_256_ETM), Some(UMAC_128), Some(UMAC_128_ETM)],
            _ => &[Some(HMAC_SHA2_256), Some(HMAC_SHA2_256_ETM)],
        };
        for &mac in macs {
            let name = mac.map_or(cipher.name().into(), |mac| format!("{} with {}", cipher.name(), mac.name()));
            measure.each(&format!("{name} opens packets"), |number| sealed(*cipher, mac, number, |_, _| ()), opens);
            measure.each(&format!("{name} refuses packets"), |number| sealed(*cipher, mac, number, harm), opens);
        }
    }
}

fn opens((opener, packet): &mut (Box<dyn OpenPacket>, Vec<u8>)) -> bool {
    let head = opener.layout().head_length;
    opener.packet_length(3, &mut packet[..head]);
    opener.open(3, packet).is_ok()
}

/// Every second packet with another tag, and every second with another byte of its content.
fn harm(packet: &mut [u8], number: u32) {
    let tag = packet.len() - 16;
    match number % 2 {
        0 => damage(&mut packet[tag..], 1 + number / 2 % 3),
        _ => packet[LENGTH_FIELD + number as usize % 400] ^= 1,
    }
}

/// A packet under fresh keys, and who opens it.
fn sealed(
    cipher: &dyn Cipher,
    mac: Option<&dyn Mac>,
    number: u32,
    change: impl Fn(&mut [u8], u32),
) -> (Box<dyn OpenPacket>, Vec<u8>) {
    let mut random = random(number);
    let (mut sealer, opener) = halves(cipher, mac, &mut random);
    let content = content(sealer.layout().unaligned_prefix);
    // From the least there is to the most.
    let padding = match number % 3 {
        0 => 4,
        1 => 255,
        _ => 4 + (number % 251) as u8,
    };
    let payload = bytes(&mut random, content - 1 - usize::from(padding));
    let mut packet = packet(&*sealer, &payload, padding);
    sealer.seal(3, &mut packet);
    change(&mut packet, number);
    (opener, packet)
}

/// Both ends of a direction, under keys of `random`.
pub fn halves(
    cipher: &dyn Cipher,
    mac: Option<&dyn Mac>,
    random: &mut ChaChaRandom,
) -> (Box<dyn SealPacket>, Box<dyn OpenPacket>) {
    let (key, iv) = (bytes(random, cipher.key_length()), bytes(random, cipher.iv_length()));
    let mac_key = bytes(random, mac.map_or(0, Mac::key_length));
    let keys = || PacketKeys { key: &key, iv: &iv, mac: mac.map(|mac| mac.keyed(&mac_key)) };
    (cipher.sealer(keys()), cipher.opener(keys()))
}

/// A packet that is not sealed yet, with room for its tag.
pub fn packet(sealer: &dyn SealPacket, payload: &[u8], padding: u8) -> Vec<u8> {
    let length = 1 + payload.len() + usize::from(padding);
    let mut packet = [&(length as u32).to_be_bytes()[..], &[padding], payload].concat();
    packet.resize(LENGTH_FIELD + length + sealer.layout().tag_length, 0);
    packet
}
