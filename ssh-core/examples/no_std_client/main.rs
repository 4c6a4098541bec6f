//! A client written without std (`client.rs`), run with std so that it can be tried: runs one command, with empty input,
//! and exits with its status.
//!
//! `no_std_client HOST PORT USER IDENTITY_FILE KNOWN_HOSTS_FILE COMMAND`
//!
//! This file plays the hardware: it moves bytes between a socket and the device's two small queues, and tells the time.
//! The device knows nothing of it. That `client.rs` needs no std is proven by `tests/no_std`, which links it without.

mod client;
#[path = "../common/mod.rs"]
mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use ssh_core::random::OsRandom;
use ssh_core::wire::DataStream;

use client::{CAPACITY, Device, Queues};
use common::{Clock, Result, job};

fn main() -> ExitCode {
    common::exit("no_std_client", run())
}

fn run() -> Result<u8> {
    let job = common::job_from_arguments()?;
    let mut socket = common::connect(&job)?;
    let clock = Clock::start();
    let mut device = Device::new(job, Box::new(OsRandom), clock.now())?;
    let mut queues = Queues::default();
    let mut printed = Ok(());
    loop {
        device.turn(&mut queues, clock.now(), |stream, bytes| {
            printed = print(stream, bytes);
            if printed.is_ok() { bytes.len() } else { 0 }
        });
        std::mem::replace(&mut printed, Ok(())).map_err(|error| format!("cannot write the output: {error}"))?;
        let sent = send(&mut socket, &mut queues);
        if device.is_over() {
            return Ok(device.result()?);
        }
        // The queue may have been too small for all there is: no sleep before it was found empty.
        if !sent {
            receive(&mut socket, &mut queues, clock.until(device.wakes_at()))?;
        }
    }
}

/// Empties one queue into the network; says whether anything was in it.
fn send(socket: &mut TcpStream, queues: &mut Queues) -> bool {
    let mut sent = false;
    while !queues.outgoing.front().is_empty() {
        let bytes = queues.outgoing.front();
        // A peer that takes no more may have said why: receiving goes on.
        let n = socket.write(bytes).unwrap_or(bytes.len());
        queues.outgoing.drop_front(n);
        sent = true;
    }
    sent
}

/// Fills the other from the network, or sleeps until time is up.
fn receive(socket: &mut TcpStream, queues: &mut Queues, timeout: Option<Duration>) -> Result<()> {
    let mut buffer = [0; CAPACITY];
    let room = queues.incoming.room();
    if queues.has_ended || room == 0 {
        return Ok(());
    }
    // Zero would be no timeout at all.
    socket.set_read_timeout(timeout.map(|timeout| timeout.max(Duration::from_millis(1))))?;
    match socket.read(&mut buffer[..room]) {
        Ok(0) => queues.has_ended = true,
        Ok(n) => {
            queues.incoming.put(&buffer[..n]);
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The device's display. It may block: nothing else is going on.
fn print(stream: DataStream, bytes: &[u8]) -> std::io::Result<()> {
    match stream {
        DataStream::STDOUT => {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(bytes)?;
            stdout.flush()
        }
        _ => std::io::stderr().write_all(bytes),
    }
}
