//! Key files and certificates of the user.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ssh_core::SecretBytes;
use ssh_core::files::ssh_config::Resolved;
use ssh_core::key::{KeyFileError, MAX_KEY_FILE_LENGTH, PrivateKey, PublicKey, PublicKeyLine};
use ssh_core::login::{Credentials, LockedKeyFile};

use super::unexpanded;
use crate::error::Result;
use crate::login::Interaction;

/// Adds the keys and certificates that the configuration names, or the usual ones. `person` hears of files that cannot be
/// used; nobody is asked for a passphrase yet.
pub(super) fn add(
    resolved: &Resolved,
    mut credentials: Credentials,
    person: &mut dyn Interaction,
) -> Result<Credentials> {
    let is_named = !resolved.identities.files.values.is_empty();
    let mut warn = |path: &Path, error: &dyn std::fmt::Display| {
        person.warn(&format!("the key file {} cannot be used: {error}", path.display()));
    };
    for path in resolved.identity_files().map_err(unexpanded)?.into_iter().map(PathBuf::from) {
        credentials = match load(&path) {
            Ok(Some(identity)) => identity.add_to(credentials),
            // The usual files need not exist.
            Ok(None) if is_named => {
                warn(&path, &"there is no such file");
                credentials
            }
            Ok(None) => credentials,
            Err(error) => {
                warn(&path, &error);
                credentials
            }
        };
        if let Ok(Some(certificate)) = public_file(&beside(&path, "-cert.pub")) {
            credentials = credentials.certificate(certificate);
        }
    }
    for path in resolved.certificate_files().map_err(unexpanded)?.into_iter().map(PathBuf::from) {
        match public_file(&path) {
            Ok(Some(certificate)) if certificate.certificate().is_some() => {
                credentials = credentials.certificate(certificate);
            }
            Ok(Some(_)) => warn(&path, &"it is a key without a certificate"),
            Ok(None) => warn(&path, &"there is no such file"),
            Err(error) => warn(&path, &error),
        }
    }
    Ok(credentials)
}

enum Identity {
    Key(String, Box<PrivateKey>),
    Locked(LockedKeyFile),
    /// The private half is an agent's.
    Named(PublicKey),
}

impl Identity {
    fn add_to(self, credentials: Credentials) -> Credentials {
        match self {
            Self::Key(name, key) => credentials.key_file(&name, *key),
            Self::Locked(file) => credentials.locked_key(file),
            Self::Named(key) => credentials.named_key(key),
        }
    }
}

/// `None`: there is neither the file nor its public half.
fn load(path: &Path) -> std::result::Result<Option<Identity>, String> {
    let text = match read_private(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(public_file(&beside(path, ".pub"))?.map(Identity::Named));
        }
        Err(error) => return Err(error.to_string()),
    };
    match PrivateKey::read(text.expose(), None) {
        Ok(key) => Ok(Some(Identity::Key(path.display().to_string(), Box::new(key)))),
        Err(KeyFileError::PassphraseRequired) => {
            let public = public_file(&beside(path, ".pub")).unwrap_or_default();
            let file = LockedKeyFile::new(&path.display().to_string(), text, public);
            file.map(|file| Some(Identity::Locked(file))).map_err(|error| error.to_string())
        }
        // `IdentityFile` may name the public half alone.
        Err(KeyFileError::NotAKeyFile) => match PublicKeyLine::parse(text.expose()) {
            Ok(line) => Ok(Some(Identity::Named(line.key))),
            Err(_) => Err(KeyFileError::NotAKeyFile.to_string()),
        },
        Err(error) => Err(error.to_string()),
    }
}

fn public_file(path: &Path) -> std::result::Result<Option<PublicKey>, String> {
    match std::fs::read(path) {
        Ok(text) => {
            PublicKeyLine::parse(text.trim_ascii()).map(|line| Some(line.key)).map_err(|error| error.to_string())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The content of a file that may hold a private key. One that others can read is as good as published, and not used.
fn read_private(path: &Path) -> io::Result<SecretBytes> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::other("it is a directory"));
    }
    if metadata.len() > MAX_KEY_FILE_LENGTH as u64 {
        return Err(io::Error::other("it is too long for a key"));
    }
    // Room for all from the start: a buffer that grows leaves copies of the key behind.
    let mut text = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    file.take(MAX_KEY_FILE_LENGTH as u64).read_to_end(&mut text)?;
    let text = SecretBytes::new(text);
    let mode = metadata.mode() & 0o777;
    let is_own = metadata.uid() == rustix::process::getuid().as_raw();
    let is_public = PublicKeyLine::parse(text.expose().trim_ascii()).is_ok();
    if is_own && mode & 0o077 != 0 && !is_public {
        let text = format!("its permissions {mode:04o} are too open; make it private with \"chmod 600\"");
        return Err(io::Error::other(text));
    }
    Ok(text)
}
