//! The conversation of a login: what is tried, what is signed, what a person has to be asked.

use alloc::{string::String, vec, vec::Vec};

use super::credentials::Credentials;
use super::error::LoginError;
use super::identities::{Identities, Signer, Unlocked, Unlocking, UnusableKeyFile, UsedKeyFile};
use super::plan::{LoginPlan, LoginStep};
use crate::auth::{AuthMethod, AuthNeeded, PasswordChangeNeeded, Prompts};
use crate::endpoint::{Client, ClientEvent, SignRequest};
use crate::error::Misuse;
use crate::key::{KeyFileError, PublicKey};
use crate::random::SecureRandom;
use crate::secret::SecretBytes;
use crate::untrusted::Untrusted;

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
    /// With [`Conversation::give_passphrase`].
    AskPassphrase {
        /// The name of the key file.
        file: String,
        /// How many did not open it.
        attempt: u32,
    },
    /// With [`Conversation::give_signature`].
    AskAgent(AgentSignature),
    /// With [`Conversation::go_on`].
    GoOn {
        /// A key file that is passed over; the user should know.
        unusable: Option<UnusableKeyFile>,
    },
    /// Not: the user is in, by this method.
    Done(&'static str),
    /// Not: it failed.
    Failed(LoginError),
}

/// What an agent is to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSignature {
    /// With this key, or this certificate, as the agent knows it.
    pub key: PublicKey,
    /// By this algorithm.
    pub algorithm: &'static str,
    /// This.
    pub data: Vec<u8>,
}

/// One login, fed with a client's events.
///
/// Ending it early, after an error or because nobody waits any more, loses nothing if the caller gives
/// [`unanswered`](Self::unanswered) to the next login.
pub struct Conversation {
    user: String,
    credentials: Credentials,
    identities: Identities,
    plan: LoginPlan,
    tried: Vec<&'static str>,
    /// What the server said last that it would look at; it does not say so after a signature that nobody made.
    methods: Option<Vec<String>>,
    last_password: Option<SecretBytes>,
    answered_with_password: bool,
    /// What the server waits for an answer to.
    question: Option<ClientEvent>,
    /// The key file that is being unlocked, and how often that failed.
    unlocking: Option<(usize, u32)>,
    /// Keys that have signed.
    used: Vec<usize>,
    /// The key that this host vouches with.
    vouching: Option<usize>,
}

impl Conversation {
    /// Begins a login as `user`.
    pub fn new(user: &str, mut credentials: Credentials) -> Self {
        let identities = credentials.take_identities();
        let plan = credentials.plan(&identities);
        Self {
            user: user.into(),
            credentials,
            identities,
            plan,
            tried: Vec::new(),
            methods: None,
            last_password: None,
            answered_with_password: false,
            question: None,
            unlocking: None,
            used: Vec::new(),
            vouching: None,
        }
    }

    /// Works on an event of the client. Events that do not concern a login are dropped.
    pub fn handle(&mut self, client: &mut Client, random: &mut dyn SecureRandom, event: ClientEvent) -> Step {
        match event {
            ClientEvent::AuthNeeded(needed) => {
                let needed = self.remember(needed);
                self.try_next(client, needed)
            }
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

    /// Answers [`Step::AskPassphrase`]; nothing, or an empty one: the user does without this key. Takes the time that the
    /// file's key derivation takes; [`unlocking`](Self::unlocking) is for callers who must not wait.
    pub fn give_passphrase(&mut self, passphrase: Option<SecretBytes>) -> Step {
        match self.unlocking(passphrase) {
            Ok(unlocking) => self.finish_unlocking(unlocking.run()),
            Err(step) => step,
        }
    }

    /// The first half of [`give_passphrase`](Self::give_passphrase): what takes the time. Its
    /// [outcome](Unlocking::run) goes to [`finish_unlocking`](Self::finish_unlocking).
    ///
    /// # Errors
    /// The step to go on with if there is nothing to unlock.
    pub fn unlocking(&mut self, passphrase: Option<SecretBytes>) -> Result<Unlocking, Step> {
        let Some((file, _)) = self.unlocking else { return Err(Step::Wait) };
        let given = passphrase.filter(|passphrase| !passphrase.is_empty());
        given.and_then(|passphrase| self.identities.unlocking(file, passphrase)).ok_or_else(|| {
            self.identities.lose(file);
            Step::GoOn { unusable: None }
        })
    }

    /// The second half of [`give_passphrase`](Self::give_passphrase).
    pub fn finish_unlocking(&mut self, unlocked: Unlocked) -> Step {
        let Some((file, failures)) = self.unlocking.filter(|(file, _)| *file == unlocked.file) else {
            return Step::Wait;
        };
        let name = self.identities.locked_name(file).unwrap_or_default().into();
        let error = match unlocked.key.and_then(|key| self.identities.keep(file, key)) {
            Ok(()) => return Step::GoOn { unusable: None },
            Err(KeyFileError::WrongPassphrase) if failures + 1 < self.credentials.prompts => {
                self.unlocking = Some((file, failures + 1));
                return Step::AskPassphrase { file: name, attempt: failures + 1 };
            }
            Err(error) => error,
        };
        self.identities.lose(file);
        Step::GoOn { unusable: Some(UnusableKeyFile { name, error }) }
    }

    /// Answers [`Step::GoOn`].
    pub fn go_on(&mut self, client: &mut Client, random: &mut dyn SecureRandom) -> Step {
        let unlocked = self.unlocking.take().and_then(|(file, _)| self.identities.unlocked(file));
        match self.question.take() {
            Some(ClientEvent::Sign(request)) => self.sign(client, random, request),
            Some(ClientEvent::AuthNeeded(needed)) => {
                if let Some(key) = unlocked {
                    let offers: Vec<_> = self.identities.with_certificates(key).collect();
                    self.plan.offer_next(offers.into_iter());
                }
                self.try_next(client, needed)
            }
            other => {
                self.question = other;
                Step::Wait
            }
        }
    }

    /// Answers [`Step::AskAgent`] with a signature blob; `None`: the agent does not sign, and another key gets its turn.
    pub fn give_signature(&mut self, client: &mut Client, signature: Option<&[u8]>) -> Step {
        match self.question.take() {
            Some(ClientEvent::Sign(request)) => answered(client.answer_signature(request, signature)),
            other => {
                self.question = other;
                Step::Wait
            }
        }
    }

    /// What the server still waits for; the next login must begin with it.
    pub fn unanswered(&mut self) -> Option<ClientEvent> {
        self.question.take()
    }

    /// The keys of files that the server would take and that have signed; for when the login is over, as they are taken out.
    /// An agent may want to have them (`AddKeysToAgent`).
    pub fn take_used_files(&mut self) -> Vec<UsedKeyFile> {
        let used = core::mem::take(&mut self.used);
        used.into_iter().filter_map(|index| self.identities.take_file(index)).collect()
    }

    fn try_next(&mut self, client: &mut Client, needed: AuthNeeded) -> Step {
        loop {
            let tried = match self.plan.next(&needed) {
                LoginStep::None => self.authenticate(client, AuthMethod::None),
                LoginStep::PublicKey(key) => self.authenticate(client, AuthMethod::PublicKey(key)),
                LoginStep::HostBased(key) => self.vouch(client, key),
                LoginStep::Unlock(file) => {
                    self.question = Some(ClientEvent::AuthNeeded(needed));
                    return self.ask_passphrase(file);
                }
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

    /// Has this host say who its user is.
    fn vouch(&mut self, client: &mut Client, index: usize) -> Result<(), Misuse> {
        let host = self.credentials.host.as_ref();
        let host = host.and_then(|host| host.keys.get(index).map(|key| (host, key.public_key().clone())));
        let (host, key) = host.ok_or(Misuse::NoUsableAlgorithm)?;
        let (host_name, user_name) = (host.host_name.clone(), host.user_name.clone());
        self.authenticate(client, AuthMethod::HostBased { key, host_name, user_name })?;
        self.vouching = Some(index);
        Ok(())
    }

    fn try_password(&mut self, client: &mut Client, password: SecretBytes) -> Result<(), Misuse> {
        self.last_password = Some(SecretBytes::copied_from(password.expose()));
        self.authenticate(client, AuthMethod::Password(password))
    }

    fn authenticate(&mut self, client: &mut Client, method: AuthMethod) -> Result<(), Misuse> {
        let name = method.name();
        client.authenticate(&self.user, method)?;
        self.vouching = None;
        if name != "none" && !self.tried.contains(&name) {
            self.tried.push(name);
        }
        Ok(())
    }

    fn remember(&mut self, mut needed: AuthNeeded) -> AuthNeeded {
        match &needed.methods_that_can_continue {
            Some(methods) => self.methods = Some(methods.clone()),
            None => needed.methods_that_can_continue.clone_from(&self.methods),
        }
        needed
    }

    /// A key that cannot sign is passed over; the server asks for something else.
    fn sign(&mut self, client: &mut Client, random: &mut dyn SecureRandom, request: SignRequest) -> Step {
        if let Some(key) = self.vouching.and_then(|index| self.credentials.host.as_ref()?.keys.get(index)) {
            let signature = key.sign(request.algorithm, &request.data, random).ok();
            return answered(client.answer_signature(request, signature.as_deref()));
        }
        match self.identities.signer(&request.key) {
            Signer::Key(index, key) => {
                let signature = key.sign(request.algorithm, &request.data, random).ok();
                self.used.push(index);
                answered(client.answer_signature(request, signature.as_deref()))
            }
            Signer::Agent(key) => {
                let wanted = AgentSignature { key, algorithm: request.algorithm, data: request.data.clone() };
                self.question = Some(ClientEvent::Sign(request));
                Step::AskAgent(wanted)
            }
            Signer::Locked(file) => {
                self.question = Some(ClientEvent::Sign(request));
                self.ask_passphrase(file)
            }
            Signer::Nobody => answered(client.answer_signature(request, None)),
        }
    }

    fn ask_passphrase(&mut self, file: usize) -> Step {
        self.unlocking = Some((file, 0));
        Step::AskPassphrase { file: self.identities.locked_name(file).unwrap_or_default().into(), attempt: 0 }
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
