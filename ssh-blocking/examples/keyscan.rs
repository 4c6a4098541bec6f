//! Collects the host keys of servers, as ssh-keyscan(1) does: `keyscan [-p PORT] host ..`
//!
//! A server proves each key that is printed. That somebody else does not sit in between, it proves to nobody: compare
//! fingerprints before the output becomes a `known_hosts` file.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ssh_blocking::ssh_core::crypto::{Algorithms, Named as _};
use ssh_blocking::ssh_core::files::known_hosts::KnownHosts;
use ssh_blocking::ssh_core::key::{FingerprintHash, PublicKey};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_blocking::ssh_core::{ClientConfig, adapter};
use ssh_blocking::{Connector, Error, HostKeyPolicy, Result, Timeouts};

const USAGE: &str = "usage: keyscan [-cDHqv] [-p PORT] [-T SECONDS] [-t TYPE,..] [-f FILE] [HOST ..]
TYPE: ecdsa, ecdsa-sk, ed25519, ed25519-sk, rsa; FILE: hosts at the beginning of lines, - for standard input";

/// What is asked for if nothing is said, in ssh-keyscan's order.
const TYPES: &str = "rsa,ecdsa,ed25519,ecdsa-sk,ed25519-sk";

fn main() -> ExitCode {
    let scan = match Scan::read(std::env::args().skip(1)) {
        Ok(scan) => scan,
        Err(error) => {
            eprintln!("keyscan: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let found = scan.hosts.iter().fold(false, |found, host| scan.host(host) | found);
    if found { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What to look for, and how to print it.
struct Scan {
    hosts: Vec<String>,
    port: u16,
    types: Vec<String>,
    timeout: Duration,
    certificates: bool,
    dns: bool,
    hash: bool,
    quiet: bool,
    verbose: bool,
}

impl Scan {
    fn read(mut arguments: impl Iterator<Item = String>) -> std::result::Result<Self, String> {
        let mut scan = Self {
            hosts: Vec::new(),
            port: 22,
            types: TYPES.split(',').map(String::from).collect(),
            timeout: Duration::from_secs(5),
            certificates: false,
            dns: false,
            hash: false,
            quiet: false,
            verbose: false,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "-c" => scan.certificates = true,
                "-D" => scan.dns = true,
                "-H" => scan.hash = true,
                "-q" => scan.quiet = true,
                "-v" => scan.verbose = true,
                "-p" => scan.port = value()?.parse().map_err(|_| "-p needs a port")?,
                "-T" => {
                    let seconds = value()?.parse().ok().filter(|&seconds: &u64| seconds > 0);
                    scan.timeout = Duration::from_secs(seconds.ok_or("-T needs seconds")?);
                }
                "-t" => scan.types = value()?.split(',').map(String::from).collect(),
                "-f" => scan.hosts.extend(hosts_of(&value()?)?),
                option if option.starts_with('-') => return Err(format!("{option} is not an option")),
                host => scan.hosts.push(host.into()),
            }
        }
        let known = |each: &&String| TYPES.split(',').any(|name| name == *each);
        if let Some(unknown) = scan.types.iter().find(|each| !known(each)) {
            return Err(format!("{unknown:?} is no type of key"));
        }
        if scan.hosts.is_empty() { Err("no host is named".into()) } else { Ok(scan) }
    }

    /// One connection for each type; whether there was a key.
    fn host(&self, target: &str) -> bool {
        let (host, port) = match adapter::split_target(target) {
            (host, port) if target.ends_with(&format!(":{port}")) => (host, port),
            (host, _) => (host, self.port),
        };
        if !self.quiet {
            eprintln!("{} {host}:{port}", if self.dns { ';' } else { '#' });
        }
        let mut found = false;
        for key_type in &self.types {
            match self.key(host, port, key_type) {
                Ok(Some(key)) => found |= self.print(host, port, &key),
                Ok(None) => {}
                Err(error @ Error::Connect { .. }) => {
                    eprintln!("keyscan: {error}");
                    return found;
                }
                Err(error) => eprintln!("keyscan: {host} port {port}: {error}"),
            }
        }
        found
    }

    /// The key of this type that the server proves, if it has one.
    fn key(&self, host: &str, port: u16, key_type: &str) -> Result<Option<PublicKey>> {
        let mut config = ClientConfig::default();
        config.algorithms = Algorithms::client();
        let fits = |name: &str| name_of(name) == Some(key_type) && name.contains("-cert-") == self.certificates;
        config.algorithms.host_key = Algorithms::all().host_key.into_iter().filter(|each| fits(each.name())).collect();
        let shown = Shown::default();
        let timeouts = Timeouts { connect: Some(self.timeout), ..Timeouts::default() };
        let connector = Connector::new().config(config).timeouts(timeouts).host_keys(shown.clone());
        let outcome = connector.connect(host, port);
        let key = shown.0.lock().ok().and_then(|mut key| key.take());
        match outcome {
            _ if key.is_some() => Ok(key),
            // It has no key of this type.
            Err(Error::Session(error)) => {
                if self.verbose {
                    eprintln!("keyscan: {host} port {port}: {key_type}: {error}");
                }
                Ok(None)
            }
            Err(error) => Err(error),
            Ok(_) => Ok(None),
        }
    }

    fn print(&self, host: &str, port: u16, key: &PublicKey) -> bool {
        let mut random = OsRandom;
        let text = if self.dns {
            fingerprint_records(host, key)
        } else if self.certificates {
            // A certificate says itself for whom it is.
            Some(format!("{key}\n"))
        } else {
            let hash = self.hash.then_some(&mut random as &mut dyn ssh_core::random::SecureRandom);
            KnownHosts::format_entry(host, port, key, hash).ok()
        };
        match text {
            Some(text) => std::io::stdout().write_all(text.as_bytes()).is_ok(),
            None => false,
        }
    }
}

/// Keeps the key that a server has proven, and ends the connection.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Option<PublicKey>>>);

impl HostKeyPolicy for Shown {
    fn check(&mut self, _host: &str, _port: u16, key: &PublicKey) -> Result<()> {
        if let Ok(mut shown) = self.0.lock() {
            *shown = Some(key.clone());
        }
        Err(Error::HostKey("that was all".into()))
    }
}

/// What people call the keys of an algorithm.
fn name_of(algorithm: &str) -> Option<&'static str> {
    Some(match algorithm {
        name if name.starts_with("sk-ssh-ed25519") => "ed25519-sk",
        name if name.starts_with("sk-ecdsa") => "ecdsa-sk",
        name if name.starts_with("ssh-ed25519") => "ed25519",
        name if name.starts_with("ecdsa-") => "ecdsa",
        name if name.starts_with("rsa-") || name.starts_with("ssh-rsa") => "rsa",
        _ => return None,
    })
}

/// SSHFP records of DNS (RFC 4255, RFC 6594, RFC 7479).
fn fingerprint_records(host: &str, key: &PublicKey) -> Option<String> {
    let algorithm = match name_of(key.plain().key_type())? {
        "rsa" => 1,
        "ecdsa" => 3,
        "ed25519" => 4,
        _ => return None,
    };
    let record = |(number, hash): (u8, FingerprintHash)| {
        let digest: String = key.fingerprint(hash).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{host} IN SSHFP {algorithm} {number} {digest}\n")
    };
    Some([(1, FingerprintHash::Sha1), (2, FingerprintHash::Sha256)].map(record).concat())
}

/// The first words of a file's lines.
fn hosts_of(file: &str) -> std::result::Result<Vec<String>, String> {
    let text = match file {
        "-" => std::io::read_to_string(std::io::stdin()),
        file => std::fs::read_to_string(file),
    };
    let text = text.map_err(|error| format!("{file}: {error}"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    Ok(lines.filter_map(|line| line.split_whitespace().next()).map(String::from).collect())
}
