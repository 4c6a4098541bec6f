//! Writing RFC 4251 §5 data types.

use alloc::vec::Vec;

use super::{Mpint, NameList};

/// Appends values to a buffer.
///
/// Lengths are `uint32` on the wire. Everything written here was bounded when it entered the crate (packets,
/// channel data, keys), so a value of 4 GiB cannot occur; one that did would get a length that does not match, which the
/// peer refuses.
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// A single octet.
    pub fn byte(&mut self, value: u8) {
        self.out.push(value);
    }

    /// A boolean: 1 or 0.
    pub fn boolean(&mut self, value: bool) {
        self.out.push(u8::from(value));
    }

    /// A 32-bit number, big-endian.
    pub fn uint32(&mut self, value: u32) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    /// A 64-bit number, big-endian.
    pub fn uint64(&mut self, value: u64) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    /// Bytes without a length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A string: length and bytes.
    pub fn string(&mut self, bytes: &[u8]) {
        self.length_field(bytes.len());
        self.bytes(bytes);
    }

    /// A multiple-precision integer.
    pub fn mpint(&mut self, value: Mpint<'_>) {
        value.write(self);
    }

    /// A name-list.
    pub fn name_list(&mut self, list: NameList<'_>) {
        self.string(list.as_str().as_bytes());
    }

    /// A string whose content `fill` writes.
    pub fn nested(&mut self, fill: impl FnOnce(&mut Writer<'_>)) {
        let start = self.out.len();
        self.uint32(0);
        fill(self);
        let length = self.out.len().saturating_sub(start + 4);
        if let Some(field) = self.out.get_mut(start..start + 4) {
            field.copy_from_slice(&length_bytes(length));
        }
    }

    pub(super) fn length_field(&mut self, length: usize) {
        self.out.extend_from_slice(&length_bytes(length));
    }
}

fn length_bytes(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_strings_get_their_length_afterwards() {
        let mut out = Vec::new();
        Writer::new(&mut out).nested(|inner| {
            inner.string(b"ab");
            inner.byte(7);
        });
        assert_eq!(out, [0, 0, 0, 7, 0, 0, 0, 2, b'a', b'b', 7]);
    }
}
