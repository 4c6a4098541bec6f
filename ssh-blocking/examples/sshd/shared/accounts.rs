//! Who may log in, and by which keys and passwords.

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ssh_core::crypto::signature::SecurityKeyUse;
use ssh_core::files::authorized_keys::{AuthorizedKey, AuthorizedKeys};
use ssh_core::key::{CertificateCheck, CertificateGrant, FingerprintHash, PublicKey, PublicKeyLine, RevocationList};
use ssh_core::{SecretBytes, UnixTime};

use super::log;
use super::settings::Settings;

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

    /// What holds with a certificate as well; `None`: it forces another command.
    fn with(self, grant: CertificateGrant) -> Option<Self> {
        let grant = Self::from(grant);
        let agree = self.command.is_none() || grant.command.is_none() || self.command == grant.command;
        agree.then(|| self.and(grant))
    }
}

impl From<CertificateGrant> for Permission {
    fn from(grant: CertificateGrant) -> Self {
        Self { command: grant.force_command, terminal: grant.pty }
    }
}

/// Who shows a key, from where, and what the security key said that signed with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer<'a> {
    pub(crate) user: &'a str,
    pub(crate) source: Option<IpAddr>,
    pub(crate) security_key: Option<SecurityKeyUse>,
}

/// By what keys users are let in.
#[derive(Debug)]
pub(crate) struct Trust {
    authorized_keys: Vec<PathBuf>,
    /// Whose certificates let in every user they are for.
    authorities: Vec<PublicKey>,
    revoked_keys: Option<PathBuf>,
}

impl Trust {
    /// Reads the file of authorities. The others are read whenever somebody logs in, so that changes count at once.
    pub(crate) fn new(settings: &Settings) -> Result<Self, String> {
        let authorities = match &settings.trusted_user_authorities {
            Some(path) => read_keys(path).map_err(|error| format!("{}: {error}", path.display()))?,
            None => Vec::new(),
        };
        let (authorized_keys, revoked_keys) = (settings.authorized_keys.clone(), settings.revoked_keys.clone());
        Ok(Self { authorized_keys, authorities, revoked_keys })
    }

    /// What `key` allows; `None`: it lets this user not in.
    pub(crate) fn permission(&self, key: &PublicKey, bearer: Bearer<'_>) -> Option<Permission> {
        let revoked = self.revoked().ok()?;
        if revoked.revokes(key) {
            log::info(format_args!("{} is revoked", key.fingerprint(FingerprintHash::Sha256)));
            return None;
        }
        let Some(certificate) = key.certificate() else {
            return self.in_files(|keys, path| {
                let lines: Vec<_> = keys.find_all(key).collect();
                lines.into_iter().find_map(|line| permission_of_key(line, path, bearer))
            });
        };
        let check = CertificateCheck::user(bearer.user, now(), &self.authorities).revoked(&revoked);
        let check = match bearer.source {
            Some(source) => check.from(source),
            None => check,
        };
        let check = check.security_key(bearer.security_key);
        match certificate.check(&check) {
            Ok(grant) => return Some(Permission::from(grant)),
            Err(error) => log::debug(format_args!("{:?}: {error}", certificate.key_id())),
        }
        self.in_files(|keys, path| {
            let lines: Vec<_> = keys.find_authorities(&certificate).collect();
            lines.into_iter().find_map(|line| match line.check_certificate(&certificate, check.clone()) {
                Ok(grant) => permission_of(line, path, bearer)?.with(grant),
                Err(error) => {
                    log::debug(format_args!("{}, line {}: {error}", path.display(), line.line));
                    None
                }
            })
        })
    }

    /// A list that cannot be read revokes everything.
    fn revoked(&self) -> Result<RevocationList, ()> {
        let Some(path) = &self.revoked_keys else { return Ok(RevocationList::default()) };
        let failed = |error: &dyn std::fmt::Display| log::info(format_args!("{}: {error}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
        RevocationList::parse(&bytes).map_err(|error| failed(&error))
    }

    fn in_files(&self, find: impl Fn(&AuthorizedKeys, &Path) -> Option<Permission>) -> Option<Permission> {
        self.authorized_keys.iter().find_map(|path| {
            let keys = AuthorizedKeys::parse(&read(path)?);
            for skipped in keys.skipped() {
                log::debug(format_args!("{}: {skipped}", path.display()));
            }
            find(&keys, path)
        })
    }
}

/// The public keys of a file, one a line.
fn read_keys(path: &Path) -> Result<Vec<PublicKey>, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    lines.map(|line| PublicKeyLine::parse(line).map(|line| line.key).map_err(|error| error.to_string())).collect()
}

/// What certificates are judged by.
fn now() -> UnixTime {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime::from_secs(since_1970.map_or(0, |time| time.as_secs()))
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

/// What a line about the key itself allows. A security key has to be touched, unless the line says otherwise.
fn permission_of_key(line: &AuthorizedKey, path: &Path, bearer: Bearer<'_>) -> Option<Permission> {
    let touched = bearer.security_key.is_none_or(|used| used.user_present);
    if !touched && !line.has_option("no-touch-required") {
        log::debug(format_args!("{}, line {} is refused: nobody touched the security key", path.display(), line.line));
        return None;
    }
    if line.has_option("principals") {
        log::debug(format_args!("{}, line {} is refused: principals need cert-authority", path.display(), line.line));
        return None;
    }
    permission_of(line, path, bearer)
}

/// What one line allows; `None` if it has an option that cannot be enforced here. There is no forwarding of any kind and
/// no user rc file, so that options about them are fulfilled.
fn permission_of(line: &AuthorizedKey, path: &Path, bearer: Bearer<'_>) -> Option<Permission> {
    let mut permission = Permission { command: None, terminal: true };
    for option in &line.options {
        match option.name {
            "restrict" | "no-pty" => permission.terminal = false,
            "pty" => permission.terminal = true,
            "command" => permission.command.clone_from(&option.value),
            "verify-required" if bearer.security_key.is_some_and(|used| used.user_verified) => {}
            "cert-authority"
            | "principals"
            | "no-touch-required"
            | "agent-forwarding"
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
    use super::{AuthorizedKeys, Bearer, CertificateGrant, Path, Permission, SecurityKeyUse, permission_of_key};

    /// Two commands cannot both be the only one.
    #[test]
    fn a_certificate_narrows_what_its_line_allows() {
        let grant = |command: Option<&str>| {
            let mut grant = CertificateGrant::default();
            (grant.force_command, grant.pty) = (command.map(String::from), true);
            grant
        };
        let line = |command: Option<&str>| Permission { command: command.map(String::from), terminal: true };
        let together = |one, other| line(one).with(grant(other)).map(|permission| permission.command);
        assert_eq!(together(None, Some("a")), Some(Some("a".into())));
        assert_eq!(together(Some("a"), None), Some(Some("a".into())));
        assert_eq!(together(Some("a"), Some("a")), Some(Some("a".into())));
        assert_eq!(together(Some("a"), Some("b")), None);
        assert!(!Permission::from(CertificateGrant::default()).terminal);
    }

    /// A key's own line: what it demands of a security key, and what makes no sense there.
    #[test]
    fn a_keys_line_is_enforced() {
        let permission = |options: &str, user_present, user_verified| {
            let line =
                format!("{options} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGzEVq2h5CSo7gQGQseeySuO4dj4Kb6HQ3fV5oz+iCUT");
            let keys = AuthorizedKeys::parse(line.as_bytes());
            let used = Some(SecurityKeyUse::new(user_present, user_verified, 1));
            let bearer = Bearer { user: "alice", source: None, security_key: used };
            permission_of_key(&keys.keys()[0], Path::new("authorized_keys"), bearer).is_some()
        };
        assert!(permission("no-pty", true, false) && !permission("no-pty", false, false));
        assert!(permission("no-touch-required", false, false));
        assert!(permission("verify-required", true, true) && !permission("verify-required", true, false));
        assert!(!permission("principals=\"alice\"", true, true));
        assert!(!permission("from=\"192.0.2.1\"", true, true), "what cannot be enforced");
    }

    #[test]
    fn restrictions_survive_later_steps() {
        let forced = Permission { command: Some("only this".into()), terminal: false };
        let free = Permission { command: None, terminal: true };
        assert_eq!(forced.clone().and(free.clone()), forced);
        assert_eq!(free.and(forced.clone()), forced);
    }
}
