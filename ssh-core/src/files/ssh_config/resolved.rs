//! What a configuration says about a host.

use alloc::{format, string::String, string::ToString as _, vec::Vec};

use super::choices::{CanonicalizeHostname, LogLevel, RequestTty, SessionType, UpdateHostKeys, VerifyHostKeyDns};
use super::commands::Proxy;
use super::destinations::{Address, JumpHost};
use super::groups::{AlgorithmLists, Connection, Forwarding, Group, HostKeys, Identities, Login, Older, Session};
use super::intervals::ControlPersist;
use super::line::Arguments;
use super::matching::list_fits;
use super::resolver::Request;
use super::setting::{ConfigError, Fault, Field, Origin, Setting, unexpected};
use super::text::{AgentSocket, ForwardAgent};
use super::tokens::{
    Facts, OF_LOCAL_COMMAND, OF_PROXY_COMMAND, OF_USER, TokenError, Tokens, USUAL, dangerous, expand_environment,
    expand_tilde,
};

/// Keywords of old versions, without meaning today.
const DEPRECATED: &[&str] =
    &["fallbacktorsh", "globalknownhostsfile2", "useblacklistedkeys", "userknownhostsfile2", "useroaming", "usersh"];

/// Keywords for what is not built in.
const UNSUPPORTED: &[&str] = &[
    "afstokenpassing",
    "gssapiauthentication",
    "gssapiclientidentity",
    "gssapidelegatecredentials",
    "gssapikexalgorithms",
    "gssapikeyexchange",
    "gssapirenewalforcesrekey",
    "gssapiserveridentity",
    "gssapitrustdns",
    "kerberosauthentication",
    "kerberostgtpassing",
];

/// Keywords that are settled when canonicalization begins.
const OF_CANONICALIZATION: &[&str] = &["canonicalizehostname", "canonicalizemaxdots", "canonicalizefallbacklocal"];

/// Keywords that may be followed by a comment alone, and then have no effect.
const MAY_SAY_NOTHING: &[&str] = &["globalknownhostsfile", "logverbose", "userknownhostsfile"];

/// Whether the name of a user may come from tokens and variables.
fn is_harmless_user(name: &str) -> bool {
    let begins_option = name.starts_with('-') || name.contains(" -") || name.contains("\t-");
    !begins_option && !name.contains(|c: char| c.is_control() || "'`\";&<>|(){}$\\".contains(c))
}

/// A keyword that was read and has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where it is.
    pub origin: Origin,
    /// The keyword in lower case.
    pub keyword: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Why it has none.
    pub kind: WarningKind,
}

/// Why a keyword has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// It means nothing any more.
    Deprecated,
    /// What it is about is not built in.
    Unsupported,
    /// It is not known, and `IgnoreUnknown` covers it.
    Ignored,
}

/// What a configuration says about a host.
///
/// Paths and commands of `identities`, `proxy`, `host_keys.command` and `session.local_command` are as they were written:
/// [`Resolved::identity_files`], [`Resolved::certificate_files`], [`Resolved::proxy_command`],
/// [`Resolved::local_command`], [`Resolved::known_hosts_command`] and [`Resolved::expand`] expand them. All other values are expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// The host as the user typed it.
    pub host: String,
    /// Its real name.
    pub host_name: String,
    /// Who logs in.
    pub user: String,
    /// Reaching the server.
    pub connection: Connection,
    /// What stands between.
    pub proxy: Setting<Proxy>,
    /// What to agree on.
    pub algorithms: AlgorithmLists,
    /// Whom to trust.
    pub host_keys: HostKeys,
    /// Logging in.
    pub login: Login,
    /// Keys to log in with.
    pub identities: Identities,
    /// What runs.
    pub session: Session,
    /// What goes through the connection beside it.
    pub forwarding: Forwarding,
    /// What OpenSSH does not have.
    pub older: Older,
    /// Keywords without effect.
    pub warnings: Vec<Warning>,
    /// `ProxyJump none` was said, and nothing else.
    is_jump_none: bool,
    /// The name is canonical, and how it became so cannot change any more.
    pub(super) is_canonical: bool,
    home: String,
    environment: Vec<(String, String)>,
    pub(super) tokens: Tokens,
}

impl Resolved {
    pub(super) fn new(request: &Request) -> Self {
        Self {
            host: request.host.clone(),
            host_name: String::new(),
            user: String::new(),
            connection: Connection::default(),
            proxy: Setting { value: Proxy::None, origin: Origin::Default },
            algorithms: AlgorithmLists::default(),
            host_keys: HostKeys::default(),
            login: Login::default(),
            identities: Identities::default(),
            session: Session::default(),
            forwarding: Forwarding::default(),
            older: Older::default(),
            warnings: Vec::new(),
            is_jump_none: false,
            is_canonical: false,
            home: request.local.home.clone(),
            environment: request.local.environment.clone(),
            tokens: Tokens::default(),
        }
    }

    /// The usual tokens, `~` and `${NAME}` of a text that is kept as it was written.
    ///
    /// # Errors
    /// [`TokenError`] for a token without meaning or a variable that is not set.
    pub fn expand(&self, text: &str) -> Result<String, TokenError> {
        let text = expand_environment(text, &self.environment)?;
        self.tokens.expand(&expand_tilde(&text, &self.home), USUAL)
    }

    /// `${NAME}` and other tokens than the usual ones.
    pub(super) fn expand_by(&self, tokens: &Tokens, text: &str, allowed: &str) -> Result<String, TokenError> {
        tokens.expand(&expand_environment(text, &self.environment)?, allowed)
    }

    /// The files of keys: those that were named, or the usual ones. None if one of them is `none`.
    ///
    /// # Errors
    /// As [`Resolved::expand`].
    pub fn identity_files(&self) -> Result<Vec<String>, TokenError> {
        let named = &self.identities.files.values;
        if named.is_empty() {
            return super::print::IDENTITY_FILES.iter().map(|file| self.expand(file)).collect();
        }
        self.expand_files(named)
    }

    /// The files of certificates.
    ///
    /// # Errors
    /// As [`Resolved::expand`].
    pub fn certificate_files(&self) -> Result<Vec<String>, TokenError> {
        self.expand_files(&self.identities.certificates.values)
    }

    /// The command of `ProxyCommand`, if there is one, for a shell.
    ///
    /// # Errors
    /// As [`Resolved::expand`], and for a host or a user whose name means something to a shell: a name that comes from
    /// somebody else, such as that of a repository, must not run commands here (CVE-2023-51385).
    pub fn proxy_command(&self) -> Result<Option<String>, TokenError> {
        let Proxy::Command(command) = &self.proxy.value else { return Ok(None) };
        self.refuse_dangerous_names(command)?;
        self.tokens.expand(command, OF_PROXY_COMMAND).map(Some)
    }

    /// The command of `LocalCommand`, for a shell, if there is one and `PermitLocalCommand` permits it.
    ///
    /// # Errors
    /// As [`Resolved::proxy_command`].
    pub fn local_command(&self) -> Result<Option<String>, TokenError> {
        let command = self.session.local_command.value.0.as_ref().filter(|_| self.session.permit_local_command.value);
        let Some(command) = command else { return Ok(None) };
        self.refuse_dangerous_names(command)?;
        // No interface of a tunnel is ever there.
        self.tokens.with([('T', "NONE".into())]).expand(command, OF_LOCAL_COMMAND).map(Some)
    }

    fn refuse_dangerous_names(&self, command: &str) -> Result<(), TokenError> {
        let names = [("%n", self.host.as_str()), ("%h", &self.host_name), ("%r", &self.user)];
        match dangerous(command, &names) {
            Some(name) => Err(TokenError::new(name, "a name like this is not given to a command")),
            None => Ok(()),
        }
    }

    fn expand_files(&self, files: &[Setting<String>]) -> Result<Vec<String>, TokenError> {
        if files.iter().any(|file| file.value.eq_ignore_ascii_case("none")) {
            return Ok(Vec::new());
        }
        files.iter().map(|file| self.expand(&file.value)).collect()
    }

    /// Reads the arguments of a keyword, and keeps them if the line is in force.
    pub(super) fn take(
        &mut self,
        keyword: &str,
        arguments: &mut Arguments,
        origin: &Origin,
        active: bool,
    ) -> Result<(), Fault> {
        if matches!(keyword, "proxycommand" | "proxyjump") {
            return self.take_proxy(keyword, arguments, origin, active);
        }
        if keyword == "refuseconnection" && active {
            return Err(format!("the connection is refused: {}", arguments.required()?.escape_debug()));
        }
        if MAY_SAY_NOTHING.contains(&keyword) && arguments.is_empty() {
            return Ok(());
        }
        let active = active && !(self.is_canonical && OF_CANONICALIZATION.contains(&keyword));
        if let Some(field) = self.field_mut(keyword) {
            field.take(arguments, origin, active)?;
            return arguments.finish();
        }
        let kind = if DEPRECATED.contains(&keyword) {
            WarningKind::Deprecated
        } else if UNSUPPORTED.contains(&keyword) {
            WarningKind::Unsupported
        } else if self
            .connection
            .ignore_unknown
            .value
            .as_ref()
            .is_some_and(|list| list_fits(&list.to_ascii_lowercase(), keyword))
        {
            WarningKind::Ignored
        } else {
            return Err("there is no such keyword".into());
        };
        let (origin, keyword) = (origin.clone(), keyword.into());
        self.warnings.push(Warning { origin, keyword, arguments: arguments.rest(), kind });
        Ok(())
    }

    /// Of `ProxyCommand` and `ProxyJump` the first counts, but `ProxyJump none` leaves room for a command.
    fn take_proxy(
        &mut self,
        keyword: &str,
        arguments: &mut Arguments,
        origin: &Origin,
        active: bool,
    ) -> Result<(), Fault> {
        let value = Proxy::parse(keyword, arguments)?;
        let is_jump = keyword == "proxyjump";
        if active && (!self.proxy.is_set() || self.is_jump_none && !is_jump) {
            self.is_jump_none = is_jump && value == Proxy::None;
            self.proxy = Setting { value, origin: origin.clone() };
        }
        Ok(())
    }

    fn groups_mut(&mut self) -> [&mut dyn Group; 8] {
        [
            &mut self.connection,
            &mut self.algorithms,
            &mut self.host_keys,
            &mut self.login,
            &mut self.identities,
            &mut self.session,
            &mut self.forwarding,
            &mut self.older,
        ]
    }

    fn field_mut(&mut self, keyword: &str) -> Option<&mut dyn Field> {
        self.groups_mut().into_iter().find_map(|group| group.field_mut(keyword))
    }

    pub(super) fn field(&self, keyword: &str) -> Option<&dyn Field> {
        let groups: [&dyn Group; 8] = [
            &self.connection,
            &self.algorithms,
            &self.host_keys,
            &self.login,
            &self.identities,
            &self.session,
            &self.forwarding,
            &self.older,
        ];
        groups.into_iter().find_map(|group| group.field(keyword))
    }

    pub(super) fn origin_of(&self, keyword: &str) -> Origin {
        let shown = self.field(keyword).map(Field::show).unwrap_or_default();
        shown.into_iter().next().map_or(Origin::Default, |(_, origin)| origin)
    }

    /// The real name as far as it is known.
    pub(super) fn host_name(&self, host: &str) -> Result<String, Fault> {
        match &self.connection.host_name.value {
            Some(name) => Tokens::host(host).expand(name, "h").map_err(|error| error.to_string()),
            None => Ok(host.into()),
        }
    }

    pub(super) fn canonicalizes(&self) -> bool {
        self.connection.canonicalize_hostname.value != CanonicalizeHostname::No
    }

    /// What `Match sessiontype` sees.
    pub(super) fn session_type(&self, command: &str) -> &'static str {
        match self.session.kind.value {
            SessionType::None => "none",
            SessionType::Subsystem => "subsystem",
            SessionType::Default if command.is_empty() => "shell",
            SessionType::Default => "exec",
        }
    }

    /// What tokens stand for as far as it is known.
    pub(super) fn tokens(&self, request: &Request, host: &str) -> Tokens {
        let jump = match &self.proxy.value {
            Proxy::Jump(hosts) => hosts.token(),
            Proxy::None | Proxy::Command(_) => "",
        };
        let local = &request.local;
        Tokens::new(&Facts {
            home: &local.home,
            uid: local.uid,
            local_user: &local.user,
            local_host: &local.host_name,
            host,
            original: &request.host,
            key_alias: self.host_keys.alias.value.as_deref().unwrap_or(&request.host),
            jump,
            port: self.connection.port.value.0,
            user: self.login.user.value.as_deref().unwrap_or(&local.user),
        })
    }

    /// Fills in what depends on everything, and expands.
    pub(super) fn finish(&mut self, request: &Request, host: &str) -> Result<(), ConfigError> {
        self.host_name = host.into();
        if self.connection.connection_attempts.value == 0 {
            return Err(self.wrong("connectionattempts", "at least one attempt must be made".into()));
        }
        self.tokens = self.tokens(request, host);
        if let Some(user) = self.login.user.value.clone() {
            let expanded = self.expand_for("user", &user, OF_USER, false)?;
            if expanded != user && !is_harmless_user(&expanded) {
                return Err(self.wrong("user", unexpected(&expanded, "a name without characters that shells know")));
            }
            self.login.user.value = Some(expanded);
            self.tokens = self.tokens(request, host);
        }
        self.user = self.login.user.value.clone().unwrap_or_else(|| request.local.user.clone());
        self.fill_update_host_keys();
        if self.host_keys.update.value == UpdateHostKeys::Ask && !self.can_ask_later(request) {
            self.host_keys.update.value = UpdateHostKeys::No;
        }
        if let Proxy::Jump(jump) = &self.proxy.value {
            if jump.hosts.last().is_some_and(|last| self.is_itself(last)) {
                let message = format!("the way to {host} leads through itself; name another host, or none");
                return Err(ConfigError { origin: self.proxy.origin.clone(), keyword: "proxyjump".into(), message });
            }
            self.connection.proxy_use_fdpass.value = false;
        }
        if self.forwarding.clear_all.value {
            self.forwarding.local.values.clear();
            self.forwarding.remote.values.clear();
            self.forwarding.dynamic.values.clear();
        }
        self.expand_files_of_others()?;
        self.expand_texts()?;
        self.expand_sockets()
    }

    /// Keys are not learnt by default where the user chose the files, or DNS vouches for keys.
    fn fill_update_host_keys(&mut self) {
        if !self.host_keys.update.is_set() {
            let files = &self.host_keys.user_files;
            let is_usual = !files.is_set() || files.value.0 == ["~/.ssh/known_hosts"];
            let usual = is_usual && self.host_keys.verify_dns.value == VerifyHostKeyDns::No;
            self.host_keys.update.value = if usual { UpdateHostKeys::Yes } else { UpdateHostKeys::No };
        }
    }

    fn is_itself(&self, JumpHost { user, host, port }: &JumpHost) -> bool {
        let same_port = port.unwrap_or(22) == self.connection.port.value.0;
        *host == self.host_name && same_port && user.as_ref().is_none_or(|user| *user == self.user)
    }

    /// Whether somebody can be asked once the user is in: not if a command runs, in the background, or if nothing is to be told.
    fn can_ask_later(&self, request: &Request) -> bool {
        let session = &self.session;
        let has_command = !request.command.is_empty() || session.remote_command.value.0.is_some();
        let is_shared = session.control_persist.value != ControlPersist::No && session.control_path.value.0.is_some();
        let is_quiet = matches!(session.log_level.value, LogLevel::Quiet | LogLevel::Fatal | LogLevel::Error);
        !(has_command || session.request_tty.value == RequestTty::No || is_shared || is_quiet)
    }

    fn expand_files_of_others(&mut self) -> Result<(), ConfigError> {
        let expand = |this: &Self, keyword: &str, paths: &[String]| {
            paths.iter().map(|path| this.expand_for(keyword, path, USUAL, true)).collect::<Result<Vec<_>, _>>()
        };
        self.host_keys.user_files.value.0 = expand(self, "userknownhostsfile", &self.host_keys.user_files.value.0)?;
        self.host_keys.revoked.value.0 = expand(self, "revokedhostkeys", &self.host_keys.revoked.value.0)?;
        if let Some(path) = self.session.control_path.value.0.clone() {
            self.session.control_path.value.0 = Some(self.expand_for("controlpath", &path, USUAL, true)?);
        }
        if let Some(agent) = self.identities.agent.value.clone()
            && agent.variable().is_none()
        {
            let path = self.expand_for("identityagent", &agent.0, USUAL, true)?;
            self.identities.agent.value = Some(AgentSocket(path));
        }
        if let ForwardAgent::Socket(agent) = self.forwarding.agent.value.clone()
            && agent.variable().is_none()
        {
            let path = self.expand_for("forwardagent", &agent.0, USUAL, true)?;
            self.forwarding.agent.value = ForwardAgent::Socket(AgentSocket(path));
        }
        Ok(())
    }

    fn expand_texts(&mut self) -> Result<(), ConfigError> {
        if let Some(command) = self.session.remote_command.value.0.clone() {
            let command = self.tokens.expand(&command, USUAL);
            self.session.remote_command.value.0 =
                Some(command.map_err(|e| self.wrong("remotecommand", e.to_string()))?);
        }
        if let Some(text) = self.connection.version_addendum.value.0.clone() {
            let text = self.expand_for("versionaddendum", &text, USUAL, false)?;
            self.connection.version_addendum.value.0 = Some(text);
        }
        let mut pairs = self.session.set_env.value.0.clone();
        for (_, value) in &mut pairs {
            *value = self.expand_for("setenv", value, USUAL, false)?;
        }
        self.session.set_env.value.0 = pairs;
        Ok(())
    }

    fn expand_sockets(&mut self) -> Result<(), ConfigError> {
        let mut local = self.forwarding.local.clone();
        for forward in &mut local.values {
            self.expand_address("localforward", &mut forward.value.listen)?;
            self.expand_address("localforward", &mut forward.value.connect)?;
        }
        let mut remote = self.forwarding.remote.clone();
        for forward in &mut remote.values {
            self.expand_address("remoteforward", &mut forward.value.listen)?;
            if let Some(connect) = &mut forward.value.connect {
                self.expand_address("remoteforward", connect)?;
            }
        }
        let mut dynamic = self.forwarding.dynamic.clone();
        for forward in &mut dynamic.values {
            self.expand_address("dynamicforward", &mut forward.value.0)?;
        }
        let forwarding = &mut self.forwarding;
        (forwarding.local, forwarding.remote, forwarding.dynamic) = (local, remote, dynamic);
        Ok(())
    }

    fn expand_address(&self, keyword: &str, address: &mut Address) -> Result<(), ConfigError> {
        match address {
            Address::Path(path) => *path = self.expand_for(keyword, path, USUAL, false)?,
            Address::Tcp { host: Some(host), .. } => {
                let expanded = expand_environment(host, &self.environment);
                *host = expanded.map_err(|error| self.wrong(keyword, error.to_string()))?;
            }
            Address::Tcp { host: None, .. } => {}
        }
        Ok(())
    }

    fn expand_for(&self, keyword: &str, text: &str, allowed: &str, tilde: bool) -> Result<String, ConfigError> {
        let text = if tilde { expand_tilde(text, &self.home) } else { text.into() };
        let expanded = expand_environment(&text, &self.environment).and_then(|text| self.tokens.expand(&text, allowed));
        expanded.map_err(|error| self.wrong(keyword, error.to_string()))
    }

    fn wrong(&self, keyword: &str, message: Fault) -> ConfigError {
        ConfigError { origin: self.origin_of(keyword), keyword: keyword.into(), message }
    }
}
