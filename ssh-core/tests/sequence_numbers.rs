//! What takes a connection 2³² packets to reach (RFC 4253 §6.4, RFC 4344 §3.1), reached by the feature `test-hooks`.

mod common;

use common::{Pair, Setup};
use ssh_core::crypto::cipher::{self, Cipher, PacketKeys};
use ssh_core::crypto::mac::HMAC_SHA2_256_ETM;
use ssh_core::{CloseReason, Counters, Error, LimitKind, PeerMisbehaved, RekeyPolicy};

const NEVER: RekeyPolicy = RekeyPolicy { bytes: Some(u64::MAX), packets: u64::MAX, time: None };

const CIPHERS: &[&dyn Cipher] =
    &[cipher::CHACHA20_POLY1305, cipher::AES256_GCM, cipher::AES128_GCM, cipher::AES256_CTR];

/// A pair that is logged in, under this cipher.
fn pair(cipher: &'static dyn Cipher, policy: RekeyPolicy) -> Pair {
    Pair::logged_in(Setup::new(5).quick().rekey(policy).algorithms(|lists| lists.ciphers = vec![cipher]))
}

/// Changes what is counted of the packets from client to server, the same on both sides.
fn count(pair: &mut Pair, change: impl Fn(&mut Counters)) {
    let mut counters = pair.client.test_hooks().outgoing();
    assert_eq!(counters, pair.server.test_hooks().incoming());
    change(&mut counters);
    pair.client.test_hooks().set_outgoing(counters);
    pair.server.test_hooks().set_incoming(counters);
}

#[test]
fn sequence_numbers_begin_anew_after_the_last() {
    for &cipher in CIPHERS {
        let mut pair = pair(cipher, NEVER);
        count(&mut pair, |counters| counters.sequence_number = u32::MAX - 1);
        for _ in 0..4 {
            pair.open_exec("true");
        }
        let counters = pair.server.test_hooks().incoming();
        assert!(counters.sequence_number > 0 && counters.sequence_number < 20, "{counters:?}");
    }
}

/// A side that forgets to wrap, or wraps elsewhere, is out of step.
#[test]
fn sequence_numbers_are_part_of_what_is_authenticated() {
    // AES-GCM counts for itself (RFC 5647 §7.1).
    for cipher in [cipher::CHACHA20_POLY1305, cipher::AES256_CTR] {
        let mut pair = pair(cipher, NEVER);
        let mut counters = pair.client.test_hooks().outgoing();
        counters.sequence_number += 1;
        pair.client.test_hooks().set_outgoing(counters);
        pair.client.global_request(b"anything@example.com", b"").unwrap();
        pair.run();
        let reason = pair.server_closed().unwrap();
        let error = reason.error().unwrap();
        // ChaCha20 hides the length, too: another sequence number makes it any number.
        let length = matches!(error, Error::PeerMisbehaved(PeerMisbehaved::PacketLength(_)));
        assert!(length || matches!(error, Error::Integrity), "{error:?}");
    }
}

/// Strict key exchange: both directions begin at 0 with every NEWKEYS, not with the first alone.
#[test]
fn strict_exchange_resets_both_directions_each_time() {
    let mut pair = pair(cipher::CHACHA20_POLY1305, NEVER);
    for _ in 0..3 {
        count(&mut pair, |counters| counters.sequence_number = 1_000_000);
        pair.client.rekey().unwrap();
        assert_eq!(pair.rekeyed(), (1, 1));
        for counters in [pair.client.test_hooks().outgoing(), pair.server.test_hooks().outgoing()] {
            assert_eq!(counters, Counters { sequence_number: 0, packets: 0, bytes: 0 });
        }
    }
}

#[test]
fn volume_is_due_for_fresh_keys_by_default() {
    let policy = RekeyPolicy::default();
    for &cipher in CIPHERS {
        let most = policy.bytes.unwrap_or_else(|| cipher.rekey_after_bytes());
        for (bytes, packets, due) in
            [(most - 1000, 0, false), (most, 0, true), (0, policy.packets - 20, false), (0, policy.packets, true)]
        {
            let mut pair = pair(cipher, policy);
            count(&mut pair, |counters| (counters.bytes, counters.packets) = (bytes, packets));
            pair.client.global_request(b"anything@example.com", b"").unwrap();
            let expected = if due { (1, 1) } else { (0, 0) };
            assert_eq!(pair.rekeyed(), expected, "{} {bytes} {packets}", cipher.name());
        }
    }
}

/// Whatever the policy says, no key sees a sequence number twice.
#[test]
fn a_key_that_saw_every_sequence_number_ends_the_connection() {
    for outgoing in [true, false] {
        let mut pair = pair(cipher::AES256_CTR, NEVER);
        let hooks = &mut pair.server.test_hooks();
        let worn = |counters: Counters| Counters { packets: u64::from(u32::MAX), ..counters };
        if outgoing {
            hooks.set_outgoing(worn(hooks.outgoing()));
        } else {
            hooks.set_incoming(worn(hooks.incoming()));
        }
        pair.client.global_request(b"anything@example.com", b"").unwrap();
        pair.run();
        let reason = pair.server_closed().unwrap();
        let worn_out = Error::LimitExceeded(LimitKind::PacketsPerKey);
        assert_eq!(reason.error(), Some(&worn_out), "outgoing {outgoing}: {reason:?}");
    }
}

/// RFC 4344 §3.1: 2^31 packets, even if the policy is never to rekey.
#[test]
fn no_policy_uses_keys_for_ever() {
    let mut pair = pair(cipher::AES256_CTR, NEVER);
    count(&mut pair, |counters| counters.packets = 1 << 31);
    pair.client.global_request(b"anything@example.com", b"").unwrap();
    assert_eq!(pair.rekeyed(), (1, 1));
}

#[test]
fn keys_can_be_set() {
    let (key, iv) = ([1; 32], [2; 16]);
    let keys = || PacketKeys { key: &key, iv: &iv, mac: Some(HMAC_SHA2_256_ETM.keyed(&[3; 32])) };
    let mut pair = pair(cipher::CHACHA20_POLY1305, NEVER);
    pair.client.test_hooks().set_outgoing_keys(cipher::AES256_CTR.sealer(keys()));
    pair.server.test_hooks().set_incoming_keys(cipher::AES256_CTR.opener(keys()));
    pair.open_exec("under keys that everybody knows");

    pair.client.test_hooks().set_outgoing_keys(
        cipher::AES256_CTR.sealer(PacketKeys { mac: Some(HMAC_SHA2_256_ETM.keyed(&[4; 32])), ..keys() }),
    );
    pair.client.global_request(b"anything@example.com", b"").unwrap();
    pair.run();
    assert_eq!(pair.server_closed(), Some(CloseReason::Failed(Error::Integrity)));
}
