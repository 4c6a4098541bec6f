//! By the same files and options, `ssh` and we learn the same keys that a server announces (`UpdateHostKeys`), whether the
//! server is OpenSSH's or ours.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use ssh_blocking::{Config, Configured, Interaction};
use ssh_core::{Prompts, SecretBytes, Untrusted};
use ssh_interop_tests::peer::openssh::{KeyPair, KeyType, Sshd, keygen};
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::{command, find, newer_openssh, require_all, user_name};
use ssh_interop_tests::{DEADLINE, run_with_timeout, temp_dir};

use crate::scene::{KNOWN_HOSTS, key_words, without_salts};

/// The user's two files, the system's file, and options. `K1`, `K2` and `K3` are the server's keys, by `K1` it is known,
/// `O` and `P` are others; `N` is the server's name.
const FILES: &[(&str, &str, &str, &[&str])] = &[
    ("N K1\n", "", "", &[]),
    ("N K1\nN K2\n", "", "", &[]),
    ("N K1\nN K2\nN K3\n", "", "", &[]),
    ("N K1\nN O\n", "", "", &[]),
    ("N O\nN K1\nN P\n", "", "", &[]),
    ("N K1\nN K2\nN K3\nN O\n", "", "", &[]),
    ("N K1\n", "N O\n", "", &[]),
    ("N K1\n", "N K2\n", "", &[]),
    ("N K1\n", "N K2\nx P\n", "", &[]),
    ("# empty\n", "N K1\n", "", &[]),
    ("", "", "N K1\n", &[]),
    ("N K2\n", "", "N K1\n", &[]),
    ("N K1\n", "", "N O\n", &[]),
    ("N K1\n", "", "* O\n", &[]),
    ("* K1\n", "", "", &[]),
    ("N K1\n* O\n", "", "", &[]),
    ("N,x K1\n", "", "", &[]),
    ("N,x K1\nN O\n", "", "", &[]),
    ("N,x K1\nN,x O\n", "", "", &[]),
    ("N,x,y K1\n", "", "", &[]),
    ("N K1\nother K2\n", "", "", &[]),
    ("N K1\nother O\n", "", "", &[]),
    ("N K1\nN O\nother O\n", "", "", &[]),
    ("N K1\nN O\n", "other O\n", "", &[]),
    ("N K1\nN O\n", "", "other O\n", &[]),
    ("N K1\n@revoked N O\n", "", "", &[]),
    ("N K1\n@revoked N K2\n", "", "", &[]),
    ("N K1\n@revoked other O\n", "", "", &[]),
    ("N K1\n@revoked other K2\n", "", "", &[]),
    ("N K1\n@cert-authority N O\n", "", "", &[]),
    ("N K1\n@cert-authority * O\n", "", "", &[]),
    ("N K1\n@cert-authority other O\n", "", "", &[]),
    ("# mine\n\nN K1 comment\nno sense\nN O gone\nx P\n# end", "", "", &[]),
    ("N K1 one\nN K1 two\n", "", "", &[]),
    ("HASHED N K1\n", "", "", &[]),
    ("HASHED N K1\nN O\nx O\n", "", "", &[]),
    ("N K1\n", "", "", &["HashKnownHosts yes"]),
    ("N K1\nN O\n", "", "", &["HashKnownHosts yes"]),
    ("N K1\n", "", "", &["UpdateHostKeys no"]),
    ("N K1\nN O\n", "", "", &["UpdateHostKeys ask", "BatchMode no", "ANSWER yes"]),
    ("N K1\nN O\n", "", "", &["UpdateHostKeys ask", "BatchMode no", "ANSWER no"]),
    ("N K1\n", "", "", &["UpdateHostKeys ask"]),
    ("N K1\n", "", "", &["HostKeyAlgorithms ssh-ed25519"]),
    ("N K1\nN K2\n", "", "", &["HostKeyAlgorithms ssh-ed25519"]),
    ("N K1\n", "", "", &["HostKeyAlgorithms ssh-ed25519,rsa-sha2-256"]),
    ("N K1\n", "", "", &["HostKeyAlgorithms ssh-ed25519,ecdsa-sha2-nistp256"]),
    ("N K3\n", "", "", &["HostKeyAlgorithms rsa-sha2-256,ssh-ed25519"]),
    ("N K1\n", "", "", &["CheckHostIP yes"]),
    ("N O\n", "", "", &[]),
    ("", "", "", &["StrictHostKeyChecking accept-new"]),
    ("N O\n", "", "", &["StrictHostKeyChecking accept-new"]),
    ("", "", "", &["StrictHostKeyChecking ask", "BatchMode no", "ANSWER yes"]),
    ("N K1\n", "", "", &["StrictHostKeyChecking no"]),
    ("", "", "", &["StrictHostKeyChecking no"]),
    ("MISSING", "N K1\n", "", &[]),
];

/// Answers every question alike.
struct Person(bool);

impl Interaction for Person {
    fn password(&mut self, _: u32) -> Option<SecretBytes> {
        None
    }

    fn answers(&mut self, _: &Prompts) -> Option<Vec<SecretBytes>> {
        None
    }

    fn confirm(&mut self, _: &str) -> bool {
        self.0
    }

    fn warn(&mut self, _: &str) {}

    fn banner(&mut self, _: &Untrusted) {}
}

struct Scene<'a> {
    directory: &'a Path,
    port: u16,
    identity: PathBuf,
    /// What stands for each word of the table.
    words: Vec<(&'static str, String)>,
}

impl<'a> Scene<'a> {
    fn new(directory: &'a Path, port: u16, identity: &Path, host_keys: &[KeyPair]) -> Self {
        let other = |name: &str, kind| key_words(&keygen(directory, name, kind, ""));
        let mut words = vec![("N", format!("[127.0.0.1]:{port}")), ("N,x", format!("[127.0.0.1]:{port},x"))];
        words.push(("N,x,y", format!("[127.0.0.1]:{port},x,y")));
        words.extend(["K1", "K2", "K3"].into_iter().zip(host_keys.iter().map(key_words)));
        words.push(("O", other(&format!("o{port}"), KeyType::EcdsaP256)));
        words.push(("P", other(&format!("p{port}"), KeyType::Ed25519)));
        Self { directory, port, identity: identity.into(), words }
    }

    fn fill(&self, text: &str) -> String {
        let word = |word: &str| {
            let found = self.words.iter().find(|(name, _)| *name == word.trim_end_matches('\n'));
            found.map_or_else(|| word.into(), |(name, value)| word.replacen(name, value, 1))
        };
        text.split_inclusive('\n').map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ")).collect()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::write(&path, text).expect("the directory is ours");
        path
    }

    fn write_known_hosts(&self, name: &str, text: &str) {
        if text == "MISSING" {
            let _ = fs::remove_file(self.directory.join(name));
            return;
        }
        let path = self.write(name, &self.fill(text.trim_start_matches("HASHED ")));
        if text.starts_with("HASHED ") {
            let mut keygen = command("ssh-keygen");
            keygen.args(["-q", "-H", "-f"]).arg(&path);
            run_with_timeout(keygen, b"", DEADLINE).expect_success();
        }
    }

    fn config(&self, options: &[&str]) -> PathBuf {
        let path = |name: &str| self.directory.join(name).display().to_string();
        let mut lines: String = options
            .iter()
            .filter(|option| !option.starts_with("ANSWER"))
            .fold(String::new(), |lines, option| lines + option + "\n");
        lines += &format!(
            "HostName 127.0.0.1\nPort {}\nUser {}\nIdentityFile {}\nIdentitiesOnly yes\nIdentityAgent none\n\
             BatchMode yes\nUpdateHostKeys yes\nStrictHostKeyChecking yes\nUserKnownHostsFile {} {}\n\
             GlobalKnownHostsFile {}\n",
            self.port,
            user_name(),
            self.identity.display(),
            path("first"),
            path("second"),
            path("global"),
        );
        self.write("config", &lines)
    }

    /// Whether a command could be run, and the files afterwards.
    fn outcome(&self, files: [&str; 3], run: impl FnOnce() -> bool) -> (bool, Vec<String>) {
        KNOWN_HOSTS.iter().zip(files).for_each(|(name, text)| self.write_known_hosts(name, text));
        let ran = run();
        let read = |name: &&str| {
            let text = without_salts(&self.directory.join(name));
            self.words.iter().skip(3).fold(text, |text, (name, key)| text.replace(key, name))
        };
        (ran, KNOWN_HOSTS.iter().map(read).collect())
    }

    /// A program that answers in a person's place.
    fn askpass(&self, options: &[&str]) -> PathBuf {
        let answer = options.iter().find_map(|option| option.strip_prefix("ANSWER ")).unwrap_or("no");
        let path = self.write("askpass", &format!("#!/bin/sh\necho {answer}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        path
    }

    fn ssh_runs(&self, mut ssh: Command, config: &Path, options: &[&str]) -> bool {
        // It asks nobody about keys unless it runs a shell in a terminal.
        let command = if options.contains(&"UpdateHostKeys ask") { "-tt" } else { "true" };
        ssh.arg("-F").arg(config).args(["peer", command]).env_remove("SSH_AUTH_SOCK");
        ssh.env("SSH_ASKPASS", self.askpass(options)).env("SSH_ASKPASS_REQUIRE", "force");
        run_with_timeout(ssh, b"exit\n", DEADLINE).success()
    }
}

fn we_run(config: &Path, options: &[&str]) -> bool {
    let config = Config::load().expect("this machine").file(config);
    let person = Person(options.contains(&"ANSWER yes"));
    let host = Configured::new(&config, "peer").expect("it is resolved").person(person);
    let run = || {
        let session = host.connect()?;
        host.login(&session)?;
        session.cmd("true", None)
    };
    run().is_ok_and(|output| output.exit.success())
}

/// These programs leave the same files behind as we do.
fn compare(scene: &Scene<'_>, programs: &[PathBuf]) {
    let mut differences = Vec::new();
    for (first, second, global, options) in FILES {
        let files = [*first, *second, *global];
        let config = scene.config(options);
        let got = scene.outcome(files, || we_run(&config, options));
        for program in programs {
            let expected = scene.outcome(files, || scene.ssh_runs(Command::new(program), &config, options));
            if got != expected {
                differences.push(format!("{files:?} {options:?}\n  ours {got:?}\n  {program:?} {expected:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn the_same_keys_are_learnt_from_openssh() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, directory) = (Sshd::builder().host_keys(&KEYS).line("MaxStartups 100").start(), temp_dir());
    let scene = Scene::new(directory.path(), sshd.port(), sshd.identity(), sshd.host_keys());
    compare(&scene, &[find("ssh").expect("it is required")]);
    let Some(programs) = newer_openssh::directory() else { return };
    let newer = Sshd::builder().host_keys(&KEYS).line("MaxStartups 100").line("PerSourcePenalties no");
    let (sshd, directory) = (newer.programs(programs.clone()).start(), temp_dir());
    let scene = Scene::new(directory.path(), sshd.port(), sshd.identity(), sshd.host_keys());
    compare(&scene, &[programs.join("ssh")]);
}

#[test]
fn the_same_keys_are_learnt_from_us() {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    for ours in [Ours::Blocking, Ours::Tokio] {
        let (sshd, directory) = (ours.sshd(&KEYS, &[]), temp_dir());
        let scene = Scene::new(directory.path(), sshd.port(), sshd.identity(), sshd.host_keys());
        let newer = newer_openssh::directory().map(|programs| programs.join("ssh"));
        compare(&scene, &find("ssh").into_iter().chain(newer).collect::<Vec<_>>());
    }
}

/// Every adapter under every runtime.
#[test]
fn our_programs_learn_keys() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let (sshd, directory) = (Sshd::builder().host_keys(&KEYS).start(), temp_dir());
    let scene = Scene::new(directory.path(), sshd.port(), sshd.identity(), sshd.host_keys());
    let known_hosts = directory.path().join("first");
    for ours in [Ours::Blocking, Ours::Tokio, Ours::TokioThreads, Ours::Smol] {
        for (update, expected) in [("yes", "N K1\nN K2\nN K3\n"), ("no", "N K1\nN O\n"), ("ask", "N K1\nN O\n")] {
            let option = format!("UpdateHostKeys={update}");
            let files = scene.outcome(["N K1\nN O\n", "", ""], || {
                let mut ssh = ours.ssh_command(sshd.port(), sshd.identity(), &known_hosts, &[&option]);
                ssh.args([sshd.destination(), "true".into()]);
                run_with_timeout(ssh, b"", DEADLINE).expect_success().success()
            });
            let expected = expected.replace('N', &format!("[127.0.0.1]:{}", sshd.port()));
            assert_eq!(files.1[0], expected, "{ours:?} {update}");
        }
    }
}

const KEYS: [KeyType; 3] = [KeyType::Ed25519, KeyType::EcdsaP256, KeyType::Rsa(2048)];
