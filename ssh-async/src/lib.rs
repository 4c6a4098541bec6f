//! Asynchronous SSH, for tokio, smol, and any other runtime.
//!
//! ```no_run
//! use ssh_async::{Session, Tokio};
//!
//! # async fn example() -> ssh_async::Result<()> {
//! let session = Session::connect(Tokio, "host.example.com").await?;
//! session.login("alice", "correct horse battery staple").await?;
//! let output = session.command("uname -a").output().await?;
//! print!("{}", String::from_utf8_lossy(&output.stdout));
//! # Ok(())
//! # }
//! ```
//!
//! Below that there are [`Channel`]s, whose streams have `AsyncRead` and `AsyncWrite` of `futures-io` and, with the
//! feature `tokio`, of tokio; [`Connector`] with everything that can be decided before connecting; and for servers
//! [`Listener`] and [`Handler`].
//!
//! # Runtimes
//!
//! `Tokio` and `Smol` come with the features `tokio` and `smol`; [`Runtime`] is what another has to offer. None is
//! needed: [`Connector::start`] gives a [`Driver`], a future that moves the bytes, and takes any stream and timer.
//!
//! # Dropping futures
//!
//! Every method says what dropping its future does. Nothing that a dropped future did not return is lost to those who
//! come after it, no channel is left behind, and nobody else on the connection notices.
//!
//! # What is here and what is not
//!
//! This crate moves bytes and asks people. Protocol, policy and parsing are in [`ssh_core`], which it re-exports; errors,
//! and what touches files, are those of the blocking adapter, run off the executor.
#![forbid(unsafe_code)]

mod channel;
#[cfg(unix)]
pub mod config;
#[cfg(unix)]
mod configured;
mod driver;
mod guest;
mod host_keys;
mod learner;
mod listener;
mod login;
mod runtime;
mod server;
mod session;
mod shared;
#[cfg(feature = "smol")]
mod smol;
mod sync;
#[cfg(feature = "tokio")]
mod tokio;
mod turnstile;

#[cfg(feature = "smol")]
pub use crate::smol::Smol;
#[cfg(feature = "tokio")]
pub use crate::tokio::Tokio;
pub use channel::{Channel, ChannelReader, ChannelStream, ChannelWriter};
#[cfg(unix)]
pub use config::Config;
#[cfg(unix)]
pub use configured::Configured;
pub use driver::Driver;
pub use host_keys::{HostKeyPolicy, OnThread};
pub use listener::{Control, Listener, Metric};
pub use login::Interaction;
pub use runtime::{Adopt, Runtime, Timer};
pub use server::{Connection, Handler, serve_connection};
pub use session::{Command, Connecting, Connector, Session, read_key};
#[cfg(unix)]
pub use ssh_blocking::Terminal;
pub use ssh_blocking::{Error, KnownHostsPolicy, Result};
pub use ssh_core;
pub use ssh_core::adapter::{Exit, Output, SessionError};
pub use ssh_core::files::ssh_config::UpdateHostKeys;
pub use ssh_core::login::{Credentials, LoginError, StrictHostKeyChecking};
