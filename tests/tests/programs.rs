//! What servers are configured to do, and what else our programs know.

use std::time::Duration;

use ssh_interop_tests::peer::openssh::{KeyType, Sshd, keygen, ssh_command};
use ssh_interop_tests::peer::ours::{OurSshd, Ours};
use ssh_interop_tests::peer::plink::{self, plink_command};
use ssh_interop_tests::peer::{require_all, user_name};
use ssh_interop_tests::{DEADLINE, Output, Running, run_with_timeout};

ssh_interop_tests::test_each_of_ours!(
    environment_and_banner,
    a_subsystem,
    a_forced_command,
    passwords,
    sessions_have_a_limit,
    a_login_that_takes_too_long,
    a_child_that_outlives_its_output,
    a_connection_without_a_command,
    what_runs_is_as_configured,
    a_host_with_another_key_gets_no_password,
    our_client_sends_the_environment,
);

fn openssh_at(sshd: &OurSshd, options: &[&str], arguments: &[&str], stdin: &[u8]) -> Output {
    let mut ssh = ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), options);
    ssh.arg(sshd.destination()).args(arguments);
    run_with_timeout(ssh, stdin, DEADLINE)
}

fn environment_and_banner(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let directory = ssh_interop_tests::temp_dir();
    let banner = directory.path().join("banner");
    std::fs::write(&banner, "who goes there\n").expect("the directory is ours");
    let banner = format!("Banner={}", banner.display());
    let sshd = ours.sshd(&[KeyType::Ed25519], &["AcceptEnv=INTEROP_*", &banner]);
    let set = ["SetEnv=INTEROP_ONE=first OTHER=second"];
    let command = ["echo \"$INTEROP_ONE,$OTHER,$USER\"; echo \"$SSH_CONNECTION\""];
    let output = openssh_at(&sshd, &set, &command, b"").expect_success();
    let text = output.stdout_text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.first(), Some(&&*format!("first,,{}", user_name())), "{output}");
    let connection: Vec<&str> = lines.get(1).unwrap_or(&"").split(' ').collect();
    assert_eq!((connection[0], connection[2]), ("127.0.0.1", "127.0.0.1"), "{output}");
    assert_eq!(connection[3], sshd.port().to_string(), "{output}");
    assert_eq!(output.stderr_text().matches("who goes there").count(), 1, "{output}");
}

fn a_subsystem(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &["Subsystem=shout tr a-z A-Z"]);
    let output = openssh_at(&sshd, &[], &["-s", "shout"], b"quiet").expect_success();
    assert_eq!(output.stdout_text(), "QUIET", "{output}");
    assert!(!openssh_at(&sshd, &[], &["-s", "whisper"], b"").success());
    let mut ssh = ours.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &[]);
    ssh.args(["-s", &sshd.destination(), "shout"]);
    assert_eq!(run_with_timeout(ssh, b"ours", DEADLINE).expect_success().stdout_text(), "OURS");
}

fn a_forced_command(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &[]);
    let file = sshd.directory().join("authorized_keys");
    let key = std::fs::read_to_string(&file).expect("the harness made it");
    let line = format!("restrict,command=\"echo instead of $SSH_ORIGINAL_COMMAND\" {key}");
    std::fs::write(&file, line).expect("the directory is ours");
    let output = openssh_at(&sshd, &[], &["rm something"], b"").expect_success();
    assert_eq!(output.stdout_text(), "instead of rm something\n", "{output}");
    let output = openssh_at(&sshd, &["RequestTTY=force"], &["test -t 0"], b"");
    assert!(output.stderr_text().contains("PTY allocation request failed"), "{output}");
}

/// A password, asked for in both ways, and together with a key.
fn passwords(ours: Ours) {
    if !require_all(&["ssh-keygen", "plink", "puttygen"]) {
        return;
    }
    let directory = ssh_interop_tests::temp_dir();
    let (users, right, wrong) =
        (directory.path().join("users"), directory.path().join("right"), directory.path().join("wrong"));
    std::fs::write(&users, format!("{}:pass word\n", user_name())).expect("the directory is ours");
    std::fs::write(&right, "pass word\n").expect("the directory is ours");
    std::fs::write(&wrong, "passport\n").expect("the directory is ours");
    let users = format!("PasswordFile={}", users.display());
    for (methods, key) in [("password", false), ("keyboard-interactive", false), ("publickey,password", true)] {
        let methods = format!("AuthenticationMethods={methods}");
        let sshd = ours.sshd(&[KeyType::Ed25519], &[&users, &methods]);
        let identity = plink::convert_key(sshd.identity(), &sshd.directory().join("user.ppk"));
        let (fingerprint, home) = (sshd.host_keys()[0].fingerprint(), sshd.directory().join("client"));
        for (password, is_right) in [(&right, true), (&wrong, false)] {
            let identity = key.then_some(identity.as_path());
            let mut plink = plink_command(sshd.port(), identity, &fingerprint, &home, &[]);
            plink.arg("-pwfile").arg(password).args(plink::arguments(user_name(), "echo in"));
            let output = run_with_timeout(plink, b"", DEADLINE);
            assert_eq!(output.stdout == b"in\n", is_right, "{methods}: {output}");
        }
    }
}

fn sessions_have_a_limit(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &["MaxSessions=1"]);
    let socket = format!("ControlPath={}", sshd.directory().join("mux").display());
    let mut master = ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &["ControlMaster=yes", &socket]);
    master.arg(sshd.destination()).arg("echo ready; exec sleep 60");
    let master = Running::start("the shared ssh", master, &sshd.directory().join("master.log"));
    master.wait_for_log("ready", DEADLINE);
    let second = openssh_at(&sshd, &["ControlMaster=no", &socket], &["echo second"], b"");
    assert!(second.stderr_text().contains("refused by peer"), "{second}");
}

fn a_login_that_takes_too_long(ours: Ours) {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &["LoginGraceTime=1"]);
    let mut silent = std::net::TcpStream::connect(("127.0.0.1", sshd.port())).expect("it listens");
    silent.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    let mut said = Vec::new();
    let start = std::time::Instant::now();
    std::io::Read::read_to_end(&mut silent, &mut said).expect("it is closed");
    assert!((900..15_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

/// The end of the data is told when it comes, the status later; and what runs in the background holds nothing up.
fn a_child_that_outlives_its_output(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &[]);
    let output = openssh_at(&sshd, &[], &["echo early; exec >&- 2>&-; sleep 0.3; exit 5"], b"");
    assert_eq!((output.code(), output.stdout_text()), (Some(5), "early\n".into()), "{output}");
    let start = std::time::Instant::now();
    let output = openssh_at(&sshd, &["RequestTTY=force"], &["sleep 30 & echo there; exit 6"], b"");
    assert_eq!((output.code(), output.stdout_text()), (Some(6), "there\r\n".into()), "{output}");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

/// `-N` with keepalives, until the server goes.
fn a_connection_without_a_command(ours: Ours) {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &["ClientAliveInterval=1"]);
    let options = ["ServerAliveInterval=1"];
    let directory = ssh_interop_tests::temp_dir();
    let mut ssh = ours.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &options);
    ssh.args(["-v", "-N"]).arg(sshd.destination());
    let mut held = Running::start("our ssh", ssh, &directory.path().join("log"));
    held.wait_for_log("logged in", DEADLINE);
    assert_eq!(held.wait(Duration::from_secs(3)), None, "{}", held.log());
    drop(sshd);
    let status = held.wait(Duration::from_secs(10));
    assert_eq!(status.and_then(|status| status.code()), Some(255), "it ends with its server: {}", held.log());
}

/// `RemoteCommand`, `StdinNull`, `SessionType`, `RequestTTY` and `LocalCommand` mean to our client what they mean to `ssh`.
fn what_runs_is_as_configured(ours: Ours) {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let local = ["PermitLocalCommand=yes", "LocalCommand=echo local %n"];
    for (options, command, expected) in [
        (&["RemoteCommand=echo remote"][..], None, Some("remote\n")),
        (&["RemoteCommand=echo remote"], Some("echo another"), None),
        (&["StdinNull=yes"], Some("cat; echo end"), Some("end\n")),
        (&["StdinNull=no"], Some("cat; echo end"), Some("input\nend\n")),
        (&["SessionType=subsystem"], Some("no-such-subsystem"), None),
        (&["SessionType=subsystem"], None, None),
        (&["SessionType=subsystem", "StdinNull=yes"], Some("sftp"), Some("")),
        (&["RequestTTY=force", "StdinNull=yes"], Some("tty > /dev/null && echo terminal"), Some("terminal\r\n")),
        (&["RequestTTY=no"], Some("tty > /dev/null || echo none"), Some("none\n")),
        (&local, Some("echo remote"), Some("local 127.0.0.1\nremote\n")),
    ] {
        let (identity, known_hosts) = (sshd.identity(), sshd.known_hosts());
        let ours = ours.ssh_command(sshd.port(), identity, known_hosts, options);
        let theirs = ssh_command(sshd.port(), identity, known_hosts, options);
        for mut ssh in [theirs, ours] {
            ssh.arg(sshd.destination()).args(command);
            let output = run_with_timeout(ssh, b"input\n", DEADLINE);
            match expected {
                Some(text) => {
                    assert_eq!((output.code(), &*output.stdout_text()), (Some(0), text), "{options:?} {output}")
                }
                None => assert!(output.code().is_some_and(|code| code > 0), "{options:?} {output}"),
            }
        }
    }
}

/// `StrictHostKeyChecking=no` goes on with a host whose key has changed, by key alone.
fn a_host_with_another_key_gets_no_password(ours: Ours) {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, directory) = (Sshd::builder().start(), ssh_interop_tests::temp_dir());
    let other = keygen(directory.path(), "other", KeyType::Ed25519, "");
    let known_hosts = directory.path().join("known_hosts");
    std::fs::write(&known_hosts, other.known_hosts_line(sshd.port())).expect("the directory is ours");
    let options = ["StrictHostKeyChecking=no", "BatchMode=no"];
    let ours = ours.ssh_command(sshd.port(), sshd.identity(), &known_hosts, &options);
    let theirs = ssh_command(sshd.port(), sshd.identity(), &known_hosts, &options);
    let methods = [["Password", "Keyboard-interactive"], ["password", "keyboard-interactive"]];
    for ((mut ssh, methods), what) in [theirs, ours].into_iter().zip(methods).zip(["disabled", "left out"]) {
        ssh.args([&sshd.destination(), "echo in"]);
        let output = run_with_timeout(ssh, b"", DEADLINE).expect_success();
        assert_eq!(output.stdout_text(), "in\n");
        for method in methods {
            assert!(output.stderr_text().contains(&format!("{method} authentication is {what}")), "{output}");
        }
    }
}

fn our_client_sends_the_environment(ours: Ours) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().line("AcceptEnv INTEROP_*").start();
    let options = ["SetEnv=INTEROP_ONE=first", "SendEnv=INTEROP_T*"];
    let mut ssh = ours.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &options);
    ssh.env("INTEROP_TWO", "second")
        .arg("-tt")
        .arg(sshd.destination())
        .arg("echo $INTEROP_ONE $INTEROP_TWO; test -t 0");
    let output = run_with_timeout(ssh, b"", DEADLINE).expect_success();
    assert!(output.stdout_text().starts_with("first second\r\n"), "{output}");
}
