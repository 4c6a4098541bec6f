//! Lines on standard error.

use std::fmt::Display;
use std::sync::atomic::{AtomicU8, Ordering};

use super::terminal;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Nothing but what ends the program (`-q`).
    Quiet,
    /// Warnings as well.
    Info,
    /// What happens, step by step (`-v`).
    Debug,
}

static LEVEL: AtomicU8 = AtomicU8::new(1);

/// Sets how much is said.
pub(crate) fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// What ends the program.
pub(crate) fn error(text: impl Display) {
    line(&format!("ssh: {text}"));
}

/// What the user should know.
pub(crate) fn info(text: impl Display) {
    if enabled(Level::Info) {
        line(&text.to_string());
    }
}

/// What happens.
pub(crate) fn debug(text: impl Display) {
    if enabled(Level::Debug) {
        line(&format!("debug: {text}"));
    }
}

/// Whether lines of `level` are shown.
pub(crate) fn enabled(level: Level) -> bool {
    LEVEL.load(Ordering::Relaxed) >= level as u8
}

/// One write per line, so that lines of several threads do not mix; a raw terminal needs the carriage return.
fn line(text: &str) {
    let end = if terminal::is_raw() { "\r\n" } else { "\n" };
    // There is nobody to tell that standard error is closed.
    let _ = rustix::io::write(std::io::stderr(), format!("{text}{end}").as_bytes());
}
