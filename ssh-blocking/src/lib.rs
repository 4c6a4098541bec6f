//! Blocking SSH: connect, log in, run a command.
//!
//! ```no_run
//! use ssh_blocking::Session;
//!
//! # fn main() -> ssh_blocking::Result<()> {
//! let session = Session::connect("host.example.com")?;
//! session.login("alice", "correct horse battery staple")?;
//! let output = session.cmd("uname -a", None)?;
//! print!("{}", String::from_utf8_lossy(&output.stdout));
//! # Ok(())
//! # }
//! ```
//!
//! [`Session::connect`] goes by the user's files, as `ssh` does; so does [`Session::login_as_configured`], with the agent,
//! key files and a person at the terminal. Below that there are [`Channel`]s with `Read` and `Write`, [`Connector`] with everything that can be decided before
//! connecting, and for servers [`Listener`] and [`Handler`].
//!
//! # Threads
//!
//! There is no background thread and no lock held while a thread sleeps in the kernel. Several threads may use channels
//! of one session at the same time: whoever waits drives the connection for all.
//!
//! # What is here and what is not
//!
//! This crate moves bytes, reads files and asks people. Protocol, policy and parsing are in [`ssh_core`], which it
//! re-exports.
#![forbid(unsafe_code)]

mod agent;
mod channel;
#[cfg(unix)]
pub mod config;
#[cfg(unix)]
mod configured;
mod driver;
mod error;
mod guest;
mod host_keys;
mod listener;
mod login;
mod server;
mod session;
mod sync;
pub mod transport;

#[cfg(unix)]
pub use agent::AgentListener;
pub use agent::{Agent, AgentService};
pub use channel::{Channel, ChannelReader, ChannelWriter};
#[cfg(unix)]
pub use config::Config;
#[cfg(unix)]
pub use configured::{AgentAndPerson, Configured, LoginConnection, ProxyProcess, Terminal, Way};
pub use error::{Error, Result};
pub use host_keys::{Ask, HostKeyPolicy, KnownHostsPolicy, replace_known_hosts};
pub use listener::{Listener, Stopper};
pub use login::Interaction;
pub use server::{Connection, Handler, serve_connection};
pub use session::{Connector, Session, Timeouts, read_key};
pub use ssh_core;
pub use ssh_core::adapter::{Exit, Output, SessionError};
pub use ssh_core::files::ssh_config::UpdateHostKeys;
pub use ssh_core::login::{Credentials, LoginError, StrictHostKeyChecking};
