//! What the source of the crate promises about itself: who depends on whom, and that nothing outside is touched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Longest file, in lines.
const MAX_LINES: usize = 600;

/// Leaves: they may be used by every module.
const LEAVES: &[&str] = &["time", "random", "secret", "untrusted", "pattern", "error", "config", "protocol"];

/// Every top-level module and what it may use beside itself and the leaves. Dependencies run one way.
const MAY_USE: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("message", &["wire"]),
    ("key", &["wire", "crypto"]),
    ("crypto", &["wire"]),
    ("transcript", &["wire", "message"]),
    ("packet", &["wire", "message", "crypto", "key", "transcript"]),
    ("transport", &["wire", "message", "crypto", "key", "packet"]),
    ("auth", &["wire", "message", "crypto", "key", "packet", "transport"]),
    ("recorder", &["wire"]),
    ("connection", &["wire", "message", "crypto", "key", "packet", "transport", "recorder"]),
    (
        "endpoint",
        &["wire", "message", "crypto", "key", "packet", "transport", "auth", "connection", "recorder", "transcript"],
    ),
    ("files", &["wire", "crypto", "key"]),
    ("admission", &[]),
    ("agent", &["wire", "crypto", "key"]),
    ("adapter", &["wire", "key", "transport", "connection", "endpoint"]),
    ("login", &["wire", "crypto", "key", "transport", "auth", "connection", "endpoint", "files"]),
    (
        "fuzz",
        &[
            "agent",
            "wire",
            "message",
            "crypto",
            "key",
            "packet",
            "transport",
            "auth",
            "connection",
            "endpoint",
            "files",
        ],
    ),
    // The leaves name what stands in an error or a configuration, and use nothing else.
    ("time", &[]),
    ("random", &[]),
    ("secret", &[]),
    ("untrusted", &[]),
    ("pattern", &[]),
    ("protocol", &[]),
    ("error", &["wire", "crypto", "key"]),
    ("config", &["crypto", "key"]),
    (
        "lib",
        &[
            "wire",
            "message",
            "crypto",
            "key",
            "packet",
            "transport",
            "auth",
            "connection",
            "endpoint",
            "files",
            "login",
            "adapter",
            "admission",
            "agent",
        ],
    ),
];

/// Words that only something with a clock, a socket, a file, a thread, an environment or a lock would use.
const FOREIGN: &[&str] = &[
    "Instant",
    "SystemTime",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "std::",
    "std::fs",
    "std::io",
    "std::net",
    "std::thread",
    "std::process",
    "std::sync",
    "env::var",
    "Mutex",
    "RwLock",
    "RefCell",
    "thread_local",
    "println!",
    "eprintln!",
    "libc::",
    "extern \"C\"",
];

struct Source {
    /// `connection/channel.rs`
    name: String,
    /// `connection`
    module: String,
    /// How deep below the crate's root the file's module is.
    depth: usize,
    text: String,
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    assert!(paths.len() > 50, "the source is where it is looked for");
    let source = |path: &PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let parts: Vec<&str> = name.trim_end_matches(".rs").split('/').collect();
        let depth = parts.len() - usize::from(parts.last() == Some(&"mod"));
        let module = parts[0].to_owned();
        Source { depth, module, text: std::fs::read_to_string(path).unwrap(), name }
    };
    paths.iter().map(source).collect()
}

/// The lines that are compiled into the crate: no comments, nothing that is there for tests or one feature alone.
fn code(source: &Source) -> Vec<&str> {
    if source.name.ends_with("tests.rs") || source.name.contains("/tests/") {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let mut rest = source.text.lines();
    while let Some(line) = rest.next() {
        let line = line.trim();
        if line.starts_with("#[cfg(test)]") {
            let item = rest.next().unwrap_or_default().trim();
            if item.ends_with('{') && item.starts_with("mod ") {
                break;
            }
            continue;
        }
        if line.starts_with("#[cfg(feature = \"std\")]") {
            rest.next();
            continue;
        }
        let line = line.split("//").next().unwrap_or_default();
        if !line.is_empty() {
            lines.push(line);
        }
    }
    lines
}

/// Top-level modules named by `use crate::..` or by a path in the midst of code.
fn named_modules(line: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let after = &line[at + "crate::".len()..];
        if let Some(group) = after.strip_prefix('{') {
            let mut depth = 0;
            let top = |c: char| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                c == ',' && depth == 0
            };
            found.extend(group.split(top).map(|each| word(each.trim())));
        } else {
            found.push(word(after));
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

#[test]
fn dependencies_run_one_way() {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    for source in sources() {
        let allowed = table.get(source.module.as_str());
        let allowed = allowed.unwrap_or_else(|| panic!("{}: say in this test what it may depend on", source.name));
        for line in code(&source) {
            for used in named_modules(line) {
                // `crate::Name` is a re-export, which lib.rs alone has; code names the module.
                let fine = used == source.module
                    || LEAVES.contains(&used.as_str())
                    || allowed.contains(&used.as_str())
                    || line.starts_with("#![doc");
                assert!(fine, "{}: `{}` must not use `{used}`: {line}", source.name, source.module);
            }
        }
    }
}

/// `super::super::..` must not be a way around the table.
#[test]
fn no_file_climbs_out_of_its_module() {
    for source in sources() {
        for line in code(&source) {
            let mut climbed = 0;
            let mut longest = 0;
            for part in line.split("::") {
                climbed = if part.trim_end().ends_with("super") { climbed + 1 } else { 0 };
                longest = longest.max(climbed);
            }
            // A module inside a `mod.rs` is one level deeper than its file.
            let allowed = source.depth - 1 + usize::from(source.name.ends_with("mod.rs"));
            assert!(longest <= allowed, "{}: {line}", source.name);
        }
    }
}

#[test]
fn authentication_and_channels_do_not_know_each_other() {
    for (one, other) in [("auth", "connection"), ("connection", "auth")] {
        let (_, may_use) = MAY_USE.iter().find(|(module, _)| *module == one).unwrap();
        assert!(!may_use.contains(&other));
    }
}

/// The table itself has a direction: what a module may use never may use it.
#[test]
fn the_table_has_no_cycle() {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    fn reaches(table: &BTreeMap<&str, &[&str]>, from: &str, to: &str) -> bool {
        table[from].iter().any(|next| *next == to || reaches(table, next, to))
    }
    for (module, _) in MAY_USE {
        assert!(!reaches(&table, module, module), "{module} depends on itself");
    }
}

#[test]
fn nothing_outside_is_touched() {
    for source in sources() {
        for line in code(&source) {
            for word in FOREIGN {
                let extern_std = source.name == "lib.rs" && line == "extern crate std;";
                assert!(extern_std || !line.contains(word), "{}: {word}: {line}", source.name);
            }
        }
    }
}

#[test]
fn no_unsafe_code() {
    let root = sources().into_iter().find(|source| source.name == "lib.rs").unwrap();
    assert!(root.text.contains("#![forbid(unsafe_code)]"));
    assert!(root.text.contains("#![no_std]"));
    for source in sources() {
        for line in code(&source) {
            let word = line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
            assert!(!word, "{}: {line}", source.name);
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", source.name);
    }
}
