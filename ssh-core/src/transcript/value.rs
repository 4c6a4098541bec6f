//! What a field is shown as.

use core::fmt;

use crate::untrusted::Untrusted;

/// A field of a message, as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A number.
    Number(u32),
    /// A boolean.
    Flag(bool),
    /// The name of a number in a registry of RFC 4250.
    Name(&'static str),
    /// Text of either side, of which [`Value::MAX_TEXT`] bytes at most are kept.
    Text(Untrusted),
    /// Bytes that are not shown, by their number.
    Bytes(usize),
    /// A secret, of which nothing is told.
    Hidden,
}

impl Value {
    /// Longest text that is kept of one field, in bytes: the lists of a KEXINIT fit.
    pub const MAX_TEXT: usize = 2048;

    pub(super) fn text(bytes: &[u8]) -> Self {
        Self::Text(Untrusted::new(bytes.get(..Self::MAX_TEXT).unwrap_or(bytes)))
    }

    /// A number that has a name in a registry.
    pub(super) fn registered(number: u32, name: Option<&'static str>) -> Self {
        name.map_or(Self::Number(number), Self::Name)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// `7`, `true`, `ssh-ed25519` in quotation marks, `(12 bytes)`, `(hidden)`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Name(name) => f.write_str(name),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(length) => write!(f, "({length} bytes)"),
            Self::Hidden => f.write_str("(hidden)"),
        }
    }
}
