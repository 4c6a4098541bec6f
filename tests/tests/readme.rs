//! The README is true: its table equals the code, and its first command does what it says.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use ssh_core::crypto::{Algorithms, Named};
use ssh_interop_tests::{DEADLINE, our_binary, run_with_timeout};

const BEGIN: &str = "<!-- algorithms:begin -->\n";
const END: &str = "<!-- algorithms:end -->\n";

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"))
}

fn names<T: Named>(list: &[T]) -> String {
    list.iter().map(|each| format!("`{}`", each.name())).collect::<Vec<_>>().join(", ")
}

fn table() -> String {
    let all = Algorithms::default();
    let mut text = String::from("\n| kind | algorithms |\n|---|---|\n");
    for (kind, list) in [
        ("key exchange", names(&all.kex)),
        ("host keys", names(&all.host_key)),
        ("user keys", names(&all.public_key)),
        ("ciphers", names(&all.ciphers)),
        ("MACs", names(&all.macs)),
        ("compression", names(&all.compression)),
    ] {
        let _ = writeln!(text, "| {kind} | {list} |");
    }
    text.push('\n');
    text
}

/// Run with `UPDATE_README=1` to write the table.
#[test]
fn the_algorithm_table_equals_the_code() {
    let text = std::fs::read_to_string(path()).expect("the README is there");
    let (before, rest) = text.split_once(BEGIN).expect("the table has a beginning");
    let (found, after) = rest.split_once(END).expect("the table has an end");
    let expected = table();
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path(), [before, BEGIN, &expected, END, after].concat()).expect("the README can be written");
        return;
    }
    assert_eq!(found, expected, "the table is stale; UPDATE_README=1 cargo test -p ssh-interop-tests --test readme");
}

#[test]
fn the_first_command() {
    let mut quickstart = Command::new(our_binary("quickstart"));
    quickstart.arg("echo hello; echo oops >&2; exit 7");
    let output = run_with_timeout(quickstart, b"", DEADLINE);
    assert_eq!(output.code(), Some(7), "{output}");
    assert_eq!(output.stdout, b"hello\n", "{output}");
    let text = output.stderr_text();
    for line in ["oops", "key exchange", "host key", "cipher", "logged in", "exit status   7"] {
        assert!(text.contains(line), "{line:?} is missing: {output}");
    }
}
