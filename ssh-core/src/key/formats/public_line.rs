//! Public keys as one line of text: `ssh-ed25519 AAAA.. comment`, the content of `.pub` files.

use alloc::{string::String, vec::Vec};
use core::fmt;

use base64ct::{Base64, Encoding};

use crate::key::{KeyError, PublicKey};

/// A public key and its comment, as in a `.pub` file. `Display` is the line, without a line end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicKeyLine {
    /// The key.
    pub key: PublicKey,
    /// What follows the key; often `user@host`, often empty. Escape it before it is shown.
    pub comment: String,
}

impl PublicKeyLine {
    /// Longest line taken, in bytes.
    pub const MAX_LENGTH: usize = 2 * PublicKey::MAX_BLOB_LENGTH;

    /// Reads one line. Blanks around it do not matter, and what is not UTF-8 in the comment is replaced.
    ///
    /// # Errors
    /// [`KeyError`] when there is no key, or the key is none.
    pub fn parse(line: &[u8]) -> Result<Self, KeyError> {
        let line = line.trim_ascii();
        if line.len() > Self::MAX_LENGTH {
            return Err(KeyError::TooLong);
        }
        let (key_type, rest) = word(line);
        let (base64, comment) = word(rest);
        if key_type.is_empty() || base64.is_empty() {
            return Err(KeyError::NotAKeyLine);
        }
        let key = PublicKey::from_blob(&decode(base64)?)?;
        if key.key_type().as_bytes() != key_type {
            let line = String::from_utf8_lossy(key_type).into_owned();
            return Err(KeyError::TypeMismatch { line, blob: key.key_type().into() });
        }
        Ok(Self { key, comment: String::from_utf8_lossy(comment).into_owned() })
    }
}

impl fmt::Display for PublicKeyLine {
    /// Control characters in the comment become blanks: a line feed there would begin another line, and another key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key)?;
        if !self.comment.is_empty() {
            let comment: String = self.comment.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            write!(f, " {comment}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PublicKey {
    /// The key type and the blob in base64: a line without a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key_type(), Base64::encode_string(self.blob()))
    }
}

fn decode(base64: &[u8]) -> Result<Vec<u8>, KeyError> {
    let text = core::str::from_utf8(base64).map_err(|_| KeyError::Base64)?;
    Base64::decode_vec(text).map_err(|_| KeyError::Base64)
}

/// The first word and what follows the blanks after it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    (word, rest.trim_ascii_start())
}
