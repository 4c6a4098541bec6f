//! Clients of others at our `sshd`, which has one algorithm.

use std::process::Command;

use ssh_interop_tests::peer::asyncssh::{self, Operation};
use ssh_interop_tests::peer::openssh::KeyPair;
use ssh_interop_tests::peer::ours::{OurSshd, Ours};
use ssh_interop_tests::peer::plink::{self, convert_key, plink_command};
use ssh_interop_tests::peer::{newer_openssh, openssh, require_all, user_name};
use ssh_interop_tests::{DEADLINE, run_with_timeout};

use crate::keys::{Agent, Holder, Keys, is_token, plain};
use crate::our_client::asyncssh_lists;
use crate::plan::{Kind, Peer};
use crate::token::Host;
use crate::{PEER_REKEY_BYTES, REKEY_LIMIT, judge, noise};

/// What OpenSSH's client says at the end of every key exchange.
const OPENSSH_NEW_KEYS: &str = "SSH2_MSG_NEWKEYS received";

/// Runs these cells with this peer's client, and says what failed.
pub(crate) fn run(kind: Kind, peer: Peer, algorithms: &[&'static str]) -> Vec<String> {
    let keys = Keys::new();
    algorithms.iter().filter_map(|algorithm| cell(&Case::new(kind, algorithm, &keys), peer)).collect()
}

fn cell(case: &Case<'_>, peer: Peer) -> Option<String> {
    if peer.is_for_token() {
        return case.with_token(peer);
    }
    let sshd = case.server();
    let (client, new_keys) = match peer {
        Peer::AsyncSsh => (case.asyncssh(&sshd), asyncssh::NEW_KEYS),
        Peer::Plink => (case.plink(&sshd), " outbound encryption"),
        _ => (case.openssh(sshd.port(), peer), OPENSSH_NEW_KEYS),
    };
    let output = run_with_timeout(client, &noise(), DEADLINE);
    judge(case.algorithm, &output, output.stderr_text().matches(new_keys).count())
}

/// One algorithm, and who is who with it.
struct Case<'a> {
    kind: Kind,
    algorithm: &'a str,
    keys: &'a Keys,
    host: &'a str,
    user: &'a str,
}

impl<'a> Case<'a> {
    fn new(kind: Kind, algorithm: &'a str, keys: &'a Keys) -> Self {
        let host = if kind == Kind::HostKey { algorithm } else { "ssh-ed25519" };
        let user = if kind == Kind::UserKey { algorithm } else { "ssh-ed25519" };
        Self { kind, algorithm, keys, host, user }
    }

    fn server(&self) -> OurSshd {
        let keys = self.keys;
        let mut options = self.kind.options(self.algorithm);
        options.push(REKEY_LIMIT.into());
        options.push(format!("HostKey={}", keys.key(self.host).display()));
        let certificate = keys.certificate(self.host, Holder::Host);
        options.extend(certificate.map(|path| format!("HostCertificate={}", path.display())));
        options.push(format!("AuthorizedKeysFile={}", keys.authorized_keys(&[self.user]).display()));
        options.push(format!("TrustedUserCAKeys={}", keys.authority().display()));
        Ours::Blocking.sshd(&[], &options.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The host key is a security key.
    fn with_token(&self, peer: Peer) -> Option<String> {
        let certificate = self.keys.certificate(self.host, Holder::Host);
        let public = certificate.unwrap_or_else(|| self.keys.key(self.host));
        let host = Host::start(&public, self.algorithm, self.keys.agent());
        let output = run_with_timeout(self.openssh(host.port(), peer), &noise(), DEADLINE);
        let failure = judge(self.algorithm, &output, output.stderr_text().matches(OPENSSH_NEW_KEYS).count())?;
        Some(format!("{failure}the server: {:?}", host.finish()))
    }

    fn openssh(&self, port: u16, peer: Peer) -> Command {
        let mut options = match (self.kind, self.algorithm) {
            (Kind::Compression, "none") => vec!["Compression=no".into()],
            (Kind::Compression, _) => vec!["Compression=yes".into()],
            // It wants the key by itself to be allowed, too.
            (Kind::UserKey, algorithm) => self.kind.options(&format!("{algorithm},{}", plain(algorithm))),
            (kind, algorithm) => kind.options(algorithm),
        };
        options.push("LogLevel=DEBUG1".into());
        options.push(format!("RekeyLimit={PEER_REKEY_BYTES}"));
        if is_token(self.user) {
            options.push(format!("IdentityAgent={}", self.keys.agent().display()));
            options.push("IdentitiesOnly=no".into());
        } else if let Some(certificate) = self.keys.certificate(self.user, Holder::User) {
            options.push(format!("CertificateFile={}", certificate.display()));
        }
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let (key, known_hosts) = (self.keys.key(self.user), self.keys.known_hosts(&[self.host]));
        let mut ssh = match peer {
            Peer::NewerOpenSsh => newer_openssh::ssh_command(port, &key, &known_hosts, &options),
            _ => openssh::ssh_command(port, &key, &known_hosts, &options),
        };
        ssh.arg(format!("{}@127.0.0.1", user_name())).arg("cat");
        ssh
    }

    fn asyncssh(&self, sshd: &OurSshd) -> Command {
        let lists = asyncssh_lists(self.kind, self.algorithm);
        let (key, known_hosts) = (self.keys.key(self.user), self.keys.known_hosts(&[self.host]));
        let operation = Operation::Pipe("cat");
        let mut client = asyncssh::client_command(sshd.port(), user_name(), &key, &known_hosts, lists, operation);
        if is_token(self.user) {
            client.arg("--agent").arg(self.keys.agent());
        }
        client
    }

    fn plink(&self, sshd: &OurSshd) -> Command {
        let directory = self.keys.path();
        let key = convert_key(&self.keys.key(self.user), &directory.join("user.ppk"));
        let host = KeyPair { private: self.keys.key(self.host), public: self.keys.public_key(self.host) };
        let settings = [plink::cipher("aes"), ("RekeyBytes", PEER_REKEY_BYTES.to_string())];
        let mut plink = plink_command(sshd.port(), Some(&key), &host.fingerprint(), directory, &settings);
        plink.arg("-v").args(plink::arguments(user_name(), "cat"));
        plink
    }
}

/// A security key signs, with nobody's finger on it.
#[test]
fn untouched_security_keys_are_refused() {
    if !require_all(Peer::OpenSsh.tools()) || !require_all(Peer::AsyncSsh.tools()) {
        return;
    }
    let keys = Keys::new();
    for algorithm in ["sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"] {
        let case = Case::new(Kind::UserKey, algorithm, &keys);
        let sshd = case.server();
        for (flags, success) in [("1", true), ("0", false), ("4", false)] {
            let agent = Agent::start(sshd.directory(), &["--flags".into(), flags.into()]);
            let socket = format!("IdentityAgent={}", agent.socket().display());
            let options = [&*format!("PubkeyAcceptedAlgorithms={algorithm}"), &socket, "IdentitiesOnly=no"];
            let (key, known_hosts) = (keys.key(algorithm), keys.known_hosts(&["ssh-ed25519"]));
            let mut ssh = openssh::ssh_command(sshd.port(), &key, &known_hosts, &options);
            ssh.arg(sshd.destination()).arg("true");
            let output = run_with_timeout(ssh, b"", DEADLINE);
            assert_eq!(output.success(), success, "{algorithm}, flags {flags}: {output}");
        }
    }
}
