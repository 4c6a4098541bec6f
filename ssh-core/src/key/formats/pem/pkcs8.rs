//! PKCS#8's `PrivateKeyInfo` (RFC 5958) around RSA (RFC 8017), EC (RFC 5915), DSA (RFC 3279) and Ed25519 (RFC 8410).

use alloc::string::ToString;
use alloc::vec::Vec;

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode};
use pkcs8::PrivateKeyInfoRef;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::{KeyFileError, PrivateKey, Secret, malformed, oid, traditional};
use crate::crypto::signature::Ed25519PrivateKey;

pub(super) fn read(der: &[u8]) -> Result<Secret, KeyFileError> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(malformed)?;
    let content = info.private_key.as_bytes();
    match info.algorithm.oid {
        oid::RSA => traditional::read_rsa(content),
        oid::EC => {
            let curve = info.algorithm.parameters_oid().map_err(malformed)?;
            let known = oid::curve(curve);
            let curve = known.ok_or_else(|| KeyFileError::UnsupportedKeyType { name: curve.to_string() })?;
            traditional::read_ec(content, Some(curve))
        }
        oid::ED25519 => {
            let seed = <&OctetStringRef>::from_der(content).map_err(malformed)?.as_bytes();
            let key = Ed25519PrivateKey::from_seed(seed.try_into().map_err(malformed)?);
            let stored = info.public_key.map(|public| public.raw_bytes());
            if stored.is_some_and(|stored| stored != key.public_bytes()) {
                return Err(KeyFileError::PublicMismatch);
            }
            Ok(Secret::Ed25519(key))
        }
        oid::DSA => read_dsa(info.algorithm.parameters_any().map_err(malformed)?, content),
        other => Err(KeyFileError::UnsupportedKeyType { name: other.to_string() }),
    }
}

#[cfg(feature = "legacy")]
fn read_dsa(parameters: AnyRef<'_>, content: &[u8]) -> Result<Secret, KeyFileError> {
    use crate::crypto::signature::DsaPrivateKey;
    use der::asn1::UintRef;
    let parameters = parameters.decode_as::<Vec<UintRef<'_>>>().map_err(malformed)?;
    let [p, q, g] = parameters.as_slice() else { return Err(malformed(())) };
    let x = UintRef::from_der(content).map_err(malformed)?;
    let key = DsaPrivateKey::from_numbers(p.as_bytes(), q.as_bytes(), g.as_bytes(), x.as_bytes());
    key.map(Secret::Dsa).map_err(|_| super::invalid("ssh-dss"))
}

#[cfg(not(feature = "legacy"))]
fn read_dsa(_parameters: AnyRef<'_>, _content: &[u8]) -> Result<Secret, KeyFileError> {
    Err(KeyFileError::UnsupportedKeyType { name: "ssh-dss".into() })
}

pub(super) fn write(key: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    match &key.secret {
        Secret::Ed25519(private) => {
            let seed = private.seed();
            let content = OctetStringRef::new(&*seed).and_then(|seed| seed.to_der()).map_err(malformed)?;
            info(oid::ED25519, None, &Zeroizing::new(content))
        }
        Secret::Ecdsa(private) => {
            let curve = oid::of_curve(private.curve());
            info(oid::EC, Some(AnyRef::from(&curve)), &traditional::write_ec(private, false)?)
        }
        #[cfg(feature = "rsa")]
        Secret::Rsa(private) => info(oid::RSA, Some(AnyRef::NULL), &traditional::write_rsa(private)?),
        #[cfg(feature = "legacy")]
        Secret::Dsa(private) => {
            let [p, q, g, _, x] = traditional::dsa_numbers(private)?;
            let parameters = traditional::numbers(&[&p, &q, &g])?;
            let content = der::asn1::UintRef::new(&x).and_then(|x| x.to_der()).map_err(malformed)?;
            let parameters = AnyRef::from_der(&parameters).map_err(malformed)?;
            info(oid::DSA, Some(parameters), &Zeroizing::new(content))
        }
        #[cfg(feature = "pq")]
        Secret::MlDsa44Ed25519(_) => Err(super::not_in_format(key, "PKCS#8")),
    }
}

fn info(
    oid: ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    content: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let content = OctetStringRef::new(content).map_err(malformed)?;
    let info = PrivateKeyInfoRef::new(AlgorithmIdentifierRef { oid, parameters }, content);
    info.to_der().map(Zeroizing::new).map_err(malformed)
}
