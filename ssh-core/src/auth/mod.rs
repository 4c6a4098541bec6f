//! User authentication (RFC 4252, RFC 4256, RFC 8332), both roles.
//!
//! Both sides are little machines beside the transport. They decide nothing: the client asks the application what to
//! try, the server asks whether what was proven is enough.

mod client;
mod server;

pub use client::{AuthMethod, AuthNeeded, PasswordChangeNeeded, Prompt, Prompts};
pub use server::{AuthAnswer, AuthRequest, Credential, Identity, KeyOffer};

pub(crate) use client::{ClientAuth, ClientAuthEvent};
pub(crate) use server::{ServerAuth, ServerAuthConfig, ServerAuthEvent};

use alloc::vec::Vec;

use crate::error::{Error, PeerMisbehaved, Stage};
use crate::wire::{DecodeError, MessageNumber, Writer};

/// The service that authenticates (RFC 4252).
pub(crate) const USERAUTH_SERVICE: &[u8] = b"ssh-userauth";
/// The service that authentication leads to (RFC 4254).
pub(crate) const CONNECTION_SERVICE: &[u8] = b"ssh-connection";

const NONE: &[u8] = b"none";
const PASSWORD: &[u8] = b"password";
const PUBLICKEY: &[u8] = b"publickey";
const KEYBOARD_INTERACTIVE: &[u8] = b"keyboard-interactive";

/// What a user's key signs (RFC 4252 §7): the session, so that nothing can be replayed, and the whole request.
fn signed_data(session_id: &[u8], user: &[u8], algorithm: &[u8], key_blob: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(session_id.len() + user.len() + algorithm.len() + key_blob.len() + 64);
    let mut writer = Writer::new(&mut data);
    writer.string(session_id);
    writer.byte(MessageNumber::USERAUTH_REQUEST.0);
    writer.string(user);
    writer.string(CONNECTION_SERVICE);
    writer.string(PUBLICKEY);
    writer.boolean(true);
    writer.string(algorithm);
    writer.string(key_blob);
    data
}

fn unexpected(number: MessageNumber) -> Error {
    PeerMisbehaved::UnexpectedMessage { number, during: Stage::Authentication }.into()
}

fn malformed(number: MessageNumber, error: DecodeError) -> Error {
    PeerMisbehaved::MalformedMessage { number, error }.into()
}
