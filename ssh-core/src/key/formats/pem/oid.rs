//! The object identifiers of keys and ciphers.

use der::asn1::ObjectIdentifier;

use crate::crypto::signature::Curve;

pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
pub(super) const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");

/// Triple DES, the only cipher beside AES that keys are met with.
pub(super) const DES_EDE3_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");

const NISTP256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const NISTP384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const NISTP521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The identifier of a curve (RFC 5480 §2.1.1.1).
pub(super) const fn of_curve(curve: Curve) -> ObjectIdentifier {
    match curve {
        Curve::Nistp256 => NISTP256,
        Curve::Nistp384 => NISTP384,
        Curve::Nistp521 => NISTP521,
    }
}

/// The curve with an identifier.
pub(super) fn curve(oid: ObjectIdentifier) -> Option<Curve> {
    [Curve::Nistp256, Curve::Nistp384, Curve::Nistp521].into_iter().find(|&curve| of_curve(curve) == oid)
}
