//! Children: how they are started, told, and waited for.
//!
//! A child with a terminal must lead a session of its own and have the terminal as its controlling one. Both are system
//! calls between fork and exec, which Rust allows only in unsafe code. So the child is `setsid --ctty` of util-linux,
//! which makes those calls and then becomes the shell: same process, same number, same exit status.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use ssh_core::{ChannelRequest, Signal as SignalName, Untrusted};

use super::pty::Pty;

/// What is to run.
pub(crate) enum Program {
    /// The login shell.
    Shell,
    /// A command line for the shell.
    Command(OsString),
}

/// A child, with our ends of its standard streams.
pub(crate) struct Running {
    pub(crate) process: Process,
    /// Its standard input; with a terminal the same thing as its output.
    pub(crate) stdin: OwnedFd,
    pub(crate) stdout: OwnedFd,
    /// Its standard error; none with a terminal.
    pub(crate) stderr: Option<OwnedFd>,
}

impl Running {
    pub(crate) fn has_terminal(&self) -> bool {
        self.stderr.is_none()
    }
}

/// Starts `program` with `shell` and nothing but `environment`, with a terminal if there is one.
pub(crate) fn start(
    program: &Program,
    shell: &str,
    home: &Path,
    environment: &[(OsString, OsString)],
    pty: Option<Pty>,
) -> Result<Running, String> {
    let mut command = if pty.is_some() { Command::new("setsid") } else { Command::new(shell) };
    if pty.is_some() {
        command.arg("--ctty").arg(shell);
    }
    match program {
        Program::Command(line) => {
            command.arg("-c").arg(line);
        }
        // `setsid` cannot set the name a program is called by, whose leading hyphen is the usual sign of a login shell.
        Program::Shell if pty.is_some() => {
            command.arg("-l");
        }
        Program::Shell => {
            let name = Path::new(shell).file_name().unwrap_or_default();
            let mut login_name = OsString::from("-");
            login_name.push(name);
            command.arg0(login_name);
        }
    }
    command.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    command.current_dir(if home.is_dir() { home } else { Path::new("/") });
    match pty {
        Some(pty) => spawn_on_terminal(command, pty).map_err(|error| {
            format!("\"setsid --ctty {shell}\" cannot be run; terminals need setsid of util-linux: {error}")
        }),
        None => spawn_on_pipes(command).map_err(|error| format!("\"{shell}\" cannot be run: {error}")),
    }
}

fn spawn_on_terminal(mut command: Command, pty: Pty) -> io::Result<Running> {
    command.stdin(pty.slave.try_clone()?).stdout(pty.slave.try_clone()?).stderr(pty.slave);
    let child = command.spawn()?;
    // The command still holds the child's end of the terminal; it would never be at its end.
    drop(command);
    let stdout = pty.master.try_clone()?;
    Ok(Running { process: Process::new(child)?, stdin: pty.master, stdout, stderr: None })
}

fn spawn_on_pipes(mut command: Command) -> io::Result<Running> {
    // A group of its own, so that a signal reaches what the shell starts as well, and not us.
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let missing = || io::Error::other("a pipe is missing");
    let stdin = child.stdin.take().ok_or_else(missing)?.into();
    let stdout = child.stdout.take().ok_or_else(missing)?.into();
    let stderr = child.stderr.take().ok_or_else(missing)?.into();
    Ok(Running { process: Process::new(child)?, stdin, stdout, stderr: Some(stderr) })
}

/// A child's process, to be waited for by one thread and signalled by others.
pub(crate) struct Process {
    child: Mutex<Child>,
    /// Its number, which is its group's as well; `None` once somebody else may have it.
    group: Mutex<Option<Pid>>,
    /// Its number until it has been waited for.
    pub(crate) pid: Pid,
}

impl Process {
    fn new(child: Child) -> io::Result<Self> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the child has no number"))?;
        Ok(Self { child: Mutex::new(child), group: Mutex::new(Some(pid)), pid })
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&self) -> io::Result<ExitStatus> {
        // First without taking the number away from it: until then a signal reaches nobody else.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(self.pid), options), Err(rustix::io::Errno::INTR)) {}
        self.group.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.child.lock().unwrap_or_else(PoisonError::into_inner).wait()
    }

    /// Whether it has ended, waited for or not.
    pub(crate) fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        matches!(waitid(WaitId::Pid(self.pid), options), Ok(Some(_)) | Err(rustix::io::Errno::CHILD))
    }

    /// Sends a signal to it and its group; `false`: the signal is not known, or it is gone.
    pub(crate) fn signal(&self, name: &str) -> bool {
        let group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        let signal = SIGNALS.iter().find(|(each, _)| *each == name).map(|(_, signal)| *signal);
        match (*group, signal) {
            (Some(group), Some(signal)) => kill_process_group(group, signal).is_ok(),
            _ => false,
        }
    }
}

/// The signals of RFC 4254 §6.10.
const SIGNALS: &[(&str, Signal)] = &[
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("FPE", Signal::FPE),
    ("HUP", Signal::HUP),
    ("ILL", Signal::ILL),
    ("INT", Signal::INT),
    ("KILL", Signal::KILL),
    ("PIPE", Signal::PIPE),
    ("QUIT", Signal::QUIT),
    ("SEGV", Signal::SEGV),
    ("TERM", Signal::TERM),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
];

/// The request that tells a client how a child ended.
pub(crate) fn exit_request(status: ExitStatus) -> ChannelRequest {
    let Some(number) = status.signal() else {
        return ChannelRequest::ExitStatus(u32::try_from(status.code().unwrap_or(255)).unwrap_or(255));
    };
    let known = SIGNALS.iter().find(|(_, signal)| signal.as_raw() == number).map(|(name, _)| *name);
    // What OpenSSH calls a signal that the RFC does not name.
    match SignalName::new(known.unwrap_or("SIG@openssh.com")) {
        Ok(signal) => {
            let message = Untrusted::from(format!("killed by signal {number}").as_str());
            ChannelRequest::ExitSignal { signal, core_dumped: status.core_dumped(), message }
        }
        Err(_) => ChannelRequest::ExitStatus(255),
    }
}
