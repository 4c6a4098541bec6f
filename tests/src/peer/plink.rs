//! PuTTY: the client `plink`, keys by `puttygen`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{command, prepare, write_private};

/// Converts a private key to PuTTY's format, without passphrase: from OpenSSH's, or any other that `puttygen` reads.
#[track_caller]
pub fn convert_key(openssh: &Path, output: &Path) -> PathBuf {
    let mut puttygen = command("puttygen");
    puttygen.arg(openssh).args(["-O", "private", "-o"]).arg(output);
    prepare(puttygen);
    output.to_owned()
}

/// The real `plink`, not yet with a user and a command, pointed at a port of 127.0.0.1.
///
/// `home` is a directory for it alone. `fingerprint` is the host key's, `SHA256:…`; `identity` a key from
/// [`convert_key`], or `None` to use `-pwfile`. `settings` are lines of a PuTTY session, such as `("RekeyBytes", "1M")`,
/// `("Compression", "1")` and what [`kex`], [`cipher`] and [`host_key`] return.
///
/// Next arguments: `-l`, the user, `127.0.0.1`, the command. See [`arguments`].
pub fn plink_command(
    port: u16,
    identity: Option<&Path>,
    fingerprint: &str,
    home: &Path,
    settings: &[(&str, String)],
) -> Command {
    let mut plink = command("plink");
    if !settings.is_empty() {
        let sessions = home.join(".putty/sessions");
        fs::create_dir_all(&sessions).expect("a directory in the temporary directory can be made");
        let lines: String = settings.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        write_private(&sessions.join("interop"), &lines);
        plink.args(["-load", "interop"]);
    }
    // It prefers XDG's directory to the one in HOME, if there is one.
    plink.env("HOME", home).env_remove("XDG_CONFIG_HOME").env_remove("SSH_AUTH_SOCK");
    plink.args(["-batch", "-ssh", "-noagent", "-P", &port.to_string(), "-hostkey", fingerprint]);
    if let Some(identity) = identity {
        plink.arg("-i").arg(identity);
    }
    plink
}

/// The rest of the arguments: who logs in at 127.0.0.1 and runs what.
pub fn arguments<'a>(user: &'a str, remote_command: &'a str) -> [&'a str; 4] {
    ["-l", user, "127.0.0.1", remote_command]
}

/// The setting that allows one kind of key exchange: `ecdh`, `ntru-curve25519`, `dh-gex-sha1` (any hash),
/// `dh-group14-sha1` (any hash), and in newer versions `mlkem-curve25519`.
pub fn kex(name: &str) -> (&'static str, String) {
    const ALL: &[&str] = &[
        "mlkem-curve25519",
        "mlkem-nist",
        "ntru-curve25519",
        "ecdh",
        "dh-gex-sha1",
        "dh-group18-sha512",
        "dh-group17-sha512",
        "dh-group16-sha512",
        "dh-group15-sha512",
        "dh-group14-sha1",
        "dh-group1-sha1",
        "rsa",
    ];
    ("KEX", only(name, ALL))
}

/// The setting that allows one kind of cipher: `aes` (CTR and CBC), `aesgcm`, `chacha20`, `3des`.
pub fn cipher(name: &str) -> (&'static str, String) {
    ("Cipher", only(name, &["aesgcm", "chacha20", "aes", "3des", "blowfish", "arcfour", "des"]))
}

/// The setting that allows one kind of host key: `ed25519`, `ecdsa`, `rsa`, `ed448`, `dsa`.
pub fn host_key(name: &str) -> (&'static str, String) {
    ("HostKey", only(name, &["ed448", "ed25519", "ecdsa", "rsa", "dsa"]))
}

/// A list in which all but one name come after `WARN`, which in batch mode means: break off. PuTTY puts names that are
/// left out where it likes, so all are named; those it does not know it ignores.
fn only(name: &str, all: &[&str]) -> String {
    let mut list = format!("{name},WARN");
    for other in all.iter().filter(|other| **other != name) {
        list += &format!(",{other}");
    }
    list
}
