//! Polynomials as bytes (§3.2 to §3.4 of the specification).

use alloc::vec::Vec;
use core::num::NonZeroU32;

use zeroize::Zeroizing;

use super::polynomial::{P, Polynomial, Q};

/// Bytes of an encoded polynomial with small coefficients.
pub(super) const SMALL: usize = P.div_ceil(4);
/// Bytes of an encoded polynomial of R/q.
pub(super) const RQ: usize = 1158;
/// Bytes of an encoded polynomial of R/q whose coefficients are multiples of 3.
pub(super) const ROUNDED: usize = 1007;

/// The largest coefficient.
const MOST: i16 = (Q as i16 - 1) / 2;
/// How many multiples of 3 there are.
const MULTIPLES: u32 = (Q as u32).div_ceil(3);

/// Coefficients -1, 0 and 1, four to a byte.
pub(super) fn encode_small(small: &[i16; P]) -> Zeroizing<[u8; SMALL]> {
    let mut out = Zeroizing::new([0; SMALL]);
    for (byte, four) in out.iter_mut().zip(small.chunks(4)) {
        *byte = four.iter().rev().fold(0, |bits, &coefficient| bits << 2 | (coefficient + 1) as u8);
    }
    out
}

pub(super) fn encode_rq(polynomial: &[i16; P]) -> Vec<u8> {
    encode(polynomial.iter().map(|&coefficient| (coefficient + MOST) as u32), Q as u32)
}

pub(super) fn decode_rq(bytes: &[u8]) -> Polynomial {
    let mut out = Zeroizing::new([0; P]);
    out.iter_mut().zip(decode(bytes, Q as u32)).for_each(|(to, number)| *to = number as i16 - MOST);
    out
}

pub(super) fn encode_rounded(polynomial: &[i16; P]) -> Vec<u8> {
    // Thirds: exact, because they are multiples of 3.
    encode(polynomial.iter().map(|&coefficient| ((coefficient + MOST) as u32 * 10_923) >> 15), MULTIPLES)
}

pub(super) fn decode_rounded(bytes: &[u8]) -> Polynomial {
    let mut out = Zeroizing::new([0; P]);
    out.iter_mut().zip(decode(bytes, MULTIPLES)).for_each(|(to, number)| *to = 3 * number as i16 - MOST);
    out
}

/// Two numbers are merged to one as long as their moduli allow it, and bytes are split off as soon as the merged modulus
/// has reached this.
const LIMIT: u32 = 1 << 14;

/// P numbers below `modulus`, as few bytes as a mixed radix allows. Only moduli decide what happens.
fn encode(numbers: impl Iterator<Item = u32>, modulus: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(RQ);
    let mut numbers = Zeroizing::new(numbers.collect::<Vec<_>>());
    let mut moduli = level(modulus);
    while moduli.len() > 1 {
        let mut merged = Zeroizing::new(Vec::with_capacity(moduli.len().div_ceil(2)));
        for (numbers, moduli) in numbers.chunks(2).zip(moduli.chunks(2)) {
            let mut number = match (numbers, moduli) {
                (&[first, second], &[modulus, _]) => first + second * modulus,
                _ => numbers.iter().sum(),
            };
            for _ in 0..Merged::new(moduli).bytes {
                out.push(number as u8);
                number >>= 8;
            }
            merged.push(number);
        }
        numbers = merged;
        moduli = next_level(&moduli);
    }
    let bytes = moduli.iter().map(|&modulus| last_bytes(modulus)).sum();
    numbers.iter().for_each(|number| out.extend(number.to_le_bytes().iter().take(bytes)));
    out
}

/// What [`encode`] took. Other bytes give numbers below `modulus`, too. The bytes are public, so dividing is no leak.
fn decode(bytes: &[u8], modulus: u32) -> Vec<u32> {
    let mut bytes = bytes.iter();
    let mut read =
        |count: usize| (0..count).zip(&mut bytes).fold(0, |sum, (at, &byte)| sum | u32::from(byte) << (8 * at));
    let mut levels = Vec::new();
    let mut moduli = level(modulus);
    while moduli.len() > 1 {
        let split_off: Vec<_> = moduli.chunks(2).map(|pair| read(Merged::new(pair).bytes)).collect();
        let next = next_level(&moduli);
        levels.push((moduli, split_off));
        moduli = next;
    }
    let mut numbers: Vec<_> = moduli.iter().map(|&modulus| remainder(read(last_bytes(modulus)), modulus).1).collect();
    for (moduli, split_off) in levels.iter().rev() {
        let mut parts = Vec::with_capacity(moduli.len());
        for ((pair, low), high) in moduli.chunks(2).zip(split_off).zip(&numbers) {
            let mut number = low | high << (8 * Merged::new(pair).bytes);
            match *pair {
                [only] if Merged::new(pair).bytes == 0 => parts.push(number.min(only - 1)),
                _ => {
                    for &modulus in pair {
                        let (quotient, part) = remainder(number, modulus);
                        parts.push(part);
                        number = quotient;
                    }
                }
            }
        }
        numbers = parts;
    }
    numbers
}

/// The moduli of the first level: all the same.
fn level(modulus: u32) -> Vec<u32> {
    (0..P).map(|_| modulus).collect()
}

fn next_level(moduli: &[u32]) -> Vec<u32> {
    moduli.chunks(2).map(|pair| Merged::new(pair).modulus).collect()
}

/// What becomes of one or two moduli in the next level.
struct Merged {
    /// The modulus of what is left when the bytes are split off.
    modulus: u32,
    bytes: usize,
}

impl Merged {
    fn new(moduli: &[u32]) -> Self {
        let mut merged = Self { modulus: moduli.iter().product(), bytes: 0 };
        while merged.modulus >= LIMIT {
            merged.modulus = merged.modulus.div_ceil(256);
            merged.bytes += 1;
        }
        merged
    }
}

/// Bytes of the one number that is left.
fn last_bytes(mut modulus: u32) -> usize {
    let mut bytes = 0;
    while modulus > 1 {
        modulus = modulus.div_ceil(256);
        bytes += 1;
    }
    bytes
}

fn remainder(number: u32, modulus: u32) -> (u32, u32) {
    NonZeroU32::new(modulus).map_or((0, 0), |modulus| (number / modulus, number % modulus))
}
