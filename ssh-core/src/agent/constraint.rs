//! Under which constraints an agent keeps a key.

use alloc::{string::String, vec::Vec};

use super::error::AgentError;
use crate::key::{CertificateCheck, PublicKey};
use crate::pattern;
use crate::time::UnixTime;
use crate::wire::{DecodeError, Reader, Writer};

const LIFETIME: u8 = 1;
const CONFIRM: u8 = 2;
const EXTENSION: u8 = 255;
const RESTRICT_DESTINATION: &[u8] = b"restrict-destination-v00@openssh.com";
/// Most destinations a key may be restricted to; OpenSSH's limit too.
const MAX_DESTINATIONS: usize = 1024;

/// What an agent may do with a key that it is given. The default is: everything, for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// Seconds after which the agent forgets the key.
    pub lifetime: Option<u32>,
    /// Whether a person has to consent to every signature.
    pub confirm: bool,
    /// The only ways on which the key may be used, as `ssh-add -h` gives them; empty: every way.
    pub destinations: Vec<DestinationConstraint>,
}

/// One permitted step from a host to the next (OpenSSH's `PROTOCOL.agent` §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationConstraint {
    /// Where the step begins. Without a host name and keys: where the agent runs.
    pub from: Hop,
    /// Where it leads. [`Hop::user`] is a pattern.
    pub to: Hop,
}

/// One end of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Whom one logs in as there, a pattern. Empty: anybody. Meaningful where a step leads to.
    pub user: String,
    /// The host's name; certificates have to be for it.
    pub host: String,
    /// The host's keys.
    pub keys: Vec<HopKey>,
}

/// A key that a host may prove itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopKey {
    /// The key.
    pub key: PublicKey,
    /// Whether it is not the host's own, but that of an authority which certifies it.
    pub is_authority: bool,
}

impl Constraints {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        if let Some(seconds) = self.lifetime {
            writer.byte(LIFETIME);
            writer.uint32(seconds);
        }
        if self.confirm {
            writer.byte(CONFIRM);
        }
        if !self.destinations.is_empty() {
            writer.byte(EXTENSION);
            writer.string(RESTRICT_DESTINATION);
            writer.nested(|list| self.destinations.iter().for_each(|each| list.nested(|writer| each.write(writer))));
        }
    }

    /// Reads all that is left. One that is not known is an error: a key must not be kept with less than was asked for.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, AgentError> {
        let mut constraints = Self::default();
        while reader.remaining() > 0 {
            match reader.byte()? {
                LIFETIME if constraints.lifetime.is_none() => constraints.lifetime = Some(reader.uint32()?),
                CONFIRM if !constraints.confirm => constraints.confirm = true,
                EXTENSION if reader.string()? == RESTRICT_DESTINATION && constraints.destinations.is_empty() => {
                    constraints.destinations = read_destinations(reader.string()?)?;
                }
                _ => return Err(AgentError::UnknownConstraint),
            }
        }
        Ok(constraints)
    }
}

fn read_destinations(list: &[u8]) -> Result<Vec<DestinationConstraint>, DecodeError> {
    let mut reader = Reader::new(list);
    let mut destinations = Vec::new();
    while reader.remaining() > 0 {
        if destinations.len() == MAX_DESTINATIONS {
            return Err(DecodeError::TooMany);
        }
        destinations.push(DestinationConstraint::read(reader.string()?)?);
    }
    if destinations.is_empty() { Err(DecodeError::InvalidValue) } else { Ok(destinations) }
}

impl DestinationConstraint {
    /// Whether the step from `from` (`None`: where the agent runs) to `to` (`None`: anywhere) as `user` (`None`: anybody)
    /// is this one.
    pub(super) fn permits(
        &self,
        from: Option<&PublicKey>,
        to: Option<&PublicKey>,
        user: Option<&str>,
        now: UnixTime,
    ) -> bool {
        let from_fits = match from {
            None => self.from.host.is_empty() && self.from.keys.is_empty(),
            Some(key) => self.from.has(key, now),
        };
        let user_fits = |user: &str| pattern::matches(self.to.user.as_bytes(), user.as_bytes());
        from_fits
            && to.is_none_or(|key| self.to.has(key, now))
            && (self.to.user.is_empty() || user.is_none_or(user_fits))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.nested(|hop| self.from.write(hop));
        writer.nested(|hop| self.to.write(hop));
        writer.string(b"");
    }

    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (from, to) = (Hop::read(reader.string()?)?, Hop::read(reader.string()?)?);
        // Reserved; what will stand there cannot be obeyed.
        let reserved = reader.string()?;
        reader.finish()?;
        let leads_somewhere = !to.host.is_empty() && !to.keys.is_empty();
        let begins_somewhere = from.host.is_empty() == from.keys.is_empty() && from.user.is_empty();
        if !reserved.is_empty() || !leads_somewhere || !begins_somewhere {
            return Err(DecodeError::InvalidValue);
        }
        Ok(Self { from, to })
    }
}

impl Hop {
    fn has(&self, key: &PublicKey, now: UnixTime) -> bool {
        let certificate = key.certificate();
        self.keys.iter().any(|each| match (&certificate, each.is_authority) {
            (Some(certificate), true) => {
                let check = CertificateCheck::host(&self.host, now, core::slice::from_ref(&each.key));
                certificate.check(&check).is_ok()
            }
            (_, false) => each.key == *key.plain(),
            (None, true) => false,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.string(self.user.as_bytes());
        writer.string(self.host.as_bytes());
        writer.string(b"");
        for HopKey { key, is_authority } in &self.keys {
            writer.string(key.blob());
            writer.boolean(*is_authority);
        }
    }

    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (user, host, reserved) = (text(reader.string()?)?, text(reader.string()?)?, reader.string()?);
        if !reserved.is_empty() {
            return Err(DecodeError::InvalidValue);
        }
        let mut keys = Vec::new();
        while reader.remaining() > 0 {
            let key = PublicKey::from_blob(reader.string()?).map_err(|_| DecodeError::InvalidValue)?;
            keys.push(HopKey { key, is_authority: reader.boolean()? });
        }
        Ok(Self { user, host, keys })
    }
}

fn text(bytes: &[u8]) -> Result<String, DecodeError> {
    core::str::from_utf8(bytes).map(Into::into).map_err(|_| DecodeError::InvalidValue)
}
