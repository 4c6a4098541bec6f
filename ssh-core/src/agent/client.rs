//! Asking an agent.

use alloc::{collections::VecDeque, string::String, vec::Vec};
use core::fmt;

use super::constraint::Constraints;
use super::error::AgentError;
use super::frame::{FrameQueue, FrameReader, MAX_FRAME_LENGTH};
use super::key_fields;
use super::message::SignFlags;
use super::number::AgentMessageNumber;
use super::session::{SESSION_BIND, write_binding};
use crate::crypto::signature;
use crate::key::{HostKeyProof, PrivateKey, PublicKey};
use crate::protocol::ByteProtocol;
use crate::secret::SecretBytes;
use crate::wire::{DecodeError, Reader, Writer};

/// A key that an agent has.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentIdentity {
    /// The key, or the certificate of one.
    pub key: PublicKey,
    /// What its user calls it. Escape it before it is shown.
    pub comment: String,
}

impl fmt::Debug for AgentIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.key, self.comment)
    }
}

/// What an agent answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentReply {
    /// The keys it has. Keys that make no sense are left out: one of them does not make the others useless.
    Identities(Vec<AgentIdentity>),
    /// A signature blob (RFC 4253 §6.6), by the algorithm that was asked for.
    Signature(Vec<u8>),
    /// It did what it was asked to.
    Done,
    /// What an extension says.
    Extension(Vec<u8>),
}

/// A client of an agent: questions in, answers out, in the order of the questions.
///
/// Every method that asks queues one request and returns; the answer comes from [`poll_reply`](Self::poll_reply) once
/// bytes went out and came in as a [`ByteProtocol`] has them.
#[derive(Default)]
pub struct AgentClient {
    input: FrameReader,
    output: FrameQueue,
    asked: VecDeque<Asked>,
    failed: Option<AgentError>,
}

/// What an answer has to be.
enum Asked {
    Identities,
    /// With the algorithm that was asked for, as it is called in signatures.
    Signature(String),
    Done,
    /// With its name.
    Extension(String),
}

impl AgentClient {
    /// A client at the beginning of a conversation.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks which keys there are.
    ///
    /// # Errors
    /// The error that ended the conversation.
    pub fn list(&mut self) -> Result<(), AgentError> {
        self.ask(Asked::Identities, AgentMessageNumber::REQUEST_IDENTITIES, 0, |_| {})
    }

    /// Asks to sign `data` with `key`, which may be a certificate, by `algorithm`, such as `rsa-sha2-512`.
    ///
    /// # Errors
    /// [`AgentError::TooLong`], or the error that ended the conversation.
    pub fn sign(&mut self, key: &PublicKey, algorithm: &str, data: &[u8]) -> Result<(), AgentError> {
        let named = signature::by_name(algorithm);
        let plain = named.and_then(|algorithm| algorithm.plain()).or(named).map_or(algorithm, |plain| plain.name());
        let room = key.blob().len() + data.len();
        self.ask(Asked::Signature(plain.into()), AgentMessageNumber::SIGN_REQUEST, room, |writer| {
            writer.string(key.blob());
            writer.string(data);
            writer.uint32(SignFlags::for_algorithm(algorithm).0);
        })
    }

    /// Gives a key away: alone, or with `certificate`. They are two identities, so whoever wants both adds both.
    ///
    /// # Errors
    /// [`AgentError::CertificateMismatch`], [`AgentError::TooLong`], or the error that ended the conversation.
    pub fn add(
        &mut self,
        key: &PrivateKey,
        certificate: Option<&PublicKey>,
        comment: &str,
        constraints: &Constraints,
    ) -> Result<(), AgentError> {
        let certificate_length = certificate.map_or(0, |certificate| certificate.blob().len());
        let mut fields = SecretFields::with_room(key_fields::ROOM + certificate_length + comment.len());
        key_fields::write(key, certificate, &mut fields.writer())?;
        fields.writer().string(comment.as_bytes());
        let number = if constraints.is_empty() {
            AgentMessageNumber::ADD_IDENTITY
        } else {
            constraints.write(&mut fields.writer());
            AgentMessageNumber::ADD_ID_CONSTRAINED
        };
        self.ask(Asked::Done, number, fields.0.len(), |writer| writer.bytes(fields.0.as_slice()))
    }

    /// Asks to forget a key, or a certificate.
    ///
    /// # Errors
    /// The error that ended the conversation.
    pub fn remove(&mut self, key: &PublicKey) -> Result<(), AgentError> {
        let blob = key.blob();
        self.ask(Asked::Done, AgentMessageNumber::REMOVE_IDENTITY, blob.len(), |writer| writer.string(blob))
    }

    /// Asks to forget all keys.
    ///
    /// # Errors
    /// The error that ended the conversation.
    pub fn remove_all(&mut self) -> Result<(), AgentError> {
        self.ask(Asked::Done, AgentMessageNumber::REMOVE_ALL_IDENTITIES, 0, |_| {})
    }

    /// Asks the agent to do nothing more until [`unlock`](Self::unlock) brings the same passphrase.
    ///
    /// # Errors
    /// [`AgentError::TooLong`], or the error that ended the conversation.
    pub fn lock(&mut self, passphrase: &SecretBytes) -> Result<(), AgentError> {
        self.ask(Asked::Done, AgentMessageNumber::LOCK, passphrase.len(), |writer| writer.string(passphrase.expose()))
    }

    /// Ends the effect of [`lock`](Self::lock).
    ///
    /// # Errors
    /// [`AgentError::TooLong`], or the error that ended the conversation.
    pub fn unlock(&mut self, passphrase: &SecretBytes) -> Result<(), AgentError> {
        self.ask(Asked::Done, AgentMessageNumber::UNLOCK, passphrase.len(), |writer| writer.string(passphrase.expose()))
    }

    /// Tells the agent which session this connection serves. Do this once, before anything is signed for the session:
    /// keys that are only for certain hosts are not even shown otherwise. Agents that do not know it refuse, which is no
    /// reason to stop.
    ///
    /// # Errors
    /// [`AgentError::TooLong`], or the error that ended the conversation.
    pub fn bind_session(&mut self, session: &HostKeyProof, is_forwarding: bool) -> Result<(), AgentError> {
        let room = session.host_key.blob().len() + session.session_id.len() + session.signature.len();
        self.ask(Asked::Done, AgentMessageNumber::EXTENSION, room, |writer| {
            writer.string(SESSION_BIND);
            write_binding(session, is_forwarding, writer);
        })
    }

    /// Asks for an extension by name.
    ///
    /// # Errors
    /// [`AgentError::TooLong`], or the error that ended the conversation.
    pub fn extension(&mut self, name: &str, contents: &[u8]) -> Result<(), AgentError> {
        let room = name.len() + contents.len();
        self.ask(Asked::Extension(name.into()), AgentMessageNumber::EXTENSION, room, |writer| {
            writer.string(name.as_bytes());
            writer.bytes(contents);
        })
    }

    /// Whether an answer is still awaited.
    pub fn is_waiting(&self) -> bool {
        !self.asked.is_empty() && self.failed.is_none()
    }

    /// The next answer. After an error that [is fatal](AgentError::is_fatal) there is no other answer but this error.
    pub fn poll_reply(&mut self) -> Option<Result<AgentReply, AgentError>> {
        if let Some(error) = &self.failed {
            return Some(Err(error.clone()));
        }
        let reply = match (self.input.frame()?, self.asked.pop_front()) {
            (Err(error), _) => Err(error),
            (Ok(_), None) => Err(AgentError::Unsolicited),
            (Ok(frame), Some(asked)) => asked.read(frame),
        };
        self.input.next();
        self.failed = reply.as_ref().err().filter(|error| error.is_fatal()).cloned();
        Some(reply)
    }

    fn ask(
        &mut self,
        asked: Asked,
        number: AgentMessageNumber,
        room: usize,
        fill: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), AgentError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if room > MAX_FRAME_LENGTH {
            return Err(AgentError::TooLong);
        }
        self.output.push(room + 128, |writer| {
            writer.byte(number.0);
            fill(writer);
        })?;
        self.asked.push_back(asked);
        Ok(())
    }
}

impl ByteProtocol for AgentClient {
    fn handle_input(&mut self, bytes: &[u8]) -> usize {
        if self.failed.is_some() { bytes.len() } else { self.input.handle_input(bytes) }
    }

    fn poll_output(&mut self) -> &[u8] {
        self.output.poll_output()
    }

    fn consume_output(&mut self, n: usize) {
        self.output.consume_output(n);
    }
}

impl Asked {
    fn read(&self, frame: &[u8]) -> Result<AgentReply, AgentError> {
        let mut reader = Reader::new(frame);
        let number = AgentMessageNumber(reader.byte()?);
        match (self, number) {
            (_, AgentMessageNumber::FAILURE | AgentMessageNumber::EXTENSION_FAILURE) => Err(AgentError::Refused),
            (Self::Identities, AgentMessageNumber::IDENTITIES_ANSWER) => {
                Ok(read_identities(&mut reader).map(AgentReply::Identities)?)
            }
            (Self::Signature(algorithm), AgentMessageNumber::SIGN_RESPONSE) => {
                let signature = reader.string()?;
                reader.finish()?;
                if Reader::new(signature).string()? != algorithm.as_bytes() {
                    return Err(AgentError::WrongAlgorithm { wanted: algorithm.clone() });
                }
                Ok(AgentReply::Signature(signature.to_vec()))
            }
            (Self::Done | Self::Extension(_), AgentMessageNumber::SUCCESS) => Ok(AgentReply::Done),
            (Self::Extension(name), AgentMessageNumber::EXTENSION_RESPONSE) => {
                if reader.string()? != name.as_bytes() {
                    return Err(AgentError::UnexpectedReply { number });
                }
                Ok(AgentReply::Extension(reader.remainder().to_vec()))
            }
            _ => Err(AgentError::UnexpectedReply { number }),
        }
    }
}

fn read_identities(reader: &mut Reader<'_>) -> Result<Vec<AgentIdentity>, DecodeError> {
    let count = reader.uint32()?;
    // Two length fields each: a count that the bytes cannot hold is a lie.
    if count as usize > reader.remaining() / 8 {
        return Err(DecodeError::TooMany);
    }
    let mut identities = Vec::new();
    for _ in 0..count {
        let (blob, comment) = (reader.string()?, reader.string()?);
        if let Ok(key) = PublicKey::from_blob(blob) {
            identities.push(AgentIdentity { key, comment: String::from_utf8_lossy(comment).into_owned() });
        }
    }
    reader.finish()?;
    Ok(identities)
}

/// Fields with a private key among them, in a buffer that never grows.
struct SecretFields(zeroize::Zeroizing<Vec<u8>>);

impl SecretFields {
    fn with_room(room: usize) -> Self {
        Self(zeroize::Zeroizing::new(Vec::with_capacity(room)))
    }

    fn writer(&mut self) -> Writer<'_> {
        Writer::new(&mut self.0)
    }
}
