//! Issuing certificates.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::fmt;
use core::ops::Range;

use super::{Certificate, CertificateKind};
use crate::crypto::signature::{self, Certified};
use crate::key::{KeyError, PrivateKey, PublicKey, SignError};
use crate::random::{RandomError, SecureRandom};
use crate::time::UnixTime;
use crate::wire::{Reader, Writer};

/// What a new certificate is to say.
#[derive(Clone, Debug)]
#[must_use]
pub struct CertificateBuilder {
    key: PublicKey,
    kind: CertificateKind,
    key_id: String,
    serial: u64,
    principals: Vec<String>,
    validity: Range<UnixTime>,
    critical_options: BTreeMap<String, Vec<u8>>,
    extensions: BTreeMap<String, Vec<u8>>,
}

impl CertificateBuilder {
    /// A certificate with which a user logs in who holds `key`. `key_id` is for logs. Nothing is granted yet, to nobody.
    pub fn user(key: &PublicKey, key_id: &str, validity: Range<UnixTime>) -> Self {
        Self::new(CertificateKind::User, key, key_id, validity)
    }

    /// A certificate by which a host proves itself that holds `key`. `key_id` is for logs.
    pub fn host(key: &PublicKey, key_id: &str, validity: Range<UnixTime>) -> Self {
        Self::new(CertificateKind::Host, key, key_id, validity)
    }

    fn new(kind: CertificateKind, key: &PublicKey, key_id: &str, validity: Range<UnixTime>) -> Self {
        Self {
            key: key.clone(),
            kind,
            key_id: key_id.into(),
            serial: 0,
            principals: Vec::new(),
            validity,
            critical_options: BTreeMap::new(),
            extensions: BTreeMap::new(),
        }
    }

    /// A number by which it can be revoked. 0, the default, cannot.
    pub const fn serial(mut self, serial: u64) -> Self {
        self.serial = serial;
        self
    }

    /// One more user or host that it is for.
    pub fn principal(mut self, principal: &str) -> Self {
        self.principals.push(principal.into());
        self
    }

    /// Whoever logs in with it runs this command and no other.
    pub fn force_command(self, command: &str) -> Self {
        self.critical_option("force-command", &string(command))
    }

    /// It is good for connections from these addresses: `192.0.2.0/24,2001:db8::1`.
    pub fn source_address(self, addresses: &str) -> Self {
        self.critical_option("source-address", &string(addresses))
    }

    /// Security keys have to verify who uses them.
    pub fn verify_required(self) -> Self {
        self.critical_option("verify-required", &[])
    }

    /// An option that whoever checks it has to understand. `data` is often empty or one SSH string.
    pub fn critical_option(mut self, name: &str, data: &[u8]) -> Self {
        self.critical_options.insert(name.into(), data.to_vec());
        self
    }

    /// An extension without data: `permit-pty`, `permit-port-forwarding`, `permit-agent-forwarding`,
    /// `permit-X11-forwarding`, `permit-user-rc`, `no-touch-required`, or one of your own with an `@`.
    pub fn extension(self, name: &str) -> Self {
        self.extension_with_data(name, &[])
    }

    /// An extension with data.
    pub fn extension_with_data(mut self, name: &str, data: &[u8]) -> Self {
        self.extensions.insert(name.into(), data.to_vec());
        self
    }

    /// Everything that `ssh-keygen` grants to users by default.
    pub fn permit_all(self) -> Self {
        let names = ["X11-forwarding", "agent-forwarding", "port-forwarding", "pty", "user-rc"];
        names.iter().fold(self, |builder, name| builder.extension(&alloc::format!("permit-{name}")))
    }

    /// The certificate, signed by `authority`.
    ///
    /// # Errors
    /// [`IssueError`]
    pub fn sign(self, authority: &PrivateKey, random: &mut dyn SecureRandom) -> Result<PublicKey, IssueError> {
        let to_sign = self.to_sign(authority.public_key(), random)?;
        let signature = authority.sign(to_sign.algorithm(), to_sign.data(), random).map_err(IssueError::Sign)?;
        to_sign.finish(&signature)
    }

    /// For an authority whose key is elsewhere: what it has to sign.
    ///
    /// # Errors
    /// [`IssueError`]
    pub fn to_sign(
        self,
        authority: &PublicKey,
        random: &mut dyn SecureRandom,
    ) -> Result<CertificateToSign, IssueError> {
        let key_type = self.key.key_type();
        let certified =
            Certified::key_type_of(key_type).ok_or_else(|| IssueError::Key { key_type: key_type.into() })?;
        let algorithm = signature::for_key_type(authority.key_type())
            .find(|algorithm| algorithm.plain().is_none() && !algorithm.is_weak())
            .ok_or_else(|| IssueError::Authority { key_type: authority.key_type().into() })?;
        if self.principals.is_empty() || self.principals.len() > Certificate::MAX_PRINCIPALS {
            return Err(IssueError::Principals { count: self.principals.len() });
        }
        let mut nonce = [0; 32];
        random.fill(&mut nonce).map_err(IssueError::Random)?;
        Ok(CertificateToSign { data: self.encode(certified, &nonce, authority), algorithm: algorithm.name() })
    }

    fn encode(&self, key_type: &str, nonce: &[u8], authority: &PublicKey) -> Vec<u8> {
        let mut data = Vec::new();
        let mut writer = Writer::new(&mut data);
        writer.string(key_type.as_bytes());
        writer.string(nonce);
        let mut key = Reader::new(self.key.blob());
        let _type = key.string();
        writer.bytes(key.remainder());
        writer.uint64(self.serial);
        writer.uint32(self.kind.number());
        writer.string(self.key_id.as_bytes());
        writer.nested(|list| self.principals.iter().for_each(|principal| list.string(principal.as_bytes())));
        writer.uint64(self.validity.start.as_secs());
        writer.uint64(self.validity.end.as_secs());
        write_options(&mut writer, &self.critical_options);
        write_options(&mut writer, &self.extensions);
        writer.string(&[]);
        writer.string(authority.blob());
        data
    }
}

/// A certificate that lacks its authority's signature.
#[derive(Clone, Debug)]
#[must_use]
pub struct CertificateToSign {
    data: Vec<u8>,
    algorithm: &'static str,
}

impl CertificateToSign {
    /// What the authority signs.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// How it signs.
    pub const fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// The certificate with its signature, a whole signature blob.
    ///
    /// # Errors
    /// [`IssueError::Malformed`] for a signature that is not the authority's.
    pub fn finish(mut self, signature: &[u8]) -> Result<PublicKey, IssueError> {
        Writer::new(&mut self.data).string(signature);
        PublicKey::from_blob(&self.data).map_err(IssueError::Malformed)
    }
}

fn string(text: &str) -> Vec<u8> {
    let mut data = Vec::with_capacity(text.len() + 4);
    Writer::new(&mut data).string(text.as_bytes());
    data
}

fn write_options(writer: &mut Writer<'_>, options: &BTreeMap<String, Vec<u8>>) {
    writer.nested(|list| {
        for (name, data) in options {
            list.string(name.as_bytes());
            list.string(data);
        }
    });
}

/// Why a certificate was not issued.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssueError {
    /// Keys of this type cannot be certified.
    Key {
        /// The key's type.
        key_type: String,
    },
    /// Keys of this type cannot be authorities.
    Authority {
        /// The authority's type of key.
        key_type: String,
    },
    /// It would be for nobody, or for more than [`Certificate::MAX_PRINCIPALS`].
    Principals {
        /// How many principals it has.
        count: usize,
    },
    /// The authority's key did not sign.
    Sign(SignError),
    /// The signature is not the authority's, or the certificate is too long.
    Malformed(KeyError),
    /// The source of randomness failed.
    Random(RandomError),
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { key_type } => {
                write!(f, "a key of type {} cannot be certified", key_type.escape_debug())
            }
            Self::Authority { key_type } => {
                write!(f, "a key of type {} cannot sign certificates", key_type.escape_debug())
            }
            Self::Principals { count: 0 } => {
                f.write_str("a certificate without principals is for nobody; name the users or hosts it is for")
            }
            Self::Principals { count } => {
                write!(f, "a certificate cannot have {count} principals; {} is the most", Certificate::MAX_PRINCIPALS)
            }
            Self::Sign(error) => write!(f, "the authority did not sign: {error}"),
            Self::Malformed(error) => write!(f, "the new certificate is not right: {error}"),
            Self::Random(error) => write!(f, "the certificate could not be made: {error}"),
        }
    }
}

impl core::error::Error for IssueError {}
