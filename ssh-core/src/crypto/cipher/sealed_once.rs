//! The authenticated ciphers on something that is no packet and has a key of its own: the private half of a key file.

use super::{IntegrityError, aes_gcm, chacha20_poly1305};

/// AES-GCM with a key of 16 or 32 bytes.
pub(crate) fn open_aes_gcm(key: &[u8], nonce: &[u8], text: &mut [u8], tag: &[u8]) -> Result<(), IntegrityError> {
    let nonce = nonce.try_into().map_err(|_| IntegrityError)?;
    let tag = tag.try_into().map_err(|_| IntegrityError)?;
    aes_gcm::open_once(key, nonce, text, tag).map(|_| ())
}

/// The tag of the text that is sealed in place.
pub(crate) fn seal_aes_gcm(key: &[u8], nonce: &[u8], text: &mut [u8]) -> Option<[u8; 16]> {
    aes_gcm::seal_once(key, nonce.try_into().ok()?, text)
}

/// OpenSSH's construction with the sequence number 0 and no length.
pub(crate) fn open_chacha20_poly1305(key: &[u8], text: &mut [u8], tag: &[u8]) -> Result<(), IntegrityError> {
    let tag = tag.try_into().map_err(|_| IntegrityError)?;
    chacha20_poly1305::open_once(key, text, tag).map(|_| ())
}

/// The tag of the text that is sealed in place.
pub(crate) fn seal_chacha20_poly1305(key: &[u8], text: &mut [u8]) -> Option<[u8; 16]> {
    chacha20_poly1305::seal_once(key, text)
}
