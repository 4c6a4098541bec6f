//! Requests and answers.

use alloc::{boxed::Box, string::String, vec::Vec};

use super::client::AgentIdentity;
use super::constraint::Constraints;
use super::error::AgentError;
use super::key_fields;
use super::number::AgentMessageNumber;
use super::session::{SESSION_BIND, read_binding};
use crate::key::{HostKeyProof, PrivateKey, PublicKey};
use crate::secret::SecretBytes;
use crate::wire::{DecodeError, Reader, Writer};

/// How an agent is to sign with RSA; other keys have one way only (draft-ietf-sshm-ssh-agent §3.6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignFlags(pub u32);

impl SignFlags {
    /// `rsa-sha2-256`
    pub const RSA_SHA2_256: Self = Self(2);
    /// `rsa-sha2-512`
    pub const RSA_SHA2_512: Self = Self(4);

    /// The flags that make a key sign with `algorithm`.
    pub fn for_algorithm(algorithm: &str) -> Self {
        match algorithm {
            name if name.starts_with("rsa-sha2-256") => Self::RSA_SHA2_256,
            name if name.starts_with("rsa-sha2-512") => Self::RSA_SHA2_512,
            _ => Self::default(),
        }
    }

    /// The algorithm that `key` is asked to sign with. Without flags RSA means SHA-1.
    pub fn algorithm(self, key: &PublicKey) -> String {
        match key.plain().key_type() {
            "ssh-rsa" if self.0 & Self::RSA_SHA2_512.0 != 0 => "rsa-sha2-512".into(),
            "ssh-rsa" if self.0 & Self::RSA_SHA2_256.0 != 0 => "rsa-sha2-256".into(),
            key_type => key_type.into(),
        }
    }
}

/// What a client asks an agent for.
#[derive(Debug)]
#[non_exhaustive]
pub enum AgentRequest {
    /// Which keys are there?
    Identities,
    /// Sign `data`.
    Sign {
        /// With this key, or the certificate of one.
        key: PublicKey,
        /// What to sign.
        data: Vec<u8>,
        /// How.
        flags: SignFlags,
    },
    /// Keep this key; it replaces itself.
    Add(Box<KeyToAdd>),
    /// Forget this key, or this certificate.
    Remove(PublicKey),
    /// Forget all keys.
    RemoveAll,
    /// Do nothing until this passphrase comes again.
    Lock(SecretBytes),
    /// Here it is.
    Unlock(SecretBytes),
    /// The connection serves this session from now on.
    BindSession {
        /// The session.
        session: HostKeyProof,
        /// Whether it forwards the agent to its host, rather than logging in there.
        is_forwarding: bool,
    },
    /// Something else.
    Extension {
        /// What.
        name: String,
        /// As its name says.
        contents: Vec<u8>,
    },
}

/// A key that an agent is given.
#[derive(Debug)]
pub struct KeyToAdd {
    /// The key.
    pub key: PrivateKey,
    /// Its certificate. Key and certificate are two identities; this one is the certificate then.
    pub certificate: Option<PublicKey>,
    /// What the user calls it.
    pub comment: String,
    /// How to keep it.
    pub constraints: Constraints,
}

impl AgentRequest {
    /// Reads a frame. `Ok(None)` for a request that no agent here grants: keys in tokens, numbers that are not known.
    pub(super) fn read(frame: &[u8]) -> Result<Option<Self>, AgentError> {
        let mut reader = Reader::new(frame);
        let request = match AgentMessageNumber(reader.byte()?) {
            AgentMessageNumber::REQUEST_IDENTITIES => Self::Identities,
            AgentMessageNumber::SIGN_REQUEST => {
                let key = read_public_key(&mut reader)?;
                let data = reader.string()?.to_vec();
                Self::Sign { key, data, flags: SignFlags(reader.uint32()?) }
            }
            AgentMessageNumber::ADD_IDENTITY => Self::Add(Box::new(KeyToAdd::read(&mut reader)?)),
            AgentMessageNumber::ADD_ID_CONSTRAINED => {
                let mut key = KeyToAdd::read(&mut reader)?;
                key.constraints = Constraints::read(&mut reader)?;
                Self::Add(Box::new(key))
            }
            AgentMessageNumber::REMOVE_IDENTITY => Self::Remove(read_public_key(&mut reader)?),
            AgentMessageNumber::REMOVE_ALL_IDENTITIES => Self::RemoveAll,
            AgentMessageNumber::LOCK => Self::Lock(SecretBytes::copied_from(reader.string()?)),
            AgentMessageNumber::UNLOCK => Self::Unlock(SecretBytes::copied_from(reader.string()?)),
            AgentMessageNumber::EXTENSION => Self::read_extension(&mut reader)?,
            _ => return Ok(None),
        };
        reader.finish()?;
        Ok(Some(request))
    }

    fn read_extension(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let name = reader.string()?;
        let contents = reader.remainder();
        if name == SESSION_BIND {
            let (session, is_forwarding) = read_binding(contents)?;
            return Ok(Self::BindSession { session, is_forwarding });
        }
        let name = core::str::from_utf8(name).map_err(|_| DecodeError::InvalidValue)?.into();
        Ok(Self::Extension { name, contents: contents.to_vec() })
    }
}

impl KeyToAdd {
    fn read(reader: &mut Reader<'_>) -> Result<Self, AgentError> {
        let (key, certificate) = key_fields::read(reader)?;
        let comment = String::from_utf8_lossy(reader.string()?).into_owned();
        Ok(Self { key, certificate, comment, constraints: Constraints::default() })
    }
}

fn read_public_key(reader: &mut Reader<'_>) -> Result<PublicKey, DecodeError> {
    PublicKey::from_blob(reader.string()?).map_err(|_| DecodeError::InvalidValue)
}

/// What an agent answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentAnswer {
    /// No, or it did not work.
    Failure,
    /// Done.
    Success,
    /// These keys are there.
    Identities(Vec<AgentIdentity>),
    /// The signature blob (RFC 4253 §6.6).
    Signature(Vec<u8>),
    /// What the extension says that was asked for.
    Extension {
        /// Its name.
        name: String,
        /// As its name says.
        contents: Vec<u8>,
    },
    /// The extension is known, but it did not work.
    ExtensionFailure,
}

impl AgentAnswer {
    pub(super) fn room(&self) -> usize {
        match self {
            Self::Identities(list) => {
                16 + list.iter().map(|each| 8 + each.key.blob().len() + each.comment.len()).sum::<usize>()
            }
            Self::Signature(signature) => 16 + signature.len(),
            Self::Extension { name, contents } => 16 + name.len() + contents.len(),
            _ => 1,
        }
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        let number = match self {
            Self::Failure => AgentMessageNumber::FAILURE,
            Self::Success => AgentMessageNumber::SUCCESS,
            Self::Identities(_) => AgentMessageNumber::IDENTITIES_ANSWER,
            Self::Signature(_) => AgentMessageNumber::SIGN_RESPONSE,
            Self::Extension { .. } => AgentMessageNumber::EXTENSION_RESPONSE,
            Self::ExtensionFailure => AgentMessageNumber::EXTENSION_FAILURE,
        };
        writer.byte(number.0);
        match self {
            Self::Identities(list) => {
                writer.uint32(u32::try_from(list.len()).unwrap_or(u32::MAX));
                for AgentIdentity { key, comment } in list {
                    writer.string(key.blob());
                    writer.string(comment.as_bytes());
                }
            }
            Self::Signature(signature) => writer.string(signature),
            Self::Extension { name, contents } => {
                writer.string(name.as_bytes());
                writer.bytes(contents);
            }
            _ => {}
        }
    }
}
