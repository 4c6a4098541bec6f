//! Channel requests with their meaning (RFC 4254 §6).

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::terminal::TerminalModes;
use crate::untrusted::Untrusted;
use crate::wire::{DecodeError, Reader, Writer};

/// Names one of our requests that wants an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// A request on a channel, to send or as received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelRequest {
    /// `pty-req`: a terminal for what is started next (§6.2).
    Pty(PtyRequest),
    /// `env`: an environment variable for what is started next (§6.4).
    Env {
        /// Its name.
        name: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// `shell`: starts the user's shell (§6.5).
    Shell,
    /// `exec`: runs a command (§6.5).
    Exec {
        /// The command line, for the user's shell.
        command: Vec<u8>,
    },
    /// `subsystem`: starts a named service (§6.5).
    Subsystem {
        /// Its name.
        name: Vec<u8>,
    },
    /// `window-change`: the terminal has a new size (§6.7). Wants no answer.
    WindowChange {
        /// Width in characters.
        columns: u32,
        /// Height in characters.
        rows: u32,
        /// Width in pixels.
        width_pixels: u32,
        /// Height in pixels.
        height_pixels: u32,
    },
    /// `xon-xoff`: whether the client may do flow control itself (§6.8). Wants no answer.
    XonXoff {
        /// Whether it may.
        client_can_do: bool,
    },
    /// `signal`: delivers a signal (§6.9). Wants no answer.
    Signal(Signal),
    /// `break` (RFC 4335).
    Break {
        /// In milliseconds; 0: as the server likes.
        length_ms: u32,
    },
    /// `exit-status`: what was started has ended (§6.10). Wants no answer.
    ExitStatus(u32),
    /// `exit-signal`: what was started was killed (§6.10). Wants no answer.
    ExitSignal {
        /// The signal.
        signal: Signal,
        /// Whether a core was dumped.
        core_dumped: bool,
        /// Text for a person.
        message: Untrusted,
    },
    /// Any other request.
    Other {
        /// Its name.
        name: Vec<u8>,
        /// Its own fields.
        data: Vec<u8>,
    },
}

/// A terminal for what is started next (RFC 4254 §6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PtyRequest {
    /// The value for `TERM`.
    pub term: Vec<u8>,
    /// Width in characters.
    pub columns: u32,
    /// Height in characters.
    pub rows: u32,
    /// Width in pixels.
    pub width_pixels: u32,
    /// Height in pixels.
    pub height_pixels: u32,
    /// The modes.
    pub modes: TerminalModes,
}

impl Default for PtyRequest {
    /// A plain terminal of 80 × 24 characters without modes.
    fn default() -> Self {
        Self {
            term: b"vt100".to_vec(),
            columns: 80,
            rows: 24,
            width_pixels: 0,
            height_pixels: 0,
            modes: TerminalModes::default(),
        }
    }
}

/// A signal by its name without `SIG` (RFC 4254 §6.10): `TERM`, `INT`, or a local name with `@`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Signal(String);

impl Signal {
    /// Longest name.
    const MAX_LENGTH: usize = 64;

    /// A signal by name.
    ///
    /// # Errors
    /// [`DecodeError::InvalidValue`] if the name is empty, over 64 bytes, or not printable US-ASCII.
    pub fn new(name: &str) -> Result<Self, DecodeError> {
        Self::read(name.as_bytes())
    }

    /// Its name without `SIG`.
    pub fn name(&self) -> &str {
        &self.0
    }

    fn read(name: &[u8]) -> Result<Self, DecodeError> {
        let legal = !name.is_empty() && name.len() <= Self::MAX_LENGTH && name.iter().all(u8::is_ascii_graphic);
        let text = core::str::from_utf8(name).ok().filter(|_| legal).ok_or(DecodeError::InvalidValue)?;
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ChannelRequest {
    /// The name on the wire.
    pub fn name(&self) -> &[u8] {
        match self {
            Self::Pty(_) => b"pty-req",
            Self::Env { .. } => b"env",
            Self::Shell => b"shell",
            Self::Exec { .. } => b"exec",
            Self::Subsystem { .. } => b"subsystem",
            Self::WindowChange { .. } => b"window-change",
            Self::XonXoff { .. } => b"xon-xoff",
            Self::Signal(_) => b"signal",
            Self::Break { .. } => b"break",
            Self::ExitStatus(_) => b"exit-status",
            Self::ExitSignal { .. } => b"exit-signal",
            Self::Other { name, .. } => name,
        }
    }

    /// Whether RFC 4254 lets the request have an answer.
    pub fn may_want_reply(&self) -> bool {
        !matches!(
            self,
            Self::WindowChange { .. }
                | Self::XonXoff { .. }
                | Self::Signal(_)
                | Self::ExitStatus(_)
                | Self::ExitSignal { .. }
        )
    }

    pub(super) fn encode_fields(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        match self {
            Self::Shell => {}
            Self::Pty(pty) => {
                writer.string(&pty.term);
                for number in [pty.columns, pty.rows, pty.width_pixels, pty.height_pixels] {
                    writer.uint32(number);
                }
                writer.string(&pty.modes.encode());
            }
            Self::Env { name, value } => {
                writer.string(name);
                writer.string(value);
            }
            Self::Exec { command: text } | Self::Subsystem { name: text } => writer.string(text),
            Self::WindowChange { columns, rows, width_pixels, height_pixels } => {
                for number in [*columns, *rows, *width_pixels, *height_pixels] {
                    writer.uint32(number);
                }
            }
            Self::XonXoff { client_can_do } => writer.boolean(*client_can_do),
            Self::Signal(signal) => writer.string(signal.0.as_bytes()),
            Self::Break { length_ms } => writer.uint32(*length_ms),
            Self::ExitStatus(status) => writer.uint32(*status),
            Self::ExitSignal { signal, core_dumped, message } => {
                writer.string(signal.0.as_bytes());
                writer.boolean(*core_dumped);
                writer.string(message.as_bytes());
                writer.string(b"");
            }
            Self::Other { data, .. } => writer.bytes(data),
        }
        out
    }

    pub(crate) fn decode(name: &[u8], fields: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(fields);
        let request = match name {
            b"pty-req" => Self::Pty(PtyRequest {
                term: reader.string()?.to_vec(),
                columns: reader.uint32()?,
                rows: reader.uint32()?,
                width_pixels: reader.uint32()?,
                height_pixels: reader.uint32()?,
                modes: TerminalModes::decode(reader.string()?)?,
            }),
            b"env" => Self::Env { name: reader.string()?.to_vec(), value: reader.string()?.to_vec() },
            b"shell" => Self::Shell,
            b"exec" => Self::Exec { command: reader.string()?.to_vec() },
            b"subsystem" => Self::Subsystem { name: reader.string()?.to_vec() },
            b"window-change" => Self::WindowChange {
                columns: reader.uint32()?,
                rows: reader.uint32()?,
                width_pixels: reader.uint32()?,
                height_pixels: reader.uint32()?,
            },
            b"xon-xoff" => Self::XonXoff { client_can_do: reader.boolean()? },
            b"signal" => Self::Signal(Signal::read(reader.string()?)?),
            b"break" => Self::Break { length_ms: reader.uint32()? },
            b"exit-status" => Self::ExitStatus(reader.uint32()?),
            b"exit-signal" => {
                let signal = Signal::read(reader.string()?)?;
                let core_dumped = reader.boolean()?;
                let message = Untrusted::new(reader.string()?);
                let _language_tag = reader.string()?;
                Self::ExitSignal { signal, core_dumped, message }
            }
            _ => Self::Other { name: name.to_vec(), data: reader.remainder().to_vec() },
        };
        reader.finish()?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn every_request_survives_and_refuses_truncation() {
        let signal = Signal::new("TERM").expect("a name");
        for request in [
            ChannelRequest::Pty(PtyRequest::default()),
            ChannelRequest::Env { name: b"A".to_vec(), value: b"b\0".to_vec() },
            ChannelRequest::Shell,
            ChannelRequest::Exec { command: b"true".to_vec() },
            ChannelRequest::Subsystem { name: b"sftp".to_vec() },
            ChannelRequest::WindowChange { columns: 1, rows: 2, width_pixels: 3, height_pixels: 4 },
            ChannelRequest::XonXoff { client_can_do: true },
            ChannelRequest::Signal(signal.clone()),
            ChannelRequest::Break { length_ms: 500 },
            ChannelRequest::ExitStatus(u32::MAX),
            ChannelRequest::ExitSignal { signal, core_dumped: true, message: Untrusted::from("killed") },
            ChannelRequest::Other { name: b"x@example.com".to_vec(), data: vec![1, 2] },
        ] {
            let fields = request.encode_fields();
            assert_eq!(ChannelRequest::decode(request.name(), &fields).as_ref(), Ok(&request));
            if !matches!(request, ChannelRequest::Other { .. }) {
                for length in 0..fields.len() {
                    assert!(ChannelRequest::decode(request.name(), &fields[..length]).is_err(), "{request:?}");
                }
            }
        }
    }

    #[test]
    fn hostile_signal_names_are_refused() {
        for bad in ["", "a b", "\x1b[2J", &"x".repeat(65)] {
            assert_eq!(Signal::new(bad), Err(DecodeError::InvalidValue));
        }
    }
}
