//! The criteria of a `Match` line.

use alloc::{format, string::String, vec::Vec};
use core::net::IpAddr;

use super::line::Arguments;
use super::setting::{Fault, unexpected};

/// What must hold, or with `negated` must not.
#[derive(Debug)]
pub(super) struct Criterion {
    pub(super) negated: bool,
    pub(super) kind: Kind,
}

/// What is looked at, with the list of patterns it must fit.
#[derive(Debug)]
pub(super) enum Kind {
    All,
    Canonical,
    Final,
    Exec(String),
    Host(String),
    OriginalHost(String),
    User(String),
    LocalUser(String),
    Tagged(String),
    Command(String),
    SessionType(String),
    Version(String),
    LocalNetwork(Vec<Network>),
}

/// Addresses with a common beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

/// Reads the criteria of a line.
pub(super) fn parse(arguments: &mut Arguments) -> Result<Vec<Criterion>, Fault> {
    let mut criteria: Vec<Criterion> = Vec::new();
    while let Some(word) = arguments.next() {
        let (negated, name) = word.strip_prefix('!').map_or((false, word.as_str()), |name| (true, name));
        let (name, attached) = match name.split_once('=') {
            Some((name, value)) => (name, Some(String::from(value))),
            None => (name, None),
        };
        let lower = name.to_ascii_lowercase();
        let kind = match lower.as_str() {
            "all" if criteria.len() > 1 || arguments.next().is_some() => {
                return Err("\"all\" stands by itself, or after canonical or final".into());
            }
            "all" | "canonical" | "final" if attached.is_some() => {
                return Err(format!("\"{lower}\" takes no value"));
            }
            "all" => Kind::All,
            "canonical" => Kind::Canonical,
            "final" => Kind::Final,
            _ => with_argument(&lower, attached.or_else(|| arguments.next()))?,
        };
        criteria.push(Criterion { negated, kind });
    }
    if criteria.is_empty() { Err("a criterion is missing".into()) } else { Ok(criteria) }
}

fn with_argument(name: &str, argument: Option<String>) -> Result<Kind, Fault> {
    let make: fn(String) -> Kind = match name {
        "exec" => Kind::Exec,
        "host" => Kind::Host,
        "originalhost" => Kind::OriginalHost,
        "user" => Kind::User,
        "localuser" => Kind::LocalUser,
        "tagged" => Kind::Tagged,
        "command" => Kind::Command,
        "sessiontype" => Kind::SessionType,
        "version" => Kind::Version,
        "localnetwork" => |_| Kind::LocalNetwork(Vec::new()),
        _ => return Err(unexpected(name, "a criterion of Match")),
    };
    let may_be_empty = matches!(name, "tagged" | "command");
    let argument = argument.filter(|argument| may_be_empty || !argument.is_empty());
    let argument = argument.ok_or_else(|| format!("\"{name}\" needs a value"))?;
    if name == "localnetwork" {
        let network =
            |text: &str| Network::parse(text).ok_or_else(|| unexpected(text, "a network, such as 10.0.0.0/8"));
        return argument.split(',').map(network).collect::<Result<_, _>>().map(Kind::LocalNetwork);
    }
    Ok(make(argument))
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let length = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(length), |bits| bits.parse().ok())?;
        let network = Self { address, bits };
        let beyond = Self::value(address).checked_shl(128 - length + bits).unwrap_or(0);
        (bits <= length && beyond == 0).then_some(network)
    }

    /// Whether the address belongs to it.
    pub(super) fn contains(&self, other: IpAddr) -> bool {
        let length = if self.address.is_ipv4() { 32 } else { 128 };
        let differ = Self::value(self.address) ^ Self::value(other);
        let beginning = differ.checked_shr(length - self.bits).unwrap_or(0);
        self.address.is_ipv4() == other.is_ipv4() && beginning == 0
    }

    fn value(address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(address) => u32::from(address).into(),
            IpAddr::V6(address) => address.into(),
        }
    }
}
