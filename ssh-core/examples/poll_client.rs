//! A client in a loop on poll(2): runs one command, feeds it standard input, and exits with its status.
//!
//! `poll_client HOST PORT USER IDENTITY_FILE KNOWN_HOSTS_FILE COMMAND`
//!
//! Shows the loop where the system tells of *states*: before every sleep it is asked for exactly what can be used now,
//! or it would wake the loop for nothing. One thread watches the socket and all three standard streams.

mod common;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    common::exit("poll_client", program::run())
}

#[cfg(not(unix))]
fn main() -> std::process::ExitCode {
    common::exit("poll_client", Err("poll(2) is only on Unix".into()))
}

#[cfg(unix)]
mod program {
    use std::os::fd::{AsFd, BorrowedFd};
    use std::sync::Arc;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::{Errno, read, write};
    use rustix::net::{RecvFlags, SendFlags, recv, send};
    use ssh_core::Client;
    use ssh_core::random::OsRandom;
    use ssh_core::wire::DataStream;

    use crate::common::{self, Clock, Job, Result};

    /// What is awaited and, after the sleep, what has come.
    #[derive(Clone, Copy, Default)]
    struct Ready {
        receive: bool,
        send: bool,
        stdin: bool,
        stdout: bool,
        stderr: bool,
    }

    pub(crate) fn run() -> Result<u8> {
        let mut job = common::job_from_arguments()?;
        job.feeds_input = true;
        let socket = common::connect(&job)?;
        let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        let fds = [socket.as_fd(), stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
        let mut stdin_ended = false;
        let clock = Clock::start();
        let mut ssh = Client::new(Arc::new(job.config()), Box::new(OsRandom), clock.now())?;

        let mut ready = Ready::default();
        loop {
            let mut wanted = Ready::default();
            // Events: what the input so far means.
            while let Some(event) = ssh.poll_event() {
                job.handle_event(&mut ssh, event);
            }
            print(&mut job, &mut ssh, &fds, &mut ready, &mut wanted)?;
            if job.is_over(&mut ssh) {
                break;
            }
            wanted.stdin = !stdin_ended && feed(&job, &mut ssh, &fds, &mut ready, &mut stdin_ended)?;
            // Output, which makes room for more, and so maybe for more events.
            if std::mem::take(&mut ready.send) && send_once(&mut ssh, fds[0]) {
                continue;
            }
            // Input, as long as it is wanted.
            if std::mem::take(&mut ready.receive) && ssh.wants_input() {
                receive_once(&mut ssh, fds[0])?;
                continue;
            }
            // Sleep until something is ready that is of use, or time is up.
            wanted.send = !ssh.poll_output().is_empty();
            wanted.receive = ssh.wants_input();
            ready = sleep(&fds, wanted, &clock, &ssh)?;
            // Time.
            ssh.handle_timeout(clock.now());
        }
        Ok(job.result()?)
    }

    fn send_once(ssh: &mut Client, socket: BorrowedFd<'_>) -> bool {
        match send(socket, ssh.poll_output(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(n) => ssh.consume_output(n),
            Err(Errno::AGAIN | Errno::INTR) => return false,
            Err(_) => {
                // The peer takes no more, but may have said why: reading goes on.
                ssh.handle_write_closed();
            }
        }
        true
    }

    fn receive_once(ssh: &mut Client, socket: BorrowedFd<'_>) -> Result<()> {
        match recv(socket, ssh.input_buffer(), RecvFlags::DONTWAIT) {
            Ok((0, _)) => ssh.handle_eof(),
            Ok((n, _)) => ssh.input_filled(n),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Writes output where there is room for it. A pipe that is ready has room for this much (PIPE_BUF), so the write
    /// does not block, and the streams need not be made non-blocking, which others who use them would notice.
    const PIECE: usize = 4096;

    fn print(
        job: &mut Job,
        ssh: &mut Client,
        fds: &[BorrowedFd<'_>; 4],
        ready: &mut Ready,
        wanted: &mut Ready,
    ) -> Result<()> {
        let mut failed = None;
        job.take_output(ssh, |stream, bytes| {
            let (fd, is_ready, awaited) = match stream {
                DataStream::STDOUT => (fds[2], &mut ready.stdout, &mut wanted.stdout),
                _ => (fds[3], &mut ready.stderr, &mut wanted.stderr),
            };
            *awaited = true;
            if !std::mem::take(is_ready) {
                return 0;
            }
            match write(fd, bytes.get(..PIECE).unwrap_or(bytes)) {
                Ok(n) => return n,
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => failed = Some(error),
            }
            0
        });
        failed.map_or(Ok(()), |error| Err(format!("cannot write the output: {error}").into()))
    }

    /// Reads standard input straight into the output buffer. Says whether there is room for more.
    fn feed(
        job: &Job,
        ssh: &mut Client,
        fds: &[BorrowedFd<'_>; 4],
        ready: &mut Ready,
        ended: &mut bool,
    ) -> Result<bool> {
        let Some(mut channel) = job.input(ssh) else { return Ok(false) };
        if channel.writable() > 0 && std::mem::take(&mut ready.stdin) {
            let mut result = Ok(0);
            channel.write_with(DataStream::STDOUT, usize::MAX, |room| {
                result = read(fds[1], room);
                result.unwrap_or(0)
            })?;
            match result {
                Ok(0) => {
                    *ended = true;
                    channel.send_eof()?;
                }
                Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(format!("cannot read standard input: {error}").into()),
            }
        }
        Ok(!*ended && channel.writable() > 0)
    }

    fn sleep(fds: &[BorrowedFd<'_>; 4], wanted: Ready, clock: &Clock, ssh: &Client) -> Result<Ready> {
        let flag = |wanted, flag| if wanted { flag } else { PollFlags::empty() };
        let [socket, stdin, stdout, stderr] = [
            flag(wanted.receive, PollFlags::IN) | flag(wanted.send, PollFlags::OUT),
            flag(wanted.stdin, PollFlags::IN),
            flag(wanted.stdout, PollFlags::OUT),
            flag(wanted.stderr, PollFlags::OUT),
        ];
        let interests = [socket, stdin, stdout, stderr];
        // Only what is of use: poll(2) tells of errors and hang-ups even where nothing is asked for.
        let used: Vec<usize> = (0..4).filter(|&at| !interests[at].is_empty()).collect();
        let mut watched: Vec<_> = used.iter().map(|&at| PollFd::new(&fds[at], interests[at])).collect();
        let timeout = clock.until(ssh.poll_timeout()).and_then(|duration| Timespec::try_from(duration).ok());
        match poll(&mut watched, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut came = [PollFlags::empty(); 4];
        for (&at, fd) in used.iter().zip(&watched) {
            came[at] = fd.revents();
        }
        // An error or a hang-up is found out by trying.
        let told = |at: usize, flag| came[at].intersects(flag | PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL);
        Ok(Ready {
            receive: wanted.receive && told(0, PollFlags::IN),
            send: wanted.send && told(0, PollFlags::OUT),
            stdin: told(1, PollFlags::IN),
            stdout: told(2, PollFlags::OUT),
            stderr: told(3, PollFlags::OUT),
        })
    }
}
