//! The adapter's locks and wakers under every schedule that chance finds: its sources, compiled here with shuttle's lock
//! in the place of the system's, on shuttle's executor. A lost wake-up or a deadlock is a task that never ends, which
//! shuttle reports.
#![allow(dead_code, unused_imports, unreachable_pub, missing_docs, reason = "a library, seen as a test")]

mod sync {
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;
}

#[path = "../src/channel.rs"]
mod channel;
#[path = "../src/driver.rs"]
mod driver;
#[path = "../src/guest.rs"]
mod guest;
#[path = "../src/host_keys.rs"]
mod host_keys;
#[path = "../src/learner.rs"]
mod learner;
#[path = "../src/listener.rs"]
mod listener;
#[path = "../src/login.rs"]
mod login;
#[path = "common/pipe.rs"]
mod pipe;
#[path = "../src/runtime.rs"]
mod runtime;
#[path = "../src/server.rs"]
mod server;
#[path = "../src/session.rs"]
mod session;
#[path = "../src/shared.rs"]
mod shared;
#[path = "../src/turnstile.rs"]
mod turnstile;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use shuttle::future::{JoinHandle, block_on, spawn, yield_now};
use ssh_blocking::{Error, Result};
use ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_core::random::OsRandom;
use ssh_core::wire::DataStream;
use ssh_core::{AuthAnswer, AuthRequest, ChannelRequest, CloseReason, Identity, ServerConfig, ServerRole};

use channel::Channel;
use runtime::Timer;
use server::{Connection, Handler, serve_connection};
use session::{Connector, Session};
use turnstile::Turnstile;

/// Runs `check` under so many schedules; a figure in the environment variable `SCHEDULES` makes it more.
fn under_many_schedules<F: Future<Output = ()> + 'static>(check: impl Fn() -> F + Send + Sync + 'static) {
    let schedules = std::env::var("SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(500);
    let mut config = shuttle::Config::new();
    // Key exchange wants more than shuttle gives by itself.
    config.stack_size = 2 << 20;
    config.max_steps = shuttle::MaxSteps::FailAfter(1_000_000);
    let scheduler = shuttle::scheduler::RandomScheduler::new(schedules);
    shuttle::Runner::new(scheduler, config).run(move || block_on(check()));
}

/// Lets everybody in and sends everything back.
struct Echo;

impl Handler for Echo {
    async fn authenticate(&self, _: &Connection, _: &AuthRequest) -> AuthAnswer {
        AuthAnswer::Accept
    }

    async fn session(&self, _: &Connection, _: Arc<Identity>, channel: Channel<ServerRole>) {
        while let Ok(Some(request)) = channel.next_request().await {
            if let Some(token) = request.reply {
                channel.reply(token, true);
            }
            if matches!(request.request, ChannelRequest::Exec { .. }) {
                break;
            }
        }
        let (mut stdin, mut stdout) = (channel.reader(DataStream::STDOUT), channel.writer(DataStream::STDOUT));
        let mut buffer = [0; 500];
        while let Ok(n @ 1..) = stdin.read(&mut buffer).await {
            if stdout.write_all(&buffer[..n]).await.is_err() {
                return;
            }
        }
        let _ = channel.request(&ChannelRequest::ExitStatus(0), false).await;
        channel.close();
    }
}

/// A session, its driver's task, and the server's.
async fn session() -> (Session, JoinHandle<CloseReason>, JoinHandle<CloseReason>) {
    let (ours, theirs) = pipe::pair();
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom).expect("randomness");
    let known = key.public_key().clone();
    let config = Arc::new(ServerConfig::new(vec![known.clone()]));
    let served = spawn(async move {
        let served = serve_connection(theirs, Box::pin(pipe::Never), "pipe", config, &[key], &Echo).await;
        served.expect("the configuration works")
    });
    let connector = Connector::new().host_keys(known);
    let (connecting, driver) = connector.start(ours, Box::pin(pipe::Never), "pipe", 22).await.expect("it can work");
    let driven = spawn(driver);
    let session = connecting.finish().await.expect("the key is known");
    session.login("user", "any").await.expect("everybody is let in");
    (session, driven, served)
}

#[test]
fn commands_of_several_tasks() {
    under_many_schedules(|| async {
        let (session, driven, served) = session().await;
        let tasks: Vec<_> = (0..3_u8)
            .map(|number| {
                let session = session.clone();
                spawn(async move {
                    let data = vec![number; 2500];
                    let output = session.command("cat").stdin(&data).output().await.expect("it runs");
                    assert_eq!(output.stdout, data);
                })
            })
            .collect();
        session.rekey().expect("logged in");
        for task in tasks {
            task.await.expect("it is right");
        }
        drop(session);
        driven.await.expect("it ends");
        served.await.expect("it ends");
    });
}

/// One task reads what another writes, a third gives up again and again, a fourth waits until the connection ends.
#[test]
fn readers_writers_and_the_end() {
    under_many_schedules(|| async {
        let (session, driven, served) = session().await;
        let waiting = session.exec("cat").await.expect("it runs");
        let waiter = spawn(async move { waiting.wait().await });
        let (mut writer, mut reader, _) = session.exec("cat").await.expect("it runs").split();
        let writing = spawn(async move {
            writer.write_all(&[7; 6000]).await.expect("it is open");
            writer.close().await.expect("it is open");
        });
        let other = session.clone();
        let fickle = spawn(async move {
            for polls in 0..6 {
                give_up_after(polls, other.command("cat").stdin(b"never mind").output()).await;
            }
        });
        let mut back = Vec::new();
        reader.read_to_end(&mut back).await.expect("it comes back");
        assert!(back == [7; 6000]);
        writing.await.expect("it is right");
        fickle.await.expect("it is right");
        session.disconnect();
        assert!(waiter.await.expect("it ends").is_err());
        assert_eq!(session.closed().await, CloseReason::Local);
        driven.await.expect("it ends");
        served.await.expect("it ends");
    });
}

/// Polls a future so many times and drops it.
async fn give_up_after<T>(polls: usize, future: impl Future<Output = T>) {
    let mut future = pin!(future);
    for _ in 0..polls {
        if std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await.is_ready() {
            return;
        }
        yield_now().await;
    }
}

#[test]
fn one_turn_at_a_time() {
    under_many_schedules(|| turns(1));
}

#[test]
fn two_turns_at_a_time() {
    under_many_schedules(|| turns(2));
}

/// Everybody has their turns, whoever leaves the queue; never do more than may be have one at once.
async fn turns(most: usize) {
    let turnstile = Arc::new(Turnstile::new(most));
    let inside = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..5)
        .map(|number| {
            let (turnstile, inside) = (Arc::clone(&turnstile), Arc::clone(&inside));
            spawn(async move {
                // The last one goes away in the midst of it.
                let steps = if number == 4 { 1 } else { 3 };
                let mut ticket = None;
                let mut done = 0;
                let steps = std::future::poll_fn(|cx| {
                    turnstile.poll(&mut ticket, cx, |cx| {
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < most);
                        shuttle::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        done += 1;
                        cx.waker().wake_by_ref();
                        if done == steps { Poll::Ready(()) } else { Poll::Pending }
                    })
                });
                if number == 4 {
                    give_up_after(1, steps).await
                } else {
                    steps.await
                }
                turnstile.leave(&mut ticket);
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("it has had its turns");
    }
    assert!(
        turnstile.poll(&mut None, &mut Context::from_waker(std::task::Waker::noop()), |_| Poll::Ready(())).is_ready()
    );
}
