//! The user's terminal: raw mode, its modes on the wire, its size.

use std::io::{self, IsTerminal, Read};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use rustix::termios::{ControlModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH};
use ssh_core::{ChannelRequest, PtyRequest, TerminalMode, TerminalModes};

use super::terminal_modes::{CHARACTERS, DISABLED, FLAGS, Flag, NO_CHARACTER};

/// What the terminal was before it was made raw.
static ORIGINAL: Mutex<Option<Termios>> = Mutex::new(None);

/// Whether standard input is a terminal.
pub(crate) fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Hands every key to the remote side, until [`restore`] is called. A panic restores as well.
pub(crate) fn make_raw() -> io::Result<()> {
    let original = tcgetattr(io::stdin())?;
    let mut raw = original.clone();
    raw.make_raw();
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        restore();
        previous(info);
    }));
    *ORIGINAL.lock().unwrap_or_else(PoisonError::into_inner) = Some(original);
    tcsetattr(io::stdin(), OptionalActions::Drain, &raw)?;
    Ok(())
}

/// Gives the terminal back as it was. Harmless if it was never raw.
pub(crate) fn restore() {
    let original = ORIGINAL.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(original) = original {
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &original);
    }
}

/// Whether the terminal is raw now.
pub(crate) fn is_raw() -> bool {
    ORIGINAL.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Calls `ended` on a thread of its own when a signal wants to end the program: a raw terminal must not be left behind.
pub(crate) fn on_termination(ended: impl Fn() + Send + 'static) -> io::Result<()> {
    on_signals(&[SIGTERM, SIGHUP, SIGINT, SIGQUIT], ended)
}

/// Calls `changed` on a thread of its own whenever the window has a new size.
pub(crate) fn on_resize(changed: impl Fn() + Send + 'static) -> io::Result<()> {
    on_signals(&[SIGWINCH], changed)
}

fn on_signals(signals: &[i32], act: impl Fn() + Send + 'static) -> io::Result<()> {
    let (mut receiver, sender) = UnixStream::pair()?;
    for signal in signals {
        signal_hook::low_level::pipe::register(*signal, sender.try_clone()?)?;
    }
    let watch = move || {
        let mut bytes = [0; 16];
        while receiver.read(&mut bytes).is_ok_and(|n| n > 0) {
            act();
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(watch).map(drop)
}

/// A request for a terminal like ours.
pub(crate) fn pty_request() -> PtyRequest {
    let mut request = PtyRequest { term: term(), ..PtyRequest::default() };
    if let Ok(size) = tcgetwinsize(io::stdin()) {
        request.columns = size.ws_col.into();
        request.rows = size.ws_row.into();
        request.width_pixels = size.ws_xpixel.into();
        request.height_pixels = size.ws_ypixel.into();
    }
    if let Ok(settings) = tcgetattr(io::stdin()) {
        request.modes = encode(&settings);
    }
    request
}

/// The request that tells the window's present size.
pub(crate) fn window_change() -> Option<ChannelRequest> {
    let size = tcgetwinsize(io::stdin()).ok()?;
    Some(ChannelRequest::WindowChange {
        columns: size.ws_col.into(),
        rows: size.ws_row.into(),
        width_pixels: size.ws_xpixel.into(),
        height_pixels: size.ws_ypixel.into(),
    })
}

fn term() -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt;
    std::env::var_os("TERM").map_or_else(|| b"dumb".to_vec(), OsStringExt::into_vec)
}

/// A terminal's settings as RFC 4254 §8 writes them.
fn encode(settings: &Termios) -> TerminalModes {
    let mut modes = vec![
        (TerminalMode::TTY_OP_ISPEED, settings.input_speed()),
        (TerminalMode::TTY_OP_OSPEED, settings.output_speed()),
    ];
    for (mode, index) in CHARACTERS {
        let character = settings.special_codes[*index];
        modes.push((*mode, if character == DISABLED { NO_CHARACTER } else { character.into() }));
    }
    for (mode, flag) in FLAGS {
        let on = match flag {
            Flag::Input(bit) => settings.input_modes.contains(*bit),
            Flag::Output(bit) => settings.output_modes.contains(*bit),
            Flag::Control(bit) => settings.control_modes.contains(*bit),
            Flag::Local(bit) => settings.local_modes.contains(*bit),
        };
        modes.push((*mode, on.into()));
    }
    let size = settings.control_modes & ControlModes::CSIZE;
    modes.push((TerminalMode::CS7, u32::from(size == ControlModes::CS7)));
    modes.push((TerminalMode::CS8, u32::from(size == ControlModes::CS8)));
    TerminalModes(modes)
}
