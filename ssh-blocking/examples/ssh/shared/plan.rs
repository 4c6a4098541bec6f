//! What is to be done: the command line and the configuration files together.

use ssh_blocking::{Config, Configured};
use ssh_core::ChannelRequest;
use ssh_core::adapter::Exit;
use ssh_core::crypto::{Algorithms, Named};
use ssh_core::files::ssh_config::SessionType;

use super::log;
use super::options::{self, Invocation, Request};
use super::person::Person;
use super::settings::{RequestTty, Settings};
use super::terminal;

/// A connection to make.
pub(crate) struct Plan {
    pub(crate) invocation: Invocation,
    /// What the command line and the files say.
    pub(crate) settings: Settings,
    /// The same for the library, and who answers its questions.
    pub(crate) configured: Configured,
    /// Who logs in.
    pub(crate) user: String,
    /// The host's real name (`HostName`).
    pub(crate) host: String,
    /// Nothing is read from standard input (`-n`, `StdinNull`).
    pub(crate) no_stdin: bool,
    /// A shell or a command, a subsystem, or nothing (`-s`, `-N`, `SessionType`).
    pub(crate) session_type: SessionType,
}

/// Reads the arguments that follow the program's name; `None`: they asked something, which is answered.
pub(crate) fn read(arguments: impl Iterator<Item = std::ffi::OsString>) -> Result<Option<Plan>, String> {
    let arguments: Vec<String> = arguments
        .map(|argument| argument.into_string())
        .collect::<Result<_, _>>()
        .map_err(|argument| format!("the argument {argument:?} is not valid UTF-8"))?;
    match options::parse(arguments.into_iter())? {
        Request::Help => {
            println!("{}", options::USAGE);
            Ok(None)
        }
        Request::Query(kind) => query(&kind).map(|()| None),
        Request::Connect(invocation) => Plan::new(*invocation).map(Some),
    }
}

impl Plan {
    fn new(mut invocation: Invocation) -> Result<Self, String> {
        let mut config = Config::load().map_err(|error| error.to_string())?.command(&invocation.command);
        for (keyword, value) in &invocation.settings {
            config = config.set(*keyword, value);
        }
        for option in &invocation.options {
            config = config.option(option);
        }
        if let Some(file) = &invocation.config_file {
            config = config.file(file);
        }
        let configured = Configured::of_host(&config, &invocation.host).map_err(|error| error.to_string())?;
        let resolved = configured.resolved().clone();
        let (user, host) = (resolved.user.clone(), resolved.host_name.clone());
        let (no_stdin, session_type) = (resolved.session.stdin_null.value, resolved.session.kind.value);
        let configured = configured.person(Person { user_at_host: format!("{user}@{host}") });
        let settings = Settings::new(resolved)?;
        log::set_level(settings.log_level());
        settings.debug_warnings();
        match settings.remote_command() {
            Some(command) if invocation.command.is_empty() => invocation.command = command.into(),
            Some(_) => return Err("there is a RemoteCommand, and so there cannot be another".into()),
            None => {}
        }
        if session_type == SessionType::Subsystem && invocation.command.is_empty() {
            return Err("the name of the subsystem is missing".into());
        }
        Ok(Self { invocation, settings, configured, user, host, no_stdin, session_type })
    }

    /// Whether a terminal is to be asked for.
    pub(crate) fn wants_terminal(&self) -> bool {
        let invocation = &self.invocation;
        let wanted = match self.settings.request_tty {
            RequestTty::No => false,
            RequestTty::Force => true,
            RequestTty::Yes => terminal::stdin_is_terminal(),
            RequestTty::Auto => invocation.command.is_empty() && !self.no_stdin && terminal::stdin_is_terminal(),
        };
        if self.settings.request_tty == RequestTty::Yes && !wanted {
            log::info("no terminal is asked for because standard input is none; force it with -tt");
        }
        wanted
    }

    /// The environment to send, one request each.
    pub(crate) fn environment(&self) -> Vec<ChannelRequest> {
        let environment = self.configured.environment();
        for variable in &environment {
            if let ChannelRequest::Env { name, .. } = variable {
                let shown = String::from_utf8_lossy(name);
                log::debug(format_args!("sending the environment variable {}", shown.escape_debug()));
            }
        }
        environment
    }

    /// What is to run.
    pub(crate) fn start(&self) -> ChannelRequest {
        let command = self.invocation.command.clone().into_bytes();
        match self.session_type {
            SessionType::Subsystem => ChannelRequest::Subsystem { name: command },
            _ if command.is_empty() => ChannelRequest::Shell,
            _ => ChannelRequest::Exec { command },
        }
    }

    /// Tells how what ran has ended; our own exit status.
    pub(crate) fn finish(&self, exit: &Exit, has_terminal: bool) -> Result<u8, String> {
        log::debug(format_args!("the command ended: {exit}"));
        if has_terminal {
            log::info(format_args!("Connection to {} closed.", self.host));
        }
        match exit {
            Exit::Status(_) => {}
            Exit::Unknown => {
                return Err(format!("{}: the server closed the session without an exit status", self.host));
            }
            other => log::info(format_args!("ssh: the command was {other}")),
        }
        Ok(exit.code())
    }
}

/// `-Q`: what is built in, one name a line.
fn query(kind: &str) -> Result<(), String> {
    fn names<T: Named>(list: &[T]) -> Vec<&'static str> {
        list.iter().map(Named::name).collect()
    }
    let built_in = Algorithms::all();
    let names = match kind {
        "kex" | "KexAlgorithms" => names(&built_in.kex),
        "cipher" | "Ciphers" => names(&built_in.ciphers),
        "mac" | "MACs" => names(&built_in.macs),
        "sig" | "HostKeyAlgorithms" | "PubkeyAcceptedAlgorithms" => names(&built_in.host_key),
        "key" => {
            let mut types = Vec::new();
            for key_type in built_in.host_key.iter().map(|algorithm| algorithm.key_type()) {
                if !types.contains(&key_type) {
                    types.push(key_type);
                }
            }
            types
        }
        "compression" => names(&built_in.compression),
        _ => return Err(format!("-Q {}: ask for kex, cipher, mac, key, sig or compression", kind.escape_debug())),
    };
    names.iter().for_each(|name| println!("{name}"));
    Ok(())
}
