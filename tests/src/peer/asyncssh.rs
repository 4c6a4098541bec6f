//! AsyncSSH, an implementation in Python: scripts in `peers/`, run by the interpreter that `SSH_INTEROP_PYTHON` names.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::openssh::{KeyPair, KeyType, keygen};
use super::{python_with, user_name, write_private};
use crate::net::{free_port, wait_for_port};
use crate::process::Running;

/// The interpreter, if it is named and can import asyncssh.
pub(super) fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    PYTHON.get_or_init(|| python_with("asyncssh")).as_deref()
}

/// One of the scripts in `peers/`, without arguments.
#[track_caller]
pub fn script(name: &str) -> Command {
    let mut python = Command::new(python().expect("SSH_INTEROP_PYTHON names a python that has asyncssh"));
    python.arg("-u").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name));
    python.env_remove("SSH_AUTH_SOCK");
    python
}

/// What client and server log at the end of every key exchange.
pub const NEW_KEYS: &str = "Completed key exchange";

/// Algorithms to insist on: comma-separated lists, `None` for AsyncSSH's own.
#[derive(Debug, Default, Clone, Copy)]
pub struct Algorithms<'a> {
    /// Key exchange methods.
    pub kex: Option<&'a str>,
    /// Ciphers, both directions.
    pub ciphers: Option<&'a str>,
    /// MACs, both directions.
    pub macs: Option<&'a str>,
    /// Compression methods, both directions.
    pub compression: Option<&'a str>,
    /// Signature algorithms: of the host key at a client, of the user key at a server.
    pub signatures: Option<&'a str>,
    /// Signature algorithms of the user key at a client.
    pub user_signatures: Option<&'a str>,
    /// Bytes after which it rekeys.
    pub rekey_bytes: Option<u64>,
}

impl Algorithms<'_> {
    fn apply(&self, script: &mut Command) {
        let lists = [
            ("--kex", self.kex),
            ("--ciphers", self.ciphers),
            ("--macs", self.macs),
            ("--compression", self.compression),
            ("--signatures", self.signatures),
            ("--user-signatures", self.user_signatures),
        ];
        for (option, list) in lists {
            if let Some(list) = list {
                script.args([option, list]);
            }
        }
        if let Some(bytes) = self.rekey_bytes {
            script.args(["--rekey-bytes", &bytes.to_string()]);
        }
    }
}

/// What the client does once it is logged in.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    /// Runs a command; passes its two streams on and exits with its status.
    Exec(&'a str),
    /// Runs a command and prints `bytes sha256` of what it printed.
    Download(&'a str),
    /// Runs a command, writes that many patterned bytes and EOF, then prints a line `sent bytes sha256` and what the
    /// command printed.
    Upload(&'a str, u64),
    /// Runs a command that returns its input, `cat`, sends that many patterned bytes while it reads, compares, and
    /// prints `bytes sha256` of what came back.
    Echo(&'a str, u64),
    /// Runs a command with the script's own standard input, and passes on its output, and the log of the connection.
    Pipe(&'a str),
    /// Puts that many patterned bytes into a remote file by SFTP, gets them back, and prints `bytes sha256`.
    Sftp(&'a str, u64),
}

/// The asyncssh client, pointed at a port of 127.0.0.1. It believes only this known_hosts file.
pub fn client_command(
    port: u16,
    user: &str,
    identity: &Path,
    known_hosts: &Path,
    algorithms: Algorithms<'_>,
    operation: Operation<'_>,
) -> Command {
    let mut client = script("asyncssh_client.py");
    client.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--user", user]);
    client.arg("--key").arg(identity).arg("--known-hosts").arg(known_hosts);
    algorithms.apply(&mut client);
    match operation {
        Operation::Exec(command) => client.args(["exec", command]),
        Operation::Pipe(command) => client.args(["pipe", command]),
        Operation::Download(command) => client.args(["download", command]),
        Operation::Upload(command, bytes) => client.args(["upload", command, "--bytes", &bytes.to_string()]),
        Operation::Echo(command, bytes) => client.args(["echo", command, "--bytes", &bytes.to_string()]),
        Operation::Sftp(path, bytes) => client.args(["sftp", path, "--bytes", &bytes.to_string()]),
    };
    client
}

/// The asyncssh server: one user key, optionally a password, commands through `/bin/sh`, SFTP, direct-tcpip.
#[derive(Debug)]
pub struct Server {
    // First, so that the process ends before its directory goes.
    process: Running,
    port: u16,
    host_key: KeyPair,
    user_key: KeyPair,
    known_hosts: PathBuf,
    directory: TempDir,
}

impl Server {
    /// Starts one with a host key of this kind and waits until it listens.
    #[track_caller]
    pub fn start(host_key: KeyType, password: Option<&str>, algorithms: Algorithms<'_>) -> Self {
        let directory = crate::temp_dir();
        let path = directory.path();
        let host_key = keygen(path, "host", host_key, "");
        let user_key = keygen(path, "user", KeyType::Ed25519, "");
        let port = free_port();
        let mut server = script("asyncssh_server.py");
        server.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--user", user_name()]);
        server.arg("--host-key").arg(&host_key.private).arg("--authorized-keys").arg(&user_key.public);
        if let Some(password) = password {
            server.args(["--password", password]);
        }
        algorithms.apply(&mut server);
        let mut process = Running::start("asyncssh server", server, &path.join("asyncssh.log"));
        wait_for_port(port, &mut process);

        let known_hosts = path.join("known_hosts");
        write_private(&known_hosts, &host_key.known_hosts_line(port));
        Self { process, port, host_key, user_key, known_hosts, directory }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `user@127.0.0.1`.
    pub fn destination(&self) -> String {
        format!("{}@127.0.0.1", user_name())
    }

    /// The private key that logs in, in OpenSSH's format.
    pub fn identity(&self) -> &Path {
        &self.user_key.private
    }

    /// A known_hosts file with its host key.
    pub fn known_hosts(&self) -> &Path {
        &self.known_hosts
    }

    /// Its host key.
    pub fn host_key(&self) -> &KeyPair {
        &self.host_key
    }

    /// Its directory, removed with it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The process, with its log.
    pub fn process(&mut self) -> &mut Running {
        &mut self.process
    }
}

/// The bytes the client script sends: the numbers 0 to 250 over and over.
pub fn pattern(bytes: usize) -> Vec<u8> {
    (0..=250).cycle().take(bytes).collect()
}
