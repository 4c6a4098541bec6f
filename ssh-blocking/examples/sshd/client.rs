//! One client: its login, and the sessions it opens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ssh_blocking::{Channel, Connection, Handler};
use ssh_core::files::authorized_keys::Permissions;
use ssh_core::{AuthAnswer, AuthRequest, CloseReason, Identity, KeyOffer, ServerRole};

use crate::session;
use crate::shared::log;
use crate::shared::preparation::{Addresses, Preparation};
use crate::shared::service::Service;

/// Serves one connection.
pub(crate) struct Client {
    service: Arc<Service>,
    addresses: Addresses,
    banner_shown: AtomicBool,
    /// What the keys that were shown allow.
    permissions: Mutex<Permissions>,
}

impl Client {
    pub(crate) fn new(service: Arc<Service>, addresses: Addresses) -> Self {
        Self { service, addresses, banner_shown: AtomicBool::new(false), permissions: Mutex::default() }
    }

    fn show_banner(&self, connection: &Connection) {
        if let (Some(text), false) = (&self.service.banner, self.banner_shown.swap(true, Ordering::Relaxed)) {
            // The connection may have ended meanwhile.
            let _ = connection.send_banner(text);
        }
    }

    /// What a key allows holds for the whole login: a later step can narrow it, never widen it. `false`: what it allows
    /// and what those before allow cannot both hold.
    fn restrict(&self, permissions: &Permissions) -> bool {
        let mut current = self.permissions.lock().unwrap_or_else(PoisonError::into_inner);
        let both = current.clone().and(permissions.clone());
        both.map(|both| *current = both).is_ok()
    }
}

impl Handler for Client {
    fn key_offer(&self, connection: &Connection, offer: &KeyOffer) -> bool {
        self.show_banner(connection);
        self.service.judge_offer(connection.peer(), offer)
    }

    fn authenticate(&self, connection: &Connection, request: &AuthRequest) -> AuthAnswer {
        self.show_banner(connection);
        let (answer, permissions) = self.service.judge(connection.peer(), request);
        match permissions {
            None => answer,
            Some(permissions) if self.restrict(&permissions) => answer,
            Some(_) => AuthAnswer::Reject,
        }
    }

    fn authenticated(&self, connection: &Connection, identity: &Identity) {
        Service::debug_login(connection.peer(), identity);
    }

    fn session(&self, _connection: &Connection, _identity: &Identity, channel: Channel<ServerRole>) {
        let permission = self.permissions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        session::serve(Preparation::new(Arc::clone(&self.service), self.addresses, permission), channel);
    }

    fn closed(&self, connection: &Connection, reason: &CloseReason) {
        log::debug(format_args!("{}: {reason}", connection.peer()));
    }
}
