//! Encoded terminal modes (RFC 4254 §8, RFC 8160).

use alloc::vec::Vec;

use crate::wire::{DecodeError, Reader, Writer};

/// Most modes taken from a peer: there are 159 opcodes with an argument.
const MAX_MODES: usize = 160;

/// A terminal mode's opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TerminalMode(pub u8);

macro_rules! modes {
    ($($(#[$meta:meta])* $name:ident = $value:literal,)*) => {
        impl TerminalMode {
            $($(#[$meta])* pub const $name: Self = Self($value);)*

            /// The mode's POSIX name.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

modes! {
    /// Interrupt character; 255 if none.
    VINTR = 1,
    /// Quit character.
    VQUIT = 2,
    /// Erase the character to the left of the cursor.
    VERASE = 3,
    /// Kill the current input line.
    VKILL = 4,
    /// End-of-file character.
    VEOF = 5,
    /// End-of-line character beside carriage return and line feed.
    VEOL = 6,
    /// Another end-of-line character.
    VEOL2 = 7,
    /// Continue paused output.
    VSTART = 8,
    /// Pause output.
    VSTOP = 9,
    /// Suspend the current program.
    VSUSP = 10,
    /// Another suspend character.
    VDSUSP = 11,
    /// Reprint the current input line.
    VREPRINT = 12,
    /// Erase a word left of the cursor.
    VWERASE = 13,
    /// Enter the next character literally.
    VLNEXT = 14,
    /// Flush output.
    VFLUSH = 15,
    /// Switch to another shell layer.
    VSWTCH = 16,
    /// Print the system status line.
    VSTATUS = 17,
    /// Toggle the flushing of output.
    VDISCARD = 18,
    /// Ignore parity errors.
    IGNPAR = 30,
    /// Mark parity and framing errors.
    PARMRK = 31,
    /// Check parity.
    INPCK = 32,
    /// Strip the 8th bit.
    ISTRIP = 33,
    /// Map line feed to carriage return on input.
    INLCR = 34,
    /// Ignore carriage return on input.
    IGNCR = 35,
    /// Map carriage return to line feed on input.
    ICRNL = 36,
    /// Map upper case to lower case.
    IUCLC = 37,
    /// Output flow control.
    IXON = 38,
    /// Any character restarts output.
    IXANY = 39,
    /// Input flow control.
    IXOFF = 40,
    /// Ring the bell when the input queue is full.
    IMAXBEL = 41,
    /// Input is UTF-8 (RFC 8160).
    IUTF8 = 42,
    /// Signals for INTR, QUIT and SUSP.
    ISIG = 50,
    /// Canonical input.
    ICANON = 51,
    /// Upper and lower case presentation.
    XCASE = 52,
    /// Echo.
    ECHO = 53,
    /// Erase visibly.
    ECHOE = 54,
    /// Kill visibly.
    ECHOK = 55,
    /// Echo line feed even without ECHO.
    ECHONL = 56,
    /// No flush after interrupt.
    NOFLSH = 57,
    /// Stop background jobs that write.
    TOSTOP = 58,
    /// Extensions.
    IEXTEN = 59,
    /// Echo control characters as ^X.
    ECHOCTL = 60,
    /// Visual erase for line kill.
    ECHOKE = 61,
    /// Retype pending input.
    PENDIN = 62,
    /// Output processing.
    OPOST = 70,
    /// Lower case to upper case.
    OLCUC = 71,
    /// Map line feed to carriage return and line feed.
    ONLCR = 72,
    /// Carriage return to line feed.
    OCRNL = 73,
    /// Line feed does carriage return as well.
    ONOCR = 74,
    /// Line feed is a carriage return.
    ONLRET = 75,
    /// 7 bits.
    CS7 = 90,
    /// 8 bits.
    CS8 = 91,
    /// Parity.
    PARENB = 92,
    /// Odd parity.
    PARODD = 93,
    /// Input speed in bits per second.
    TTY_OP_ISPEED = 128,
    /// Output speed in bits per second.
    TTY_OP_OSPEED = 129,
}

/// Terminal modes with their arguments, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminalModes(pub Vec<(TerminalMode, u32)>);

impl TerminalModes {
    /// Reads the encoded form. It ends at `TTY_OP_END`, at an opcode that has no argument by definition (160 and above),
    /// or with the string.
    ///
    /// # Errors
    /// [`DecodeError`] if an argument is cut off or there are more modes than exist.
    pub fn decode(encoded: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(encoded);
        let mut modes = Vec::new();
        while reader.remaining() > 0 {
            let opcode = reader.byte()?;
            if opcode == 0 || opcode >= 160 {
                break;
            }
            if modes.len() == MAX_MODES {
                return Err(DecodeError::TooMany);
            }
            modes.push((TerminalMode(opcode), reader.uint32()?));
        }
        Ok(Self(modes))
    }

    /// The encoded form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * 5 + 1);
        let mut writer = Writer::new(&mut out);
        for (mode, argument) in &self.0 {
            writer.byte(mode.0);
            writer.uint32(*argument);
        }
        writer.byte(0);
        out
    }

    /// The argument of `mode`, if it is there.
    pub fn get(&self, mode: TerminalMode) -> Option<u32> {
        self.0.iter().find(|(each, _)| *each == mode).map(|(_, argument)| *argument)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn round_trip_and_ends() {
        let modes = TerminalModes(vec![(TerminalMode::ECHO, 0), (TerminalMode::TTY_OP_OSPEED, 38_400)]);
        assert_eq!(TerminalModes::decode(&modes.encode()), Ok(modes));
        assert_eq!(TerminalModes::decode(&[]), Ok(TerminalModes::default()));
        assert_eq!(TerminalModes::decode(&[200, 1, 2]), Ok(TerminalModes::default()));
        assert_eq!(TerminalModes::decode(&[53, 0, 0]), Err(DecodeError::Truncated));
    }

    #[test]
    fn more_modes_than_exist_are_refused() {
        let encoded = [53, 0, 0, 0, 1].repeat(MAX_MODES + 1);
        assert_eq!(TerminalModes::decode(&encoded), Err(DecodeError::TooMany));
    }

    /// RFC 4254 §8 by number and name; POSIX's names but for the speeds.
    #[test]
    fn names_by_number() {
        for (number, name) in [
            (1, "VINTR"),
            (18, "VDISCARD"),
            (30, "IGNPAR"),
            (42, "IUTF8"),
            (53, "ECHO"),
            (62, "PENDIN"),
            (75, "ONLRET"),
            (90, "CS7"),
            (93, "PARODD"),
            (128, "TTY_OP_ISPEED"),
            (129, "TTY_OP_OSPEED"),
        ] {
            assert_eq!(TerminalMode(number).name(), Some(name));
        }
        let named = (0..=u8::MAX).filter(|&number| TerminalMode(number).name().is_some()).count();
        assert_eq!(named, 56);
        assert_eq!(TerminalMode(0).name(), None, "TTY_OP_END is no mode");
    }

    /// Where a mode stands twice, the first counts.
    #[test]
    fn modes_are_found() {
        let (echo, isig) = (TerminalMode::ECHO, TerminalMode::ISIG);
        let modes = TerminalModes(vec![(isig, 7), (echo, 1), (echo, 0)]);
        assert_eq!([isig, echo, TerminalMode::ICANON].map(|mode| modes.get(mode)), [Some(7), Some(1), None]);
    }
}
