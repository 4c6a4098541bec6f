//! A server, files that may know it, and two clients that are asked whether they trust it.

use std::fs;
use std::path::Path;
use std::process::Command;

use ssh_blocking::{Config, Configured, Interaction};
use ssh_core::{Prompts, SecretBytes, Untrusted};
use ssh_interop_tests::peer::command;
use ssh_interop_tests::peer::openssh::{KeyPair, Sshd};
use ssh_interop_tests::{DEADLINE, run_with_timeout};

pub(crate) const MODES: [&str; 4] = ["yes", "ask", "accept-new", "no"];

/// How the server is called, by its address and port or by an alias, and the modes that are tried so.
pub(crate) const NAMES: [(Option<&str>, &[&str]); 2] = [(None, &MODES), (Some("Alias"), &["ask", "accept-new"])];

/// Names of the user's first and second file, and of the system's file.
pub(crate) const KNOWN_HOSTS: [&str; 3] = ["first", "second", "global"];

/// Nobody is there.
struct Nobody;

impl Interaction for Nobody {
    fn password(&mut self, _: u32) -> Option<SecretBytes> {
        None
    }

    fn answers(&mut self, _: &Prompts) -> Option<Vec<SecretBytes>> {
        None
    }

    fn warn(&mut self, _: &str) {}

    fn banner(&mut self, _: &Untrusted) {}
}

/// The `ssh` that is installed.
pub(crate) fn installed_ssh() -> Command {
    command("ssh")
}

/// Type and base64 of a key, without its comment.
pub(crate) fn key_words(key: &KeyPair) -> String {
    key.public_line().split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// A file's text, if there is one; what is hashed differs by its salt.
pub(crate) fn without_salts(file: &Path) -> String {
    let Ok(text) = fs::read_to_string(file) else { return "MISSING".into() };
    let line = |line: &str| match line.strip_prefix("|1|").and_then(|line| line.split_once(' ')) {
        Some((_, key)) => format!("|1| {key}"),
        None => line.into(),
    };
    text.split_inclusive('\n').map(line).collect()
}

/// Whether the server is trusted, and the three files afterwards, without salts.
type Outcome = (bool, Vec<String>);

/// What the words of a table stand for.
pub(crate) struct Scene<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) sshd: &'a Sshd,
    pub(crate) ssh: fn() -> Command,
    pub(crate) alias: Option<&'a str>,
    /// Letters, and the keys they stand for.
    pub(crate) keys: &'a [(&'a str, String)],
}

impl Scene<'_> {
    /// `ssh`'s outcome and ours, if they differ.
    pub(crate) fn difference(&self, mode: &str, files: [&str; 3], options: &[&str]) -> Option<String> {
        let config = self.write("config", &self.config(mode, options));
        let filled = files.map(|text| self.fill(text));
        let expected = self.outcome(&filled, || ssh_trusts((self.ssh)(), config.as_ref()));
        let got = self.outcome(&filled, || we_trust(config.as_ref()));
        let what = format!("{:?} {mode} {files:?} {options:?}", self.alias);
        (got != expected).then(|| format!("{what}\n  ours   {got:?}\n  theirs {expected:?}"))
    }

    fn outcome(&self, files: &[String; 3], connect: impl FnOnce() -> bool) -> Outcome {
        for (name, text) in KNOWN_HOSTS.iter().zip(files) {
            self.write(name, text);
        }
        let trusted = connect();
        (trusted, KNOWN_HOSTS.iter().map(|name| without_salts(&self.directory.join(name))).collect())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.directory.join(name);
        fs::write(&path, text).expect("the directory is ours");
        path.display().to_string()
    }

    /// The name that the server is known by.
    fn name(&self) -> String {
        self.alias.map_or_else(|| format!("[127.0.0.1]:{}", self.sshd.port()), str::to_lowercase)
    }

    /// The words of the table in their places.
    fn fill(&self, text: &str) -> String {
        let word = |word: &str| match self.keys.iter().find(|(letter, _)| *letter == word) {
            Some((_, key)) => key.clone(),
            None => word.split(',').map(|name| self.fill_name(name)).collect::<Vec<_>>().join(","),
        };
        let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
        text.split('\n').map(line).collect::<Vec<_>>().join("\n")
    }

    fn fill_name(&self, name: &str) -> String {
        match name {
            "N" => self.name(),
            "!N" => format!("!{}", self.name()),
            "BARE" => self.alias.map_or_else(|| "127.0.0.1".into(), str::to_lowercase),
            "HASHED" => self.hashed_name(),
            other => other.into(),
        }
    }

    /// The server's name as `ssh-keygen` hashes it.
    fn hashed_name(&self) -> String {
        let path = self.write("hashed", &format!("{} {}\n", self.name(), self.keys[0].1));
        let mut keygen = command("ssh-keygen");
        keygen.args(["-q", "-H", "-f", &path]);
        run_with_timeout(keygen, b"", DEADLINE).expect_success();
        let line = fs::read_to_string(path).expect("it was written");
        line.split(' ').next().expect("a line has words").into()
    }

    fn option(&self, option: &str) -> String {
        let revoked = |key: &str| self.write("revoked", &self.fill(&format!("{key}\n")));
        let made = |(before, rest): (&str, &str), is_krl: bool| {
            let list = revoked(rest.trim_end_matches(')'));
            if !is_krl {
                return format!("{before}{list}");
            }
            let krl = self.directory.join("krl");
            let mut keygen = command("ssh-keygen");
            keygen.args(["-q", "-k", "-f"]).arg(&krl).arg(&list);
            run_with_timeout(keygen, b"", DEADLINE).expect_success();
            format!("{before}{}", krl.display())
        };
        let plain = option.split_once("REVOKED(").map(|parts| made(parts, false));
        plain.or_else(|| option.split_once("KRL(").map(|parts| made(parts, true))).unwrap_or_else(|| option.into())
    }

    fn config(&self, mode: &str, options: &[&str]) -> String {
        let [first, second, global] = KNOWN_HOSTS.map(|name| self.directory.join(name).display().to_string());
        let mut lines = format!(
            "Host peer\nHostName 127.0.0.1\nPort {}\nUser {}\nIdentityFile {}\nIdentitiesOnly yes\nIdentityAgent none\n\
             BatchMode yes\nUpdateHostKeys no\nStrictHostKeyChecking {mode}\nUserKnownHostsFile {first} {second}\n\
             GlobalKnownHostsFile {global}\n",
            self.sshd.port(),
            self.sshd.user(),
            self.sshd.identity().display(),
        );
        if let Some(alias) = self.alias {
            lines += &format!("HostKeyAlias {alias}\n");
        }
        options.iter().for_each(|option| lines += &format!("{}\n", self.option(option)));
        lines
    }
}

fn ssh_trusts(mut ssh: Command, config: &Path) -> bool {
    ssh.arg("-F").arg(config).args(["peer", "true"]).env_remove("SSH_AUTH_SOCK");
    run_with_timeout(ssh, b"", DEADLINE).success()
}

fn we_trust(config: &Path) -> bool {
    let config = Config::load().expect("this machine").file(config);
    let host = Configured::new(&config, "peer").expect("it is resolved").person(Nobody);
    let trusted = host.connect().and_then(|session| host.login(&session).map(drop));
    trusted.is_ok()
}
