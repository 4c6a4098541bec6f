//! DSA with 1024-bit primes and SHA-1 (RFC 4253 §6.6). Weak on all counts, and gone from OpenSSH. The crate `dsa` is used
//! here and nowhere else.

use alloc::vec::Vec;

use crypto_bigint::BoxedUint;
#[cfg(feature = "pkcs8")]
use crypto_bigint::{
    Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use dsa::signature::hazmat::PrehashVerifier;
use dsa::{Components, KeySize, Signature, SigningKey, VerifyingKey};
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::{SignatureAlgorithm, SignatureError, Verified, blob};
use crate::random::{RandCore, RandomError, SecureRandom};
use crate::wire::{Mpint, Reader, Writer};

/// `ssh-dss`: weak. For peers from before 2015 alone.
pub const SSH_DSS: &dyn SignatureAlgorithm = &SshDss;

pub(crate) const NAME: &str = "ssh-dss";

/// Bits of the modulus `p`. SSH's signatures have room for no other size.
const P_BITS: usize = 1024;
/// Bits of the order `q`, and of each half of a signature.
const Q_BITS: usize = 160;
const HALF: usize = Q_BITS / 8;

struct SshDss;

impl SignatureAlgorithm for SshDss {
    fn name(&self) -> &'static str {
        NAME
    }

    fn key_type(&self) -> &'static str {
        NAME
    }

    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        let key = Numbers::open(key_blob)?.verifying_key()?;
        let content = blob::open_signature(signature, NAME)?;
        let (r, s) = content
            .split_at_checked(HALF)
            .filter(|(_, s)| s.len() == HALF)
            .ok_or(SignatureError::MalformedSignature)?;
        let signature = Signature::from_components(number(r, Q_BITS)?, number(s, Q_BITS)?);
        let signature = signature.ok_or(SignatureError::Invalid)?;
        key.verify_prehash(&Sha1::digest(message), &signature).map_err(|_| SignatureError::Invalid)?;
        Ok(Verified::default())
    }

    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError> {
        Numbers::open(key_blob).map(drop)
    }

    fn key_bits(&self, key_blob: &[u8]) -> Option<u32> {
        Numbers::open(key_blob).ok().and_then(|numbers| u32::try_from(numbers.p.bits()).ok())
    }

    fn is_weak(&self) -> bool {
        true
    }
}

/// The numbers of a public key, in the order of its blob.
struct Numbers<'a> {
    p: Mpint<'a>,
    q: Mpint<'a>,
    g: Mpint<'a>,
    y: Mpint<'a>,
}

impl<'a> Numbers<'a> {
    fn open(key_blob: &'a [u8]) -> Result<Self, SignatureError> {
        let mut reader = blob::open_key(key_blob, NAME)?;
        let numbers = Self::read(&mut reader).map_err(|_| SignatureError::MalformedKey)?;
        reader.finish().map_err(|_| SignatureError::MalformedKey)?;
        if numbers.are_plausible() { Ok(numbers) } else { Err(SignatureError::UnacceptableKey) }
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, crate::wire::DecodeError> {
        Ok(Self { p: reader.mpint()?, q: reader.mpint()?, g: reader.mpint()?, y: reader.mpint()? })
    }

    /// Sizes, and that `g` and `y` are below `p` and not 0 or 1.
    fn are_plausible(&self) -> bool {
        let below_p = |number: Mpint<'_>| {
            let (number, p) = (number.magnitude(), self.p.magnitude());
            (number.len(), number) < (p.len(), p)
        };
        self.p.bits() == P_BITS
            && self.q.bits() == Q_BITS
            && blob::is_odd(self.p)
            && blob::is_odd(self.q)
            && [self.g, self.y].into_iter().all(|number| number.bits() > 1 && below_p(number))
    }

    fn verifying_key(&self) -> Result<VerifyingKey, SignatureError> {
        let [p, g, y] = [self.p, self.g, self.y].map(|mpint| number(mpint.magnitude(), P_BITS));
        let components = Components::from_components(p?, number(self.q.magnitude(), Q_BITS)?, g?);
        let components = components.map_err(|_| SignatureError::UnacceptableKey)?;
        VerifyingKey::from_components(components, y?).map_err(|_| SignatureError::UnacceptableKey)
    }
}

/// A private key in memory; wiped when dropped.
pub(crate) struct DsaPrivateKey(SigningKey);

impl DsaPrivateKey {
    /// A fresh key. Takes seconds.
    pub(crate) fn generate(random: &mut dyn SecureRandom) -> Result<Self, RandomError> {
        let random = &mut RandCore(random);
        #[expect(deprecated, reason = "the only size there is in SSH")]
        let components = Components::try_generate_from_rng_with_key_size(random, KeySize::DSA_1024_160)?;
        SigningKey::try_generate_from_rng_with_components(random, components).map(Self)
    }

    /// The key whose public and private numbers follow in `reader`, if they fit together.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, SignatureError> {
        let numbers = Numbers::read(reader).map_err(|_| SignatureError::MalformedKey)?;
        let x = reader.mpint().map_err(|_| SignatureError::MalformedKey)?;
        if !numbers.are_plausible() || x.bits() > Q_BITS {
            return Err(SignatureError::UnacceptableKey);
        }
        let key = SigningKey::from_components(numbers.verifying_key()?, number(x.magnitude(), Q_BITS)?);
        let key = Self(key.map_err(|_| SignatureError::UnacceptableKey)?);
        // The crate does not check that the halves belong together.
        let probe = key.sign(b"probe")?;
        SshDss.verify(&key.public_blob(), b"probe", &probe).map(|_| key)
    }

    /// The key with these public numbers and this private one; what is missing is computed.
    #[cfg(feature = "pkcs8")]
    pub(crate) fn from_numbers(p: &[u8], q: &[u8], g: &[u8], x: &[u8]) -> Result<Self, SignatureError> {
        let [p, q, g, x] = [p, q, g, x].map(Mpint::from_magnitude);
        if p.bits() != P_BITS || q.bits() != Q_BITS || g.bits() > P_BITS || x.bits() > Q_BITS {
            return Err(SignatureError::UnacceptableKey);
        }
        let modulus = Odd::new(number(p.magnitude(), P_BITS)?).into_option().ok_or(SignatureError::UnacceptableKey)?;
        let base = BoxedMontyForm::new(number(g.magnitude(), P_BITS)?, &BoxedMontyParams::new(modulus));
        let y = base.pow(&number(x.magnitude(), Q_BITS)?).retrieve().to_be_bytes();
        let mut numbers = Zeroizing::new(Vec::with_capacity(512));
        let mut writer = Writer::new(&mut numbers);
        [p, q, g, Mpint::from_magnitude(&y), x].into_iter().for_each(|number| writer.mpint(number));
        Self::read(&mut Reader::new(&numbers))
    }

    /// The public numbers and the private one, as a key file has them.
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        self.write_public(writer);
        let x = Zeroizing::new(self.0.x().to_be_bytes().into_vec());
        writer.mpint(Mpint::from_magnitude(&x));
    }

    /// The public half as a key blob (RFC 4253 §6.6).
    pub(crate) fn public_blob(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(448);
        let mut writer = Writer::new(&mut out);
        writer.string(NAME.as_bytes());
        self.write_public(&mut writer);
        out
    }

    fn write_public(&self, writer: &mut Writer<'_>) {
        let key = self.0.verifying_key();
        let components = key.components();
        for number in [&**components.p(), &**components.q(), &**components.g(), &**key.y()] {
            writer.mpint(Mpint::from_magnitude(&number.to_be_bytes()));
        }
    }

    /// Signs `message`; the result is a whole signature blob. The nonce is RFC 6979's.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let signature = self.0.sign_prehashed_rfc6979::<Sha1>(&Sha1::digest(message));
        let signature = signature.map_err(|_| SignatureError::Invalid)?;
        let mut content = Vec::with_capacity(2 * HALF);
        for half in [signature.r(), signature.s()] {
            let bytes = half.to_be_bytes();
            let (padding, half) = bytes.split_at_checked(bytes.len().saturating_sub(HALF)).unwrap_or_default();
            if padding.iter().any(|&byte| byte != 0) || half.len() != HALF {
                return Err(SignatureError::Invalid);
            }
            content.extend_from_slice(half);
        }
        Ok(blob::seal_signature(NAME, &content))
    }
}

fn number(magnitude: &[u8], bits: usize) -> Result<BoxedUint, SignatureError> {
    let bits = u32::try_from(bits).unwrap_or(u32::MAX);
    BoxedUint::from_be_slice(magnitude, bits).map_err(|_| SignatureError::Invalid)
}

#[cfg(test)]
mod tests;
