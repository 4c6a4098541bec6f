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
const HOSTBASED: &[u8] = b"hostbased";
/// `publickey` whose signature names the server's host key too (OpenSSH's PROTOCOL §3.1).
const PUBLICKEY_HOSTBOUND: &[u8] = b"publickey-hostbound-v00@openssh.com";

/// The connection that signatures are bound to.
#[derive(Clone, Copy)]
pub(crate) struct SessionBinding<'a> {
    pub(crate) session_id: &'a [u8],
    /// The server's key of the first exchange.
    pub(crate) host_key: &'a [u8],
}

/// What a key signs: the session, so that nothing can be replayed, and the whole request, `fields` of the method
/// included (RFC 4252 §7, §9).
fn signed_data(session_id: &[u8], user: &[u8], method: &[u8], fields: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(session_id.len() + user.len() + method.len() + fields.len() + 64);
    let mut writer = Writer::new(&mut data);
    writer.string(session_id);
    writer.byte(MessageNumber::USERAUTH_REQUEST.0);
    writer.string(user);
    writer.string(CONNECTION_SERVICE);
    writer.string(method);
    data.extend_from_slice(fields);
    data
}

/// The fields of `publickey` up to the signature (RFC 4252 §7); with `host_key` those of its host-bound variant.
fn public_key_fields(signed: bool, algorithm: &[u8], key_blob: &[u8], host_key: Option<&[u8]>) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut writer = Writer::new(&mut fields);
    writer.boolean(signed);
    writer.string(algorithm);
    writer.string(key_blob);
    if let Some(host_key) = host_key {
        writer.string(host_key);
    }
    fields
}

/// The fields of `hostbased` up to the signature (RFC 4252 §9).
fn host_based_fields(algorithm: &[u8], key_blob: &[u8], host_name: &[u8], user_name: &[u8]) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut writer = Writer::new(&mut fields);
    for field in [algorithm, key_blob, host_name, user_name] {
        writer.string(field);
    }
    fields
}

fn unexpected(number: MessageNumber) -> Error {
    PeerMisbehaved::UnexpectedMessage { number, during: Stage::Authentication }.into()
}

fn malformed(number: MessageNumber, error: DecodeError) -> Error {
    PeerMisbehaved::MalformedMessage { number, error }.into()
}
