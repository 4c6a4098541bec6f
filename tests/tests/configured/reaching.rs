//! Reaching a host: whether at all, by which address, from which, with which socket.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::select;
use rustix::process::{Pid, test_kill_process};
use ssh_async::Smol;
use ssh_blocking::Error;
use ssh_interop_tests::peer::openssh::Sshd;
use ssh_interop_tests::peer::{newer_openssh, require_all};
use ssh_interop_tests::{DEADLINE, run_with_timeout};

use crate::common::{Adapter, Files, Person, async_session, both_say, neither_gets_in, ours};

/// What lets us in.
fn by_key(files: &Files, sshd: &Sshd) -> String {
    let pair = files.key("id", sshd, "");
    format!("IdentityFile {}\n IdentitiesOnly yes", pair.private.display())
}

#[test]
fn the_address_family_and_the_local_address_are_as_configured() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let identity = by_key(&files, &sshd);
    let from = "echo ${SSH_CONNECTION%% *}";
    for (alias, line, expected) in [
        ("any", "AddressFamily any", "127.0.0.1"),
        ("inet", "AddressFamily inet", "127.0.0.1"),
        ("address", "BindAddress 127.0.0.9", "127.0.0.9"),
        ("interface", "BindInterface lo", "127.0.0.1"),
        ("both", "BindAddress 127.0.0.9\n BindInterface nothing", "127.0.0.9"),
    ] {
        files.host(alias, &sshd, &[line.into(), identity.clone()]);
        let config = files.written();
        assert_eq!(both_say(&config, alias, from).trim(), expected, "{line}");
    }
    for (alias, line, error) in [
        ("inet6", "AddressFamily inet6", "no address of the family"),
        ("other-family", "BindAddress ::1", "no address of the same family"),
        ("not-ours", "BindAddress 192.0.2.7", "cannot use the local address 192.0.2.7"),
        ("no-interface", "BindInterface nothing", "no suitable address"),
    ] {
        files.host(alias, &sshd, &[line.into(), identity.clone()]);
        let refused = neither_gets_in(&files.written(), alias);
        assert!(matches!(refused, Error::Connect { .. }) && refused.to_string().contains(error), "{line}: {refused}");
    }
}

/// The kernel tells which sockets have a keepalive timer, and those of another network namespace it does not show.
#[test]
#[cfg(target_os = "linux")]
fn the_socket_is_kept_alive_as_configured() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let identity = by_key(&files, &sshd);
    files.host("usual", &sshd, std::slice::from_ref(&identity));
    files.host("yes", &sshd, &["TCPKeepAlive yes".into(), identity.clone()]);
    files.host("no", &sshd, &["TCPKeepAlive no".into(), identity]);
    let config = files.written();
    // The client's end, once nothing that it sent waits to be acknowledged (timer 01).
    let client = format!(r"[0-9A-F]*:[0-9A-F]* [0-9A-F]*:{:04X} 01 [^ ]*", sshd.port());
    let timer = format!(
        "while grep -q '{client} 01:' /proc/net/tcp; do :; done; \
         sed -n 's/^ *[0-9]*: {client} \\(0[0-9]\\):.*/timer \\1/p' /proc/net/tcp"
    );
    assert_eq!(both_say(&config, "usual", &timer), "timer 02\n");
    assert_eq!(both_say(&config, "yes", &timer), "timer 02\n");
    assert_eq!(both_say(&config, "no", &timer), "timer 00\n");
}

/// What the network sees of a session: the class that is configured for one without a terminal, and none if it shall be the
/// system's.
#[test]
#[cfg(target_os = "linux")]
fn what_is_sent_is_marked_as_configured() {
    if !require_all(&["sshd", "ssh", "ssh-keygen", "ss"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let identity = by_key(&files, &sshd);
    let client = format!("ss --numeric --no-header --tcp --tos dport = :{}", sshd.port());
    let class = format!("{client} | grep -o 'tos:[^ ]*' || echo {client} >&2");
    for (alias, line, expected) in [
        ("one", "IPQoS af21", "tos:0x48\n"),
        ("two", "IPQoS af21 cs1", "tos:0x20\n"),
        ("number", "IPQoS 16 40", "tos:0x28\n"),
        ("none", "IPQoS none", "tos:0\n"),
        ("bulk-none", "IPQoS af21 none", "tos:0x48\n"),
    ] {
        files.host(alias, &sshd, &[line.into(), identity.clone()]);
        let config = files.written();
        assert_eq!(both_say(&config, alias, &class), expected, "{line}");
    }
}

/// Somebody listens and nobody accepts: what comes when the queue is full is not answered.
#[test]
fn a_host_that_is_silent_takes_no_longer_than_configured() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let identity = by_key(&files, &sshd);
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = silent.local_addr().expect("it is bound");
    let port = format!("Port {}", address.port());
    files.host("silent", &sshd, &[port, "ConnectTimeout 1".into(), identity]);
    let config = files.written();
    // The connection stands, and the server's identification does not come.
    let error = neither_gets_in(&config, "silent");
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    let _queue = fill(address);
    let error = neither_gets_in(&config, "silent");
    assert!(matches!(&error, Error::Connect { error, .. } if error.kind() == std::io::ErrorKind::TimedOut), "{error}");
}

/// A command that says nothing is given up, and nothing of it is left: after `ConnectTimeout`, and when nobody waits any more.
#[test]
fn a_proxy_that_is_silent_is_ended() {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().start(), Files::new());
    let identity = by_key(&files, &sshd);
    let noted = files.path("pid");
    let silent = format!("ProxyCommand /bin/sh -c \"echo $$ > {}; exec sleep 1000\"", noted.display());
    files.host("silent", &sshd, &[silent.clone(), "ConnectTimeout 1".into(), identity.clone()]);
    files.host("patient", &sshd, &[silent, identity]);
    let config = files.written();
    for adapter in Adapter::ALL {
        let error = adapter.ours(&config, "silent", &Person::default()).expect_err("nobody answers");
        assert!(matches!(error, Error::Timeout { .. }), "{adapter:?}: {error}");
        assert_over(&noted);
    }
    smol::block_on(async {
        let person = Person::default();
        let connecting = async_session(Smol, &config, "patient", &person);
        let a_while = async {
            while !std::fs::read_to_string(&noted).is_ok_and(|text| text.ends_with('\n')) {
                smol::Timer::after(Duration::from_millis(20)).await;
            }
        };
        select(pin!(connecting), pin!(a_while)).await;
    });
    assert_over(&noted);
}

/// The process that noted its number ends.
fn assert_over(noted: &Path) {
    let text = std::fs::read_to_string(noted).expect("it ran");
    let pid = Pid::from_raw(text.trim().parse().expect("a number")).expect("no 0");
    let deadline = Instant::now() + DEADLINE;
    while test_kill_process(pid).is_ok() {
        assert!(Instant::now() < deadline, "{pid:?} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::fs::remove_file(noted).expect("it is ours");
}

fn fill(address: SocketAddr) -> Vec<TcpStream> {
    let patience = Duration::from_millis(200);
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, patience) {
        queue.push(stream);
    }
    queue
}

/// `RefuseConnection` is one of OpenSSH 10.
#[test]
fn a_connection_is_refused_before_anything_is_connected() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    let (sshd, mut files) = (Sshd::builder().line("LogLevel DEBUG").start(), Files::new());
    let identity = by_key(&files, &sshd);
    let refusal = "RefuseConnection \"not today\"".to_owned();
    files.host("refused", &sshd, &[refusal, identity.clone()]);
    files.host("open", &sshd, &[identity]);
    let config = files.written();
    let error = ours(&config, "refused", &Person::default()).expect_err("it is refused");
    assert!(matches!(error, Error::ConfigFile(_)) && error.to_string().contains("is refused: not today"), "{error}");
    if newer_openssh::directory().is_some() {
        let mut ssh = newer_openssh::command("ssh");
        ssh.arg("-F").arg(&config).args(["-o", "BatchMode=yes", "refused", "true"]);
        let theirs = run_with_timeout(ssh, b"", DEADLINE);
        assert!(!theirs.success() && theirs.stderr_text().contains("RefuseConnection: not today"), "{theirs}");
    }
    assert!(!sshd.log().contains("Connection from"), "{}", sshd.log());
    // A line that is not in force refuses nobody.
    ours(&config, "open", &Person::default()).expect("it is not refused");
}
