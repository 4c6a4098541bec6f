//! The keys a server shows, given those that it can sign with.

use alloc::vec::Vec;

use crate::key::{PrivateKey, PublicKey};

/// The host keys of a server that signs with `keys`: the certificates of them that are `configured`, then the keys
/// themselves. What else is configured nobody could sign for.
pub fn host_keys(configured: &[PublicKey], keys: &[PrivateKey]) -> Vec<PublicKey> {
    let ours = |certificate: &&PublicKey| {
        let plain = certificate.plain();
        **certificate != *plain && keys.iter().any(|key| *key.public_key() == *plain)
    };
    let certificates = configured.iter().filter(ours).cloned();
    certificates.chain(keys.iter().map(|key| key.public_key().clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{CertificateBuilder, KeyAlgorithm};
    use crate::random::ChaChaRandom;
    use crate::time::UnixTime;
    use alloc::vec;

    #[test]
    fn certificates_of_the_keys_stay() {
        let mut random = ChaChaRandom::from_seed(&[1; 32]);
        let mut key = || PrivateKey::generate(KeyAlgorithm::Ed25519, &mut random).unwrap();
        let (one, other, authority) = (key(), key(), key());
        let certify = |key: &PrivateKey| {
            let builder = CertificateBuilder::host(key.public_key(), "", UnixTime::ALWAYS..UnixTime::FOREVER);
            builder.principal("x").sign(&authority, &mut ChaChaRandom::from_seed(&[2; 32])).unwrap()
        };
        let configured = [other.public_key().clone(), certify(&other), certify(&one), one.public_key().clone()];
        let expected = vec![certify(&one), one.public_key().clone()];
        assert_eq!(host_keys(&configured, &[one]), expected);
    }
}
