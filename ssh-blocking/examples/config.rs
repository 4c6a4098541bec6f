//! What a host resolves to, as `ssh -G` shows it.
//!
//! ```text
//! cargo run -p ssh-blocking --example config -- [-v] [-F FILE] [-l USER] [-p PORT] [-o KEYWORD=VALUE].. [USER@]HOST [COMMAND ..]
//! ```
//!
//! With `-v` every line says where its value comes from, and keywords without effect are named.

use std::process::ExitCode;

use ssh_blocking::Config;
use ssh_blocking::ssh_core::files::ssh_config::{AlgorithmNames, Origin};

const USAGE: &str = "usage: config [-v] [-F FILE] [-l USER] [-p PORT] [-o KEYWORD=VALUE].. [USER@]HOST [COMMAND ..]";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(255)
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::load()?;
    let mut verbose = false;
    let host = loop {
        let argument = arguments.next().ok_or(USAGE)?;
        let mut value = || arguments.next().ok_or(USAGE);
        config = match argument.as_str() {
            "-v" => {
                verbose = true;
                config
            }
            "-F" => config.file(value()?),
            "-l" => config.set("User", value()?),
            "-p" => config.set("Port", value()?),
            "-o" => config.option(value()?),
            option if option.starts_with('-') => return Err(USAGE.into()),
            _ => break argument,
        };
    };
    let host = match host.rsplit_once('@') {
        Some((user, host)) => {
            config = config.set("User", user);
            host
        }
        None => &host,
    };
    let resolved = config.command(arguments.collect::<Vec<_>>().join(" ")).resolve(host)?;
    for (keyword, value, origin) in resolved.lines(&AlgorithmNames::built_in())? {
        match origin {
            Origin::Default if verbose => println!("{keyword} {value}"),
            origin if verbose => println!("{keyword} {value}  # {origin}"),
            _ => println!("{keyword} {value}"),
        }
    }
    for (keyword, value, origin) in resolved.older_lines().iter().filter(|_| verbose) {
        println!("{keyword} {value}  # {origin}");
    }
    for warning in resolved.warnings.iter().filter(|_| verbose) {
        eprintln!("{}: {} has no effect: {:?}", warning.origin, warning.keyword, warning.kind);
    }
    Ok(())
}
