//! `known_hosts` files on disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// The text of a file; empty if there is none.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

/// Puts `text` in the place of the file's, all of it or nothing: it is written to a new file beside it, which gets the
/// name once it is on the disk. The mode stays, and where there was no file only its owner may read it. A symbolic link
/// stays one.
///
/// # Errors
/// The file system's; the old file is there then, untouched.
pub fn replace_known_hosts(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.new", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let mut file = owners(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
    let written = fill(&mut file, &path, text).and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        // That it stays would not be worse than what went wrong.
        drop(fs::remove_file(&temporary));
    }
    written
}

fn fill(file: &mut File, old: &Path, text: &[u8]) -> io::Result<()> {
    file.write_all(text)?;
    match fs::metadata(old) {
        Ok(metadata) => file.set_permissions(metadata.permissions())?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.sync_all()
}

/// Adds lines at the end, whatever the file ends with, in one write: nothing that is there is touched, and what others
/// add at the same time stays.
pub(super) fn append(path: &Path, entry: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let unfinished = read(path)?.last().is_some_and(|&byte| byte != b'\n');
    let lines = [if unfinished { b"\n" } else { &b""[..] }, entry].concat();
    owners(OpenOptions::new().create(true).append(true)).open(path)?.write_all(&lines)
}

/// A new file is its owner's alone.
fn owners(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("ssh-blocking-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_through_links() {
        let directory = directory("replaced");
        let (file, link) = (directory.join("file"), directory.join("link"));
        replace_known_hosts(&file, b"new\n").unwrap();
        assert_eq!((read(&file).unwrap(), mode(&file)), (b"new\n".to_vec(), 0o600));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace_known_hosts(&link, b"newer\n").unwrap();
        assert_eq!((read(&file).unwrap(), mode(&file)), (b"newer\n".to_vec(), 0o644));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn what_fails_leaves_the_old_file_and_nothing_else() {
        let directory = directory("failing");
        let occupied = directory.join("occupied");
        fs::create_dir_all(occupied.join("inside")).unwrap();
        assert!(replace_known_hosts(&occupied, b"x").is_err(), "a directory is not replaced");
        assert!(occupied.join("inside").exists());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        assert!(replace_known_hosts(&directory.join("missing/file"), b"x").is_err());
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn lines_are_added_to_an_unfinished_file() {
        let directory = directory("added");
        let file = directory.join("below/file");
        append(&file, b"one\n").unwrap();
        assert_eq!(mode(&file), 0o600);
        fs::write(&file, "unfinished").unwrap();
        append(&file, b"two\n").unwrap();
        assert_eq!(read(&file).unwrap(), b"unfinished\ntwo\n");
        fs::remove_dir_all(directory).unwrap();
    }
}
