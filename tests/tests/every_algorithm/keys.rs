//! Keys of hosts and users by the algorithms they sign with, and an authority that certifies them.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ssh_interop_tests::peer::openssh::{KeyType, keygen};
use ssh_interop_tests::peer::{asyncssh, command, newer_openssh, user_name};
use ssh_interop_tests::{DEADLINE, Running, TempDir, run_with_timeout, temp_dir};

/// Keys, each made when it is first asked for.
pub(crate) struct Keys {
    directory: TempDir,
    authority: PathBuf,
    agent: OnceCell<Agent>,
}

/// Whom a certificate is for.
#[derive(Clone, Copy)]
pub(crate) enum Holder {
    Host,
    User,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let directory = temp_dir();
        let authority = keygen(directory.path(), "authority", KeyType::Ed25519, "").public;
        Self { directory, authority, agent: OnceCell::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The public key of the authority that has certified all certificates.
    pub(crate) fn authority(&self) -> &Path {
        &self.authority
    }

    /// The private key that signs with this algorithm; the public one if a security key has the private one.
    pub(crate) fn key(&self, algorithm: &str) -> PathBuf {
        let name = key_name(algorithm);
        let path = self.path().join(name);
        if is_token(algorithm) {
            let public = path.with_extension("pub");
            if !public.exists() {
                let mut script = asyncssh::script("security_key.py");
                script.args(["public", "--type", name]);
                let line = run_with_timeout(script, b"", DEADLINE).expect_success().stdout;
                fs::write(&public, line).expect("the directory is ours");
            }
            return public;
        }
        if !path.exists() {
            let (kind, bits) = name.split_once('_').unwrap_or((name, ""));
            let mut keygen = keygen_for(algorithm);
            keygen.args(["-q", "-t", kind, "-N", "", "-C", "interop", "-f"]).arg(&path);
            if !bits.is_empty() {
                keygen.args(["-b", bits]);
            }
            run_with_timeout(keygen, b"", DEADLINE).expect_success();
        }
        path
    }

    pub(crate) fn public_key(&self, algorithm: &str) -> PathBuf {
        self.key(algorithm).with_extension("pub")
    }

    /// The certificate of that key, if the algorithm is one of certified keys.
    pub(crate) fn certificate(&self, algorithm: &str, holder: Holder) -> Option<PathBuf> {
        if !algorithm.contains("-cert") {
            return None;
        }
        let (name, flags) = match holder {
            Holder::Host => ("host", &["-h", "-n", "127.0.0.1"][..]),
            Holder::User => ("user", &["-n", user_name()][..]),
        };
        let base = format!("{name}_{}", key_name(algorithm));
        let certificate = self.path().join(format!("{base}-cert.pub"));
        if !certificate.exists() {
            let copy = self.path().join(base).with_extension("pub");
            fs::copy(self.public_key(algorithm), &copy).expect("the directory is ours");
            let mut keygen = keygen_for(algorithm);
            keygen.args(["-q", "-I", "id", "-s"]).arg(self.authority.with_extension("")).args(flags).arg(copy);
            run_with_timeout(keygen, b"", DEADLINE).expect_success();
        }
        Some(certificate)
    }

    /// A known_hosts file with the keys of these algorithms, and the authority if one of them wants it.
    pub(crate) fn known_hosts(&self, algorithms: &[&str]) -> PathBuf {
        let mut text = String::new();
        for algorithm in algorithms {
            let (mark, path) = match algorithm.contains("-cert") {
                true => ("@cert-authority ", self.authority.clone()),
                false => ("", self.public_key(algorithm)),
            };
            let _ = write!(text, "{mark}* {}", fs::read_to_string(path).expect("the key is there"));
        }
        self.file("known_hosts", &text)
    }

    /// An authorized_keys file with the keys of these algorithms.
    pub(crate) fn authorized_keys(&self, algorithms: &[&str]) -> PathBuf {
        let lines = algorithms.iter().filter(|algorithm| !algorithm.contains("-cert"));
        let lines = lines.map(|each| fs::read_to_string(self.public_key(each)).expect("the key is there"));
        self.file("authorized_keys", &lines.collect::<String>())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).expect("the directory is ours");
        path
    }

    /// The socket of an agent with the security keys and their users' certificates, and their owner's finger on them.
    pub(crate) fn agent(&self) -> &Path {
        let certified = ["sk-ssh-ed25519-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"];
        let start = || {
            let mut arguments = Vec::new();
            for holder in [Holder::User, Holder::Host] {
                for certificate in certified.iter().filter_map(|algorithm| self.certificate(algorithm, holder)) {
                    arguments.extend(["--cert".into(), certificate.into_os_string()]);
                }
            }
            Agent::start(self.path(), &arguments)
        };
        self.agent.get_or_init(start).socket()
    }
}

/// What [`Agent`] needs: the interpreter, which has what AsyncSSH needs as well.
pub(crate) const SECURITY_KEY_TOOLS: &[&str] = &["asyncssh"];

/// An agent with security keys in software.
pub(crate) struct Agent {
    _process: Running,
    socket: PathBuf,
}

impl Agent {
    /// Starts one in this directory, with more arguments.
    pub(crate) fn start(directory: &Path, arguments: &[OsString]) -> Self {
        let socket = directory.join("agent");
        let mut script = asyncssh::script("security_key.py");
        script.arg("agent").arg(&socket).args(arguments);
        let process = Running::start("security keys", script, &directory.join("agent.log"));
        process.wait_for_log("listening", DEADLINE);
        Self { _process: process, socket }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

/// The algorithm with which a certified key signs without its certificate.
pub(crate) fn plain(algorithm: &str) -> String {
    let plain = algorithm.replace("-cert-v01", "").replace("-cert", "");
    // The vendor's name belongs to what certificates add, except where the key has it, too.
    if is_token(&plain) { plain } else { plain.replace("@openssh.com", "") }
}

/// Whether a security key signs.
pub(crate) fn is_token(algorithm: &str) -> bool {
    algorithm.starts_with("sk-") || algorithm.starts_with("webauthn-")
}

/// The file of the key, which is the type and length for `ssh-keygen`, or the type of a security key.
fn key_name(algorithm: &str) -> &'static str {
    match &*plain(algorithm) {
        "ssh-ed25519" => "ed25519",
        "ecdsa-sha2-nistp256" => "ecdsa_256",
        "ecdsa-sha2-nistp384" => "ecdsa_384",
        "ecdsa-sha2-nistp521" => "ecdsa_521",
        "rsa-sha2-512" | "rsa-sha2-256" | "ssh-rsa" => "rsa_2048",
        "ssh-dss" => "dsa",
        "ssh-mldsa44-ed25519" => "mldsa44-ed25519",
        "sk-ssh-ed25519@openssh.com" => "sk-ssh-ed25519",
        "sk-ecdsa-sha2-nistp256@openssh.com" | "webauthn-sk-ecdsa-sha2-nistp256@openssh.com" => "sk-ecdsa",
        other => panic!("no key signs with {other}"),
    }
}

fn keygen_for(algorithm: &str) -> Command {
    if algorithm.contains("mldsa") { newer_openssh::command("ssh-keygen") } else { command("ssh-keygen") }
}
