//! The example programs of this workspace, for peers to talk to.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::process::run_with_timeout;

/// The packages whose examples the peers meet. Cargo builds them together, so the features of each count for all.
const PACKAGES: [&str; 3] = ["ssh-async", "ssh-blocking", "ssh-core"];

/// The path of an example program (`ssh`, `sshd_async`, `mio_client` ..), built at the first call in the process.
///
/// The build goes to the target directory and profile this test itself was built in. With `SSH_INTEROP_PREBUILT=1`
/// nothing is built: `cargo build --workspace --examples` has done it.
pub fn our_binary(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let profile_directory = profile_directory();
        if std::env::var_os("SSH_INTEROP_PREBUILT").is_none_or(|value| value != "1") {
            build(&profile_directory);
        }
        profile_directory.join("examples")
    });
    let path = directory.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.is_file(), "there is no example {name}: {} is missing", path.display());
    path
}

/// `target/debug` of `target/debug/deps/this-test`.
fn profile_directory() -> PathBuf {
    let executable = std::env::current_exe().expect("a test knows its own path");
    let directory = executable.parent().expect("an executable is in a directory");
    if directory.ends_with("deps") { directory.parent().expect("deps is in a directory") } else { directory }.to_owned()
}

fn build(profile_directory: &Path) {
    let target = profile_directory.parent().expect("the profile's directory is in the target directory");
    // The development profile is the one whose directory has another name.
    let profile = match profile_directory.file_name().and_then(|name| name.to_str()).expect("cargo's names are plain") {
        "debug" => "dev",
        other => other,
    };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--examples", "--profile", profile, "--target-dir"]).arg(target);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace"));
    run_with_timeout(cargo, b"", Duration::from_secs(900)).expect_success();
}
