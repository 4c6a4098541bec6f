//! Streamlined NTRU Prime with the parameters 761, 4591 and 286, and its hybrid with X25519
//! (draft-ietf-sshm-ntruprime-ssh). Sections are those of the specification of NTRU Prime, round 3.
//!
//! No time and no address depends on a secret: random orders are drawn by a sorting network, reciprocals are computed by
//! a fixed number of division steps, remainders by multiplications, and a cipher text is refused by a selection.

mod codec;
mod invert;
mod polynomial;
mod sort;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::hint::black_box;

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use self::codec::{ROUNDED, RQ, SMALL, decode_rounded, decode_rq, encode_rounded, encode_rq, encode_small};
use self::invert::{invert_3, invert_q};
use self::polynomial::{P, Polynomial, W, map, mod_3, mod_q, multiply_3, multiply_q, round};
use self::sort::sort;
use super::curve25519::Curve25519;
use super::hybrid::{Hybrid, Kem, SharedKey, Suite};
use super::machine::EcdhMethod;
use super::{KexError, KeyExchange};
use crate::crypto::hash::Hash;
use crate::random::{RandomError, SecureRandom};

/// `sntrup761x25519-sha512`
pub static SNTRUP761X25519_SHA512: &dyn KeyExchange =
    &EcdhMethod::<Hybrid<Sntrup761X25519>>::new("sntrup761x25519-sha512", Sntrup761X25519::HASH);
/// `sntrup761x25519-sha512@openssh.com`, the same method under its name from before the draft.
pub static SNTRUP761X25519_SHA512_OPENSSH: &dyn KeyExchange =
    &EcdhMethod::<Hybrid<Sntrup761X25519>>::new("sntrup761x25519-sha512@openssh.com", Sntrup761X25519::HASH);

struct Sntrup761X25519;

impl Suite for Sntrup761X25519 {
    type Kem = Sntrup761;
    type Curve = Curve25519;
    const HASH: Hash = Hash::Sha512;
}

/// Bytes of a hash.
const HASH: usize = 32;

struct Sntrup761;

/// What opens cipher texts.
struct SecretKey {
    /// `f`, short.
    short: Polynomial,
    /// `1/g` in R/3.
    inverse: Polynomial,
    public_key: Vec<u8>,
    /// `ρ`: what a refused cipher text's secret is made of.
    rejection: Zeroizing<[u8; SMALL]>,
}

impl Kem for Sntrup761 {
    const PUBLIC_KEY: usize = RQ;
    /// The polynomial, and the hash that confirms it.
    const CIPHERTEXT: usize = ROUNDED + HASH;
    type Secret = SecretKey;

    fn generate(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SecretKey), KexError> {
        let (small, inverse) = invertible(random)?;
        let short = random_short(random)?;
        let public_key = public_key(&short, &small)?;
        let mut rejection = Zeroizing::new([0; SMALL]);
        random.fill(&mut *rejection)?;
        Ok((public_key.clone(), SecretKey { short, inverse, public_key, rejection }))
    }

    fn encapsulate(public_key: &[u8], random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SharedKey), KexError> {
        if public_key.len() != RQ {
            return Err(KexError::MalformedPublicValue);
        }
        let input = random_short(random)?;
        let (ciphertext, encoded) = hide(&input, public_key);
        let shared = session(Choice::from(1), &encoded, &ciphertext);
        Ok((ciphertext, shared))
    }

    fn decapsulate(secret: &SecretKey, ciphertext: &[u8]) -> Result<SharedKey, KexError> {
        let Some((polynomial, confirmation)) = ciphertext.split_at_checked(ROUNDED) else {
            return Err(KexError::MalformedPublicValue);
        };
        if confirmation.len() != HASH {
            return Err(KexError::MalformedPublicValue);
        }
        let input = decrypt(secret, &decode_rounded(polynomial));
        let (again, mut encoded) = hide(&input, &secret.public_key);
        let genuine = again.as_slice().ct_eq(ciphertext);
        for (byte, rejected) in encoded.iter_mut().zip(secret.rejection.iter()) {
            byte.conditional_assign(rejected, !genuine);
        }
        Ok(session(genuine, &encoded, ciphertext))
    }
}

/// `h = g/(3f)`, encoded.
fn public_key(short: &[i16; P], small: &[i16; P]) -> Result<Vec<u8>, RandomError> {
    let three_f = map(short, |coefficient| (3 * coefficient) as i16);
    // R/q is a field: only 0 has no reciprocal, and no short polynomial is 0.
    let reciprocal = invert_q(&three_f).ok_or(RandomError)?;
    Ok(encode_rq(&multiply_q(small, &reciprocal)))
}

/// §4.3: a cipher text for `input`, and `input` encoded.
fn hide(input: &[i16; P], public_key: &[u8]) -> (Vec<u8>, Zeroizing<[u8; SMALL]>) {
    let mut ciphertext = encode_rounded(&round(&multiply_q(input, &decode_rq(public_key))));
    let encoded = encode_small(input);
    let confirmation = hash(2, &*hash(3, &*encoded, &[]), &*hash(4, public_key, &[]));
    ciphertext.extend_from_slice(&*confirmation);
    (ciphertext, encoded)
}

/// §4.4: the input of a cipher text, or the first of all inputs if it is none of the key's.
fn decrypt(secret: &SecretKey, ciphertext: &[i16; P]) -> Polynomial {
    let product = multiply_q(&secret.short, ciphertext);
    let reduced = map(&product, |coefficient| mod_3(i32::from(mod_q(3 * coefficient))));
    let mut input = multiply_3(&reduced, &secret.inverse);
    let weight: i16 = input.iter().map(|coefficient| coefficient & 1).sum();
    let difference = weight - W as i16;
    // All ones if the weight is wrong. The optimiser is not to know that there are two values alone.
    let wrong = black_box((difference | -difference) >> 15);
    let first_of_all = (0..P).map(|position| i16::from(position < W));
    for (coefficient, instead) in input.iter_mut().zip(first_of_all) {
        *coefficient ^= wrong & (*coefficient ^ instead);
    }
    input
}

/// §4.6: the shared secret of a cipher text, another one where it was refused.
fn session(genuine: Choice, encoded: &[u8; SMALL], ciphertext: &[u8]) -> SharedKey {
    hash(genuine.unwrap_u8(), &*hash(3, encoded, &[]), ciphertext)
}

/// §4.1: `Hash_b`, the first half of SHA-512 behind a byte that says what for.
fn hash(purpose: u8, first: &[u8], second: &[u8]) -> SharedKey {
    let mut digest = Hash::Sha512.digest(&[&[purpose], first, second]);
    let mut out = Zeroizing::new([0; HASH]);
    out.iter_mut().zip(&digest).for_each(|(to, &from)| *to = from);
    digest.zeroize();
    out
}

/// Small polynomials are drawn until one has a reciprocal. Most do, so that many failures mean a source that is not
/// random, and end the exchange instead of hanging it.
const ATTEMPTS: usize = 32;

/// §4.2: `g` and its reciprocal in R/3.
fn invertible(random: &mut dyn SecureRandom) -> Result<(Polynomial, Polynomial), KexError> {
    for _ in 0..ATTEMPTS {
        let small = random_small(random)?;
        if let Some(inverse) = invert_3(&small) {
            return Ok((small, inverse));
        }
    }
    Err(KexError::Random(RandomError))
}

/// Coefficients -1, 0 and 1, each as likely as another but for 2^-30.
fn random_small(random: &mut dyn SecureRandom) -> Result<Polynomial, RandomError> {
    let numbers = random_numbers(random)?;
    let mut out = Zeroizing::new([0; P]);
    for (coefficient, number) in out.iter_mut().zip(numbers.iter()) {
        *coefficient = (((number & 0x3fff_ffff) * 3) >> 30) as i16 - 1;
    }
    Ok(out)
}

/// W coefficients that are -1 or 1, and zeros, in an order that sorting random numbers gives.
fn random_short(random: &mut dyn SecureRandom) -> Result<Polynomial, RandomError> {
    let mut numbers = random_numbers(random)?;
    numbers.iter_mut().take(W).for_each(|number| *number &= !1);
    numbers.iter_mut().skip(W).for_each(|number| *number = *number & !3 | 1);
    sort(&mut *numbers);
    let mut out = Zeroizing::new([0; P]);
    out.iter_mut().zip(numbers.iter()).for_each(|(coefficient, number)| *coefficient = (number & 3) as i16 - 1);
    Ok(out)
}

fn random_numbers(random: &mut dyn SecureRandom) -> Result<Zeroizing<[u32; P]>, RandomError> {
    let mut bytes = Zeroizing::new([0; 4 * P]);
    random.fill(&mut *bytes)?;
    let mut out = Zeroizing::new([0; P]);
    out.iter_mut().zip(bytes.as_chunks().0).for_each(|(number, &bytes)| *number = u32::from_le_bytes(bytes));
    Ok(out)
}
