//! ECDH over the NIST curves (RFC 5656 §4).

use alloc::vec::Vec;
use core::marker::PhantomData;

use elliptic_curve::array::typenum::Unsigned;
use elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes, FieldBytesSize, PublicKey, SecretKey};
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;
use zeroize::{Zeroize, Zeroizing};

use super::curve::Curve;
use super::machine::EcdhMethod;
use super::{KexError, KeyExchange};
use crate::crypto::hash::Hash;
use crate::random::{RandomError, SecureRandom};

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

impl<C, const TOP_BYTE: u8> Curve for Ecdh<C, TOP_BYTE>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    const PUBLIC_VALUE: usize = <FieldBytesSize<C> as ModulusSize>::UncompressedPointSize::USIZE;
    type Secret = SecretKey<C>;

    fn generate(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SecretKey<C>), KexError> {
        let secret = generate::<C>(TOP_BYTE, random)?;
        Ok((secret.public_key().to_uncompressed_point().to_vec(), secret))
    }

    /// The x coordinate of the shared point.
    fn agree(secret: &SecretKey<C>, public_value: &[u8]) -> Result<Zeroizing<Vec<u8>>, KexError> {
        let point = public_key(public_value, Self::PUBLIC_VALUE)?;
        Ok(Zeroizing::new(secret.diffie_hellman(&point).raw_secret_bytes().to_vec()))
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
fn public_key<C>(value: &[u8], length: usize) -> Result<PublicKey<C>, KexError>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    const UNCOMPRESSED: u8 = 4;
    if value.len() != length || value.first() != Some(&UNCOMPRESSED) {
        return Err(KexError::MalformedPublicValue);
    }
    PublicKey::from_sec1_bytes(value).map_err(|_| KexError::InvalidPublicValue)
}
