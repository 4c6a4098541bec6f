//! The binary packet protocol (RFC 4253 §6, RFC 4344, RFC 5647, OpenSSH's PROTOCOL and PROTOCOL.chacha20poly1305).

use aes::{Aes128, Aes256};
use chacha20::ChaCha20Legacy;
use cipher::{BlockCipherEncrypt, KeyInit, KeyIvInit, StreamCipher, StreamCipherSeek};
use ghash::{GHash, universal_hash::UniversalHash};
use hmac::{Hmac, Mac as _};
use poly1305::Poly1305;
use sha2::Sha256;

/// How packets are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// Not at all.
    None,
    /// `chacha20-poly1305@openssh.com`
    ChaCha20Poly1305,
    /// `aes128-gcm@openssh.com`
    Aes128Gcm,
    /// `aes256-gcm@openssh.com`
    Aes256Gcm,
    /// `aes128-ctr`
    Aes128Ctr(Mac),
}

/// The MAC of a cipher that needs one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mac {
    /// `hmac-sha2-256`
    HmacSha2_256,
    /// `hmac-sha2-256-etm@openssh.com`
    HmacSha2_256Etm,
}

impl Mac {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha2_256 => "hmac-sha2-256",
            Self::HmacSha2_256Etm => "hmac-sha2-256-etm@openssh.com",
        }
    }
}

impl Cipher {
    /// All that have keys.
    pub const ALL: [Self; 5] = [
        Self::ChaCha20Poly1305,
        Self::Aes128Gcm,
        Self::Aes256Gcm,
        Self::Aes128Ctr(Mac::HmacSha2_256),
        Self::Aes128Ctr(Mac::HmacSha2_256Etm),
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ChaCha20Poly1305 => "chacha20-poly1305@openssh.com",
            Self::Aes128Gcm => "aes128-gcm@openssh.com",
            Self::Aes256Gcm => "aes256-gcm@openssh.com",
            Self::Aes128Ctr(_) => "aes128-ctr",
        }
    }

    /// The MAC it goes with.
    pub fn mac(self) -> Option<Mac> {
        match self {
            Self::Aes128Ctr(mac) => Some(mac),
            _ => None,
        }
    }

    /// By their names.
    pub fn named(name: &str, mac: &str) -> Result<Self, String> {
        let fits = |cipher: &Self| cipher.name() == name && cipher.mac().is_none_or(|each| each.name() == mac);
        Self::ALL.into_iter().find(fits).ok_or_else(|| format!("{name} with {mac} is not spoken"))
    }

    /// Bytes of key, initial vector and MAC key.
    pub fn lengths(self) -> [usize; 3] {
        match self {
            Self::None => [0, 0, 0],
            Self::ChaCha20Poly1305 => [64, 0, 0],
            Self::Aes128Gcm => [16, 12, 0],
            Self::Aes256Gcm => [32, 12, 0],
            Self::Aes128Ctr(_) => [16, 16, 32],
        }
    }
}

/// What may be wrong with a packet. By default nothing is.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// The padding itself; else the least that is legal, of random bytes.
    pub padding: Option<Vec<u8>>,
    /// What `padding_length` says, whatever there is.
    pub padding_length: Option<u8>,
    /// What `packet_length` says, whatever there is.
    pub packet_length: Option<u32>,
    /// The number it is sealed under, instead of the next.
    pub sequence_number: Option<u32>,
}

/// One direction's protection.
#[derive(Clone)]
pub enum Seal {
    /// None.
    Clear,
    /// Key of the payload, key of the length.
    ChaCha20Poly1305([u8; 32], [u8; 32]),
    /// AES in Galois/Counter Mode.
    Gcm(Box<Gcm>),
    /// AES in counter mode with a MAC.
    Ctr(Box<Ctr>),
}

/// The state of AES-GCM.
#[derive(Clone)]
pub struct Gcm {
    aes: Aes,
    fixed: [u8; 4],
    invocation_counter: u64,
}

#[derive(Clone)]
enum Aes {
    Aes128(Aes128),
    Aes256(Aes256),
}

/// One keystream for all packets (RFC 4344 §4).
#[derive(Clone)]
struct CtrStream {
    aes: Aes128,
    counter: u128,
    /// What is left of the block made last, from the end.
    block: [u8; 16],
    left: usize,
}

/// The state of AES-CTR and its MAC.
#[derive(Clone)]
pub struct Ctr {
    stream: CtrStream,
    mac: Hmac<Sha256>,
    /// The MAC covers the cipher text, and the length stays in the clear.
    encrypt_then_mac: bool,
    /// The first block of the packet at hand, once it is decrypted.
    head: Option<[u8; 16]>,
}

impl Seal {
    /// From key, initial vector and MAC key of the right lengths.
    pub fn new(cipher: Cipher, key: &[u8], iv: &[u8], mac_key: &[u8]) -> Self {
        let half = |range| <[u8; 32]>::try_from(&key[range]).expect("a key of 64 bytes");
        let gcm = |aes| {
            let (fixed, counter) = iv.split_first_chunk().expect("12 bytes");
            let invocation_counter = u64::from_be_bytes(counter.try_into().expect("12 bytes"));
            Self::Gcm(Box::new(Gcm { aes, fixed: *fixed, invocation_counter }))
        };
        match cipher {
            Cipher::None => Self::Clear,
            Cipher::ChaCha20Poly1305 => Self::ChaCha20Poly1305(half(0..32), half(32..64)),
            Cipher::Aes128Gcm => gcm(Aes::Aes128(Aes128::new_from_slice(key).expect("a key of 16 bytes"))),
            Cipher::Aes256Gcm => gcm(Aes::Aes256(Aes256::new_from_slice(key).expect("a key of 32 bytes"))),
            Cipher::Aes128Ctr(mac) => Self::Ctr(Box::new(Ctr {
                stream: CtrStream::new(key, iv),
                mac: Hmac::new_from_slice(mac_key).expect("any length"),
                encrypt_then_mac: mac == Mac::HmacSha2_256Etm,
                head: None,
            })),
        }
    }

    /// What the padded length is a multiple of, and whether `packet_length` counts for that.
    pub fn block(&self) -> (usize, bool) {
        match self {
            Self::Clear => (8, true),
            Self::ChaCha20Poly1305(..) => (8, false),
            Self::Gcm(_) => (16, false),
            Self::Ctr(ctr) => (16, !ctr.encrypt_then_mac),
        }
    }

    /// Bytes behind the padding.
    pub fn tag_length(&self) -> usize {
        match self {
            Self::Clear => 0,
            Self::ChaCha20Poly1305(..) | Self::Gcm(_) => 16,
            Self::Ctr(_) => 32,
        }
    }

    /// Seals `packet_length ‖ padding_length ‖ payload ‖ padding`.
    pub fn seal(&mut self, sequence_number: u32, mut packet: Vec<u8>) -> Vec<u8> {
        let tag = match self {
            Self::Clear => Vec::new(),
            Self::ChaCha20Poly1305(payload_key, length_key) => {
                let (length, text) = packet.split_at_mut(4);
                chacha20(length_key, sequence_number, 0).apply_keystream(length);
                chacha20(payload_key, sequence_number, 64).apply_keystream(text);
                poly1305_tag(payload_key, sequence_number, &packet).to_vec()
            }
            Self::Gcm(gcm) => {
                let (length, text) = packet.split_at_mut(4);
                gcm.seal(length, text).to_vec()
            }
            Self::Ctr(ctr) if ctr.encrypt_then_mac => {
                ctr.stream.apply_keystream(&mut packet[4..]);
                ctr.tag(sequence_number, &packet).to_vec()
            }
            Self::Ctr(ctr) => {
                let tag = ctr.tag(sequence_number, &packet).to_vec();
                ctr.stream.apply_keystream(&mut packet);
                tag
            }
        };
        packet.extend(tag);
        packet
    }

    /// Opens the packet at the start of `bytes`: how many bytes it took and the packet without its tag. `None`: it is not
    /// there yet.
    pub fn open(&mut self, sequence_number: u32, bytes: &[u8]) -> Result<Option<(usize, Vec<u8>)>, String> {
        let Some(length) = self.packet_length(sequence_number, bytes) else { return Ok(None) };
        if length > 1 << 20 {
            return Err(format!("packet_length is {length}"));
        }
        let (text_end, tag_length) = (4 + length as usize, self.tag_length());
        let Some(sealed) = bytes.get(..text_end + tag_length) else { return Ok(None) };
        let (mut packet, tag) = (sealed[..text_end].to_vec(), &sealed[text_end..]);
        let expected = match self {
            Self::Clear => Vec::new(),
            Self::ChaCha20Poly1305(payload_key, _) => {
                let expected = poly1305_tag(payload_key, sequence_number, &packet).to_vec();
                chacha20(payload_key, sequence_number, 64).apply_keystream(&mut packet[4..]);
                expected
            }
            Self::Gcm(gcm) => {
                let (length, text) = packet.split_at_mut(4);
                gcm.open(length, text).to_vec()
            }
            Self::Ctr(ctr) if ctr.encrypt_then_mac => {
                let expected = ctr.tag(sequence_number, &packet).to_vec();
                ctr.stream.apply_keystream(&mut packet[4..]);
                expected
            }
            Self::Ctr(ctr) => {
                let head = ctr.head.take().ok_or("less than a block")?;
                packet[..16].copy_from_slice(&head);
                ctr.stream.apply_keystream(&mut packet[16..]);
                ctr.tag(sequence_number, &packet).to_vec()
            }
        };
        if expected != tag {
            return Err(format!("the tag of packet {sequence_number} is wrong"));
        }
        packet[..4].copy_from_slice(&length.to_be_bytes());
        Ok(Some((text_end + tag_length, packet)))
    }

    fn packet_length(&mut self, sequence_number: u32, bytes: &[u8]) -> Option<u32> {
        let mut length = *bytes.first_chunk::<4>()?;
        match self {
            Self::ChaCha20Poly1305(_, length_key) => {
                chacha20(length_key, sequence_number, 0).apply_keystream(&mut length);
            }
            Self::Ctr(ctr) if !ctr.encrypt_then_mac => {
                if ctr.head.is_none() {
                    let mut head = *bytes.first_chunk::<16>()?;
                    ctr.stream.apply_keystream(&mut head);
                    ctr.head = Some(head);
                }
                length = *ctr.head?.first_chunk()?;
            }
            _ => {}
        }
        Some(u32::from_be_bytes(length))
    }
}

fn chacha20(key: &[u8; 32], sequence_number: u32, position: u64) -> ChaCha20Legacy {
    let nonce = u64::from(sequence_number).to_be_bytes();
    let mut stream = ChaCha20Legacy::new(key.into(), (&nonce).into());
    stream.seek(position);
    stream
}

fn poly1305_tag(payload_key: &[u8; 32], sequence_number: u32, sealed: &[u8]) -> [u8; 16] {
    let mut key = [0; 32];
    chacha20(payload_key, sequence_number, 0).apply_keystream(&mut key);
    Poly1305::new((&key).into()).compute_unpadded(sealed).into()
}

impl Gcm {
    fn seal(&mut self, length: &[u8], text: &mut [u8]) -> [u8; 16] {
        let nonce = self.next_nonce();
        self.apply_keystream(&nonce, text);
        self.tag(&nonce, length, text)
    }

    fn open(&mut self, length: &[u8], text: &mut [u8]) -> [u8; 16] {
        let nonce = self.next_nonce();
        let tag = self.tag(&nonce, length, text);
        self.apply_keystream(&nonce, text);
        tag
    }

    fn next_nonce(&mut self) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&self.fixed);
        nonce[4..].copy_from_slice(&self.invocation_counter.to_be_bytes());
        self.invocation_counter = self.invocation_counter.wrapping_add(1);
        nonce
    }

    /// The first keystream block belongs to the tag.
    fn apply_keystream(&self, nonce: &[u8; 12], text: &mut [u8]) {
        for (index, block) in text.chunks_mut(16).enumerate() {
            let key = self.encrypt(counter_block(nonce, index as u32 + 2));
            block.iter_mut().zip(key).for_each(|(to, from)| *to ^= from);
        }
    }

    fn tag(&self, nonce: &[u8; 12], length: &[u8], text: &[u8]) -> [u8; 16] {
        let mut ghash = GHash::new(&self.encrypt([0; 16]).into());
        ghash.update_padded(length);
        ghash.update_padded(text);
        let bits = [(length.len() as u64 * 8).to_be_bytes(), (text.len() as u64 * 8).to_be_bytes()].concat();
        ghash.update_padded(&bits);
        let mut tag = self.encrypt(counter_block(nonce, 1));
        tag.iter_mut().zip(ghash.finalize()).for_each(|(to, from)| *to ^= from);
        tag
    }

    fn encrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        match &self.aes {
            Aes::Aes128(aes) => aes.encrypt_block(&mut block),
            Aes::Aes256(aes) => aes.encrypt_block(&mut block),
        }
        block.into()
    }
}

fn counter_block(nonce: &[u8; 12], counter: u32) -> [u8; 16] {
    let mut block = [0; 16];
    block[..12].copy_from_slice(nonce);
    block[12..].copy_from_slice(&counter.to_be_bytes());
    block
}

impl CtrStream {
    fn new(key: &[u8], iv: &[u8]) -> Self {
        let aes = Aes128::new_from_slice(key).expect("a key of 16 bytes");
        Self { aes, counter: u128::from_be_bytes(iv.try_into().expect("16 bytes")), block: [0; 16], left: 0 }
    }

    fn apply_keystream(&mut self, text: &mut [u8]) {
        for byte in text {
            if self.left == 0 {
                let mut block = self.counter.to_be_bytes().into();
                self.aes.encrypt_block(&mut block);
                (self.block, self.left) = (block.into(), 16);
                self.counter = self.counter.wrapping_add(1);
            }
            *byte ^= self.block[16 - self.left];
            self.left -= 1;
        }
    }
}

impl Ctr {
    fn tag(&self, sequence_number: u32, data: &[u8]) -> [u8; 32] {
        let mac = self.mac.clone().chain_update(sequence_number.to_be_bytes()).chain_update(data);
        mac.finalize().into_bytes().into()
    }
}
