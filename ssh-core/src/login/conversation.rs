//! The conversation of a login: what is tried, what is signed, what a person has to be asked.

use alloc::{string::String, vec, vec::Vec};
use core::fmt;

use super::plan::{LoginPlan, LoginStep};
use crate::auth::{AuthMethod, AuthNeeded, PasswordChangeNeeded, Prompts};
use crate::endpoint::{Client, ClientEvent, SignRequest};
use crate::error::Misuse;
use crate::key::{PrivateKey, PublicKey};
use crate::random::SecureRandom;
use crate::secret::SecretBytes;
use crate::untrusted::{Untrusted, list};

/// What a user can show, and how often the user may be asked for more.
///
/// A password is also the answer to a single hidden question of keyboard-interactive.
///
/// ```
/// use ssh_core::login::Credentials;
///
/// let credentials = Credentials::from("correct horse").prompts(2);
/// ```
#[derive(Default)]
pub struct Credentials {
    keys: Vec<PrivateKey>,
    certificates: Vec<PublicKey>,
    password: Option<SecretBytes>,
    prompts: u32,
    preferred: Option<Vec<String>>,
}

impl Credentials {
    /// Nothing: enough where no authentication is wanted.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a key; keys are tried in order.
    #[must_use]
    pub fn key(mut self, key: PrivateKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Adds a certificate of a key that is added as well; it is tried before the key itself.
    #[must_use]
    pub fn certificate(mut self, certificate: PublicKey) -> Self {
        self.certificates.push(certificate);
        self
    }

    /// Sets a password.
    #[must_use]
    pub fn password(mut self, password: impl Into<SecretBytes>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Sets how often the user is asked, for a password and for each round of questions (`NumberOfPasswordPrompts`).
    /// 0: never. A password that was set is tried before anybody is asked.
    #[must_use]
    pub fn prompts(mut self, most: u32) -> Self {
        self.prompts = most;
        self
    }

    /// Sets the order of methods (`PreferredAuthentications`); what is not named is not tried.
    #[must_use]
    pub fn preferred(mut self, methods: Vec<String>) -> Self {
        self.preferred = Some(methods);
        self
    }

    fn plan(&self) -> LoginPlan {
        let mut keys = Vec::new();
        for key in self.keys.iter().map(PrivateKey::public_key) {
            keys.extend(self.certificates.iter().filter(|certificate| *certificate.plain() == *key).cloned());
            keys.push(key.clone());
        }
        let attempts = self.prompts.saturating_add(u32::from(self.password.is_some()));
        let plan = LoginPlan::new(keys, attempts, attempts);
        match &self.preferred {
            Some(methods) => plan.preferred(methods.clone()),
            None => plan,
        }
    }
}

impl From<PrivateKey> for Credentials {
    fn from(key: PrivateKey) -> Self {
        Self::none().key(key)
    }
}

impl From<&str> for Credentials {
    fn from(password: &str) -> Self {
        Self::none().password(password)
    }
}

/// Why a login did not succeed. The connection lives; another login may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginError {
    /// Nothing that was shown lets the user in.
    Refused {
        /// Who.
        user: String,
        /// What was tried.
        tried: Vec<&'static str>,
        /// What the server would still look at.
        methods: Vec<String>,
    },
    /// The password has expired, and nobody gave a new one.
    PasswordExpired {
        /// The server's words.
        prompt: Untrusted,
    },
    /// Something could not be asked of the connection.
    Misuse(Misuse),
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { user, tried, methods } => {
                write!(f, "permission denied for {user:?}; tried: {}", list(tried))?;
                write!(f, "; the server accepts: {}", list(methods))
            }
            Self::PasswordExpired { prompt } => write!(f, "the password has expired: {prompt}"),
            Self::Misuse(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for LoginError {}

impl From<Misuse> for LoginError {
    fn from(error: Misuse) -> Self {
        Self::Misuse(error)
    }
}

/// How a login goes on.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub enum Step {
    /// With the next event.
    Wait,
    /// With the next event, once the user has seen this.
    Banner(Untrusted),
    /// With [`Conversation::give_password`].
    AskPassword {
        /// How many have been refused.
        attempt: u32,
    },
    /// With [`Conversation::give_new_password`].
    AskNewPassword(PasswordChangeNeeded),
    /// With [`Conversation::give_answers`] to the questions in [`Conversation::prompts`].
    AskAnswers,
    /// Not: the user is in, by this method.
    Done(&'static str),
    /// Not: it failed.
    Failed(LoginError),
}

/// One login, fed with a client's events.
///
/// Ending it early, after an error or because nobody waits any more, loses nothing if the caller gives
/// [`unanswered`](Self::unanswered) to the next login.
pub struct Conversation {
    user: String,
    credentials: Credentials,
    plan: LoginPlan,
    tried: Vec<&'static str>,
    last_password: Option<SecretBytes>,
    answered_with_password: bool,
    /// What the server waits for an answer to.
    question: Option<ClientEvent>,
}

impl Conversation {
    /// Begins a login as `user`.
    pub fn new(user: &str, credentials: Credentials) -> Self {
        let plan = credentials.plan();
        Self {
            user: user.into(),
            credentials,
            plan,
            tried: Vec::new(),
            last_password: None,
            answered_with_password: false,
            question: None,
        }
    }

    /// Works on an event of the client. Events that do not concern a login are dropped.
    pub fn handle(&mut self, client: &mut Client, random: &mut dyn SecureRandom, event: ClientEvent) -> Step {
        match event {
            ClientEvent::AuthNeeded(needed) => self.try_next(client, needed),
            ClientEvent::Sign(request) => self.sign(client, random, request),
            ClientEvent::Prompts(prompts) => self.answer_or_ask(client, prompts),
            ClientEvent::PasswordChange(needed) => {
                self.question = Some(ClientEvent::PasswordChange(needed.clone()));
                Step::AskNewPassword(needed)
            }
            ClientEvent::Banner(text) => Step::Banner(text),
            ClientEvent::Authenticated(method) => Step::Done(method),
            _ => Step::Wait,
        }
    }

    /// The questions of [`Step::AskAnswers`].
    pub fn prompts(&self) -> Option<&Prompts> {
        match &self.question {
            Some(ClientEvent::Prompts(prompts)) => Some(prompts),
            _ => None,
        }
    }

    /// Answers [`Step::AskPassword`]; `None`: the user gives up on passwords.
    pub fn give_password(&mut self, client: &mut Client, password: Option<SecretBytes>) -> Step {
        let Some(ClientEvent::AuthNeeded(needed)) = self.question.take() else { return Step::Wait };
        let Some(password) = password else {
            self.plan.give_up("password");
            return self.try_next(client, needed);
        };
        match self.try_password(client, password) {
            Ok(()) | Err(Misuse::WrongPhase) => Step::Wait,
            Err(error) => self.fail(needed, error.into()),
        }
    }

    /// Answers [`Step::AskNewPassword`]; `None`: the user gives up.
    pub fn give_new_password(&mut self, client: &mut Client, new: Option<SecretBytes>) -> Step {
        let Some(ClientEvent::PasswordChange(needed)) = self.question.take() else { return Step::Wait };
        let (Some(new), Some(old)) = (new, self.last_password.take()) else {
            let prompt = needed.prompt.clone();
            self.question = Some(ClientEvent::PasswordChange(needed));
            return Step::Failed(LoginError::PasswordExpired { prompt });
        };
        answered(client.authenticate(&self.user, AuthMethod::PasswordChange { old, new }))
    }

    /// Answers [`Step::AskAnswers`], one for each question; `None`: the user gives up on questions.
    pub fn give_answers(&mut self, client: &mut Client, answers: Option<Vec<SecretBytes>>) -> Step {
        let Some(ClientEvent::Prompts(prompts)) = self.question.take() else { return Step::Wait };
        if answers.is_none() {
            self.plan.give_up("keyboard-interactive");
        }
        // Giving up is answering nothing useful: the server then says what else it takes.
        let answers = answers
            .filter(|answers| answers.len() == prompts.prompts.len())
            .unwrap_or_else(|| prompts.prompts.iter().map(|_| SecretBytes::from("")).collect());
        answered(client.answer_prompts(&prompts, &answers))
    }

    /// What the server still waits for; the next login must begin with it.
    pub fn unanswered(&mut self) -> Option<ClientEvent> {
        self.question.take()
    }

    fn try_next(&mut self, client: &mut Client, needed: AuthNeeded) -> Step {
        loop {
            let tried = match self.plan.next(&needed) {
                LoginStep::None => self.authenticate(client, AuthMethod::None),
                LoginStep::PublicKey(key) => self.authenticate(client, AuthMethod::PublicKey(key)),
                LoginStep::Password { attempt } => match &self.credentials.password {
                    Some(password) if attempt == 0 => {
                        let password = SecretBytes::copied_from(password.expose());
                        self.try_password(client, password)
                    }
                    _ => {
                        self.question = Some(ClientEvent::AuthNeeded(needed));
                        return Step::AskPassword { attempt };
                    }
                },
                LoginStep::KeyboardInteractive => {
                    self.authenticate(client, AuthMethod::KeyboardInteractive { submethods: String::new() })
                }
                LoginStep::GiveUp => {
                    let methods = needed.methods_that_can_continue.clone().unwrap_or_default();
                    let (user, tried) = (self.user.clone(), core::mem::take(&mut self.tried));
                    return self.fail(needed, LoginError::Refused { user, tried, methods });
                }
            };
            match tried {
                // Events wait only for connections that live: its end comes next.
                Ok(()) | Err(Misuse::WrongPhase) => return Step::Wait,
                // A key that the server has no algorithm for: the next one.
                Err(Misuse::NoUsableAlgorithm) => {}
                Err(error) => return self.fail(needed, error.into()),
            }
        }
    }

    fn try_password(&mut self, client: &mut Client, password: SecretBytes) -> Result<(), Misuse> {
        self.last_password = Some(SecretBytes::copied_from(password.expose()));
        self.authenticate(client, AuthMethod::Password(password))
    }

    fn authenticate(&mut self, client: &mut Client, method: AuthMethod) -> Result<(), Misuse> {
        let name = method.name();
        client.authenticate(&self.user, method)?;
        if name != "none" && !self.tried.contains(&name) {
            self.tried.push(name);
        }
        Ok(())
    }

    /// A key that cannot sign is passed over; the server asks for something else.
    fn sign(&self, client: &mut Client, random: &mut dyn SecureRandom, request: SignRequest) -> Step {
        let key = self.credentials.keys.iter().find(|key| *key.public_key() == *request.key.plain());
        let signature = key.and_then(|key| key.sign(request.algorithm, &request.data, random).ok());
        answered(client.answer_signature(request, signature.as_deref()))
    }

    fn answer_or_ask(&mut self, client: &mut Client, prompts: Prompts) -> Step {
        let answers = match (&self.credentials.password, prompts.prompts.as_slice()) {
            (Some(password), [only]) if !only.echo && !self.answered_with_password => {
                self.answered_with_password = true;
                Some(vec![SecretBytes::copied_from(password.expose())])
            }
            (_, []) if self.credentials.prompts == 0 => Some(Vec::new()),
            _ => None,
        };
        self.question = Some(ClientEvent::Prompts(prompts));
        match answers {
            Some(answers) => self.give_answers(client, Some(answers)),
            None if self.credentials.prompts == 0 => self.give_answers(client, None),
            None => Step::AskAnswers,
        }
    }

    fn fail(&mut self, needed: AuthNeeded, error: LoginError) -> Step {
        self.question = Some(ClientEvent::AuthNeeded(needed));
        Step::Failed(error)
    }
}

/// An answer that came too late is no reason to stop: the connection's end, or another question, comes next.
fn answered(result: Result<(), Misuse>) -> Step {
    match result {
        Ok(()) | Err(Misuse::StaleToken | Misuse::WrongPhase) => Step::Wait,
        Err(error) => Step::Failed(LoginError::Misuse(error)),
    }
}
