//! What the blobs of all built-in key types have in common: they begin with a name that decides everything after it.

use alloc::vec::Vec;

use super::SignatureError;
use crate::wire::{Mpint, Reader, Writer};

/// Largest RSA modulus in bits, OpenSSH's bound; [`Mpint`] takes no larger integer either.
pub(crate) const MAX_RSA_BITS: usize = 16_384;

/// Opens a public key blob of the type `key_type`; the reader stands behind the type's name.
pub(crate) fn open_key<'a>(blob: &'a [u8], key_type: &str) -> Result<Reader<'a>, SignatureError> {
    let mut reader = Reader::new(blob);
    match reader.string() {
        Ok(name) if name == key_type.as_bytes() => Ok(reader),
        Ok(_) => Err(SignatureError::WrongKeyType),
        Err(_) => Err(SignatureError::MalformedKey),
    }
}

/// The content of a signature blob made with exactly the algorithm `name` (RFC 4253 §6.6).
pub(super) fn open_signature<'a>(signature: &'a [u8], name: &str) -> Result<&'a [u8], SignatureError> {
    let (content, rest) = begin_signature(signature, name)?;
    rest.finish()?;
    Ok(content)
}

/// The content of a signature blob made with exactly the algorithm `name`, and the fields behind it.
pub(super) fn begin_signature<'a>(signature: &'a [u8], name: &str) -> Result<(&'a [u8], Reader<'a>), SignatureError> {
    let mut reader = Reader::new(signature);
    if reader.string()? != name.as_bytes() {
        return Err(SignatureError::WrongAlgorithm);
    }
    Ok((reader.string()?, reader))
}

/// A signature blob: the algorithm's name and its content.
pub(super) fn seal_signature(name: &str, content: &[u8]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(name.len() + content.len() + 8);
    let mut writer = Writer::new(&mut blob);
    writer.string(name.as_bytes());
    writer.string(content);
    blob
}

/// The exponent and modulus of an `ssh-rsa` blob (RFC 4253 §6.6), if they could be a key at all: both odd, the exponent
/// from 3 to 32 bits. A larger exponent makes verification arbitrarily slow; 1 makes every message its own signature.
pub(crate) fn open_rsa(blob: &[u8]) -> Result<(Mpint<'_>, Mpint<'_>), SignatureError> {
    let mut reader = open_key(blob, "ssh-rsa")?;
    let parts = reader.mpint().and_then(|e| Ok((e, reader.mpint()?)));
    let (e, n) = parts.map_err(|_| SignatureError::MalformedKey)?;
    reader.finish().map_err(|_| SignatureError::MalformedKey)?;
    let acceptable =
        is_odd(e) && (2..=32).contains(&e.bits()) && is_odd(n) && n.bits() <= MAX_RSA_BITS && n.bits() > 32;
    if acceptable { Ok((e, n)) } else { Err(SignatureError::UnacceptableKey) }
}

/// Bits of the modulus of an `ssh-rsa` blob.
pub(crate) fn rsa_bits(blob: &[u8]) -> Option<u32> {
    open_rsa(blob).ok().and_then(|(_, n)| u32::try_from(n.bits()).ok())
}

pub(super) fn is_odd(number: Mpint<'_>) -> bool {
    number.magnitude().last().is_some_and(|last| last & 1 == 1)
}
