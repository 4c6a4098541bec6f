//! WebAuthn signatures of `sk-ecdsa-sha2-nistp256@openssh.com` keys (OpenSSH's `PROTOCOL.u2f`, "SSH Webauthn signatures"),
//! as browsers make them.
//!
//! ```text
//!   string "webauthn-sk-ecdsa-sha2-nistp256@openssh.com" │ string r, s │ byte flags │ uint32 counter
//!   string origin │ string client data │ string extensions
//! ```
//!
//! In the place of the message, the device signs the client data: JSON that a browser wrote, with the message in it.

use alloc::{format, string::String};

use base64ct::{Base64UrlUnpadded, Encoding};

use super::security_key::{ECDSA, Statement, open_ecdsa};
use super::{Curve, SignatureAlgorithm, SignatureError, Verified, blob};

/// `webauthn-sk-ecdsa-sha2-nistp256@openssh.com`.
pub const WEBAUTHN_SK_ECDSA_SHA2_NISTP256: &dyn SignatureAlgorithm = &WebauthnSkEcdsaSha2Nistp256;

const NAME: &str = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com";

/// The device attests a credential, which is not what logging in is about.
const ATTESTED: u8 = 0x40;
/// There are extensions.
const EXTENSIONS: u8 = 0x80;

struct WebauthnSkEcdsaSha2Nistp256;

impl SignatureAlgorithm for WebauthnSkEcdsaSha2Nistp256 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn key_type(&self) -> &'static str {
        ECDSA
    }

    fn verify(&self, key_blob: &[u8], message: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        let (point, application) = open_ecdsa(key_blob)?;
        let (content, mut rest) = blob::begin_signature(signature, NAME)?;
        let statement = Statement::read(&mut rest)?;
        let (origin, client_data, extensions) = (rest.string()?, rest.string()?, rest.string()?);
        rest.finish()?;
        if statement.flags & ATTESTED != 0 || (statement.flags & EXTENSIONS != 0) == extensions.is_empty() {
            return Err(SignatureError::MalformedSignature);
        }
        if !client_data.starts_with(client_data_prefix(origin, message)?.as_bytes()) {
            return Err(SignatureError::Invalid);
        }
        Curve::Nistp256.verify_content(point, &statement.signed(application, extensions, client_data), content)?;
        Ok(statement.verified())
    }

    fn check_key(&self, key_blob: &[u8]) -> Result<(), SignatureError> {
        super::SK_ECDSA_SHA2_NISTP256.check_key(key_blob)
    }

    fn key_bits(&self, key_blob: &[u8]) -> Option<u32> {
        super::SK_ECDSA_SHA2_NISTP256.key_bits(key_blob)
    }
}

/// How the client data of every signature over `message` begins. Browsers write the fields in this order, so that nobody
/// has to read JSON (WebAuthn §5.8.1.1); an origin that needs escapes would end the string early.
fn client_data_prefix(origin: &[u8], message: &[u8]) -> Result<String, SignatureError> {
    let origin = core::str::from_utf8(origin).map_err(|_| SignatureError::MalformedSignature)?;
    if origin.contains(|c: char| c == '"' || c == '\\' || c.is_control()) {
        return Err(SignatureError::MalformedSignature);
    }
    let challenge = Base64UrlUnpadded::encode_string(message);
    Ok(format!("{{\"type\":\"webauthn.get\",\"challenge\":\"{challenge}\",\"origin\":\"{origin}\""))
}

#[cfg(test)]
mod tests;
