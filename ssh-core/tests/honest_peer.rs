//! The hostile peer when it behaves: it speaks every method and cipher of its own with real endpoints, in both roles.

mod common;

use common::Setup;
use common::hostile::{Meeting, Party};
use hostile_peer::{Cipher, Method, Peer, Step, messages};
use ssh_core::{ClientRole, ServerRole};

const METHODS: &[Method] = if cfg!(feature = "pq") {
    &Method::ALL
} else {
    &[Method::Curve25519, Method::Nistp256, Method::Nistp384, Method::Nistp521]
};

/// Logs in, opens a session, exchanges keys again at either side's wish and is still understood.
fn whole<P: Party>(method: Method, cipher: Cipher, strict: bool) {
    let peer = Peer::new(P::PEER, method, cipher).with(|offer| offer.strict = strict);
    let mut meeting = Meeting::<P>::new(peer, Setup::new(3)).with_session();
    assert_eq!(meeting.peer.strict, strict);
    assert_eq!(meeting.endpoint.session_id(), Some(&meeting.peer.session_id[..]));
    for ours in [true, false] {
        if ours {
            meeting.endpoint.rekey().unwrap();
        } else {
            meeting.peer.say(Step::KexInit);
        }
        meeting = meeting.keyed();
        meeting.peer.payloads();
        let sequence_number = meeting.peer.sending.sequence_number;
        assert_eq!(sequence_number == 0, strict);
        meeting.say(&messages::minimal(255, 0));
        assert_eq!(meeting.peer.payloads(), [messages::unimplemented(sequence_number)]);
    }
    assert_eq!(meeting.closed(), None);
}

#[test]
fn every_method() {
    for &method in METHODS {
        whole::<ServerRole>(method, Cipher::ChaCha20Poly1305, true);
        whole::<ClientRole>(method, Cipher::ChaCha20Poly1305, true);
    }
}

#[test]
fn every_cipher() {
    for cipher in Cipher::ALL {
        for strict in [true, false] {
            whole::<ServerRole>(Method::Curve25519, cipher, strict);
            whole::<ClientRole>(Method::Curve25519, cipher, strict);
        }
    }
}
