//! What both programs share: the values of configuration files, and the table of terminal modes.

pub(crate) mod algorithms;
pub(crate) mod pattern;
pub(crate) mod terminal_modes;
pub(crate) mod values;
