//! `ssh_config`: a subset of OpenSSH's client configuration, with its grammar (ssh_config(5)).
//!
//! `Host` blocks, quoting, comments and the rule that the first value wins are here. `Match` and `Include` are not: a
//! `Match` block is never applied, and both are reported, so that nobody believes they were in force. What a keyword
//! means is for the caller to say.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use crate::pattern;

/// The content of a file.
#[derive(Clone, Debug, Default)]
pub struct ConfigText {
    settings: Vec<Setting>,
    unsupported: Vec<Unsupported>,
}

/// A keyword that is set, with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigOption<'a> {
    /// The keyword in lower case.
    pub keyword: &'a str,
    /// Its arguments, unquoted; at least one. For keywords that name a command, one: the rest of the line as it is.
    pub arguments: &'a [String],
    /// The line's number, from 1.
    pub line: usize,
}

/// A directive that was not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// `match` or `include`.
    pub keyword: String,
    /// The line's number, from 1.
    pub line: usize,
}

/// Keywords of which every occurrence counts; of all others, the first.
const CUMULATIVE: &[&str] =
    &["certificatefile", "dynamicforward", "identityfile", "localforward", "remoteforward", "sendenv"];

/// Keywords whose argument is a command line: quotes and comments in it belong to the command.
const COMMANDS: &[&str] = &["knownhostscommand", "localcommand", "proxycommand", "remotecommand"];

impl ConfigText {
    /// Reads a file. `origin` is its name, for errors.
    ///
    /// # Errors
    /// [`ConfigError`] for the first line that is malformed: an open quote, or a keyword without arguments.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let mut scope = Scope::Everywhere;
        for (index, content) in text.lines().enumerate() {
            let line = index + 1;
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let failed = |message| ConfigError { origin: origin.into(), line, message };
            let (keyword, arguments) = split_line(content).map_err(failed)?;
            match keyword.as_str() {
                "host" => scope = Scope::Hosts(arguments),
                "match" => {
                    scope = Scope::Nowhere;
                    config.unsupported.push(Unsupported { keyword, line });
                }
                "include" => config.unsupported.push(Unsupported { keyword, line }),
                _ => config.settings.push(Setting { scope: scope.clone(), keyword, arguments, line }),
            }
        }
        Ok(config)
    }

    /// What is set for `host`, as the user typed it: of every keyword the first occurrence, or all of them for those
    /// that add up, in the file's order.
    pub fn options_for<'a>(&'a self, host: &str) -> impl Iterator<Item = ConfigOption<'a>> {
        let mut seen: Vec<&str> = Vec::new();
        let mut options = Vec::new();
        for setting in self.settings.iter().filter(|setting| setting.scope.covers(host)) {
            let keyword = setting.keyword.as_str();
            if seen.contains(&keyword) && !CUMULATIVE.contains(&keyword) {
                continue;
            }
            seen.push(keyword);
            options.push(ConfigOption { keyword, arguments: &setting.arguments, line: setting.line });
        }
        options.into_iter()
    }

    /// The directives that were not followed.
    pub fn unsupported(&self) -> &[Unsupported] {
        &self.unsupported
    }
}

/// Reads one option as given with `-o`: the keyword in lower case, and its arguments.
///
/// # Errors
/// [`ConfigError`] with the line 0.
pub fn parse_option(text: &str) -> Result<(String, Vec<String>), ConfigError> {
    split_line(text.trim()).map_err(|message| ConfigError { origin: "command line".into(), line: 0, message })
}

#[derive(Clone, Debug)]
struct Setting {
    scope: Scope,
    keyword: String,
    arguments: Vec<String>,
    line: usize,
}

/// Where a setting holds.
#[derive(Clone, Debug)]
enum Scope {
    Everywhere,
    Hosts(Vec<String>),
    Nowhere,
}

impl Scope {
    fn covers(&self, host: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Hosts(patterns) => pattern::list_matches(patterns.iter().map(String::as_bytes), host.as_bytes()),
            Self::Nowhere => false,
        }
    }
}

/// Keyword and arguments of a line: blanks, one `=`, or both between them.
fn split_line(content: &str) -> Result<(String, Vec<String>), String> {
    let end = content.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(content.len());
    let (keyword, rest) = content.split_at_checked(end).unwrap_or((content, ""));
    let keyword = keyword.to_ascii_lowercase();
    if keyword.is_empty() {
        return Err("the keyword is missing".into());
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    let arguments = if COMMANDS.contains(&keyword.as_str()) {
        [rest].into_iter().filter(|command| !command.is_empty()).map(String::from).collect()
    } else {
        split_arguments(rest)?
    };
    if arguments.is_empty() {
        return Err(format!("\"{}\" has no argument", keyword.escape_debug()));
    }
    Ok((keyword, arguments))
}

/// As OpenSSH's `argv_split`: single and double quotes, `\` before a quote, a blank or itself, and `#` where an argument
/// would begin ends the line.
fn split_arguments(text: &str) -> Result<Vec<String>, String> {
    let mut arguments = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(char::is_ascii_whitespace).is_some() {}
        if chars.peek().is_none_or(|&c| c == '#') {
            return Ok(arguments);
        }
        let mut argument = String::new();
        let mut quote = None;
        while let Some(c) = chars.next_if(|c| quote.is_some() || !c.is_ascii_whitespace()) {
            let escapes = |next: &char| matches!(next, '"' | '\'' | '\\') || (quote.is_none() && *next == ' ');
            match c {
                '\\' => argument.push(chars.next_if(escapes).unwrap_or('\\')),
                '"' | '\'' if quote.is_none() => quote = Some(c),
                c if quote == Some(c) => quote = None,
                c => argument.push(c),
            }
        }
        if quote.is_some() {
            return Err("a quote is not closed".into());
        }
        arguments.push(argument);
    }
}

/// A line that is malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's name, as the caller gave it.
    pub origin: String,
    /// The line's number, from 1; 0 for the command line.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.origin, self.message),
            line => write!(f, "{}, line {line}: {}", self.origin, self.message),
        }
    }
}

impl core::error::Error for ConfigError {}
