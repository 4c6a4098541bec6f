//! A client in a loop on mio: runs one command, with empty input, and exits with its status.
//!
//! `mio_client HOST PORT USER IDENTITY_FILE KNOWN_HOSTS_FILE COMMAND`
//!
//! Shows the loop where the system tells of *changes*: what was readable stays so until a read says otherwise. Standard
//! output may be a file, a pipe or a terminal, of which mio knows only some, so a thread of its own writes it and wakes
//! the loop when it has room again.

mod common;

use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use ssh_core::Client;
use ssh_core::random::OsRandom;
use ssh_core::wire::DataStream;

use common::{Clock, Result};

const SOCKET: Token = Token(0);
const PRINTED: Token = Token(1);

fn main() -> ExitCode {
    common::exit("mio_client", run())
}

fn run() -> Result<u8> {
    let mut job = common::job_from_arguments()?;
    let mut socket = Socket::new(common::connect(&job)?)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut socket.stream, SOCKET, Interest::READABLE | Interest::WRITABLE)?;
    let mut printer = Printer::start(Waker::new(poll.registry(), PRINTED)?);
    let mut happened = Events::with_capacity(16);
    let clock = Clock::start();
    let mut ssh = Client::new(Arc::new(job.config()), Box::new(OsRandom), clock.now())?;

    loop {
        // Events: what the input so far means.
        while let Some(event) = ssh.poll_event() {
            job.handle_event(&mut ssh, event);
        }
        job.take_output(&mut ssh, |stream, bytes| printer.print(stream, bytes));
        if job.is_over(&mut ssh) || printer.is_broken {
            break;
        }
        // Output, which makes room for more, and so maybe for more events.
        if socket.send(&mut ssh) {
            continue;
        }
        // Input, as long as it is wanted.
        if socket.receive(&mut ssh)? {
            continue;
        }
        // Sleep until a socket is ready, the printer has room, or time is up.
        match poll.poll(&mut happened, clock.until(ssh.poll_timeout())) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => result?,
        }
        happened.iter().filter(|event| event.token() == SOCKET).for_each(|event| socket.note(event));
        // Time.
        ssh.handle_timeout(clock.now());
    }
    printer.finish()?;
    Ok(job.result()?)
}

/// A socket, and what mio has said about it.
struct Socket {
    stream: TcpStream,
    readable: bool,
    writable: bool,
}

impl Socket {
    fn new(stream: std::net::TcpStream) -> Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream: TcpStream::from_std(stream), readable: true, writable: true })
    }

    fn note(&mut self, event: &Event) {
        self.readable |= event.is_readable();
        self.writable |= event.is_writable();
    }

    /// Writes what there is; says whether any of it went.
    fn send(&mut self, ssh: &mut Client) -> bool {
        let mut progress = false;
        while self.writable && !ssh.poll_output().is_empty() {
            match self.stream.write(ssh.poll_output()) {
                Ok(n) => {
                    ssh.consume_output(n);
                    progress = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    // The peer takes no more, but may have said why: reading goes on.
                    ssh.handle_write_closed();
                }
            }
        }
        progress
    }

    /// Reads once if input is wanted; says whether anything came, its end included.
    fn receive(&mut self, ssh: &mut Client) -> io::Result<bool> {
        if !self.readable || !ssh.wants_input() {
            return Ok(false);
        }
        match self.stream.read(ssh.input_buffer()) {
            Ok(0) => ssh.handle_eof(),
            Ok(n) => ssh.input_filled(n),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                return Ok(false);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}

/// How many pieces of output may wait to be printed; more stay in their channel.
const WAITING: usize = 16;
/// The largest piece.
const PIECE: usize = 64 * 1024;

/// A thread that may block, so that the loop need not.
struct Printer {
    queue: SyncSender<(DataStream, Vec<u8>)>,
    thread: JoinHandle<io::Result<()>>,
    /// The thread has ended because of an error.
    is_broken: bool,
}

impl Printer {
    fn start(waker: Waker) -> Self {
        let (queue, pieces) = sync_channel(WAITING);
        Self { queue, thread: std::thread::spawn(move || print_all(&pieces, &waker)), is_broken: false }
    }

    /// Takes what there is room for; says how much.
    fn print(&mut self, stream: DataStream, bytes: &[u8]) -> usize {
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        match self.queue.try_send((stream, piece.to_vec())) {
            Ok(()) => piece.len(),
            Err(TrySendError::Full(_)) => 0,
            Err(TrySendError::Disconnected(_)) => {
                self.is_broken = true;
                0
            }
        }
    }

    /// Waits until everything is written, or says why it cannot be.
    fn finish(self) -> Result<()> {
        drop(self.queue);
        match self.thread.join() {
            Ok(result) => result.map_err(|error| format!("cannot write the output: {error}").into()),
            Err(_) => Err("the printing thread panicked".into()),
        }
    }
}

/// Ends when the loop has dropped its end, or nobody takes the output.
fn print_all(pieces: &Receiver<(DataStream, Vec<u8>)>, waker: &Waker) -> io::Result<()> {
    for (stream, bytes) in pieces {
        if stream == DataStream::STDOUT {
            let mut stdout = io::stdout().lock();
            stdout.write_all(&bytes)?;
            stdout.flush()?;
        } else {
            io::stderr().write_all(&bytes)?;
        }
        waker.wake()?;
    }
    Ok(())
}
