//! Files of a configuration.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ssh_core::files::ssh_config::{ConfigFile, Read};

use crate::error::{Error, Result};

/// Longest file.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The files that are wanted, by name. Those that do not exist are left out unless they must.
pub(super) fn read(wanted: &Read, home: &str) -> Result<Vec<ConfigFile>> {
    let path = in_home(&wanted.pattern, home);
    let paths = if wanted.is_literal { vec![path.into()] } else { matching(&for_the_library(&path)) };
    let files = paths.iter().map(|path| read_file(path, wanted).map_err(|error| in_file(path, error)));
    files.filter_map(Result::transpose).collect()
}

/// `~` at the beginning is the home directory.
fn in_home(pattern: &str, home: &str) -> String {
    match pattern.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
        _ => pattern.into(),
    }
}

/// What the wildcards of glob(7) stand for, in order.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let options =
        glob::MatchOptions { require_literal_separator: true, require_literal_leading_dot: true, ..Default::default() };
    glob::glob_with(pattern, options).map(|paths| paths.flatten().collect()).unwrap_or_default()
}

/// The same pattern without what glob(7) and the library mean different things by: `\` takes the next character as it is, which
/// is a class of its own to those who do not know `\`; and any number of `*` is one.
fn for_the_library(pattern: &str) -> String {
    let mut plain = String::new();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some(c @ ('*' | '?' | '[' | ']')) => plain.extend(['[', c, ']']),
                escaped => plain.extend(escaped),
            },
            '*' if plain.ends_with('*') => {}
            c => plain.push(c),
        }
    }
    plain
}

fn read_file(path: &Path, wanted: &Read) -> io::Result<Option<ConfigFile>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !wanted.must_exist => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    let (owner, own) = (metadata.uid(), rustix::process::getuid().as_raw());
    if wanted.check_permissions && (owner != 0 && owner != own || metadata.mode() & 0o022 != 0) {
        return Err(io::Error::other("bad owner or permissions: others could write it"));
    }
    // As OpenSSH has it, a directory among included files is as good as an empty one.
    if metadata.is_dir() && !wanted.must_exist {
        return Ok(None);
    }
    let mut text = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::other("it is too long for a configuration"));
    }
    Ok(Some(ConfigFile { name: path.display().to_string(), text }))
}

fn in_file(path: &Path, error: io::Error) -> Error {
    Error::File { path: path.into(), error }
}
