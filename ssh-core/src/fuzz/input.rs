//! Arbitrary bytes as numbers, pieces and choices. Reading past the end gives zeros, so every input means something.

use alloc::{vec, vec::Vec};

/// What is left of an input.
#[derive(Clone, Copy)]
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// At most the first `max` bytes: the bound on a body's work.
    pub(super) fn new(bytes: &'a [u8], max: usize) -> Self {
        Self(&bytes[..bytes.len().min(max)])
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    pub(super) fn number(&mut self) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()]))
    }

    /// Bytes behind their length, cut where the input ends.
    pub(super) fn piece(&mut self) -> &'a [u8] {
        let length = self.number().min(self.0.len());
        let (piece, rest) = self.0.split_at(length);
        self.0 = rest;
        piece
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// Choices that hang on a seed alone. Seed 0 always gives 0, which stands for consent.
#[derive(Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u8) -> Self {
        Self(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// One thing that happens to an endpoint.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// A well-formed packet in the clear.
    Packet(&'a [u8]),
    /// Bytes as they are.
    Raw(&'a [u8]),
    /// So many milliseconds pass.
    Time(u64),
    /// The application does something.
    Command(u8),
    /// No more bytes will come.
    Eof,
}

impl<'a> Step<'a> {
    pub(super) fn read(input: &mut Input<'a>) -> Option<Self> {
        if input.is_empty() {
            return None;
        }
        Some(match input.byte() % 8 {
            1 => Step::Raw(input.piece()),
            2 => Step::Time(input.number() as u64),
            3 => Step::Command(input.byte()),
            4 => Step::Eof,
            _ => Step::Packet(input.piece()),
        })
    }

    /// The step as [`read`](Self::read) takes it, for seeds.
    #[cfg(test)]
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut put = |kind: u8, bytes: &[u8]| {
            out.push(kind);
            out.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
            out.extend(bytes);
        };
        match self {
            Step::Packet(payload) => put(0, payload),
            Step::Raw(bytes) => put(1, bytes),
            Step::Time(millis) => out.extend([2, (millis >> 8) as u8, *millis as u8]),
            Step::Command(command) => out.extend([3, *command]),
            Step::Eof => out.push(4),
        }
    }
}

/// RFC 4253 §6, without encryption.
pub(super) fn packet(payload: &[u8]) -> Vec<u8> {
    let mut padding = 8 - (5 + payload.len()) % 8;
    if padding < 4 {
        padding += 8;
    }
    let length = u32::try_from(1 + payload.len() + padding).unwrap();
    [&length.to_be_bytes()[..], &[padding as u8], payload, &vec![0; padding]].concat()
}
