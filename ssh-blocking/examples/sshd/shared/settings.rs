//! Keywords of `-o` and of the configuration file (sshd_config(5)).

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ssh_core::admission::{AdmissionPolicy, Penalties, Startups};
use ssh_core::crypto::compression::CompressionLevel;
use ssh_core::{KeepAlive, RekeyPolicy, ServerConfig};

use super::algorithms;
use super::hosts::Hosts;
use super::values;

/// Ways to prove who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    PublicKey,
    Password,
    KeyboardInteractive,
    HostBased,
}

impl Method {
    const ALL: [Self; 4] = [Self::PublicKey, Self::Password, Self::KeyboardInteractive, Self::HostBased];

    /// The name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PublicKey => "publickey",
            Self::Password => "password",
            Self::KeyboardInteractive => "keyboard-interactive",
            Self::HostBased => "hostbased",
        }
    }
}

/// Everything that can be set. The first value of a keyword wins.
pub(crate) struct Settings {
    /// Keywords that have a value.
    seen: Vec<String>,
    port: u16,
    listen_address: String,
    pub(crate) host_keys: Vec<PathBuf>,
    /// Certificates of the host keys.
    pub(crate) host_certificates: Vec<PathBuf>,
    pub(crate) authorized_keys: Vec<String>,
    /// Principals of certificates by the authorities for all users.
    pub(crate) authorized_principals: Option<String>,
    /// Variables that lines of `authorized_keys` may set, as patterns.
    pub(crate) user_environment: Vec<String>,
    /// Authorities for all users.
    pub(crate) trusted_user_authorities: Option<PathBuf>,
    /// Keys and certificates that let nobody in.
    pub(crate) revoked_keys: Option<PathBuf>,
    pub(crate) password_file: Option<PathBuf>,
    host_based: bool,
    /// Hosts that are believed about their users.
    host_based_known_hosts: Option<PathBuf>,
    host_based_by_name_only: bool,
    pub(crate) algorithms: algorithms::Choice,
    pub(crate) rekey: RekeyPolicy,
    pub(crate) compression_level: CompressionLevel,
    pub(crate) accept_env: Vec<String>,
    pub(crate) max_auth_tries: u32,
    pub(crate) login_grace: Duration,
    alive_interval: Duration,
    alive_count: u32,
    pub(crate) max_sessions: u32,
    pub(crate) banner: Option<PathBuf>,
    /// Groups for a group exchange; otherwise they are those of RFC 3526.
    pub(crate) moduli_file: Option<PathBuf>,
    /// Who is let in at all.
    pub(crate) admission: AdmissionPolicy,
    /// Names and commands.
    pub(crate) subsystems: Vec<(String, String)>,
    /// Sets of methods of which one set must be shown whole; empty: any one method.
    methods: Vec<Vec<Method>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seen: Vec::new(),
            port: 22,
            listen_address: "127.0.0.1".into(),
            host_keys: Vec::new(),
            host_certificates: Vec::new(),
            authorized_keys: vec![".ssh/authorized_keys".into(), ".ssh/authorized_keys2".into()],
            authorized_principals: None,
            user_environment: Vec::new(),
            trusted_user_authorities: None,
            revoked_keys: None,
            password_file: None,
            host_based: false,
            host_based_known_hosts: None,
            host_based_by_name_only: false,
            algorithms: algorithms::Choice::new(ServerConfig::new(Vec::new()).algorithms),
            rekey: RekeyPolicy::default(),
            compression_level: CompressionLevel::default(),
            accept_env: Vec::new(),
            max_auth_tries: 6,
            login_grace: Duration::from_secs(120),
            alive_interval: Duration::ZERO,
            alive_count: 3,
            max_sessions: 10,
            banner: None,
            moduli_file: None,
            admission: AdmissionPolicy::default(),
            subsystems: Vec::new(),
            methods: Vec::new(),
        }
    }
}

/// Keywords of which every occurrence counts.
const CUMULATIVE: &[&str] = &["acceptenv", "hostcertificate", "hostkey", "subsystem"];

impl Settings {
    /// Sets a keyword, in lower case, unless it is set already.
    pub(crate) fn set(&mut self, keyword: &str, arguments: &[String]) -> Result<(), String> {
        if self.seen.iter().any(|seen| seen == keyword) && !CUMULATIVE.contains(&keyword) {
            return Ok(());
        }
        let Some(value) = arguments.first() else { return Err(format!("{keyword} needs a value")) };
        let failed = |text: String| format!("{keyword}: {text}");
        let known = self.algorithms.set(keyword, value).map_err(|error| failed(error.to_string()))?
            || self.set_login(keyword, value, arguments).map_err(failed)?
            || self.set_other(keyword, value, arguments).map_err(failed)?;
        if !known {
            return Err(format!("unknown or unsupported option \"{}\"", keyword.escape_debug()));
        }
        self.seen.push(keyword.into());
        Ok(())
    }

    /// Keepalives as `ClientAliveInterval` and `ClientAliveCountMax` want them.
    pub(crate) fn keepalive(&self) -> Option<KeepAlive> {
        let keepalive = KeepAlive { interval: self.alive_interval, max_unanswered: self.alive_count };
        (!self.alive_interval.is_zero()).then_some(keepalive)
    }

    /// Where to listen.
    pub(crate) fn listen_address(&self) -> Result<SocketAddr, String> {
        let address: Result<IpAddr, _> = self.listen_address.trim_matches(['[', ']']).parse();
        let address = address
            .map_err(|_| format!("ListenAddress \"{}\" is not an IP address", self.listen_address.escape_debug()))?;
        Ok(SocketAddr::new(address, self.port))
    }

    /// Which sets of methods let a user in.
    ///
    /// Passwords are offered only if there are any, and hosts are only listened to if some are known.
    pub(crate) fn method_sets(&self) -> Result<Vec<Vec<Method>>, String> {
        let possible = |method: &Method| match method {
            Method::PublicKey => true,
            Method::Password | Method::KeyboardInteractive => self.password_file.is_some(),
            Method::HostBased => self.hosts().is_some(),
        };
        if self.methods.is_empty() {
            return Ok(Method::ALL.into_iter().filter(possible).map(|method| vec![method]).collect());
        }
        match self.methods.iter().flatten().find(|method| !possible(method)) {
            Some(Method::HostBased) => {
                Err("AuthenticationMethods: hostbased needs HostbasedAuthentication and a HostbasedKnownHosts".into())
            }
            Some(method) => Err(format!("AuthenticationMethods: {} needs a PasswordFile", method.name())),
            None => Ok(self.methods.clone()),
        }
    }

    /// Hosts that are believed about their users, if any are.
    pub(crate) fn hosts(&self) -> Option<Hosts> {
        let known = self.host_based_known_hosts.clone().filter(|_| self.host_based)?;
        Some(Hosts { known, by_name_only: self.host_based_by_name_only })
    }

    fn set_login(&mut self, keyword: &str, value: &str, arguments: &[String]) -> Result<bool, String> {
        match keyword {
            "authorizedkeysfile" => {
                self.authorized_keys = arguments.iter().filter(|path| *path != "none").cloned().collect();
            }
            "authorizedprincipalsfile" => self.authorized_principals = Some(value.into()).filter(|_| value != "none"),
            "permituserenvironment" => {
                self.user_environment = match value {
                    "yes" => vec!["*".into()],
                    "no" => Vec::new(),
                    patterns => patterns.split(',').map(String::from).collect(),
                }
            }
            "trustedusercakeys" => self.trusted_user_authorities = named(value),
            "revokedkeys" => self.revoked_keys = named(value),
            "passwordfile" => self.password_file = Some(values::path(value)),
            "hostbasedauthentication" => self.host_based = values::yes_or_no(value)?,
            "hostbasedknownhosts" => self.host_based_known_hosts = named(value),
            "hostbasedusesnamefrompacketonly" => self.host_based_by_name_only = values::yes_or_no(value)?,
            "maxauthtries" => self.max_auth_tries = values::number(value)?.max(1),
            "logingracetime" => {
                // 0 is no limit.
                let grace = values::duration(value)?;
                self.login_grace = if grace.is_zero() { Duration::from_secs(365 * 24 * 60 * 60) } else { grace };
            }
            "banner" => self.banner = named(value),
            "authenticationmethods" if value == "any" => self.methods = Vec::new(),
            "authenticationmethods" => {
                self.methods = arguments.iter().map(|set| parse_methods(set)).collect::<Result<_, _>>()?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_other(&mut self, keyword: &str, value: &str, arguments: &[String]) -> Result<bool, String> {
        match keyword {
            "port" => self.port = values::port(value)?,
            "listenaddress" => self.listen_address = value.into(),
            "hostkey" => self.host_keys.push(values::path(value)),
            "hostcertificate" => self.host_certificates.push(values::path(value)),
            "rekeylimit" => self.rekey = values::rekey_limit(arguments)?,
            "compressionlevel" => self.compression_level = values::compression_level(value)?,
            "acceptenv" => self.accept_env.extend_from_slice(arguments),
            "clientaliveinterval" => self.alive_interval = values::duration(value)?,
            "clientalivecountmax" => self.alive_count = values::number(value)?,
            "maxsessions" => self.max_sessions = values::number(value)?.max(1),
            "subsystem" => {
                let command = arguments.get(1..).unwrap_or_default().join(" ");
                if command.is_empty() {
                    return Err("a name and a command are needed".into());
                }
                self.subsystems.push((value.into(), command));
            }
            "modulifile" => self.moduli_file = Some(values::path(value)),
            "maxstartups" => self.admission.startups = startups(value)?,
            "persourcepenalties" => {
                self.admission.penalties = match value {
                    "yes" => Some(Penalties::default()),
                    "no" => None,
                    _ => return Err(format!("\"{}\" is neither yes nor no", value.escape_debug())),
                }
            }
            "printmotd" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// `START:RATE:FULL`, or a number that is never exceeded.
fn startups(value: &str) -> Result<Startups, String> {
    let parts: Vec<usize> = value
        .split(':')
        .map(|part| values::number(part).map(|number| usize::try_from(number).unwrap_or(usize::MAX)))
        .collect::<Result<_, _>>()?;
    match parts[..] {
        [full] if full > 0 => Ok(Startups { start: full, rate_percent: 100, full }),
        [start, rate @ 1..=100, full] if (1..=full).contains(&start) => {
            Ok(Startups { start, rate_percent: u32::try_from(rate).unwrap_or(100), full })
        }
        _ => Err(format!("\"{}\" is neither a number nor START:RATE:FULL", value.escape_debug())),
    }
}

/// The file, unless the word is `none`.
fn named(value: &str) -> Option<PathBuf> {
    (value != "none").then(|| values::path(value))
}

/// Methods with commas between them. One method cannot be shown twice.
fn parse_methods(set: &str) -> Result<Vec<Method>, String> {
    let mut methods = Vec::new();
    for name in set.split(',') {
        let found = Method::ALL.into_iter().find(|method| method.name() == name);
        let method = found.ok_or_else(|| {
            format!("\"{}\" is none of publickey, password, keyboard-interactive, hostbased, any", name.escape_debug())
        })?;
        if methods.contains(&method) {
            return Err(format!("{name} cannot be asked for twice"));
        }
        methods.push(method);
    }
    Ok(methods)
}
