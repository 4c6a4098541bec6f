//! Ports on loopback: finding a free one, knowing when somebody listens.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::process::Running;

/// Locks of the ports given out, held until this process ends.
static RESERVED: Mutex<Vec<(u16, File)>> = Mutex::new(Vec::new());

/// Below the range from which Linux takes the ports of outgoing connections, so that none of those gets in the way.
const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;

/// A port of 127.0.0.1 on which nothing listens and that no other test, in this process or another, is given.
pub fn free_port() -> u16 {
    let directory = std::env::temp_dir().join(format!("ssh-interop-ports-{}", crate::peer::user_name()));
    fs::create_dir_all(&directory).expect("the directory of port locks can be made");
    let mut reserved = RESERVED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let count = u32::from(LAST - FIRST);
    let start = std::process::id().wrapping_mul(61) % count;
    for step in 0..count {
        let port = FIRST + u16::try_from((start + step) % count).expect("count fits 16 bits");
        if reserved.iter().any(|(taken, _)| *taken == port) {
            continue;
        }
        let Ok(lock) = File::create(directory.join(port.to_string())) else { continue };
        if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            reserved.push((port, lock));
            return port;
        }
    }
    panic!("no free port between {FIRST} and {LAST}");
}

/// Does anybody listen on this TCP port? Looks without connecting where the system shows its sockets (Linux).
pub fn is_listening(port: u16) -> bool {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    if tables.iter().all(Result::is_err) {
        return std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
    }
    // Columns: number, local address:port in hexadecimal, remote address, state; 0A is LISTEN.
    let suffix = format!(":{port:04X}");
    tables.iter().flatten().flat_map(|table| table.lines()).any(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        columns.next().is_some_and(|local| local.ends_with(&suffix)) && columns.nth(1) == Some("0A")
    })
}

/// Waits until the peer listens on the port. Panics with the peer's log if it ends first or takes longer than 20 s.
pub fn wait_for_port(port: u16, peer: &mut Running) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_listening(port) {
        if let Some(status) = peer.try_wait() {
            panic!("{} ended before it listened on port {port}: {status}\n{}", peer.name(), peer.log());
        }
        assert!(Instant::now() < deadline, "{} does not listen on port {port}\n{}", peer.name(), peer.log());
        thread::sleep(Duration::from_millis(5));
    }
}
