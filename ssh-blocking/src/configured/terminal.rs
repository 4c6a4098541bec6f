//! The person at the terminal.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};

use ssh_core::{PasswordChangeNeeded, Prompt, Prompts, SecretBytes, Untrusted};

use crate::login::Interaction;

/// Asks at the terminal, without echo where that must be. Questions go to `/dev/tty`: standard input and output belong to
/// what runs. Where there is no terminal, nobody answers.
///
/// What a server says is shown escaped, and its questions with the name of the host they come from.
#[derive(Debug, Default)]
pub struct Terminal {
    host: String,
}

impl Terminal {
    /// Somebody who does not need to be told which host asks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whose questions these are: `user@host`.
    pub fn about(user_at_host: impl Into<String>) -> Self {
        Self { host: user_at_host.into() }
    }

    fn ask(&self, Prompt { prompt, echo }: &Prompt) -> Option<SecretBytes> {
        // A server could ask for something that is not its own.
        let host = if self.host.is_empty() { "server" } else { &self.host };
        let question = format!("({host}) {prompt}");
        if *echo { line(&question).map(SecretBytes::from) } else { secret(&question) }
    }
}

impl Interaction for Terminal {
    fn password(&mut self, attempt: u32) -> Option<SecretBytes> {
        if attempt > 0 {
            eprintln!("Permission denied, please try again.");
        }
        let whose = if self.host.is_empty() { String::new() } else { format!("{}'s ", self.host) };
        secret(&format!("{whose}password: "))
    }

    fn new_password(&mut self, needed: &PasswordChangeNeeded) -> Option<SecretBytes> {
        eprintln!("{}", needed.prompt.multi_line());
        let new = secret("Enter the new password: ")?;
        let again = secret("Retype the new password: ")?;
        new.constant_time_eq(again.expose()).then_some(new)
    }

    fn answers(&mut self, prompts: &Prompts) -> Option<Vec<SecretBytes>> {
        for text in [&prompts.name, &prompts.instruction] {
            if !text.is_empty() {
                eprintln!("{}", text.multi_line());
            }
        }
        prompts.prompts.iter().map(|prompt| self.ask(prompt)).collect()
    }

    fn passphrase(&mut self, file: &str, _attempt: u32) -> Option<SecretBytes> {
        secret(&format!("Enter passphrase for key '{}': ", file.escape_debug()))
    }

    /// Until the answer is yes or no.
    fn confirm(&mut self, question: &str) -> bool {
        let mut answer = line(question);
        loop {
            match answer.as_deref().map(str::trim) {
                Some("yes") => return true,
                Some("no") | None => return false,
                Some(_) => answer = line("Please type 'yes' or 'no': "),
            }
        }
    }

    fn warn(&mut self, text: &str) {
        eprintln!("{text}");
    }

    fn banner(&mut self, text: &Untrusted) {
        let text = text.multi_line().to_string();
        eprintln!("{}", text.strip_suffix('\n').unwrap_or(&text));
    }
}

/// Not shown while it is typed.
fn secret(question: &str) -> Option<SecretBytes> {
    rpassword::prompt_password(question).ok().map(SecretBytes::from)
}

/// Shown while it is typed.
fn line(question: &str) -> Option<String> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    terminal.write_all(question.as_bytes()).ok()?;
    let mut answer = String::new();
    let read = BufReader::new(terminal).read_line(&mut answer).ok()?;
    (read > 0).then(|| answer.trim_end_matches(['\r', '\n']).to_owned())
}
