//! Algorithm negotiation (RFC 4253 §7.1): a pure function of two KEXINITs.

use alloc::{string::String, vec::Vec};

use super::gate::Side;
use crate::crypto::cipher::Cipher;
use crate::crypto::compression::Compression;
use crate::crypto::kex::KeyExchange;
use crate::crypto::mac::Mac;
use crate::crypto::signature::SignatureAlgorithm;
use crate::crypto::{AlgorithmKind, Algorithms, Named};
use crate::error::Error;
use crate::message::KexInit;
use crate::wire::NameList;

const EXT_INFO_CLIENT: &str = "ext-info-c";
const EXT_INFO_SERVER: &str = "ext-info-s";
const STRICT_CLIENT: &str = "kex-strict-c-v00@openssh.com";
const STRICT_SERVER: &str = "kex-strict-s-v00@openssh.com";

/// What two sides agreed on.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Negotiated {
    /// The key exchange method.
    pub kex: &'static dyn KeyExchange,
    /// What the server signs with.
    pub host_key: &'static dyn SignatureAlgorithm,
    /// The cipher from client to server.
    pub cipher_client_to_server: &'static dyn Cipher,
    /// The cipher from server to client.
    pub cipher_server_to_client: &'static dyn Cipher,
    /// The MAC from client to server; `None` where the cipher authenticates.
    pub mac_client_to_server: Option<&'static dyn Mac>,
    /// The MAC from server to client; `None` where the cipher authenticates.
    pub mac_server_to_client: Option<&'static dyn Mac>,
    /// The compression from client to server.
    pub compression_client_to_server: &'static dyn Compression,
    /// The compression from server to client.
    pub compression_server_to_client: &'static dyn Compression,
    /// Whether strict key exchange is in force (CVE-2023-48795).
    pub strict_kex: bool,
}

/// What one side offers: its lists, and of the host key algorithms those it can use.
#[derive(Clone, Copy)]
pub(super) struct Offer<'a> {
    pub(super) algorithms: &'a Algorithms,
    pub(super) host_key: &'a [&'static dyn SignatureAlgorithm],
}

/// The lists of one KEXINIT as text, from which the message borrows.
pub(super) struct Proposal {
    kex: String,
    host_key: String,
    ciphers: String,
    macs: String,
    compression: String,
}

impl Proposal {
    /// Our lists. The flags that stand among the methods belong to the first KEXINIT alone.
    pub(super) fn new(offer: Offer<'_>, side: Side, first: bool) -> Self {
        let algorithms = offer.algorithms;
        let mut kex: Vec<&str> = names(&algorithms.kex);
        if first {
            kex.extend(match side {
                Side::Client => [EXT_INFO_CLIENT, STRICT_CLIENT],
                Side::Server => [EXT_INFO_SERVER, STRICT_SERVER],
            });
        }
        Self {
            kex: kex.join(","),
            host_key: names(offer.host_key).join(","),
            ciphers: names(&algorithms.ciphers).join(","),
            macs: names(&algorithms.macs).join(","),
            compression: names(&algorithms.compression).join(","),
        }
    }

    pub(super) fn message(&self, cookie: [u8; 16], first_kex_packet_follows: bool) -> KexInit<'_> {
        KexInit {
            cookie,
            kex_algorithms: list(&self.kex),
            server_host_key_algorithms: list(&self.host_key),
            encryption_algorithms_client_to_server: list(&self.ciphers),
            encryption_algorithms_server_to_client: list(&self.ciphers),
            mac_algorithms_client_to_server: list(&self.macs),
            mac_algorithms_server_to_client: list(&self.macs),
            compression_algorithms_client_to_server: list(&self.compression),
            compression_algorithms_server_to_client: list(&self.compression),
            languages_client_to_server: NameList::default(),
            languages_server_to_client: NameList::default(),
            first_kex_packet_follows,
            reserved: 0,
        }
    }
}

/// The outcome beside the algorithms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agreement {
    pub(super) negotiated: Negotiated,
    /// Who guessed guessed right.
    pub(super) guess_is_right: bool,
    /// The peer sent a first message on a guess that was wrong: it is to be dropped.
    pub(super) drop_guess: bool,
    /// The peer takes EXT_INFO.
    pub(super) peer_takes_ext_info: bool,
}

/// Agrees on every kind. `strict_before` is what the first exchange agreed; `None` during it.
pub(super) fn negotiate(
    offer: Offer<'_>,
    side: Side,
    theirs: &KexInit<'_>,
    strict_before: Option<bool>,
) -> Result<Agreement, Error> {
    let ours = offer.algorithms;
    let pick = Picker { side };
    let kex = pick.one(AlgorithmKind::KeyExchange, &ours.kex, theirs.kex_algorithms)?;
    let host_key = pick.one(AlgorithmKind::HostKey, offer.host_key, theirs.server_host_key_algorithms)?;
    let cipher_client_to_server =
        pick.one(AlgorithmKind::CipherClientToServer, &ours.ciphers, theirs.encryption_algorithms_client_to_server)?;
    let cipher_server_to_client =
        pick.one(AlgorithmKind::CipherServerToClient, &ours.ciphers, theirs.encryption_algorithms_server_to_client)?;
    let mac = |kind, cipher: &dyn Cipher, list| {
        if cipher.authenticates() { Ok(None) } else { pick.one(kind, &ours.macs, list).map(Some) }
    };
    let peer_flag = |client, server| match side {
        Side::Client => theirs.kex_algorithms.contains(server),
        Side::Server => theirs.kex_algorithms.contains(client),
    };
    let negotiated = Negotiated {
        kex,
        host_key,
        cipher_client_to_server,
        cipher_server_to_client,
        mac_client_to_server: mac(
            AlgorithmKind::MacClientToServer,
            cipher_client_to_server,
            theirs.mac_algorithms_client_to_server,
        )?,
        mac_server_to_client: mac(
            AlgorithmKind::MacServerToClient,
            cipher_server_to_client,
            theirs.mac_algorithms_server_to_client,
        )?,
        compression_client_to_server: pick.one(
            AlgorithmKind::CompressionClientToServer,
            &ours.compression,
            theirs.compression_algorithms_client_to_server,
        )?,
        compression_server_to_client: pick.one(
            AlgorithmKind::CompressionServerToClient,
            &ours.compression,
            theirs.compression_algorithms_server_to_client,
        )?,
        strict_kex: strict_before.unwrap_or_else(|| peer_flag(STRICT_CLIENT, STRICT_SERVER)),
    };
    let guess_is_right = is_guess_right(offer, theirs);
    Ok(Agreement {
        negotiated,
        guess_is_right,
        drop_guess: theirs.first_kex_packet_follows && !guess_is_right,
        peer_takes_ext_info: peer_flag(EXT_INFO_CLIENT, EXT_INFO_SERVER),
    })
}

/// RFC 4253 §7: a guess, ours or theirs, is right if both sides' *first* method and *first* host key algorithm are the same.
fn is_guess_right(offer: Offer<'_>, theirs: &KexInit<'_>) -> bool {
    let same = |ours: Option<&str>, theirs: NameList<'_>| ours.is_some() && ours == theirs.iter().next();
    same(offer.algorithms.kex.first().map(|kex| kex.name()), theirs.kex_algorithms)
        && same(offer.host_key.first().map(|algorithm| algorithm.name()), theirs.server_host_key_algorithms)
}

/// Descriptors' names are constants of printable characters; the fallback is the empty list, which agrees on nothing.
fn list(text: &str) -> NameList<'_> {
    NameList::new(text.as_bytes()).unwrap_or_default()
}

struct Picker {
    side: Side,
}

impl Picker {
    /// The first name on the client's list that is on the server's too.
    fn one<T: Named + Copy>(&self, kind: AlgorithmKind, ours: &[T], theirs: NameList<'_>) -> Result<T, Error> {
        let find = |name: &str| ours.iter().find(|algorithm| algorithm.name() == name);
        let found = match self.side {
            Side::Client => ours.iter().find(|algorithm| theirs.contains(algorithm.name())),
            Side::Server => theirs.iter().find_map(find),
        };
        found.copied().ok_or_else(|| Error::NoCommonAlgorithm {
            kind,
            ours: names(ours).join(","),
            theirs: crate::untrusted::cut(theirs.as_str(), 2048).into(),
        })
    }
}

fn names<T: Named>(algorithms: &[T]) -> Vec<&'static str> {
    algorithms.iter().map(Named::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{cipher, kex, mac, signature};
    use std::vec;

    fn negotiate_as(
        side: Side,
        ours: &Algorithms,
        change: impl FnOnce(&mut KexInit<'static>),
    ) -> Result<Agreement, Error> {
        let mut theirs = KexInit {
            cookie: [0; 16],
            kex_algorithms: list("curve25519-sha256,ecdh-sha2-nistp256"),
            server_host_key_algorithms: list("ssh-ed25519"),
            encryption_algorithms_client_to_server: list("aes256-ctr,aes128-ctr"),
            encryption_algorithms_server_to_client: list("aes128-gcm@openssh.com"),
            mac_algorithms_client_to_server: list("hmac-sha2-512,hmac-sha2-256"),
            mac_algorithms_server_to_client: list(""),
            compression_algorithms_client_to_server: list("zlib,none"),
            compression_algorithms_server_to_client: list("none"),
            languages_client_to_server: list(""),
            languages_server_to_client: list("de"),
            first_kex_packet_follows: false,
            reserved: 0,
        };
        change(&mut theirs);
        negotiate(Offer { algorithms: ours, host_key: &ours.host_key }, side, &theirs, None)
    }

    #[test]
    fn the_client_decides_each_direction_by_itself() {
        let ours = Algorithms {
            kex: vec![kex::ECDH_SHA2_NISTP256, kex::CURVE25519_SHA256],
            ciphers: vec![cipher::AES128_GCM, cipher::AES128_CTR, cipher::AES256_CTR],
            macs: vec![mac::HMAC_SHA2_256, mac::HMAC_SHA2_512],
            ..Algorithms::default()
        };
        let client = negotiate_as(Side::Client, &ours, |_| ()).expect("agreement").negotiated;
        assert_eq!(client.kex.name(), "ecdh-sha2-nistp256");
        assert_eq!(client.cipher_client_to_server.name(), "aes128-ctr");
        assert_eq!(client.mac_client_to_server.map(|mac| mac.name()), Some("hmac-sha2-256"));
        assert_eq!(client.cipher_server_to_client.name(), "aes128-gcm@openssh.com");
        assert!(client.mac_server_to_client.is_none());
        let server = negotiate_as(Side::Server, &ours, |_| ()).expect("agreement").negotiated;
        assert_eq!(server.kex.name(), "curve25519-sha256");
        assert_eq!(server.cipher_client_to_server.name(), "aes256-ctr");
        assert_eq!(server.mac_client_to_server.map(|mac| mac.name()), Some("hmac-sha2-512"));
    }

    #[test]
    fn flags_are_never_methods() {
        let ours = Algorithms::default();
        let flags =
            |theirs: &mut KexInit<'static>| theirs.kex_algorithms = list("ext-info-s,kex-strict-s-v00@openssh.com");
        let error = negotiate_as(Side::Client, &ours, flags).expect_err("no method");
        assert!(matches!(error, Error::NoCommonAlgorithm { kind: AlgorithmKind::KeyExchange, .. }));
    }

    #[test]
    fn strictness_is_the_peers_own_flag() {
        let ours = Algorithms::default();
        for (flag, strict) in [(STRICT_SERVER, true), (STRICT_CLIENT, false)] {
            let kex = if flag == STRICT_SERVER {
                "curve25519-sha256,kex-strict-s-v00@openssh.com"
            } else {
                "curve25519-sha256,kex-strict-c-v00@openssh.com"
            };
            let agreement = negotiate_as(Side::Client, &ours, |theirs| theirs.kex_algorithms = list(kex));
            assert_eq!(agreement.expect("agreement").negotiated.strict_kex, strict);
        }
    }

    #[test]
    fn a_guess_is_right_only_if_both_first_names_agree() {
        let host_key = vec![signature::SSH_ED25519];
        let ours = Algorithms { kex: vec![kex::CURVE25519_SHA256], host_key, ..Algorithms::default() };
        let guess = |kex, host_key| {
            negotiate_as(Side::Server, &ours, |theirs| {
                theirs.first_kex_packet_follows = true;
                theirs.kex_algorithms = list(kex);
                theirs.server_host_key_algorithms = list(host_key);
            })
            .expect("agreement")
            .drop_guess
        };
        assert!(!guess("curve25519-sha256,x", "ssh-ed25519"));
        assert!(guess("x,curve25519-sha256", "ssh-ed25519"));
        assert!(guess("curve25519-sha256", "y,ssh-ed25519"));
    }

    #[test]
    fn each_list_without_overlap_is_named() {
        type Change = fn(&mut KexInit<'static>);
        let cases: [(AlgorithmKind, Change); 8] = [
            (AlgorithmKind::KeyExchange, |k| k.kex_algorithms = list("x")),
            (AlgorithmKind::HostKey, |k| k.server_host_key_algorithms = list("x")),
            (AlgorithmKind::CipherClientToServer, |k| k.encryption_algorithms_client_to_server = list("x")),
            (AlgorithmKind::CipherServerToClient, |k| k.encryption_algorithms_server_to_client = list("")),
            (AlgorithmKind::MacClientToServer, |k| k.mac_algorithms_client_to_server = list("x")),
            (AlgorithmKind::MacServerToClient, |k| k.encryption_algorithms_server_to_client = list("aes128-ctr")),
            (AlgorithmKind::CompressionClientToServer, |k| k.compression_algorithms_client_to_server = list("zlib")),
            (AlgorithmKind::CompressionServerToClient, |k| k.compression_algorithms_server_to_client = list("zlib")),
        ];
        for (expected, change) in cases {
            for side in [Side::Client, Side::Server] {
                match negotiate_as(side, &Algorithms::default(), change) {
                    Err(Error::NoCommonAlgorithm { kind, .. }) => assert_eq!(kind, expected),
                    other => panic!("{expected}: {other:?}"),
                }
            }
        }
    }
}
