//! Our own `ssh` and `sshd`: the example programs of the blocking adapter, and those of the asynchronous one under each
//! runtime.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::openssh::{KeyPair, KeyType, keygen};
use super::user_name;
use crate::binaries::our_binary;
use crate::net::{free_port, wait_for_port};
use crate::process::Running;

/// Which programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ours {
    /// `ssh` and `sshd`, over `ssh-blocking`.
    Blocking,
    /// `ssh_async` and `sshd_async` under tokio, in one thread.
    Tokio,
    /// The same under tokio with several threads.
    TokioThreads,
    /// The same under smol.
    Smol,
}

impl Ours {
    fn program(self, blocking: &str, asynchronous: &str) -> Command {
        let runtime = match self {
            Self::Blocking => return Command::new(our_binary(blocking)),
            Self::Tokio => "tokio",
            Self::TokioThreads => "tokio-threads",
            Self::Smol => "smol",
        };
        let mut program = Command::new(our_binary(asynchronous));
        program.args(["--runtime", runtime]);
        program
    }

    /// The client, pointed at a port of 127.0.0.1; it believes only this known_hosts file and uses only this key.
    pub fn ssh_command(self, port: u16, identity: &Path, known_hosts: &Path, extra_options: &[&str]) -> Command {
        let mut ssh = self.program("ssh", "ssh_async");
        ssh.args(["-F", "/dev/null", "-p", &port.to_string(), "-i"]).arg(identity);
        for option in extra_options {
            ssh.args(["-o", option]);
        }
        ssh.arg("-o").arg(format!("UserKnownHostsFile={}", known_hosts.display()));
        ssh.args(["-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=yes"]);
        ssh.args(["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]);
        ssh.env_remove("SSH_AUTH_SOCK");
        ssh
    }

    /// Starts the server with host keys of these kinds and these `-o` options, and waits until it listens.
    #[track_caller]
    pub fn sshd(self, host_keys: &[KeyType], options: &[&str]) -> OurSshd {
        let mut sshd = self.program("sshd", "sshd_async");
        for option in options {
            sshd.args(["-o", option]);
        }
        if self != Self::Blocking {
            // After the caller's, which so come first. A test's load is no attack.
            sshd.args(["-o", "MaxStartups=1000", "-o", "PerSourcePenalties=no"]);
        }
        OurSshd::start(sshd, host_keys)
    }
}

/// Makes a test of each of these functions for each of [`Ours`], which they take: `blocking::`, `tokio::`,
/// `tokio_threads::` and `smol::` before the function's name.
#[macro_export]
macro_rules! test_each_of_ours {
    ($($test:ident),* $(,)?) => {
        $crate::test_each_of_ours!(@module blocking, Blocking, $($test),*);
        $crate::test_each_of_ours!(@module tokio, Tokio, $($test),*);
        $crate::test_each_of_ours!(@module tokio_threads, TokioThreads, $($test),*);
        $crate::test_each_of_ours!(@module smol, Smol, $($test),*);
    };
    (@module $module:ident, $ours:ident, $($test:ident),*) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    super::$test($crate::peer::ours::Ours::$ours);
                }
            )*
        }
    };
}

/// Our server, started by the test.
#[derive(Debug)]
pub struct OurSshd {
    // First, so that the process ends before its directory goes.
    process: Running,
    port: u16,
    host_keys: Vec<KeyPair>,
    user_key: KeyPair,
    known_hosts: PathBuf,
    directory: TempDir,
}

impl OurSshd {
    #[track_caller]
    fn start(mut sshd: Command, host_keys: &[KeyType]) -> Self {
        let directory = crate::temp_dir();
        let path = directory.path();
        let user_key = keygen(path, "user", KeyType::Ed25519, "");
        let authorized_keys = path.join("authorized_keys");
        fs::copy(&user_key.public, &authorized_keys).expect("the directory is ours");
        let port = free_port();
        // Nobody's start-up files, which may do anything and take any time.
        sshd.env("HOME", path).env("SHELL", "/bin/sh");
        sshd.args(["-p", &port.to_string()]);
        let mut known = String::new();
        let mut keys = Vec::new();
        for (number, &key_type) in host_keys.iter().enumerate() {
            let key = keygen(path, &format!("host_{number}"), key_type, "");
            sshd.arg("-h").arg(&key.private);
            known.push_str(&key.known_hosts_line(port));
            keys.push(key);
        }
        sshd.arg("-o").arg(format!("AuthorizedKeysFile={}", authorized_keys.display()));
        let known_hosts = path.join("known_hosts");
        fs::write(&known_hosts, known).expect("the directory is ours");
        let mut process = Running::start("our sshd", sshd, &path.join("sshd.log"));
        wait_for_port(port, &mut process);
        Self { process, port, host_keys: keys, user_key, known_hosts, directory }
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `user@127.0.0.1`.
    pub fn destination(&self) -> String {
        format!("{}@127.0.0.1", user_name())
    }

    /// The private key that may log in.
    pub fn identity(&self) -> &Path {
        &self.user_key.private
    }

    /// Its host keys, in the order they were asked for.
    pub fn host_keys(&self) -> &[KeyPair] {
        &self.host_keys
    }

    /// The known_hosts file that names its host keys.
    pub fn known_hosts(&self) -> &Path {
        &self.known_hosts
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Running {
        &mut self.process
    }
}
