//! All of the client that is not about moving bytes. The asynchronous `ssh_async` has it, too.

#[path = "../../common/terminal_modes.rs"]
mod terminal_modes;

pub(crate) mod escape;
pub(crate) mod log;
pub(crate) mod options;
pub(crate) mod peer;
pub(crate) mod person;
pub(crate) mod plan;
pub(crate) mod prompt;
pub(crate) mod settings;
pub(crate) mod stdio;
pub(crate) mod terminal;
