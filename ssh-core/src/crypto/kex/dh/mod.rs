//! Diffie-Hellman modulo a prime: in groups that have a number (RFC 4253 §8, RFC 8268), and in one that the server chooses
//! (RFC 4419).

mod group;
mod group_exchange;
mod moduli;
mod numbered;
mod prime;
#[cfg(test)]
mod tests;

use alloc::{boxed::Box, vec::Vec};

pub use self::group::{DhGroup, GroupFault};
#[cfg(feature = "legacy")]
pub use self::group_exchange::DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA1;
pub use self::group_exchange::DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256;
pub use self::moduli::{GroupSizes, Moduli};

use self::group::DhSecret;
use super::{KexError, KexExchange, KexMessage, KexOutcome, KexReply, KexSettings, KexStep, KeyExchange, ServerProof};
use crate::crypto::hash::Hash;
use crate::random::SecureRandom;
use crate::wire::{MessageNumber, Mpint, Reader, Writer};

/// `diffie-hellman-group14-sha256`
pub static DIFFIE_HELLMAN_GROUP14_SHA256: &dyn KeyExchange =
    &DhMethod { name: "diffie-hellman-group14-sha256", hash: Hash::Sha256, modulus: &numbered::GROUP_14 };
/// `diffie-hellman-group15-sha512`
pub static DIFFIE_HELLMAN_GROUP15_SHA512: &dyn KeyExchange =
    &DhMethod { name: "diffie-hellman-group15-sha512", hash: Hash::Sha512, modulus: &numbered::GROUP_15 };
/// `diffie-hellman-group16-sha512`
pub static DIFFIE_HELLMAN_GROUP16_SHA512: &dyn KeyExchange =
    &DhMethod { name: "diffie-hellman-group16-sha512", hash: Hash::Sha512, modulus: &numbered::GROUP_16 };
/// `diffie-hellman-group17-sha512`
pub static DIFFIE_HELLMAN_GROUP17_SHA512: &dyn KeyExchange =
    &DhMethod { name: "diffie-hellman-group17-sha512", hash: Hash::Sha512, modulus: &numbered::GROUP_17 };
/// `diffie-hellman-group18-sha512`
pub static DIFFIE_HELLMAN_GROUP18_SHA512: &dyn KeyExchange =
    &DhMethod { name: "diffie-hellman-group18-sha512", hash: Hash::Sha512, modulus: &numbered::GROUP_18 };
/// `diffie-hellman-group14-sha1`. Nobody has forged a key exchange by SHA-1, but nobody has to trust in it any more.
#[cfg(feature = "legacy")]
pub static DIFFIE_HELLMAN_GROUP14_SHA1: &dyn KeyExchange =
    &DhMethod { name: "diffie-hellman-group14-sha1", hash: Hash::Sha1, modulus: &numbered::GROUP_14 };
/// `diffie-hellman-group1-sha1`. **Broken**: states can compute logarithms in this group (Logjam).
#[cfg(feature = "legacy")]
pub static DIFFIE_HELLMAN_GROUP1_SHA1: &dyn KeyExchange =
    &DhMethod { name: "diffie-hellman-group1-sha1", hash: Hash::Sha1, modulus: &numbered::GROUP_1 };

/// The descriptor of a method whose group has a number.
struct DhMethod {
    name: &'static str,
    hash: Hash,
    modulus: &'static [u64],
}

impl KeyExchange for DhMethod {
    fn name(&self) -> &'static str {
        self.name
    }

    fn hash(&self) -> Hash {
        self.hash
    }

    fn start_client(
        &self,
        _settings: &KexSettings,
        random: &mut dyn SecureRandom,
    ) -> Result<(KexMessage, Box<dyn KexExchange>), KexError> {
        let (message, client) = Client::start(DhGroup::numbered(self.modulus), KEXDH, Vec::new(), random)?;
        Ok((message, Box::new(client)))
    }

    fn start_server(&self, _settings: &KexSettings) -> Result<Box<dyn KexExchange>, KexError> {
        Ok(Box::new(Server { group: DhGroup::numbered(self.modulus), numbers: KEXDH, before: Vec::new() }))
    }
}

/// The numbers of the messages with `e` and with `f`.
#[derive(Clone, Copy)]
struct Numbers {
    init: MessageNumber,
    reply: MessageNumber,
}

/// `KEXDH_INIT` and `KEXDH_REPLY` (RFC 4253 §8), which have ECDH's numbers.
const KEXDH: Numbers = Numbers { init: MessageNumber::KEX_ECDH_INIT, reply: MessageNumber::KEX_ECDH_REPLY };

/// The client, which waits for `f`.
struct Client {
    secret: DhSecret,
    numbers: Numbers,
    /// The fields of the exchange hash before `e`.
    before: Vec<u8>,
}

impl Client {
    /// The message with `e`, and who waits for the answer.
    fn start(
        group: DhGroup,
        numbers: Numbers,
        before: Vec<u8>,
        random: &mut dyn SecureRandom,
    ) -> Result<(KexMessage, Self), KexError> {
        let secret = DhSecret::generate(group, random)?;
        let message = KexMessage { number: numbers.init, body: mpints(&[secret.public_value()]) };
        Ok((message, Self { secret, numbers, before }))
    }
}

impl KexExchange for Client {
    fn expects(&self) -> MessageNumber {
        self.numbers.reply
    }

    fn handle(&mut self, body: &[u8], _random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        let mut reader = Reader::new(body);
        let host_key = reader.string()?;
        let f = reader.mpint()?;
        let signature = reader.string()?;
        reader.finish()?;
        let shared_secret = self.secret.agree(f)?;
        let mut exchange_values = core::mem::take(&mut self.before);
        exchange_values.extend(mpints(&[self.secret.public_value(), f]));
        Ok(KexStep::Done(KexOutcome {
            shared_secret,
            exchange_values,
            server_proof: Some(ServerProof { host_key: host_key.to_vec(), signature: signature.to_vec() }),
            reply: None,
        }))
    }
}

/// The server, which waits for `e`.
struct Server {
    group: DhGroup,
    numbers: Numbers,
    /// The fields of the exchange hash before `e`.
    before: Vec<u8>,
}

impl KexExchange for Server {
    fn expects(&self) -> MessageNumber {
        self.numbers.init
    }

    fn handle(&mut self, body: &[u8], random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        let mut reader = Reader::new(body);
        let e = reader.mpint()?;
        reader.finish()?;
        let secret = DhSecret::generate(self.group.clone(), random)?;
        let shared_secret = secret.agree(e)?;
        let mut exchange_values = core::mem::take(&mut self.before);
        exchange_values.extend(mpints(&[e, secret.public_value()]));
        Ok(KexStep::Done(KexOutcome {
            shared_secret,
            exchange_values,
            server_proof: None,
            reply: Some(KexReply { number: self.numbers.reply, server_value: mpints(&[secret.public_value()]) }),
        }))
    }
}

fn mpints(values: &[Mpint<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    values.iter().for_each(|value| writer.mpint(*value));
    out
}
