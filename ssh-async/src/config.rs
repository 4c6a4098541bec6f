//! `ssh_config` without holding up the runtime.

pub use ssh_blocking::Config;
use ssh_core::files::ssh_config::Resolved;

use crate::Result;

/// [`Config::resolve`] on a thread of the `blocking` crate: files are read, and commands may run.
///
/// # Errors
/// As [`Config::resolve`].
pub async fn resolve(config: Config, host: impl Into<String>) -> Result<Resolved> {
    let host = host.into();
    blocking::unblock(move || config.resolve(&host)).await
}
