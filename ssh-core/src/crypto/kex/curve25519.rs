//! ECDH over Curve25519 (RFC 8731).

use alloc::vec::Vec;

use curve25519_dalek::MontgomeryPoint;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::curve::Curve;
use super::machine::EcdhMethod;
use super::{KexError, KeyExchange};
use crate::crypto::hash::Hash;
use crate::random::SecureRandom;

/// `curve25519-sha256`
pub static CURVE25519_SHA256: &dyn KeyExchange = &EcdhMethod::<Curve25519>::new("curve25519-sha256", Hash::Sha256);
/// `curve25519-sha256@libssh.org`, the same method under its name from before the RFC.
pub static CURVE25519_SHA256_LIBSSH: &dyn KeyExchange =
    &EcdhMethod::<Curve25519>::new("curve25519-sha256@libssh.org", Hash::Sha256);

/// X25519
pub(super) struct Curve25519;

impl Curve for Curve25519 {
    const PUBLIC_VALUE: usize = X25519_LENGTH;
    type Secret = X25519Secret;

    fn generate(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, X25519Secret), KexError> {
        let secret = X25519Secret::generate(random)?;
        Ok((secret.public_value().to_vec(), secret))
    }

    fn agree(secret: &X25519Secret, public_value: &[u8]) -> Result<Zeroizing<Vec<u8>>, KexError> {
        Ok(Zeroizing::new(secret.agree(public_value)?.to_vec()))
    }
}

/// Bytes of public values and shared secrets of X25519.
const X25519_LENGTH: usize = 32;

/// An ephemeral private key of X25519 (RFC 7748 §5).
pub(super) struct X25519Secret(Zeroizing<[u8; X25519_LENGTH]>);

impl X25519Secret {
    fn generate(random: &mut dyn SecureRandom) -> Result<Self, KexError> {
        let mut secret = Zeroizing::new([0; X25519_LENGTH]);
        random.fill(&mut *secret)?;
        Ok(Self(secret))
    }

    pub(super) fn public_value(&self) -> [u8; X25519_LENGTH] {
        MontgomeryPoint::mul_base_clamped(*self.0).to_bytes()
    }

    /// X25519 with the peer's public value. An all-zero result is refused (RFC 8731 §3): the peer's point would have
    /// forced it whatever our key is.
    pub(super) fn agree(&self, public_value: &[u8]) -> Result<Zeroizing<[u8; X25519_LENGTH]>, KexError> {
        let public_value = public_value.try_into().map_err(|_| KexError::MalformedPublicValue)?;
        let point = Zeroizing::new(MontgomeryPoint(public_value).mul_clamped(*self.0));
        let shared = Zeroizing::new(point.to_bytes());
        if shared.ct_eq(&[0; X25519_LENGTH]).into() { Err(KexError::WeakSharedSecret) } else { Ok(shared) }
    }

    #[cfg(test)]
    pub(super) fn from_bytes(secret: [u8; X25519_LENGTH]) -> Self {
        Self(Zeroizing::new(secret))
    }
}
