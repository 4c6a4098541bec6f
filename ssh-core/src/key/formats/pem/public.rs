//! Public keys as OpenSSL writes them: `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7), which PKCS#8's users call by its name
//! too, and PKCS#1's `RSAPublicKey`.

use alloc::string::ToString;
use alloc::vec::Vec;

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode, Encode};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use super::oid;
use crate::crypto::signature::Curve;
use crate::key::{KeyError, PublicKey};
use crate::wire::{DecodeError, Mpint, Reader, Writer};

const SPKI: &str = "PUBLIC KEY";
const PKCS1: &str = "RSA PUBLIC KEY";

/// Reads the content of a block with this label.
pub(in super::super) fn read(label: &str, der: &[u8]) -> Result<PublicKey, KeyError> {
    match label {
        SPKI => read_spki(der),
        PKCS1 => read_rsa(der),
        _ => Err(KeyError::UnsupportedFormat { label: label.into() }),
    }
}

fn read_spki(der: &[u8]) -> Result<PublicKey, KeyError> {
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(malformed)?;
    let content = info.subject_public_key.as_bytes().ok_or_else(|| malformed(()))?;
    match info.algorithm.oid {
        oid::RSA => read_rsa(content),
        oid::EC => {
            let curve = info.algorithm.parameters_oid().map_err(malformed)?;
            let curve = oid::curve(curve).ok_or_else(|| KeyError::UnsupportedFormat { label: curve.to_string() })?;
            from_fields(curve.key_type(), |writer| {
                writer.string(curve.identifier().as_bytes());
                writer.string(content);
            })
        }
        oid::ED25519 => from_fields("ssh-ed25519", |writer| writer.string(content)),
        oid::DSA => {
            let parameters = info.algorithm.parameters_any().map_err(malformed)?;
            let mut numbers = parameters.decode_as::<Vec<UintRef<'_>>>().map_err(malformed)?;
            numbers.push(UintRef::from_der(content).map_err(malformed)?);
            from_fields("ssh-dss", |writer| {
                numbers.iter().for_each(|number| writer.mpint(Mpint::from_magnitude(number.as_bytes())));
            })
        }
        other => Err(KeyError::UnsupportedFormat { label: other.to_string() }),
    }
}

fn read_rsa(der: &[u8]) -> Result<PublicKey, KeyError> {
    let key = pkcs1::RsaPublicKeyRef::from_der(der).map_err(malformed)?;
    from_fields("ssh-rsa", |writer| {
        writer.mpint(Mpint::from_magnitude(key.public_exponent.as_bytes()));
        writer.mpint(Mpint::from_magnitude(key.modulus.as_bytes()));
    })
}

fn from_fields(key_type: &str, fields: impl FnOnce(&mut Writer<'_>)) -> Result<PublicKey, KeyError> {
    let mut blob = Vec::new();
    let mut writer = Writer::new(&mut blob);
    writer.string(key_type.as_bytes());
    fields(&mut writer);
    PublicKey::from_blob(&blob)
}

/// The label and the content of `SubjectPublicKeyInfo`.
pub(in super::super) fn write_pkcs8(key: &PublicKey) -> Result<(&'static str, Vec<u8>), KeyError> {
    let mut reader = Reader::new(key.blob());
    let key_type = reader.string().map_err(KeyError::Malformed)?;
    let der = match key_type {
        b"ssh-ed25519" => spki(oid::ED25519, None, reader.string().map_err(KeyError::Malformed)?)?,
        b"ssh-rsa" => spki(oid::RSA, Some(AnyRef::NULL), &write_rsa(&mut reader)?)?,
        b"ssh-dss" => {
            let mut number = || reader.mpint().map(Mpint::magnitude).map_err(KeyError::Malformed);
            let (parameters, y) = ([number()?, number()?, number()?], number()?);
            let parameters = parameters.map(UintRef::new).into_iter().collect::<Result<Vec<_>, _>>();
            let parameters = parameters.and_then(|parameters| parameters.to_der()).map_err(malformed)?;
            let y = UintRef::new(y).and_then(|y| y.to_der()).map_err(malformed)?;
            spki(oid::DSA, Some(AnyRef::from_der(&parameters).map_err(malformed)?), &y)?
        }
        other => {
            let curve = Curve::by_key_type(other);
            let curve =
                curve.ok_or_else(|| KeyError::NotInFormat { key_type: key.key_type().into(), format: "PKCS#8" })?;
            let point = reader.string().and_then(|_| reader.string()).map_err(KeyError::Malformed)?;
            spki(oid::EC, Some(AnyRef::from(&oid::of_curve(curve))), point)?
        }
    };
    Ok((SPKI, der))
}

/// The label and the content of what `ssh-keygen -m PEM` writes: PKCS#1 for RSA, the other form for other keys.
pub(in super::super) fn write_pkcs1(key: &PublicKey) -> Result<(&'static str, Vec<u8>), KeyError> {
    let mut reader = Reader::new(key.blob());
    match reader.string() {
        Ok(b"ssh-rsa") => Ok((PKCS1, write_rsa(&mut reader)?)),
        _ => write_pkcs8(key),
    }
}

fn write_rsa(reader: &mut Reader<'_>) -> Result<Vec<u8>, KeyError> {
    let mut number = || reader.mpint().map(Mpint::magnitude).map_err(KeyError::Malformed);
    let (e, n) = (number()?, number()?);
    let uint = |magnitude| UintRef::new(magnitude).map_err(malformed);
    let key = pkcs1::RsaPublicKey { modulus: uint(n)?, public_exponent: uint(e)? };
    key.to_der().map_err(malformed)
}

fn spki(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, content: &[u8]) -> Result<Vec<u8>, KeyError> {
    let subject_public_key = BitStringRef::from_bytes(content).map_err(malformed)?;
    let info = SubjectPublicKeyInfoRef { algorithm: AlgorithmIdentifierRef { oid, parameters }, subject_public_key };
    info.to_der().map_err(malformed)
}

fn malformed<E>(_: E) -> KeyError {
    KeyError::Malformed(DecodeError::InvalidValue)
}
