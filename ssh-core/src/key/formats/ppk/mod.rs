//! PuTTY's private key files, versions 2 and 3 (PuTTY's manual, appendix C).
//!
//! ```text
//!   PuTTY-User-Key-File-3: ssh-ed25519
//!   Encryption: aes256-cbc
//!   Comment: some one
//!   Public-Lines: 2          ┐ the key blob of RFC 4253
//!   AAAA..                   ┘
//!   Key-Derivation: Argon2id and four lines of parameters, if it is encrypted
//!   Private-Lines: 1         ┐ the private numbers, encrypted
//!   ....                     ┘
//!   Private-MAC: ....          over everything above, the private numbers in clear
//! ```

mod protection;
mod secret;

use alloc::string::String;
use alloc::vec::Vec;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::armor::{self, PEM_COLUMNS, decode_base64, from_hex};
use super::{KeyEncryption, KeyFileError};
use crate::key::private::PrivateKey;
use crate::key::public::PublicKey;
use crate::random::SecureRandom;
use crate::secret::SecretBytes;
use crate::wire::{DecodeError, Writer};

use protection::{Argon2Cost, Keys};
pub use protection::{MAX_ARGON2_LANES, MAX_ARGON2_MEMORY, MAX_ARGON2_WORK};

/// A version of the format. The first one was never in a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V2,
    V3,
}

impl Version {
    /// The version of a file.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        [Self::V2, Self::V3].into_iter().find(|version| text.starts_with(version.first_header().as_bytes()))
    }

    const fn first_header(self) -> &'static str {
        match self {
            Self::V2 => "PuTTY-User-Key-File-2",
            Self::V3 => "PuTTY-User-Key-File-3",
        }
    }
}

const NONE: &str = "none";
const AES256_CBC: &str = "aes256-cbc";
/// What is encrypted is a multiple of this.
const BLOCK: usize = 16;

/// Reads a file. Everything that costs time or memory is bounded before it is done.
pub(super) fn read(text: &[u8], passphrase: Option<&SecretBytes>) -> Result<PrivateKey, KeyFileError> {
    let file = File::parse(text)?;
    let passphrase = match (file.encrypted, passphrase) {
        (false, _) => &[],
        (true, None) => return Err(KeyFileError::PassphraseRequired),
        (true, Some(passphrase)) => passphrase.expose(),
    };
    let keys = Keys::derive(file.version, file.encrypted, passphrase, file.argon2.as_ref())?;
    let mut private = file.private.clone();
    keys.decrypt(&mut private)?;
    let mac = keys.mac(&authenticated(file.algorithm, file.encryption(), file.comment, &file.public, &private))?;
    if !bool::from(mac.ct_eq(&file.mac)) {
        return Err(if file.encrypted { KeyFileError::WrongPassphrase } else { KeyFileError::Damaged });
    }
    let public = file.public_key()?;
    let secret = secret::read(&public, &private, file.encrypted)?;
    let key = PrivateKey::new(secret, String::from_utf8_lossy(file.comment).into_owned());
    if *key.public_key() == public { Ok(key) } else { Err(KeyFileError::PublicMismatch) }
}

/// The public half, which is never encrypted.
pub(super) fn public_half(text: &[u8]) -> Result<PublicKey, KeyFileError> {
    File::parse(text)?.public_key()
}

/// Whether the private half is encrypted.
pub(super) fn is_encrypted(text: &[u8]) -> Result<bool, KeyFileError> {
    File::parse(text).map(|file| file.encrypted)
}

/// Writes a file.
pub(super) fn write(
    key: &PrivateKey,
    version: Version,
    encryption: Option<&KeyEncryption>,
    random: &mut dyn SecureRandom,
) -> Result<SecretBytes, KeyFileError> {
    let mut private = secret::write(key)?;
    let passphrase = encryption.map(KeyEncryption::passphrase).transpose()?;
    let argon2 = match (version, passphrase) {
        (Version::V3, Some(_)) => Some(Argon2Cost::fresh(random)?),
        _ => None,
    };
    let keys = Keys::derive(version, passphrase.is_some(), passphrase.unwrap_or_default(), argon2.as_ref())?;
    if passphrase.is_some() {
        secret::pad(&mut private, BLOCK);
    }
    let public = key.public_key();
    let cipher = if passphrase.is_some() { AES256_CBC } else { NONE };
    let comment: String = key.comment().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let algorithm = public.key_type();
    let mac = keys.mac(&authenticated(algorithm.as_bytes(), cipher, comment.as_bytes(), public.blob(), &private))?;
    keys.encrypt(&mut private)?;

    let mut text = String::with_capacity(2 * (public.blob().len() + private.len()) + comment.len() + 1024);
    push(&mut text, version.first_header(), algorithm);
    push(&mut text, "Encryption", cipher);
    push(&mut text, "Comment", &comment);
    push_lines(&mut text, "Public-Lines", public.blob());
    if let Some(argon2) = &argon2 {
        argon2.push_headers(&mut text);
    }
    push_lines(&mut text, "Private-Lines", &private);
    push(&mut text, "Private-MAC", &hex(&mac));
    Ok(SecretBytes::from(text))
}

fn push(text: &mut String, name: &str, value: &str) {
    [name, ": ", value, "\n"].into_iter().for_each(|part| text.push_str(part));
}

fn push_lines(text: &mut String, name: &str, bytes: &[u8]) {
    let characters = bytes.len().div_ceil(3) * 4;
    push(text, name, &alloc::format!("{}", characters.div_ceil(PEM_COLUMNS)));
    armor::push_base64(text, bytes, PEM_COLUMNS);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect()
}

/// What the MAC is over.
fn authenticated(
    algorithm: &[u8],
    encryption: &str,
    comment: &[u8],
    public: &[u8],
    private: &[u8],
) -> Zeroizing<Vec<u8>> {
    let parts = [algorithm, encryption.as_bytes(), comment, public, private];
    let mut out = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum()));
    let mut writer = Writer::new(&mut out);
    parts.into_iter().for_each(|part| writer.string(part));
    out
}

/// The lines of a file, decoded.
struct File<'a> {
    version: Version,
    algorithm: &'a [u8],
    encrypted: bool,
    comment: &'a [u8],
    public: Vec<u8>,
    argon2: Option<Argon2Cost>,
    private: Zeroizing<Vec<u8>>,
    mac: Vec<u8>,
}

impl<'a> File<'a> {
    fn parse(text: &'a [u8]) -> Result<Self, KeyFileError> {
        let text = text.trim_ascii_start();
        let version = Version::of(text).ok_or(KeyFileError::NotAKeyFile)?;
        let mut lines = Lines::new(text);
        let algorithm = lines.header(version.first_header())?;
        let encryption = lines.header("Encryption")?;
        let encrypted = encryption == AES256_CBC.as_bytes();
        if !encrypted && encryption != NONE.as_bytes() {
            return Err(KeyFileError::UnsupportedCipher { name: String::from_utf8_lossy(encryption).into_owned() });
        }
        let comment = lines.header("Comment")?;
        let public = lines.base64("Public-Lines")?.to_vec();
        let argon2 = match (version, encrypted) {
            (Version::V3, true) => Some(Argon2Cost::read(&mut lines)?),
            _ => None,
        };
        let private = lines.base64("Private-Lines")?;
        let mac = core::str::from_utf8(lines.header("Private-MAC")?).ok().and_then(from_hex);
        let mac = mac.ok_or(KeyFileError::Armor)?;
        if encrypted && private.len() % BLOCK != 0 {
            return Err(KeyFileError::Malformed(DecodeError::InvalidValue));
        }
        Ok(Self { version, algorithm, encrypted, comment, public, argon2, private, mac })
    }

    const fn encryption(&self) -> &'static str {
        if self.encrypted { AES256_CBC } else { NONE }
    }

    fn public_key(&self) -> Result<PublicKey, KeyFileError> {
        let key = PublicKey::from_blob(&self.public).map_err(KeyFileError::PublicKey)?;
        if key.key_type().as_bytes() == self.algorithm { Ok(key) } else { Err(KeyFileError::PublicMismatch) }
    }
}

/// Lines in the order the format fixes.
struct Lines<'a> {
    lines: core::slice::Split<'a, u8, fn(&u8) -> bool>,
    /// Bytes of the whole text.
    length: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { lines: text.split(|&byte| byte == b'\n'), length: text.len() }
    }

    fn next(&mut self) -> Result<&'a [u8], KeyFileError> {
        let line = self.lines.next().ok_or(KeyFileError::Armor)?;
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The value of the next line, which has to be the header `name`.
    fn header(&mut self, name: &str) -> Result<&'a [u8], KeyFileError> {
        let line = self.next()?;
        line.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b": ")).ok_or(KeyFileError::Armor)
    }

    fn number(&mut self, name: &str) -> Result<u32, KeyFileError> {
        let text = core::str::from_utf8(self.header(name)?).map_err(|_| KeyFileError::Armor)?;
        text.parse().map_err(|_| KeyFileError::Armor)
    }

    /// The bytes in as many lines as the header `name` says.
    fn base64(&mut self, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
        // all space at once: a growing buffer would leave copies behind
        let mut body = Zeroizing::new(Vec::with_capacity(self.length));
        for _ in 0..self.number(name)? {
            body.extend_from_slice(self.next()?.trim_ascii());
        }
        decode_base64(&body).ok_or(KeyFileError::Armor)
    }
}
