//! The state machine that reads a configuration: it asks, and somebody else opens files and runs commands.

use alloc::{boxed::Box, collections::VecDeque, format, string::String, string::ToString as _, vec::Vec};
use core::net::IpAddr;

use super::canonical::{Canonicalization, Next};
use super::commands::Proxy;
use super::criteria;
use super::frames::Frame;
use super::line::{self, Arguments};
use super::matching::{self, Verdict, judge};
use super::resolved::Resolved;
use super::setting::{ConfigError, Fault, Origin};
use super::tokens::{self, USUAL};
use super::{MAX_DEPTH, MAX_FILES};
use crate::pattern;

/// What is to be resolved, and what is known of this machine.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The host as the user typed it.
    pub host: String,
    /// Options such as `Port=22`, as after `-o`. They come before all files; of several the first counts.
    pub options: Vec<String>,
    /// Keywords with one value that is taken as it is, without quotes. They come before `options`.
    pub settings: Vec<(String, String)>,
    /// What is to run at the server; empty: a shell.
    pub command: String,
    /// Which files are read.
    pub files: Files,
    /// This machine and its user.
    pub local: LocalFacts,
}

/// Which files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Files {
    /// `~/.ssh/config`, then `/etc/ssh/ssh_config`.
    #[default]
    Usual,
    /// This one, which must exist (`-F`).
    Only(String),
    /// None (`-F none`).
    None,
}

/// This machine and its user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalFacts {
    /// The user's name.
    pub user: String,
    /// The user's number.
    pub uid: u32,
    /// The user's home directory.
    pub home: String,
    /// The name of the machine.
    pub host_name: String,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// What `Match version` sees, such as `OpenSSH_10.0`.
    pub version: String,
}

/// A file's name and content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// Its name, for errors.
    pub name: String,
    /// Its content.
    pub text: Vec<u8>,
}

/// Files that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// A path that may hold the wildcards of glob(7), a `~` at the beginning of those of users.
    pub pattern: String,
    /// The pattern is the name of one file.
    pub is_literal: bool,
    /// If it does not exist, that is an error.
    pub must_exist: bool,
    /// A file that others can write must be refused.
    pub check_permissions: bool,
}

/// What a lookup found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// The name that the one looked up is an alias of.
    pub canonical_name: Option<String>,
}

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Read files; in the order of their names if several ([`Resolver::answer_files`]).
    Read(Read),
    /// Run a command with the user's shell ([`Resolver::answer_run`]).
    Run {
        /// The command.
        command: String,
    },
    /// Look up the addresses of a host ([`Resolver::answer_look_up`]).
    LookUp {
        /// Its name.
        host: String,
    },
    /// List the addresses of this machine's interfaces that are up ([`Resolver::answer_addresses`]).
    LocalAddresses,
    /// All is known. The resolver has nothing further to say.
    Done(Box<Resolved>),
}

/// Resolves a configuration. See [the module](super).
#[derive(Debug)]
pub struct Resolver {
    request: Request,
    resolved: Resolved,
    /// The name that `Host` lines see.
    host: String,
    phase: Phase,
    sources: VecDeque<Source>,
    frames: Vec<Frame>,
    files_read: usize,
    /// A line that waits for an answer, and how its commands ended.
    waiting: Option<String>,
    runs: Vec<bool>,
    addresses: Option<Vec<IpAddr>>,
    canonicalization: Option<Canonicalization>,
    wants_final: bool,
    asked: Option<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    First,
    Canonical,
    Final,
}

#[derive(Clone, Debug)]
struct Source {
    read: Read,
    is_user: bool,
}

impl Resolver {
    /// Takes the command line's options.
    ///
    /// # Errors
    /// [`ConfigError`] for an option that cannot be followed.
    pub fn new(request: Request) -> Result<Self, ConfigError> {
        let mut resolver = Self {
            resolved: Resolved::new(&request),
            host: request.host.clone(),
            phase: Phase::First,
            sources: sources(&request.files),
            frames: Vec::new(),
            files_read: 0,
            waiting: None,
            runs: Vec::new(),
            addresses: None,
            canonicalization: None,
            wants_final: false,
            asked: None,
            request,
        };
        for (keyword, value) in resolver.request.settings.clone() {
            let keyword = keyword.to_ascii_lowercase();
            resolver.option(&keyword, &mut Arguments::single(value))?;
        }
        for option in resolver.request.options.clone() {
            let split = line::split(&option).map_err(|(keyword, fault)| on_command_line(&keyword, fault))?;
            if let Some((keyword, mut arguments)) = split {
                resolver.option(&keyword, &mut arguments)?;
            }
        }
        Ok(resolver)
    }

    fn option(&mut self, keyword: &str, arguments: &mut Arguments) -> Result<(), ConfigError> {
        if matches!(keyword, "host" | "match" | "include") {
            return Err(on_command_line(keyword, "it has no place on the command line".into()));
        }
        let taken = self.resolved.take(keyword, arguments, &Origin::CommandLine, true);
        taken.map_err(|fault| on_command_line(keyword, fault))
    }

    /// What to do next. Until a question is answered, the same again.
    ///
    /// # Errors
    /// [`ConfigError`] for the first line that cannot be followed. There is no way on from there.
    pub fn step(&mut self) -> Result<Step, ConfigError> {
        if let Some(asked) = &self.asked {
            return Ok(asked.clone());
        }
        let step = loop {
            match self.phase {
                Phase::First => match self.read()? {
                    Some(step) => break step,
                    None => self.end_first_pass()?,
                },
                Phase::Canonical => match self.canonicalize()? {
                    Some(step) => break step,
                    None => self.begin_final_pass(),
                },
                Phase::Final => match self.read()? {
                    Some(step) => break step,
                    None => break Step::Done(Box::new(self.finish()?)),
                },
            }
        };
        self.asked = Some(step.clone());
        Ok(step)
    }

    /// Answers [`Step::Read`]: the files, in order. None if there are none.
    pub fn answer_files(&mut self, files: Vec<ConfigFile>) {
        if !matches!(self.asked, Some(Step::Read(_))) {
            return;
        }
        self.asked = None;
        match self.frames.last_mut() {
            Some(frame) => frame.files.extend(files),
            None => {
                let is_user = self.sources.pop_front().is_none_or(|source| source.is_user);
                self.files_read = self.files_read.saturating_add(files.len());
                self.frames.extend(files.into_iter().take(1).map(|file| Frame::new(file, true, false, is_user)));
            }
        }
    }

    /// Answers [`Step::Run`]: whether the command's exit status was 0.
    pub fn answer_run(&mut self, success: bool) {
        if matches!(self.asked, Some(Step::Run { .. })) {
            self.asked = None;
            self.runs.push(success);
        }
    }

    /// Answers [`Step::LookUp`]; `None`: there is no such host.
    pub fn answer_look_up(&mut self, found: Option<Lookup>) {
        if !matches!(self.asked, Some(Step::LookUp { .. })) {
            return;
        }
        self.asked = None;
        let Some(canonicalization) = &mut self.canonicalization else { return };
        match found {
            None => canonicalization.not_found(),
            Some(found) => {
                let next = canonicalization.found(found.canonical_name.as_deref(), &self.resolved.connection);
                if let Next::Found(host) = next {
                    self.host = host;
                }
                self.canonicalization = None;
            }
        }
    }

    /// Answers [`Step::LocalAddresses`].
    pub fn answer_addresses(&mut self, addresses: Vec<IpAddr>) {
        if matches!(self.asked, Some(Step::LocalAddresses)) {
            self.asked = None;
            self.addresses = Some(addresses);
        }
    }

    /// Reads on until something is needed; `None`: all is read.
    fn read(&mut self) -> Result<Option<Step>, ConfigError> {
        loop {
            let depth = self.frames.len();
            let Some(frame) = self.frames.last_mut() else {
                return Ok(self.sources.front().map(|source| Step::Read(source.read.clone())));
            };
            if let Some(file) = frame.files.pop_front() {
                let inner = Frame::new(file, frame.active, frame.never || !frame.active, frame.is_user);
                self.enter(inner, depth)?;
                continue;
            }
            if let Some(read) = frame.wanted.pop_front() {
                return Ok(Some(Step::Read(read)));
            }
            let text = match self.waiting.take() {
                Some(text) => text,
                None => match frame.next_line() {
                    None => {
                        self.frames.pop();
                        continue;
                    }
                    Some(line) => line.map_err(|fault| self.error("", fault))?,
                },
            };
            if let Some(step) = self.line(&text)? {
                self.waiting = Some(text);
                return Ok(Some(step));
            }
            self.runs.clear();
        }
    }

    fn enter(&mut self, inner: Frame, depth: usize) -> Result<(), ConfigError> {
        self.files_read = self.files_read.saturating_add(1);
        if depth > MAX_DEPTH {
            return Err(self.error("include", format!("files are nested more than {MAX_DEPTH} deep")));
        }
        if self.files_read > MAX_FILES {
            return Err(self.error("include", format!("there are more than {MAX_FILES} files")));
        }
        self.frames.push(inner);
        Ok(())
    }

    /// Follows a line, unless it needs an answer first.
    fn line(&mut self, text: &str) -> Result<Option<Step>, ConfigError> {
        let split = line::split(text).map_err(|(keyword, fault)| self.error(&keyword, fault))?;
        let Some((keyword, mut arguments)) = split else { return Ok(None) };
        let outcome = match keyword.as_str() {
            "host" => self.host_line(&mut arguments).map(|()| None),
            "match" => self.match_line(&mut arguments),
            "include" => self.include_line(&mut arguments).map(|()| None),
            _ => {
                let active = self.frames.last().is_some_and(|frame| frame.active);
                self.resolved.take(&keyword, &mut arguments, &self.origin(), active).map(|()| None)
            }
        };
        outcome.map_err(|fault| self.error(&keyword, fault))
    }

    fn host_line(&mut self, arguments: &mut Arguments) -> Result<(), Fault> {
        let patterns = arguments.rest();
        if patterns.iter().any(String::is_empty) {
            return Err("a pattern is empty".into());
        }
        let applies = pattern::list_matches(patterns.iter().map(String::as_bytes), self.host.as_bytes());
        if let Some(frame) = self.frames.last_mut() {
            frame.active = applies && !frame.never;
        }
        Ok(())
    }

    fn match_line(&mut self, arguments: &mut Arguments) -> Result<Option<Step>, Fault> {
        let criteria = criteria::parse(arguments)?;
        self.wants_final |= criteria.iter().any(|criterion| matches!(criterion.kind, criteria::Kind::Final));
        let is_final = self.phase == Phase::Final;
        let host = if is_final { self.host.clone() } else { self.resolved.host_name(&self.host)? };
        let tokens = self.resolved.tokens(&self.request, &host);
        let facts = matching::Facts {
            host: &host,
            original_host: &self.request.host,
            user: self.resolved.login.user.value.as_deref().unwrap_or(&self.request.local.user),
            local_user: &self.request.local.user,
            tag: self.resolved.connection.tag.value.as_deref().unwrap_or_default(),
            command: &self.request.command,
            session_type: self.resolved.session_type(&self.request.command),
            version: &self.request.local.version,
            is_final,
            tokens: &tokens,
            runs: &self.runs,
            addresses: self.addresses.as_deref(),
        };
        let applies = match judge(&criteria, &facts)? {
            Verdict::Run(command) => return Ok(Some(Step::Run { command })),
            Verdict::Addresses => return Ok(Some(Step::LocalAddresses)),
            Verdict::Known(applies) => applies,
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.active = applies && !frame.never;
        }
        Ok(None)
    }

    fn include_line(&mut self, arguments: &mut Arguments) -> Result<(), Fault> {
        let is_user = self.frames.last().is_none_or(|frame| frame.is_user);
        let host = if self.phase == Phase::Final { self.host.clone() } else { self.resolved.host_name(&self.host)? };
        let tokens = self.resolved.tokens(&self.request, &host);
        let mut wanted = VecDeque::new();
        for path in arguments.rest() {
            // As OpenSSH does: a path with a variable that is not set is left out.
            let expanded = match tokens::expand_environment(&path, &self.request.local.environment) {
                Err(error) if error.is_unset => {
                    let rest = tokens::without_variables(&path);
                    tokens.expand(&rest, USUAL).map_err(|error| error.to_string())?;
                    continue;
                }
                path => path.and_then(|path| tokens.expand(&path, USUAL)).map_err(|error| error.to_string())?,
            };
            let pattern = match expanded.chars().next() {
                None => return Err("a path is empty".into()),
                Some('~') if is_user => expanded,
                Some('~') => return Err("a file of the system cannot include one of a user".into()),
                Some('/') => expanded,
                Some(_) => format!("{}/{expanded}", if is_user { "~/.ssh" } else { "/etc/ssh" }),
            };
            wanted.push_back(Read { pattern, is_literal: false, must_exist: false, check_permissions: true });
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.wanted = wanted;
        }
        Ok(())
    }

    fn end_first_pass(&mut self) -> Result<(), ConfigError> {
        let host = self.resolved.host_name(&self.host).map_err(|fault| self.about("hostname", fault))?;
        // What has one of these is taken for an address, with a zone perhaps.
        self.host = if host.contains([':', '%']) { host } else { host.to_ascii_lowercase() };
        let direct = self.resolved.proxy.value == Proxy::None;
        self.canonicalization = Canonicalization::new(&self.host, &self.resolved.connection, direct);
        self.phase = Phase::Canonical;
        Ok(())
    }

    fn canonicalize(&mut self) -> Result<Option<Step>, ConfigError> {
        let Some(canonicalization) = &mut self.canonicalization else { return Ok(None) };
        match canonicalization.next(&self.host) {
            Ok(Next::LookUp(host)) => Ok(Some(Step::LookUp { host })),
            Ok(Next::Found(_) | Next::Unchanged) => Ok(None),
            Err(fault) => Err(self.about("canonicalizehostname", fault)),
        }
    }

    fn begin_final_pass(&mut self) {
        self.phase = Phase::Final;
        self.resolved.is_canonical = true;
        self.files_read = 0;
        if self.wants_final || self.resolved.canonicalizes() {
            self.sources = sources(&self.request.files);
        }
    }

    fn finish(&mut self) -> Result<Resolved, ConfigError> {
        let mut resolved = self.resolved.clone();
        resolved.finish(&self.request, &self.host)?;
        Ok(resolved)
    }

    fn origin(&self) -> Origin {
        self.frames
            .last()
            .map_or(Origin::CommandLine, |frame| Origin::File { name: frame.name.clone(), line: frame.line })
    }

    fn error(&self, keyword: &str, message: Fault) -> ConfigError {
        ConfigError { origin: self.origin(), keyword: keyword.into(), message }
    }

    /// An error about a value that was taken before.
    fn about(&self, keyword: &str, message: Fault) -> ConfigError {
        ConfigError { origin: self.resolved.origin_of(keyword), keyword: keyword.into(), message }
    }
}

fn on_command_line(keyword: &str, message: Fault) -> ConfigError {
    ConfigError { origin: Origin::CommandLine, keyword: keyword.into(), message }
}

fn sources(files: &Files) -> VecDeque<Source> {
    let source = |path: &str, is_user: bool, must_exist: bool, check_permissions: bool| Source {
        read: Read { pattern: path.into(), is_literal: true, must_exist, check_permissions },
        is_user,
    };
    match files {
        Files::None => VecDeque::new(),
        Files::Only(path) => [source(path, true, true, false)].into(),
        Files::Usual => {
            [source("~/.ssh/config", true, false, true), source("/etc/ssh/ssh_config", false, false, false)].into()
        }
    }
}
