//! `ssh -Q` prints everything that is built in.

use std::collections::BTreeSet;
use std::process::Command;

use ssh_interop_tests::{DEADLINE, our_binary, run_with_timeout};

const KEX: &str = "mlkem768x25519-sha256 mlkem768nistp256-sha256 mlkem1024nistp384-sha384 sntrup761x25519-sha512 \
    sntrup761x25519-sha512@openssh.com curve25519-sha256 curve25519-sha256@libssh.org ecdh-sha2-nistp256 \
    ecdh-sha2-nistp384 ecdh-sha2-nistp521 diffie-hellman-group14-sha256 diffie-hellman-group15-sha512 \
    diffie-hellman-group16-sha512 diffie-hellman-group17-sha512 diffie-hellman-group18-sha512 \
    diffie-hellman-group-exchange-sha256 diffie-hellman-group1-sha1 diffie-hellman-group14-sha1 \
    diffie-hellman-group-exchange-sha1";
const CIPHERS: &str = "chacha20-poly1305@openssh.com aes128-gcm@openssh.com aes256-gcm@openssh.com aes128-ctr aes192-ctr \
    aes256-ctr aes128-cbc aes192-cbc aes256-cbc rijndael-cbc@lysator.liu.se 3des-cbc blowfish-cbc cast128-cbc arcfour \
    arcfour128 arcfour256";
const MACS: &str = "hmac-sha2-256 hmac-sha2-512 hmac-sha1 hmac-md5 hmac-sha1-96 hmac-md5-96 umac-64@openssh.com \
    umac-128@openssh.com hmac-sha2-256-etm@openssh.com hmac-sha2-512-etm@openssh.com hmac-sha1-etm@openssh.com \
    hmac-md5-etm@openssh.com hmac-sha1-96-etm@openssh.com hmac-md5-96-etm@openssh.com umac-64-etm@openssh.com \
    umac-128-etm@openssh.com";
const KEYS: &str = "ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 ssh-rsa ssh-dss \
    sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com ssh-mldsa44-ed25519 ssh-mldsa44-ed25519@openssh.com \
    ssh-ed25519-cert-v01@openssh.com ecdsa-sha2-nistp256-cert-v01@openssh.com \
    ecdsa-sha2-nistp384-cert-v01@openssh.com ecdsa-sha2-nistp521-cert-v01@openssh.com ssh-rsa-cert-v01@openssh.com \
    ssh-dss-cert-v01@openssh.com sk-ssh-ed25519-cert-v01@openssh.com sk-ecdsa-sha2-nistp256-cert-v01@openssh.com \
    ssh-mldsa44-ed25519-cert ssh-mldsa44-ed25519-cert-v01@openssh.com";
/// Beside those that are named as their keys.
const SIGNATURES: &str = "rsa-sha2-256 rsa-sha2-512 webauthn-sk-ecdsa-sha2-nistp256@openssh.com \
    rsa-sha2-256-cert-v01@openssh.com rsa-sha2-512-cert-v01@openssh.com \
    webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com";
const COMPRESSION: &str = "none zlib zlib@openssh.com";

#[test]
fn every_name_is_printed_once() {
    let signatures = format!("{KEYS} {SIGNATURES}");
    for (kind, names) in [
        ("kex", KEX),
        ("cipher", CIPHERS),
        ("mac", MACS),
        ("key", KEYS),
        ("sig", &signatures),
        ("compression", COMPRESSION),
    ] {
        let mut ssh = Command::new(our_binary("ssh"));
        ssh.args(["-Q", kind]);
        let output = run_with_timeout(ssh, b"", DEADLINE).expect_success().stdout_text();
        let printed: Vec<_> = output.lines().collect();
        let expected: BTreeSet<_> = names.split_whitespace().collect();
        assert_eq!(printed.iter().copied().collect::<BTreeSet<_>>(), expected, "-Q {kind}");
        assert_eq!(printed.len(), expected.len(), "-Q {kind}");
    }
}
