//! An agent where there are no Unix sockets: behind a named pipe.
#![cfg(windows)]

use std::io::{self, Read, Write};
use std::thread;

use ssh_async::ssh_core::agent::{Constraints, Keyring};
use ssh_async::ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_async::ssh_core::random::OsRandom;
use ssh_blocking::{Agent, AgentService};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use tokio::runtime::{Builder, Runtime};

/// A pipe's end for threads.
struct Pipe {
    runtime: Runtime,
    server: NamedPipeServer,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.runtime.block_on(self.server.read(buffer)) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
            read => read,
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.runtime.block_on(self.server.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn keys_behind_a_pipe() {
    let name = format!(r"\\.\pipe\ssh-agent-test-{}", std::process::id());
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let server = runtime.block_on(async { ServerOptions::new().create(&name) }).expect("a name of our own");
    let agent = thread::spawn(move || {
        runtime.block_on(server.connect()).expect("somebody comes");
        AgentService::new(Keyring::new()).serve(Pipe { runtime, server })
    });
    let mut client = Agent::connect(&name).expect("it is there");
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom).expect("randomness");
    assert!(client.identities().expect("it answers").is_empty());
    client.add(&key, None, "mine", &Constraints::default()).expect("it takes keys");
    let identities = client.identities().expect("it answers");
    assert_eq!((&identities[0].key, &*identities[0].comment), (key.public_key(), "mine"));
    // More than the pipe's buffer.
    let data = vec![7; 100_000];
    let signature = client.sign(key.public_key(), "ssh-ed25519", &data).expect("it signs");
    assert_eq!(signature, key.sign("ssh-ed25519", &data, &mut OsRandom).expect("so do we"));
    drop(client);
    agent.join().expect("no panic").expect("an end and no error");
    assert!(Agent::connect(&name).is_err(), "nobody is there");
}
