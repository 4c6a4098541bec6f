//! What the configuration of a host means here (ssh_config(5)).

use std::path::PathBuf;
use std::time::Duration;

use ssh_core::ClientConfig;
use ssh_core::files::ssh_config::{AlgorithmNames, LogLevel, Origin, Proxy, Resolved, UpdateHostKeys};
use ssh_core::login::{StrictHostKeyChecking, configured};

pub(crate) use ssh_core::files::ssh_config::RequestTty;

use super::common::pattern;
use super::log;

/// Keywords for what is not built in, with the value that asks for nothing. Where the value is empty, any will do.
const NOTHING_TO_DO: &[(&str, &str)] = &[
    ("controlmaster", "false"),
    ("controlpath", ""),
    ("dynamicforward", "none"),
    ("forwardagent", "no"),
    ("forwardx11", "no"),
    ("localforward", "none"),
    ("permitlocalcommand", "no"),
    ("remoteforward", "none"),
    ("tunnel", "false"),
];

/// Everything that is set.
#[derive(Clone)]
pub(crate) struct Settings {
    resolved: Resolved,
    pub(crate) port: u16,
    /// What the connection is made with.
    pub(crate) config: ClientConfig,
    /// The order of host key algorithms is the user's own, not to be changed.
    pub(crate) own_host_key_order: bool,
    pub(crate) user_known_hosts: Vec<PathBuf>,
    pub(crate) global_known_hosts: Vec<PathBuf>,
    pub(crate) strict_host_keys: StrictHostKeyChecking,
    pub(crate) hash_known_hosts: bool,
    pub(crate) update_host_keys: UpdateHostKeys,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) request_tty: RequestTty,
}

impl Settings {
    /// Reads what is resolved. The error is a line for the user.
    pub(crate) fn new(resolved: Resolved) -> Result<Self, String> {
        let paths = |paths: &[String]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        let (connection, host_keys) = (&resolved.connection, &resolved.host_keys);
        refuse_unsupported(&resolved)?;
        let host_key_list = &resolved.algorithms.host_key.value.0;
        Ok(Self {
            port: connection.port.value.0,
            config: configured::client_config(&resolved).map_err(|error| error.to_string())?,
            own_host_key_order: host_key_list.as_ref().is_some_and(|list| !list.starts_with(['+', '-', '^'])),
            user_known_hosts: paths(&host_keys.user_files.value.0),
            global_known_hosts: paths(&host_keys.global_files.value.0),
            strict_host_keys: configured::strict_host_key_checking(&resolved),
            hash_known_hosts: host_keys.hash.value,
            update_host_keys: host_keys.update.value,
            connect_timeout: connection
                .connect_timeout
                .value
                .seconds
                .map(|seconds| Duration::from_secs(seconds.into())),
            request_tty: resolved.session.request_tty.value,
            resolved,
        })
    }

    /// Whether a command or other hosts lie between.
    pub(crate) fn has_proxy(&self) -> bool {
        self.resolved.proxy.value != Proxy::None
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

/// What the command line asks for and is not built in ends the program; in files it is for other programs.
fn refuse_unsupported(resolved: &Resolved) -> Result<(), String> {
    let lines = resolved.lines(&AlgorithmNames::built_in()).map_err(|error| error.to_string())?;
    for (keyword, value, origin) in lines {
        let harmless = NOTHING_TO_DO.iter().find(|(each, _)| *each == keyword).map(|(_, harmless)| *harmless);
        if origin == Origin::Default || harmless.is_none_or(|harmless| harmless.is_empty() || harmless == value) {
            continue;
        }
        if origin == Origin::CommandLine {
            return Err(format!("{origin}: {keyword} is not supported"));
        }
        log::debug(format_args!("{origin}: {keyword} is not supported and has no effect"));
    }
    Ok(())
}
