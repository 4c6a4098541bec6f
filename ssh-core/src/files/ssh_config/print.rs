//! The settings as `ssh -G` prints them.

use alloc::{format, string::String, string::ToString as _, vec, vec::Vec};

use super::resolved::Resolved;
use super::setting::{ConfigError, Origin};
use super::text::AlgorithmList;
use crate::crypto::{Algorithms, Named};
use crate::pattern;

/// Keys that are tried if none is named.
pub(super) const IDENTITY_FILES: &[&str] = &[
    "~/.ssh/id_rsa",
    "~/.ssh/id_ecdsa",
    "~/.ssh/id_ecdsa_sk",
    "~/.ssh/id_ed25519",
    "~/.ssh/id_ed25519_sk",
    "~/.ssh/id_mldsa44_ed25519",
];

/// Keywords in OpenSSH's order, after `host`, `user` and `hostname`.
const ORDER: &str = "port addressfamily batchmode canonicalizefallbacklocal canonicalizehostname checkhostip compression \
    controlmaster enablesshkeysign clearallforwardings exitonforwardfailure fingerprinthash forwardx11 forwardx11trusted \
    gatewayports hashknownhosts hostbasedauthentication identitiesonly kbdinteractiveauthentication \
    nohostauthenticationforlocalhost passwordauthentication permitlocalcommand proxyusefdpass pubkeyauthentication \
    requesttty sessiontype stdinnull forkafterauthentication streamlocalbindunlink stricthostkeychecking tcpkeepalive \
    tunnel verifyhostkeydns visualhostkey updatehostkeys enableescapecommandline warnweakcrypto canonicalizemaxdots \
    connectionattempts forwardx11timeout numberofpasswordprompts serveralivecountmax serveraliveinterval requiredrsasize \
    obscurekeystroketiming bindaddress bindinterface ciphers controlpath hostkeyalgorithms hostkeyalias \
    hostbasedacceptedalgorithms identityagent ignoreunknown kbdinteractivedevices kexalgorithms casignaturealgorithms \
    localcommand remotecommand loglevel macs pkcs11provider securitykeyprovider preferredauthentications \
    pubkeyacceptedalgorithms xauthlocation knownhostscommand tag versionaddendum dynamicforward localforward \
    remoteforward identityfile canonicaldomains certificatefile globalknownhostsfile userknownhostsfile revokedhostkeys \
    sendenv setenv logverbose channeltimeout permitremoteopen addkeystoagent forwardagent connecttimeout tunneldevice \
    canonicalizepermittedcnames controlpersist escapechar ipqos rekeylimit streamlocalbindmask syslogfacility";

/// Keywords of [`Older`](super::Older).
const OLDER: &str = "protocol cipher compressionlevel rsaauthentication rhostsauthentication rhostsrsaauthentication \
    useprivilegedport passwordprompthost passwordpromptlogin algorithms";

/// Names of one kind of algorithm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameList {
    /// Those that are offered by default, in order.
    pub default: Vec<String>,
    /// All that are known.
    pub known: Vec<String>,
}

/// Names of all kinds of algorithms that lists are about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlgorithmNames {
    /// Key exchange.
    pub kex: NameList,
    /// Host keys.
    pub host_key: NameList,
    /// Signatures of users.
    pub public_key: NameList,
    /// Signatures of hosts that vouch for users.
    pub host_based: NameList,
    /// Signatures of authorities.
    pub ca_signature: NameList,
    /// Ciphers.
    pub ciphers: NameList,
    /// Message authentication.
    pub macs: NameList,
}

impl AlgorithmNames {
    /// The names of the algorithms that are built in.
    pub fn built_in() -> Self {
        fn list<T: Named>(default: &[T], known: &[T]) -> NameList {
            let names = |list: &[T]| list.iter().map(|each| String::from(each.name())).collect();
            NameList { default: names(default), known: names(known) }
        }
        let (default, known) = (Algorithms::default(), Algorithms::all());
        let host_key = list(&default.host_key, &known.host_key);
        Self {
            kex: list(&default.kex, &known.kex),
            public_key: list(&default.public_key, &known.public_key),
            host_based: host_key.clone(),
            ca_signature: host_key.clone(),
            host_key,
            ciphers: list(&default.ciphers, &known.ciphers),
            macs: list(&default.macs, &known.macs),
        }
    }
}

impl NameList {
    /// The names a list stands for, with commas.
    fn apply(&self, list: Option<&str>) -> Result<String, String> {
        let Some(list) = list else { return Ok(self.default.join(",")) };
        let items = |text: &str| text.split(',').map(String::from).collect::<Vec<_>>();
        if let Some(removed) = list.strip_prefix('-') {
            let removed = items(removed);
            let is_removed =
                |name: &String| pattern::list_matches(removed.iter().map(String::as_bytes), name.as_bytes());
            let left: Vec<&str> = self.default.iter().filter(|name| !is_removed(name)).map(String::as_str).collect();
            return Ok(left.join(","));
        }
        let wanted = match (list.strip_prefix('+'), list.strip_prefix('^')) {
            (Some(more), _) => [self.default.clone(), items(more)].concat(),
            (_, Some(first)) => [items(first), self.default.clone()].concat(),
            _ => items(list),
        };
        let mut names: Vec<&str> = Vec::new();
        for item in &wanted {
            let found = self.known.iter().filter(|name| pattern::matches(item.as_bytes(), name.as_bytes()));
            let before = names.len();
            let mut any = false;
            for name in found {
                any = true;
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
            if !any && before == names.len() {
                return Err(format!("\"{}\" is no known algorithm", item.escape_debug()));
            }
        }
        Ok(names.join(","))
    }
}

impl Resolved {
    /// Every setting in the order and spelling of `ssh -G`: keyword, value, and where it was said.
    ///
    /// # Errors
    /// [`ConfigError`] if a list holds an algorithm that is not among `names`.
    pub fn lines(&self, names: &AlgorithmNames) -> Result<Vec<(&'static str, String, Origin)>, ConfigError> {
        let mut lines = vec![
            ("host", self.host.clone(), Origin::CommandLine),
            ("user", self.user.clone(), self.login.user.origin.clone()),
            ("hostname", self.host_name.clone(), self.connection.host_name.origin.clone()),
        ];
        for keyword in ORDER.split_whitespace() {
            let shown = match self.algorithm_list(keyword, names) {
                Some((setting, names)) => {
                    let list = names.apply(setting.value.0.as_deref()).map_err(|message| ConfigError {
                        origin: setting.origin.clone(),
                        keyword: keyword.into(),
                        message,
                    })?;
                    vec![(list, setting.origin.clone())]
                }
                None if keyword == "identityfile" && self.identities.files.values.is_empty() => {
                    IDENTITY_FILES.iter().map(|file| (file.to_string(), Origin::Default)).collect()
                }
                None => self.field(keyword).map(|field| field.show()).unwrap_or_default(),
            };
            lines.extend(shown.into_iter().map(|(value, origin)| (keyword, value, origin)));
        }
        lines.extend(self.proxy.value.show().map(|(keyword, value)| (keyword, value, self.proxy.origin.clone())));
        Ok(lines)
    }

    /// What was said of [`Older`](super::Older)'s settings, which `ssh -G` does not print.
    pub fn older_lines(&self) -> Vec<(&'static str, String, Origin)> {
        let shown = |keyword| self.field(keyword).map(|field| field.show()).unwrap_or_default();
        let lines = OLDER
            .split_whitespace()
            .flat_map(|keyword| shown(keyword).into_iter().map(move |(value, origin)| (keyword, value, origin)));
        lines.filter(|(_, _, origin)| *origin != Origin::Default).collect()
    }

    fn algorithm_list<'a>(
        &'a self,
        keyword: &str,
        names: &'a AlgorithmNames,
    ) -> Option<(&'a super::Setting<AlgorithmList>, &'a NameList)> {
        let lists = &self.algorithms;
        Some(match keyword {
            "kexalgorithms" => (&lists.kex, &names.kex),
            "hostkeyalgorithms" => (&lists.host_key, &names.host_key),
            "pubkeyacceptedalgorithms" => (&lists.public_key, &names.public_key),
            "hostbasedacceptedalgorithms" => (&lists.host_based, &names.host_based),
            "casignaturealgorithms" => (&lists.ca_signature, &names.ca_signature),
            "ciphers" => (&lists.ciphers, &names.ciphers),
            "macs" => (&lists.macs, &names.macs),
            _ => return None,
        })
    }
}
