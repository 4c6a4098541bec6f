//! Editing a file as `ssh` and `ssh-keygen` do: text in, text out. What is not meant is kept byte for byte: comments, order,
//! lines that nobody understands.
//!
//! Names are as they stand in the file: [`host_name`](super::host_name) makes them.
//!
//! ```
//! use ssh_core::files::known_hosts::edit;
//!
//! let text = b"# mine\nold.example.com,10.0.0.1 ssh-ed25519 AAAA me\n*.example.com ssh-rsa AAAA\n";
//! assert_eq!(edit::find(text, "10.0.0.1").first().map(|found| found.line), Some(2));
//! assert_eq!(edit::remove(text, "10.0.0.1").text, b"# mine\n*.example.com ssh-rsa AAAA\n");
//! ```

use alloc::{format, string::String, vec, vec::Vec};

use base64ct::{Base64, Encoding};

use super::{Entry, FormatEntryError, HASH, Hosts, Marker, first_word, has_salt, hash_name};
use crate::key::PublicKey;
use crate::random::{RandomError, SecureRandom};

/// Key types that make a line valid: those of keys that this crate does not use are other programs' business.
const KEY_TYPES: [&str; 16] = [
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
];

/// A line about a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found<'a> {
    /// Its number, from 1.
    pub line: usize,
    /// What it is marked as.
    pub marker: Option<Marker>,
    /// The line as it is, without its end.
    pub content: &'a [u8],
}

/// A file after a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edited {
    /// The new text.
    pub text: Vec<u8>,
    /// The old numbers of the lines that are gone or are no longer what they were.
    pub changed: Vec<usize>,
    /// How many lines were added at the end.
    pub added: usize,
    /// Lines that make no sense; they are kept.
    pub invalid: Vec<usize>,
    /// Lines whose names could not be hashed because they are patterns; they are kept.
    pub patterns: Vec<usize>,
}

/// The lines that name `name` or have a pattern for it (`ssh-keygen -F`). Whether their keys are any good is not looked at.
pub fn find<'a>(text: &'a [u8], name: &str) -> Vec<Found<'a>> {
    let about = |(line, content): (usize, &'a [u8])| match Line::read(content, Some(name)) {
        Line::Entry { marker, matched: true, .. } => Some(Found { line, marker, content: without_end(content) }),
        _ => None,
    };
    lines(text).filter_map(about).collect()
}

/// Removes the lines about `name` (`ssh-keygen -R`), with all the other names they have. Marked lines stay: authorities
/// and revocations are not keys of the host.
pub fn remove(text: &[u8], name: &str) -> Edited {
    let mut edited = Edited::default();
    for (line, content) in lines(text) {
        match Line::read(content, Some(name)) {
            Line::Entry { marker: None, matched: true, .. } => edited.changed.push(line),
            kind => edited.keep(line, content, &kind),
        }
    }
    edited
}

/// Puts hashes in the place of names (`ssh-keygen -H`), each on a line of its own. Patterns, marked lines and hashes stay.
///
/// # Errors
/// [`RandomError`]: no salt to be had.
pub fn hash(text: &[u8], random: &mut dyn SecureRandom) -> Result<Edited, RandomError> {
    let mut edited = Edited::default();
    for (line, content) in lines(text) {
        match Line::read(content, None) {
            Line::Entry { hosts, .. } if hosts.iter().any(|byte| b"*?!".contains(byte)) => {
                edited.text.extend_from_slice(content);
                edited.patterns.push(line);
            }
            Line::Entry { marker: None, hosts, key, .. } if !hosts.starts_with(b"|") => {
                edited.changed.push(line);
                for name in hosts.split(|&byte| byte == b',').take_while(|name| !name.is_empty()) {
                    edited.end_line();
                    edited.text.extend_from_slice(hashed(&name.to_ascii_lowercase(), random)?.as_bytes());
                    edited.text.push(b' ');
                    edited.text.extend_from_slice(key);
                }
            }
            kind => edited.keep(line, content, &kind),
        }
    }
    Ok(edited)
}

/// Adds a line at the end: these names have `key`, without its certificate if it is one. With `hash`, each name is stored
/// as a salted hash on a line of its own, as with `HashKnownHosts yes`.
///
/// # Errors
/// [`FormatEntryError`]: a name that the file would understand as something else, or no randomness.
pub fn add(
    text: &[u8],
    names: &[&str],
    key: &PublicKey,
    hash: Option<&mut dyn SecureRandom>,
) -> Result<Vec<u8>, FormatEntryError> {
    let mut edited = Edited { text: text.to_vec(), ..Edited::default() };
    edited.add(names, key, hash)?;
    Ok(edited.text)
}

/// Makes `keys` the keys of all of `names`, the host and perhaps its address: lines about one of them with another key
/// go, lines with one of `keys` stay as they are, and what is missing is added. Marked lines stay.
///
/// # Errors
/// As [`add`].
pub fn replace(
    text: &[u8],
    names: &[&str],
    keys: &[PublicKey],
    mut hash: Option<&mut dyn SecureRandom>,
) -> Result<Edited, FormatEntryError> {
    let mut edited = Edited::default();
    let mut known: Vec<Vec<&str>> = vec![Vec::new(); keys.len()];
    for (line, content) in lines(text) {
        let kind = Line::read(content, None);
        let entry = Entry::parse(line, content.trim_ascii()).ok().filter(|entry| entry.marker.is_none());
        let about = |entry: &Entry| {
            names.iter().copied().filter(|name| entry.hosts.cover(&name.to_ascii_lowercase())).collect::<Vec<_>>()
        };
        match entry.map(|entry| (about(&entry), entry.key)) {
            Some((matched, key)) if !matched.is_empty() => {
                match keys.iter().zip(&mut known).find(|(wanted, _)| **wanted == key) {
                    Some((_, names)) => {
                        names.extend(matched);
                        edited.text.extend_from_slice(content);
                    }
                    None => edited.changed.push(line),
                }
            }
            _ => edited.keep(line, content, &kind),
        }
    }
    for (key, known) in keys.iter().zip(&known) {
        let missing: Vec<_> = names.iter().copied().filter(|name| !known.contains(name)).collect();
        if !missing.is_empty() {
            edited.add(&missing, key, hash.as_mut().map(|random| &mut **random as &mut dyn SecureRandom))?;
        }
    }
    Ok(edited)
}

impl Edited {
    fn keep(&mut self, line: usize, content: &[u8], kind: &Line<'_>) {
        if matches!(kind, Line::Invalid) {
            self.invalid.push(line);
        }
        self.text.extend_from_slice(content);
    }

    /// Lines begin at the beginning of a line.
    fn end_line(&mut self) {
        if self.text.last().is_some_and(|&byte| byte != b'\n') {
            self.text.push(b'\n');
        }
    }

    fn add(
        &mut self,
        names: &[&str],
        key: &PublicKey,
        hash: Option<&mut dyn SecureRandom>,
    ) -> Result<(), FormatEntryError> {
        let entry = format_lines(names, key, hash)?;
        self.end_line();
        self.added += entry.lines().count();
        self.text.extend_from_slice(entry.as_bytes());
        Ok(())
    }
}

/// The lines that make `key` known under `names`.
pub(super) fn format_lines(
    names: &[&str],
    key: &PublicKey,
    hash: Option<&mut dyn SecureRandom>,
) -> Result<String, FormatEntryError> {
    let special = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '*' | '?' | '!' | '|' | '#' | '@');
    if names.is_empty() || names.iter().any(|name| name.is_empty() || name.contains(special)) {
        return Err(FormatEntryError::HostName);
    }
    let key = key.plain();
    let Some(random) = hash else {
        return Ok(format!("{} {key}\n", names.join(",").to_ascii_lowercase()));
    };
    let mut lines = String::new();
    for name in names {
        let name = hashed(name.to_ascii_lowercase().as_bytes(), random).map_err(FormatEntryError::Random)?;
        lines.push_str(&format!("{name} {key}\n"));
    }
    Ok(lines)
}

/// A name under a fresh salt.
fn hashed(name: &[u8], random: &mut dyn SecureRandom) -> Result<String, RandomError> {
    let mut salt = [0; HASH];
    random.fill(&mut salt)?;
    let hash = hash_name(&salt, name).unwrap_or_default();
    Ok(format!("|1|{}|{}", Base64::encode_string(&salt), Base64::encode_string(&hash)))
}

/// A line as `ssh-keygen` sees it: the key is not looked into.
enum Line<'a> {
    Empty,
    Invalid,
    Entry {
        marker: Option<Marker>,
        hosts: &'a [u8],
        /// The key and all that follows, with the line's end.
        key: &'a [u8],
        matched: bool,
    },
}

impl<'a> Line<'a> {
    fn read(content: &'a [u8], name: Option<&str>) -> Self {
        let content = content.trim_ascii_start();
        if content.is_empty() || content.starts_with(b"#") {
            return Self::Empty;
        }
        let Ok((marker, content)) = Marker::split(content) else { return Self::Invalid };
        let (hosts, key) = first_word(content);
        let (key_type, blob) = first_word(key);
        let matched = match name.map(|name| Hosts::parse(hosts).map(|hosts| hosts.cover(&name.to_ascii_lowercase()))) {
            Some(Ok(matched)) => matched,
            // A hash that makes no sense is nobody's.
            Some(Err(_)) if has_salt(hosts) => false,
            Some(Err(_)) => return Self::Invalid,
            None => false,
        };
        let known = KEY_TYPES.iter().any(|known| known.as_bytes() == key_type);
        if !known || blob.is_empty() || blob.starts_with(b"#") {
            return Self::Invalid;
        }
        Self::Entry { marker, hosts, key, matched }
    }
}

/// Lines with their ends, numbered from 1.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    text.split_inclusive(|&byte| byte == b'\n').enumerate().map(|(index, line)| (index + 1, line))
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}
