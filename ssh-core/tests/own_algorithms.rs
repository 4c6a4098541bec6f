//! A program's own algorithms, one of each kind: those of the example.

#[path = "../examples/own_algorithms/algorithms.rs"]
mod algorithms;
#[path = "../examples/own_algorithms/session.rs"]
mod session;

use std::sync::atomic::Ordering;

#[test]
fn one_of_each_kind() {
    let message = b"aaaaaaaaaaaaaaaabc".repeat(1000);
    let outcome = session::send(&message).unwrap();
    assert_eq!(outcome.received, message);
    let own = [
        "curve25519-sha512@example.com",
        "token-ed25519@example.com",
        "counting-aes256-ctr@example.com",
        "hmac-sha2-512-256-etm@example.com",
        "run-length@example.com",
    ];
    assert_eq!(outcome.agreed, own);
    assert!(algorithms::PACKETS.load(Ordering::Relaxed) > 10);
}
