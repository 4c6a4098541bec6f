//! One client: its login, and the sessions it opens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ssh_blocking::ssh_core::key::FingerprintHash;
use ssh_blocking::ssh_core::{
    AuthAnswer, AuthRequest, CloseReason, Credential, Identity, KeyOffer, Prompt, ServerRole,
};
use ssh_blocking::{Channel, Connection, Handler};

use crate::accounts::{self, Account, Passwords, Permission};
use crate::log;
use crate::session;
use crate::settings::{Method, Settings};

/// What all connections share.
pub(crate) struct Service {
    pub(crate) settings: Settings,
    pub(crate) account: Account,
    pub(crate) passwords: Passwords,
    /// Sets of methods of which one must be shown whole.
    pub(crate) method_sets: Vec<Vec<Method>>,
    /// The text of `Banner`.
    pub(crate) banner: Option<String>,
}

impl Service {
    /// Whether there is such a user at all.
    fn knows(&self, user: &str) -> bool {
        user == self.account.name || self.passwords.names(user)
    }

    /// What follows once `method` has succeeded after `succeeded`. The order does not matter: all of a set are wanted.
    fn after(&self, succeeded: &[&str], method: &str) -> AuthAnswer {
        let shown = |each: &Method| each.name() == method || succeeded.contains(&each.name());
        // A set helps only if everything shown so far is part of it.
        let fits = |set: &&Vec<Method>| {
            succeeded.iter().chain([&method]).all(|name| set.iter().any(|each| each.name() == *name))
        };
        let mut left: Vec<String> = Vec::new();
        for set in self.method_sets.iter().filter(fits) {
            let missing: Vec<_> = set.iter().filter(|each| !shown(each)).map(|each| each.name().to_owned()).collect();
            if missing.is_empty() {
                return AuthAnswer::Accept;
            }
            left.extend(missing);
        }
        left.sort();
        left.dedup();
        if left.is_empty() { AuthAnswer::Reject } else { AuthAnswer::Partial { methods_that_can_continue: left } }
    }
}

/// Where a connection comes from and where it arrived, as `SSH_CONNECTION` tells it; `None` on standard input.
pub(crate) type Addresses = Option<(std::net::SocketAddr, std::net::SocketAddr)>;

/// Serves one connection.
pub(crate) struct Client {
    service: Arc<Service>,
    addresses: Addresses,
    banner_shown: AtomicBool,
    /// What the key that logged in allows.
    permission: Mutex<Option<Permission>>,
}

impl Client {
    pub(crate) fn new(service: Arc<Service>, addresses: Addresses) -> Self {
        Self { service, addresses, banner_shown: AtomicBool::new(false), permission: Mutex::new(None) }
    }

    fn show_banner(&self, connection: &Connection) {
        if let (Some(text), false) = (&self.service.banner, self.banner_shown.swap(true, Ordering::Relaxed)) {
            // The connection may have ended meanwhile.
            let _ = connection.send_banner(text);
        }
    }

    /// Whether what was shown is right, whatever else is wanted.
    fn is_right(&self, request: &AuthRequest) -> bool {
        let password = |password| self.service.passwords.check(&request.user, password);
        match &request.credential {
            Credential::Password(given) => password(given),
            Credential::Responses(answers) => matches!(answers.as_slice(), [only] if password(only)),
            Credential::PublicKey { key, .. } if self.service.knows(&request.user) => {
                let permission = accounts::permission(&self.service.settings.authorized_keys, key);
                let granted = permission.is_some();
                if let Some(permission) = permission {
                    self.restrict(permission);
                }
                granted
            }
            _ => false,
        }
    }
}

impl Client {
    /// What a key allows holds for the whole login: a later step can narrow it, never widen it.
    fn restrict(&self, permission: Permission) {
        let mut current = self.permission.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Some(match current.take() {
            None => permission,
            Some(before) => before.and(permission),
        });
    }
}

impl Handler for Client {
    fn key_offer(&self, connection: &Connection, offer: &KeyOffer) -> bool {
        self.show_banner(connection);
        let known = self.service.knows(&offer.user)
            && accounts::permission(&self.service.settings.authorized_keys, &offer.key).is_some();
        let (user, key) = (offer.user.escape_debug(), offer.key.fingerprint(FingerprintHash::Sha256));
        let verdict = if known { "known" } else { "not accepted" };
        log::debug(format_args!(
            "{}: {user} offers the {} key {key}: {verdict}",
            connection.peer(),
            offer.key.key_type()
        ));
        known
    }

    fn authenticate(&self, connection: &Connection, request: &AuthRequest) -> AuthAnswer {
        self.show_banner(connection);
        let method = request.credential.method();
        let answer = match &request.credential {
            Credential::KeyboardInteractive { .. } => AuthAnswer::Prompts {
                name: String::new(),
                instruction: String::new(),
                prompts: vec![Prompt { prompt: "Password: ".into(), echo: false }],
            },
            _ if self.is_right(request) => self.service.after(&request.succeeded, method),
            _ => AuthAnswer::Reject,
        };
        let outcome = match &answer {
            AuthAnswer::Accept => "accepted",
            AuthAnswer::Partial { .. } => "right, but more is wanted",
            AuthAnswer::Prompts { .. } => "asked",
            _ => "failed",
        };
        log::debug(format_args!("{}: {} {method}: {outcome}", connection.peer(), request.user.escape_debug()));
        answer
    }

    fn authenticated(&self, connection: &Connection, identity: &Identity) {
        let (user, methods) = (identity.user.escape_debug(), identity.methods.join(", "));
        log::debug(format_args!("{}: {user} is logged in with {methods}", connection.peer()));
    }

    fn session(&self, _connection: &Connection, _identity: &Identity, channel: Channel<ServerRole>) {
        let permission = self.permission.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let permission = permission.unwrap_or(Permission { command: None, terminal: true });
        session::serve(&self.service, self.addresses, &permission, channel);
    }

    fn closed(&self, connection: &Connection, reason: &CloseReason) {
        log::debug(format_args!("{}: {reason}", connection.peer()));
    }
}
