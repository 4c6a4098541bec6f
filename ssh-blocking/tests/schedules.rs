//! The adapter's locks under every schedule that chance finds: its sources, compiled here with shuttle's locks and threads
//! in the place of the system's. A lost wake-up or a deadlock is a thread that never ends, which shuttle reports.
#![cfg(unix)]
#![allow(dead_code, unused_imports, unreachable_pub, missing_docs, reason = "a library, seen as a test")]

mod sync {
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use shuttle::thread;
    pub(crate) use std::sync::PoisonError;
}

#[path = "../src/channel.rs"]
mod channel;
#[path = "../src/driver.rs"]
mod driver;
#[path = "../src/error.rs"]
mod error;
#[path = "../src/guest.rs"]
mod guest;
#[path = "../src/host_keys/mod.rs"]
mod host_keys;
#[path = "../src/login.rs"]
mod login;
#[path = "common/memory.rs"]
mod memory;
#[path = "../src/server.rs"]
mod server;
#[path = "../src/session.rs"]
mod session;
#[path = "../src/transport/mod.rs"]
mod transport;

use std::io::{Read, Write};
use std::sync::Arc;

use shuttle::thread;
use ssh_core::key::{KeyAlgorithm, PrivateKey, PublicKey};
use ssh_core::random::OsRandom;
use ssh_core::{AuthAnswer, AuthRequest, ChannelRequest, CloseReason, Identity, ServerConfig, ServerRole};

use channel::Channel;
use server::{Connection, Handler, serve_connection};
use session::{Connector, Session};

/// Runs `check` under so many schedules; a figure in the environment variable `SCHEDULES` makes it more.
fn under_many_schedules(check: impl Fn() + Send + Sync + 'static) {
    let schedules = std::env::var("SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(500);
    let mut config = shuttle::Config::new();
    // Key exchange wants more than shuttle gives by itself.
    config.stack_size = 2 << 20;
    config.max_steps = shuttle::MaxSteps::FailAfter(1_000_000);
    shuttle::Runner::new(shuttle::scheduler::RandomScheduler::new(schedules), config).run(check);
}

/// Lets everybody in and sends everything back.
struct Echo;

impl Handler for Echo {
    fn authenticate(&self, _: &Connection, _: &AuthRequest) -> AuthAnswer {
        AuthAnswer::Accept
    }

    fn session(&self, _: &Connection, _: &Identity, mut channel: Channel<ServerRole>) {
        while let Ok(Some(request)) = channel.next_request() {
            if let Some(token) = request.reply {
                channel.reply(token, true);
            }
            if matches!(request.request, ChannelRequest::Exec { .. }) {
                break;
            }
        }
        let mut buffer = [0; 500];
        while let Ok(n @ 1..) = channel.read(&mut buffer) {
            if channel.write_all(&buffer[..n]).is_err() {
                return;
            }
        }
        let _ = channel.request(&ChannelRequest::ExitStatus(0), false);
        channel.close();
    }
}

/// A session, and the thread that serves it.
fn session() -> (Session, thread::JoinHandle<error::Result<CloseReason>>) {
    // So little room that whoever writes has to wait.
    let (ours, theirs) = memory::memory_pair(3000);
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom).expect("randomness");
    let known = key.public_key().clone();
    let config = Arc::new(ServerConfig::new(vec![known.clone()]));
    let served = thread::spawn(move || serve_connection(theirs, "memory", config, Arc::from([key]), &Arc::new(Echo)));
    let session = Connector::new().host_keys(known).connect_over(ours, "memory", 22).expect("the key is known");
    session.login("user", "any").expect("everybody is let in");
    (session, served)
}

#[test]
fn commands_of_several_threads() {
    under_many_schedules(|| {
        let (session, served) = session();
        let threads: Vec<_> = (0..3_u8)
            .map(|number| {
                let session = session.clone();
                thread::spawn(move || {
                    let data = vec![number; 2500];
                    assert_eq!(session.cmd("cat", Some(&data)).expect("it runs").stdout, data);
                })
            })
            .collect();
        session.rekey().expect("logged in");
        threads.into_iter().for_each(|thread| thread.join().expect("it is right"));
        drop(session);
        served.join().expect("it ends").expect("in order");
    });
}

/// One thread reads what another writes, a third waits on a channel of its own until the connection is cut under it.
#[test]
fn readers_writers_and_the_end() {
    under_many_schedules(|| {
        let (session, served) = session();
        let waiting = session.exec("cat").expect("it runs");
        let waiter = thread::spawn(move || waiting.wait());
        let (mut writer, mut reader, _) = session.exec("cat").expect("it runs").split();
        let writing = thread::spawn(move || {
            writer.write_all(&[7; 6000]).expect("it is open");
            writer.send_eof().expect("it is open");
        });
        let mut back = Vec::new();
        reader.read_to_end(&mut back).expect("it comes back");
        assert!(back == [7; 6000]);
        writing.join().expect("it is right");
        session.disconnect();
        assert!(waiter.join().expect("it ends").is_err());
        drop((session, reader));
        served.join().expect("it ends").expect("in order");
    });
}
