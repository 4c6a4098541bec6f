//! New keys.

use std::path::{Path, PathBuf};

use ssh_blocking::ssh_core::SecretBytes;
use ssh_blocking::ssh_core::key::{FingerprintHash, KeyAlgorithm, KeyFileFormat, PrivateKey};
use ssh_blocking::ssh_core::random::OsRandom;

use crate::options::Options;
use crate::{files, prompt};

pub(crate) fn generate(options: &Options) -> Result<(), String> {
    let algorithm = algorithm(options)?;
    let format = files::private_format(options, KeyFileFormat::OpenSsh)?;
    let path = path(options, algorithm)?;
    if path.exists() && !may_overwrite(&path)? {
        return Err(files::failed(&path, "the file was left as it is"));
    }
    let mut key = PrivateKey::generate(algorithm, &mut OsRandom).map_err(|error| error.to_string())?;
    key.set_comment(&options.comment.clone().unwrap_or_else(default_comment));
    let passphrase = match &options.new_passphrase {
        Some(given) => SecretBytes::copied_from(given.expose()),
        None => prompt::new_passphrase()?,
    };
    files::write_private(&path, &key, format, passphrase, options)?;
    let public = files::public_path(&path);
    files::write_public(&public, &files::public_line(&key))?;
    if !options.quiet {
        let (public_key, hash) = (key.public_key(), FingerprintHash::Sha256);
        println!("Your identification has been saved in {}", path.display());
        println!("Your public key has been saved in {}", public.display());
        println!("The key fingerprint is:\n{} {}", public_key.fingerprint(hash), key.comment());
        println!("The key's randomart image is:\n{}", public_key.randomart(hash));
    }
    Ok(())
}

fn algorithm(options: &Options) -> Result<KeyAlgorithm, String> {
    let name = options.key_type.as_deref().unwrap_or("ed25519");
    let only = |bits: u32, algorithm| match options.bits {
        Some(other) if other != bits => Err(format!("a key of type {name} has {bits} bits, not {other}")),
        _ => Ok(algorithm),
    };
    match name {
        "ed25519" => Ok(KeyAlgorithm::Ed25519),
        "ecdsa" => match options.bits.unwrap_or(256) {
            256 => Ok(KeyAlgorithm::EcdsaNistp256),
            384 => Ok(KeyAlgorithm::EcdsaNistp384),
            521 => Ok(KeyAlgorithm::EcdsaNistp521),
            other => Err(format!("an ECDSA key has 256, 384 or 521 bits, not {other}")),
        },
        "ecdsa-sha2-nistp256" => only(256, KeyAlgorithm::EcdsaNistp256),
        "ecdsa-sha2-nistp384" => only(384, KeyAlgorithm::EcdsaNistp384),
        "ecdsa-sha2-nistp521" => only(521, KeyAlgorithm::EcdsaNistp521),
        #[cfg(feature = "rsa")]
        "rsa" => Ok(KeyAlgorithm::Rsa { bits: options.bits.unwrap_or(3072) }),
        #[cfg(feature = "pq")]
        "mldsa44-ed25519" => Ok(KeyAlgorithm::MlDsa44Ed25519),
        #[cfg(feature = "legacy")]
        "dsa" => only(1024, KeyAlgorithm::Dsa),
        other => Err(format!(
            "there is no key type \"{}\"; take ed25519, ecdsa, rsa or mldsa44-ed25519",
            other.escape_debug()
        )),
    }
}

fn path(options: &Options, algorithm: KeyAlgorithm) -> Result<PathBuf, String> {
    if let Some(path) = &options.file {
        return Ok(path.clone());
    }
    let name = match algorithm {
        KeyAlgorithm::Ed25519 => "id_ed25519",
        KeyAlgorithm::EcdsaNistp256 | KeyAlgorithm::EcdsaNistp384 | KeyAlgorithm::EcdsaNistp521 => "id_ecdsa",
        #[cfg(feature = "rsa")]
        KeyAlgorithm::Rsa { .. } => "id_rsa",
        #[cfg(feature = "legacy")]
        KeyAlgorithm::Dsa => "id_dsa",
        _ => "id_mldsa44_ed25519",
    };
    let home = std::env::home_dir().ok_or("there is no home directory; say with -f where the key goes")?;
    let default = home.join(".ssh").join(name);
    let answer = prompt::line(&format!("Enter file in which to save the key ({}): ", default.display()))?;
    Ok(if answer.is_empty() { default } else { answer.into() })
}

fn may_overwrite(path: &Path) -> Result<bool, String> {
    let answer = prompt::line(&format!("{} already exists.\nOverwrite (y/n)? ", path.display()))?;
    Ok(matches!(answer.as_str(), "y" | "Y" | "yes"))
}

/// `user@host`, as far as the environment knows them.
fn default_comment() -> String {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let user = variable("USER").or_else(|| variable("USERNAME"));
    let host = std::fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned());
    let host =
        host.filter(|name| !name.is_empty()).or_else(|| variable("HOSTNAME")).or_else(|| variable("COMPUTERNAME"));
    match (user, host) {
        (Some(user), Some(host)) => format!("{user}@{host}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => String::new(),
    }
}
