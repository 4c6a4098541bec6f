//! The private numbers of each key type; the public ones stand in the key's blob.

use alloc::vec::Vec;

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::super::KeyFileError;
#[cfg(feature = "legacy")]
use crate::crypto::signature::DsaPrivateKey;
use crate::crypto::signature::{Curve, EcdsaPrivateKey, Ed25519PrivateKey};
#[cfg(feature = "rsa")]
use crate::crypto::signature::{RsaComponents, RsaPrivateKey};
use crate::key::private::{PrivateKey, Secret};
use crate::key::public::PublicKey;
use crate::wire::{Mpint, Reader, Writer};

/// The key whose public half is `public`. What follows the numbers in an encrypted file is padding.
pub(super) fn read(public: &PublicKey, private: &[u8], padded: bool) -> Result<Secret, KeyFileError> {
    let mut reader = Reader::new(private);
    let key_type = public.key_type();
    let invalid = || KeyFileError::InvalidKey { key_type: key_type.into() };
    let secret = match key_type {
        "ssh-ed25519" => {
            // A number, little-endian, without the zeros at its upper end.
            let number = reader.string()?;
            let mut seed = Zeroizing::new([0; 32]);
            seed.get_mut(..number.len()).ok_or_else(invalid)?.copy_from_slice(number);
            Secret::Ed25519(Ed25519PrivateKey::from_seed(&seed))
        }
        #[cfg(feature = "rsa")]
        "ssh-rsa" => read_rsa(public, &mut reader)?,
        #[cfg(feature = "legacy")]
        "ssh-dss" => {
            let mut numbers = Zeroizing::new(Vec::with_capacity(public.blob().len() + private.len()));
            let mut blob = Reader::new(public.blob());
            blob.string()?;
            numbers.extend_from_slice(blob.remainder());
            Writer::new(&mut numbers).mpint(reader.mpint()?);
            Secret::Dsa(DsaPrivateKey::read(&mut Reader::new(&numbers)).map_err(|_| invalid())?)
        }
        other => {
            let unknown = || KeyFileError::UnsupportedKeyType { name: other.into() };
            let curve = Curve::by_key_type(other.as_bytes()).ok_or_else(unknown)?;
            let scalar = reader.mpint()?;
            Secret::Ecdsa(EcdsaPrivateKey::from_scalar(curve, scalar.magnitude()).ok_or_else(invalid)?)
        }
    };
    if !padded {
        reader.finish()?;
    }
    Ok(secret)
}

#[cfg(feature = "rsa")]
fn read_rsa(public: &PublicKey, reader: &mut Reader<'_>) -> Result<Secret, KeyFileError> {
    let mut blob = Reader::new(public.blob());
    blob.string()?;
    let (e, n) = (blob.mpint()?.magnitude().to_vec(), blob.mpint()?.magnitude().to_vec());
    let mut number = || reader.mpint().map(|number| Zeroizing::new(number.magnitude().to_vec()));
    let (d, p, q, iqmp) = (number()?, number()?, number()?, number()?);
    let key = RsaPrivateKey::from_components(&RsaComponents { n, e, d, iqmp, p, q });
    key.map(Secret::Rsa).map_err(|_| KeyFileError::InvalidKey { key_type: "ssh-rsa".into() })
}

/// The private numbers of `key`.
pub(super) fn write(key: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    // all space at once: a growing buffer would leave copies behind. 16 KiB hold an RSA key of 16,384 bits.
    let mut out = Zeroizing::new(Vec::with_capacity(16 * 1024));
    let mut writer = Writer::new(&mut out);
    match &key.secret {
        Secret::Ed25519(private) => {
            let seed = private.seed();
            let zeros = seed.iter().rev().take_while(|&&byte| byte == 0).count();
            writer.string(seed.get(..seed.len() - zeros).unwrap_or_default());
        }
        Secret::Ecdsa(private) => writer.mpint(Mpint::from_magnitude(&private.scalar())),
        #[cfg(feature = "rsa")]
        Secret::Rsa(private) => {
            let RsaComponents { d, p, q, iqmp, .. } = private.components();
            [&d, &p, &q, &iqmp].into_iter().for_each(|number| writer.mpint(Mpint::from_magnitude(number)));
        }
        #[cfg(feature = "legacy")]
        Secret::Dsa(private) => {
            let mut numbers = Zeroizing::new(Vec::with_capacity(512));
            private.write(&mut Writer::new(&mut numbers));
            let mut reader = Reader::new(&numbers);
            for _ in 0..4 {
                reader.mpint()?;
            }
            writer.mpint(reader.mpint()?);
        }
        #[cfg(feature = "pq")]
        Secret::MlDsa44Ed25519(_) => {
            let key_type = key.public_key().key_type().into();
            return Err(KeyFileError::NotInFormat { key_type, format: "PPK" });
        }
    }
    Ok(out)
}

/// Fills the last block with the numbers' SHA-1, as PuTTY does.
pub(super) fn pad(private: &mut Vec<u8>, block: usize) {
    let length = private.len().next_multiple_of(block) - private.len();
    let hash: [u8; 20] = Sha1::digest(&*private).into();
    private.extend(hash.iter().take(length));
}
