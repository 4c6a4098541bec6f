//! What OpenSSL wrote before PKCS#8, and what is inside of it: PKCS#1, SEC 1 and a list of numbers for DSA.

use alloc::string::ToString;
use alloc::vec::Vec;

#[cfg(feature = "legacy")]
use der::asn1::UintRef;
use der::{Decode, Encode};
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::{KeyFileError, Label, PrivateKey, Secret, invalid, malformed, not_in_format, oid};
#[cfg(feature = "legacy")]
use crate::crypto::signature::DsaPrivateKey;
use crate::crypto::signature::{Curve, EcdsaPrivateKey};
#[cfg(feature = "rsa")]
use crate::crypto::signature::{RsaComponents, RsaPrivateKey};

/// PKCS#1's `RSAPrivateKey`. The exponents and the coefficient of the CRT are not taken from it but computed anew.
#[cfg(feature = "rsa")]
pub(super) fn read_rsa(der: &[u8]) -> Result<Secret, KeyFileError> {
    let key = pkcs1::RsaPrivateKeyRef::from_der(der).map_err(malformed)?;
    if key.other_prime_infos.is_some() {
        return Err(invalid("ssh-rsa"));
    }
    let secret = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
    let components = RsaComponents {
        n: key.modulus.as_bytes().to_vec(),
        e: key.public_exponent.as_bytes().to_vec(),
        d: secret(key.private_exponent.as_bytes()),
        iqmp: secret(key.coefficient.as_bytes()),
        p: secret(key.prime1.as_bytes()),
        q: secret(key.prime2.as_bytes()),
    };
    RsaPrivateKey::from_components(&components).map(Secret::Rsa).map_err(|_| invalid("ssh-rsa"))
}

#[cfg(not(feature = "rsa"))]
pub(super) fn read_rsa(_der: &[u8]) -> Result<Secret, KeyFileError> {
    Err(KeyFileError::UnsupportedKeyType { name: "ssh-rsa".into() })
}

/// SEC 1's `ECPrivateKey`. The curve stands in it or around it; if both, they must agree.
pub(super) fn read_ec(der: &[u8], curve: Option<Curve>) -> Result<Secret, KeyFileError> {
    let key = EcPrivateKey::from_der(der).map_err(malformed)?;
    let inside = key.parameters.and_then(EcParameters::named_curve);
    let curve = match (inside, curve) {
        (None, None) => return Err(malformed(())),
        (None, Some(curve)) => curve,
        (Some(named), around) => {
            let named =
                oid::curve(named).ok_or_else(|| KeyFileError::UnsupportedKeyType { name: named.to_string() })?;
            if around.is_some_and(|around| around != named) {
                return Err(invalid(named.key_type()));
            }
            named
        }
    };
    let scalar = Zeroizing::new(key.private_key.to_vec());
    let leading = scalar.len().saturating_sub(curve.field_length());
    let (zeros, scalar) = scalar.split_at_checked(leading).unwrap_or_default();
    let private = EcdsaPrivateKey::from_scalar(curve, scalar).filter(|_| zeros.iter().all(|&byte| byte == 0));
    let private = private.ok_or_else(|| invalid(curve.key_type()))?;
    if key.public_key.is_some_and(|point| !is_point(point, &private.public_point())) {
        return Err(KeyFileError::PublicMismatch);
    }
    Ok(Secret::Ecdsa(private))
}

/// Whether `point`, compressed or not (SEC 1 §2.3.3), is the uncompressed `expected`.
fn is_point(point: &[u8], expected: &[u8]) -> bool {
    let (Some((&form, x)), Some((_, coordinates))) = (point.split_first(), expected.split_first()) else {
        return false;
    };
    let (expected_x, _) = coordinates.split_at_checked(coordinates.len() / 2).unwrap_or_default();
    let odd = expected.last().is_some_and(|last| last & 1 == 1);
    match form {
        4 => point == expected,
        2 | 3 => x == expected_x && (form == 3) == odd,
        _ => false,
    }
}

/// OpenSSL's DSA key: version, p, q, g, y, x.
#[cfg(feature = "legacy")]
pub(super) fn read_dsa(der: &[u8]) -> Result<Secret, KeyFileError> {
    let numbers = Vec::<UintRef<'_>>::from_der(der).map_err(malformed)?;
    let [version, p, q, g, y, x] = numbers.as_slice() else { return Err(malformed(())) };
    if version.as_bytes() != [0] {
        return Err(malformed(()));
    }
    let [p, q, g, y, x] = [p, q, g, y, x].map(|number| number.as_bytes());
    let key = DsaPrivateKey::from_numbers(p, q, g, x).map_err(|_| invalid("ssh-dss"))?;
    let [_, _, _, own, _] = dsa_numbers(&key)?;
    if *own == y { Ok(Secret::Dsa(key)) } else { Err(KeyFileError::PublicMismatch) }
}

#[cfg(not(feature = "legacy"))]
pub(super) fn read_dsa(_der: &[u8]) -> Result<Secret, KeyFileError> {
    Err(KeyFileError::UnsupportedKeyType { name: "ssh-dss".into() })
}

/// p, q, g, y and x.
#[cfg(feature = "legacy")]
pub(super) fn dsa_numbers(key: &DsaPrivateKey) -> Result<[Zeroizing<Vec<u8>>; 5], KeyFileError> {
    let mut written = Zeroizing::new(Vec::with_capacity(512));
    key.write(&mut crate::wire::Writer::new(&mut written));
    let mut reader = crate::wire::Reader::new(&written);
    let mut next = || reader.mpint().map(|number| Zeroizing::new(number.magnitude().to_vec()));
    Ok([next()?, next()?, next()?, next()?, next()?])
}

/// The label and the content of a key's block.
pub(super) fn write(key: &PrivateKey) -> Result<(Label, Zeroizing<Vec<u8>>), KeyFileError> {
    match &key.secret {
        Secret::Ecdsa(private) => Ok((Label::Ec, write_ec(private, true)?)),
        #[cfg(feature = "rsa")]
        Secret::Rsa(private) => Ok((Label::Rsa, write_rsa(private)?)),
        #[cfg(feature = "legacy")]
        Secret::Dsa(private) => {
            let [p, q, g, y, x] = dsa_numbers(private)?;
            Ok((Label::Dsa, numbers(&[&[0], &p, &q, &g, &y, &x])?))
        }
        _ => Err(not_in_format(key, "PEM")),
    }
}

pub(super) fn write_ec(key: &EcdsaPrivateKey, with_curve: bool) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let (scalar, point) = (key.scalar(), key.public_point());
    let parameters = with_curve.then(|| EcParameters::NamedCurve(oid::of_curve(key.curve())));
    let key = EcPrivateKey { private_key: &scalar, parameters, public_key: Some(&point) };
    key.to_der().map(Zeroizing::new).map_err(malformed)
}

#[cfg(feature = "rsa")]
pub(super) fn write_rsa(key: &RsaPrivateKey) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    use der::asn1::UintRef;
    let RsaComponents { n, e, d, iqmp, p, q } = key.components();
    let [dp, dq] = key.crt_exponents();
    let uint = |bytes| UintRef::new(bytes).map_err(malformed);
    let key = pkcs1::RsaPrivateKey {
        modulus: uint(&n)?,
        public_exponent: uint(&e)?,
        private_exponent: uint(&d)?,
        prime1: uint(&p)?,
        prime2: uint(&q)?,
        exponent1: uint(&dp)?,
        exponent2: uint(&dq)?,
        coefficient: uint(&iqmp)?,
        other_prime_infos: None,
    };
    key.to_der().map(Zeroizing::new).map_err(malformed)
}

/// A sequence of numbers.
#[cfg(feature = "legacy")]
pub(super) fn numbers(magnitudes: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let numbers = magnitudes.iter().map(|number| UintRef::new(number)).collect::<Result<Vec<_>, _>>();
    numbers.and_then(|numbers| numbers.to_der()).map(Zeroizing::new).map_err(malformed)
}
