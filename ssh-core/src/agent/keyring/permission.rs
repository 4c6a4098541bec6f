//! Whether a key that is only for certain hosts may be used over a connection (OpenSSH's `PROTOCOL.agent` §2).
//!
//! A connection is bound to the sessions it came through: none for a program beside the agent, then one for each host
//! that the agent was forwarded to, and at last the one in which somebody wants to log in. Every step from host to host
//! has to be permitted to the key.

use alloc::vec::Vec;

use crate::agent::constraint::DestinationConstraint;
use crate::key::PublicKey;
use crate::time::UnixTime;
use crate::wire::{MessageNumber, Reader};

/// A session that proved its host.
pub(super) struct BoundSession {
    pub(super) host_key: PublicKey,
    pub(super) session_id: Vec<u8>,
    pub(super) is_forwarding: bool,
}

/// What a key is wanted for.
#[derive(Clone, Copy)]
pub(super) enum Use<'a> {
    /// To be listed, removed or replaced.
    Show,
    /// To sign a login to the host of the last session.
    LogIn {
        /// As whom.
        user: &'a str,
    },
}

pub(super) fn is_permitted(
    destinations: &[DestinationConstraint],
    sessions: &[BoundSession],
    tried_to_bind: bool,
    purpose: Use<'_>,
    now: UnixTime,
) -> bool {
    if destinations.is_empty() {
        return true;
    }
    let Some((last, before)) = sessions.split_last() else { return !tried_to_bind };
    let user = match purpose {
        Use::Show => None,
        Use::LogIn { user } => Some(user),
    };
    let step = |from: Option<&PublicKey>, to: Option<&PublicKey>, user| {
        destinations.iter().any(|destination| destination.permits(from, to, user, now))
    };
    // A session that forwards is none that logs in, and only the last one may log in.
    if (user.is_some() && last.is_forwarding) || before.iter().any(|session| !session.is_forwarding) {
        return false;
    }
    let mut from = None;
    for session in before {
        if !step(from, Some(&session.host_key), None) {
            return false;
        }
        from = Some(&session.host_key);
    }
    // Behind a host that the agent is forwarded to, a key is of no use that leads nowhere from there.
    step(from, Some(&last.host_key), user) && (!last.is_forwarding || step(Some(&last.host_key), None, None))
}

/// What a client signs to log in (RFC 4252 §7), or with the host's key behind it (OpenSSH's
/// `publickey-hostbound-v00@openssh.com`).
pub(super) struct UserauthRequestData<'a> {
    session_id: &'a [u8],
    pub(super) user: &'a str,
    host_key: Option<&'a [u8]>,
}

impl<'a> UserauthRequestData<'a> {
    /// `None` if `data` is anything else, or for another key.
    pub(super) fn read(data: &'a [u8], key: &PublicKey) -> Option<Self> {
        let mut reader = Reader::new(data);
        let session_id = reader.string().ok()?;
        let number = reader.byte().ok()?;
        let user = core::str::from_utf8(reader.string().ok()?).ok()?;
        let (service, method) = (reader.string().ok()?, reader.string().ok()?);
        let signed = reader.boolean().ok()?;
        let (_algorithm, blob) = (reader.string().ok()?, reader.string().ok()?);
        let host_key = match method {
            b"publickey" => None,
            b"publickey-hostbound-v00@openssh.com" => Some(reader.string().ok()?),
            _ => return None,
        };
        reader.finish().ok()?;
        let right = number == MessageNumber::USERAUTH_REQUEST.0 && service == b"ssh-connection" && signed;
        (right && blob == key.blob()).then_some(Self { session_id, user, host_key })
    }

    /// Whether it logs in to this session's host, in this session.
    pub(super) fn is_for(&self, session: &BoundSession) -> bool {
        self.session_id == session.session_id && self.host_key.is_none_or(|key| key == session.host_key.blob())
    }
}
