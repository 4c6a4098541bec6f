//! What `sessions.rs` and `login.rs` do through the blocking library, through the asynchronous one: under tokio with one
//! thread, tokio with several, and smol.

use futures_util::future::join_all;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use ssh_async::ssh_core::key::{KeyAlgorithm, KeyFileError, PrivateKey};
use ssh_async::ssh_core::random::OsRandom;
use ssh_async::ssh_core::wire::DataStream;
use ssh_async::ssh_core::{ClientConfig, SecretBytes};
use ssh_async::{
    Connector, Credentials, Error, Exit, KnownHostsPolicy, LoginError, OnThread, Runtime, Session, Smol, Tokio,
};
use ssh_interop_tests::peer::openssh::{KeyType, Sshd, keygen};
use ssh_interop_tests::peer::ours::{OurSshd, Ours};
use ssh_interop_tests::peer::{require_all, user_name};

macro_rules! test_under_every_runtime {
    ($($test:ident),* $(,)?) => {
        mod tokio {
            $(#[test]
            fn $test() {
                let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().expect("resources");
                runtime.block_on(super::$test(super::Tokio));
            })*
        }
        mod tokio_threads {
            $(#[test]
            fn $test() {
                let runtime = ::tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("resources");
                runtime.block_on(runtime.spawn(super::$test(super::Tokio))).expect("it passes");
            })*
        }
        mod smol {
            $(#[test]
            fn $test() {
                ::smol::block_on(super::$test(super::Smol));
            })*
        }
    };
}

test_under_every_runtime!(
    two_hundred_sessions_one_after_the_other,
    a_hundred_sessions_at_once,
    a_stalled_channel_delays_nobody,
    half_close_signals_and_streams,
    signals_reach_a_command,
    two_hundred_at_once_on_our_servers,
    keys_of_every_kind_plain_and_encrypted,
    passwords_and_two_factors,
    a_second_login_on_the_same_connection,
);

async fn connect<T: Runtime>(runtime: T, sshd: &Sshd) -> Session {
    let policy = KnownHostsPolicy::new(vec![sshd.known_hosts().into()]);
    Connector::new()
        .host_keys(OnThread::new(policy))
        .connect(runtime, "127.0.0.1", sshd.port())
        .await
        .expect("sshd runs")
}

async fn own_key(sshd: &Sshd) -> PrivateKey {
    ssh_async::read_key(sshd.identity(), None).await.expect("ssh-keygen made it")
}

async fn session<T: Runtime>(runtime: T, sshd: &Sshd) -> Session {
    let session = connect(runtime, sshd).await;
    let method = session.login(sshd.user(), own_key(sshd).await).await;
    assert_eq!(method.expect("the key is authorized"), "publickey");
    session
}

async fn two_hundred_sessions_one_after_the_other<T: Runtime>(runtime: T) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let session = session(runtime, &sshd).await;
    for number in 0..200 {
        let command = format!("echo {number}; exit {}", number % 7);
        let output = session.command(&command).output().await.expect("the command runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{number}\n"));
        assert_eq!(output.exit, Exit::Status(number % 7));
    }
}

/// A hundred at once, each with more data than a window both ways.
async fn a_hundred_sessions_at_once<T: Runtime>(runtime: T) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().line("MaxSessions 200").start();
    let session = session(runtime, &sshd).await;
    join_all((0..100_u8).map(|number| {
        let session = session.clone();
        async move {
            let data: Vec<u8> = (0..300_000).map(|at: u32| at.to_le_bytes()[0] ^ number).collect();
            let output = session.command("cat").stdin(&data).output().await.expect("the command runs");
            assert!(output.stdout == data, "session {number} lost or mixed data");
            assert!(output.exit.success());
        }
    }))
    .await;
}

/// A channel that nobody reads stops neither the others nor a rekey.
async fn a_stalled_channel_delays_nobody<T: Runtime>(runtime: T) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let session = session(runtime, &sshd).await;
    let stalled = session.exec("head -c 20000000 /dev/zero").await.expect("the command runs");
    for _ in 0..5 {
        session.rekey().expect("logged in");
        let output = session.command("echo on").output().await.expect("the command runs");
        assert_eq!(output.stdout, b"on\n");
    }
    let mut stdout = stalled.reader(DataStream::STDOUT);
    let mut count = 0;
    let mut buffer = vec![0; 65536];
    loop {
        match stdout.read(&mut buffer).await.expect("the connection lives") {
            0 => break,
            n => count += n,
        }
    }
    assert_eq!(count, 20_000_000);
    assert!(stalled.wait().await.expect("the connection lives").success());
}

async fn half_close_signals_and_streams<T: Runtime>(runtime: T) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let session = session(runtime, &sshd).await;
    let channel = session.exec("cat; echo over >&2").await.expect("the command runs");
    let mut stdin = channel.writer(DataStream::STDOUT);
    stdin.write_all(b"some input").await.expect("the channel is open");
    stdin.close().await.expect("the channel is open");
    let (mut stdout, mut stderr) = (String::new(), String::new());
    channel.reader(DataStream::STDOUT).read_to_string(&mut stdout).await.expect("the connection lives");
    channel.stderr().read_to_string(&mut stderr).await.expect("the connection lives");
    assert_eq!((stdout.as_str(), stderr.as_str()), ("some input", "over\n"));
    assert_eq!(channel.wait().await.expect("the connection lives"), Exit::Status(0));

    let channel = session.exec("kill -TERM $$").await.expect("the command runs");
    let killed = channel.wait().await.expect("the connection lives");
    assert!(matches!(killed, Exit::Signal { signal, .. } if signal.name() == "TERM"));
}

async fn session_of_ours<T: Runtime>(runtime: T, sshd: &OurSshd) -> Session {
    let policy = KnownHostsPolicy::new(vec![sshd.known_hosts().into()]);
    let mut config = ClientConfig::default();
    // With larger windows 160 channels are as much as a connection may make us hold; more would wait.
    config.limits.channel_window = 128 * 1024;
    let connector = Connector::new().config(config).host_keys(OnThread::new(policy));
    let session = connector.connect(runtime, "127.0.0.1", sshd.port()).await.expect("it runs");
    let key = ssh_async::read_key(sshd.identity(), None).await.expect("ssh-keygen made it");
    session.login(user_name(), key).await.expect("the key is authorized");
    session
}

/// All are open at the same time, some never read by their children and some never by us, which the others do not mind.
async fn two_hundred_at_once_on_our_servers<T: Runtime>(runtime: T) {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    for ours in [Ours::Blocking, Ours::Tokio, Ours::TokioThreads, Ours::Smol] {
        let sshd = ours.sshd(&[KeyType::Ed25519], &["MaxSessions=200"]);
        let session = session_of_ours(runtime.clone(), &sshd).await;
        let mut open = Vec::new();
        for number in 0..200 {
            let command = match number % 20 {
                0 => "exec sleep 60",
                1 => "exec cat /dev/zero",
                _ => "cat",
            };
            open.push(session.exec(command).await.expect("the command runs"));
        }
        for (number, channel) in open.iter().enumerate().filter(|(number, _)| number % 20 > 1) {
            let mut stdin = channel.writer(DataStream::STDOUT);
            stdin.write_all(format!("number {number}").as_bytes()).await.expect("the channel is open");
            stdin.close().await.expect("the channel is open");
            let mut text = String::new();
            channel.reader(DataStream::STDOUT).read_to_string(&mut text).await.expect("the connection lives");
            assert_eq!((text, channel.wait().await.expect("it ends")), (format!("number {number}"), Exit::Status(0)));
        }
    }
}

/// Of our own servers: sshd, run by root, passes no signals on.
async fn signals_reach_a_command<T: Runtime>(runtime: T) {
    if !require_all(&["ssh-keygen"]) {
        return;
    }
    for ours in [Ours::Blocking, Ours::Tokio, Ours::TokioThreads, Ours::Smol] {
        let sshd = ours.sshd(&[KeyType::Ed25519], &[]);
        let session = session_of_ours(runtime.clone(), &sshd).await;
        let channel = session.exec("trap 'echo caught; exit 3' USR1; echo ready; while :; do sleep 0.05; done").await;
        let channel = channel.expect("the command runs");
        let mut stdout = channel.reader(DataStream::STDOUT);
        stdout.read_exact(&mut [0; 6]).await.expect("the connection lives");
        channel.signal("USR1").await.expect("the channel is open");
        let mut text = String::new();
        stdout.read_to_string(&mut text).await.expect("the connection lives");
        let exit = channel.wait().await.expect("the connection lives");
        assert_eq!((text.as_str(), exit), ("caught\n", Exit::Status(3)), "{ours:?}");

        let channel = session.exec("echo ready; exec sleep 50").await.expect("the command runs");
        channel.reader(DataStream::STDOUT).read_exact(&mut [0; 6]).await.expect("the connection lives");
        channel.signal("TERM").await.expect("the channel is open");
        let killed = channel.wait().await.expect("the connection lives");
        assert!(matches!(&killed, Exit::Signal { signal, .. } if signal.name() == "TERM"), "{ours:?}: {killed:?}");
    }
}

async fn keys_of_every_kind_plain_and_encrypted<T: Runtime>(runtime: T) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().line("MaxAuthTries 20").start();
    for key_type in KeyType::ALL {
        for passphrase in ["", "open sesame"] {
            let name = format!("{key_type:?}{}", passphrase.len());
            let pair = keygen(sshd.directory(), &name, key_type, passphrase);
            sshd.authorize(&pair.public_line());
            let read = async |passphrase: Option<&str>| {
                ssh_async::read_key(&pair.private, passphrase.map(SecretBytes::from)).await
            };
            let key = if passphrase.is_empty() {
                read(None).await
            } else {
                let error = |key| match key {
                    Err(Error::KeyFile { error, .. }) => Some(error),
                    _ => None,
                };
                assert_eq!(error(read(None).await), Some(KeyFileError::PassphraseRequired));
                assert_eq!(error(read(Some("wrong")).await), Some(KeyFileError::WrongPassphrase));
                read(Some(passphrase)).await
            };
            let session = connect(runtime.clone(), &sshd).await;
            let method = session.login(sshd.user(), key.expect("the right passphrase")).await;
            assert_eq!(method.expect("the key is authorized"), "publickey", "{key_type:?}");
        }
    }
}

async fn passwords_and_two_factors<T: Runtime>(runtime: T) {
    if !require_all(&["sshd", "ssh-keygen", "nss_wrapper"]) {
        return;
    }
    let sshd = Sshd::builder().password("pass word").line("AuthenticationMethods publickey,password password").start();
    let method = connect(runtime.clone(), &sshd).await.login(sshd.user(), "pass word").await;
    assert_eq!(method.expect("it is the password"), "password");
    match connect(runtime.clone(), &sshd).await.login(sshd.user(), "wrong").await {
        Err(Error::Login(LoginError::Refused { user, tried, methods })) => {
            assert_eq!((user.as_str(), tried), (sshd.user(), vec!["password"]));
            assert!(methods.iter().any(|method| method == "password"), "{methods:?}");
        }
        other => panic!("a wrong password was not refused: {other:?}"),
    }

    let both = Sshd::builder().password("pass word").line("AuthenticationMethods publickey,password").start();
    let alone = connect(runtime.clone(), &both).await.login(both.user(), own_key(&both).await).await;
    assert!(matches!(alone, Err(Error::Login(LoginError::Refused { .. }))), "{alone:?}");
    let credentials = Credentials::from(own_key(&both).await).password("pass word");
    let session = connect(runtime, &both).await;
    assert_eq!(session.login(both.user(), credentials).await.expect("both are right"), "password");
    assert_eq!(session.command("echo in").output().await.expect("logged in").stdout, b"in\n");
}

/// After a refusal the same connection can be tried with something else.
async fn a_second_login_on_the_same_connection<T: Runtime>(runtime: T) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let session = connect(runtime, &sshd).await;
    let stranger = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom).expect("randomness");
    assert!(matches!(session.login(sshd.user(), stranger).await, Err(Error::Login(LoginError::Refused { .. }))));
    session.login(sshd.user(), own_key(&sshd).await).await.expect("authorized");
}
