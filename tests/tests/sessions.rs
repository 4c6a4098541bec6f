//! Many sessions on one connection: through the library against OpenSSH's server, and of OpenSSH's client on ours.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use ssh_blocking::ssh_core::key::PrivateKey;
use ssh_blocking::{Connector, Exit, KnownHostsPolicy, Session};
use ssh_interop_tests::peer::openssh::{self, KeyType, Sshd};
use ssh_interop_tests::peer::ours::{OurSshd, Ours};
use ssh_interop_tests::peer::require_all;
use ssh_interop_tests::{DEADLINE, Output, Running, run_with_timeout};

fn connect(sshd: &Sshd) -> Session {
    let policy = KnownHostsPolicy::new(vec![sshd.known_hosts().into()]);
    let session = Connector::new().host_keys(policy).connect("127.0.0.1", sshd.port()).expect("sshd runs");
    let key = std::fs::read(sshd.identity()).expect("the harness made it");
    let key = PrivateKey::read(&key, None).expect("ssh-keygen made it");
    assert_eq!(session.login(sshd.user(), key).expect("the key is authorized"), "publickey");
    session
}

#[test]
fn two_hundred_sessions_one_after_the_other() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let session = connect(&sshd);
    for number in 0..200 {
        let output = session.cmd(&format!("echo {number}; exit {}", number % 7), None).expect("the command runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{number}\n"));
        assert_eq!(output.exit, Exit::Status(number % 7));
    }
}

/// A hundred at once, each on its thread, each with more data than a window both ways.
#[test]
fn a_hundred_sessions_at_once() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().line("MaxSessions 200").start();
    let session = connect(&sshd);
    std::thread::scope(|scope| {
        for number in 0..100_u8 {
            let session = session.clone();
            scope.spawn(move || {
                let data: Vec<u8> = (0..300_000).map(|at: u32| at.to_le_bytes()[0] ^ number).collect();
                let output = session.cmd("cat", Some(&data)).expect("the command runs");
                assert!(output.stdout == data, "session {number} lost or mixed data");
                assert!(output.exit.success());
            });
        }
    });
}

/// A channel that nobody reads stops neither the others nor a rekey.
#[test]
fn a_stalled_channel_delays_nobody() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let session = connect(&sshd);
    let stalled = session.exec("head -c 20000000 /dev/zero").expect("the command runs");
    for _ in 0..5 {
        session.rekey().expect("logged in");
        assert_eq!(session.cmd("echo on", None).expect("the command runs").stdout, b"on\n");
    }
    let (_, mut stdout, _) = stalled.split();
    let mut count = 0;
    let mut buffer = [0; 65536];
    loop {
        match stdout.read(&mut buffer).expect("the connection lives") {
            0 => break,
            n => count += n,
        }
    }
    assert_eq!(count, 20_000_000);
    assert!(stalled.wait().expect("the connection lives").success());
}

#[test]
fn half_close_signals_and_streams() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let session = connect(&sshd);
    let mut channel = session.exec("cat; echo over >&2").expect("the command runs");
    channel.write_all(b"some input").expect("the channel is open");
    channel.send_eof().expect("the channel is open");
    let (mut stdout, mut stderr) = (String::new(), String::new());
    channel.read_to_string(&mut stdout).expect("the connection lives");
    channel.stderr().read_to_string(&mut stderr).expect("the connection lives");
    assert_eq!((stdout.as_str(), stderr.as_str()), ("some input", "over\n"));
    assert_eq!(channel.wait().expect("the connection lives"), Exit::Status(0));
    let killed = session.exec("kill -TERM $$").expect("the command runs").wait().expect("the connection lives");
    assert!(matches!(killed, Exit::Signal { signal, .. } if signal.name() == "TERM"));
}

ssh_interop_tests::test_each_of_ours!(
    two_hundred_sessions_of_openssh_on_our_server,
    a_hundred_sessions_of_openssh_at_once_on_our_server
);

/// OpenSSH's client with many sessions over one connection to our server.
struct Multiplexed {
    sshd: OurSshd,
    socket: String,
    // Ends the connection when dropped.
    _master: Running,
}

impl Multiplexed {
    fn start(ours: Ours) -> Self {
        let sshd = ours.sshd(&[KeyType::Ed25519], &["MaxSessions=200"]);
        let socket = sshd.directory().join("mux").display().to_string();
        let mut master = openssh::ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &["ControlMaster=yes"]);
        master.args(["-o", &format!("ControlPath={socket}"), "-N"]).arg(sshd.destination());
        let master = Running::start("the shared ssh", master, &sshd.directory().join("master.log"));
        let start = Instant::now();
        while !std::path::Path::new(&socket).exists() {
            assert!(start.elapsed() < DEADLINE, "{}", master.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { sshd, socket, _master: master }
    }

    fn run(&self, command: &str, stdin: &[u8]) -> Output {
        let (port, key, known) = (self.sshd.port(), self.sshd.identity(), self.sshd.known_hosts());
        let mut ssh = openssh::ssh_command(port, key, known, &["ControlMaster=no"]);
        ssh.args(["-o", &format!("ControlPath={}", self.socket)]).arg(self.sshd.destination()).arg(command);
        run_with_timeout(ssh, stdin, DEADLINE)
    }
}

fn two_hundred_sessions_of_openssh_on_our_server(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let shared = Multiplexed::start(ours);
    for number in 0..200 {
        let output = shared.run(&format!("echo {number}; exit {}", number % 7), b"");
        assert_eq!((output.code(), output.stdout_text()), (Some(number % 7), format!("{number}\n")), "{output}");
    }
}

fn a_hundred_sessions_of_openssh_at_once_on_our_server(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let shared = Multiplexed::start(ours);
    std::thread::scope(|scope| {
        for number in 0..100_u8 {
            let shared = &shared;
            scope.spawn(move || {
                let data: Vec<u8> = (0..100_000).map(|at: u32| at.to_le_bytes()[0] ^ number).collect();
                let output = shared.run("cat", &data);
                let (length, status, errors) = (output.stdout.len(), output.code(), output.stderr_text());
                assert!(
                    output.success() && output.stdout == data,
                    "session {number} lost or mixed data: {length} bytes came, status {status:?}; {errors}"
                );
            });
        }
    });
}
