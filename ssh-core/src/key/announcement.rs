//! A server's announcement of all its keys, and the proof of them (OpenSSH's `PROTOCOL` §2.5).
//!
//! ```text
//!   server ── hostkeys-00@openssh.com: every key ─────────────► client
//!   server ◄─ hostkeys-prove-00@openssh.com: keys it lacks ──── client
//!   server ── a signature for each ───────────────────────────► client
//! ```

use alloc::vec::Vec;

use super::PublicKey;
use crate::crypto::signature::SignatureAlgorithm;
use crate::wire::{DecodeError, Reader, Writer};

/// The global request with which a server announces its keys. It wants no answer.
pub const ANNOUNCE_HOST_KEYS: &[u8] = b"hostkeys-00@openssh.com";
/// The global request for proof of some of them.
pub const PROVE_HOST_KEYS: &[u8] = b"hostkeys-prove-00@openssh.com";

/// Most keys in one message; servers have a handful.
const MAX_HOST_KEYS: usize = 256;

/// The keys of an announcement's, or of a request for proof's, fields. Keys that no algorithm in `algorithms` takes, and
/// certificates, are passed over.
///
/// # Errors
/// [`DecodeError::InvalidValue`] if a key is there twice or there are more than 256, and the others for what is malformed.
pub fn read_host_keys(
    fields: &[u8],
    algorithms: &[&'static dyn SignatureAlgorithm],
) -> Result<Vec<PublicKey>, DecodeError> {
    let mut reader = Reader::new(fields);
    let mut keys: Vec<PublicKey> = Vec::new();
    while reader.remaining() > 0 {
        let Ok(key) = PublicKey::from_blob(reader.string()?) else { continue };
        if !algorithms.iter().any(|algorithm| algorithm.key_type() == key.key_type()) || key.certificate().is_some() {
            continue;
        }
        if keys.contains(&key) || keys.len() == MAX_HOST_KEYS {
            return Err(DecodeError::InvalidValue);
        }
        keys.push(key);
    }
    Ok(keys)
}

/// The fields of an announcement, and of a request for proof.
pub fn write_host_keys<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut writer = Writer::new(&mut fields);
    keys.into_iter().for_each(|key| writer.string(key.blob()));
    fields
}

/// What a host's key signs to prove itself in the session with this identifier (RFC 4253 §7.2).
pub fn host_key_proof_data(key: &PublicKey, session_id: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut writer = Writer::new(&mut data);
    writer.string(PROVE_HOST_KEYS);
    writer.string(session_id);
    writer.string(key.blob());
    data
}

/// Whether the answer to a request for proof has, for each of `keys` in their order, a signature by one of `algorithms`.
pub fn host_keys_are_proven<'a>(
    response: &[u8],
    keys: impl IntoIterator<Item = &'a PublicKey>,
    session_id: &[u8],
    algorithms: &[&'static dyn SignatureAlgorithm],
) -> bool {
    let mut reader = Reader::new(response);
    let mut is_proven = |key: &PublicKey| {
        let Ok(signature) = reader.string() else { return false };
        let Ok(name) = Reader::new(signature).string() else { return false };
        let mut named = algorithms.iter().filter(|algorithm| algorithm.name().as_bytes() == name);
        let data = host_key_proof_data(key, session_id);
        named.any(|algorithm| algorithm.verify(key.blob(), &data, signature).is_ok())
    };
    keys.into_iter().all(&mut is_proven) && reader.remaining() == 0
}
