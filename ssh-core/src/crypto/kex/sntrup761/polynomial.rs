//! Polynomials modulo `x^761 - x - 1` with coefficients modulo 3 or 4591 (§1.2.1 of the specification).
//!
//! A coefficient is its representative closest to 0. Nothing branches on one, uses it as an index or divides it: a
//! remainder is a multiplication by a fraction of a power of two and a shift.

use zeroize::Zeroizing;

/// The degree of the modulus.
pub(super) const P: usize = 761;
/// The coefficients' modulus.
pub(super) const Q: i32 = 4591;
/// Non-zero coefficients of a short polynomial.
pub(super) const W: usize = 286;

/// Coefficients, that of `x^0` first.
pub(super) type Polynomial = Zeroizing<[i16; P]>;

/// `number` modulo 4591, for numbers up to 11,000,000 in either direction.
///
/// The first step leaves less than 2^15; there 58470 / 2^28 is close enough to 1 / 4591 for the exact quotient.
pub(super) const fn mod_q(number: i32) -> i16 {
    let rough = number - Q * (((number >> 4) * 228) >> 16);
    (rough - Q * ((rough * 58_470 + (1 << 27)) >> 28)) as i16
}

/// `number` modulo 3, for numbers up to 16,000 in either direction.
pub(super) const fn mod_3(number: i32) -> i16 {
    (number - 3 * ((number * 10_923 + (1 << 14)) >> 15)) as i16
}

/// Every coefficient by itself.
pub(super) fn map(polynomial: &[i16; P], change: impl Fn(i32) -> i16) -> Polynomial {
    let mut out = Zeroizing::new([0; P]);
    out.iter_mut().zip(polynomial).for_each(|(to, &from)| *to = change(i32::from(from)));
    out
}

/// `small · other` in R/q, where `small` has coefficients -1, 0 and 1.
pub(super) fn multiply_q(small: &[i16; P], other: &[i16; P]) -> Polynomial {
    multiply(small, other, mod_q)
}

/// `a · b` in R/3.
pub(super) fn multiply_3(a: &[i16; P], b: &[i16; P]) -> Polynomial {
    multiply(a, b, mod_3)
}

/// A sum has at most 2P - 1 products, 3,490,695 with one factor small: it is reduced once, at the end.
fn multiply(small: &[i16; P], other: &[i16; P], reduce: fn(i32) -> i16) -> Polynomial {
    let mut low = Zeroizing::new([0_i32; 2 * P]);
    for (shift, &factor) in small.iter().enumerate() {
        for (sum, &coefficient) in low.iter_mut().skip(shift).zip(other) {
            *sum += i32::from(factor) * i32::from(coefficient);
        }
    }
    // x^(P + k) is x^(k + 1) + x^k.
    let mut out = Zeroizing::new([0; P]);
    let (low, high) = low.split_at(P);
    let before = core::iter::once(&0).chain(high);
    for (((to, low), high), before) in out.iter_mut().zip(low).zip(high).zip(before) {
        *to = reduce(low + high + before);
    }
    out
}

/// `polynomial` with each coefficient rounded to the nearest multiple of 3.
pub(super) fn round(polynomial: &[i16; P]) -> Polynomial {
    map(polynomial, |number| (number - i32::from(mod_3(number))) as i16)
}
