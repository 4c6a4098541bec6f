//! The example `keygen` finds, forgets and hashes hosts as `ssh-keygen` does.

use std::fs;
use std::path::Path;
use std::process::Command;

use ssh_interop_tests::peer::openssh::{KeyType, keygen};
use ssh_interop_tests::peer::{command, newer_openssh, require_all};
use ssh_interop_tests::slips::Random;
use ssh_interop_tests::{DEADLINE, Output, our_binary, run_with_timeout, temp_dir};

/// Lines, in which `A` and `B` are keys and `H(name)` is a name that was hashed by `ssh-keygen`; then names to look for.
const FILES: &[(&str, &[&str])] = &[
    ("", &["host"]),
    ("host A\n", &["host", "HOST", "hos", "host.", "[host]:22", "[host]:2222", "host,x", "*"]),
    ("Host A comment of it\n", &["host", "Host"]),
    ("host,10.0.0.1 A\nhost B\n", &["host", "10.0.0.1", "10.0.0.2"]),
    ("# host\n\n  # host A\nhost A\n", &["host", "#"]),
    ("  host A\n\thost\tB\n", &["host"]),
    ("host A", &["host", "other"]),
    ("host A\r\nother B\r\n", &["host", "other"]),
    ("[host]:2222 A\nhost B\n", &["host", "[host]:2222", "[HOST]:2222", "[host]:22"]),
    ("[fe80::1]:2222,fe80::1 A\n", &["fe80::1", "[fe80::1]:2222", "[fe80::1]"]),
    ("*.org A\nh?st B\n", &["a.org", "org", "a.b.ORG", "host", "hoost", "*.org"]),
    ("*.org,!bad.org A\n", &["a.org", "bad.org", "!bad.org"]),
    ("!bad.org,*.org A\nbad.org B\n", &["bad.org", "a.org"]),
    ("!host A\n", &["host", "other"]),
    ("H(host) A comment\nH(other) B\n", &["host", "other", "third"]),
    ("H([host]:2222) A\nhost B\n", &["[host]:2222", "host"]),
    ("host A\nH(host) B\nh* A\n", &["host", "h"]),
    ("@revoked host A\nhost B\n", &["host"]),
    ("@cert-authority *.org A\nx.org B\n", &["x.org", "y.org"]),
    ("@revoked * A\n@cert-authority host B\n", &["host", "other"]),
    ("@other host A\nhost B\n", &["host"]),
    ("@revoked\nhost A\n", &["host"]),
    ("no sense\nhost A\n", &["host", "no"]),
    ("host\n", &["host"]),
    ("host not-a-type AAAA\nhost A\n", &["host"]),
    ("host ssh-ed25519\n", &["host"]),
    ("host ssh-ed25519 # none\n", &["host"]),
    ("host ssh-ed25519 AAAA\nhost A\n", &["host"]),
    ("|1|xx|yy A\nhost B\n", &["host", "xx"]),
    ("|2|xx|yy A\nhost B\n", &["host"]),
    ("host,,other A\n", &["host", "other"]),
    ("host A\nhost A\nhost A\n", &["host"]),
    ("host sk-ssh-ed25519@openssh.com AAAAGnNr me\nhost A\n", &["host"]),
];

/// Names, looked for by options, in a file.
const OPTIONS: &[&[&str]] =
    &[&["-F"], &["-q", "-F"], &["-l", "-F"], &["-l", "-E", "sha512", "-F"], &["-R"], &["-q", "-R"]];

struct Keys {
    a: String,
    b: String,
}

impl Keys {
    fn new(directory: &Path) -> Self {
        let key = |name| {
            let line = keygen(directory, name, KeyType::Ed25519, "").public_line();
            line.split(' ').take(2).collect::<Vec<_>>().join(" ")
        };
        Self { a: key("a"), b: key("b") }
    }

    /// A file as it is in the table, with keys and hashes.
    fn fill(&self, theirs: fn() -> Command, directory: &Path, lines: &str) -> String {
        let keyed = |line: &str| line.replace(" A", &format!(" {}", self.a)).replace(" B", &format!(" {}", self.b));
        let hashed = |line: &str| {
            let Some((name, rest)) = line.strip_prefix("H(").and_then(|line| line.split_once(')')) else {
                return keyed(line);
            };
            let path = directory.join("hashed");
            fs::write(&path, keyed(&format!("{name}{rest}"))).expect("the directory is ours");
            let mut hash = theirs();
            hash.args(["-q", "-H", "-f"]).arg(&path);
            run_with_timeout(hash, b"", DEADLINE).expect_success();
            fs::read_to_string(path).expect("it was written")
        };
        lines.split_inclusive('\n').map(hashed).collect()
    }
}

fn ours() -> Command {
    Command::new(our_binary("keygen"))
}

fn keygens() -> Vec<fn() -> Command> {
    let newer = newer_openssh::directory().map(|_| (|| newer_openssh::command("ssh-keygen")) as fn() -> Command);
    [(|| command("ssh-keygen")) as fn() -> Command].into_iter().chain(newer).collect()
}

/// What a run leaves behind: success, what it printed, the file and the old file. `ssh-keygen` ends every line; a last line
/// without an end keeps its form here.
fn outcome(
    mut keygen: Command,
    options: &[&str],
    directory: &Path,
    text: &str,
) -> (bool, String, String, Option<String>) {
    let (file, old) = (directory.join("file"), directory.join("file.old"));
    fs::write(&file, text).expect("the directory is ours");
    keygen.args(options).args(["-f", "file"]).current_dir(directory);
    let output: Output = run_with_timeout(keygen, b"", DEADLINE);
    let text = fs::read_to_string(&file).expect("it is there");
    let text = if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" };
    let kept = fs::read_to_string(&old).ok();
    if kept.is_some() {
        fs::remove_file(old).expect("it is ours");
    }
    (output.code() == Some(0), output.stdout_text(), text, kept)
}

/// What `ssh-keygen` and we do that is not the same.
fn difference(theirs: fn() -> Command, options: &[&str], directory: &Path, text: &str) -> Option<String> {
    let expected = outcome(theirs(), options, directory, text);
    let got = outcome(ours(), options, directory, text);
    // Where nothing can be done both print only what was found, and ours not even that.
    let refused = !expected.0 && !got.0 && expected.2 == got.2 && options.contains(&"-R");
    (got != expected && !refused).then(|| format!("{options:?}\n  ours   {got:?}\n  theirs {expected:?}"))
}

/// Every name in every file with every option: the same answer, and the same file afterwards.
#[test]
fn hosts_are_found_and_forgotten() {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    let directory = temp_dir();
    let keys = Keys::new(directory.path());
    let mut differences = Vec::new();
    for theirs in keygens() {
        for (lines, names) in FILES {
            let text = keys.fill(theirs, directory.path(), lines);
            for (name, options) in names.iter().flat_map(|name| OPTIONS.iter().map(move |options| (name, options))) {
                let options = [options, &[*name][..]].concat();
                let difference = difference(theirs, &options, directory.path(), &text);
                differences.extend(difference.map(|difference| format!("{lines:?} {difference}")));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Words that get into a file by a slip of the hand.
const WORDS: &[&str] = &["host", "other", "@revoked ", "@cert-authority ", "|1|", "[host]:2222", "ssh-rsa ", "\n"];

/// The same in files that the hand slipped on.
#[test]
fn slips_of_the_hand_change_what_they_change_to_ssh_keygen() {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    let directory = temp_dir();
    let keys = Keys::new(directory.path());
    let mut differences = Vec::new();
    for theirs in keygens() {
        for seed in 0..300 {
            let mut random = Random::new(seed);
            let (lines, names) = random.one(FILES);
            // What cannot be hashed is no name.
            let is_hashed = lines.contains("H(");
            let slipped = if is_hashed { (*lines).into() } else { random.slip(lines, WORDS) };
            let name = if names.is_empty() { "host" } else { random.one(names) };
            let name = if random.below(4) == 0 { random.slip(name, WORDS) } else { name.into() };
            let text = keys.fill(theirs, directory.path(), &slipped);
            let text = if is_hashed { random.slip(&text, WORDS) } else { text };
            // Carriage returns within lines, and what is cut off at the end, OpenSSH reads in ways of its own.
            let text = text.replace('\r', "") + "\n";
            let options = [*random.one(OPTIONS), &[&*name]].concat();
            let difference = difference(theirs, &options, directory.path(), &text);
            differences.extend(difference.map(|difference| format!("{seed}: {slipped:?} {difference}")));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The salts differ, so what is compared is what stays, and where the names are found afterwards.
#[test]
fn names_are_hashed() {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    let directory = temp_dir();
    let keys = Keys::new(directory.path());
    let mut differences = Vec::new();
    for theirs in keygens() {
        for (lines, names) in FILES {
            let text = keys.fill(theirs, directory.path(), lines);
            let expected = outcome(theirs(), &["-H"], directory.path(), &text);
            let got = outcome(ours(), &["-H"], directory.path(), &text);
            let without_salts = |(success, said, text, old): &(bool, String, String, Option<String>)| {
                let salted = |line: &str| {
                    line.strip_prefix("|1|").and_then(|line| line.split_once(' ')).map(|(_, key)| format!("|1| {key}"))
                };
                let text: String = text.split_inclusive('\n').map(|line| salted(line).unwrap_or(line.into())).collect();
                (*success, said.clone(), text, old.clone())
            };
            if without_salts(&got) != without_salts(&expected) {
                differences.push(format!("{lines:?}\n  ours   {got:?}\n  theirs {expected:?}"));
            }
            for name in *names {
                let found = |text: &str| outcome(theirs(), &["-l", "-F", name], directory.path(), text);
                let (ours, theirs) = (found(&got.2), found(&expected.2));
                if (ours.0, &ours.1) != (theirs.0, &theirs.1) {
                    differences.push(format!("{lines:?} {name}\n  ours   {ours:?}\n  theirs {theirs:?}"));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
