//! Public key files of every format: OpenSSH's line, RFC 4716's block, and OpenSSL's.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{MAX_KEY_FILE_LENGTH, PublicKeyLine, armor};
use crate::key::{KeyError, PublicKey};
use crate::untrusted::cut;

/// A format to write a public key file in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKeyFormat {
    /// One line, as in `.pub` files.
    #[default]
    OpenSsh,
    /// RFC 4716, what commercial implementations and PuTTY export: `---- BEGIN SSH2 PUBLIC KEY ----`.
    Rfc4716,
    /// What OpenSSL calls a public key and `ssh-keygen` calls PKCS8: `-----BEGIN PUBLIC KEY-----`. It has no comment.
    #[cfg(feature = "pkcs8")]
    Pkcs8,
    /// PKCS#1 for RSA (`-----BEGIN RSA PUBLIC KEY-----`), for other keys the same as PKCS8. It has no comment.
    #[cfg(feature = "pkcs8")]
    Pem,
}

const BEGIN: &[u8] = b"---- BEGIN SSH2 PUBLIC KEY ----";
const END: &[u8] = b"---- END SSH2 PUBLIC KEY ----";
/// Longest line of an RFC 4716 block (§3.2), and the longest that `ssh-keygen` writes.
const MAX_COLUMNS: usize = 72;
const COLUMNS: usize = 70;
const COMMENT: &str = "Comment: ";
/// Longest header (RFC 4716 §3.3).
const MAX_HEADER: usize = 1024;

impl PublicKeyLine {
    /// Reads a public key file: a line, empty ones and comments before it, or a block of any [`PublicKeyFormat`].
    ///
    /// # Errors
    /// [`KeyError`] when there is no key, or the key is none.
    pub fn read(text: &[u8]) -> Result<Self, KeyError> {
        if text.len() > MAX_KEY_FILE_LENGTH {
            return Err(KeyError::TooLong);
        }
        if armor::lines(text).any(|line| line == BEGIN) {
            return read_rfc4716(text);
        }
        if let Some(label) = armor::label(text) {
            return read_pem(text, label);
        }
        let mut lines = armor::lines(text).filter(|line| !line.is_empty() && !line.starts_with(b"#"));
        Self::parse(lines.next().ok_or(KeyError::NotAKeyLine)?)
    }

    /// The text of a public key file.
    ///
    /// # Errors
    /// [`KeyError::NotInFormat`] for a key type that the format does not know.
    pub fn write(&self, format: PublicKeyFormat) -> Result<String, KeyError> {
        match format {
            PublicKeyFormat::OpenSsh => Ok(format!("{self}\n")),
            PublicKeyFormat::Rfc4716 => Ok(self.to_rfc4716()),
            #[cfg(feature = "pkcs8")]
            PublicKeyFormat::Pkcs8 => super::pem::write_public_pkcs8(&self.key).map(to_pem),
            #[cfg(feature = "pkcs8")]
            PublicKeyFormat::Pem => super::pem::write_public_pem(&self.key).map(to_pem),
        }
    }

    fn to_rfc4716(&self) -> String {
        let mut text = String::from_utf8_lossy(BEGIN).into_owned() + "\n";
        let comment: String = self.comment.chars().filter(|c| !c.is_control() && *c != '"').collect();
        if !comment.is_empty() {
            push_header(&mut text, &format!("{COMMENT}\"{}\"", cut(&comment, MAX_HEADER - COMMENT.len() - 2)));
        }
        armor::push_base64(&mut text, self.key.blob(), COLUMNS);
        text + &String::from_utf8_lossy(END) + "\n"
    }
}

/// Appends a header, in as many lines as it needs: `\` at a line's end says that the value goes on (RFC 4716 §3.3). It must
/// not end with one itself.
fn push_header(text: &mut String, header: &str) {
    let mut columns = 0;
    for c in header.chars() {
        if columns + c.len_utf8() >= MAX_COLUMNS {
            text.push_str("\\\n");
            columns = 0;
        }
        text.push(c);
        columns += c.len_utf8();
    }
    text.push('\n');
}

#[cfg(feature = "pkcs8")]
fn to_pem((label, der): (&str, Vec<u8>)) -> String {
    String::from_utf8_lossy(armor::encode(&der, label, "", armor::PEM_COLUMNS).expose()).into_owned()
}

fn read_rfc4716(text: &[u8]) -> Result<PublicKeyLine, KeyError> {
    // Blanks at the start of a line may be those of a header that goes on.
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
    let mut lines = lines.skip_while(|line| line.trim_ascii_start() != BEGIN).skip(1);
    let (mut body, mut header, mut comment) = (Vec::new(), Vec::new(), String::new());
    loop {
        let line = lines.next().ok_or(KeyError::Armor)?;
        if line.trim_ascii_start() == END {
            break;
        }
        // No line of base64 has a colon, and a header goes on behind a backslash.
        if !header.is_empty() || line.contains(&b':') {
            match line.strip_suffix(b"\\") {
                Some(part) => header.extend_from_slice(part),
                None => {
                    header.extend_from_slice(line);
                    comment = comment_in(&header).unwrap_or(comment);
                    header.clear();
                }
            }
        } else {
            body.extend_from_slice(line.trim_ascii_start());
        }
    }
    let blob = armor::decode_base64(&body).ok_or(KeyError::Armor)?;
    Ok(PublicKeyLine { key: PublicKey::from_blob(&blob)?, comment })
}

/// The value of a header `Comment`, without the quotes around it.
fn comment_in(header: &[u8]) -> Option<String> {
    let header = String::from_utf8_lossy(header);
    let (tag, value) = header.split_once(':')?;
    let value = value.trim();
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    tag.trim().eq_ignore_ascii_case("Comment").then(|| unquoted.to_string())
}

#[cfg(feature = "pkcs8")]
fn read_pem(text: &[u8], label: &str) -> Result<PublicKeyLine, KeyError> {
    let block = armor::decode(text, label).map_err(|_| KeyError::Armor)?;
    Ok(PublicKeyLine { key: super::pem::read_public(label, &block.bytes)?, comment: String::new() })
}

#[cfg(not(feature = "pkcs8"))]
fn read_pem(_text: &[u8], label: &str) -> Result<PublicKeyLine, KeyError> {
    Err(KeyError::UnsupportedFormat { label: label.to_string() })
}
