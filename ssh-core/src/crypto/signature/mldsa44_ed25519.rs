//! The composite of ML-DSA-44 (FIPS 204) and Ed25519: unforgeable as long as either of the two is
//! (draft-ietf-lamps-pq-composite-sigs, draft-miller-sshm-mldsa44-ed25519-composite-sigs).
//!
//! Keys, seeds and signatures are those of ML-DSA-44 and of Ed25519, one behind the other. Both sign the same statement:
//!
//! ```text
//!   "CompositeAlgorithmSignatures2025" │ label │ length of the context, 0 │ SHA-512(message)
//! ```
//!
//! OpenSSH 10.4 and 10.5 know it by a name of their own, later ones by the one that IANA has. The names alone differ.

use alloc::{boxed::Box, vec::Vec};

use ml_dsa::{Keypair, MlDsa44, Signature, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::{Ed25519PrivateKey, SignatureAlgorithm, SignatureError, Verified, blob, ed25519};
use crate::crypto::hash::Hash;
use crate::random::{RandomError, SecureRandom, Seeded};
use crate::wire::Writer;

/// `ssh-mldsa44-ed25519`.
pub const SSH_MLDSA44_ED25519: &dyn SignatureAlgorithm = &MlDsa44Ed25519::Iana;
/// `ssh-mldsa44-ed25519@openssh.com`, the name in OpenSSH 10.4 and 10.5.
pub const SSH_MLDSA44_ED25519_OPENSSH: &dyn SignatureAlgorithm = &MlDsa44Ed25519::OpenSsh;

const PREFIX: &[u8] = b"CompositeAlgorithmSignatures2025";
const LABEL: &[u8] = b"COMPSIG-MLDSA44-Ed25519-SHA512";
/// Bytes of an ML-DSA-44 public key; the Ed25519 key follows.
const PUBLIC_KEY: usize = 1312;
/// Bytes of an ML-DSA-44 signature; the Ed25519 signature follows.
const SIGNATURE: usize = 2420;
/// Bytes of the two seeds.
pub(crate) const SEEDS: usize = 64;

/// Both names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MlDsa44Ed25519 {
    Iana,
    OpenSsh,
}

impl MlDsa44Ed25519 {
    pub(crate) fn by_key_type(key_type: &[u8]) -> Option<Self> {
        [Self::Iana, Self::OpenSsh].into_iter().find(|each| each.name().as_bytes() == key_type)
    }

    fn open(self, key_blob: &[u8]) -> Result<CompositeKey<'_>, SignatureError> {
        let mut reader = blob::open_key(key_blob, self.name())?;
        let both = reader.string().map_err(|_| SignatureError::MalformedKey)?;
        reader.finish().map_err(|_| SignatureError::MalformedKey)?;
        let (mldsa, ed25519) = both.split_first_chunk::<PUBLIC_KEY>().ok_or(SignatureError::MalformedKey)?;
        Ok(CompositeKey { mldsa, ed25519: ed25519::point(ed25519)? })
    }
}

struct CompositeKey<'a> {
    mldsa: &'a [u8; PUBLIC_KEY],
    ed25519: ed25519::VerifyingKey,
}

impl SignatureAlgorithm for MlDsa44Ed25519 {
    fn name(&self) -> &'static str {
        match self {
            Self::Iana => "ssh-mldsa44-ed25519",
            Self::OpenSsh => "ssh-mldsa44-ed25519@openssh.com",
        }
    }

    fn key_type(&self) -> &'static str {
        self.name()
    }

    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        let key = self.open(key_blob)?;
        let content = blob::open_signature(signature, self.name())?;
        let (mldsa, ed25519) = content.split_first_chunk::<SIGNATURE>().ok_or(SignatureError::MalformedSignature)?;
        let statement = statement(message);
        let signature = Signature::<MlDsa44>::decode(mldsa.into()).ok_or(SignatureError::Invalid)?;
        if !VerifyingKey::<MlDsa44>::decode(key.mldsa.into()).verify_with_context(&statement, LABEL, &signature) {
            return Err(SignatureError::Invalid);
        }
        ed25519::verify_content(&key.ed25519, &statement, ed25519)?;
        Ok(Verified::default())
    }

    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError> {
        self.open(key_blob).map(drop)
    }

    /// The size that OpenSSH shows since 10.6, of no deeper meaning; before it was 256.
    fn key_bits(&self, _key_blob: &[u8]) -> Option<u32> {
        Some(512)
    }
}

/// A private key in memory; wiped when dropped.
pub(crate) struct MlDsa44Ed25519PrivateKey {
    algorithm: MlDsa44Ed25519,
    mldsa: Box<SigningKey<MlDsa44>>,
    ed25519: Ed25519PrivateKey,
}

impl MlDsa44Ed25519PrivateKey {
    /// The key that the two seeds make.
    pub(crate) fn from_seeds(algorithm: MlDsa44Ed25519, seeds: &[u8; SEEDS]) -> Self {
        let [mldsa, ed25519] = halves(seeds);
        let mldsa = Box::new(SigningKey::from_seed((&*mldsa).into()));
        Self { algorithm, mldsa, ed25519: Ed25519PrivateKey::from_seed(&ed25519) }
    }

    /// The two seeds, all there is to the key.
    pub(crate) fn seeds(&self) -> Zeroizing<Vec<u8>> {
        let mut seeds = Zeroizing::new(Vec::with_capacity(SEEDS));
        seeds.extend_from_slice(self.mldsa.as_seed());
        seeds.extend_from_slice(&*self.ed25519.seed());
        seeds
    }

    /// The two public keys.
    pub(crate) fn public_bytes(&self) -> Vec<u8> {
        let mut both = self.mldsa.verifying_key().encode().to_vec();
        both.extend_from_slice(&self.ed25519.public_bytes());
        both
    }

    /// The public half as a key blob.
    pub(crate) fn public_blob(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(PUBLIC_KEY + 80);
        let mut writer = Writer::new(&mut out);
        writer.string(self.algorithm.name().as_bytes());
        writer.string(&self.public_bytes());
        out
    }

    /// Signs `message`; the result is a whole signature blob. ML-DSA's half is hedged (FIPS 204 §3.4): `random` keeps a
    /// fault in the computation from revealing the key.
    pub(crate) fn sign(
        &self,
        message: &[u8],
        random: &mut dyn SecureRandom,
    ) -> Result<Result<Vec<u8>, SignatureError>, RandomError> {
        let mut hedge = Seeded::by(random)?;
        let statement = statement(message);
        let signature = self.mldsa.expanded_key().sign_randomized(&statement, LABEL, &mut hedge);
        let Ok(signature) = signature else { return Ok(Err(SignatureError::Invalid)) };
        let mut content = signature.encode().to_vec();
        content.extend_from_slice(&self.ed25519.sign_content(&statement));
        Ok(Ok(blob::seal_signature(self.algorithm.name(), &content)))
    }
}

/// What both halves sign.
fn statement(message: &[u8]) -> Vec<u8> {
    let mut statement = [PREFIX, LABEL, &[0]].concat();
    statement.extend_from_slice(&Hash::Sha512.digest(&[message]));
    statement
}

fn halves(seeds: &[u8; SEEDS]) -> [Zeroizing<[u8; 32]>; 2] {
    let mut halves = [Zeroizing::new([0; 32]), Zeroizing::new([0; 32])];
    for (half, bytes) in halves.iter_mut().zip(seeds.chunks_exact(32)) {
        half.copy_from_slice(bytes);
    }
    halves
}

#[cfg(test)]
mod tests;
