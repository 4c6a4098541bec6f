//! Key derivation (RFC 4253 §7.2).

use super::hash::Hash;
use crate::secret::SecretBytes;
use alloc::vec::Vec;
use zeroize::Zeroize;

/// Which of the six values is derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum KeyLetter {
    IvClientToServer = b'A',
    IvServerToClient = b'B',
    KeyClientToServer = b'C',
    KeyServerToClient = b'D',
    MacClientToServer = b'E',
    MacServerToClient = b'F',
}

/// `HASH(K ‖ H ‖ letter ‖ session_id)`, extended by `HASH(K ‖ H ‖ K1 ‖ ..)` until there are `length` bytes.
///
/// `shared_secret` is `K` as it is hashed: with its length field, as `mpint` or `string` as the method says.
pub(crate) fn derive_key(
    hash: Hash,
    shared_secret: &[u8],
    exchange_hash: &[u8],
    letter: KeyLetter,
    session_id: &[u8],
    length: usize,
) -> SecretBytes {
    let mut key: Vec<u8> = Vec::with_capacity(length + 64);
    while key.len() < length {
        let mut block = if key.is_empty() {
            hash.digest(&[shared_secret, exchange_hash, &[letter as u8], session_id])
        } else {
            hash.digest(&[shared_secret, exchange_hash, &key])
        };
        key.extend_from_slice(&block);
        block.zeroize();
    }
    let mut excess = key.split_off(length);
    excess.zeroize();
    SecretBytes::new(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_keys_extend_shorter_ones() {
        let key = |length| derive_key(Hash::Sha256, b"K", b"H", KeyLetter::KeyClientToServer, b"S", length);
        let first = Hash::Sha256.digest(&[b"KHCS"]);
        let second = Hash::Sha256.digest(&[b"KH", &first]);
        assert_eq!(key(16).expose(), first.get(..16).unwrap_or_default());
        assert_eq!(key(64).expose(), [first, second].concat());
        assert_eq!(key(0).len(), 0);
    }
}
