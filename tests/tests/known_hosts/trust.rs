//! By the same files and options, `ssh` and we trust the same servers and write the same lines.

use ssh_interop_tests::peer::openssh::{KeyType, Sshd, keygen};
use ssh_interop_tests::peer::require_all;
use ssh_interop_tests::temp_dir;

use crate::scene::{MODES, NAMES, Scene, installed_ssh, key_words};

/// The user's first and second file, the system's file, and more options. `K` is the server's key, `O` another one of its
/// type, `N` is the name that the server is known by, `REVOKED(O)` a file with the key `O`.
const FILES: &[(&str, &str, &str, &[&str])] = &[
    ("", "", "", &[]),
    ("N K\n", "", "", &[]),
    ("N O\n", "", "", &[]),
    ("N O\nN K\n", "", "", &[]),
    ("", "N K\n", "", &[]),
    ("", "", "N K\n", &[]),
    ("N O\n", "N K\n", "", &[]),
    ("N O\n", "", "N K\n", &[]),
    ("", "N O\n", "", &[]),
    ("", "", "N O\n", &[]),
    ("other K\n", "", "", &[]),
    ("* K\n", "", "", &[]),
    ("*,!N K\n", "", "", &[]),
    ("*,!N O\nN K\n", "", "", &[]),
    ("NN,N,x K comment\n", "", "", &[]),
    ("@revoked N K\nN K\n", "", "", &[]),
    ("N K\n", "@revoked * K\n", "", &[]),
    ("N K\n", "", "@revoked * K\n", &[]),
    ("@revoked N O\nN K\n", "", "", &[]),
    ("@revoked other K\nN K\n", "", "", &[]),
    ("@cert-authority N K\n", "", "", &[]),
    ("@cert-authority N K\nN O\n", "", "", &[]),
    ("@other N O\nN K\n", "", "", &[]),
    ("no sense\nN\nN ssh-ed25519 AAAA\n\n# N O\nN K\n", "", "", &[]),
    ("no sense\n", "", "", &[]),
    ("# unfinished", "", "", &[]),
    ("", "", "", &["HashKnownHosts yes"]),
    ("other K\n", "", "", &["HashKnownHosts yes"]),
    ("N K\n", "", "", &["RevokedHostKeys REVOKED(O)"]),
    ("N K\n", "", "", &["RevokedHostKeys REVOKED(K)"]),
    ("", "", "", &["RevokedHostKeys REVOKED(K)"]),
    ("N K\n", "", "", &["RevokedHostKeys KRL(K)"]),
    ("N K\n", "", "", &["RevokedHostKeys KRL(O)"]),
    ("N K\n", "", "", &["RevokedHostKeys /nonexistent"]),
    ("N K\n", "", "", &["CheckHostIP yes"]),
    ("", "", "", &["CheckHostIP yes"]),
];

/// Where we differ from `ssh` on purpose: the three files and the modes.
const DELIBERATE: &[([&str; 3], &[&str])] = &[
    // At a port other than 22 ssh also takes the key of the host without a port.
    (["*,!N K\n", "", ""], &MODES),
    // ssh accepts a revoked key with a warning.
    (["@revoked N K\nN K\n", "", ""], &["no"]),
    (["N K\n", "@revoked * K\n", ""], &["no"]),
    (["N K\n", "", "@revoked * K\n"], &["no"]),
    // ssh glues its line to what was there.
    (["# unfinished", "", ""], &["accept-new", "no"]),
];

#[test]
fn the_same_servers_are_trusted() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, directory) = (Sshd::builder().start(), temp_dir());
    let other = keygen(directory.path(), "other", KeyType::Ed25519, "");
    let keys = [("K", key_words(&sshd.host_keys()[0])), ("O", key_words(&other))];
    let (mut differences, mut deliberate) = (Vec::new(), Vec::new());
    for (alias, modes) in NAMES {
        let scene = Scene { directory: directory.path(), sshd: &sshd, ssh: installed_ssh, alias, keys: &keys };
        for ((first, second, global, options), mode) in
            FILES.iter().flat_map(|row| modes.iter().map(move |mode| (row, mode)))
        {
            let files = [*first, *second, *global];
            let Some(difference) = scene.difference(mode, files, options) else { continue };
            if DELIBERATE.iter().any(|(known, modes)| *known == files && modes.contains(mode)) {
                deliberate.push((files, *mode));
            } else {
                differences.push(difference);
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    for (files, mode) in DELIBERATE.iter().flat_map(|(files, modes)| modes.iter().map(move |mode| (files, mode))) {
        assert!(deliberate.contains(&(*files, *mode)), "{files:?} {mode}: no difference any more");
    }
}
