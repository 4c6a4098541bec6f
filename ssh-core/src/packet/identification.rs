//! The identification string and what may precede it (RFC 4253 §4.2).

use alloc::vec::Vec;

use crate::config::Limits;
use crate::error::{Error, PeerMisbehaved};
use crate::untrusted::Untrusted;

/// The peer's identification, as it goes into the exchange hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The line without its line end.
    pub(crate) line: Vec<u8>,
}

/// Finds the identification in the bytes a peer begins with.
#[derive(Debug, Default)]
pub(crate) struct IdentificationReader {
    lines_before: usize,
}

impl IdentificationReader {
    /// Looks at `input`; says how many bytes of it are done with, and the identification once it is there.
    ///
    /// Lines before it are for servers only (`from_server`): a client that sends some is not one.
    pub(crate) fn read(&mut self, input: &[u8], from_server: bool) -> Result<(usize, Option<Version>), Error> {
        let mut taken = 0;
        while let Some(rest) = input.get(taken..).filter(|rest| !rest.is_empty()) {
            let Some(length) = rest.iter().take(Limits::IDENTIFICATION_LENGTH).position(|&byte| byte == b'\n') else {
                return self.incomplete(rest, taken, from_server);
            };
            let line = rest.get(..length).unwrap_or_default();
            taken += length + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.starts_with(b"SSH-") {
                return Ok((taken, Some(parse(line)?)));
            }
            if !from_server || looks_like_another_protocol(line) {
                return Err(Error::NotSsh { received: excerpt(line) });
            }
            self.lines_before += 1;
            if self.lines_before > Limits::LINES_BEFORE_IDENTIFICATION {
                return Err(PeerMisbehaved::Identification.into());
            }
        }
        Ok((taken, None))
    }

    /// A line without its end yet: refused as soon as it cannot become legal any more.
    fn incomplete(&self, rest: &[u8], taken: usize, from_server: bool) -> Result<(usize, Option<Version>), Error> {
        let prefix = rest.get(..4).unwrap_or(rest);
        if !from_server && !b"SSH-".starts_with(prefix) {
            return Err(Error::NotSsh { received: excerpt(rest) });
        }
        if rest.len() >= Limits::IDENTIFICATION_LENGTH {
            return Err(if rest.starts_with(b"SSH-") {
                PeerMisbehaved::Identification.into()
            } else {
                Error::NotSsh { received: excerpt(rest) }
            });
        }
        Ok((taken, None))
    }
}

/// First bytes of what a peer said, for the error that shows them.
pub(crate) fn excerpt(bytes: &[u8]) -> Untrusted {
    Untrusted::new(bytes.get(..80).unwrap_or(bytes))
}

/// The commonest answers on a mistaken port; waiting for more lines there would only end in a timeout.
fn looks_like_another_protocol(line: &[u8]) -> bool {
    line.starts_with(b"HTTP/") || line.starts_with(b"220 ") || line.starts_with(b"+OK ") || line.starts_with(b"* OK")
}

/// `SSH-2.0-` or `SSH-1.99-` (a server that knows both versions, §5.1), then printable text.
fn parse(line: &[u8]) -> Result<Version, Error> {
    let software = line.strip_prefix(b"SSH-2.0-").or_else(|| line.strip_prefix(b"SSH-1.99-"));
    let Some(software) = software else {
        return Err(Error::UnsupportedVersion { identification: excerpt(line) });
    };
    if software.is_empty() || software.iter().any(|&byte| byte != b'\t' && (byte < b' ' || byte == 0x7f)) {
        return Err(PeerMisbehaved::Identification.into());
    }
    Ok(Version { line: line.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn read(input: &[u8], from_server: bool) -> Result<(usize, Option<Vec<u8>>), Error> {
        let (taken, version) = IdentificationReader::default().read(input, from_server)?;
        Ok((taken, version.map(|version| version.line)))
    }

    #[test]
    fn line_ends_and_versions() {
        assert_eq!(read(b"SSH-2.0-x y\r\nrest", false), Ok((13, Some(b"SSH-2.0-x y".to_vec()))));
        assert_eq!(read(b"SSH-2.0-x\n", false), Ok((10, Some(b"SSH-2.0-x".to_vec()))));
        assert_eq!(read(b"SSH-1.99-x\n", true), Ok((11, Some(b"SSH-1.99-x".to_vec()))));
        assert_eq!(read(b"SSH-2.0-a-b-c\n", true), Ok((14, Some(b"SSH-2.0-a-b-c".to_vec()))));
        for other in [&b"SSH-1.5-x\n"[..], b"SSH-2.0\n", b"SSH-2.1-x\n"] {
            assert!(matches!(read(other, true), Err(Error::UnsupportedVersion { .. })), "{other:?}");
        }
        for bad in [&b"SSH-2.0-\n"[..], b"SSH-2.0-a\0b\n", b"SSH-2.0-a\x1bb\n"] {
            assert_eq!(read(bad, true), Err(PeerMisbehaved::Identification.into()));
        }
        assert!(matches!(read(b"ssh-2.0-x\n", false), Err(Error::NotSsh { .. })));
    }

    #[test]
    fn longest_line() {
        let mut line = vec![b'x'; Limits::IDENTIFICATION_LENGTH];
        line[..8].copy_from_slice(b"SSH-2.0-");
        line[Limits::IDENTIFICATION_LENGTH - 2..].copy_from_slice(b"\r\n");
        assert!(matches!(read(&line, true), Ok((Limits::IDENTIFICATION_LENGTH, Some(_)))));
        line.insert(9, b'x');
        assert_eq!(read(&line, true), Err(PeerMisbehaved::Identification.into()));
    }

    #[test]
    fn only_a_server_may_say_something_first() {
        assert_eq!(read(b"hello\r\nSSH-2.0-x\r\n", true), Ok((18, Some(b"SSH-2.0-x".to_vec()))));
        assert!(matches!(read(b"hello\r\nSSH-2.0-x\r\n", false), Err(Error::NotSsh { .. })));
        assert!(matches!(read(b"GE", false), Err(Error::NotSsh { .. })));
        assert_eq!(read(b"SS", false), Ok((0, None)));
    }

    #[test]
    fn lines_before_are_bounded() {
        let mut reader = IdentificationReader::default();
        for _ in 0..Limits::LINES_BEFORE_IDENTIFICATION {
            assert_eq!(reader.read(b"x\n", true), Ok((2, None)));
        }
        assert_eq!(reader.read(b"x\n", true), Err(PeerMisbehaved::Identification.into()));
        assert!(matches!(read(&[b'x'; 300], true), Err(Error::NotSsh { .. })));
        assert!(matches!(read(b"HTTP/1.1 400 Bad Request\r\n", true), Err(Error::NotSsh { .. })));
    }
}
