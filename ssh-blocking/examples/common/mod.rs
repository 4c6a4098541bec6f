//! What both programs share: lists of algorithms, patterns, and the table of terminal modes.

pub(crate) mod algorithms;
pub(crate) mod pattern;
pub(crate) mod terminal_modes;
