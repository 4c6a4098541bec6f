//! Compressed sessions (RFC 4253 §6.2): when streams begin, that they begin anew with new keys, and what a peer that
//! compresses something else gets.
#![cfg(feature = "zlib")]

mod common;

use std::sync::atomic::{AtomicU32, Ordering};

use common::hostile::{Meeting, Party, WithServer};
use common::traffic::Traffic;
use common::{Chunking, Pair, Setup};
use hostile_peer::{Cipher, Method, Peer, messages};
use ssh_core::crypto::compression::{
    Compress, Compression, CompressionLevel, Decompress, DecompressError, NONE, ZLIB, ZLIB_OPENSSH,
};
use ssh_core::wire::{DataStream, DisconnectReason};
use ssh_core::{
    AuthAnswer, AuthMethod, ClientEvent, CloseReason, Error, LimitKind, PeerMisbehaved, RekeyPolicy, ServerEvent,
    ServerRole,
};

const OUT: DataStream = DataStream::STDOUT;
const NEVER: RekeyPolicy = RekeyPolicy { bytes: Some(u64::MAX), packets: u64::MAX, time: None };

fn setup(seed: u64, method: &'static dyn Compression) -> Setup {
    Setup::new(seed).quick().rekey(NEVER).algorithms(|lists| lists.compression = vec![method])
}

fn copy(pair: &mut Pair, data: &[u8]) {
    let (client, server) = pair.open_exec("cat");
    for (written, read) in data.chunks(1000).map(|piece| (piece, piece.len())) {
        assert_eq!(pair.client.channel(client).unwrap().write(OUT, written), Ok(read));
        pair.run();
        let mut channel = pair.server.channel(server).unwrap();
        assert_eq!(channel.readable(OUT), written);
        channel.consume(OUT, read);
        assert_eq!(channel.write(OUT, written), Ok(read));
        pair.run();
        let mut channel = pair.client.channel(client).unwrap();
        assert_eq!(channel.readable(OUT), written);
        channel.consume(OUT, read);
    }
    pair.client_events.clear();
    pair.server_events.clear();
}

#[test]
fn what_is_said_twice_is_short() {
    let text = b"What is said twice is short. ".repeat(2000);
    let lengths = [NONE, ZLIB, ZLIB_OPENSSH].map(|method| {
        let mut pair = Pair::logged_in(setup(1, method));
        let negotiated = pair.client.negotiated().unwrap();
        assert_eq!(negotiated.compression_client_to_server.name(), method.name());
        assert_eq!(negotiated.compression_server_to_client.name(), method.name());
        copy(&mut pair, &text);
        pair.replay();
        (pair.to_server.len(), pair.to_client.len())
    });
    assert!(lengths[0].0 > text.len() && lengths[0].1 > text.len());
    for (to_server, to_client) in &lengths[1..] {
        assert!(*to_server < text.len() / 5 && *to_client < text.len() / 5, "{lengths:?}");
    }
}

#[test]
fn the_level_is_a_setting_of_each_side() {
    let text: Vec<u8> = (0..40_000_u32).flat_map(|n| (n * n % 977).to_string().into_bytes()).collect();
    let lengths = [1, 9].map(|level| {
        let setup = setup(2, ZLIB_OPENSSH).configure(|client, server| {
            client.compression_level = CompressionLevel::new(level).unwrap();
            server.compression_level = CompressionLevel::new(10 - level).unwrap();
        });
        let mut pair = Pair::logged_in(setup);
        copy(&mut pair, &text);
        (pair.to_server.len(), pair.to_client.len())
    });
    assert!(lengths[0].0 > lengths[1].0 && lengths[0].1 < lengths[1].1, "{lengths:?}");
}

/// Data both ways on many channels, in every cut, while both sides replace keys, read at once or late.
#[test]
fn under_full_traffic() {
    for (seed, method) in [ZLIB, ZLIB_OPENSSH].into_iter().enumerate() {
        for chunking in [Chunking::Whole, Chunking::Fixed(997), Chunking::Random(40_000)] {
            for gulp in [usize::MAX, 700] {
                let setup = setup(seed as u64, method).chunking(chunking).configure(|client, server| {
                    client.rekey.bytes = Some(4000);
                    for limits in [&mut client.limits, &mut server.limits] {
                        limits.channel_window = 8 * 1024;
                        limits.channel_packet = 2 * 1024;
                    }
                });
                let mut pair = Pair::logged_in(setup);
                let mut traffic = Traffic::open(&mut pair, 3, 30_000);
                traffic.gulp = gulp;
                traffic.run(&mut pair, |pair, round| {
                    if round % 97 == 13 {
                        pair.server.rekey().unwrap();
                    }
                });
                assert_eq!(traffic.others, Vec::<String>::new(), "nothing but data");
                assert!(traffic.rekeyed.0 >= 2, "{:?}", traffic.rekeyed);
                pair.replay();
            }
        }
    }
}

/// Keys are replaced at the very moment at which compression begins.
#[test]
fn keys_replaced_as_the_user_logs_in() {
    for method in [ZLIB, ZLIB_OPENSSH] {
        for (client, server) in [(true, false), (false, true), (true, true)] {
            let mut pair = setup(4, method).build();
            pair.accept_host_key();
            pair.expect_auth_needed();
            pair.client.authenticate("user", AuthMethod::Password("secret".into())).unwrap();
            let ServerEvent::Auth(request) = pair.server_event() else { panic!("no request") };
            pair.server.answer_auth(request, AuthAnswer::Accept).unwrap();
            if client {
                pair.deliver_to_client();
                assert!(matches!(pair.client.poll_event(), Some(ClientEvent::Authenticated(_))));
                pair.client.rekey().unwrap();
            }
            if server {
                pair.server.rekey().unwrap();
            }
            assert_eq!(pair.rekeyed(), (1, 1));
            copy(&mut pair, b"and all is well");
            pair.replay();
        }
    }
}

/// A peer that knows nothing of our streams.
fn with_server(name: &str, method: &'static dyn Compression) -> WithServer {
    let peer = Peer::new(ServerRole::PEER, Method::Curve25519, Cipher::Aes128Gcm)
        .with(|offer| offer.compression = [name.into(), name.into()]);
    Meeting::new(peer, setup(1, method)).keyed()
}

/// `zlib` begins with NEWKEYS and holds for everything; `zlib@openssh.com` begins right after USERAUTH_SUCCESS.
#[test]
fn where_a_stream_begins() {
    const HEADER: [u8; 1] = [0x78];
    let mut meeting = with_server("zlib@openssh.com", ZLIB_OPENSSH);
    ServerRole::grant_service(&mut meeting);
    ServerRole::log_in(&mut meeting);
    for first in [true, false] {
        meeting.say(&messages::ping(b"in the clear until now"));
        let said = meeting.peer.payloads();
        assert!(said.len() == 1 && said[0].starts_with(&HEADER) == first, "{said:02x?}");
    }
    let mut stream = ZLIB.compressor(CompressionLevel::default()).unwrap();
    let mut compressed = Vec::new();
    stream.compress(&messages::ping(b"and from now on"), &mut compressed);
    meeting.say(&compressed);
    assert_eq!((meeting.peer.payloads().len(), meeting.closed()), (1, None));
    meeting.say(&messages::ping(b"not any more"));
    let malformed = Error::PeerMisbehaved(PeerMisbehaved::Compression(DecompressError::Malformed));
    assert_eq!(meeting.closed(), Some(CloseReason::Failed(malformed.clone())));

    let mut meeting = with_server("zlib", ZLIB);
    let said = meeting.peer.payloads();
    assert!(said.last().is_some_and(|ext_info| ext_info.starts_with(&HEADER)), "{said:02x?}");
    meeting.say(&messages::ping(b"in the clear"));
    assert_eq!(meeting.closed(), Some(CloseReason::Failed(malformed)));
}

/// Counts the streams that it begins.
struct Counted(&'static dyn Compression, AtomicU32);

impl Compression for Counted {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn waits_for_authentication(&self) -> bool {
        self.0.waits_for_authentication()
    }

    fn compressor(&self, level: CompressionLevel) -> Option<Box<dyn Compress>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.compressor(level)
    }

    fn decompressor(&self) -> Option<Box<dyn Decompress>> {
        self.1.fetch_add(0x100, Ordering::Relaxed);
        self.0.decompressor()
    }
}

/// RFC 4253 §6.2, and OpenSSH with `zlib@openssh.com`, too.
#[test]
fn new_keys_begin_new_streams() {
    static ZLIBS: [Counted; 2] = [Counted(ZLIB, AtomicU32::new(0)), Counted(ZLIB_OPENSSH, AtomicU32::new(0))];
    for counted in &ZLIBS {
        let mut pair = setup(3, counted).build();
        pair.accept_host_key();
        pair.expect_auth_needed();
        let early = if counted.name() == "zlib" { 0x202 } else { 0 };
        assert_eq!(counted.1.load(Ordering::Relaxed), early, "no state for strangers");
        pair.client.authenticate("user", AuthMethod::Password("secret".into())).unwrap();
        let ServerEvent::Auth(request) = pair.server_event() else { panic!("no request") };
        pair.server.answer_auth(request, AuthAnswer::Accept).unwrap();
        pair.run();
        for exchanges in 1..5 {
            assert_eq!(counted.1.load(Ordering::Relaxed), 0x202 * exchanges, "{}", counted.name());
            pair.client.rekey().unwrap();
            assert_eq!(pair.rekeyed().0, 1);
        }
    }
}

/// Says something else instead of one payload that asks for it.
struct Instead {
    name: &'static str,
    what: fn() -> Vec<u8>,
}

struct Replacing {
    inner: Box<dyn Compress>,
    what: fn() -> Vec<u8>,
}

impl Compression for Instead {
    fn name(&self) -> &'static str {
        self.name
    }

    fn waits_for_authentication(&self) -> bool {
        self.name != "zlib"
    }

    fn compressor(&self, level: CompressionLevel) -> Option<Box<dyn Compress>> {
        Some(Box::new(Replacing { inner: ZLIB.compressor(level)?, what: self.what }))
    }

    fn decompressor(&self) -> Option<Box<dyn Decompress>> {
        ZLIB.decompressor()
    }
}

impl Compress for Replacing {
    fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        let asks = payload.windows(7).any(|window| window == b"instead");
        let said = if asks { (self.what)() } else { payload.to_vec() };
        match said.strip_prefix(b"raw") {
            Some(raw) => out.extend_from_slice(raw),
            None => self.inner.compress(&said, out),
        }
    }
}

/// Anything that is not a payload ends the connection, with the reason that the protocol has for it.
#[test]
fn what_cannot_be_inflated() {
    const LONGEST: usize = 256 * 1024;
    fn ignore(length: usize) -> Vec<u8> {
        messages::ignore(&vec![0; length - 5])
    }
    fn noise() -> Vec<u8> {
        let mut noise = vec![0; 20_000];
        common::random(1).fill_bytes(&mut noise);
        noise
    }
    static CASES: [(Instead, Option<DecompressError>); 6] = [
        (Instead { name: "zlib@openssh.com", what: || ignore(LONGEST) }, None),
        (Instead { name: "zlib@openssh.com", what: || ignore(LONGEST + 1) }, Some(DecompressError::TooLong)),
        (Instead { name: "zlib@openssh.com", what: || ignore(64 << 20) }, Some(DecompressError::TooLong)),
        (Instead { name: "zlib", what: || ignore(64 << 20) }, Some(DecompressError::TooLong)),
        (
            Instead { name: "zlib@openssh.com", what: || [b"raw", &noise()[..]].concat() },
            Some(DecompressError::Malformed),
        ),
        // A stream that goes on without a payload.
        (Instead { name: "zlib@openssh.com", what: Vec::new }, Some(DecompressError::Malformed)),
    ];
    for (instead, expected) in &CASES {
        let real = if instead.name == "zlib" { ZLIB } else { ZLIB_OPENSSH };
        let setup = setup(5, real).configure(|client, _| client.algorithms.compression = vec![instead]);
        let mut pair = Pair::logged_in(setup);
        for name in ["first", "instead"] {
            pair.client.global_request(name.as_bytes(), b"").unwrap();
            pair.run();
        }
        let ended =
            expected.map(|error| CloseReason::Failed(Error::PeerMisbehaved(PeerMisbehaved::Compression(error))));
        assert_eq!(pair.server_closed(), ended);
        match pair.client_closed() {
            None => assert_eq!(*expected, None),
            Some(CloseReason::Failed(Error::Disconnected { reason, description, .. })) => {
                assert_eq!(
                    (reason, description.to_string()),
                    (DisconnectReason::COMPRESSION_ERROR, "compression error".into())
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Little data that becomes much is work: before authentication, bytes count as they are inflated.
#[test]
fn before_authentication_inflated_bytes_count() {
    let mut meeting = with_server("zlib", ZLIB);
    let mut stream = ZLIB.compressor(CompressionLevel::default()).unwrap();
    let mut wire = 0;
    for said in 1.. {
        let mut compressed = Vec::new();
        stream.compress(&messages::ignore(&[0; 60_000]), &mut compressed);
        wire += compressed.len();
        meeting.say(&compressed);
        if let Some(reason) = meeting.closed() {
            let limit = Error::LimitExceeded(LimitKind::BytesBeforeAuthentication);
            assert_eq!(reason, CloseReason::Failed(limit));
            assert_eq!(said, 1024 * 1024 / 60_005 + 1);
            break;
        }
    }
    assert!(wire < 4000, "{wire}");
}
