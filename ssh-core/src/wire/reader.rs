//! Reading RFC 4251 §5 data types from bytes a peer controls.

use core::fmt;

use super::{Mpint, NameList};

/// A cursor over bytes that a peer wrote. Every method checks before it takes; nothing is allocated.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// A single octet.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`]
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&first, rest) = self.rest.split_first().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(first)
    }

    /// A boolean: every value but 0 is true.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`]
    pub fn boolean(&mut self) -> Result<bool, DecodeError> {
        Ok(self.byte()? != 0)
    }

    /// A 32-bit number, big-endian.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`]
    pub fn uint32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A 64-bit number, big-endian.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`]
    pub fn uint64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// Exactly `N` bytes without a length.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (first, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    /// Exactly `length` bytes without a length field.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`]
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (first, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(first)
    }

    /// A string: a `uint32` length and that many bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`]
    pub fn string(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(self.uint32()?).map_err(|_| DecodeError::Truncated)?;
        self.bytes(length)
    }

    /// A non-negative multiple-precision integer in its one canonical form.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::InvalidMpint`]
    pub fn mpint(&mut self) -> Result<Mpint<'a>, DecodeError> {
        Mpint::from_twos_complement(self.string()?)
    }

    /// A comma-separated list of names.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::InvalidNameList`]
    pub fn name_list(&mut self) -> Result<NameList<'a>, DecodeError> {
        NameList::new(self.string()?)
    }

    /// Everything that is left.
    pub fn remainder(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// How many bytes are left: the bound for every count a peer claims.
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Ends reading.
    ///
    /// # Errors
    /// [`DecodeError::TrailingBytes`] if anything is left.
    pub const fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes) }
    }
}

/// Why bytes could not be read as what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before the value does, or a length points past the end.
    Truncated,
    /// Bytes follow where the value has ended.
    TrailingBytes,
    /// A multiple-precision integer is negative, has superfluous leading bytes, or is over 16,384 bits.
    InvalidMpint,
    /// A name-list holds an empty name, or a byte that is not printable US-ASCII.
    InvalidNameList,
    /// A count claims more items than the remaining bytes or a limit allow.
    TooMany,
    /// A field holds a value that its type does not allow.
    InvalidValue,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "it ends too early",
            Self::TrailingBytes => "bytes follow its end",
            Self::InvalidMpint => "it holds a malformed integer",
            Self::InvalidNameList => "it holds a malformed name-list",
            Self::TooMany => "it claims too many items",
            Self::InvalidValue => "it holds a value out of range",
        })
    }
}

impl core::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_past_the_end_is_truncation() {
        for length in [1_u32, 4, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            assert_eq!(Reader::new(&length.to_be_bytes()).string(), Err(DecodeError::Truncated));
        }
    }

    #[test]
    fn reads_in_order_and_notices_what_is_left() {
        let mut reader = Reader::new(&[2, 0, 0, 0, 1, b'x', 9]);
        assert_eq!(reader.boolean(), Ok(true));
        assert_eq!(reader.string(), Ok(&b"x"[..]));
        assert_eq!(reader.finish(), Err(DecodeError::TrailingBytes));
        assert_eq!(reader.byte(), Ok(9));
        assert_eq!(reader.finish(), Ok(()));
    }
}
