//! Client and server over TCP under each runtime: every test here runs under tokio with one thread, tokio with several,
//! and smol.

mod common;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::TestServer;
use futures_util::future::join_all;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use ssh_async::ssh_core::admission::{AdmissionPolicy, Refusal};
use ssh_async::ssh_core::key::PublicKey;
use ssh_async::ssh_core::{
    ChannelType, ClientConfig, CloseReason, KeepAlive, Prompts, RekeyPolicy, SecretBytes, ServerConfig,
};
use ssh_async::{
    Connector, Control, Credentials, Error, Exit, HostKeyPolicy, Interaction, Listener, LoginError, Metric, Runtime,
    Session, SessionError, Smol, Tokio,
};
use tokio::sync::oneshot;

macro_rules! under_every_runtime {
    ($($test:ident),* $(,)?) => {
        mod tokio_one_thread {
            $(#[test]
            fn $test() {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(super::$test(super::Tokio));
            })*
        }
        mod tokio_threads {
            $(#[test]
            fn $test() {
                let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
                runtime.block_on(runtime.spawn(super::$test(super::Tokio))).unwrap();
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

under_every_runtime!(
    a_command_with_both_streams_and_a_status,
    logins,
    a_hundred_commands_at_once,
    a_stalled_reader_delays_nobody,
    more_than_a_window_both_ways_under_rekeying,
    streams_and_half_close,
    a_session_over_a_channel_of_another,
    keepalives_and_the_end_of_a_connection,
    what_begins_after_a_pause_has_its_time,
    whoever_judges_keys_hears_of_the_address,
    shutting_down_drains,
    shutting_down_does_not_wait_for_ever,
    admission_and_metrics,
);

/// A server that runs.
struct Served {
    address: SocketAddr,
    host_key: PublicKey,
    control: Control,
    handler: TestServer,
    metrics: Arc<Mutex<Vec<Metric>>>,
    over: oneshot::Receiver<()>,
}

async fn serve<T: Runtime>(runtime: &T, policy: AdmissionPolicy) -> Served {
    let key = common::host_key();
    let host_key = key.public_key().clone();
    let mut config = ServerConfig::new(vec![]);
    config.auth_methods.push("keyboard-interactive".into());
    let address = "127.0.0.1:0".parse().expect("an address");
    let listener = Listener::with_config(runtime.clone(), address, config, vec![key]).await.expect("a free port");
    let listener = listener.admission(policy);
    let metrics = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&metrics);
    listener.on_metric(move |metric| sink.lock().unwrap().push(metric.clone()));
    let (address, control) = (listener.local_addr().expect("bound"), listener.control());
    let handler = TestServer::default();
    let service = handler.clone();
    let (running, over) = oneshot::channel();
    runtime.spawn(async move {
        listener.serve(service).await;
        let _ = running.send(());
    });
    Served { address, host_key, control, handler, metrics, over }
}

impl Served {
    fn connector(&self) -> Connector<PublicKey> {
        Connector::new().host_keys(self.host_key.clone())
    }

    async fn connect<T: Runtime>(&self, runtime: T) -> Result<Session, Error> {
        self.connector().connect(runtime, "127.0.0.1", self.address.port()).await
    }

    async fn session<T: Runtime>(&self, runtime: T) -> Session {
        let session = self.connect(runtime).await.expect("the key is known");
        session.login("user", "secret").await.expect("it is the password");
        session
    }
}

async fn a_command_with_both_streams_and_a_status<T: Runtime>(runtime: T) {
    let served = serve(&runtime, AdmissionPolicy::default()).await;
    let session = served.session(runtime).await;
    let output = session.command("echo some text").output().await.expect("it runs");
    assert_eq!((&*output.stdout, output.exit), (&b"some text"[..], Exit::Status(0)));
    let output = session.command("stderr a remark").output().await.expect("it runs");
    assert_eq!((output.stdout.len(), &*output.stderr), (0, &b"a remark"[..]));
    assert_eq!(session.command("fail 7").output().await.expect("it runs").exit, Exit::Status(7));
    let killed = session.exec("signal TERM").await.expect("it runs").wait().await.expect("it ends");
    assert!(matches!(killed, Exit::Signal { signal, .. } if signal.name() == "TERM"));
    let much = session.command("zeros 100000").limit(99_999).output().await;
    assert!(matches!(much, Err(Error::Session(SessionError::TooMuchOutput { limit: 99_999 }))), "{much:?}");
    assert!(session.negotiated().expect("keys were exchanged").strict_kex);
    assert!(session.peer_identification().expect("it came").to_string().starts_with("SSH-2.0-"));
}

struct Person;

impl Interaction for Person {
    async fn password(&mut self, attempt: u32) -> Option<SecretBytes> {
        Some(if attempt < 1 { "wrong" } else { "secret" }.into())
    }

    async fn answers(&mut self, prompts: &Prompts) -> Option<Vec<SecretBytes>> {
        assert_eq!(prompts.prompts[0].prompt.to_string(), "Colour: ");
        Some(vec!["blue".into()])
    }
}

async fn logins<T: Runtime>(runtime: T) {
    let served = serve(&runtime, AdmissionPolicy::default()).await;
    let session = served.connect(runtime.clone()).await.expect("the key is known");
    match session.login("user", "wrong").await {
        Err(Error::Login(LoginError::Refused { user, tried, methods })) => {
            assert_eq!((&*user, &*tried), ("user", &["keyboard-interactive", "password"][..]));
            assert!(methods.contains(&"password".into()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(session.login("user", "secret").await.expect("the right one at last"), "password");
    let methods = [("password", 2), ("keyboard-interactive", 1)];
    for (method, prompts) in methods {
        let session = served.connect(runtime.clone()).await.expect("the key is known");
        let credentials = Credentials::none().prompts(prompts).preferred(vec![method.into()]);
        assert_eq!(session.login_with("user", credentials, &mut Person).await.expect("answered"), method);
    }
    let stranger = common::host_key().public_key().clone();
    let refused = Connector::new().host_keys(stranger).connect(runtime, "127.0.0.1", served.address.port()).await;
    assert!(matches!(refused.err(), Some(Error::HostKey(text)) if text.contains("expected")));
}

async fn a_hundred_commands_at_once<T: Runtime>(runtime: T) {
    let served = serve(&runtime, AdmissionPolicy::default()).await;
    let session = served.session(runtime).await;
    let commands = (0..100_u8).map(|number| {
        let session = session.clone();
        async move {
            let data: Vec<u8> = (0..50_000).map(|at: u32| at.to_le_bytes()[0] ^ number).collect();
            let output = session.command("cat").stdin(&data).output().await.expect("it runs");
            assert!(output.stdout == data, "session {number} lost or mixed data");
        }
    });
    join_all(commands).await;
}

/// One channel is full and nobody reads it: the others, requests and rekeying go on.
async fn a_stalled_reader_delays_nobody<T: Runtime>(runtime: T) {
    let served = serve(&runtime, AdmissionPolicy::default()).await;
    let session = served.session(runtime).await;
    let stalled = session.exec("zeros 10000000").await.expect("it runs");
    for _ in 0..20 {
        session.rekey().expect("logged in");
        assert_eq!(session.command("echo on").output().await.expect("it runs").stdout, b"on");
    }
    let (_, mut stdout, _) = stalled.split();
    let mut all = Vec::new();
    stdout.read_to_end(&mut all).await.expect("nothing is lost");
    assert_eq!(all.len(), 10_000_000);
}

async fn more_than_a_window_both_ways_under_rekeying<T: Runtime>(runtime: T) {
    let served = serve(&runtime, AdmissionPolicy::default()).await;
    let mut config = ClientConfig::default();
    config.rekey = RekeyPolicy { bytes: Some(300_000), ..RekeyPolicy::default() };
    let connector = served.connector().config(config);
    let session = connector.connect(runtime, "127.0.0.1", served.address.port()).await.expect("the key is known");
    session.login("user", "secret").await.expect("it is the password");
    let data: Vec<u8> = (0..6_000_000_u32).map(|at| (at ^ (at >> 8)).to_le_bytes()[0]).collect();
    let output = session.command("cat").stdin(&data).output().await.expect("it runs");
    assert!(output.stdout == data);
}

async fn streams_and_half_close<T: Runtime>(runtime: T) {
    let served = serve(&runtime, AdmissionPolicy::default()).await;
    let session = served.session(runtime).await;
    let (mut writer, mut stdout, mut stderr) = session.exec("cat").await.expect("it runs").split();
    writer.write_all(b"some input").await.expect("it is open");
    writer.flush().await.expect("it is open");
    let mut begin = [0; 4];
    stdout.read_exact(&mut begin).await.expect("it comes back");
    writer.close().await.expect("it is open");
    assert!(writer.write_all(b"more").await.is_err(), "after the end");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).await.expect("it comes back");
    assert_eq!((&begin, rest.as_str()), (b"some", " input"));
    assert_eq!(stderr.read(&mut [0; 9]).await.expect("it ends"), 0);
    let channel = session.open_session().await.expect("a channel");
    drop((writer, stdout, stderr, channel));
    let odd = ChannelType::Other { name: b"odd@example.com".to_vec(), data: Vec::new() };
    let refused = session.open_channel(&odd).await.err();
    assert!(matches!(refused, Some(Error::Session(SessionError::ChannelRefused { .. }))), "{refused:?}");
}

/// What runs over a channel may be SSH again: a session through a session.
async fn a_session_over_a_channel_of_another<T: Runtime>(runtime: T) {
    let served = serve(&runtime, AdmissionPolicy::default()).await;
    let outer = served.session(runtime.clone()).await;
    let stream = outer.exec("far").await.expect("it runs").into_stream();
    let connector = Connector::new().host_keys(common::far_key());
    let (connecting, driver) = connector.start(stream, runtime.timer(), "far", 22).await.expect("it can work");
    drop(outer);
    let inner = async {
        let inner = connecting.finish().await?;
        inner.login("user", "secret").await?;
        let data = vec![9; 300_000];
        let output = inner.command("cat").stdin(&data).output().await?;
        assert!(output.stdout == data);
        inner.command("echo far").output().await
    };
    assert_eq!(driver.run(inner).await.expect("one task is enough").stdout, b"far");
}

async fn keepalives_and_the_end_of_a_connection<T: Runtime>(runtime: T) {
    let served = serve(&runtime, AdmissionPolicy::default()).await;
    let mut config = ClientConfig::default();
    config.keepalive = Some(KeepAlive { interval: Duration::from_millis(20), max_unanswered: 100 });
    let connector = served.connector().config(config);
    let session = connector.connect(runtime, "127.0.0.1", served.address.port()).await.expect("the key is known");
    session.login("user", "secret").await.expect("it is the password");
    let waiting = session.exec("hang").await.expect("it runs");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(session.command("echo on").output().await.expect("it lives").stdout, b"on");
    let other = session.clone();
    session.disconnect();
    assert_eq!(other.closed().await, CloseReason::Local);
    assert!(waiting.wait().await.is_err());
    assert!(matches!(other.exec("echo").await.err(), Some(Error::Session(_))));
}

/// As long as nothing happens nobody tells the endpoint the time.
async fn what_begins_after_a_pause_has_its_time<T: Runtime>(runtime: T) {
    let served = serve(&runtime, AdmissionPolicy::default()).await;
    let mut config = ClientConfig::default();
    (config.limits.rekey_grace, config.limits.linger) = (Duration::from_millis(500), Duration::from_millis(500));
    let connector = served.connector().config(config);
    let session = connector.connect(runtime, "127.0.0.1", served.address.port()).await.expect("the key is known");
    session.login("user", "secret").await.expect("it is the password");
    let pause = || ::smol::Timer::after(Duration::from_millis(700));
    pause().await;
    session.rekey().expect("the user is in");
    let _hanging = session.exec("hang").await.expect("the exchange does not end the connection");
    pause().await;
    session.disconnect();
    session.closed().await;
    served.control.shut_down(Duration::from_secs(60));
    served.over.await.expect("all are gone");
    let metrics = served.metrics.lock().unwrap();
    let closed = metrics.iter().find_map(|metric| match metric {
        Metric::Closed { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(closed, Some(CloseReason::Peer), "the server was told");
}

/// Knows the key, and notes what is heard before it is judged.
struct Judge {
    key: PublicKey,
    heard: Arc<Mutex<Vec<String>>>,
}

impl HostKeyPolicy for Judge {
    async fn reached(&mut self, address: IpAddr) {
        self.heard.lock().unwrap().push(format!("reached {address}"));
    }

    async fn check(&mut self, host: &str, port: u16, key: &PublicKey) -> Result<(), Error> {
        self.heard.lock().unwrap().push("judged".into());
        self.key.check(host, port, key).await
    }
}

async fn whoever_judges_keys_hears_of_the_address<T: Runtime>(runtime: T) {
    let served = serve(&runtime, AdmissionPolicy::default()).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let judge = Judge { key: served.host_key.clone(), heard: Arc::clone(&heard) };
    let connector = Connector::new().host_keys(judge);
    connector.connect(runtime, "localhost", served.address.port()).await.expect("the key is known");
    assert_eq!(*heard.lock().unwrap(), ["reached 127.0.0.1", "judged"]);
}

/// Whoever is busy finishes; whoever is idle goes at once; nobody comes in.
async fn shutting_down_drains<T: Runtime>(runtime: T) {
    let mut served = serve(&runtime, AdmissionPolicy::default()).await;
    let (idle, busy) = (served.session(runtime.clone()).await, served.session(runtime.clone()).await);
    let (mut writer, mut reader, _) = busy.exec("cat").await.expect("it runs").split();
    writer.write_all(b"in").await.expect("it is open");
    let mut echo = [0; 2];
    reader.read_exact(&mut echo).await.expect("it comes back");
    served.control.shut_down(Duration::from_secs(600));
    match idle.closed().await {
        CloseReason::Peer => {}
        other => panic!("{other}"),
    }
    let refused = busy.exec("echo more").await.err();
    assert!(matches!(refused, Some(Error::Session(SessionError::ChannelRefused { .. }))), "{refused:?}");
    assert!(served.connect(runtime.clone()).await.is_err());
    assert!(served.over.try_recv().is_err(), "somebody is still there");
    writer.write_all(b" time").await.expect("it is open");
    writer.close().await.expect("it is open");
    let mut rest = String::new();
    reader.read_to_string(&mut rest).await.expect("it comes back");
    assert_eq!(rest, " time");
    drop((writer, reader));
    busy.closed().await;
    served.over.await.expect("all are gone");
    assert_eq!(served.handler.sessions.load(Ordering::SeqCst), 0);
}

async fn shutting_down_does_not_wait_for_ever<T: Runtime>(runtime: T) {
    let served = serve(&runtime, AdmissionPolicy::default()).await;
    let session = served.session(runtime).await;
    let _hanging = session.exec("hang").await.expect("it runs");
    served.control.shut_down(Duration::from_millis(50));
    // The first call decides.
    served.control.shut_down(Duration::from_secs(600));
    assert_eq!(session.closed().await, CloseReason::Peer);
    served.over.await.expect("all are gone");
}

async fn admission_and_metrics<T: Runtime>(runtime: T) {
    let mut policy = AdmissionPolicy::default();
    policy.max_per_source = 2;
    let served = serve(&runtime, policy).await;
    let first = served.session(runtime.clone()).await;
    let second = served.connect(runtime.clone()).await.expect("there is a place");
    assert!(served.connect(runtime.clone()).await.is_err(), "both places are taken");
    drop(second);
    // The server learns of it in its own time.
    let third = loop {
        match served.connect(runtime.clone()).await {
            Ok(session) => break session,
            Err(_) => continue,
        }
    };
    third.login("user", "secret").await.expect("it is the password");
    drop((first, third));
    served.control.shut_down(Duration::from_secs(60));
    served.over.await.expect("all are gone");
    let metrics = served.metrics.lock().unwrap();
    let count = |what: fn(&&Metric) -> bool| metrics.iter().filter(what).count();
    assert_eq!(count(|metric| matches!(metric, Metric::Admitted { .. })), 3);
    assert_eq!(count(|metric| matches!(metric, Metric::Authenticated { .. })), 2);
    assert_eq!(count(|metric| matches!(metric, Metric::Closed { .. })), 3);
    assert!(count(|metric| matches!(metric, Metric::Refused { refusal: Refusal::SourceFull, .. })) > 0);
}
