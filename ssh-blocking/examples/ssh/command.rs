//! What runs on the connection: a command, a shell, a subsystem, or nothing.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;

use ssh_blocking::{Channel, ChannelReader, ChannelWriter, Error, Exit, Session, SessionError};
use ssh_core::ChannelRequest;
use ssh_core::files::ssh_config::SessionType;

use crate::connect;
use crate::shared::escape::Escapes;
use crate::shared::plan::Plan;
use crate::shared::stdio::{self, BUFFER};
use crate::shared::{log, terminal};

/// Runs what is to be run; the exit status, or a line for the user.
pub(crate) fn run(session: &Session, plan: &Plan) -> Result<u8, String> {
    if plan.session_type == SessionType::None {
        return hold(session, &plan.host);
    }
    let exit = run_command(session, plan);
    terminal::restore();
    let (exit, has_terminal) = exit.map_err(|error| connect::in_context(&plan.host, plan.settings.port, &error))?;
    plan.finish(&exit, has_terminal)
}

fn run_command(session: &Session, plan: &Plan) -> ssh_blocking::Result<(Exit, bool)> {
    let channel = session.open_session()?;
    let has_terminal = plan.wants_terminal() && request_terminal(&channel)?;
    session.mark_traffic(has_terminal);
    for request in plan.environment() {
        channel.request(&request, false)?;
    }
    channel.request(&plan.start(), true)?;
    let exit = converse(session, &Arc::new(channel), has_terminal, plan.no_stdin)?;
    Ok((exit, has_terminal))
}

/// `-N`: nothing runs; the connection is kept until it ends.
fn hold(session: &Session, host: &str) -> Result<u8, String> {
    match session.serve(None) {
        // Nothing was to end by itself.
        Ok(Some(reason)) => Err(format!("{host}: {reason}")),
        Ok(None) => Ok(0),
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
    let end_of_write = stdio::end_of_write(session.peer_identification());
    let for_stderr_end = end_of_write.clone();
    let (for_stdout, for_stderr) = (Arc::clone(channel), Arc::clone(channel));
    let outputs = [
        spawn("stdout", move || forward_output(stdout, io::stdout(), &for_stdout, end_of_write.as_ref()))?,
        spawn("stderr", move || forward_output(stderr, io::stderr(), &for_stderr, for_stderr_end.as_ref()))?,
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
        let n = match stdio::read(&mut buffer) {
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
fn forward_output(mut stream: ChannelReader, to: impl AsFd, channel: &Channel, end: Option<&ChannelRequest>) {
    let mut buffer = vec![0; BUFFER];
    let mut broken = false;
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        if broken {
            continue;
        }
        if let Err(error) = stdio::write_all(&to, buffer.get(..n).unwrap_or_default()) {
            log::debug(format_args!("cannot write output: {error}"));
            broken = true;
            match end {
                Some(end) => drop(channel.request(end, false)),
                None => channel.close(),
            }
        }
    }
}
