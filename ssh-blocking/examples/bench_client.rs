//! A benchmark client: one process, one operation, one JSON line.
//!
//! `bench_client --host H --port P --user U --identity KEY [--cipher C] [--kex K] OP`, where OP is one of
//! `--download N`, `--upload N`, `--exec-loop N`, `--echo N`, `--connect-loop N`, `--idle N`.
//! It trusts any host: it is for servers that the measurement started itself.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Instant;

use ssh_blocking::ssh_core::ClientConfig;
use ssh_blocking::ssh_core::crypto::{Algorithms, mac};
use ssh_blocking::ssh_core::files::algorithm_list;
use ssh_blocking::ssh_core::key::{PrivateKey, PublicKey};
use ssh_blocking::{Connector, HostKeyPolicy, Session};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_client: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let target = Target::parse()?;
    let (op, n) = (target.op.as_str(), target.n);
    let start = Instant::now();
    match op {
        "download" => download(&target, n),
        "upload" => upload(&target, n),
        "exec-loop" => exec_loop(&target, n),
        "echo" => echo(&target, n),
        "connect-loop" => {
            for _ in 0..n {
                let session = target.connect()?;
                run_true(&session)?;
                session.disconnect();
            }
            print_line(op, n, start, "");
            Ok(())
        }
        _ => idle(&target, n),
    }
}

/// What the command line says.
struct Target {
    host: String,
    port: u16,
    user: String,
    identity: Vec<u8>,
    algorithms: Algorithms,
    op: String,
    n: u64,
}

impl Target {
    fn parse() -> Result<Self, Failure> {
        let mut target = Self {
            host: "127.0.0.1".into(),
            port: 22,
            user: String::new(),
            identity: Vec::new(),
            algorithms: Algorithms::default(),
            op: String::new(),
            n: 0,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            let known = Algorithms::default();
            match name.as_str() {
                "--host" => target.host = value,
                "--port" => target.port = value.parse()?,
                "--user" => target.user = value,
                "--identity" => target.identity = std::fs::read(&value)?,
                "--cipher" => {
                    target.algorithms.ciphers = algorithm_list::apply(&value, &known.ciphers, &known.ciphers)?;
                    target.algorithms.macs = vec![mac::HMAC_SHA2_256_ETM];
                }
                "--kex" => target.algorithms.kex = algorithm_list::apply(&value, &known.kex, &known.kex)?,
                "--window" => return Err("the window is fixed".into()),
                "--download" | "--upload" | "--exec-loop" | "--echo" | "--connect-loop" | "--idle" => {
                    target.op = name.trim_start_matches('-').into();
                    target.n = value.parse()?;
                }
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        if target.op.is_empty() { Err("no operation given".into()) } else { Ok(target) }
    }

    fn connect(&self) -> Result<Session, Failure> {
        let key = PrivateKey::read(&self.identity, None)?;
        let mut config = ClientConfig::default();
        config.algorithms = self.algorithms.clone();
        let session = Connector::new().config(config).host_keys(AnyHost).connect(&self.host, self.port)?;
        session.login(&self.user, key)?;
        Ok(session)
    }
}

/// Trusts whoever answers.
struct AnyHost;

impl HostKeyPolicy for AnyHost {
    fn check(&mut self, _: &str, _: u16, _: &PublicKey) -> ssh_blocking::Result<()> {
        Ok(())
    }
}

fn download(target: &Target, n: u64) -> Result<(), Failure> {
    let setup = Instant::now();
    let session = target.connect()?;
    let setup_s = setup.elapsed().as_secs_f64();
    let start = Instant::now();
    let channel = session.exec(&format!("head -c {n} /dev/zero"))?;
    let (_, mut stdout, _) = channel.split();
    let mut buffer = vec![0; 128 * 1024];
    let (mut received, mut rss) = (0, 0);
    loop {
        let count = stdout.read(&mut buffer)? as u64;
        if rss == 0 {
            rss = rss_kib();
        }
        if count == 0 {
            break;
        }
        received += count;
    }
    if received != n {
        return Err(format!("{received} bytes came instead of {n}").into());
    }
    print_line("download", n, start, &format!(",\"setup_s\":{setup_s:.6},\"rss_kib\":{rss}"));
    session.disconnect();
    Ok(())
}

fn upload(target: &Target, n: u64) -> Result<(), Failure> {
    let setup = Instant::now();
    let session = target.connect()?;
    let setup_s = setup.elapsed().as_secs_f64();
    let start = Instant::now();
    let channel = session.exec("cat >/dev/null")?;
    let (mut stdin, _, _) = channel.split();
    let zeros = vec![0; 256 * 1024];
    let mut left = n;
    while left > 0 {
        let now = left.min(zeros.len() as u64);
        stdin.write_all(&zeros[..usize::try_from(now)?])?;
        left -= now;
    }
    stdin.send_eof()?;
    let exit = channel.wait()?;
    if !exit.success() {
        return Err(format!("the upload ended with {exit}").into());
    }
    print_line("upload", n, start, &format!(",\"setup_s\":{setup_s:.6}"));
    session.disconnect();
    Ok(())
}

fn exec_loop(target: &Target, n: u64) -> Result<(), Failure> {
    let setup = Instant::now();
    let session = target.connect()?;
    let setup_s = setup.elapsed().as_secs_f64();
    let start = Instant::now();
    for _ in 0..n {
        run_true(&session)?;
    }
    print_line("exec-loop", n, start, &format!(",\"setup_s\":{setup_s:.6}"));
    session.disconnect();
    Ok(())
}

fn run_true(session: &Session) -> Result<(), Failure> {
    let exit = session.exec("true")?.wait()?;
    if exit.success() { Ok(()) } else { Err(format!("true ended with {exit}").into()) }
}

fn echo(target: &Target, n: u64) -> Result<(), Failure> {
    let session = target.connect()?;
    let mut channel = session.exec("cat")?;
    let mut round_trip = || -> Result<f64, Failure> {
        let start = Instant::now();
        channel.write_all(b"x")?;
        channel.read_exact(&mut [0])?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    };
    round_trip()?;
    let start = Instant::now();
    let mut times = (0..n).map(|_| round_trip()).collect::<Result<Vec<_>, _>>()?;
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    print_line("echo", n, start, &format!(",\"p50_us\":{:.1},\"p99_us\":{:.1}", at(0.5), at(0.99)));
    session.disconnect();
    Ok(())
}

fn idle(target: &Target, n: u64) -> Result<(), Failure> {
    let start = Instant::now();
    let first = target.connect()?;
    let rss1 = rss_kib();
    let others = (0..n).map(|_| target.connect()).collect::<Result<Vec<_>, _>>()?;
    let rss = rss_kib();
    let each = (rss.saturating_sub(rss1)) as f64 / n.max(1) as f64;
    print_line("idle", n, start, &format!(",\"rss1_kib\":{rss1},\"rss_kib\":{rss},\"kib_per_conn\":{each:.1}"));
    drop(others);
    first.disconnect();
    Ok(())
}

fn print_line(op: &str, n: u64, start: Instant, more: &str) {
    println!("{{\"op\":\"{op}\",\"n\":{n},\"wall_s\":{:.6}{more}}}", start.elapsed().as_secs_f64());
}

/// Resident memory of this process.
fn rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
