//! Name-lists (RFC 4251 §5 and §6).

use core::fmt;

use super::DecodeError;

/// A comma-separated list of names, as it stands in a message.
///
/// The empty list is legal, an empty *name* in a list is not, except one trailing comma, which some deployed peers
/// send. Names longer than 64 characters are legal to send but match nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct NameList<'a>(&'a str);

impl<'a> NameList<'a> {
    /// Longest name that can match (RFC 4251 §6).
    pub const MAX_NAME_LENGTH: usize = 64;

    /// Checks `bytes` and takes them as a list.
    ///
    /// # Errors
    /// [`DecodeError::InvalidNameList`] for a byte that is not printable US-ASCII and for empty names.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(DecodeError::InvalidNameList);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| DecodeError::InvalidNameList)?;
        let list = Self(text);
        if list.iter().any(str::is_empty) { Err(DecodeError::InvalidNameList) } else { Ok(list) }
    }

    /// The names, in order.
    pub fn iter(self) -> impl Iterator<Item = &'a str> + Clone {
        let names = self.0.strip_suffix(',').unwrap_or(self.0);
        let empty = self.0.is_empty();
        names.split(',').filter(move |_| !empty)
    }

    /// Whether `name` is in the list.
    pub fn contains(self, name: &str) -> bool {
        self.iter().any(|each| each == name)
    }

    /// The list as it stands in the message.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether there is no name.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> TryFrom<&'a str> for NameList<'a> {
    type Error = DecodeError;

    fn try_from(text: &'a str) -> Result<Self, DecodeError> {
        Self::new(text.as_bytes())
    }
}

impl fmt::Debug for NameList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

impl fmt::Display for NameList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn names_in_order() {
        let list = NameList::new(b"zlib,none").map(|list| list.iter().collect::<Vec<_>>());
        assert_eq!(list, Ok(Vec::from(["zlib", "none"])));
        assert_eq!(NameList::default().iter().count(), 0);
        assert_eq!(NameList::new(b"none,").map(|list| list.iter().count()), Ok(1));
    }

    #[test]
    fn malformed_lists() {
        for bad in [&b","[..], b",a", b"a,,b", b"a,b,,", b"a b", b"a\0", b"\xc3\xa9", b"a\n"] {
            assert_eq!(NameList::new(bad), Err(DecodeError::InvalidNameList), "{bad:?}");
        }
    }

    /// As it stands in the message, whatever prints it.
    #[test]
    fn lists_are_shown_as_they_came() {
        for (text, names) in [("", 0), ("none", 1), ("zlib,none", 2), ("none,", 1)] {
            let list = NameList::try_from(text).expect("a list");
            assert_eq!((list.as_str(), std::format!("{list}").as_str()), (text, text));
            assert_eq!(std::format!("{list:?}"), std::format!("{text:?}"));
            assert_eq!((list.is_empty(), list.iter().count()), (names == 0, names));
        }
    }
}
