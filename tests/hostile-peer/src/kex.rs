//! Key agreement, and the derivation of keys (RFC 4253 §7.2, RFC 5656 §4, RFC 8731, draft-ietf-sshm-mlkem-hybrid-kex).

use curve25519_dalek::MontgomeryPoint;
use elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes, FieldBytesSize, PublicKey, SecretKey};
use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::ml_kem_768::{Ciphertext, DecapsulationKey, EncapsulationKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::codec::{mpint, string};

/// A key exchange method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `curve25519-sha256`
    Curve25519,
    /// `ecdh-sha2-nistp256`
    Nistp256,
    /// `ecdh-sha2-nistp384`
    Nistp384,
    /// `ecdh-sha2-nistp521`
    Nistp521,
    /// `mlkem768x25519-sha256`
    MlKem768X25519,
}

/// A method's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

impl Hash {
    /// Of all parts in a row.
    pub fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        let data = parts.concat();
        match self {
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }
}

impl Method {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Curve25519, Self::Nistp256, Self::Nistp384, Self::Nistp521, Self::MlKem768X25519];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Curve25519 => "curve25519-sha256",
            Self::Nistp256 => "ecdh-sha2-nistp256",
            Self::Nistp384 => "ecdh-sha2-nistp384",
            Self::Nistp521 => "ecdh-sha2-nistp521",
            Self::MlKem768X25519 => "mlkem768x25519-sha256",
        }
    }

    /// By its name.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or_else(|| format!("{name} is not spoken"))
    }

    /// What it hashes with.
    pub fn hash(self) -> Hash {
        match self {
            Self::Curve25519 | Self::Nistp256 | Self::MlKem768X25519 => Hash::Sha256,
            Self::Nistp384 => Hash::Sha384,
            Self::Nistp521 => Hash::Sha512,
        }
    }
}

/// One side's secret of one exchange; a function of its seed.
#[derive(Clone, Copy, Debug)]
pub struct Ephemeral {
    method: Method,
    seed: [u8; 32],
}

/// Bytes of an encapsulation key, and of a cipher text.
const ENCAPSULATION_KEY: usize = 1184;
const CIPHERTEXT: usize = 1088;

impl Ephemeral {
    /// The same seed, the same secret.
    pub fn new(method: Method, seed: [u8; 32]) -> Self {
        Self { method, seed }
    }

    /// The client's public value.
    pub fn offer(&self) -> Vec<u8> {
        match self.method {
            Method::Curve25519 => x25519_public(self.seed).to_vec(),
            Method::Nistp256 => point::<p256::NistP256>(&self.seed),
            Method::Nistp384 => point::<p384::NistP384>(&self.seed),
            Method::Nistp521 => point::<p521::NistP521>(&self.seed),
            Method::MlKem768X25519 => {
                let key = self.decapsulation_key().encapsulation_key().to_bytes();
                [&key[..], &x25519_public(self.seed)].concat()
            }
        }
    }

    /// The server's public value, and `K` as it is hashed.
    pub fn respond(&self, client_value: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
        if self.method != Method::MlKem768X25519 {
            return Ok((self.offer(), self.complete(client_value)?));
        }
        let (key, point) = client_value.split_first_chunk::<ENCAPSULATION_KEY>().ok_or("too short")?;
        let key = EncapsulationKey::new(&(*key).into()).map_err(|_| "no encapsulation key")?;
        let (ciphertext, post_quantum) = key.encapsulate_deterministic(&self.seed.into());
        let value = [&ciphertext[..], &x25519_public(self.seed)].concat();
        Ok((value, combine(&post_quantum, &x25519(self.seed, point)?)))
    }

    /// `K` as it is hashed, from the other side's value. For the hybrid method this is the client's part.
    pub fn complete(&self, value: &[u8]) -> Result<Vec<u8>, String> {
        Ok(match self.method {
            Method::Curve25519 => mpint(&x25519(self.seed, value)?),
            Method::Nistp256 => ecdh::<p256::NistP256>(&self.seed, value)?,
            Method::Nistp384 => ecdh::<p384::NistP384>(&self.seed, value)?,
            Method::Nistp521 => ecdh::<p521::NistP521>(&self.seed, value)?,
            Method::MlKem768X25519 => {
                let (ciphertext, point) = value.split_first_chunk::<CIPHERTEXT>().ok_or("too short")?;
                let post_quantum = self.decapsulation_key().decapsulate(&Ciphertext::from(*ciphertext));
                combine(&post_quantum, &x25519(self.seed, point)?)
            }
        })
    }

    fn decapsulation_key(&self) -> DecapsulationKey {
        let mut seed = [0; 64];
        seed[..32].copy_from_slice(&self.seed);
        DecapsulationKey::from_seed(seed.into())
    }
}

fn x25519_public(secret: [u8; 32]) -> [u8; 32] {
    MontgomeryPoint::mul_base_clamped(secret).to_bytes()
}

fn x25519(secret: [u8; 32], value: &[u8]) -> Result<[u8; 32], String> {
    let point = MontgomeryPoint(value.try_into().map_err(|_| format!("{} bytes", value.len()))?);
    Ok(point.mul_clamped(secret).to_bytes())
}

/// `K = SHA256(K_PQ ‖ K_CL)`, a string.
fn combine(post_quantum: &[u8], classical: &[u8]) -> Vec<u8> {
    string(Hash::Sha256.digest(&[post_quantum, classical]))
}

/// A scalar below every curve's order: its first byte is 0.
fn scalar<C: CurveArithmetic>(seed: &[u8; 32]) -> SecretKey<C> {
    let mut bytes = FieldBytes::<C>::default();
    bytes.iter_mut().skip(1).zip(seed.iter().cycle()).for_each(|(to, from)| *to = *from);
    SecretKey::from_bytes(&bytes).expect("a scalar that is not 0")
}

fn point<C>(seed: &[u8; 32]) -> Vec<u8>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    scalar::<C>(seed).public_key().to_uncompressed_point().to_vec()
}

fn ecdh<C>(seed: &[u8; 32], value: &[u8]) -> Result<Vec<u8>, String>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let theirs = PublicKey::<C>::from_sec1_bytes(value).map_err(|error| error.to_string())?;
    Ok(mpint(scalar::<C>(seed).diffie_hellman(&theirs).raw_secret_bytes()))
}

/// `HASH(K ‖ H ‖ letter ‖ session_id)`, prolonged until it is long enough (RFC 4253 §7.2).
pub fn derive(hash: Hash, k: &[u8], h: &[u8], letter: u8, session_id: &[u8], length: usize) -> Vec<u8> {
    let mut key = hash.digest(&[k, h, &[letter], session_id]);
    while key.len() < length {
        let more = hash.digest(&[k, h, &key]);
        key.extend(more);
    }
    key.truncate(length);
    key
}
