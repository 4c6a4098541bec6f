//! What both programs share: patterns, and the table of terminal modes.

pub(crate) mod pattern;
pub(crate) mod terminal_modes;
