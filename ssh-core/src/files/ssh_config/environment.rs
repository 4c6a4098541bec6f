//! Variables of the environment that the server gets.

use alloc::{format, string::String, vec::Vec};

use super::line::Arguments;
use super::setting::{Fault, Value, unexpected};
use crate::pattern;

/// `SendEnv`: names with wildcards, each with `-` before it that takes earlier ones away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendEnv(pub Vec<String>);

impl SendEnv {
    /// Whether the variable is to be sent.
    pub fn covers(&self, name: &[u8]) -> bool {
        self.0.iter().any(|each| pattern::matches(each.as_bytes(), name))
    }

    fn without_removed(names: Vec<String>) -> Vec<String> {
        let mut kept: Vec<String> = Vec::new();
        for name in names {
            match name.strip_prefix('-') {
                Some(removed) => kept.retain(|each| !pattern::matches(removed.as_bytes(), each.as_bytes())),
                None => kept.push(name),
            }
        }
        kept
    }
}

impl Value for SendEnv {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let names = arguments.some()?;
        match names.iter().find(|name| name.is_empty() || name.contains('=')) {
            Some(wrong) => Err(unexpected(wrong, "the name of a variable")),
            None => Ok(Self(names)),
        }
    }

    fn show(&self) -> Vec<String> {
        Self::without_removed(self.0.clone())
    }

    fn add(&mut self, later: Self) {
        self.0.extend(later.0);
        self.0 = Self::without_removed(core::mem::take(&mut self.0));
    }
}

/// `SetEnv`: names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetEnv(pub Vec<(String, String)>);

impl Value for SetEnv {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for word in arguments.some()? {
            let pair = word.split_once('=');
            let (name, value) = pair.ok_or_else(|| unexpected(&word, "NAME=VALUE"))?;
            if !pairs.iter().any(|(each, _)| each == name) {
                pairs.push((name.into(), value.into()));
            }
        }
        Ok(Self(pairs))
    }

    fn show(&self) -> Vec<String> {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }
}
