//! Signals that children must not find ignored.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
};

/// Signals that a shell or `nohup` may have told us to ignore.
const SIGNALS: [i32; 11] =
    [SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2];

/// Puts a handler that does nothing in place of ignoring.
///
/// What is ignored stays ignored across exec, and a shell cannot undo it: started with `&` from a script, no terminal of
/// this server would know Ctrl-C. A handler becomes the default at exec, and we still pay the signal no attention.
pub(crate) fn stop_ignoring() {
    // Where there is no /proc, all stays as it is.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    for signal in SIGNALS {
        if ignored & (1 << (signal - 1)) != 0 {
            let _ = signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)));
        }
    }
}
