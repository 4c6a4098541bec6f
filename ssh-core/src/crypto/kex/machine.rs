//! The two messages that all methods of ECDH's shape exchange (RFC 5656 §4): a value each way, the server's with its
//! host key and signature.

use alloc::{boxed::Box, vec::Vec};
use core::marker::PhantomData;

use super::{KexError, KexExchange, KexMessage, KexOutcome, KexReply, KexSettings, KexStep, KeyExchange, ServerProof};
use crate::crypto::hash::Hash;
use crate::random::SecureRandom;
use crate::secret::SecretBytes;
use crate::wire::{MessageNumber, Mpint, Reader, Writer};

/// The arithmetic of a method. The server's side is one step, so a key encapsulation fits as well as Diffie-Hellman.
pub(super) trait Agreement: 'static {
    /// What the client keeps until the server answers.
    type ClientSecret: Send;

    /// The client's public value and the secret behind it.
    fn offer(random: &mut dyn SecureRandom) -> Result<(Vec<u8>, Self::ClientSecret), KexError>;

    /// The server's public value and `K`, encoded as it is hashed.
    fn respond(client_value: &[u8], random: &mut dyn SecureRandom) -> Result<(Vec<u8>, SecretBytes), KexError>;

    /// `K`, encoded as it is hashed, on the client.
    fn complete(secret: &Self::ClientSecret, server_value: &[u8]) -> Result<SecretBytes, KexError>;
}

/// `K` as an `mpint`, from its big-endian bytes.
pub(super) fn mpint_secret(magnitude: &[u8]) -> SecretBytes {
    encoded_secret(magnitude.len(), |writer| writer.mpint(Mpint::from_magnitude(magnitude)))
}

/// `K` as a `string`.
#[cfg(feature = "pq")]
pub(super) fn string_secret(bytes: &[u8]) -> SecretBytes {
    encoded_secret(bytes.len(), |writer| writer.string(bytes))
}

fn encoded_secret(length: usize, write: impl FnOnce(&mut Writer<'_>)) -> SecretBytes {
    // Room for length field and sign byte: a buffer that grew would leave a copy of the secret behind.
    let mut encoded = Vec::with_capacity(4 + 1 + length);
    write(&mut Writer::new(&mut encoded));
    SecretBytes::new(encoded)
}

/// A method's descriptor.
pub(super) struct EcdhMethod<A> {
    name: &'static str,
    hash: Hash,
    marker: PhantomData<fn() -> A>,
}

impl<A> EcdhMethod<A> {
    pub(super) const fn new(name: &'static str, hash: Hash) -> Self {
        Self { name, hash, marker: PhantomData }
    }
}

impl<A: Agreement> KeyExchange for EcdhMethod<A> {
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
        let (value, secret) = A::offer(random)?;
        let message = KexMessage { number: MessageNumber::KEX_ECDH_INIT, body: strings(&[&value]) };
        Ok((message, Box::new(Client::<A> { value, secret })))
    }

    fn start_server(&self, _settings: &KexSettings) -> Result<Box<dyn KexExchange>, KexError> {
        Ok(Box::new(Server::<A>(PhantomData)))
    }
}

struct Client<A: Agreement> {
    value: Vec<u8>,
    secret: A::ClientSecret,
}

impl<A: Agreement> KexExchange for Client<A> {
    fn expects(&self) -> MessageNumber {
        MessageNumber::KEX_ECDH_REPLY
    }

    fn handle(&mut self, body: &[u8], _random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        let mut reader = Reader::new(body);
        let host_key = reader.string()?;
        let server_value = reader.string()?;
        let signature = reader.string()?;
        reader.finish()?;
        Ok(KexStep::Done(KexOutcome {
            shared_secret: A::complete(&self.secret, server_value)?,
            exchange_values: strings(&[&self.value, server_value]),
            server_proof: Some(ServerProof { host_key: host_key.to_vec(), signature: signature.to_vec() }),
            reply: None,
        }))
    }
}

struct Server<A>(PhantomData<fn() -> A>);

impl<A: Agreement> KexExchange for Server<A> {
    fn expects(&self) -> MessageNumber {
        MessageNumber::KEX_ECDH_INIT
    }

    fn handle(&mut self, body: &[u8], random: &mut dyn SecureRandom) -> Result<KexStep, KexError> {
        let mut reader = Reader::new(body);
        let client_value = reader.string()?;
        reader.finish()?;
        let (value, shared_secret) = A::respond(client_value, random)?;
        Ok(KexStep::Done(KexOutcome {
            shared_secret,
            exchange_values: strings(&[client_value, &value]),
            server_proof: None,
            reply: Some(KexReply { number: MessageNumber::KEX_ECDH_REPLY, server_value: strings(&[&value]) }),
        }))
    }
}

fn strings(values: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    values.iter().for_each(|value| writer.string(value));
    out
}
