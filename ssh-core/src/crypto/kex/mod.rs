//! Key exchange methods (RFC 4253 §8, RFC 4419, RFC 5656, RFC 8731 and the hybrid post-quantum drafts).
//!
//! A method is a little machine beside the transport: it makes and reads the messages 30 to 49 and ends in a
//! [`KexOutcome`]. The transport computes the exchange hash from it and deals with host keys and signatures, so no
//! method ever sees them.

mod curve;
mod curve25519;
mod dh;
mod ecdh;
#[cfg(feature = "pq")]
mod hybrid;
mod machine;
#[cfg(feature = "pq")]
mod mlkem;
#[cfg(feature = "pq")]
mod sntrup761;
#[cfg(test)]
mod tests;

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

pub use curve25519::{CURVE25519_SHA256, CURVE25519_SHA256_LIBSSH};
#[cfg(feature = "legacy")]
pub use dh::{DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA1, DIFFIE_HELLMAN_GROUP1_SHA1, DIFFIE_HELLMAN_GROUP14_SHA1};
pub use dh::{
    DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256, DIFFIE_HELLMAN_GROUP14_SHA256, DIFFIE_HELLMAN_GROUP15_SHA512,
    DIFFIE_HELLMAN_GROUP16_SHA512, DIFFIE_HELLMAN_GROUP17_SHA512, DIFFIE_HELLMAN_GROUP18_SHA512, DhGroup, GroupFault,
    GroupSizes, Moduli,
};
pub use ecdh::{ECDH_SHA2_NISTP256, ECDH_SHA2_NISTP384, ECDH_SHA2_NISTP521};
#[cfg(feature = "pq")]
pub use mlkem::{MLKEM768NISTP256_SHA256, MLKEM768X25519_SHA256, MLKEM1024NISTP384_SHA384};
#[cfg(feature = "pq")]
pub use sntrup761::{SNTRUP761X25519_SHA512, SNTRUP761X25519_SHA512_OPENSSH};

use super::hash::Hash;
use crate::random::{RandomError, SecureRandom};
use crate::secret::SecretBytes;
use crate::wire::{DecodeError, MessageNumber};

/// Every method that is built in.
pub static ALL: &[&dyn KeyExchange] = &[
    #[cfg(feature = "pq")]
    MLKEM768X25519_SHA256,
    #[cfg(feature = "pq")]
    MLKEM768NISTP256_SHA256,
    #[cfg(feature = "pq")]
    MLKEM1024NISTP384_SHA384,
    #[cfg(feature = "pq")]
    SNTRUP761X25519_SHA512,
    #[cfg(feature = "pq")]
    SNTRUP761X25519_SHA512_OPENSSH,
    CURVE25519_SHA256,
    CURVE25519_SHA256_LIBSSH,
    ECDH_SHA2_NISTP256,
    ECDH_SHA2_NISTP384,
    ECDH_SHA2_NISTP521,
    DIFFIE_HELLMAN_GROUP14_SHA256,
    DIFFIE_HELLMAN_GROUP15_SHA512,
    DIFFIE_HELLMAN_GROUP16_SHA512,
    DIFFIE_HELLMAN_GROUP17_SHA512,
    DIFFIE_HELLMAN_GROUP18_SHA512,
    DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA256,
    #[cfg(feature = "legacy")]
    DIFFIE_HELLMAN_GROUP14_SHA1,
    #[cfg(feature = "legacy")]
    DIFFIE_HELLMAN_GROUP_EXCHANGE_SHA1,
    #[cfg(feature = "legacy")]
    DIFFIE_HELLMAN_GROUP1_SHA1,
];

/// What methods leave to the application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KexSettings {
    /// Client: how large a group it asks for in a group exchange.
    pub group_sizes: GroupSizes,
    /// Server: the groups that it has for a group exchange.
    pub moduli: Moduli,
}

/// A key exchange method's descriptor.
pub trait KeyExchange: Send + Sync {
    /// The name in KEXINIT.
    fn name(&self) -> &'static str;

    /// The hash function it fixes.
    fn hash(&self) -> Hash;

    /// Begins as the client: the first message is returned beside the machine.
    ///
    /// # Errors
    /// [`KexError::Random`]
    fn start_client(
        &self,
        settings: &KexSettings,
        random: &mut dyn SecureRandom,
    ) -> Result<(KexMessage, Box<dyn KexExchange>), KexError>;

    /// Begins as the server, which waits for the client's first message.
    ///
    /// # Errors
    /// [`KexError::Random`]
    fn start_server(&self, settings: &KexSettings) -> Result<Box<dyn KexExchange>, KexError>;
}

impl fmt::Debug for dyn KeyExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A message of a method: number and everything after it.
#[derive(Debug)]
pub struct KexMessage {
    /// 30 to 49.
    pub number: MessageNumber,
    /// The message without its number.
    pub body: Vec<u8>,
}

/// A key exchange in progress.
pub trait KexExchange: Send {
    /// The one message number that is legal next.
    fn expects(&self) -> MessageNumber;

    /// Takes the peer's message, which has the number [`expects`](Self::expects) names. On the client the last message
    /// also carries the server's host key and signature, which come back in [`KexOutcome::server_proof`].
    ///
    /// # Errors
    /// [`KexError`] if the peer's value is unacceptable. The machine is of no use afterwards.
    fn handle(&mut self, body: &[u8], random: &mut dyn SecureRandom) -> Result<KexStep, KexError>;
}

/// What follows a message of the peer.
pub enum KexStep {
    /// Send this and wait for the next.
    Send(KexMessage),
    /// Both values are exchanged.
    Done(KexOutcome),
}

/// What a method ends in.
pub struct KexOutcome {
    /// The shared secret `K` as it goes into the exchange hash and the key derivation, length field included: an
    /// `mpint` for the classic methods, a `string` for the hybrid ones.
    pub shared_secret: SecretBytes,
    /// The fields of the exchange hash between `K_S` and `K`, each with its length field, in the method's order (for
    /// ECDH `Q_C ‖ Q_S`).
    pub exchange_values: Vec<u8>,
    /// Client: the host key blob and the signature blob from the server's message. Server: `None`.
    pub server_proof: Option<ServerProof>,
    /// Server: the last message still to be sent. Client: `None`.
    pub reply: Option<KexReply>,
}

/// The server's host key and its signature over the exchange hash, as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerProof {
    /// `K_S`
    pub host_key: Vec<u8>,
    /// The signature blob.
    pub signature: Vec<u8>,
}

/// The server's last message without host key and signature: `string K_S ‖ server_value ‖ string signature`.
#[derive(Debug)]
pub struct KexReply {
    /// The number of the message.
    pub number: MessageNumber,
    /// The server's public value with its length field.
    pub server_value: Vec<u8>,
}

/// Why a key exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KexError {
    /// The peer's message is malformed.
    Decode(DecodeError),
    /// The peer's public value has the wrong length or form.
    MalformedPublicValue,
    /// The peer's public value is not a point of the curve or an element of the group, or one that the method forbids.
    InvalidPublicValue,
    /// The shared secret is one that anybody knows: the peer sent a point of low order.
    WeakSharedSecret,
    /// The client asks for a group whose sizes are in no order (RFC 4419 §3).
    GroupSizes,
    /// We have no group of a size that the client takes.
    NoGroup,
    /// The server's group is none to agree on a secret in.
    Group(GroupFault),
    /// No randomness.
    Random(RandomError),
}

impl From<DecodeError> for KexError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<RandomError> for KexError {
    fn from(error: RandomError) -> Self {
        Self::Random(error)
    }
}

impl fmt::Display for KexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => write!(f, "the key exchange message is malformed: {error}"),
            Self::MalformedPublicValue => f.write_str("the public value has the wrong length or form"),
            Self::InvalidPublicValue => f.write_str("the public value is not a valid point or element"),
            Self::WeakSharedSecret => f.write_str("the public value forces a known shared secret"),
            Self::GroupSizes => f.write_str("the sizes of group asked for are in no order"),
            Self::NoGroup => f.write_str("there is no group of the size asked for"),
            Self::Group(fault) => write!(f, "the group is unacceptable: {fault}"),
            Self::Random(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for KexError {}
