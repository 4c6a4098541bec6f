//! Multiple-precision integers (RFC 4251 §5).

use super::{DecodeError, Writer};

/// A non-negative multiple-precision integer: its big-endian magnitude without leading zeros. Zero is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mpint<'a>(&'a [u8]);

impl<'a> Mpint<'a> {
    /// Most bytes of magnitude accepted from a peer: 16,384 bits, OpenSSH's bound.
    pub const MAX_LENGTH: usize = 2048;

    /// The number with this big-endian `magnitude`; leading zeros are dropped.
    pub fn from_magnitude(magnitude: &'a [u8]) -> Self {
        let zeros = magnitude.iter().take_while(|&&byte| byte == 0).count();
        Self(magnitude.get(zeros..).unwrap_or_default())
    }

    /// The number from the inside of an `mpint` string. Negative, non-minimal and over-long forms are refused: no
    /// number of this protocol is negative, and two encodings of one value would make signatures ambiguous.
    pub(super) fn from_twos_complement(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let magnitude = match bytes {
            [] => return Ok(Self(bytes)),
            [0, rest @ ..] if rest.first().is_some_and(|&next| next >= 0x80) => rest,
            [1..=0x7f, ..] => bytes,
            _ => return Err(DecodeError::InvalidMpint),
        };
        if magnitude.len() > Self::MAX_LENGTH {
            return Err(DecodeError::InvalidMpint);
        }
        Ok(Self(magnitude))
    }

    /// The big-endian magnitude without leading zeros.
    pub const fn magnitude(self) -> &'a [u8] {
        self.0
    }

    /// How many bits the number has.
    pub fn bits(self) -> usize {
        match self.0.first() {
            None => 0,
            Some(first) => self.0.len().saturating_mul(8) - first.leading_zeros() as usize,
        }
    }

    pub(super) fn write(self, writer: &mut Writer<'_>) {
        if self.0.first().is_some_and(|&first| first >= 0x80) {
            writer.length_field(self.0.len() + 1);
            writer.byte(0);
        } else {
            writer.length_field(self.0.len());
        }
        writer.bytes(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Reader;
    use alloc::vec::Vec;
    use hex_literal::hex;

    fn encoded(magnitude: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Writer::new(&mut out).mpint(Mpint::from_magnitude(magnitude));
        out
    }

    /// The non-negative examples of RFC 4251 §5.
    #[test]
    fn rfc_4251_examples() {
        assert_eq!(encoded(&[]), hex!("00000000"));
        assert_eq!(encoded(&[0, 0]), hex!("00000000"));
        assert_eq!(encoded(&hex!("09a378f9b2e332a7")), hex!("0000000809a378f9b2e332a7"));
        assert_eq!(encoded(&[0x80]), hex!("000000020080"));
        assert_eq!(encoded(&[0, 0x80]), hex!("000000020080"));
    }

    #[test]
    fn one_value_has_one_form() {
        for bad in [&hex!("0000000100")[..], &hex!("000000020001"), &hex!("0000000180"), &hex!("00000003ff8000")] {
            assert_eq!(Reader::new(bad).mpint(), Err(DecodeError::InvalidMpint), "{bad:02x?}");
        }
        assert_eq!(Reader::new(&hex!("000000020080")).mpint().map(Mpint::bits), Ok(8));
    }

    #[test]
    fn length_is_bounded() {
        let mut largest = encoded(&[0x7f; Mpint::MAX_LENGTH]);
        assert!(Reader::new(&largest).mpint().is_ok());
        largest = encoded(&[0x7f; Mpint::MAX_LENGTH + 1]);
        assert_eq!(Reader::new(&largest).mpint(), Err(DecodeError::InvalidMpint));
    }
}
