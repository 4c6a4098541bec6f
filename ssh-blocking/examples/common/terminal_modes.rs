//! Which bit of a terminal's settings is which mode on the wire (RFC 4254 §8).

use rustix::termios::{ControlModes, InputModes, LocalModes, OutputModes, SpecialCodeIndex};
use ssh_core::TerminalMode as Mode;

/// The value on the wire of a special character that is switched off.
pub(crate) const NO_CHARACTER: u32 = 255;

/// The value in the kernel's settings of a special character that is switched off (`_POSIX_VDISABLE`).
pub(crate) const DISABLED: u8 = if cfg!(target_os = "linux") { 0 } else { 0xff };

/// A bit of a terminal's settings.
#[derive(Clone, Copy)]
pub(crate) enum Flag {
    /// Of input.
    Input(InputModes),
    /// Of output.
    Output(OutputModes),
    /// Of the line.
    Control(ControlModes),
    /// Of everything else.
    Local(LocalModes),
}

/// Special characters.
pub(crate) const CHARACTERS: &[(Mode, SpecialCodeIndex)] = &[
    (Mode::VINTR, SpecialCodeIndex::VINTR),
    (Mode::VQUIT, SpecialCodeIndex::VQUIT),
    (Mode::VERASE, SpecialCodeIndex::VERASE),
    (Mode::VKILL, SpecialCodeIndex::VKILL),
    (Mode::VEOF, SpecialCodeIndex::VEOF),
    (Mode::VEOL, SpecialCodeIndex::VEOL),
    (Mode::VEOL2, SpecialCodeIndex::VEOL2),
    (Mode::VSTART, SpecialCodeIndex::VSTART),
    (Mode::VSTOP, SpecialCodeIndex::VSTOP),
    (Mode::VSUSP, SpecialCodeIndex::VSUSP),
    (Mode::VREPRINT, SpecialCodeIndex::VREPRINT),
    (Mode::VWERASE, SpecialCodeIndex::VWERASE),
    (Mode::VLNEXT, SpecialCodeIndex::VLNEXT),
    (Mode::VDISCARD, SpecialCodeIndex::VDISCARD),
];

/// Bits. The number of bits in a character is not among them: it is no bit.
pub(crate) const FLAGS: &[(Mode, Flag)] = &[
    (Mode::IGNPAR, Flag::Input(InputModes::IGNPAR)),
    (Mode::PARMRK, Flag::Input(InputModes::PARMRK)),
    (Mode::INPCK, Flag::Input(InputModes::INPCK)),
    (Mode::ISTRIP, Flag::Input(InputModes::ISTRIP)),
    (Mode::INLCR, Flag::Input(InputModes::INLCR)),
    (Mode::IGNCR, Flag::Input(InputModes::IGNCR)),
    (Mode::ICRNL, Flag::Input(InputModes::ICRNL)),
    #[cfg(target_os = "linux")]
    (Mode::IUCLC, Flag::Input(InputModes::IUCLC)),
    (Mode::IXON, Flag::Input(InputModes::IXON)),
    (Mode::IXANY, Flag::Input(InputModes::IXANY)),
    (Mode::IXOFF, Flag::Input(InputModes::IXOFF)),
    (Mode::IMAXBEL, Flag::Input(InputModes::IMAXBEL)),
    #[cfg(target_os = "linux")]
    (Mode::IUTF8, Flag::Input(InputModes::IUTF8)),
    (Mode::ISIG, Flag::Local(LocalModes::ISIG)),
    (Mode::ICANON, Flag::Local(LocalModes::ICANON)),
    #[cfg(target_os = "linux")]
    (Mode::XCASE, Flag::Local(LocalModes::XCASE)),
    (Mode::ECHO, Flag::Local(LocalModes::ECHO)),
    (Mode::ECHOE, Flag::Local(LocalModes::ECHOE)),
    (Mode::ECHOK, Flag::Local(LocalModes::ECHOK)),
    (Mode::ECHONL, Flag::Local(LocalModes::ECHONL)),
    (Mode::NOFLSH, Flag::Local(LocalModes::NOFLSH)),
    (Mode::TOSTOP, Flag::Local(LocalModes::TOSTOP)),
    (Mode::IEXTEN, Flag::Local(LocalModes::IEXTEN)),
    (Mode::ECHOCTL, Flag::Local(LocalModes::ECHOCTL)),
    (Mode::ECHOKE, Flag::Local(LocalModes::ECHOKE)),
    (Mode::PENDIN, Flag::Local(LocalModes::PENDIN)),
    (Mode::OPOST, Flag::Output(OutputModes::OPOST)),
    #[cfg(target_os = "linux")]
    (Mode::OLCUC, Flag::Output(OutputModes::OLCUC)),
    (Mode::ONLCR, Flag::Output(OutputModes::ONLCR)),
    (Mode::OCRNL, Flag::Output(OutputModes::OCRNL)),
    (Mode::ONOCR, Flag::Output(OutputModes::ONOCR)),
    (Mode::ONLRET, Flag::Output(OutputModes::ONLRET)),
    (Mode::PARENB, Flag::Control(ControlModes::PARENB)),
    (Mode::PARODD, Flag::Control(ControlModes::PARODD)),
];
