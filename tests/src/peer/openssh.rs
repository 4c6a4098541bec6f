//! OpenSSH: keys by `ssh-keygen`, the server `sshd`, the client `ssh`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::account::Account;
use super::{command, is_root, prepare, user_name, write_private};
use crate::net::{free_port, wait_for_port};
use crate::process::Running;

/// A kind of key `ssh-keygen` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// `ssh-ed25519`.
    Ed25519,
    /// `ecdsa-sha2-nistp256`.
    EcdsaP256,
    /// `ecdsa-sha2-nistp384`.
    EcdsaP384,
    /// `ecdsa-sha2-nistp521`.
    EcdsaP521,
    /// `ssh-rsa` with a modulus of so many bits.
    Rsa(u16),
}

impl KeyType {
    /// Every kind, RSA with 2048 bits.
    pub const ALL: [Self; 5] = [Self::Ed25519, Self::EcdsaP256, Self::EcdsaP384, Self::EcdsaP521, Self::Rsa(2048)];

    /// `-t` and `-b` of ssh-keygen.
    fn arguments(self) -> (&'static str, String) {
        match self {
            Self::Ed25519 => ("ed25519", "256".into()),
            Self::EcdsaP256 => ("ecdsa", "256".into()),
            Self::EcdsaP384 => ("ecdsa", "384".into()),
            Self::EcdsaP521 => ("ecdsa", "521".into()),
            Self::Rsa(bits) => ("rsa", bits.to_string()),
        }
    }

    /// A file name.
    fn file_name(self) -> String {
        let (name, bits) = self.arguments();
        format!("{name}_{bits}")
    }
}

/// A key in two files, as `ssh-keygen` writes them.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The private key, in OpenSSH's format.
    pub private: PathBuf,
    /// The public key: one line.
    pub public: PathBuf,
}

impl KeyPair {
    /// The line of the public key, without the end of line.
    pub fn public_line(&self) -> String {
        fs::read_to_string(&self.public).expect("ssh-keygen has written the public key").trim_end().to_owned()
    }

    /// The fingerprint, `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        let mut keygen = command("ssh-keygen");
        keygen.arg("-lf").arg(&self.public);
        prepare(keygen).split_ascii_whitespace().nth(1).expect("size, fingerprint, comment, type").to_owned()
    }

    /// The line of a known_hosts file that knows it as the key of 127.0.0.1 at this port.
    pub fn known_hosts_line(&self, port: u16) -> String {
        format!("[127.0.0.1]:{port} {}\n", self.public_line())
    }
}

/// Makes a key with `ssh-keygen` in this directory; an empty passphrase means none.
#[track_caller]
pub fn keygen(directory: &Path, name: &str, key_type: KeyType, passphrase: &str) -> KeyPair {
    let private = directory.join(name);
    let (kind, bits) = key_type.arguments();
    let mut keygen = command("ssh-keygen");
    keygen.args(["-q", "-t", kind, "-b", &bits, "-C", "interop", "-N", passphrase, "-f"]).arg(&private);
    prepare(keygen);
    KeyPair { public: directory.join(format!("{name}.pub")), private }
}

/// How an [`Sshd`] is to be.
#[derive(Debug, Default)]
pub struct SshdBuilder {
    host_keys: Vec<KeyType>,
    user_key: Option<KeyType>,
    password: Option<String>,
    programs: Option<PathBuf>,
    lines: Vec<String>,
}

impl SshdBuilder {
    /// The kinds of its host keys; else one Ed25519 key.
    #[must_use]
    pub fn host_keys(mut self, types: &[KeyType]) -> Self {
        self.host_keys = types.to_vec();
        self
    }

    /// The kind of the key that logs in; else Ed25519.
    #[must_use]
    pub fn user_key(mut self, key_type: KeyType) -> Self {
        self.user_key = Some(key_type);
        self
    }

    /// The current user's password at this server, and `PasswordAuthentication yes`. Needs nss_wrapper.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// The directory of the server's programs; else those that are installed.
    #[must_use]
    pub fn programs(mut self, directory: PathBuf) -> Self {
        self.lines.push(format!("SshdSessionPath {}", directory.join("sshd-session").display()));
        self.lines.push(format!("SshdAuthPath {}", directory.join("sshd-auth").display()));
        self.programs = Some(directory);
        self
    }

    /// `KexAlgorithms`: a comma-separated list.
    #[must_use]
    pub fn kex(self, list: &str) -> Self {
        self.line(&format!("KexAlgorithms {list}"))
    }

    /// `Ciphers`: a comma-separated list.
    #[must_use]
    pub fn ciphers(self, list: &str) -> Self {
        self.line(&format!("Ciphers {list}"))
    }

    /// `MACs`: a comma-separated list.
    #[must_use]
    pub fn macs(self, list: &str) -> Self {
        self.line(&format!("MACs {list}"))
    }

    /// `HostKeyAlgorithms`: a comma-separated list.
    #[must_use]
    pub fn host_key_algorithms(self, list: &str) -> Self {
        self.line(&format!("HostKeyAlgorithms {list}"))
    }

    /// `RekeyLimit`, such as `1M` or `default 1`.
    #[must_use]
    pub fn rekey_limit(self, limit: &str) -> Self {
        self.line(&format!("RekeyLimit {limit}"))
    }

    /// Any line of sshd_config. It comes before the harness's own lines, and the first value of a keyword counts.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// Starts it and waits until it listens.
    #[track_caller]
    pub fn start(self) -> Sshd {
        let directory = crate::temp_dir();
        let path = directory.path();
        let types = if self.host_keys.is_empty() { vec![KeyType::Ed25519] } else { self.host_keys };
        let host_keys: Vec<_> =
            types.iter().map(|kind| keygen(path, &format!("host_{}", kind.file_name()), *kind, "")).collect();
        let user_key = keygen(path, "user", self.user_key.unwrap_or(KeyType::Ed25519), "");
        let authorized_keys = path.join("authorized_keys");
        write_private(&authorized_keys, &format!("{}\n", user_key.public_line()));

        // Programs with a C library of their own may not take the wrapper.
        let account = if self.programs.is_none() { Account::new(path, self.password.as_deref()) } else { None };
        assert!(account.is_some() || self.password.is_none(), "a password needs nss_wrapper");
        let mut config = String::new();
        for line in &self.lines {
            config += &format!("{line}\n");
        }
        for key in &host_keys {
            config += &format!("HostKey {}\n", key.private.display());
        }
        let password = if self.password.is_some() { "yes" } else { "no" };
        config += &format!("AuthorizedKeysFile {}\nPasswordAuthentication {password}\n", authorized_keys.display());
        config += "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nKbdInteractiveAuthentication no\n";
        config += "PrintMotd no\nPrintLastLog no\nUseDNS no\nLogLevel VERBOSE\nSubsystem sftp internal-sftp\n";
        config += "MaxStartups 100\n";
        if self.programs.is_some() || version() >= (9, 8) {
            // Else a few failed logins, which tests make on purpose, shut out 127.0.0.1.
            config += "PerSourcePenalties no\n";
        }
        let config_path = path.join("sshd_config");
        write_private(&config_path, &config);
        if is_root() {
            // Where sshd locks its unprivileged part up; made by the init script on a real host.
            fs::create_dir_all("/run/sshd").expect("root can make /run/sshd");
        }

        let port = free_port();
        let mut sshd = match &self.programs {
            Some(directory) => Command::new(directory.join("sshd")),
            None => command("sshd"),
        };
        sshd.args(["-D", "-e", "-f"]).arg(&config_path).arg("-o").arg(format!("ListenAddress=127.0.0.1:{port}"));
        if let Some(account) = &account {
            account.apply(&mut sshd);
        }
        let mut process = Running::start("sshd", sshd, &path.join("sshd.log"));
        wait_for_port(port, &mut process);

        let known_hosts = path.join("known_hosts");
        write_private(&known_hosts, &host_keys.iter().map(|key| key.known_hosts_line(port)).collect::<String>());
        Sshd { process, port, host_keys, user_key, authorized_keys, known_hosts, directory }
    }
}

/// The version of the installed sshd; (0, 0) if it does not say.
pub fn version() -> (u32, u32) {
    let mut sshd = command("sshd");
    sshd.arg("-V");
    // Old ones know no -V, fail, and print the version above the usage.
    let output = crate::run_with_timeout(sshd, b"", crate::DEADLINE).stderr_text();
    let text = output.split_once("OpenSSH_").map_or("", |(_, rest)| rest);
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The real OpenSSH server, as the current user.
#[derive(Debug)]
pub struct Sshd {
    // First, so that the process ends before its directory goes.
    process: Running,
    port: u16,
    host_keys: Vec<KeyPair>,
    user_key: KeyPair,
    authorized_keys: PathBuf,
    known_hosts: PathBuf,
    directory: TempDir,
}

impl Sshd {
    /// One with an Ed25519 host key, an Ed25519 user key, SFTP, and OpenSSH's own defaults, until told otherwise.
    pub fn builder() -> SshdBuilder {
        SshdBuilder::default()
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The user that can log in.
    pub fn user(&self) -> &'static str {
        user_name()
    }

    /// `user@127.0.0.1`.
    pub fn destination(&self) -> String {
        format!("{}@127.0.0.1", user_name())
    }

    /// The private key that logs in.
    pub fn identity(&self) -> &Path {
        &self.user_key.private
    }

    /// The key that logs in.
    pub fn user_key(&self) -> &KeyPair {
        &self.user_key
    }

    /// A known_hosts file with all its host keys.
    pub fn known_hosts(&self) -> &Path {
        &self.known_hosts
    }

    /// Its host keys, in the order given to the builder.
    pub fn host_keys(&self) -> &[KeyPair] {
        &self.host_keys
    }

    /// Lets another key log in: a line of authorized_keys, options and all.
    pub fn authorize(&self, line: &str) {
        let mut file =
            fs::OpenOptions::new().append(true).open(&self.authorized_keys).expect("the harness has made the file");
        writeln!(file, "{line}").expect("a file in the temporary directory can be written");
    }

    /// Its directory, for more keys and files; removed with it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The process, with its log.
    pub fn process(&mut self) -> &mut Running {
        &mut self.process
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// The real `ssh`, not yet with a destination and a command, pointed at a port of 127.0.0.1.
///
/// It reads no configuration and no key but this one, asks nothing, and believes only this known_hosts file.
/// `extra_options` are values of `-o` and come first, so that they win.
pub fn ssh_command(port: u16, identity: &Path, known_hosts: &Path, extra_options: &[&str]) -> Command {
    let mut ssh = with_options(command("ssh"), identity, known_hosts, extra_options);
    ssh.arg("-p").arg(port.to_string());
    ssh
}

/// The same for `sftp`, whose commands can come from standard input.
pub fn sftp_command(port: u16, identity: &Path, known_hosts: &Path, extra_options: &[&str]) -> Command {
    let mut sftp = with_options(command("sftp"), identity, known_hosts, extra_options);
    sftp.args(["-b", "-", "-P"]).arg(port.to_string());
    sftp
}

/// The same for `scp`.
pub fn scp_command(port: u16, identity: &Path, known_hosts: &Path, extra_options: &[&str]) -> Command {
    let mut scp = with_options(command("scp"), identity, known_hosts, extra_options);
    scp.arg("-P").arg(port.to_string());
    scp
}

/// One of the client's programs with all that keeps it from anything of the user's.
pub(super) fn with_options(
    mut client: Command,
    identity: &Path,
    known_hosts: &Path,
    extra_options: &[&str],
) -> Command {
    client.env_remove("SSH_AUTH_SOCK").args(["-F", "none"]);
    for option in extra_options {
        client.args(["-o", option]);
    }
    client.arg("-o").arg(format!("UserKnownHostsFile={}", known_hosts.display()));
    for option in [
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        "StrictHostKeyChecking=yes",
        "GlobalKnownHostsFile=/dev/null",
        "ConnectTimeout=20",
    ] {
        client.args(["-o", option]);
    }
    client.arg("-i").arg(identity);
    client
}
