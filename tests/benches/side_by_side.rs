//! Our `ssh` and OpenSSH's in turn, doing the same against the same OpenSSH server on loopback.
//!
//! `cargo bench -p ssh-interop-tests [-- MIB]`. For each task it prints the median of both clients' processor and elapsed
//! time over some rounds, and the median of the ratio taken round by round: quote the ratio, since the machine's speed
//! changes between rounds but hardly within one.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use ssh_interop_tests::peer::openssh::{self, Sshd};
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::require_all;

const ROUNDS: usize = 5;

/// What a client is measured at.
struct Task {
    name: &'static str,
    cipher: &'static str,
    command: String,
    /// Bytes it is fed.
    upload: u64,
}

/// Processor and elapsed seconds of one run.
#[derive(Clone, Copy)]
struct Cost {
    cpu: f64,
    wall: f64,
}

fn main() {
    if !require_all(&["sshd", "ssh", "ssh-keygen"]) {
        return;
    }
    // Cargo passes `--bench`; a number is ours.
    let mib: u64 = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(512);
    let sshd = Sshd::builder().start();
    println!("{mib} MiB, {ROUNDS} rounds; seconds of processor time (elapsed time)\n");
    println!("{:<44} {:>16} {:>16} {:>7}", "task", "OpenSSH", "ours", "ratio");
    for task in tasks(mib * 1024 * 1024) {
        let mut theirs = Vec::new();
        let mut mine = Vec::new();
        for _ in 0..ROUNDS {
            theirs.push(run(openssh_client(&sshd, &task), &task));
            mine.push(run(our_client(&sshd, &task), &task));
        }
        let ratio = median(theirs.iter().zip(&mine).map(|(theirs, mine)| mine.cpu / theirs.cpu));
        let show = |costs: &[Cost]| {
            let (cpu, wall) = (median(costs.iter().map(|cost| cost.cpu)), median(costs.iter().map(|cost| cost.wall)));
            format!("{cpu:.2} ({wall:.2})")
        };
        println!(
            "{:<44} {:>16} {:>16} {ratio:>7.2}",
            format!("{} {}", task.name, task.cipher),
            show(&theirs),
            show(&mine)
        );
    }
}

fn tasks(bytes: u64) -> Vec<Task> {
    let mut tasks = Vec::new();
    for cipher in ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr"] {
        let command = format!("head -c {bytes} /dev/zero");
        tasks.push(Task { name: "download", cipher, command, upload: 0 });
        tasks.push(Task { name: "upload", cipher, command: "cat >/dev/null".into(), upload: bytes });
    }
    tasks.push(Task { name: "true", cipher: "aes256-gcm@openssh.com", command: "true".into(), upload: 0 });
    tasks
}

fn options(task: &Task) -> [String; 2] {
    [format!("Ciphers={}", task.cipher), "MACs=hmac-sha2-256-etm@openssh.com".into()]
}

fn openssh_client(sshd: &Sshd, task: &Task) -> Command {
    let options = options(task);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut ssh = openssh::ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &options);
    ssh.arg(sshd.destination()).arg(&task.command);
    ssh
}

fn our_client(sshd: &Sshd, task: &Task) -> Command {
    let options = options(task);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut ssh = Ours::Blocking.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &options);
    ssh.arg(sshd.destination()).arg(&task.command);
    ssh
}

fn run(mut command: Command, task: &Task) -> Cost {
    let (cpu, start) = (children_seconds(), Instant::now());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the client starts");
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    std::thread::scope(|scope| {
        scope.spawn(|| feed(stdin, task.upload));
        scope.spawn(|| drain(stdout));
    });
    assert!(child.wait().expect("it was started").success(), "{} failed", task.name);
    Cost { cpu: children_seconds() - cpu, wall: start.elapsed().as_secs_f64() }
}

fn feed(stdin: Option<impl Write>, bytes: u64) {
    let Some(mut stdin) = stdin else { return };
    let zeros = vec![0; 1 << 18];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(zeros.len() as u64);
        stdin.write_all(&zeros[..now as usize]).expect("the client reads its input");
        left -= now;
    }
}

fn drain(stdout: Option<impl Read>) {
    let Some(mut stdout) = stdout else { return };
    let mut buffer = vec![0; 1 << 18];
    while stdout.read(&mut buffer).is_ok_and(|n| n > 0) {}
}

/// Processor time of all children that were waited for.
fn children_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has it");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    // Fields 16 and 17 of proc_pid_stat(5), in hundredths of a second.
    (ticks(13) + ticks(14)) / 100.0
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
