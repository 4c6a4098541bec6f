//! Other passphrases, formats and comments of keys that are there.

use ssh_blocking::ssh_core::SecretBytes;
#[cfg(feature = "pkcs8")]
use ssh_blocking::ssh_core::key::KeyFileFormat;
use ssh_blocking::ssh_core::key::PrivateKey;

use crate::options::Options;
use crate::{files, prompt};

/// Writes the key again: with another passphrase, and in another format, cipher or place if told so.
pub(crate) fn passphrase(options: &Options) -> Result<(), String> {
    let path = options.required('f', &options.file)?;
    let key = files::read_private(path, options.passphrase.as_ref())?;
    let new = match &options.new_passphrase {
        Some(given) => SecretBytes::copied_from(given.expose()),
        None => prompt::new_passphrase()?,
    };
    let output = options.output.as_ref().unwrap_or(path);
    if options.output.is_some() && output.exists() {
        return Err(files::failed(output, "the file exists already; remove it or take another name"));
    }
    let protected = !new.is_empty();
    let format = files::private_format(options, files::format_of(path)?)?;
    files::write_private(output, &key, format, new, options)?;
    if !options.quiet {
        let how = if protected { "with the new passphrase" } else { "without a passphrase" };
        println!("Your identification has been saved in {} {how}.", output.display());
    }
    Ok(())
}

/// Writes the key again with another comment, in the same format under the same passphrase.
pub(crate) fn comment(options: &Options) -> Result<(), String> {
    let path = options.required('f', &options.file)?;
    let format = files::private_format(options, files::format_of(path)?)?;
    #[cfg(feature = "pkcs8")]
    if matches!(format, KeyFileFormat::Pkcs8 | KeyFileFormat::Pem) {
        return Err(files::failed(
            path,
            "the format has no comments; convert it with -p -m RFC4716, or change the .pub file",
        ));
    }
    let text = files::read(path)?;
    let encrypted = PrivateKey::is_encrypted(text.expose());
    let encrypted = encrypted.map_err(|error| files::failed(path, error))?;
    let passphrase = match (encrypted, &options.passphrase) {
        (false, _) => SecretBytes::from(""),
        (true, Some(given)) => SecretBytes::copied_from(given.expose()),
        (true, None) => prompt::secret(&format!("Enter passphrase for {}: ", path.display()))?,
    };
    let mut key = files::read_private(path, Some(&passphrase))?;
    let comment = match &options.comment {
        Some(comment) => comment.clone(),
        None => prompt::line(&format!("Old comment: {}\nNew comment: ", key.comment().escape_debug()))?,
    };
    key.set_comment(&comment);
    files::write_private(path, &key, format, passphrase, options)?;
    files::write_public(&files::public_path(path), &files::public_line(&key))?;
    if !options.quiet {
        println!("Comment \"{}\" has been set in {} and its public file.", comment.escape_debug(), path.display());
    }
    Ok(())
}
