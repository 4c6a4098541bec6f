//! One algorithm of each kind that the library does not know. A name of one's own has an `@` and a domain (RFC 4250 §4.6.1).
//!
//! Where they stand on built-in ones, a program might call a hardware module or another library in their place.

use std::sync::atomic::{AtomicU64, Ordering};

use ssh_core::crypto::Algorithms;
use ssh_core::crypto::cipher::{
    AES256_CTR, Cipher, IntegrityError, OpenPacket, Opened, PacketKeys, PacketLayout, SealPacket,
};
use ssh_core::crypto::compression::{Compress, Compression, CompressionLevel, Decompress, DecompressError};
use ssh_core::crypto::hash::Hash;
use ssh_core::crypto::kex::{CURVE25519_SHA256, KexError, KexExchange, KexMessage, KexSettings, KeyExchange};
use ssh_core::crypto::mac::{HMAC_SHA2_512_ETM, KeyedMac, Mac};
use ssh_core::crypto::signature::{SSH_ED25519, SignatureAlgorithm, SignatureError, Verified};
use ssh_core::key::{KeyError, PrivateKey, PublicKey};
use ssh_core::random::SecureRandom;
use ssh_core::wire::{Reader, Writer};

/// Nothing but these.
pub(crate) fn own() -> Algorithms {
    Algorithms {
        kex: vec![&Curve25519Sha512],
        host_key: vec![&TokenEd25519],
        public_key: vec![&TokenEd25519],
        ciphers: vec![&CountingAes],
        macs: vec![&ShortHmac],
        compression: vec![&RunLength],
    }
}

/// Key exchange: Curve25519 with a larger hash.
struct Curve25519Sha512;

impl KeyExchange for Curve25519Sha512 {
    fn name(&self) -> &'static str {
        "curve25519-sha512@example.com"
    }

    fn hash(&self) -> Hash {
        Hash::Sha512
    }

    fn start_client(
        &self,
        settings: &KexSettings,
        random: &mut dyn SecureRandom,
    ) -> Result<(KexMessage, Box<dyn KexExchange>), KexError> {
        CURVE25519_SHA256.start_client(settings, random)
    }

    fn start_server(&self, settings: &KexSettings) -> Result<Box<dyn KexExchange>, KexError> {
        CURVE25519_SHA256.start_server(settings)
    }
}

/// Signatures: Ed25519 keys that live in a token of the company's, and are no keys to anybody else.
struct TokenEd25519;

const TOKEN_KEY: &str = "token-ed25519@example.com";

impl SignatureAlgorithm for TokenEd25519 {
    fn name(&self) -> &'static str {
        TOKEN_KEY
    }

    fn key_type(&self) -> &'static str {
        TOKEN_KEY
    }

    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        let key = renamed(key_blob, TOKEN_KEY, SSH_ED25519.name()).ok_or(SignatureError::WrongKeyType)?;
        let signature = renamed(signature, TOKEN_KEY, SSH_ED25519.name()).ok_or(SignatureError::WrongAlgorithm)?;
        SSH_ED25519.verify(&key, message, &signature)
    }

    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError> {
        let key = renamed(key_blob, TOKEN_KEY, SSH_ED25519.name()).ok_or(SignatureError::WrongKeyType)?;
        SSH_ED25519.check_key(&key)
    }
}

/// The public half of a token's key.
pub(crate) fn token_key(key: &PrivateKey) -> Result<PublicKey, KeyError> {
    PublicKey::from_blob(&renamed(key.public_key().blob(), SSH_ED25519.name(), TOKEN_KEY).unwrap_or_default())
}

/// What the token answers to a request for a signature.
pub(crate) fn token_signature(key: &PrivateKey, data: &[u8], random: &mut dyn SecureRandom) -> Option<Vec<u8>> {
    let signature = key.sign(SSH_ED25519.name(), data, random).ok()?;
    renamed(&signature, SSH_ED25519.name(), TOKEN_KEY)
}

/// A blob that begins with the name `from`, with `to` in its place.
fn renamed(blob: &[u8], from: &str, to: &str) -> Option<Vec<u8>> {
    let mut reader = Reader::new(blob);
    if reader.string().ok()? != from.as_bytes() {
        return None;
    }
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.string(to.as_bytes());
    writer.bytes(reader.remainder());
    Some(out)
}

/// A cipher: AES that counts what it encrypts, as an accelerator with a licence would.
struct CountingAes;

/// Packets that [`CountingAes`] has sealed and opened in this process.
pub(crate) static PACKETS: AtomicU64 = AtomicU64::new(0);

impl Cipher for CountingAes {
    fn name(&self) -> &'static str {
        "counting-aes256-ctr@example.com"
    }

    fn key_length(&self) -> usize {
        AES256_CTR.key_length()
    }

    fn iv_length(&self) -> usize {
        AES256_CTR.iv_length()
    }

    fn block_length(&self) -> usize {
        AES256_CTR.block_length()
    }

    fn authenticates(&self) -> bool {
        false
    }

    fn opener(&self, keys: PacketKeys<'_>) -> Box<dyn OpenPacket> {
        Box::new(Counting(AES256_CTR.opener(keys)))
    }

    fn sealer(&self, keys: PacketKeys<'_>) -> Box<dyn SealPacket> {
        Box::new(Counting(AES256_CTR.sealer(keys)))
    }
}

struct Counting<T>(T);

impl OpenPacket for Counting<Box<dyn OpenPacket>> {
    fn layout(&self) -> PacketLayout {
        self.0.layout()
    }

    fn packet_length(&mut self, sequence_number: u32, head: &mut [u8]) -> u32 {
        self.0.packet_length(sequence_number, head)
    }

    fn open(&mut self, sequence_number: u32, packet: &mut [u8]) -> Result<Opened, IntegrityError> {
        PACKETS.fetch_add(1, Ordering::Relaxed);
        self.0.open(sequence_number, packet)
    }
}

impl SealPacket for Counting<Box<dyn SealPacket>> {
    fn layout(&self) -> PacketLayout {
        self.0.layout()
    }

    fn seal(&mut self, sequence_number: u32, packet: &mut [u8]) {
        PACKETS.fetch_add(1, Ordering::Relaxed);
        self.0.seal(sequence_number, packet);
    }
}

/// A MAC: HMAC-SHA-512 cut to half, over the encrypted packet.
struct ShortHmac;

const SHORT_TAG: usize = 32;

impl Mac for ShortHmac {
    fn name(&self) -> &'static str {
        "hmac-sha2-512-256-etm@example.com"
    }

    fn key_length(&self) -> usize {
        HMAC_SHA2_512_ETM.key_length()
    }

    fn tag_length(&self) -> usize {
        SHORT_TAG
    }

    fn encrypt_then_mac(&self) -> bool {
        true
    }

    fn keyed(&self, key: &[u8]) -> Box<dyn KeyedMac> {
        Box::new(KeyedShortHmac(HMAC_SHA2_512_ETM.keyed(key)))
    }
}

struct KeyedShortHmac(Box<dyn KeyedMac>);

impl KeyedMac for KeyedShortHmac {
    fn tag_length(&self) -> usize {
        SHORT_TAG
    }

    fn encrypt_then_mac(&self) -> bool {
        true
    }

    fn sign(&mut self, sequence_number: u32, data: &[u8], tag: &mut [u8]) {
        let mut whole = vec![0; self.0.tag_length()];
        self.0.sign(sequence_number, data, &mut whole);
        tag.iter_mut().zip(whole).for_each(|(byte, whole)| *byte = whole);
    }

    fn verify(&mut self, sequence_number: u32, data: &[u8], tag: &[u8]) -> bool {
        let mut expected = [0; SHORT_TAG];
        self.sign(sequence_number, data, &mut expected);
        // Every byte is looked at, wherever the first difference is.
        let difference = expected.iter().zip(tag).fold(0, |difference, (one, other)| difference | (one ^ other));
        std::hint::black_box(difference) == 0 && tag.len() == SHORT_TAG
    }
}

/// Compression: how often a byte comes, and the byte.
struct RunLength;

impl Compression for RunLength {
    fn name(&self) -> &'static str {
        "run-length@example.com"
    }

    fn compressor(&self, _level: CompressionLevel) -> Option<Box<dyn Compress>> {
        Some(Box::new(Self))
    }

    fn decompressor(&self) -> Option<Box<dyn Decompress>> {
        Some(Box::new(Self))
    }
}

impl Compress for RunLength {
    fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        for run in payload.chunk_by(|one, other| one == other).flat_map(|run| run.chunks(255)) {
            out.extend(u8::try_from(run.len()));
            out.extend(run.first());
        }
    }
}

impl Decompress for RunLength {
    fn decompress(&mut self, data: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), DecompressError> {
        for run in data.chunks(2) {
            let [count, byte] = run else { return Err(DecompressError::Malformed) };
            if out.len() + usize::from(*count) > max {
                return Err(DecompressError::TooLong);
            }
            out.resize(out.len() + usize::from(*count), *byte);
        }
        Ok(())
    }
}
