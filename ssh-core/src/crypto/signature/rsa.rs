//! RSA, PKCS#1 v1.5 with SHA-2 (RFC 8332). The crate `rsa` is used here and nowhere else.
//!
//! `ssh-rsa` names the type of all these keys; as an *algorithm* (RFC 4253 §6.6) it signs with SHA-1, for which forged
//! signatures can be bought, and exists with the feature `legacy` alone.

use alloc::vec::Vec;

use rsa::traits::{PrivateKeyParts, PublicKeyParts, SignatureScheme};
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPublicKey};
#[cfg(feature = "legacy")]
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use super::{SignatureAlgorithm, SignatureError, Verified, blob};
use crate::crypto::hash::Hash;
use crate::random::{RandCore, RandomError, SecureRandom, Seeded};
use crate::wire::{Mpint, Writer};

/// `rsa-sha2-256` (RFC 8332 §3).
pub const RSA_SHA2_256: &dyn SignatureAlgorithm = &RsaAlgorithm::Sha256;
/// `rsa-sha2-512` (RFC 8332 §3).
pub const RSA_SHA2_512: &dyn SignatureAlgorithm = &RsaAlgorithm::Sha512;

/// `ssh-rsa` (RFC 4253 §6.6): SHA-1, weak. For peers from before 2018 alone.
#[cfg(feature = "legacy")]
pub const SSH_RSA: &dyn SignatureAlgorithm = &RsaAlgorithm::Sha1;

const KEY_TYPE: &str = "ssh-rsa";

/// Smallest modulus in bits, for signing and for verifying: shorter ones can be factored, or soon will be.
const MIN_BITS: usize = 2048;

#[derive(Clone, Copy, PartialEq, Eq)]
enum RsaAlgorithm {
    #[cfg(feature = "legacy")]
    Sha1,
    Sha256,
    Sha512,
}

impl RsaAlgorithm {
    fn by_name(name: &str) -> Option<Self> {
        let all = [
            Self::Sha512,
            Self::Sha256,
            #[cfg(feature = "legacy")]
            Self::Sha1,
        ];
        all.into_iter().find(|algorithm| algorithm.name() == name)
    }

    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            #[cfg(feature = "legacy")]
            Self::Sha1 => Sha1::digest(message).to_vec(),
            Self::Sha256 => Hash::Sha256.digest(&[message]),
            Self::Sha512 => Hash::Sha512.digest(&[message]),
        }
    }

    fn padding(self) -> Pkcs1v15Sign {
        match self {
            #[cfg(feature = "legacy")]
            Self::Sha1 => Pkcs1v15Sign::new::<Sha1>(),
            Self::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            Self::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        }
    }
}

impl SignatureAlgorithm for RsaAlgorithm {
    fn name(&self) -> &'static str {
        match self {
            #[cfg(feature = "legacy")]
            Self::Sha1 => "ssh-rsa",
            Self::Sha256 => "rsa-sha2-256",
            Self::Sha512 => "rsa-sha2-512",
        }
    }

    fn key_type(&self) -> &'static str {
        KEY_TYPE
    }

    /// A signature shorter than the modulus is taken as if its leading zeros were there, as OpenSSH does: some signers
    /// strip them. A longer one is refused.
    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        let key = public_key(key_blob)?;
        let content = blob::open_signature(signature, self.name())?;
        let padding = key.size().checked_sub(content.len()).ok_or(SignatureError::MalformedSignature)?;
        let mut padded = Vec::with_capacity(key.size());
        padded.resize(padding, 0);
        padded.extend_from_slice(content);
        key.verify(self.padding(), &self.digest(message), &padded).map_err(|_| SignatureError::Invalid)?;
        Ok(Verified::default())
    }

    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError> {
        blob::open_rsa(key_blob).map(drop)
    }

    fn key_bits(&self, key_blob: &[u8]) -> Option<u32> {
        blob::rsa_bits(key_blob)
    }

    #[cfg(feature = "legacy")]
    fn is_weak(&self) -> bool {
        *self == Self::Sha1
    }
}

/// The numbers of a private key, big-endian without leading zeros; wiped when dropped.
pub(crate) struct RsaComponents {
    pub(crate) n: Vec<u8>,
    pub(crate) e: Vec<u8>,
    pub(crate) d: Zeroizing<Vec<u8>>,
    /// q⁻¹ mod p. Given out for key files; when a key is made it is not read but computed anew.
    pub(crate) iqmp: Zeroizing<Vec<u8>>,
    pub(crate) p: Zeroizing<Vec<u8>>,
    pub(crate) q: Zeroizing<Vec<u8>>,
}

/// A private key in memory; wiped when dropped.
pub(crate) struct RsaPrivateKey(rsa::RsaPrivateKey);

impl RsaPrivateKey {
    /// A fresh key with the exponent 65537. Takes from a tenth of a second to many seconds.
    ///
    /// `bits` outside 2048 to 16,384 gives [`SignatureError::UnacceptableKey`].
    pub(crate) fn generate(
        bits: usize,
        random: &mut dyn SecureRandom,
    ) -> Result<Result<Self, SignatureError>, RandomError> {
        if !(MIN_BITS..=blob::MAX_RSA_BITS).contains(&bits) {
            return Ok(Err(SignatureError::UnacceptableKey));
        }
        let mut stream = Seeded::by(random)?;
        Ok(rsa::RsaPrivateKey::new(&mut stream, bits).map(Self).map_err(|_| SignatureError::UnacceptableKey))
    }

    /// The key with these numbers, which must fit together: n = p·q and e·d ≡ 1 modulo p−1 and q−1.
    pub(crate) fn from_components(components: &RsaComponents) -> Result<Self, SignatureError> {
        let bits = Mpint::from_magnitude(&components.n).bits();
        let exponent_bits = Mpint::from_magnitude(&components.e).bits();
        if !(MIN_BITS..=blob::MAX_RSA_BITS).contains(&bits) || !(2..=32).contains(&exponent_bits) {
            return Err(SignatureError::UnacceptableKey);
        }
        if [&components.d, &components.p, &components.q].iter().any(|part| part.len() > components.n.len()) {
            return Err(SignatureError::UnacceptableKey);
        }
        let [n, e, d] = [&components.n, &components.e, &*components.d].map(|part| number(part));
        let primes = Vec::from([number(&components.p), number(&components.q)]);
        if primes.iter().any(|prime| prime.bits() < 2) || d.bits() < 2 {
            return Err(SignatureError::UnacceptableKey);
        }
        let key = rsa::RsaPrivateKey::from_components(n, e, d, primes);
        key.map(Self).map_err(|_| SignatureError::UnacceptableKey)
    }

    /// The key's numbers.
    pub(crate) fn components(&self) -> RsaComponents {
        let prime = |index: usize| {
            let bytes = self.0.primes().get(index).map(|prime| prime.to_be_bytes_trimmed_vartime().into_vec());
            Zeroizing::new(bytes.unwrap_or_default())
        };
        let iqmp = self.0.crt_coefficient().map(Zeroizing::new);
        RsaComponents {
            n: self.0.n_bytes().into_vec(),
            e: self.0.e_bytes().into_vec(),
            d: Zeroizing::new(self.0.d().to_be_bytes_trimmed_vartime().into_vec()),
            iqmp: Zeroizing::new(
                iqmp.map(|number| number.to_be_bytes_trimmed_vartime().into_vec()).unwrap_or_default(),
            ),
            p: prime(0),
            q: prime(1),
        }
    }

    /// d mod p−1 and d mod q−1, which PKCS#1 writes too.
    #[cfg(feature = "pkcs8")]
    pub(crate) fn crt_exponents(&self) -> [Zeroizing<Vec<u8>>; 2] {
        [self.0.dp(), self.0.dq()].map(|exponent| {
            Zeroizing::new(
                exponent.map(|exponent| exponent.to_be_bytes_trimmed_vartime().into_vec()).unwrap_or_default(),
            )
        })
    }

    /// The public half as a key blob (RFC 4253 §6.6).
    pub(crate) fn public_blob(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.string(KEY_TYPE.as_bytes());
        writer.mpint(Mpint::from_magnitude(&self.0.e_bytes()));
        writer.mpint(Mpint::from_magnitude(&self.0.n_bytes()));
        out
    }

    /// Signs `message` with the algorithm `name`; the result is a whole signature blob, as long as the modulus.
    ///
    /// `random` blinds the private operation against timing. The signature is verified before it leaves: one wrong bit
    /// in a computation with the CRT would reveal the factors (Boneh, DeMillo, Lipton).
    pub(crate) fn sign(
        &self,
        name: &str,
        message: &[u8],
        random: &mut dyn SecureRandom,
    ) -> Result<Result<Vec<u8>, SignatureError>, RandomError> {
        let Some(algorithm) = RsaAlgorithm::by_name(name) else {
            return Ok(Err(SignatureError::WrongAlgorithm));
        };
        let digest = algorithm.digest(message);
        let content = match algorithm.padding().sign(Some(&mut RandCore(random)), &self.0, &digest) {
            Ok(content) => content,
            Err(rsa::Error::Rng) => return Err(RandomError),
            Err(_) => return Ok(Err(SignatureError::Invalid)),
        };
        let verified = self.0.as_public_key().verify(algorithm.padding(), &digest, &content);
        Ok(verified.map(|()| blob::seal_signature(name, &content)).map_err(|_| SignatureError::Invalid))
    }
}

fn public_key(key_blob: &[u8]) -> Result<RsaPublicKey, SignatureError> {
    let (e, n) = blob::open_rsa(key_blob)?;
    let (e, n) = (number(e.magnitude()), number(n.magnitude()));
    RsaPublicKey::new_with_size_limits(n, e, MIN_BITS..=blob::MAX_RSA_BITS).map_err(|_| SignatureError::UnacceptableKey)
}

fn number(magnitude: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(magnitude)
}

#[cfg(test)]
mod tests;
