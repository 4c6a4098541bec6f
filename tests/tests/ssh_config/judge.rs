//! A real `ssh` that says what a file means, and what it may say otherwise than we do.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use ssh_blocking::Config;
use ssh_core::files::ssh_config::{AlgorithmNames, NameList, Origin};
use ssh_interop_tests::{DEADLINE, TempDir, run_with_timeout, temp_dir};

use crate::corpus::{Case, INCLUDED};

/// Keywords whose default is another one, and why.
const OTHER_DEFAULTS: &[(&str, &str)] = &[
    ("forwardx11trusted", "Debian's is yes, upstream's no"),
    ("serveraliveinterval", "Debian's is 300 in batch mode"),
    ("identityfile", "9.2 has id_xmss and id_dsa, and no id_mldsa44_ed25519"),
    ("ipqos", "9.2 has lowdelay and throughput"),
];

/// Keywords that only one of the two has.
const ONLY_ONE: &[(&str, &str)] = &[
    ("gssapiauthentication", "9.2 of Debian is built with GSSAPI"),
    ("gssapikeyexchange", "9.2 of Debian is built with GSSAPI"),
    ("gssapidelegatecredentials", "9.2 of Debian is built with GSSAPI"),
    ("gssapitrustdns", "9.2 of Debian is built with GSSAPI"),
    ("gssapirenewalforcesrekey", "9.2 of Debian is built with GSSAPI"),
    ("gssapikexalgorithms", "9.2 of Debian is built with GSSAPI"),
    ("warnweakcrypto", "newer than 9.2"),
    ("obscurekeystroketiming", "newer than 9.2"),
    ("channeltimeout", "newer than 9.2"),
    ("revokedhostkeys", "9.2 does not print it where there is none"),
];

/// Lines that 9.2 spells otherwise, and ours.
const OTHER_SPELLINGS: &[(&str, &str)] = &[
    ("tcpkeepalive yes", "tcpkeepalive true"),
    ("tcpkeepalive no", "tcpkeepalive false"),
    ("canonicalizePermittedcnames", "canonicalizepermittedcnames"),
];

/// A real `ssh`.
pub(crate) struct Judge {
    program: PathBuf,
    version: String,
    /// 10 or later.
    pub(crate) is_new: bool,
    names: AlgorithmNames,
    directory: TempDir,
    accepted: RefCell<HashMap<String, bool>>,
}

impl Judge {
    pub(crate) fn new(command: Command) -> Self {
        let directory = temp_dir();
        for (name, text) in INCLUDED {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("a directory can be made");
            let text = text.replace("@@", &directory.path().display().to_string());
            fs::write(path, text).expect("a file can be written");
        }
        let mut judge = Self {
            program: command.get_program().into(),
            version: String::new(),
            is_new: false,
            names: AlgorithmNames::default(),
            directory,
            accepted: RefCell::default(),
        };
        let banner = judge.run(&["-V"]).expect("ssh says its version");
        judge.version = banner.split([' ', ',']).next().expect("a word").into();
        judge.is_new = !judge.version.contains("_9.");
        judge.names = judge.algorithm_names();
        judge
    }

    /// Whether it knows what the file says.
    pub(crate) fn knows(&self, case: &Case) -> bool {
        self.is_new || !case.is_new
    }

    /// Whether it takes the file.
    pub(crate) fn accepts(&self, case: &Case) -> bool {
        let known = self.accepted.borrow().get(&case.text).copied();
        known.unwrap_or_else(|| {
            let accepts = self.resolve(case, "foo").is_ok();
            self.accepted.borrow_mut().insert(case.text.clone(), accepts);
            accepts
        })
    }

    /// Compares what both say: whether they took the file, or how they differ.
    pub(crate) fn compare(&self, case: &Case, arguments: &str) -> Result<bool, String> {
        let theirs = self.resolve(case, arguments);
        let ours = self.ours(arguments);
        match (theirs, ours) {
            (Ok(theirs), Ok(ours)) => self.differences(&theirs, &ours).map_or(Ok(true), Err),
            (Err(_), Err(message)) => {
                let place = message.contains("config, line ") || message.contains("command line: ");
                let place = place || message.starts_with(&*self.directory.path().to_string_lossy());
                let place = place || message.contains("/wrong, line 2: ") || message.contains("canonical");
                if place { Ok(false) } else { Err(format!("the refusal does not say where: {message}")) }
            }
            (Err(message), Ok(_)) => Err(format!("only ssh refuses: {message}")),
            (Ok(_), Err(message)) => Err(format!("only we refuse: {message}")),
        }
    }

    fn resolve(&self, case: &Case, arguments: &str) -> Result<String, String> {
        let path = self.config();
        fs::write(&path, case.text.replace("@@", &self.directory.path().display().to_string()))
            .expect("can be written");
        let path = path.display().to_string();
        let mut all = vec!["-G", "-F", &path];
        all.extend(arguments.split(' '));
        self.run(&all)
    }

    fn config(&self) -> PathBuf {
        self.directory.path().join("config")
    }

    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let mut ssh = Command::new(&self.program);
        ssh.args(arguments).env("SHELL", "/bin/sh").env("CORPUS", "corpus-value");
        let output = run_with_timeout(ssh, b"", DEADLINE);
        let is_version = arguments == ["-V"];
        let said = if is_version { &output.stderr } else { &output.stdout };
        let said = String::from_utf8_lossy(said).into_owned();
        if output.success() { Ok(said) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    fn ours(&self, arguments: &str) -> Result<Vec<(String, String, Origin)>, String> {
        let mut config = Config::load().expect("there is a user").file(self.config()).version(&self.version);
        let mut words = arguments.split(' ');
        let host = loop {
            let word = words.next().expect("there is a host");
            let mut value = || words.next().expect("an option has a value");
            config = match word {
                "-o" => config.option(value()),
                "-p" => config.set("Port", value()),
                "-l" => config.set("User", value()),
                _ => break word,
            };
        };
        let host = match host.rsplit_once('@') {
            Some((user, host)) => {
                config = config.set("User", user);
                host
            }
            None => host,
        };
        let config = config.command(words.collect::<Vec<_>>().join(" ")).variable("CORPUS", "corpus-value");
        let resolved = config.resolve(host).map_err(|error| error.to_string())?;
        let lines = resolved.lines(&self.names).map_err(|error| error.to_string())?;
        Ok(lines.into_iter().map(|(keyword, value, origin)| (keyword.into(), value, origin)).collect())
    }

    /// How two sets of lines differ beyond what may; keywords are compared in order, too.
    fn differences(&self, theirs: &str, ours: &[(String, String, Origin)]) -> Option<String> {
        let is_listed = |list: &[(&str, &str)], keyword: &str| list.iter().any(|(each, _)| *each == keyword);
        let only_one = |keyword: &str| !self.is_new && is_listed(ONLY_ONE, keyword);
        let defaulted: BTreeMap<&str, ()> = ours
            .iter()
            .filter(|(keyword, _, origin)| *origin == Origin::Default && is_listed(OTHER_DEFAULTS, keyword))
            .map(|(keyword, ..)| (keyword.as_str(), ()))
            .collect();
        let counts = |keyword: &str| !only_one(keyword) && !defaulted.contains_key(keyword);
        let spelling = |line: &str| {
            let other = OTHER_SPELLINGS.iter().find(|(other, _)| !self.is_new && line.starts_with(other));
            other.map_or_else(|| line.into(), |(other, own)| line.replacen(other, own, 1))
        };
        let theirs: Vec<String> = theirs.lines().map(spelling).collect();
        let theirs = theirs.iter().filter(|line| counts(line.split(' ').next().unwrap_or_default()));
        let theirs: Vec<String> = theirs.map(|line| line.trim_end().into()).collect();
        let theirs = without_false_forwards(&theirs);
        let ours = ours.iter().filter(|(keyword, ..)| counts(keyword));
        let ours: Vec<String> =
            ours.map(|(keyword, value, _)| format!("{keyword} {value}").trim_end().into()).collect();
        (theirs != ours).then(|| {
            let missing = theirs.iter().filter(|line| !ours.contains(line)).map(|line| format!("ssh:  {line}\n"));
            let extra = ours.iter().filter(|line| !theirs.contains(line)).map(|line| format!("ours: {line}\n"));
            let lines: String = missing.chain(extra).collect();
            if lines.is_empty() { "the order or number of lines differs\n".into() } else { lines }
        })
    }

    /// The names of its algorithms: what it offers by default, and all it has.
    fn algorithm_names(&self) -> AlgorithmNames {
        let defaults = self.run(&["-G", "-F", "none", "foo"]).expect("ssh -G works");
        let list = |keyword: &str, query: &str| {
            let line = defaults.lines().find_map(|line| line.strip_prefix(keyword)?.strip_prefix(' '));
            let known = self.run(&["-Q", query]).expect("ssh -Q works");
            NameList {
                default: line.expect("a default").split(',').map(String::from).collect(),
                known: known.lines().map(String::from).collect(),
            }
        };
        AlgorithmNames {
            kex: list("kexalgorithms", "kex"),
            host_key: list("hostkeyalgorithms", "HostKeyAlgorithms"),
            public_key: list("pubkeyacceptedalgorithms", "PubkeyAcceptedAlgorithms"),
            host_based: list("hostbasedacceptedalgorithms", "HostbasedAcceptedAlgorithms"),
            ca_signature: list("casignaturealgorithms", "sig"),
            ciphers: list("ciphers", "cipher"),
            macs: list("macs", "mac"),
        }
    }
}

/// `ssh -G` prints a `LocalForward` to a socket as a `DynamicForward`, too.
fn without_false_forwards(lines: &[String]) -> Vec<String> {
    let is_false = |line: &String| {
        let listen = line.strip_prefix("dynamicforward ");
        listen.is_some_and(|listen| {
            let connect = |each: &String| Some(String::from(each.strip_prefix(&format!("localforward {listen} "))?));
            lines.iter().filter_map(connect).any(|connect| connect.contains('/') && !connect.starts_with('['))
        })
    };
    lines.iter().filter(|line| !is_false(line)).cloned().collect()
}
