//! This machine: who its user is, what it runs, where it is.

use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::process::{Command, Stdio};

use ssh_core::files::ssh_config::{LocalFacts, Lookup};

use crate::error::Result;

/// The version of OpenSSH whose `ssh_config` this is.
const VERSION: &str = "OpenSSH_10.0";

/// The flag of getaddrinfo(3) that asks for the canonical name.
const CANONICAL_NAME: i32 = 2;

/// Who and where we are.
pub(super) fn local_facts() -> Result<LocalFacts> {
    let uid = rustix::process::getuid().as_raw();
    let account = account(uid).or_else(account_of_environment);
    let (user, home) = account.ok_or_else(|| io::Error::other("your user name is not known"))?;
    let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let text = |text: std::ffi::OsString| text.into_string().ok();
    let environment = std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
    Ok(LocalFacts { user, uid, home, host_name, environment, version: VERSION.into() })
}

/// Name and home directory by the number, which cannot be wrong.
fn account(uid: u32) -> Option<(String, String)> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut accounts = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    accounts.find_map(|account| match account.as_slice() {
        [name, _, number, _, _, home, ..] if number.parse() == Ok(uid) => Some(((*name).into(), (*home).into())),
        _ => None,
    })
}

/// The same by the environment, for accounts that are kept elsewhere.
fn account_of_environment() -> Option<(String, String)> {
    let name = std::env::var("LOGNAME").or_else(|_| std::env::var("USER")).ok()?;
    Some((name, std::env::var("HOME").ok()?))
}

/// A command for the user's shell.
pub(crate) fn shell(command: &str) -> Command {
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into());
    let mut shell = Command::new(shell);
    shell.arg("-c").arg(command);
    shell
}

/// Runs a command with the user's shell, without standard input and output; whether its exit status is 0.
pub(super) fn run(command: &str) -> Result<bool> {
    Ok(shell(command).stdin(Stdio::null()).stdout(Stdio::null()).status()?.success())
}

/// Whether a host has addresses, and which name it is an alias of.
pub(super) fn look_up(host: &str) -> Option<Lookup> {
    let hints = dns_lookup::AddrInfoHints { flags: CANONICAL_NAME, socktype: 1, ..Default::default() };
    let mut found = dns_lookup::getaddrinfo(Some(host), None, Some(hints)).ok()?;
    let canonical_name = found.next()?.ok()?.canonname;
    (host, 0).to_socket_addrs().ok()?.next()?;
    Some(Lookup { canonical_name })
}

/// The addresses of the interfaces that are up.
pub(super) fn addresses() -> Result<Vec<IpAddr>> {
    let interfaces = if_addrs::get_if_addrs()?;
    Ok(interfaces.iter().map(if_addrs::Interface::ip).collect())
}
