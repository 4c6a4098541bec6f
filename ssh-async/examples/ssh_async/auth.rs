//! Logging in.

use ssh_async::ssh_core::{PasswordChangeNeeded, Prompts, SecretBytes, Untrusted};
use ssh_async::{Credentials, Error, Interaction, LoginError, Session};

use crate::connect;
use crate::shared::attempts::Attempts;
use crate::shared::plan::Plan;
use crate::shared::{log, prompt};

/// Logs in. The error is a line for the user.
pub(crate) async fn login(session: &Session, plan: &Plan) -> Result<(), String> {
    let settings = &plan.settings;
    let user_at_host = format!("{}@{}", plan.user, plan.host);
    let mut attempts = Attempts::new(settings, user_at_host.clone());
    // Nothing at all is tried first: the answer says what the server takes.
    let mut credentials = Credentials::none();
    loop {
        let person = &mut Person { user_at_host: &user_at_host };
        match session.login_with(&plan.user, credentials, person).await {
            Ok(method) => {
                log::debug(format_args!("logged in as {} with {method}", plan.user));
                return Ok(());
            }
            Err(Error::Login(LoginError::Refused { methods, .. })) => {
                // Key files are read there, and passwords asked for, while the connection goes on.
                let next;
                (attempts, next) = blocking::unblock(move || {
                    let next = attempts.next(&methods);
                    (attempts, next)
                })
                .await;
                credentials = next?;
            }
            Err(error) => return Err(connect::in_context(&plan.host, settings.port, &error)),
        }
    }
}

/// Whoever sits at the terminal.
struct Person<'a> {
    user_at_host: &'a str,
}

impl Interaction for Person<'_> {
    async fn new_password(&mut self, needed: &PasswordChangeNeeded) -> Option<SecretBytes> {
        let needed = needed.clone();
        blocking::unblock(move || prompt::new_password(&needed)).await
    }

    async fn answers(&mut self, prompts: &Prompts) -> Option<Vec<SecretBytes>> {
        let (name, instruction) = (prompts.name.clone(), prompts.instruction.clone());
        let (user_at_host, prompts) = (self.user_at_host.to_owned(), prompts.prompts.clone());
        blocking::unblock(move || prompt::answers(&user_at_host, [&name, &instruction], &prompts)).await
    }

    async fn banner(&mut self, text: &Untrusted) {
        prompt::banner(text);
    }
}
