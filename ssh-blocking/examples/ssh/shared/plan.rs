//! What is to be done: the command line and the configuration files together.

use ssh_core::ChannelRequest;
use ssh_core::adapter::Exit;
use ssh_core::crypto::{Algorithms, Named};

use super::common::values;
use super::log;
use super::options::{self, Invocation, Request};
use super::settings::RequestTty;
use super::terminal;

/// A connection to make.
pub(crate) struct Plan {
    pub(crate) invocation: Invocation,
    /// Who logs in.
    pub(crate) user: String,
    /// The host's real name (`HostName`).
    pub(crate) host: String,
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
        log::set_level(invocation.settings.log_level);
        read_config_files(&mut invocation)?;
        let settings = &invocation.settings;
        log::set_level(settings.log_level);
        let host = settings.host_name.clone().unwrap_or_else(|| invocation.host.clone());
        let user = match &settings.user {
            Some(user) => user.clone(),
            None => own_name().ok_or("your user name is not known; give one as USER@HOST or with -l")?,
        };
        Ok(Self { invocation, user, host })
    }

    /// Whether a terminal is to be asked for.
    pub(crate) fn wants_terminal(&self) -> bool {
        let invocation = &self.invocation;
        let wanted = match invocation.settings.request_tty {
            RequestTty::No => false,
            RequestTty::Force => true,
            RequestTty::Yes => terminal::stdin_is_terminal(),
            RequestTty::Auto => invocation.command.is_empty() && !invocation.no_stdin && terminal::stdin_is_terminal(),
        };
        if invocation.settings.request_tty == RequestTty::Yes && !wanted {
            log::info("no terminal is asked for because standard input is none; force it with -tt");
        }
        wanted
    }

    /// The environment to send, one request each.
    pub(crate) fn environment(&self) -> Vec<ChannelRequest> {
        let request = |(name, value): (Vec<u8>, Vec<u8>)| {
            let shown = String::from_utf8_lossy(&name);
            log::debug(format_args!("sending the environment variable {}", shown.escape_debug()));
            ChannelRequest::Env { name, value }
        };
        self.invocation.settings.environment().into_iter().map(request).collect()
    }

    /// What is to run.
    pub(crate) fn start(&self) -> ChannelRequest {
        let command = self.invocation.command.clone().into_bytes();
        match (command.is_empty(), self.invocation.subsystem) {
            (true, _) => ChannelRequest::Shell,
            (false, true) => ChannelRequest::Subsystem { name: command },
            (false, false) => ChannelRequest::Exec { command },
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

/// `-F FILE`, or else the user's own file, which need not exist.
fn read_config_files(invocation: &mut Invocation) -> Result<(), String> {
    let host = invocation.host.clone();
    match &invocation.config_file {
        Some(none) if none == "none" => Ok(()),
        Some(path) => invocation.settings.set_from_file(&values::path(path), &host),
        None => {
            let path = values::path("~/.ssh/config");
            if path.exists() { invocation.settings.set_from_file(&path, &host) } else { Ok(()) }
        }
    }
}

/// The name of whoever runs this: by the number, which cannot be wrong, or by the environment.
fn own_name() -> Option<String> {
    let number = rustix::process::getuid().as_raw().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let account = accounts.lines().find(|line| line.split(':').nth(2) == Some(&number));
    let name = account.and_then(|line| line.split(':').next()).map(String::from);
    name.or_else(|| std::env::var("LOGNAME").or_else(|_| std::env::var("USER")).ok())
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
