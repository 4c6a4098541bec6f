//! A gibibyte (or a quarter) each way under constant rekeying, with memory watched and contents compared.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use ssh_interop_tests::peer::openssh::{KeyType, Sshd};
use ssh_interop_tests::peer::ours::Ours;
use ssh_interop_tests::peer::{openssh, require_all};

ssh_interop_tests::test_each_of_ours!(our_client, our_server, a_reader_that_stops);

/// How much is transferred: many times what fits into any buffer on the way. Twice a gibibyte, with threads and with a
/// runtime, and twice a quarter for the other runtimes.
fn amount(ours: Ours) -> u64 {
    match ours {
        Ours::Blocking | Ours::TokioThreads => 1 << 30,
        Ours::Tokio | Ours::Smol => 1 << 28,
    }
}

/// More memory than our client may ever hold.
const MAX_RSS_KIB: u64 = 32 * 1024;

/// Time enough for a gibibyte on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// Bytes that are cheap to make and do not repeat within a megabyte.
fn fill(buffer: &mut [u8], at: u64) {
    for (chunk, number) in buffer.chunks_mut(8).zip(at / 8..) {
        let word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

fn pattern_digest(amount: u64) -> String {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    for at in 0..amount >> 20 {
        fill(&mut buffer, at << 20);
        digest.update(&buffer);
    }
    hex(&digest.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write_pattern(mut stdin: ChildStdin, amount: u64) {
    let mut buffer = vec![0; 1 << 20];
    for at in 0..amount >> 20 {
        fill(&mut buffer, at << 20);
        stdin.write_all(&buffer).expect("the client reads its input");
    }
}

/// Reads everything; says how much and its digest.
fn read_all(mut stdout: ChildStdout) -> (u64, String) {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut count = 0;
    loop {
        match stdout.read(&mut buffer).expect("a pipe can be read") {
            0 => return (count, hex(&digest.finalize())),
            n => {
                digest.update(&buffer[..n]);
                count += n as u64;
            }
        }
    }
}

/// Runs `command`, gives it so much of the pattern, and returns what it printed and the most memory it had.
fn run(mut command: Command, upload: u64) -> (u64, String, u64) {
    command.stdin(if upload > 0 { Stdio::piped() } else { Stdio::null() }).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the client starts");
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take().expect("a pipe was asked for"));
    let rss = std::thread::scope(|scope| {
        let writer = scope.spawn(move || stdin.map(|stdin| write_pattern(stdin, upload)));
        let reader = scope.spawn(move || read_all(stdout));
        let rss = watch(&mut child);
        writer.join().expect("the input was taken");
        let (count, digest) = reader.join().expect("the output was read");
        (count, digest, rss)
    });
    assert!(child.wait().expect("it was started").success());
    rss
}

/// Watches a process's memory until it ends; kills it when patience ends.
fn watch(child: &mut Child) -> u64 {
    let start = Instant::now();
    let mut most = 0;
    while child.try_wait().expect("it was started").is_none() {
        most = most.max(resident_kib(child.id()));
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("a gibibyte took longer than {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    most
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// What prints the pattern: a file that the shell on the other side reads.
fn pattern_file(directory: &std::path::Path, amount: u64) -> String {
    let path = directory.join("pattern");
    let mut file = std::fs::File::create(&path).expect("the directory is ours");
    let mut buffer = vec![0; 1 << 20];
    for at in 0..amount >> 20 {
        fill(&mut buffer, at << 20);
        file.write_all(&buffer).expect("there is room for a gibibyte");
    }
    format!("cat {}", path.display())
}

const REKEY: &str = "RekeyLimit=16M";

fn our_client(ours: Ours) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().rekey_limit("16M").start();
    let amount = amount(ours);
    let expected = pattern_digest(amount);
    let client = |command: &str| {
        let mut ssh = ours.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &[REKEY]);
        ssh.arg(sshd.destination()).arg(command);
        ssh
    };
    let (count, digest, rss) = run(client(&pattern_file(sshd.directory(), amount)), 0);
    assert_eq!((count, &digest), (amount, &expected));
    assert!((1..MAX_RSS_KIB).contains(&rss), "downloading held {rss} KiB");
    let (_, printed, up_rss) = run(client("sha256sum"), amount);
    // The digest of the line that sha256sum printed.
    assert_eq!(printed, hex(&Sha256::digest(format!("{expected}  -\n"))));
    assert!((1..MAX_RSS_KIB).contains(&up_rss), "uploading held {up_rss} KiB");
    eprintln!("{ours:?}: our ssh held at most {rss} KiB downloading, {up_rss} KiB uploading");
}

fn our_server(ours: Ours) {
    if !require_all(&["ssh", "ssh-keygen"]) {
        return;
    }
    let mut sshd = ours.sshd(&[KeyType::Ed25519], &[REKEY]);
    let amount = amount(ours);
    let expected = pattern_digest(amount);
    let (port, key, known) = (sshd.port(), sshd.identity().to_owned(), sshd.known_hosts().to_owned());
    let destination = sshd.destination();
    let client = |command: &str| {
        let mut ssh = openssh::ssh_command(port, &key, &known, &[REKEY]);
        ssh.arg(&destination).arg(command);
        ssh
    };
    let pid = sshd.process().id();
    let (done, most) = (AtomicBool::new(false), AtomicU64::new(0));
    let download = client(&pattern_file(sshd.directory(), amount));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                most.fetch_max(resident_kib(pid), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let (count, digest, _) = run(download, 0);
        assert_eq!((count, &digest), (amount, &expected));
        let (_, printed, _) = run(client("sha256sum"), amount);
        assert_eq!(printed, hex(&Sha256::digest(format!("{expected}  -\n"))));
        done.store(true, Ordering::Relaxed);
    });
    let most = most.load(Ordering::Relaxed);
    assert!((1..MAX_RSS_KIB).contains(&most), "our server held {most} KiB");
    eprintln!("{ours:?}: our sshd held at most {most} KiB");
}

/// A reader that stops is back-pressure all the way: the client stops reading its socket and memory stays flat.
fn a_reader_that_stops(ours: Ours) {
    if !require_all(&["sshd", "ssh-keygen"]) {
        return;
    }
    let sshd = Sshd::builder().start();
    let mut ssh = ours.ssh_command(sshd.port(), sshd.identity(), sshd.known_hosts(), &[]);
    ssh.arg(sshd.destination()).arg("head -c 300000000 /dev/zero").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = ssh.spawn().expect("the client starts");
    let mut stdout = child.stdout.take().expect("a pipe was asked for");
    stdout.read_exact(&mut [0; 4096]).expect("the command prints");
    std::thread::sleep(Duration::from_secs(2));
    let (before, cpu_before) = (resident_kib(child.id()), cpu_ticks(child.id()));
    std::thread::sleep(Duration::from_secs(2));
    let (after, cpu_after) = (resident_kib(child.id()), cpu_ticks(child.id()));
    assert!(after <= before, "memory grows although nobody reads: {before} KiB, then {after} KiB");
    assert!(after < MAX_RSS_KIB, "{after} KiB");
    assert!(cpu_after - cpu_before <= 2, "the client spins while nobody reads");
    let (count, _) = read_all(stdout);
    assert_eq!(count + 4096, 300_000_000, "nothing was lost");
    assert!(child.wait().expect("it was started").success());
}

/// User and system time of a process, in clock ticks.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process lives");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name ends in )").split_whitespace().collect();
    fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number")
}
