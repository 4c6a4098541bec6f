//! Clients: their logins, and the sessions they open.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ssh_async::ssh_core::files::authorized_keys::Permissions;
use ssh_async::ssh_core::{AuthAnswer, AuthRequest, CloseReason, Identity, KeyOffer, ServerRole};
use ssh_async::{Channel, Connection, Handler, Runtime};

use crate::session;
use crate::shared::log;
use crate::shared::preparation::Preparation;
use crate::shared::service::Service;

/// Serves all connections.
pub(crate) struct Clients<T> {
    runtime: T,
    service: Arc<Service>,
    /// Where clients arrive; `None` on standard input.
    local: Option<SocketAddr>,
    /// Who has seen the banner.
    greeted: Mutex<BTreeSet<String>>,
}

impl<T: Runtime> Clients<T> {
    pub(crate) fn new(runtime: T, service: Arc<Service>, local: Option<SocketAddr>) -> Self {
        Self { runtime, service, local, greeted: Mutex::default() }
    }

    fn show_banner(&self, connection: &Connection) {
        let Some(text) = &self.service.banner else { return };
        let mut greeted = self.greeted.lock().unwrap_or_else(PoisonError::into_inner);
        if greeted.insert(connection.peer().into()) {
            // The connection may have ended meanwhile.
            let _ = connection.send_banner(text);
        }
    }
}

impl<T: Runtime> Handler for Clients<T> {
    async fn key_offer(&self, connection: &Connection, offer: &KeyOffer) -> bool {
        self.show_banner(connection);
        self.service.judge_offer(connection.peer(), offer)
    }

    async fn authenticate(&self, connection: &Connection, request: &AuthRequest) -> AuthAnswer {
        self.show_banner(connection);
        self.service.judge(connection.peer(), request).0
    }

    fn authenticated(&self, connection: &Connection, identity: &Identity) {
        Service::debug_login(connection.peer(), identity);
    }

    async fn session(&self, connection: &Connection, identity: Arc<Identity>, channel: Channel<ServerRole>) {
        let service = Arc::clone(&self.service);
        let peer = connection.peer().to_owned();
        let permission = blocking::unblock(move || permission(&service, &peer, &identity)).await;
        let Some(permission) = permission else {
            log::info(format_args!("{}: its key allows no sessions any more", connection.peer()));
            return;
        };
        let addresses = connection.peer().parse().ok().zip(self.local);
        let preparation = Preparation::new(Arc::clone(&self.service), addresses, permission);
        session::serve(&self.runtime, preparation, channel).await;
    }

    fn closed(&self, connection: &Connection, reason: &CloseReason) {
        self.greeted.lock().unwrap_or_else(PoisonError::into_inner).remove(connection.peer());
        log::debug(format_args!("{}: {reason}", connection.peer()));
    }
}

/// What all keys of a login together allow now; `None`: one of them has been taken out of the files since, or two cannot both
/// hold. Reads files.
fn permission(service: &Service, peer: &str, identity: &Identity) -> Option<Permissions> {
    let mut keys = identity.keys.iter().map(|key| service.permission(peer, &identity.user, key));
    keys.try_fold(Permissions::default(), |before, key| before.and(key?).ok())
}
