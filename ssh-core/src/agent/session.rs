//! Which SSH session a connection to an agent serves (OpenSSH's `PROTOCOL.agent` §1).

use crate::key::{HostKeyProof, PublicKey};
use crate::wire::{DecodeError, Reader, Writer};

pub(super) const SESSION_BIND: &[u8] = b"session-bind@openssh.com";
/// Longest session identifier, in bytes; OpenSSH's limit too.
const MAX_SESSION_ID: usize = 128;

pub(super) fn write_binding(session: &HostKeyProof, is_forwarding: bool, writer: &mut Writer<'_>) {
    writer.string(session.host_key.blob());
    writer.string(&session.session_id);
    writer.string(&session.signature);
    writer.boolean(is_forwarding);
}

/// The session, and whether it forwards the agent.
pub(super) fn read_binding(contents: &[u8]) -> Result<(HostKeyProof, bool), DecodeError> {
    let mut reader = Reader::new(contents);
    let host_key = PublicKey::from_blob(reader.string()?).map_err(|_| DecodeError::InvalidValue)?;
    let (session_id, signature) = (reader.string()?, reader.string()?);
    let is_forwarding = reader.boolean()?;
    reader.finish()?;
    if session_id.is_empty() || session_id.len() > MAX_SESSION_ID {
        return Err(DecodeError::InvalidValue);
    }
    Ok((HostKeyProof { host_key, session_id: session_id.into(), signature: signature.into() }, is_forwarding))
}
