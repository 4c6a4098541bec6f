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

mod certificate;
mod fingerprint;
mod formats;
mod private;
mod proof;
mod public;
mod revocation;

pub use certificate::{
    Certificate, CertificateBuilder, CertificateCheck, CertificateError, CertificateGrant, CertificateKind,
    CertificateOption, CertificateToSign, IssueError,
};
pub use fingerprint::{Fingerprint, FingerprintHash};
pub use formats::{KeyEncryption, KeyFileError, MAX_BCRYPT_ROUNDS, MAX_KEY_FILE_LENGTH, PublicKeyLine};
pub use private::{GenerateError, KeyAlgorithm, PrivateKey, SignError};
pub use proof::HostKeyProof;
pub use public::{KeyError, PublicKey};
pub use revocation::{RevocationList, RevocationListError};
