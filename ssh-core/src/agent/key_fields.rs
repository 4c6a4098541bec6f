//! How a private key looks on its way to an agent (draft-ietf-sshm-ssh-agent §3.2).
//!
//! A plain key looks as in OpenSSH's key files: type, public numbers, private numbers. With a certificate, the type is
//! the certificate's, and the certificate stands in place of those public numbers that it holds.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::error::AgentError;
use crate::key::{KeyFileError, PrivateKey, PublicKey};
use crate::wire::{DecodeError, Reader, Writer};

/// Room that every key fits into: RSA of 16,384 bits takes 10 KiB.
pub(super) const ROOM: usize = 16 * 1024;

pub(super) fn write(
    key: &PrivateKey,
    certificate: Option<&PublicKey>,
    writer: &mut Writer<'_>,
) -> Result<(), AgentError> {
    let Some(certificate) = certificate else {
        key.write_fields(writer);
        return Ok(());
    };
    if *certificate.plain() != *key.public_key() {
        return Err(AgentError::CertificateMismatch);
    }
    let mut fields = Zeroizing::new(Vec::with_capacity(ROOM));
    key.write_fields(&mut Writer::new(&mut fields));
    let mut reader = Reader::new(&fields);
    for _ in 0..Layout::of(key.public_key()).public_strings {
        reader.string()?;
    }
    writer.string(certificate.key_type().as_bytes());
    writer.string(certificate.blob());
    writer.bytes(reader.remainder());
    Ok(())
}

/// The key, and its certificate if it has one.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<(PrivateKey, Option<PublicKey>), AgentError> {
    let mut ahead = *reader;
    let key_type = ahead.string()?;
    let is_certificate = |blob: &&[u8]| Reader::new(blob).string().is_ok_and(|name| name == key_type);
    let Some(blob) = ahead.string().ok().filter(is_certificate) else {
        return PrivateKey::read_fields(reader).map(|key| (key, None)).map_err(AgentError::Key);
    };
    let refused = |error| AgentError::Key(KeyFileError::PublicKey(error));
    let certificate = PublicKey::from_blob(blob).map_err(refused)?;
    let plain = certificate.plain();
    let layout = Layout::of(&plain);
    let mut fields = Zeroizing::new(Vec::with_capacity(ROOM));
    layout.write_public(&plain, &mut Writer::new(&mut fields))?;
    for _ in 0..layout.private_strings {
        Writer::new(&mut fields).string(ahead.string()?);
    }
    let key = PrivateKey::read_fields(&mut Reader::new(&fields)).map_err(AgentError::Key)?;
    if *key.public_key() != *plain {
        return Err(AgentError::CertificateMismatch);
    }
    *reader = ahead;
    Ok((key, Some(certificate)))
}

/// How many strings and numbers, which are strings too, a key consists of.
struct Layout {
    /// The type, and what a certificate replaces.
    public_strings: usize,
    private_strings: usize,
}

impl Layout {
    fn of(plain: &PublicKey) -> Self {
        let (public_strings, private_strings) = match plain.key_type() {
            "ssh-rsa" => (3, 4),
            "ssh-dss" => (5, 1),
            name if name.starts_with("ecdsa-") => (3, 1),
            // The rest repeats its public half.
            _ => (1, 2),
        };
        Self { public_strings, private_strings }
    }

    /// The type and the public numbers, which are the blob's. Those of RSA are in another order there.
    fn write_public(&self, plain: &PublicKey, writer: &mut Writer<'_>) -> Result<(), DecodeError> {
        let mut reader = Reader::new(plain.blob());
        let mut strings = Vec::new();
        for _ in 0..self.public_strings {
            strings.push(reader.string()?);
        }
        if let ("ssh-rsa", [_, numbers @ ..]) = (plain.key_type(), strings.as_mut_slice()) {
            numbers.reverse();
        }
        strings.iter().for_each(|string| writer.string(string));
        Ok(())
    }
}
