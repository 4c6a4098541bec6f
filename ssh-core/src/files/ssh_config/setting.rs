//! A value and where it was said.

use alloc::{format, string::String, sync::Arc, vec::Vec};
use core::fmt;

use super::line::Arguments;

/// Where a value was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: it is the default.
    #[default]
    Default,
    /// On the command line.
    CommandLine,
    /// In a file.
    File {
        /// The file's name, as the caller gave it.
        name: Arc<str>,
        /// The line's number, from 1.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::CommandLine => f.write_str("command line"),
            Self::File { name, line } => write!(f, "{}, line {line}", name.escape_debug()),
        }
    }
}

/// A value of which the first that is said counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it was said.
    pub origin: Origin,
}

/// Values of which each that is said counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// The values in the order they were said.
    pub values: Vec<Setting<T>>,
}

impl<T> Setting<T> {
    /// Whether somebody said it.
    pub fn is_set(&self) -> bool {
        self.origin != Origin::Default
    }
}

/// A line that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it is.
    pub origin: Origin,
    /// The keyword in lower case; empty if the line has none.
    pub keyword: String,
    /// What was expected.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.origin != Origin::Default {
            write!(f, "{}: ", self.origin)?;
        }
        if !self.keyword.is_empty() {
            write!(f, "{}: ", self.keyword.escape_debug())?;
        }
        f.write_str(&self.message)
    }
}

impl core::error::Error for ConfigError {}

/// What was expected instead.
pub(super) type Fault = String;

/// How the arguments of a keyword are read and shown.
pub(super) trait Value: Sized {
    /// Reads as many arguments as belong to it.
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault>;

    /// Its lines as `ssh -G` prints them, without the keyword; none if it is not printed.
    fn show(&self) -> Vec<String>;

    /// It is as if the line was not there.
    fn says_nothing(&self) -> bool {
        false
    }

    /// Takes what a later line says. Most values do not.
    fn add(&mut self, _later: Self) {}
}

/// A place for the value of a keyword.
pub(super) trait Field {
    /// Reads the arguments; keeps the value if the line is in force and nothing was said before.
    fn take(&mut self, arguments: &mut Arguments, origin: &Origin, active: bool) -> Result<(), Fault>;

    /// Lines with where they come from.
    fn show(&self) -> Vec<(String, Origin)>;
}

impl<T: Value> Field for Setting<T> {
    fn take(&mut self, arguments: &mut Arguments, origin: &Origin, active: bool) -> Result<(), Fault> {
        let value = T::parse(arguments)?;
        match (active && !value.says_nothing(), self.is_set()) {
            (false, _) => {}
            (true, false) => *self = Self { value, origin: origin.clone() },
            (true, true) => self.value.add(value),
        }
        Ok(())
    }

    fn show(&self) -> Vec<(String, Origin)> {
        self.value.show().into_iter().map(|line| (line, self.origin.clone())).collect()
    }
}

impl<T: Value + PartialEq> Field for List<T> {
    fn take(&mut self, arguments: &mut Arguments, origin: &Origin, active: bool) -> Result<(), Fault> {
        let value = T::parse(arguments)?;
        if active && !self.values.iter().any(|each| each.value == value) {
            self.values.push(Setting { value, origin: origin.clone() });
        }
        Ok(())
    }

    fn show(&self) -> Vec<(String, Origin)> {
        self.values.iter().flat_map(Field::show).collect()
    }
}

/// What a group's field starts with.
pub(super) trait Start<T> {
    fn start(value: T) -> Self;
}

impl<T> Start<T> for Setting<T> {
    fn start(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }
}

impl<T> Start<Vec<T>> for List<T> {
    fn start(values: Vec<T>) -> Self {
        Self { values: values.into_iter().map(Setting::start).collect() }
    }
}

/// A text that is none of what was expected.
pub(super) fn unexpected(text: &str, expected: &str) -> Fault {
    format!("\"{}\" is not {expected}", text.escape_debug())
}
