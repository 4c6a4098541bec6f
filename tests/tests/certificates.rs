//! Certificates: `ssh-keygen`'s at our server, ours at OpenSSH's, hosts' both ways, and every bad one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use ssh_blocking::ssh_core::UnixTime;
use ssh_blocking::ssh_core::key::{CertificateBuilder, PrivateKey, PublicKeyLine};
use ssh_blocking::ssh_core::random::OsRandom;
use ssh_interop_tests::peer::openssh::{KeyPair, KeyType, Sshd, keygen, ssh_command};
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::{require_all, user_name};
use ssh_interop_tests::{DEADLINE, Output, TempDir, run_with_timeout, temp_dir};

const COMMAND: &str = "echo in";

/// Keys of authorities and users.
struct Office {
    directory: TempDir,
    authority: KeyPair,
}

impl Office {
    fn new() -> Self {
        let directory = temp_dir();
        let authority = keygen(directory.path(), "authority", KeyType::Ed25519, "");
        Self { directory, authority }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn key(&self, name: &str, kind: KeyType) -> KeyPair {
        keygen(self.path(), name, kind, "")
    }

    /// A certificate by `ssh-keygen`, beside the key's file.
    fn certify(&self, key: &KeyPair, authority: &KeyPair, arguments: &[&str]) -> PathBuf {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-I", "id", "-s"]).arg(&authority.private).args(arguments).arg(&key.public);
        run_with_timeout(keygen, b"", DEADLINE).expect_success();
        certificate_path(key)
    }
}

fn certificate_path(key: &KeyPair) -> PathBuf {
    let mut path = key.private.clone().into_os_string();
    path.push("-cert.pub");
    path.into()
}

fn option(keyword: &str, path: &Path) -> String {
    format!("{keyword}={}", path.display())
}

fn run(mut ssh: Command, destination: &str) -> Output {
    ssh.arg(destination).arg(COMMAND);
    run_with_timeout(ssh, b"", DEADLINE)
}

#[track_caller]
fn assert_in(output: &Output, what: &str) {
    assert!(output.success() && output.stdout == b"in\n", "{what}: {output}");
}

ssh_interop_tests::test_each_of_ours!(
    users_of_ssh_keygen_at_our_server,
    bad_users_at_our_server,
    users_of_ours_at_opensshs_server,
    hosts_of_opensshs_server,
    hosts_of_our_server,
);

fn users_of_ssh_keygen_at_our_server(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let office = Office::new();
    let sshd = ours.sshd(&[KeyType::Ed25519], &[&option("TrustedUserCAKeys", &office.authority.public)]);
    for (number, kind) in KeyType::ALL.into_iter().enumerate() {
        let key = office.key(&format!("user{number}"), kind);
        office.certify(&key, &office.authority, &["-n", user_name(), "-V", "-1h:+1h"]);
        let theirs = ssh_command(sshd.port(), &key.private, sshd.known_hosts(), &[]);
        assert_in(&run(theirs, &sshd.destination()), &format!("{kind:?}, OpenSSH's client"));
        let own = ours.ssh_command(sshd.port(), &key.private, sshd.known_hosts(), &[]);
        assert_in(&run(own, &sshd.destination()), &format!("{kind:?}, our client"));
    }
    // An authority of one line of authorized_keys, for another name, with a command and no terminal.
    let (authority, key) = (office.key("other_authority", KeyType::EcdsaP256), office.key("other", KeyType::Ed25519));
    office.certify(&key, &authority, &["-n", "robot", "-O", "force-command=echo forced"]);
    let authorized = office.path().join("authorized_keys");
    let line = format!("cert-authority,principals=\"human,robot\" {}\n", authority.public_line());
    fs::write(&authorized, line).expect("the directory is ours");
    let sshd = ours.sshd(&[KeyType::Ed25519], &[&option("AuthorizedKeysFile", &authorized)]);
    let theirs = ssh_command(sshd.port(), &key.private, sshd.known_hosts(), &[]);
    let output = run(theirs, &sshd.destination());
    assert!(output.success() && output.stdout == b"forced\n", "{output}");
}

fn bad_users_at_our_server(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let office = Office::new();
    let stranger = office.key("stranger", KeyType::Ed25519);
    let revoked = office.path().join("revoked.krl");
    let trusts = option("TrustedUserCAKeys", &office.authority.public);
    let (revokes, plain) = (option("RevokedKeys", &revoked), office.key("plain", KeyType::Ed25519));
    let specification = office.path().join("specification");
    fs::write(&specification, "serial: 7\nid: revoked\n").expect("the directory is ours");
    let mut krl = Command::new("ssh-keygen");
    krl.args(["-q", "-k", "-f"]).arg(&revoked).arg("-s").arg(&office.authority.public).arg(&specification);
    run_with_timeout(krl, b"", DEADLINE).expect_success();
    let nothing = office.path().join("nothing");
    fs::write(&nothing, "").expect("the directory is ours");
    let sshd = ours.sshd(&[KeyType::Ed25519], &[&trusts, &revokes, &option("AuthorizedKeysFile", &nothing)]);
    let name = user_name();
    let cases: &[(&str, &KeyPair, &[&str])] = &[
        ("expired", &office.authority, &["-n", name, "-V", "-2h:-1h"]),
        ("not yet valid", &office.authority, &["-n", name, "-V", "+1h:+2h"]),
        ("another principal", &office.authority, &["-n", "somebody-else"]),
        ("no principal", &office.authority, &[]),
        ("a host's", &office.authority, &["-h", "-n", name]),
        ("unknown authority", &stranger, &["-n", name]),
        ("revoked by number", &office.authority, &["-n", name, "-z", "7"]),
        ("revoked by name", &office.authority, &["-n", name, "-I", "revoked"]),
        ("unknown critical option", &office.authority, &["-n", name, "-O", "critical:x@example.com=1"]),
        ("from elsewhere", &office.authority, &["-n", name, "-O", "source-address=192.0.2.1"]),
        ("to be verified", &office.authority, &["-n", name, "-O", "verify-required"]),
    ];
    for (what, authority, arguments) in cases {
        office.certify(&plain, authority, arguments);
        for client in [
            ssh_command(sshd.port(), &plain.private, sshd.known_hosts(), &[]),
            ours.ssh_command(sshd.port(), &plain.private, sshd.known_hosts(), &[]),
        ] {
            let output = run(client, &sshd.destination());
            let denied = output.stderr_text().to_lowercase().contains("permission denied");
            assert!(!output.success() && denied, "{what}: {output}");
        }
    }
    office.certify(&plain, &office.authority, &["-n", name, "-z", "8", "-O", "source-address=127.0.0.0/8"]);
    let client = ssh_command(sshd.port(), &plain.private, sshd.known_hosts(), &[]);
    assert_in(&run(client, &sshd.destination()), "the good one after them");
}

/// Certificates that we issue, with keys of ssh-keygen, and the server's own judgement of bad ones.
fn users_of_ours_at_opensshs_server(ours: Ours) {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let office = Office::new();
    let trusts = format!("TrustedUserCAKeys {}", office.authority.public.display());
    let sshd = Sshd::builder().line(&trusts).line("MaxAuthTries 20").start();
    let read = |path: &Path| PrivateKey::read(&fs::read(path).expect("it is there"), None).expect("a key");
    let authority = read(&office.authority.private);
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs();
    let around = UnixTime::from_secs(seconds - 3600)..UnixTime::from_secs(seconds + 3600);
    let past = UnixTime::from_secs(seconds - 7200)..UnixTime::from_secs(seconds - 3600);
    for (number, kind) in KeyType::ALL.into_iter().enumerate() {
        let key = office.key(&format!("user{number}"), kind);
        let public = PublicKeyLine::parse(key.public_line().as_bytes()).expect("a key").key;
        let issue = |builder: CertificateBuilder| {
            let certificate = builder.serial(5).sign(&authority, &mut OsRandom).expect("a certificate");
            fs::write(certificate_path(&key), format!("{certificate} ours\n")).expect("the directory is ours");
        };
        let clients = || {
            [
                ssh_command(sshd.port(), &key.private, sshd.known_hosts(), &[]),
                ours.ssh_command(sshd.port(), &key.private, sshd.known_hosts(), &[]),
            ]
        };
        let good = CertificateBuilder::user(&public, "good", around.clone()).principal(user_name());
        issue(good.clone().permit_all().source_address("127.0.0.1/32"));
        for client in clients() {
            assert_in(&run(client, &sshd.destination()), &format!("{kind:?}"));
        }
        issue(good.clone().force_command("echo forced"));
        for client in clients() {
            let output = run(client, &sshd.destination());
            assert!(output.stdout == b"forced\n", "{output}");
        }
        for bad in [
            CertificateBuilder::user(&public, "expired", past.clone()).principal(user_name()),
            CertificateBuilder::user(&public, "another", around.clone()).principal("somebody-else"),
            CertificateBuilder::host(&public, "a host's", around.clone()).principal(user_name()),
            good.critical_option("x@example.com", b""),
        ] {
            issue(bad);
            for client in clients() {
                let output = run(client, &sshd.destination());
                assert!(!output.success() && output.stdout.is_empty(), "{kind:?}: {output}");
            }
        }
    }
}

/// `@cert-authority` lines decide about the certificates of OpenSSH's server.
fn hosts_of_opensshs_server(ours: Ours) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let office = Office::new();
    for (number, kind) in KeyType::ALL.into_iter().enumerate() {
        let key = office.key(&format!("host{number}"), kind);
        office.certify(&key, &office.authority, &["-h", "-n", "127.0.0.1,localhost"]);
        let lines = [
            format!("HostKey {}", key.private.display()),
            format!("HostCertificate {}", certificate_path(&key).display()),
            format!("HostKeyAlgorithms {}", certified_algorithm(kind)),
        ];
        let sshd = lines.iter().fold(Sshd::builder(), |builder, line| builder.line(line)).start();
        let judge = |known_hosts: String| {
            let path = office.path().join("known_hosts");
            fs::write(&path, known_hosts).expect("the directory is ours");
            run(ours.ssh_command(sshd.port(), sshd.identity(), &path, &[]), &sshd.destination())
        };
        let port = sshd.port();
        let authority = office.authority.public_line();
        assert_in(&judge(format!("@cert-authority [127.0.0.1]:{port} {authority}\n")), &format!("{kind:?}"));
        // Its key will do as well, and without either nothing does.
        assert_in(&judge(key.known_hosts_line(port)), "by its key");
        let stranger = office.key(&format!("stranger{number}"), KeyType::Ed25519).public_line();
        for (known_hosts, why) in [
            (format!("@cert-authority * {stranger}\n"), "is not known"),
            (format!("@cert-authority example.com {authority}\n"), "is not known"),
            (format!("@revoked * {authority}\n@cert-authority * {authority}\n"), "is revoked"),
            (format!("@revoked * {}\n@cert-authority * {authority}\n", key.public_line()), "is revoked"),
        ] {
            let output = judge(known_hosts);
            assert!(!output.success() && output.stderr_text().contains(why), "{why}: {output}");
        }
    }
    for (arguments, why) in [
        (&["-h", "-n", "example.com"][..], "is not for \"127.0.0.1\""),
        (&["-h", "-n", "127.0.0.1", "-V", "-2h:-1h"], "expired"),
        (&["-n", "127.0.0.1"], "is for a user"),
    ] {
        let key = office.key(&format!("bad{}", why.len()), KeyType::Ed25519);
        office.certify(&key, &office.authority, arguments);
        let lines = [
            format!("HostKey {}", key.private.display()),
            format!("HostCertificate {}", certificate_path(&key).display()),
            "HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com".into(),
        ];
        let known_hosts = office.path().join("known_hosts");
        fs::write(&known_hosts, format!("@cert-authority * {}\n", office.authority.public_line())).expect("ours");
        let sshd = lines.iter().fold(Sshd::builder(), |builder, line| builder.line(line)).start();
        let output = run(ours.ssh_command(sshd.port(), sshd.identity(), &known_hosts, &[]), &sshd.destination());
        assert!(!output.success() && output.stderr_text().contains(why), "{why}: {output}");
    }
}

fn certified_algorithm(kind: KeyType) -> &'static str {
    match kind {
        KeyType::Ed25519 => "ssh-ed25519-cert-v01@openssh.com",
        KeyType::EcdsaP256 => "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        KeyType::EcdsaP384 => "ecdsa-sha2-nistp384-cert-v01@openssh.com",
        KeyType::EcdsaP521 => "ecdsa-sha2-nistp521-cert-v01@openssh.com",
        KeyType::Rsa(_) => "rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com",
    }
}

/// OpenSSH's client and ours believe our server by its certificate, or not.
fn hosts_of_our_server(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let office = Office::new();
    let known_hosts = office.path().join("known_hosts");
    fs::write(&known_hosts, format!("@cert-authority * {}\n", office.authority.public_line())).expect("ours");
    for (number, kind) in KeyType::ALL.into_iter().enumerate() {
        for (what, good, arguments) in [
            ("good", true, &["-h", "-n", "127.0.0.1"][..]),
            ("another host", false, &["-h", "-n", "example.com"]),
            ("expired", false, &["-h", "-n", "127.0.0.1", "-V", "-2h:-1h"]),
        ] {
            let key = office.key(&format!("host{number}_{}", what.len()), kind);
            let certificate = office.certify(&key, &office.authority, arguments);
            let host_key = option("HostKey", &key.private);
            let sshd = ours.sshd(&[], &[&host_key, &option("HostCertificate", &certificate)]);
            for client in [
                ssh_command(sshd.port(), sshd.identity(), &known_hosts, &[]),
                ours.ssh_command(sshd.port(), sshd.identity(), &known_hosts, &[]),
            ] {
                let output = run(client, &sshd.destination());
                assert_eq!(output.success(), good, "{kind:?}, {what}: {output}");
            }
        }
    }
}
