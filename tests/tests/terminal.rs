//! A shell under a terminal, in both directions, driven through tmux as a person would.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ssh_interop_tests::peer::openssh::{self, KeyType, Sshd};
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::require_all;
use ssh_interop_tests::{DEADLINE, run_with_timeout};

ssh_interop_tests::test_each_of_ours!(our_client, our_server, our_client_and_our_server);

/// A terminal window of 80 × 24 in which a program runs.
struct Tmux {
    socket: std::path::PathBuf,
}

impl Tmux {
    fn start(directory: &Path, program: &Command) -> Self {
        let tmux = Self { socket: directory.join("tmux") };
        let mut words: Vec<String> = vec![program.get_program().to_string_lossy().into_owned()];
        words.extend(program.get_args().map(|word| word.to_string_lossy().into_owned()));
        let line: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let line = format!("{}; echo \"status $?\"; sleep 60", line.join(" "));
        tmux.run(&["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", &line]);
        tmux
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(&self.socket).args(arguments).env_remove("TMUX").env("SHELL", "/bin/sh");
        run_with_timeout(tmux, b"", DEADLINE).expect_success().stdout_text()
    }

    fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"][..], keys].concat());
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    fn expect(&self, text: &str) {
        let start = Instant::now();
        loop {
            let screen = self.run(&["capture-pane", "-p"]);
            if screen.contains(text) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{text:?} does not come; the screen is:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(&self.socket).arg("kill-server");
        run_with_timeout(tmux, b"", DEADLINE);
    }
}

/// What a person expects of a shell: a terminal of the right size, echo, control characters, resizing, a status.
fn use_a_shell(directory: &Path, ssh: &Command) {
    let tmux = Tmux::start(directory, ssh);
    tmux.keys(&["PS1='ready> '; echo $((6*7)) $TERM", "Enter"]);
    tmux.expect("42 ");
    tmux.expect("ready> ");
    tmux.keys(&["clear; test -t 0 && test -t 1 && stty size", "Enter"]);
    tmux.expect("24 80");
    tmux.run(&["resize-window", "-x", "100", "-y", "30"]);
    // The new size is on its way for a while: the shell itself waits for it.
    tmux.keys(&["clear; until stty size | grep -q '30 100'; do sleep 0.1; done; echo size $(stty size)", "Enter"]);
    tmux.expect("size 30 100");
    // The terminal's interrupt character ends the command, not the connection.
    tmux.keys(&["clear; echo be''gun; sleep 50", "Enter"]);
    tmux.expect("begun");
    tmux.keys(&["C-c"]);
    tmux.keys(&["echo alive $((1+1))", "Enter"]);
    tmux.expect("alive 2");
    tmux.keys(&["clear; exit 9", "Enter"]);
    tmux.expect("status 9");
}

fn our_client(ours: Ours) {
    if !require_all(&["sshd", "ssh-keygen", "tmux"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let mut ssh = ours.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &[]);
    ssh.arg(sshd.destination());
    use_a_shell(sshd.directory(), &ssh);
}

fn our_server(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen", "tmux"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &[]);
    let mut ssh = openssh::ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &[]);
    ssh.arg(sshd.destination());
    use_a_shell(sshd.directory(), &ssh);
}

fn our_client_and_our_server(ours: Ours) {
    if !require_all(&["ssh-keygen", "tmux"]) {
        return;
    }
    let sshd = ours.sshd(&[KeyType::Ed25519], &[]);
    let mut ssh = ours.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &[]);
    ssh.arg(sshd.destination());
    use_a_shell(sshd.directory(), &ssh);
}
