//! Text that a peer wrote.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

/// Bytes a peer sent as text: a banner, a prompt, a disconnect message, a name.
///
/// `Display` shows them escaped: what is not valid UTF-8 becomes `\xNN`, and every control character, bidirectional
/// override and invisible format character becomes `\u{N}`, so that the text cannot move a terminal's cursor, change its
/// title or reorder what surrounds it. [`Untrusted::multi_line`] keeps line feeds and tabs, for banners.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Untrusted(Vec<u8>);

impl Untrusted {
    /// Longest text kept from a peer, in bytes. What a peer sends beyond it is cut off.
    pub const MAX_LENGTH: usize = 64 * 1024;

    /// Wraps `bytes`, cut at [`Self::MAX_LENGTH`].
    pub fn new(bytes: &[u8]) -> Self {
        let kept = bytes.get(..Self::MAX_LENGTH).unwrap_or(bytes);
        Self(kept.to_vec())
    }

    /// The bytes as the peer sent them. Do not print them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if it is UTF-8 without control characters, exactly as sent.
    pub fn as_plain_str(&self) -> Option<&str> {
        let text = core::str::from_utf8(&self.0).ok()?;
        (!text.chars().any(needs_escape)).then_some(text)
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Escaped as by `Display`, but with line feeds and tabs as they are; carriage returns before a line feed vanish.
    pub fn multi_line(&self) -> MultiLine<'_> {
        MultiLine(&self.0)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(f, &self.0, needs_escape)
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Names for people, escaped.
pub(crate) fn list<T: AsRef<str>>(names: &[T]) -> String {
    if names.is_empty() {
        return "nothing".into();
    }
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    Untrusted::from(names.join(", ").as_str()).to_string()
}

/// The first `length` bytes of `text`, or a little less: never half a character.
pub(crate) fn cut(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// [`Untrusted`] text over several lines; made by [`Untrusted::multi_line`].
#[derive(Clone, Copy)]
pub struct MultiLine<'a>(&'a [u8]);

impl fmt::Display for MultiLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, line) in self.0.split(|&byte| byte == b'\n').enumerate() {
            if number > 0 {
                f.write_char('\n')?;
            }
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            escape(f, line, |c| c != '\t' && needs_escape(c))?;
        }
        Ok(())
    }
}

fn escape(f: &mut fmt::Formatter<'_>, bytes: &[u8], hidden: impl Fn(char) -> bool) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if hidden(c) {
                write!(f, "\\u{{{:x}}}", u32::from(c))?;
            } else {
                f.write_char(c)?;
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

/// Control characters (C0, DEL, C1) and the format characters that hide or reorder text.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        let text = Untrusted::new(b"a\x1b[2Jb\x00\x7f\xff\xc2\x9b \xe2\x80\xaex");
        assert_eq!(text.to_string(), "a\\u{1b}[2Jb\\u{0}\\u{7f}\\xff\\u{9b} \\u{202e}x");
        assert_eq!(text.as_plain_str(), None);
        assert_eq!(Untrusted::from("Grüße").as_plain_str(), Some("Grüße"));
    }

    #[test]
    fn banners_keep_their_lines() {
        let text = Untrusted::new(b"one\r\ntwo\tx\n\x07");
        assert_eq!(text.multi_line().to_string(), "one\ntwo\tx\n\\u{7}");
    }

    #[test]
    fn length_is_capped() {
        assert_eq!(Untrusted::new(&[b'x'; 100_000]).as_bytes().len(), Untrusted::MAX_LENGTH);
    }

    #[test]
    fn a_cut_never_halves_a_character() {
        for (length, expected) in [(0, ""), (1, "a"), (2, "a"), (3, "aü"), (5, "aü"), (6, "aü€"), (99, "aü€")] {
            assert_eq!(cut("aü€", length), expected, "{length}");
        }
    }

    #[test]
    fn lists_are_escaped_and_never_empty() {
        assert_eq!(list::<&str>(&[]), "nothing");
        assert_eq!(list(&["publickey", "pass\u{1b}word"]), "publickey, pass\\u{1b}word");
    }
}
