//! The client's side of authentication.
//!
//! ```text
//!   RequestingService ──SERVICE_ACCEPT──► Choosing ──authenticate──► Trying ──SUCCESS──► Done
//!                                            ▲                         │
//!                                            └────────FAILURE──────────┤ PK_OK ─► Signing ─┐
//!                                                                      └── INFO_REQUEST ─► Prompting
//! ```

use alloc::{boxed::Box, string::String, vec::Vec};

use super::{
    CONNECTION_SERVICE, KEYBOARD_INTERACTIVE, NONE, PASSWORD, PUBLICKEY, USERAUTH_SERVICE, malformed, signed_data,
    unexpected,
};
use crate::config::Limits;
use crate::crypto::signature::SignatureAlgorithm;
use crate::error::{Error, LimitKind, Misuse, PeerMisbehaved};
use crate::key::PublicKey;
use crate::message::{
    DecodeMessage, Rest, ServiceAccept, ServiceRequest, UserauthBanner, UserauthFailure, UserauthInfoRequest,
    UserauthInfoResponse, UserauthPasswdChangereq, UserauthPkOk, UserauthRequest, UserauthSuccess,
};
use crate::secret::SecretBytes;
use crate::transport::{Outbound, SignatureWanted};
use crate::untrusted::Untrusted;
use crate::wire::{DecodeError, MessageNumber, Reader, Writer};

/// A way to authenticate, with what it needs.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthMethod {
    /// `none` (RFC 4252 §5.2): tells which methods there are, and succeeds where no authentication is wanted.
    None,
    /// `password` (RFC 4252 §8).
    Password(SecretBytes),
    /// `password` with a new one, where the server asked for a change.
    PasswordChange {
        /// The old password.
        old: SecretBytes,
        /// The new password.
        new: SecretBytes,
    },
    /// `publickey` (RFC 4252 §7), with a key or a certificate of one. The signature is asked for by [`ClientEvent::Sign`](crate::ClientEvent::Sign), and
    /// only if the server would take the key.
    PublicKey(PublicKey),
    /// `keyboard-interactive` (RFC 4256). Questions come as [`ClientEvent::Prompts`](crate::ClientEvent::Prompts).
    KeyboardInteractive {
        /// Hints for the server, comma-separated; usually empty.
        submethods: String,
    },
}

impl AuthMethod {
    /// The name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Password(_) | Self::PasswordChange { .. } => "password",
            Self::PublicKey(_) => "publickey",
            Self::KeyboardInteractive { .. } => "keyboard-interactive",
        }
    }
}

/// The server waits for an attempt to authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthNeeded {
    /// Methods the server would look at; `None` before the first attempt, when it has not said.
    pub methods_that_can_continue: Option<Vec<String>>,
    /// Whether the attempt before this succeeded, and another is wanted on top of it.
    pub partial_success: bool,
    /// The method of the attempt before this.
    pub tried: Option<&'static str>,
}

/// Questions for the user (RFC 4256 §3.2). Answer with [`Client::answer_prompts`](crate::Client::answer_prompts).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Prompts {
    /// A title; often empty.
    pub name: Untrusted,
    /// Text above the questions; often empty.
    pub instruction: Untrusted,
    /// The questions; may be none, which still wants an answer.
    pub prompts: Vec<Prompt>,
    pub(crate) turn: u64,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The question.
    pub prompt: Untrusted,
    /// Whether the answer may be seen while it is typed.
    pub echo: bool,
}

/// The password is right but has expired (RFC 4252 §8). Go on with [`AuthMethod::PasswordChange`] or anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordChangeNeeded {
    /// Text for the user.
    pub prompt: Untrusted,
}

/// What a step of authentication asks or tells.
pub(crate) enum ClientAuthEvent {
    Needed(AuthNeeded),
    Prompts(Prompts),
    PasswordChange(PasswordChangeNeeded),
    Sign(SignatureWanted),
    Banner(Untrusted),
    Success(&'static str),
}

enum State {
    RequestingService,
    Choosing,
    Trying(Attempt),
    /// A signature is being made outside.
    Signing(Box<Offered>),
    /// Questions are being answered outside; how many.
    Prompting(usize),
    Done,
}

enum Attempt {
    None,
    Password,
    Query(Box<Offered>),
    Signed,
    KeyboardInteractive,
}

struct Offered {
    key: PublicKey,
    algorithm: &'static str,
}

/// The client's machine.
pub(crate) struct ClientAuth {
    state: State,
    user: Vec<u8>,
    tried: Option<&'static str>,
    server_signature_algorithms: Option<Vec<String>>,
    /// EXT_INFO came during authentication: USERAUTH_SUCCESS is next (RFC 8308 §2.4).
    announced_success: bool,
    banners: u32,
    /// Rounds of questions in this attempt.
    round: u32,
    /// Numbers all rounds of all attempts.
    turn: u64,
}

impl ClientAuth {
    /// Asks for the service; the connection is encrypted by now. `turn` numbers the questions; a random start keeps
    /// tokens of other connections out.
    pub(crate) fn start(turn: u64, outbound: &mut Outbound) -> Self {
        outbound.send(&ServiceRequest { service_name: USERAUTH_SERVICE });
        Self {
            state: State::RequestingService,
            user: Vec::new(),
            tried: None,
            server_signature_algorithms: None,
            announced_success: false,
            banners: 0,
            round: 0,
            turn,
        }
    }

    /// EXT_INFO, with the algorithms the server takes signatures of, if it says.
    pub(crate) fn handle_ext_info(&mut self, algorithms: Option<Vec<String>>) -> Result<(), Error> {
        if core::mem::replace(&mut self.announced_success, !matches!(self.state, State::RequestingService)) {
            return Err(unexpected(MessageNumber::EXT_INFO));
        }
        if algorithms.is_some() {
            self.server_signature_algorithms = algorithms;
        }
        Ok(())
    }

    pub(crate) fn handle_service_accept(&mut self, body: &[u8]) -> Result<ClientAuthEvent, Error> {
        let number = MessageNumber::SERVICE_ACCEPT;
        let message = ServiceAccept::decode(body).map_err(|error| malformed(number, error))?;
        if !matches!(self.state, State::RequestingService) {
            return Err(unexpected(number));
        }
        if message.service_name != USERAUTH_SERVICE {
            return Err(PeerMisbehaved::Service.into());
        }
        self.state = State::Choosing;
        Ok(ClientAuthEvent::Needed(AuthNeeded { methods_that_can_continue: None, partial_success: false, tried: None }))
    }

    /// Any of 51 to 53 and 60.
    pub(crate) fn handle(
        &mut self,
        number: MessageNumber,
        body: &[u8],
        session_id: &[u8],
    ) -> Result<ClientAuthEvent, Error> {
        if self.announced_success && number != MessageNumber::USERAUTH_SUCCESS {
            return Err(unexpected(number));
        }
        match number {
            MessageNumber::USERAUTH_BANNER => self.handle_banner(body),
            MessageNumber::USERAUTH_FAILURE => self.handle_failure(body),
            MessageNumber::USERAUTH_SUCCESS => self.handle_success(body),
            _ => self.handle_60(body, session_id),
        }
    }

    /// The application's next attempt.
    pub(crate) fn authenticate(
        &mut self,
        user: &[u8],
        method: AuthMethod,
        algorithms: &[&'static dyn SignatureAlgorithm],
        outbound: &mut Outbound,
    ) -> Result<(), Misuse> {
        if !matches!(self.state, State::Choosing) {
            return Err(Misuse::WrongPhase);
        }
        if user.len() > Limits::USER_NAME_LENGTH {
            return Err(Misuse::TooLong);
        }
        self.user = user.to_vec();
        let name = method.name();
        let attempt = self.send_attempt(method, algorithms, outbound)?;
        self.tried = Some(name);
        self.round = 0;
        self.state = State::Trying(attempt);
        Ok(())
    }

    pub(crate) fn answer_prompts(
        &mut self,
        turn: u64,
        answers: &[SecretBytes],
        outbound: &mut Outbound,
    ) -> Result<(), Misuse> {
        let State::Prompting(prompts) = self.state else { return Err(Misuse::StaleToken) };
        if turn != self.turn {
            return Err(Misuse::StaleToken);
        }
        if answers.len() != prompts {
            return Err(Misuse::WrongAnswerCount);
        }
        if answers.iter().any(|answer| answer.len() > Limits::PASSWORD_LENGTH) {
            return Err(Misuse::TooLong);
        }
        let mut responses = Vec::new();
        let mut writer = Writer::new(&mut responses);
        answers.iter().for_each(|answer| writer.string(answer.expose()));
        let responses = SecretBytes::new(responses);
        let num_responses = u32::try_from(prompts).unwrap_or(u32::MAX);
        outbound.send(&UserauthInfoResponse { num_responses, responses: Rest(responses.expose()) });
        self.state = State::Trying(Attempt::KeyboardInteractive);
        Ok(())
    }

    /// The signature that was asked for; `None`: it cannot be made, and the application chooses again.
    pub(crate) fn answer_signature(
        &mut self,
        signature: Option<&[u8]>,
        outbound: &mut Outbound,
    ) -> Result<Option<ClientAuthEvent>, Misuse> {
        let offered = match core::mem::replace(&mut self.state, State::Choosing) {
            State::Signing(offered) => offered,
            other => {
                self.state = other;
                return Err(Misuse::StaleToken);
            }
        };
        let Some(signature) = signature else {
            return Ok(Some(ClientAuthEvent::Needed(AuthNeeded {
                methods_that_can_continue: None,
                partial_success: false,
                tried: self.tried,
            })));
        };
        let mut fields = public_key_fields(true, offered.algorithm, &offered.key);
        Writer::new(&mut fields).string(signature);
        self.send_request(PUBLICKEY, &fields, outbound);
        self.state = State::Trying(Attempt::Signed);
        Ok(None)
    }

    fn send_attempt(
        &self,
        method: AuthMethod,
        algorithms: &[&'static dyn SignatureAlgorithm],
        outbound: &mut Outbound,
    ) -> Result<Attempt, Misuse> {
        match method {
            AuthMethod::None => {
                self.send_request(NONE, b"", outbound);
                Ok(Attempt::None)
            }
            AuthMethod::Password(password) => {
                self.send_passwords(&[&password], outbound)?;
                Ok(Attempt::Password)
            }
            AuthMethod::PasswordChange { old, new } => {
                self.send_passwords(&[&old, &new], outbound)?;
                Ok(Attempt::Password)
            }
            AuthMethod::PublicKey(key) => {
                let algorithm = self.choose_algorithm(&key, algorithms).ok_or(Misuse::NoUsableAlgorithm)?;
                let fields = public_key_fields(false, algorithm, &key);
                self.send_request(PUBLICKEY, &fields, outbound);
                Ok(Attempt::Query(Box::new(Offered { key, algorithm })))
            }
            AuthMethod::KeyboardInteractive { submethods } => {
                let mut fields = Vec::new();
                let mut writer = Writer::new(&mut fields);
                writer.string(b"");
                writer.string(submethods.as_bytes());
                self.send_request(KEYBOARD_INTERACTIVE, &fields, outbound);
                Ok(Attempt::KeyboardInteractive)
            }
        }
    }

    /// One password, or the old and the new one.
    fn send_passwords(&self, passwords: &[&SecretBytes], outbound: &mut Outbound) -> Result<(), Misuse> {
        if passwords.iter().any(|password| password.len() > Limits::PASSWORD_LENGTH) {
            return Err(Misuse::TooLong);
        }
        // Room for all from the start: a buffer that grows leaves copies behind.
        let mut fields = Vec::with_capacity(16 + passwords.iter().map(|password| password.len()).sum::<usize>());
        let mut writer = Writer::new(&mut fields);
        writer.boolean(passwords.len() > 1);
        passwords.iter().for_each(|password| writer.string(password.expose()));
        let fields = SecretBytes::new(fields);
        self.send_request(PASSWORD, fields.expose(), outbound);
        Ok(())
    }

    fn send_request(&self, method_name: &[u8], fields: &[u8], outbound: &mut Outbound) {
        outbound.send(&UserauthRequest {
            user_name: &self.user,
            service_name: CONNECTION_SERVICE,
            method_name,
            method_fields: Rest(fields),
        });
    }

    /// Our first algorithm that fits the key and that the server takes, if it said what it takes (RFC 8332 §3.3). It says
    /// that by the names in signatures, which are those of plain keys for certificates too.
    ///
    /// A server that says nothing may know no SHA-2 for RSA: where the old algorithm is allowed, it is the one to try.
    fn choose_algorithm(
        &self,
        key: &PublicKey,
        algorithms: &[&'static dyn SignatureAlgorithm],
    ) -> Option<&'static str> {
        let mut fitting = algorithms.iter().filter(|algorithm| algorithm.key_type() == key.key_type());
        let chosen = match &self.server_signature_algorithms {
            Some(list) => fitting.find(|algorithm| {
                let plain = algorithm.plain().map_or(algorithm.name(), |plain| plain.name());
                list.iter().any(|each| each == algorithm.name() || each == plain)
            }),
            None => fitting.clone().find(|algorithm| algorithm.name() == key.key_type()).or_else(|| fitting.next()),
        };
        chosen.map(|algorithm| algorithm.name())
    }

    fn handle_banner(&mut self, body: &[u8]) -> Result<ClientAuthEvent, Error> {
        let message = UserauthBanner::decode(body).map_err(|error| malformed(MessageNumber::USERAUTH_BANNER, error))?;
        self.banners += 1;
        if self.banners > Limits::BANNERS {
            return Err(Error::LimitExceeded(LimitKind::Banners));
        }
        Ok(ClientAuthEvent::Banner(Untrusted::new(message.message)))
    }

    fn handle_failure(&mut self, body: &[u8]) -> Result<ClientAuthEvent, Error> {
        let number = MessageNumber::USERAUTH_FAILURE;
        let message = UserauthFailure::decode(body).map_err(|error| malformed(number, error))?;
        if !matches!(self.state, State::Trying(_)) {
            return Err(unexpected(number));
        }
        self.state = State::Choosing;
        let methods = message.authentications_that_can_continue.to_strings();
        Ok(ClientAuthEvent::Needed(AuthNeeded {
            methods_that_can_continue: Some(methods),
            partial_success: message.partial_success,
            tried: self.tried,
        }))
    }

    /// Success counts only as the answer to an attempt that proves something, or to `none`.
    fn handle_success(&mut self, body: &[u8]) -> Result<ClientAuthEvent, Error> {
        let number = MessageNumber::USERAUTH_SUCCESS;
        UserauthSuccess::decode(body).map_err(|error| malformed(number, error))?;
        let method = match self.state {
            State::Trying(Attempt::None) => "none",
            State::Trying(Attempt::Password) => "password",
            State::Trying(Attempt::Signed) => "publickey",
            State::Trying(Attempt::KeyboardInteractive) => "keyboard-interactive",
            _ => return Err(unexpected(number)),
        };
        self.state = State::Done;
        Ok(ClientAuthEvent::Success(method))
    }

    /// Message 60 means what the method in progress makes of it.
    fn handle_60(&mut self, body: &[u8], session_id: &[u8]) -> Result<ClientAuthEvent, Error> {
        let number = MessageNumber::USERAUTH_METHOD_60;
        match core::mem::replace(&mut self.state, State::Choosing) {
            State::Trying(Attempt::Query(offered)) => self.handle_pk_ok(body, offered, session_id),
            State::Trying(Attempt::Password) => {
                let message = UserauthPasswdChangereq::decode(body).map_err(|error| malformed(number, error))?;
                let prompt = Untrusted::new(message.prompt);
                Ok(ClientAuthEvent::PasswordChange(PasswordChangeNeeded { prompt }))
            }
            State::Trying(Attempt::KeyboardInteractive) => self.handle_info_request(body),
            _ => Err(unexpected(number)),
        }
    }

    fn handle_pk_ok(
        &mut self,
        body: &[u8],
        offered: Box<Offered>,
        session_id: &[u8],
    ) -> Result<ClientAuthEvent, Error> {
        let number = MessageNumber::USERAUTH_METHOD_60;
        let message = UserauthPkOk::decode(body).map_err(|error| malformed(number, error))?;
        let same = message.public_key_algorithm_name == offered.algorithm.as_bytes()
            && message.public_key_blob == offered.key.blob();
        if !same {
            return Err(malformed(number, DecodeError::InvalidValue));
        }
        let wanted = SignatureWanted {
            key: offered.key.clone(),
            algorithm: offered.algorithm,
            data: signed_data(session_id, &self.user, offered.algorithm.as_bytes(), offered.key.blob()),
        };
        self.state = State::Signing(offered);
        Ok(ClientAuthEvent::Sign(wanted))
    }

    fn handle_info_request(&mut self, body: &[u8]) -> Result<ClientAuthEvent, Error> {
        let number = MessageNumber::USERAUTH_METHOD_60;
        let message = UserauthInfoRequest::decode(body).map_err(|error| malformed(number, error))?;
        let prompts = read_prompts(&message).map_err(|error| malformed(number, error))?;
        self.round += 1;
        if self.round > Limits::PROMPT_ROUNDS {
            return Err(Error::LimitExceeded(LimitKind::PromptRounds));
        }
        self.turn = self.turn.wrapping_add(1);
        self.state = State::Prompting(prompts.len());
        Ok(ClientAuthEvent::Prompts(Prompts {
            name: Untrusted::new(message.name),
            instruction: Untrusted::new(message.instruction),
            prompts,
            turn: self.turn,
        }))
    }
}

fn public_key_fields(signed: bool, algorithm: &str, key: &PublicKey) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut writer = Writer::new(&mut fields);
    writer.boolean(signed);
    writer.string(algorithm.as_bytes());
    writer.string(key.blob());
    fields
}

fn read_prompts(message: &UserauthInfoRequest<'_>) -> Result<Vec<Prompt>, DecodeError> {
    let mut reader = Reader::new(message.prompts.0);
    let count = usize::try_from(message.num_prompts).map_err(|_| DecodeError::TooMany)?;
    // A prompt takes five bytes at least: a count that the bytes cannot hold is a lie.
    if count > Limits::PROMPTS || count > reader.remaining() / 5 {
        return Err(DecodeError::TooMany);
    }
    let mut prompts = Vec::new();
    for _ in 0..count {
        prompts.push(Prompt { prompt: Untrusted::new(reader.string()?), echo: reader.boolean()? });
    }
    reader.finish()?;
    Ok(prompts)
}
