//! Ed25519 keys of hosts and users (RFC 8709).

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};

use crate::codec::{Reader, string, strings};

/// A private key.
#[derive(Clone, Debug)]
pub struct Key(SigningKey);

const NAME: &str = "ssh-ed25519";

impl Key {
    /// The same seed, the same key.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The public key as it stands in messages.
    pub fn blob(&self) -> Vec<u8> {
        strings(&[NAME.as_bytes(), self.0.verifying_key().as_bytes()])
    }

    /// A signature as it stands in messages.
    pub fn sign(&self, data: &[u8]) -> Vec<u8> {
        strings(&[NAME.as_bytes(), &self.0.sign(data).to_bytes()])
    }

    /// A user's request for public key authentication with its signature (RFC 4252 §7): a whole payload.
    pub fn signed_request(&self, session_id: &[u8], user: &str) -> Vec<u8> {
        let mut request = vec![50];
        request.extend(strings(&[user.as_bytes(), b"ssh-connection", b"publickey"]));
        request.push(1);
        request.extend(strings(&[NAME.as_bytes(), &self.blob()]));
        let signature = self.sign(&[string(session_id), request.clone()].concat());
        [request, string(signature)].concat()
    }

    /// Whether `blob`'s private key made `signature` over `data`.
    pub fn verify(blob: &[u8], data: &[u8], signature: &[u8]) -> Result<(), String> {
        let (mut key, mut signature) = (Reader::new(blob), Reader::new(signature));
        for reader in [&mut key, &mut signature] {
            if reader.string()? != NAME.as_bytes() {
                return Err("another algorithm".into());
            }
        }
        let key = key.string()?.try_into().map_err(|_| "not 32 bytes")?;
        let key = VerifyingKey::from_bytes(key).map_err(|error| error.to_string())?;
        let signature = Signature::from_slice(signature.string()?).map_err(|error| error.to_string())?;
        key.verify(data, &signature).map_err(|error| error.to_string())
    }
}
