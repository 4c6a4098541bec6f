//! The peer itself: bytes in, payloads out, payloads in, bytes out.

use std::collections::VecDeque;

use crate::Method;
use crate::dice::Dice;
use crate::handshake::Exchange;
use crate::kexinit::KexInit;
use crate::key::Key;
use crate::seal::{Cipher, Seal, Shape};

/// Which side it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It opened the connection.
    Client,
    /// It accepted it.
    Server,
}

/// One direction.
#[derive(Clone)]
pub struct Half {
    /// The keys.
    pub seal: Seal,
    /// Of the next packet.
    pub sequence_number: u32,
}

impl Half {
    fn new() -> Self {
        Self { seal: Seal::Clear, sequence_number: 0 }
    }
}

/// An SSH speaker. What is public may be changed at any time.
#[derive(Clone)]
pub struct Peer {
    /// Which side it plays.
    pub role: Role,
    /// The line it names itself by, without line end.
    pub identification: Vec<u8>,
    /// What its KEXINITs say.
    pub offer: KexInit,
    /// Its host key or its user's key.
    pub key: Key,
    /// What it seals with.
    pub sending: Half,
    /// What it opens with.
    pub receiving: Half,
    /// Whether both sides named strict key exchange in the first KEXINITs.
    pub strict: bool,
    /// The first exchange hash.
    pub session_id: Vec<u8>,
    /// The source of padding, cookies and secrets.
    pub dice: Dice,
    /// The exchange that goes on.
    pub exchange: Exchange,
    pub(crate) their_identification: Option<Vec<u8>>,
    pub(crate) said_identification: bool,
    input: Vec<u8>,
    output: Vec<u8>,
    payloads: VecDeque<(u32, Vec<u8>)>,
}

impl Peer {
    /// A peer with one method and one cipher, strict.
    pub fn new(role: Role, method: Method, cipher: Cipher) -> Self {
        Self {
            role,
            identification: b"SSH-2.0-hostile".to_vec(),
            offer: KexInit::new(method, cipher),
            key: Key::from_seed([7; 32]),
            sending: Half::new(),
            receiving: Half::new(),
            strict: false,
            session_id: Vec::new(),
            dice: Dice::new(match role {
                Role::Client => 1,
                Role::Server => 2,
            }),
            exchange: Exchange::default(),
            their_identification: None,
            said_identification: false,
            input: Vec::new(),
            output: Vec::new(),
            payloads: VecDeque::new(),
        }
    }

    /// With `change` made to what its KEXINITs say.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut KexInit)) -> Self {
        change(&mut self.offer);
        self
    }

    /// Takes bytes of the other side and opens what is whole.
    ///
    /// # Panics
    /// If a packet is malformed or its tag is wrong.
    pub fn feed(&mut self, bytes: &[u8]) {
        if let Err(error) = self.try_feed(bytes) {
            panic!("{error}");
        }
    }

    /// The same, for other sides that may send nonsense.
    pub fn try_feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.input.extend_from_slice(bytes);
        if self.their_identification.is_none() {
            let Some(end) = self.input.iter().position(|&byte| byte == b'\n') else { return Ok(()) };
            let line: Vec<u8> = self.input.drain(..=end).collect();
            let line = line.strip_suffix(b"\r\n").ok_or("an identification without CR LF")?;
            self.their_identification = Some(line.to_vec());
        }
        while let Some((sequence_number, payload)) = self.open()? {
            self.note(&payload)?;
            self.payloads.push_back((sequence_number, payload));
        }
        Ok(())
    }

    /// The next thing the other side said, and the sequence number of its packet.
    pub fn next_payload(&mut self) -> Option<(u32, Vec<u8>)> {
        self.payloads.pop_front()
    }

    /// All of them.
    pub fn payloads(&mut self) -> Vec<Vec<u8>> {
        self.payloads.drain(..).map(|(_, payload)| payload).collect()
    }

    /// The numbers of all of them.
    pub fn numbers(&mut self) -> Vec<u8> {
        self.payloads.drain(..).map(|(_, payload)| payload[0]).collect()
    }

    /// Says anything, under the keys of now. A KEXINIT is noted for the exchange hash; NEWKEYS changes the keys if there
    /// are new ones.
    pub fn send(&mut self, payload: &[u8]) {
        self.send_shaped(payload, &Shape::default());
    }

    /// Says anything in a packet of any shape.
    pub fn send_shaped(&mut self, payload: &[u8], shape: &Shape) {
        let packet = self.pack(payload, shape);
        let number = shape.sequence_number.unwrap_or(self.sending.sequence_number);
        let sealed = self.sending.seal.seal(number, packet);
        self.sending.sequence_number = self.sending.sequence_number.wrapping_add(1);
        self.output.extend(sealed);
        self.note_sent(payload);
    }

    /// Bytes that are no packet, or not one of its own.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// What it said since the last call.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Bytes that arrived and are no whole packet.
    pub fn unread(&self) -> &[u8] {
        &self.input
    }

    fn open(&mut self) -> Result<Option<(u32, Vec<u8>)>, String> {
        if self.exchange.awaits_keys() {
            return Ok(None);
        }
        let sequence_number = self.receiving.sequence_number;
        let Some((taken, packet)) = self.receiving.seal.open(sequence_number, &self.input)? else { return Ok(None) };
        self.input.drain(..taken);
        self.receiving.sequence_number = sequence_number.wrapping_add(1);
        let (block, counts_length) = self.receiving.seal.block();
        let padded = if counts_length { packet.len() } else { packet.len() - 4 };
        let padding = usize::from(packet[4]);
        if padding < 4 || padding + 5 >= packet.len() || padded % block != 0 {
            return Err(format!("a packet of {} bytes with {padding} of padding", packet.len()));
        }
        Ok(Some((sequence_number, packet[5..packet.len() - padding].to_vec())))
    }

    fn pack(&mut self, payload: &[u8], shape: &Shape) -> Vec<u8> {
        let (block, counts_length) = self.sending.seal.block();
        let unpadded = if counts_length { 5 } else { 1 } + payload.len();
        let mut least = block - unpadded % block;
        if least < 4 {
            least += block;
        }
        let padding = shape.padding.clone().unwrap_or_else(|| self.dice.roll()[..least].to_vec());
        let packet_length = shape.packet_length.unwrap_or((1 + payload.len() + padding.len()) as u32);
        let padding_length = shape.padding_length.unwrap_or(padding.len() as u8);
        [&packet_length.to_be_bytes()[..], &[padding_length], payload, &padding].concat()
    }
}

/// `payload` as a packet in the clear.
pub fn clear_packet(payload: &[u8]) -> Vec<u8> {
    let mut peer = Peer::new(Role::Client, Method::Curve25519, Cipher::None);
    peer.send(payload);
    peer.take_output()
}
