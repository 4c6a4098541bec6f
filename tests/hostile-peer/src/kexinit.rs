//! KEXINIT (RFC 4253 §7.1) with every field open to change.

use crate::codec::{Reader, string};
use crate::peer::Role;
use crate::seal::Cipher;
use crate::{Mac, Method};

/// What goes into a KEXINIT. Lists are text, so that they can be as wrong as wanted.
#[derive(Clone, Debug)]
pub struct KexInit {
    /// 16 bytes.
    pub cookie: [u8; 16],
    /// Methods, without the markers below.
    pub kex: String,
    /// Host key algorithms.
    pub host_key: String,
    /// Client to server, server to client.
    pub ciphers: [String; 2],
    /// Client to server, server to client.
    pub macs: [String; 2],
    /// Client to server, server to client.
    pub compression: [String; 2],
    /// Client to server, server to client.
    pub languages: [String; 2],
    /// Adds `kex-strict-*` to the first KEXINIT.
    pub strict: bool,
    /// Adds `ext-info-*` to the first KEXINIT.
    pub ext_info: bool,
    /// `first_kex_packet_follows`
    pub guess: bool,
    /// 0 in an honest one.
    pub reserved: u32,
}

impl KexInit {
    /// One method and one cipher, strict, with EXT_INFO.
    pub fn new(method: Method, cipher: Cipher) -> Self {
        let mac = cipher.mac().unwrap_or(Mac::HmacSha2_256).name();
        let both = |name: &str| [name.to_owned(), name.to_owned()];
        Self {
            cookie: [0x5a; 16],
            kex: method.name().into(),
            host_key: "ssh-ed25519".into(),
            ciphers: both(cipher.name()),
            macs: both(mac),
            compression: both("none"),
            languages: both(""),
            strict: true,
            ext_info: true,
            guess: false,
            reserved: 0,
        }
    }

    /// The message as `role` says it; `first`: in the first exchange.
    pub fn payload(&self, role: Role, first: bool) -> Vec<u8> {
        let (strict, ext_info) = match role {
            Role::Client => ("kex-strict-c-v00@openssh.com", "ext-info-c"),
            Role::Server => ("kex-strict-s-v00@openssh.com", "ext-info-s"),
        };
        let mut kex = self.kex.clone();
        for (wanted, marker) in [(self.ext_info, ext_info), (self.strict, strict)] {
            if wanted && first {
                kex = if kex.is_empty() { marker.into() } else { format!("{kex},{marker}") };
            }
        }
        let pairs = [&self.ciphers, &self.macs, &self.compression, &self.languages];
        let lists = [&kex, &self.host_key].into_iter().chain(pairs.into_iter().flatten());
        let mut payload = vec![20];
        payload.extend(self.cookie);
        lists.for_each(|list| payload.extend(string(list)));
        payload.push(u8::from(self.guess));
        payload.extend(self.reserved.to_be_bytes());
        payload
    }
}

/// The ten lists of a KEXINIT that was received, or sent.
#[derive(Clone, Debug)]
pub struct Lists(pub Vec<Vec<String>>);

impl Lists {
    /// Reads a whole payload.
    pub fn parse(payload: &[u8]) -> Result<Self, String> {
        let mut reader = Reader::new(payload);
        if reader.byte()? != 20 {
            return Err("not a KEXINIT".into());
        }
        reader.bytes(16)?;
        let lists = (0..10).map(|_| reader.name_list()).collect::<Result<_, _>>()?;
        reader.bytes(5)?;
        reader.finish()?;
        Ok(Self(lists))
    }

    /// Whether the methods hold `kex-strict-*` of either side.
    pub fn is_strict(&self) -> bool {
        self.0[0].iter().any(|name| name.starts_with("kex-strict-"))
    }

    /// What a client with these lists and this server agree on in list `at`.
    pub fn agree(&self, server: &Self, at: usize) -> Result<String, String> {
        let common = self.0[at].iter().find(|name| server.0[at].contains(name));
        common.cloned().ok_or_else(|| format!("nothing in common: {:?} and {:?}", self.0[at], server.0[at]))
    }
}
