//! Who may log in, and by which keys and passwords.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ssh_core::SecretBytes;
use ssh_core::files::authorized_keys::{AuthorizedKey, AuthorizedKeys};
use ssh_core::key::PublicKey;

use super::log;

/// The account everything runs as.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) home: PathBuf,
    pub(crate) shell: String,
}

impl Account {
    /// Whoever runs this: by the number, which cannot be wrong, or else by the environment.
    pub(crate) fn current() -> Result<Self, String> {
        let number = rustix::process::getuid().as_raw().to_string();
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = accounts.lines().find(|line| line.split(':').nth(2) == Some(&number));
        let fields: Vec<&str> = found.unwrap_or_default().split(':').collect();
        let field = |index: usize| fields.get(index).copied().filter(|field| !field.is_empty()).map(String::from);
        let environment = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let name = field(0).or_else(|| environment("LOGNAME")).or_else(|| environment("USER"));
        let home = std::env::home_dir().or_else(|| field(5).map(PathBuf::from));
        Ok(Self {
            name: name.ok_or_else(|| format!("the user with the number {number} has no name"))?,
            home: home.unwrap_or_else(|| PathBuf::from("/")),
            shell: environment("SHELL").or_else(|| field(6)).unwrap_or_else(|| "/bin/sh".into()),
        })
    }
}

/// Users and passwords of a `PasswordFile`. They are in clear: it is for demonstrations.
#[derive(Default)]
pub(crate) struct Passwords(Vec<(String, SecretBytes)>);

impl Passwords {
    /// Reads `user:password` lines.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pairs = lines.map(|line| line.split_once(':').ok_or_else(|| failed(&"a line is not \"user:password\"")));
        let pairs = pairs.map(|pair| pair.map(|(user, password)| (user.to_owned(), SecretBytes::from(password))));
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// Whether `password` is that of `user`. The time it takes says nothing about either: every line is compared.
    pub(crate) fn check(&self, user: &str, password: &SecretBytes) -> bool {
        self.0.iter().fold(false, |found, (name, expected)| {
            let right = expected.constant_time_eq(password.expose());
            found | (right & (name == user))
        })
    }

    /// Whether a line names `user`.
    pub(crate) fn names(&self, user: &str) -> bool {
        self.0.iter().any(|(name, _)| name == user)
    }
}

/// What a key's line in `authorized_keys` allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Permission {
    /// Runs instead of whatever is asked for.
    pub(crate) command: Option<String>,
    /// Whether there may be a terminal.
    pub(crate) terminal: bool,
}

impl Permission {
    /// Of who has shown no key.
    pub(crate) const FREE: Self = Self { command: None, terminal: true };

    /// What holds after both keys were shown: a later step of a login can narrow what is allowed, never widen it.
    pub(crate) fn and(self, later: Self) -> Self {
        Self { command: self.command.or(later.command), terminal: self.terminal && later.terminal }
    }
}

/// What `files` say about `key`; `None`: it lets nobody in.
pub(crate) fn permission(files: &[PathBuf], key: &PublicKey) -> Option<Permission> {
    files.iter().find_map(|path| {
        let text = read(path)?;
        let keys = AuthorizedKeys::parse(&text);
        for skipped in keys.skipped() {
            log::debug(format_args!("{}: {skipped}", path.display()));
        }
        let lines: Vec<_> = keys.find_all(key).collect();
        lines.into_iter().find_map(|line| permission_of(line, path))
    })
}

/// A file that somebody else can write to would let that somebody in.
fn read(path: &Path) -> Option<Vec<u8>> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            log::debug(format_args!("{}: {error}", path.display()));
            return None;
        }
    };
    if metadata.mode() & 0o022 != 0 {
        log::info(format_args!("{} is not used: others can write to it", path.display()));
        return None;
    }
    std::fs::read(path).inspect_err(|error| log::info(format_args!("{}: {error}", path.display()))).ok()
}

/// What one line allows; `None` if it has an option that cannot be enforced here. There is no forwarding of any kind and
/// no user rc file, so that options about them are fulfilled.
fn permission_of(line: &AuthorizedKey, path: &Path) -> Option<Permission> {
    let mut permission = Permission { command: None, terminal: true };
    for option in &line.options {
        match option.name {
            "restrict" | "no-pty" => permission.terminal = false,
            "pty" => permission.terminal = true,
            "command" => permission.command.clone_from(&option.value),
            "agent-forwarding"
            | "no-agent-forwarding"
            | "port-forwarding"
            | "no-port-forwarding"
            | "permitlisten"
            | "permitopen"
            | "x11-forwarding"
            | "no-x11-forwarding"
            | "user-rc"
            | "no-user-rc" => {}
            other => {
                let (path, line) = (path.display(), line.line);
                log::debug(format_args!("{path}, line {line} is refused: \"{other}\" cannot be enforced here"));
                return None;
            }
        }
    }
    Some(permission)
}

#[cfg(test)]
mod tests {
    use super::Permission;

    #[test]
    fn restrictions_survive_later_steps() {
        let forced = Permission { command: Some("only this".into()), terminal: false };
        let free = Permission { command: None, terminal: true };
        assert_eq!(forced.clone().and(free.clone()), forced);
        assert_eq!(free.and(forced.clone()), forced);
    }
}
