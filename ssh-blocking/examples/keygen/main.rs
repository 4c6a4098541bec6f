//! `ssh-keygen`'s everyday work over `ssh_core::key`: makes keys, shows, changes and converts them, signs and verifies.
//!
//! The options are OpenSSH's. What is new: `-m PPK` and `-m PPK2` are PuTTY's formats, and `-o FILE` has `-p` write to another
//! file instead of the same one. The exit status is 0, or 255 with one line on standard error that says what went wrong;
//! `-F` has 1 for a host that is not found.
//!
//! ```text
//! cargo run --release --example keygen -- -t ed25519 -f id_ed25519
//! cargo run --release --example keygen -- -p -m PPK -f id_ed25519 -o id_ed25519.ppk
//! ```
//!
//! There are no certificates, no keys in devices and no agent.

mod change;
mod convert;
mod files;
mod generate;
mod known_hosts;
mod options;
mod prompt;
mod show;
mod sign;

use std::process::ExitCode;

use options::{Action, Options};

fn main() -> ExitCode {
    match run() {
        Ok(status) => status,
        Err(message) => {
            eprintln!("keygen: {message}");
            ExitCode::from(255)
        }
    }
}

fn run() -> Result<ExitCode, String> {
    let options = Options::parse(std::env::args().skip(1))?;
    if options.hash_hosts || options.find.is_some() || options.forget.is_some() {
        return known_hosts::run(&options);
    }
    match options.action {
        Action::Help => println!("{}", options::USAGE),
        Action::Generate => generate::generate(&options)?,
        Action::ChangePassphrase => change::passphrase(&options)?,
        Action::ChangeComment => change::comment(&options)?,
        Action::ShowPublic => show::public(&options)?,
        Action::ShowFingerprint => show::fingerprints(&options)?,
        Action::ShowBubbleBabble => show::bubble_babble(&options)?,
        Action::Export => convert::export(&options)?,
        Action::Import => convert::import(&options)?,
        Action::Signature => sign::run(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}
