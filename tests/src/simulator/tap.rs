//! Sees what is sent before it is encrypted: ciphers that take a note of every packet they seal.

use std::cell::RefCell;

use ssh_core::crypto::cipher::{self, Cipher, OpenPacket, PacketKeys, PacketLayout, SealPacket};
use ssh_core::wire::Reader;

/// What is worth knowing of a message that was sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Note {
    /// The message's number.
    pub(super) number: u8,
    /// The number of the channel it is for or, in CHANNEL_OPEN, from.
    pub(super) channel: u32,
    /// In CHANNEL_OPEN_CONFIRMATION, the sender's number.
    pub(super) sender: u32,
    /// A window, what is added to one, or the length of data.
    pub(super) amount: u32,
    /// Largest packet, where one is named.
    pub(super) packet: u32,
    /// Whether an answer is wanted.
    pub(super) want_reply: bool,
}

/// Room for the notes of one call: taking one must not allocate, or it would count as the endpoint's memory.
const ROOM: usize = 64 * 1024;

thread_local! {
    static NOTES: RefCell<Vec<Note>> = RefCell::new(Vec::with_capacity(ROOM));
}

/// Makes room before the first call whose memory is counted.
pub(super) fn prepare() {
    NOTES.with_borrow_mut(|notes| notes.reserve(ROOM));
}

/// Hands out what was sealed on this thread since the last call.
pub(super) fn take_notes(mut each: impl FnMut(Note)) {
    NOTES.with_borrow_mut(|notes| notes.drain(..).for_each(&mut each));
}

/// All ciphers that are built in, tapped; under their own names.
pub(super) static CIPHERS: [&dyn Cipher; 6] = [
    &Tapped(cipher::CHACHA20_POLY1305),
    &Tapped(cipher::AES128_GCM),
    &Tapped(cipher::AES256_GCM),
    &Tapped(cipher::AES128_CTR),
    &Tapped(cipher::AES192_CTR),
    &Tapped(cipher::AES256_CTR),
];

struct Tapped(&'static dyn Cipher);

impl Cipher for Tapped {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn key_length(&self) -> usize {
        self.0.key_length()
    }

    fn iv_length(&self) -> usize {
        self.0.iv_length()
    }

    fn block_length(&self) -> usize {
        self.0.block_length()
    }

    fn authenticates(&self) -> bool {
        self.0.authenticates()
    }

    fn rekey_after_bytes(&self) -> u64 {
        self.0.rekey_after_bytes()
    }

    fn opener(&self, keys: PacketKeys<'_>) -> Box<dyn OpenPacket> {
        self.0.opener(keys)
    }

    fn sealer(&self, keys: PacketKeys<'_>) -> Box<dyn SealPacket> {
        Box::new(TappedSealer(self.0.sealer(keys)))
    }
}

struct TappedSealer(Box<dyn SealPacket>);

impl SealPacket for TappedSealer {
    fn layout(&self) -> PacketLayout {
        self.0.layout()
    }

    fn seal(&mut self, sequence_number: u32, packet: &mut [u8]) {
        let length = u32::from_be_bytes([packet[0], packet[1], packet[2], packet[3]]) as usize;
        let padding = usize::from(packet[4]);
        let note = read(&packet[5..4 + length - padding]);
        NOTES.with_borrow_mut(|notes| {
            assert!(notes.len() < notes.capacity(), "more packets in one call than there is room for notes");
            notes.push(note);
        });
        self.0.seal(sequence_number, packet);
    }
}

/// Reads a payload as far as a note goes. Our own messages are always well-formed.
pub(super) fn read(payload: &[u8]) -> Note {
    let mut note = Note { number: payload[0], ..Note::default() };
    let mut reader = Reader::new(&payload[1..]);
    let number = |reader: &mut Reader<'_>| reader.uint32().unwrap_or_default();
    match note.number {
        80 => {
            let _name = reader.string();
            note.want_reply = reader.boolean().unwrap_or_default();
        }
        90 => {
            let _type = reader.string();
            note.channel = number(&mut reader);
            note.amount = number(&mut reader);
            note.packet = number(&mut reader);
        }
        91 => {
            note.channel = number(&mut reader);
            note.sender = number(&mut reader);
            note.amount = number(&mut reader);
            note.packet = number(&mut reader);
        }
        93 | 94 => {
            note.channel = number(&mut reader);
            note.amount = number(&mut reader);
        }
        95 => {
            note.channel = number(&mut reader);
            let _stream = number(&mut reader);
            note.amount = number(&mut reader);
        }
        98 => {
            note.channel = number(&mut reader);
            let _type = reader.string();
            note.want_reply = reader.boolean().unwrap_or_default();
        }
        92 | 96 | 97 | 99 | 100 => note.channel = number(&mut reader),
        _ => {}
    }
    note
}
