//! Questions to the person at the terminal. They go to `/dev/tty`: standard input and output belong to the command.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};

use ssh_core::{PasswordChangeNeeded, Prompt, SecretBytes, Untrusted};

use super::log;

/// Asks for something that is not shown while it is typed; `None`: there is nobody to ask, or no answer.
pub(crate) fn secret(question: &str) -> Option<SecretBytes> {
    match rpassword::prompt_password(question) {
        Ok(answer) => Some(SecretBytes::from(answer)),
        Err(error) => {
            log::debug(format_args!("cannot ask for a password: {error}"));
            None
        }
    }
}

/// Asks for something that is shown while it is typed.
pub(crate) fn line(question: &str) -> Option<String> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    terminal.write_all(question.as_bytes()).ok()?;
    let mut answer = String::new();
    let read = BufReader::new(terminal).read_line(&mut answer).ok()?;
    (read > 0).then(|| answer.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks until the answer is yes or no.
pub(crate) fn yes_or_no(question: &str) -> bool {
    let mut answer = line(question);
    loop {
        match answer.as_deref().map(str::trim) {
            Some("yes") => return true,
            Some("no") | None => return false,
            Some(_) => answer = line("Please type 'yes' or 'no': "),
        }
    }
}

/// Asks a server's own questions (keyboard-interactive), after what it says about them. Its text is shown escaped.
pub(crate) fn answers(user_at_host: &str, about: [&Untrusted; 2], prompts: &[Prompt]) -> Option<Vec<SecretBytes>> {
    for text in about {
        if !text.is_empty() {
            log::info(text.multi_line());
        }
    }
    let ask = |prompt: &Prompt| {
        // Whose question it is: a server could ask for something that is not its own.
        let question = format!("({user_at_host}) {}", prompt.prompt);
        if prompt.echo { line(&question).map(SecretBytes::from) } else { secret(&question) }
    };
    prompts.iter().map(ask).collect()
}

/// Asks for a new password, twice; `None`: the two differ, or there is no answer.
pub(crate) fn new_password(needed: &PasswordChangeNeeded) -> Option<SecretBytes> {
    log::info(needed.prompt.multi_line());
    let new = secret("Enter the new password: ")?;
    let again = secret("Retype the new password: ")?;
    new.constant_time_eq(again.expose()).then_some(new)
}

/// Shows a server's text, escaped: it must not move the cursor.
pub(crate) fn banner(text: &Untrusted) {
    let text = text.multi_line().to_string();
    log::info(text.strip_suffix('\n').unwrap_or(&text));
}
