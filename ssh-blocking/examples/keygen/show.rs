//! What is in key files.

use std::path::Path;

use ssh_blocking::ssh_core::key::{FingerprintHash, PublicKeyLine};

use crate::files;
use crate::options::Options;

/// Prints the public half of a private key.
pub(crate) fn public(options: &Options) -> Result<(), String> {
    let path = options.required('f', &options.file)?;
    println!("{}", files::public_line(&files::read_private(path, options.passphrase.as_ref())?));
    Ok(())
}

/// Prints the fingerprint of every key in a file.
pub(crate) fn fingerprints(options: &Options) -> Result<(), String> {
    for line in keys(options)? {
        println!("{}", files::description(&line, &line.key.fingerprint(options.hash).to_string()));
        if options.verbose {
            println!("{}", line.key.randomart(options.hash));
        }
    }
    Ok(())
}

/// Prints the fingerprint of every key in a file in words.
pub(crate) fn bubble_babble(options: &Options) -> Result<(), String> {
    for line in keys(options)? {
        let words = line.key.fingerprint(FingerprintHash::Sha1).bubble_babble();
        println!("{}", files::description(&line, &words));
    }
    Ok(())
}

/// The keys in a file: one in a key file, one in each line of `authorized_keys`.
fn keys(options: &Options) -> Result<Vec<PublicKeyLine>, String> {
    let path = options.required('f', &options.file)?;
    let lines = lines(path)?;
    if lines.len() > 1 { Ok(lines) } else { files::read_public(path, options).map(|line| vec![line]) }
}

fn lines(path: &Path) -> Result<Vec<PublicKeyLine>, String> {
    use ssh_blocking::ssh_core::files::authorized_keys::AuthorizedKeys;
    let text = files::read(path)?;
    let file = AuthorizedKeys::parse(text.expose());
    let lines = file.keys().iter().map(|line| PublicKeyLine { key: line.key.clone(), comment: line.comment.clone() });
    Ok(lines.collect())
}
