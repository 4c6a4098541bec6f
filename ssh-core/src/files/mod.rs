//! OpenSSH's text files: text in, verdict out. Nothing here opens a file.

pub mod algorithm_list;
pub mod allowed_signers;
pub mod authorized_keys;
pub mod authorized_principals;
pub mod known_hosts;
pub mod moduli;
pub mod ssh_config;

use crate::crypto::kex::GroupFault;
use crate::key::KeyError;

/// A line that was left out because it could not be understood. It grants nothing and proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedLine {
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: SkipReason,
}

/// Why a line was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// It has too few fields.
    Incomplete,
    /// Its `@marker` is not known.
    UnknownMarker,
    /// Its hashed host name is malformed.
    MalformedHash,
    /// It holds no valid key.
    Key(KeyError),
    /// An option of it is malformed or not known.
    Option(alloc::string::String),
    /// A number of it is malformed.
    MalformedNumber,
    /// Its group was not tested, or did not pass the test.
    UntestedGroup,
    /// Its group is unfit for Diffie-Hellman.
    Group(GroupFault),
}

impl core::fmt::Display for SkippedLine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {} is ignored: ", self.line)?;
        match &self.reason {
            SkipReason::Incomplete => f.write_str("it is incomplete"),
            SkipReason::UnknownMarker => f.write_str("its marker is unknown"),
            SkipReason::MalformedHash => f.write_str("its hashed host name is malformed"),
            SkipReason::Key(error) => write!(f, "{error}"),
            SkipReason::MalformedNumber => f.write_str("a number of it is malformed"),
            SkipReason::UntestedGroup => f.write_str("its group was not tested or did not pass"),
            SkipReason::Group(fault) => write!(f, "its group is unfit: {fault}"),
            SkipReason::Option(name) => write!(f, "its option \"{}\" is malformed or unknown", name.escape_debug()),
        }
    }
}

/// Lines with their numbers from 1, without surrounding blanks, without empty lines and comments.
fn numbered_lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
    lines.map(|(index, line)| (index + 1, line)).filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
}

/// The first word of `text` and what follows the blanks after it.
fn first_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    (word, rest.trim_ascii_start())
}

#[cfg(test)]
mod tests;
