//! The server's side of authentication.
//!
//! An offered key ([`KeyOffer`]) and a proven one ([`AuthRequest`]) are different types with different answers, so an
//! offer can never log anybody in, and the proven key is the one in the request, not "the last one seen"
//! (CVE-2024-45337).

use alloc::{string::String, vec::Vec};

use super::{
    CONNECTION_SERVICE, HOSTBASED, KEYBOARD_INTERACTIVE, NONE, PASSWORD, PUBLICKEY, PUBLICKEY_HOSTBOUND, Prompt,
    SessionBinding, USERAUTH_SERVICE, host_based_fields, malformed, public_key_fields, signed_data, unexpected,
};
use crate::config::Limits;
use crate::crypto::signature::{SecurityKeyUse, SignatureAlgorithm, Verified};
use crate::error::{Error, LimitKind, Misuse, PeerMisbehaved};
use crate::key::PublicKey;
use crate::message::{
    DecodeMessage, Rest, ServiceAccept, ServiceRequest, UserauthBanner, UserauthFailure, UserauthInfoRequest,
    UserauthInfoResponse, UserauthPasswdChangereq, UserauthPkOk, UserauthRequest, UserauthSuccess,
};
use crate::secret::SecretBytes;
use crate::transport::Outbound;
use crate::wire::{DecodeError, MessageNumber, NameList, Reader, Writer};

/// "Would you take this key?" Nothing is proven. Answer with
/// [`Server::answer_key_offer`](crate::Server::answer_key_offer).
#[derive(Debug)]
#[non_exhaustive]
pub struct KeyOffer {
    /// Who wants to log in.
    pub user: String,
    /// The key.
    pub key: PublicKey,
    pub(crate) turn: u64,
}

/// An attempt to log in. For a public key the signature has been verified. Answer with
/// [`Server::answer_auth`](crate::Server::answer_auth).
#[derive(Debug)]
#[non_exhaustive]
pub struct AuthRequest {
    /// Who wants to log in; valid UTF-8 without control characters.
    pub user: String,
    /// What was shown or proven.
    pub credential: Credential,
    /// Methods that have already succeeded in this login.
    pub succeeded: Vec<&'static str>,
    pub(crate) turn: u64,
}

/// What a client shows or proves.
#[derive(Debug)]
#[non_exhaustive]
pub enum Credential {
    /// Nothing (RFC 4252 §5.2). Accept it only for a service that is open to everybody.
    None,
    /// A password, to be compared with [`SecretBytes::constant_time_eq`] or hashed.
    Password(SecretBytes),
    /// The old and a new password.
    PasswordChange {
        /// The old one, to be checked.
        old: SecretBytes,
        /// The new one, to be stored if the old one is right.
        new: SecretBytes,
    },
    /// A key that signed this very request.
    PublicKey {
        /// The key that signed. It may be a certificate: whether that is good for this user,
        /// [`Certificate::check`](crate::key::Certificate::check) says.
        key: PublicKey,
        /// How it signed.
        algorithm: &'static str,
        /// What the security key said that the key lives in, if it does. It was touched, unless
        /// [`ServerConfig::security_keys_without_touch`](crate::ServerConfig::security_keys_without_touch) leaves that to
        /// the application.
        security_key: Option<SecurityKeyUse>,
        /// Whether the signature names our host key too (`publickey-hostbound-v00@openssh.com`). It is the key of this
        /// connection then.
        host_bound: bool,
    },
    /// A host that says who its user is, and has signed this very request (RFC 4252 §9). Whether the key is that of the
    /// host, whether the host may speak for its users, and whether its user may log in as [`AuthRequest::user`], is the
    /// application's to know; so is whether the connection comes from there.
    HostBased {
        /// The host's key. It may be a certificate: see [`Certificate::check`](crate::key::Certificate::check).
        key: PublicKey,
        /// How it signed.
        algorithm: &'static str,
        /// The client's host, as it calls itself; OpenSSH's clients put a dot at the end. Without control characters.
        host_name: String,
        /// The user on the client's host. Without control characters.
        user_name: String,
    },
    /// Asks for questions: answer with [`AuthAnswer::Prompts`].
    KeyboardInteractive {
        /// Hints, comma-separated; usually empty.
        submethods: String,
    },
    /// Answers to the questions of the [`AuthAnswer::Prompts`] before.
    Responses(Vec<SecretBytes>),
}

impl Credential {
    /// The method's name on the wire.
    pub fn method(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Password(_) | Self::PasswordChange { .. } => "password",
            Self::PublicKey { .. } => "publickey",
            Self::KeyboardInteractive { .. } | Self::Responses(_) => "keyboard-interactive",
            Self::HostBased { .. } => "hostbased",
        }
    }
}

/// The answer to an [`AuthRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthAnswer {
    /// The user is in.
    Accept,
    /// No.
    Reject,
    /// Right, but one of these methods is wanted on top.
    Partial {
        /// What may come next.
        methods_that_can_continue: Vec<String>,
    },
    /// Ask these questions. For `keyboard-interactive` only; anything else takes it as [`Self::Reject`].
    Prompts {
        /// A title.
        name: String,
        /// Text above the questions.
        instruction: String,
        /// At most 100 questions.
        prompts: Vec<Prompt>,
    },
    /// The password is right but must be changed. For `password` only; anything else takes it as [`Self::Reject`].
    ChangePassword {
        /// Text for the user.
        prompt: String,
    },
}

/// Who is logged in and how that was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The user's name.
    pub user: String,
    /// The methods that succeeded, in order.
    pub methods: Vec<&'static str>,
    /// The user's keys that signed, in order; no keys of hosts.
    pub keys: Vec<PublicKey>,
}

pub(crate) enum ServerAuthEvent {
    Offer(KeyOffer),
    Request(AuthRequest),
    Success(Identity),
}

/// What the machine needs to know of the configuration.
#[derive(Clone, Copy)]
pub(crate) struct ServerAuthConfig<'a> {
    pub(crate) algorithms: &'a [&'static dyn SignatureAlgorithm],
    pub(crate) methods: &'a [String],
    pub(crate) max_failures: u32,
    pub(crate) max_requests: u32,
    pub(crate) security_keys_without_touch: bool,
}

enum State {
    AwaitService,
    AwaitRequest,
    /// The application decides about a key offer.
    Offer {
        key: PublicKey,
        algorithm: &'static str,
    },
    /// The application decides about a request.
    Decision {
        method: &'static str,
        key: Option<PublicKey>,
    },
    /// Answers to so many questions are awaited.
    AwaitResponses(usize),
    Done,
}

/// The server's machine.
pub(crate) struct ServerAuth {
    state: State,
    user: Option<String>,
    succeeded: Vec<&'static str>,
    keys: Vec<PublicKey>,
    /// After a partial success: what may come next.
    methods_left: Option<Vec<String>>,
    failures: u32,
    requests: u32,
    turn: u64,
}

impl ServerAuth {
    /// `turn` numbers the decisions; a random start keeps tokens of other connections out.
    pub(crate) fn new(turn: u64) -> Self {
        Self {
            state: State::AwaitService,
            user: None,
            succeeded: Vec::new(),
            keys: Vec::new(),
            methods_left: None,
            failures: 0,
            requests: 0,
            turn,
        }
    }

    /// Whether the next step is the application's.
    pub(crate) fn is_parked(&self) -> bool {
        matches!(self.state, State::Offer { .. } | State::Decision { .. })
    }

    pub(crate) fn handle_service_request(&mut self, body: &[u8], outbound: &mut Outbound) -> Result<(), Error> {
        let number = MessageNumber::SERVICE_REQUEST;
        let message = ServiceRequest::decode(body).map_err(|error| malformed(number, error))?;
        if message.service_name != USERAUTH_SERVICE {
            return Err(PeerMisbehaved::Service.into());
        }
        outbound.send(&ServiceAccept { service_name: USERAUTH_SERVICE });
        self.state = State::AwaitRequest;
        Ok(())
    }

    pub(crate) fn handle_request(
        &mut self,
        body: &[u8],
        session: SessionBinding<'_>,
        config: ServerAuthConfig<'_>,
        outbound: &mut Outbound,
    ) -> Result<Option<ServerAuthEvent>, Error> {
        let number = MessageNumber::USERAUTH_REQUEST;
        if !matches!(self.state, State::AwaitRequest | State::AwaitResponses(_)) {
            return Err(unexpected(number));
        }
        // A new request ends a round of questions (RFC 4256 §3.4).
        self.state = State::AwaitRequest;
        self.requests += 1;
        if self.requests > config.max_requests {
            return Err(Error::TooManyAuthAttempts);
        }
        let message = UserauthRequest::decode(body).map_err(|error| malformed(number, error))?;
        if message.service_name != CONNECTION_SERVICE {
            return Err(PeerMisbehaved::Service.into());
        }
        let Some(user) = self.check_user(message.user_name)? else {
            return self.refuse(config, outbound).map(|()| None);
        };
        // After a partial success, what succeeded must not count twice: only what was named may come next.
        let methods = self.methods_left.as_deref().unwrap_or(config.methods);
        let name = if message.method_name == PUBLICKEY_HOSTBOUND { PUBLICKEY } else { message.method_name };
        let offered = methods.iter().any(|method| method.as_bytes() == name);
        let request = read_request(&message, offered).map_err(|error| malformed(number, error))?;
        match request {
            Request::None => Ok(Some(self.ask(user, Credential::None, None))),
            // OpenSSH's PROTOCOL §3.1: signed for another server.
            Request::PublicKey(PublicKeyFields { host_key: Some(host_key), .. }) if host_key != session.host_key => {
                Err(malformed(number, DecodeError::InvalidValue))
            }
            Request::PublicKey(fields) if offered => self.public_key(user, &fields, session, config, outbound),
            Request::HostBased(fields) if offered => self.host_based(user, &fields, session, config, outbound),
            Request::Credential(credential) if offered => Ok(Some(self.ask(user, credential, None))),
            _ => self.refuse(config, outbound).map(|()| None),
        }
    }

    pub(crate) fn handle_info_response(
        &mut self,
        body: &[u8],
        config: ServerAuthConfig<'_>,
        outbound: &mut Outbound,
    ) -> Result<Option<ServerAuthEvent>, Error> {
        let number = MessageNumber::USERAUTH_INFO_RESPONSE;
        let State::AwaitResponses(asked) = self.state else { return Err(unexpected(number)) };
        self.state = State::AwaitRequest;
        let message = UserauthInfoResponse::decode(body).map_err(|error| malformed(number, error))?;
        let responses = read_responses(&message).map_err(|error| malformed(number, error))?;
        let (Some(user), true) = (self.user.clone(), responses.len() == asked) else {
            return self.refuse(config, outbound).map(|()| None);
        };
        Ok(Some(self.ask(user, Credential::Responses(responses), None)))
    }

    pub(crate) fn answer_offer(
        &mut self,
        turn: u64,
        accept: bool,
        config: ServerAuthConfig<'_>,
        outbound: &mut Outbound,
    ) -> Result<Result<(), Error>, Misuse> {
        if turn != self.turn || !matches!(self.state, State::Offer { .. }) {
            return Err(Misuse::StaleToken);
        }
        let State::Offer { key, algorithm } = core::mem::replace(&mut self.state, State::AwaitRequest) else {
            return Err(Misuse::StaleToken);
        };
        if !accept {
            return Ok(self.refuse(config, outbound));
        }
        outbound.send(&UserauthPkOk { public_key_algorithm_name: algorithm.as_bytes(), public_key_blob: key.blob() });
        Ok(Ok(()))
    }

    pub(crate) fn answer_request(
        &mut self,
        turn: u64,
        answer: AuthAnswer,
        config: ServerAuthConfig<'_>,
        outbound: &mut Outbound,
    ) -> Result<Result<Option<ServerAuthEvent>, Error>, Misuse> {
        if turn != self.turn || !matches!(self.state, State::Decision { .. }) {
            return Err(Misuse::StaleToken);
        }
        let State::Decision { method, key } = core::mem::replace(&mut self.state, State::AwaitRequest) else {
            return Err(Misuse::StaleToken);
        };
        match answer {
            AuthAnswer::Accept => Ok(Ok(Some(self.succeed(method, key, outbound)))),
            AuthAnswer::Partial { methods_that_can_continue } => {
                self.record(method, key);
                send_failure(&methods_that_can_continue, true, outbound);
                self.methods_left = Some(methods_that_can_continue);
                Ok(Ok(None))
            }
            AuthAnswer::Prompts { name, instruction, prompts }
                if method.as_bytes() == KEYBOARD_INTERACTIVE && prompts.len() <= Limits::PROMPTS =>
            {
                send_prompts(&name, &instruction, &prompts, outbound);
                self.state = State::AwaitResponses(prompts.len());
                Ok(Ok(None))
            }
            AuthAnswer::ChangePassword { prompt } if method.as_bytes() == PASSWORD => {
                outbound.send(&UserauthPasswdChangereq { prompt: prompt.as_bytes(), language_tag: b"" });
                Ok(Ok(None))
            }
            // The first `none` only asks what there is; it is no failed attempt.
            AuthAnswer::Reject if method.as_bytes() == NONE && self.requests == 1 => {
                self.send_methods(config, outbound);
                Ok(Ok(None))
            }
            _ => Ok(self.refuse(config, outbound).map(|()| None)),
        }
    }

    pub(crate) fn send_banner(&self, text: &str, outbound: &mut Outbound) -> Result<(), Misuse> {
        if matches!(self.state, State::AwaitService | State::Done) {
            return Err(Misuse::WrongPhase);
        }
        outbound.send(&UserauthBanner { message: text.as_bytes(), language_tag: b"" });
        Ok(())
    }

    /// The same user throughout, or the connection ends: what was proven for one must not help another
    /// (CVE-2026-46705). `None`: a name that no user has.
    fn check_user(&mut self, name: &[u8]) -> Result<Option<String>, Error> {
        let known = self.user.as_ref().is_some_and(|user| user.as_bytes() == name);
        if self.user.is_some() && !known {
            return Err(PeerMisbehaved::UserChanged.into());
        }
        if name.len() > Limits::USER_NAME_LENGTH {
            return Err(Error::LimitExceeded(LimitKind::BytesBeforeAuthentication));
        }
        let text = core::str::from_utf8(name).ok().filter(|text| !text.chars().any(char::is_control));
        if let Some(text) = text {
            self.user = Some(text.into());
        }
        Ok(text.map(String::from))
    }

    fn public_key(
        &mut self,
        user: String,
        fields: &PublicKeyFields<'_>,
        session: SessionBinding<'_>,
        config: ServerAuthConfig<'_>,
        outbound: &mut Outbound,
    ) -> Result<Option<ServerAuthEvent>, Error> {
        let refused = |auth: &mut Self, outbound: &mut Outbound| auth.refuse(config, outbound).map(|()| None);
        let algorithm = config.algorithms.iter().find(|each| each.name().as_bytes() == fields.algorithm);
        let Some(algorithm) = algorithm else { return refused(self, outbound) };
        let key = PublicKey::from_blob(fields.key_blob).ok().filter(|key| key.key_type() == algorithm.key_type());
        let Some(key) = key else { return refused(self, outbound) };
        let Some(signature) = fields.signature else {
            self.turn = self.turn.wrapping_add(1);
            let offer = KeyOffer { user, key: key.clone(), turn: self.turn };
            self.state = State::Offer { key, algorithm: algorithm.name() };
            return Ok(Some(ServerAuthEvent::Offer(offer)));
        };
        let method = if fields.host_key.is_some() { PUBLICKEY_HOSTBOUND } else { PUBLICKEY };
        let signed_fields = public_key_fields(true, fields.algorithm, fields.key_blob, fields.host_key);
        let data = signed_data(session.session_id, user.as_bytes(), method, &signed_fields);
        let Ok(Verified { security_key }) = algorithm.verify(key.blob(), &data, signature) else {
            return refused(self, outbound);
        };
        let untouched = security_key.is_some_and(|used| !used.user_present);
        if untouched && !config.security_keys_without_touch {
            return refused(self, outbound);
        }
        let host_bound = fields.host_key.is_some();
        let credential =
            Credential::PublicKey { key: key.clone(), algorithm: algorithm.name(), security_key, host_bound };
        Ok(Some(self.ask(user, credential, Some(key))))
    }

    fn host_based(
        &mut self,
        user: String,
        fields: &HostBasedFields<'_>,
        session: SessionBinding<'_>,
        config: ServerAuthConfig<'_>,
        outbound: &mut Outbound,
    ) -> Result<Option<ServerAuthEvent>, Error> {
        match verify_host(&user, fields, session, config) {
            Some(credential) => Ok(Some(self.ask(user, credential, None))),
            None => self.refuse(config, outbound).map(|()| None),
        }
    }

    fn ask(&mut self, user: String, credential: Credential, key: Option<PublicKey>) -> ServerAuthEvent {
        self.turn = self.turn.wrapping_add(1);
        self.state = State::Decision { method: credential.method(), key };
        ServerAuthEvent::Request(AuthRequest { user, credential, succeeded: self.succeeded.clone(), turn: self.turn })
    }

    fn refuse(&mut self, config: ServerAuthConfig<'_>, outbound: &mut Outbound) -> Result<(), Error> {
        self.failures += 1;
        if self.failures >= config.max_failures {
            return Err(Error::TooManyAuthAttempts);
        }
        self.send_methods(config, outbound);
        Ok(())
    }

    fn send_methods(&self, config: ServerAuthConfig<'_>, outbound: &mut Outbound) {
        send_failure(self.methods_left.as_deref().unwrap_or(config.methods), false, outbound);
    }

    fn record(&mut self, method: &'static str, key: Option<PublicKey>) {
        self.succeeded.push(method);
        self.keys.extend(key);
    }

    fn succeed(&mut self, method: &'static str, key: Option<PublicKey>, outbound: &mut Outbound) -> ServerAuthEvent {
        self.record(method, key);
        outbound.send(&UserauthSuccess {});
        self.state = State::Done;
        ServerAuthEvent::Success(Identity {
            user: self.user.clone().unwrap_or_default(),
            methods: core::mem::take(&mut self.succeeded),
            keys: core::mem::take(&mut self.keys),
        })
    }
}

enum Request<'a> {
    None,
    PublicKey(PublicKeyFields<'a>),
    HostBased(HostBasedFields<'a>),
    Credential(Credential),
    Unknown,
}

struct PublicKeyFields<'a> {
    algorithm: &'a [u8],
    key_blob: &'a [u8],
    /// Of the host-bound variant.
    host_key: Option<&'a [u8]>,
    signature: Option<&'a [u8]>,
}

struct HostBasedFields<'a> {
    algorithm: &'a [u8],
    key_blob: &'a [u8],
    host_name: &'a [u8],
    user_name: &'a [u8],
    signature: &'a [u8],
}

/// What a host has proven, if it has.
fn verify_host(
    user: &str,
    fields: &HostBasedFields<'_>,
    session: SessionBinding<'_>,
    config: ServerAuthConfig<'_>,
) -> Option<Credential> {
    let HostBasedFields { key_blob, host_name, user_name, signature, .. } = *fields;
    let algorithm = config.algorithms.iter().find(|each| each.name().as_bytes() == fields.algorithm)?;
    let key = PublicKey::from_blob(key_blob).ok().filter(|key| key.key_type() == algorithm.key_type())?;
    let signed_fields = host_based_fields(fields.algorithm, key_blob, host_name, user_name);
    let data = signed_data(session.session_id, user.as_bytes(), HOSTBASED, &signed_fields);
    // A host is no person who could touch a security key.
    let _verified = algorithm.verify(key.blob(), &data, signature).ok()?;
    let name = |bytes| core::str::from_utf8(bytes).ok().filter(|name| !name.chars().any(char::is_control));
    Some(Credential::HostBased {
        key,
        algorithm: algorithm.name(),
        host_name: name(host_name)?.into(),
        user_name: name(user_name)?.into(),
    })
}

fn read_request<'a>(message: &UserauthRequest<'a>, offered: bool) -> Result<Request<'a>, DecodeError> {
    let mut reader = Reader::new(message.method_fields.0);
    let request = match message.method_name {
        NONE => Request::None,
        PASSWORD => {
            let change = reader.boolean()?;
            let password = read_password(&mut reader)?;
            Request::Credential(if change {
                Credential::PasswordChange { old: password, new: read_password(&mut reader)? }
            } else {
                Credential::Password(password)
            })
        }
        PUBLICKEY | PUBLICKEY_HOSTBOUND => {
            let signed = reader.boolean()?;
            let (algorithm, key_blob) = (reader.string()?, reader.string()?);
            let host_key = if message.method_name == PUBLICKEY { None } else { Some(reader.string()?) };
            let signature = if signed { Some(reader.string()?) } else { None };
            Request::PublicKey(PublicKeyFields { algorithm, key_blob, host_key, signature })
        }
        HOSTBASED if offered => Request::HostBased(HostBasedFields {
            algorithm: reader.string()?,
            key_blob: reader.string()?,
            host_name: reader.string()?,
            user_name: reader.string()?,
            signature: reader.string()?,
        }),
        KEYBOARD_INTERACTIVE => {
            let _language_tag = reader.string()?;
            let submethods = reader.string()?;
            let submethods = core::str::from_utf8(submethods).map_err(|_| DecodeError::InvalidValue)?;
            Request::Credential(Credential::KeyboardInteractive { submethods: submethods.into() })
        }
        _ => return Ok(Request::Unknown),
    };
    reader.finish()?;
    Ok(request)
}

fn read_password(reader: &mut Reader<'_>) -> Result<SecretBytes, DecodeError> {
    let password = reader.string()?;
    if password.len() > Limits::PASSWORD_LENGTH {
        return Err(DecodeError::InvalidValue);
    }
    Ok(SecretBytes::copied_from(password))
}

fn read_responses(message: &UserauthInfoResponse<'_>) -> Result<Vec<SecretBytes>, DecodeError> {
    let mut reader = Reader::new(message.responses.0);
    let count = usize::try_from(message.num_responses).map_err(|_| DecodeError::TooMany)?;
    if count > Limits::PROMPTS || count > reader.remaining() / 4 {
        return Err(DecodeError::TooMany);
    }
    let mut responses = Vec::new();
    for _ in 0..count {
        responses.push(read_password(&mut reader)?);
    }
    reader.finish()?;
    Ok(responses)
}

fn send_failure(methods: &[String], partial_success: bool, outbound: &mut Outbound) {
    let list = methods.join(",");
    let authentications_that_can_continue = NameList::try_from(list.as_str()).unwrap_or_default();
    outbound.send(&UserauthFailure { authentications_that_can_continue, partial_success });
}

fn send_prompts(name: &str, instruction: &str, prompts: &[Prompt], outbound: &mut Outbound) {
    let mut fields = Vec::new();
    let mut writer = Writer::new(&mut fields);
    for prompt in prompts {
        writer.string(prompt.prompt.as_bytes());
        writer.boolean(prompt.echo);
    }
    outbound.send(&UserauthInfoRequest {
        name: name.as_bytes(),
        instruction: instruction.as_bytes(),
        language_tag: b"",
        num_prompts: u32::try_from(prompts.len()).unwrap_or(u32::MAX),
        prompts: Rest(&fields),
    });
}
