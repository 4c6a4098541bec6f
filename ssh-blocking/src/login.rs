//! Logging in: what the user can show, and the conversation about it.

use std::time::Instant;

use ssh_core::key::{PrivateKey, PublicKey};
use ssh_core::login::{LoginPlan, LoginStep};
use ssh_core::random::OsRandom;
use ssh_core::{
    AuthMethod, AuthNeeded, ClientEvent, ClientRole, Misuse, PasswordChangeNeeded, Prompts, SecretBytes, SignRequest,
    Untrusted,
};

use crate::driver::Driver;
use crate::error::{Error, Result};

/// Answers a server's questions; `None`: the user gives up.
pub type Answer = Box<dyn FnMut(&Prompts) -> Option<Vec<SecretBytes>> + Send>;

/// Asks for a password, knowing how many were refused; `None`: the user gives up.
pub type AskPassword = Box<dyn FnMut(u32) -> Option<SecretBytes> + Send>;

/// Asks for a new password in place of an expired one; `None`: the user gives up.
pub type AskNewPassword = Box<dyn FnMut(&PasswordChangeNeeded) -> Option<SecretBytes> + Send>;

/// Shows the server's banner.
pub type ShowBanner = Box<dyn FnMut(&Untrusted) + Send>;

/// What a user can show.
///
/// A password is also the answer to a single hidden question of keyboard-interactive, unless an own function answers
/// those.
///
/// ```
/// use ssh_blocking::Credentials;
///
/// let credentials = Credentials::from("correct horse").banner(|text| eprintln!("{}", text.multi_line()));
/// ```
#[derive(Default)]
pub struct Credentials {
    keys: Vec<PrivateKey>,
    password: Option<SecretBytes>,
    ask_password: Option<AskPassword>,
    passwords: u32,
    answer: Option<Answer>,
    rounds: Option<u32>,
    new_password: Option<AskNewPassword>,
    banner: Option<ShowBanner>,
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

    /// Sets a password.
    #[must_use]
    pub fn password(mut self, password: impl Into<SecretBytes>) -> Self {
        self.password = Some(password.into());
        self.passwords = 1;
        self
    }

    /// Sets who is asked for a password, up to `attempts` times.
    #[must_use]
    pub fn ask_password(mut self, attempts: u32, ask: impl FnMut(u32) -> Option<SecretBytes> + Send + 'static) -> Self {
        self.ask_password = Some(Box::new(ask));
        self.passwords = attempts;
        self
    }

    /// Sets who answers the server's questions (keyboard-interactive).
    #[must_use]
    pub fn answer(mut self, answer: impl FnMut(&Prompts) -> Option<Vec<SecretBytes>> + Send + 'static) -> Self {
        self.answer = Some(Box::new(answer));
        self
    }

    /// Sets how often keyboard-interactive is tried (`NumberOfPasswordPrompts`). Without, three times with a function of
    /// one's own, once with a password.
    #[must_use]
    pub fn rounds(mut self, attempts: u32) -> Self {
        self.rounds = Some(attempts);
        self
    }

    /// Sets who is asked for a new password when the old one has expired.
    #[must_use]
    pub fn new_password(
        mut self,
        ask: impl FnMut(&PasswordChangeNeeded) -> Option<SecretBytes> + Send + 'static,
    ) -> Self {
        self.new_password = Some(Box::new(ask));
        self
    }

    /// Sets who sees the server's banner.
    #[must_use]
    pub fn banner(mut self, show: impl FnMut(&Untrusted) + Send + 'static) -> Self {
        self.banner = Some(Box::new(show));
        self
    }

    /// Sets the order of methods (`PreferredAuthentications`); what is not named is not tried.
    #[must_use]
    pub fn preferred(mut self, methods: Vec<String>) -> Self {
        self.preferred = Some(methods);
        self
    }

    fn plan(&self) -> LoginPlan {
        let keys: Vec<PublicKey> = self.keys.iter().map(|key| key.public_key().clone()).collect();
        let by_default = if self.answer.is_some() { 3 } else { u32::from(self.password.is_some()) };
        let rounds = self.rounds.unwrap_or(by_default);
        let plan = LoginPlan::new(keys, self.passwords, rounds);
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

/// One login.
pub(crate) struct Login<'a> {
    pub(crate) driver: &'a Driver<ClientRole>,
    pub(crate) user: &'a str,
    pub(crate) credentials: Credentials,
    pub(crate) deadline: Option<Instant>,
    pub(crate) timeout: Option<std::time::Duration>,
}

impl Login<'_> {
    /// Talks until the user is in, or nothing is left to try. Says which method completed it.
    pub(crate) fn run(mut self) -> Result<&'static str> {
        let mut plan = self.credentials.plan();
        let mut tried = Vec::new();
        let mut last_password = None;
        loop {
            match self.next_event()? {
                ClientEvent::AuthNeeded(needed) => {
                    if self.try_next(&mut plan, &needed, &mut tried, &mut last_password)? {
                        continue;
                    }
                    let methods = needed.methods_that_can_continue.clone().unwrap_or_default();
                    // The next login begins where this one ended.
                    self.driver.act(|state| state.events.push_front(ClientEvent::AuthNeeded(needed)));
                    return Err(Error::Login { user: self.user.into(), tried, methods });
                }
                ClientEvent::Sign(request) => self.sign(request)?,
                ClientEvent::Prompts(prompts) => self.answer(&prompts)?,
                ClientEvent::PasswordChange(needed) => self.change_password(&needed, last_password.take())?,
                ClientEvent::Banner(text) => {
                    if let Some(show) = &mut self.credentials.banner {
                        show(&text);
                    }
                }
                ClientEvent::Authenticated(method) => return Ok(method),
                _ => {}
            }
        }
    }

    fn next_event(&self) -> Result<ClientEvent> {
        let waited = self.driver.wait(self.deadline, |state| state.events.pop_front());
        waited.map_err(|stopped| stopped.into_error("the login", self.timeout))
    }

    /// Tries what the plan says; `false`: nothing is left.
    fn try_next(
        &mut self,
        plan: &mut LoginPlan,
        needed: &AuthNeeded,
        tried: &mut Vec<&'static str>,
        last_password: &mut Option<SecretBytes>,
    ) -> Result<bool> {
        loop {
            let method = match plan.next(needed) {
                LoginStep::None => AuthMethod::None,
                LoginStep::PublicKey(key) => AuthMethod::PublicKey(key),
                LoginStep::Password { attempt } => {
                    let Some(password) = self.password(attempt) else { continue };
                    *last_password = Some(SecretBytes::copied_from(password.expose()));
                    AuthMethod::Password(password)
                }
                LoginStep::KeyboardInteractive => AuthMethod::KeyboardInteractive { submethods: String::new() },
                _ => return Ok(false),
            };
            let name = method.name();
            match self.driver.act(|state| state.endpoint.authenticate(self.user, method)) {
                Ok(()) => {
                    if name != "none" && !tried.contains(&name) {
                        tried.push(name);
                    }
                    return Ok(true);
                }
                // A key that the server has no algorithm for: the next one.
                Err(Misuse::NoUsableAlgorithm) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn password(&mut self, attempt: u32) -> Option<SecretBytes> {
        match &mut self.credentials.ask_password {
            Some(ask) => ask(attempt),
            None => self.credentials.password.as_ref().map(|password| SecretBytes::copied_from(password.expose())),
        }
    }

    /// A key that cannot sign is passed over; the server asks for something else.
    fn sign(&self, request: SignRequest) -> Result<()> {
        let key = self.credentials.keys.iter().find(|key| *key.public_key() == request.key);
        let signature = key.and_then(|key| key.sign(request.algorithm, &request.data, &mut OsRandom).ok());
        Ok(self.driver.act(|state| state.endpoint.answer_signature(request, signature.as_deref()))?)
    }

    fn answer(&mut self, prompts: &Prompts) -> Result<()> {
        let answers = match (&mut self.credentials.answer, &self.credentials.password) {
            (Some(answer), _) => answer(prompts),
            (None, Some(password)) => match prompts.prompts.as_slice() {
                [] => Some(Vec::new()),
                [only] if !only.echo => Some(vec![SecretBytes::copied_from(password.expose())]),
                _ => None,
            },
            (None, None) => None,
        };
        // Giving up is answering nothing useful: the server then says what else it takes.
        let answers = answers
            .filter(|answers| answers.len() == prompts.prompts.len())
            .unwrap_or_else(|| prompts.prompts.iter().map(|_| SecretBytes::from("")).collect());
        Ok(self.driver.act(|state| state.endpoint.answer_prompts(prompts, &answers))?)
    }

    fn change_password(&mut self, needed: &PasswordChangeNeeded, old: Option<SecretBytes>) -> Result<()> {
        let new = self.credentials.new_password.as_mut().and_then(|ask| ask(needed));
        let (Some(new), Some(old)) = (new, old) else {
            let text = format!("the password has expired: {}", needed.prompt);
            return Err(Error::Io(std::io::Error::new(std::io::ErrorKind::PermissionDenied, text)));
        };
        let method = AuthMethod::PasswordChange { old, new };
        Ok(self.driver.act(|state| state.endpoint.authenticate(self.user, method))?)
    }
}
