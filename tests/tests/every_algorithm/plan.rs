//! Which peer meets which algorithm, in both of our roles. What is run and what the table says is this.

use std::process::Command;

use ssh_core::crypto::{Algorithms, Named};
use ssh_interop_tests::peer::{command, newer_openssh};
use ssh_interop_tests::{DEADLINE, run_with_timeout};

/// Whom an algorithm is tried with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// The installed OpenSSH.
    OpenSsh,
    /// The same, while the library asks a security key in software for the signature: our programs ask no agent.
    OpenSshForToken,
    AsyncSsh,
    Plink,
    /// OpenSSH 10.6 or newer, of which most systems have none.
    NewerOpenSsh,
    NewerOpenSshForToken,
    /// Nobody, and why.
    Nobody(&'static str),
}

impl Peer {
    /// How the table calls it.
    pub(crate) fn shown(self, role: Role) -> String {
        let name = match (self, role) {
            (Self::OpenSsh, Role::Client) => "OpenSSH `sshd`",
            (Self::OpenSsh, Role::Server) => "OpenSSH `ssh`",
            (Self::OpenSshForToken, Role::Client) => "OpenSSH `sshd`; the library with a security key in software",
            (Self::OpenSshForToken, Role::Server) => "OpenSSH `ssh`; the library with a security key in software",
            (Self::AsyncSsh, _) => "AsyncSSH",
            (Self::Plink, _) => "PuTTY `plink`",
            (Self::NewerOpenSsh, Role::Client) => "OpenSSH 10.6 `sshd`",
            (Self::NewerOpenSsh, Role::Server) => "OpenSSH 10.6 `ssh`",
            (Self::NewerOpenSshForToken, _) => "OpenSSH 10.6 `sshd`; the library with a security key in software",
            (Self::Nobody(why), _) => return format!("no peer: {why}"),
        };
        name.into()
    }

    /// What [`ssh_interop_tests::peer::require_all`] asks for. A newer OpenSSH is optional.
    pub(crate) fn tools(self) -> &'static [&'static str] {
        match self {
            Self::OpenSsh => &["ssh", "sshd", "ssh-keygen"],
            Self::OpenSshForToken | Self::NewerOpenSshForToken => &["ssh", "sshd", "ssh-keygen", "asyncssh"],
            Self::AsyncSsh => &["asyncssh", "ssh-keygen"],
            Self::Plink => &["plink", "puttygen", "ssh-keygen"],
            Self::NewerOpenSsh | Self::Nobody(_) => &["ssh-keygen"],
        }
    }

    /// Whether it is an OpenSSH that most systems have not.
    pub(crate) fn is_newer(self) -> bool {
        matches!(self, Self::NewerOpenSsh | Self::NewerOpenSshForToken)
    }

    /// What the peer that is here has not of these algorithms.
    pub(crate) fn lacks(self, kind: Kind, algorithms: &[&'static str]) -> Vec<&'static str> {
        let ssh = match self {
            Self::OpenSsh | Self::OpenSshForToken => command("ssh"),
            Self::NewerOpenSsh | Self::NewerOpenSshForToken if newer_openssh::directory().is_none() => {
                return algorithms.to_vec();
            }
            Self::NewerOpenSsh | Self::NewerOpenSshForToken => newer_openssh::command("ssh"),
            Self::AsyncSsh | Self::Plink | Self::Nobody(_) => return Vec::new(),
        };
        let Some(known) = kind.known_to(ssh) else { return Vec::new() };
        algorithms.iter().copied().filter(|name| !known.lines().any(|line| line == *name)).collect()
    }

    /// Whether the library asks an agent for the signature.
    pub(crate) fn is_for_token(self) -> bool {
        matches!(self, Self::OpenSshForToken | Self::NewerOpenSshForToken)
    }
}

/// Ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    KeyExchange,
    HostKey,
    UserKey,
    Cipher,
    Mac,
    Compression,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::KeyExchange, Self::HostKey, Self::UserKey, Self::Cipher, Self::Mac, Self::Compression];

    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::KeyExchange => "Key exchange",
            Self::HostKey => "Host keys",
            Self::UserKey => "User keys",
            Self::Cipher => "Ciphers",
            Self::Mac => "MACs, with aes128-ctr",
            Self::Compression => "Compression",
        }
    }

    /// The options, of our programs and of OpenSSH's, that leave one choice of this kind.
    pub(crate) fn options(self, algorithm: &str) -> Vec<String> {
        match self {
            Self::KeyExchange => vec![format!("KexAlgorithms={algorithm}")],
            Self::HostKey => vec![format!("HostKeyAlgorithms={algorithm}")],
            Self::UserKey => vec![format!("PubkeyAcceptedAlgorithms={algorithm}")],
            Self::Cipher => vec![format!("Ciphers={algorithm}")],
            Self::Mac => vec![format!("MACs={algorithm}"), "Ciphers=aes128-ctr".into()],
            Self::Compression => vec![format!("Compression={algorithm}")],
        }
    }

    /// The options of our client, whose `Compression` is yes or no, as OpenSSH's is.
    pub(crate) fn client_options(self, algorithm: &str) -> Vec<String> {
        match self {
            Self::Compression => vec![format!("CompressionAlgorithms={algorithm}")],
            other => other.options(algorithm),
        }
    }

    /// What OpenSSH says it has; of compression it does not say.
    fn known_to(self, mut ssh: Command) -> Option<String> {
        let query = match self {
            Self::KeyExchange => "kex",
            Self::HostKey | Self::UserKey => "key-sig",
            Self::Cipher => "cipher",
            Self::Mac => "mac",
            Self::Compression => return None,
        };
        ssh.args(["-Q", query]);
        Some(run_with_timeout(ssh, b"", DEADLINE).expect_success().stdout_text())
    }

    /// What is built in.
    pub(crate) fn built_in(self) -> Vec<&'static str> {
        fn names<T: Named>(list: &[T]) -> Vec<&'static str> {
            list.iter().map(Named::name).collect()
        }
        let all = Algorithms::all();
        match self {
            Self::KeyExchange => names(&all.kex),
            Self::HostKey => names(&all.host_key),
            Self::UserKey => names(&all.public_key),
            Self::Cipher => names(&all.ciphers),
            Self::Mac => names(&all.macs),
            Self::Compression => names(&all.compression),
        }
    }

    pub(crate) fn plan(self) -> &'static [Cell] {
        match self {
            Self::KeyExchange => KEY_EXCHANGE,
            Self::HostKey => HOST_KEYS,
            Self::UserKey => USER_KEYS,
            Self::Cipher => CIPHERS,
            Self::Mac => MACS,
            Self::Compression => COMPRESSION,
        }
    }

    /// The peers, with the algorithms that each is to meet.
    pub(crate) fn peers(self, role: Role) -> Vec<(Peer, Vec<&'static str>)> {
        let mut peers = Vec::<(Peer, Vec<_>)>::new();
        for cell in self.plan().iter().filter(|cell| !matches!(cell.peer(role), Nobody(_))) {
            match peers.iter_mut().find(|(peer, _)| *peer == cell.peer(role)) {
                Some((_, algorithms)) => algorithms.push(cell.algorithm),
                None => peers.push((cell.peer(role), vec![cell.algorithm])),
            }
        }
        peers
    }
}

/// An algorithm and its peers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) algorithm: &'static str,
    client: Peer,
    server: Peer,
}

impl Cell {
    /// Whom we meet in this role.
    pub(crate) fn peer(&self, role: Role) -> Peer {
        match role {
            Role::Client => self.client,
            Role::Server => self.server,
        }
    }
}

const fn both(algorithm: &'static str, peer: Peer) -> Cell {
    Cell { algorithm, client: peer, server: peer }
}

const fn each(algorithm: &'static str, client: Peer, server: Peer) -> Cell {
    Cell { algorithm, client, server }
}

use Peer::{AsyncSsh, NewerOpenSsh, NewerOpenSshForToken, Nobody, OpenSsh, OpenSshForToken, Plink};

const KEY_EXCHANGE: &[Cell] = &[
    both("mlkem768x25519-sha256", AsyncSsh),
    both("mlkem768nistp256-sha256", AsyncSsh),
    both("mlkem1024nistp384-sha384", AsyncSsh),
    both("sntrup761x25519-sha512", OpenSsh),
    both("sntrup761x25519-sha512@openssh.com", OpenSsh),
    both("curve25519-sha256", OpenSsh),
    both("curve25519-sha256@libssh.org", OpenSsh),
    both("ecdh-sha2-nistp256", OpenSsh),
    both("ecdh-sha2-nistp384", OpenSsh),
    both("ecdh-sha2-nistp521", OpenSsh),
    both("diffie-hellman-group14-sha256", OpenSsh),
    both("diffie-hellman-group15-sha512", AsyncSsh),
    both("diffie-hellman-group16-sha512", OpenSsh),
    both("diffie-hellman-group17-sha512", AsyncSsh),
    both("diffie-hellman-group18-sha512", OpenSsh),
    both("diffie-hellman-group-exchange-sha256", OpenSsh),
    both("diffie-hellman-group14-sha1", OpenSsh),
    both("diffie-hellman-group-exchange-sha1", OpenSsh),
    both("diffie-hellman-group1-sha1", OpenSsh),
];

const OLD_NAME: Peer =
    Nobody("the name of OpenSSH 10.4 and 10.5, which no distribution has; signatures are those of the name above");
const NO_BROWSER: Peer = Nobody("a browser's signature, which no server makes; as a user's it is below");

const NO_NAME: Peer =
    Nobody("no client signs under this name; OpenSSH 10.6 sends such signatures of an agent under that of sk-ecdsa");

const HOST_KEYS: &[Cell] = &[
    both("ssh-ed25519", OpenSsh),
    both("ecdsa-sha2-nistp256", OpenSsh),
    both("ecdsa-sha2-nistp384", OpenSsh),
    both("ecdsa-sha2-nistp521", OpenSsh),
    each("sk-ssh-ed25519@openssh.com", OpenSsh, OpenSshForToken),
    each("sk-ecdsa-sha2-nistp256@openssh.com", OpenSsh, OpenSshForToken),
    both("webauthn-sk-ecdsa-sha2-nistp256@openssh.com", NO_BROWSER),
    both("rsa-sha2-512", OpenSsh),
    both("rsa-sha2-256", OpenSsh),
    both("ssh-mldsa44-ed25519", NewerOpenSsh),
    both("ssh-mldsa44-ed25519@openssh.com", OLD_NAME),
    both("ssh-rsa", OpenSsh),
    both("ssh-dss", OpenSsh),
    both("ssh-ed25519-cert-v01@openssh.com", OpenSsh),
    both("ecdsa-sha2-nistp256-cert-v01@openssh.com", OpenSsh),
    both("ecdsa-sha2-nistp384-cert-v01@openssh.com", OpenSsh),
    both("ecdsa-sha2-nistp521-cert-v01@openssh.com", OpenSsh),
    each("sk-ssh-ed25519-cert-v01@openssh.com", OpenSsh, OpenSshForToken),
    each("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", OpenSsh, OpenSshForToken),
    both("webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", NO_BROWSER),
    both("rsa-sha2-512-cert-v01@openssh.com", OpenSsh),
    both("rsa-sha2-256-cert-v01@openssh.com", OpenSsh),
    both("ssh-mldsa44-ed25519-cert", NewerOpenSsh),
    both("ssh-mldsa44-ed25519-cert-v01@openssh.com", OLD_NAME),
    both("ssh-rsa-cert-v01@openssh.com", OpenSsh),
    both("ssh-dss-cert-v01@openssh.com", OpenSsh),
];

const USER_KEYS: &[Cell] = &[
    both("ssh-ed25519", OpenSsh),
    both("ecdsa-sha2-nistp256", OpenSsh),
    both("ecdsa-sha2-nistp384", OpenSsh),
    both("ecdsa-sha2-nistp521", OpenSsh),
    each("sk-ssh-ed25519@openssh.com", OpenSshForToken, OpenSsh),
    each("sk-ecdsa-sha2-nistp256@openssh.com", OpenSshForToken, OpenSsh),
    each("webauthn-sk-ecdsa-sha2-nistp256@openssh.com", OpenSshForToken, AsyncSsh),
    both("rsa-sha2-512", OpenSsh),
    both("rsa-sha2-256", OpenSsh),
    both("ssh-mldsa44-ed25519", NewerOpenSsh),
    both("ssh-mldsa44-ed25519@openssh.com", OLD_NAME),
    both("ssh-rsa", OpenSsh),
    both("ssh-dss", OpenSsh),
    both("ssh-ed25519-cert-v01@openssh.com", OpenSsh),
    both("ecdsa-sha2-nistp256-cert-v01@openssh.com", OpenSsh),
    both("ecdsa-sha2-nistp384-cert-v01@openssh.com", OpenSsh),
    both("ecdsa-sha2-nistp521-cert-v01@openssh.com", OpenSsh),
    each("sk-ssh-ed25519-cert-v01@openssh.com", OpenSshForToken, OpenSsh),
    each("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", OpenSshForToken, OpenSsh),
    each("webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", NewerOpenSshForToken, NO_NAME),
    both("rsa-sha2-512-cert-v01@openssh.com", OpenSsh),
    both("rsa-sha2-256-cert-v01@openssh.com", OpenSsh),
    both("ssh-mldsa44-ed25519-cert", NewerOpenSsh),
    both("ssh-mldsa44-ed25519-cert-v01@openssh.com", OLD_NAME),
    both("ssh-rsa-cert-v01@openssh.com", OpenSsh),
    both("ssh-dss-cert-v01@openssh.com", OpenSsh),
];

const CIPHERS: &[Cell] = &[
    both("chacha20-poly1305@openssh.com", OpenSsh),
    both("aes128-gcm@openssh.com", OpenSsh),
    both("aes256-gcm@openssh.com", OpenSsh),
    both("aes128-ctr", OpenSsh),
    both("aes192-ctr", OpenSsh),
    both("aes256-ctr", OpenSsh),
    both("aes128-cbc", OpenSsh),
    both("aes192-cbc", OpenSsh),
    both("aes256-cbc", OpenSsh),
    each("rijndael-cbc@lysator.liu.se", AsyncSsh, Plink),
    both("3des-cbc", OpenSsh),
    both("blowfish-cbc", AsyncSsh),
    both("cast128-cbc", AsyncSsh),
    both("arcfour256", AsyncSsh),
    both("arcfour128", AsyncSsh),
    both("arcfour", AsyncSsh),
];

const MACS: &[Cell] = &[
    both("hmac-sha2-256-etm@openssh.com", OpenSsh),
    both("hmac-sha2-512-etm@openssh.com", OpenSsh),
    both("umac-128-etm@openssh.com", OpenSsh),
    both("umac-64-etm@openssh.com", OpenSsh),
    both("hmac-sha2-256", OpenSsh),
    both("hmac-sha2-512", OpenSsh),
    both("umac-128@openssh.com", OpenSsh),
    both("umac-64@openssh.com", OpenSsh),
    both("hmac-sha1-etm@openssh.com", OpenSsh),
    both("hmac-sha1", OpenSsh),
    both("hmac-sha1-96-etm@openssh.com", OpenSsh),
    both("hmac-sha1-96", OpenSsh),
    both("hmac-md5-etm@openssh.com", OpenSsh),
    both("hmac-md5", OpenSsh),
    both("hmac-md5-96-etm@openssh.com", OpenSsh),
    both("hmac-md5-96", OpenSsh),
];

const COMPRESSION: &[Cell] =
    &[both("none", OpenSsh), both("zlib@openssh.com", OpenSsh), each("zlib", AsyncSsh, OpenSsh)];
