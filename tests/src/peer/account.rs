//! Another home directory, shell and password for the current user, as a daemon sees them.
//!
//! Dropbear reads only `~/.ssh/authorized_keys`, and no daemon takes another password than the system's. nss_wrapper
//! (<https://cwrap.org/nss_wrapper.html>), preloaded, answers the daemon's questions about users from files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{id, prepare, user_name, write_private};

/// The preloaded library, where Debian and others have it.
pub(super) fn wrapper() -> Option<PathBuf> {
    let arch = std::env::consts::ARCH;
    let directories =
        [format!("/usr/lib/{arch}-linux-gnu"), "/usr/lib64".into(), "/usr/lib".into(), "/usr/local/lib".into()];
    directories.iter().map(|directory| Path::new(directory).join("libnss_wrapper.so")).find(|file| file.exists())
}

/// The current user with a home directory of the test, `/bin/sh` as shell, and a password if one is given.
#[derive(Debug)]
pub struct Account {
    directory: PathBuf,
    wrapper: PathBuf,
}

impl Account {
    /// Writes the files into this directory; `None` if nss_wrapper is not installed.
    #[track_caller]
    pub fn new(directory: &Path, password: Option<&str>) -> Option<Self> {
        let wrapper = wrapper()?;
        let account = Self { directory: directory.to_owned(), wrapper };
        let ssh = account.home().join(".ssh");
        fs::create_dir_all(&ssh).expect("the home directory can be made");
        for path in [directory, &account.home(), &ssh] {
            // Dropbear and a strict sshd refuse a directory that others can write to.
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("our own directory");
        }
        let name = user_name();
        let (uid, gid, home) = (id("-u"), id("-g"), account.home());
        // sshd started by root needs the account it drops its privileges to.
        let system = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let others: String =
            system.split_inclusive('\n').filter(|line| !line.starts_with(&format!("{name}:"))).collect();
        write_private(
            &directory.join("passwd"),
            &format!("{name}:x:{uid}:{gid}::{}:/bin/sh\n{others}", home.display()),
        );
        write_private(&directory.join("group"), &fs::read_to_string("/etc/group").unwrap_or_default());
        let hash = password.map_or_else(|| "*".to_owned(), hash);
        write_private(&directory.join("shadow"), &format!("{name}:{hash}:19000:0:99999:7:::\n"));
        Some(account)
    }

    /// The home directory.
    pub fn home(&self) -> PathBuf {
        self.directory.join("home")
    }

    /// Makes a daemon see this account.
    pub fn apply(&self, daemon: &mut Command) {
        daemon.env("LD_PRELOAD", &self.wrapper);
        for name in ["passwd", "group", "shadow"] {
            daemon.env(format!("NSS_WRAPPER_{}", name.to_uppercase()), self.directory.join(name));
        }
    }
}

/// The password in the form of the shadow file, SHA-512. Perl is part of every Debian and calls the system's own crypt.
fn hash(password: &str) -> String {
    let mut perl = Command::new("perl");
    perl.args(["-e", "print crypt($ARGV[0], q($6$interoptest$))", password]);
    prepare(perl)
}
