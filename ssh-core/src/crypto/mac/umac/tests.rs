use super::*;
use alloc::{format, string::String, vec};
use proptest::prelude::*;

const KEY: &[u8; 16] = b"abcdefghijklmnop";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn tag<const WORDS: usize>(key: &[u8], nonce: u64, message: &[u8]) -> String {
    hex(&Keys::<WORDS>::new(key).unwrap().tag(nonce, message))
}

/// RFC 4418, appendix; the last four bytes of the longer tags are Nettle's, for the RFC stops at UMAC-96.
#[test]
fn rfc_4418() {
    let nonce = u64::from_be_bytes(*b"bcdefghi");
    let a = |length| vec![b'a'; length];
    for (message, short, long) in [
        (vec![], "6e155fad26900be1", "32fedb100c79ad58f07ff7643cc60465"),
        (a(3), "44b5cb542f220104", "185e4fe905cba7bd85e4c2dc3d117d8d"),
        (a(1 << 10), "26bf2f5d60118bd9", "7a54abe04af82d60fb298c3cbd195bcb"),
        (a(1 << 15), "27f8ef643b0d118d", "7b136bd911e4b734286ef2be501f2c3c"),
        (a(1 << 20), "a4477e87e9f55853", "f8acfa3ac31cfeea047f7b115b03bef5"),
        (b"abc".to_vec(), "d4d7b9f6bd4fbfcf", "883c3d4b97a61976ffcf232308cba5a5"),
        (b"abc".repeat(500), "d4cf26ddefd5c01a", "8824a260c53c66a36c9260a62cb83aa1"),
    ] {
        assert_eq!(tag::<2>(KEY, nonce, &message), short, "{}", message.len());
        assert_eq!(tag::<4>(KEY, nonce, &message), long, "{}", message.len());
    }
}

/// Computed with Nettle: the sequence number is the nonce, and its lowest bit takes one half of a block or the other.
#[test]
fn sequence_numbers() {
    let data: Vec<u8> = (0..5000).map(|n| (n * 7 + 3) as u8).collect();
    for (number, short, long) in [
        (0, "e808911fa384b0f9", "e808911fa384b0f9a9f6e926ba48c8ff"),
        (1, "2568a04df4f0726d", "da9b07a8419141dccc1058c0d2a7e83f"),
        (0x8000_0007, "56c5684987278296", "9892581d25248a0b49247ad2d7a0273f"),
        (u32::MAX, "7e7c8b58891f4d3d", "1e4fb245f79538641a5e4dae49682e46"),
    ] {
        for (mac, expected) in [(UMAC_64, short), (UMAC_64_ETM, short), (UMAC_128, long), (UMAC_128_ETM, long)] {
            let mut keyed = mac.keyed(KEY);
            let mut tag = vec![0; mac.tag_length()];
            keyed.sign(number, &data, &mut tag);
            assert_eq!(hex(&tag), expected, "{}", mac.name());
            assert!(keyed.verify(number, &data, &tag));
            assert!(!keyed.verify(number ^ 1, &data, &tag));
            assert!(!keyed.verify(number, &data[1..], &tag));
            assert!(!keyed.verify(number, &data, &tag[1..]) && !keyed.verify(number, &data, &[]));
        }
    }
}

/// A key of another length, or a message that is too long, has no tag that verifies.
#[test]
fn what_has_no_tag() {
    for key in [&KEY[1..], &[0; 17], &[]] {
        let mut keyed = UMAC_64.keyed(key);
        let mut tag = [7; 8];
        keyed.sign(0, b"data", &mut tag);
        assert_eq!(tag, [7; 8]);
        assert!(!keyed.verify(0, b"data", &tag) && !keyed.verify(0, b"data", &[]));
    }
    let mut keyed = UMAC_64.keyed(KEY);
    let (longest, mut tag) = (vec![0; MAX_MESSAGE + 1], [0; 8]);
    keyed.sign(0, &longest[1..], &mut tag);
    assert!(keyed.verify(0, &longest[1..], &tag));
    keyed.sign(0, &longest, &mut tag);
    assert!(!keyed.verify(0, &longest, &tag));
}

/// RFC 4418 word for word, with numbers of any size and no regard to time.
mod plain {
    use super::*;

    fn kdf(key: &[u8], index: u8, length: usize) -> Vec<u8> {
        let aes = Aes128Enc::new_from_slice(key).unwrap();
        let block = |counter: usize| {
            let mut block = [0; 16];
            (block[7], block[14], block[15]) = (index, (counter >> 8) as u8, counter as u8);
            let mut block = block.into();
            aes.encrypt_block(&mut block);
            <[u8; 16]>::from(block)
        };
        (1..).flat_map(block).take(length).collect()
    }

    fn number(bytes: &[u8]) -> u128 {
        bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
    }

    /// `a × b + c` modulo `p`, by doubling.
    pub(super) fn multiply_add(a: u128, b: u128, c: u128, p: u128) -> u128 {
        let product = (0..128).rev().fold(0, |sum, bit| (sum * 2 + if a >> bit & 1 == 1 { b % p } else { 0 }) % p);
        (product + c) % p
    }

    pub(super) const P64: u128 = (1 << 64) - 59;
    const P36: u128 = (1 << 36) - 5;

    fn l1(key: &[u8], message: &[u8]) -> Vec<u8> {
        let blocks = if message.is_empty() { vec![message] } else { message.chunks(1024).collect() };
        let nh = |block: &[u8]| {
            let mut padded = block.to_vec();
            padded.resize(block.len().max(1).next_multiple_of(32), 0);
            let word = |n: usize| {
                let swapped: Vec<u8> = padded[4 * n..4 * n + 4].iter().rev().copied().collect();
                (number(&swapped) + number(&key[4 * n..4 * n + 4])) % (1 << 32)
            };
            let products = (0..padded.len() / 4).filter(|n| n % 8 < 4).map(|n| word(n) * word(n + 4) % (1 << 64));
            ((products.sum::<u128>() + block.len() as u128 * 8) % (1 << 64)) as u64
        };
        blocks.into_iter().flat_map(|block| nh(block).to_be_bytes()).collect()
    }

    pub(super) fn polynomial(key: u128, words: impl Iterator<Item = u128>) -> u128 {
        words.fold(1, |sum, word| {
            if word >= (1 << 64) - (1 << 32) {
                let marked = multiply_add(key, sum, P64 - 1, P64);
                multiply_add(key, marked, word - 59, P64)
            } else {
                multiply_add(key, sum, word, P64)
            }
        })
    }

    fn l2(key: &[u8], message_length: usize, hashed: &[u8]) -> Vec<u8> {
        if message_length <= 1024 {
            return [&[0; 8], hashed].concat();
        }
        polynomial(number(&key[..8]) & 0x01ff_ffff_01ff_ffff, hashed.chunks(8).map(number)).to_be_bytes().to_vec()
    }

    fn l3(key: &[u8], mask: &[u8], hashed: &[u8]) -> u32 {
        let products = (0..8).map(|n| number(&hashed[2 * n..2 * n + 2]) * (number(&key[8 * n..8 * n + 8]) % P36));
        (products.sum::<u128>() % P36) as u32 ^ number(mask) as u32
    }

    pub(super) fn tag(key: &[u8], nonce: u64, message: &[u8], words: usize) -> Vec<u8> {
        let l1_keys = kdf(key, 1, 1024 + (words - 1) * 16);
        let (l2_keys, l3_keys, masks) = (kdf(key, 2, 24 * words), kdf(key, 3, 64 * words), kdf(key, 4, 4 * words));
        let hash = (0..words).flat_map(|n| {
            let hashed = l2(&l2_keys[24 * n..], message.len(), &l1(&l1_keys[16 * n..], message));
            l3(&l3_keys[64 * n..], &masks[4 * n..4 * n + 4], &hashed).to_be_bytes()
        });
        let per_block = 4 / words as u64;
        let aes = Aes128Enc::new_from_slice(&kdf(key, 0, 16)).unwrap();
        let mut block = (u128::from(nonce - nonce % per_block) << 64).to_be_bytes().into();
        aes.encrypt_block(&mut block);
        let skipped = 4 * words * (nonce % per_block) as usize;
        hash.zip(&block[skipped..]).map(|(hash, pad)| hash ^ pad).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Messages with long runs of ones reach the words that the polynomial takes in two.
    #[test]
    fn as_the_rfc_has_it(
        key: [u8; 16],
        nonce: u64,
        seed: u8,
        length in prop_oneof![0..100_usize, 1000..1100_usize, 2000..5000_usize],
    ) {
        let message: Vec<u8> = (0..length).map(|n| seed.wrapping_mul(n as u8) | seed).collect();
        prop_assert_eq!(tag::<2>(&key, nonce, &message), hex(&plain::tag(&key, nonce, &message, 2)));
        prop_assert_eq!(tag::<4>(&key, nonce, &message), hex(&plain::tag(&key, nonce, &message, 4)));
    }

    #[test]
    fn polynomials(key: u64, words in prop::collection::vec(prop_oneof![any::<u64>(), TOO_LARGE - 3.., ..70_u64], 1..9)) {
        let key = key & 0x01ff_ffff_01ff_ffff;
        let expected = plain::polynomial(u128::from(key), words.iter().map(|word| u128::from(*word)));
        let sum = words.iter().fold(1, |sum, word| polynomial_step(key, sum, *word));
        prop_assert_eq!(u128::from(sum), expected);
        for number in [u128::from(sum), u128::from(u64::MAX), plain::P64, plain::P64 - 1, plain::P64 << 56, 1 << 120] {
            prop_assert_eq!(u128::from(reduce(number)), number % plain::P64);
        }
    }
}
