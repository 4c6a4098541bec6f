//! A server in a loop on mio: many connections in one thread.
//!
//! `mio_server ADDRESS HOST_KEY_FILE AUTHORIZED_KEYS_FILE`
//!
//! Lets in whoever has an authorized key, under any name. Runs `echo WORDS`, `upper` (its input in upper case) and
//! `exit N`: see `common/service.rs`. No process is started, and nothing on disk can be reached.
//!
//! Shows how connections share a thread: those that have something to do take short turns, and the thread sleeps until
//! the earliest timer of all. A peer that does not read its output is not read from, and delays nobody else.

mod common;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use ssh_core::files::authorized_keys::AuthorizedKeys;
use ssh_core::random::OsRandom;
use ssh_core::{KeepAlive, Server, ServerConfig};

use common::service::{Access, Service};
use common::{Clock, Result};

const LISTENER: Token = Token(0);
/// More have to wait until one of them ends.
const MAX_CONNECTIONS: usize = 256;
/// How long to wait before accepting again where the system had no descriptor left.
const PAUSE: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    common::exit("mio_server", run())
}

fn run() -> Result<u8> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, host_key, authorized_keys] = arguments.as_slice() else {
        return Err("usage: ADDRESS HOST_KEY_FILE AUTHORIZED_KEYS_FILE".into());
    };
    let host_key = common::read_key(host_key)?;
    let mut config = ServerConfig::new(vec![host_key.public_key().clone()]);
    config.auth_methods = vec!["publickey".into()];
    config.keepalive = Some(KeepAlive { interval: Duration::from_secs(30), max_unanswered: 3 });
    let authorized_keys = AuthorizedKeys::parse(&common::read_file(authorized_keys)?);
    let access = Arc::new(Access { host_key, authorized_keys });
    let address = address.parse().map_err(|_| format!("{address}: not an address with a port"))?;
    let listener = TcpListener::bind(address).map_err(|error| format!("{address}: {error}"))?;
    eprintln!("mio_server: listening on {}", listener.local_addr()?);
    Hub { listener, config: Arc::new(config), access, connections: BTreeMap::new(), last: 0, clock: Clock::start() }
        .serve()
}

/// Everybody who is connected.
struct Hub {
    listener: TcpListener,
    config: Arc<ServerConfig>,
    access: Arc<Access>,
    connections: BTreeMap<Token, Connection>,
    last: usize,
    clock: Clock,
}

impl Hub {
    fn serve(mut self) -> Result<u8> {
        let mut poll = Poll::new()?;
        let mut happened = Events::with_capacity(256);
        poll.registry().register(&mut self.listener, LISTENER, Interest::READABLE)?;
        // mio tells of changes: until an accept says otherwise, somebody may be waiting.
        let mut somebody_waits = true;
        loop {
            while somebody_waits && self.connections.len() < MAX_CONNECTIONS {
                match self.listener.accept() {
                    Ok((socket, _)) => self.add(&poll, socket)?,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => somebody_waits = false,
                    Err(error) => {
                        eprintln!("mio_server: accept: {error}");
                        break;
                    }
                }
            }
            let mut all_rest = true;
            self.connections.retain(|_, connection| {
                all_rest &= !connection.take_turn();
                !connection.ssh.is_finished()
            });
            // Sleep until a socket is ready or the earliest time is up; not at all while somebody has more to do.
            let earliest = self.connections.values().filter_map(|connection| connection.ssh.poll_timeout()).min();
            let accept_again = (somebody_waits && self.connections.len() < MAX_CONNECTIONS).then_some(PAUSE);
            let rest = if all_rest { self.clock.until(earliest) } else { Some(Duration::ZERO) };
            match poll.poll(&mut happened, [rest, accept_again].into_iter().flatten().min()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => result?,
            }
            for event in &happened {
                somebody_waits |= event.token() == LISTENER;
                if let Some(connection) = self.connections.get_mut(&event.token()) {
                    connection.readable |= event.is_readable();
                    connection.writable |= event.is_writable();
                }
            }
            // Time.
            let now = self.clock.now();
            self.connections.values_mut().for_each(|connection| connection.ssh.handle_timeout(now));
        }
    }

    fn add(&mut self, poll: &Poll, mut socket: TcpStream) -> Result<()> {
        let ssh = Server::new(Arc::clone(&self.config), Box::new(OsRandom), self.clock.now())?;
        self.last += 1;
        let token = Token(self.last);
        // Packets are made to be sent at once. A peer that is gone already is found out by reading.
        let _ = socket.set_nodelay(true);
        poll.registry().register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        let service = Service::new(Arc::clone(&self.access));
        self.connections.insert(token, Connection { socket, readable: true, writable: true, ssh, service });
        Ok(())
    }
}

/// One client, and what mio has said about its socket.
struct Connection {
    socket: TcpStream,
    readable: bool,
    writable: bool,
    ssh: Server,
    service: Service,
}

impl Connection {
    /// Does what can be done now but reads only once; says whether there may be more to do.
    fn take_turn(&mut self) -> bool {
        loop {
            // Events: what the input so far means.
            while let Some(event) = self.ssh.poll_event() {
                self.service.handle_event(&mut self.ssh, event);
            }
            self.service.run_commands(&mut self.ssh);
            // Output, which makes room for more, and so maybe for more events.
            if !self.send() {
                break;
            }
        }
        // Input, as long as it is wanted.
        self.receive()
    }

    /// Writes what there is; says whether any of it went.
    fn send(&mut self) -> bool {
        let mut progress = false;
        while self.writable && !self.ssh.poll_output().is_empty() {
            match self.socket.write(self.ssh.poll_output()) {
                Ok(n) => {
                    self.ssh.consume_output(n);
                    progress = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    // The peer takes no more, but may have said why: reading goes on.
                    self.ssh.handle_write_closed();
                }
            }
        }
        progress
    }

    /// Reads once if input is wanted; says whether anything came, its end included.
    fn receive(&mut self) -> bool {
        if !self.readable || !self.ssh.wants_input() {
            return false;
        }
        match self.socket.read(self.ssh.input_buffer()) {
            Ok(0) => self.ssh.handle_eof(),
            Ok(n) => self.ssh.input_filled(n),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                return false;
            }
            // Reset by the peer, mostly: nothing more will come.
            Err(_) => self.ssh.handle_eof(),
        }
        true
    }
}
