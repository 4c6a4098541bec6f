//! Logging in: the conversation is the core's; here somebody is asked.

#[cfg(unix)]
use std::net::IpAddr;

use ssh_core::login::{AgentSignature, Conversation, Credentials, Step, UsedKeyFile};
use ssh_core::random::OsRandom;
use ssh_core::{ChannelRequest, ClientRole, PasswordChangeNeeded, Prompts, SecretBytes, Untrusted};

use crate::driver::{Deadline, Driver};
use crate::error::Result;
use crate::session::Session;

/// Asks a person during a login. Every method has an answer for programs without one; `()` is nobody at all.
pub trait Interaction {
    /// A password; `attempt` of them have been refused. `None`: the user gives up on passwords.
    fn password(&mut self, attempt: u32) -> Option<SecretBytes> {
        let _ = attempt;
        None
    }

    /// A new password in place of an expired one; `None`: the user gives up.
    fn new_password(&mut self, needed: &PasswordChangeNeeded) -> Option<SecretBytes> {
        let _ = needed;
        None
    }

    /// Answers to the server's questions, one for each; `None`: the user gives up on questions.
    fn answers(&mut self, prompts: &Prompts) -> Option<Vec<SecretBytes>> {
        let _ = prompts;
        None
    }

    /// The passphrase of a key file; `attempt` of them did not open it. `None`: the user does without this key.
    fn passphrase(&mut self, file: &str, attempt: u32) -> Option<SecretBytes> {
        let _ = (file, attempt);
        None
    }

    /// Whether to go on, such as with a host that nobody knows.
    fn confirm(&mut self, question: &str) -> bool {
        let _ = question;
        false
    }

    /// Tells something that does not stop the login, such as why a key file is passed over.
    fn warn(&mut self, text: &str) {
        let _ = text;
    }

    /// Has an agent sign; `None`: it does not. An `Agent` is an interaction that does.
    fn agent_signature(&mut self, wanted: &AgentSignature) -> Option<Vec<u8>> {
        let _ = wanted;
        None
    }

    /// Hears of a key of a file that has signed, whether that let the user in or not: an agent may want to have it
    /// (`AddKeysToAgent`).
    fn key_used(&mut self, used: UsedKeyFile) {
        let _ = used;
    }

    /// Shows the server's banner.
    fn banner(&mut self, text: &Untrusted) {
        let _ = text;
    }
}

impl Interaction for () {}

/// What the user's files say about a session.
pub(crate) trait ConfiguredSession: Send + Sync {
    /// Logs in.
    fn login(&self, session: &Session) -> Result<&'static str>;

    /// What is sent before anything is started.
    fn environment(&self) -> Vec<ChannelRequest>;

    /// How what is sent is marked from then on.
    fn traffic_class(&self, has_terminal: bool) -> Option<u8>;

    /// Where it comes from, if no proxy is in between.
    #[cfg(unix)]
    fn local_address(&self) -> Option<IpAddr>;
}

/// One login.
pub(crate) struct Login<'a> {
    pub(crate) driver: &'a Driver<ClientRole>,
    pub(crate) interaction: &'a mut dyn Interaction,
    pub(crate) deadline: Deadline,
}

impl Login<'_> {
    /// Talks until the user is in, or nothing is left to try. Says which method completed it.
    pub(crate) fn run(mut self, user: &str, credentials: Credentials) -> Result<&'static str> {
        let mut conversation = Conversation::new(user, credentials);
        let result = self.talk(&mut conversation);
        // The next login begins where this one ended.
        if let Some(event) = conversation.unanswered() {
            self.driver.act(|state| state.inbox.events.push_front(event));
        }
        for used in conversation.take_used_files() {
            self.interaction.key_used(used);
        }
        result
    }

    fn talk(&mut self, conversation: &mut Conversation) -> Result<&'static str> {
        let mut step = Step::Wait;
        loop {
            step = match step {
                Step::Done(method) => return Ok(method),
                Step::Failed(error) => return Err(error.into()),
                Step::AskPassword { attempt } => {
                    let password = self.interaction.password(attempt);
                    self.driver.act(|state| conversation.give_password(&mut state.inbox.endpoint, password))
                }
                Step::AskNewPassword(needed) => {
                    let new = self.interaction.new_password(&needed);
                    self.driver.act(|state| conversation.give_new_password(&mut state.inbox.endpoint, new))
                }
                Step::AskAnswers => {
                    let answers = conversation.prompts().and_then(|prompts| self.interaction.answers(prompts));
                    self.driver.act(|state| conversation.give_answers(&mut state.inbox.endpoint, answers))
                }
                Step::AskPassphrase { file, attempt } => {
                    let passphrase = self.interaction.passphrase(&file, attempt);
                    conversation.give_passphrase(passphrase)
                }
                Step::AskAgent(wanted) => {
                    let signature = self.interaction.agent_signature(&wanted);
                    let signature = signature.as_deref();
                    self.driver.act(|state| conversation.give_signature(&mut state.inbox.endpoint, signature))
                }
                Step::GoOn { unusable } => {
                    if let Some(unusable) = unusable {
                        self.interaction.warn(&unusable.to_string());
                    }
                    self.driver.act(|state| conversation.go_on(&mut state.inbox.endpoint, &mut OsRandom))
                }
                Step::Banner(text) => {
                    self.interaction.banner(&text);
                    Step::Wait
                }
                _ => {
                    let event = self.driver.wait(self.deadline, |state| state.inbox.login_event())??;
                    self.driver.act(|state| conversation.handle(&mut state.inbox.endpoint, &mut OsRandom, event))
                }
            };
        }
    }
}
