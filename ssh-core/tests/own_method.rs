//! A key exchange method that the library does not know, of four messages as in RFC 4419 instead of two.

mod common;

use common::{Pair, Setup};
use ssh_core::crypto::hash::Hash;
use ssh_core::crypto::kex::{CURVE25519_SHA256, KexError, KexExchange, KexMessage, KexSettings, KexStep, KeyExchange};
use ssh_core::random::SecureRandom;
use ssh_core::wire::MessageNumber;
use ssh_core::{CloseReason, Error, PeerMisbehaved, Stage};

/// `34` → `31 nonce` → `32 Q_C` → `33 K_S ‖ Q_S ‖ signature`; the nonce goes into the exchange hash.
struct OwnMethod {
    /// Whether the client begins with its second message.
    hasty: bool,
}

const REQUEST: MessageNumber = MessageNumber(34);
const NONCE: MessageNumber = MessageNumber(31);
const VALUE: MessageNumber = MessageNumber(32);
const PROOF: MessageNumber = MessageNumber(33);

impl KeyExchange for OwnMethod {
    fn name(&self) -> &'static str {
        "own-method@example.com"
    }

    fn hash(&self) -> Hash {
        Hash::Sha256
    }

    fn start_client(
        &self,
        settings: &KexSettings,
        random: &mut dyn SecureRandom,
    ) -> Result<(KexMessage, Box<dyn KexExchange>), KexError> {
        let (offer, inner) = CURVE25519_SHA256.start_client(settings, random)?;
        let first = if self.hasty {
            KexMessage { number: VALUE, body: offer.body.clone() }
        } else {
            KexMessage { number: REQUEST, body: Vec::new() }
        };
        Ok((first, Box::new(Client { inner, value: offer.body, nonce: Vec::new() })))
    }

    fn start_server(&self, settings: &KexSettings) -> Result<Box<dyn KexExchange>, KexError> {
        Ok(Box::new(Server { inner: CURVE25519_SHA256.start_server(settings)?, nonce: Vec::new() }))
    }
}

struct Client {
    inner: Box<dyn KexExchange>,
    value: Vec<u8>,
    nonce: Vec<u8>,
}

impl KexExchange for Client {
    fn expects(&self) -> MessageNumber {
        if self.nonce.is_empty() { NONCE } else { PROOF }
    }

    fn handle(&mut self, body: &[u8], random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        if self.nonce.is_empty() {
            self.nonce = body.to_vec();
            return Ok(KexStep::Send(KexMessage { number: VALUE, body: self.value.clone() }));
        }
        done(&mut *self.inner, &self.nonce, body, random)
    }
}

struct Server {
    inner: Box<dyn KexExchange>,
    nonce: Vec<u8>,
}

impl KexExchange for Server {
    fn expects(&self) -> MessageNumber {
        if self.nonce.is_empty() { REQUEST } else { VALUE }
    }

    fn handle(&mut self, body: &[u8], random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        if self.nonce.is_empty() {
            self.nonce = vec![0; 16];
            random.fill(&mut self.nonce)?;
            return Ok(KexStep::Send(KexMessage { number: NONCE, body: self.nonce.clone() }));
        }
        done(&mut *self.inner, &self.nonce, body, random)
    }
}

/// The end of the inner method, with the nonce hashed and the last number of this one.
fn done(
    inner: &mut dyn KexExchange,
    nonce: &[u8],
    body: &[u8],
    random: &mut dyn SecureRandom,
) -> Result<KexStep, KexError> {
    let KexStep::Done(mut outcome) = inner.handle(body, random)? else { panic!("a method of two messages") };
    outcome.exchange_values = [nonce, &outcome.exchange_values].concat();
    if let Some(reply) = &mut outcome.reply {
        reply.number = PROOF;
    }
    Ok(KexStep::Done(outcome))
}

static PATIENT: &dyn KeyExchange = &OwnMethod { hasty: false };
static HASTY: &dyn KeyExchange = &OwnMethod { hasty: true };

#[test]
fn a_session_by_a_method_of_four_messages() {
    let mut pair = Pair::logged_in(Setup::new(1).quick().algorithms(|lists| lists.kex = vec![PATIENT]));
    assert_eq!(pair.client.negotiated().unwrap().kex.name(), "own-method@example.com");
    assert_eq!(pair.client.session_id(), pair.server.session_id());
    pair.client.rekey().unwrap();
    assert_eq!(pair.rekeyed(), (1, 1));
    pair.open_exec("true");
}

/// Which message is next is the method's word, within the numbers that belong to methods.
#[test]
fn a_message_out_of_turn() {
    let setup = Setup::new(2).quick().configure(|client, server| {
        client.algorithms.kex = vec![HASTY];
        server.algorithms.kex = vec![PATIENT];
    });
    let mut pair = setup.build();
    pair.run();
    let unexpected = PeerMisbehaved::UnexpectedMessage { number: VALUE, during: Stage::KeyExchange };
    assert_eq!(pair.server_closed(), Some(CloseReason::Failed(Error::PeerMisbehaved(unexpected))));
}
