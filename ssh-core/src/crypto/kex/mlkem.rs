//! Hybrids with ML-KEM (draft-ietf-sshm-mlkem-hybrid-kex).

use alloc::vec::Vec;

use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::{ml_kem_768, ml_kem_1024};
use p256::NistP256;
use p384::NistP384;
use zeroize::Zeroizing;

use super::curve25519::Curve25519;
use super::ecdh::Ecdh;
use super::hybrid::{Hybrid, Kem, SharedKey, Suite};
use super::machine::EcdhMethod;
use super::{KexError, KeyExchange};
use crate::crypto::hash::Hash;
use crate::random::SecureRandom;

/// `mlkem768x25519-sha256`
pub static MLKEM768X25519_SHA256: &dyn KeyExchange =
    &EcdhMethod::<Hybrid<MlKem768X25519>>::new("mlkem768x25519-sha256", MlKem768X25519::HASH);
/// `mlkem768nistp256-sha256`
pub static MLKEM768NISTP256_SHA256: &dyn KeyExchange =
    &EcdhMethod::<Hybrid<MlKem768Nistp256>>::new("mlkem768nistp256-sha256", MlKem768Nistp256::HASH);
/// `mlkem1024nistp384-sha384`
pub static MLKEM1024NISTP384_SHA384: &dyn KeyExchange =
    &EcdhMethod::<Hybrid<MlKem1024Nistp384>>::new("mlkem1024nistp384-sha384", MlKem1024Nistp384::HASH);

struct MlKem768X25519;

impl Suite for MlKem768X25519 {
    type Kem = MlKem768;
    type Curve = Curve25519;
    const HASH: Hash = Hash::Sha256;
}

struct MlKem768Nistp256;

impl Suite for MlKem768Nistp256 {
    type Kem = MlKem768;
    type Curve = Ecdh<NistP256, 0xff>;
    const HASH: Hash = Hash::Sha256;
}

struct MlKem1024Nistp384;

impl Suite for MlKem1024Nistp384 {
    type Kem = MlKem1024;
    type Curve = Ecdh<NistP384, 0xff>;
    const HASH: Hash = Hash::Sha384;
}

/// A parameter set of FIPS 203. A macro, because the trait that names all of them is not public.
macro_rules! parameter_set {
    ($name:ident, $module:ident, $encapsulation_key:literal, $ciphertext:literal) => {
        pub(super) struct $name;

        impl Kem for $name {
            const PUBLIC_KEY: usize = $encapsulation_key;
            const CIPHERTEXT: usize = $ciphertext;
            type Secret = $module::DecapsulationKey;

            fn generate(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, Self::Secret), KexError> {
                let mut seed = Zeroizing::new([0; 64]);
                random.fill(&mut *seed)?;
                let key = Self::Secret::from_seed((*seed).into());
                Ok((key.encapsulation_key().to_bytes().to_vec(), key))
            }

            /// ML-KEM.Encaps with FIPS 203 §7.2's check that the key is reduced modulo q.
            fn encapsulate(key: &[u8], random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SharedKey), KexError> {
                let key = key.try_into().map_err(|_| KexError::MalformedPublicValue)?;
                let key = $module::EncapsulationKey::new(&key).map_err(|_| KexError::InvalidPublicValue)?;
                let mut message = Zeroizing::new([0; 32]);
                random.fill(&mut *message)?;
                let (ciphertext, shared) = key.encapsulate_deterministic((&*message).into());
                Ok((ciphertext.to_vec(), Zeroizing::new(shared.into())))
            }

            /// ML-KEM.Decaps
            fn decapsulate(secret: &Self::Secret, ciphertext: &[u8]) -> Result<SharedKey, KexError> {
                let ciphertext = ciphertext.try_into().map_err(|_| KexError::MalformedPublicValue)?;
                Ok(Zeroizing::new(secret.decapsulate(&ciphertext).into()))
            }
        }
    };
}

parameter_set!(MlKem768, ml_kem_768, 1184, 1088);
parameter_set!(MlKem1024, ml_kem_1024, 1568, 1568);

#[cfg(test)]
mod tests;
