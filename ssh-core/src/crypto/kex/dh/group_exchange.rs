//! Group exchange (RFC 4419): the client says how large a group it wants, the server chooses one.
//!
//! ```text
//!   client  ── REQUEST: min, n, max ──►  server
//!           ◄────── GROUP: p, g ───────
//!           ──────── INIT: e ─────────►
//!           ◄─ REPLY: K_S, f, signature ─
//! ```
//! Only the request with all three sizes is known; the one with a single size is from before the RFC.

use alloc::{boxed::Box, vec::Vec};

use super::group::{DhGroup, GroupFault};
use super::moduli::{GroupSizes, Moduli};
use super::{Client, Numbers, Server, mpints};
use crate::crypto::hash::Hash;
use crate::crypto::kex::{KexError, KexExchange, KexMessage, KexSettings, KexStep, KeyExchange};
use crate::random::SecureRandom;
use crate::wire::{MessageNumber, Mpint, Reader, Writer};

/// `diffie-hellman-group-exchange-sha256`
pub static DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256: &dyn KeyExchange =
    &GroupExchange { name: "diffie-hellman-group-exchange-sha256", hash: Hash::Sha256 };
/// `diffie-hellman-group-exchange-sha1`, which differs in its hash function alone.
#[cfg(feature = "legacy")]
pub static DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA1: &dyn KeyExchange =
    &GroupExchange { name: "diffie-hellman-group-exchange-sha1", hash: Hash::Sha1 };

struct GroupExchange {
    name: &'static str,
    hash: Hash,
}

impl KeyExchange for GroupExchange {
    fn name(&self) -> &'static str {
        self.name
    }

    fn hash(&self) -> Hash {
        self.hash
    }

    fn start_client(
        &self,
        settings: &KexSettings,
        _random: &mut dyn SecureRandom,
    ) -> Result<(KexMessage, Box<dyn KexExchange>), KexError> {
        let sizes = settings.group_sizes;
        let request = KexMessage { number: MessageNumber::KEX_DH_GEX_REQUEST, body: request(sizes) };
        Ok((request, Box::new(GroupExchangeClient { sizes, client: None })))
    }

    fn start_server(&self, settings: &KexSettings) -> Result<Box<dyn KexExchange>, KexError> {
        Ok(Box::new(GroupExchangeServer { moduli: settings.moduli.clone(), server: None }))
    }
}

const NUMBERS: Numbers = Numbers { init: MessageNumber::KEX_DH_GEX_INIT, reply: MessageNumber::KEX_DH_GEX_REPLY };

/// `KEX_DH_GEX_GROUP`, which has the number of ECDH's answer.
const GROUP: MessageNumber = MessageNumber::KEX_ECDH_REPLY;

fn request(sizes: GroupSizes) -> Vec<u8> {
    let mut body = Vec::new();
    let mut writer = Writer::new(&mut body);
    [sizes.min, sizes.preferred, sizes.max].into_iter().for_each(|size| writer.uint32(size));
    body
}

fn group_message(group: &DhGroup) -> Vec<u8> {
    mpints(&[Mpint::from_magnitude(&group.modulus()), Mpint::from_magnitude(&group.generator())])
}

struct GroupExchangeClient {
    sizes: GroupSizes,
    /// As soon as there is a group.
    client: Option<Client>,
}

impl KexExchange for GroupExchangeClient {
    fn expects(&self) -> MessageNumber {
        self.client.as_ref().map_or(GROUP, KexExchange::expects)
    }

    fn handle(&mut self, body: &[u8], random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        if let Some(client) = &mut self.client {
            return client.handle(body, random);
        }
        let group = self.check_group(body, random)?;
        let before = [request(self.sizes), group_message(&group)].concat();
        let (message, client) = Client::start(group, NUMBERS, before, random)?;
        self.client = Some(client);
        Ok(KexStep::Send(message))
    }
}

impl GroupExchangeClient {
    /// RFC 4419 §3: the size is what was asked for, and the modulus a safe prime.
    fn check_group(&self, body: &[u8], random: &mut dyn SecureRandom) -> Result<DhGroup, KexError> {
        let mut reader = Reader::new(body);
        let (modulus, generator) = (reader.mpint()?, reader.mpint()?);
        reader.finish()?;
        if !self.sizes.contain(modulus.bits()) {
            return Err(KexError::Group(GroupFault::Size));
        }
        let group = DhGroup::new(modulus.magnitude(), generator.magnitude()).map_err(KexError::Group)?;
        if Moduli::default().contains(&group) || group.has_safe_prime(random)? {
            Ok(group)
        } else {
            Err(KexError::Group(GroupFault::NotSafePrime))
        }
    }
}

struct GroupExchangeServer {
    moduli: Moduli,
    /// As soon as there is a group.
    server: Option<Server>,
}

impl KexExchange for GroupExchangeServer {
    fn expects(&self) -> MessageNumber {
        self.server.as_ref().map_or(MessageNumber::KEX_DH_GEX_REQUEST, KexExchange::expects)
    }

    fn handle(&mut self, body: &[u8], random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        if let Some(server) = &mut self.server {
            return server.handle(body, random);
        }
        let mut reader = Reader::new(body);
        let sizes = GroupSizes { min: reader.uint32()?, preferred: reader.uint32()?, max: reader.uint32()? };
        reader.finish()?;
        let group = self.moduli.choose(sizes, random)?.clone();
        let message = KexMessage { number: GROUP, body: group_message(&group) };
        // RFC 4419 §3: what is hashed are the sizes as they came.
        let before = [request(sizes), message.body.clone()].concat();
        self.server = Some(Server { group, numbers: NUMBERS, before });
        Ok(KexStep::Send(message))
    }
}
