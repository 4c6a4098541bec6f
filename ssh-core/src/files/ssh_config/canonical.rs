//! Short names become long ones (ssh_config(5), `CanonicalizeHostname`).

use alloc::{format, string::String, vec::Vec};
use core::net::IpAddr;

use super::choices::CanonicalizeHostname;
use super::groups::Connection;
use super::matching::list_fits;
use super::setting::Fault;

/// A name to look up and what becomes of it.
#[derive(Debug)]
struct Candidate {
    /// As the resolver gets it.
    name: String,
    /// If it exists, this is the host.
    becomes: String,
}

/// The search for the canonical name.
#[derive(Debug)]
pub(super) struct Canonicalization {
    candidates: Vec<Candidate>,
    next: usize,
    /// Only the alias of a name is of interest, and the name must exist.
    only_alias: bool,
    fallback: bool,
}

/// What to do next.
pub(super) enum Next {
    /// Look this up.
    LookUp(String),
    /// This is the host.
    Found(String),
    /// The name stays.
    Unchanged,
}

impl Canonicalization {
    /// `None`: nothing is to be looked up. `direct`: there is no proxy.
    pub(super) fn new(host: &str, connection: &Connection, direct: bool) -> Option<Self> {
        let mode = connection.canonicalize_hostname.value;
        let wanted = match mode {
            CanonicalizeHostname::No => false,
            CanonicalizeHostname::Yes => direct,
            CanonicalizeHostname::Always => true,
        };
        let is_address = host.parse::<IpAddr>().is_ok();
        if !wanted || is_address {
            return None;
        }
        let fallback = connection.canonicalize_fallback_local.value;
        let whole = |name: String| Candidate { becomes: name.trim_end_matches('.').into(), name };
        let dots = host.bytes().filter(|&byte| byte == b'.').count();
        let most = usize::try_from(connection.canonicalize_max_dots.value).unwrap_or(usize::MAX);
        if !host.ends_with('.') && dots > most {
            return Self::for_alias(host, connection);
        }
        let candidates = if host.ends_with('.') {
            alloc::vec![whole(host.into())]
        } else {
            let domains = connection.canonical_domains.value.0.iter();
            domains.map(|domain| whole(format!("{host}.{domain}."))).collect()
        };
        Some(Self { candidates, next: 0, only_alias: false, fallback })
    }

    /// A name that is long enough may still be an alias.
    fn for_alias(host: &str, connection: &Connection) -> Option<Self> {
        if connection.canonicalize_permitted_cnames.value.0.is_empty() {
            return None;
        }
        let candidates = alloc::vec![Candidate { name: host.into(), becomes: host.into() }];
        Some(Self { candidates, next: 0, only_alias: true, fallback: false })
    }

    /// What to do first, or after a name was not found.
    pub(super) fn next(&mut self, host: &str) -> Result<Next, Fault> {
        if let Some(candidate) = self.candidates.get(self.next) {
            return Ok(Next::LookUp(candidate.name.clone()));
        }
        if self.fallback || self.only_alias {
            return Ok(Next::Unchanged);
        }
        Err(format!("the host \"{}\" is in none of the canonical domains", host.escape_debug()))
    }

    /// The name that was asked for does not exist.
    pub(super) fn not_found(&mut self) {
        self.next += 1;
    }

    /// It exists; `alias_of` is its canonical name.
    pub(super) fn found(&mut self, alias_of: Option<&str>, connection: &Connection) -> Next {
        let Some(candidate) = self.candidates.get(self.next) else { return Next::Unchanged };
        let name = candidate.becomes.as_str();
        let target = alias_of.map(|target| target.trim_end_matches('.').to_ascii_lowercase());
        let rules = &connection.canonicalize_permitted_cnames.value.0;
        let permitted =
            |target: &String| rules.iter().any(|rule| list_fits(&rule.from, name) && list_fits(&rule.to, target));
        Next::Found(target.filter(permitted).unwrap_or_else(|| name.into()))
    }
}
