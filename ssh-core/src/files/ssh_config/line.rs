//! A line: its keyword and its arguments.

use alloc::{borrow::Cow, collections::VecDeque, string::String, vec::Vec};

use super::setting::{ConfigError, Fault, Origin};

/// Blanks between words.
const BLANKS: &[char] = &[' ', '\t', '\r', '\n'];

/// What follows the keyword.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// Unquoted.
    words: VecDeque<String>,
    /// The same as it was written.
    raw: String,
}

impl Arguments {
    /// One argument that is taken as it is.
    pub(super) fn single(value: String) -> Self {
        Self { words: [value.clone()].into(), raw: value }
    }

    /// Nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The next argument.
    pub(super) fn next(&mut self) -> Option<String> {
        self.words.pop_front()
    }

    /// The next argument, which must be there and not be empty.
    pub(super) fn required(&mut self) -> Result<String, Fault> {
        self.next().filter(|word| !word.is_empty()).ok_or_else(|| "a value is missing".into())
    }

    /// All arguments that are left, of which there must be some.
    pub(super) fn some(&mut self) -> Result<Vec<String>, Fault> {
        if self.is_empty() { Err("a value is missing".into()) } else { Ok(self.rest()) }
    }

    /// All arguments that are left.
    pub(super) fn rest(&mut self) -> Vec<String> {
        core::mem::take(&mut self.words).into_iter().collect()
    }

    /// All of the line as it was written: for commands, whose quotes are theirs.
    pub(super) fn raw(&mut self) -> Result<String, Fault> {
        self.words.clear();
        let text = self.raw.trim_start_matches(|c| BLANKS.contains(&c) || c == '=');
        if text.is_empty() { Err("a value is missing".into()) } else { Ok(text.into()) }
    }

    /// Nothing may be left.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        match self.words.front() {
            None => Ok(()),
            Some(word) => Err(alloc::format!("\"{}\" is one argument too many", word.escape_debug())),
        }
    }
}

/// Reads one option as given with `-o`: the keyword in lower case, and its arguments. `sshd_config` has the same grammar.
///
/// # Errors
/// [`ConfigError`] for an open quote, and for a keyword without arguments.
pub fn parse_option(text: &str) -> Result<(String, Vec<String>), ConfigError> {
    let wrong = |(keyword, message)| ConfigError { origin: Origin::CommandLine, keyword, message };
    match split(text).map_err(wrong)? {
        Some((keyword, mut arguments)) => Ok((keyword, arguments.rest())),
        None => Err(wrong((String::new(), "the keyword is missing".into()))),
    }
}

/// Keyword in lower case, and arguments; `None` for an empty line or a comment.
pub(super) fn split(line: &str) -> Result<Option<(String, Arguments)>, (String, Fault)> {
    let line = line.trim_end_matches(|c| BLANKS.contains(&c) || c == '\u{c}');
    let Some((mut keyword, mut rest)) = first_word(line) else { return Ok(None) };
    if keyword.is_empty() {
        let Some(next) = first_word(rest) else { return Ok(None) };
        (keyword, rest) = next;
    }
    if keyword.is_empty() || keyword.starts_with('#') {
        return Ok(None);
    }
    let keyword = keyword.to_ascii_lowercase();
    let raw = rest.trim_start_matches(BLANKS);
    if raw.is_empty() {
        return Err((keyword, "there is no argument".into()));
    }
    match words(raw, true) {
        Ok(words) => Ok(Some((keyword, Arguments { words, raw: raw.into() }))),
        Err(fault) => Err((keyword, fault)),
    }
}

/// The first word, which ends at a blank, `=` or the end of a quotation, and what follows blanks and at most one `=`. `None`: a
/// quote is open.
fn first_word(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(end) = text.find(|c| BLANKS.contains(&c) || c == '"' || c == '=') else { return Some((text.into(), "")) };
    let (word, rest) = text.split_at_checked(end)?;
    if let Some(quoted) = rest.strip_prefix('"') {
        let (inside, after) = quoted.split_once('"')?;
        return Some((alloc::format!("{word}{inside}").into(), after.trim_start_matches(BLANKS)));
    }
    let rest = rest.trim_start_matches(BLANKS);
    Some((word.into(), rest.strip_prefix('=').map_or(rest, |rest| rest.trim_start_matches(BLANKS))))
}

/// Single and double quotes; `\` before a quote, itself or, outside quotes, a blank; with `comments`, `#` where a word would
/// begin ends the text.
pub(super) fn words(text: &str, comments: bool) -> Result<VecDeque<String>, Fault> {
    let mut words = VecDeque::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        if chars.peek().is_none_or(|&c| comments && c == '#') {
            return Ok(words);
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next_if(|c| quote.is_some() || !matches!(c, ' ' | '\t')) {
            let escapes = |next: &char| matches!(next, '"' | '\'' | '\\') || (quote.is_none() && *next == ' ');
            match c {
                '\\' => word.push(chars.next_if(escapes).unwrap_or('\\')),
                '"' | '\'' if quote.is_none() => quote = Some(c),
                c if quote == Some(c) => quote = None,
                c => word.push(c),
            }
        }
        if quote.is_some() {
            return Err("a quote is not closed".into());
        }
        words.push_back(word);
    }
}
