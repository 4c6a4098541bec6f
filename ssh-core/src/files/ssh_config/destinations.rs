//! Hosts, ports and sockets: forwardings and jumps.

use alloc::{format, string::String, string::ToString as _, vec, vec::Vec};

use super::line::Arguments;
use super::numbers::port;
use super::setting::{Fault, Value, unexpected};
use super::text::is_domain;

/// An end of a forwarding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix-domain socket.
    Path(String),
    /// A port; without a host, the usual one.
    Tcp {
        /// Where; `*` or empty: everywhere.
        host: Option<String>,
        /// The port.
        port: u16,
    },
}

impl Address {
    fn show(&self) -> String {
        match self {
            Self::Path(path) => path.clone(),
            Self::Tcp { host: None, port } => port.to_string(),
            Self::Tcp { host: Some(host), port } => format!("[{host}]:{port}"),
        }
    }
}

/// `LocalForward`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Where connections are accepted.
    pub listen: Address,
    /// Where they lead.
    pub connect: Address,
}

/// `RemoteForward`; without `connect`: a SOCKS proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where the server accepts connections.
    pub listen: Address,
    /// Where they lead.
    pub connect: Option<Address>,
}

/// `DynamicForward`: where SOCKS is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dynamic(pub Address);

const FORWARD: &str = "[ADDRESS:]PORT HOST:PORT, where either may be the path of a socket";

impl Value for Forward {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let text = format!("{}:{}", arguments.required()?, arguments.required()?);
        let fields = fields(&text).unwrap_or_default();
        let parsed = listen_and_connect(&fields).filter(|(listen, _)| is_open(listen, 1));
        let (listen, connect) = parsed.ok_or_else(|| unexpected(&text, FORWARD))?;
        Ok(Self { listen, connect })
    }

    fn show(&self) -> Vec<String> {
        vec![format!("{} {}", self.listen.show(), self.connect.show())]
    }
}

impl Value for Remote {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let (first, second) = (arguments.required()?, arguments.next());
        let text = second.as_ref().map_or_else(|| first.clone(), |second| format!("{first}:{second}"));
        let fields = fields(&text).unwrap_or_default();
        let both = listen_and_connect(&fields).map(|(listen, connect)| (listen, Some(connect)));
        let parsed = if second.is_some() { both } else { listen_only(&fields).map(|listen| (listen, None)).or(both) };
        let (listen, connect) = parsed.ok_or_else(|| unexpected(&text, FORWARD))?;
        Ok(Self { listen, connect })
    }

    fn show(&self) -> Vec<String> {
        let connect = self.connect.as_ref().map_or_else(|| "[socks]:0".into(), Address::show);
        vec![format!("{} {connect}", self.listen.show())]
    }
}

impl Value for Dynamic {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let text = arguments.required()?;
        let listen = fields(&text).and_then(|fields| listen_only(&fields));
        let listen = listen.filter(|listen| is_open(listen, 1));
        listen.map(Self).ok_or_else(|| unexpected(&text, "[ADDRESS:]PORT, or the path of a socket"))
    }

    fn show(&self) -> Vec<String> {
        vec![self.0.show()]
    }
}

fn is_open(address: &Address, least: u16) -> bool {
    !matches!(address, Address::Tcp { port, .. } if *port < least)
}

/// A field between colons, and whether it is a path.
struct Part {
    text: String,
    is_path: bool,
}

/// What is between colons, of which one may be the last character; brackets hold colons together, and `\` takes the next
/// character as it is.
fn fields(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = field(rest)?;
        parts.push(part);
        match after.filter(|after| !after.is_empty()) {
            Some(after) => rest = after,
            None => return Some(parts),
        }
    }
}

fn field(text: &str) -> Option<(Part, Option<&str>)> {
    if let Some(inside) = text.strip_prefix('[') {
        let (host, after) = inside.split_once(']')?;
        let is_path = host.contains('/');
        let part = Part { text: host.into(), is_path };
        return match after.strip_prefix(':') {
            Some(rest) => Some((part, Some(rest))),
            None if after.is_empty() => Some((part, None)),
            None => None,
        };
    }
    let mut part = Part { text: String::new(), is_path: false };
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' => return Some((part, Some(chars.as_str()))),
            '\\' => part.text.push(chars.next()?),
            c => {
                part.is_path |= c == '/';
                part.text.push(c);
            }
        }
    }
    Some((part, None))
}

fn tcp(host: Option<&Part>, number: &Part) -> Option<Address> {
    Some(Address::Tcp { host: host.map(|host| host.text.clone()), port: port(&number.text)? })
}

fn path(part: &Part) -> Option<Address> {
    part.is_path.then(|| Address::Path(part.text.clone()))
}

fn listen_only(fields: &[Part]) -> Option<Address> {
    match fields {
        [one] => path(one).or_else(|| tcp(None, one)),
        [host, number] => tcp(Some(host), number),
        _ => None,
    }
}

fn listen_and_connect(fields: &[Part]) -> Option<(Address, Address)> {
    let connect = |host: &Part, number: &Part| {
        let to = tcp(Some(host), number)?;
        is_open(&to, 1).then_some(to)
    };
    match fields {
        [listen, to] => Some((path(listen).or_else(|| tcp(None, listen))?, path(to)?)),
        [first, second, third] => match (path(first), path(third)) {
            (Some(listen), _) => Some((listen, connect(second, third)?)),
            (None, Some(to)) => Some((tcp(Some(first), second)?, to)),
            (None, None) => Some((tcp(None, first)?, connect(second, third)?)),
        },
        [host, number, to, to_number] => Some((tcp(Some(host), number)?, connect(to, to_number)?)),
        _ => None,
    }
}

/// `PermitRemoteOpen`: where a SOCKS proxy at the server may lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PermitRemoteOpen {
    /// Everywhere.
    Any,
    /// Nowhere.
    None,
    /// To `HOST:PORT`; either may be `*`.
    Only(Vec<String>),
}

impl Value for PermitRemoteOpen {
    fn parse(arguments: &mut Arguments) -> Result<Self, Fault> {
        let words = arguments.some()?;
        if let [word] = words.as_slice() {
            match word.as_str() {
                "any" => return Ok(Self::Any),
                "none" => return Ok(Self::None),
                _ => {}
            }
        }
        for word in &words {
            let number = host_and_rest(word).and_then(|(_, rest)| rest);
            if !number.is_some_and(|number| number == "*" || port(number).is_some_and(|number| number > 0)) {
                return Err(unexpected(word, "HOST:PORT, or any or none by itself"));
            }
        }
        Ok(Self::Only(words))
    }

    fn show(&self) -> Vec<String> {
        vec![match self {
            Self::Any => "any".into(),
            Self::None => "none".into(),
            Self::Only(words) => words.join(" "),
        }]
    }
}

/// A host to go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JumpHost {
    /// Who logs in there; `None`: whoever its own configuration says.
    pub user: Option<String>,
    /// Its name, which may be another alias.
    pub host: String,
    /// Its port; `None`: what its own configuration says.
    pub port: Option<u16>,
}

/// `ProxyJump`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JumpHosts {
    /// In the order they are visited.
    pub hosts: Vec<JumpHost>,
    /// As it was written.
    written: String,
}

impl JumpHosts {
    /// Reads `[user@]host[:port]` or `ssh://` addresses with commas between them.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let wrong = || unexpected(text, "[USER@]HOST[:PORT], or several with commas");
        let text = text.split_once('#').map_or(text, |(text, _comment)| text).trim_end_matches([' ', '\t']);
        let hosts = text.split(',').map(jump_host).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
        Ok(Self { hosts, written: text.into() })
    }

    /// What `%j` stands for: the last of them.
    pub(super) fn token(&self) -> &str {
        self.hosts.last().map_or("", |last| &last.host)
    }

    /// As `ssh -G` prints them: the last one put together anew, those before it as they were written.
    pub(super) fn text(&self) -> String {
        let Some(last) = self.hosts.last() else { return String::new() };
        let user = last.user.as_ref().map_or_else(String::new, |user| format!("{user}@"));
        let is_number = last.host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let is_held = is_number || last.host.contains(':');
        let host = if is_held { format!("[{}]", last.host) } else { last.host.clone() };
        let port = last.port.map_or_else(String::new, |port| format!(":{port}"));
        let before = self.written.rsplit_once(',').map_or_else(String::new, |(before, _)| format!("{before},"));
        format!("{before}{user}{host}{port}")
    }
}

/// A host, which brackets may hold together, and what follows its colon.
fn host_and_rest(text: &str) -> Option<(&str, Option<&str>)> {
    let (host, after) = match text.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => text.split_at_checked(text.find([':', '/']).unwrap_or(text.len()))?,
    };
    match after.strip_prefix(':') {
        Some(rest) => Some((host, Some(rest))),
        None => after.is_empty().then_some((host, None)),
    }
}

/// `[USER@]HOST[:[PORT]]`, or an address that begins with `ssh://`.
fn jump_host(text: &str) -> Option<JumpHost> {
    if let Some(uri) = text.strip_prefix("ssh://") {
        return jump_uri(uri);
    }
    let (user, rest) = text.rsplit_once('@').map_or((None, text), |(user, rest)| (Some(user), rest));
    jump(user.map(String::from), rest)
}

/// What follows `ssh://`: a domain and no other kind of name, and parameters behind the user, which mean nothing here.
fn jump_uri(uri: &str) -> Option<JumpHost> {
    let (user, rest) = uri.split_once('@').map_or((None, uri), |(user, rest)| (Some(user), rest));
    let user = match user {
        Some(user) => Some(decoded(user.split_once(';').map_or(user, |(user, _)| user))?),
        None => None,
    };
    let rest = rest.strip_suffix('/').map_or(Some(rest), |rest| (!rest.ends_with(':')).then_some(rest))?;
    let mut jump = jump(user, rest)?;
    if !is_domain(&jump.host) {
        return None;
    }
    if jump.host.ends_with('.') {
        jump.host.pop();
    }
    Some(jump)
}

/// `HOST[:[PORT]]`, as this user.
fn jump(user: Option<String>, rest: &str) -> Option<JumpHost> {
    let (host, number) = host_and_rest(rest)?;
    let number = match number {
        None | Some("") => None,
        Some(number) => Some(port(number).filter(|&number| number > 0)?),
    };
    let is_named = !host.is_empty() && user.as_ref().is_none_or(|user| !user.is_empty());
    is_named.then(|| JumpHost { user, host: host.into(), port: number })
}

/// `%` and two digits are a byte (RFC 3986 §2.1), and `+` is a blank.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    loop {
        rest = match rest {
            [] => return String::from_utf8(bytes).ok(),
            [b'%', high, low, after @ ..] => {
                bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                after
            }
            [b'%', ..] => return None,
            [byte, after @ ..] => {
                bytes.push(if *byte == b'+' { b' ' } else { *byte });
                after
            }
        };
    }
}
