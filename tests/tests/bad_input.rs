//! What goes wrong gets one line that says what happened, to what, and what to do; the exit status is 255.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use ssh_interop_tests::peer::openssh::{KeyType, Sshd, keygen};
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::{require_all, user_name};
use ssh_interop_tests::{DEADLINE, free_port, run_with_timeout, temp_dir};

ssh_interop_tests::test_each_of_ours!(
    what_a_real_server_refuses,
    nobody_listens,
    peers_that_are_not_ssh,
    a_damaged_stream
);

/// Runs our client and holds it to one line on standard error with every one of `words` in it, and to status 255.
#[track_caller]
fn assert_refused(ours: Ours, port: u16, identity: &Path, known_hosts: &Path, options: &[&str], words: &[&str]) {
    let mut ssh = ours.ssh_command(port, identity, known_hosts, options);
    ssh.arg(format!("{}@127.0.0.1", user_name())).arg("echo never");
    let output = run_with_timeout(ssh, b"", DEADLINE);
    let text = output.stderr_text();
    assert_eq!(output.code(), Some(255), "{output}");
    assert_eq!(output.stdout, b"", "{output}");
    assert_eq!(text.lines().count(), 1, "{output}");
    assert!(!text.contains("panicked"), "{output}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing: {output}");
    }
}

fn what_a_real_server_refuses(ours: Ours) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().kex("curve25519-sha256").start();
    let (key, known) = (sshd.identity(), sshd.known_hosts());
    let empty = sshd.directory().join("empty");
    std::fs::write(&empty, "").expect("the directory is ours");
    assert_refused(ours, sshd.port(), key, &empty, &[], &["host key", "127.0.0.1", "not known"]);

    let other = keygen(sshd.directory(), "other", KeyType::Ed25519, "");
    let changed = sshd.directory().join("changed");
    std::fs::write(&changed, other.known_hosts_line(sshd.port())).expect("the directory is ours");
    assert_refused(ours, sshd.port(), key, &changed, &[], &["host key", "changed", "changed:1"]);

    assert_refused(ours, sshd.port(), &other.private, known, &[], &["permission denied", user_name(), "publickey"]);
    let kex = ["KexAlgorithms=ecdh-sha2-nistp384"];
    assert_refused(ours, sshd.port(), key, known, &kex, &["no common", "ecdh-sha2-nistp384", "curve25519-sha256"]);
}

fn nobody_listens(ours: Ours) {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    let directory = temp_dir();
    let key = keygen(directory.path(), "key", KeyType::Ed25519, "");
    let port = free_port();
    assert_refused(
        ours,
        port,
        &key.private,
        &directory.path().join("none"),
        &[],
        &["127.0.0.1", &port.to_string(), "refused"],
    );
}

/// Serves one connection with fixed bytes: writes them, and then closes or stays silent.
fn serve(bytes: &'static [u8], then_close: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client comes");
        let _ = stream.write_all(bytes);
        if then_close {
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    port
}

fn peers_that_are_not_ssh(ours: Ours) {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    let directory = temp_dir();
    let key = keygen(directory.path(), "key", KeyType::Ed25519, "");
    let known = directory.path().join("none");
    let check =
        |port, options: &[&str], words: &[&str]| assert_refused(ours, port, &key.private, &known, options, words);
    check(serve(b"HTTP/1.1 400 Bad Request\r\n\r\n", true), &[], &["SSH", "HTTP/1.1"]);
    check(serve(b"", true), &[], &["closed", "SSH"]);
    check(serve(b"SSH-1.5-old\r\n", false), &[], &["version", "SSH-1.5-old"]);
    check(serve(b"SSH-2.0-x\r\n\x1b]0;title\x07garbage that is no packet", false), &[], &["protocol"]);
    check(serve(b"SSH-2.0-x\r\n", true), &[], &["closed"]);
    check(serve(b"", false), &["ConnectTimeout=1"], &["took longer", "connecting"]);
    check(serve(b"SSH-2.0-x\r\n", false), &["ConnectTimeout=1"], &["took longer"]);
}

/// A proxy in front of a real server that damages or cuts what the server says after `after` bytes.
fn damage(port: u16, after: usize, cut: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let proxy = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client comes");
        let mut server = std::net::TcpStream::connect(("127.0.0.1", port)).expect("sshd listens");
        let (mut up_from, mut up_to) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
        std::thread::spawn(move || std::io::copy(&mut up_from, &mut up_to));
        let (mut seen, mut buffer) = (0, [0; 4096]);
        loop {
            let n = server.read(&mut buffer).unwrap_or(0);
            if n == 0 {
                return;
            }
            if (seen..seen + n).contains(&after) {
                if cut {
                    let _ = client.write_all(&buffer[..after - seen]);
                    let _ = client.shutdown(std::net::Shutdown::Both);
                    let _ = server.shutdown(std::net::Shutdown::Both);
                    return;
                }
                buffer[after - seen] ^= 1;
            }
            seen += n;
            if client.write_all(&buffer[..n]).is_err() {
                return;
            }
        }
    });
    std::thread::sleep(Duration::from_millis(1));
    proxy
}

fn a_damaged_stream(ours: Ours) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let key = sshd.host_keys()[0].public_line();
    for cut in [true, false] {
        for after in [3, 30, 200, 1000, 1300, 1700, 1800] {
            let port = damage(sshd.port(), after, cut);
            let known = sshd.directory().join("damaged");
            std::fs::write(&known, format!("[127.0.0.1]:{port} {key}\n")).expect("the directory is ours");
            assert_refused(ours, port, sshd.identity(), &known, &["ConnectTimeout=10"], &[]);
        }
    }
}
