//! Lines on standard error.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

static DEBUG: AtomicBool = AtomicBool::new(false);

/// Turns debug lines on (`-d`).
pub(crate) fn show_debug() {
    DEBUG.store(true, Ordering::Relaxed);
}

/// What whoever runs the server should know.
pub(crate) fn info(text: impl Display) {
    // One write per line, so that lines of several connections do not mix; nobody can be told that it failed.
    let _ = rustix::io::write(std::io::stderr(), format!("sshd: {text}\n").as_bytes());
}

/// What happens.
pub(crate) fn debug(text: impl Display) {
    if DEBUG.load(Ordering::Relaxed) {
        info(format_args!("debug: {text}"));
    }
}
