//! Writes down everything an endpoint is given, so that it can be played again.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::wire::Writer;

/// What a recording begins with, as a string.
pub(crate) const MAGIC: &[u8] = b"ssh-core recording";

/// The version of the format.
pub(crate) const VERSION: u32 = 1;

/// Declares the kinds of entries, which stand in the file as one byte.
macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $value:literal,)*) => {
        /// What an entry tells.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($(#[$meta])* $name = $value,)*
        }

        impl Kind {
            pub(crate) fn from_byte(byte: u8) -> Option<Self> {
                match byte {
                    $($value => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    Time = 0,
    Input = 1,
    EndOfInput = 2,
    WriteClosed = 3,
    Poll = 4,
    Output = 5,
    OpenChannel = 16,
    AcceptChannel = 17,
    RejectChannel = 18,
    Reply = 19,
    GlobalRequest = 20,
    AnswerGlobal = 21,
    Rekey = 22,
    Disconnect = 23,
    AnswerSignature = 24,
    ProveHostKeys = 25,
    AnswerHostKey = 32,
    Authenticate = 33,
    AnswerPrompts = 34,
    AnswerKeyOffer = 48,
    AnswerAuth = 49,
    SendBanner = 50,
    ChannelConsume = 64,
    ChannelWrite = 65,
    ChannelRequest = 66,
    ChannelEof = 67,
    ChannelClose = 68,
    ChannelAbandon = 69,
}

/// The log of one endpoint. It grows until it is taken.
pub(crate) struct Recorder {
    log: Vec<u8>,
}

impl Recorder {
    /// Begins a log: whose it is, its seed, and when it began.
    pub(crate) fn new(is_server: bool, seed: &[u8; 32], micros: u64) -> Self {
        let mut log = Vec::new();
        let mut writer = Writer::new(&mut log);
        writer.string(MAGIC);
        writer.uint32(VERSION);
        writer.boolean(is_server);
        writer.bytes(seed);
        writer.uint64(micros);
        Self { log }
    }

    /// Notes an entry.
    pub(crate) fn note(&mut self, kind: Kind, fields: impl FnOnce(&mut Writer<'_>)) {
        let mut writer = Writer::new(&mut self.log);
        writer.byte(kind as u8);
        fields(&mut writer);
    }

    /// Notes what the socket took, by its length and digest.
    pub(crate) fn note_output(&mut self, bytes: &[u8]) {
        self.note(Kind::Output, |writer| {
            writer.uint32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            writer.bytes(&output_digest(bytes));
        });
    }

    /// Hands out what was noted since the last call.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.log)
    }
}

/// What stands for a piece of output, so that a replay that says something else is found out.
pub(crate) fn output_digest(bytes: &[u8]) -> [u8; 8] {
    let digest = Sha256::digest(bytes);
    let mut first = [0; 8];
    first.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    first
}
