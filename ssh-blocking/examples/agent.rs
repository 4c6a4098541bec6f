//! An agent: keeps keys for `ssh` and `ssh-add`, OpenSSH's or ours.
//!
//! `cargo run -p ssh-blocking --example agent -- SOCKET`, then `SSH_AUTH_SOCK=SOCKET ssh-add`. It runs until it is
//! stopped, and forgets everything then. Keys that want consent (`ssh-add -c`) ask at the terminal it runs in.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use std::process::ExitCode;

    let mut arguments = std::env::args_os().skip(1);
    let (Some(socket), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: agent SOCKET, a path where nothing is yet, in a directory that only you can enter");
        return ExitCode::from(2);
    };
    match run(std::path::Path::new(&socket)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("agent: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(unix)]
fn run(socket: &std::path::Path) -> ssh_blocking::Result<()> {
    use ssh_blocking::ssh_core::agent::Keyring;
    use ssh_blocking::{AgentListener, AgentService};

    let service = AgentService::new(Keyring::new()).consent(consents);
    let listener = AgentListener::bind(socket, service)?;
    println!("SSH_AUTH_SOCK={}; export SSH_AUTH_SOCK;", socket.display());
    listener.run()
}

#[cfg(unix)]
fn consents(needed: &ssh_core::agent::ConsentNeeded) -> bool {
    use ssh_blocking::Interaction as _;
    use ssh_blocking::ssh_core::key::FingerprintHash;

    let fingerprint = needed.key.fingerprint(FingerprintHash::Sha256);
    let purpose = match &needed.destination {
        Some((user, host)) => {
            let host = host.fingerprint(FingerprintHash::Sha256);
            format!("to log in {} at the host with the key {host}", user.escape_debug())
        }
        None => "for something that it does not say".into(),
    };
    let comment = needed.comment.escape_debug();
    let question = format!("Somebody wants to use the key {comment} ({fingerprint}) {purpose}. Allow it (yes/no)? ");
    ssh_blocking::Terminal::new().confirm(&question)
}

#[cfg(not(unix))]
fn main() {
    eprintln!("agent: it listens at a Unix socket, which this system does not have");
}
