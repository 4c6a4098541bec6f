//! An agent's mind: which keys there are, and what may be done with them.

mod lock;
mod permission;

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use lock::Lock;
use permission::{BoundSession, UserauthRequestData};

use super::client::AgentIdentity;
use super::constraint::{Constraints, DestinationConstraint};
use super::error::AgentError;
use super::frame::MAX_FRAME_LENGTH;
use super::message::{AgentAnswer, AgentRequest, KeyToAdd, SignFlags};
use super::server::AgentServer;
use super::session::SESSION_BIND;
use crate::key::{HostKeyProof, PrivateKey, PublicKey};
use crate::protocol::ByteProtocol;
use crate::random::SecureRandom;
use crate::time::{Timestamp, UnixTime};
use crate::wire::Writer;

/// Asks which extensions there are (draft-ietf-sshm-ssh-agent §3.8.1).
const QUERY: &str = "query";
/// Most sessions that one connection may be bound to: hosts that the agent was forwarded through. OpenSSH's limit too.
const MAX_SESSIONS: usize = 16;

/// Keys in memory that sign for whoever is connected, each within its [`Constraints`].
///
/// One keyring serves any number of [`AgentConnection`]s. It holds as many keys as one answer can list, some hundreds.
/// Keys of tokens are refused: no library is ever loaded (CVE-2023-38408).
#[derive(Default)]
pub struct Keyring {
    held: Vec<Held>,
    lock: Option<Lock>,
    failed_unlocks: u32,
}

struct Held {
    key: PrivateKey,
    /// What others know it by: its public half or a certificate of that.
    public: PublicKey,
    comment: String,
    expires: Option<Timestamp>,
    confirm: bool,
    destinations: Vec<DestinationConstraint>,
}

/// What time it is, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentTime {
    /// For the lifetime of keys.
    pub now: Timestamp,
    /// For the certificates of hosts.
    pub calendar: UnixTime,
}

/// One client of a [`Keyring`], and the sessions that it serves.
#[derive(Default)]
pub struct AgentConnection {
    server: AgentServer,
    sessions: Vec<BoundSession>,
    /// From then on, being bound to nothing is no excuse.
    tried_to_bind: bool,
    /// What waits for a person.
    parked: Option<SignatureRequest>,
    turn: u64,
}

struct SignatureRequest {
    key: PublicKey,
    data: Vec<u8>,
    flags: SignFlags,
}

/// A person has to consent to a signature; tell [`Keyring::answer_consent`].
#[derive(Debug)]
#[non_exhaustive]
pub struct ConsentNeeded {
    /// The key that is to sign.
    pub key: PublicKey,
    /// What its user calls it. Escape it before it is shown.
    pub comment: String,
    /// Whom it is to log in, and by the key of which host, if the connection was bound to a session.
    pub destination: Option<(String, PublicKey)>,
    turn: u64,
}

enum Decision {
    Answer(AgentAnswer),
    Ask(ConsentNeeded),
}

impl Keyring {
    /// No key, not locked.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a key, in place of itself if it is there. Says whether there was room.
    #[must_use]
    pub fn add(&mut self, key: KeyToAdd, now: Timestamp) -> bool {
        let KeyToAdd { key, certificate, comment, constraints } = key;
        let Constraints { lifetime, confirm, destinations } = constraints;
        let public = certificate.unwrap_or_else(|| key.public_key().clone());
        let expires = lifetime.map(|seconds| now.saturating_add(Duration::from_secs(seconds.into())));
        let others = self.held.iter().filter(|held| held.public != public);
        let listed =
            others.map(Held::identity).chain([AgentIdentity { key: public.clone(), comment: comment.clone() }]);
        if AgentAnswer::Identities(listed.collect()).room() > MAX_FRAME_LENGTH {
            return false;
        }
        self.held.retain(|held| held.public != public);
        self.held.push(Held { key, public, comment, expires, confirm, destinations });
        true
    }

    /// The keys it has, whatever they are constrained to and even while it is locked.
    pub fn identities(&self) -> impl Iterator<Item = AgentIdentity> {
        self.held.iter().map(Held::identity)
    }

    /// How many wrong passphrases came since it was locked. Whoever moves the bytes delays the answers by it, so that
    /// guessing takes its time.
    pub const fn failed_unlocks(&self) -> u32 {
        self.failed_unlocks
    }

    /// When the next key is to be forgotten.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.held.iter().filter_map(|held| held.expires).min()
    }

    /// Forgets the keys whose time is over.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.held.retain(|held| held.expires.is_none_or(|expires| now < expires));
    }

    /// Answers what a client asked for, until a person has to be asked; the client's next requests wait for that.
    pub fn serve(
        &mut self,
        connection: &mut AgentConnection,
        time: AgentTime,
        random: &mut dyn SecureRandom,
    ) -> Option<ConsentNeeded> {
        self.handle_timeout(time.now);
        while let Some(request) = connection.poll_request() {
            match self.decide(connection, request, time, random) {
                Decision::Answer(answer) => connection.server.answer(&answer),
                Decision::Ask(needed) => return Some(needed),
            }
        }
        None
    }

    /// What a person said. If the key is gone or the keyring was locked in the meantime, the answer is no.
    pub fn answer_consent(
        &mut self,
        connection: &mut AgentConnection,
        needed: ConsentNeeded,
        consents: bool,
        time: AgentTime,
        random: &mut dyn SecureRandom,
    ) {
        self.handle_timeout(time.now);
        let Some(request) = connection.parked.take_if(|_| needed.turn == connection.turn) else { return };
        let held = self.find(&request.key).filter(|_| consents && self.lock.is_none());
        let held = held.filter(|held| held.may_sign(connection, &request.data, time.calendar));
        connection.server.answer(&held.map_or(AgentAnswer::Failure, |held| held.sign(&request, random)));
    }

    fn decide(
        &mut self,
        connection: &mut AgentConnection,
        request: AgentRequest,
        time: AgentTime,
        random: &mut dyn SecureRandom,
    ) -> Decision {
        let locked = self.lock.is_some();
        let done = |done| if done { AgentAnswer::Success } else { AgentAnswer::Failure };
        Decision::Answer(match request {
            AgentRequest::Unlock(passphrase) => done(self.unlock(passphrase.expose())),
            AgentRequest::Identities if locked => AgentAnswer::Identities(Vec::new()),
            _ if locked => AgentAnswer::Failure,
            AgentRequest::Identities => AgentAnswer::Identities(self.visible(connection, time.calendar)),
            AgentRequest::Sign { key, data, flags } => {
                return self.decide_signature(connection, SignatureRequest { key, data, flags }, time, random);
            }
            AgentRequest::Add(key) => done(self.may_replace(&key, connection, time) && self.add(*key, time.now)),
            AgentRequest::Remove(key) => done(self.remove(&key, connection, time)),
            AgentRequest::RemoveAll => {
                self.held.retain(|held| !held.is_visible(connection, time.calendar));
                AgentAnswer::Success
            }
            AgentRequest::Lock(passphrase) => match Lock::new(passphrase.expose(), random) {
                Ok(lock) => {
                    (self.lock, self.failed_unlocks) = (Some(lock), 0);
                    AgentAnswer::Success
                }
                Err(_) => AgentAnswer::Failure,
            },
            AgentRequest::BindSession { session, is_forwarding } => done(connection.bind(session, is_forwarding)),
            AgentRequest::Extension { name, .. } if name == QUERY => query(),
            AgentRequest::Extension { .. } => AgentAnswer::Failure,
        })
    }

    fn decide_signature(
        &self,
        connection: &mut AgentConnection,
        request: SignatureRequest,
        time: AgentTime,
        random: &mut dyn SecureRandom,
    ) -> Decision {
        let Some(held) = self.find(&request.key).filter(|held| held.may_sign(connection, &request.data, time.calendar))
        else {
            return Decision::Answer(AgentAnswer::Failure);
        };
        if !held.confirm {
            return Decision::Answer(held.sign(&request, random));
        }
        connection.turn += 1;
        let needed = ConsentNeeded {
            key: held.public.clone(),
            comment: held.comment.clone(),
            destination: connection.destination(&request),
            turn: connection.turn,
        };
        connection.parked = Some(request);
        Decision::Ask(needed)
    }

    fn find(&self, key: &PublicKey) -> Option<&Held> {
        self.held.iter().find(|held| held.public == *key)
    }

    fn visible(&self, connection: &AgentConnection, now: UnixTime) -> Vec<AgentIdentity> {
        self.held.iter().filter(|held| held.is_visible(connection, now)).map(Held::identity).collect()
    }

    /// A client that cannot see a key cannot loosen its constraints by adding it again.
    fn may_replace(&self, key: &KeyToAdd, connection: &AgentConnection, time: AgentTime) -> bool {
        let public = key.certificate.as_ref().unwrap_or_else(|| key.key.public_key());
        self.find(public).is_none_or(|held| held.is_visible(connection, time.calendar))
    }

    fn remove(&mut self, key: &PublicKey, connection: &AgentConnection, time: AgentTime) -> bool {
        let before = self.held.len();
        self.held.retain(|held| held.public != *key || !held.is_visible(connection, time.calendar));
        self.held.len() < before
    }

    fn unlock(&mut self, passphrase: &[u8]) -> bool {
        let Some(lock) = &self.lock else { return false };
        let right = lock.opens_with(passphrase);
        if right {
            self.lock = None;
        } else {
            self.failed_unlocks = self.failed_unlocks.saturating_add(1);
        }
        right
    }
}

impl Held {
    fn identity(&self) -> AgentIdentity {
        AgentIdentity { key: self.public.clone(), comment: self.comment.clone() }
    }

    /// Whether a client may know of it, and dispose of it.
    fn is_visible(&self, connection: &AgentConnection, now: UnixTime) -> bool {
        permission::is_permitted(
            &self.destinations,
            &connection.sessions,
            connection.tried_to_bind,
            permission::Use::Show,
            now,
        )
    }

    /// With destinations, it signs nothing but the login to which the session leads.
    fn may_sign(&self, connection: &AgentConnection, data: &[u8], now: UnixTime) -> bool {
        if self.destinations.is_empty() {
            return true;
        }
        let (Some(request), Some(session)) =
            (UserauthRequestData::read(data, &self.public), connection.sessions.last())
        else {
            return false;
        };
        let purpose = permission::Use::LogIn { user: request.user };
        request.is_for(session)
            && permission::is_permitted(&self.destinations, &connection.sessions, true, purpose, now)
    }

    fn sign(&self, request: &SignatureRequest, random: &mut dyn SecureRandom) -> AgentAnswer {
        let algorithm = request.flags.algorithm(&self.public);
        self.key.sign(&algorithm, &request.data, random).map_or(AgentAnswer::Failure, AgentAnswer::Signature)
    }
}

fn query() -> AgentAnswer {
    let mut contents = Vec::new();
    let mut writer = Writer::new(&mut contents);
    writer.string(QUERY.as_bytes());
    writer.string(SESSION_BIND);
    AgentAnswer::Extension { name: QUERY.into(), contents }
}

impl AgentConnection {
    /// A connection at its beginning, bound to no session.
    pub fn new() -> Self {
        Self::default()
    }

    /// Why the conversation is over, if it is: close the connection.
    pub const fn failure(&self) -> Option<&AgentError> {
        self.server.failure()
    }

    fn poll_request(&mut self) -> Option<AgentRequest> {
        if self.parked.is_some() { None } else { self.server.poll_request() }
    }

    /// Once bound to a session that logs in, it is bound for good; sessions that forward form a chain.
    fn bind(&mut self, proof: HostKeyProof, is_forwarding: bool) -> bool {
        self.tried_to_bind = true;
        if !proof.is_genuine() || self.sessions.iter().any(|session| !session.is_forwarding) {
            return false;
        }
        let HostKeyProof { host_key, session_id, .. } = proof;
        if let Some(known) = self.sessions.iter().find(|session| session.session_id == session_id) {
            return known.host_key == host_key && known.is_forwarding == is_forwarding;
        }
        let has_room = self.sessions.len() < MAX_SESSIONS;
        if has_room {
            self.sessions.push(BoundSession { host_key, session_id, is_forwarding });
        }
        has_room
    }

    fn destination(&self, request: &SignatureRequest) -> Option<(String, PublicKey)> {
        let session = self.sessions.last()?;
        let userauth = UserauthRequestData::read(&request.data, &request.key)?;
        userauth.is_for(session).then(|| (userauth.user.into(), session.host_key.clone()))
    }
}

impl ByteProtocol for AgentConnection {
    fn handle_input(&mut self, bytes: &[u8]) -> usize {
        self.server.handle_input(bytes)
    }

    fn poll_output(&mut self) -> &[u8] {
        self.server.poll_output()
    }

    fn consume_output(&mut self, n: usize) {
        self.server.consume_output(n);
    }
}
