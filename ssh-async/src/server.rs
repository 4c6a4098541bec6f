//! A server's side of one connection.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use futures_util::stream::{FuturesUnordered, StreamExt};
use ssh_core::key::PrivateKey;
use ssh_core::random::OsRandom;
use ssh_core::{
    AuthAnswer, AuthRequest, ChannelOpenRequest, CloseReason, Identity, KeyOffer, Negotiated, Server, ServerConfig,
    ServerEvent, ServerRole, Timestamp, Untrusted,
};

use crate::Result;
use crate::channel::Channel;
use crate::driver::Driver;
use crate::guest::Guest;
use crate::runtime::Timer;
use crate::shared::{Handle, Shared, Topic};

/// What a server decides and does. Nothing may block: a connection and its channels are one task.
pub trait Handler: Send + Sync + 'static {
    /// Whether this key would let this user in. Nothing is proven yet; saying yes lets nobody in.
    fn key_offer(&self, connection: &Connection, offer: &KeyOffer) -> impl Future<Output = bool> + Send {
        let _ = (connection, offer);
        async { false }
    }

    /// Whether what the user showed or proved is enough.
    fn authenticate(&self, connection: &Connection, request: &AuthRequest) -> impl Future<Output = AuthAnswer> + Send;

    /// The user is in.
    fn authenticated(&self, connection: &Connection, identity: &Identity) {
        let _ = (connection, identity);
    }

    /// Serves a session channel, from its first request to its end.
    fn session(
        &self,
        connection: &Connection,
        identity: Arc<Identity>,
        channel: Channel<ServerRole>,
    ) -> impl Future<Output = ()> + Send;

    /// The connection is over.
    fn closed(&self, connection: &Connection, reason: &CloseReason) {
        let _ = (connection, reason);
    }
}

/// One client's connection, as its [`Handler`] sees it.
#[derive(Clone)]
pub struct Connection {
    handle: Arc<Handle<ServerRole>>,
    peer: Arc<str>,
}

impl Connection {
    /// Where the client is, as the listener knows it.
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// The client's identification string.
    pub fn peer_identification(&self) -> Option<Untrusted> {
        self.handle.shared.with(|state| state.inbox.endpoint.peer_identification())
    }

    /// What the latest key exchange agreed on.
    pub fn negotiated(&self) -> Option<Negotiated> {
        self.handle.shared.with(|state| state.inbox.endpoint.negotiated().copied())
    }

    /// Shows the user a text while authentication goes on.
    ///
    /// # Errors
    /// If the user is in already.
    pub fn send_banner(&self, text: &str) -> Result<()> {
        Ok(self.handle.shared.act(|state| state.inbox.endpoint.send_banner(text))?)
    }

    /// Ends the connection.
    pub fn disconnect(&self, description: &str) {
        self.handle.disconnect(description);
    }

    pub(crate) fn is_authenticated(&self) -> bool {
        self.handle.shared.with(|state| state.inbox.endpoint.is_authenticated())
    }

    /// Ends the connection once it has no channel, and opens no more.
    pub fn drain(&self) {
        self.handle.shared.act(|state| {
            state.draining = true;
            state.wake(Topic::Leader, Topic::Leader);
        });
    }
}

/// Serves one connection until it is over; says how it ended. `peer` names the client for the handler.
///
/// Host key signatures are made with `keys`, which must hold the private half of every key in the configuration. Needs no
/// runtime. Dropping the future cuts the connection off.
///
/// # Errors
/// [`Error::Config`](crate::Error::Config) if the configuration cannot work.
pub async fn serve_connection<S: AsyncRead + AsyncWrite + Unpin, H: Handler>(
    stream: S,
    timer: Pin<Box<dyn Timer>>,
    peer: &str,
    config: Arc<ServerConfig>,
    keys: &[PrivateKey],
    handler: &H,
) -> Result<CloseReason> {
    serve_guest(stream, timer, peer, config, keys, handler, &mut Guest::default()).await
}

/// As [`serve_connection`], for a client that a listener let in.
pub(crate) async fn serve_guest<S: AsyncRead + AsyncWrite + Unpin, H: Handler>(
    stream: S,
    timer: Pin<Box<dyn Timer>>,
    peer: &str,
    config: Arc<ServerConfig>,
    keys: &[PrivateKey],
    handler: &H,
    guest: &mut Guest,
) -> Result<CloseReason> {
    let server = Server::new(config, Box::new(OsRandom), Timestamp::ZERO)?;
    let shared = Arc::new(Shared::new(server));
    let connection = Connection { handle: Handle::new(&shared), peer: peer.into() };
    guest.welcome(&connection);
    let mut driver = Driver::new(shared, stream, timer);
    let mut over = None;
    let reason = {
        let mut turn = guest.turn();
        let mut conversation =
            pin!(Conversation { connection: &connection, keys, handler, guest, identity: None }.run());
        let mut ended = false;
        std::future::poll_fn(|cx| {
            // Whoever is not in yet waits for a turn, so that logins do not hold up those who are.
            let mut poll = |cx: &mut Context<'_>| {
                if over.is_none()
                    && let Poll::Ready(reason) = driver.poll_over(cx)
                {
                    over = Some(reason);
                }
                if !ended {
                    ended = conversation.as_mut().poll(cx).is_ready();
                }
                match &over {
                    Some(reason) if ended => Poll::Ready(reason.clone()),
                    _ => Poll::Pending,
                }
            };
            turn.poll(&connection, cx, &mut poll)
        })
        .await
    };
    guest.note_end(&reason);
    handler.closed(&connection, &reason);
    Ok(reason)
}

/// What a server says on one connection.
struct Conversation<'a, H> {
    connection: &'a Connection,
    keys: &'a [PrivateKey],
    handler: &'a H,
    guest: &'a mut Guest,
    identity: Option<Arc<Identity>>,
}

enum Next {
    Event(ServerEvent),
    /// The last channel has ended, and no more are wanted.
    Drained,
    Over,
}

impl<H: Handler> Conversation<'_, H> {
    /// Answers until the connection is over and all sessions have ended.
    async fn run(mut self) {
        let (connection, handler) = (self.connection, self.handler);
        let mut sessions = FuturesUnordered::new();
        let mut key = None;
        let mut drained = false;
        loop {
            let next = std::future::poll_fn(|cx| {
                while let Poll::Ready(Some(())) = sessions.poll_next_unpin(cx) {}
                let idle = sessions.is_empty() && !drained;
                let next = connection.handle.shared.poll_wait(Topic::Leader, &mut key, cx, |state| {
                    let event = state.inbox.events.pop_front().map(Next::Event);
                    event.or_else(|| (state.draining && idle).then_some(Next::Drained))
                });
                next.map(|next| next.unwrap_or(Next::Over))
            });
            match next.await {
                Next::Event(ServerEvent::ChannelOpen(request)) => {
                    if let Some((identity, channel)) = self.open(request) {
                        sessions.push(handler.session(connection, identity, channel));
                    }
                }
                Next::Event(event) => self.handle(event).await,
                Next::Drained => {
                    drained = true;
                    connection.disconnect("the server is shutting down");
                }
                Next::Over => break,
            }
        }
        while sessions.next().await.is_some() {}
    }

    /// Answers to a connection that ended meanwhile are refused, which is no error: its end comes next.
    async fn handle(&mut self, event: ServerEvent) {
        let shared = &self.connection.handle.shared;
        match event {
            ServerEvent::Sign(request) => shared.act(|state| state.inbox.sign(request, self.keys, &mut OsRandom)),
            ServerEvent::KeyOffer(offer) => {
                let would_do = self.handler.key_offer(self.connection, &offer).await;
                let _ = shared.act(|state| state.inbox.endpoint.answer_key_offer(offer, would_do));
            }
            ServerEvent::Auth(request) => {
                self.guest.attempted();
                let answer = self.handler.authenticate(self.connection, &request).await;
                let _ = shared.act(|state| state.inbox.endpoint.answer_auth(request, answer));
            }
            ServerEvent::Authenticated(identity) => {
                self.guest.authenticated();
                self.handler.authenticated(self.connection, &identity);
                self.identity = Some(Arc::new(identity));
            }
            _ => {}
        }
    }

    fn open(&self, request: ChannelOpenRequest) -> Option<(Arc<Identity>, Channel<ServerRole>)> {
        let handle = &self.connection.handle;
        let id = handle.shared.act(|state| {
            let refusal = state.draining.then_some("the server is shutting down");
            state.inbox.accept_session(request, refusal)
        })?;
        Some((self.identity.clone()?, Channel::new(Arc::clone(handle), id)))
    }
}
