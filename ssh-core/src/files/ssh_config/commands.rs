//! Commands: all of the line, with the quotes as they are.

use alloc::{string::String, vec, vec::Vec};

use super::destinations::JumpHosts;
use super::line::Arguments;
use super::setting::{Fault, Value};

/// A command; `None`: none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command(pub Option<String>);

impl Value for Command {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let text = arguments.raw()?;
        Ok(Self(Some(text).filter(|text| !text.eq_ignore_ascii_case("none"))))
    }

    fn show(&self) -> Vec<String> {
        self.0.show()
    }
}

/// What stands between: `ProxyCommand` or `ProxyJump`, whichever was said first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// Nothing.
    None,
    /// `ProxyCommand`: its standard streams are the connection.
    Command(String),
    /// `ProxyJump`: hosts to go through, in order.
    Jump(JumpHosts),
}

impl Proxy {
    /// Reads the arguments of either keyword.
    pub(super) fn parse(keyword: &str, arguments: &mut Arguments) -> Result<Self, Fault> {
        let text = arguments.raw()?;
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self::None);
        }
        if keyword == "proxycommand" { Ok(Self::Command(text)) } else { JumpHosts::parse(&text).map(Self::Jump) }
    }

    /// The keyword and the value as `ssh -G` prints them.
    pub(super) fn show(&self) -> Option<(&'static str, String)> {
        match self {
            Self::None => None,
            Self::Command(command) => Some(("proxycommand", command.clone())),
            Self::Jump(hosts) => Some(("proxyjump", hosts.text())),
        }
    }
}

/// All of a line of text (`VersionAddendum`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(pub Option<String>);

impl Value for Line {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let text = arguments.raw()?;
        Ok(Self(Some(if text.eq_ignore_ascii_case("none") { String::new() } else { text })))
    }

    fn show(&self) -> Vec<String> {
        self.0.as_ref().map_or_else(Vec::new, |text| vec![text.clone()])
    }
}
