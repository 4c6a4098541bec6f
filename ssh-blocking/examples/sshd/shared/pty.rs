//! Pseudo-terminals.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::{ffi::OsString, io};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    ControlModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, Winsize, tcgetattr, tcsetattr, tcsetwinsize,
};
use ssh_core::{PtyRequest, TerminalMode, TerminalModes};

use super::common::terminal_modes::{CHARACTERS, DISABLED, FLAGS, Flag, NO_CHARACTER};

/// A terminal: our end of it, and the child's.
pub(crate) struct Pty {
    /// Our end. Closing it hangs up: the kernel sends SIGHUP to the session.
    pub(crate) master: OwnedFd,
    /// The name of the child's end.
    pub(crate) path: PathBuf,
    /// The child's end, kept open until the child has it.
    pub(crate) slave: File,
    /// The value for `TERM`.
    pub(crate) term: OsString,
}

impl Pty {
    /// Opens a terminal as the client wants it.
    pub(crate) fn open(request: &PtyRequest) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = PathBuf::from(OsString::from_vec(ptsname(&master, Vec::new())?.into_bytes()));
        // It must not become the terminal of this server.
        let no_terminal = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or_default();
        let slave = OpenOptions::new().read(true).write(true).custom_flags(no_terminal).open(&path)?;
        resize(&master, [request.columns, request.rows, request.width_pixels, request.height_pixels])?;
        let mut settings = tcgetattr(&slave)?;
        apply(&request.modes, &mut settings);
        tcsetattr(&slave, OptionalActions::Now, &settings)?;
        Ok(Self { master, path, slave, term: OsString::from_vec(request.term.clone()) })
    }
}

/// Sets the size: columns, rows, width and height in pixels. The kernel tells the programs that run there.
pub(crate) fn resize(master: &OwnedFd, size: [u32; 4]) -> io::Result<()> {
    let [ws_col, ws_row, ws_xpixel, ws_ypixel] = size.map(|number| u16::try_from(number).unwrap_or(u16::MAX));
    Ok(tcsetwinsize(master, Winsize { ws_row, ws_col, ws_xpixel, ws_ypixel })?)
}

/// What typed at this terminal would be the end of input, if it is in a mode that has one.
pub(crate) fn end_of_input(master: &OwnedFd) -> Option<u8> {
    let settings = tcgetattr(master).ok()?;
    let character = settings.special_codes[SpecialCodeIndex::VEOF];
    (settings.local_modes.contains(LocalModes::ICANON) && character != DISABLED).then_some(character)
}

/// Sets what the client asks for and this system knows; all else stays.
fn apply(modes: &TerminalModes, settings: &mut Termios) {
    for (mode, index) in CHARACTERS {
        if let Some(character) = modes.get(*mode) {
            let disabled = character == NO_CHARACTER;
            settings.special_codes[*index] = if disabled { DISABLED } else { character.to_le_bytes()[0] };
        }
    }
    for (mode, flag) in FLAGS {
        let Some(on) = modes.get(*mode).map(|value| value != 0) else { continue };
        match flag {
            Flag::Input(bit) => settings.input_modes.set(*bit, on),
            Flag::Output(bit) => settings.output_modes.set(*bit, on),
            Flag::Control(bit) => settings.control_modes.set(*bit, on),
            Flag::Local(bit) => settings.local_modes.set(*bit, on),
        }
    }
    for (mode, size) in [(TerminalMode::CS7, ControlModes::CS7), (TerminalMode::CS8, ControlModes::CS8)] {
        if modes.get(mode).is_some_and(|value| value != 0) {
            settings.control_modes = (settings.control_modes - ControlModes::CSIZE) | size;
        }
    }
    // A speed that the system does not know changes nothing.
    if let Some(speed) = modes.get(TerminalMode::TTY_OP_ISPEED).filter(|&speed| speed > 0) {
        let _ = settings.set_input_speed(speed);
    }
    if let Some(speed) = modes.get(TerminalMode::TTY_OP_OSPEED).filter(|&speed| speed > 0) {
        let _ = settings.set_output_speed(speed);
    }
}
