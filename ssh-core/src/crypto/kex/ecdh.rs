//! ECDH over the NIST curves (RFC 5656 §4).

use alloc::vec::Vec;
use core::marker::PhantomData;

use elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes, FieldBytesSize, PublicKey, SecretKey};
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;
use zeroize::Zeroize;

use super::machine::{Agreement, EcdhMethod, mpint_secret};
use super::{KexError, KeyExchange};
use crate::crypto::hash::Hash;
use crate::random::{RandomError, SecureRandom};
use crate::secret::SecretBytes;

/// `ecdh-sha2-nistp256`
pub static ECDH_SHA2_NISTP256: &dyn KeyExchange =
    &EcdhMethod::<Ecdh<NistP256, 0xff>>::new("ecdh-sha2-nistp256", Hash::Sha256);
/// `ecdh-sha2-nistp384`
pub static ECDH_SHA2_NISTP384: &dyn KeyExchange =
    &EcdhMethod::<Ecdh<NistP384, 0xff>>::new("ecdh-sha2-nistp384", Hash::Sha384);
/// `ecdh-sha2-nistp521`
pub static ECDH_SHA2_NISTP521: &dyn KeyExchange =
    &EcdhMethod::<Ecdh<NistP521, 0x01>>::new("ecdh-sha2-nistp521", Hash::Sha512);

/// ECDH over `C`, whose order leaves the bits of `TOP_BYTE` in a scalar's first byte.
pub(super) struct Ecdh<C, const TOP_BYTE: u8>(PhantomData<C>);

impl<C, const TOP_BYTE: u8> Agreement for Ecdh<C, TOP_BYTE>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    type ClientSecret = SecretKey<C>;

    fn offer(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SecretKey<C>), KexError> {
        let secret = generate::<C>(TOP_BYTE, random)?;
        Ok((secret.public_key().to_uncompressed_point().to_vec(), secret))
    }

    fn respond(client_value: &[u8], random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SecretBytes), KexError> {
        let (value, secret) = Self::offer(random)?;
        Ok((value, Self::complete(&secret, client_value)?))
    }

    /// `K` is the x coordinate of the shared point.
    fn complete(secret: &SecretKey<C>, server_value: &[u8]) -> Result<SecretBytes, KexError> {
        Ok(mpint_secret(secret.diffie_hellman(&public_key(server_value)?).raw_secret_bytes()))
    }
}

/// Random scalars are drawn until one is between 1 and the order. The first one is but for 2^-32 (P-256) or less, so
/// that many failures mean a source that is not random, and end the exchange instead of hanging it.
const ATTEMPTS: usize = 32;

fn generate<C: CurveArithmetic>(top_byte: u8, random: &mut dyn SecureRandom) -> Result<SecretKey<C>, KexError> {
    for _ in 0..ATTEMPTS {
        let mut scalar = FieldBytes::<C>::default();
        random.fill(&mut scalar)?;
        scalar.iter_mut().take(1).for_each(|first| *first &= top_byte);
        let secret = SecretKey::from_bytes(&scalar);
        scalar.zeroize();
        if let Ok(secret) = secret {
            return Ok(secret);
        }
    }
    Err(KexError::Random(RandomError))
}

/// Takes uncompressed points alone: RFC 5656 §4 leaves compression to agreements nobody makes, and the point at
/// infinity has no coordinates.
fn public_key<C>(value: &[u8]) -> Result<PublicKey<C>, KexError>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    const UNCOMPRESSED: u8 = 4;
    let length = 1 + 2 * FieldBytes::<C>::default().len();
    if value.len() != length || value.first() != Some(&UNCOMPRESSED) {
        return Err(KexError::MalformedPublicValue);
    }
    PublicKey::from_sec1_bytes(value).map_err(|_| KexError::InvalidPublicValue)
}
