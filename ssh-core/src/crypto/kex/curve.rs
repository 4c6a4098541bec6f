//! Diffie-Hellman on a curve: alone (RFC 5656 §4, RFC 8731) or as the older half of a hybrid.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::KexError;
use super::machine::{Agreement, mpint_secret};
use crate::random::SecureRandom;
use crate::secret::SecretBytes;

/// Diffie-Hellman on a curve.
pub(super) trait Curve: 'static {
    /// Bytes of a public value.
    const PUBLIC_VALUE: usize;
    /// A private key.
    type Secret: Send;

    /// A fresh public value and the secret behind it.
    fn generate(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, Self::Secret), KexError>;

    /// The shared secret, as many bytes as a coordinate has.
    fn agree(secret: &Self::Secret, public_value: &[u8]) -> Result<Zeroizing<Vec<u8>>, KexError>;
}

/// `K` is the shared secret read as a big-endian number (RFC 5656 §4, RFC 8731 §3.1).
impl<C: Curve> Agreement for C {
    type ClientSecret = C::Secret;

    fn offer(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, C::Secret), KexError> {
        C::generate(random)
    }

    fn respond(client_value: &[u8], random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SecretBytes), KexError> {
        let (value, secret) = C::generate(random)?;
        Ok((value, C::complete(&secret, client_value)?))
    }

    fn complete(secret: &C::Secret, server_value: &[u8]) -> Result<SecretBytes, KexError> {
        Ok(mpint_secret(&C::agree(secret, server_value)?))
    }
}
