//! An OpenSSH newer than most systems', for what only it has. `tests/peers/newer-openssh` unpacks it into a directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::openssh;

/// Where its programs are: the directory that `SSH_INTEROP_OPENSSH_NEW` names, `bin` in it. It is optional everywhere.
pub fn directory() -> Option<PathBuf> {
    let directory = PathBuf::from(std::env::var_os("SSH_INTEROP_OPENSSH_NEW")?).join("bin");
    directory.join("sshd").is_file().then_some(directory)
}

/// The command of one of its programs.
#[track_caller]
pub fn command(program: &str) -> Command {
    Command::new(directory().expect("SSH_INTEROP_OPENSSH_NEW names a newer OpenSSH").join(program))
}

/// [`openssh::ssh_command`] of this one.
pub fn ssh_command(port: u16, identity: &Path, known_hosts: &Path, extra_options: &[&str]) -> Command {
    let mut ssh = openssh::with_options(command("ssh"), identity, known_hosts, extra_options);
    ssh.arg("-p").arg(port.to_string());
    ssh
}
