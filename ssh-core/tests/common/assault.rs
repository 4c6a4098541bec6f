//! Steps that many attacks share, and words for what must follow from them.

use hostile_peer::{Cipher, Method, Peer, Step, messages};
use ssh_core::wire::{DecodeError, MessageNumber};
use ssh_core::{
    AuthRequest, ClientConfig, CloseReason, Error, KeyOffer, PeerMisbehaved, ServerConfig, ServerEvent, Stage,
};

use super::Setup;
use super::hostile::{Meeting, Party, WithClient, WithServer};

/// A message that has no business where it came.
pub fn unexpected(number: u8, during: Stage) -> PeerMisbehaved {
    PeerMisbehaved::UnexpectedMessage { number: MessageNumber(number), during }
}

/// A message that cannot be read.
pub fn malformed(number: u8, error: DecodeError) -> PeerMisbehaved {
    PeerMisbehaved::MalformedMessage { number: MessageNumber(number), error }
}

/// A packet without keys, as anybody in the middle can make it.
pub fn clear_packet(payload: &[u8]) -> Vec<u8> {
    let mut stranger = Peer::new(hostile_peer::Role::Client, Method::Curve25519, Cipher::Aes128Gcm);
    stranger.send(payload);
    stranger.take_output()
}

/// A peer of this role's opposite that speaks one method and one cipher.
pub fn peer<P: Party>(method: Method, cipher: Cipher) -> Peer {
    Peer::new(P::PEER, method, cipher)
}

/// A server with the cheapest algorithms and fresh keys.
pub fn server(change: impl FnOnce(&mut ServerConfig)) -> WithServer {
    let setup = Setup::new(1).quick().configure(|_, server| change(server));
    Meeting::new(peer::<ssh_core::ServerRole>(Method::Curve25519, Cipher::Aes128Gcm), setup).keyed()
}

/// A client with the cheapest algorithms and fresh keys.
pub fn client(change: impl FnOnce(&mut ClientConfig)) -> WithClient {
    let setup = Setup::new(1).quick().configure(|client, _| change(client));
    Meeting::new(peer::<ssh_core::ClientRole>(Method::Curve25519, Cipher::Aes128Gcm), setup).keyed()
}

/// A server that awaits requests for authentication.
pub fn server_asked(change: impl FnOnce(&mut ServerConfig)) -> WithServer {
    let mut meeting = server(change);
    ssh_core::ServerRole::grant_service(&mut meeting);
    meeting
}

/// A client that may say who its user is.
pub fn client_asked() -> WithClient {
    let mut meeting = client(|_| ());
    ssh_core::ClientRole::grant_service(&mut meeting);
    meeting
}

/// A user is in and channel 0 is a session.
pub fn server_with_session(change: impl FnOnce(&mut ServerConfig)) -> WithServer {
    let mut meeting = server_asked(change);
    ssh_core::ServerRole::log_in(&mut meeting);
    ssh_core::ServerRole::open_session(&mut meeting);
    meeting.peer.payloads();
    meeting
}

/// The peer says this public value in a strict first exchange by `method`, and that is the end.
pub fn refuses_public_value<P: Party>(method: Method, value: &[u8], error: impl Into<Error>) {
    let mut meeting = Meeting::<P>::new(peer::<P>(method, Cipher::Aes128Gcm), Setup::new(1));
    meeting.exchange(Step::KexInit);
    match P::PEER {
        hostile_peer::Role::Client => meeting.say(&messages::kex_ecdh_init(value)),
        hostile_peer::Role::Server => {
            let key = meeting.peer.key.blob();
            meeting.say(&messages::kex_ecdh_reply(&key, value, b"signature"));
        }
    }
    meeting.only_ends_with(error);
}

impl<P: Party> Meeting<P> {
    /// The connection ended for this reason; the peer was told at most a DISCONNECT with the reason that goes with it,
    /// and hears nothing more whatever it says.
    pub fn ends_with(&mut self, error: impl Into<Error>) {
        let error = error.into();
        assert_eq!(self.closed(), Some(CloseReason::Failed(error.clone())));
        if let Some(reason) = error.disconnect_reason() {
            let last = self.peer.payloads().pop().expect("last words");
            assert_eq!(last[..5], [&[1][..], &reason.0.to_be_bytes()].concat(), "{last:02x?}");
        }
        self.say(&messages::ignore(b"more"));
        self.say(&messages::service_request("ssh-userauth"));
        assert_eq!(self.peer.payloads(), Vec::<Vec<u8>>::new());
    }

    /// It ended for this reason, and the application was told nothing else.
    pub fn only_ends_with(&mut self, error: impl Into<Error>) {
        self.ends_with(error);
        assert_eq!(self.events.len(), 1, "{:?}", self.events);
    }

    /// The connection lives, the application was told nothing, and these are the numbers of what the peer heard.
    pub fn only_says(&mut self, numbers: &[u8]) {
        assert!(self.events.is_empty(), "{:?}", self.events);
        assert_eq!(self.peer.numbers(), numbers);
    }
}

impl WithServer {
    /// The application is asked about credentials.
    pub fn request(&mut self) -> AuthRequest {
        match self.event() {
            ServerEvent::Auth(request) => request,
            other => panic!("{other:?}"),
        }
    }

    /// The application is asked about a key.
    pub fn offer(&mut self) -> KeyOffer {
        match self.event() {
            ServerEvent::KeyOffer(offer) => offer,
            other => panic!("{other:?}"),
        }
    }

    /// The request is refused, and the application hears nothing of it.
    pub fn refuses(&mut self, request: &[u8]) {
        self.say(request);
        self.only_says(&[51]);
    }
}
