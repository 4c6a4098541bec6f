//! A client in a loop on io_uring: runs one command, with empty input, and exits with its status. Linux only.
//!
//! `io_uring_client HOST PORT USER IDENTITY_FILE KNOWN_HOSTS_FILE COMMAND`
//!
//! Shows the loop where the system is not asked whether it *could* read or write, but told to, and says when it *has*.
//! Meanwhile the kernel owns the buffer, so the buffers are the loop's own, and bytes are copied from and to the
//! endpoint. Standard output is written the same way.
//!
//! Exits with status 77 where the kernel has no io_uring or does not allow it.
#![allow(unsafe_code, reason = "the kernel uses buffers behind the compiler's back; each use says why that is sound")]

mod common;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    match io_uring::IoUring::new(8) {
        Ok(ring) if ring.params().is_feature_ext_arg() => common::exit("io_uring_client", program::run(ring)),
        Ok(_) => skip("this kernel's io_uring cannot wait with a timeout (Linux 5.11 can)"),
        Err(error) => skip(&format!("io_uring_setup: {error}")),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    skip("io_uring is only on Linux")
}

fn skip(why: &str) -> std::process::ExitCode {
    eprintln!("NOT RUN: io_uring_client did not connect: {why}");
    std::process::ExitCode::from(77)
}

#[cfg(target_os = "linux")]
mod program {
    use std::io;
    use std::os::fd::{AsRawFd, RawFd};
    use std::sync::Arc;

    use io_uring::types::{Fd, SubmitArgs, Timespec};
    use io_uring::{IoUring, opcode};
    use rustix::io::Errno;
    use ssh_core::Client;
    use ssh_core::random::OsRandom;
    use ssh_core::wire::DataStream;

    use crate::common::{self, Clock, Result};

    /// What the kernel moves at once.
    const SIZE: usize = 64 * 1024;
    /// Which operation is which; 2 and 3 print.
    const RECEIVE: u64 = 0;
    const SEND: u64 = 1;

    pub(crate) fn run(mut ring: IoUring) -> Result<u8> {
        let mut job = common::job_from_arguments()?;
        let socket = common::connect(&job)?;
        let mut receive = Operation::new(RECEIVE, socket.as_raw_fd());
        let mut send = Operation::new(SEND, socket.as_raw_fd());
        let mut print = [Operation::new(2, io::stdout().as_raw_fd()), Operation::new(3, io::stderr().as_raw_fd())];
        let clock = Clock::start();
        let mut ssh = Client::new(Arc::new(job.config()), Box::new(OsRandom), clock.now())?;

        loop {
            // Events: what the input so far means.
            while let Some(event) = ssh.poll_event() {
                job.handle_event(&mut ssh, event);
            }
            job.take_output(&mut ssh, |stream, bytes| print[usize::from(stream != DataStream::STDOUT)].fill(bytes));
            // What was handed to the kernel is still to go out.
            if job.is_over(&mut ssh) && send.is_idle() && print.iter().all(Operation::is_idle) {
                break;
            }
            // Output, which makes room for more, and so maybe for more events.
            let taken = send.fill(ssh.poll_output());
            ssh.consume_output(taken);
            if taken > 0 {
                continue;
            }
            // Input, as long as it is wanted. The endpoint may take a part, and the rest later.
            let taken = ssh.handle_input(receive.filled());
            receive.consume(taken);
            if taken > 0 {
                continue;
            }
            // Sleep until the kernel has done something or time is up.
            if ssh.wants_input() {
                receive.start(&mut ring)?;
            }
            send.start(&mut ring)?;
            print.iter_mut().try_for_each(|stream| stream.start(&mut ring))?;
            wait(&ring, &clock, &ssh)?;
            for done in ring.completion() {
                match done.user_data() {
                    RECEIVE => {
                        receive.complete(done.result())?;
                        if done.result() == 0 {
                            ssh.handle_eof();
                        }
                    }
                    // The peer takes no more, but may have said why: reading goes on.
                    SEND => send.complete(done.result()).unwrap_or_else(|_| send.consume(send.filled().len())),
                    tag => print[usize::from(tag == 3)]
                        .complete(done.result())
                        .map_err(|error| format!("cannot write the output: {error}"))?,
                }
            }
            // Time.
            ssh.handle_timeout(clock.now());
        }
        Ok(job.result()?)
    }

    fn wait(ring: &IoUring, clock: &Clock, ssh: &Client) -> io::Result<()> {
        let timeout = clock.until(ssh.poll_timeout()).map(Timespec::from);
        let arguments = timeout.as_ref().map_or(SubmitArgs::new(), |timeout| SubmitArgs::new().timespec(timeout));
        match ring.submitter().submit_with_args(1, &arguments) {
            Err(error) if !matches!(Errno::from_io_error(&error), Some(Errno::TIME | Errno::INTR)) => Err(error),
            _ => Ok(()),
        }
    }

    /// One read or write at a time, with a buffer of its own; what is in it lies from `start` to `end`.
    struct Operation {
        tag: u64,
        fd: Fd,
        buffer: Box<[u8]>,
        start: usize,
        end: usize,
        /// The kernel has it, and the buffer with it.
        is_running: bool,
    }

    impl Operation {
        fn new(tag: u64, fd: RawFd) -> Self {
            Self { tag, fd: Fd(fd), buffer: vec![0; SIZE].into(), start: 0, end: 0, is_running: false }
        }

        /// Whether neither the buffer nor the kernel holds anything.
        fn is_idle(&self) -> bool {
            !self.is_running && self.start == self.end
        }

        /// Takes bytes to be written; says how many.
        fn fill(&mut self, bytes: &[u8]) -> usize {
            let n = if self.is_idle() { bytes.len().min(SIZE) } else { return 0 };
            self.buffer[..n].copy_from_slice(&bytes[..n]);
            (self.start, self.end) = (0, n);
            n
        }

        /// What was read, or is still to be written.
        fn filled(&self) -> &[u8] {
            if self.is_running { &[] } else { &self.buffer[self.start..self.end] }
        }

        fn consume(&mut self, n: usize) {
            self.start += n;
        }

        /// Tells the kernel to read into an empty buffer, or to write what is in it.
        fn start(&mut self, ring: &mut IoUring) -> Result<()> {
            let entry = match (self.tag, self.filled()) {
                _ if self.is_running => return Ok(()),
                (RECEIVE, []) => opcode::Read::new(self.fd, self.buffer.as_mut_ptr(), SIZE as u32).build(),
                (RECEIVE, _) | (_, []) => return Ok(()),
                // An offset of -1 is where the file is, if it is one.
                (_, rest) => opcode::Write::new(self.fd, rest.as_ptr(), rest.len() as u32).offset(u64::MAX).build(),
            };
            self.is_running = true;
            // SAFETY: the entry names this operation's buffer, which nobody touches or frees before `complete` is called:
            // the methods look at `is_running`, and `drop` leaks a buffer that is in use. The buffer is on the heap, so
            // it stays where it is when the operation moves.
            unsafe { ring.submission().push(&entry.user_data(self.tag)) }?;
            Ok(())
        }

        /// The kernel has moved so many bytes, or failed with the error of this number.
        fn complete(&mut self, result: i32) -> io::Result<()> {
            self.is_running = false;
            match usize::try_from(result) {
                Ok(n) if self.tag == RECEIVE => (self.start, self.end) = (0, n),
                Ok(n) => self.start += n,
                Err(_) if matches!(Errno::from_raw_os_error(-result), Errno::INTR | Errno::AGAIN) => {} // once more
                Err(_) => return Err(io::Error::from_raw_os_error(-result)),
            }
            Ok(())
        }
    }

    impl Drop for Operation {
        fn drop(&mut self) {
            if self.is_running {
                Box::leak(std::mem::take(&mut self.buffer));
            }
        }
    }
}
