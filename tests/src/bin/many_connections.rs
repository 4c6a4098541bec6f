//! How many connections one server process holds, what each costs, and whether those who are in notice a crowd.
//!
//! ```text
//! cargo run --release -p ssh-interop-tests --bin many_connections -- [CONNECTIONS [LOGINS]]
//! ```
//!
//! Starts a server of ours in a process of its own, lets CONNECTIONS (10,000) clients log in and be idle, measures what
//! the server holds for each, then measures an echo on one of them, alone and while LOGINS (1,000) others log in, and
//! shuts the server down. Figures are printed; the program fails if a connection is lost, an echo is wrong, or a
//! connection costs more than the bound.
#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use futures_util::stream::{self, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use ssh_async::ssh_core::admission::AdmissionPolicy;
use ssh_async::ssh_core::key::{KeyAlgorithm, PrivateKey, PublicKey, PublicKeyLine};
use ssh_async::ssh_core::random::OsRandom;
use ssh_async::ssh_core::{AuthAnswer, AuthRequest, CloseReason, Credential, Identity, ServerRole};
use ssh_async::{Channel, Connection, Connector, Handler, Listener, Session, Tokio};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Most that an idle connection may cost, in KiB of resident memory.
const MAX_KIB: f64 = 24.0;

/// Logins going on at once.
const AT_ONCE: usize = 64;

fn main() -> ExitCode {
    allow_many_descriptors();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise| arguments.get(at).map_or(Ok(otherwise), |text| text.parse::<usize>());
    let result = match (arguments.first().map(String::as_str), number(0, 10_000), number(1, 1_000)) {
        (Some("server"), ..) => serve(),
        (_, Ok(connections), Ok(logins)) => measure(connections.max(1), logins),
        _ => Err("usage: many_connections [CONNECTIONS [LOGINS]]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("many_connections: {error}");
            ExitCode::FAILURE
        }
    }
}

/// As many as the system lets us have. Fewer than connections are wanted show as connections that fail.
fn allow_many_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Lets everybody in who knows the password, and echoes.
struct Echo;

impl Handler for Echo {
    async fn authenticate(&self, _: &Connection, request: &AuthRequest) -> AuthAnswer {
        match &request.credential {
            Credential::Password(password) if password.constant_time_eq(b"secret") => AuthAnswer::Accept,
            _ => AuthAnswer::Reject,
        }
    }

    async fn session(&self, _: &Connection, _: Arc<Identity>, channel: Channel<ServerRole>) {
        if let Ok(Some(request)) = channel.next_request().await {
            if let Some(token) = request.reply {
                channel.reply(token, true);
            }
            let mut stream = channel.into_stream();
            let mut buffer = [0; 1024];
            while let Ok(n @ 1..) = AsyncReadExt::read(&mut stream, &mut buffer).await {
                if stream.write_all(&buffer[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// The server: says where it listens and its key; then answers lines on standard input.
fn serve() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut OsRandom)?;
        let public = key.public_key().clone();
        let mut policy = AdmissionPolicy::default();
        // The crowd comes from one address, all at once.
        policy.startups.start = 20_000;
        policy.startups.full = 20_000;
        let listener = Listener::bind(Tokio, "127.0.0.1:0".parse()?, vec![key]).await?.admission(policy);
        let (address, control) = (listener.local_addr()?, listener.control());
        println!("{} {public}", address.port());
        let orders = std::thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                match line.as_str() {
                    "count" => println!("{}", control.counters().open),
                    _ => break,
                }
            }
            control.shut_down(Duration::from_secs(60));
            control
        });
        listener.serve(Echo).await;
        let control = orders.join().map_err(|_| "the thread for orders failed")?;
        println!("{}", control.counters().open);
        Ok(())
    })
}

/// The server's process.
struct Server {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    port: u16,
    key: PublicKey,
}

impl Server {
    fn start() -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.arg("server").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = process.stdin.take().ok_or("a pipe was asked for")?;
        let mut answers = BufReader::new(process.stdout.take().ok_or("a pipe was asked for")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let (port, key) = line.trim_end().split_once(' ').ok_or("the server did not start")?;
        let (port, key) = (port.parse()?, PublicKeyLine::parse(key.as_bytes())?.key);
        Ok(Self { process, orders, answers, port, key })
    }

    fn order(&mut self, order: &str) -> Result<usize, Failure> {
        writeln!(self.orders, "{order}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim_end().parse()?)
    }

    fn resident_kib(&self) -> Result<f64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    fn login(&self) -> impl Future<Output = ssh_async::Result<Session>> + Send + use<> {
        let (port, key) = (self.port, self.key.clone());
        async move {
            let session = Connector::new().host_keys(key).connect(Tokio, "127.0.0.1", port).await?;
            session.login("user", "secret").await?;
            Ok(session)
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn measure(connections: usize, logins: usize) -> Result<(), Failure> {
    let mut server = Server::start()?;
    // The crowd computes as much as the server does. On a machine of its own it would not be in the way.
    let mut crowd = tokio::runtime::Builder::new_multi_thread();
    crowd.worker_threads(1).enable_all().on_thread_start(|| {
        // Without it the figures are worse, that is all.
        let _ = rustix::process::nice(19);
    });
    let runtime = crowd.build()?;

    // The server's own needs: its threads, its tables.
    let warm = runtime.block_on(log_in(&server, 20))?;
    let (held, before) = (warm.len(), server.resident_kib()?);
    let started = Instant::now();
    let mut sessions = runtime.block_on(log_in(&server, connections - held.min(connections)))?;
    sessions.extend(warm);
    let took = started.elapsed().as_secs_f64();
    println!("{} connections logged in, {:.0} a second", sessions.len(), sessions.len() as f64 / took);

    // Buffers of the login are given back after five seconds.
    std::thread::sleep(Duration::from_secs(7));
    let open = server.order("count")?;
    let kib = (server.resident_kib()? - before) / (sessions.len() - held).max(1) as f64;
    println!("{open} open, {kib:.1} KiB each (of {:.0} MiB resident)", server.resident_kib()? / 1024.0);
    if open != sessions.len() {
        return Err(format!("{} connections were lost", sessions.len() - open).into());
    }

    let calm = Prober::start(&server)?.run_for(Duration::from_secs(3))?;
    println!("echo, nobody else busy:      {calm}");
    let prober = Prober::start(&server)?;
    let started = Instant::now();
    let crowd = runtime.block_on(log_in(&server, logins))?;
    let took = started.elapsed().as_secs_f64();
    let busy = prober.stop()?;
    println!("echo, {} others logging in: {busy} ({:.0} logins a second)", crowd.len(), crowd.len() as f64 / took);

    let ends: Vec<Session> = sessions.into_iter().chain(crowd).collect();
    let started = Instant::now();
    let left = server.order("stop")?;
    let told = runtime.block_on(async {
        let closed = stream::iter(ends).map(|session| async move { session.closed().await });
        closed
            .buffer_unordered(usize::MAX)
            .filter(|reason| std::future::ready(*reason == CloseReason::Peer))
            .count()
            .await
    });
    println!(
        "shut down in {:.2} s: {told} clients were told, {left} connections left",
        started.elapsed().as_secs_f64()
    );
    if left != 0 || !server.process.wait()?.success() {
        return Err("the server did not shut down cleanly".into());
    }
    // Once the bound says no, all the figures are there to look at.
    if connections >= 1000 && kib > MAX_KIB {
        return Err(format!("a connection costs {kib:.1} KiB; {MAX_KIB} are allowed").into());
    }
    Ok(())
}

async fn log_in(server: &Server, count: usize) -> Result<Vec<Session>, Failure> {
    let logins = stream::iter(0..count).map(|_| tokio::spawn(server.login()));
    let mut sessions = Vec::with_capacity(count);
    let mut logins = logins.buffer_unordered(AT_ONCE);
    while let Some(session) = logins.next().await {
        sessions.push(session??);
    }
    Ok(sessions)
}

/// Measures an echo again and again, on a thread of its own.
struct Prober {
    thread: std::thread::JoinHandle<Result<Vec<u32>, Failure>>,
    stop: Arc<AtomicBool>,
}

/// Round trips in microseconds.
struct Trips(Vec<u32>);

impl std::fmt::Display for Trips {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = |part: f64| sorted.get((sorted.len() as f64 * part) as usize).copied().unwrap_or(0);
        let (median, p99, most) = (at(0.5), at(0.99), sorted.last().copied().unwrap_or(0));
        write!(f, "p50 {median} us, p99 {p99} us, most {most} us, {} trips", sorted.len())
    }
}

impl Prober {
    fn start(server: &Server) -> Result<Self, Failure> {
        let (login, stop) = (server.login(), Arc::new(AtomicBool::new(false)));
        let (stopping, trips) = (Arc::clone(&stop), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&trips);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut stream = login.await?.exec("echo").await?.into_stream();
                let mut trips = Vec::new();
                while !stopping.load(Ordering::Relaxed) {
                    let started = Instant::now();
                    let said = [counted.load(Ordering::Relaxed).to_le_bytes()[0]];
                    stream.write_all(&said).await?;
                    let mut heard = [0];
                    stream.read_exact(&mut heard).await?;
                    if said != heard {
                        return Err("an echo is wrong".into());
                    }
                    trips.push(u32::try_from(started.elapsed().as_micros())?);
                    counted.fetch_add(1, Ordering::Relaxed);
                    // As fast as somebody types, or so.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Ok(trips)
            })
        });
        while trips.load(Ordering::Relaxed) == 0 && !thread.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(Self { thread, stop })
    }

    fn run_for(self, duration: Duration) -> Result<Trips, Failure> {
        std::thread::sleep(duration);
        self.stop()
    }

    fn stop(self) -> Result<Trips, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        Ok(Trips(self.thread.join().map_err(|_| "the prober failed")??))
    }
}
