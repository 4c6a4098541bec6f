//! Whether a number is a safe prime: a prime `p` for which `(p - 1) / 2` is prime, too.
//!
//! The numbers are public, and the work has a bound: five powers with exponents as long as the number.

use alloc::vec;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Word};

use crate::random::{RandomError, SecureRandom};

/// Rounds of Miller-Rabin, each of which a composite number passes once in four times at most; nearly all never do.
const ROUNDS: usize = 4;

pub(super) fn is_safe_prime(number: &BoxedUint, random: &mut dyn SecureRandom) -> Result<bool, RandomError> {
    let half = number.shr_vartime(1).unwrap_or_default();
    // If half of it is a prime q, the number is prime if 2^(2q) is 1 and 2^2 - 1 has no factor in common with it: q is
    // more than its square root (Pocklington). So the number itself needs no more than one power.
    Ok(has_power_of_two(number, &half) && is_prime(&half, random)?)
}

/// Whether `2^exponent` is 1 or -1 modulo `number`.
fn has_power_of_two(number: &BoxedUint, exponent: &BoxedUint) -> bool {
    let Some(modulus) = number.as_odd_vartime() else { return false };
    let parameters = BoxedMontyParams::new_vartime(modulus.clone());
    let one = BoxedMontyForm::one(&parameters);
    let minus_one = BoxedMontyForm::new(number.wrapping_sub(BoxedUint::one()), &parameters);
    let power = one.double().pow(exponent);
    power == one || power == minus_one
}

/// Miller-Rabin with bases drawn at random.
fn is_prime(number: &BoxedUint, random: &mut dyn SecureRandom) -> Result<bool, RandomError> {
    let Some(modulus) = number.as_odd_vartime() else { return Ok(false) };
    let parameters = BoxedMontyParams::new_vartime(modulus.clone());
    let less_one = number.wrapping_sub(BoxedUint::one());
    let (one, minus_one) = (BoxedMontyForm::one(&parameters), BoxedMontyForm::new(less_one.clone(), &parameters));
    let twos = less_one.trailing_zeros_vartime();
    let odd_part = less_one.shr_vartime(twos).unwrap_or_default();
    for _ in 0..ROUNDS {
        let mut power = BoxedMontyForm::new(base(number, random)?, &parameters).pow(&odd_part);
        let mut passes = power == one || power == minus_one;
        for _ in 1..twos {
            power = power.square();
            passes |= power == minus_one;
        }
        if !passes {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A number with fewer bits than `number`: at least half of those that are below it.
fn base(number: &BoxedUint, random: &mut dyn SecureRandom) -> Result<BoxedUint, RandomError> {
    let mut bytes = vec![0; number.nlimbs() * size_of::<Word>()];
    random.fill(&mut bytes)?;
    let drawn = BoxedUint::from_be_slice_vartime(&bytes);
    Ok(drawn.shr_vartime(number.leading_zeros() + 1).unwrap_or_default())
}
