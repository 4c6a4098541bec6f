//! Processes that cannot outlive or hang a test.

use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a command printed and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// Everything from standard output.
    pub stdout: Vec<u8>,
    /// Everything from standard error.
    pub stderr: Vec<u8>,
    /// How it ended; `None` if it was killed at the deadline.
    pub status: Option<ExitStatus>,
}

impl Output {
    /// The exit code; `None` if killed, by a signal or at the deadline.
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    /// Did it exit with status 0 before the deadline?
    pub fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Standard output as text.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Itself if it succeeded, else a panic that shows everything.
    #[track_caller]
    pub fn expect_success(self) -> Self {
        assert!(self.success(), "{self}");
        self
    }
}

/// For the message of an assertion: status and both streams, long ones cut.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => writeln!(f, "{status}")?,
            None => writeln!(f, "killed at its deadline")?,
        }
        for (name, bytes) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let shown = &bytes[..bytes.len().min(8192)];
            writeln!(f, "--- {name}, {} bytes\n{}", bytes.len(), String::from_utf8_lossy(shown))?;
        }
        Ok(())
    }
}

/// Runs a command with this standard input and collects what it prints; at the deadline it is killed.
///
/// It never hangs: the pipes have threads of their own, and one that a grandchild keeps open is given up a second after
/// the command has ended.
#[track_caller]
pub fn run_with_timeout(mut command: Command, stdin: &[u8], timeout: Duration) -> Output {
    let deadline = Instant::now() + timeout;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut input = child.stdin.take().expect("stdin is piped");
    let bytes = stdin.to_vec();
    // A command may end without reading its input: an error is no fault.
    thread::spawn(move || drop(input.write_all(&bytes)));
    let stdout = Collector::start(child.stdout.take().expect("stdout is piped"));
    let stderr = Collector::start(child.stderr.take().expect("stderr is piped"));

    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break Some(status);
        }
        if Instant::now() >= deadline {
            kill(&mut child);
            break None;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let patience = Instant::now() + Duration::from_secs(1);
    Output { stdout: stdout.finish(patience), stderr: stderr.finish(patience), status }
}

/// Reads a pipe to its end on a thread.
struct Collector {
    bytes: Arc<Mutex<Vec<u8>>>,
    done: Receiver<()>,
}

impl Collector {
    fn start(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (sender, done) = mpsc::channel();
        let shared = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(n @ 1..) = pipe.read(&mut buffer) {
                shared.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..n]);
            }
            drop(sender);
        });
        Self { bytes, done }
    }

    /// What was read until the end of the pipe, or until this time.
    fn finish(self, deadline: Instant) -> Vec<u8> {
        // Nothing is ever sent: it returns when the thread drops its end, or after the time.
        let _ = self.done.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A peer in the background with its output in a log file. Killed and waited for when dropped; if that happens in a
/// panic, the log is printed first.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts a command with both output streams in the file `log` and nothing to read.
    #[track_caller]
    pub fn start(name: &str, mut command: Command, log: &Path) -> Self {
        let output = File::create(log).expect("the log file can be made");
        let errors = output.try_clone().expect("a file handle can be cloned");
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { name: name.to_owned(), child, log: log.to_owned() }
    }

    /// The name it was started under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Waits until its log contains this text; panics with the log after `timeout`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline, "{} has not logged {text:?}\n{}", self.name, self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// How it ended, if it has.
    pub fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits for it to end by itself; `None` if it still runs after `timeout`.
    pub fn wait(&mut self, timeout: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + timeout;
        loop {
            let status = self.try_wait();
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill(&mut self.child);
        if thread::panicking() {
            eprintln!("--- log of {}\n{}--- end of the log of {}", self.name, self.log(), self.name);
        }
    }
}

/// Kills a child and waits for it. Errors mean that it had ended before.
fn kill(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}
