//! What is built by default: nothing that is broken.

use std::collections::BTreeSet;
use std::process::Command;

use ssh_interop_tests::{DEADLINE, run_with_timeout};

/// Crates with algorithms that belong to the feature `legacy`. Blowfish is not among them: bcrypt, which derives the keys of
/// key files, is made of it.
const BROKEN: [&str; 5] = ["cast5", "des", "dsa", "md-5", "rc4"];

/// The crates that `package` is built from.
fn crates(package: &str, arguments: &[&str]) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package", package]);
    tree.args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let output = run_with_timeout(tree, b"", DEADLINE).expect_success().stdout_text();
    output.lines().filter_map(|line| line.split(' ').next()).map(String::from).collect()
}

#[test]
fn the_default_build_has_nothing_broken_in_it() {
    for package in ["ssh-core", "ssh-blocking", "ssh-async"] {
        let default = crates(package, &[]);
        assert!(default.contains("sha2"), "{package}: {default:?}");
        let found: Vec<_> = BROKEN.iter().filter(|broken| default.contains(**broken)).collect();
        assert!(found.is_empty(), "{package}: {found:?}");
        let legacy = crates(package, &["--features", "legacy"]);
        assert!(BROKEN.iter().all(|broken| legacy.contains(*broken)), "{package}: {legacy:?}");
    }
}
