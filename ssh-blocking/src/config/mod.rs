//! `ssh_config`: what a host's configuration is.
//!
//! ```no_run
//! use ssh_blocking::Config;
//!
//! # fn main() -> ssh_blocking::Result<()> {
//! let web = Config::load()?.resolve("web")?;
//! println!("{}@{} port {}", web.user, web.host_name, web.connection.port.value.0);
//! # Ok(())
//! # }
//! ```
//!
//! [`ssh_core::files::ssh_config`] knows the grammar and asks; here files are read, commands of `Match exec` run, names
//! looked up and addresses of this machine listed.

mod files;
mod machine;

use std::path::Path;

use ssh_core::files::ssh_config::{Files, Request, Resolved, Resolver, Step};

use crate::error::{Error, Result};

pub(crate) use machine::shell;

/// Which files are read, and what comes before them.
#[derive(Clone, Debug)]
pub struct Config {
    request: Request,
}

impl Config {
    /// The user's `~/.ssh/config` and the system's `/etc/ssh/ssh_config`, for this user on this machine. Nothing is read
    /// yet.
    ///
    /// # Errors
    /// [`Error::Io`] if nobody knows who the user is.
    pub fn load() -> Result<Self> {
        Ok(Self { request: Request { local: machine::local_facts()?, ..Request::default() } })
    }

    /// Only this file, as with `-F`; `none`: no file.
    #[must_use]
    pub fn file(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_string_lossy();
        let is_none = path.eq_ignore_ascii_case("none");
        self.request.files = if is_none { Files::None } else { Files::Only(path.into_owned()) };
        self
    }

    /// An option such as `Port=22`, as with `-o`. It comes before all files.
    #[must_use]
    pub fn option(mut self, text: impl Into<String>) -> Self {
        self.request.options.push(text.into());
        self
    }

    /// A keyword and its one value, which is taken as it is. It comes before all options.
    #[must_use]
    pub fn set(mut self, keyword: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.settings.push((keyword.into(), value.into()));
        self
    }

    /// The command that is to run, for `Match command`.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.request.command = command.into();
        self
    }

    /// The version that `Match version` sees.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.request.local.version = version.into();
        self
    }

    /// A variable of the environment, for `${NAME}`.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.local.environment.insert(0, (name.into(), value.into()));
        self
    }

    /// The same for a host on the way to another: only the files count, and what was said of them.
    pub(crate) fn for_jump(mut self) -> Self {
        self.request.options.clear();
        self.request.settings.clear();
        self.request.command.clear();
        self
    }

    /// What is said about `host`.
    ///
    /// # Errors
    /// [`Error::ConfigFile`] for the first line that cannot be followed, and [`Error::File`] for a file that cannot be
    /// read or that others can write.
    pub fn resolve(&self, host: &str) -> Result<Resolved> {
        let home = self.request.local.home.clone();
        let mut resolver = Resolver::new(Request { host: host.into(), ..self.request.clone() })?;
        loop {
            match resolver.step()? {
                Step::Read(read) => resolver.answer_files(files::read(&read, &home)?),
                Step::Run { command } => resolver.answer_run(machine::run(&command)?),
                Step::LookUp { host } => resolver.answer_look_up(machine::look_up(&host)),
                Step::LocalAddresses => resolver.answer_addresses(machine::addresses()?),
                Step::Done(resolved) => return Ok(*resolved),
            }
        }
    }
}

impl From<ssh_core::files::ssh_config::ConfigError> for Error {
    fn from(error: ssh_core::files::ssh_config::ConfigError) -> Self {
        Self::ConfigFile(error)
    }
}
