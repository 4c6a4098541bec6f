//! Questions to the person at the terminal.

use std::io::{BufRead, Write};

use ssh_blocking::ssh_core::SecretBytes;

/// Asks for something that is not shown while it is typed.
pub(crate) fn secret(question: &str) -> Result<SecretBytes, String> {
    let answer = rpassword::prompt_password(question);
    answer
        .map(SecretBytes::from)
        .map_err(|error| format!("cannot ask for a passphrase: {error}; give it with -P or -N"))
}

/// Asks for a new passphrase, twice. Empty: none.
pub(crate) fn new_passphrase() -> Result<SecretBytes, String> {
    let new = secret("Enter new passphrase (empty for no passphrase): ")?;
    let again = secret("Enter same passphrase again: ")?;
    if new.constant_time_eq(again.expose()) {
        Ok(new)
    } else {
        Err("the passphrases differ; nothing was changed".into())
    }
}

/// Asks for something that is shown.
pub(crate) fn line(question: &str) -> Result<String, String> {
    eprint!("{question}");
    let mut answer = String::new();
    let read = std::io::stderr().flush().and_then(|()| std::io::stdin().lock().read_line(&mut answer));
    match read {
        Ok(1..) => Ok(answer.trim_end_matches(['\r', '\n']).to_owned()),
        Ok(0) => Err("standard input ended where an answer was expected".into()),
        Err(error) => Err(format!("cannot ask: {error}")),
    }
}
