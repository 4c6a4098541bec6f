//! A server's side of one connection.

use std::sync::Arc;

use ssh_core::adapter::SessionError;
use ssh_core::key::PrivateKey;
use ssh_core::random::OsRandom;
use ssh_core::{
    AuthAnswer, AuthRequest, ChannelOpenRequest, CloseReason, Identity, KeyOffer, Negotiated, Server, ServerConfig,
    ServerEvent, ServerRole, Untrusted,
};

use crate::channel::Channel;
use crate::driver::{Deadline, Driver, GOODBYE};
use crate::error::{Error, Result};
use crate::guest::Guest;
use crate::sync::thread;
use crate::transport::Transport;

/// What a server decides and does. Methods may block: each connection has a thread of its own, and so has each channel.
pub trait Handler: Send + Sync + 'static {
    /// Whether this key would let this user in. Nothing is proven yet; saying yes lets nobody in.
    fn key_offer(&self, connection: &Connection, offer: &KeyOffer) -> bool {
        let _ = (connection, offer);
        false
    }

    /// Whether what the user showed or proved is enough.
    fn authenticate(&self, connection: &Connection, request: &AuthRequest) -> AuthAnswer;

    /// The user is in.
    fn authenticated(&self, connection: &Connection, identity: &Identity) {
        let _ = (connection, identity);
    }

    /// Serves a session channel, from its first request to its end, on a thread of its own.
    fn session(&self, connection: &Connection, identity: &Identity, channel: Channel<ServerRole>);

    /// The connection is over.
    fn closed(&self, connection: &Connection, reason: &CloseReason) {
        let _ = (connection, reason);
    }
}

/// One client's connection, as its [`Handler`] sees it.
#[derive(Clone)]
pub struct Connection {
    driver: Arc<Driver<ServerRole>>,
    peer: Arc<str>,
}

impl Connection {
    /// Where the client is, as the listener knows it.
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// The client's identification string.
    pub fn peer_identification(&self) -> Option<Untrusted> {
        self.driver.act(|state| state.inbox.endpoint.peer_identification())
    }

    /// What the latest key exchange agreed on.
    pub fn negotiated(&self) -> Option<Negotiated> {
        self.driver.act(|state| state.inbox.endpoint.negotiated().copied())
    }

    /// Shows the user a text while authentication goes on.
    ///
    /// # Errors
    /// If the user is in already.
    pub fn send_banner(&self, text: &str) -> Result<()> {
        Ok(self.driver.act(|state| state.inbox.endpoint.send_banner(text))?)
    }

    /// Ends the connection.
    pub fn disconnect(&self, description: &str) {
        self.driver.disconnect(description);
    }
}

/// Serves one connection until it is over; says how it ended. `peer` names the client for the handler.
///
/// Host key signatures are made with `keys`, which must hold the private half of every key in the configuration.
///
/// # Errors
/// [`Error::Config`] if the configuration cannot work, [`Error::Io`] if the transport failed.
pub fn serve_connection<H: Handler>(
    transport: impl Transport + 'static,
    peer: &str,
    config: Arc<ServerConfig>,
    keys: Arc<[PrivateKey]>,
    handler: &Arc<H>,
) -> Result<CloseReason> {
    serve_guest(transport, peer, config, keys, handler, None)
}

/// As [`serve_connection`], for a client that has a place to give back.
pub(crate) fn serve_guest<H: Handler>(
    transport: impl Transport + 'static,
    peer: &str,
    config: Arc<ServerConfig>,
    keys: Arc<[PrivateKey]>,
    handler: &Arc<H>,
    mut guest: Option<Guest>,
) -> Result<CloseReason> {
    let driver = Driver::new(Box::new(transport), |now| Ok(Server::new(config, Box::new(OsRandom), now)?))?;
    let connection = Connection { driver: Arc::new(driver), peer: peer.into() };
    let conversation =
        Conversation { connection: &connection, keys: &keys, handler, guest: guest.as_mut(), identity: None };
    let ended = conversation.run();
    // A transport that failed has ended the connection too.
    let reason = connection.driver.act(|state| state.inbox.closed().cloned());
    if let Some(guest) = &mut guest {
        guest.leave(reason.as_ref());
    }
    if let Some(reason) = reason {
        handler.closed(&connection, &reason);
    }
    ended
}

/// The leading thread's view of a connection.
struct Conversation<'a, H> {
    connection: &'a Connection,
    keys: &'a [PrivateKey],
    handler: &'a Arc<H>,
    guest: Option<&'a mut Guest>,
    identity: Option<Arc<Identity>>,
}

impl<H: Handler> Conversation<'_, H> {
    fn run(mut self) -> Result<CloseReason> {
        let driver = &self.connection.driver;
        loop {
            match driver.wait(Deadline::new("serving", None), |state| state.inbox.events.pop_front()) {
                Ok(event) => self.handle(event)?,
                Err(Error::Session(SessionError::Closed(reason))) => {
                    // What is still queued, the reason above all, gets a moment to leave.
                    let _ = driver.flush(Deadline::new("saying goodbye", Some(GOODBYE)));
                    return Ok(reason);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Answers to a connection that ended meanwhile are refused, which is no error: its end comes next.
    fn handle(&mut self, event: ServerEvent) -> Result<()> {
        let driver = &self.connection.driver;
        match event {
            ServerEvent::Sign(request) => driver.act(|state| state.inbox.sign(request, self.keys, &mut OsRandom)),
            ServerEvent::KeyOffer(offer) => {
                let would_do = self.handler.key_offer(self.connection, &offer);
                let _ = driver.act(|state| state.inbox.endpoint.answer_key_offer(offer, would_do));
            }
            ServerEvent::Auth(request) => {
                if let Some(guest) = &mut self.guest {
                    guest.place.attempted();
                }
                let answer = self.handler.authenticate(self.connection, &request);
                let _ = driver.act(|state| state.inbox.endpoint.answer_auth(request, answer));
            }
            ServerEvent::ChannelOpen(request) => self.open(request)?,
            ServerEvent::Authenticated(identity) => {
                if let Some(guest) = &mut self.guest {
                    guest.authenticated();
                }
                self.handler.authenticated(self.connection, &identity);
                self.identity = Some(Arc::new(identity));
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&self, request: ChannelOpenRequest) -> Result<()> {
        let driver = &self.connection.driver;
        let accepted = driver.act(|state| state.inbox.accept_session(request, None));
        let (Some(id), Some(identity)) = (accepted, self.identity.clone()) else { return Ok(()) };
        let channel = Channel::new(Arc::clone(driver), id, None);
        let handler = Arc::clone(self.handler);
        let connection = self.connection.clone();
        let serve = move || handler.session(&connection, &identity, channel);
        // Without a thread the channel is dropped, which closes it.
        thread::Builder::new().name("ssh-session".into()).spawn(serve).map_err(Error::Io).map(drop)
    }
}
