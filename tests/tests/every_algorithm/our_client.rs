//! Our `ssh` at servers of others.

use std::path::{Path, PathBuf};

use ssh_interop_tests::peer::openssh::{Sshd, SshdBuilder};
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::{asyncssh, newer_openssh, openssh, user_name};
use ssh_interop_tests::{DEADLINE, Output, run_with_timeout};

use crate::keys::{Holder, Keys, is_token, plain};
use crate::plan::{Kind, Peer};
use crate::{PEER_REKEY_BYTES, REKEY_LIMIT, judge, noise, token};

/// Runs these cells at one server of this peer's, and says what failed.
pub(crate) fn run(kind: Kind, peer: Peer, algorithms: &[&'static str]) -> Vec<String> {
    match peer {
        Peer::AsyncSsh => at_asyncssh(kind, algorithms),
        _ => at_openssh(kind, peer, algorithms),
    }
}

fn at_openssh(kind: Kind, peer: Peer, algorithms: &[&'static str]) -> Vec<String> {
    let keys = Keys::new();
    let hosts = if kind == Kind::HostKey { algorithms } else { &["ssh-ed25519"] };
    let users = if kind == Kind::UserKey { algorithms } else { &["ssh-ed25519"] };
    let known_hosts = keys.known_hosts(hosts);
    let sshd = openssh_server(kind, peer, algorithms, &keys, hosts, users);
    let mut failures = Vec::new();
    for algorithm in algorithms {
        let before = sshd.log().len();
        let user = if kind == Kind::UserKey { algorithm } else { "ssh-ed25519" };
        let certificate = keys.certificate(user, Holder::User);
        let output = if peer.is_for_token() {
            let public = certificate.unwrap_or_else(|| keys.key(user));
            token::log_in(sshd.port(), &public, algorithm, keys.agent())
        } else {
            let identity = keys.key(user);
            ssh(&kind.client_options(algorithm), sshd.port(), &identity, certificate.as_deref(), &known_hosts)
        };
        let log = sshd.log();
        let exchanges = log[before..].matches("SSH2_MSG_NEWKEYS received").count();
        failures.extend(judge(algorithm, &output, exchanges).map(|failure| failure + &log[before..]));
    }
    failures
}

fn ssh(options: &[String], port: u16, identity: &Path, certificate: Option<&Path>, known_hosts: &Path) -> Output {
    let mut options: Vec<String> = options.to_vec();
    options.push(REKEY_LIMIT.into());
    options.extend(certificate.map(|path| format!("CertificateFile={}", path.display())));
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let mut ssh = Ours::Blocking.ssh_command(port, identity, known_hosts, &options);
    ssh.arg(format!("{}@127.0.0.1", user_name())).arg("cat");
    run_with_timeout(ssh, &noise(), DEADLINE)
}

/// A server that has all of these algorithms: ours has only one of them at a time.
fn openssh_server(kind: Kind, peer: Peer, algorithms: &[&str], keys: &Keys, hosts: &[&str], users: &[&str]) -> Sshd {
    let mut builder = Sshd::builder();
    if peer.is_newer() {
        builder = newer_openssh::directory().map_or(builder, |programs| Sshd::builder().programs(programs));
    }
    let path =
        |builder: SshdBuilder, keyword: &str, path: PathBuf| builder.line(&format!("{keyword} {}", path.display()));
    let mut known: Vec<PathBuf> = Vec::new();
    for host in hosts {
        let key = keys.key(host);
        if !known.contains(&key) {
            builder = path(builder, "HostKey", key.clone());
            known.push(key);
        }
        if let Some(certificate) = keys.certificate(host, Holder::Host).filter(|each| !known.contains(each)) {
            builder = path(builder, "HostCertificate", certificate.clone());
            known.push(certificate);
        }
    }
    if hosts.iter().any(|host| is_token(host)) {
        builder = path(builder, "HostKeyAgent", keys.agent().to_owned());
    }
    builder = match kind {
        // It has compression after the login unless told otherwise, and no plain "zlib".
        Kind::Compression => builder,
        // For certificates it announces what their keys sign with, but for those of browsers another name than it takes.
        Kind::UserKey => {
            let plain = algorithms.iter().map(|algorithm| plain(algorithm));
            let names: Vec<_> = algorithms.iter().map(|algorithm| (*algorithm).into()).chain(plain).collect();
            builder.line(&kind.options(&names.join(",")).concat())
        }
        _ => kind.options(&algorithms.join(",")).iter().fold(builder, |builder, line| builder.line(line)),
    };
    builder = path(builder, "AuthorizedKeysFile", keys.authorized_keys(users));
    builder = path(builder, "TrustedUserCAKeys", keys.authority().to_owned());
    builder.rekey_limit(&PEER_REKEY_BYTES.to_string()).line("LogLevel DEBUG1").start()
}

fn at_asyncssh(kind: Kind, algorithms: &[&'static str]) -> Vec<String> {
    let names = algorithms.join(",");
    let mut server = asyncssh::Server::start(openssh::KeyType::Ed25519, None, asyncssh_lists(kind, &names));
    let mut failures = Vec::new();
    for algorithm in algorithms {
        let before = server.process().log().len();
        let output = ssh(&kind.client_options(algorithm), server.port(), server.identity(), None, server.known_hosts());
        let log = server.process().log();
        let exchanges = log[before..].matches(asyncssh::NEW_KEYS).count();
        failures.extend(judge(algorithm, &output, exchanges).map(|failure| failure + &log[before..]));
    }
    failures
}

/// What AsyncSSH is to insist on.
pub(crate) fn asyncssh_lists(kind: Kind, names: &str) -> asyncssh::Algorithms<'_> {
    let mut lists = asyncssh::Algorithms { rekey_bytes: Some(PEER_REKEY_BYTES), ..asyncssh::Algorithms::default() };
    match kind {
        Kind::KeyExchange => lists.kex = Some(names),
        Kind::HostKey => lists.signatures = Some(names),
        Kind::UserKey => lists.user_signatures = Some(names),
        Kind::Cipher => lists.ciphers = Some(names),
        Kind::Mac => (lists.macs, lists.ciphers) = (Some(names), Some("aes128-ctr")),
        Kind::Compression => lists.compression = Some(names),
    }
    lists
}
