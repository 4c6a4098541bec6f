//! By the same files and options, `ssh` and we trust the same servers and write the same lines.

use std::fs;
use std::path::Path;

use ssh_blocking::{Config, Configured, Interaction};
use ssh_core::{Prompts, SecretBytes, Untrusted};
use ssh_interop_tests::peer::openssh::{KeyType, Sshd, keygen};
use ssh_interop_tests::peer::{command, require_all};
use ssh_interop_tests::{DEADLINE, run_with_timeout, temp_dir};

/// The user's first and second file, the system's file, and more options. `K` is the server's key, `O` another one of its
/// type, `N` is the name that the server is known by, `REVOKED(O)` a file with the key `O`.
const FILES: &[(&str, &str, &str, &[&str])] = &[
    ("", "", "", &[]),
    ("N K\n", "", "", &[]),
    ("N O\n", "", "", &[]),
    ("N O\nN K\n", "", "", &[]),
    ("", "N K\n", "", &[]),
    ("", "", "N K\n", &[]),
    ("N O\n", "N K\n", "", &[]),
    ("N O\n", "", "N K\n", &[]),
    ("", "N O\n", "", &[]),
    ("", "", "N O\n", &[]),
    ("other K\n", "", "", &[]),
    ("* K\n", "", "", &[]),
    ("*,!N K\n", "", "", &[]),
    ("*,!N O\nN K\n", "", "", &[]),
    ("NN,N,x K comment\n", "", "", &[]),
    ("@revoked N K\nN K\n", "", "", &[]),
    ("N K\n", "@revoked * K\n", "", &[]),
    ("N K\n", "", "@revoked * K\n", &[]),
    ("@revoked N O\nN K\n", "", "", &[]),
    ("@revoked other K\nN K\n", "", "", &[]),
    ("@cert-authority N K\n", "", "", &[]),
    ("@cert-authority N K\nN O\n", "", "", &[]),
    ("@other N O\nN K\n", "", "", &[]),
    ("no sense\nN\nN ssh-ed25519 AAAA\n\n# N O\nN K\n", "", "", &[]),
    ("no sense\n", "", "", &[]),
    ("# unfinished", "", "", &[]),
    ("", "", "", &["HashKnownHosts yes"]),
    ("other K\n", "", "", &["HashKnownHosts yes"]),
    ("N K\n", "", "", &["RevokedHostKeys REVOKED(O)"]),
    ("N K\n", "", "", &["RevokedHostKeys REVOKED(K)"]),
    ("", "", "", &["RevokedHostKeys REVOKED(K)"]),
    ("N K\n", "", "", &["RevokedHostKeys KRL(K)"]),
    ("N K\n", "", "", &["RevokedHostKeys KRL(O)"]),
    ("N K\n", "", "", &["RevokedHostKeys /nonexistent"]),
    ("N K\n", "", "", &["CheckHostIP yes"]),
    ("", "", "", &["CheckHostIP yes"]),
];

/// Where we differ from `ssh` on purpose: the three files and the modes.
const DELIBERATE: &[([&str; 3], &[&str])] = &[
    // At a port other than 22 ssh also takes the key of the host without a port.
    (["*,!N K\n", "", ""], &MODES),
    // ssh accepts a revoked key with a warning.
    (["@revoked N K\nN K\n", "", ""], &["no"]),
    (["N K\n", "@revoked * K\n", ""], &["no"]),
    (["N K\n", "", "@revoked * K\n"], &["no"]),
    // ssh glues its line to what was there.
    (["# unfinished", "", ""], &["accept-new", "no"]),
];

const MODES: [&str; 4] = ["yes", "ask", "accept-new", "no"];

/// How the server is called, by its address and port or by an alias, and the modes that are tried so.
const NAMES: [(Option<&str>, &[&str]); 2] = [(None, &MODES), (Some("Alias"), &["ask", "accept-new"])];

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

struct Scene<'a> {
    directory: &'a Path,
    sshd: &'a Sshd,
    name: String,
    keys: [String; 2],
}

impl Scene<'_> {
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.directory.join(name);
        fs::write(&path, text).expect("the directory is ours");
        path.display().to_string()
    }

    /// The words of the table in their places.
    fn fill(&self, text: &str) -> String {
        let word = |word: &str| match word.strip_suffix('\n').unwrap_or(word) {
            "K" => word.replace('K', &self.keys[0]),
            "O" => word.replace('O', &self.keys[1]),
            names => {
                let names = names.split(',').map(|name| match name {
                    "N" => self.name.clone(),
                    "!N" => format!("!{}", self.name),
                    other => other.into(),
                });
                let end = if word.ends_with('\n') { "\n" } else { "" };
                names.collect::<Vec<_>>().join(",") + end
            }
        };
        text.split_inclusive('\n').map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ")).collect()
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

    fn config(&self, mode: &str, alias: Option<&str>, options: &[&str]) -> String {
        let path = |name: &str| self.directory.join(name).display().to_string();
        let mut lines = format!(
            "Host peer\nHostName 127.0.0.1\nPort {}\nUser {}\nIdentityFile {}\nIdentitiesOnly yes\nIdentityAgent none\n\
             BatchMode yes\nUpdateHostKeys no\nStrictHostKeyChecking {mode}\nUserKnownHostsFile {} {}\n\
             GlobalKnownHostsFile {}\n",
            self.sshd.port(),
            self.sshd.user(),
            self.sshd.identity().display(),
            path("first"),
            path("second"),
            path("global"),
        );
        if let Some(alias) = alias {
            lines += &format!("HostKeyAlias {alias}\n");
        }
        options.iter().for_each(|option| lines += &format!("{}\n", self.option(option)));
        lines
    }

    /// Whether the server is trusted, and the files afterwards.
    fn outcome(&self, files: [&str; 3], connect: impl FnOnce() -> bool) -> (bool, Vec<String>) {
        let names = ["first", "second", "global"];
        for (name, text) in names.iter().zip(files) {
            self.write(name, &self.fill(text));
        }
        let trusted = connect();
        let read = |name: &&str| {
            let text = fs::read_to_string(self.directory.join(name)).expect("it is there");
            let line = |line: &str| match line.strip_prefix("|1|").and_then(|line| line.split_once(' ')) {
                Some((_, key)) => format!("|1| {key}"),
                None => line.into(),
            };
            text.split_inclusive('\n').map(line).collect::<String>()
        };
        (trusted, names.iter().map(read).collect())
    }
}

fn ssh_trusts(config: &Path) -> bool {
    let mut ssh = command("ssh");
    ssh.arg("-F").arg(config).args(["peer", "true"]).env_remove("SSH_AUTH_SOCK");
    run_with_timeout(ssh, b"", DEADLINE).success()
}

fn we_trust(config: &Path) -> bool {
    let config = Config::load().expect("this machine").file(config);
    let host = Configured::new(&config, "peer").expect("it is resolved").person(Nobody);
    let trusted = host.connect().and_then(|session| host.login(&session).map(drop));
    trusted.is_ok()
}

#[test]
fn the_same_servers_are_trusted() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, directory) = (Sshd::builder().start(), temp_dir());
    let other = keygen(directory.path(), "other", KeyType::Ed25519, "");
    let key = |line: String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let keys = [key(sshd.host_keys()[0].public_line()), key(other.public_line())];
    let (mut differences, mut deliberate) = (Vec::new(), Vec::new());
    for (alias, modes) in NAMES {
        let name = alias.map_or_else(|| format!("[127.0.0.1]:{}", sshd.port()), str::to_lowercase);
        let scene = Scene { directory: directory.path(), sshd: &sshd, name, keys: keys.clone() };
        for ((first, second, global, options), mode) in
            FILES.iter().flat_map(|row| modes.iter().map(move |mode| (row, mode)))
        {
            let files = [*first, *second, *global];
            let config = scene.write("config", &scene.config(mode, alias, options));
            let expected = scene.outcome(files, || ssh_trusts(config.as_ref()));
            let got = scene.outcome(files, || we_trust(config.as_ref()));
            if got == expected {
                continue;
            }
            if DELIBERATE.iter().any(|(known, modes)| *known == files && modes.contains(mode)) {
                deliberate.push((files, *mode));
            } else {
                differences
                    .push(format!("{alias:?} {mode} {files:?} {options:?}\n  ours   {got:?}\n  theirs {expected:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    for (files, mode) in DELIBERATE.iter().flat_map(|(files, modes)| modes.iter().map(move |mode| (files, mode))) {
        assert!(deliberate.contains(&(*files, *mode)), "{files:?} {mode}: no difference any more");
    }
}
