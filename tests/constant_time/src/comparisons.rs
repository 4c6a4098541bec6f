//! Comparisons of what a peer sent with what only we know.

use ssh_core::SecretBytes;
use ssh_core::crypto::mac;

use crate::measure::{Measure, bytes, random};

/// Makes of every four tags one right, one wrong in the first byte, one in the last, and one everywhere.
pub fn damage(tag: &mut [u8], number: u32) {
    match number % 4 {
        0 => {}
        1 => tag[0] ^= 0x80,
        2 => *tag.last_mut().unwrap() ^= 1,
        _ => tag.iter_mut().for_each(|byte| *byte ^= 0xa5),
    }
}

pub fn macs(measure: &Measure) {
    for mac in mac::ALL {
        let prepare = |number| {
            let mut random = random(number);
            let (key, data) = (bytes(&mut random, mac.key_length()), bytes(&mut random, 200));
            let mut keyed = mac.keyed(&key);
            let mut tag = vec![0; mac.tag_length()];
            keyed.sign(7, &data, &mut tag);
            damage(&mut tag, number);
            (keyed, data, tag)
        };
        let name = format!("{} verifies right and wrong tags", mac.name());
        measure.each(&name, prepare, |(keyed, data, tag)| keyed.verify(7, data, tag));
    }
}

pub fn passwords(measure: &Measure) {
    let prepare = |number| {
        let password = bytes(&mut random(number), 24);
        let mut tried = password.clone();
        damage(&mut tried, number);
        (SecretBytes::new(password), tried)
    };
    measure.each("a secret is compared", prepare, |(password, tried)| password.constant_time_eq(tried));
}
