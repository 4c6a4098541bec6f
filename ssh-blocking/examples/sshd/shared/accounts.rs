//! Who may log in, and by which keys and passwords.

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use ssh_core::crypto::signature::SecurityKeyUse;
use ssh_core::files::authorized_keys::{AuthorizedKeys, Login, LoginRefused, Permissions};
use ssh_core::files::authorized_principals::AuthorizedPrincipals;
use ssh_core::key::{Certificate, CertificateCheck, FingerprintHash, PublicKey, PublicKeyLine, RevocationList};
use ssh_core::{SecretBytes, UnixTime};

use super::settings::Settings;
use super::{log, values};

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

/// Who shows a key, from where, and what the security key said that signed with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer<'a> {
    pub(crate) user: &'a str,
    pub(crate) source: Option<IpAddr>,
    pub(crate) security_key: Option<SecurityKeyUse>,
}

impl Bearer<'_> {
    fn login(&self) -> Login<'static> {
        let login = Login::new(now()).utc_offset(utc_offset()).security_key(self.security_key);
        match self.source {
            Some(source) => login.from(source),
            None => login,
        }
    }
}

/// By what keys users are let in.
#[derive(Debug)]
pub(crate) struct Trust {
    /// Files, with tokens for the user.
    authorized_keys: Vec<String>,
    /// Names the principals that may log in by the authorities; otherwise the user's own name is the only one.
    authorized_principals: Option<String>,
    /// Whose certificates let in every user they are for.
    authorities: Vec<PublicKey>,
    revoked_keys: Option<PathBuf>,
    home: PathBuf,
}

impl Trust {
    /// Reads the file of authorities. The others are read whenever somebody logs in, so that changes count at once.
    pub(crate) fn new(settings: &Settings, home: &Path) -> Result<Self, String> {
        let authorities = match &settings.trusted_user_authorities {
            Some(path) => read_keys(path).map_err(|error| format!("{}: {error}", path.display()))?,
            None => Vec::new(),
        };
        Ok(Self {
            authorized_keys: settings.authorized_keys.clone(),
            authorized_principals: settings.authorized_principals.clone(),
            authorities,
            revoked_keys: settings.revoked_keys.clone(),
            home: home.to_owned(),
        })
    }

    /// What `key` allows; `None`: it lets this user not in.
    pub(crate) fn permissions(&self, key: &PublicKey, bearer: Bearer<'_>) -> Option<Permissions> {
        let revoked = self.revoked().ok()?;
        if revoked.revokes(key) {
            log::info(format_args!("{} is revoked", key.fingerprint(FingerprintHash::Sha256)));
            return None;
        }
        let login = bearer.login();
        let Some(certificate) = key.certificate() else {
            return self.in_files(bearer.user, |keys, path| {
                let mut lines = keys.find_all(key);
                lines.find_map(|line| heard(path, line.line, line.permissions(&login)))
            });
        };
        let check = CertificateCheck::user(bearer.user, now(), &self.authorities).revoked(&revoked);
        let check = match bearer.source {
            Some(source) => check.from(source),
            None => check,
        };
        let check = check.security_key(bearer.security_key);
        match self.by_authority(&certificate, check.clone(), bearer.user, &login) {
            Ok(permissions) => return Some(permissions),
            Err(error) => log::debug(format_args!("{:?}: {error}", certificate.key_id())),
        }
        self.in_files(bearer.user, |keys, path| {
            let mut lines = keys.find_authorities(&certificate);
            lines.find_map(|line| {
                heard(path, line.line, line.certificate_permissions(&certificate, check.clone(), &login))
            })
        })
    }

    /// What a certificate allows by an authority of all users.
    fn by_authority(
        &self,
        certificate: &Certificate,
        check: CertificateCheck<'_>,
        user: &str,
        login: &Login<'_>,
    ) -> Result<Permissions, LoginRefused> {
        let Some(pattern) = &self.authorized_principals else { return Ok(certificate.check(&check)?.into()) };
        let path = values::user_path(pattern, user, &self.home);
        let principals = AuthorizedPrincipals::parse(&read(&path).unwrap_or_default());
        for skipped in principals.skipped() {
            log::debug(format_args!("{}: {skipped}", path.display()));
        }
        principals.permissions(certificate, check, login)
    }

    /// Whether the key, of a user or a host, is good for nothing any more.
    pub(crate) fn is_revoked(&self, key: &PublicKey) -> bool {
        self.revoked().map_or(true, |list| list.revokes(key))
    }

    /// A list that cannot be read revokes everything.
    fn revoked(&self) -> Result<RevocationList, ()> {
        let Some(path) = &self.revoked_keys else { return Ok(RevocationList::default()) };
        let failed = |error: &dyn std::fmt::Display| log::info(format_args!("{}: {error}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
        RevocationList::parse(&bytes).map_err(|error| failed(&error))
    }

    fn in_files(
        &self,
        user: &str,
        find: impl Fn(&AuthorizedKeys, &Path) -> Option<Permissions>,
    ) -> Option<Permissions> {
        self.authorized_keys.iter().find_map(|pattern| {
            let path = values::user_path(pattern, user, &self.home);
            let keys = AuthorizedKeys::parse(&read(&path)?);
            for skipped in keys.skipped() {
                log::debug(format_args!("{}: {skipped}", path.display()));
            }
            find(&keys, &path)
        })
    }
}

/// What a line says, with a word about why it refuses.
fn heard(path: &Path, line: usize, outcome: Result<Permissions, LoginRefused>) -> Option<Permissions> {
    outcome.inspect_err(|error| log::debug(format_args!("{}, line {line} is refused: {error}", path.display()))).ok()
}

/// The public keys of a file, one a line.
fn read_keys(path: &Path) -> Result<Vec<PublicKey>, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    lines.map(|line| PublicKeyLine::parse(line).map(|line| line.key).map_err(|error| error.to_string())).collect()
}

/// What certificates are judged by.
pub(super) fn now() -> UnixTime {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime::from_secs(since_1970.map_or(0, |time| time.as_secs()))
}

/// How far local time is ahead of UTC, in seconds, as `date` says; UTC where there is none.
fn utc_offset() -> i32 {
    let output = Command::new("date").arg("+%z").stdin(Stdio::null()).output();
    let text = output.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let offset = text.trim().parse::<i32>().unwrap_or(0);
    (offset / 100 * 60 + offset % 100) * 60
}

/// A file that somebody else can write to would let that somebody in.
pub(super) fn read(path: &Path) -> Option<Vec<u8>> {
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
