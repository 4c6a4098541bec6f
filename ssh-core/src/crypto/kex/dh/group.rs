//! Groups modulo a safe prime, and what two sides compute in them (RFC 4253 §8).

use alloc::vec::Vec;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, CtEq};
use zeroize::Zeroizing;

use super::prime::is_safe_prime;
use crate::crypto::kex::KexError;
use crate::crypto::kex::machine::mpint_secret;
use crate::random::{RandomError, SecureRandom};
use crate::secret::SecretBytes;
use crate::wire::Mpint;

/// A prime modulus `p` and a generator `g` for Diffie-Hellman.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhGroup {
    modulus: BoxedUint,
    /// With as many words as the modulus.
    generator: BoxedUint,
}

/// Why a group is none to agree on a secret in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupFault {
    /// The modulus is too short or too long.
    Size,
    /// The modulus is no safe prime: no prime, or half of it is none.
    NotSafePrime,
    /// The generator is not between 1 and `p - 1`.
    Generator,
}

impl core::fmt::Display for GroupFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Size => "its modulus is too short or too long",
            Self::NotSafePrime => "its modulus is no safe prime",
            Self::Generator => "its generator generates nothing",
        })
    }
}

impl DhGroup {
    /// The smallest modulus, in bits (RFC 4419 §3). RFC 8270 asks for 2048, which is what [`GroupSizes`] have by default.
    ///
    /// [`GroupSizes`]: crate::crypto::kex::GroupSizes
    pub const MIN_BITS: u32 = 1024;
    /// The largest modulus, in bits (RFC 4419 §3). What one exchange costs grows with the cube of it.
    pub const MAX_BITS: u32 = 8192;

    /// A group by its numbers, big-endian. That the modulus is a safe prime is taken on trust, but for its last two bits:
    /// a test takes as long as many exchanges.
    ///
    /// # Errors
    /// [`GroupFault`]
    pub fn new(modulus: &[u8], generator: &[u8]) -> Result<Self, GroupFault> {
        let bits = u32::try_from(Mpint::from_magnitude(modulus).bits()).map_err(|_| GroupFault::Size)?;
        if !(Self::MIN_BITS..=Self::MAX_BITS).contains(&bits) {
            return Err(GroupFault::Size);
        }
        let modulus = number(Mpint::from_magnitude(modulus), bits).ok_or(GroupFault::Size)?;
        // Half of a safe prime is odd as well.
        if !(modulus.bit_vartime(0) && modulus.bit_vartime(1)) {
            return Err(GroupFault::NotSafePrime);
        }
        let generator = number(Mpint::from_magnitude(generator), bits).ok_or(GroupFault::Generator)?;
        let group = Self { modulus, generator };
        if group.has(&group.generator) { Ok(group) } else { Err(GroupFault::Generator) }
    }

    /// A group with a number, whose generator is 2.
    pub(super) fn numbered(modulus: &[u64]) -> Self {
        let modulus: Vec<u8> = modulus.iter().flat_map(|word| word.to_be_bytes()).collect();
        let modulus = BoxedUint::from_be_slice_vartime(&modulus);
        let generator = BoxedUint::from_be_slice_truncated(&[2], modulus.bits_precision());
        Self { modulus, generator }
    }

    /// Bits of the modulus.
    pub fn bits(&self) -> u32 {
        self.modulus.bits_vartime()
    }

    /// `p`, big-endian.
    pub fn modulus(&self) -> Vec<u8> {
        self.modulus.to_be_bytes().into_vec()
    }

    /// `g`, big-endian.
    pub fn generator(&self) -> Vec<u8> {
        self.generator.to_be_bytes().into_vec()
    }

    /// Whether the modulus is a safe prime, by a test that a number which is none passes once in 256 times at most.
    pub(super) fn has_safe_prime(&self, random: &mut dyn SecureRandom) -> Result<bool, RandomError> {
        is_safe_prime(&self.modulus, random)
    }

    /// Whether `1 < value < p - 1`: 0, 1 and `p - 1` have powers that anybody knows (RFC 8268 §4).
    fn has(&self, value: &BoxedUint) -> bool {
        let bound = self.modulus.wrapping_sub(BoxedUint::one());
        *value > BoxedUint::one() && *value < bound
    }
}

/// With as many words as `bits` take, if it has no more than them.
fn number(value: Mpint<'_>, bits: u32) -> Option<BoxedUint> {
    BoxedUint::from_be_slice(value.magnitude(), bits.next_multiple_of(u64::BITS)).ok()
}

/// Bytes of an exponent. RFC 3526 §8 reckons that the group of 8192 bits is worth 310 bits at most, and an exponent is to
/// have twice as many; longer ones only cost time.
const EXPONENT: usize = 640 / 8;

/// One side's secret exponent, and its public value.
pub(super) struct DhSecret {
    group: DhGroup,
    parameters: BoxedMontyParams,
    exponent: Zeroizing<BoxedUint>,
    public_value: Vec<u8>,
}

impl DhSecret {
    pub(super) fn generate(group: DhGroup, random: &mut dyn SecureRandom) -> Result<Self, KexError> {
        let modulus = group.modulus.as_odd_vartime().ok_or(KexError::Group(GroupFault::NotSafePrime))?;
        let parameters = BoxedMontyParams::new_vartime(modulus.clone());
        let mut exponent = Zeroizing::new([0; EXPONENT]);
        random.fill(&mut *exponent)?;
        // Not 0 and not 1, whatever the source gives.
        exponent.iter_mut().take(1).for_each(|first| *first |= 0x80);
        let exponent = Zeroizing::new(BoxedUint::from_be_slice_vartime(&*exponent));
        let base = BoxedMontyForm::new(group.generator.clone(), &parameters);
        let public_value = base.pow(&exponent).retrieve().to_be_bytes().into_vec();
        Ok(Self { group, parameters, exponent, public_value })
    }

    /// `e` or `f`
    pub(super) fn public_value(&self) -> Mpint<'_> {
        Mpint::from_magnitude(&self.public_value)
    }

    /// `K`, encoded as it is hashed.
    pub(super) fn agree(&self, public_value: Mpint<'_>) -> Result<SecretBytes, KexError> {
        let value = number(public_value, self.group.bits()).filter(|value| self.group.has(value));
        let base = BoxedMontyForm::new(value.ok_or(KexError::InvalidPublicValue)?, &self.parameters);
        let power = Zeroizing::new(base.pow(&self.exponent));
        let shared = Zeroizing::new(power.retrieve());
        let top = self.group.modulus.wrapping_sub(BoxedUint::one());
        if (shared.is_zero() | shared.is_one() | shared.ct_eq(&top)).to_bool() {
            return Err(KexError::WeakSharedSecret);
        }
        Ok(mpint_secret(&Zeroizing::new(shared.to_be_bytes().into_vec())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::kex::dh::numbered::GROUP_14;
    use crate::random::ChaChaRandom;

    /// CVE-2016-0739 and CVE-2016-0787: exponents had as many bits as they should have had bytes.
    #[test]
    fn exponents_have_640_bits() {
        for seed in 0..10 {
            let group = DhGroup::numbered(&GROUP_14);
            let secret = DhSecret::generate(group, &mut ChaChaRandom::from_seed(&[seed; 32])).unwrap();
            assert_eq!(secret.exponent.bits_vartime(), 640);
        }
    }
}
