//! What is tried to log in: one thing at a time, so that a passphrase is asked for only if its key has a chance.

use std::collections::VecDeque;
use std::path::PathBuf;

use ssh_core::Untrusted;
use ssh_core::login::Credentials;

use super::identities;
use super::log;
use super::prompt;
use super::settings::Settings;

/// What is left to try. Asking for the next thing may ask the person at the terminal.
pub(crate) struct Attempts {
    settings: Settings,
    user_at_host: String,
    /// Key files not tried yet.
    files: VecDeque<PathBuf>,
    passwords_left: u32,
    rounds_left: u32,
    password_attempts: u32,
    tried: Vec<&'static str>,
}

impl Attempts {
    pub(crate) fn new(settings: &Settings, user_at_host: String) -> Self {
        let prompts = if settings.batch { 0 } else { settings.password_prompts };
        Self {
            user_at_host,
            files: if settings.public_key { identities::files(settings).into() } else { VecDeque::new() },
            passwords_left: if settings.password { prompts } else { 0 },
            rounds_left: if settings.keyboard_interactive { prompts } else { 0 },
            password_attempts: 0,
            tried: Vec::new(),
            settings: settings.clone(),
        }
    }

    /// What to try next, by the user's preference and what the server takes. The error is a line for the user.
    pub(crate) fn next(&mut self, methods: &[String]) -> Result<Credentials, String> {
        log::debug(format_args!("the server takes: {}", shown(methods)));
        for method in self.settings.preferred.clone() {
            if !methods.contains(&method) {
                continue;
            }
            let credentials = match method.as_str() {
                "publickey" => self.next_key(),
                "keyboard-interactive" => self.next_round(),
                "password" => self.next_password(),
                _ => None,
            };
            if let Some(credentials) = credentials {
                return Ok(credentials);
            }
        }
        Err(self.denied(methods))
    }

    fn next_key(&mut self) -> Option<Credentials> {
        while let Some(path) = self.files.pop_front() {
            if let Some(key) = identities::load(&path, &self.settings) {
                log::debug(format_args!("trying publickey: {}", path.display()));
                self.note("publickey");
                let certificates = identities::certificates(&path, &key, &self.settings);
                let credentials = Credentials::from(key);
                return Some(certificates.into_iter().fold(credentials, Credentials::certificate));
            }
        }
        None
    }

    fn next_password(&mut self) -> Option<Credentials> {
        self.passwords_left = self.passwords_left.checked_sub(1)?;
        if self.password_attempts > 0 {
            log::info("Permission denied, please try again.");
        }
        self.password_attempts += 1;
        let password = prompt::secret(&format!("{}'s password: ", self.user_at_host))?;
        log::debug("trying password");
        self.note("password");
        Some(Credentials::none().password(password).preferred(vec!["password".into()]))
    }

    fn next_round(&mut self) -> Option<Credentials> {
        self.rounds_left = self.rounds_left.checked_sub(1)?;
        log::debug("trying keyboard-interactive");
        self.note("keyboard-interactive");
        Some(Credentials::none().prompts(1).preferred(vec!["keyboard-interactive".into()]))
    }

    fn note(&mut self, method: &'static str) {
        if !self.tried.contains(&method) {
            self.tried.push(method);
        }
    }

    fn denied(&self, methods: &[String]) -> String {
        let tried = if self.tried.is_empty() { "nothing".into() } else { self.tried.join(", ") };
        let hint = match methods.iter().any(|method| method == "publickey") {
            true if self.settings.batch => "; give a key with -i, or drop BatchMode to be asked for a password",
            true => "; give a key with -i",
            false => "",
        };
        format!("{}: permission denied: tried {tried}; the server takes {}{hint}", self.user_at_host, shown(methods))
    }
}

fn shown(methods: &[String]) -> String {
    Untrusted::from(methods.join(", ").as_str()).to_string()
}
