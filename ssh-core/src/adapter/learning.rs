//! A server's other keys, for whoever keeps the known hosts.

use alloc::vec::Vec;

use super::error::SessionError;
use super::inbox::Inbox;
use crate::endpoint::ClientRole;
use crate::error::Misuse;
use crate::key::PublicKey;

/// What a server says about its keys.
#[derive(Default)]
pub(super) struct Learning {
    /// Its first announcement; later ones could only keep somebody busy.
    announced: Option<Vec<PublicKey>>,
    was_announced: bool,
    proven: Option<Option<Vec<PublicKey>>>,
}

impl Learning {
    pub(super) fn announced(&mut self, keys: Vec<PublicKey>) {
        if !core::mem::replace(&mut self.was_announced, true) {
            self.announced = Some(keys);
        }
    }

    pub(super) fn proven(&mut self, keys: Option<Vec<PublicKey>>) {
        self.proven = Some(keys);
    }
}

impl Inbox<ClientRole> {
    /// The keys that the server has announced, once they are here. Given once.
    pub fn announced_host_keys(&mut self) -> Option<Vec<PublicKey>> {
        self.learning.announced.take()
    }

    /// Asks the server to prove that it holds these keys; `None`: not now. [`host_keys_proven`](Self::host_keys_proven) has
    /// the answer.
    pub fn prove_host_keys(&mut self, keys: &[PublicKey]) -> Option<Result<(), SessionError>> {
        match self.endpoint.prove_host_keys(keys) {
            Err(Misuse::Busy) => None,
            // The reason is told by whoever knows how the connection ended.
            Err(_) if self.closed().is_some() => None,
            asked => Some(asked.map_err(SessionError::from)),
        }
    }

    /// The server's answer: whether it holds all of them.
    pub fn host_keys_proven(&mut self) -> Option<bool> {
        self.learning.proven.take().map(|keys| keys.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeyAlgorithm, PrivateKey};
    use crate::random::ChaChaRandom;
    use alloc::vec;

    #[test]
    fn only_the_first_announcement_is_heard() {
        let mut random = ChaChaRandom::from_seed(&[1; 32]);
        let mut keys = || vec![PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random).unwrap().public_key().clone()];
        let (first, second) = (keys(), keys());
        let mut learning = Learning::default();
        learning.announced(first.clone());
        learning.announced(second.clone());
        assert_eq!(learning.announced.take(), Some(first));
        learning.announced(second);
        assert_eq!(learning.announced, None, "even if it was taken");
    }
}
