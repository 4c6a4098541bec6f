//! Algorithms that do nothing, so that a fuzzer can say everything a peer with the right keys could say.

use alloc::{boxed::Box, sync::Arc, vec, vec::Vec};

use crate::config::{ClientConfig, Identification, Limits, ServerConfig};
use crate::crypto::Algorithms;
use crate::crypto::cipher::{Cipher, IntegrityError, OpenPacket, Opened, PacketKeys, PacketLayout, SealPacket};
use crate::crypto::compression;
use crate::crypto::hash::Hash;
use crate::crypto::kex::{
    KexError, KexExchange, KexMessage, KexOutcome, KexReply, KexSettings, KexStep, KeyExchange, ServerProof,
};
use crate::crypto::signature::{SignatureAlgorithm, SignatureError, Verified};
use crate::key::PublicKey;
use crate::random::{ChaChaRandom, SecureRandom};
use crate::secret::SecretBytes;
use crate::wire::{MessageNumber, Reader, Writer};

/// Name of the signature algorithm and of its keys.
const SIGNATURE: &str = "fuzz-signature@example.com";

/// A generator that is the same for the same seed.
pub(super) fn random(seed: u8) -> ChaChaRandom {
    ChaChaRandom::from_seed(&[seed; 32])
}

pub(super) fn boxed_random(seed: u8) -> Box<dyn SecureRandom> {
    Box::new(random(seed))
}

fn strings(strings: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    strings.iter().for_each(|string| writer.string(string));
    out
}

/// The only key there is: host key and user key.
pub(super) fn key() -> PublicKey {
    PublicKey::from_blob(&strings(&[SIGNATURE.as_bytes(), b"key"])).expect("a plausible key type")
}

/// The signature that verifies, whatever was signed.
pub(super) fn signature() -> Vec<u8> {
    strings(&[SIGNATURE.as_bytes(), b"ok"])
}

fn algorithms() -> Algorithms {
    Algorithms {
        kex: vec![&FakeKex],
        host_key: vec![&FakeSignature],
        public_key: vec![&FakeSignature],
        ciphers: vec![&Clear],
        macs: Vec::new(),
        compression: vec![compression::NONE],
    }
}

/// Limits that short inputs reach.
fn limits() -> Limits {
    Limits {
        max_packet_before_auth: 35_000,
        max_packet: 35_000,
        max_bytes_before_auth: 64 * 1024,
        channel_window: 4096,
        channel_packet: 512,
        max_unread_bytes: 16 * 1024,
        max_channels: 6,
        max_output: 16 * 1024,
        max_deferred_bytes: 4096,
        max_unanswered_requests: 8,
        input_buffer: 4096,
        max_auth_requests: 20,
        ..Limits::default()
    }
}

pub(super) fn client_config() -> Arc<ClientConfig> {
    let identification = Identification::new("fuzz").unwrap();
    Arc::new(ClientConfig { algorithms: algorithms(), limits: limits(), identification, ..ClientConfig::default() })
}

pub(super) fn server_config() -> Arc<ServerConfig> {
    let mut config = ServerConfig::new(vec![key()]);
    config.algorithms = algorithms();
    config.limits = limits();
    config.identification = Identification::new("fuzz").unwrap();
    config.auth_methods.push("keyboard-interactive".into());
    Arc::new(config)
}

struct Clear;

const LAYOUT: PacketLayout = PacketLayout { head_length: 4, block_length: 8, unaligned_prefix: 0, tag_length: 0 };

impl Cipher for Clear {
    fn name(&self) -> &'static str {
        "fuzz-clear@example.com"
    }

    fn key_length(&self) -> usize {
        16
    }

    fn iv_length(&self) -> usize {
        0
    }

    fn block_length(&self) -> usize {
        8
    }

    fn authenticates(&self) -> bool {
        true
    }

    fn opener(&self, _keys: PacketKeys<'_>) -> Box<dyn OpenPacket> {
        Box::new(Self)
    }

    fn sealer(&self, _keys: PacketKeys<'_>) -> Box<dyn SealPacket> {
        Box::new(Self)
    }
}

impl OpenPacket for Clear {
    fn layout(&self) -> PacketLayout {
        LAYOUT
    }

    fn packet_length(&mut self, _sequence_number: u32, head: &mut [u8]) -> u32 {
        u32::from_be_bytes([head[0], head[1], head[2], head[3]])
    }

    fn open(&mut self, _sequence_number: u32, _packet: &mut [u8]) -> Result<Opened, IntegrityError> {
        Ok(Opened::tag_verified())
    }
}

impl SealPacket for Clear {
    fn layout(&self) -> PacketLayout {
        LAYOUT
    }

    fn seal(&mut self, _sequence_number: u32, _packet: &mut [u8]) {}
}

/// Two messages of one string each, and a constant for a secret.
struct FakeKex;

struct FakeKexClient;

struct FakeKexServer;

fn outcome(server_proof: Option<ServerProof>, reply: Option<KexReply>) -> KexStep {
    let shared_secret = SecretBytes::new(strings(&[b"secret"]));
    KexStep::Done(KexOutcome { shared_secret, exchange_values: strings(&[b"c", b"s"]), server_proof, reply })
}

impl KeyExchange for FakeKex {
    fn name(&self) -> &'static str {
        "fuzz-kex@example.com"
    }

    fn hash(&self) -> Hash {
        Hash::Sha256
    }

    fn start_client(
        &self,
        _settings: &KexSettings,
        _random: &mut dyn SecureRandom,
    ) -> Result<(KexMessage, Box<dyn KexExchange>), KexError> {
        let message = KexMessage { number: MessageNumber::KEX_ECDH_INIT, body: strings(&[b"c"]) };
        Ok((message, Box::new(FakeKexClient)))
    }

    fn start_server(&self, _settings: &KexSettings) -> Result<Box<dyn KexExchange>, KexError> {
        Ok(Box::new(FakeKexServer))
    }
}

impl KexExchange for FakeKexClient {
    fn expects(&self) -> MessageNumber {
        MessageNumber::KEX_ECDH_REPLY
    }

    fn handle(&mut self, body: &[u8], _random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        let mut reader = Reader::new(body);
        let (host_key, _value) = (reader.string()?.to_vec(), reader.string()?);
        let signature = reader.string()?.to_vec();
        reader.finish()?;
        Ok(outcome(Some(ServerProof { host_key, signature }), None))
    }
}

impl KexExchange for FakeKexServer {
    fn expects(&self) -> MessageNumber {
        MessageNumber::KEX_ECDH_INIT
    }

    fn handle(&mut self, body: &[u8], _random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        let mut reader = Reader::new(body);
        let _value = reader.string()?;
        reader.finish()?;
        let reply = KexReply { number: MessageNumber::KEX_ECDH_REPLY, server_value: strings(&[b"s"]) };
        Ok(outcome(None, Some(reply)))
    }
}

struct FakeSignature;

impl SignatureAlgorithm for FakeSignature {
    fn name(&self) -> &'static str {
        SIGNATURE
    }

    fn key_type(&self) -> &'static str {
        SIGNATURE
    }

    fn verify(&self, key_blob: &[u8], _message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        self.check_key(key_blob)?;
        if signature == self::signature() { Ok(Verified::default()) } else { Err(SignatureError::Invalid) }
    }

    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError> {
        let right = Reader::new(key_blob).string() == Ok(SIGNATURE.as_bytes());
        if right { Ok(()) } else { Err(SignatureError::WrongKeyType) }
    }
}
