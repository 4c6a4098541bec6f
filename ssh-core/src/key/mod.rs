//! Keys: public and private, their fingerprints, and the files they live in.
//!
//! No crypto crate's type appears here, and no file is opened: texts come in and go out as bytes.
//!
//! ```
//! # #[cfg(feature = "os-random")] {
//! use ssh_core::key::{FingerprintHash, KeyAlgorithm, PrivateKey};
//! use ssh_core::random::OsRandom;
//!
//! let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom)?;
//! let signature = key.sign("ssh-ed25519", b"message", &mut OsRandom)?;
//! println!("{}", key.public_key().fingerprint(FingerprintHash::Sha256));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod announcement;
mod certificate;
mod fingerprint;
mod formats;
mod private;
mod proof;
mod public;
mod revocation;
mod sshsig;

pub use announcement::{
    ANNOUNCE_HOST_KEYS, PROVE_HOST_KEYS, host_key_proof_data, host_keys_are_proven, read_host_keys, write_host_keys,
};
pub(crate) use certificate::Network;
pub use certificate::{
    Certificate, CertificateBuilder, CertificateCheck, CertificateError, CertificateGrant, CertificateKind,
    CertificateOption, CertificateToSign, IssueError,
};
pub use fingerprint::{Fingerprint, FingerprintHash};
#[cfg(feature = "ssh1")]
pub use formats::Ssh1PrivateKey;
pub use formats::{
    KeyEncryption, KeyFileCipher, KeyFileError, KeyFileFormat, MAX_BCRYPT_ROUNDS, MAX_KEY_FILE_LENGTH, PublicKeyFormat,
    PublicKeyLine,
};
#[cfg(feature = "ppk")]
pub use formats::{MAX_ARGON2_LANES, MAX_ARGON2_MEMORY, MAX_ARGON2_WORK};
#[cfg(feature = "pkcs8")]
pub use formats::{MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY, MAX_SCRYPT_WORK};
pub use private::{GenerateError, KeyAlgorithm, PrivateKey, SignError};
pub use proof::HostKeyProof;
pub use public::{KeyError, PublicKey};
pub use revocation::{RevocationList, RevocationListError};
pub use sshsig::{MessageHash, MessageSignature, MessageSignatureError};
