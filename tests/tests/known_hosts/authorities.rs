//! By the same lines about authorities, `ssh` and we trust the same certificates of hosts, and write the same lines.

use std::process::Command;

use ssh_interop_tests::peer::openssh::{KeyPair, KeyType, Sshd, keygen};
use ssh_interop_tests::peer::{command, newer_openssh, require_all};
use ssh_interop_tests::{DEADLINE, run_with_timeout, temp_dir};

use crate::scene::{MODES, NAMES, Scene, installed_ssh, key_words};

/// The server's certificate, by what `ssh-keygen` was told; the user's first and second file; more options.
/// `K` is the server's key, `O` another one of its type, `A` is the authority, `R` is that of [`BY_RSA`] and [`BY_SHA1`],
/// `B` is another. `N` is the name that the server is known by, `HASHED` the same hashed, `BARE` the same without the port.
type Row = (&'static [&'static str], &'static str, &'static str, &'static [&'static str]);

const GOOD: &[&str] = &["-h", "-n", "elsewhere,127.0.0.1,alias"];
const BY_RSA: &[&str] = &["-h", "-n", "127.0.0.1,alias", "-t", "rsa-sha2-512"];
const BY_SHA1: &[&str] = &["-h", "-n", "127.0.0.1,alias", "-t", "ssh-rsa"];
const FOR_NOBODY: &[&str] = &["-h"];
const FOR_PATTERNS: &[&str] = &["-h", "-n", "127.*,al?as"];
const FOR_OTHER_PATTERNS: &[&str] = &["-h", "-n", "127.*.2,al?a"];
const FOR_ANOTHER: &[&str] = &["-h", "-n", "elsewhere"];
const EXPIRED: &[&str] = &["-h", "-n", "127.0.0.1,alias", "-V", "-2h:-1h"];
const NOT_YET_VALID: &[&str] = &["-h", "-n", "127.0.0.1,alias", "-V", "+1h:+2h"];
const OF_A_USER: &[&str] = &["-n", "127.0.0.1,alias"];
const WITH_A_CRITICAL_OPTION: &[&str] = &["-h", "-n", "127.0.0.1,alias", "-O", "critical:x@example.com=1"];

const ROWS: &[Row] = &[
    (GOOD, "@cert-authority N A\n", "", &[]),
    (GOOD, "@cert-authority BARE A\n", "", &[]),
    (GOOD, "@cert-authority * A\n", "", &[]),
    (GOOD, "@cert-authority [127.0.0.?]:*,al* A\n", "", &[]),
    (GOOD, "@cert-authority 127.0.0.? A\n", "", &[]),
    (GOOD, "@cert-authority *,!N A\n", "", &[]),
    (GOOD, "@cert-authority other,elsewhere A\n", "", &[]),
    (GOOD, "@cert-authority HASHED A\n", "", &[]),
    (GOOD, "@cert-authority N B\n", "", &[]),
    (GOOD, "@cert-authority N B\n@cert-authority N A\n", "", &[]),
    (GOOD, "", "@cert-authority N A\n", &[]),
    (GOOD, "@cert-authority N K\n", "", &[]),
    (GOOD, "@cert-authority\n@cert-authority N\n@cert-authority N ssh-ed25519 AAAA\n", "@cert-authority N A me\n", &[]),
    // Revoked.
    (GOOD, "@revoked N A\n@cert-authority N A\n", "", &[]),
    (GOOD, "@cert-authority N A\n", "@revoked * A\n", &[]),
    (GOOD, "@revoked other A\n@cert-authority N A\n", "", &[]),
    (GOOD, "@revoked HASHED A\n@cert-authority N A\n", "", &[]),
    (GOOD, "@revoked N K\n@cert-authority N A\n", "", &[]),
    (GOOD, "@revoked N K\n", "", &[]),
    (GOOD, "@revoked N A\nN K\n", "", &[]),
    (GOOD, "@revoked N B\n@cert-authority N A\n", "", &[]),
    (GOOD, "@cert-authority N A\n", "", &["RevokedHostKeys REVOKED(A)"]),
    (GOOD, "@cert-authority N A\n", "", &["RevokedHostKeys REVOKED(K)"]),
    (GOOD, "@cert-authority N A\n", "", &["RevokedHostKeys KRL(A)"]),
    (GOOD, "@cert-authority N A\n", "", &["RevokedHostKeys KRL(K)"]),
    (GOOD, "@cert-authority N A\n", "", &["RevokedHostKeys KRL(O)"]),
    // By the key alone.
    (GOOD, "", "", &[]),
    (GOOD, "", "", &["HashKnownHosts yes"]),
    (GOOD, "N K\n", "", &[]),
    (GOOD, "N O\n", "", &[]),
    (GOOD, "N A\n", "", &[]),
    (GOOD, "@cert-authority N A\n", "", &["HostKeyAlgorithms ssh-ed25519"]),
    (GOOD, "", "", &["HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com"]),
    (GOOD, "@cert-authority N A\n", "", &["CASignatureAlgorithms ecdsa-sha2-nistp256"]),
    (GOOD, "@cert-authority N A\nN K\n", "", &["CASignatureAlgorithms ecdsa-sha2-nistp256"]),
    (GOOD, "@cert-authority N A\nN O\n", "", &["CASignatureAlgorithms ecdsa-sha2-nistp256"]),
    (GOOD, "@cert-authority N A\n", "", &["CASignatureAlgorithms -ssh-ed25519"]),
    (GOOD, "@cert-authority N A\n", "", &["CASignatureAlgorithms ssh-ed25519"]),
    // Both.
    (GOOD, "@cert-authority N A\nN K\n", "", &[]),
    (GOOD, "N O\n@cert-authority N A\n", "", &[]),
    (GOOD, "@cert-authority N A\n", "N O\n", &[]),
    (GOOD, "@cert-authority N B\nN K\n", "", &[]),
    (GOOD, "@cert-authority N B\nN O\n", "", &[]),
    (GOOD, "@cert-authority N A\n", "", &["CheckHostIP yes"]),
    (BY_RSA, "@cert-authority N R\n", "", &[]),
    (BY_SHA1, "@cert-authority N R\n", "", &[]),
    (BY_SHA1, "@cert-authority N R\nN K\n", "", &[]),
    // Not good.
    (FOR_ANOTHER, "@cert-authority N A\n", "", &[]),
    (FOR_ANOTHER, "@cert-authority N A\nN K\n", "", &[]),
    (FOR_ANOTHER, "@cert-authority N A\nN O\n", "", &[]),
    (FOR_ANOTHER, "N K\n", "", &[]),
    (EXPIRED, "@cert-authority N A\n", "", &[]),
    (EXPIRED, "@cert-authority N A\n", "N K\n", &[]),
    (EXPIRED, "@cert-authority N A\nN O\n", "", &[]),
    (EXPIRED, "", "", &[]),
    (NOT_YET_VALID, "@cert-authority N A\n", "", &[]),
    (NOT_YET_VALID, "@cert-authority N A\nN K\n", "", &[]),
    (OF_A_USER, "@cert-authority N A\n", "", &[]),
    (OF_A_USER, "@cert-authority N A\nN K\n", "", &[]),
    (OF_A_USER, "", "", &[]),
    (WITH_A_CRITICAL_OPTION, "@cert-authority N A\n", "", &[]),
];

/// What OpenSSH 10.3 decides otherwise than those before it.
const NEWER_ROWS: &[Row] = &[
    (GOOD, "@cert-authority N A\n", "", &[]),
    (FOR_NOBODY, "@cert-authority N A\n", "", &[]),
    (FOR_NOBODY, "@cert-authority N A\n", "N K\n", &[]),
    (FOR_PATTERNS, "@cert-authority N A\n", "", &[]),
    (FOR_OTHER_PATTERNS, "@cert-authority N A\n", "", &[]),
];

const REMEMBERING: [&str; 2] = ["accept-new", "no"];

/// Where we differ from `ssh` on purpose: certificate, files, and the modes.
const DELIBERATE: &[(&[&str], [&str; 2], &[&str])] = &[
    // At a port other than 22 ssh also takes the authority of the host without a port.
    (GOOD, ["@cert-authority BARE A\n", ""], &MODES),
    (GOOD, ["@cert-authority 127.0.0.? A\n", ""], &MODES),
    (GOOD, ["@cert-authority *,!N A\n", ""], &MODES),
    // ssh accepts what is revoked with a warning.
    (GOOD, ["@revoked N A\n@cert-authority N A\n", ""], &["no"]),
    (GOOD, ["@cert-authority N A\n", "@revoked * A\n"], &["no"]),
    (GOOD, ["@revoked HASHED A\n@cert-authority N A\n", ""], &["no"]),
    (GOOD, ["@revoked N K\n@cert-authority N A\n", ""], &["no"]),
    (GOOD, ["@revoked N K\n", ""], &["no"]),
    (GOOD, ["@revoked N A\nN K\n", ""], &["no"]),
    // A certificate of a trusted authority that is not good is to ssh as if there were none.
    (FOR_ANOTHER, ["@cert-authority N A\n", ""], &REMEMBERING),
    (FOR_ANOTHER, ["@cert-authority N A\nN O\n", ""], &["no"]),
    (EXPIRED, ["@cert-authority N A\n", ""], &REMEMBERING),
    (EXPIRED, ["@cert-authority N A\nN O\n", ""], &["no"]),
    (NOT_YET_VALID, ["@cert-authority N A\n", ""], &REMEMBERING),
    (OF_A_USER, ["@cert-authority N A\n", ""], &REMEMBERING),
    (WITH_A_CRITICAL_OPTION, ["@cert-authority N A\n", ""], &REMEMBERING),
    // What is signed with SHA-1 we do not even look into.
    (BY_SHA1, ["@cert-authority N R\n", ""], &REMEMBERING),
    (BY_SHA1, ["@cert-authority N R\nN K\n", ""], &MODES),
];

/// The same where OpenSSH is newer.
const NEWER_DELIBERATE: &[(&[&str], [&str; 2], &[&str])] = &[
    (FOR_NOBODY, ["@cert-authority N A\n", ""], &REMEMBERING),
    (FOR_OTHER_PATTERNS, ["@cert-authority N A\n", ""], &REMEMBERING),
];

/// A server that shows its key by this certificate.
fn certified(host: &KeyPair, authority: &KeyPair, arguments: &[&str]) -> Sshd {
    let mut keygen = command("ssh-keygen");
    keygen.args(["-q", "-I", "id", "-s"]).arg(&authority.private).args(arguments).arg(&host.public);
    run_with_timeout(keygen, b"", DEADLINE).expect_success();
    let key = host.private.display();
    Sshd::builder().line(&format!("HostKey {key}")).line(&format!("HostCertificate {key}-cert.pub")).start()
}

/// Every row in every mode by every name; every deliberate difference has to be one.
fn compare(ssh: fn() -> Command, rows: &[Row], deliberate: &[(&[&str], [&str; 2], &[&str])]) {
    let directory = temp_dir();
    let [host, other, authority, another] =
        ["host", "other", "authority", "another"].map(|name| keygen(directory.path(), name, KeyType::Ed25519, ""));
    let rsa = keygen(directory.path(), "rsa", KeyType::Rsa(2048), "");
    let letters = [("K", &host), ("O", &other), ("A", &authority), ("B", &another), ("R", &rsa)];
    let keys = letters.map(|(letter, key)| (letter, key_words(key)));
    let (mut differences, mut meant) = (Vec::new(), Vec::new());
    for rows in rows.chunk_by(|one, next| one.0 == next.0) {
        let certificate = rows[0].0;
        let sshd = certified(&host, if certificate.contains(&"-t") { &rsa } else { &authority }, certificate);
        for (alias, modes) in NAMES {
            let scene = Scene { directory: directory.path(), sshd: &sshd, ssh, alias, keys: &keys };
            for ((_, first, second, options), mode) in
                rows.iter().flat_map(|row| modes.iter().map(move |mode| (row, mode)))
            {
                let Some(difference) = scene.difference(mode, [first, second, ""], options) else { continue };
                let case = (certificate, [*first, *second]);
                match deliberate.iter().find(|known| (known.0, known.1) == case && known.2.contains(mode)) {
                    Some(_) => meant.push((case, *mode)),
                    None => differences.push(format!("{certificate:?} {difference}")),
                }
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    for (certificate, files, modes) in deliberate {
        for mode in *modes {
            assert!(meant.contains(&((certificate, *files), mode)), "{certificate:?} {files:?} {mode}: no difference");
        }
    }
}

#[test]
fn the_same_certificates_are_trusted() {
    if require_all(&["sshd", "ssh", "ssh-keygen"]) {
        compare(installed_ssh, ROWS, DELIBERATE);
    }
}

#[test]
fn the_same_principals_are_trusted() {
    if newer_openssh::directory().is_some() && require_all(&["sshd", "ssh-keygen"]) {
        compare(|| newer_openssh::command("ssh"), NEWER_ROWS, NEWER_DELIBERATE);
    }
}
