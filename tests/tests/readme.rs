//! The README is true: its first command does what it says. Its table of algorithms is `every_algorithm`'s.

use std::process::Command;

use ssh_interop_tests::{DEADLINE, our_binary, run_with_timeout};

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
