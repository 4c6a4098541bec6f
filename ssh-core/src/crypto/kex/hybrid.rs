//! Hybrids of a key encapsulation and Diffie-Hellman on a curve (draft-ietf-sshm-mlkem-hybrid-kex §2,
//! draft-ietf-sshm-ntruprime-ssh §3): secret as long as either of the two is.

use alloc::vec::Vec;
use core::marker::PhantomData;

use zeroize::{Zeroize, Zeroizing};

use super::KexError;
use super::curve::Curve;
use super::machine::{Agreement, string_secret};
use crate::crypto::hash::Hash;
use crate::random::SecureRandom;
use crate::secret::SecretBytes;

/// A shared secret of a key encapsulation.
pub(super) type SharedKey = Zeroizing<[u8; 32]>;

/// A key encapsulation mechanism.
pub(super) trait Kem: 'static {
    /// Bytes of a public key.
    const PUBLIC_KEY: usize;
    /// Bytes of a cipher text.
    const CIPHERTEXT: usize;
    /// What opens cipher texts.
    type Secret: Send;

    /// A fresh public key and the secret behind it.
    fn generate(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, Self::Secret), KexError>;

    /// A cipher text for `public_key`, and what is in it.
    fn encapsulate(public_key: &[u8], random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SharedKey), KexError>;

    /// What is in `ciphertext`; one that was not made for the key gives a secret nobody knows.
    fn decapsulate(secret: &Self::Secret, ciphertext: &[u8]) -> Result<SharedKey, KexError>;
}

/// What a hybrid is made of.
pub(super) trait Suite: 'static {
    type Kem: Kem;
    type Curve: Curve;
    /// What combines the secrets, and the method's hash function too.
    const HASH: Hash;
}

/// The method of a [`Suite`].
pub(super) struct Hybrid<S>(PhantomData<S>);

pub(super) struct ClientSecret<S: Suite> {
    pub(super) post_quantum: <S::Kem as Kem>::Secret,
    pub(super) classical: <S::Curve as Curve>::Secret,
}

impl<S: Suite> Agreement for Hybrid<S> {
    type ClientSecret = ClientSecret<S>;

    /// `C_INIT = C_PK2 ‖ C_PK1`: the encapsulation's public key and the curve's.
    fn offer(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, ClientSecret<S>), KexError> {
        let (mut value, post_quantum) = S::Kem::generate(random)?;
        let (public_value, classical) = S::Curve::generate(random)?;
        value.extend_from_slice(&public_value);
        Ok((value, ClientSecret { post_quantum, classical }))
    }

    /// `S_REPLY = S_CT2 ‖ S_PK1`: the cipher text and the curve's public value.
    fn respond(client_value: &[u8], random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SecretBytes), KexError> {
        let (public_key, public_value) = split::<S>(client_value, S::Kem::PUBLIC_KEY)?;
        let (mut value, post_quantum) = S::Kem::encapsulate(public_key, random)?;
        let (our_value, classical) = S::Curve::generate(random)?;
        value.extend_from_slice(&our_value);
        Ok((value, combine(S::HASH, &*post_quantum, &S::Curve::agree(&classical, public_value)?)))
    }

    fn complete(secret: &ClientSecret<S>, server_value: &[u8]) -> Result<SecretBytes, KexError> {
        let (ciphertext, public_value) = split::<S>(server_value, S::Kem::CIPHERTEXT)?;
        let post_quantum = S::Kem::decapsulate(&secret.post_quantum, ciphertext)?;
        Ok(combine(S::HASH, &*post_quantum, &S::Curve::agree(&secret.classical, public_value)?))
    }
}

/// Both halves of a value whose first is `length` bytes long.
fn split<S: Suite>(value: &[u8], length: usize) -> Result<(&[u8], &[u8]), KexError> {
    match value.split_at_checked(length) {
        Some((post_quantum, classical)) if classical.len() == S::Curve::PUBLIC_VALUE => Ok((post_quantum, classical)),
        _ => Err(KexError::MalformedPublicValue),
    }
}

/// `K = HASH(K_PQ ‖ K_CL)`, a `string`.
pub(super) fn combine(hash: Hash, post_quantum: &[u8], classical: &[u8]) -> SecretBytes {
    let mut combined = hash.digest(&[post_quantum, classical]);
    let secret = string_secret(&combined);
    combined.zeroize();
    secret
}
