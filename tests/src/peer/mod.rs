//! The peers, and what to do when one is not installed.

pub mod account;
pub mod asyncssh;
pub mod audit;
pub mod dropbear;
pub mod newer_openssh;
pub mod openssh;
pub mod ours;
pub mod plink;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::process::run_with_timeout;

/// Tools by name with the Debian package they come in.
const PACKAGES: &[(&str, &str)] = &[
    ("ssh", "openssh-client"),
    ("ssh-add", "openssh-client"),
    ("ssh-agent", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("ssh-keyscan", "openssh-client"),
    ("scp", "openssh-client"),
    ("sftp", "openssh-client"),
    ("sshd", "openssh-server"),
    ("dropbear", "dropbear-bin"),
    ("dropbearkey", "dropbear-bin"),
    ("dropbearconvert", "dropbear-bin"),
    ("dbclient", "dropbear-bin"),
    ("plink", "putty-tools"),
    ("psftp", "putty-tools"),
    ("puttygen", "putty-tools"),
    ("nss_wrapper", "libnss-wrapper"),
    ("openssl", "openssl"),
    ("tmux", "tmux"),
    ("socat", "socat"),
    ("ps", "procps"),
    ("ss", "iproute2"),
];

/// May the test go on? True if the tool is installed.
///
/// If not: with `SSH_INTEROP_REQUIRE=1`, which `tests/run` sets, a panic; else a line on standard error, past the test
/// runner's capture, and false, on which the test returns. The names are those of programs, and `nss_wrapper`,
/// `asyncssh` and `ssh-audit`.
#[track_caller]
pub fn require(tool: &str) -> bool {
    let found = match tool {
        "asyncssh" => asyncssh::python().is_some(),
        "ssh-audit" => audit::python().is_some(),
        "nss_wrapper" => account::wrapper().is_some(),
        _ => find(tool).is_some(),
    };
    if !found {
        not_run(tool);
    }
    found
}

/// [`require`] for several tools.
#[track_caller]
pub fn require_all(tools: &[&str]) -> bool {
    tools.iter().all(|tool| require(tool))
}

#[track_caller]
fn not_run(tool: &str) {
    let install = if ["asyncssh", "ssh-audit"].contains(&tool) {
        format!("pip install {tool} in a virtual environment, SSH_INTEROP_PYTHON=its python")
    } else {
        let package = PACKAGES.iter().find(|(name, _)| *name == tool).map_or(tool, |(_, package)| *package);
        format!("apt-get install {package}")
    };
    let thread = std::thread::current();
    let line = format!("NOT RUN: {}: needs {tool} (install: {install})\n", thread.name().unwrap_or("a test"));
    assert!(std::env::var_os("SSH_INTEROP_REQUIRE").is_none_or(|value| value != "1"), "{line}");
    say(&line);
}

/// A test, or a part of it, was not run because the system lacks what no package can bring: says so past the test
/// runner's capture. It is no failure, `SSH_INTEROP_REQUIRE` or not.
pub fn say_not_run(why: &str) {
    let thread = std::thread::current();
    say(&format!("NOT RUN: {}: {why}\n", thread.name().unwrap_or("a test")));
}

fn say(line: &str) {
    // Not eprint: that one is captured, and shown only if the test fails.
    drop(std::io::stderr().write_all(line.as_bytes()));
}

/// The absolute path of a program, looked for in `PATH` and where daemons are.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let daemons = ["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(daemons).map(|directory| directory.join(program)).find(|file| file.is_file())
}

/// The interpreter that `SSH_INTEROP_PYTHON` names, if it can import this module.
fn python_with(module: &str) -> Option<PathBuf> {
    let python = PathBuf::from(std::env::var_os("SSH_INTEROP_PYTHON")?);
    let mut import = Command::new(&python);
    import.args(["-c", &format!("import {module}")]);
    (python.is_file() && run_with_timeout(import, b"", crate::DEADLINE).success()).then_some(python)
}

/// The command of a program that [`require`] has found.
#[track_caller]
pub fn command(program: &str) -> Command {
    Command::new(find(program).unwrap_or_else(|| panic!("{program} is not installed")))
}

/// Runs a command of the preparations, such as making a key, and returns what it printed; panics if it fails.
#[track_caller]
pub(crate) fn prepare(command: Command) -> String {
    run_with_timeout(command, b"", Duration::from_secs(60)).expect_success().stdout_text()
}

/// The name of the user who runs the tests, and so the only one that peers can log in.
pub fn user_name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| id("-un"))
}

/// Is that user root?
pub(crate) fn is_root() -> bool {
    id("-u") == "0"
}

/// One line of the `id` program.
pub(crate) fn id(option: &str) -> String {
    let mut command = Command::new("id");
    command.arg(option);
    prepare(command).trim().to_owned()
}

/// Creates a file with this text, readable by its owner only.
#[track_caller]
pub(crate) fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).expect("a file in the temporary directory can be made");
    file.write_all(text.as_bytes()).expect("a file in the temporary directory can be written");
}
