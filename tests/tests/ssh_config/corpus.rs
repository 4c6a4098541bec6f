//! The files that are compared.

/// A file.
pub(crate) struct Case {
    pub(crate) name: String,
    /// `@@` stands for the directory of included files.
    pub(crate) text: String,
    /// Only OpenSSH 10 knows what it says.
    pub(crate) is_new: bool,
    /// Arguments of its own.
    own_arguments: Option<Vec<String>>,
}

/// Hosts and users that every file is resolved for.
const ARGUMENTS: &[&str] = &["foo", "bar.example.com", "alice@FOO"];

impl Case {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self { name: name.into(), text: text.into(), is_new: false, own_arguments: None }
    }

    /// What to resolve it for.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        match &self.own_arguments {
            Some(own) => own.iter().map(String::as_str).collect(),
            None => ARGUMENTS.to_vec(),
        }
    }
}

/// `lines.txt`: a line is a file; `|` ends a line of it, `+` at the beginning says that it is new.
pub(crate) fn lines() -> Vec<Case> {
    let lines = include_str!("lines.txt").lines().filter(|line| !line.is_empty() && !line.starts_with("##"));
    let case = |line: &str| {
        let (is_new, text) = line.strip_prefix('+').map_or((false, line), |text| (true, text));
        Case { is_new, ..Case::new(line, &(text.replace('|', "\n") + "\n")) }
    };
    lines.map(case).collect()
}

/// `files.txt`: `=== NAME`, `=== NAME: ARGUMENTS, ARGUMENTS`, or with `+` before the name.
pub(crate) fn files() -> Vec<Case> {
    let parts = include_str!("files.txt").split("=== ").skip(1);
    let case = |part: &str| {
        let (head, text) = part.split_once('\n').expect("a name and a file");
        let (is_new, head) = head.strip_prefix('+').map_or((false, head), |head| (true, head));
        let (name, own) = head.split_once(": ").map_or((head, None), |(name, own)| (name, Some(own)));
        let own_arguments = own.map(|own| own.split(", ").map(String::from).collect());
        Case { is_new, own_arguments, ..Case::new(name, text) }
    };
    parts.map(case).collect()
}

/// Files to include, by name.
pub(crate) const INCLUDED: &[(&str, &str)] = &[
    ("port", "Port 1000\n"),
    ("user", "User included\n"),
    ("hosts", "Host foo\nPort 2000\nHost *\nServerAliveInterval 7\n"),
    ("all", "Match all\nPort 3000\n"),
    ("wrong", "Port 1\nNonsense 1\n"),
    ("nested", "Include @@/port\nUser nested\n"),
    ("loop", "Include @@/loop\n"),
    ("d/a.conf", "User a\nPort 11\n"),
    ("d/b.conf", "User b\nCompression yes\n"),
    ("d/.hidden.conf", "User hidden\nTunnel yes\n"),
];
