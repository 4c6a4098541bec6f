//! Reaching a host over TCP: which of its addresses, from which of ours, with which options of the socket.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, TcpStream, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::{self, AddressFamily as Family, SocketType, sockopt};
use ssh_core::files::ssh_config::{AddressFamily, Connection, Resolved, TcpKeepAlive};

use crate::error::{Error, Result};
use crate::transport::set_traffic_class;

/// Tries every address of the host until one answers, and all again as often as `ConnectionAttempts` says. As with `ssh`,
/// each has the whole `timeout`: one that is silent does not use up the time of the next.
pub(super) fn connect(resolved: &Resolved, timeout: Duration) -> Result<TcpStream> {
    let (host, connection) = (&resolved.host_name, &resolved.connection);
    let port = connection.port.value.0;
    let failed = |error| Error::Connect { target: format!("{host} port {port}"), error };
    let family = connection.address_family.value;
    let addresses = (host.as_str(), port).to_socket_addrs().map_err(failed)?;
    let addresses: Vec<_> = addresses.filter(|address| is_of(family, address.ip())).collect();
    connect_to_any(&addresses, connection, timeout).map_err(failed)
}

fn connect_to_any(addresses: &[SocketAddr], connection: &Connection, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address of the family that is wanted");
    for _ in 0..connection.connection_attempts.value.max(1) {
        for address in addresses {
            match connect_to(address, connection, timeout) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
    }
    Err(last)
}

fn is_of(family: AddressFamily, address: IpAddr) -> bool {
    match family {
        AddressFamily::Any => true,
        AddressFamily::Inet => address.is_ipv4(),
        AddressFamily::Inet6 => address.is_ipv6(),
    }
}

fn connect_to(address: &SocketAddr, connection: &Connection, timeout: Duration) -> io::Result<TcpStream> {
    let socket = socket_for(address, connection)?;
    ioctl_fionbio(&socket, true)?;
    match net::connect(&socket, address) {
        Ok(()) => {}
        Err(Errno::INPROGRESS | Errno::INTR) => wait_connected(&socket, Instant::now() + timeout)?,
        Err(error) => return Err(error.into()),
    }
    ioctl_fionbio(&socket, false)?;
    if connection.tcp_keep_alive.value != TcpKeepAlive::No {
        sockopt::set_socket_keepalive(&socket, true)?;
    }
    Ok(socket.into())
}

/// A socket with a local address where one is configured, and the class of interactive traffic: a login is.
fn socket_for(address: &SocketAddr, connection: &Connection) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { Family::INET } else { Family::INET6 };
    let socket = net::socket(family, SocketType::STREAM, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    if let Some(class) = connection.ip_qos.value.interactive {
        set_traffic_class(&socket, class);
    }
    let (by_address, by_interface) = (&connection.bind_address.value, &connection.bind_interface.value);
    if let Some(local) = by_address {
        let local = (local.as_str(), 0).to_socket_addrs()?.find(|each| each.is_ipv4() == address.is_ipv4());
        bind(&socket, local, "BindAddress is no address of the same family")?;
    } else if let Some(interface) = by_interface {
        let local = address_of_interface(interface, address.is_ipv4())?;
        bind(&socket, local, "BindInterface has no suitable address")?;
    }
    Ok(socket)
}

fn bind(socket: &OwnedFd, local: Option<SocketAddr>, without: &str) -> io::Result<()> {
    let local = local.ok_or_else(|| io::Error::new(io::ErrorKind::AddrNotAvailable, without))?;
    net::bind(socket, &local).map_err(|error| {
        let error = io::Error::from(error);
        io::Error::new(error.kind(), format!("cannot use the local address {}: {error}", local.ip()))
    })
}

/// An address that other hosts can answer, or one of the loopback and of the link if there is no other.
fn address_of_interface(name: &str, is_ipv4: bool) -> io::Result<Option<SocketAddr>> {
    let interfaces = if_addrs::get_if_addrs()?;
    let fitting = interfaces.iter().filter(|each| each.name == name && each.ip().is_ipv4() == is_ipv4);
    let is_local = |each: &if_addrs::Interface| each.is_loopback() || each.is_link_local();
    let chosen = fitting.min_by_key(|each| is_local(each));
    Ok(chosen.map(|each| match each.ip() {
        IpAddr::V4(address) => SocketAddr::from((address, 0)),
        IpAddr::V6(address) => {
            let scope = if each.is_link_local() { each.index.unwrap_or_default() } else { 0 };
            SocketAddrV6::new(address, 0, 0, scope).into()
        }
    }))
}

/// Sleeps until the connection stands, has failed, or has taken too long.
fn wait_connected(socket: &OwnedFd, until: Instant) -> io::Result<()> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left =
            Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(socket, PollFlags::OUT)], Some(&left)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(sockopt::socket_error(socket)??),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::transport::{FdTransport, Transport as _};

    /// Nobody accepts what comes here, and its queue is full.
    fn silent() -> (TcpListener, Vec<TcpStream>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let queue = std::iter::from_fn(|| TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok());
        let queue = queue.collect();
        (listener, queue)
    }

    #[test]
    fn a_silent_address_leaves_the_next_its_time() {
        let (silent, _queue) = silent();
        let answers = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addresses = [&silent, &answers].map(|listener| listener.local_addr().unwrap());
        let timeout = Duration::from_millis(500);
        let stream = connect_to_any(&addresses, &Connection::default(), timeout).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addresses[1]);
        let error = connect_to_any(&addresses[..1], &Connection::default(), timeout).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn what_is_sent_is_marked_as_configured() {
        for (listen, is_ipv6) in [("127.0.0.1:0", false), ("[::1]:0", true)] {
            // Not every machine has IPv6.
            let Ok(listener) = TcpListener::bind(listen) else { continue };
            let address = listener.local_addr().unwrap();
            let class = |stream: &TcpStream| match is_ipv6 {
                true => sockopt::ipv6_tclass(stream).unwrap(),
                false => sockopt::ip_tos(stream).unwrap().into(),
            };
            let stream = connect_to(&address, &Connection::default(), Duration::from_secs(60)).unwrap();
            assert_eq!(class(&stream), 0xb8, "a login is interactive");
            let transport = FdTransport::tcp(stream.try_clone().unwrap()).unwrap();
            transport.set_traffic_class(0x28);
            assert_eq!(class(&stream), 0x28);
            let mut connection = Connection::default();
            connection.ip_qos.value.interactive = None;
            let stream = connect_to(&address, &connection, Duration::from_secs(60)).unwrap();
            assert_eq!(class(&stream), 0, "the system's");
        }
    }
}
