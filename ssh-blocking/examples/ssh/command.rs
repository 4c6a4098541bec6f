//! What runs on the connection: a command, a shell, a subsystem, or nothing.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use ssh_blocking::ssh_core::ChannelRequest;
use ssh_blocking::{Channel, ChannelReader, ChannelWriter, Error, Exit, Session, SessionError};

use crate::connect;
use crate::escape::Escapes;
use crate::log;
use crate::options::Invocation;
use crate::settings::RequestTty;
use crate::terminal;

/// How much is moved at once: a whole burst of packets.
const BUFFER: usize = 256 * 1024;

/// Runs what is to be run; the exit status, or a line for the user.
pub(crate) fn run(session: &Session, invocation: &Invocation) -> Result<u8, String> {
    let settings = &invocation.settings;
    let host = settings.host_name.as_deref().unwrap_or(&invocation.host);
    let failed = |error: &Error| connect::in_context(host, settings.port, error);
    if invocation.no_command {
        return hold(session, host);
    }
    let channel = session.open_session().map_err(|error| failed(&error))?;
    let is_shell = invocation.command.is_empty();
    let wants_terminal = match settings.request_tty {
        RequestTty::No => false,
        RequestTty::Force => true,
        RequestTty::Yes => terminal::stdin_is_terminal(),
        RequestTty::Auto => is_shell && !invocation.no_stdin && terminal::stdin_is_terminal(),
    };
    if settings.request_tty == RequestTty::Yes && !wants_terminal {
        log::info("no terminal is asked for because standard input is none; force it with -tt");
    }
    let has_terminal = wants_terminal && request_terminal(&channel).map_err(|error| failed(&error))?;
    for (name, value) in settings.environment() {
        log::debug(format_args!("sending the environment variable {}", String::from_utf8_lossy(&name).escape_debug()));
        channel.request(&ChannelRequest::Env { name, value }, false).map_err(|error| failed(&error))?;
    }
    let command = invocation.command.clone().into_bytes();
    let request = match (is_shell, invocation.subsystem) {
        (true, _) => ChannelRequest::Shell,
        (false, true) => ChannelRequest::Subsystem { name: command },
        (false, false) => ChannelRequest::Exec { command },
    };
    channel.request(&request, true).map_err(|error| failed(&error))?;
    let exit = converse(session, &Arc::new(channel), has_terminal, invocation.no_stdin);
    terminal::restore();
    let exit = exit.map_err(|error| failed(&error))?;
    log::debug(format_args!("the command ended: {exit}"));
    if has_terminal {
        log::info(format_args!("Connection to {host} closed."));
    }
    match &exit {
        Exit::Status(_) => {}
        Exit::Unknown => return Err(format!("{host}: the server closed the session without an exit status")),
        other => log::info(format_args!("ssh: the command was {other}")),
    }
    Ok(exit.code())
}

/// `-N`: nothing runs; the connection is kept until it ends.
fn hold(session: &Session, host: &str) -> Result<u8, String> {
    match session.serve(None) {
        Ok(Some(reason)) if reason.error().is_some() => Err(format!("{host}: {reason}")),
        Ok(_) => Ok(0),
        Err(error) => Err(format!("{host}: {error}")),
    }
}

/// Asks for a terminal. A server without them still runs the command.
fn request_terminal(channel: &Channel) -> ssh_blocking::Result<bool> {
    match channel.request(&ChannelRequest::Pty(terminal::pty_request()), true) {
        Ok(()) => Ok(true),
        Err(Error::Session(SessionError::RequestRefused { .. })) => {
            log::info("the server gives no terminal; going on without");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Moves bytes in all directions until the command has ended.
fn converse(
    session: &Session,
    channel: &Arc<Channel>,
    has_terminal: bool,
    no_stdin: bool,
) -> ssh_blocking::Result<Exit> {
    let (writer, stdout, stderr) = channel.split();
    let escapes = has_terminal && terminal::stdin_is_terminal();
    if escapes {
        terminal::make_raw()?;
        watch_signals(session, channel)?;
    }
    // Standard input may never end: nobody waits for its thread.
    if no_stdin {
        writer.send_eof()?;
    } else {
        let session = session.clone();
        spawn("stdin", move || forward_stdin(writer, escapes.then(Escapes::new), &session))?;
    }
    let is_openssh = session.peer_identification().is_some_and(|text| text.to_string().contains("OpenSSH"));
    let (for_stdout, for_stderr) = (Arc::clone(channel), Arc::clone(channel));
    let outputs = [
        spawn("stdout", move || forward_output(stdout, io::stdout(), &for_stdout, is_openssh))?,
        spawn("stderr", move || forward_output(stderr, io::stderr(), &for_stderr, is_openssh))?,
    ];
    for output in outputs {
        // A thread that panicked has said so.
        let _ = output.join();
    }
    channel.wait()
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(work)
}

/// The window's size goes to the server; a signal that ends us does not leave a raw terminal behind.
fn watch_signals(session: &Session, channel: &Arc<Channel>) -> io::Result<()> {
    let resized = Arc::downgrade(channel);
    terminal::on_resize(move || {
        if let (Some(channel), Some(request)) = (resized.upgrade(), terminal::window_change()) {
            let _ = channel.request(&request, false);
        }
    })?;
    let session = session.clone();
    terminal::on_termination(move || {
        terminal::restore();
        session.disconnect();
        std::process::exit(255);
    })
}

/// Standard input to the channel, until either ends.
fn forward_stdin(mut writer: ChannelWriter, mut escapes: Option<Escapes>, session: &Session) {
    let mut buffer = vec![0; BUFFER];
    let mut filtered = Vec::new();
    loop {
        let n = match read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) => {
                log::debug(format_args!("standard input: {error}"));
                break;
            }
        };
        let mut bytes = buffer.get(..n).unwrap_or_default();
        if let Some(escapes) = &mut escapes {
            filtered.clear();
            if escapes.filter(bytes, &mut filtered) {
                terminal::restore();
                log::info("Connection closed by the escape ~.");
                session.disconnect();
                std::process::exit(255);
            }
            bytes = &filtered;
        }
        // The command reads no more, or is gone: its end is somebody else's news.
        if writer.write_all(bytes).is_err() {
            return;
        }
    }
    let _ = writer.send_eof();
}

/// One stream of the channel to a descriptor of ours, until it ends.
fn forward_output(mut stream: ChannelReader, to: impl AsFd, channel: &Channel, is_openssh: bool) {
    let mut buffer = vec![0; BUFFER];
    let mut broken = false;
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        if broken {
            continue;
        }
        if let Err(error) = write_all(&to, buffer.get(..n).unwrap_or_default()) {
            log::debug(format_args!("cannot write output: {error}"));
            broken = true;
            // Nobody reads any more (`ssh host command | head`). OpenSSH knows how to tell that to the command, and what
            // it still sends is dropped here; any other server understands the end of the channel only.
            if is_openssh {
                let end_of_write = ChannelRequest::Other { name: b"eow@openssh.com".to_vec(), data: Vec::new() };
                let _ = channel.request(&end_of_write, false);
            } else {
                channel.close();
            }
        }
    }
}

/// Reads standard input past the standard library's buffer.
fn read(buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(io::stdin(), &mut *buffer) {
            Err(Errno::INTR) => {}
            // Somebody who shares the open file made it non-blocking.
            Err(Errno::AGAIN) => wait_for(io::stdin(), PollFlags::IN)?,
            other => return Ok(other?),
        }
    }
}

/// Writes everything past the standard library's line buffer.
fn write_all(to: &impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
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
