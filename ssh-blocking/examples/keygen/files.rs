//! Reading and writing key files.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use ssh_blocking::ssh_core::SecretBytes;
use ssh_blocking::ssh_core::key::{
    KeyEncryption, KeyFileError, KeyFileFormat, MAX_KEY_FILE_LENGTH, PrivateKey, PublicKeyLine,
};
use ssh_blocking::ssh_core::random::OsRandom;

use crate::options::Options;
use crate::prompt;

/// Attempts at a passphrase.
const ATTEMPTS: usize = 3;

pub(crate) fn failed(path: &Path, error: impl std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// Reads a file that should be a key file, and no more of it than a key file has.
pub(crate) fn read(path: &Path) -> Result<SecretBytes, String> {
    let mut text = Vec::new();
    let limit = MAX_KEY_FILE_LENGTH as u64 + 1;
    let file = File::open(path).map_err(|error| failed(path, error))?;
    file.take(limit).read_to_end(&mut text).map_err(|error| failed(path, error))?;
    Ok(SecretBytes::new(text))
}

/// Reads a private key; asks for its passphrase if that was not given.
pub(crate) fn read_private(path: &Path, given: Option<&SecretBytes>) -> Result<PrivateKey, String> {
    let text = read(path)?;
    let mut result = PrivateKey::read(text.expose(), given);
    for _ in 0..ATTEMPTS {
        let refused = matches!(result, Err(KeyFileError::PassphraseRequired | KeyFileError::WrongPassphrase));
        if !refused || given.is_some() {
            break;
        }
        let passphrase = prompt::secret(&format!("Enter passphrase for {}: ", path.display()))?;
        result = PrivateKey::read(text.expose(), Some(&passphrase));
    }
    result.map_err(|error| failed(path, error))
}

/// Where the public half of a private key file is.
pub(crate) fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// The public key in a file, whatever kind of file it is, without asking for a passphrase if that can be avoided.
pub(crate) fn read_public(path: &Path, options: &Options) -> Result<PublicKeyLine, String> {
    let text = read(path)?;
    if let Ok(line) = PublicKeyLine::read(text.expose()) {
        return Ok(line);
    }
    let half = PrivateKey::public_half(text.expose()).map_err(|error| failed(path, error))?;
    let beside = read(&public_path(path)).ok().and_then(|text| PublicKeyLine::read(text.expose()).ok());
    match (half, beside) {
        // The comment may be encrypted in the one file and readable in the other.
        (Some(key), Some(beside)) if key == beside.key => Ok(beside),
        (None, Some(beside)) => Ok(beside),
        (Some(key), _) => Ok(PublicKeyLine { key, comment: String::new() }),
        (None, None) => Ok(public_line(&read_private(path, options.passphrase.as_ref())?)),
    }
}

/// The public half with the private key's comment.
pub(crate) fn public_line(key: &PrivateKey) -> PublicKeyLine {
    PublicKeyLine { key: key.public_key().clone(), comment: key.comment().into() }
}

/// The format of the file at `path`, which a key keeps unless told otherwise. PEM is left for OpenSSH's own, as
/// `ssh-keygen` does it: its encryption is weak.
pub(crate) fn format_of(path: &Path) -> Result<KeyFileFormat, String> {
    match KeyFileFormat::of(read(path)?.expose()).map_err(|error| failed(path, error))? {
        #[cfg(feature = "pkcs8")]
        KeyFileFormat::Pem => Ok(KeyFileFormat::OpenSsh),
        format => Ok(format),
    }
}

/// The format called by a name of `ssh-keygen -m`, or of PuTTY's; without one `default`.
pub(crate) fn private_format(options: &Options, default: KeyFileFormat) -> Result<KeyFileFormat, String> {
    let Some(name) = &options.format else { return Ok(default) };
    Ok(match name.to_ascii_uppercase().as_str() {
        "RFC4716" | "OPENSSH" => KeyFileFormat::OpenSsh,
        #[cfg(feature = "pkcs8")]
        "PKCS8" => KeyFileFormat::Pkcs8,
        #[cfg(feature = "pkcs8")]
        "PEM" => KeyFileFormat::Pem,
        #[cfg(feature = "ppk")]
        "PPK" => KeyFileFormat::Ppk3,
        #[cfg(feature = "ppk")]
        "PPK2" => KeyFileFormat::Ppk2,
        _ => {
            return Err(format!(
                "there is no format \"{}\"; take RFC4716, PKCS8, PEM, PPK or PPK2",
                name.escape_debug()
            ));
        }
    })
}

/// Writes a private key in the place of whatever is at `path`, encrypted unless the passphrase is empty.
pub(crate) fn write_private(
    path: &Path,
    key: &PrivateKey,
    format: KeyFileFormat,
    passphrase: SecretBytes,
    options: &Options,
) -> Result<(), String> {
    let encryption = KeyEncryption { passphrase, rounds: options.rounds, cipher: options.cipher };
    let encryption = Some(encryption).filter(|encryption| !encryption.passphrase.is_empty());
    let text = key.write(format, encryption.as_ref(), &mut OsRandom).map_err(|error| failed(path, error))?;
    replace(path, text.expose(), 0o600)
}

/// Writes a public key file.
pub(crate) fn write_public(path: &Path, line: &PublicKeyLine) -> Result<(), String> {
    replace(path, format!("{line}\n").as_bytes(), 0o644)
}

/// Writes a new file beside `path` and gives it that name: whoever looks sees the whole old file or the whole new one.
pub(crate) fn replace(path: &Path, text: &[u8], mode: u32) -> Result<(), String> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let write = || {
        let mut file = create_new(&temporary, mode)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        if error.kind() != ErrorKind::AlreadyExists {
            // What could not be finished is no use; that it stays is not worse than the first error.
            drop(fs::remove_file(&temporary));
        }
        format!("cannot write {}: {error}", path.display())
    })
}

fn create_new(path: &Path, mode: u32) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

/// What `-l` and its relatives print about a key.
pub(crate) fn description(line: &PublicKeyLine, fingerprint: &str) -> String {
    let comment = if line.comment.is_empty() { "no comment" } else { &line.comment };
    let comment: String = comment.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let bits = line.key.bits().map_or(String::from("?"), |bits| bits.to_string());
    format!("{bits} {fingerprint} {comment} ({})", line.key.kind())
}
