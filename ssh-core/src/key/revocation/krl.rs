//! The binary form of key revocation lists (OpenSSH's `PROTOCOL.krl`).
//!
//! ```text
//!   uint64 magic │ uint32 format │ uint64 version │ uint64 date │ uint64 flags │ string reserved │ string comment
//!   then sections: byte type │ string content
//! ```

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

use super::{RevocationList, RevocationListError, RevokedCertificates, Serials};
use crate::key::PublicKey;
use crate::wire::{DecodeError, Reader};

const MAGIC: &[u8; 8] = b"SSHKRL\n\0";

const CERTIFICATES: u8 = 1;
const EXPLICIT_KEY: u8 = 2;
const FINGERPRINT_SHA1: u8 = 3;
const SIGNATURE: u8 = 4;
const FINGERPRINT_SHA256: u8 = 5;
const EXTENSION: u8 = 255;

const SERIAL_LIST: u8 = 0x20;
const SERIAL_RANGE: u8 = 0x21;
const SERIAL_BITMAP: u8 = 0x22;
const KEY_ID: u8 = 0x23;
const CERTIFICATE_EXTENSION: u8 = 0x39;

pub(super) fn is_krl(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

pub(super) fn parse(bytes: &[u8]) -> Result<RevocationList, RevocationListError> {
    let mut reader = Reader::new(bytes);
    reader.bytes(MAGIC.len())?;
    let version = reader.uint32()?;
    if version != 1 {
        return Err(RevocationListError::Version { version });
    }
    let (_version, _date, _flags) = (reader.uint64()?, reader.uint64()?, reader.uint64()?);
    let (_reserved, _comment) = (reader.string()?, reader.string()?);
    let mut list = RevocationList::default();
    while reader.remaining() > 0 {
        let (section, content) = (reader.byte()?, Reader::new(reader.string()?));
        match section {
            CERTIFICATES => list.certificates.push(read_certificates(content)?),
            EXPLICIT_KEY => read_strings(content, None, &mut list.keys)?,
            FINGERPRINT_SHA1 => read_strings(content, Some(20), &mut list.sha1)?,
            FINGERPRINT_SHA256 => read_strings(content, Some(32), &mut list.sha256)?,
            // Nobody makes them any more; the file is trusted for where it lies, not for who signed it.
            SIGNATURE => {}
            EXTENSION => check_extension(content)?,
            other => return Err(unknown(format!("a section of type {other}"))),
        }
    }
    Ok(list)
}

fn read_strings(
    mut reader: Reader<'_>,
    length: Option<usize>,
    into: &mut BTreeSet<Vec<u8>>,
) -> Result<(), RevocationListError> {
    while reader.remaining() > 0 {
        let string = reader.string()?;
        if length.is_some_and(|length| length != string.len()) {
            return Err(DecodeError::InvalidValue.into());
        }
        into.insert(string.to_vec());
    }
    Ok(())
}

fn read_certificates(mut reader: Reader<'_>) -> Result<RevokedCertificates, RevocationListError> {
    let authority = match reader.string()? {
        [] => None,
        blob => Some(PublicKey::from_blob(blob).map_err(|_| DecodeError::InvalidValue)?),
    };
    let _reserved = reader.string()?;
    let mut revoked = RevokedCertificates { authority, serials: Vec::new(), key_ids: BTreeSet::new() };
    while reader.remaining() > 0 {
        let (section, content) = (reader.byte()?, Reader::new(reader.string()?));
        match section {
            SERIAL_LIST => revoked.serials.push(read_list(content)?),
            SERIAL_RANGE => revoked.serials.push(read_range(content)?),
            SERIAL_BITMAP => revoked.serials.push(read_bitmap(content)?),
            KEY_ID => read_key_ids(content, &mut revoked.key_ids)?,
            CERTIFICATE_EXTENSION => check_extension(content)?,
            other => return Err(unknown(format!("a section of certificates of type {other}"))),
        }
    }
    Ok(revoked)
}

fn read_list(mut reader: Reader<'_>) -> Result<Serials, DecodeError> {
    let mut list = BTreeSet::new();
    while reader.remaining() > 0 {
        list.insert(reader.uint64()?);
    }
    Ok(Serials::List(list))
}

fn read_range(mut reader: Reader<'_>) -> Result<Serials, DecodeError> {
    let (first, last) = (reader.uint64()?, reader.uint64()?);
    reader.finish()?;
    Ok(Serials::Range(first, last))
}

fn read_bitmap(mut reader: Reader<'_>) -> Result<Serials, DecodeError> {
    let (first, bits) = (reader.uint64()?, reader.mpint()?);
    reader.finish()?;
    Ok(Serials::Bitmap { first, bits: bits.magnitude().to_vec() })
}

fn read_key_ids(mut reader: Reader<'_>, into: &mut BTreeSet<String>) -> Result<(), DecodeError> {
    while reader.remaining() > 0 {
        let key_id = core::str::from_utf8(reader.string()?).map_err(|_| DecodeError::InvalidValue)?;
        into.insert(key_id.into());
    }
    Ok(())
}

/// One that is not critical may be passed over.
fn check_extension(mut reader: Reader<'_>) -> Result<(), RevocationListError> {
    let (name, critical, _content) = (reader.string()?, reader.boolean()?, reader.string()?);
    reader.finish()?;
    if critical { Err(unknown(format!("the extension {}", String::from_utf8_lossy(name)))) } else { Ok(()) }
}

fn unknown(what: String) -> RevocationListError {
    RevocationListError::Unknown { what }
}
