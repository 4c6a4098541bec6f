//! A session channel, from its first request to its end.
//!
//! ```text
//!   control   (the thread of the channel)  requests: window size, signals; ends when the client closes
//!   input     channel ─► child             ends with the client's EOF, or when the child reads no more
//!   stdout, stderr   child ─► channel      end when the child closes them
//!   end       waits for the child and the outputs, then says how it ended and closes the channel
//! ```

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use ssh_blocking::ssh_core::{ChannelRequest, IncomingRequest, ServerRole};
use ssh_blocking::{Channel, ChannelReader};

use crate::accounts::Permission;
use crate::client::{Addresses, Service};
use crate::common::pattern;
use crate::copy::{self, Cancel};
use crate::log;
use crate::process::{self, Process, Program, Running};
use crate::pty::{self, Pty};

/// Most environment variables taken from a client.
const MAX_VARIABLES: usize = 128;

/// How long a terminal's last output is waited for after its program has ended and something else keeps it open.
const LAST_OUTPUT: Duration = Duration::from_millis(300);

/// How long the end of the data waits for the status of a child that is about to end.
const STATUS_DELAY: Duration = Duration::from_millis(50);

/// Serves a session.
pub(crate) fn serve(service: &Service, addresses: Addresses, permission: &Permission, channel: Channel<ServerRole>) {
    let mut preparation = Preparation { service, addresses, permission, environment: Vec::new(), pty: None };
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
        if let Some((running, has_terminal)) = started {
            if let Err(error) = converse(channel, running, has_terminal) {
                log::info(format_args!("a session failed: {error}"));
            }
            return;
        }
    }
}

/// A session on which nothing runs yet.
struct Preparation<'a> {
    service: &'a Service,
    addresses: Addresses,
    permission: &'a Permission,
    environment: Vec<(OsString, OsString)>,
    pty: Option<Pty>,
}

enum Handled {
    Done,
    /// Something runs, with a terminal or without.
    Started((Running, bool)),
}

impl Preparation<'_> {
    fn handle(&mut self, request: ChannelRequest) -> Result<Handled, String> {
        match request {
            ChannelRequest::Pty(request) => {
                if !self.permission.terminal || self.pty.is_some() {
                    return Err("a terminal is refused".into());
                }
                self.pty = Some(Pty::open(&request).map_err(|error| format!("no terminal: {error}"))?);
                Ok(Handled::Done)
            }
            ChannelRequest::Env { name, value } => {
                let accepted =
                    self.service.settings.accept_env.iter().any(|each| pattern::matches(each.as_bytes(), &name));
                // Neither can be in an environment.
                let odd = name.is_empty() || name.contains(&b'=') || name.contains(&0) || value.contains(&0);
                if !accepted || odd || self.environment.len() >= MAX_VARIABLES {
                    let name = String::from_utf8_lossy(&name).into_owned();
                    return Err(format!("the environment variable \"{}\" is not accepted", name.escape_debug()));
                }
                self.environment.push((OsString::from_vec(name), OsString::from_vec(value)));
                Ok(Handled::Done)
            }
            ChannelRequest::WindowChange { columns, rows, width_pixels, height_pixels } => {
                if let Some(pty) = &self.pty {
                    let _ = pty::resize(&pty.master, [columns, rows, width_pixels, height_pixels]);
                }
                Ok(Handled::Done)
            }
            ChannelRequest::Shell => self.start(Program::Shell, None),
            ChannelRequest::Exec { command } => {
                let command = OsString::from_vec(command);
                self.start(Program::Command(command.clone()), Some(command))
            }
            ChannelRequest::Subsystem { name } => {
                let known = self.service.settings.subsystems.iter().find(|(each, _)| each.as_bytes() == name);
                let Some((_, command)) = known else {
                    let name = String::from_utf8_lossy(&name).into_owned();
                    return Err(format!("there is no subsystem \"{}\"", name.escape_debug()));
                };
                self.start(Program::Command(command.into()), Some(command.into()))
            }
            other => Err(format!("the request {} is refused", String::from_utf8_lossy(other.name()).escape_debug())),
        }
    }

    fn start(&mut self, asked: Program, original: Option<OsString>) -> Result<Handled, String> {
        let account = &self.service.account;
        let pty = self.pty.take();
        let mut environment = std::mem::take(&mut self.environment);
        environment.extend(self.own_environment(pty.as_ref()));
        let program = match &self.permission.command {
            Some(forced) => {
                environment.extend(original.map(|original| ("SSH_ORIGINAL_COMMAND".into(), original)));
                Program::Command(forced.into())
            }
            None => asked,
        };
        let has_terminal = pty.is_some();
        let running = process::start(&program, &account.shell, &account.home, &environment, pty)?;
        Ok(Handled::Started((running, has_terminal)))
    }

    /// What every child is told; it comes after what the client sends, and so before it in rank.
    fn own_environment(&self, pty: Option<&Pty>) -> Vec<(OsString, OsString)> {
        let account = &self.service.account;
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        let mut environment: Vec<(OsString, OsString)> = vec![
            ("USER".into(), account.name.clone().into()),
            ("LOGNAME".into(), account.name.clone().into()),
            ("HOME".into(), account.home.clone().into()),
            ("SHELL".into(), account.shell.clone().into()),
            ("PATH".into(), path),
        ];
        if let Some((client, server)) = self.addresses {
            let (from, to) = (client.ip(), server.ip());
            let connection = format!("{from} {} {to} {}", client.port(), server.port());
            environment.push(("SSH_CONNECTION".into(), connection.into()));
            environment.push(("SSH_CLIENT".into(), format!("{from} {} {}", client.port(), server.port()).into()));
        }
        if let Some(pty) = pty {
            environment.push(("TERM".into(), pty.term.clone()));
            environment.push(("SSH_TTY".into(), PathBuf::from(&pty.path).into()));
        }
        // A name with NUL would keep the child from starting.
        environment.retain(|(_, value)| !value.as_encoded_bytes().contains(&0));
        environment
    }
}

/// Moves bytes and obeys requests until the client closes the channel, or the connection ends.
fn converse(channel: Channel<ServerRole>, running: Running, has_terminal: bool) -> io::Result<()> {
    let channel = Arc::new(channel);
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
        let done = match (request, terminal) {
            (ChannelRequest::WindowChange { columns, rows, width_pixels, height_pixels }, Some(terminal)) => {
                pty::resize(terminal, [columns, rows, width_pixels, height_pixels]).is_ok()
            }
            (ChannelRequest::Signal(signal), _) => {
                log::debug(format_args!("the client sends the signal {signal}"));
                process.signal(signal.name())
            }
            (ChannelRequest::Break { .. }, Some(terminal)) => rustix::termios::tcsendbreak(terminal).is_ok(),
            _ => false,
        };
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
                if !self.process.ends_within(STATUS_DELAY) {
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
