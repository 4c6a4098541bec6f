//! Hybrid of ML-KEM-768 and X25519 (draft-ietf-sshm-mlkem-hybrid-kex): secret as long as either of the two is.

use alloc::vec::Vec;

use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::ml_kem_768::{Ciphertext, DecapsulationKey, EncapsulationKey};
use zeroize::{Zeroize, Zeroizing};

use super::curve25519::{X25519_LENGTH, X25519Secret};
use super::machine::{Agreement, EcdhMethod, string_secret};
use super::{KexError, KeyExchange};
use crate::crypto::hash::Hash;
use crate::random::SecureRandom;
use crate::secret::SecretBytes;

/// `mlkem768x25519-sha256`
pub static MLKEM768X25519_SHA256: &dyn KeyExchange =
    &EcdhMethod::<MlKem768X25519>::new("mlkem768x25519-sha256", Hash::Sha256);

struct MlKem768X25519;

/// Bytes of an encapsulation key.
const ENCAPSULATION_KEY: usize = 1184;
/// Bytes of a cipher text.
const CIPHERTEXT: usize = 1088;

struct ClientSecret {
    decapsulation_key: DecapsulationKey,
    x25519: X25519Secret,
}

impl Agreement for MlKem768X25519 {
    type ClientSecret = ClientSecret;

    /// `C_INIT` is the encapsulation key and the X25519 value.
    fn offer(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, ClientSecret), KexError> {
        let mut seed = Zeroizing::new([0; 64]);
        random.fill(&mut *seed)?;
        let decapsulation_key = DecapsulationKey::from_seed((*seed).into());
        let x25519 = X25519Secret::generate(random)?;
        let mut value = decapsulation_key.encapsulation_key().to_bytes().to_vec();
        value.extend_from_slice(&x25519.public_value());
        Ok((value, ClientSecret { decapsulation_key, x25519 }))
    }

    /// `S_REPLY` is the cipher text and the X25519 value.
    fn respond(client_value: &[u8], random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SecretBytes), KexError> {
        let (encapsulation_key, public_value) = split::<ENCAPSULATION_KEY>(client_value)?;
        let mut message = Zeroizing::new([0; 32]);
        random.fill(&mut *message)?;
        let (mut value, post_quantum) = encapsulate(encapsulation_key, &message)?;
        let x25519 = X25519Secret::generate(random)?;
        value.extend_from_slice(&x25519.public_value());
        Ok((value, combine(&*post_quantum, &*x25519.agree(public_value)?)))
    }

    fn complete(secret: &ClientSecret, server_value: &[u8]) -> Result<SecretBytes, KexError> {
        let (ciphertext, public_value) = split::<CIPHERTEXT>(server_value)?;
        let post_quantum = decapsulate(&secret.decapsulation_key, ciphertext);
        Ok(combine(&*post_quantum, &*secret.x25519.agree(public_value)?))
    }
}

fn split<const N: usize>(value: &[u8]) -> Result<(&[u8; N], &[u8]), KexError> {
    let (post_quantum, classical) = value.split_first_chunk().ok_or(KexError::MalformedPublicValue)?;
    if classical.len() == X25519_LENGTH { Ok((post_quantum, classical)) } else { Err(KexError::MalformedPublicValue) }
}

/// ML-KEM.Encaps with FIPS 203 §7.2's check that the key is reduced modulo q.
fn encapsulate(
    encapsulation_key: &[u8; ENCAPSULATION_KEY],
    message: &[u8; 32],
) -> Result<(Vec<u8>, Zeroizing<[u8; 32]>), KexError> {
    let key = EncapsulationKey::new(&(*encapsulation_key).into()).map_err(|_| KexError::InvalidPublicValue)?;
    let (ciphertext, shared) = key.encapsulate_deterministic(message.into());
    Ok((ciphertext.to_vec(), Zeroizing::new(shared.into())))
}

/// ML-KEM.Decaps. A cipher text that was not made for the key gives a secret nobody knows.
fn decapsulate(key: &DecapsulationKey, ciphertext: &[u8; CIPHERTEXT]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(key.decapsulate(&Ciphertext::from(*ciphertext)).into())
}

/// `K = SHA256(K_PQ ‖ K_CL)`
fn combine(post_quantum: &[u8], classical: &[u8]) -> SecretBytes {
    let mut combined = Hash::Sha256.digest(&[post_quantum, classical]);
    let secret = string_secret(&combined);
    combined.zeroize();
    secret
}

#[cfg(test)]
mod tests;
