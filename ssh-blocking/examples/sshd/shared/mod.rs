//! All of the server that is not about moving bytes. The asynchronous `sshd_async` has it, too.

#[path = "../../common/mod.rs"]
pub(crate) mod common;

pub(crate) mod accounts;
pub(crate) mod algorithms;
pub(crate) mod hosts;
pub(crate) mod log;
pub(crate) mod options;
pub(crate) mod preparation;
pub(crate) mod process;
pub(crate) mod pty;
pub(crate) mod service;
pub(crate) mod settings;
pub(crate) mod signals;
pub(crate) mod values;
