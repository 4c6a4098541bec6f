//! Key files of the user.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ssh_core::SecretBytes;
use ssh_core::key::{FingerprintHash, KeyFileError, PrivateKey, PublicKey, PublicKeyLine};

use super::log;
use super::prompt;
use super::settings::Settings;

/// How often a passphrase is asked for.
const PASSPHRASE_ATTEMPTS: u32 = 3;

/// Longest key file read: longer ones are no key files.
const MAX_FILE: u64 = 1024 * 1024;

/// The files to try: those that were named, or the usual ones.
pub(crate) fn files(settings: &Settings) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for file in &settings.identity_files {
        if !files.contains(file) {
            files.push(file.clone());
        }
    }
    files
}

/// Reads a key. A file that cannot be used is reported, and the next one gets its turn.
pub(crate) fn load(path: &Path, settings: &Settings) -> Option<PrivateKey> {
    let shown = path.display();
    let text = match read(path) {
        Ok(text) => text,
        // The usual files need not exist.
        Err(error) if !settings.has_named_identities => {
            log::debug(format_args!("{shown}: {error}"));
            return None;
        }
        Err(error) => {
            log::info(format_args!("Warning: the key file {shown} cannot be used: {error}"));
            return None;
        }
    };
    let mut loaded = PrivateKey::read(text.expose(), None);
    for _ in 0..PASSPHRASE_ATTEMPTS {
        if settings.batch || !matches!(loaded, Err(KeyFileError::PassphraseRequired | KeyFileError::WrongPassphrase)) {
            break;
        }
        let Some(passphrase) = prompt::secret(&format!("Enter passphrase for key '{shown}': ")) else { break };
        // Nothing typed: on to the next key, as with OpenSSH.
        if passphrase.is_empty() {
            break;
        }
        loaded = PrivateKey::read(text.expose(), Some(&passphrase));
    }
    match loaded {
        Ok(key) => {
            let public = key.public_key();
            let fingerprint = public.fingerprint(FingerprintHash::Sha256);
            log::debug(format_args!("key file {shown}: {} {fingerprint}", public.key_type()));
            Some(key)
        }
        Err(error) => {
            log::info(format_args!("Warning: the key file {shown} cannot be used: {error}"));
            None
        }
    }
}

/// Certificates of a key: those that were named, and the one beside its file.
pub(crate) fn certificates(path: &Path, key: &PrivateKey, settings: &Settings) -> Vec<PublicKey> {
    let mut beside = path.as_os_str().to_owned();
    beside.push("-cert.pub");
    let named = settings.certificate_files.iter().map(|file| (file.clone(), true));
    let files = named.chain([(PathBuf::from(beside), false)]);
    let certificates = files.filter_map(|(file, must_exist)| certificate(&file, must_exist));
    certificates.filter(|certificate| *certificate.plain() == *key.public_key()).collect()
}

fn certificate(path: &Path, must_exist: bool) -> Option<PublicKey> {
    let shown = path.display();
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if must_exist => {
            log::info(format_args!("Warning: the certificate {shown} cannot be used: {error}"));
            return None;
        }
        Err(_) => return None,
    };
    match PublicKeyLine::parse(&text) {
        Ok(line) if line.key.certificate().is_some() => Some(line.key),
        Ok(_) => {
            log::info(format_args!("Warning: the certificate {shown} cannot be used: it is a key without one"));
            None
        }
        Err(error) => {
            log::info(format_args!("Warning: the certificate {shown} cannot be used: {error}"));
            None
        }
    }
}

/// The content of a private file. One that others can read is as good as published, and not used.
fn read(path: &Path) -> Result<SecretBytes, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Err("it is a directory".into());
    }
    let mode = metadata.mode() & 0o777;
    let own = metadata.uid() == rustix::process::getuid().as_raw();
    if own && mode & 0o077 != 0 {
        return Err(format!("its permissions {mode:04o} are too open; make it private with \"chmod 600\""));
    }
    if metadata.len() > MAX_FILE {
        return Err("it is too long for a key".into());
    }
    // Room for all from the start: a buffer that grows leaves copies of the key behind.
    let mut text = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    let read = file.take(MAX_FILE).read_to_end(&mut text);
    let text = SecretBytes::new(text);
    read.map(|_| text).map_err(|error| error.to_string())
}
