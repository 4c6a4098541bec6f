//! Dropbear: the server `dropbear` and the client `dbclient`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::account::Account;
use super::openssh::{KeyPair, KeyType, keygen};
use super::{command, prepare, user_name, write_private};
use crate::net::{free_port, wait_for_port};
use crate::process::Running;

/// Writes an OpenSSH private key in Dropbear's own format, which its programs want.
#[track_caller]
pub fn convert_key(openssh: &Path, output: &Path) {
    let mut convert = command("dropbearconvert");
    convert.args(["openssh", "dropbear"]).arg(openssh).arg(output);
    prepare(convert);
}

/// The real Dropbear server, as the current user. Needs nss_wrapper, as its authorized_keys are in the home directory.
#[derive(Debug)]
pub struct Dropbear {
    // First, so that the process ends before its directory goes.
    process: Running,
    port: u16,
    host_key: KeyPair,
    user_key: KeyPair,
    known_hosts: PathBuf,
    directory: TempDir,
}

/// The tools [`Dropbear::start`] needs, for [`super::require_all`].
pub const SERVER_TOOLS: &[&str] = &["dropbear", "dropbearconvert", "ssh-keygen", "nss_wrapper"];

impl Dropbear {
    /// Starts one with a host key of this kind, for the user key it makes and, if given, a password. More arguments of
    /// the program can be added.
    #[track_caller]
    pub fn start(host_key: KeyType, password: Option<&str>, arguments: &[&str]) -> Self {
        let directory = crate::temp_dir();
        let path = directory.path();
        let host_key = keygen(path, "host", host_key, "");
        let user_key = keygen(path, "user", KeyType::Ed25519, "");
        let converted = path.join("host.dropbear");
        convert_key(&host_key.private, &converted);
        let account = Account::new(path, password).expect("nss_wrapper is installed");
        write_private(&account.home().join(".ssh/authorized_keys"), &format!("{}\n", user_key.public_line()));

        let port = free_port();
        let mut dropbear = command("dropbear");
        dropbear.args(["-F", "-E", "-m", "-p", &format!("127.0.0.1:{port}"), "-r"]).arg(&converted);
        dropbear.arg("-P").arg(path.join("pid")).args(arguments);
        account.apply(&mut dropbear);
        let mut process = Running::start("dropbear", dropbear, &path.join("dropbear.log"));
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

/// The real `dbclient`, not yet with a destination and a command, pointed at a port of 127.0.0.1.
///
/// `home` is a directory for it alone; its `known_hosts` there is written with the host key. The identity is a key from
/// [`convert_key`]. Ciphers and MACs are the comma-separated lists of `-c` and `-m`, if given.
pub fn dbclient_command(
    port: u16,
    identity: &Path,
    host_key: &KeyPair,
    home: &Path,
    ciphers: Option<&str>,
    macs: Option<&str>,
) -> Command {
    fs::create_dir_all(home.join(".ssh")).expect("a directory in the temporary directory can be made");
    // Dropbear's known_hosts have no ports, and no comments: it would take one for part of the key.
    let line = host_key.public_line();
    let (key, _comment) = line.rsplit_once(' ').expect("algorithm, key, comment");
    write_private(&home.join(".ssh/known_hosts"), &format!("127.0.0.1 {key}\n"));
    let mut dbclient = command("dbclient");
    dbclient.env("HOME", home).env_remove("SSH_AUTH_SOCK").args(["-p", &port.to_string(), "-i"]).arg(identity);
    for (option, list) in [("-c", ciphers), ("-m", macs)] {
        if let Some(list) = list {
            dbclient.args([option, list]);
        }
    }
    dbclient
}
