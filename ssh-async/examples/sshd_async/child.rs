//! Moving bytes between a channel and a child.
//!
//! Our ends of a child's streams are non-blocking and wait in smol's reactor, which works under every runtime. Nothing
//! here holds a thread: however many children have nothing to say, everybody else goes on.

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::sync::Arc;

use futures_util::future::select;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use rustix::io::Errno;
use smol::Async;
use smol::channel::Receiver;
use ssh_async::ssh_core::ServerRole;
use ssh_async::{ChannelReader, ChannelWriter};

use crate::shared::process::Process;

/// How much is moved at once: a pipe's content.
const BUFFER: usize = 64 * 1024;

/// How often a child's output is looked at when nobody waits for it any more: what is left fits into much less.
const MAX_LATE_READS: u32 = 32;

/// A child's output to a channel, until it ends or the channel does. Once `cancel` is closed nothing is waited for, but
/// what is there still goes.
pub(crate) async fn output(from: Async<OwnedFd>, mut to: ChannelWriter<ServerRole>, cancel: Receiver<()>) {
    let mut buffer = vec![0; BUFFER];
    let mut late_reads = 0;
    while late_reads < MAX_LATE_READS {
        let cancelled = cancel.is_closed();
        late_reads += u32::from(cancelled);
        match rustix::io::read(from.get_ref(), &mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                if to.write_all(buffer.get(..n).unwrap_or_default()).await.is_err() {
                    break;
                }
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if cancelled => break,
            Err(Errno::AGAIN) => drop(select(std::pin::pin!(from.readable()), std::pin::pin!(cancel.recv())).await),
            // A terminal says so when nobody has it open any more.
            Err(_) => break,
        }
    }
}

/// A channel's data to a child's input. `true`: the data ended; `false`: the child reads no more.
///
/// While a child does not read, nothing is taken from the channel, whose window stays shut.
pub(crate) async fn input(from: &mut ChannelReader<ServerRole>, to: &Async<OwnedFd>) -> bool {
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) => return true,
            Ok(n) if write_all(to, buffer.get(..n).unwrap_or_default()).await => {}
            _ => return false,
        }
    }
}

/// Writes everything; `false`: that is not possible any more.
pub(crate) async fn write_all(to: &Async<OwnedFd>, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match to.write_with(|fd| Ok(rustix::io::write(fd, bytes)?)).await {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(_) => return false,
        }
    }
    true
}

/// Reads what nobody wants.
pub(crate) async fn discard(from: &mut ChannelReader<ServerRole>) {
    let mut buffer = vec![0; BUFFER];
    while from.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
}

/// Waits until a child has ended.
pub(crate) async fn ended(process: Arc<Process>) -> io::Result<ExitStatus> {
    #[cfg(target_os = "linux")]
    {
        let descriptor = rustix::process::pidfd_open(process.pid, rustix::process::PidfdFlags::empty());
        if let Ok(descriptor) = descriptor.map_err(io::Error::from).and_then(Async::new) {
            descriptor.readable().await?;
            return process.wait();
        }
    }
    // A thread of its own: children can outnumber the threads of a pool.
    let (sender, receiver) = smol::channel::bounded(1);
    let wait = move || drop(sender.try_send(process.wait()));
    std::thread::Builder::new().name("wait".into()).spawn(wait)?;
    receiver.recv().await.unwrap_or_else(|_| Err(io::Error::other("nobody waits for the child")))
}
