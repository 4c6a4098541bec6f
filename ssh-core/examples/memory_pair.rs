//! A client and a server in one process, without any I/O: a login and a command, with the network a copy of bytes.
//!
//! `memory_pair [--diagram] [COMMAND]`: `echo WORDS`, `upper`, `exit N`, as `mio_server` has them.
//!
//! With `--diagram` the client's transcript follows as a sequence diagram for Mermaid.
//!
//! Shows the loop with nothing around it, and how to test a program that uses `ssh-core` without a network: the clock
//! stands still until both sides wait, and is then set to when the first of them wants to be woken.

mod common;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use ssh_core::UnixTime;
use ssh_core::files::authorized_keys::AuthorizedKeys;
use ssh_core::files::known_hosts::KnownHosts;
use ssh_core::key::{KeyAlgorithm, PrivateKey};
use ssh_core::random::OsRandom;
use ssh_core::transcript::Direction;
use ssh_core::wire::DataStream;
use ssh_core::{Client, Endpoint, Role, Server, ServerConfig, Timestamp};

use common::service::{Access, Service};
use common::{Job, Result, Target};

fn main() -> ExitCode {
    common::exit("memory_pair", run())
}

fn run() -> Result<u8> {
    let mut command: Vec<String> = std::env::args().skip(1).collect();
    let wants_diagram = command.first().is_some_and(|word| word == "--diagram");
    command.drain(..usize::from(wants_diagram));
    let command = if command.is_empty() { "echo hello".into() } else { command.join(" ") };
    let host_key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom)?;
    let user_key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom)?;

    let known_hosts = KnownHosts::format_entry("memory", 22, host_key.public_key(), None)?;
    let authorized_keys = AuthorizedKeys::parse(user_key.public_key().to_string().as_bytes());
    let config = ServerConfig::new(vec![host_key.public_key().clone()]);
    let mut now = Timestamp::ZERO;
    let mut server = Server::new(Arc::new(config), Box::new(OsRandom), now)?;
    let mut service = Service::new(Arc::new(Access { host_key, authorized_keys }));

    let target = Target { host: "memory".into(), port: 22, user: "alice".into(), command, now: UnixTime::ALWAYS };
    let mut job = Job::new(target, user_key, KnownHosts::parse(known_hosts.as_bytes()), Box::new(OsRandom));
    let mut config = job.config();
    config.transcript_entries = if wants_diagram { 1000 } else { 0 };
    let mut client = Client::new(Arc::new(config), Box::new(OsRandom), now)?;

    loop {
        // Events: what the input so far means.
        while let Some(event) = client.poll_event() {
            job.handle_event(&mut client, event);
        }
        job.take_output(&mut client, print);
        if job.is_over(&mut client) {
            if wants_diagram {
                println!("{}", diagram(&mut client));
            }
            return Ok(job.result()?);
        }
        while let Some(event) = server.poll_event() {
            service.handle_event(&mut server, event);
        }
        service.run_commands(&mut server);
        // Output of one side, which is the input of the other, as long as it is wanted.
        if carry(&mut client, &mut server) + carry(&mut server, &mut client) > 0 {
            continue;
        }
        // Instead of sleeping: nothing happens until the earliest time is up. Time.
        let earliest = [client.poll_timeout(), server.poll_timeout()].into_iter().flatten().min();
        now = earliest.ok_or("both sides wait for each other")?;
        client.handle_timeout(now);
        server.handle_timeout(now);
    }
}

/// The transcript as a sequence diagram, in the language of Mermaid.
fn diagram(client: &mut Client) -> String {
    let mut text = String::from("sequenceDiagram\n    participant C as client\n    participant S as server");
    while let Some(entry) = client.poll_transcript() {
        let arrow = match entry.direction {
            Direction::Sent => "C->>S",
            Direction::Received => "S->>C",
        };
        let fields = entry.fields.iter().map(|(name, value)| format!("<br/>{name} {}", short(&value.to_string())));
        text += &format!("\n    {arrow}: {} {}{}", entry.sequence_number, entry.name, fields.collect::<String>());
    }
    text
}

/// As much of a value as a picture has room for, without what Mermaid takes for itself.
fn short(value: &str) -> String {
    let plain = value.replace(['#', ';', '<', '>'], " ");
    match plain.char_indices().nth(48) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}

/// Moves what the other side has room for; says how much that was.
fn carry<A: Role, B: Role>(from: &mut Endpoint<A>, to: &mut Endpoint<B>) -> usize {
    let n = to.handle_input(from.poll_output());
    from.consume_output(n);
    n
}

/// Here nothing else waits, so printing may block.
fn print(stream: DataStream, bytes: &[u8]) -> usize {
    let printed = match stream {
        DataStream::STDOUT => std::io::stdout().write_all(bytes),
        _ => std::io::stderr().write_all(bytes),
    };
    if let Err(error) = printed {
        eprintln!("memory_pair: cannot write the output: {error}");
    }
    bytes.len()
}
