//! `%` tokens, `${NAME}` and `~` (ssh_config(5), TOKENS and ENVIRONMENT VARIABLES).

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use sha1::{Digest as _, Sha1};

/// Tokens of most keywords.
pub(super) const USUAL: &str = "CdhijkLlnpru";

/// Tokens of `User`: what is made of it cannot be in it.
pub(super) const OF_USER: &str = "dhijkLlnpu";

/// Tokens of `ProxyCommand`.
pub(super) const OF_PROXY_COMMAND: &str = "hnpr";

/// Tokens of `KnownHostsCommand`.
pub(super) const OF_KNOWN_HOSTS_COMMAND: &str = "CdfHhIijKkLlnprtu";

/// Tokens of `LocalCommand`.
pub(super) const OF_LOCAL_COMMAND: &str = "CdhijkLlnprTu";

/// What cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenError {
    text: String,
    /// A variable is not set; nothing else is wrong.
    pub(super) is_unset: bool,
}

impl TokenError {
    pub(super) fn new(text: &str, what: &str) -> Self {
        Self { text: format!("\"{}\": {}", text.escape_debug(), what.escape_debug()), is_unset: false }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl core::error::Error for TokenError {}

/// What tokens stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    values: Vec<(char, String)>,
}

/// The names and numbers tokens are made of.
pub(super) struct Facts<'a> {
    pub(super) home: &'a str,
    pub(super) uid: u32,
    pub(super) local_user: &'a str,
    pub(super) local_host: &'a str,
    pub(super) host: &'a str,
    pub(super) original: &'a str,
    pub(super) key_alias: &'a str,
    pub(super) jump: &'a str,
    pub(super) port: u16,
    pub(super) user: &'a str,
}

impl Tokens {
    /// The value of every token that is known before connecting.
    pub(super) fn new(facts: &Facts<'_>) -> Self {
        let port = format!("{}", facts.port);
        let short = facts.local_host.split('.').next().unwrap_or_default();
        let mut hash = Sha1::new();
        for part in [facts.local_host, facts.host, &port, facts.user, facts.jump] {
            hash.update(part);
        }
        let connection: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let values = [
            ('C', connection),
            ('d', facts.home.into()),
            ('h', facts.host.into()),
            ('i', format!("{}", facts.uid)),
            ('j', facts.jump.into()),
            ('k', facts.key_alias.into()),
            ('L', short.into()),
            ('l', facts.local_host.into()),
            ('n', facts.original.into()),
            ('p', port),
            ('r', facts.user.into()),
            ('u', facts.local_user.into()),
        ];
        Self { values: values.into() }
    }

    /// These and more.
    pub(super) fn with(&self, more: impl IntoIterator<Item = (char, String)>) -> Self {
        Self { values: self.values.iter().cloned().chain(more).collect() }
    }

    /// One token, for where no other is allowed.
    pub(super) fn host(host: &str) -> Self {
        Self { values: [('h', host.into())].into() }
    }

    /// With the tokens of `allowed`.
    pub(super) fn expand(&self, text: &str, allowed: &str) -> Result<String, TokenError> {
        let mut out = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let token = chars.next();
            let value = self.values.iter().find(|(each, _)| allowed.contains(*each) && Some(*each) == token);
            match (token, value) {
                (Some('%'), _) => out.push('%'),
                (_, Some((_, value))) => out.push_str(value),
                (Some(token), None) => return Err(TokenError::new(text, &format!("%{token} has no meaning here"))),
                (None, None) => return Err(TokenError::new(text, "% at the end stands for nothing")),
            }
        }
        Ok(out)
    }
}

/// `${NAME}` is the value of a variable, which must be set.
pub(super) fn expand_environment(text: &str, environment: &[(String, String)]) -> Result<String, TokenError> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or_else(|| TokenError::new(text, "${ is not closed"))?;
        let value = environment.iter().find(|(each, _)| each == name).map(|(_, value)| value);
        out.push_str(before);
        let unset =
            || TokenError { is_unset: true, ..TokenError::new(text, &format!("the variable {name} is not set")) };
        out.push_str(value.ok_or_else(unset)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// What is left of a text without its `${NAME}`.
pub(super) fn without_variables(text: &str) -> String {
    let mut parts = text.split("${");
    let first = parts.next().unwrap_or_default();
    parts.fold(first.into(), |out, part| out + part.split_once('}').map_or("", |(_, after)| after))
}

/// `~` at the beginning is the home directory. That of somebody else is not known, and the text stays as it is.
pub(super) fn expand_tilde(text: &str, home: &str) -> String {
    match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let path = rest.trim_start_matches('/');
            format!("{}{}{path}", home.trim_end_matches('/'), if rest.is_empty() { "" } else { "/" })
        }
        _ => text.into(),
    }
}

/// The first of these names that a token puts into `command` and that means something to a shell. Names of hosts and users
/// come from others, such as that of a repository, and must not run commands here (CVE-2023-51385, CVE-2025-61984).
pub(super) fn dangerous<'a>(command: &str, names: &[(&str, &'a str)]) -> Option<&'a str> {
    let means_nothing = |c: char| !c.is_control() && !c.is_whitespace() && !"'`\"$\\;&<>|(){},*?!#".contains(c);
    let is_harmless = |name: &str| !name.starts_with('-') && name.chars().all(means_nothing);
    names
        .iter()
        .find(|(token, name)| command.as_bytes().windows(2).any(|pair| pair == token.as_bytes()) && !is_harmless(name))
        .map(|(_, name)| *name)
}
