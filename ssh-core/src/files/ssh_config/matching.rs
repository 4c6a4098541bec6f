//! Whether a `Host` or `Match` line applies.

use alloc::string::String;
use core::net::IpAddr;

use super::criteria::{Criterion, Kind};
use super::setting::Fault;
use super::tokens::{Tokens, USUAL, dangerous};
use crate::pattern;

/// What criteria are compared with.
pub(super) struct Facts<'a> {
    pub(super) host: &'a str,
    pub(super) original_host: &'a str,
    pub(super) user: &'a str,
    pub(super) local_user: &'a str,
    pub(super) tag: &'a str,
    pub(super) command: &'a str,
    pub(super) session_type: &'a str,
    pub(super) version: &'a str,
    pub(super) is_final: bool,
    pub(super) tokens: &'a Tokens,
    /// How the commands of this line ended so far.
    pub(super) runs: &'a [bool],
    /// The addresses of this machine, once they are known.
    pub(super) addresses: Option<&'a [IpAddr]>,
}

/// What is known of a line.
pub(super) enum Verdict {
    Known(bool),
    /// It depends on how a command ends.
    Run(String),
    /// It depends on the addresses of this machine.
    Addresses,
}

/// Judges a `Match` line. A command is run only if all before it holds.
pub(super) fn judge(criteria: &[Criterion], facts: &Facts<'_>) -> Result<Verdict, Fault> {
    let names = [("%n", facts.original_host), ("%h", facts.host), ("%k", facts.host), ("%r", facts.user)];
    let mut runs = facts.runs.iter();
    let mut holds = true;
    for criterion in criteria {
        let fits = match &criterion.kind {
            Kind::Exec(written) => {
                let command = facts.tokens.expand(written, USUAL).map_err(|error| alloc::format!("{error}"))?;
                match (holds, runs.next()) {
                    (false, _) => continue,
                    (true, Some(&success)) => success,
                    (true, None) if dangerous(written, &names).is_some() => {
                        return Err("the host or the user has a name that is not given to a command".into());
                    }
                    (true, None) => return Ok(Verdict::Run(command)),
                }
            }
            Kind::LocalNetwork(networks) => match facts.addresses {
                None => return Ok(Verdict::Addresses),
                Some(own) => own.iter().any(|&own| networks.iter().any(|network| network.contains(own))),
            },
            other => fits(other, facts),
        };
        holds &= fits != criterion.negated;
    }
    Ok(Verdict::Known(holds))
}

fn fits(kind: &Kind, facts: &Facts<'_>) -> bool {
    match kind {
        Kind::All => true,
        Kind::Canonical | Kind::Final => facts.is_final,
        Kind::Host(list) => host_fits(list, facts.host),
        Kind::OriginalHost(list) => host_fits(list, facts.original_host),
        Kind::User(list) => list_fits(list, facts.user),
        Kind::LocalUser(list) => list_fits(list, facts.local_user),
        Kind::Tagged(list) => list_fits(list, facts.tag),
        Kind::Command(list) => list_fits(list, facts.command),
        Kind::SessionType(list) => list_fits(list, facts.session_type),
        Kind::Version(list) => list_fits(list, facts.version),
        Kind::Exec(_) | Kind::LocalNetwork(_) => false,
    }
}

fn host_fits(list: &str, host: &str) -> bool {
    list_fits(&list.to_ascii_lowercase(), &host.to_ascii_lowercase())
}

/// Whether a list with commas covers a text. The empty text is covered by the empty list, which covers nothing else.
pub(super) fn list_fits(list: &str, text: &str) -> bool {
    if list.is_empty() || text.is_empty() {
        return list.is_empty() && text.is_empty();
    }
    pattern::list_matches(list.split(',').map(str::as_bytes), text.as_bytes())
}
