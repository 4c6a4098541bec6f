//! What a host proved in a key exchange.

use alloc::vec::Vec;

use super::PublicKey;
use crate::crypto::signature;
use crate::wire::Reader;

/// The proof that a session is with the host that it seems to be with (RFC 4253 §8), for those who were not there: an
/// agent wants to see it before it signs with a key that is only for certain hosts.
/// [`Client::host_key_proof`](crate::Client::host_key_proof) has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKeyProof {
    /// The host's key, or the certificate of it.
    pub host_key: PublicKey,
    /// The exchange hash of the first key exchange, which names the session (RFC 4253 §7.2).
    pub session_id: Vec<u8>,
    /// The host's signature over it.
    pub signature: Vec<u8>,
}

impl HostKeyProof {
    /// Whether the host's key signed the session identifier.
    pub fn is_genuine(&self) -> bool {
        let Ok(name) = Reader::new(&self.signature).string() else { return false };
        let algorithms = signature::for_key_type(self.host_key.key_type());
        let mut named = algorithms.filter(|each| each.plain().unwrap_or(*each).name().as_bytes() == name);
        let blob = self.host_key.blob();
        named.any(|algorithm| algorithm.verify(blob, &self.session_id, &self.signature).is_ok())
    }
}
