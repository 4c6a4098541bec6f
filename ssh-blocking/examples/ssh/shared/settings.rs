//! Keywords of `-o` and of configuration files, and what they mean here (ssh_config(5)).

use std::path::{Path, PathBuf};
use std::time::Duration;

use ssh_core::crypto::compression::CompressionLevel;
use ssh_core::files::ssh_config::ConfigText;
use ssh_core::login::StrictHostKeyChecking;
use ssh_core::{ClientConfig, KeepAlive, RekeyPolicy};

use super::common::{algorithms, pattern, values};
use super::log;

/// Where a setting comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// An option of its own, such as `-p`.
    CommandLine,
    /// `-o`
    Option,
    /// A file, which may hold keywords for other programs.
    File,
}

/// Whether a terminal is asked for (`RequestTTY`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestTty {
    /// Never.
    No,
    /// If standard input is one.
    Yes,
    /// Even if standard input is none.
    Force,
    /// If standard input is one and a shell is started.
    Auto,
}

/// Everything that can be set. The first value of a keyword wins.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Keywords that have a value.
    seen: Vec<String>,
    pub(crate) host_name: Option<String>,
    pub(crate) port: u16,
    pub(crate) user: Option<String>,
    pub(crate) algorithms: algorithms::Choice,
    /// The order of host key algorithms is the user's own, not to be changed.
    pub(crate) own_host_key_order: bool,
    pub(crate) compression_level: CompressionLevel,
    pub(crate) rekey: RekeyPolicy,
    pub(crate) user_known_hosts: Vec<PathBuf>,
    pub(crate) global_known_hosts: Vec<PathBuf>,
    pub(crate) strict_host_keys: StrictHostKeyChecking,
    pub(crate) hash_known_hosts: bool,
    /// Empty: the defaults.
    pub(crate) identity_files: Vec<PathBuf>,
    pub(crate) certificate_files: Vec<PathBuf>,
    pub(crate) preferred: Vec<String>,
    pub(crate) password: bool,
    pub(crate) public_key: bool,
    pub(crate) keyboard_interactive: bool,
    pub(crate) password_prompts: u32,
    pub(crate) batch: bool,
    pub(crate) connect_timeout: Option<Duration>,
    alive_interval: Duration,
    alive_count: u32,
    send_env: Vec<String>,
    set_env: Vec<(String, String)>,
    pub(crate) request_tty: RequestTty,
    pub(crate) log_level: log::Level,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seen: Vec::new(),
            host_name: None,
            port: 22,
            user: None,
            algorithms: algorithms::Choice::new(ClientConfig::default().algorithms),
            own_host_key_order: false,
            compression_level: CompressionLevel::default(),
            rekey: RekeyPolicy::default(),
            user_known_hosts: vec![values::path("~/.ssh/known_hosts"), values::path("~/.ssh/known_hosts2")],
            global_known_hosts: vec!["/etc/ssh/ssh_known_hosts".into(), "/etc/ssh/ssh_known_hosts2".into()],
            strict_host_keys: StrictHostKeyChecking::Ask,
            hash_known_hosts: false,
            identity_files: Vec::new(),
            certificate_files: Vec::new(),
            preferred: ["publickey", "keyboard-interactive", "password"].map(String::from).to_vec(),
            password: true,
            public_key: true,
            keyboard_interactive: true,
            password_prompts: 3,
            batch: false,
            connect_timeout: None,
            alive_interval: Duration::ZERO,
            alive_count: 3,
            send_env: Vec::new(),
            set_env: Vec::new(),
            request_tty: RequestTty::Auto,
            log_level: log::Level::Info,
        }
    }
}

/// Keywords of which every occurrence counts.
const CUMULATIVE: &[&str] = &["certificatefile", "identityfile", "sendenv"];

/// Keywords for what is not built in, with the value that asks for nothing. `scp` and `sftp` set them. Where the value is
/// empty, any will do.
const NOTHING_TO_DO: &[(&str, &str)] = &[
    ("clearallforwardings", ""),
    ("controlmaster", "no"),
    ("controlpath", "none"),
    ("forwardagent", "no"),
    ("forwardx11", "no"),
    ("identitiesonly", ""),
    ("identityagent", "none"),
    ("permitlocalcommand", "no"),
    ("remotecommand", "none"),
    ("updatehostkeys", "no"),
];

impl Settings {
    /// Sets a keyword, in lower case, unless it is set already. A keyword that is not known is an error unless it comes
    /// from a file.
    pub(crate) fn set(&mut self, keyword: &str, arguments: &[String], source: Source) -> Result<(), String> {
        if self.seen.iter().any(|seen| seen == keyword) && !CUMULATIVE.contains(&keyword) {
            return Ok(());
        }
        let Some(value) = arguments.first() else { return Err(format!("{keyword} needs a value")) };
        let failed = |text: String| format!("{keyword}: {text}");
        let known = self.algorithms.set(keyword, value).map_err(|error| failed(error.to_string()))?
            || self.set_connection(keyword, value, arguments).map_err(failed)?
            || self.set_host_keys(keyword, value, arguments).map_err(failed)?
            || self.set_login(keyword, value).map_err(failed)?
            || self.set_session(keyword, value, arguments).map_err(failed)?
            || NOTHING_TO_DO
                .iter()
                .any(|(name, harmless)| *name == keyword && (harmless.is_empty() || harmless == value));
        if known {
            self.own_host_key_order |= keyword == "hostkeyalgorithms" && !value.starts_with(['+', '-', '^']);
            self.seen.push(keyword.into());
        } else if source == Source::File {
            log::debug(format_args!("{} is not supported and has no effect", keyword.escape_debug()));
        } else {
            return Err(format!("unknown or unsupported option \"{}\"", keyword.escape_debug()));
        }
        Ok(())
    }

    /// Sets what `path` says about `host`.
    pub(crate) fn set_from_file(&mut self, path: &Path, host: &str) -> Result<(), String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let config = ConfigText::parse(&text, &path.display().to_string()).map_err(|error| error.to_string())?;
        for skipped in config.unsupported() {
            let (path, line) = (path.display(), skipped.line);
            log::debug(format_args!("{path}, line {line}: \"{}\" is not supported", skipped.keyword));
        }
        for option in config.options_for(host) {
            self.set(option.keyword, option.arguments, Source::File)
                .map_err(|error| format!("{}, line {}: {error}", path.display(), option.line))?;
        }
        Ok(())
    }

    /// Keepalives as `ServerAliveInterval` and `ServerAliveCountMax` want them.
    pub(crate) fn keepalive(&self) -> Option<KeepAlive> {
        let keepalive = KeepAlive { interval: self.alive_interval, max_unanswered: self.alive_count };
        (!self.alive_interval.is_zero()).then_some(keepalive)
    }

    /// The environment to send: what `SetEnv` says and, of our own, what `SendEnv` names.
    pub(crate) fn environment(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        use std::os::unix::ffi::OsStrExt;
        let set = self.set_env.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()));
        let own = std::env::vars_os().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        let wanted = |name: &[u8]| self.send_env.iter().any(|each| pattern::matches(each.as_bytes(), name));
        let is_set = |name: &[u8]| self.set_env.iter().any(|(each, _)| each.as_bytes() == name);
        set.chain(own.filter(|(name, _)| wanted(name) && !is_set(name))).collect()
    }

    fn set_connection(&mut self, keyword: &str, value: &str, arguments: &[String]) -> Result<bool, String> {
        match keyword {
            "hostname" => self.host_name = Some(value.into()),
            "port" => self.port = values::port(value)?,
            "user" => self.user = Some(value.into()),
            "compressionlevel" => self.compression_level = values::compression_level(value)?,
            "rekeylimit" => self.rekey = values::rekey_limit(arguments)?,
            "connecttimeout" => {
                self.connect_timeout = if value == "none" { None } else { Some(values::duration(value)?) };
            }
            "serveraliveinterval" => self.alive_interval = values::duration(value)?,
            "serveralivecountmax" => self.alive_count = values::number(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_host_keys(&mut self, keyword: &str, value: &str, arguments: &[String]) -> Result<bool, String> {
        let files = || arguments.iter().filter(|path| *path != "none").map(|path| values::path(path)).collect();
        match keyword {
            "userknownhostsfile" => self.user_known_hosts = files(),
            "globalknownhostsfile" => self.global_known_hosts = files(),
            "hashknownhosts" => self.hash_known_hosts = yes_no(value)?,
            "stricthostkeychecking" => {
                self.strict_host_keys = match value {
                    "yes" | "true" => StrictHostKeyChecking::Yes,
                    "ask" => StrictHostKeyChecking::Ask,
                    "accept-new" => StrictHostKeyChecking::AcceptNew,
                    "no" | "off" | "false" => StrictHostKeyChecking::InsecureNo,
                    _ => return Err(format!("\"{}\" is none of yes, ask, accept-new, no", value.escape_debug())),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_login(&mut self, keyword: &str, value: &str) -> Result<bool, String> {
        match keyword {
            "certificatefile" => self.certificate_files.push(values::path(value)),
            "identityfile" => self.identity_files.push(values::path(value)),
            "preferredauthentications" => self.preferred = value.split(',').map(String::from).collect(),
            "passwordauthentication" => self.password = yes_no(value)?,
            "pubkeyauthentication" => self.public_key = yes_no(value)?,
            "kbdinteractiveauthentication" | "challengeresponseauthentication" => {
                self.keyboard_interactive = yes_no(value)?;
            }
            "numberofpasswordprompts" => self.password_prompts = values::number(value)?,
            "batchmode" => self.batch = yes_no(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_session(&mut self, keyword: &str, value: &str, arguments: &[String]) -> Result<bool, String> {
        match keyword {
            "sendenv" => {
                for name in arguments {
                    match name.strip_prefix('-') {
                        Some(removed) => self.send_env.retain(|each| each != removed),
                        None => self.send_env.push(name.clone()),
                    }
                }
            }
            "setenv" => {
                let pairs = arguments.iter().map(|pair| pair.split_once('=').ok_or(pair));
                let pairs = pairs.map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned())));
                let wrong = |pair: &String| format!("\"{}\" is not NAME=VALUE", pair.escape_debug());
                self.set_env = pairs.collect::<Result<_, _>>().map_err(wrong)?;
            }
            "requesttty" => {
                self.request_tty = match value {
                    "no" => RequestTty::No,
                    "yes" => RequestTty::Yes,
                    "force" => RequestTty::Force,
                    "auto" => RequestTty::Auto,
                    _ => return Err(format!("\"{}\" is none of no, yes, force, auto", value.escape_debug())),
                }
            }
            "loglevel" => {
                self.log_level = match value.to_ascii_uppercase().as_str() {
                    "QUIET" | "FATAL" => log::Level::Quiet,
                    "ERROR" | "INFO" => log::Level::Info,
                    "VERBOSE" | "DEBUG" | "DEBUG1" | "DEBUG2" | "DEBUG3" => log::Level::Debug,
                    _ => return Err(format!("\"{}\" is none of QUIET, INFO, DEBUG", value.escape_debug())),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn yes_no(value: &str) -> Result<bool, String> {
    match value {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(format!("\"{}\" is neither yes nor no", value.escape_debug())),
    }
}
