//! Key agreement that is computed once for the same inputs: ten thousand sessions of one seed differ elsewhere.

use std::collections::HashMap;
use std::sync::Mutex;

use ssh_core::SecretBytes;
use ssh_core::crypto::hash::Hash;
use ssh_core::crypto::kex::{
    KexError, KexExchange, KexMessage, KexOutcome, KexReply, KexSettings, KexStep, KeyExchange, ServerProof,
};
use ssh_core::random::{ChaChaRandom, SecureRandom};
use ssh_core::wire::MessageNumber;

type Seed = [u8; 32];

/// Who, by which secret, heard what.
type Heard = (Side, Seed, Vec<u8>);

/// A method that remembers.
struct Remembering(&'static Memo);

/// What was computed: by the method itself, from a generator that the endpoint's seeds.
struct Memo {
    method: &'static dyn KeyExchange,
    offers: Mutex<HashMap<Seed, Vec<u8>>>,
    outcomes: Mutex<HashMap<Heard, Result<Outcome, KexError>>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Client,
    Server,
}

#[derive(Clone)]
struct Outcome {
    shared_secret: Vec<u8>,
    exchange_values: Vec<u8>,
    server_proof: Option<ServerProof>,
    reply: Option<(MessageNumber, Vec<u8>)>,
}

/// `method`, remembering. It lives as long as the test.
pub fn memo(method: &'static dyn KeyExchange) -> &'static dyn KeyExchange {
    let memo = Memo { method, offers: Mutex::default(), outcomes: Mutex::default() };
    Box::leak(Box::new(Remembering(Box::leak(Box::new(memo)))))
}

fn seed(random: &mut dyn SecureRandom) -> Result<Seed, KexError> {
    let mut seed = [0; 32];
    random.fill(&mut seed)?;
    Ok(seed)
}

impl KeyExchange for Remembering {
    fn name(&self) -> &'static str {
        self.0.method.name()
    }

    fn hash(&self) -> Hash {
        self.0.method.hash()
    }

    fn start_client(
        &self,
        settings: &KexSettings,
        random: &mut dyn SecureRandom,
    ) -> Result<(KexMessage, Box<dyn KexExchange>), KexError> {
        let seed = seed(random)?;
        let known = self.0.offers.lock().unwrap().get(&seed).cloned();
        let body = match known {
            Some(body) => body,
            None => {
                let (message, _) = self.0.method.start_client(settings, &mut ChaChaRandom::from_seed(&seed))?;
                self.0.offers.lock().unwrap().insert(seed, message.body.clone());
                message.body
            }
        };
        let exchange = Exchange { memo: self.0, side: Side::Client, seed: Some(seed) };
        Ok((KexMessage { number: MessageNumber::KEX_ECDH_INIT, body }, Box::new(exchange)))
    }

    fn start_server(&self, _settings: &KexSettings) -> Result<Box<dyn KexExchange>, KexError> {
        Ok(Box::new(Exchange { memo: self.0, side: Side::Server, seed: None }))
    }
}

struct Exchange {
    memo: &'static Memo,
    side: Side,
    /// The client's is drawn before its first message.
    seed: Option<Seed>,
}

impl KexExchange for Exchange {
    fn expects(&self) -> MessageNumber {
        match self.side {
            Side::Client => MessageNumber::KEX_ECDH_REPLY,
            Side::Server => MessageNumber::KEX_ECDH_INIT,
        }
    }

    fn handle(&mut self, body: &[u8], random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        let seed = match self.seed {
            Some(seed) => seed,
            None => seed(random)?,
        };
        let key = (self.side, seed, body.to_vec());
        let known = self.memo.outcomes.lock().unwrap().get(&key).cloned();
        let outcome = known.unwrap_or_else(|| {
            let outcome = self.memo.compute(self.side, seed, body);
            self.memo.outcomes.lock().unwrap().insert(key, outcome.clone());
            outcome
        })?;
        Ok(KexStep::Done(KexOutcome {
            shared_secret: SecretBytes::new(outcome.shared_secret),
            exchange_values: outcome.exchange_values,
            server_proof: outcome.server_proof,
            reply: outcome.reply.map(|(number, server_value)| KexReply { number, server_value }),
        }))
    }
}

impl Memo {
    fn compute(&self, side: Side, seed: Seed, body: &[u8]) -> Result<Outcome, KexError> {
        let mut random = ChaChaRandom::from_seed(&seed);
        let mut exchange = match side {
            Side::Client => self.method.start_client(&KexSettings::default(), &mut random)?.1,
            Side::Server => self.method.start_server(&KexSettings::default())?,
        };
        let KexStep::Done(outcome) = exchange.handle(body, &mut random)? else { panic!("a method of two messages") };
        Ok(Outcome {
            shared_secret: outcome.shared_secret.expose().to_vec(),
            exchange_values: outcome.exchange_values,
            server_proof: outcome.server_proof,
            reply: outcome.reply.map(|reply| (reply.number, reply.server_value)),
        })
    }
}
