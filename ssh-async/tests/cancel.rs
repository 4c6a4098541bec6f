//! A whole session dropped at every await: nothing is lost, doubled or poisoned for those who come after.
//!
//! There is no runtime here. A session, its driver and the server are polled in turn, by hand; the session is polled k
//! times and then dropped, for every k until it ends by itself.

mod common;

use std::future::Future;
use std::pin::Pin;

use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use common::TestServer;
use common::pipe::{self, End, Never};
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use ssh_async::ssh_core::key::PublicKey;
use ssh_async::ssh_core::wire::DataStream;
use ssh_async::ssh_core::{ChannelRequest, CloseReason, Prompts, SecretBytes};
use ssh_async::{Connecting, Connector, Credentials, Driver, Interaction, Session, SessionError, serve_connection};

/// More rounds than anything here takes; what is not done by then hangs.
const PATIENCE: usize = 20_000;

type Task<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

fn poll<T>(task: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
    Pin::new(task).poll(&mut Context::from_waker(Waker::noop()))
}

/// Everything that is not the session under test.
struct World {
    driver: Driver<End>,
    over: Option<CloseReason>,
    server: Task<'static, CloseReason>,
    served: Option<CloseReason>,
    handler: TestServer,
}

impl World {
    fn new() -> (Self, Connecting<PublicKey>) {
        let (ours, theirs) = pipe::pair();
        let (config, keys, known) = common::server();
        let handler = TestServer::default();
        let service = handler.clone();
        let server = async move {
            serve_connection(theirs, Box::pin(Never), "memory", config, &keys, &service).await.expect("it can work")
        };
        let connector = Connector::new().host_keys(known);
        let start = &mut Box::pin(connector.start(ours, Box::pin(Never), "host", 22));
        let Poll::Ready(Ok((connecting, driver))) = poll(start) else { panic!("a key needs no waiting") };
        (Self { driver, over: None, server: Box::pin(server), served: None, handler }, connecting)
    }

    /// Polls everybody else once.
    fn turn(&mut self) {
        if self.over.is_none()
            && let Poll::Ready(reason) = poll(&mut self.driver)
        {
            self.over = Some(reason);
        }
        if self.served.is_none()
            && let Poll::Ready(reason) = poll(&mut self.server)
        {
            self.served = Some(reason);
        }
    }

    fn settle(&mut self) {
        for _ in 0..100 {
            self.turn();
        }
    }

    /// Runs `future` to its end.
    fn run<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = Box::pin(future);
        for _ in 0..PATIENCE {
            if let Poll::Ready(result) = poll(&mut future) {
                return result;
            }
            self.turn();
        }
        panic!("it hangs");
    }

    /// Polls `future` so many times and drops it; says what it returned, if it did.
    fn run_for<T>(&mut self, polls: usize, future: impl Future<Output = T>) -> Option<T> {
        let mut future = Box::pin(future);
        for _ in 0..polls {
            if let Poll::Ready(result) = poll(&mut future) {
                return Some(result);
            }
            self.turn();
        }
        None
    }

    /// The connection ends on both sides, by itself, and leaves nothing behind.
    fn assert_ends(mut self) {
        for _ in 0..PATIENCE {
            if self.over.is_some() && self.served.is_some() {
                assert_eq!(self.handler.sessions.load(Ordering::SeqCst), 0);
                return;
            }
            self.turn();
        }
        panic!("the connection does not end: {:?} {:?}", self.over, self.served);
    }
}

/// Answers slowly, so that there is something to drop.
struct Slow;

impl Interaction for Slow {
    async fn answers(&mut self, prompts: &Prompts) -> Option<Vec<SecretBytes>> {
        yield_once().await;
        yield_once().await;
        Some(prompts.prompts.iter().map(|_| "blue".into()).collect())
    }
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

fn questions() -> Credentials {
    Credentials::none().prompts(3).preferred(vec!["keyboard-interactive".into()])
}

#[test]
fn connecting_dropped_at_every_poll_ends_the_connection() {
    for polls in 0.. {
        let (mut world, connecting) = World::new();
        let connected = world.run_for(polls, connecting.finish());
        let done = connected.is_some();
        drop(connected);
        world.assert_ends();
        if done {
            assert!(polls > 3, "there was something to drop");
            return;
        }
    }
}

/// A login dropped at any point is gone on with by the next one.
#[test]
fn a_login_dropped_at_every_poll_can_be_repeated() {
    let logins: [fn(&Session) -> Task<'_, bool>; 2] = [
        |session| Box::pin(async { session.login("user", "secret").await.is_ok() }),
        |session| Box::pin(async { session.login_with("user", questions(), &mut Slow).await.is_ok() }),
    ];
    for login in logins {
        for polls in 0.. {
            let (mut world, connecting) = World::new();
            let session = world.run(connecting.finish()).expect("the key is known");
            let done = world.run_for(polls, login(&session));
            if done.is_none() {
                // The right password after whatever the dropped one has tried.
                let second = world.run(session.login_with("user", Credentials::from("secret").prompts(1), &mut Slow));
                assert!(second.is_ok(), "after {polls} polls: {second:?}");
            }
            let output = world.run(session.command("echo in").output()).expect("logged in");
            assert_eq!(output.stdout, b"in");
            drop(session);
            world.assert_ends();
            if done.is_some() {
                assert_eq!(done, Some(true));
                assert!(polls > 3, "there was something to drop");
                break;
            }
        }
    }
}

/// A login after the login is told so, at once.
#[test]
fn a_second_login_does_not_hang() {
    let (mut world, connecting) = World::new();
    let session = world.run(connecting.finish()).expect("the key is known");
    world.run(session.login("user", "secret")).expect("it is the password");
    assert!(world.run(session.login("user", "secret")).is_err());
}

/// Everything one does with a session after the login: each step checks that what it gets is whole.
async fn work(session: Session) -> ssh_async::Result<()> {
    let output = session.command("cat").env("A", "b").stdin(&[7; 50_000]).output().await?;
    assert!(output.stdout == [7; 50_000] && output.exit.success());
    let channel = session.exec("cat").await?;
    let status = channel.reader(DataStream::STDERR);
    let (mut writer, mut stdout, _stderr) = channel.split();
    drop(status);
    writer.write_all(&[8; 30_000]).await?;
    writer.flush().await?;
    let mut half = vec![0; 15_000];
    stdout.read_exact(&mut half).await?;
    writer.close().await?;
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).await?;
    assert!(half == [8; 15_000] && rest == [8; 15_000]);
    session.rekey()?;
    let channel = session.exec("fail 3").await?;
    assert_eq!(channel.wait().await?.code(), 3);
    let refused = session.subsystem("none").await;
    assert!(matches!(refused, Err(ssh_async::Error::Session(SessionError::RequestRefused { request: "subsystem" }))));
    let hanging = session.exec("hang").await?;
    hanging.signal("USR1").await?;
    hanging.request(&ChannelRequest::Env { name: b"A".to_vec(), value: b"b".to_vec() }, false).await?;
    Ok(())
}

#[test]
fn a_session_dropped_at_every_poll_leaves_the_connection_whole() {
    let mut longest = 0;
    for polls in 0.. {
        let (mut world, connecting) = World::new();
        let session = world.run(connecting.finish()).expect("the key is known");
        world.run(session.login("user", "secret")).expect("it is the password");
        // Somebody else's channel, in the midst of something.
        let other = world.run(session.exec("cat")).expect("logged in");
        let (mut writer, mut reader, _) = other.split();
        world.run(writer.write_all(b"before ")).expect("the channel is open");

        let done = world.run_for(polls, work(session.clone()));

        world.run(writer.write_all(b"after")).expect("the channel is open");
        world.run(writer.close()).expect("the channel is open");
        let mut text = Vec::new();
        world.run(reader.read_to_end(&mut text)).expect("the channel is open");
        assert_eq!(text, b"before after", "after {polls} polls");
        drop((writer, reader));
        world.settle();
        let left = world.handler.sessions.load(Ordering::SeqCst);
        assert_eq!(left, 0, "after {polls} polls the server still has {left} channels");
        let output = world.run(session.command("echo on").output()).expect("the connection lives");
        assert_eq!(output.stdout, b"on");
        session.disconnect();
        drop(session);
        world.assert_ends();
        if let Some(result) = done {
            result.expect("a session that nobody drops works");
            longest = polls;
            break;
        }
    }
    assert!(longest > 30, "there was much to drop: {longest}");
    println!("dropped at each of {longest} polls");
}

/// The other way round: everybody who waits hears that nobody drives any more.
#[test]
fn a_dropped_driver_is_an_error_for_all() {
    let (mut world, connecting) = World::new();
    let session = world.run(connecting.finish()).expect("the key is known");
    world.run(session.login("user", "secret")).expect("it is the password");
    let (mut writer, mut reader, _) = world.run(session.exec("cat")).expect("logged in").split();
    let World { driver, .. } = world;
    drop(driver);
    let Poll::Ready(Err(error)) = poll(&mut Box::pin(reader.read(&mut [0; 10]))) else { panic!("it waits") };
    assert!(error.to_string().contains("driver"), "{error}");
    assert!(matches!(poll(&mut Box::pin(session.exec("echo"))), Poll::Ready(Err(_))));
    assert_eq!(poll(&mut Box::pin(session.closed())), Poll::Ready(CloseReason::Local));
    let _ = poll(&mut Box::pin(writer.close()));
}
