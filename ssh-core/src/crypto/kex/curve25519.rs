//! ECDH over Curve25519 (RFC 8731).

use alloc::vec::Vec;

use curve25519_dalek::MontgomeryPoint;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::machine::{Agreement, EcdhMethod, mpint_secret};
use super::{KexError, KeyExchange};
use crate::crypto::hash::Hash;
use crate::random::SecureRandom;
use crate::secret::SecretBytes;

/// `curve25519-sha256`
pub static CURVE25519_SHA256: &dyn KeyExchange = &EcdhMethod::<Curve25519>::new("curve25519-sha256", Hash::Sha256);
/// `curve25519-sha256@libssh.org`, the same method under its name from before the RFC.
pub static CURVE25519_SHA256_LIBSSH: &dyn KeyExchange =
    &EcdhMethod::<Curve25519>::new("curve25519-sha256@libssh.org", Hash::Sha256);

struct Curve25519;

impl Agreement for Curve25519 {
    type ClientSecret = X25519Secret;

    fn offer(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, X25519Secret), KexError> {
        let secret = X25519Secret::generate(random)?;
        Ok((secret.public_value().to_vec(), secret))
    }

    fn respond(client_value: &[u8], random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SecretBytes), KexError> {
        let (value, secret) = Self::offer(random)?;
        Ok((value, Self::complete(&secret, client_value)?))
    }

    /// RFC 8731 §3.1: `K` is the output of X25519 read as a big-endian number.
    fn complete(secret: &X25519Secret, server_value: &[u8]) -> Result<SecretBytes, KexError> {
        Ok(mpint_secret(&*secret.agree(server_value)?))
    }
}

/// Bytes of public values and shared secrets of X25519.
pub(super) const X25519_LENGTH: usize = 32;

/// An ephemeral private key of X25519 (RFC 7748 §5).
pub(super) struct X25519Secret(Zeroizing<[u8; X25519_LENGTH]>);

impl X25519Secret {
    pub(super) fn generate(random: &mut dyn SecureRandom) -> Result<Self, KexError> {
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
