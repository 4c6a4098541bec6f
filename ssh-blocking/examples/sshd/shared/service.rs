//! What all connections share, and who is let in.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ssh_core::crypto::kex::Moduli;
use ssh_core::crypto::signature::SecurityKeyUse;
use ssh_core::files::authorized_keys::Permissions;
use ssh_core::files::moduli::ModuliFile;
use ssh_core::key::{CertificateKind, FingerprintHash, PrivateKey, PublicKey, PublicKeyLine};
use ssh_core::{AuthAnswer, AuthRequest, Credential, Identity, KeyOffer, Prompt, SecretBytes, ServerConfig};

use super::accounts::{Account, Bearer, Passwords, Trust};
use super::hosts::Hosts;
use super::log;
use super::settings::{Method, Settings};

/// What all connections share.
pub(crate) struct Service {
    pub(crate) settings: Settings,
    pub(crate) account: Account,
    passwords: Passwords,
    trust: Trust,
    hosts: Option<Hosts>,
    /// Certificates of the host keys.
    host_certificates: Vec<PublicKey>,
    /// Sets of methods of which one must be shown whole.
    method_sets: Vec<Vec<Method>>,
    /// The text of `Banner`.
    pub(crate) banner: Option<String>,
    moduli: Option<Moduli>,
}

impl Service {
    /// Reads the files that the settings name. The host keys come apart: they sign.
    pub(crate) fn new(settings: Settings) -> Result<(Self, Vec<PrivateKey>), String> {
        if settings.host_keys.is_empty() {
            return Err("no host key: make one with \"ssh-keygen -t ed25519 -f FILE\" and give it with -h FILE".into());
        }
        let keys: Vec<PrivateKey> = settings.host_keys.iter().map(|path| load_key(path)).collect::<Result<_, _>>()?;
        let passwords = settings.password_file.as_deref().map(Passwords::read).transpose()?;
        let read =
            |path: &PathBuf| std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
        let account = Account::current()?;
        let certificate = |path: &PathBuf| load_certificate(path, &keys);
        let service = Self {
            trust: Trust::new(&settings, &account.home)?,
            hosts: settings.hosts(),
            host_certificates: settings.host_certificates.iter().map(certificate).collect::<Result<_, _>>()?,
            account,
            passwords: passwords.unwrap_or_default(),
            method_sets: settings.method_sets()?,
            banner: settings.banner.as_ref().map(read).transpose()?,
            moduli: settings.moduli_file.as_ref().map(|path| read(path).map(|text| moduli(&text))).transpose()?,
            settings,
        };
        Ok((service, keys))
    }

    /// The configuration that the settings ask for.
    pub(crate) fn config(&self, keys: &[PrivateKey]) -> ServerConfig {
        let settings = &self.settings;
        let plain = keys.iter().map(|key| key.public_key().clone());
        let mut config = ServerConfig::new(self.host_certificates.iter().cloned().chain(plain).collect());
        // The lines of authorized_keys and certificates say whether that is allowed.
        config.security_keys_without_touch = true;
        config.algorithms = settings.algorithms.algorithms().clone();
        config.kex.moduli = self.moduli.clone().unwrap_or_default();
        config.rekey = settings.rekey;
        config.compression_level = settings.compression_level;
        config.keepalive = settings.keepalive();
        config.max_auth_attempts = settings.max_auth_tries;
        config.limits.login_grace = settings.login_grace;
        let limits = &mut config.limits;
        limits.max_channels = settings.max_sessions;
        // Many sessions have smaller windows each, so that all fit into what one connection may make us hold.
        let share = u32::try_from(limits.max_unread_bytes / u64::from(settings.max_sessions)).unwrap_or(u32::MAX);
        limits.channel_window = limits.channel_window.min(share).max(limits.channel_packet);
        let mut methods: Vec<&str> = self.method_sets.iter().flatten().map(|method: &Method| method.name()).collect();
        methods.sort_unstable();
        methods.dedup();
        config.auth_methods = methods.into_iter().map(String::from).collect();
        config
    }

    /// Whether the key would let this user in. Reads files.
    pub(crate) fn judge_offer(&self, peer: &str, offer: &KeyOffer) -> bool {
        let known = self.knows(&offer.user) && self.permission(peer, &offer.user, &offer.key).is_some();
        let (user, key) = (offer.user.escape_debug(), offer.key.fingerprint(FingerprintHash::Sha256));
        let verdict = if known { "known" } else { "not accepted" };
        log::debug(format_args!("{peer}: {user} offers the {} key {key}: {verdict}", offer.key.key_type()));
        known
    }

    /// What is answered to an attempt to log in, and what the key that was shown allows. Reads files.
    pub(crate) fn judge(&self, peer: &str, request: &AuthRequest) -> (AuthAnswer, Option<Permissions>) {
        let method = request.credential.method();
        let mut permission = None;
        let answer = match &request.credential {
            Credential::KeyboardInteractive { .. } => AuthAnswer::Prompts {
                name: String::new(),
                instruction: String::new(),
                prompts: vec![Prompt { prompt: "Password: ".into(), echo: false }],
            },
            _ if self.is_right(peer, request, &mut permission) => self.after(&request.succeeded, method),
            _ => AuthAnswer::Reject,
        };
        let outcome = match &answer {
            AuthAnswer::Accept => "accepted",
            AuthAnswer::Partial { .. } => "right, but more is wanted",
            AuthAnswer::Prompts { .. } => "asked",
            _ => "failed",
        };
        log::debug(format_args!("{peer}: {} {method}: {outcome}", request.user.escape_debug()));
        (answer, permission)
    }

    /// What a key allows, provided that it is used as it has to be: touched, for instance. Reads files.
    pub(crate) fn permission(&self, peer: &str, user: &str, key: &PublicKey) -> Option<Permissions> {
        let fine = SecurityKeyUse::new(true, true, 0);
        self.trust.permissions(key, Bearer { user, source: source(peer), security_key: Some(fine) })
    }

    /// A line about who is logged in.
    pub(crate) fn debug_login(peer: &str, identity: &Identity) {
        let (user, methods) = (identity.user.escape_debug(), identity.methods.join(", "));
        log::debug(format_args!("{peer}: {user} is logged in with {methods}"));
    }

    /// Whether there is such a user at all.
    fn knows(&self, user: &str) -> bool {
        user == self.account.name || self.passwords.names(user)
    }

    /// Whether what was shown is right, whatever else is wanted.
    fn is_right(&self, peer: &str, request: &AuthRequest, permission: &mut Option<Permissions>) -> bool {
        let password = |password| self.passwords.check(&request.user, password);
        match &request.credential {
            Credential::Password(given) => password(given),
            Credential::Responses(answers) => matches!(answers.as_slice(), [only] if password(only)),
            Credential::PublicKey { key, security_key, .. } if self.knows(&request.user) => {
                let bearer = Bearer { user: &request.user, source: source(peer), security_key: *security_key };
                *permission = self.trust.permissions(key, bearer);
                permission.is_some()
            }
            Credential::HostBased { key, host_name, user_name, .. } if self.knows(&request.user) => {
                // A host speaks for users who have the same name here.
                let is_user = *user_name == request.user && !self.trust.is_revoked(key);
                let hosts = self.hosts.as_ref().filter(|_| is_user);
                hosts.is_some_and(|hosts| hosts.believes(host_name, key, source(peer)))
            }
            _ => false,
        }
    }

    /// What follows once `method` has succeeded after `succeeded`. The order does not matter: all of a set are wanted.
    fn after(&self, succeeded: &[&str], method: &str) -> AuthAnswer {
        let shown = |each: &Method| each.name() == method || succeeded.contains(&each.name());
        // A set helps only if everything shown so far is part of it.
        let fits = |set: &&Vec<Method>| {
            succeeded.iter().chain([&method]).all(|name| set.iter().any(|each| each.name() == *name))
        };
        let mut left: Vec<String> = Vec::new();
        for set in self.method_sets.iter().filter(fits) {
            let missing: Vec<_> = set.iter().filter(|each| !shown(each)).map(|each| each.name().to_owned()).collect();
            if missing.is_empty() {
                return AuthAnswer::Accept;
            }
            left.extend(missing);
        }
        left.sort();
        left.dedup();
        if left.is_empty() { AuthAnswer::Reject } else { AuthAnswer::Partial { methods_that_can_continue: left } }
    }
}

/// Where a client is, if the text that names it says.
fn source(peer: &str) -> Option<IpAddr> {
    peer.parse::<SocketAddr>().ok().map(|address| address.ip())
}

/// Reads a certificate of one of the host keys.
fn load_certificate(path: &Path, keys: &[PrivateKey]) -> Result<PublicKey, String> {
    let failed = |error: &dyn std::fmt::Display| format!("host certificate {}: {error}", path.display());
    let text = std::fs::read(path).map_err(|error| failed(&error))?;
    let key = PublicKeyLine::parse(&text).map_err(|error| failed(&error))?.key;
    if !key.certificate().is_some_and(|certificate| certificate.kind() == CertificateKind::Host) {
        return Err(failed(&"it is no certificate of a host"));
    }
    let ours = keys.iter().any(|private| *private.public_key() == *key.plain());
    if ours { Ok(key) } else { Err(failed(&"it is of none of the host keys")) }
}

/// The groups of a `ModuliFile`.
fn moduli(text: &str) -> Moduli {
    let file = ModuliFile::parse(text.as_bytes());
    for skipped in file.skipped() {
        log::debug(format_args!("ModuliFile: {skipped}"));
    }
    file.moduli()
}

/// Reads a host key. One that others can read is nobody's any more.
fn load_key(path: &Path) -> Result<PrivateKey, String> {
    let failed = |error: &dyn std::fmt::Display| format!("host key {}: {error}", path.display());
    let mode = std::fs::metadata(path).map_err(|error| failed(&error))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(failed(&format_args!(
            "its permissions {mode:04o} are too open; make it private with \"chmod 600\""
        )));
    }
    let text = SecretBytes::new(std::fs::read(path).map_err(|error| failed(&error))?);
    PrivateKey::read(text.expose(), None).map_err(|error| failed(&error))
}
