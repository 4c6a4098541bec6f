//! Texts: names, paths, lists of them.

use alloc::{format, string::String, vec, vec::Vec};

use super::line::Arguments;
use super::setting::{Fault, Value, unexpected};

/// A text that may be missing.
pub type Text = Option<String>;

impl Value for Text {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        arguments.required().map(Some)
    }

    fn show(&self) -> Vec<String> {
        self.iter().cloned().collect()
    }
}

/// A text of which `none` means that there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(pub Option<String>);

impl Value for Word {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let word = arguments.required()?;
        Ok(Self(Some(word).filter(|word| !word.eq_ignore_ascii_case("none"))))
    }

    fn show(&self) -> Vec<String> {
        self.0.show()
    }
}

/// A path of which several may be said.
impl Value for String {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        arguments.required()
    }

    fn show(&self) -> Vec<String> {
        vec![self.clone()]
    }
}

/// Several paths in one line. Empty: none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths(pub Vec<String>);

impl Value for Paths {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        alone_or_words(arguments).map(Self)
    }

    fn show(&self) -> Vec<String> {
        vec![if self.0.is_empty() { "none".into() } else { self.0.join(" ") }]
    }
}

/// Several words in one line; a repeated keyword has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl Value for Words {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let words = alone_or_words(arguments)?;
        Ok(Self(words))
    }

    fn show(&self) -> Vec<String> {
        if self.0.is_empty() { vec!["none".into()] } else { self.0.clone() }
    }
}

/// `CanonicalDomains`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domains(pub Vec<String>);

impl Value for Domains {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let mut domains = alone_or_words(arguments)?;
        for domain in &mut domains {
            if !is_domain(domain) {
                return Err(unexpected(domain, "the name of a domain"));
            }
            domain.make_ascii_lowercase();
            if domain.ends_with('.') {
                domain.pop();
            }
        }
        Ok(Self(domains))
    }

    fn show(&self) -> Vec<String> {
        vec![if self.0.is_empty() { "none".into() } else { self.0.join(" ") }]
    }
}

pub(super) fn is_domain(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    starts && text.chars().all(fits) && !text.contains("..")
}

/// `none` by itself, or words without it.
fn alone_or_words(arguments: &mut Arguments) -> Result<Vec<String>, Fault> {
    let words = arguments.rest();
    if words.is_empty() || words.iter().any(String::is_empty) {
        return Err("a value is missing".into());
    }
    let is_none = |word: &String| word.eq_ignore_ascii_case("none");
    match words.as_slice() {
        [one] if is_none(one) => Ok(Vec::new()),
        _ if words.iter().any(is_none) => Err("\"none\" must stand by itself".into()),
        _ => Ok(words),
    }
}

/// A rule of `CanonicalizePermittedCNAMEs`: names of `from` may become names of `to`; both are lists of patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CnameRule {
    /// What may be an alias.
    pub from: String,
    /// Of what.
    pub to: String,
}

/// `CanonicalizePermittedCNAMEs`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CnameRules(pub Vec<CnameRule>);

impl Value for CnameRules {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let rule = |word: String| match word.split_once(':') {
            None if word == "*" => Ok(CnameRule { from: "*".into(), to: "*".into() }),
            Some((from, to)) if !from.is_empty() && !to.is_empty() => {
                Ok(CnameRule { from: from.to_ascii_lowercase(), to: to.to_ascii_lowercase() })
            }
            _ => Err(unexpected(&word, "FROM:TO")),
        };
        alone_or_words(arguments)?.into_iter().map(rule).collect::<Result<_, _>>().map(Self)
    }

    fn show(&self) -> Vec<String> {
        let shown: Vec<String> = self.0.iter().map(|rule| format!("{}:{}", rule.from, rule.to)).collect();
        vec![if shown.is_empty() { "none".into() } else { shown.join(" ") }]
    }
}

/// A list of algorithms as it was written: `+`, `-`, `^` or nothing, and names with wildcards
/// ([`algorithm_list::apply`](crate::files::algorithm_list::apply)). `None`: the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlgorithmList(pub Option<String>);

impl Value for AlgorithmList {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let list = arguments.required()?;
        if matches!(list.as_str(), "+" | "^") {
            return Err("the list is empty".into());
        }
        Ok(Self(Some(list)))
    }

    fn show(&self) -> Vec<String> {
        self.0.show()
    }
}

/// Where an agent is found (`IdentityAgent`, `ForwardAgent`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSocket(pub String);

impl AgentSocket {
    /// The environment's variable that holds the path, if one is named.
    pub fn variable(&self) -> Option<&str> {
        match self.0.as_str() {
            "SSH_AUTH_SOCK" => Some("SSH_AUTH_SOCK"),
            text => text.strip_prefix('$').filter(|name| !name.starts_with('{')),
        }
    }
}

impl Value for Option<AgentSocket> {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let socket = AgentSocket(arguments.required()?);
        let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match socket.variable() {
            Some(name) if !is_name(name) => Err(unexpected(&socket.0, "the name of a variable")),
            _ => Ok(Some(socket)),
        }
    }

    fn show(&self) -> Vec<String> {
        self.iter().map(|socket| socket.0.clone()).collect()
    }
}

/// `ForwardAgent`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwardAgent {
    /// Not at all.
    No,
    /// The agent that is used here.
    Yes,
    /// The agent found there.
    Socket(AgentSocket),
}

impl Value for ForwardAgent {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let socket = <Option<AgentSocket>>::parse(arguments)?;
        let Some(socket) = socket else { return Ok(Self::No) };
        Ok(match socket.0.to_ascii_lowercase().as_str() {
            "yes" | "true" => Self::Yes,
            "no" | "false" => Self::No,
            _ => Self::Socket(socket),
        })
    }

    fn show(&self) -> Vec<String> {
        vec![match self {
            Self::No => "no".into(),
            Self::Yes => "yes".into(),
            Self::Socket(socket) => socket.0.clone(),
        }]
    }
}
