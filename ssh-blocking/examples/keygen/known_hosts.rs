//! `known_hosts` files: which keys a host has, hosts that are forgotten, names that become hashes.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ssh_blocking::replace_known_hosts;
use ssh_blocking::ssh_core::files::known_hosts::Marker;
use ssh_blocking::ssh_core::files::known_hosts::edit::{self, Edited, Found};
use ssh_blocking::ssh_core::key::PublicKeyLine;
use ssh_blocking::ssh_core::random::OsRandom;

use crate::files;
use crate::options::{Action, Options};

/// Does what `-F`, `-R` or `-H` asks for. A host that is not found is the status 1.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let path = path(options)?;
    let text = fs::read(&path).map_err(|error| files::failed(&path, error))?;
    match (&options.forget, &options.find) {
        (Some(name), _) => forget(options, &path, &text, name)?,
        (None, Some(name)) => return find(options, &text, name),
        (None, None) => {
            let edited = edit::hash(&text, &mut OsRandom).map_err(|error| files::failed(&path, error))?;
            for line in &edited.patterns {
                eprintln!("{}:{line}: a pattern cannot be hashed", path.display());
            }
            write(&path, &edited)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(options: &Options) -> Result<PathBuf, String> {
    if let Some(file) = &options.file {
        return Ok(file.clone());
    }
    let home = std::env::home_dir().ok_or("there is no home directory; name a file with -f")?;
    Ok(home.join(".ssh/known_hosts"))
}

fn find(options: &Options, text: &[u8], name: &str) -> Result<ExitCode, String> {
    let mut output = std::io::stdout().lock();
    let mut is_found = false;
    for found in edit::find(text, name) {
        let Some(shown) = show(options, &found, name)? else { continue };
        is_found = true;
        let marker = match found.marker {
            Some(Marker::Revoked) => "REVOKED",
            Some(Marker::CertAuthority) => "CA",
            None => "",
        };
        let heading =
            if options.quiet { String::new() } else { format!("# Host {name} found: line {} {marker}\n", found.line) };
        let written = output.write_all(heading.as_bytes()).and_then(|()| output.write_all(&shown));
        written.map_err(|error| error.to_string())?;
    }
    Ok(if is_found { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A line as it is, hashed, or as its key's fingerprint; `None` if the key that is to be shown is none.
fn show(options: &Options, found: &Found<'_>, name: &str) -> Result<Option<Vec<u8>>, String> {
    let line = [found.content, b"\n"].concat();
    if options.action == Action::ShowFingerprint {
        let Some(key) = key(found) else { return Ok(None) };
        let comment = if key.comment.is_empty() { String::new() } else { format!(" {}", key.comment) };
        let fingerprint = key.key.fingerprint(options.hash);
        return Ok(Some(format!("{name} {} {fingerprint}{comment}\n", key.key.kind()).into_bytes()));
    }
    if options.hash_hosts {
        return edit::hash(&line, &mut OsRandom).map(|edited| Some(edited.text)).map_err(|error| error.to_string());
    }
    Ok(Some(line))
}

fn key(found: &Found<'_>) -> Option<PublicKeyLine> {
    let fields = if found.marker.is_some() { 2 } else { 1 };
    let mut rest = found.content.trim_ascii();
    for _ in 0..fields {
        let end = rest.iter().position(u8::is_ascii_whitespace)?;
        rest = rest[end..].trim_ascii_start();
    }
    PublicKeyLine::parse(rest).ok()
}

fn forget(options: &Options, path: &Path, text: &[u8], name: &str) -> Result<(), String> {
    let edited = edit::remove(text, name);
    if !options.quiet {
        for line in &edited.changed {
            println!("# Host {name} found: line {line}");
        }
    }
    if edited.changed.is_empty() && edited.invalid.is_empty() {
        eprintln!("Host {name} not found in {}", path.display());
        return Ok(());
    }
    write(path, &edited)
}

/// The old file stays under another name. A file with lines that nobody understands is not touched: it may be no
/// `known_hosts` at all.
fn write(path: &Path, edited: &Edited) -> Result<(), String> {
    if let Some(line) = edited.invalid.first() {
        return Err(files::failed(path, format!("line {line} is invalid; the file is left as it is")));
    }
    let old = PathBuf::from([path.as_os_str(), ".old".as_ref()].join("".as_ref()));
    match fs::remove_file(&old) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(files::failed(&old, error)),
        _ => fs::hard_link(path, &old).map_err(|error| files::failed(&old, error))?,
    }
    replace_known_hosts(path, &edited.text).map_err(|error| files::failed(path, error))?;
    println!("{} updated.\nOriginal contents retained as {}", path.display(), old.display());
    Ok(())
}
