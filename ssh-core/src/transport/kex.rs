//! The key exchange, first and later ones (RFC 4253 §7 to §9).
//!
//! ```text
//!            start                KEXINIT                 last message          answer            NEWKEYS
//!   Idle ───────────► OursSent ───────────► Exchanging ───────────────► Parked ────────► AwaitNewKeys ────────► Idle
//!     └──────────────── KEXINIT ─────────────────┘        host key (client) or signature (server)
//! ```
//! The client verifies the signature over the exchange hash first and asks about the key then, so nobody is ever asked
//! to trust a key that was not proven. A later exchange must bring the same host key and asks nobody.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use super::ext_info::announce_extensions;
use super::gate::{KexPhase, Side};
use super::negotiate::{Agreement, Negotiated, Offer, Proposal, negotiate};
use super::outbound::Outbound;
use crate::config::Limits;
use crate::crypto::cipher::{Cipher, OpenPacket, PacketKeys, SealPacket};
use crate::crypto::kex::{KexExchange, KexOutcome, KexReply, KexSettings, KexStep, ServerProof};
use crate::crypto::mac::Mac;
use crate::crypto::signature::{SignatureAlgorithm, SignatureError};
use crate::crypto::{Algorithms, KeyLetter, derive_key};
use crate::error::{Error, LimitKind, Misuse, PeerMisbehaved, Stage};
use crate::key::{HostKeyProof, KeyError, PublicKey};
use crate::message::{DecodeMessage, KexInit, Message, NewKeys};
use crate::packet::Receiver;
use crate::random::SecureRandom;
use crate::secret::SecretBytes;
use crate::wire::{MessageNumber, Writer};

/// What the transport needs to know of the configuration.
pub(crate) struct TransportConfig {
    pub(crate) side: Side,
    pub(crate) algorithms: Arc<Algorithms>,
    /// Server: its host keys.
    pub(crate) host_keys: Vec<PublicKey>,
    pub(crate) require_strict_kex: bool,
    pub(crate) kex: KexSettings,
    /// Client: guess in every exchange that we start.
    pub(crate) first_kex_packet_follows: bool,
}

/// Key exchange and everything that outlives one.
pub(crate) struct Transport {
    config: TransportConfig,
    /// Host key algorithms that can be used: on the server those it has a key for.
    host_key_algorithms: Vec<&'static dyn SignatureAlgorithm>,
    identifications: Identifications,
    /// The first exchange hash, for ever.
    session_id: Option<Vec<u8>>,
    negotiated: Option<Negotiated>,
    /// Those that the peer's latest KEXINIT names, too.
    common_host_key_algorithms: Vec<&'static dyn SignatureAlgorithm>,
    /// The server's key of the first exchange, and on the client its signature.
    host_key: Option<Vec<u8>>,
    host_signature: Vec<u8>,
    peer_takes_ext_info: bool,
    state: State,
}

/// `V_C` and `V_S`.
#[derive(Default)]
struct Identifications {
    client: Vec<u8>,
    server: Vec<u8>,
}

enum State {
    Idle,
    OursSent {
        kexinit: Vec<u8>,
        /// Client: the first method, begun before anybody agreed on it.
        guess: Option<Box<dyn KexExchange>>,
    },
    Exchanging(Box<Exchange>),
    Parked(Box<Parked>),
    AwaitNewKeys {
        opener: Box<dyn OpenPacket>,
        first: bool,
    },
}

struct Exchange {
    agreement: Agreement,
    /// `I_C` and `I_S`.
    client_kexinit: Vec<u8>,
    server_kexinit: Vec<u8>,
    method: Box<dyn KexExchange>,
    drop_guess: bool,
}

/// Everything is computed; somebody outside has to say yes, or to sign.
struct Parked {
    agreement: Agreement,
    shared_secret: SecretBytes,
    exchange_hash: Vec<u8>,
    host_key: Vec<u8>,
    /// Server: the message that waits for the signature.
    reply: Option<KexReply>,
}

/// What a step of the key exchange asks or tells.
pub(crate) enum KexEvent {
    /// Client, first exchange: is this the right host?
    HostKey(HostKeyCheck),
    /// Server: sign the exchange hash.
    Sign(SignatureWanted),
    /// Both directions have new keys.
    Done {
        /// Whether these are the first.
        first: bool,
    },
}

/// A host key whose signature was verified.
pub(crate) struct HostKeyCheck {
    pub(crate) key: PublicKey,
    pub(crate) algorithm: &'static str,
}

/// A signature that somebody has to make.
pub(crate) struct SignatureWanted {
    pub(crate) key: PublicKey,
    pub(crate) algorithm: &'static str,
    pub(crate) data: Vec<u8>,
}

impl Transport {
    pub(crate) fn new(config: TransportConfig) -> Self {
        let usable = |algorithm: &&'static dyn SignatureAlgorithm| match config.side {
            Side::Client => true,
            Side::Server => config.host_keys.iter().any(|key| key.key_type() == algorithm.key_type()),
        };
        let host_key_algorithms = config.algorithms.host_key.iter().copied().filter(usable).collect();
        Self {
            config,
            host_key_algorithms,
            identifications: Identifications::default(),
            session_id: None,
            negotiated: None,
            common_host_key_algorithms: Vec::new(),
            host_key: None,
            host_signature: Vec::new(),
            peer_takes_ext_info: false,
            state: State::Idle,
        }
    }

    /// Whether a server has a key for at least one algorithm.
    pub(crate) fn can_authenticate_host(&self) -> bool {
        !self.host_key_algorithms.is_empty()
    }

    pub(crate) fn side(&self) -> Side {
        self.config.side
    }

    pub(crate) fn set_identification(&mut self, side: Side, line: &[u8]) {
        match side {
            Side::Client => self.identifications.client = line.to_vec(),
            Side::Server => self.identifications.server = line.to_vec(),
        }
    }

    pub(crate) fn identification(&self, side: Side) -> &[u8] {
        match side {
            Side::Client => &self.identifications.client,
            Side::Server => &self.identifications.server,
        }
    }

    /// Where the current exchange stands, for the gate.
    pub(crate) fn phase(&self) -> KexPhase {
        match self.state {
            State::Idle => KexPhase::Idle,
            State::OursSent { .. } => KexPhase::OursSent,
            State::Exchanging(_) => KexPhase::Exchanging,
            State::Parked(_) | State::AwaitNewKeys { .. } => KexPhase::AwaitNewKeys,
        }
    }

    /// Whether an answer from outside is awaited.
    pub(crate) fn is_parked(&self) -> bool {
        matches!(self.state, State::Parked(_))
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.negotiated.is_some_and(|negotiated| negotiated.strict_kex)
    }

    /// Host key algorithms of both sides, ours most wanted first.
    pub(crate) fn common_host_key_algorithms(&self) -> &[&'static dyn SignatureAlgorithm] {
        &self.common_host_key_algorithms
    }

    pub(crate) fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_ref()
    }

    pub(crate) fn session_id(&self) -> Option<&[u8]> {
        self.session_id.as_deref()
    }

    /// The server's key of the first exchange.
    pub(crate) fn host_key(&self) -> Option<&[u8]> {
        self.host_key.as_deref()
    }

    /// Client: what the server proved in the first exchange.
    pub(crate) fn host_key_proof(&self) -> Option<HostKeyProof> {
        let host_key = PublicKey::from_blob(self.host_key.as_ref()?).ok()?;
        Some(HostKeyProof { host_key, session_id: self.session_id.clone()?, signature: self.host_signature.clone() })
    }

    /// Sends our KEXINIT, and a guess if that is wanted, unless an exchange is going on.
    pub(crate) fn start(&mut self, outbound: &mut Outbound, random: &mut dyn SecureRandom) -> Result<(), Error> {
        self.send_kexinit(self.config.first_kex_packet_follows, outbound, random)
    }

    fn send_kexinit(
        &mut self,
        guesses: bool,
        outbound: &mut Outbound,
        random: &mut dyn SecureRandom,
    ) -> Result<(), Error> {
        if !matches!(self.state, State::Idle) {
            return Ok(());
        }
        let mut cookie = [0; 16];
        random.fill(&mut cookie)?;
        let guess = match self.config.algorithms.kex.first() {
            Some(first) if guesses => Some(first.start_client(&self.config.kex, random)?),
            _ => None,
        };
        let proposal = Proposal::new(self.offer(), self.config.side, self.session_id.is_none());
        let kexinit = proposal.message(cookie, guess.is_some()).to_payload();
        outbound.begin_exchange(&kexinit);
        let guess = guess.map(|(message, method)| {
            outbound.send_kex(message.number, &message.body);
            method
        });
        self.state = State::OursSent { kexinit, guess };
        Ok(())
    }

    /// The peer's KEXINIT; `payload` is the whole of it. `packets_before` counts what it sent before.
    pub(crate) fn handle_kexinit(
        &mut self,
        payload: &[u8],
        packets_before: u64,
        outbound: &mut Outbound,
        random: &mut dyn SecureRandom,
    ) -> Result<(), Error> {
        let body = payload.get(1..).unwrap_or_default();
        let theirs = KexInit::decode(body).map_err(|error| malformed(MessageNumber::KEXINIT, error))?;
        // In answer to the peer's there is nothing to guess.
        self.send_kexinit(false, outbound, random)?;
        let State::OursSent { kexinit: ours, guess } = core::mem::replace(&mut self.state, State::Idle) else {
            return Err(unexpected(MessageNumber::KEXINIT));
        };
        let first = self.session_id.is_none();
        let agreement = negotiate(self.offer(), self.config.side, &theirs, (!first).then(|| self.is_strict()))?;
        if first {
            self.check_strictness(&agreement, packets_before)?;
            self.peer_takes_ext_info = agreement.peer_takes_ext_info;
        }
        let theirs = theirs.server_host_key_algorithms;
        self.common_host_key_algorithms = self.offer().host_key.to_vec();
        self.common_host_key_algorithms.retain(|algorithm| theirs.contains(algorithm.name()));
        self.negotiated = Some(agreement.negotiated);
        let (client_kexinit, server_kexinit) = match self.config.side {
            Side::Client => (ours, payload.to_vec()),
            Side::Server => (payload.to_vec(), ours),
        };
        let method = match self.config.side {
            Side::Client => match guess.filter(|_| agreement.guess_is_right) {
                Some(guess) => guess,
                // A guess that was wrong is dropped by the server, and its secret here.
                None => {
                    let (message, method) = agreement.negotiated.kex.start_client(&self.config.kex, random)?;
                    outbound.send_kex(message.number, &message.body);
                    method
                }
            },
            Side::Server => agreement.negotiated.kex.start_server(&self.config.kex)?,
        };
        let drop_guess = agreement.drop_guess;
        let exchange = Exchange { agreement, client_kexinit, server_kexinit, method, drop_guess };
        self.state = State::Exchanging(Box::new(exchange));
        Ok(())
    }

    /// A message of the method, 30 to 49.
    pub(crate) fn handle_method(
        &mut self,
        number: MessageNumber,
        body: &[u8],
        outbound: &mut Outbound,
        random: &mut dyn SecureRandom,
    ) -> Result<Option<KexEvent>, Error> {
        let State::Exchanging(mut exchange) = core::mem::replace(&mut self.state, State::Idle) else {
            return Err(unexpected(number));
        };
        if core::mem::take(&mut exchange.drop_guess) {
            self.state = State::Exchanging(exchange);
            return Ok(None);
        }
        if number != exchange.method.expects() {
            return Err(unexpected(number));
        }
        if body.len() > Limits::KEX_MESSAGE_LENGTH {
            return Err(Error::LimitExceeded(LimitKind::KeyExchangeMessage));
        }
        match exchange.method.handle(body, random)? {
            KexStep::Send(message) => {
                outbound.send_kex(message.number, &message.body);
                self.state = State::Exchanging(exchange);
                Ok(None)
            }
            KexStep::Done(outcome) => match self.config.side {
                Side::Client => self.finish_client(*exchange, outcome, outbound),
                Side::Server => self.finish_server(*exchange, outcome).map(Some),
            },
        }
    }

    /// The client's answer about the host key: yes. NEWKEYS goes out.
    pub(crate) fn accept_host_key(&mut self, outbound: &mut Outbound) -> Result<(), Misuse> {
        if self.config.side != Side::Client {
            return Err(Misuse::WrongPhase);
        }
        let parked = self.take_parked()?;
        self.switch_sender(*parked, outbound);
        Ok(())
    }

    /// The server's signature over the exchange hash. The reply and NEWKEYS go out.
    pub(crate) fn provide_signature(&mut self, signature: &[u8], outbound: &mut Outbound) -> Result<(), Misuse> {
        if self.config.side != Side::Server {
            return Err(Misuse::WrongPhase);
        }
        let mut parked = self.take_parked()?;
        if let Some(reply) = parked.reply.take() {
            let mut body = Vec::with_capacity(reply.server_value.len() + parked.host_key.len() + signature.len() + 8);
            let mut writer = Writer::new(&mut body);
            writer.string(&parked.host_key);
            writer.bytes(&reply.server_value);
            writer.string(signature);
            outbound.send_kex(reply.number, &body);
        }
        self.switch_sender(*parked, outbound);
        Ok(())
    }

    /// The peer's NEWKEYS.
    pub(crate) fn handle_newkeys(&mut self, body: &[u8], receiver: &mut Receiver) -> Result<KexEvent, Error> {
        NewKeys::decode(body).map_err(|error| malformed(MessageNumber::NEWKEYS, error))?;
        let State::AwaitNewKeys { opener, first } = core::mem::replace(&mut self.state, State::Idle) else {
            return Err(unexpected(MessageNumber::NEWKEYS));
        };
        receiver.change_keys(opener, self.is_strict());
        if let Some(negotiated) = self.negotiated {
            receiver.change_compression(match self.config.side {
                Side::Client => negotiated.compression_server_to_client,
                Side::Server => negotiated.compression_client_to_server,
            });
        }
        Ok(KexEvent::Done { first })
    }

    fn offer(&self) -> Offer<'_> {
        Offer { algorithms: &self.config.algorithms, host_key: &self.host_key_algorithms }
    }

    /// Strict key exchange: the very first packet must have been this KEXINIT (OpenSSH PROTOCOL §1.9).
    fn check_strictness(&self, agreement: &Agreement, packets_before: u64) -> Result<(), Error> {
        let strict = agreement.negotiated.strict_kex;
        if self.config.require_strict_kex && !strict {
            return Err(Error::StrictKexRequired);
        }
        if strict && packets_before > 0 {
            return Err(PeerMisbehaved::StrictKex.into());
        }
        Ok(())
    }

    fn take_parked(&mut self) -> Result<Box<Parked>, Misuse> {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Parked(parked) => Ok(parked),
            other => {
                self.state = other;
                Err(Misuse::StaleToken)
            }
        }
    }

    fn finish_client(
        &mut self,
        exchange: Exchange,
        outcome: KexOutcome,
        outbound: &mut Outbound,
    ) -> Result<Option<KexEvent>, Error> {
        let malformed_key = PeerMisbehaved::HostKey(SignatureError::MalformedKey);
        let Some(ServerProof { host_key, signature }) = &outcome.server_proof else {
            return Err(malformed_key.into());
        };
        let exchange_hash = self.exchange_hash(&exchange, &outcome, host_key);
        let algorithm = exchange.agreement.negotiated.host_key;
        // A host is no person who could touch a security key.
        let _verified = algorithm.verify(host_key, &exchange_hash, signature).map_err(PeerMisbehaved::HostKey)?;
        let key = PublicKey::from_blob(host_key).map_err(|error| match error {
            KeyError::Authority => PeerMisbehaved::HostKey(SignatureError::Authority),
            _ => malformed_key,
        })?;
        let host_key = host_key.clone();
        let known = self.host_key.replace(host_key.clone());
        if known.is_none() {
            self.host_signature.clone_from(signature);
        }
        let parked = Parked {
            agreement: exchange.agreement,
            shared_secret: outcome.shared_secret,
            exchange_hash,
            host_key,
            reply: None,
        };
        match known {
            None => {
                self.state = State::Parked(Box::new(parked));
                Ok(Some(KexEvent::HostKey(HostKeyCheck { key, algorithm: algorithm.name() })))
            }
            Some(known) if known == parked.host_key => {
                self.switch_sender(parked, outbound);
                Ok(None)
            }
            Some(_) => Err(Error::HostKeyChanged),
        }
    }

    fn finish_server(&mut self, exchange: Exchange, outcome: KexOutcome) -> Result<KexEvent, Error> {
        let algorithm = exchange.agreement.negotiated.host_key;
        let key = self.config.host_keys.iter().find(|key| key.key_type() == algorithm.key_type());
        let key = key.cloned().ok_or(Error::SigningFailed)?;
        let exchange_hash = self.exchange_hash(&exchange, &outcome, key.blob());
        let data = exchange_hash.clone();
        self.host_key.get_or_insert_with(|| key.blob().to_vec());
        self.state = State::Parked(Box::new(Parked {
            agreement: exchange.agreement,
            shared_secret: outcome.shared_secret,
            exchange_hash,
            host_key: key.blob().to_vec(),
            reply: outcome.reply,
        }));
        Ok(KexEvent::Sign(SignatureWanted { key, algorithm: algorithm.name(), data }))
    }

    /// `HASH(V_C ‖ V_S ‖ I_C ‖ I_S ‖ K_S ‖ values of the method ‖ K)` (RFC 4253 §8).
    fn exchange_hash(&self, exchange: &Exchange, outcome: &KexOutcome, host_key: &[u8]) -> Vec<u8> {
        let Identifications { client, server } = &self.identifications;
        let strings: [&[u8]; 5] = [client, server, &exchange.client_kexinit, &exchange.server_kexinit, host_key];
        // Hashed where they are: a KEXINIT may be as large as a packet.
        let lengths = strings.map(|string| u32::try_from(string.len()).unwrap_or(u32::MAX).to_be_bytes());
        let mut parts: Vec<&[u8]> = Vec::new();
        for (length, string) in lengths.iter().zip(strings) {
            parts.extend([&length[..], string]);
        }
        parts.extend([&outcome.exchange_values[..], outcome.shared_secret.expose()]);
        exchange.agreement.negotiated.kex.hash().digest(&parts)
    }

    /// NEWKEYS goes out under the old keys, everything after it under the new ones.
    fn switch_sender(&mut self, parked: Parked, outbound: &mut Outbound) {
        let first = self.session_id.is_none();
        let session_id = self.session_id.get_or_insert_with(|| parked.exchange_hash.clone());
        let keys = KeySource { parked: &parked, session_id };
        let negotiated = &parked.agreement.negotiated;
        let (sealer, opener) = match self.config.side {
            Side::Client => (
                keys.sealer(negotiated.cipher_client_to_server, negotiated.mac_client_to_server, CLIENT_TO_SERVER),
                keys.opener(negotiated.cipher_server_to_client, negotiated.mac_server_to_client, SERVER_TO_CLIENT),
            ),
            Side::Server => (
                keys.sealer(negotiated.cipher_server_to_client, negotiated.mac_server_to_client, SERVER_TO_CLIENT),
                keys.opener(negotiated.cipher_client_to_server, negotiated.mac_client_to_server, CLIENT_TO_SERVER),
            ),
        };
        outbound.send(&NewKeys {});
        outbound.sender.change_keys(sealer, negotiated.strict_kex);
        outbound.sender.change_compression(match self.config.side {
            Side::Client => negotiated.compression_client_to_server,
            Side::Server => negotiated.compression_server_to_client,
        });
        outbound.reopen();
        if first && self.config.side == Side::Server && self.peer_takes_ext_info {
            announce_extensions(outbound, &self.config.algorithms.public_key);
        }
        self.state = State::AwaitNewKeys { opener, first };
    }
}

/// The letters of one direction: initial vector, key, MAC key.
type Letters = (KeyLetter, KeyLetter, KeyLetter);

const CLIENT_TO_SERVER: Letters =
    (KeyLetter::IvClientToServer, KeyLetter::KeyClientToServer, KeyLetter::MacClientToServer);
const SERVER_TO_CLIENT: Letters =
    (KeyLetter::IvServerToClient, KeyLetter::KeyServerToClient, KeyLetter::MacServerToClient);

/// Derives the keys of one exchange (RFC 4253 §7.2).
struct KeySource<'a> {
    parked: &'a Parked,
    session_id: &'a [u8],
}

impl KeySource<'_> {
    fn sealer(&self, cipher: &dyn Cipher, mac: Option<&'static dyn Mac>, letters: Letters) -> Box<dyn SealPacket> {
        self.with_keys(cipher, mac, letters, |keys| cipher.sealer(keys))
    }

    fn opener(&self, cipher: &dyn Cipher, mac: Option<&'static dyn Mac>, letters: Letters) -> Box<dyn OpenPacket> {
        self.with_keys(cipher, mac, letters, |keys| cipher.opener(keys))
    }

    fn with_keys<T>(
        &self,
        cipher: &dyn Cipher,
        mac: Option<&'static dyn Mac>,
        (iv, key, mac_key): Letters,
        make: impl FnOnce(PacketKeys<'_>) -> T,
    ) -> T {
        let iv = self.derive(iv, cipher.iv_length());
        let key = self.derive(key, cipher.key_length());
        let mac = mac.map(|mac| mac.keyed(self.derive(mac_key, mac.key_length()).expose()));
        make(PacketKeys { key: key.expose(), iv: iv.expose(), mac })
    }

    fn derive(&self, letter: KeyLetter, length: usize) -> SecretBytes {
        let hash = self.parked.agreement.negotiated.kex.hash();
        let secret = self.parked.shared_secret.expose();
        derive_key(hash, secret, &self.parked.exchange_hash, letter, self.session_id, length)
    }
}

fn unexpected(number: MessageNumber) -> Error {
    PeerMisbehaved::UnexpectedMessage { number, during: Stage::KeyExchange }.into()
}

fn malformed(number: MessageNumber, error: crate::wire::DecodeError) -> Error {
    PeerMisbehaved::MalformedMessage { number, error }.into()
}
