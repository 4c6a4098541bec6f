//! `ssh`, as far as everyday use needs it, over `ssh_blocking`.
//!
//! The options are OpenSSH's, and so is the exit status: that of the remote command, or 255 if something went wrong
//! here, with one line on standard error that says what.
//!
//! ```text
//! cargo run --release --example ssh -- -p 2222 alice@host.example.com uname -a
//! ```
//!
//! There is no agent, no forwarding and no compression; `ssh_config` knows `Host` blocks but not `Match` and `Include`.

#[path = "../common/mod.rs"]
mod common;

mod auth;
mod command;
mod connect;
mod escape;
mod identities;
mod log;
mod options;
mod prompt;
mod settings;
mod terminal;

use ssh_blocking::ssh_core::crypto::{Algorithms, Named};

use options::{Invocation, Request};

/// What the exit status is when the failure is ours.
const FAILURE: u8 = 255;

fn main() {
    let status = run().unwrap_or_else(|error| {
        terminal::restore();
        log::error(error);
        FAILURE
    });
    terminal::restore();
    // Threads may still be reading standard input; nothing of theirs matters any more.
    std::process::exit(status.into());
}

fn run() -> Result<u8, String> {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.into_string());
    let arguments: Vec<String> = arguments
        .collect::<Result<_, _>>()
        .map_err(|argument| format!("the argument {argument:?} is not valid UTF-8"))?;
    match options::parse(arguments.into_iter())? {
        Request::Help => {
            println!("{}", options::USAGE);
            Ok(0)
        }
        Request::Query(kind) => query(&kind).map(|()| 0),
        Request::Connect(invocation) => connect_and_run(*invocation),
    }
}

fn connect_and_run(mut invocation: Invocation) -> Result<u8, String> {
    log::set_level(invocation.settings.log_level);
    read_config_files(&mut invocation)?;
    let settings = &invocation.settings;
    log::set_level(settings.log_level);
    if settings.compression {
        log::info("Warning: compression is not built in; going on without it");
    }
    let host = settings.host_name.as_deref().unwrap_or(&invocation.host);
    let user = match &settings.user {
        Some(user) => user.clone(),
        None => own_name().ok_or("your user name is not known; give one as USER@HOST or with -l")?,
    };
    let session = connect::connect(settings, host)?;
    auth::login(&session, settings, &user, host)?;
    let status = command::run(&session, &invocation);
    terminal::restore();
    session.disconnect();
    status
}

/// `-F FILE`, or else the user's own file, which need not exist.
fn read_config_files(invocation: &mut Invocation) -> Result<(), String> {
    let host = invocation.host.clone();
    match &invocation.config_file {
        Some(none) if none == "none" => Ok(()),
        Some(path) => invocation.settings.set_from_file(&common::values::path(path), &host),
        None => {
            let path = common::values::path("~/.ssh/config");
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
    let built_in = Algorithms::default();
    let names = match kind {
        "kex" | "KexAlgorithms" => names(&built_in.kex),
        "cipher" | "Ciphers" => names(&built_in.ciphers),
        "mac" | "MACs" => names(&built_in.macs),
        "sig" | "HostKeyAlgorithms" | "PubkeyAcceptedAlgorithms" => names(&built_in.host_key),
        "key" => {
            let mut types: Vec<_> = built_in.host_key.iter().map(|algorithm| algorithm.key_type()).collect();
            types.dedup();
            types
        }
        "compression" => names(&built_in.compression),
        _ => return Err(format!("-Q {}: ask for kex, cipher, mac, key, sig or compression", kind.escape_debug())),
    };
    names.iter().for_each(|name| println!("{name}"));
    Ok(())
}
