use super::*;
use alloc::{vec, vec::Vec};
use hex_literal::hex;
use proptest::prelude::*;

const MAX: usize = 256 * 1024;

fn level(level: u8) -> CompressionLevel {
    CompressionLevel::new(level).unwrap()
}

fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ZLIB.compressor(level(6)).unwrap().compress(payload, &mut out);
    out
}

fn inflated(data: &[u8], max: usize) -> Result<Vec<u8>, DecompressError> {
    let mut out = Vec::new();
    ZLIB.decompressor().unwrap().decompress(data, &mut out, max).map(|()| out)
}

/// Bytes that nothing makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(next).collect()
}

#[test]
fn levels() {
    assert_eq!(CompressionLevel::default().get(), 6);
    assert_eq!((0..=255).filter_map(CompressionLevel::new).map(CompressionLevel::get).max(), Some(9));
    assert!(CompressionLevel::new(0).is_none() && CompressionLevel::new(10).is_none());
    assert!(!ZLIB.waits_for_authentication() && ZLIB_OPENSSH.waits_for_authentication());
    let text = b"Compression methods are negotiated, one for each direction. ".repeat(50);
    let lengths: Vec<usize> = (1..=9)
        .map(|n| {
            let mut out = Vec::new();
            ZLIB.compressor(level(n)).unwrap().compress(&text, &mut out);
            out.len()
        })
        .collect();
    assert!(lengths.iter().all(|length| *length < text.len() / 10), "{lengths:?}");
    assert!(lengths[8] <= lengths[0], "{lengths:?}");
}

/// What zlib itself makes of two payloads at level 6, with Z_PARTIAL_FLUSH, and with Z_SYNC_FLUSH, which some peers use.
#[test]
fn streams_of_zlib() {
    let partial = [
        &hex!("789c0a0ef688f70d768ff774f7f30f72d551c82f5228cf482c492d4b2d0208")[..],
        &hex!("a060dc520a99250a99c50001"),
    ];
    let sync = [
        &hex!("789c0a0ef688f70d768ff774f7f30f72d551c82f5228cf482c492d4b2d02000000ffff")[..],
        &hex!("0ac62da59059a290590c000000ffff"),
    ];
    for packets in [partial, sync] {
        let mut decompressor = ZLIB.decompressor().unwrap();
        for (packet, payload) in
            packets.into_iter().zip(["SSH_MSG_IGNORE, or whatever", "SSH_MSG_IGNORE, or whatever it is"])
        {
            let mut out = Vec::new();
            decompressor.decompress(packet, &mut out, payload.len()).unwrap();
            assert_eq!(out, payload.as_bytes());
        }
    }
}

#[test]
fn one_stream_for_all_packets() {
    for (method, n) in [(ZLIB, 1), (ZLIB, 6), (ZLIB_OPENSSH, 9)] {
        let mut compressor = method.compressor(level(n)).unwrap();
        let mut decompressor = method.decompressor().unwrap();
        let text = b"the same words again ".repeat(200);
        let payloads = [&b"\x05"[..], &text, &text, &noise(40_000), &[0; 100_000], &noise(255 * 1024), &[7; 1], &text];
        let mut lengths = Vec::new();
        for payload in payloads {
            let (mut packet, mut out) = (Vec::new(), Vec::new());
            compressor.compress(payload, &mut packet);
            decompressor.decompress(&packet, &mut out, MAX).unwrap();
            assert_eq!(out, payload, "{} {n}", method.name());
            assert!(packet.len() <= payload.len() + payload.len() / 1000 + 64, "{}", packet.len());
            lengths.push(packet.len());
        }
        assert!(lengths[2] < lengths[1], "the window goes on: {lengths:?}");
    }
}

#[test]
fn as_much_as_may_be_and_a_byte_more() {
    for length in [1, 2, 4095, 4096, 4097, 32 * 1024, 35_000, MAX - 1, MAX] {
        for payload in [vec![0; length], noise(length)] {
            let data = deflated(&payload);
            assert_eq!(inflated(&data, length), Ok(payload.clone()), "{length}");
            assert_eq!(inflated(&data, MAX + 1), Ok(payload), "{length}");
            assert_eq!(inflated(&data, length - 1), Err(DecompressError::TooLong), "{length}");
        }
    }
}

/// 256 KiB become 256 MiB: no more is made of it than may be.
#[test]
fn bombs() {
    let data = deflated(&vec![0; 64 << 20]);
    assert!(data.len() < 80 * 1024, "{}", data.len());
    for max in [1, 5000, 35_000, MAX] {
        let mut out = Vec::new();
        let result = ZLIB.decompressor().unwrap().decompress(&data, &mut out, max);
        assert_eq!(result, Err(DecompressError::TooLong));
        assert!(out.len() <= max && out.capacity() <= max, "{}", out.capacity());
    }
}

#[test]
fn what_is_no_stream() {
    let good = deflated(b"payload");
    for bad in [&b"\x79\x9c"[..], b"\x78\x9d", b"\x78\x9c\xff", b"\x78\x9c\x07", &[&good[..], &noise(20_000)].concat()]
    {
        assert_eq!(inflated(bad, MAX), Err(DecompressError::Malformed), "{bad:?}");
    }
    // A stream that ends, RFC 1950 with its checksum.
    let ended = miniz_oxide::deflate::compress_to_vec_zlib(b"payload", 6);
    assert_eq!(inflated(&ended, MAX), Err(DecompressError::Malformed));
    // No block yet, or only empty ones, is no error of the stream: there is just no payload.
    assert_eq!(inflated(b"", MAX), Ok(vec![]));
    assert_eq!(inflated(b"\x78\x9c", MAX), Ok(vec![]));
    assert_eq!(inflated(&[&b"\x78\x9c"[..], &b"\0\0\0\xff\xff".repeat(1000)].concat(), MAX), Ok(vec![]));
    // Once broken, it stays so.
    let mut decompressor = ZLIB.decompressor().unwrap();
    assert!(decompressor.decompress(b"\x79\x9c", &mut Vec::new(), MAX).is_err());
    assert!(decompressor.decompress(&good, &mut Vec::new(), MAX).is_err());
}

/// What a peer says before it has seen USERAUTH_SUCCESS comes as it is, and only until the stream begins.
#[test]
fn plain_until_the_stream_begins() {
    let mut decompressor = ZLIB_OPENSSH.decompressor().unwrap();
    let mut decompress = |data: &[u8], max| {
        let mut out = Vec::new();
        decompressor.decompress(data, &mut out, max).map(|()| out)
    };
    for plain in [&b"\x14 KEXINIT"[..], b"\x02 IGNORE", b"\xc0 PING", b"\x32", b""] {
        assert_eq!(decompress(plain, 10), Ok(plain.to_vec()));
    }
    assert_eq!(decompress(&[2; 11], 10), Err(DecompressError::TooLong));
    assert_eq!(decompress(&deflated(b"\x5e data"), 10), Ok(b"\x5e data".to_vec()));
    assert!(decompress(b"\x02 IGNORE", 10).is_err(), "not any more");
    assert_eq!(inflated(b"\x02 IGNORE", 10), Err(DecompressError::Malformed), "zlib never waits");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn there_and_back(
        level in 1..=9_u8,
        payloads in prop::collection::vec(prop::collection::vec(prop_oneof![any::<u8>(), 0..3_u8], 1..3000), 1..8),
    ) {
        let mut compressor = ZLIB.compressor(self::level(level)).unwrap();
        let mut decompressor = ZLIB.decompressor().unwrap();
        for payload in payloads {
            let (mut packet, mut out) = (Vec::new(), Vec::new());
            compressor.compress(&payload, &mut packet);
            decompressor.decompress(&packet, &mut out, payload.len()).unwrap();
            prop_assert_eq!(out, payload);
        }
    }

    /// Anything at all: no more than may be comes out of it.
    #[test]
    fn anything(data: Vec<u8>, begins: bool, max in 0..10_000_usize) {
        let data = [if begins { &b"\x78\x9c"[..] } else { b"" }, &data].concat();
        let mut out = Vec::new();
        let _ = ZLIB.decompressor().unwrap().decompress(&data, &mut out, max);
        prop_assert!(out.len() <= max && out.capacity() <= max.max(8));
    }
}
