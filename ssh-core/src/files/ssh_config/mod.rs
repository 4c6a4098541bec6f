//! `ssh_config`: OpenSSH's client configuration (ssh_config(5)), resolved for a host without opening a file.
//!
//! ```text
//!  Request ──► Resolver ──► Step::Read, Run, LookUp, LocalAddresses ──► who reads files, runs commands, asks DNS
//!  (host, -o,      ▲                                                                │
//!   local facts)   └───────────────────────── answers ◄────────────────────────────┘
//!                  └──► Step::Done(Resolved): every setting with its value and where it was said
//! ```
//!
//! ```
//! use ssh_core::files::ssh_config::{ConfigFile, Request, Resolver, Step};
//!
//! let mut resolver = Resolver::new(Request { host: "web".into(), ..Request::default() })?;
//! let resolved = loop {
//!     match resolver.step()? {
//!         Step::Read(read) if read.pattern == "~/.ssh/config" => {
//!             let text = b"Host web\n  HostName web.example.com\n  Port 2222\n".to_vec();
//!             resolver.answer_files(vec![ConfigFile { name: read.pattern, text }]);
//!         }
//!         Step::Read(_) => resolver.answer_files(Vec::new()),
//!         Step::Run { .. } => resolver.answer_run(false),
//!         Step::LookUp { .. } => resolver.answer_look_up(None),
//!         Step::LocalAddresses => resolver.answer_addresses(Vec::new()),
//!         Step::Done(resolved) => break resolved,
//!     }
//! };
//! assert_eq!((resolved.host_name.as_str(), resolved.connection.port.value.0), ("web.example.com", 2222));
//! # Ok::<(), ssh_core::files::ssh_config::ConfigError>(())
//! ```
//!
//! The grammar and the meaning of every keyword are those of OpenSSH 10. What else is read: the keywords only
//! Net::SSH::Perl has, those of SSH-1, `Algorithms`, a preset's name, and `CompressionAlgorithms`; they are in [`Older`].
//!
//! # Differences from OpenSSH
//!
//! - Defaults are upstream's: Debian's `ForwardX11Trusted yes` and `ServerAliveInterval 300` in batch mode are not here.
//! - Names of algorithms are checked when a list is applied or printed, not when a line is read, so that a file may name
//!   what only another program knows.
//! - `StreamLocalBindMask` and `SyslogFacility` in a block that does not apply have no effect; in OpenSSH they do.
//! - Lists of ciphers, MACs and key exchange methods take wildcards behind `+` and `^`, too. An empty name is no algorithm.
//! - The keywords of Net::SSH::Perl and SSH-1, which OpenSSH passes over, are read, and their values must make sense.
//! - `ProxyJump` needs a host's name; in OpenSSH it may be `[]`. Variables in forwardings are replaced once `\` has been.
//! - `LogVerbose` takes all its arguments; OpenSSH drops all but the first.
//! - Of several `ForwardAgent` the first counts; in OpenSSH a path counts that is said after yes.
//! - The first mistake ends the reading; OpenSSH collects them.
//! - A line may have 16 KiB and a configuration 1024 files; text must be UTF-8 outside comments.
//! - Names of services are no ports, apart from `ssh`.
//! - Addresses are read in their usual forms alone, and not rewritten to their shortest.
//! - Homes of other users (`~name`) are not known.

mod canonical;
mod choices;
mod commands;
mod criteria;
mod destinations;
mod environment;
mod frames;
mod groups;
mod intervals;
mod known_hosts_command;
mod line;
mod matching;
mod numbers;
mod print;
mod resolved;
mod resolver;
mod setting;
mod text;
mod tokens;

pub use choices::{
    AddressFamily, CanonicalizeHostname, Compression, ControlMaster, Facility, FingerprintFormat, LogLevel,
    PubkeyAuthentication, RequestTty, SessionType, StrictChecking, TcpKeepAlive, Tunnel, UpdateHostKeys,
    VerifyHostKeyDns,
};
pub use commands::{Command, Line, Proxy};
pub use destinations::{Address, Dynamic, Forward, JumpHost, JumpHosts, PermitRemoteOpen, Remote};
pub use environment::{SendEnv, SetEnv};
pub use groups::{AlgorithmLists, Connection, Forwarding, HostKeys, Identities, Login, Older, Session};
pub use intervals::{
    AddKeysToAgent, ChannelTimeouts, ControlPersist, ObscureKeystrokes, RekeyLimit, Seconds, WarnWeakCrypto,
};
pub use known_hosts_command::{HostLookup, LookupPurpose};
pub use line::parse_option;
pub use numbers::{BindMask, Count, EscapeChar, Flag, IpQos, Level, Port, RsaSize, TunnelDevice, Units};
pub use print::{AlgorithmNames, NameList};
pub use resolved::{Resolved, Warning, WarningKind};
pub use resolver::{ConfigFile, Files, LocalFacts, Lookup, Read, Request, Resolver, Step};
pub use setting::{ConfigError, List, Origin, Setting};
pub use text::{AgentSocket, AlgorithmList, CnameRule, CnameRules, Domains, ForwardAgent, Paths, Text, Word, Words};
pub use tokens::TokenError;

/// Longest line.
pub const MAX_LINE: usize = 16 * 1024;

/// How deep `Include` may nest.
pub const MAX_DEPTH: usize = 16;

/// Files of one configuration.
pub const MAX_FILES: usize = 1024;
