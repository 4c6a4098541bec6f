//! A session channel, from its first request to its end.
//!
//! ```text
//!   control   (the thread of the channel)  requests: window size, signals; ends when the client closes
//!   input     channel ─► child             ends with the client's EOF, or when the child reads no more
//!   stdout, stderr   child ─► channel      end when the child closes them
//!   end       waits for the child and the outputs, then says how it ended and closes the channel
//! ```

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ssh_blocking::{Channel, ChannelReader};
use ssh_core::{IncomingRequest, ServerRole};

use crate::copy::{self, Cancel};
use crate::shared::preparation::{self, Handled, LAST_OUTPUT, Preparation, STATUS_DELAY};
use crate::shared::process::{self, Process, Running};
use crate::shared::{log, pty};

/// Serves a session.
pub(crate) fn serve(mut preparation: Preparation, channel: Channel<ServerRole>) {
    while let Ok(Some(IncomingRequest { request, reply, .. })) = channel.next_request() {
        let started = match preparation.handle(request) {
            Ok(Handled::Started(running)) => Some(running),
            Ok(Handled::Done) => None,
            Err(error) => {
                log::info(error);
                if let Some(token) = reply {
                    channel.reply(token, false);
                }
                continue;
            }
        };
        if let Some(token) = reply {
            channel.reply(token, true);
        }
        if let Some(running) = started {
            if let Err(error) = converse(channel, running) {
                log::info(format_args!("a session failed: {error}"));
            }
            return;
        }
    }
}

/// Moves bytes and obeys requests until the client closes the channel, or the connection ends.
fn converse(channel: Channel<ServerRole>, running: Running) -> io::Result<()> {
    let channel = Arc::new(channel);
    let has_terminal = running.has_terminal();
    let cancel = Arc::new(Cancel::new()?);
    let process = Arc::new(running.process);
    for fd in [Some(&running.stdin), Some(&running.stdout), running.stderr.as_ref()].into_iter().flatten() {
        copy::make_non_blocking(fd)?;
    }
    let terminal = if has_terminal { Some(running.stdout.try_clone()?) } else { None };
    let (_, from_client, _) = channel.split();
    let for_input = Arc::clone(&cancel);
    let input = spawn("input", move || copy_input(from_client, running.stdin, has_terminal, &for_input))?;

    // Every output holds one end; when all are dropped, all outputs have ended.
    let (output_open, outputs_ended) = mpsc::channel::<()>();
    let (to_client, _, _) = channel.split();
    let mut outputs = vec![spawn_output("stdout", running.stdout, to_client, &cancel, output_open.clone())?];
    if let Some(stderr) = running.stderr {
        outputs.push(spawn_output("stderr", stderr, channel.stderr_writer(), &cancel, output_open.clone())?);
    }
    drop(output_open);
    let end = End {
        channel: Arc::clone(&channel),
        process: Arc::clone(&process),
        cancel: Arc::clone(&cancel),
        outputs_ended,
        has_terminal,
    };
    let end = spawn("end", move || end.run())?;

    obey(&channel, &process, terminal.as_ref());
    // The client is gone: its end of everything is closed, which is all the child hears of it.
    cancel.cancel();
    drop(terminal);
    for thread in outputs.into_iter().chain([input]) {
        let _ = thread.join();
    }
    log::debug("a session is closed");
    // The child may live on; its thread waits for it without holding anything of the client's.
    drop(end);
    Ok(())
}

/// Does what the client asks for while the child runs.
fn obey(channel: &Channel<ServerRole>, process: &Process, terminal: Option<&OwnedFd>) {
    while let Ok(Some(IncomingRequest { request, reply, .. })) = channel.next_request() {
        let done = preparation::obey(request, process, terminal);
        if let Some(token) = reply {
            channel.reply(token, done);
        }
    }
}

/// The client's data to the child. When the client ends, so does the child's input: a pipe is closed, a terminal gets
/// the character that stands for the end.
fn copy_input(mut from: ChannelReader<ServerRole>, to: OwnedFd, has_terminal: bool, cancel: &Cancel) {
    let ended = copy::input(&mut from, &to, cancel);
    if let (true, true, Some(character)) = (ended, has_terminal, pty::end_of_input(&to)) {
        // Twice: the first may only end a line that was begun.
        copy::write_all(&to, &[character, character], cancel);
    }
    drop(to);
    if !ended {
        // What the child does not want is dropped: it must not hold up what the client sends after it.
        let _ = io::copy(&mut from, &mut io::sink());
    }
}

fn spawn_output(
    name: &str,
    from: OwnedFd,
    to: impl io::Write + Send + 'static,
    cancel: &Arc<Cancel>,
    open: mpsc::Sender<()>,
) -> io::Result<JoinHandle<()>> {
    let cancel = Arc::clone(cancel);
    spawn(name, move || {
        copy::output(&from, to, &cancel);
        // Closed here, not when the session ends: the child learns that nobody reads.
        drop(from);
        drop(open);
    })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(work)
}

/// Whether a child that nobody has waited for ends within this time.
fn ends_within(process: &Process, patience: Duration) -> bool {
    let start = Instant::now();
    loop {
        if process.has_ended() {
            return true;
        }
        if start.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits for the end of a child.
struct End {
    channel: Arc<Channel<ServerRole>>,
    process: Arc<Process>,
    cancel: Arc<Cancel>,
    outputs_ended: mpsc::Receiver<()>,
    has_terminal: bool,
}

impl End {
    fn run(self) {
        let status = match self.has_terminal {
            true => self.process.wait(),
            false => {
                let _ = self.outputs_ended.recv();
                // Output may end long before the child does, and the client hears of it. As a rule both end together;
                // then the status goes first, for the sake of clients that close the channel at the end of its data.
                if !ends_within(&self.process, STATUS_DELAY) {
                    let _ = self.channel.send_eof();
                }
                self.process.wait()
            }
        };
        if self.has_terminal
            && matches!(self.outputs_ended.recv_timeout(LAST_OUTPUT), Err(mpsc::RecvTimeoutError::Timeout))
        {
            // Something in the background keeps the terminal open; the session is over nevertheless.
            self.cancel.cancel();
            let _ = self.outputs_ended.recv();
        }
        match status {
            Ok(status) => {
                log::debug(format_args!("a child ended: {status}"));
                let _ = self.channel.request(&process::exit_request(status), false);
            }
            Err(error) => log::info(format_args!("waiting for a child failed: {error}")),
        }
        let _ = self.channel.send_eof();
        self.channel.close();
    }
}
