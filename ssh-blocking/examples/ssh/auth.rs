//! Logging in.

use ssh_blocking::{Credentials, Error, Interaction, LoginError, Session};
use ssh_core::{PasswordChangeNeeded, Prompts, SecretBytes, Untrusted};

use crate::connect;
use crate::shared::attempts::Attempts;
use crate::shared::plan::Plan;
use crate::shared::{log, prompt};

/// Logs in. The error is a line for the user.
pub(crate) fn login(session: &Session, plan: &Plan) -> Result<(), String> {
    let settings = &plan.settings;
    let user_at_host = format!("{}@{}", plan.user, plan.host);
    let mut attempts = Attempts::new(settings, user_at_host.clone());
    // Nothing at all is tried first: the answer says what the server takes.
    let mut credentials = Credentials::none();
    loop {
        let person = &mut Person { user_at_host: &user_at_host };
        match session.login_with(&plan.user, credentials, person) {
            Ok(method) => {
                log::debug(format_args!("logged in as {} with {method}", plan.user));
                return Ok(());
            }
            Err(Error::Login(LoginError::Refused { methods, .. })) => credentials = attempts.next(&methods)?,
            Err(error) => return Err(connect::in_context(&plan.host, settings.port, &error)),
        }
    }
}

/// Whoever sits at the terminal.
struct Person<'a> {
    user_at_host: &'a str,
}

impl Interaction for Person<'_> {
    fn new_password(&mut self, needed: &PasswordChangeNeeded) -> Option<SecretBytes> {
        prompt::new_password(needed)
    }

    fn answers(&mut self, prompts: &Prompts) -> Option<Vec<SecretBytes>> {
        prompt::answers(self.user_at_host, [&prompts.name, &prompts.instruction], &prompts.prompts)
    }

    fn banner(&mut self, text: &Untrusted) {
        prompt::banner(text);
    }
}
