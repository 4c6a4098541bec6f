//! Whoever sits at the terminal.

use ssh_blocking::Interaction;
use ssh_core::{PasswordChangeNeeded, Prompts, SecretBytes, Untrusted};

use super::{log, prompt};

/// Somebody who is asked about a login.
pub(crate) struct Person {
    pub(crate) user_at_host: String,
}

impl Interaction for Person {
    fn password(&mut self, attempt: u32) -> Option<SecretBytes> {
        if attempt > 0 {
            log::info("Permission denied, please try again.");
        }
        prompt::secret(&format!("{}'s password: ", self.user_at_host))
    }

    fn new_password(&mut self, needed: &PasswordChangeNeeded) -> Option<SecretBytes> {
        prompt::new_password(needed)
    }

    fn answers(&mut self, prompts: &Prompts) -> Option<Vec<SecretBytes>> {
        prompt::answers(&self.user_at_host, [&prompts.name, &prompts.instruction], &prompts.prompts)
    }

    fn passphrase(&mut self, file: &str, _attempt: u32) -> Option<SecretBytes> {
        prompt::secret(&format!("Enter passphrase for key '{}': ", file.escape_debug()))
    }

    fn confirm(&mut self, question: &str) -> bool {
        prompt::yes_or_no(question)
    }

    fn warn(&mut self, text: &str) {
        log::info(format_args!("Warning: {text}"));
    }

    fn banner(&mut self, text: &Untrusted) {
        prompt::banner(text);
    }
}
