//! PKCS#8's `EncryptedPrivateKeyInfo` with PBES2 (RFC 8018 §6.2).

use alloc::string::ToString;
use alloc::vec::Vec;

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader};
use pkcs5::pbes2::{
    AES_128_CBC_OID, AES_192_CBC_OID, AES_256_CBC_OID, PBES2_OID, PBKDF2_OID, Pbkdf2Params, Pbkdf2Prf, SCRYPT_OID,
    ScryptParams,
};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::super::cipher::{padded, unpad};
use super::super::encryption::check_cost;
use super::super::{KeyFileCipher, KeyFileError};
use super::{malformed, oid};
use crate::random::SecureRandom;
use crate::secret::SecretBytes;

/// Most iterations of PBKDF2 that a key file may demand; they take some seconds. OpenSSL writes 2048.
pub const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;
/// Most memory that a key file may demand of scrypt (128·N·r bytes), in KiB.
pub const MAX_SCRYPT_MEMORY: u64 = 256 * 1024;
/// Most work that a key file may demand of scrypt, as N·r·p; it takes some seconds. OpenSSL writes 2^17.
pub const MAX_SCRYPT_WORK: u64 = 1 << 23;

/// Iterations in new files.
const ITERATIONS: u32 = 600_000;

/// The private key's bytes. Everything that costs time or memory is bounded before it is done.
pub(super) fn decrypt(der: &[u8], passphrase: Option<&SecretBytes>) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let (algorithm, data) = pair::<&OctetStringRef>(der)?;
    if algorithm.oid != PBES2_OID {
        return Err(KeyFileError::UnsupportedCipher { name: algorithm.oid.to_string() });
    }
    let parameters = algorithm.parameters_any().and_then(|parameters| parameters.to_der().map_err(Into::into));
    let parameters = parameters.map_err(malformed)?;
    let (kdf, encryption) = pair::<AlgorithmIdentifierRef<'_>>(&parameters)?;
    let kdf = Kdf::read(&kdf)?;
    let cipher = cipher(encryption.oid)?;
    let iv = encryption.parameters_any().and_then(|iv| Ok(iv.decode_as::<&OctetStringRef>()?)).map_err(malformed)?;
    if iv.as_bytes().len() != cipher.iv_length() {
        return Err(malformed(()));
    }
    if kdf.key_length().is_some_and(|length| usize::from(length) != cipher.key_length()) {
        return Err(malformed(()));
    }
    let passphrase = passphrase.ok_or(KeyFileError::PassphraseRequired)?;
    let mut key_and_iv = Zeroizing::new(Vec::with_capacity(cipher.key_length() + cipher.iv_length()));
    key_and_iv.resize(cipher.key_length(), 0);
    kdf.derive(passphrase.expose(), &mut key_and_iv)?;
    key_and_iv.extend_from_slice(iv.as_bytes());
    let mut content = Zeroizing::new(data.as_bytes().to_vec());
    cipher.decrypt(&key_and_iv, &mut content, &[]).map_err(malformed)?;
    let length = unpad(&content, cipher.block_length()).ok_or(KeyFileError::WrongPassphrase)?.len();
    content.truncate(length);
    Ok(content)
}

/// `EncryptedPrivateKeyInfo` around the private key's bytes.
pub(super) fn encrypt(
    content: &[u8],
    passphrase: &[u8],
    random: &mut dyn SecureRandom,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    random.fill(&mut salt)?;
    random.fill(&mut iv)?;
    let pbkdf2 = Pbkdf2Params::hmac_sha256(ITERATIONS, &salt).map_err(malformed)?;
    let cipher = KeyFileCipher::Aes256Cbc;
    let mut key_and_iv = Zeroizing::new(Vec::with_capacity(cipher.key_length() + iv.len()));
    key_and_iv.resize(cipher.key_length(), 0);
    Kdf::Pbkdf2(pbkdf2).derive(passphrase, &mut key_and_iv)?;
    key_and_iv.extend_from_slice(&iv);
    let mut content = padded(content, cipher.block_length());
    cipher.encrypt(&key_and_iv, &mut content)?;

    let encode = || {
        let kdf = pbkdf2.to_der()?;
        let iv = OctetStringRef::new(&iv)?.to_der()?;
        let parameters = Vec::from([identifier(PBKDF2_OID, &kdf)?, identifier(AES_256_CBC_OID, &iv)?]).to_der()?;
        let scheme = identifier(PBES2_OID, &parameters)?.to_der()?;
        let content = OctetStringRef::new(&content)?.to_der()?;
        Vec::from([any(&scheme)?, any(&content)?]).to_der()
    };
    encode().map(Zeroizing::new).map_err(malformed)
}

fn identifier(oid: ObjectIdentifier, parameters: &[u8]) -> der::Result<AlgorithmIdentifierRef<'_>> {
    Ok(AlgorithmIdentifierRef { oid, parameters: Some(any(parameters)?) })
}

fn any(der: &[u8]) -> der::Result<AnyRef<'_>> {
    AnyRef::from_der(der)
}

/// A sequence of an algorithm and something else.
fn pair<'a, T: Decode<'a, Error = der::Error>>(der: &'a [u8]) -> Result<(AlgorithmIdentifierRef<'a>, T), KeyFileError> {
    let mut reader = SliceReader::new(der).map_err(malformed)?;
    let both = reader.sequence(|inside| Ok::<_, der::Error>((inside.decode()?, inside.decode()?)));
    let both = both.map_err(malformed)?;
    reader.finish().map_err(malformed)?;
    Ok(both)
}

fn cipher(oid: ObjectIdentifier) -> Result<KeyFileCipher, KeyFileError> {
    Ok(match oid {
        AES_128_CBC_OID => KeyFileCipher::Aes128Cbc,
        AES_192_CBC_OID => KeyFileCipher::Aes192Cbc,
        AES_256_CBC_OID => KeyFileCipher::Aes256Cbc,
        #[cfg(feature = "legacy")]
        oid::DES_EDE3_CBC => KeyFileCipher::TripleDesCbc,
        #[cfg(not(feature = "legacy"))]
        oid::DES_EDE3_CBC => return Err(KeyFileError::UnsupportedCipher { name: "3des-cbc".into() }),
        other => return Err(KeyFileError::UnsupportedCipher { name: other.to_string() }),
    })
}

/// A key derivation function and its cost, which is affordable.
enum Kdf {
    Pbkdf2(Pbkdf2Params),
    Scrypt(ScryptParams, scrypt::Params),
}

impl Kdf {
    fn read(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Self, KeyFileError> {
        let parameters = algorithm.parameters_any().map_err(malformed)?;
        match algorithm.oid {
            PBKDF2_OID => {
                let pbkdf2 = Pbkdf2Params::try_from(parameters).map_err(malformed)?;
                let iterations = pbkdf2.iteration_count;
                check_cost("iterations of PBKDF2", iterations.into(), MAX_PBKDF2_ITERATIONS.into())?;
                if iterations == 0 {
                    return Err(malformed(()));
                }
                Ok(Self::Pbkdf2(pbkdf2))
            }
            SCRYPT_OID => {
                let scrypt = ScryptParams::try_from(parameters).map_err(malformed)?;
                let params = affordable(&scrypt)?;
                Ok(Self::Scrypt(scrypt, params))
            }
            other => Err(KeyFileError::UnsupportedKdf { name: other.to_string() }),
        }
    }

    /// The length of the key, if the file says it.
    const fn key_length(&self) -> Option<u16> {
        match self {
            Self::Pbkdf2(pbkdf2) => pbkdf2.key_length,
            Self::Scrypt(scrypt, _) => scrypt.key_length,
        }
    }

    fn derive(&self, passphrase: &[u8], key: &mut [u8]) -> Result<(), KeyFileError> {
        match self {
            Self::Pbkdf2(Pbkdf2Params { salt, iteration_count, prf, .. }) => {
                let (salt, rounds) = (salt.as_bytes(), *iteration_count);
                match prf {
                    Pbkdf2Prf::HmacWithSha1 => pbkdf2::pbkdf2_hmac::<Sha1>(passphrase, salt, rounds, key),
                    Pbkdf2Prf::HmacWithSha224 => pbkdf2::pbkdf2_hmac::<Sha224>(passphrase, salt, rounds, key),
                    Pbkdf2Prf::HmacWithSha256 => pbkdf2::pbkdf2_hmac::<Sha256>(passphrase, salt, rounds, key),
                    Pbkdf2Prf::HmacWithSha384 => pbkdf2::pbkdf2_hmac::<Sha384>(passphrase, salt, rounds, key),
                    Pbkdf2Prf::HmacWithSha512 => pbkdf2::pbkdf2_hmac::<Sha512>(passphrase, salt, rounds, key),
                    _ => return Err(KeyFileError::UnsupportedKdf { name: prf.oid().to_string() }),
                }
                Ok(())
            }
            Self::Scrypt(scrypt, params) => {
                scrypt::scrypt(passphrase, scrypt.salt.as_bytes(), params, key).map_err(malformed)
            }
        }
    }
}

/// scrypt's parameters in the crate's form, if they are any and cost little enough.
fn affordable(scrypt: &ScryptParams) -> Result<scrypt::Params, KeyFileError> {
    let n: u64 = scrypt.cost_parameter;
    let (r, p) = (u64::from(scrypt.block_size), u64::from(scrypt.parallelization));
    check_cost("KiB of memory for scrypt", n.saturating_mul(r) / 8, MAX_SCRYPT_MEMORY)?;
    check_cost("blocks of work for scrypt", n.saturating_mul(r).saturating_mul(p), MAX_SCRYPT_WORK)?;
    if !n.is_power_of_two() || n < 2 {
        return Err(malformed(()));
    }
    let log_n = u8::try_from(n.trailing_zeros()).map_err(malformed)?;
    scrypt::Params::new(log_n, scrypt.block_size.into(), scrypt.parallelization.into()).map_err(malformed)
}
