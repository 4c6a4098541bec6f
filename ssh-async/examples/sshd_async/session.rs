//! A session channel, from its first request to its end.
//!
//! ```text
//!   control   requests: window size, signals; ends when the client closes
//!   input     channel ─► child             ends with the client's EOF, or when the child reads no more
//!   stdout, stderr   child ─► channel      end when the child closes them
//!   end       waits for the child and the outputs, then says how it ended and closes the channel
//! ```
//!
//! All are parts of one future, which is a part of its connection's.

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{self, Either, select};
use smol::Async;
use smol::channel::{Receiver, Sender};
use ssh_async::ssh_core::wire::DataStream;
use ssh_async::ssh_core::{IncomingRequest, ServerRole};
use ssh_async::{Channel, ChannelReader, Runtime};

use crate::child;
use crate::common::within;
use crate::shared::preparation::{self, Handled, LAST_OUTPUT, Preparation, STATUS_DELAY};
use crate::shared::process::{self, Process, Running};
use crate::shared::{log, pty};

/// Serves a session.
pub(crate) async fn serve<T: Runtime>(runtime: &T, mut preparation: Preparation, channel: Channel<ServerRole>) {
    while let Ok(Some(IncomingRequest { request, reply, .. })) = channel.next_request().await {
        let handled;
        // Opening terminals and starting programs takes its time.
        (preparation, handled) = blocking::unblock(move || {
            let handled = preparation.handle(request);
            (preparation, handled)
        })
        .await;
        if let Some(token) = reply {
            channel.reply(token, handled.is_ok());
        }
        match handled {
            Ok(Handled::Started(running)) => {
                if let Err(error) = converse(runtime, &channel, running).await {
                    log::info(format_args!("a session failed: {error}"));
                }
                return;
            }
            Ok(Handled::Done) => {}
            Err(error) => log::info(error),
        }
    }
}

/// Moves bytes and obeys requests until the client closes the channel, or the connection ends.
async fn converse<T: Runtime>(runtime: &T, channel: &Channel<ServerRole>, running: Running) -> io::Result<()> {
    let terminal = running.has_terminal().then(|| running.stdout.try_clone()).transpose()?;
    let process = Arc::new(running.process);
    // A child may live on when its client is gone, and is waited for nevertheless.
    let (tell, status) = smol::channel::bounded(1);
    let waited_for = Arc::clone(&process);
    runtime.spawn(async move { drop(tell.try_send(child::ended(waited_for).await)) });

    let input = copy_input(channel.reader(DataStream::STDOUT), Async::new(running.stdin)?, terminal.is_some());
    let (cancel, cancelled) = smol::channel::bounded::<()>(1);
    let (open, outputs_ended) = smol::channel::bounded::<()>(1);
    let stdout = child::output(Async::new(running.stdout)?, channel.writer(DataStream::STDOUT), cancelled.clone());
    let stderr = running.stderr.map(Async::new).transpose()?;
    let stderr = stderr.map(|from| child::output(from, channel.writer(DataStream::STDERR), cancelled));
    let outputs = async move {
        future::join(stdout, future::OptionFuture::from(stderr)).await;
        drop(open);
    };
    let end = End { channel, process: &process, status, cancel, outputs_ended, has_terminal: terminal.is_some() };
    let work = Box::pin(future::join3(input, outputs, end.run(runtime)));
    let control = Box::pin(obey(channel, &process, terminal.as_ref()));
    let (control, mut work) = match select(control, work).await {
        Either::Left(((), work)) => (None, Some(work)),
        Either::Right((_, control)) => (Some(control), None),
    };
    if let Some(control) = control {
        control.await;
    }
    // The client is gone. What it sent before is the child's as far as that can take it now; the rest of the child's
    // streams is closed, which is all it hears of it.
    let _ = work.as_mut().and_then(FutureExt::now_or_never);
    log::debug("a session is closed");
    Ok(())
}

/// Does what the client asks for while the child runs.
async fn obey(channel: &Channel<ServerRole>, process: &Process, terminal: Option<&OwnedFd>) {
    while let Ok(Some(IncomingRequest { request, reply, .. })) = channel.next_request().await {
        let done = preparation::obey(request, process, terminal);
        if let Some(token) = reply {
            channel.reply(token, done);
        }
    }
}

/// The client's data to the child. When the client ends, so does the child's input: a pipe is closed, a terminal gets
/// the character that stands for the end.
async fn copy_input(mut from: ChannelReader<ServerRole>, to: Async<OwnedFd>, has_terminal: bool) {
    let ended = child::input(&mut from, &to).await;
    if let (true, true, Some(character)) = (ended, has_terminal, pty::end_of_input(to.get_ref())) {
        // Twice: the first may only end a line that was begun.
        child::write_all(&to, &[character, character]).await;
    }
    drop(to);
    if !ended {
        // What the child does not want is dropped: it must not hold up what the client sends after it.
        child::discard(&mut from).await;
    }
}

/// Waits for the end of a child.
struct End<'a> {
    channel: &'a Channel<ServerRole>,
    process: &'a Process,
    status: Receiver<io::Result<ExitStatus>>,
    cancel: Sender<()>,
    /// Closed when all outputs have ended.
    outputs_ended: Receiver<()>,
    has_terminal: bool,
}

impl End<'_> {
    async fn run(self, runtime: &impl Runtime) {
        let Self { channel, process, status, cancel, outputs_ended, has_terminal } = self;
        let unknown = |_| Err(io::Error::other("nobody waits for it"));
        let status = match has_terminal {
            true => {
                let status = status.recv().await;
                if within(runtime, LAST_OUTPUT, outputs_ended.recv()).await.is_none() {
                    // Something in the background keeps the terminal open; the session is over nevertheless.
                    drop(cancel);
                    let _ = outputs_ended.recv().await;
                }
                status
            }
            false => {
                let _ = outputs_ended.recv().await;
                // Output may end long before the child does, and the client hears of it. As a rule both end together;
                // then the status goes first, for the sake of clients that close the channel at the end of its data.
                match within(runtime, STATUS_DELAY, status.recv()).await {
                    Some(status) => status,
                    // Everybody is late, and so is the word of it.
                    None if process.has_ended() => status.recv().await,
                    None => {
                        channel.send_eof();
                        status.recv().await
                    }
                }
            }
        };
        match status.unwrap_or_else(unknown) {
            Ok(status) => {
                log::debug(format_args!("a child ended: {status}"));
                let _ = channel.request(&process::exit_request(status), false).await;
            }
            Err(error) => log::info(format_args!("waiting for a child failed: {error}")),
        }
        channel.send_eof();
        channel.close();
    }
}
