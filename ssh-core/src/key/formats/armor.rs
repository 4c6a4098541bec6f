//! The text around binary key files (RFC 7468 in spirit, RFC 1421's headers, OpenSSH's `sshkey.c` in detail).

use alloc::{string::String, vec::Vec};

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::KeyFileError;
use crate::secret::SecretBytes;

/// Columns of OpenSSH's own files.
pub(in crate::key) const OPENSSH_COLUMNS: usize = 70;
/// Columns of everybody else's (RFC 7468 §2).
#[cfg(any(feature = "pkcs8", feature = "ppk"))]
pub(super) const PEM_COLUMNS: usize = 64;

/// What stands between a `BEGIN` line and its `END` line.
pub(in crate::key) struct Armored<'a> {
    /// Lines `name: value` before the data (RFC 1421 §4.4).
    pub(super) headers: Vec<(&'a str, &'a str)>,
    /// The data.
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl<'a> Armored<'a> {
    /// The data of a block that has no headers, where none belong.
    pub(in crate::key) fn without_headers(self) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
        if self.headers.is_empty() { Ok(self.bytes) } else { Err(KeyFileError::Armor) }
    }

    /// The value of the header `name`.
    #[cfg(feature = "pkcs8")]
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| *value)
    }
}

/// The label of the first block that holds a key: of the first `BEGIN` line, unless it only begins the parameters of a
/// curve, which OpenSSL writes before the key.
pub(in crate::key) fn label(text: &[u8]) -> Option<&str> {
    lines(text).filter_map(|line| marker(line, "-----BEGIN ")).find(|label| *label != "EC PARAMETERS")
}

/// The block from the first `BEGIN` line with `label` to its `END` line. Text before and after, line ends of any kind
/// and blanks around lines do not matter.
pub(in crate::key) fn decode<'a>(text: &'a [u8], label: &str) -> Result<Armored<'a>, KeyFileError> {
    let mut lines = lines(text).skip_while(|line| marker(line, "-----BEGIN ") != Some(label)).skip(1);
    let mut headers = Vec::new();
    let mut body = Zeroizing::new(Vec::with_capacity(text.len()));
    loop {
        let line = lines.next().ok_or(KeyFileError::Armor)?;
        if marker(line, "-----END ") == Some(label) {
            break;
        }
        match header(line) {
            Some(header) if body.is_empty() => headers.push(header),
            _ => body.extend_from_slice(line),
        }
    }
    Ok(Armored { headers, bytes: decode_base64(&body).ok_or(KeyFileError::Armor)? })
}

/// The bytes that `base64`, padded and without blanks, stands for.
pub(super) fn decode_base64(base64: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    bytes.resize(base64.len() / 4 * 3 + 3, 0);
    let length = Base64::decode(base64, &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

/// `bytes` as armoured text in lines of so many columns.
pub(in crate::key) fn encode(bytes: &[u8], label: &str, headers: &str, columns: usize) -> SecretBytes {
    // all space at once: a growing buffer would leave copies behind
    let room = bytes.len().div_ceil(3) * 4 * (columns + 1) / columns;
    let mut text = String::with_capacity(room + 2 * label.len() + headers.len() + 64);
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    text.push_str(headers);
    push_base64(&mut text, bytes, columns);
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    SecretBytes::from(text)
}

/// Appends `bytes` in lines of so many columns of base64.
pub(super) fn push_base64(text: &mut String, bytes: &[u8], columns: usize) {
    let base64 = Zeroizing::new(Base64::encode_string(bytes));
    for (position, c) in base64.chars().enumerate() {
        if position > 0 && position % columns == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text.push('\n');
}

/// Bytes from pairs of hexadecimal digits.
#[cfg(any(feature = "ppk", all(feature = "pkcs8", feature = "legacy")))]
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.trim().as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    });
    pairs.collect()
}

pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n' || byte == b'\r').map(<[u8]>::trim_ascii)
}

/// No line of base64 has a colon.
fn header(line: &[u8]) -> Option<(&str, &str)> {
    let (name, value) = core::str::from_utf8(line).ok()?.split_once(':')?;
    Some((name.trim(), value.trim()))
}

fn marker<'a>(line: &'a [u8], prefix: &str) -> Option<&'a str> {
    let label = line.strip_prefix(prefix.as_bytes())?.strip_suffix(b"-----")?;
    core::str::from_utf8(label).ok()
}
