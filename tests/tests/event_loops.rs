//! The examples of `ssh-core`: loops of one's own, against OpenSSH and each other.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ssh_interop_tests::peer::openssh::{KeyPair, KeyType, Sshd, keygen, ssh_command};
use ssh_interop_tests::peer::{require_all, say_not_run, user_name};
use ssh_interop_tests::{
    DEADLINE, Output, Running, TempDir, free_port, our_binary, run_with_timeout, temp_dir, wait_for_port,
};

/// Both streams and a status of its own.
const SCRIPT: &str = "echo hi; echo oops >&2; exit 7";

/// What an example exits with if the system lacks what it is about.
const SKIPPED: i32 = 77;

/// A client example, pointed at a port of 127.0.0.1.
fn client(example: &str, port: u16, identity: &Path, known_hosts: &Path, command: &str) -> Command {
    let mut client = Command::new(our_binary(example));
    client.args(["127.0.0.1", &port.to_string(), user_name()]).args([identity, known_hosts]).arg(command);
    client
}

fn run_on(sshd: &Sshd, example: &str, known_hosts: &Path, command: &str, stdin: &[u8]) -> Output {
    run_with_timeout(client(example, sshd.port(), sshd.identity(), known_hosts, command), stdin, DEADLINE)
}

/// Everything that a client example has to show at a real server.
fn assert_client(example: &str) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let known_hosts = sshd.known_hosts();
    let output = run_on(&sshd, example, known_hosts, SCRIPT, b"");
    if output.code() == Some(SKIPPED) {
        say_not_run(output.stderr_text().trim().trim_start_matches("NOT RUN: "));
        return;
    }
    assert_eq!((output.code(), &*output.stdout, &*output.stderr), (Some(7), &b"hi\n"[..], &b"oops\n"[..]), "{output}");

    let much = "head -c 3000000 /dev/zero | tr '\\0' x; head -c 100000 /dev/zero | tr '\\0' y >&2";
    let output = run_on(&sshd, example, known_hosts, much, b"").expect_success();
    assert!(output.stdout == vec![b'x'; 3_000_000], "{} bytes came", output.stdout.len());
    assert!(output.stderr == vec![b'y'; 100_000], "{} bytes came", output.stderr.len());

    let output = run_on(&sshd, example, known_hosts, "kill -TERM $$", b"");
    assert_failure(&output, "the command was killed by signal TERM");

    let other = keygen(sshd.directory(), "other", KeyType::Ed25519, "");
    let lines =
        [(other.known_hosts_line(sshd.port()), "known_hosts:1 has a ssh-ed25519 key"), (String::new(), "is not known")];
    for (number, (line, complaint)) in lines.iter().enumerate() {
        let wrong = sshd.directory().join(format!("wrong_{number}"));
        std::fs::write(&wrong, line).expect("the directory is ours");
        assert_failure(&run_on(&sshd, example, &wrong, SCRIPT, b""), complaint);
    }

    let stranger = client(example, sshd.port(), &other.private, known_hosts, SCRIPT);
    assert_failure(&run_with_timeout(stranger, b"", DEADLINE), "permission denied");
}

/// Status 255, nothing on standard output, and one line that says why.
#[track_caller]
fn assert_failure(output: &Output, complaint: &str) {
    let errors = output.stderr_text();
    assert_eq!((output.code(), &*output.stdout), (Some(255), &b""[..]), "{output}");
    assert!(errors.contains(complaint) && errors.lines().count() == 1, "{output}");
}

#[test]
fn mio_client() {
    assert_client("mio_client");
}

#[test]
fn poll_client() {
    assert_client("poll_client");
}

#[test]
fn io_uring_client() {
    assert_client("io_uring_client");
}

#[test]
fn no_std_client() {
    assert_client("no_std_client");
}

/// More input than any window and buffer on the way holds, and each byte back in its place.
#[test]
fn poll_client_feeds_a_command() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().line("RekeyLimit 1M").start();
    let data: Vec<u8> = (0..5_000_000_u32).map(|at| (at % 251) as u8).collect();
    let output = run_on(&sshd, "poll_client", sshd.known_hosts(), "cat", &data).expect_success();
    assert!(output.stdout == data, "{} bytes came", output.stdout.len());
}

/// Output that nobody takes for a while is late, not lost.
#[test]
fn a_slow_reader_loses_nothing() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    for example in ["mio_client", "poll_client", "io_uring_client", "no_std_client"] {
        let command = "head -c 3000000 /dev/zero | tr '\\0' x";
        let client = client(example, sshd.port(), sshd.identity(), sshd.known_hosts(), command);
        let mut shell = Command::new("sh");
        shell.args(["-c", "\"$@\" | { sleep 1; wc -c; }", "sh"]).arg(client.get_program()).args(client.get_args());
        let output = run_with_timeout(shell, b"", DEADLINE);
        if output.stderr_text().starts_with("NOT RUN") {
            say_not_run(output.stderr_text().trim().trim_start_matches("NOT RUN: "));
            continue;
        }
        assert_eq!(output.stdout_text().trim(), "3000000", "{example}: {output}");
    }
}

#[test]
fn the_memory_pair() {
    for (arguments, stdout, stderr, status) in [
        (&[][..], "hello\n", "", 0),
        (&["echo", "one  two"], "one two\n", "", 0),
        (&["upper"], "", "", 0),
        (&["exit", "7"], "", "", 7),
        (&["nonsense"], "", "commands: echo WORDS, upper, exit N\n", 127),
    ] {
        let mut pair = Command::new(our_binary("memory_pair"));
        pair.args(arguments);
        let output = run_with_timeout(pair, b"", DEADLINE);
        let got = (output.stdout_text(), output.stderr_text(), output.code());
        assert_eq!(got, (stdout.into(), stderr.into(), Some(status)), "{arguments:?}");
    }
}

#[test]
fn the_memory_pair_draws_its_conversation() {
    let mut pair = Command::new(our_binary("memory_pair"));
    pair.args(["--diagram", "exit", "3"]);
    let output = run_with_timeout(pair, b"", DEADLINE);
    let text = output.stdout_text();
    assert_eq!(output.code(), Some(3), "{text}");
    assert!(text.starts_with("sequenceDiagram\n"), "{text}");
    for line in
        ["C->>S: 2 NEWKEYS\n", "S->>C: 3 USERAUTH_SUCCESS\n", "<br/>exit_status 3\n", "C->>S: 7 DISCONNECT<br/>"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn wrong_arguments_are_told() {
    for example in ["mio_client", "poll_client", "no_std_client", "mio_server"] {
        let output = run_with_timeout(Command::new(our_binary(example)), b"", DEADLINE);
        assert_failure(&output, &format!("{example}: usage: "));
    }
}

/// The server example with one key that may log in.
struct Server {
    // First, so that the process ends before its directory goes.
    process: Running,
    port: u16,
    user_key: KeyPair,
    directory: TempDir,
}

impl Server {
    fn start() -> Self {
        let directory = temp_dir();
        let path = directory.path();
        let host_key = keygen(path, "host", KeyType::Ed25519, "");
        let user_key = keygen(path, "user", KeyType::Ed25519, "");
        let port = free_port();
        std::fs::write(path.join("known_hosts"), host_key.known_hosts_line(port)).expect("the directory is ours");
        let mut server = Command::new(our_binary("mio_server"));
        server.arg(format!("127.0.0.1:{port}")).args([&host_key.private, &user_key.public]);
        let mut process = Running::start("mio_server", server, &path.join("log"));
        wait_for_port(port, &mut process);
        Self { process, port, user_key, directory }
    }

    fn ssh(&self, command: &str, stdin: &[u8]) -> Output {
        let known_hosts = self.directory.path().join("known_hosts");
        let mut ssh = ssh_command(self.port, &self.user_key.private, &known_hosts, &[]);
        ssh.arg("anybody@127.0.0.1").arg(command);
        run_with_timeout(ssh, stdin, DEADLINE)
    }

    fn poll_client(&self, command: &str, stdin: &[u8]) -> Output {
        let known_hosts = self.directory.path().join("known_hosts");
        run_with_timeout(
            client("poll_client", self.port, &self.user_key.private, &known_hosts, command),
            stdin,
            DEADLINE,
        )
    }
}

#[test]
fn openssh_at_the_mio_server_several_at_once() {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let server = Server::start();
    std::thread::scope(|scope| {
        for number in 0..8_u8 {
            let server = &server;
            scope.spawn(move || {
                let output = server.ssh(&format!("echo {number} times"), b"");
                assert_eq!((output.code(), output.stdout_text()), (Some(0), format!("{number} times\n")), "{output}");
                let data = vec![b'a' + number; 3_000_000];
                let output = server.ssh("upper", &data).expect_success();
                assert!(output.stdout == data.to_ascii_uppercase(), "{} bytes came", output.stdout.len());
            });
        }
    });
    assert_eq!(server.ssh("exit 7", b"").code(), Some(7));
    let output = server.ssh("rm -rf /", b"");
    assert_eq!((output.code(), output.stderr_text().contains("commands: echo")), (Some(127), true), "{output}");
}

#[test]
fn the_poll_client_at_the_mio_server() {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    let server = Server::start();
    let data: Vec<u8> = (0..5_000_000_u32).map(|at| b'a' + (at % 23) as u8).collect();
    let output = server.poll_client("upper", &data).expect_success();
    assert!(output.stdout == data.to_ascii_uppercase(), "{} bytes came", output.stdout.len());
    assert_eq!(server.poll_client("exit 7", b"").code(), Some(7));
}

/// One that sends and never reads, and one that says nothing at all, delay nobody.
#[test]
fn idle_and_stalled_peers_of_the_mio_server_delay_nobody() {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let mut server = Server::start();
    let _silent = std::net::TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
    let known_hosts = server.directory.path().join("known_hosts");
    let mut stalled = ssh_command(server.port, &server.user_key.private, &known_hosts, &[]);
    stalled.args(["anybody@127.0.0.1", "upper"]).stdin(File::open("/dev/zero").expect("it is always there"));
    // It ends with the server, also if this test fails.
    let mut stalled = stalled.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("ssh is installed");
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        assert_eq!(server.ssh("echo on", b"").stdout_text(), "on\n");
    }
    assert!(stalled.try_wait().expect("our child").is_none(), "the stalled one has ended");
    assert!(server.process.try_wait().is_none(), "the server has ended");
    drop(server);
    stalled.wait().expect("our child");
}

#[test]
fn the_mio_server_lets_no_stranger_in() {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let mut server = Server::start();
    server.user_key = keygen(server.directory.path(), "stranger", KeyType::Ed25519, "");
    let output = server.ssh("echo in", b"");
    assert!(output.code() == Some(255) && output.stderr_text().contains("Permission denied"), "{output}");
}
