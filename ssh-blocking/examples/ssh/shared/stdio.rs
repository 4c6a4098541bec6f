//! Standard input and output, past the standard library's buffers.
//!
//! They are never made non-blocking: that would hold for everybody who shares the open file.

use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use ssh_core::{ChannelRequest, Untrusted};

/// How much is moved at once: a whole burst of packets.
pub(crate) const BUFFER: usize = 256 * 1024;

/// Reads standard input.
pub(crate) fn read(buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(io::stdin(), &mut *buffer) {
            Err(Errno::INTR) => {}
            // Somebody who shares the open file made it non-blocking.
            Err(Errno::AGAIN) => wait_for(io::stdin(), PollFlags::IN)?,
            other => return Ok(other?),
        }
    }
}

/// Writes everything.
pub(crate) fn write_all(to: &impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_for(to, PollFlags::OUT)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn wait_for(fd: impl AsFd, flags: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(&fd, flags)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What tells a server that nobody reads any more (`ssh host command | head`). OpenSSH knows how to tell that to the
/// command, and what it still sends is dropped here; `None`: the server understands the end of the channel only.
pub(crate) fn end_of_write(server: Option<Untrusted>) -> Option<ChannelRequest> {
    let is_openssh = server.is_some_and(|text| text.to_string().contains("OpenSSH"));
    is_openssh.then(|| ChannelRequest::Other { name: b"eow@openssh.com".to_vec(), data: Vec::new() })
}
