//! A server like `sshd`, over `ssh_async`, for demonstrations and tests.
//!
//! It is the program `sshd` of `ssh-blocking`'s examples, whose options and messages it has; the modules that move no
//! bytes are the same files. `--runtime tokio|tokio-threads|smol`, as the first option, says what it runs under. Besides,
//! it knows `MaxStartups` and `PerSourcePenalties`, which are on as with OpenSSH.
//!
//! ```text
//! ssh-keygen -t ed25519 -N "" -f host_key
//! cargo run --release --example sshd_async -- --runtime tokio-threads -p 2222 -h host_key
//! ```

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../ssh-blocking/examples/sshd/shared/mod.rs"]
mod shared;

mod child;
mod client;
mod session;
mod stdio;

use std::process::ExitCode;
use std::sync::Arc;

use ssh_async::ssh_core::key::PrivateKey;
use ssh_async::{Error, Listener, Metric, Runtime, serve_connection};

use client::Clients;
use common::{Flavour, Program};
use shared::options::{self, Request};
use shared::service::Service;
use shared::settings::Settings;
use shared::{log, signals};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::info(error);
            ExitCode::from(255)
        }
    }
}

fn run() -> Result<(), String> {
    signals::stop_ignoring();
    let mut arguments = std::env::args_os().skip(1).peekable();
    let flavour = Flavour::take(&mut arguments)?;
    let arguments: Vec<String> = arguments
        .map(|argument| argument.into_string())
        .collect::<Result<_, _>>()
        .map_err(|argument| format!("the argument {argument:?} is not valid UTF-8"))?;
    match options::parse(arguments.into_iter())? {
        Request::Help => {
            println!("{}", options::USAGE);
            Ok(())
        }
        Request::Listen(settings) => flavour.run(Server::new(settings, false)?)?,
        Request::Inetd(settings) => flavour.run(Server::new(settings, true)?)?,
    }
}

/// The server before it runs.
struct Server {
    service: Arc<Service>,
    keys: Vec<PrivateKey>,
    /// `-i`: one connection, which somebody else has accepted.
    inetd: bool,
}

impl Server {
    fn new(settings: Settings, inetd: bool) -> Result<Self, String> {
        let (service, keys) = Service::new(settings)?;
        Ok(Self { service: Arc::new(service), keys, inetd })
    }

    async fn listen<T: Runtime>(self, runtime: T) -> Result<(), String> {
        let address = self.service.settings.listen_address()?;
        let config = self.service.config(&self.keys);
        let listener = Listener::with_config(runtime.clone(), address, config, self.keys).await;
        let listener = listener.map_err(|error| match error {
            Error::Connect { target, error } => format!("cannot listen on {target}: {error}"),
            other => other.to_string(),
        })?;
        let listener = listener.admission(self.service.settings.admission);
        listener.on_metric(tell);
        let local = listener.local_addr().map_err(|error| format!("cannot listen on {address}: {error}"))?;
        log::info(format_args!("listening on {local}"));
        listener.serve(Clients::new(runtime, self.service, Some(local))).await;
        Ok(())
    }

    async fn serve_stdio<T: Runtime>(self, runtime: T) -> Result<(), String> {
        let stream = stdio::Stdio::new().map_err(|error| format!("standard input and output: {error}"))?;
        let config = Arc::new(self.service.config(&self.keys));
        let timer = runtime.timer();
        let client = Clients::new(runtime, self.service, None);
        let ended = serve_connection(stream, timer, "stdin", config, &self.keys, &client).await;
        ended.map(drop).map_err(|error| error.to_string())
    }
}

impl Program for Server {
    type Output = Result<(), String>;

    async fn run<T: Runtime>(self, runtime: T) -> Self::Output {
        if self.inetd { self.serve_stdio(runtime).await } else { self.listen(runtime).await }
    }
}

/// Lines about who comes and who is turned away.
fn tell(metric: &Metric) {
    match metric {
        Metric::Refused { peer, refusal } => log::info(format_args!("{peer} is turned away: {refusal}")),
        Metric::Admitted { peer } => log::debug(format_args!("{peer}: connected")),
        _ => {}
    }
}
