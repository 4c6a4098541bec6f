//! ECDSA over the NIST curves (RFC 5656 §3).

use alloc::vec::Vec;

use elliptic_curve::Generate;
use signature::{Signer, Verifier};
use zeroize::Zeroizing;

use super::{SignatureAlgorithm, SignatureError, Verified, blob};
use crate::random::{RandCore, RandomError, SecureRandom};
use crate::wire::{Mpint, Reader, Writer};

/// `ecdsa-sha2-nistp256`: P-256 with SHA-256.
pub const ECDSA_SHA2_NISTP256: &dyn SignatureAlgorithm = &Curve::Nistp256;
/// `ecdsa-sha2-nistp384`: P-384 with SHA-384.
pub const ECDSA_SHA2_NISTP384: &dyn SignatureAlgorithm = &Curve::Nistp384;
/// `ecdsa-sha2-nistp521`: P-521 with SHA-512.
pub const ECDSA_SHA2_NISTP521: &dyn SignatureAlgorithm = &Curve::Nistp521;

/// The curves RFC 5656 §10.1 requires. Each comes with its hash function (§6.2.1), fixed by the curve's crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    Nistp256,
    Nistp384,
    Nistp521,
}

impl Curve {
    /// The curve of the keys of a type.
    pub(crate) fn by_key_type(key_type: &[u8]) -> Option<Self> {
        let all = [Self::Nistp256, Self::Nistp384, Self::Nistp521];
        all.into_iter().find(|curve| curve.key_type().as_bytes() == key_type)
    }

    /// The curve's name inside key blobs.
    pub(crate) const fn identifier(self) -> &'static str {
        match self {
            Self::Nistp256 => "nistp256",
            Self::Nistp384 => "nistp384",
            Self::Nistp521 => "nistp521",
        }
    }

    /// The key type, which is the algorithm's name too.
    pub(crate) const fn key_type(self) -> &'static str {
        match self {
            Self::Nistp256 => "ecdsa-sha2-nistp256",
            Self::Nistp384 => "ecdsa-sha2-nistp384",
            Self::Nistp521 => "ecdsa-sha2-nistp521",
        }
    }

    /// Bits of the field, the size users know the key by.
    const fn bits(self) -> u32 {
        match self {
            Self::Nistp256 => 256,
            Self::Nistp384 => 384,
            Self::Nistp521 => 521,
        }
    }

    /// Bytes of a field element, and of a scalar.
    pub(crate) const fn field_length(self) -> usize {
        match self {
            Self::Nistp256 => 32,
            Self::Nistp384 => 48,
            Self::Nistp521 => 66,
        }
    }

    /// The encoded point in a key blob: uncompressed, of the right length. RFC 5656 §3.1 leaves compression optional;
    /// nobody uses it, and one key must not have two blobs.
    fn point(self, key_blob: &[u8]) -> Result<&[u8], SignatureError> {
        let mut reader = blob::open_key(key_blob, self.key_type())?;
        let point = self.read_point(&mut reader)?;
        reader.finish().map_err(|_| SignatureError::MalformedKey)?;
        Ok(point)
    }

    /// The curve's name and an encoded point.
    pub(super) fn read_point<'a>(self, reader: &mut Reader<'a>) -> Result<&'a [u8], SignatureError> {
        let fields = reader.string().and_then(|identifier| Ok((identifier, reader.string()?)));
        let (identifier, point) = fields.map_err(|_| SignatureError::MalformedKey)?;
        if identifier != self.identifier().as_bytes() {
            return Err(SignatureError::MalformedKey);
        }
        if point.first() != Some(&4) || point.len() != 1 + 2 * self.field_length() {
            return Err(SignatureError::UnacceptableKey);
        }
        Ok(point)
    }

    /// Checks that an encoded point is on the curve.
    pub(super) fn check_point(self, point: &[u8]) -> Result<(), SignatureError> {
        let valid = match self {
            Self::Nistp256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).is_ok(),
            Self::Nistp384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).is_ok(),
            Self::Nistp521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).is_ok(),
        };
        if valid { Ok(()) } else { Err(SignatureError::UnacceptableKey) }
    }

    /// Verifies the content of a signature blob over `message`.
    pub(super) fn verify_content(self, point: &[u8], message: &[u8], content: &[u8]) -> Result<(), SignatureError> {
        macro_rules! verify {
            ($curve:ident) => {{
                let key =
                    $curve::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| SignatureError::UnacceptableKey)?;
                let fixed = self.fixed_signature(content)?;
                // from_slice checks 0 < r, s < n
                let signature = $curve::ecdsa::Signature::from_slice(&fixed).map_err(|_| SignatureError::Invalid)?;
                key.verify(message, &signature).map_err(|_| SignatureError::Invalid)
            }};
        }
        match self {
            Self::Nistp256 => verify!(p256),
            Self::Nistp384 => verify!(p384),
            Self::Nistp521 => verify!(p521),
        }
    }

    /// `r ‖ s` as fixed-length fields from the content of a signature blob (RFC 5656 §3.1.2).
    fn fixed_signature(self, content: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let mut reader = Reader::new(content);
        let (r, s) = (reader.mpint()?, reader.mpint()?);
        reader.finish()?;
        let mut fixed = Vec::with_capacity(2 * self.field_length());
        for number in [r, s] {
            let padding = self.field_length().checked_sub(number.magnitude().len()).ok_or(SignatureError::Invalid)?;
            fixed.resize(fixed.len() + padding, 0);
            fixed.extend_from_slice(number.magnitude());
        }
        Ok(fixed)
    }
}

impl SignatureAlgorithm for Curve {
    fn name(&self) -> &'static str {
        (*self).key_type()
    }

    fn key_type(&self) -> &'static str {
        (*self).key_type()
    }

    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        let point = self.point(key_blob)?;
        self.verify_content(point, message, blob::open_signature(signature, self.name())?)?;
        Ok(Verified::default())
    }

    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError> {
        self.check_point(self.point(key_blob)?)
    }

    fn key_bits(&self, _key_blob: &[u8]) -> Option<u32> {
        Some(self.bits())
    }
}

/// A private key in memory; wiped when dropped.
pub(crate) enum EcdsaPrivateKey {
    Nistp256(p256::ecdsa::SigningKey),
    Nistp384(p384::ecdsa::SigningKey),
    Nistp521(p521::ecdsa::SigningKey),
}

macro_rules! with_key {
    ($private:expr, $key:ident => $body:expr) => {
        match $private {
            EcdsaPrivateKey::Nistp256($key) => $body,
            EcdsaPrivateKey::Nistp384($key) => $body,
            EcdsaPrivateKey::Nistp521($key) => $body,
        }
    };
}

impl EcdsaPrivateKey {
    /// A fresh key.
    pub(crate) fn generate(curve: Curve, random: &mut dyn SecureRandom) -> Result<Self, RandomError> {
        let random = &mut RandCore(random);
        Ok(match curve {
            Curve::Nistp256 => Self::Nistp256(p256::SecretKey::try_generate_from_rng(random)?.into()),
            Curve::Nistp384 => Self::Nistp384(p384::SecretKey::try_generate_from_rng(random)?.into()),
            Curve::Nistp521 => Self::Nistp521(p521::SecretKey::try_generate_from_rng(random)?.into()),
        })
    }

    /// The key with this big-endian scalar, or `None` if that is 0 or not below the curve's order.
    pub(crate) fn from_scalar(curve: Curve, scalar: &[u8]) -> Option<Self> {
        let mut padded = Zeroizing::new(Vec::with_capacity(curve.field_length()));
        padded.resize(curve.field_length().checked_sub(scalar.len())?, 0);
        padded.extend_from_slice(scalar);
        match curve {
            Curve::Nistp256 => p256::ecdsa::SigningKey::from_slice(&padded).ok().map(Self::Nistp256),
            Curve::Nistp384 => p384::ecdsa::SigningKey::from_slice(&padded).ok().map(Self::Nistp384),
            Curve::Nistp521 => p521::ecdsa::SigningKey::from_slice(&padded).ok().map(Self::Nistp521),
        }
    }

    /// The private scalar, big-endian, as long as a field element.
    pub(crate) fn scalar(&self) -> Zeroizing<Vec<u8>> {
        with_key!(self, key => {
            let scalar = Zeroizing::new(key.to_bytes());
            Zeroizing::new(scalar.to_vec())
        })
    }

    /// The curve.
    pub(crate) const fn curve(&self) -> Curve {
        match self {
            Self::Nistp256(_) => Curve::Nistp256,
            Self::Nistp384(_) => Curve::Nistp384,
            Self::Nistp521(_) => Curve::Nistp521,
        }
    }

    /// The public point, uncompressed (SEC 1 §2.3.3).
    pub(crate) fn public_point(&self) -> Vec<u8> {
        with_key!(self, key => key.verifying_key().to_sec1_point(false).as_bytes().to_vec())
    }

    /// The public half as a key blob (RFC 5656 §3.1).
    pub(crate) fn public_blob(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.string(self.curve().key_type().as_bytes());
        writer.string(self.curve().identifier().as_bytes());
        writer.string(&self.public_point());
        out
    }

    /// Signs `message`; the result is a whole signature blob. The nonce is RFC 6979's: made from key and message, over
    /// the whole width of the order, so neither a weak generator nor a bias (CVE-2024-31497) can give the key away.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let fixed = match self {
            Self::Nistp256(key) => Signer::<p256::ecdsa::Signature>::try_sign(key, message).map(|s| s.to_vec()),
            Self::Nistp384(key) => Signer::<p384::ecdsa::Signature>::try_sign(key, message).map(|s| s.to_vec()),
            Self::Nistp521(key) => Signer::<p521::ecdsa::Signature>::try_sign(key, message).map(|s| s.to_vec()),
        };
        let fixed = fixed.map_err(|_| SignatureError::Invalid)?;
        let (r, s) = fixed.split_at_checked(self.curve().field_length()).ok_or(SignatureError::Invalid)?;
        let mut content = Vec::with_capacity(fixed.len() + 10);
        let mut writer = Writer::new(&mut content);
        writer.mpint(Mpint::from_magnitude(r));
        writer.mpint(Mpint::from_magnitude(s));
        Ok(blob::seal_signature(self.curve().key_type(), &content))
    }
}

#[cfg(test)]
mod tests;
