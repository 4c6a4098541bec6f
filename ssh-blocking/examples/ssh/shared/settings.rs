//! What the configuration of a host means here (ssh_config(5)).

use std::path::PathBuf;
use std::time::Duration;

use ssh_core::crypto::compression::CompressionLevel;
use ssh_core::files::ssh_config::{
    AlgorithmList, AlgorithmNames, Compression, LogLevel, Origin, PubkeyAuthentication, Resolved, Setting,
    StrictChecking,
};
use ssh_core::login::StrictHostKeyChecking;
use ssh_core::{ClientConfig, KeepAlive, RekeyPolicy};

pub(crate) use ssh_core::files::ssh_config::RequestTty;

use super::common::{algorithms, pattern};
use super::log;

/// Methods in the order they are tried by default.
const METHODS: &str = "publickey,keyboard-interactive,password";

/// Keywords for what is not built in, with the value that asks for nothing. Where the value is empty, any will do.
const NOTHING_TO_DO: &[(&str, &str)] = &[
    ("controlmaster", "false"),
    ("controlpath", ""),
    ("dynamicforward", "none"),
    ("forwardagent", "no"),
    ("forwardx11", "no"),
    ("localforward", "none"),
    ("permitlocalcommand", "no"),
    ("proxycommand", "none"),
    ("proxyjump", "none"),
    ("remoteforward", "none"),
    ("tunnel", "false"),
];

/// Everything that is set.
#[derive(Clone)]
pub(crate) struct Settings {
    resolved: Resolved,
    pub(crate) port: u16,
    pub(crate) algorithms: algorithms::Choice,
    /// The order of host key algorithms is the user's own, not to be changed.
    pub(crate) own_host_key_order: bool,
    pub(crate) compression_level: CompressionLevel,
    pub(crate) rekey: RekeyPolicy,
    pub(crate) user_known_hosts: Vec<PathBuf>,
    pub(crate) global_known_hosts: Vec<PathBuf>,
    pub(crate) strict_host_keys: StrictHostKeyChecking,
    pub(crate) hash_known_hosts: bool,
    pub(crate) identity_files: Vec<PathBuf>,
    /// They were named, and ought to exist.
    pub(crate) has_named_identities: bool,
    pub(crate) certificate_files: Vec<PathBuf>,
    pub(crate) preferred: Vec<String>,
    pub(crate) password: bool,
    pub(crate) public_key: bool,
    pub(crate) keyboard_interactive: bool,
    pub(crate) password_prompts: u32,
    pub(crate) batch: bool,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) request_tty: RequestTty,
}

impl Settings {
    /// Reads what is resolved. The error is a line for the user.
    pub(crate) fn new(resolved: Resolved) -> Result<Self, String> {
        let paths = |paths: &[String]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        let identities = resolved.identity_files().map_err(|error| error.to_string())?;
        let certificates = resolved.certificate_files().map_err(|error| error.to_string())?;
        let (connection, login, host_keys) = (&resolved.connection, &resolved.login, &resolved.host_keys);
        refuse_unsupported(&resolved)?;
        let preferred = login.preferred.value.as_deref().unwrap_or(METHODS);
        let host_key_list = &resolved.algorithms.host_key.value.0;
        Ok(Self {
            port: connection.port.value.0,
            algorithms: algorithms(&resolved)?,
            own_host_key_order: host_key_list.as_ref().is_some_and(|list| !list.starts_with(['+', '-', '^'])),
            compression_level: CompressionLevel::new(resolved.older.compression_level.value.0).unwrap_or_default(),
            rekey: rekey(&resolved),
            user_known_hosts: paths(&host_keys.user_files.value.0),
            global_known_hosts: paths(&host_keys.global_files.value.0),
            strict_host_keys: match host_keys.strict.value {
                StrictChecking::Yes => StrictHostKeyChecking::Yes,
                StrictChecking::Ask => StrictHostKeyChecking::Ask,
                StrictChecking::AcceptNew => StrictHostKeyChecking::AcceptNew,
                StrictChecking::Off => StrictHostKeyChecking::InsecureNo,
            },
            hash_known_hosts: host_keys.hash.value,
            identity_files: paths(&identities),
            has_named_identities: !resolved.identities.files.values.is_empty(),
            certificate_files: paths(&certificates),
            preferred: preferred.split(',').map(String::from).collect(),
            password: login.password.value,
            public_key: login.public_key.value != PubkeyAuthentication::No,
            keyboard_interactive: login.keyboard_interactive.value,
            password_prompts: login.password_prompts.value,
            batch: login.batch_mode.value,
            connect_timeout: connection
                .connect_timeout
                .value
                .seconds
                .map(|seconds| Duration::from_secs(seconds.into())),
            request_tty: resolved.session.request_tty.value,
            resolved,
        })
    }

    /// How much is said.
    pub(crate) fn log_level(&self) -> log::Level {
        match self.resolved.session.log_level.value {
            LogLevel::Quiet | LogLevel::Fatal => log::Level::Quiet,
            LogLevel::Error | LogLevel::Info => log::Level::Info,
            LogLevel::Verbose | LogLevel::Debug1 | LogLevel::Debug2 | LogLevel::Debug3 => log::Level::Debug,
        }
    }

    /// What runs if the command line names nothing.
    pub(crate) fn remote_command(&self) -> Option<&str> {
        self.resolved.session.remote_command.value.0.as_deref()
    }

    /// Lines about what is set and has no effect.
    pub(crate) fn debug_warnings(&self) {
        for warning in &self.resolved.warnings {
            log::debug(format_args!("{}: {} has no effect", warning.origin, warning.keyword.escape_debug()));
        }
    }

    /// Keepalives as `ServerAliveInterval` and `ServerAliveCountMax` want them.
    pub(crate) fn keepalive(&self) -> Option<KeepAlive> {
        let connection = &self.resolved.connection;
        let interval = Duration::from_secs(connection.server_alive_interval.value.seconds.unwrap_or_default().into());
        let keepalive = KeepAlive { interval, max_unanswered: connection.server_alive_count_max.value };
        (!interval.is_zero()).then_some(keepalive)
    }

    /// The environment to send: what `SetEnv` says and, of our own, what `SendEnv` names.
    pub(crate) fn environment(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        use std::os::unix::ffi::OsStrExt;
        let (set, send) = (&self.resolved.session.set_env.value.0, &self.resolved.session.send_env.value.0);
        let pairs = set.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()));
        let own = std::env::vars_os().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        let wanted = |name: &[u8]| send.iter().any(|each| pattern::matches(each.as_bytes(), name));
        let is_set = |name: &[u8]| set.iter().any(|(each, _)| each.as_bytes() == name);
        pairs.chain(own.filter(|(name, _)| wanted(name) && !is_set(name))).collect()
    }
}

/// What the command line asks for and is not built in ends the program; in files it is for other programs, but a proxy
/// that is left out would lead elsewhere.
fn refuse_unsupported(resolved: &Resolved) -> Result<(), String> {
    let lines = resolved.lines(&AlgorithmNames::built_in()).map_err(|error| error.to_string())?;
    for (keyword, value, origin) in lines {
        let harmless = NOTHING_TO_DO.iter().find(|(each, _)| *each == keyword).map(|(_, harmless)| *harmless);
        if origin == Origin::Default || harmless.is_none_or(|harmless| harmless.is_empty() || harmless == value) {
            continue;
        }
        if origin == Origin::CommandLine || keyword.starts_with("proxy") {
            return Err(format!("{origin}: {keyword} is not supported"));
        }
        log::debug(format_args!("{origin}: {keyword} is not supported and has no effect"));
    }
    Ok(())
}

/// What to offer: the preset, changed by the lists.
fn algorithms(resolved: &Resolved) -> Result<algorithms::Choice, String> {
    let mut choice = algorithms::Choice::new(ClientConfig::default().algorithms);
    let lists = &resolved.algorithms;
    let list = |setting: &Setting<AlgorithmList>| (setting.value.0.clone(), setting.origin.clone());
    let preset = &resolved.older.algorithms;
    let is_offered = (lists.compression.value == Compression::Yes).then(|| "yes".into());
    let compression = (is_offered.or_else(|| lists.compression.is_set().then(|| "no".into())), Origin::Default);
    for (keyword, (spec, origin)) in [
        ("algorithms", (preset.value.clone(), preset.origin.clone())),
        ("kexalgorithms", list(&lists.kex)),
        ("hostkeyalgorithms", list(&lists.host_key)),
        ("pubkeyacceptedalgorithms", list(&lists.public_key)),
        ("ciphers", list(&lists.ciphers)),
        ("macs", list(&lists.macs)),
        ("compression", compression),
    ] {
        if let Some(spec) = spec {
            choice.set(keyword, &spec).map_err(|error| format!("{origin}: {keyword}: {error}"))?;
        }
    }
    Ok(choice)
}

fn rekey(resolved: &Resolved) -> RekeyPolicy {
    let limit = &resolved.algorithms.rekey_limit;
    let mut policy = RekeyPolicy::default();
    if limit.value.bytes > 0 {
        policy.bytes = Some(limit.value.bytes);
    }
    let seconds = limit.value.seconds.filter(|&seconds| seconds > 0);
    policy.time = seconds.map(|seconds| Duration::from_secs(seconds.into())).or(policy.time);
    policy
}
