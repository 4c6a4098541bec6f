//! What both programs share: the runtime they run under, and time limits.

use std::ffi::OsString;
use std::future::Future;
use std::iter::Peekable;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, poll_fn, select};
use ssh_async::{Runtime, Smol, Tokio};

/// The runtime that `--runtime NAME`, the first option, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// `tokio`: one thread. The default.
    Tokio,
    /// `tokio-threads`: as many threads as there are processors.
    TokioThreads,
    /// `smol`
    Smol,
}

/// A program that any runtime can run.
pub(crate) trait Program: Send + 'static {
    /// What it returns.
    type Output: Send + 'static;

    /// Runs it.
    fn run<T: Runtime>(self, runtime: T) -> impl Future<Output = Self::Output> + Send;
}

impl Flavour {
    /// Takes the option off the arguments, if it is there.
    pub(crate) fn take(arguments: &mut Peekable<impl Iterator<Item = OsString>>) -> Result<Self, String> {
        if arguments.next_if(|argument| argument == "--runtime").is_none() {
            return Ok(Self::Tokio);
        }
        let name = arguments.next().unwrap_or_default();
        match name.to_str() {
            Some("tokio") => Ok(Self::Tokio),
            Some("tokio-threads") => Ok(Self::TokioThreads),
            Some("smol") => Ok(Self::Smol),
            _ => Err(format!("--runtime {name:?}: it is one of tokio, tokio-threads, smol")),
        }
    }

    /// Runs `program` to its end.
    pub(crate) fn run<P: Program>(self, program: P) -> Result<P::Output, String> {
        let failed = |error: &dyn std::fmt::Display| format!("the runtime failed: {error}");
        match self {
            Self::Tokio => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                Ok(runtime.map_err(|error| failed(&error))?.block_on(program.run(Tokio)))
            }
            Self::TokioThreads => {
                let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
                let runtime = runtime.map_err(|error| failed(&error))?;
                runtime.block_on(runtime.spawn(program.run(Tokio))).map_err(|error| failed(&error))
            }
            Self::Smol => Ok(smol::block_on(program.run(Smol))),
        }
    }
}

/// What `future` says; `None`: not within this time.
pub(crate) async fn within<F: Future>(runtime: &impl Runtime, time: Duration, future: F) -> Option<F::Output> {
    let mut timer = runtime.timer();
    timer.as_mut().reset(Instant::now() + time);
    let elapsed = poll_fn(move |cx| timer.as_mut().poll_elapsed(cx));
    match select(pin!(future), pin!(elapsed)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
