//! The machine inside an endpoint. It is not generic: what differs by role stands beside it as data.
//!
//! ```text
//!   receiver ─► gate ─► transport ─┬─► auth ───────┬─► events
//!                                  └─► connection ─┘
//!   outbound ◄─────────────────────────────────────── commands, answers
//! ```

use alloc::{boxed::Box, collections::VecDeque, string::String, sync::Arc, vec::Vec};

use super::event::{CoreEvent, HostKeyRequest, SignRequest};
use super::host_key_learning::HostKeysToProve;
use super::host_key_proving::HostKeyProving;
use super::timers::{Since, Timers};
use crate::auth::{ClientAuth, ClientAuthEvent, ServerAuth, ServerAuthConfig, ServerAuthEvent, SessionBinding};
use crate::config::{ConfigError, KeepAlive, Limits, RekeyPolicy, ServerConfig};
use crate::connection::{Connection, ConnectionEvent, Step};
use crate::crypto::Algorithms;
use crate::crypto::compression::CompressionLevel;
use crate::crypto::kex::KexSettings;
use crate::crypto::signature::SignatureAlgorithm;
use crate::error::{CloseReason, Error, LimitKind, PeerMisbehaved, Stage};
use crate::message::{DecodeMessage, Disconnect, ExtInfo, Ping, Pong, Unimplemented};
use crate::packet::{IdentificationReader, Packet, Receiver, Sender, excerpt};
use crate::random::{ChaChaRandom, SecureRandom};
use crate::recorder::{Kind, Recorder};
use crate::time::Timestamp;
use crate::transcript::{Direction, Transcript};
use crate::transport::{
    KexEvent, Outbound, Phase, Side, SignatureWanted, Transport, TransportConfig, Verdict, read_extensions, verdict,
};
use crate::untrusted::Untrusted;
use crate::wire::{DecodeError, DisconnectReason, MessageNumber};

/// Buffers up to this size are kept when nothing goes on.
const KEPT_BUFFERS: usize = 12 * 1024;

/// A role's configuration as the core needs it.
pub struct CoreConfig {
    pub(super) side: Side,
    pub(super) algorithms: Arc<Algorithms>,
    pub(super) host_based_algorithms: Option<Vec<&'static dyn SignatureAlgorithm>>,
    pub(super) limits: Limits,
    pub(super) rekey: RekeyPolicy,
    pub(super) keepalive: Option<KeepAlive>,
    pub(super) identification: String,
    pub(super) require_strict_kex: bool,
    pub(super) kex: KexSettings,
    pub(super) first_kex_packet_follows: bool,
    pub(super) compression_level: CompressionLevel,
    pub(super) transcript_entries: usize,
    pub(super) server: Option<Arc<ServerConfig>>,
}

/// One connection.
pub(super) struct Core {
    pub(super) config: CoreConfig,
    pub(super) phase: Phase,
    /// Present until the peer's identification has come.
    identification: Option<IdentificationReader>,
    pub(super) receiver: Receiver,
    pub(super) outbound: Outbound,
    pub(super) transport: Transport,
    pub(super) auth: Option<Auth>,
    pub(super) connection: Option<Connection>,
    pub(super) random: Box<dyn SecureRandom>,
    pub(super) timers: Timers,
    /// Events that commands caused.
    pub(super) events: VecDeque<CoreEvent>,
    /// How it ended, until that is reported.
    ending: Option<CloseReason>,
    pub(super) reported: bool,
    /// Nothing can be written any more: output is dropped.
    pub(super) write_closed: bool,
    /// Numbers the decisions about host keys and signatures.
    pub(super) turn: u64,
    /// The one that the key exchange or the authentication waits for.
    pub(super) awaited: u64,
    /// Present while a server's keys are being proven to a client that asked for it.
    pub(super) proving: Option<HostKeyProving>,
    /// Present while a server is asked to prove keys.
    pub(super) to_prove: Option<HostKeysToProve>,
    /// Key exchanges so far, as long as nobody is authenticated.
    early_exchanges: u32,
    /// Writes down what the endpoint is given.
    pub(super) recorder: Option<Box<Recorder>>,
}

/// Authentication, by role.
pub(super) enum Auth {
    Client(ClientAuth),
    Server(ServerAuth),
}

/// What a step achieved.
enum Progress {
    /// Nothing is left to do.
    Idle,
    /// Something was done, but nothing happened that the application must know.
    Done,
    Event(CoreEvent),
}

impl From<Option<CoreEvent>> for Progress {
    fn from(event: Option<CoreEvent>) -> Self {
        event.map_or(Self::Done, Self::Event)
    }
}

impl Core {
    pub(super) fn new(
        config: CoreConfig,
        mut random: Box<dyn SecureRandom>,
        now: Timestamp,
    ) -> Result<Self, ConfigError> {
        let padding = ChaChaRandom::seeded_by(&mut *random).map_err(|_| ConfigError::Random)?;
        let mut turn = [0; 8];
        random.fill(&mut turn).map_err(|_| ConfigError::Random)?;
        let limits = config.limits;
        let transport = Transport::new(TransportConfig {
            side: config.side,
            algorithms: Arc::clone(&config.algorithms),
            host_keys: config.server.as_ref().map(|server| server.host_keys.clone()).unwrap_or_default(),
            require_strict_kex: config.require_strict_kex,
            kex: config.kex.clone(),
            first_kex_packet_follows: config.first_kex_packet_follows,
        });
        if !transport.can_authenticate_host() {
            return Err(ConfigError::NoHostKey);
        }
        let early_buffer = limits.input_buffer.min(limits.max_packet_before_auth as usize);
        let mut core = Self {
            phase: Phase::KeyExchange,
            identification: Some(IdentificationReader::default()),
            receiver: Receiver::new(limits.max_packet_before_auth, early_buffer),
            outbound: Outbound::new(Sender::new(padding), limits.max_deferred_bytes),
            transport,
            auth: None,
            connection: None,
            random,
            timers: Timers::new(now),
            events: VecDeque::new(),
            ending: None,
            reported: false,
            write_closed: false,
            turn: u64::from_le_bytes(turn),
            awaited: u64::from_le_bytes(turn),
            proving: None,
            to_prove: None,
            early_exchanges: 0,
            recorder: None,
            config,
        };
        if core.config.transcript_entries > 0 {
            let transcript = Transcript::new(core.config.transcript_entries, now);
            *core.outbound.sender.transcript() = Some(Box::new(transcript));
        }
        core.outbound.sender.set_compression_level(core.config.compression_level);
        core.send_first_words().map_err(|_| ConfigError::Random)?;
        Ok(core)
    }

    /// RFC 4253 §4.2 and §7.1: nothing needs to be heard first, so identification and KEXINIT share one flight.
    fn send_first_words(&mut self) -> Result<(), Error> {
        let line = &self.config.identification;
        self.transport.set_identification(self.config.side, line.as_bytes());
        self.outbound.sender.raw(line.as_bytes());
        self.outbound.sender.raw(b"\r\n");
        self.transport.start(&mut self.outbound, &mut *self.random)
    }

    /// The next event. Every packet that precedes it is dealt with.
    pub(super) fn poll_event(&mut self) -> Option<CoreEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.is_ending() {
                return self.report_ending();
            }
            match self.step() {
                Ok(Progress::Event(event)) => return Some(event),
                Ok(Progress::Done) => {}
                Ok(Progress::Idle) => return None,
                Err(error) => self.fail(error),
            }
        }
    }

    pub(super) fn fail(&mut self, error: Error) {
        if let Some(reason) = error.disconnect_reason() {
            self.send_disconnect(reason, error.disconnect_description());
        }
        self.end(CloseReason::Failed(error));
    }

    pub(super) fn disconnect(&mut self, reason: DisconnectReason, description: &str) {
        self.note(Kind::Disconnect, |writer| {
            writer.uint32(reason.0);
            writer.string(description.as_bytes());
        });
        if !self.is_ending() {
            self.send_disconnect(reason, description);
            self.end(CloseReason::Local);
        }
    }

    fn send_disconnect(&mut self, reason: DisconnectReason, description: &str) {
        let description = crate::untrusted::cut(description, 1024).as_bytes();
        self.outbound.send(&Disconnect { reason_code: reason.0, description, language_tag: b"" });
    }

    /// Nothing is taken or done from here on; what is queued still goes out. Channels keep what was not read.
    fn end(&mut self, reason: CloseReason) {
        if !self.is_ending() {
            self.phase = Phase::Closed;
            self.outbound.end();
            self.timers.linger();
            self.ending = Some(reason);
        }
    }

    fn report_ending(&mut self) -> Option<CoreEvent> {
        let reason = self.ending.take()?;
        self.reported = true;
        self.timers.linger();
        Some(CoreEvent::Closed(reason))
    }

    /// Does one thing.
    fn step(&mut self) -> Result<Progress, Error> {
        if let Some(reader) = &mut self.identification {
            return match read_identification(reader, &mut self.receiver, &mut self.transport)? {
                true => {
                    self.identification = None;
                    Ok(Progress::Done)
                }
                false => self.idle(),
            };
        }
        if let Some(connection) = &mut self.connection {
            if let Some(event) = connection.next_writable(&self.outbound) {
                return Ok(Progress::Event(connection_event(event)));
            }
            self.rekey_if_due()?;
            self.settle_slot();
        }
        if self.is_parked() || self.outbound.is_full() {
            return Ok(Progress::Idle);
        }
        match self.receiver.next_packet()? {
            Some(packet) => {
                self.check_limits()?;
                self.timers.packet_received();
                let progress = self.handle_packet(&packet)?;
                self.outbound.check_limit()?;
                Ok(progress)
            }
            None => self.idle(),
        }
    }

    /// Data that lies unread in the input buffer must not keep the buffer from being used again: what is consumed or
    /// given up is let go, what other packets have left far behind goes to its channel's queue.
    fn settle_slot(&mut self) {
        if self.receiver.held_is_overtaken() {
            self.empty_slot();
        }
        if self.connection.as_ref().is_some_and(|connection| !connection.has_slot()) {
            self.receiver.release();
        }
    }

    /// Moves data that lies unread in the input buffer to its channel's queue.
    pub(super) fn empty_slot(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.take_slot(self.receiver.held());
            self.receiver.release();
        }
    }

    /// Nothing whole is buffered: that is the end if the stream has ended.
    fn idle(&mut self) -> Result<Progress, Error> {
        if self.receiver.end_of_stream() {
            return self.handle_end_of_stream();
        }
        if self.buffer_memory() > KEPT_BUFFERS && self.phase == Phase::Connection {
            self.timers.plan_trim();
        }
        Ok(Progress::Idle)
    }

    /// Whether somebody outside must decide before the next packet may be looked at.
    fn is_parked(&self) -> bool {
        self.transport.is_parked() || matches!(&self.auth, Some(Auth::Server(auth)) if auth.is_parked())
    }

    fn handle_end_of_stream(&mut self) -> Result<Progress, Error> {
        let orderly = self.connection.as_ref().is_some_and(|connection| !connection.has_channels());
        if self.identification.is_some() {
            return Err(Error::NotSsh { received: excerpt(self.receiver.unread()) });
        }
        if orderly && self.receiver.unread().is_empty() {
            self.end(CloseReason::Peer);
            return Ok(Progress::Done);
        }
        Err(Error::ConnectionLost { during: self.stage() })
    }

    /// Asks the gate, then hands the message to the layer it belongs to.
    fn handle_packet(&mut self, packet: &Packet) -> Result<Progress, Error> {
        let payload = self.receiver.payload(packet);
        if let Some(transcript) = self.outbound.sender.transcript() {
            transcript.note(Direction::Received, packet.sequence_number, payload);
        }
        let Some((&number, _)) = payload.split_first() else {
            return Err(PeerMisbehaved::Padding.into());
        };
        let number = MessageNumber(number);
        let strict = self.transport.is_strict();
        match verdict(self.config.side, self.phase, self.transport.phase(), strict, number) {
            Verdict::Handle => self.dispatch(number, packet),
            Verdict::Ignore => Ok(Progress::Done),
            Verdict::Unimplemented => {
                self.outbound.send(&Unimplemented { packet_sequence_number: packet.sequence_number });
                Ok(Progress::Done)
            }
            Verdict::Disconnect => Err(PeerMisbehaved::UnexpectedMessage { number, during: self.stage() }.into()),
        }
    }

    fn dispatch(&mut self, number: MessageNumber, packet: &Packet) -> Result<Progress, Error> {
        match number.0 {
            80..=100 => self.dispatch_connection(number, packet),
            50..=79 => self.dispatch_auth(number, packet),
            20..=49 => self.dispatch_kex(number, packet),
            _ => self.dispatch_transport(number, packet),
        }
    }

    /// 1 to 19, 192 and 193.
    fn dispatch_transport(&mut self, number: MessageNumber, packet: &Packet) -> Result<Progress, Error> {
        let body = body(&self.receiver, packet);
        let malformed = |error: DecodeError| PeerMisbehaved::MalformedMessage { number, error };
        match number {
            MessageNumber::DISCONNECT => {
                let message = Disconnect::decode(body).map_err(malformed)?;
                let reason = DisconnectReason(message.reason_code);
                let description = Untrusted::new(message.description);
                if self.phase == Phase::Connection && reason == DisconnectReason::BY_APPLICATION {
                    self.end(CloseReason::Peer);
                    return Ok(Progress::Done);
                }
                return Err(Error::Disconnected { reason, description, during: self.stage() });
            }
            MessageNumber::PING => {
                let data = Ping::decode(body).map_err(malformed)?.data;
                self.outbound.send(&Pong { data });
            }
            MessageNumber::EXT_INFO => {
                // RFC 8308 §2.4: the first message after NEWKEYS, or right before USERAUTH_SUCCESS.
                if self.phase == Phase::Service && self.receiver.packets() != 1 {
                    return Err(PeerMisbehaved::UnexpectedMessage { number, during: self.stage() }.into());
                }
                let message = ExtInfo::decode(body).map_err(malformed)?;
                let extensions = read_extensions(&message).map_err(malformed)?;
                if let Some(Auth::Client(auth)) = &mut self.auth {
                    auth.handle_ext_info(extensions)?;
                }
            }
            MessageNumber::SERVICE_REQUEST | MessageNumber::SERVICE_ACCEPT => {
                let event = match &mut self.auth {
                    Some(Auth::Server(auth)) => {
                        auth.handle_service_request(body, &mut self.outbound)?;
                        None
                    }
                    Some(Auth::Client(auth)) => Some(auth.handle_service_accept(body)?),
                    None => None,
                };
                self.phase = Phase::Authentication;
                return Ok(event.map(|event| self.client_auth_event(event)).into());
            }
            _ => {}
        }
        Ok(Progress::Done)
    }

    fn dispatch_kex(&mut self, number: MessageNumber, packet: &Packet) -> Result<Progress, Error> {
        let payload = self.receiver.payload(packet);
        let body = payload.get(1..).unwrap_or_default();
        let event = match number {
            MessageNumber::KEXINIT => {
                if self.phase != Phase::Connection {
                    self.early_exchanges += 1;
                    if self.early_exchanges > Limits::EXCHANGES_BEFORE_AUTH {
                        return Err(Error::LimitExceeded(LimitKind::EarlyKeyExchanges));
                    }
                }
                let packets_before = u64::from(packet.sequence_number);
                self.transport.handle_kexinit(payload, packets_before, &mut self.outbound, &mut *self.random)?;
                self.timers.exchange_since.get_or_insert(Since::WhenTold);
                None
            }
            MessageNumber::NEWKEYS => {
                let body = body.to_vec();
                Some(self.transport.handle_newkeys(&body, &mut self.receiver)?)
            }
            _ => self.transport.handle_method(number, body, &mut self.outbound, &mut *self.random)?,
        };
        Ok(event.and_then(|event| self.kex_event(event)).into())
    }

    fn dispatch_auth(&mut self, number: MessageNumber, packet: &Packet) -> Result<Progress, Error> {
        let body = body(&self.receiver, packet);
        let session = SessionBinding {
            session_id: self.transport.session_id().unwrap_or_default(),
            host_key: self.transport.host_key().unwrap_or_default(),
        };
        match &mut self.auth {
            Some(Auth::Client(auth)) => {
                let event = auth.handle(number, body, session)?;
                Ok(Progress::Event(self.client_auth_event(event)))
            }
            Some(Auth::Server(auth)) => {
                let config = server_auth_config(&self.config);
                let event = match number {
                    MessageNumber::USERAUTH_REQUEST => {
                        auth.handle_request(body, session, config, &mut self.outbound)?
                    }
                    _ => auth.handle_info_response(body, config, &mut self.outbound)?,
                };
                Ok(event.map(|event| self.server_auth_event(event)).into())
            }
            None => Err(PeerMisbehaved::UnexpectedMessage { number, during: Stage::Authentication }.into()),
        }
    }

    fn dispatch_connection(&mut self, number: MessageNumber, packet: &Packet) -> Result<Progress, Error> {
        let Some(connection) = &mut self.connection else {
            return Err(PeerMisbehaved::UnexpectedMessage { number, during: Stage::Connection }.into());
        };
        if matches!(number, MessageNumber::CHANNEL_DATA | MessageNumber::CHANNEL_EXTENDED_DATA) {
            connection.take_slot(self.receiver.held());
            self.receiver.release();
        }
        match connection.handle(number, body(&self.receiver, packet), &mut self.outbound)? {
            Step::Nothing => Ok(Progress::Done),
            Step::Event(ConnectionEvent::Global(event)) => Ok(match self.config.side {
                Side::Client => self.server_global_event(event),
                Side::Server => self.client_global_event(event),
            }
            .into()),
            Step::Event(event) => Ok(Progress::Event(connection_event(event))),
            Step::Data { id, stream, length } => {
                self.receiver.hold(packet, length);
                connection.set_slot(id, stream);
                Ok(Progress::Event(CoreEvent::Channel(id, crate::connection::ChannelEvent::Data(stream))))
            }
        }
    }

    fn kex_event(&mut self, event: KexEvent) -> Option<CoreEvent> {
        match event {
            KexEvent::HostKey(check) => {
                let (key, algorithm) = (check.key, check.algorithm);
                self.awaited = self.next_turn();
                Some(CoreEvent::HostKey(HostKeyRequest { key, algorithm, turn: self.awaited }))
            }
            KexEvent::Sign(wanted) => Some(self.sign_event(wanted)),
            KexEvent::Done { first } => {
                self.timers.keys_since = self.timers.now;
                self.timers.exchange_since = None;
                if !first {
                    return Some(CoreEvent::Rekeyed);
                }
                self.phase = Phase::Service;
                self.auth = Some(match self.config.side {
                    Side::Client => Auth::Client(ClientAuth::start(self.turn, &mut self.outbound)),
                    Side::Server => Auth::Server(ServerAuth::new(self.turn)),
                });
                None
            }
        }
    }

    pub(super) fn client_auth_event(&mut self, event: ClientAuthEvent) -> CoreEvent {
        match event {
            ClientAuthEvent::Needed(needed) => CoreEvent::AuthNeeded(needed),
            ClientAuthEvent::Prompts(prompts) => CoreEvent::Prompts(prompts),
            ClientAuthEvent::PasswordChange(needed) => CoreEvent::PasswordChange(needed),
            ClientAuthEvent::Sign(wanted) => self.sign_event(wanted),
            ClientAuthEvent::Banner(text) => CoreEvent::Banner(text),
            ClientAuthEvent::Success(method) => {
                self.enter_connection();
                CoreEvent::Authenticated(method)
            }
        }
    }

    pub(super) fn server_auth_event(&mut self, event: ServerAuthEvent) -> CoreEvent {
        match event {
            ServerAuthEvent::Offer(offer) => CoreEvent::KeyOffer(offer),
            ServerAuthEvent::Request(request) => CoreEvent::Auth(request),
            ServerAuthEvent::Success(identity) => {
                self.enter_connection();
                CoreEvent::Identified(identity)
            }
        }
    }

    fn sign_event(&mut self, wanted: SignatureWanted) -> CoreEvent {
        let SignatureWanted { key, algorithm, data } = wanted;
        self.awaited = self.next_turn();
        CoreEvent::Sign(SignRequest { key, algorithm, data, turn: self.awaited })
    }

    pub(super) fn next_turn(&mut self) -> u64 {
        self.turn = self.turn.wrapping_add(1);
        self.turn
    }

    /// The user is in: what served authentication goes, larger packets and channels come.
    fn enter_connection(&mut self) {
        let limits = self.config.limits;
        self.phase = Phase::Connection;
        self.auth = None;
        self.receiver.set_limits(limits.max_packet, limits.input_buffer);
        self.receiver.user_authenticated();
        if self.config.side == Side::Client {
            self.outbound.sender.user_authenticated();
        }
        self.outbound.set_max_output(limits.max_output);
        self.connection = Some(Connection::new(self.config.side, limits, self.turn));
        if let Some(keepalive) = self.config.keepalive {
            self.timers.start_keepalive(keepalive);
        }
        self.announce_host_keys();
    }

    fn check_limits(&self) -> Result<(), Error> {
        let early = self.phase != Phase::Connection;
        if early && self.receiver.total_bytes() > self.config.limits.max_bytes_before_auth {
            return Err(Error::LimitExceeded(LimitKind::BytesBeforeAuthentication));
        }
        Ok(())
    }

    pub(super) fn stage(&self) -> Stage {
        match self.phase {
            _ if self.identification.is_some() => Stage::Identification,
            Phase::KeyExchange => Stage::KeyExchange,
            Phase::Service | Phase::Authentication => Stage::Authentication,
            Phase::Connection | Phase::Closed => Stage::Connection,
        }
    }

    pub(super) fn buffer_memory(&self) -> usize {
        self.receiver.buffer_size() + self.outbound.sender.buffer_size()
    }
}

/// What follows the number.
fn body<'a>(receiver: &'a Receiver, packet: &Packet) -> &'a [u8] {
    receiver.payload(packet).get(1..).unwrap_or_default()
}

fn connection_event(event: ConnectionEvent) -> CoreEvent {
    match event {
        ConnectionEvent::Open(request) => CoreEvent::ChannelOpen(request),
        ConnectionEvent::Channel(id, event) => CoreEvent::Channel(id, event),
        ConnectionEvent::Global(event) => CoreEvent::Global(event),
    }
}

pub(super) fn server_auth_config(config: &CoreConfig) -> ServerAuthConfig<'_> {
    let methods: &[String] = config.server.as_ref().map_or(&[], |server| &server.auth_methods);
    ServerAuthConfig {
        algorithms: &config.algorithms.public_key,
        methods,
        security_keys_without_touch: config.server.as_ref().is_some_and(|server| server.security_keys_without_touch),
        max_failures: config.server.as_ref().map_or(0, |server| server.max_auth_attempts),
        max_requests: config.limits.max_auth_requests,
    }
}

/// Looks for the peer's identification; says whether it was there.
fn read_identification(
    reader: &mut IdentificationReader,
    receiver: &mut Receiver,
    transport: &mut Transport,
) -> Result<bool, Error> {
    let peer = transport.side().peer();
    let (taken, version) = reader.read(receiver.unread(), peer == Side::Server)?;
    receiver.skip(taken);
    let Some(version) = version else { return Ok(false) };
    transport.set_identification(peer, &version.line);
    Ok(true)
}
