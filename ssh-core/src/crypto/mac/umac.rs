//! UMAC (RFC 4418) as `umac-64@openssh.com` and `umac-128@openssh.com`: the sequence number, as eight bytes, is the nonce.
//!
//! ```text
//!   message ─► 1024 bytes each ─► NH ─► words of 64 bits ─► polynomial ─► 64 bits ─► inner product ─► 32 bits
//!              └────────────────── once for every 32 bits of the tag, under other keys ───────────────────────┘
//!   tag = those, side by side, xor AES(nonce)
//! ```
//! All of it is additions and multiplications, so its time depends on the length alone.

use alloc::{boxed::Box, vec::Vec};

use aes::Aes128Enc;
use cipher::{BlockCipherEncrypt, KeyInit};
use subtle::{ConditionallySelectable, ConstantTimeEq, ConstantTimeLess};
use zeroize::{Zeroize, Zeroizing};

use super::{KeyedMac, Mac};

/// `umac-64@openssh.com`
pub static UMAC_64: &dyn Mac = &Umac::<2> { name: "umac-64@openssh.com", encrypt_then_mac: false };
/// `umac-128@openssh.com`
pub static UMAC_128: &dyn Mac = &Umac::<4> { name: "umac-128@openssh.com", encrypt_then_mac: false };
/// `umac-64-etm@openssh.com`
pub static UMAC_64_ETM: &dyn Mac = &Umac::<2> { name: "umac-64-etm@openssh.com", encrypt_then_mac: true };
/// `umac-128-etm@openssh.com`
pub static UMAC_128_ETM: &dyn Mac = &Umac::<4> { name: "umac-128-etm@openssh.com", encrypt_then_mac: true };

const KEY: usize = 16;
const BLOCK: usize = 16;
/// Bytes that one NH takes.
const NH_BLOCK: usize = 1024;
/// Bytes that NH takes at a time.
const NH_STEP: usize = 32;
/// Words by which the NH keys of two words of the tag are shifted.
const NH_SHIFT: usize = 4;
/// More would need the polynomial of 128 bits (RFC 4418 §5.3). No packet is that long; one that were has no tag.
const MAX_MESSAGE: usize = 1 << 24;

/// A tag of so many words of 32 bits.
struct Umac<const WORDS: usize> {
    name: &'static str,
    encrypt_then_mac: bool,
}

impl<const WORDS: usize> Mac for Umac<WORDS> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_length(&self) -> usize {
        KEY
    }

    fn tag_length(&self) -> usize {
        4 * WORDS
    }

    fn encrypt_then_mac(&self) -> bool {
        self.encrypt_then_mac
    }

    fn keyed(&self, key: &[u8]) -> Box<dyn KeyedMac> {
        Box::new(Keyed::<WORDS> { keys: Keys::new(key), encrypt_then_mac: self.encrypt_then_mac })
    }
}

struct Keyed<const WORDS: usize> {
    /// `None`: the key had another length. Nothing verifies then.
    keys: Option<Keys<WORDS>>,
    encrypt_then_mac: bool,
}

impl<const WORDS: usize> Keyed<WORDS> {
    fn tag(&self, sequence_number: u32, data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let keys = self.keys.as_ref().filter(|_| data.len() <= MAX_MESSAGE)?;
        Some(Zeroizing::new(keys.tag(u64::from(sequence_number), data)))
    }
}

impl<const WORDS: usize> KeyedMac for Keyed<WORDS> {
    fn tag_length(&self) -> usize {
        4 * WORDS
    }

    fn encrypt_then_mac(&self) -> bool {
        self.encrypt_then_mac
    }

    fn sign(&mut self, sequence_number: u32, data: &[u8], tag: &mut [u8]) {
        let Some(computed) = self.tag(sequence_number, data) else { return };
        tag.iter_mut().zip(computed.iter()).for_each(|(to, from)| *to = *from);
    }

    fn verify(&mut self, sequence_number: u32, data: &[u8], tag: &[u8]) -> bool {
        self.tag(sequence_number, data).is_some_and(|computed| computed.ct_eq(tag).into())
    }
}

/// What is derived from the key, once.
struct Keys<const WORDS: usize> {
    pad: Aes128Enc,
    /// One row of keys; each word of the tag begins [`NH_SHIFT`] further.
    nh: Zeroizing<Vec<u32>>,
    words: [WordKeys; WORDS],
}

/// The keys of one word of the tag beside those of NH.
struct WordKeys {
    polynomial: u64,
    inner_product: [u64; 4],
    mask: u32,
}

impl Drop for WordKeys {
    fn drop(&mut self) {
        self.polynomial.zeroize();
        self.inner_product.zeroize();
        self.mask.zeroize();
    }
}

impl<const WORDS: usize> Keys<WORDS> {
    fn new(key: &[u8]) -> Option<Self> {
        let aes = Aes128Enc::new_from_slice(key).ok()?;
        let pad = Aes128Enc::new_from_slice(&derive(&aes, 0, KEY)).ok()?;
        let nh = derive(&aes, 1, NH_BLOCK + 4 * NH_SHIFT * (WORDS - 1));
        let nh = nh.as_chunks().0.iter().map(|word| u32::from_be_bytes(*word)).collect();
        let polynomials = derive(&aes, 2, 24 * WORDS);
        let inner_products = derive(&aes, 3, 64 * WORDS);
        let masks = derive(&aes, 4, 4 * WORDS);
        let words = core::array::from_fn(|word| WordKeys {
            polynomial: big_endian(&polynomials, 24 * word) & 0x01ff_ffff_01ff_ffff,
            // What is hashed has 64 bits at most: of the eight factors the last four.
            inner_product: core::array::from_fn(|n| big_endian(&inner_products, 64 * word + 32 + 8 * n) % P36),
            mask: (big_endian(&masks, 4 * word) >> 32) as u32,
        });
        Some(Self { pad, nh: Zeroizing::new(nh), words })
    }

    fn tag(&self, nonce: u64, message: &[u8]) -> Vec<u8> {
        let pad = self.pad(nonce);
        let hashed = self.words.iter().zip(self.hashed(message));
        let hash =
            hashed.flat_map(|(keys, hashed)| (inner_product(&keys.inner_product, hashed) ^ keys.mask).to_be_bytes());
        hash.zip(pad.iter()).map(|(hash, pad)| hash ^ pad).collect()
    }

    /// The first two layers of UHASH (RFC 4418 §5.1) for each word. A block is taken for all words while it is at hand.
    fn hashed(&self, message: &[u8]) -> [u64; WORDS] {
        let nh = |n: usize, block| nh(self.nh.get(NH_SHIFT * n..).unwrap_or_default(), block);
        if message.len() <= NH_BLOCK {
            return core::array::from_fn(|n| nh(n, message));
        }
        let mut sums = [1; WORDS];
        for block in message.chunks(NH_BLOCK) {
            for (n, (sum, keys)) in sums.iter_mut().zip(&self.words).enumerate() {
                *sum = polynomial_step(keys.polynomial, *sum, nh(n, block));
            }
        }
        sums
    }

    /// A tag of half a block shares one with its neighbour: the lowest bit of the nonce says which half (RFC 4418 §3.3).
    fn pad(&self, nonce: u64) -> Zeroizing<[u8; BLOCK]> {
        let halves = WORDS == 2;
        let mut block = [0; BLOCK];
        let encrypted = if halves { nonce & !1 } else { nonce };
        block.iter_mut().zip(encrypted.to_be_bytes()).for_each(|(to, from)| *to = from);
        let mut block = block.into();
        self.pad.encrypt_block(&mut block);
        let mut pad = Zeroizing::new(<[u8; BLOCK]>::from(block));
        if halves && nonce & 1 == 1 {
            pad.rotate_left(BLOCK / 2);
        }
        pad
    }
}

/// Bytes of the key stream that AES makes of an index and a counter (RFC 4418 §3.2.1).
fn derive(aes: &Aes128Enc, index: u64, length: usize) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(length.next_multiple_of(BLOCK)));
    for counter in (1_u64..).take(length.div_ceil(BLOCK)) {
        let mut block = (u128::from(index) << 64 | u128::from(counter)).to_be_bytes().into();
        aes.encrypt_block(&mut block);
        out.extend_from_slice(&block);
        block.as_mut_slice().zeroize();
    }
    out.truncate(length);
    out
}

/// Eight bytes from `at` on as a number; what is missing at the end is zeros.
fn big_endian(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes.iter().skip(at).chain(core::iter::repeat(&0)).take(8);
    bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// NH of at most 1024 bytes, and their length in bits (RFC 4418 §5.2.2).
fn nh(keys: &[u32], block: &[u8]) -> u64 {
    let (steps, rest) = block.as_chunks::<NH_STEP>();
    let (keys, _) = keys.as_chunks::<8>();
    let mut sums = [0; 4];
    for (key, step) in keys.iter().zip(steps) {
        nh_step(&mut sums, key, step);
    }
    // Zeros up to a whole step, of which there is at least one.
    if let Some(key) = keys.get(steps.len()).filter(|_| !rest.is_empty() || steps.is_empty()) {
        let mut padded = [0; NH_STEP];
        padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        nh_step(&mut sums, key, &padded);
    }
    sums.iter().fold(block.len() as u64 * 8, |sum, each| sum.wrapping_add(*each))
}

/// Four products, each of a sum in the first half and one in the second.
#[inline(always)]
fn nh_step(sums: &mut [u64; 4], keys: &[u32; 8], step: &[u8; NH_STEP]) {
    let (words, _) = step.as_chunks::<4>();
    let mut masked = [0; 8];
    for ((masked, key), word) in masked.iter_mut().zip(keys).zip(words) {
        *masked = u64::from(u32::from_le_bytes(*word).wrapping_add(*key));
    }
    let [a, b, c, d, e, f, g, h] = masked;
    let products = [a * e, b * f, c * g, d * h];
    sums.iter_mut().zip(products).for_each(|(sum, product)| *sum = sum.wrapping_add(product));
}

/// 2^64 - 59, a prime.
const P64: u64 = u64::MAX - 58;
/// 2^36 - 5, a prime.
const P36: u64 = (1 << 36) - 5;
/// Words from here on are said in two: a marker and the word less the offset.
const TOO_LARGE: u64 = u64::MAX - u32::MAX as u64;

/// The polynomial's next value for `word` (RFC 4418 §5.3.2). Both cases are computed, so that the time tells nothing.
fn polynomial_step(key: u64, sum: u64, word: u64) -> u64 {
    let multiply_add = |sum: u64, word: u64| reduce(u128::from(key) * u128::from(sum) + u128::from(word));
    let usual = multiply_add(sum, word);
    let marked = multiply_add(multiply_add(sum, P64 - 1), word.wrapping_sub(59));
    u64::conditional_select(&marked, &usual, word.ct_lt(&TOO_LARGE))
}

/// `number` modulo [`P64`], for 2^64 is 59.
fn reduce(number: u128) -> u64 {
    let fold = |number: u128| (number >> 64) * 59 + u128::from(number as u64);
    // Less than 2^121, then 2^63 + 2^64, then 2^64 + 59, then 2^64.
    let number = fold(fold(fold(number))) as u64;
    u64::conditional_select(&number.wrapping_sub(P64), &number, number.ct_lt(&P64))
}

/// The inner product of the four words of 16 bits in `hashed` with the keys, modulo 2^36 - 5, and of that 32 bits
/// (RFC 4418 §5.4).
fn inner_product(keys: &[u64; 4], hashed: u64) -> u32 {
    let words = [hashed >> 48, hashed >> 32 & 0xffff, hashed >> 16 & 0xffff, hashed & 0xffff];
    let sum: u64 = keys.iter().zip(words).map(|(key, word)| key * word).sum();
    // Below 2^54: folded once, below 2^36 + 5 × 2^18.
    let folded = (sum >> 36) * 5 + (sum & ((1 << 36) - 1));
    u64::conditional_select(&folded.wrapping_sub(P36), &folded, folded.ct_lt(&P36)) as u32
}

#[cfg(test)]
mod tests;
