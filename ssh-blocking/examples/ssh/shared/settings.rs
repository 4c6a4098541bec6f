//! What the configuration of a host means here (ssh_config(5)).

use ssh_core::files::ssh_config::{AlgorithmNames, LogLevel, Origin, Resolved};

pub(crate) use ssh_core::files::ssh_config::RequestTty;

use super::log;

/// Keywords for what is not built in, with the value that asks for nothing. Where the value is empty, any will do.
const NOTHING_TO_DO: &[(&str, &str)] = &[
    ("controlmaster", "false"),
    ("controlpath", ""),
    ("dynamicforward", "none"),
    ("forwardagent", "no"),
    ("forwardx11", "no"),
    ("localforward", "none"),
    ("remoteforward", "none"),
    ("tunnel", "false"),
];

/// Everything that is set.
#[derive(Clone)]
pub(crate) struct Settings {
    resolved: Resolved,
    pub(crate) port: u16,
    pub(crate) request_tty: RequestTty,
}

impl Settings {
    /// Reads what is resolved. The error is a line for the user.
    pub(crate) fn new(resolved: Resolved) -> Result<Self, String> {
        refuse_unsupported(&resolved)?;
        Ok(Self { port: resolved.connection.port.value.0, request_tty: resolved.session.request_tty.value, resolved })
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
