//! Logging in: one thing at a time, so that a passphrase is asked for only if its key has a chance.

use std::collections::VecDeque;
use std::path::PathBuf;

use ssh_blocking::ssh_core::{PasswordChangeNeeded, Prompts, SecretBytes, Untrusted};
use ssh_blocking::{Credentials, Error, Interaction, LoginError, Session};

use crate::connect;
use crate::identities;
use crate::log;
use crate::prompt;
use crate::settings::Settings;

/// A login in progress.
struct Login<'a> {
    session: &'a Session,
    settings: &'a Settings,
    user: &'a str,
    host: &'a str,
    /// Key files not tried yet.
    files: VecDeque<PathBuf>,
    passwords_left: u32,
    rounds_left: u32,
    password_attempts: u32,
    tried: Vec<&'static str>,
}

/// Logs in as `user`. The error is a line for the user.
pub(crate) fn login(session: &Session, settings: &Settings, user: &str, host: &str) -> Result<(), String> {
    let prompts = if settings.batch { 0 } else { settings.password_prompts };
    let login = Login {
        session,
        settings,
        user,
        host,
        files: if settings.public_key { identities::files(settings).into() } else { VecDeque::new() },
        passwords_left: if settings.password { prompts } else { 0 },
        rounds_left: if settings.keyboard_interactive { prompts } else { 0 },
        password_attempts: 0,
        tried: Vec::new(),
    };
    login.run()
}

impl Login<'_> {
    fn run(mut self) -> Result<(), String> {
        // Nothing at all is tried first: the answer says what the server takes.
        let mut credentials = Credentials::none();
        loop {
            let person = &mut Person { user_at_host: format!("{}@{}", self.user, self.host) };
            let error = match self.session.login_with(self.user, credentials, person) {
                Ok(method) => {
                    log::debug(format_args!("logged in as {} with {method}", self.user));
                    return Ok(());
                }
                Err(error) => error,
            };
            let Error::Login(LoginError::Refused { methods, .. }) = error else {
                return Err(connect::in_context(self.host, self.settings.port, &error));
            };
            log::debug(format_args!("the server takes: {}", shown(&methods)));
            credentials = match self.next(&methods) {
                Some(credentials) => credentials,
                None => return Err(self.denied(&methods)),
            };
        }
    }

    /// What to try next, by the user's preference and what the server takes.
    fn next(&mut self, methods: &[String]) -> Option<Credentials> {
        for method in &self.settings.preferred {
            if !methods.contains(method) {
                continue;
            }
            let credentials = match method.as_str() {
                "publickey" => self.next_key(),
                "keyboard-interactive" => self.next_round(),
                "password" => self.next_password(),
                _ => None,
            };
            if credentials.is_some() {
                return credentials;
            }
        }
        None
    }

    fn next_key(&mut self) -> Option<Credentials> {
        while let Some(path) = self.files.pop_front() {
            if let Some(key) = identities::load(&path, self.settings) {
                log::debug(format_args!("trying publickey: {}", path.display()));
                self.note("publickey");
                return Some(Credentials::from(key));
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
        let password = prompt::secret(&format!("{}@{}'s password: ", self.user, self.host))?;
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
        format!(
            "{}@{}: permission denied: tried {tried}; the server takes {}{hint}",
            self.user,
            self.host,
            shown(methods)
        )
    }
}

/// Whoever sits at the terminal.
struct Person {
    user_at_host: String,
}

impl Interaction for Person {
    fn new_password(&mut self, needed: &PasswordChangeNeeded) -> Option<SecretBytes> {
        log::info(needed.prompt.multi_line());
        let new = prompt::secret("Enter the new password: ")?;
        let again = prompt::secret("Retype the new password: ")?;
        new.constant_time_eq(again.expose()).then_some(new)
    }

    fn answers(&mut self, prompts: &Prompts) -> Option<Vec<SecretBytes>> {
        prompt::answers(&self.user_at_host, prompts)
    }

    /// A server's text is shown escaped: it must not move the cursor.
    fn banner(&mut self, text: &Untrusted) {
        let text = text.multi_line().to_string();
        log::info(text.strip_suffix('\n').unwrap_or(&text));
    }
}

fn shown(methods: &[String]) -> String {
    Untrusted::from(methods.join(", ").as_str()).to_string()
}
