//! The text around binary key files (RFC 7468 in spirit, OpenSSH's `sshkey.c` in detail).

use alloc::{string::String, vec::Vec};

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::KeyFileError;
use crate::secret::SecretBytes;

const LINE_LENGTH: usize = 70;

/// The label of the first `BEGIN` line.
pub(super) fn label(text: &[u8]) -> Option<&str> {
    lines(text).find_map(|line| marker(line, "-----BEGIN "))
}

/// The bytes between the first `BEGIN` line and its `END` line, both with `label`. Text before and after, line ends of
/// any kind and blanks around lines do not matter.
pub(super) fn decode(text: &[u8], label: &str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let mut lines = lines(text).skip_while(|line| marker(line, "-----BEGIN ") != Some(label)).skip(1);
    let mut body = Zeroizing::new(Vec::with_capacity(text.len()));
    loop {
        let line = lines.next().ok_or(KeyFileError::Armor)?;
        if marker(line, "-----END ") == Some(label) {
            break;
        }
        body.extend_from_slice(line);
    }
    let mut bytes = Zeroizing::new(Vec::new());
    bytes.resize(body.len() / 4 * 3 + 3, 0);
    let length = Base64::decode(body.as_slice(), &mut bytes).map_err(|_| KeyFileError::Armor)?.len();
    bytes.truncate(length);
    Ok(bytes)
}

/// `bytes` as armoured text.
pub(super) fn encode(bytes: &[u8], label: &str) -> SecretBytes {
    let base64 = Zeroizing::new(Base64::encode_string(bytes));
    // all space at once: a growing buffer would leave copies behind
    let mut text = String::with_capacity(base64.len() + base64.len() / LINE_LENGTH + 2 * label.len() + 64);
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    for (position, c) in base64.chars().enumerate() {
        if position > 0 && position % LINE_LENGTH == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text.push_str("\n-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    SecretBytes::from(text)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n' || byte == b'\r').map(<[u8]>::trim_ascii)
}

fn marker<'a>(line: &'a [u8], prefix: &str) -> Option<&'a str> {
    let label = line.strip_prefix(prefix.as_bytes())?.strip_suffix(b"-----")?;
    core::str::from_utf8(label).ok()
}
