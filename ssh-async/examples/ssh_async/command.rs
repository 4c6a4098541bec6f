//! What runs on the connection: a command, a shell, a subsystem, or nothing.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use futures_util::future::{self, Either, select};
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use ssh_async::ssh_core::ChannelRequest;
use ssh_async::ssh_core::files::ssh_config::SessionType;
use ssh_async::ssh_core::wire::DataStream;
use ssh_async::{Channel, ChannelReader, ChannelWriter, Error, Exit, Session, SessionError};

use crate::connect;
use crate::shared::escape::Escapes;
use crate::shared::plan::Plan;
use crate::shared::stdio::{self, BUFFER};
use crate::shared::{log, terminal};

/// Runs what is to be run; the exit status, or a line for the user.
pub(crate) async fn run(session: &Session, plan: &Plan) -> Result<u8, String> {
    if plan.session_type == SessionType::None {
        return Err(hold(session, &plan.host).await);
    }
    let exit = run_command(session, plan).await;
    terminal::restore();
    let (exit, has_terminal) = exit.map_err(|error| connect::in_context(&plan.host, plan.settings.port, &error))?;
    plan.finish(&exit, has_terminal)
}

/// `-N`: nothing runs; the connection is kept until it ends.
async fn hold(session: &Session, host: &str) -> String {
    // Nothing was to end by itself.
    format!("{host}: {}", session.closed().await)
}

async fn run_command(session: &Session, plan: &Plan) -> ssh_async::Result<(Exit, bool)> {
    let channel = session.open_session().await?;
    let has_terminal = plan.wants_terminal() && request_terminal(&channel).await?;
    session.mark_traffic(has_terminal);
    for request in plan.environment() {
        channel.request(&request, false).await?;
    }
    channel.request(&plan.start(), true).await?;
    let exit = converse(session, Arc::new(channel), has_terminal, plan.no_stdin).await?;
    Ok((exit, has_terminal))
}

/// Asks for a terminal. A server without them still runs the command.
async fn request_terminal(channel: &Channel) -> ssh_async::Result<bool> {
    match channel.request(&ChannelRequest::Pty(terminal::pty_request()), true).await {
        Ok(()) => Ok(true),
        Err(Error::Session(SessionError::RequestRefused { .. })) => {
            log::info("the server gives no terminal; going on without");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Moves bytes in all directions until the command has ended.
async fn converse(
    session: &Session,
    channel: Arc<Channel>,
    has_terminal: bool,
    no_stdin: bool,
) -> ssh_async::Result<Exit> {
    let escapes = has_terminal && terminal::stdin_is_terminal();
    if escapes {
        terminal::make_raw()?;
        watch_signals(session, &channel)?;
    }
    let writer = channel.writer(DataStream::STDOUT);
    let input = async {
        if no_stdin {
            writer.send_eof();
        } else {
            forward_stdin(writer, escapes.then(Escapes::new), session).await;
        }
    };
    let end_of_write = stdio::end_of_write(session.peer_identification());
    let outputs = future::join(
        forward_output(channel.reader(DataStream::STDOUT), io::stdout, &channel, end_of_write.as_ref()),
        forward_output(channel.reader(DataStream::STDERR), io::stderr, &channel, end_of_write.as_ref()),
    );
    let output = async {
        outputs.await;
        channel.wait().await
    };
    // Standard input may never end: nobody waits for it.
    match select(Box::pin(output), Box::pin(input)).await {
        Either::Left((exit, _)) => exit,
        Either::Right(((), output)) => output.await,
    }
}

/// The window's size goes to the server; a signal that ends us does not leave a raw terminal behind.
fn watch_signals(session: &Session, channel: &Arc<Channel>) -> io::Result<()> {
    let resized = Arc::downgrade(channel);
    terminal::on_resize(move || {
        if let (Some(channel), Some(request)) = (resized.upgrade(), terminal::window_change()) {
            // On a thread of signals, where nothing else waits.
            let _ = smol::block_on(channel.request(&request, false));
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
async fn forward_stdin(mut writer: ChannelWriter, mut escapes: Option<Escapes>, session: &Session) {
    let mut buffer = vec![0; BUFFER];
    let mut filtered = Vec::new();
    loop {
        let read;
        (buffer, read) = blocking::unblock(move || {
            let read = stdio::read(&mut buffer);
            (buffer, read)
        })
        .await;
        let n = match read {
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
        if writer.write_all(bytes).await.is_err() {
            return;
        }
    }
    writer.send_eof();
}

/// One stream of the channel to a descriptor of ours, until it ends.
async fn forward_output<D: AsFd + 'static>(
    mut stream: ChannelReader,
    to: fn() -> D,
    channel: &Channel,
    end: Option<&ChannelRequest>,
) {
    let mut buffer = vec![0; BUFFER];
    let mut broken = false;
    while let Ok(n @ 1..) = stream.read(&mut buffer).await {
        if broken {
            continue;
        }
        let written;
        (buffer, written) = blocking::unblock(move || {
            let written = stdio::write_all(&to(), buffer.get(..n).unwrap_or_default());
            (buffer, written)
        })
        .await;
        if let Err(error) = written {
            log::debug(format_args!("cannot write output: {error}"));
            broken = true;
            match end {
                Some(end) => drop(channel.request(end, false).await),
                None => channel.close(),
            }
        }
    }
}
