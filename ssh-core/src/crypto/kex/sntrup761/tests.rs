use super::codec::{decode_rounded, encode_small};
use super::*;
use crate::random::ChaChaRandom;
use alloc::vec;

/// A secret key as the specification writes it (`f`, `1/g`, public key, `ρ`, hash of the public key), a cipher text and
/// what is in it.
struct Vector {
    secret: SecretKey,
    ciphertext: Vec<u8>,
    shared: Vec<u8>,
}

impl Vector {
    fn parse(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let mut take = |length| {
            let (head, tail) = rest.split_at(length);
            rest = tail;
            head
        };
        let (short, inverse) = (decode_small(take(SMALL)), decode_small(take(SMALL)));
        let public_key = take(RQ).to_vec();
        let rejection = Zeroizing::new(take(SMALL).try_into().unwrap());
        assert_eq!(take(HASH), &hash(4, &public_key, &[])[..]);
        let secret = SecretKey { short, inverse, public_key, rejection };
        let vector = Self { secret, ciphertext: take(ROUNDED + HASH).to_vec(), shared: take(HASH).to_vec() };
        assert!(rest.is_empty());
        vector
    }
}

fn decode_small(bytes: &[u8]) -> Polynomial {
    let coefficients = bytes.iter().flat_map(|byte| (0..4).map(move |at| (byte >> (2 * at) & 3) as i16 - 1));
    let mut out = Zeroizing::new([0; P]);
    out.iter_mut().zip(coefficients).for_each(|(to, from)| *to = from);
    assert_eq!(encode_small(&out)[..], *bytes);
    out
}

/// The test vectors of draft-josefsson-ntruprime-streamlined-00, and two of the `sntrup` crate, whose second was refused.
fn vectors() -> [Vector; 4] {
    [
        include_bytes!("../../../../tests/data/sntrup761/draft0").as_slice(),
        include_bytes!("../../../../tests/data/sntrup761/draft1"),
        include_bytes!("../../../../tests/data/sntrup761/crate-genuine"),
        include_bytes!("../../../../tests/data/sntrup761/crate-refused"),
    ]
    .map(Vector::parse)
}

fn random(seed: u8) -> ChaChaRandom {
    ChaChaRandom::from_seed(&[seed; 32])
}

#[test]
fn published_vectors_of_decapsulation() {
    for Vector { secret, ciphertext, shared } in vectors() {
        assert_eq!(Sntrup761::decapsulate(&secret, &ciphertext).unwrap()[..], shared);
    }
}

/// The public key follows from `f` and `1/g`, and the cipher text from the input that is in it.
#[test]
fn published_vectors_of_generation_and_encapsulation() {
    for Vector { secret, ciphertext, shared } in vectors().into_iter().take(3) {
        let small = invert_3(&secret.inverse).unwrap();
        assert_eq!(public_key(&secret.short, &small).unwrap(), secret.public_key);
        let input = decrypt(&secret, &decode_rounded(&ciphertext[..ROUNDED]));
        let (again, encoded) = hide(&input, &secret.public_key);
        assert_eq!(again, ciphertext);
        assert_eq!(session(Choice::from(1), &encoded, &again)[..], shared);
    }
}

#[test]
fn both_sides_have_the_same_secret() {
    for seed in 0..8 {
        let (public_key, secret) = Sntrup761::generate(&mut random(seed)).unwrap();
        let (ciphertext, shared) = Sntrup761::encapsulate(&public_key, &mut random(seed + 100)).unwrap();
        assert_eq!((public_key.len(), ciphertext.len()), (Sntrup761::PUBLIC_KEY, Sntrup761::CIPHERTEXT));
        assert_eq!(Sntrup761::decapsulate(&secret, &ciphertext).unwrap(), shared);
    }
}

/// Any bit, in the polynomial or in its confirmation: the secret is a hash of `ρ` and the cipher text.
#[test]
fn a_changed_ciphertext_gives_a_secret_that_only_the_key_knows() {
    let (public_key, secret) = Sntrup761::generate(&mut random(1)).unwrap();
    let (ciphertext, shared) = Sntrup761::encapsulate(&public_key, &mut random(2)).unwrap();
    for at in [0, 1, 500, ROUNDED - 1, ROUNDED, ROUNDED + HASH - 1] {
        for bit in [0, 7] {
            let mut changed = ciphertext.clone();
            changed[at] ^= 1 << bit;
            let refused = Sntrup761::decapsulate(&secret, &changed).unwrap();
            assert_ne!(refused, shared);
            assert_eq!(refused, hash(0, &*hash(3, &*secret.rejection, &[]), &changed));
        }
    }
    for unlikely in [vec![0; ROUNDED + HASH], vec![0xff; ROUNDED + HASH]] {
        let refused = Sntrup761::decapsulate(&secret, &unlikely).unwrap();
        assert_eq!(refused, hash(0, &*hash(3, &*secret.rejection, &[]), &unlikely));
    }
}

/// Any bytes are a public key, 0 and numbers beyond the modulus included, and no key opens what was made for them.
#[test]
fn any_public_key_is_taken() {
    let (_, secret) = Sntrup761::generate(&mut random(1)).unwrap();
    for byte in [0, 1, 0x7f, 0xff] {
        let (ciphertext, shared) = Sntrup761::encapsulate(&[byte; RQ], &mut random(2)).unwrap();
        assert_ne!(Sntrup761::decapsulate(&secret, &ciphertext).unwrap(), shared);
    }
}

#[test]
fn other_lengths_are_refused() {
    let (_, secret) = Sntrup761::generate(&mut random(1)).unwrap();
    for length in [0, 1, RQ - 1, RQ + 1] {
        let refused = Sntrup761::encapsulate(&vec![0; length], &mut random(2)).map(|_| ());
        assert_eq!(refused, Err(KexError::MalformedPublicValue));
    }
    for length in [0, ROUNDED - 1, ROUNDED, ROUNDED + HASH - 1, ROUNDED + HASH + 1] {
        let refused = Sntrup761::decapsulate(&secret, &vec![0; length]).map(|_| ());
        assert_eq!(refused, Err(KexError::MalformedPublicValue));
    }
}

#[test]
fn short_polynomials_are_short_and_in_any_order() {
    let mut random = random(3);
    let mut counts = [[0; 3]; P];
    for _ in 0..300 {
        let short = random_short(&mut random).unwrap();
        assert_eq!(short.iter().filter(|&&coefficient| coefficient != 0).count(), W);
        for (count, &coefficient) in counts.iter_mut().zip(short.iter()) {
            count[(coefficient + 1) as usize] += 1;
        }
    }
    // 300 draws: 56 of each sign are expected and 187 zeros; these bounds are eight standard deviations away.
    for [minus, zero, plus] in counts {
        assert!(minus < 112 && plus < 112 && (119..255).contains(&zero), "{minus} {zero} {plus}");
        assert!(minus > 4 && plus > 4, "{minus} {plus}");
    }
}

#[test]
fn small_polynomials_have_all_three_coefficients_alike() {
    let small = random_small(&mut random(4)).unwrap();
    for value in -1..=1 {
        let count = small.iter().filter(|&&coefficient| coefficient == value).count();
        assert!((200..310).contains(&count), "{value}: {count}");
    }
}

/// A source whose numbers all stand for the coefficient 0 gives no polynomial with a reciprocal: the search ends.
#[test]
fn a_source_that_is_stuck_ends() {
    struct Stuck;
    impl SecureRandom for Stuck {
        fn fill(&mut self, destination: &mut [u8]) -> Result<(), RandomError> {
            destination.fill(0x56);
            Ok(())
        }
    }
    assert_eq!(Sntrup761::generate(&mut Stuck).err(), Some(KexError::Random(RandomError)));
}

#[test]
fn remainders_are_exact_as_far_as_they_say() {
    for number in -11_000_000..=11_000_000_i32 {
        let expected = (number + 2295).rem_euclid(4591) - 2295;
        assert_eq!(i32::from(mod_q(number)), expected, "{number}");
    }
    for number in -16_000..=16_000_i32 {
        assert_eq!(i32::from(mod_3(number)), (number + 1).rem_euclid(3) - 1, "{number}");
    }
}

#[test]
fn reciprocals_multiply_to_one() {
    let mut one = [0; P];
    one[0] = 1;
    for seed in 0..4 {
        let (small, inverse) = invertible(&mut random(seed)).unwrap();
        assert_eq!(*multiply_3(&small, &inverse), one);
        let short = random_short(&mut random(seed)).unwrap();
        let reciprocal = invert_q(&short).unwrap();
        assert_eq!(*multiply_q(&short, &reciprocal), one);
    }
    assert!(invert_3(&[0; P]).is_none() && invert_q(&[0; P]).is_none());
}

#[test]
fn sorting_sorts_any_length() {
    let mut bytes = [0; 4];
    let mut random = random(5);
    for length in (0..40).chain([255, 256, 257, 761]) {
        let mut numbers: Vec<u32> = (0..length)
            .map(|_| {
                random.fill_bytes(&mut bytes);
                u32::from_le_bytes(bytes) >> (length % 32)
            })
            .collect();
        let mut expected = numbers.clone();
        expected.sort_unstable();
        sort(&mut numbers);
        assert_eq!(numbers, expected);
    }
}

/// The extremes and a mixture: what is encoded is decoded.
#[test]
fn polynomials_survive_their_encoding() {
    let (low, high) = ([-2295; P], [2295; P]);
    let mixed = core::array::from_fn(|at| ((at * 37) % 4591) as i16 - 2295);
    for polynomial in [low, high, mixed, [0; P]] {
        assert_eq!(*decode_rq(&encode_rq(&polynomial)), polynomial);
        let rounded = round(&polynomial);
        assert_eq!(*decode_rounded(&encode_rounded(&rounded)), *rounded);
    }
}
