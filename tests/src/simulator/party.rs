//! What differs by role: events, and how the questions of a login are answered.

use ssh_core::key::PublicKey;
use ssh_core::{
    AuthAnswer, AuthMethod, AuthNeeded, AuthRequest, ChannelEvent, ChannelId, ChannelOpenRequest, Client, ClientEvent,
    ClientRole, CloseReason, Credential, Endpoint, GlobalRequestEvent, HostKeyAnswer, HostKeyRequest, KeyOffer, Misuse,
    PasswordChangeNeeded, Prompt, Prompts, Role, SecretBytes, Server, ServerEvent, ServerRole, SignRequest, Untrusted,
};

use super::dice::random;
use super::plan::{Attempt, Plan, key, stranger};

/// An event of either role.
#[derive(Debug)]
pub(super) enum Happening {
    Question(Question),
    Banner(Untrusted),
    LoggedIn(String),
    ChannelOpen(ChannelOpenRequest),
    Channel(ChannelId, ChannelEvent),
    Global(GlobalRequestEvent),
    /// The server has proven these keys, or not.
    Proven(Option<Vec<PublicKey>>),
    Rekeyed,
    Closed(CloseReason),
    Unknown(String),
}

/// What a login wants to know.
#[derive(Debug)]
pub(super) enum Question {
    HostKey(HostKeyRequest),
    Needed(AuthNeeded),
    Prompts(Prompts),
    Change(PasswordChangeNeeded),
    Sign(SignRequest),
    Offer(KeyOffer),
    Auth(AuthRequest),
    /// Keys that the server says it has: are they its own?
    HostKeys(Vec<PublicKey>),
}

/// How far a login is.
#[derive(Debug, Default)]
pub(super) struct LoginState {
    /// The client: attempts made. The server: rounds of questions asked.
    count: usize,
    bannered: bool,
}

/// A role that can be simulated.
pub(super) trait Party: Role + Sized {
    fn poll(endpoint: &mut Endpoint<Self>) -> Option<Happening>;

    /// Answers a question.
    fn answer(
        endpoint: &mut Endpoint<Self>,
        question: Question,
        plan: &Plan,
        state: &mut LoginState,
    ) -> Result<(), String>;
}

const PASSWORD: &[u8] = b"secret";
const RIGHT: &[u8] = b"right";

fn secret(text: &[u8]) -> SecretBytes {
    SecretBytes::copied_from(text)
}

fn misuse(error: Misuse) -> String {
    format!("an answer was refused: {error}")
}

impl Party for ClientRole {
    fn poll(client: &mut Client) -> Option<Happening> {
        Some(match client.poll_event()? {
            ClientEvent::HostKey(request) => Happening::Question(Question::HostKey(request)),
            ClientEvent::AuthNeeded(needed) => Happening::Question(Question::Needed(needed)),
            ClientEvent::Prompts(prompts) => Happening::Question(Question::Prompts(prompts)),
            ClientEvent::PasswordChange(needed) => Happening::Question(Question::Change(needed)),
            ClientEvent::Sign(request) => Happening::Question(Question::Sign(request)),
            ClientEvent::Banner(text) => Happening::Banner(text),
            ClientEvent::Authenticated(method) => Happening::LoggedIn(method.into()),
            ClientEvent::ChannelOpen(request) => Happening::ChannelOpen(request),
            ClientEvent::Channel(id, event) => Happening::Channel(id, event),
            ClientEvent::Global(event) => Happening::Global(event),
            ClientEvent::HostKeys(keys) => Happening::Question(Question::HostKeys(keys)),
            ClientEvent::HostKeysProven(keys) => Happening::Proven(keys),
            ClientEvent::Rekeyed => Happening::Rekeyed,
            ClientEvent::Closed(reason) => Happening::Closed(reason),
            other => Happening::Unknown(format!("{other:?}")),
        })
    }

    fn answer(client: &mut Client, question: Question, plan: &Plan, state: &mut LoginState) -> Result<(), String> {
        let user = plan.login.user.as_str();
        let current = |state: &LoginState| plan.login.attempts.get(state.count.wrapping_sub(1)).copied();
        match question {
            Question::HostKey(request) => {
                if request.key != *plan.host_key.public_key() {
                    let _over = client.answer_host_key(request, HostKeyAnswer::Reject);
                    return Err("another host key than the server's".into());
                }
                client.answer_host_key(request, HostKeyAnswer::Accept).map_err(misuse)
            }
            Question::Needed(needed) => {
                if needed.tried.is_none() != (state.count == 0) {
                    return Err(format!("attempt {} follows {:?}", state.count, needed.tried));
                }
                state.count += 1;
                let attempt = current(state).ok_or("the right credentials were refused")?;
                let method = match attempt {
                    Attempt::None => AuthMethod::None,
                    Attempt::WrongPassword => AuthMethod::Password(secret(b"Secret")),
                    Attempt::Password => AuthMethod::Password(secret(PASSWORD)),
                    Attempt::WrongKey => AuthMethod::PublicKey(stranger().public_key().clone()),
                    Attempt::UnsignedKey(algorithm) | Attempt::Key(algorithm) => {
                        AuthMethod::PublicKey(key(algorithm).public_key().clone())
                    }
                    Attempt::WrongAnswers | Attempt::Answers => {
                        AuthMethod::KeyboardInteractive { submethods: String::new() }
                    }
                };
                client.authenticate(user, method).map_err(misuse)
            }
            Question::Prompts(prompts) => {
                let answer = if current(state) == Some(Attempt::Answers) { RIGHT } else { b"wrong" };
                let answers: Vec<SecretBytes> = prompts.prompts.iter().map(|_| secret(answer)).collect();
                client.answer_prompts(&prompts, &answers).map_err(misuse)
            }
            Question::Change(needed) => {
                if needed.prompt != Untrusted::from("expired") {
                    return Err(format!("the server did not say {:?}", needed.prompt));
                }
                let method = AuthMethod::PasswordChange { old: secret(PASSWORD), new: secret(b"fresh") };
                client.authenticate(user, method).map_err(misuse)
            }
            Question::Sign(request) => {
                let Some(Attempt::Key(algorithm)) = current(state) else {
                    return client.answer_signature(request, None).map_err(misuse);
                };
                let signature = key(algorithm).sign(request.algorithm, &request.data, &mut random(2, 2));
                let signature = signature.map_err(|error| format!("cannot sign: {error:?}"))?;
                client.answer_signature(request, Some(&signature)).map_err(misuse)
            }
            Question::HostKeys(keys) => {
                if keys != [plan.host_key.public_key().clone()] {
                    return Err(format!("the server announces {keys:?}"));
                }
                match client.prove_host_keys(&keys) {
                    // There is no room for the request: then it is not asked.
                    Ok(()) | Err(Misuse::Busy) => Ok(()),
                    Err(error) => Err(misuse(error)),
                }
            }
            Question::Offer(_) | Question::Auth(_) => Err("a question for a server".into()),
        }
    }
}

impl Party for ServerRole {
    fn poll(server: &mut Server) -> Option<Happening> {
        Some(match server.poll_event()? {
            ServerEvent::Sign(request) => Happening::Question(Question::Sign(request)),
            ServerEvent::KeyOffer(offer) => Happening::Question(Question::Offer(offer)),
            ServerEvent::Auth(request) => Happening::Question(Question::Auth(request)),
            ServerEvent::Authenticated(identity) => {
                let text = format!("{} {}", identity.user, identity.methods.join(" "));
                Happening::LoggedIn(text)
            }
            ServerEvent::ChannelOpen(request) => Happening::ChannelOpen(request),
            ServerEvent::Channel(id, event) => Happening::Channel(id, event),
            ServerEvent::Global(event) => Happening::Global(event),
            ServerEvent::Rekeyed => Happening::Rekeyed,
            ServerEvent::Closed(reason) => Happening::Closed(reason),
            other => Happening::Unknown(format!("{other:?}")),
        })
    }

    fn answer(server: &mut Server, question: Question, plan: &Plan, state: &mut LoginState) -> Result<(), String> {
        match question {
            Question::Sign(request) => {
                let signature = plan.host_key.sign(request.algorithm, &request.data, &mut random(2, 2));
                let signature = signature.map_err(|error| format!("cannot sign: {error:?}"))?;
                server.answer_signature(request, Some(&signature)).map_err(misuse)
            }
            Question::Offer(offer) => {
                let would_do = offer.key != *stranger().public_key();
                server.answer_key_offer(offer, would_do).map_err(misuse)
            }
            Question::Auth(request) => {
                if request.user != plan.login.user {
                    return Err(format!("user {} wants to log in", request.user));
                }
                if plan.login.banner && !std::mem::replace(&mut state.bannered, true) {
                    server.send_banner("welcome").map_err(misuse)?;
                }
                let answer = judge(&request, plan, state);
                server.answer_auth(request, answer).map_err(misuse)
            }
            _ => Err("a question for a client".into()),
        }
    }
}

/// What a server says to credentials.
fn judge(request: &AuthRequest, plan: &Plan, state: &mut LoginState) -> AuthAnswer {
    let right = match &request.credential {
        Credential::Password(password) if password.constant_time_eq(PASSWORD) => {
            if plan.login.expired {
                return AuthAnswer::ChangePassword { prompt: "expired".into() };
            }
            true
        }
        Credential::PasswordChange { old, .. } => old.constant_time_eq(PASSWORD),
        Credential::PublicKey { key, .. } => key != stranger().public_key(),
        Credential::KeyboardInteractive { .. } => {
            state.count = 1;
            return ask(1);
        }
        Credential::Responses(answers) => {
            let right = answers.iter().all(|answer| answer.constant_time_eq(RIGHT));
            if right && state.count < plan.login.rounds as usize {
                state.count += 1;
                return ask(state.count);
            }
            right
        }
        _ => false,
    };
    let last = plan.login.attempts.last().copied().unwrap_or(Attempt::Password);
    match right {
        true if plan.login.two_steps && request.succeeded.is_empty() => {
            let method = match last {
                Attempt::Key(_) => "publickey",
                Attempt::Answers => "keyboard-interactive",
                _ => "password",
            };
            AuthAnswer::Partial { methods_that_can_continue: vec![method.into()] }
        }
        true => AuthAnswer::Accept,
        false => AuthAnswer::Reject,
    }
}

fn ask(questions: usize) -> AuthAnswer {
    let prompt = |_| Prompt { prompt: Untrusted::from("Well?"), echo: false };
    AuthAnswer::Prompts {
        name: String::new(),
        instruction: String::new(),
        prompts: (0..questions).map(prompt).collect(),
    }
}
