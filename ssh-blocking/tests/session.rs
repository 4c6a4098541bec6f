//! The blocking adapter over memory: commands, threads, timeouts, ends.

mod common;

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Setup, session};
use ssh_blocking::ssh_core::key::{FingerprintHash, PublicKey};
use ssh_blocking::ssh_core::{AuthAnswer, AuthRequest, CloseReason, Identity, RekeyPolicy, ServerConfig, ServerRole};
use ssh_blocking::{Channel, Connection, Error, Exit, Handler, HostKeyPolicy, LoginError, SessionError, Timeouts};

#[test]
fn commands_streams_and_ends() {
    let (session, served) = session();
    let output = session.cmd("echo hello", None).expect("it runs");
    assert_eq!((output.stdout.as_slice(), output.exit), (&b"hello"[..], Exit::Status(0)));
    let output = session.cmd("stderr oops", None).expect("it runs");
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b""[..], &b"oops"[..]));
    assert_eq!(session.cmd("fail 300", None).expect("it runs").exit, Exit::Status(300));
    let exit = session.cmd("signal KILL", None).expect("it runs").exit;
    assert_eq!(exit.code(), 137);
    assert_eq!(exit.to_string(), "killed by SIGKILL");
    assert!(matches!(
        session.subsystem("none"),
        Err(Error::Session(SessionError::RequestRefused { request: "subsystem" }))
    ));
    session.disconnect();
    assert!(matches!(
        session.cmd("echo late", None),
        Err(Error::Session(SessionError::Closed(CloseReason::Local) | SessionError::Misuse(_)))
    ));
    assert_eq!(served.join().expect("no panic").expect("no fault"), CloseReason::Peer);
}

#[test]
fn dropping_everything_ends_the_connection() {
    let (session, served) = session();
    let channel = session.exec("hang").expect("it runs");
    drop(session);
    drop(channel);
    assert_eq!(served.join().expect("no panic").expect("no fault"), CloseReason::Peer);
}

#[test]
fn more_data_than_any_buffer_both_ways_at_once() {
    let (session, _served) = session();
    let data: Vec<u8> = (0..5_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let output = session.cmd("cat", Some(&data)).expect("it runs");
    assert!(output.stdout == data);
}

/// Threads that share a session: each waits, one drives, none waits for another's channel.
#[test]
fn many_threads_one_session() {
    let mut setup = Setup::new();
    setup.client.rekey = RekeyPolicy { bytes: Some(100_000), ..RekeyPolicy::default() };
    let (session, _served) = setup.connect(|end| end);
    let session = session.expect("the ends know each other");
    session.login("user", "secret").expect("it is the password");
    let stalled = session.exec("zeros 3000000").expect("it runs");
    std::thread::scope(|scope| {
        for number in 0..20_u8 {
            let session = &session;
            scope.spawn(move || {
                for _ in 0..5 {
                    let data = vec![number; 50_000];
                    let output = session.cmd("cat", Some(&data)).expect("it runs");
                    assert!(output.stdout == data);
                }
            });
        }
    });
    let (_, mut stdout, _) = stalled.split();
    let mut all = Vec::new();
    stdout.read_to_end(&mut all).expect("the connection lives");
    assert_eq!(all.len(), 3_000_000);
}

/// One thread writes while another reads the same channel.
#[test]
fn split_across_threads() {
    let (session, _served) = session();
    let channel = session.exec("cat").expect("it runs");
    let (mut writer, mut reader, _) = channel.split();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..1000_u32 {
                writer.write_all(&number.to_be_bytes()).expect("it is open");
            }
            writer.send_eof().expect("it is open");
        });
        let mut all = Vec::new();
        reader.read_to_end(&mut all).expect("the connection lives");
        let expected: Vec<u8> = (0..1000_u32).flat_map(u32::to_be_bytes).collect();
        assert!(all == expected);
    });
    assert_eq!(channel.wait().expect("the connection lives"), Exit::Status(0));
}

#[test]
fn waits_end_in_time() {
    let mut setup = Setup::new();
    setup.timeouts = Timeouts { wait: Some(Duration::from_millis(100)), ..Timeouts::default() };
    let (session, _served) = setup.connect(|end| end);
    let session = session.expect("the ends know each other");
    session.login("user", "secret").expect("it is the password");
    let mut channel = session.exec("hang").expect("it runs");
    let start = Instant::now();
    let error = channel.read(&mut [0]).expect_err("nothing comes");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(matches!(channel.wait(), Err(Error::Timeout { .. })));
    // The channel and the session are as good as before.
    channel.send_eof().expect("it is open");
    assert_eq!(channel.wait().expect("it ends now"), Exit::Status(0));
    assert_eq!(session.cmd("echo on", None).expect("it runs").stdout, b"on");
}

#[test]
fn a_silent_peer_is_not_waited_for() {
    let (ours, _theirs) = common::memory::memory_pair(1000);
    let timeouts = Timeouts { connect: Some(Duration::from_millis(100)), ..Timeouts::default() };
    let connector = ssh_blocking::Connector::new().host_keys(common::host_key().public_key().clone());
    let error = connector.timeouts(timeouts).connect_over(ours, "test", 22).err().expect("nobody answers");
    assert!(error.is_timeout(), "{error}");
}

#[test]
fn wrong_passwords_and_strange_hosts() {
    let (session, _served) = Setup::new().connect(|end| end);
    let session = session.expect("the ends know each other");
    match session.login("user", "wrong") {
        Err(Error::Login(LoginError::Refused { user, tried, .. })) => {
            assert_eq!((user.as_str(), tried), ("user", vec!["password"]))
        }
        other => panic!("{other:?}"),
    }
    session.login("user", "secret").expect("a second try");

    let stranger = common::host_key().public_key().clone();
    let (ours, theirs) = common::memory::memory_pair(common::CAPACITY);
    let key = common::host_key();
    let real = key.public_key().fingerprint(FingerprintHash::Sha256).to_string();
    let config = ServerConfig::new(vec![key.public_key().clone()]);
    std::thread::spawn(move || {
        let keys = std::sync::Arc::from([key]);
        ssh_blocking::serve_connection(theirs, "", config.into(), keys, &std::sync::Arc::new(common::TestServer))
    });
    let error = ssh_blocking::Connector::new().host_keys(stranger).connect_over(ours, "test", 22);
    match error.err() {
        Some(Error::HostKey(text)) => assert!(text.contains(&real), "{text}"),
        other => panic!("{other:?}"),
    }
}

/// The server vanishes: whoever waits hears of it, and what was read before is not taken for everything.
#[test]
fn a_lost_connection_is_an_error_not_an_end() {
    let (session, _served) = Setup::new().connect(|end| common_cut::Cutting::new(end, 4000));
    let session = session.expect("4000 bytes are enough for a handshake");
    session.login("user", "secret").expect("it is the password");
    let mut channel = session.exec("zeros 1000000").expect("there are bytes left");
    let error = channel.read_to_end(&mut Vec::new()).expect_err("the connection is cut");
    assert_ne!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
    let error = channel.wait().expect_err("the connection is cut");
    assert!(matches!(error, Error::Session(SessionError::Closed(CloseReason::Failed(_))) | Error::Io(_)), "{error}");
    assert!(matches!(session.cmd("echo again", None), Err(Error::Session(_) | Error::Io(_))));
}

/// A person who thinks about a host key for longer than a host may take to answer is waited for.
#[test]
fn thinking_about_a_host_key_is_not_connecting() {
    struct Slow(PublicKey);
    impl HostKeyPolicy for Slow {
        fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> ssh_blocking::Result<()> {
            std::thread::sleep(Duration::from_millis(700));
            self.0.check(host, port, key)
        }
    }
    let (ours, theirs) = common::memory::memory_pair(common::CAPACITY);
    let key = common::host_key();
    let policy = Slow(key.public_key().clone());
    let config = ServerConfig::new(vec![key.public_key().clone()]);
    std::thread::spawn(move || {
        let keys = std::sync::Arc::from([key]);
        ssh_blocking::serve_connection(theirs, "", config.into(), keys, &std::sync::Arc::new(common::TestServer))
    });
    let timeouts = Timeouts { connect: Some(Duration::from_millis(500)), ..Timeouts::default() };
    let connector = ssh_blocking::Connector::new().host_keys(policy).timeouts(timeouts);
    connector.connect_over(ours, "test", 22).expect("the key is right");
}

/// A handler hears of the end of its connection, however that came about.
#[test]
fn a_transport_that_fails_is_reported() {
    #[derive(Default)]
    struct Listening(AtomicBool);
    impl Handler for Listening {
        fn authenticate(&self, _: &Connection, _: &AuthRequest) -> AuthAnswer {
            AuthAnswer::Reject
        }
        fn session(&self, _: &Connection, _: &Identity, _: Channel<ServerRole>) {}
        fn closed(&self, _: &Connection, reason: &CloseReason) {
            assert!(reason.error().is_some());
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let key = common::host_key();
    let config = ServerConfig::new(vec![key.public_key().clone()]);
    let handler = std::sync::Arc::new(Listening::default());
    let transport = common_cut::Resetting::default();
    let ended = ssh_blocking::serve_connection(transport, "", config.into(), std::sync::Arc::from([key]), &handler);
    assert!(matches!(ended, Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionReset));
    assert!(handler.0.load(Ordering::Relaxed));
}

mod common_cut {
    use crate::common::memory::MemoryTransport;
    use ssh_blocking::transport::{Interest, Transport};
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Ends after so many bytes from the peer.
    pub(super) struct Cutting {
        inner: MemoryTransport,
        left: AtomicUsize,
    }

    impl Cutting {
        pub(super) fn new(inner: MemoryTransport, left: usize) -> Self {
            Self { inner, left: AtomicUsize::new(left) }
        }
    }

    impl Transport for Cutting {
        fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
            let left = self.left.load(Ordering::Relaxed);
            let n = buffer.len().min(left);
            if n == 0 {
                return Ok(0);
            }
            let n = self.inner.try_read(&mut buffer[..n])?;
            self.left.fetch_sub(n, Ordering::Relaxed);
            Ok(n)
        }

        fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
            self.inner.try_write(bytes)
        }

        fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<()> {
            if self.left.load(Ordering::Relaxed) == 0 && interest.read {
                return Ok(());
            }
            self.inner.wait(interest, timeout)
        }

        fn wake(&self) {
            self.inner.wake();
        }

        fn shutdown(&self) {
            self.inner.shutdown();
        }
    }

    /// Says who it is, and then the connection is reset.
    #[derive(Default)]
    pub(super) struct Resetting {
        said: AtomicUsize,
    }

    impl Transport for Resetting {
        fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.said.fetch_add(1, Ordering::Relaxed) > 0 {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            let line = b"SSH-2.0-x\r\n";
            buffer[..line.len()].copy_from_slice(line);
            Ok(line.len())
        }

        fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn wait(&self, _: Interest, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn wake(&self) {}

        fn shutdown(&self) {}
    }
}
