//! The blob of a certificate (OpenSSH's `PROTOCOL.certkeys`).
//!
//! ```text
//!   string type │ string nonce │ fields of the key │ uint64 serial │ uint32 kind │ string key id │ string principals
//!   uint64 valid after │ uint64 valid before │ string critical options │ string extensions │ string reserved
//!   string key of the authority │ string signature of all before
//! ```

use alloc::vec::Vec;

use super::certified::Certified;
use super::{ALL, SignatureAlgorithm, SignatureError};
use crate::wire::{DecodeError, Reader, Writer};

/// The fields of a certificate, where they stand.
pub(crate) struct CertificateBlob<'a> {
    pub(crate) key_type: &'static str,
    /// The blob of the key alone.
    pub(crate) plain_key: Vec<u8>,
    pub(crate) serial: u64,
    pub(crate) kind: u32,
    pub(crate) key_id: &'a [u8],
    /// Strings, one behind the other.
    pub(crate) principals: &'a [u8],
    pub(crate) valid_after: u64,
    pub(crate) valid_before: u64,
    /// Pairs of strings.
    pub(crate) critical_options: &'a [u8],
    /// Pairs of strings.
    pub(crate) extensions: &'a [u8],
    pub(crate) signature_key: &'a [u8],
    /// What the authority signed.
    signed: &'a [u8],
    signature: &'a [u8],
}

impl<'a> CertificateBlob<'a> {
    /// Finds the fields. Nothing but their form is checked.
    pub(crate) fn open(blob: &'a [u8]) -> Result<Self, SignatureError> {
        let mut reader = Reader::new(blob);
        let key_type = reader.string().map_err(|_| SignatureError::MalformedKey)?;
        let certified = Certified::for_key_type(key_type).ok_or(SignatureError::WrongKeyType)?;
        Self::read(blob, reader, certified).map_err(|_| SignatureError::MalformedKey)
    }

    fn read(blob: &'a [u8], mut reader: Reader<'a>, certified: &'static Certified) -> Result<Self, DecodeError> {
        let _nonce = reader.string()?;
        let mut plain_key = Vec::with_capacity(blob.len());
        let mut writer = Writer::new(&mut plain_key);
        writer.string(certified.plain_key_type().as_bytes());
        for _ in 0..certified.key_fields() {
            writer.string(reader.string()?);
        }
        plain_key.shrink_to_fit();
        let serial = reader.uint64()?;
        let kind = reader.uint32()?;
        let (key_id, principals) = (reader.string()?, reader.string()?);
        let (valid_after, valid_before) = (reader.uint64()?, reader.uint64()?);
        let (critical_options, extensions) = (reader.string()?, reader.string()?);
        let _reserved = reader.string()?;
        let signature_key = reader.string()?;
        let signed = blob.get(..blob.len() - reader.remaining()).unwrap_or_default();
        let signature = reader.string()?;
        reader.finish()?;
        Ok(Self {
            key_type: SignatureAlgorithm::key_type(certified),
            plain_key,
            serial,
            kind,
            key_id,
            principals,
            valid_after,
            valid_before,
            critical_options,
            extensions,
            signature_key,
            signed,
            signature,
        })
    }

    /// Verifies the authority's signature, which may be of every kind but a certificate's own and a weak one's. Whether
    /// the authority is one to trust is another question.
    pub(crate) fn verify_authority(&self) -> Result<(), SignatureError> {
        let algorithm = self.authority_algorithm().ok_or(SignatureError::Authority)?;
        let verified = algorithm.verify(self.signature_key, self.signed, self.signature);
        verified.map(drop).map_err(|_| SignatureError::Authority)
    }

    /// How the authority signed.
    pub(crate) fn authority_algorithm(&self) -> Option<&'static dyn SignatureAlgorithm> {
        let name = Reader::new(self.signature).string().ok()?;
        let algorithm = ALL.iter().copied().find(|algorithm| algorithm.name().as_bytes() == name);
        algorithm.filter(|algorithm| algorithm.plain().is_none() && !algorithm.is_weak())
    }
}
