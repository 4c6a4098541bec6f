//! Algorithm negotiation against a reference (RFC 4253 §7.1).

use hostile_peer::{Cipher, Method, Step};
use proptest::prelude::*;
use proptest::sample::subsequence;
use ssh_core::crypto::{AlgorithmKind, Algorithms, Named, cipher, compression, kex, mac, signature};
use ssh_core::key::KeyAlgorithm;
use ssh_core::{ClientRole, CloseReason, Error, ServerRole};

use crate::common::assault::peer;
use crate::common::hostile::{Meeting, Party};
use crate::common::{Setup, key};

/// Everything there is to agree on, in the order of a KEXINIT; languages never matter.
const KINDS: [AlgorithmKind; 8] = [
    AlgorithmKind::KeyExchange,
    AlgorithmKind::HostKey,
    AlgorithmKind::CipherClientToServer,
    AlgorithmKind::CipherServerToClient,
    AlgorithmKind::MacClientToServer,
    AlgorithmKind::MacServerToClient,
    AlgorithmKind::CompressionClientToServer,
    AlgorithmKind::CompressionServerToClient,
];

const KEX: &[&str] = &["curve25519-sha256", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "kex-strict-x", "dh"];
const HOST_KEY: &[&str] = &["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-dss"];
const CIPHERS: &[&str] =
    &["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes128-ctr", "aes256-ctr", "none"];
const MACS: &[&str] = &["hmac-sha2-256", "hmac-sha2-512", "hmac-sha2-256-etm@openssh.com", "none"];
const COMPRESSION: &[&str] = &["none", "zlib"];

type Lists = Vec<Vec<&'static str>>;

/// The eight lists of a peer, each any selection in any order.
fn lists() -> impl Strategy<Value = Lists> {
    let pools = [KEX, HOST_KEY, CIPHERS, CIPHERS, MACS, MACS, COMPRESSION, COMPRESSION];
    pools.map(|pool| subsequence(pool.to_vec(), 0..=pool.len()).prop_shuffle()).to_vec()
}

/// RFC 4253 §7.1: the first of the client's that the server has; a cipher that authenticates takes no MAC (RFC 5647 §5.1).
fn agreed(client: &Lists, server: &Lists) -> Result<Vec<Option<&'static str>>, AlgorithmKind> {
    let mut chosen: Vec<Option<&str>> = Vec::new();
    for (at, kind) in KINDS.into_iter().enumerate() {
        if at == 4 || at == 5 {
            let cipher = chosen[at - 2].unwrap_or_default();
            if cipher.contains("poly1305") || cipher.contains("gcm") {
                chosen.push(None);
                continue;
            }
        }
        let first = client[at].iter().find(|name| server[at].contains(name)).ok_or(kind)?;
        chosen.push(Some(first));
    }
    Ok(chosen)
}

/// Some of these, at least one, in any order.
fn some<T: Copy + core::fmt::Debug + 'static>(all: &[T]) -> impl Strategy<Value = Vec<T>> + use<T> {
    subsequence(all.to_vec(), 1..=all.len()).prop_shuffle()
}

/// A configuration has one list for both directions, and none may be empty.
fn configurations() -> impl Strategy<Value = Algorithms> {
    let kex = some(&[kex::CURVE25519_SHA256, kex::ECDH_SHA2_NISTP256, kex::ECDH_SHA2_NISTP384]);
    let host_key = some(&[signature::SSH_ED25519, signature::ECDSA_SHA2_NISTP256]);
    let ciphers = some(&[cipher::CHACHA20_POLY1305, cipher::AES128_GCM, cipher::AES128_CTR, cipher::AES256_CTR]);
    let macs = some(&[mac::HMAC_SHA2_256, mac::HMAC_SHA2_512, mac::HMAC_SHA2_256_ETM]);
    (kex, host_key, ciphers, macs).prop_map(|(kex, host_key, ciphers, macs)| Algorithms {
        kex,
        host_key,
        ciphers,
        macs,
        compression: vec![compression::NONE],
        ..Algorithms::default()
    })
}

/// What a configuration says in its own KEXINIT.
fn offered(algorithms: &Algorithms) -> Lists {
    fn names<T: Named>(list: &[T]) -> Vec<&'static str> {
        list.iter().map(Named::name).collect()
    }
    let (ciphers, macs) = (names(&algorithms.ciphers), names(&algorithms.macs));
    let none = vec!["none"];
    vec![
        names(&algorithms.kex),
        names(&algorithms.host_key),
        ciphers.clone(),
        ciphers,
        macs.clone(),
        macs,
        none.clone(),
        none,
    ]
}

/// What an endpoint with these algorithms agrees on with a peer that says these lists.
fn negotiate<P: Party>(ours: &Algorithms, theirs: &Lists) -> Result<Vec<Option<&'static str>>, AlgorithmKind> {
    let mut setup = Setup::new(1).algorithms(|lists| *lists = ours.clone());
    let host_keys = [KeyAlgorithm::Ed25519, KeyAlgorithm::EcdsaNistp256].map(|algorithm| key(algorithm, 1));
    setup.server.host_keys = host_keys.iter().map(|key| key.public_key().clone()).collect();
    let peer = peer::<P>(Method::Curve25519, Cipher::Aes128Gcm).with(|offer| {
        let text: Vec<String> = theirs.iter().map(|list| list.join(",")).collect();
        (offer.kex, offer.host_key) = (text[0].clone(), text[1].clone());
        offer.ciphers = [text[2].clone(), text[3].clone()];
        offer.macs = [text[4].clone(), text[5].clone()];
        offer.compression = [text[6].clone(), text[7].clone()];
        (offer.strict, offer.ext_info) = (false, false);
    });
    let mut meeting = Meeting::<P>::new(peer, setup);
    meeting.exchange(Step::Identification);
    meeting.peer.say(Step::KexInit);
    meeting.settle();
    match meeting.closed() {
        Some(CloseReason::Failed(Error::NoCommonAlgorithm { kind, .. })) => Err(kind),
        Some(other) => panic!("{other}"),
        None => {
            let chosen = meeting.endpoint.negotiated().expect("an agreement");
            Ok(vec![
                Some(chosen.kex.name()),
                Some(chosen.host_key.name()),
                Some(chosen.cipher_client_to_server.name()),
                Some(chosen.cipher_server_to_client.name()),
                chosen.mac_client_to_server.map(|mac| mac.name()),
                chosen.mac_server_to_client.map(|mac| mac.name()),
                Some(chosen.compression_client_to_server.name()),
                Some(chosen.compression_server_to_client.name()),
            ])
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    /// SM-62: both roles agree on what the RFC says, list by list and direction by direction, and name the first list that
    /// has nothing in common.
    #[test]
    fn both_roles_agree_with_the_reference(algorithms in configurations(), theirs in lists()) {
        let offered = offered(&algorithms);
        prop_assert_eq!(negotiate::<ClientRole>(&algorithms, &theirs), agreed(&offered, &theirs));
        prop_assert_eq!(negotiate::<ServerRole>(&algorithms, &theirs), agreed(&theirs, &offered));
    }
}

/// SM-62: a name that stands twice, or a list that is all unknown but one, changes nothing.
#[test]
fn repeated_and_unknown_names() {
    let algorithms = Algorithms::default();
    let mut theirs = offered(&algorithms);
    theirs[0] = vec!["x", "ecdh-sha2-nistp256", "ecdh-sha2-nistp256", "curve25519-sha256", "x"];
    theirs[2] = vec!["aes256-ctr", "aes256-ctr", "aes128-ctr"];
    let chosen = negotiate::<ServerRole>(&algorithms, &theirs).unwrap();
    assert_eq!((chosen[0], chosen[2]), (Some("ecdh-sha2-nistp256"), Some("aes256-ctr")));
}

/// SM-28: markers are no methods, wherever they stand and even if both sides name them.
#[test]
fn markers_are_never_agreed_on() {
    let algorithms = Algorithms::default();
    for markers in [
        vec!["kex-strict-c-v00@openssh.com"],
        vec!["ext-info-c", "kex-strict-c-v00@openssh.com"],
        vec!["kex-strict-s-v00@openssh.com", "ext-info-s", "ext-info-c"],
    ] {
        let mut theirs = offered(&algorithms);
        theirs[0] = markers.clone();
        assert_eq!(negotiate::<ServerRole>(&algorithms, &theirs), Err(AlgorithmKind::KeyExchange));
        assert_eq!(negotiate::<ClientRole>(&algorithms, &theirs), Err(AlgorithmKind::KeyExchange));
        theirs[0] = markers.into_iter().chain(["curve25519-sha256"]).collect();
        for chosen in [negotiate::<ServerRole>(&algorithms, &theirs), negotiate::<ClientRole>(&algorithms, &theirs)] {
            assert_eq!(chosen.unwrap()[0], Some("curve25519-sha256"));
        }
    }
}
